#include "xfrm/sa.h"

#include <errno.h>

#include "xfrm/select.h"
#include "xfrm/tunnel.h"

struct peer_key {
	uint32_t tunnel, peer;
};

struct sent_key {
	uint32_t spi;
	struct addr remote;
};

static bool
in_eq(const struct map_node *n, const void *key)
{
	return container_of(n, struct xsa, by_in)->conf.spi_in == *(const uint32_t *)key;
}

static bool
peer_eq(const struct map_node *n, const void *key)
{
	const struct xpeer *p = container_of(n, struct xpeer, node);
	const struct peer_key *k = key;

	return p->tunnel == k->tunnel && p->peer == k->peer;
}

static bool
sent_eq(const struct map_node *n, const void *key)
{
	const struct xsa *sa = container_of(n, struct xsa, by_out);
	const struct sent_key *k = key;

	return sa->conf.spi_out == k->spi && addr_eq(&sa->conf.remote.addr, &k->remote);
}

static uint64_t
sent_hash(const struct sadb *db, uint32_t spi)
{
	return map_hash(&db->by_out, &spi, sizeof(spi));
}

void
sadb_init(struct sadb *db, const struct env *env, size_t extra)
{
	memset(db, 0, sizeof(*db));
	db->env = env;
	db->extra = extra;
	db->pend_tail = &db->pend_head;
	map_init(&db->by_in, env);
	map_init(&db->by_out, env);
	map_init(&db->peers, env);
}

void
sadb_fini(struct sadb *db)
{
	struct map_iter it;
	struct map_node *n;

	while ((n = map_first(&db->by_in, &it)))
		sadb_del(db, container_of(n, struct xsa, by_in));
	map_fini(&db->by_in);
	map_fini(&db->by_out);
	map_fini(&db->peers);
}

struct xsa *
sadb_find(const struct sadb *db, uint32_t spi_in)
{
	struct map_node *n = map_find(&db->by_in, map_hash(&db->by_in, &spi_in, sizeof(spi_in)), in_eq, &spi_in);

	return n ? container_of(n, struct xsa, by_in) : NULL;
}

struct xsa *
sadb_find_sent(const struct sadb *db, uint32_t spi_out, const struct addr *remote)
{
	struct sent_key k = { spi_out, *remote };
	struct map_node *n = map_find(&db->by_out, sent_hash(db, spi_out), sent_eq, &k);

	return n ? container_of(n, struct xsa, by_out) : NULL;
}

struct xpeer *
sadb_peer(struct sadb *db, uint32_t tunnel, uint32_t peer)
{
	struct peer_key k = { tunnel, peer };
	struct map_node *n;

	if (db->last && db->last->tunnel == tunnel && db->last->peer == peer)
		return db->last;
	n = map_find(&db->peers, map_hash(&db->peers, &k, sizeof(k)), peer_eq, &k);
	if (!n)
		return NULL;
	return db->last = container_of(n, struct xpeer, node);
}

static bool
spi_recent(const struct sadb *db, uint32_t spi)
{
	for (unsigned i = 0; i < SADB_SPI_RECENT; i++)
		if (db->recent[i] == spi)
			return true;
	return false;
}

uint32_t
sadb_spi_alloc(struct sadb *db)
{
	for (int tries = 0; tries < 64; tries++) {
		uint32_t spi = env_random32(db->env);

		if (spi < ESP_SPI_MIN || spi_recent(db, spi) || sadb_find(db, spi))
			continue;
		db->recent[db->recent_at++ % SADB_SPI_RECENT] = spi;
		return spi;
	}
	return 0;
}

unsigned
sadb_outer(const struct xsa *sa)
{
	return (sa->conf.remote.addr.n == 16 ? 40 : 20) + (sa->conf.encap ? 8 : 0);
}

static unsigned
payload_max(const struct xpeer *p, const struct xsa *sa)
{
	unsigned outer = sadb_outer(sa), head = (unsigned)tunnel_head(sa->conf.sel);
	unsigned max = p->path.mtu > outer ? (unsigned)esp_payload_max(sa->out.suite, p->path.mtu - outer) : 0;

	return max > head ? max - head : 0;
}

/* Of several that may be sent on, one for each set of selectors, the least that fits all of them. */
static void
payload_max_refresh(struct xpeer *p)
{
	p->payload_max = p->active ? payload_max(p, p->active) : 0;
	for (const struct xsa *sa = p->active && p->active->conf.sel ? p->sas : NULL; sa; sa = sa->next) {
		unsigned n = sa->activated && !sa->stopped ? payload_max(p, sa) : p->payload_max;

		p->payload_max = n < p->payload_max ? n : p->payload_max;
	}
}

void
sadb_path_changed(struct xpeer *p)
{
	payload_max_refresh(p);
}

