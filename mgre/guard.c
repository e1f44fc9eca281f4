/* mgre/guard.c: what the packet filter is asked to do for a tunnel of the kernel plane, and that it goes on doing it.
 *
 * Two things, both local to this host and named by the interface:
 *   MSS     SYNs that enter or leave the tunnel's device offer no more than fits it (RFC 9293, 3.7.1; `ip tcp adjust-mss`)
 *   lock    GRE of the tunnel, by its key (RFC 2890), without one by our outer address, that leaves without a transformation ahead of it
 *           or came in without one behind it, is dropped. XFRM's policies do so already (xfrm/kernel.c), and the route of the synthetic
 *           addresses does for what leaves: this is another table of another part of the kernel, which `ip xfrm policy flush` leaves alone.
 *
 * And for plain IPsec in the user plane, where the kernel has no policies:
 *   lines   what comes in by the interface outside, in clear, and is what an SA carries, is dropped (RFC 4301, 5.2): it would pass for
 *           what the peer has sent. Routes hold back what leaves (nhrpd/daemon/maproutes.h). nf_tables only. Parts of packets are told
 *           by their addresses and protocol; under a line of ports all but the first part pass, and are of no use alone.
 *
 * nf_tables where the kernel has it for IP, else iptables-legacy, else neither, and it is said once. Rules are looked at every two seconds;
 * what somebody removed or changed is put back and counted. When this process ends the MSS rules go and the lock stays, as the block of
 * XFRM does, and so do lines: `nhrpd --purge` takes all away.
 *
 * Not here: GRE that others send with the same key through this host is no different from ours and is dropped, too. */
#include "mgre/guard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mgre/guard_priv.h"

enum { AUDIT_S = 2 };

struct guard_tunnel {
	struct guard_tunnel *next;
	struct guard_want want;
	uint64_t mark;	/* of the rules when they were set; 0: they could not be */
	struct guard_counts before;	/* of the rules that stood before these */
	struct guard_counts last;
};

struct guard {
	const struct host *host;
	const struct guard_kind *kind;	/* NULL: neither is here */
	void *k;
	struct guard_tunnel *tunnels;
	struct host_watch *timer;
	uint64_t restored, refused;
};

static const struct guard_kind *const kinds[] = { &guard_nft, &guard_ipt };
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static const struct guard_kind *
choose(const struct env *env, void **k, int *rc)
{
	*rc = -EOPNOTSUPP;
	for (unsigned i = 0; i < KINDS; i++) {
		*k = kinds[i]->open(env);
		if (!*k)
			continue;
		*rc = kinds[i]->probe(*k);
		if (*rc == 0)
			return kinds[i];
		kinds[i]->close(*k);
		*k = NULL;
	}
	return NULL;
}

bool
guard_probe(const struct host *host, char *err, size_t errlen)
{
	void *k;
	int rc;
	const struct guard_kind *kind = choose(host->env, &k, &rc);

	if (kind)
		kind->close(k);
	else
		snprintf(err, errlen, "TCP's MSS cannot be lowered: neither nf_tables (CONFIG_NF_TABLES_INET) nor iptables-legacy with ip_tables (%s)",
		    strerror(-rc));
	return kind;
}

static struct guard_tunnel *
find(const struct guard *g, const char *name)
{
	for (struct guard_tunnel *t = g->tunnels; t; t = t->next) {
		if (strcmp(t->want.name, name) == 0)
			return t;
	}
	return NULL;
}

static bool
same_range(const struct dp_range *a, const struct dp_range *b)
{
	return addr_eq(&a->lo, &b->lo) && addr_eq(&a->hi, &b->hi) && a->proto == b->proto && a->ports == b->ports && a->port_lo == b->port_lo &&
	    a->port_hi == b->port_hi;
}

static bool
same(const struct guard_want *a, const struct guard_want *b)
{
	for (unsigned i = 0; i < a->n_line && i < b->n_line; i++) {
		if (!same_range(&a->line[i].near, &b->line[i].near) || !same_range(&a->line[i].far, &b->line[i].far))
			return false;
	}
	return a->has_key == b->has_key && a->key == b->key && addr_eq(&a->source, &b->source) && a->mss4 == b->mss4 && a->mss6 == b->mss6 &&
	    a->n_line == b->n_line && strcmp(a->outside, b->outside) == 0;
}

static void
add(struct guard_counts *to, const struct guard_counts *n)
{
	to->mss += n->mss;
	to->clear_out += n->clear_out;
	to->clear_in += n->clear_in;
	to->line_in += n->line_in;
}

/* The rules as wanted; counters of those that stood there go on. */
static int
put(struct guard *g, struct guard_tunnel *t)
{
	struct guard_seen s = { .mark = 0 };
	int rc = g->kind->set(g->k, &t->want);

	add(&t->before, &t->last);
	t->last = (struct guard_counts){ 0 };
	t->mark = 0;
	if (rc == 0)
		rc = g->kind->look(g->k, t->want.name, &s);
	if (rc == 0) {
		t->mark = s.mark;
		return 0;
	}
	g->refused++;
	return rc;
}

static void
look(struct guard *g, struct guard_tunnel *t)
{
	struct guard_seen s;

	if (g->kind->look(g->k, t->want.name, &s) != 0)
		return;
	if (s.mark == t->mark && s.mark != 0) {
		t->last = s.count;
		return;
	}
	if (put(g, t) != 0)
		return;
	g->restored++;
	log_at(g->host->log, LOG_LV_WARN, "filter-lost", "%s: rules of %s were removed or changed by another program; put back", t->want.name, g->kind->word);
}

