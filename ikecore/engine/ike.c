/* ikecore/engine/ike.c: the IKEv2 engine seen from outside: messages, events and time come in here and go to the part
 * that minds them.
 *
 * Parts: init.c (IKE_SA_INIT), auth.c (IKE_AUTH), create_child.c (CREATE_CHILD_SA and collisions), info.c (deletes,
 * liveness), exchange.c (message ids, retransmission, sealing), frag.c, ext.c (what both ends can), sa.c (an IKE SA's life,
 * duplicates), child.c (ESP pairs), dial.c (wanted peers), cookie.c (admission), natt.c (NAT), proposal.c (negotiation), job.c
 * (computations elsewhere), qcd.c (quick crash detection), mke.c, follow.c and ppk.c (against quantum computers), narrow.c (paths that eat large messages), reauth.c, redirect.c,
 * mobike.c (peers that move).
 *
 * RFC 7296 with transport mode for protocol 47 (2.23.1), AEAD for IKE (RFC 5282), Curve25519 (8031), ECP (5903), ChaCha20
 * (7634); the extensions as their files say. Left out: EAP, configuration payloads, tunnel mode, IPComp, windows above one. Peers
 * that offer those are served without them, or told in words where that cannot be.
 *
 * Everything is found by keyed hash: SAs by number, by our SPI, by remote, by identity pair, half-open ones by (SPIi,
 * remote, digest). A call writes at most IKE_STEP_ITEMS actions per step; what is left for lack of room stays due. */
#include "ikecore/engine/ike_priv.h"

/* ---- small helpers of everybody */
void
ike_count(struct ike *k, enum ike_drop d)
{
	if ((unsigned)d < IKE_DROPS_N)
		k->drops[d]++;
}

struct ike_act *
ike_act(struct ike *k, enum ike_act_kind kind, const struct ike_sa *sa)
{
	struct ike_act *a = outq_add(k->out);

	if (!a)
		return NULL;
	a->kind = kind;
	if (!sa)
		return a;
	a->sa = sa->id;
	a->local = sa->local;
	a->remote = sa->remote;
	a->profile = sa->profile;
	a->peer_id = &sa->peer_id;
	a->natted_local = sa->natted_local;
	a->natted_remote = sa->natted_remote;
	a->initiator = sa->initiator;
	a->encap = sa->encap;
	return a;
}

/* The header says all that may be said of a message that is encrypted. */
static void
debug_message(struct ike *k, const char *word, const struct endpoint *local, const struct endpoint *remote, struct span msg)
{
	char from[ENDPOINT_STRLEN], to[ENDPOINT_STRLEN];
	const uint8_t *p = msg.p;

	if (msg.n < 28)
		return;
	IKE_DEBUG(k, word, "%s %s, message %u, SPIs %08x%08x/%08x%08x, %s %s at %s, %zu octets", ike_exchange_name(p[18]),
	    p[19] & IKE_FLAG_RESPONSE ? "response" : "request", (unsigned)get_be32(p + 20), (unsigned)get_be32(p), (unsigned)get_be32(p + 4),
	    (unsigned)get_be32(p + 8), (unsigned)get_be32(p + 12),
	    word[4] == 'i' ? "from" : "to", endpoint_fmt(remote, to), endpoint_fmt(local, from), msg.n);
}

/* What does not fit is lost like any datagram; retransmission makes up for it. */
void
ike_send(struct ike *k, const struct endpoint *local, const struct endpoint *remote, struct span msg)
{
	struct ike_act *a;
	struct span copy;

	if (log_debugs(k->env.env.log, LOG_DBG_IKE))
		debug_message(k, "ike-out", local, remote, msg);
	if (!outq_copy(k->out, msg, &copy) || !(a = ike_act(k, IKE_ACT_SEND, NULL))) {
		ike_count(k, IKE_DROP_ROOM);
		return;
	}
	a->local = *local;
	a->remote = *remote;
	a->packet = copy;
}

struct span
ike_put_id(const struct ike_id *id)
{
	return span_of(id->data, id->len);
}