/* The SA activated last that still runs. */
static void
pick_active(struct xpeer *p)
{
	p->active = NULL;
	for (struct xsa *sa = p->sas; sa; sa = sa->next)
		if (sa->activated && !sa->stopped && (!p->active || sa->activated > p->active->activated))
			p->active = sa;
	payload_max_refresh(p);
}

void
sadb_activate(struct sadb *db, struct xsa *sa)
{
	sa->activated = ++db->serial;
	pick_active(sa->peer);
}

static bool
allows(const struct xsa *sa, uint8_t next, struct span ip)
{
	return sa->activated && !sa->stopped && sa->conf.sel && !sa->conf.sel->gre && select_out(sa->conf.sel, next, ip);
}

static bool
goes_before(const struct xsa *a, const struct xsa *b)
{
	if (a->conf.sel->order != b->conf.sel->order)
		return a->conf.sel->order < b->conf.sel->order;
	return a->activated > b->activated;
}

/* Of the first set that allows it the newest. The one activated last of all is the newest of its set, so nothing is overlooked by
 * trying it first where no set goes before. */
struct xsa *
sadb_for(const struct xpeer *p, uint8_t next, struct span ip)
{
	struct xsa *best = NULL;

	if (p->active && allows(p->active, next, ip) && p->active->conf.sel->order == 0)
		return p->active;
	for (struct xsa *sa = p->sas; sa; sa = sa->next) {
		if (allows(sa, next, ip) && (!best || goes_before(sa, best)))
			best = sa;
	}
	return best;
}

static void
raise_event(struct sadb *db, struct xsa *sa, enum dp_event_kind kind)
{
	sa->raised |= 1u << kind;
	if (!sa->pending) {
		sa->pend_prev = db->pend_tail;
		sa->pend_next = NULL;
		*db->pend_tail = sa;
		db->pend_tail = &sa->pend_next;
	}
	sa->pending |= 1u << kind;
}

static void
pending_unlink(struct sadb *db, struct xsa *sa)
{
	*sa->pend_prev = sa->pend_next;
	if (sa->pend_next)
		sa->pend_next->pend_prev = sa->pend_prev;
	else
		db->pend_tail = sa->pend_prev;
	sa->pending = 0;
}

/* In the order in which they matter to the one who listens. */
bool
sadb_event(struct sadb *db, struct dp_event *out)
{
	static const enum dp_event_kind order[] = { DP_EV_SA_USED, DP_EV_SA_MOVED, DP_EV_SA_SOFT, DP_EV_SA_HARD, DP_EV_PATH };
	struct xsa *sa = db->pend_head;

	if (!sa)
		return false;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (!(sa->pending & 1u << order[i]))
			continue;
		memset(out, 0, sizeof(*out));
		out->kind = order[i];
		out->tunnel = sa->conf.tunnel;
		out->peer = sa->conf.peer;
		out->spi_in = sa->conf.spi_in;
		out->size = sa->peer->path.asked;
		out->local = order[i] == DP_EV_SA_MOVED ? sa->moved_local : sa->conf.local;
		out->remote = order[i] == DP_EV_SA_MOVED ? sa->moved_remote : sa->conf.remote;
		if (sa->pending == 1u << order[i])
			pending_unlink(db, sa);
		sa->pending &= ~(1u << order[i]);
		return true;
	}
	return false;
}

void
sadb_ask_path(struct sadb *db, struct xpeer *p)
{
	if (p->active)
		raise_event(db, p->active, DP_EV_PATH);
}

static void
sa_soft(struct sadb *db, struct xsa *sa)
{
	if (!(sa->raised & 1u << DP_EV_SA_SOFT))
		raise_event(db, sa, DP_EV_SA_SOFT);
}

static void
sa_hard(struct sadb *db, struct xsa *sa)
{
	if (sa->stopped)
		return;
	sa->stopped = true;
	raise_event(db, sa, DP_EV_SA_HARD);
	pick_active(sa->peer);
}

static bool
reached(uint64_t value, uint64_t limit)
{
	return limit && value >= limit;
}

static void
check_life(struct sadb *db, struct xsa *sa, uint64_t packets, uint64_t bytes)
{
	const struct dp_life *l = &sa->conf.life;

	if (reached(packets, l->soft_packets) || reached(bytes, l->soft_bytes))
		sa_soft(db, sa);
	if (reached(packets, l->hard_packets) || reached(bytes, l->hard_bytes))
		sa_hard(db, sa);
}

void
sadb_sent(struct sadb *db, struct xsa *sa, tick_t now, size_t payload)
{
	uint64_t left = esp_seq_left(&sa->out);

	sa->st.tx_packets++;
	sa->st.tx_bytes += payload;
	sa->st.last_tx = now;
	if (left <= SADB_SEQ_SOFT)
		sa_soft(db, sa);
	if (left == 0)
		sa_hard(db, sa);
	check_life(db, sa, sa->st.tx_packets, sa->st.tx_bytes);
}

