/* tests/fuzz/conf.c: libFuzzer target of the configuration parser. Seeds: ../shared/examples.
 *
 * Nothing outside is touched: text from memory opens no file. What is accepted must hold together: no tunnel without a
 * profile, no profile without keys, nothing to use where there are errors; errors have places and can be printed. What show
 * running-config says of it loads again, and is shown the same; masked, it hides each secret. */
#include <stdlib.h>
#include <string.h>

#include "nhrpd/daemon/conf.h"

static bool
needs_key(const struct ike_profile *p)
{
	return !p->auth_local || !p->auth_remote || (p->auth_remote & IKE_TAKE_PSK);
}

static bool
needs_trust(const struct ike_profile *p)
{
	return p->auth_local || (p->auth_remote & ~IKE_TAKE_PSK);
}

static bool
has_secret(const struct conf *c)
{
	for (unsigned i = 0; i < c->core.ike.n_profile; i++) {
		if (c->core.ike.profile[i].n_key)
			return true;
	}
	return false;
}

static void
look(const struct conf *c)
{
	if (c->n_error && (c->core.n_tunnel || c->core.ike.n_profile))
		abort();
	for (unsigned i = 0; i < c->n_error; i++) {
		if (!c->error[i].line || !c->error[i].column || !c->error[i].text[0])
			abort();
	}
	for (unsigned i = 0; i < c->core.n_tunnel; i++) {
		const struct core_tunnel_conf *t = &c->core.tunnel[i];

		if (t->profile >= c->core.ike.n_profile || (t->dp.n_addr == 0) != (c->tunnel[i].map != NULL) || t->dp.id != i + 1 || (!t->source_if && !t->dp.source.n))
			abort();
		if (t->dp.plain != (t->plain != NULL) || (t->nhrp.network_id == 0) != t->dp.plain)	/* NHRP or plain IPsec, one of them */
			abort();
	}
	for (unsigned i = 0; i < c->core.ike.n_profile; i++) {
		const struct ike_profile *p = &c->core.ike.profile[i];

		if (p->n_more >= IKE_PAIRS_MAX || (p->n_more && !dp_plain(&p->plain)))
			abort();
		if ((needs_key(p) && p->n_key == 0) || (needs_trust(p) && p->n_trust == 0))
			abort();
		if (p->n_ike == 0 || p->n_esp == 0 || p->ike[0].n_encr == 0 || p->ike[0].n_group == 0)
			abort();
		for (unsigned k = 0; k < p->n_key; k++) {
			if (p->key[k].psk_len == 0 || p->key[k].psk_len > IKE_PSK_MAX)
				abort();
		}
	}
}

static void
put_line(void *ctx, const char *line)
{
	fprintf(ctx, "%s\n", line);
}

static char *
shown(const struct conf *c, bool secrets)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	if (!f)
		abort();
	conf_each_line(c, secrets, put_line, f);
	if (fclose(f) != 0)
		abort();
	return text;
}

static void
round_trip(const struct conf *c)
{
	char *text = shown(c, true), *masked = shown(c, false), *again;
	struct conf *d = conf_read_text("shown", text), *m = conf_read_text("masked", masked);

	if (!d || !m || d->n_error || d->core.n_tunnel != c->core.n_tunnel || d->core.ike.n_profile != c->core.ike.n_profile)
		abort();
	if (has_secret(c) && !m->n_error)	/* masked, it does not load */
		abort();
	again = shown(d, true);
	if (strcmp(text, again) != 0)
		abort();
	conf_free(d);
	conf_free(m);
	free(text);
	free(masked);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static FILE *null;
	char *text = malloc(n + 1);
	struct conf *c;

	if (!null)
		null = fopen("/dev/null", "w");
	if (!text || !null)
		abort();
	memcpy(text, data, n);
	text[n] = '\0';
	c = conf_read_text("fuzz", text);
	if (!c)
		abort();
	look(c);
	if (c->n_error == 0)
		round_trip(c);
	conf_print_errors(c, null);
	conf_free(c);
	free(text);
	return 0;
}