const struct ike_profile *
ike_profile(const struct ike *k, unsigned i)
{
	static const struct ike_profile none;	/* for what is still being closed when a reload took the last one */

	return k->conf->n_profile ? &k->conf->profile[i < k->conf->n_profile ? i : 0] : &none;
}

/* ---- making and freeing */
struct ike *
ike_new(const struct ike_conf *conf, const struct ike_env *env)
{
	struct ike *k = env_alloc(&env->env, sizeof(*k));

	if (!k)
		return NULL;
	k->conf = conf;
	k->env = *env;
	map_init(&k->by_id, &k->env.env);
	map_init(&k->by_spi, &k->env.env);
	map_init(&k->by_remote, &k->env.env);
	map_init(&k->by_pair, &k->env.env);
	map_init(&k->by_half, &k->env.env);
	map_init(&k->by_child, &k->env.env);
	map_init(&k->by_dial, &k->env.env);
	k->by_dial_addr = k->holds = k->kept = k->by_dial;	/* empty; one key does for all four */
	map_init(&k->addr_key, &k->env.env);
	ike_cookie_init(k);
	ike_qcd_init(k);
	return k;
}

static void
free_sas(struct ike *k)
{
	struct map_iter it = { 0 };

	for (;;) {	/* freeing one may free another, so begin anew each time */
		struct map_node *n = map_first(&k->by_id, &it);

		if (!n)
			return;
		ike_sa_free(k, container_of(n, struct ike_sa, by_id));
	}
}

void
ike_free(struct ike *k)
{
	struct outq nowhere = { 0 };
	struct env env;

	if (!k)
		return;
	env = k->env.env;
	k->out = &nowhere;	/* nothing is told to anybody */
	ike_dial_free_all(k);
	free_sas(k);
	while (k->lingering)
		ike_child_drop(k, k->lingering);
	ike_qcd_fini(k);
	map_fini(&k->by_id);
	map_fini(&k->by_spi);
	map_fini(&k->by_remote);
	map_fini(&k->by_pair);
	map_fini(&k->by_half);
	map_fini(&k->by_child);
	map_fini(&k->by_dial);
	ike_hold_forget_all(k);
	map_fini(&k->holds);
	map_fini(&k->kept);
	map_fini(&k->by_dial_addr);
	map_fini(&k->addr_key);
	env_free(&env, k->spare);
	ike_wipe(k, sizeof(*k));
	env_free(&env, k);
}

void
ike_out_reset(struct outq *out)
{
	for (size_t i = 0; i < out->n; i++) {
		struct ike_act *a = outq_at(out, i);

		if (a->kind == IKE_ACT_CHILD_ADD && a->child)
			ike_wipe((void *)(uintptr_t)a->child, sizeof(*a->child));
	}
	outq_reset(out);
}

/* ---- messages */
static void
enter(struct ike *k, tick_t now, struct outq *out)
{
	if (now > k->now)
		k->now = now;
	if (!k->started)
		k->started = k->now ? k->now : 1;
	k->out = out;
}

static enum ike_drop
rx_refused(struct ike *k, const struct ike_rx *rx, const struct ike_msg *m, enum ike_drop d)
{
	if (d == IKE_DROP_VERSION && !m->response && m->hdr.spi_i && m->hdr.version >> 4 > 2 && bucket_take(&k->bad_version, k->now, 5, 10))
		ike_refuse_clear(k, rx, &m->hdr, IKE_PROTO_NONE, IKE_N_INVALID_MAJOR_VERSION, span_of("", 0));
	return d;
}

static enum ike_drop
receive(struct ike *k, const struct ike_rx *rx)
{
	struct ike_msg m;
	enum ike_drop d = ike_msg_parse(rx->packet, &m);

	if (d == IKE_DROP_SHORT)
		return d;
	if (d != IKE_OK)
		return rx_refused(k, rx, &m, d);
	k->exchanges[0][m.hdr.exchange]++;
	if (m.hdr.exchange != IKE_SA_INIT)
		return ike_rx_sealed(k, rx, &m);
	d = ike_msg_check_clear(&m);
	if (d != IKE_OK)
		return d;
	return m.response ? ike_init_response(k, rx, &m) : ike_init_request(k, rx, &m);
}