/* A NAT mapping changed when a newer packet comes from elsewhere; an old one may only have been slow. Told again every
 * second until the daemon moves the SA. RFC 7296, 2.23. */
static void
check_moved(struct sadb *db, struct xsa *sa, tick_t now, const struct endpoint *local, const struct endpoint *from)
{
	bool told = sa->raised & 1u << DP_EV_SA_MOVED;

	if (endpoint_eq(from, &sa->conf.remote)) {
		sa->raised &= ~(1u << DP_EV_SA_MOVED);
		return;
	}
	if (told && endpoint_eq(from, &sa->moved_remote) && now - sa->moved_at < TICK_S(1))
		return;
	sa->moved_local = *local;
	sa->moved_remote = *from;
	sa->moved_at = now;
	raise_event(db, sa, DP_EV_SA_MOVED);
}

void
sadb_received(struct sadb *db, struct xsa *sa, tick_t now, size_t payload, bool newest, const struct endpoint *local,
    const struct endpoint *from)
{
	sa->st.rx_packets++;
	sa->st.rx_bytes += payload;
	sa->st.last_rx = sa->peer->last_rx = now;
	if (!(sa->raised & 1u << DP_EV_SA_USED))
		raise_event(db, sa, DP_EV_SA_USED);
	if (newest && from && sa->conf.encap)
		check_moved(db, sa, now, local, from);
	check_life(db, sa, sa->st.rx_packets, sa->st.rx_bytes);
}

static void
arm_life(struct sadb *db, struct xsa *sa)
{
	const struct dp_life *l = &sa->conf.life;
	bool soft = l->soft_s && !(sa->raised & 1u << DP_EV_SA_SOFT);
	tick_t at = TICK_NEVER;

	if (l->hard_s && !sa->stopped)
		at = sa->born + TICK_S(l->hard_s);
	if (soft)
		at = tick_min(at, sa->born + TICK_S(l->soft_s));
	timer_arm(&db->timers, &sa->timer, at);
}

void
sadb_tick(struct sadb *db, tick_t now)
{
	struct timer *t;

	while ((t = timers_due(&db->timers, now))) {
		struct xsa *sa = container_of(t, struct xsa, timer);
		const struct dp_life *l = &sa->conf.life;

		if (l->soft_s && now - sa->born >= TICK_S(l->soft_s))
			sa_soft(db, sa);
		if (l->hard_s && now - sa->born >= TICK_S(l->hard_s))
			sa_hard(db, sa);
		arm_life(db, sa);
	}
}

static struct xpeer *
peer_get(struct sadb *db, uint32_t tunnel, uint32_t peer)
{
	struct peer_key k = { tunnel, peer };
	struct xpeer *p = sadb_peer(db, tunnel, peer);

	if (p)
		return p;
	p = env_alloc(db->env, sizeof(*p));
	if (!p)
		return NULL;
	p->tunnel = tunnel;
	p->peer = peer;
	map_add(&db->peers, &p->node, map_hash(&db->peers, &k, sizeof(k)));
	return p;
}

static void
peer_put(struct sadb *db, struct xpeer *p)
{
	if (p->sas)
		return;
	if (db->last == p)
		db->last = NULL;
	map_del(&db->peers, &p->node);
	env_free(db->env, p);
}

static void
sa_free(struct sadb *db, struct xsa *sa)
{
	esp_key_free(sa->out.key);
	esp_key_free(sa->in.key);
	env_free(db->env, sa->in.replay);
	env_free(db->env, sa);
}

static struct xsa *
sa_new(struct sadb *db, const struct dp_sa *conf, const struct esp_suite *s)
{
	struct xsa *sa = env_alloc(db->env, sizeof(*sa) + db->extra + (conf->sel ? sizeof(*conf->sel) : 0));

	if (!sa)
		return NULL;
	sa->path = sa + 1;
	sa->conf = (struct xsa_conf){ .tunnel = conf->tunnel, .peer = conf->peer, .spi_in = conf->spi_in, .spi_out = conf->spi_out,
		.local = conf->local, .remote = conf->remote, .encap = conf->encap, .esn = conf->esn, .replay_window = conf->replay_window,
		.life = conf->life };
	sa->out.suite = sa->in.suite = s;
	sa->in.plain = conf->sel != NULL;
	if (conf->sel)
		sa->conf.sel = memcpy((char *)sa->path + db->extra, conf->sel, sizeof(*conf->sel));
	sa->out.spi = conf->spi_out;
	sa->out.esn = conf->esn;
	sa->out.key = esp_key_new(db->env, s, conf->keys.encr_out, conf->keys.integ_out, true);
	sa->in.key = esp_key_new(db->env, s, conf->keys.encr_in, conf->keys.integ_in, false);
	sa->in.replay = replay_new(db->env, conf->replay_window, conf->esn);
	if (sa->out.key && sa->in.key && sa->in.replay)
		return sa;
	sa_free(db, sa);
	return NULL;
}

