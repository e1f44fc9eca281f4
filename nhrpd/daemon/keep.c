/* nhrpd/daemon/keep.c: registrations over a restart. See keep.h for the face.
 *
 * The engines mark what changed; nothing else is looked at. The first mark starts a timer, and what is marked when it runs goes
 * into the store as one batch. Ends are kept by the wall clock, with the holding time that was left beside them, which bounds
 * what is left after the clock was set back.
 *
 * Beside registrations stand the IKE SAs that are up. After a restart they are handed to the IKE engine, which tells their peers
 * that we lost them (ikecore/engine/qcd.c); those that were ended in order are no more in the store then.
 *
 * A batch that failed has lost its marks. So the store then no longer counts: when it works again, it is emptied and every
 * registration written anew. What an engine holds is the truth; the store is only asked for a tunnel that starts. */
#include "nhrpd/daemon/keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nhrpd/daemon/store.h"

enum { SOON_MS = 20 /* between full batches: others want the loop too */, SA_KEPT_S = 30 * 86400 /* without a lifetime */ };

struct place {	/* of a tunnel, as in the configuration */
	char name[DP_NAME];	/* "": free */
	uint32_t network_id;
	struct nhrp *nhrp;
};

struct keep {
	struct host host;
	char path[PATH_MAX];
	int64_t (*wall)(void);
	struct core *core;
	bool told;	/* of SAs from before the restart */
	struct place place[CORE_TUNNELS_MAX];
	struct store *store;	/* NULL: there is none yet, or it failed */
	struct host_watch *timer;
	bool soon;	/* the timer is as short as it gets */
	tick_t retry_at;	/* it failed: not before */
	bool failed;	/* and that was said */
	bool never;	/* no use to try again */
	bool anew;	/* what is in the store no longer counts */
};

const char *
keep_default_path(void)
{
	static char path[PATH_MAX];
	const char *state = getenv("STATE_DIRECTORY");

	if (!state || state[0] != '/' || strchr(state, ':'))
		return LOCALSTATEDIR "/lib/nhrpd/mappings.db";
	snprintf(path, sizeof(path), "%s/mappings.db", state);
	return path;
}

/* ---- trouble */

static void
failed(struct keep *k, enum store_error e, const char *why)	/* why may be the store's own */
{
	k->anew = true;
	k->never = e == STORE_NONE;
	k->retry_at = k->host.now(k->host.ctx) + TICK_S(KEEP_RETRY_S);
	if (!k->failed)
		log_at(k->host.log, k->never ? LOG_LV_INFO : LOG_LV_WARN, "store-failed", "%s: %s; %s", k->path, why,
		    k->never ? "registrations are not kept over a restart" : "registrations are not kept over a restart until it works");
	k->failed = true;
	store_close(k->store);
	k->store = NULL;
}

/* True: it is out of the way, and another can be made. */
static bool
damaged(struct keep *k, const char *why)
{
	char to[PATH_MAX + 64], reason[160], text[400], what[160];

	snprintf(what, sizeof(what), "%s", why);
	store_close(k->store);
	k->store = NULL;
	k->anew = true;
	if (!store_set_aside(k->path, k->wall(), to, sizeof(to), reason, sizeof(reason))) {
		snprintf(text, sizeof(text), "damaged (%s), and cannot be set aside: %s", what, reason);
		failed(k, STORE_FAILED, text);
		return false;
	}
	log_at(k->host.log, LOG_LV_WARN, "store-damaged", "%s is damaged (%s): set aside as %s; spokes register anew", k->path, what, to);
	return true;
}

static bool
open_store(struct keep *k, bool create)
{
	enum store_error e;
	char why[160];

	k->store = store_open(k->path, create, &e, why, sizeof(why));
	if (!k->store && e == STORE_DAMAGED && damaged(k, why))
		k->store = store_open(k->path, create, &e, why, sizeof(why));
	if (k->store)
		return true;
	if (e == STORE_ABSENT)
		k->anew = false;	/* empty as it is */
	else if (!k->failed || e != STORE_DAMAGED)
		failed(k, e, why);
	return false;
}

/* ---- restoring */

struct restore {
	struct keep *k;
	struct nhrp *nhrp;
	unsigned n, refused;
	int64_t wall;
	tick_t now;
};

static void
restore_one(void *ctx, const struct store_entry *e)
{
	struct restore *r = ctx;
	int64_t left = e->expires - r->wall;
	struct nhrp_mapping m = { .prefix = e->prefix, .type = (enum nhrp_cache_type)e->type, .nbma = e->nbma, .nbma_claimed = e->nbma_claimed,
		.identity = e->identity, .unique = e->unique, .mtu = e->mtu, .group = e->group };

	if (left > (int64_t)e->hold_s)
		left = e->hold_s;
	if (left <= 0)
		return;
	m.expires = r->now + TICK_S(left);
	if (nhrp_restore(r->nhrp, r->now, &m))
		r->n++;
	else
		r->refused++;
}

