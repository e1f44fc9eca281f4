/* nhrpd/daemon/conf_set.c: what a line that was understood does: it opens a block or notes a value with its place.
 * Nothing is looked up here but names for duplicates; blocks may stand in any order (conf_build.c). */
#include "nhrpd/daemon/conf_priv.h"

#include <stdlib.h>

static struct conf_place
place(const struct conf_cmd *c, unsigned column)
{
	return (struct conf_place){ c->line, column };
}

static const struct conf_arg *
last_arg(const struct conf_cmd *c)
{
	return c->n_arg ? &c->arg[c->n_arg - 1] : NULL;
}

static void *
target(struct conf_parse *p, const struct conf_cmd *c)
{
	char *block = c->rule->ctx == CONF_GLOBAL ? (char *)&p->global : p->block[c->rule->ctx];

	return block + c->rule->off;
}

/* True where there is something else there already: said as an error. The same again is fine (ip and ipv6 words, includes). */
static bool
set_twice(struct conf_parse *p, const struct conf_cmd *c, unsigned column, const struct conf_val *old, const struct conf_val *v)
{
	if (!old->at.line)
		return false;
	if (old->n == v->n && memcmp(&old->p, &v->p, sizeof(v->p)) == 0 && (!old->s || !v->s || strcmp(old->s, v->s) == 0))
		return false;
	conf_error_at(p, place(c, column), "set to something else already, at %s", conf_place_text(p, old->at));
	return true;
}

void
conf_set_value(struct conf_parse *p, const struct conf_cmd *c)
{
	const struct conf_arg *a = last_arg(c);
	struct conf_val *out = target(p, c), v;
	unsigned column = a ? a->column : c->column;

	if (c->no) {
		memset(out, 0, sizeof(*out));
		return;
	}
	memset(&v, 0, sizeof(v));
	if (a)
		v = a->v;
	v.at = place(c, column);
	if (!set_twice(p, c, column, out, &v))
		*out = v;
}

/* "mode transport [require]", "mode tunnel" */
void
conf_set_mode(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_val *out = target(p, c),
			v = { .at = place(c, c->column), .n = conf_has(c, "tunnel") ? IKE_MODE_TUNNEL : conf_has(c, "require") ? IKE_MODE_TRANSPORT_ONLY :
			    IKE_MODE_TRANSPORT };

	if (c->no)
		memset(out, 0, sizeof(*out));
	else if (!set_twice(p, c, c->column, out, &v))
		*out = v;
}

/* "no" is a choice here, not the default: clamping off. */
void
conf_set_mss(struct conf_parse *p, const struct conf_cmd *c)
{
	if (c->no)
		*(struct conf_val *)target(p, c) = (struct conf_val){ .at = place(c, c->column), .n = UINT32_MAX };
	else
		conf_set_value(p, c);
}

/* at says where, n what: "no shutdown" is not the same as nothing said. */
void
conf_set_flag(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_val *out = target(p, c);

	out->at = place(c, c->column);
	out->n = !c->no;
}

/* A flag that is on where nothing is said. */
void
conf_set_choice(struct conf_parse *p, const struct conf_cmd *c)
{
	conf_set_flag(p, c);
}

void
conf_set_list(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_list *l = target(p, c);

	memset(l, 0, sizeof(*l));
	for (unsigned i = 0; i < c->n_arg && !c->no; i++) {
		const struct conf_arg *a = &c->arg[i];

		if (l->n == CONF_LIST_MAX) {
			conf_error_at(p, place(c, a->column), "more than %d in one list", CONF_LIST_MAX);
			return;
		}
		for (unsigned k = 0; k < i; k++) {
			if (strcmp(c->arg[k].v.s, a->v.s) == 0)
				conf_error_at(p, place(c, a->column), "%s stands twice", a->v.s);
		}
		l->at[l->n] = place(c, a->column);
		l->v[l->n] = a->v.n;
		l->s[l->n++] = a->v.s;
	}
}