static void on_timer(void *arg);

static void
rearm(struct guard *g)
{
	if (!g->timer)
		g->timer = g->host->after(g->host->ctx, TICK_S(AUDIT_S), on_timer, g);
}

static void
on_timer(void *arg)
{
	struct guard *g = arg;

	g->timer = NULL;
	for (struct guard_tunnel *t = g->tunnels; t; t = t->next)
		look(g, t);
	if (g->tunnels)
		rearm(g);
}

int
guard_set(struct guard *g, const struct guard_want *w)
{
	struct guard_tunnel *t = find(g, w->name);
	int rc;

	if (!g->kind)
		return -EOPNOTSUPP;
	if (t && t->mark && same(&t->want, w))
		return 0;
	if (!t) {
		if (!(t = env_alloc(g->host->env, sizeof(*t))))
			return -ENOMEM;
		*t = (struct guard_tunnel){ .next = g->tunnels };
		g->tunnels = t;
	}
	t->want = *w;
	rc = put(g, t);
	if (rc != 0)
		log_at(g->host->log, LOG_LV_WARN, "filter-refused", "%s: %s: the rules that %s were refused: %s; tried again", w->name,
		    g->kind->word, w->n_line ? "drop what comes in clear" : "lower TCP's MSS and drop clear GRE", strerror(-rc));
	rearm(g);
	return rc;
}

void
guard_del(struct guard *g, const char *name)
{
	for (struct guard_tunnel **at = &g->tunnels; *at; at = &(*at)->next) {
		struct guard_tunnel *t = *at;

		if (strcmp(t->want.name, name) != 0)
			continue;
		*at = t->next;
		g->kind->del(g->k, name);
		env_free(g->host->env, t);
		return;
	}
}

const char *
guard_word(const struct guard *g, const char *name)
{
	const struct guard_tunnel *t = find(g, name);

	return t && t->mark ? g->kind->word : NULL;
}

bool
guard_counts(struct guard *g, const char *name, struct guard_counts *out)
{
	struct guard_tunnel *t = find(g, name);
	struct guard_seen s;

	if (!t)
		return false;
	if (g->kind->look(g->k, name, &s) == 0 && s.mark == t->mark)
		t->last = s.count;
	*out = t->before;
	add(out, &t->last);
	return true;
}

void
guard_counters(struct guard *g, dp_counter_fn *fn, void *ctx)
{
	struct guard_counts sum = { 0 }, c;

	for (struct guard_tunnel *t = g->tunnels; t; t = t->next) {
		if (guard_counts(g, t->want.name, &c))
			add(&sum, &c);
	}
	fn(ctx, "mss-lowered", sum.mss);
	fn(ctx, "clear-gre-out", sum.clear_out);
	fn(ctx, "clear-gre-in", sum.clear_in);
	fn(ctx, "filter-restored", g->restored);
	fn(ctx, "filter-refused", g->refused);
}

void
guard_line_counters(struct guard *g, dp_counter_fn *fn, void *ctx)
{
	struct guard_counts sum = { 0 }, c;

	for (struct guard_tunnel *t = g->tunnels; t; t = t->next) {
		if (guard_counts(g, t->want.name, &c))
			add(&sum, &c);
	}
	fn(ctx, "clear-protected-in", sum.line_in);
	fn(ctx, "filter-restored", g->restored);
	fn(ctx, "filter-refused", g->refused);
}

bool
guard_takes_lines(const struct guard *g)
{
	return g->kind && g->kind->sweep;
}

static bool
is_set(void *ctx, const char *name)
{
	return find(ctx, name) != NULL;
}

int
guard_sweep(struct guard *g)
{
	return guard_takes_lines(g) ? g->kind->sweep(g->k, is_set, g) : 0;
}

int
guard_purge(const struct host *host, guard_name_fn *before, void *ctx)
{
	int n = 0;

	for (unsigned i = 0; i < KINDS; i++) {
		void *k = kinds[i]->open(host->env);
		int got = k && kinds[i]->probe(k) == 0 ? kinds[i]->purge(k, before, ctx) : 0;

		if (k)
			kinds[i]->close(k);
		if (got < 0)
			return got;
		n += got;
	}
	return n;
}

static struct guard *
open_guard(const struct host *host, int *rc)
{
	struct guard *g = env_alloc(host->env, sizeof(*g));

	if (!g)
		return NULL;
	*g = (struct guard){ .host = host };
	g->kind = choose(host->env, &g->k, rc);
	return g;
}

struct guard *
guard_new_quiet(const struct host *host)
{
	int rc;

	return open_guard(host, &rc);
}

struct guard *
guard_new(const struct host *host)
{
	int rc;
	struct guard *g = open_guard(host, &rc);

	if (g && !g->kind)
		log_at(host->log, LOG_LV_WARN, "no-filter",
		    "neither nf_tables (CONFIG_NF_TABLES_INET) nor iptables-legacy with ip_tables (%s): no `adjust-mss`, no second lock against clear GRE", strerror(-rc));
	return g;
}

void
guard_free(struct guard *g)
{
	struct guard_tunnel *t;

	if (!g)
		return;
	g->host->unwatch(g->host->ctx, g->timer);
	while ((t = g->tunnels)) {
		g->tunnels = t->next;
		if (t->want.mss4 || t->want.mss6) {
			t->want.mss4 = t->want.mss6 = 0;
			put(g, t);
		}
		env_free(g->host->env, t);
	}
	if (g->kind)
		g->kind->close(g->k);
	env_free(g->host->env, g);
}