static void
restore(struct keep *k, const struct place *p)
{
	struct restore r = { .k = k, .nhrp = p->nhrp, .wall = k->wall(), .now = k->host.now(k->host.ctx) };
	enum store_error e;

	if (!k->store || k->anew)
		return;
	e = store_load(k->store, p->name, p->network_id, restore_one, &r);
	if (r.n || r.refused)
		log_at(k->host.log, LOG_LV_NOTICE, "store-loaded", "%s: %u registration%s from before the restart, to be confirmed%s", p->name, r.n,
		    r.n == 1 ? "" : "s", r.refused ? "; others do not fit the configuration" : "");
	if (e == STORE_DAMAGED)
		damaged(k, store_why(k->store));
	else if (e != STORE_OK)
		failed(k, e, store_why(k->store));
}

static void
restore_sa(void *ctx, const struct store_sa *sa)
{
	struct restore *r = ctx;
	struct ike_trace t = { .spi_i = sa->spi_i, .spi_r = sa->spi_r, .initiator = sa->initiator, .local = sa->local, .remote = sa->remote };

	if (sa->expires <= r->wall)
		return;
	t.expires = r->now + TICK_S(sa->expires - r->wall > SA_KEPT_S ? SA_KEPT_S : sa->expires - r->wall);
	r->n += ike_lost(core_ike(r->k->core), r->now, &t);
}

static void
restore_sas(struct keep *k)
{
	struct restore r = { .k = k, .wall = k->wall(), .now = k->host.now(k->host.ctx) };
	enum store_error e;

	if (k->told)
		return;
	k->told = true;
	if (!k->store || k->anew)
		return;
	e = store_sa_load(k->store, restore_sa, &r);
	if (r.n)
		log_at(k->host.log, LOG_LV_NOTICE, "restarted", "%u peer%s that had an IKE SA with us will be told that it is lost", r.n,
		    r.n == 1 ? "" : "s");
	if (e == STORE_DAMAGED)
		damaged(k, store_why(k->store));
	else if (e != STORE_OK)
		failed(k, e, store_why(k->store));
}

static void
expire(struct keep *k)
{
	enum store_error e;

	if (!k->store)
		return;
	store_begin(k->store);
	store_expire(k->store, k->wall());
	e = store_commit(k->store);
	if (e == STORE_DAMAGED)
		damaged(k, store_why(k->store));
	else if (e != STORE_OK)
		failed(k, e, store_why(k->store));
}

void
keep_tunnels(struct keep *k, const struct conf *conf, struct core *core)
{
	if (!k)
		return;
	k->core = core;
	for (unsigned i = 0; i < CORE_TUNNELS_MAX; i++) {
		const struct core_tunnel_conf *t = i < conf->core.n_tunnel && conf->core.tunnel[i].dp.name[0] ? &conf->core.tunnel[i] : NULL;
		struct nhrp *nhrp = t ? core_nhrp(core, i + 1) : NULL;
		struct place was = k->place[i], *p = &k->place[i];

		*p = (struct place){ .nhrp = nhrp };
		if (!nhrp)
			continue;
		snprintf(p->name, sizeof(p->name), "%s", t->dp.name);
		p->network_id = t->nhrp.network_id;
		if (was.nhrp != nhrp || strcmp(was.name, p->name) != 0)
			restore(k, p);
		else if (was.network_id != p->network_id)
			nhrp_changes_again(nhrp);	/* another network: they stand under another key now */
	}
	restore_sas(k);
	keep_poll(k);
}

/* ---- writing */

struct batch {
	struct keep *k;
	const struct place *p;
	unsigned n;
	int64_t wall;
	tick_t now;
};

static void
write_one(void *ctx, const struct nhrp_mapping *m)
{
	struct batch *b = ctx;
	struct store_entry e = { .tunnel = b->p->name, .network_id = b->p->network_id, .prefix = m->prefix, .type = m->type, .nbma = m->nbma,
		.nbma_claimed = m->nbma_claimed, .identity = m->identity, .unique = m->unique, .mtu = m->mtu,
		.group = m->group };

	b->n++;
	if (m->type == NHRP_CT_NONE) {
		store_del(b->k->store, e.tunnel, e.network_id, &m->prefix);
		return;
	}
	e.hold_s = tick_left_s(b->now, m->expires);
	e.expires = b->wall + e.hold_s;
	store_put(b->k->store, &e);
}

static bool
alive(const struct keep *k, unsigned i)
{
	return k->place[i].nhrp && core_nhrp(k->core, i + 1) == k->place[i].nhrp;
}