void
conf_set_nothing(struct conf_parse *p, const struct conf_cmd *c)
{
	(void)p, (void)c;
}

/* Words that others have and we do not: better said than "expected ...". */
void
conf_not_yet(struct conf_parse *p, const struct conf_cmd *c)
{
	static const struct {
		const char *word, *text;
	} instead[] = {
		{ "deny", "deny is not supported: only what is permitted is protected" },
		{ "authentication", "EAP is not supported: use pre-share, ecdsa-sig, rsa-sig or digital-signature" },
		{ "transform-set", "that protects too little: use esp-gcm 256, esp-chacha20-poly1305 or esp-aes 256 esp-sha256-hmac" },
	};

	for (size_t i = 0; i < sizeof(instead) / sizeof(instead[0]) && !c->no; i++) {
		if (conf_has(c, instead[i].word))
			conf_error_at(p, place(c, c->word[c->n_word - 1].column), "%s", instead[i].text);
	}
}

/* ---- blocks */

void *
conf_open_block(struct conf_parse *p, const struct conf_cmd *c, enum conf_ctx ctx, struct conf_block **list, size_t size)
{
	const struct conf_arg *a = &c->arg[0];
	struct conf_block *b, **end = list;

	for (; *end; end = &(*end)->next) {
		if (strcmp((*end)->name, a->v.s) == 0) {
			conf_error_at(p, place(c, a->column), "%s %s stands already at %s", conf_ctx_name(ctx), a->v.s, conf_place_text(p, (*end)->at));
			return NULL;
		}
	}
	b = conf_alloc(p->mem, size);
	if (!b)
		return NULL;
	b->name = a->v.s;
	b->at = place(c, a->column);
	*end = b;
	p->ctx = ctx;
	p->block[ctx] = b;
	return b;
}

void
conf_open_proposal(struct conf_parse *p, const struct conf_cmd *c)
{
	conf_open_block(p, c, CONF_PROPOSAL, &p->proposal, sizeof(struct conf_b_proposal));
}

void
conf_open_policy(struct conf_parse *p, const struct conf_cmd *c)
{
	conf_open_block(p, c, CONF_POLICY, &p->policy, sizeof(struct conf_b_policy));
}

void
conf_open_keyring(struct conf_parse *p, const struct conf_cmd *c)
{
	conf_open_block(p, c, CONF_KEYRING, &p->keyring, sizeof(struct conf_b_keyring));
}

void
conf_open_peer(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_b_keyring *k = p->block[CONF_KEYRING];

	conf_open_block(p, c, CONF_PEER, &k->peer, sizeof(struct conf_b_peer));
}

void
conf_open_profile(struct conf_parse *p, const struct conf_cmd *c)
{
	conf_open_block(p, c, CONF_PROFILE, &p->profile, sizeof(struct conf_b_profile));
}

void
conf_open_ipsec(struct conf_parse *p, const struct conf_cmd *c)
{
	conf_open_block(p, c, CONF_IPSEC, &p->ipsec, sizeof(struct conf_b_ipsec));
}

/* "esp-aes 256 esp-sha256-hmac": which cipher and which hash the words name, and how long the key is. */
void
conf_open_transform(struct conf_parse *p, const struct conf_cmd *c)
{
	static const struct {
		const char *word;
		uint16_t encr, bits, integ;
	} words[] = {
		{ "esp-gcm", 20, 128, 0 }, { "esp-chacha20-poly1305", 28, 0, 0 }, { "esp-aes", 12, 128, 0 }, { "esp-aes-ctr", 13, 128, 0 },
		{ "esp-3des", 3, 0, 0 }, { "esp-sha-hmac", 0, 0, 2 }, { "esp-sha256-hmac", 0, 0, 12 }, { "esp-sha384-hmac", 0, 0, 13 },
		{ "esp-sha512-hmac", 0, 0, 14 },
	};
	struct conf_b_transform *t = conf_open_block(p, c, CONF_TRANSFORM, &p->transform, sizeof(*t));
	uint16_t bits = conf_has(c, "256") ? 256 : conf_has(c, "192") ? 192 : conf_has(c, "128") ? 128 : 0;

	for (size_t i = 0; t && i < sizeof(words) / sizeof(words[0]); i++) {
		if (!conf_has(c, words[i].word))
			continue;
		if (words[i].encr)
			t->cipher = CONF_CIPHER(words[i].encr, bits ? bits : words[i].bits);
		else
			t->integ = words[i].integ;
	}
	if (t && ((t->cipher >> 16) == 3 || t->integ == 2))
		conf_warn_at(p, t->b.at, "transform-set %s: 3DES and SHA-1 are outdated, for old peers only", t->b.name);
}