enum ike_drop
ike_rx(struct ike *k, tick_t now, const struct ike_rx *rx, struct outq *out)
{
	char ep[ENDPOINT_STRLEN];
	enum ike_drop d;

	enter(k, now, out);
	if (log_debugs(k->env.env.log, LOG_DBG_IKE))
		debug_message(k, "ike-in", &rx->local, &rx->remote, rx->packet);
	d = outq_room(out, IKE_STEP_ITEMS, IKE_STEP_OCTETS) ? receive(k, rx) : IKE_DROP_ROOM;
	ike_count(k, d);
	if (d != IKE_OK)
		IKE_DEBUG(k, "ike-refused", "message from %s: %s", endpoint_fmt(&rx->remote, ep), ike_drop_text(d));
	if (d != IKE_OK)
		log_limited(k->env.env.log, &k->log_rx, k->now, LOG_LV_DEBUG, "ike-dropped", "message from %s: %s",
		    endpoint_fmt(&rx->remote, ep), ike_drop_text(d));
	return d;
}

/* ---- events */
static void
child_result(struct ike *k, const struct ike_event *ev)
{
	struct ike_child *c = ike_child_find(k, ev->spi_in);
	struct ike_sa *sa = c ? c->sa : NULL;
	tick_t until;

	if (!sa)
		return;
	if (ev->ok) {
		ike_hold_clear(k, sa);
		ike_kept_over(k, sa);
		ike_child_taken(k, sa, c);
		return;
	}
	until = ike_hold_more(k, sa);
	IKE_DEBUG(k, "ike-child-refused", "the data plane did not take an SA, next try in %u ms", (unsigned)((until - k->now) / 1000));
	c->installed = false;
	ike_child_want_delete(k, c);
	ike_child_stays(k, sa, c, until);
	if (ike_pair_up(sa, c->set) || sa->state != IKE_SA_EST)
		return;
	sa->want_child = true;	/* whoever dialled: the peer does not know when it is of use */
	sa->retry_at = until;
	ike_sa_kick_at(k, sa, until);
	if (ike_child_count_up(sa))
		return;
	sa->orphan_at = sa->dialled ? TICK_NEVER : until + IKE_ORPHAN_LIFE;
	ike_sa_arm_life(k, sa);
}

static void
child_used(struct ike *k, const struct ike_event *ev)
{
	struct ike_child *c = ike_child_find(k, ev->spi_in);

	if (!c || !c->sa)
		return;
	ike_live_rx(k, c->sa);
	c->unsure = false;
	if (c->state == IKE_CH_UP)
		ike_child_activate(k, c);
	ike_sa_kick(k, c->sa);
	ike_dup_confirmed(k, c->sa);
}

static void
child_limit(struct ike *k, const struct ike_event *ev)
{
	struct ike_child *c = ike_child_find(k, ev->spi_in);

	if (!c || !c->sa || c->state != IKE_CH_UP)
		return;
	if (ev->kind == IKE_EV_SA_SOFT) {
		c->want_rekey = true;
	} else {
		c->sa->want_child = ike_pair_up(c->sa, c->set) < 2 && c->sa->dialled;
		ike_child_want_delete(k, c);
	}
	ike_sa_kick(k, c->sa);
}

static void
sa_moved(struct ike *k, const struct ike_event *ev)
{
	struct ike_child *c = ike_child_find(k, ev->spi_in);

	if (!c || !c->sa || c->sa->state != IKE_SA_EST || !c->encap)
		return;
	ike_live_rx(k, c->sa);
	ike_natt_move(k, c->sa, &c->sa->local, &ev->remote);
}