static size_t
waiting(const struct keep *k)
{
	size_t n = ike_changes(core_ike(k->core));

	for (unsigned i = 0; i < CORE_TUNNELS_MAX; i++) {
		if (alive(k, i))
			n += nhrp_changes(k->place[i].nhrp);
	}
	return n;
}

static void
write_tunnel(struct batch *b)
{
	struct store *s = b->k->store;

	if (nhrp_visit_changes(b->p->nhrp, KEEP_BATCH_MAX - b->n, write_one, b))
		return;
	store_forget(s, b->p->name, b->p->network_id);	/* some that went were forgotten: all of it again */
	nhrp_changes_again(b->p->nhrp);
}

static void
write_sa(void *ctx, const struct ike_trace *t)
{
	struct batch *b = ctx;
	struct store_sa sa = { .spi_i = t->spi_i, .spi_r = t->spi_r, .initiator = t->initiator, .local = t->local, .remote = t->remote,
		.expires = b->wall + SA_KEPT_S };

	b->n++;
	if (t->gone) {
		store_sa_del(b->k->store, t->spi_i, t->spi_r);
		return;
	}
	if (t->expires != TICK_NEVER)
		sa.expires = b->wall + tick_left_s(b->now, t->expires);
	store_sa_put(b->k->store, &sa);
}

static void
write_sas(struct batch *b)
{
	struct ike *ike = core_ike(b->k->core);

	if (b->n >= KEEP_BATCH_MAX || ike_visit_changes(ike, KEEP_BATCH_MAX - b->n, write_sa, b))
		return;
	store_sa_forget(b->k->store);
	ike_changes_again(ike);
}

static enum store_error
write_batch(struct keep *k)
{
	struct batch b = { .k = k, .wall = k->wall(), .now = k->host.now(k->host.ctx) };
	enum store_error e;

	store_begin(k->store);
	if (k->anew) {
		store_sa_forget(k->store);
		ike_changes_again(core_ike(k->core));
	}
	for (unsigned i = 0; i < CORE_TUNNELS_MAX && k->anew; i++) {
		if (alive(k, i)) {
			store_forget(k->store, k->place[i].name, k->place[i].network_id);
			nhrp_changes_again(k->place[i].nhrp);
		}
	}
	for (unsigned i = 0; i < CORE_TUNNELS_MAX && b.n < KEEP_BATCH_MAX; i++) {
		b.p = &k->place[i];
		if (alive(k, i))
			write_tunnel(&b);
	}
	write_sas(&b);
	e = store_commit(k->store);
	if (e == STORE_OK)
		k->anew = false;
	return e;
}

static void
flush(struct keep *k)
{
	enum store_error e;

	if (!k->store && !open_store(k, true))
		return;
	e = write_batch(k);
	if (e == STORE_DAMAGED && damaged(k, store_why(k->store))) {
		if (!open_store(k, true))
			return;
		e = write_batch(k);
	}
	if (e != STORE_OK && k->store) {
		failed(k, e, store_why(k->store));
	} else if (e == STORE_OK && k->failed) {
		k->failed = false;
		log_at(k->host.log, LOG_LV_NOTICE, "store-works", "%s: registrations are kept again", k->path);
	}
}

static void
on_timer(void *arg)
{
	struct keep *k = arg;

	k->timer = NULL;
	flush(k);
	keep_poll(k);
}

void
keep_poll(struct keep *k)
{
	tick_t now, delay = TICK_MS(KEEP_DELAY_MS);
	size_t n;

	if (!k || k->never || !k->core || (k->timer && k->soon))
		return;
	n = waiting(k);
	if (k->timer ? n < KEEP_BATCH_MAX : n == 0 && !k->anew)
		return;
	now = k->host.now(k->host.ctx);
	if (k->failed)
		delay = k->retry_at > now ? k->retry_at - now : TICK_MS(SOON_MS);
	else if (n >= KEEP_BATCH_MAX)
		delay = TICK_MS(SOON_MS);
	k->soon = k->failed || n >= KEEP_BATCH_MAX;
	k->host.unwatch(k->host.ctx, k->timer);
	k->timer = k->host.after(k->host.ctx, delay, on_timer, k);
}

/* ---- life */

struct keep *
keep_new(const struct host *host, const char *path, int64_t (*wall)(void))
{
	struct keep *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->host = *host;
	k->wall = wall;
	snprintf(k->path, sizeof(k->path), "%s", path);
	if (open_store(k, false))
		expire(k);
	return k;
}

void
keep_free(struct keep *k)
{
	if (!k)
		return;
	k->host.unwatch(k->host.ctx, k->timer);
	if (!k->failed && k->core && waiting(k))
		flush(k);
	store_close(k->store);
	free(k);
}