void
conf_open_interface(struct conf_parse *p, const struct conf_cmd *c)
{
	conf_open_block(p, c, CONF_INTERFACE, &p->interface, sizeof(struct conf_b_interface));
}

void
conf_leave(struct conf_parse *p, const struct conf_cmd *c)
{
	(void)c;
	p->ctx = conf_ctx_up(p->ctx);
}

void
conf_end(struct conf_parse *p, const struct conf_cmd *c)
{
	(void)c;
	p->ended = true;
}

void
conf_include(struct conf_parse *p, const struct conf_cmd *c)
{
	conf_read_include(p, place(c, c->arg[0].column), c->arg[0].v.s);
}

/* ---- identities */

/* The prefix of "address P [MASK]" whose P is argument `first`. False: said. */
static bool
masked(struct conf_parse *p, const struct conf_cmd *c, unsigned first, struct prefix *out)
{
	const struct conf_arg *a = &c->arg[first], *mask = first + 1 < c->n_arg ? &c->arg[first + 1] : NULL;

	*out = a->v.p;
	if (!mask || !mask->type || strcmp(mask->type->name, "mask") != 0)
		return true;
	if (a->v.n || a->v.p.addr.n != 4) {
		conf_error_at(p, place(c, mask->column), a->v.n ? "a mask, but the length is given already" : "a mask is for IPv4 only");
		return false;
	}
	out->bits = (uint8_t)mask->v.n;
	return true;
}

void
conf_set_mask_pair(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_val *out = target(p, c), v;

	if (c->no) {
		memset(out, 0, sizeof(*out));
		return;
	}
	v = c->arg[0].v;
	v.at = place(c, c->arg[0].column);
	if (!masked(p, c, 0, &v.p))
		return;
	v.p = prefix_of(&v.p.addr, v.p.bits);
	v.s = NULL;
	if (!set_twice(p, c, c->arg[0].column, out, &v))
		*out = v;
}

static void
id_text(struct ike_id *id, enum ike_id_type type, const char *s)
{
	id->type = (uint8_t)type;
	id->len = (uint8_t)strnlen(s, IKE_ID_MAX);
	memcpy(id->data, s, id->len);
}

static void
id_addr(struct ike_id *id, const struct addr *a)
{
	id->type = a->n == 4 ? IKE_ID_IPV4 : IKE_ID_IPV6;
	id->len = a->n;
	memcpy(id->data, a->b, a->n);
}

/* "fqdn x", "email x": a name with or without @ as the word says. */
static bool
id_name(struct conf_parse *p, const struct conf_cmd *c, struct ike_id *id, bool domain)
{
	const struct conf_arg *a = last_arg(c);
	bool email = c->arg[0].v.n == 1, at = strchr(a->v.s, '@') != NULL;

	if (at != (email && !domain)) {
		conf_error_at(p, place(c, a->column), at ? "expected a full host name without @" : "expected a mail address");
		return false;
	}
	id_text(id, email ? IKE_ID_EMAIL : IKE_ID_FQDN, a->v.s);
	return true;
}