static void
sa_unknown(struct ike *k, const struct ike_event *ev)
{
	for (struct ike_sa *sa = ike_sa_of_esp(k, &ev->remote); sa; sa = ike_sa_next_remote(sa))
		ike_live_suspect(k, sa);
	if (!k->shutdown && ev->local.addr.n)	/* though there is an SA with it: that may be of another tunnel */
		ike_invalid_spi_send(k, &ev->local, &ev->remote, ev->spi_in);
}

static void
use_answer(struct ike *k, const struct ike_event *ev)
{
	struct ike_child *c = ike_child_find(k, ev->spi_in);

	if (c && c->sa)
		ike_live_use(k, c->sa, ev->ok, ev->sent, ev->at);
}

/* SAs on an address that is gone cannot say goodbye, unless they may move. They go one per step, like those of a shutdown. */
static void
local_addr(struct ike *k, const struct ike_event *ev)
{
	bool same = addr_eq(&ev->local.addr, &ev->remote.addr);	/* it is back */
	struct map_iter it = { 0 };

	for (struct map_node *n = map_first(&k->by_id, &it); n; n = map_next(&k->by_id, &it)) {
		struct ike_sa *sa = container_of(n, struct ike_sa, by_id);

		if (!addr_eq(&sa->local.addr, &ev->local.addr))
			continue;
		if (sa->state != IKE_SA_EST && !sa->dials) {	/* on its way out: what it still says goes from there */
			if (sa->ext.moves && ev->remote.addr.n == sa->local.addr.n)
				sa->local.addr = ev->remote.addr;
			continue;
		}
		if (same && sa->away_until == TICK_NEVER)
			continue;
		if (sa->state == IKE_SA_EST && sa->ext.moves && (!ev->remote.addr.n || ev->remote.addr.n == sa->local.addr.n)) {
			ike_mobike_readdress(k, sa, &ev->remote.addr);
			continue;
		}
		sa->lost_local = true;
		timer_arm(&k->timers, &sa->t_life, k->now);
	}
	ike_dial_local(k, &ev->local.addr, &ev->remote.addr);
}

static void
shut_down(struct ike *k)
{
	struct map_iter it = { 0 };

	k->shutdown = true;
	ike_dial_free_all(k);
	for (struct map_node *n = map_first(&k->by_id, &it); n; n = map_next(&k->by_id, &it)) {
		struct ike_sa *sa = container_of(n, struct ike_sa, by_id);

		timer_arm(&k->timers, &sa->t_life, sa->state == IKE_SA_CLOSING ? k->now + TICK_S(1) : k->now);
	}
}

static void
close_sa(struct ike *k, const struct ike_event *ev)
{
	struct ike_sa *sa = ike_sa_find(k, ev->sa);

	if (sa && sa->state == IKE_SA_EST)
		ike_sa_down(k, sa, IKE_DOWN_CLOSED, ev->text ? ev->text : "closed by the operator", 0, true);
}

static void
rekey_sa(struct ike *k, const struct ike_event *ev)
{
	struct ike_sa *sa = ike_sa_find(k, ev->sa);

	if (!sa || sa->state != IKE_SA_EST)
		return;
	sa->want_rekey = true;
	ike_sa_kick(k, sa);
}

void
ike_event(struct ike *k, tick_t now, const struct ike_event *ev, struct outq *out)
{
	enter(k, now, out);
	switch (ev->kind) {
	case IKE_EV_DIAL:
		ike_dial_event(k, ev);
		return;
	case IKE_EV_HANGUP:
		ike_dial_hangup(k, ev->dial);
		return;
	case IKE_EV_CLOSE:
		close_sa(k, ev);
		return;
	case IKE_EV_REKEY:
		rekey_sa(k, ev);
		return;
	case IKE_EV_JOB:
		ike_job_event(k, ev->job);
		return;
	case IKE_EV_CHILD_RESULT:
		child_result(k, ev);
		return;
	case IKE_EV_SA_USED:
		child_used(k, ev);
		return;
	case IKE_EV_SA_SOFT:
	case IKE_EV_SA_HARD:
		child_limit(k, ev);
		return;
	case IKE_EV_SA_UNKNOWN:
		sa_unknown(k, ev);
		return;
	case IKE_EV_SA_MOVED:
		sa_moved(k, ev);
		return;
	case IKE_EV_USE:
		use_answer(k, ev);
		return;
	case IKE_EV_PROBE:
		ike_probe(k, ev->sa, ev->size);
		return;
	case IKE_EV_LOCAL_ADDR:
		local_addr(k, ev);
		return;
	case IKE_EV_SHUTDOWN:
		shut_down(k);
		return;
	}
}