struct dp_sa
sadb_as_added(const struct xsa *sa)
{
	const struct xsa_conf *c = &sa->conf;
	const struct esp_suite *s = sa->out.suite;

	return (struct dp_sa){ .tunnel = c->tunnel, .peer = c->peer, .spi_in = c->spi_in, .spi_out = c->spi_out, .local = c->local,
		.remote = c->remote, .encap = c->encap, .esn = c->esn, .active = sa->peer->active == sa, .replay_window = c->replay_window,
		.life = c->life, .sel = c->sel, .keys = { .encr = s->encr, .encr_bits = s->bits, .integ = s->integ } };
}

static const struct esp_suite *
suite_of(const struct dp_sa *sa)
{
	const struct esp_suite *s = esp_suite_find(sa->keys.encr, sa->keys.encr_bits, sa->keys.integ);

	return s && sa->keys.encr_len == s->key + s->salt && sa->keys.integ_len == s->integ_key ? s : NULL;
}

static bool
sel_ok(const struct dp_selectors *s)
{
	if (s->gre)
		return s->n_local == 1 && s->n_remote == 1 && s->local[0].lo.n && s->local[0].lo.n == s->remote[0].lo.n;
	return dp_plain(s) && s->n_local <= DP_RANGES && s->n_remote <= DP_RANGES;
}

static bool
conf_ok(const struct dp_sa *sa)
{
	return sa->spi_in >= ESP_SPI_MIN && sa->spi_out >= ESP_SPI_MIN && sa->peer < DP_PEERS_MAX && sa->remote.addr.n &&
	    (!sa->local.addr.n || sa->local.addr.n == sa->remote.addr.n) && (!sa->encap || sa->remote.port) &&
	    (!sa->sel || sel_ok(sa->sel));
}

static int
add_again(struct sadb *db, struct xsa *old, const struct dp_sa *sa, struct xsa **out)
{
	if (old->conf.tunnel != sa->tunnel || old->conf.peer != sa->peer || old->conf.spi_out != sa->spi_out)
		return -EEXIST;
	if (sa->active && old->peer->active != old)
		sadb_activate(db, old);
	*out = old;
	return 0;
}

int
sadb_add(struct sadb *db, tick_t now, const struct dp_sa *conf, struct xsa **out)
{
	struct xsa *sa = sadb_find(db, conf->spi_in);
	const struct esp_suite *s = suite_of(conf);
	struct xpeer *p;

	if (sa)
		return add_again(db, sa, conf, out);
	if (!s || !conf_ok(conf))
		return -EINVAL;
	if (db->n >= SADB_SAS_MAX)
		return -ENOSPC;
	p = peer_get(db, conf->tunnel, conf->peer);
	if (!p)
		return -ENOMEM;
	sa = p->n_sas < SADB_PEER_SAS_MAX ? sa_new(db, conf, s) : NULL;
	if (!sa) {
		int err = p->n_sas < SADB_PEER_SAS_MAX ? -ENOMEM : -ENOSPC;

		peer_put(db, p);
		return err;
	}
	sa->peer = p;
	sa->next = p->sas;
	p->sas = sa;
	p->n_sas++;
	db->n++;
	sa->born = now;
	map_add(&db->by_in, &sa->by_in, map_hash(&db->by_in, &conf->spi_in, sizeof(conf->spi_in)));
	map_add(&db->by_out, &sa->by_out, sent_hash(db, conf->spi_out));
	arm_life(db, sa);
	if (conf->active)
		sadb_activate(db, sa);
	*out = sa;
	return 0;
}

void
sadb_del(struct sadb *db, struct xsa *sa)
{
	struct xpeer *p = sa->peer;
	struct xsa **at = &p->sas;

	while (*at != sa)
		at = &(*at)->next;
	*at = sa->next;
	p->n_sas--;
	db->n--;
	map_del(&db->by_in, &sa->by_in);
	map_del(&db->by_out, &sa->by_out);
	timer_disarm(&db->timers, &sa->timer);
	if (sa->pending)
		pending_unlink(db, sa);
	if (p->active == sa)
		pick_active(p);
	sa_free(db, sa);
	peer_put(db, p);
}

void
sadb_move(struct sadb *db, struct xsa *sa, const struct endpoint *local, const struct endpoint *remote, bool encap)
{
	(void)db;	/* by_out hashes the SPI alone */
	sa->conf.local = *local;
	sa->conf.remote = *remote;
	sa->conf.encap = encap;
	sa->raised &= ~(1u << DP_EV_SA_MOVED);
	payload_max_refresh(sa->peer);
}