bool
conf_match_of(struct conf_parse *p, const struct conf_cmd *c, struct ike_match *m)
{
	struct prefix net;

	memset(m, 0, sizeof(*m));
	if (conf_has(c, "any")) {
		m->kind = IKE_MATCH_ANY;
	} else if (conf_has(c, "key-id")) {
		m->kind = IKE_MATCH_EXACT;
		id_text(&m->id, IKE_ID_KEY_ID, c->arg[0].v.s);
	} else if (conf_has(c, "dn")) {
		m->kind = IKE_MATCH_EXACT;
		m->id.type = IKE_ID_DN;
		m->id.len = (uint8_t)ike_dn_parse(c->arg[0].v.s, m->id.data, sizeof(m->id.data));
	} else if (conf_has(c, "address")) {
		if (!masked(p, c, 0, &net))
			return false;
		m->kind = IKE_MATCH_NET;
		m->net = prefix_of(&net.addr, net.bits);
	} else {
		m->kind = conf_has(c, "domain") ? IKE_MATCH_DOMAIN : IKE_MATCH_EXACT;
		return id_name(p, c, &m->id, m->kind == IKE_MATCH_DOMAIN);
	}
	return true;
}

void
conf_set_peer_id(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_b_peer *b = p->block[CONF_PEER];

	if (c->no)
		b->id_at.line = NULL;
	else if (b->id_at.line)
		conf_error_at(p, place(c, c->column), "peer %s has an identity already, at %s", b->b.name, conf_place_text(p, b->id_at));
	else if (conf_match_of(p, c, &b->id))
		b->id_at = place(c, c->column);
}

void
conf_set_match(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_b_profile *b = p->block[CONF_PROFILE];

	if (b->n_remote == sizeof(b->remote) / sizeof(b->remote[0]))
		conf_error_at(p, place(c, c->column), "more than %zu match lines in one profile", sizeof(b->remote) / sizeof(b->remote[0]));
	else if (conf_match_of(p, c, &b->remote[b->n_remote]))
		b->n_remote++;
}

void
conf_set_local_id(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_b_profile *b = p->block[CONF_PROFILE];

	if (c->no) {
		b->local_at.line = NULL;
		memset(&b->local, 0, sizeof(b->local));
		b->local_dn = false;
		return;
	}
	if (b->local_at.line) {
		conf_error_at(p, place(c, c->column), "the local identity is set already at %s", conf_place_text(p, b->local_at));
		return;
	}
	if (conf_has(c, "dn"))
		b->local_dn = true;
	else if (conf_has(c, "key-id"))
		id_text(&b->local, IKE_ID_KEY_ID, c->arg[0].v.s);
	else if (conf_has(c, "address"))
		id_addr(&b->local, &c->arg[0].v.p.addr);
	else if (!id_name(p, c, &b->local, false))
		return;
	b->local_at = place(c, c->column);
}

void
conf_set_dpd(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_dpd *d = target(p, c);

	if (c->no) {	/* liveness off: what "no dpd" says where the default is on */
		d->mode = (struct conf_val){ .at = place(c, c->column), .n = IKE_DPD_OFF };
		return;
	}
	if (d->every.at.line) {
		conf_error_at(p, place(c, c->column), "dpd is set already at %s", conf_place_text(p, d->every.at));
		return;
	}
	d->every = c->arg[0].v;
	d->retry = c->arg[1].v;
	d->mode = (struct conf_val){ .n = c->arg[2].v.n ? IKE_DPD_ON_DEMAND : IKE_DPD_PERIODIC };
	d->every.at = d->retry.at = d->mode.at = place(c, c->column);
}

void
conf_set_rate(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_rate *r = target(p, c);

	if (c->no) {
		memset(r, 0, sizeof(*r));
		return;
	}
	if (r->packets.at.line && (r->packets.n != c->arg[0].v.n || r->every.n != c->arg[1].v.n)) {
		conf_error_at(p, place(c, c->column), "set to something else already, at %s", conf_place_text(p, r->packets.at));
		return;
	}
	r->packets = c->arg[0].v;
	r->every = c->arg[1].v;
	r->packets.at = r->every.at = place(c, c->column);
}