/* ---- time */
static void
life(struct ike *k, struct ike_sa *sa)
{
	if (sa->lost_local) {
		sa->lost_local = false;
		if (sa->state == IKE_SA_EST)
			ike_sa_down(k, sa, IKE_DOWN_UNREACHABLE, "our address is gone", 0, false);
		else
			ike_sa_free(k, sa);
	} else if (sa->unwelcome && ike_sa_unwelcome(k, sa)) {
		return;
	} else if (k->shutdown && sa->state == IKE_SA_EST && sa->announced) {
		ike_sa_down(k, sa, IKE_DOWN_CLOSED, "shutting down", 0, true);
	} else if (k->shutdown) {
		ike_sa_free(k, sa);
	} else {
		ike_sa_life(k, sa);
	}
}

static void
due(struct ike *k, struct timer *t)
{
	switch ((enum ike_timer_kind)t->kind) {
	case TM_RETX:
		ike_x_retransmit(k, container_of(t, struct ike_sa, t_retx));
		return;
	case TM_LIFE:
		life(k, container_of(t, struct ike_sa, t_life));
		return;
	case TM_LIVE:
		ike_live_timer(k, container_of(t, struct ike_sa, t_live));
		return;
	case TM_KICK:
		ike_sa_kick(k, container_of(t, struct ike_sa, t_kick));
		return;
	case TM_CHILD:
		ike_child_timer(k, container_of(t, struct ike_child, timer));
		return;
	case TM_DIAL:
		ike_dial_timer(k, container_of(t, struct ike_dial, timer));
		return;
	case TM_LOST:
		ike_qcd_timer(k);
		return;
	}
}

void
ike_tick(struct ike *k, tick_t now, struct outq *out)
{
	enter(k, now, out);
	while (timers_next(&k->timers) <= k->now && outq_room(out, IKE_STEP_ITEMS, IKE_STEP_OCTETS)) {
		struct timer *t = timers_due(&k->timers, k->now);

		if (t)
			due(k, t);
	}
}

tick_t
ike_deadline(const struct ike *k)
{
	return timers_next(&k->timers);
}

/* ---- show */
static const char *const state_word[IKE_SA_STATES] = {
	[IKE_SA_I_INIT] = "init", [IKE_SA_I_KEX] = "init", [IKE_SA_I_SIGN] = "auth", [IKE_SA_I_AUTH] = "auth", [IKE_SA_I_CHECK] = "auth",
	[IKE_SA_R_CHECK] = "auth", [IKE_SA_I_INTER] = "init", [IKE_SA_R_INTER] = "auth",
	[IKE_SA_R_INIT] = "init", [IKE_SA_R_KEX] = "auth", [IKE_SA_R_AUTH] = "auth", [IKE_SA_FAILED] = "deleting",
	[IKE_SA_EST] = "established", [IKE_SA_REKEYED] = "deleting", [IKE_SA_CLOSING] = "deleting",
};