/* "bfd interval 300 min_rx 300 multiplier 3" */
void
conf_set_bfd(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_bfd *b = target(p, c);

	memset(b, 0, sizeof(*b));
	if (c->no)
		return;
	b->interval = c->arg[0].v;
	b->min_rx = c->arg[1].v;
	b->multiplier = c->arg[2].v;
	b->interval.at = b->min_rx.at = b->multiplier.at = place(c, c->column);
}

/* ---- secrets */

static int
hexdigit(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* False: there is a secret already (said). */
static bool
psk_free(struct conf_parse *p, const struct conf_cmd *c, const struct conf_b_peer *b)
{
	if (b->psk_at.line)
		conf_error_at(p, place(c, c->column), "peer %s has a secret already, at %s", b->b.name, conf_place_text(p, b->psk_at));
	return !b->psk_at.line;
}

void
conf_set_psk(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_b_peer *b = p->block[CONF_PEER];
	const struct conf_arg *a = last_arg(c);
	size_t n;

	if (c->no) {
		b->psk_at.line = NULL;
		return;
	}
	if (!psk_free(p, c, b))
		return;
	n = strlen(a->v.s);
	b->psk = conf_alloc(p->mem, IKE_PSK_MAX);
	if (!b->psk)
		return;
	if (conf_has(c, "hex")) {
		for (size_t i = 0; i < n / 2; i++)
			b->psk[i] = (uint8_t)(hexdigit(a->v.s[2 * i]) << 4 | hexdigit(a->v.s[2 * i + 1]));
		n /= 2;
	} else {
		memcpy(b->psk, a->v.s, n);
	}
	b->psk_len = n;
	b->psk_at = place(c, a->column);
	if (p->file && p->file->world_readable)
		conf_warn_at(p, place(c, c->column), "a secret in a file that everybody can read: chmod 600, or use pre-shared-key file");
}

/* "ppk manual id ID key [0] SECRET [required]": the second secret of a peer. */
void
conf_set_ppk(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_b_peer *b = p->block[CONF_PEER];
	const struct conf_arg *id = &c->arg[0], *a = &c->arg[c->n_arg - 1];
	size_t n;

	if (c->no) {
		b->ppk_id.at.line = NULL;
		b->ppk_len = 0;
		return;
	}
	n = strlen(a->v.s) / (conf_has(c, "hex") ? 2 : 1);
	if (strlen(id->v.s) == 0 || strlen(id->v.s) > IKE_PPK_ID_MAX || n == 0 || n > IKE_PPK_MAX) {
		conf_error_at(p, place(c, n > IKE_PPK_MAX ? a->column : id->column), "a name of at most %d characters and a key of at most %d octets",
		    IKE_PPK_ID_MAX, IKE_PPK_MAX);
		return;
	}
	b->ppk = conf_alloc(p->mem, IKE_PPK_MAX);
	if (!b->ppk)
		return;
	for (size_t i = 0; i < n; i++)
		b->ppk[i] = (uint8_t)(conf_has(c, "hex") ? hexdigit(a->v.s[2 * i]) << 4 | hexdigit(a->v.s[2 * i + 1]) : a->v.s[i]);
	b->ppk_len = n;
	b->ppk_id = id->v;
	b->ppk_id.at = place(c, id->column);
	b->ppk_required = conf_has(c, "required");
	if (n < 32)
		conf_warn_at(p, place(c, c->column), "a post-quantum key of less than 32 octets");
	if (p->file && p->file->world_readable)
		conf_warn_at(p, place(c, c->column), "a secret in a file that everybody can read: chmod 600");
}

/* "[set] additional-key-exchange N METHOD..." */
void
conf_set_addke(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_b_proposal *ike = p->block[CONF_PROPOSAL];
	struct conf_b_ipsec *esp = p->block[CONF_IPSEC];
	struct conf_list *l = &(c->rule->ctx == CONF_IPSEC ? esp->addke : ike->addke)[c->arg[0].v.n - 1];

	memset(l, 0, sizeof(*l));
	if (c->no)
		return;
	for (unsigned i = 1; i < c->n_arg; i++) {
		const struct conf_arg *a = &c->arg[i];

		if (l->n == IKE_ADDKE_IDS) {
			conf_error_at(p, place(c, a->column), "more than %d methods for one exchange", IKE_ADDKE_IDS);
			return;
		}
		if (a->v.n && !ike_can_group((uint16_t)a->v.n)) {
			conf_error_at(p, place(c, a->column), "%s is not available: the OpenSSL library linked here has no ML-KEM (it comes with 3.5)", a->v.s);
			return;
		}
		l->at[l->n] = place(c, a->column);
		l->v[l->n++] = a->v.n;
	}
}

void
conf_set_psk_file(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_b_peer *b = p->block[CONF_PEER];
	struct conf_place at = place(c, c->arg[0].column);

	if (!psk_free(p, c, b))
		return;
	b->psk = conf_alloc(p->mem, IKE_PSK_MAX);
	b->psk_at = at;	/* also where it cannot be read: one error is enough */
	if (b->psk && !conf_read_secret(p, at, c->arg[0].v.s, b->psk, IKE_PSK_MAX, &b->psk_len))
		b->psk_len = 0;
}

/* ---- interface */

void
conf_set_address(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_b_interface *b = p->block[CONF_INTERFACE];
	struct conf_place at = place(c, c->arg[0].column);
	struct prefix own;
	bool v4 = c->arg[0].v.p.addr.n == 4;

	if (!masked(p, c, 0, &own))
		return;
	if (v4 && !c->arg[0].v.n && c->n_arg < 2) {
		conf_error_at(p, at, "expected a length (10.0.0.1/24) or a mask (10.0.0.1 255.255.255.0)");
		return;
	}
	if (!addr_is_unicast(&own.addr) || own.bits == 0) {
		conf_error_at(p, at, "not an address a host can have");
		return;
	}
	for (unsigned i = 0; i < b->n_own; i++) {
		if (addr_eq(&b->own[i].addr, &own.addr)) {
			conf_error_at(p, at, "this address stands already at %s", conf_place_text(p, b->own_at[i]));
			return;
		}
		if (v4 && b->own[i].addr.n == 4 && !conf_has(c, "secondary")) {
			conf_error_at(p, at, "there is an address already at %s: add \"secondary\" to have both", conf_place_text(p, b->own_at[i]));
			return;
		}
	}
	if (b->n_own == NHRP_OWN_ADDRS) {
		conf_error_at(p, at, "more than %d addresses on one interface", NHRP_OWN_ADDRS);
		return;
	}
	b->own_at[b->n_own] = at;
	b->own[b->n_own++] = own;
}

void
conf_set_nhs(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_b_interface *b = p->block[CONF_INTERFACE];
	const struct conf_arg *nbma = conf_after(c, "nbma"), *priority = conf_after(c, "priority"), *cluster = conf_after(c, "cluster");
	struct conf_b_nhs *n = &b->nhs[b->n_nhs];

	if (b->n_nhs == NHRP_NHS_MAX) {
		conf_error_at(p, place(c, c->column), "more than %d hubs on one interface", NHRP_NHS_MAX);
		return;
	}
	memset(n, 0, sizeof(*n));
	n->at = place(c, nbma && conf_has(c, "dynamic") ? nbma->column : c->arg[0].column);
	n->nhs.family = conf_has(c, "ipv6") ? 16 : 4;
	if (!conf_has(c, "dynamic"))
		n->nhs.proto = c->arg[0].v.p.addr;
	n->nhs.mcast = conf_has(c, "multicast");
	n->nhs.priority = priority ? (uint8_t)priority->v.n : 0;
	n->nhs.cluster = cluster ? (uint8_t)cluster->v.n : 0;
	n->nbma_at = n->at;
	if (nbma) {
		n->nbma_at = place(c, nbma->column);
		snprintf(n->nhs.name, sizeof(n->nhs.name), "%s", nbma->v.s);
	}
	for (unsigned i = 0; i < b->n_nhs; i++) {
		if (addr_eq(&b->nhs[i].nhs.proto, &n->nhs.proto) && b->nhs[i].nhs.family == n->nhs.family &&
		    strcmp(b->nhs[i].nhs.name, n->nhs.name) == 0) {
			conf_error_at(p, n->at, "this hub stands already at %s", conf_place_text(p, b->nhs[i].at));
			return;
		}
	}
	b->n_nhs++;
}

void
conf_set_cluster(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_b_interface *b = p->block[CONF_INTERFACE];
	struct conf_val *v = &b->cluster[c->arg[0].v.n];

	if (v->at.line && v->n != c->arg[1].v.n) {
		conf_error_at(p, place(c, c->column), "set to something else already, at %s", conf_place_text(p, v->at));
		return;
	}
	*v = c->arg[1].v;
	v->at = place(c, c->column);
}

static void
add_map(struct conf_parse *p, const struct conf_cmd *c, const struct addr *proto, const struct conf_arg *nbma, bool mcast)
{
	struct conf_b_interface *b = p->block[CONF_INTERFACE];
	struct conf_place at = place(c, c->arg[0].column);

	if (b->n_map == NHRP_MAPS_MAX) {
		conf_error_at(p, at, "more than %d map lines on one interface", NHRP_MAPS_MAX);
		return;
	}
	if (!addr_is_unicast(&nbma->v.p.addr)) {
		conf_error_at(p, place(c, nbma->column), "not an address a host can have");
		return;
	}
	for (unsigned i = 0; i < b->n_map; i++) {
		const struct nhrp_conf_map *m = &b->map[i].map;

		if (m->mcast == mcast && addr_eq(&m->proto, proto) && (proto->n || addr_eq(&m->nbma, &nbma->v.p.addr))) {
			conf_error_at(p, at, "mapped already at %s", conf_place_text(p, b->map[i].at));
			return;
		}
	}
	b->map[b->n_map++] = (struct conf_b_map){ at, { *proto, nbma->v.p.addr, mcast } };
}

void
conf_set_map(struct conf_parse *p, const struct conf_cmd *c)
{
	add_map(p, c, &c->arg[0].v.p.addr, &c->arg[1], false);
}

void
conf_set_mcast_map(struct conf_parse *p, const struct conf_cmd *c)
{
	static const struct addr none;

	add_map(p, c, &none, &c->arg[0], true);
}

/* ---- static routes */

void
conf_set_static(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_b_static *r = &p->route[p->n_static];
	const struct conf_arg *via = last_arg(c);
	struct conf_place at = place(c, c->arg[0].column);

	if (p->n_static == CONF_STATICS_MAX) {
		conf_error_at(p, at, "more than %d static routes", CONF_STATICS_MAX);
		return;
	}
	if (!masked(p, c, 0, &r->dst))
		return;
	if (r->dst.addr.n == 4 && !c->arg[0].v.n && c->n_arg < 3) {
		conf_error_at(p, at, "expected a length (172.16.0.0/16) or a mask (172.16.0.0 255.255.0.0)");
		return;
	}
	r->dst = prefix_of(&r->dst.addr, r->dst.bits);
	r->at = at;
	r->via = via->v.p.addr;
	r->via_at = place(c, via->column);
	for (unsigned i = 0; i < p->n_static; i++) {
		if (prefix_eq(&p->route[i].dst, &r->dst)) {
			conf_error_at(p, at, "there is a route to it already, at %s", conf_place_text(p, p->route[i].at));
			return;
		}
	}
	p->n_static++;
}