void
ike_visit_sa(const struct ike *k, ike_sa_fn *fn, void *ctx)
{
	struct map_iter it = { 0 };

	for (struct map_node *n = map_first(&k->by_id, &it); n; n = map_next(&k->by_id, &it)) {
		const struct ike_sa *sa = container_of(n, struct ike_sa, by_id);
		struct ike_sa_info i = {
			.sa = sa->id,
			.spi_i = sa->spi_i,
			.spi_r = sa->spi_r,
			.state = state_word[sa->state],
			.local = sa->local,
			.remote = sa->remote,
			.local_id = &sa->local_id,
			.peer_id = &sa->peer_id,
			.initiator = sa->initiator,
			.natted_local = sa->natted_local,
			.natted_remote = sa->natted_remote,
			.encr = sa->suite.encr,
			.encr_bits = sa->suite.encr_bits,
			.prf = sa->suite.prf,
			.integ = sa->suite.integ,
			.group = sa->suite.group,
			.established = sa->established,
			.rekey_at = sa->rekey_at,
			.expires = sa->expires,
			.last_rx = sa->last_rx,
			.dial = sa->dials ? sa->dials->id : 0,
			.profile = sa->profile,
			.reason = sa->reason ? sa->reason : "",
			.frag = sa->ext.frag,
			.ppk = sa->ext.ppk_used,
			.mobike = sa->ext.mobike || sa->ext.moves,
			.frag_mtu = ike_frag_mtu(k, sa),
			.auth_local = sa->auth_local,
			.auth_remote = sa->auth_remote,
			.cert = sa->vouched ? &sa->vouched->facts : NULL,
			.trust = sa->vouched ? sa->vouched->trust : "",
		};

		memcpy(i.addke, sa->addke, sizeof(i.addke));
		if (sa->state == IKE_SA_EST && sa->cc_tx && sa->cc_tx->kind == IKE_CC_REKEY_IKE)
			i.state = "rekeying";
		if (!fn(ctx, &i))
			return;
	}
}

static bool
visit_one(const struct ike_child *c, ike_child_fn *fn, void *ctx)
{
	struct ike_child_info i = {
		.sa = c->sa_id,
		.spi_in = c->spi_in,
		.spi_out = c->spi_out,
		.encr = c->encr,
		.encr_bits = c->bits,
		.integ = c->integ,
		.pfs_group = c->pfs_group,
		.encap = c->encap,
		.esn = c->esn,
		.tunnel = c->tunnel,
		.created = c->created,
		.rekey_at = c->rekey_at,
		.expires = c->expires,
		.sel = c->sel,
	};
	bool rekeying = c->state == IKE_CH_UP && c->sa && c->sa->cc_tx && c->sa->cc_tx->old == c->spi_in;

	i.state = rekeying ? "rekeying" : c->state == IKE_CH_UP ? "installed" : "deleting";
	return fn(ctx, &i);
}

void
ike_visit_child(const struct ike *k, uint32_t id, ike_child_fn *fn, void *ctx)
{
	struct map_iter it = { 0 };
	const struct ike_sa *sa = ike_sa_find(k, id);

	if (id) {
		for (const struct ike_child *c = sa ? sa->children : NULL; c; c = c->next) {
			if (!visit_one(c, fn, ctx))
				return;
		}
		return;
	}
	for (struct map_node *n = map_first(&k->by_child, &it); n; n = map_next(&k->by_child, &it)) {
		if (!visit_one(container_of(n, struct ike_child, by_spi), fn, ctx))
			return;
	}
}

uint64_t
ike_count_drop(const struct ike *k, enum ike_drop d)
{
	return (unsigned)d < IKE_DROPS_N ? k->drops[d] : 0;
}

uint64_t
ike_count_fragments(const struct ike *k, bool tx)
{
	return k->fragments[tx];
}

uint64_t
ike_count_exchange(const struct ike *k, bool tx, uint8_t exchange)
{
	return k->exchanges[tx][exchange];
}

void
ike_visit_refused(const struct ike *k, ike_refused_fn *fn, void *ctx)
{
	unsigned n = k->n_refused < IKE_REFUSED_MAX ? k->n_refused : IKE_REFUSED_MAX;

	for (unsigned i = 1; i <= n; i++) {
		const struct ike_refused *r = &k->refused[(k->n_refused - i) % IKE_REFUSED_MAX];
		struct ike_refused_info info = { .at = r->at, .remote = r->remote, .id = &r->id, .drop = r->drop, .why = r->why };

		if (!fn(ctx, &info))
			return;
	}
}
