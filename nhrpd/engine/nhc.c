/* nhrpd/engine/nhc.c: the client side of registration (RFC 2332 5.2.3), one struct nhc per configured NHS.
 *
 * Name -> want -> peer -> Registration Request -> reply -> registered; refreshed at a third of the holding time. Four
 * requests without an answer (15 s) end the SA, because a hub that restarted knows nothing of it, and the core dials anew.
 * Of each cluster the hubs of the best priority that can be reached are used (or as many as max-connections says, the best first), others
 * stand by: the level of a cluster moves up when too few have been up for LEVEL_S, and down when better hubs have been up for fallback_s.
 * The first registered hub is also the neighbour for all that has none (the fallback), so traffic has a way before any
 * resolution. From the reply we learn the address of a `dynamic` NHS, and our own public address behind NAT. */
#include "nhrpd/engine/nhrp_priv.h"

enum {
	REG_TRIES = 4, RETRY_MAX_S = 60, LEVEL_S = 5, LOOKUP_S = 5, LOOKUP_MAX_S = 60, LOOKUP_LOST_S = 30,
	DIAL_QUIET_S = 150, UNIQUE_RETRY_S = 2, UNIQUE_RETRIES = 3, FALLBACK_RETRY_S = 5,
};

const char *const nhc_state_name[NHC_STATES] = {
	[NHC_NAME] = "resolving name", [NHC_STANDBY] = "standby", [NHC_DIALING] = "dialing", [NHC_REGISTERING] = "registering",
	[NHC_REGISTERED] = "registered", [NHC_WAITING] = "waiting",
};

static unsigned
fam(const struct nhc *c)
{
	return c->said.family == 16;
}

static bool
in_group(const struct nhc *c, unsigned f, unsigned cluster)
{
	return c->used && fam(c) == f && c->said.cluster == cluster;
}

/* Before others of its group by so many: by priority, or, where connections are counted, one by one. */
static unsigned
rank(const struct nhrp *n, const struct nhc *c)
{
	unsigned before = 0;

	if (!n->conf.max_connections[c->said.cluster])
		return c->said.priority;
	for (unsigned i = 0; i < n->n_nhc; i++) {
		const struct nhc *o = &n->nhc[i];

		before += in_group(o, fam(c), c->said.cluster) &&
		    (o->said.priority < c->said.priority || (o->said.priority == c->said.priority && o->order < c->order));
	}
	return before;
}

static bool
wanted(const struct nhrp *n, const struct nhc *c)
{
	return rank(n, c) <= n->group[fam(c)][c->said.cluster].level;
}

static void
state(struct nhrp *n, struct nhc *c, enum nhc_state s)
{
	char proto[ADDR_STRLEN];

	if (c->state != s) {
		c->since = n->now;
		NHRP_DEBUG(n, "nhs", "%s: %s -> %s%s%s", c->said.name[0] ? c->said.name : addr_fmt(&c->proto, proto), nhc_state_name[c->state],
		    nhc_state_name[s], c->reason[0] ? ": " : "", c->reason);
	}
	c->state = s;
}

static void
next(struct nhrp *n, struct nhc *c, tick_t after)
{
	c->next = after == TICK_NEVER ? TICK_NEVER : n->now + after;
	arm(n, &c->timer, c->next);
}

static tick_t
backoff(struct nhrp *n, unsigned first_s, unsigned step, unsigned max_s)
{
	uint64_t s = (uint64_t)first_s << (step < 16 ? step : 16);

	return jitter(n, TICK_S(s < max_s ? s : max_s));
}

/* ---- who is used */

struct peer *
nhc_peer(const struct nhrp *n, uint8_t family, const struct peer *not)
{
	const struct nhc *best = NULL;

	for (unsigned i = 0; i < n->n_nhc; i++) {
		const struct nhc *c = &n->nhc[i];

		if (c->state == NHC_REGISTERED && c->peer && !c->peer->gone && c->peer != not && (!family || c->conf->family == family) &&
		    (!best || c->conf->priority < best->conf->priority || (c->conf->priority == best->conf->priority && c->order < best->order)))
			best = c;
	}
	return best ? best->peer : NULL;
}

bool
nhc_serves(const struct nhrp *n, const struct addr *proto)
{
	for (unsigned i = 0; i < n->n_nhc; i++) {
		if (n->nhc[i].proto.n && addr_eq(&n->nhc[i].proto, proto))
			return true;
	}
	return false;
}

/* The queue was full: the data plane has what it had, and the timer tries again. The peer may be gone by then. */
static void
fallback_untold(struct nhrp *n)
{
	n->fallback = NULL;
	n->fallback_stale = true;
	arm(n, &n->level_timer, n->now + TICK_S(1));
}

static void
fallback_set(struct nhrp *n, struct peer *p)
{
	struct nhrp_act *a = act(n, NHRP_ACT_NEIGH_SET);

	handle_close(n, &n->fallback_ck);
	if (!a) {
		fallback_untold(n);
		return;
	}
	n->fallback = p;
	n->fallback_stale = false;
	handle_open(n, &n->fallback_ck, H_FALLBACK);
	a->cookie = n->fallback_ck.id;
	a->peer = p->id;
	a->nbma = p->remote.addr;
}

static void
fallback_clear(struct nhrp *n)
{
	handle_close(n, &n->fallback_ck);
	if (!act(n, NHRP_ACT_NEIGH_DEL)) {	/* without an address: the fallback */
		fallback_untold(n);
		return;
	}
	n->fallback = NULL;
	n->fallback_stale = false;
}

static void
fallback_update(struct nhrp *n)
{
	struct peer *p = nhc_peer(n, 0, NULL);

	if (p == n->fallback && !n->fallback_stale)
		return;
	if (p)
		fallback_set(n, p);
	else
		fallback_clear(n);
}

void
nhc_fallback_result(struct nhrp *n, bool ok)
{
	handle_close(n, &n->fallback_ck);
	if (ok)
		return;
	fallback_clear(n);	/* it was to replace one whose peer is gone; set anew by the timer */
	arm(n, &n->level_timer, n->now + TICK_S(FALLBACK_RETRY_S));
}

/* The peer has another outer address (p), or the interface came back without its neighbours (NULL). */
void
nhc_fallback_again(struct nhrp *n, const struct peer *p)
{
	if (n->fallback && (!p || n->fallback == p))
		fallback_set(n, n->fallback);
}

/* ---- priorities */

/* How many of the group up to that rank are registered. */
static unsigned
registered_to(const struct nhrp *n, unsigned f, unsigned cluster, unsigned level)
{
	unsigned k = 0;

	for (unsigned i = 0; i < n->n_nhc; i++)
		k += in_group(&n->nhc[i], f, cluster) && n->nhc[i].state == NHC_REGISTERED && rank(n, &n->nhc[i]) <= level;
	return k;
}

/* The lowest rank up to which as many are registered as are to be; where they are too few, the next one above what is wanted now. */
static unsigned
level_target(const struct nhrp *n, unsigned f, unsigned cluster)
{
	unsigned now = n->group[f][cluster].level, need = n->conf.max_connections[cluster], best = UINT8_MAX + 1, above = UINT8_MAX + 1;

	for (unsigned i = 0; i < n->n_nhc; i++) {
		const struct nhc *c = &n->nhc[i];
		unsigned r = in_group(c, f, cluster) ? rank(n, c) : UINT8_MAX + 1;

		if (r > now && r < above)
			above = r;
		if (r <= now && r < best && registered_to(n, f, cluster, r) >= (need ? need : 1))
			best = r;
	}
	return best <= UINT8_MAX ? best : above <= UINT8_MAX ? above : now;
}

static tick_t
level_wait(const struct nhrp *n, bool better)
{
	return TICK_S(better && n->conf.fallback_s ? n->conf.fallback_s : LEVEL_S);
}

/* A change waits, so that a hub that comes back at once is not left, nor one taken that will not last. */
static tick_t
group_update(struct nhrp *n, unsigned f, unsigned cluster)
{
	struct nhs_group *g = &n->group[f][cluster];
	unsigned target = level_target(n, f, cluster);
	bool better = target < g->level;

	if (target == g->level)
		g->at = TICK_NEVER;
	else if (g->at == TICK_NEVER || better != g->better)
		g->at = n->now + level_wait(n, better);
	g->better = better;
	return g->at;
}

static void
level_update(struct nhrp *n)
{
	tick_t first = TICK_NEVER;

	for (unsigned i = 0; i < 2 * NHRP_CLUSTERS; i++)
		first = tick_min(first, group_update(n, i % 2, i / 2));
	if (!if_state_update(n))
		first = tick_min(first, n->now + TICK_S(1));
	if (n->started)
		arm(n, &n->level_timer, first);
	fallback_update(n);
}

static void
lookup(struct nhrp *n, struct nhc *c)
{
	struct nhrp_act *a = act(n, NHRP_ACT_RESOLVE_NAME);

	if (a) {
		a->nhs = c->index;
		a->hint = c->said.name;
	}
}

/* A name, unless the addresses stand in the configuration. */
static void
lookup_state(struct nhrp *n, struct nhc *c)
{
	if (!c->conf->name[0]) {
		state(n, c, NHC_WAITING);
		reason_set(c->reason, sizeof(c->reason), "no NBMA address is configured for it");
		next(n, c, TICK_NEVER);
		return;
	}
	state(n, c, NHC_NAME);
	lookup(n, c);
	next(n, c, TICK_S(LOOKUP_LOST_S));
}

static void
unwant(struct nhrp *n, struct nhc *c)
{
	struct nhrp_act *a = c->want.id ? act(n, NHRP_ACT_UNWANT) : NULL;

	if (a)
		a->want = c->want.id;
	handle_close(n, &c->want);
}

static void
dial(struct nhrp *n, struct nhc *c)
{
	struct nhrp_act *a;

	if (!wanted(n, c)) {
		state(n, c, NHC_STANDBY);
		next(n, c, TICK_NEVER);
		return;
	}
	if (!c->n_addrs) {
		lookup_state(n, c);
		return;
	}
	a = act(n, NHRP_ACT_WANT);
	if (!a) {
		next(n, c, TICK_S(1));
		return;
	}
	handle_open(n, &c->want, H_WANT_NHS);
	a->want = c->want.id;
	a->hub = true;
	a->hint = c->conf->name[0] ? c->conf->name : NULL;
	a->n_addrs = c->n_addrs;
	memcpy(a->addrs, c->addrs, sizeof(a->addrs[0]) * c->n_addrs);
	state(n, c, NHC_DIALING);
	next(n, c, TICK_NEVER);
}

/* ---- going down */

static void
down(struct nhrp *n, struct nhc *c, const char *reason)
{
	struct binding *b = binding_find(n, &c->proto);
	struct peer *p = c->peer;
	bool was = c->state == NHC_REGISTERED;

	reason_set(c->reason, sizeof(c->reason), reason);
	handle_close(n, &c->reg);
	c->peer = NULL;
	c->tries = 0;
	state(n, c, c->want.id ? NHC_DIALING : NHC_STANDBY);
	next(n, c, TICK_NEVER);
	if (was)
		log_at(n->log, LOG_LV_NOTICE, "nhs-down", "%s: %s", c->conf->name, c->reason);
	if (was && b && b->peer == p) {
		if (b->type == NHRP_CT_NHS)
			binding_forget(n, b);
		else
			binding_detach(n, b, reason);
	}
	level_update(n);
}

/* Whoever answers where the hub is said to be must be allowed its tunnel address, too: else a member that got hold of the hub's outer
 * address, or of its name, would have all our traffic. False: it is down, and tried again later. */
static bool
may_serve(struct nhrp *n, struct nhc *c, const struct addr *proto)
{
	struct peer *p = c->peer;
	const char *why = proto->n ? peer_judge(n, p, proto, NULL) : NULL;

	if (!why)
		return true;
	c->failures++;
	drop(n, NHRP_DROP_NOT_ALLOWED);
	TRACE(&n->env, .peer = p->id, .step = TRACE_FAILED, .reason = why);
	down(n, c, why);
	next(n, c, backoff(n, 2, c->naks, RETRY_MAX_S));
	c->naks++;
	return false;
}

void
nhc_judge(struct nhrp *n, const struct peer *p)
{
	for (unsigned i = 0; i < n->n_nhc; i++) {
		struct nhc *c = &n->nhc[i];

		if (c->used && c->peer == p)
			may_serve(n, c, &c->proto);
	}
}

static void
standby(struct nhrp *n, struct nhc *c)
{
	const struct prefix *own = own_prefix(n, c->conf->family);

	if (c->state == NHC_REGISTERED && own) {
		struct prefix host = prefix_host(&own->addr);

		purge_send(n, c->peer, 0, &own->addr, &c->proto, &host);
	}
	if (c->peer)
		down(n, c, "a hub of better priority is up");
	unwant(n, c);
	state(n, c, NHC_STANDBY);
	next(n, c, TICK_NEVER);
}

/* Who is wanted now is dialed, who is not any more is left. */
static void
group_apply(struct nhrp *n, unsigned f, unsigned cluster)
{
	for (unsigned i = 0; i < n->n_nhc; i++) {
		struct nhc *c = &n->nhc[i];

		if (!in_group(c, f, cluster))
			continue;
		if (wanted(n, c) && c->state == NHC_STANDBY)
			next(n, c, 0);
		else if (!wanted(n, c) && c->state != NHC_STANDBY && c->state != NHC_NAME)
			standby(n, c);
	}
}

void
nhc_level_timer(struct nhrp *n)
{
	if (!n->started) {
		n->started = true;
		nhc_start(n);
	}
	for (unsigned i = 0; i < 2 * NHRP_CLUSTERS; i++) {
		unsigned f = i % 2, cluster = i / 2;
		struct nhs_group *g = &n->group[f][cluster];

		if (g->at > n->now)
			continue;
		g->level = level_target(n, f, cluster);
		g->at = TICK_NEVER;
		group_apply(n, f, cluster);
	}
	level_update(n);
}

void
nhc_peer_lost(struct nhrp *n, struct peer *p, const char *reason)
{
	for (unsigned i = 0; i < n->n_nhc; i++) {
		if (n->nhc[i].peer == p)
			down(n, &n->nhc[i], reason);
	}
}

/* ---- registering */

static void
request(struct nhrp *n, struct nhc *c, const struct prefix *own)
{
	const struct addr *dst = c->proto.n ? &c->proto : &own->addr;
	struct addr zero = addr_of((const uint8_t[16]){ 0 }, own->addr.n);
	struct nhrp_vendor said = { .group = span_of(n->conf.group, strlen(n->conf.group)) };
	struct nhrp_cie nat;
	struct tx t;
	const uint8_t *start;

	tx_init(n, &t, c->peer, NHRP_REGISTRATION_REQUEST, &own->addr, dst);
	t.p.hops = HOPS_ONE;	/* 0 is refused by Cisco */
	t.p.flags = (uint16_t)(NHRP_FLAG_NAT | (n->conf.no_unique ? 0 : NHRP_FLAG_REG_UNIQUE));
	t.p.request_id = c->reg.id;
	t.p.cie[t.p.n_cie++] = (struct nhrp_cie){ .prefix_len = n->conf.no_unique ? addr_bits(&own->addr) : 0xff, .mtu = n->conf.mtu,
		.hold_s = n->conf.hold_s };
	for (unsigned i = 0; i < n->conf.n_own; i++) {	/* further addresses of the family, e.g. link-local */
		const struct addr *more = &n->conf.own[i].addr;

		if (more->n == own->addr.n && !addr_eq(more, &own->addr)) {
			t.p.cie[t.p.n_cie] = t.p.cie[0];
			t.p.cie[t.p.n_cie++].proto = *more;
		}
	}
	nat = cie_public(&c->peer->remote.addr, c->proto.n ? &c->proto : &zero);
	request_exts(n, &t, &nat, nat.nbma.n == t.p.src_nbma.n);
	if (n->conf.group[0]) {
		start = t.w.p;
		nhrp_vendor_build(&t.w, &said);
		tx_ext(&t, NHRP_EXT_VENDOR, false, span_of(start, (size_t)(t.w.p - start)));
	}
	c->requests += tx_send(n, &t, c->peer);
	if (c->state != NHC_REGISTERED)
		TRACE(&n->env, .peer = c->peer->id, .step = TRACE_REGISTRATION_SENT, .n = c->tries + 1, .proto = c->proto.n ? &c->proto : NULL);
}

static void
send_request(struct nhrp *n, struct nhc *c)
{
	const struct prefix *own = own_prefix(n, c->conf->family);

	if (!own) {
		state(n, c, NHC_WAITING);
		reason_set(c->reason, sizeof(c->reason), "the tunnel has no address of its family");
		next(n, c, TICK_NEVER);
		return;
	}
	if (!c->reg.id)
		handle_open(n, &c->reg, H_REGISTRATION);
	request(n, c, own);
	next(n, c, backoff(n, 1, c->tries, RETRY_MAX_S));
	c->tries++;
}

static bool
peer_serves_another(const struct nhrp *n, const struct nhc *c)
{
	for (unsigned i = 0; i < n->n_nhc; i++) {
		if (&n->nhc[i] != c && n->nhc[i].peer == c->peer && n->nhc[i].state == NHC_REGISTERED)
			return true;
	}
	return false;
}

static void
silent(struct nhrp *n, struct nhc *c)
{
	const char *why = c->hint ? c->hint : c->state == NHC_REGISTERED ? "hub does not answer registrations any more" :
	    "no reply to registration over a working SA: is the hub's tunnel key ours?";
	struct peer *p = c->peer;
	struct nhrp_act *a;

	c->hint = NULL;
	c->failures++;
	TRACE(&n->env, .peer = p->id, .step = TRACE_FAILED, .reason = why);
	if (peer_serves_another(n, c)) {	/* the SA is good, it is just this family it does not serve */
		down(n, c, why);
		c->peer = p;
		state(n, c, NHC_WAITING);
		next(n, c, jitter(n, TICK_S(RETRY_MAX_S)));
		return;
	}
	down(n, c, why);
	if (c->conf->name[0])
		lookup(n, c);	/* it may have moved */
	a = act(n, NHRP_ACT_DROP_PEER);
	if (a) {
		a->peer = p->id;
		a->reason = why;
	}
}

void
nhc_timer(struct nhrp *n, struct nhc *c)
{
	switch (c->state) {
	case NHC_NAME:
		lookup_state(n, c);
		break;
	case NHC_STANDBY:
	case NHC_DIALING:	/* failed, and not a word since: asked for anew, the core may have had no memory for it */
		unwant(n, c);
		dial(n, c);
		break;
	case NHC_REGISTERING:
	case NHC_REGISTERED:
		if (c->tries >= REG_TRIES)
			silent(n, c);
		else
			send_request(n, c);
		break;
	case NHC_WAITING:
		if (!c->peer) {
			dial(n, c);
			break;
		}
		state(n, c, NHC_REGISTERING);
		send_request(n, c);
		break;
	case NHC_STATES:
		break;
	}
}

/* ---- events */

void
nhc_addrs(struct nhrp *n, const struct nhrp_event *ev)
{
	struct nhc *c = &n->nhc[ev->nhs % NHRP_NHS_MAX];
	unsigned k = ev->n_addrs < NHRP_NHS_ADDRS ? ev->n_addrs : NHRP_NHS_ADDRS;
	bool same;

	if (!c->used || c->index != ev->nhs)
		return;
	if (!k) {
		reason_set(c->reason, sizeof(c->reason), ev->reason && *ev->reason ? ev->reason : "its name has no address");
		c->failures++;
		if (c->state == NHC_NAME)
			next(n, c, backoff(n, LOOKUP_S, c->lookups++, LOOKUP_MAX_S));
		return;
	}
	c->lookups = 0;
	same = k == c->n_addrs && memcmp(c->addrs, ev->addrs, sizeof(c->addrs[0]) * k) == 0;
	memcpy(c->addrs, ev->addrs, sizeof(c->addrs[0]) * k);
	c->n_addrs = k;
	if (c->state == NHC_NAME) {
		dial(n, c);
	} else if (c->state == NHC_DIALING && !same) {
		unwant(n, c);
		dial(n, c);
	}
}

void
nhc_want(struct nhrp *n, struct nhc *c, const struct nhrp_event *ev)
{
	struct peer *p = ev->kind == NHRP_EV_WANT_UP ? peer_find(n, ev->peer) : NULL;

	if (ev->kind == NHRP_EV_WANT_FAIL) {
		c->failures++;
		if (!c->peer)
			reason_set(c->reason, sizeof(c->reason), ev->reason && *ev->reason ? ev->reason : "no answer to IKE");
		if (!c->peer && c->conf->name[0])
			lookup(n, c);	/* it may have moved */
		if (!c->peer)
			next(n, c, TICK_S(DIAL_QUIET_S));
		return;
	}
	if (!p || (c->peer == p && c->state == NHC_REGISTERED))
		return;
	if (c->peer && c->peer != p)
		down(n, c, "it came back with a new SA");
	c->peer = p;
	c->tries = 0;
	if (!may_serve(n, c, &c->conf->proto))	/* of a `dynamic` one its reply tells */
		return;
	state(n, c, NHC_REGISTERING);
	handle_close(n, &c->reg);
	send_request(n, c);
}

bool
nhc_mcast(const struct nhrp *n, const struct nhc *c)
{
	for (unsigned i = 0; i < n->conf.n_map; i++) {
		const struct nhrp_conf_map *m = &n->conf.map[i];

		if (m->mcast && (m->proto.n ? addr_eq(&m->proto, &c->proto) : addr_eq(&m->nbma, &c->peer->remote.addr)))
			return true;
	}
	return c->conf->mcast;
}

/* The reply's destination is the NHS's own address; a `dynamic` one learns it so. */
static bool
learn_proto(struct nhrp *n, struct nhc *c, const struct nhrp_packet *p)
{
	struct binding *old = binding_find(n, &c->proto);

	if (!addr_is_unicast(&p->dst_proto) || own_has(n, &p->dst_proto))
		return c->proto.n != 0;
	if (c->conf->proto.n || addr_eq(&c->proto, &p->dst_proto))
		return true;
	if (old)
		binding_forget(n, old);
	c->proto = p->dst_proto;
	return true;
}

/* Behind NAT the reply's second entry is the address the NHS saw (Cisco). Without it we are not. */
static void
learn_public(struct nhrp *n, struct nhc *c, const struct nhrp_packet *p)
{
	struct addr seen = ext_nat_of(p, &p->src_proto);

	if (!nhrp_ext_find(p, NHRP_EXT_NAT))
		return;
	c->public_nbma = seen.n ? seen : n->nbma;
	n->public_nbma = c->public_nbma;
}

static bool
install(struct nhrp *n, struct nhc *c)
{
	struct binding *b = binding_get(n, &c->proto);

	if (!b)
		return false;
	if (b->type != NHRP_CT_STATIC)
		binding_set_type(n, b, NHRP_CT_NHS, TICK_NEVER);
	b->nbma = c->peer->remote.addr;
	b->nbma_claimed = b->nbma;
	b->mcast = nhc_mcast(n, c);
	if (b->peer == c->peer)
		binding_sync(n, b);
	else
		binding_attach(n, b, c->peer);
	return true;
}

static tick_t
refresh_after(struct nhrp *n, const struct nhrp_packet *p)
{
	uint16_t hold = p->cie[0].hold_s && p->cie[0].hold_s < n->conf.hold_s ? p->cie[0].hold_s : n->conf.hold_s;
	uint32_t s = n->conf.reg_s ? n->conf.reg_s : hold / 3u;
	tick_t base = TICK_S(s ? s : 1);

	return base - base / 10 + env_random64(&n->env) % (base / 10);
}

static void
registered(struct nhrp *n, struct nhc *c, const struct nhrp_packet *p)
{
	bool was = c->state == NHC_REGISTERED;

	if (!was)
		TRACE(&n->env, .peer = c->peer->id, .step = TRACE_REGISTRATION_REPLY);
	if (learn_proto(n, c, p) && !may_serve(n, c, &c->proto))
		return;
	if (!c->proto.n || !install(n, c)) {
		reason_set(c->reason, sizeof(c->reason), c->proto.n ? "out of memory" : "its reply does not name it");
		state(n, c, NHC_WAITING);
		next(n, c, backoff(n, 2, 0, RETRY_MAX_S));
		return;
	}
	learn_public(n, c, p);
	c->tries = c->naks = 0;
	c->reason[0] = 0;
	state(n, c, NHC_REGISTERED);
	next(n, c, refresh_after(n, p));
	if (!was)
		TRACE(&n->env, .peer = c->peer->id, .step = TRACE_UP, .proto = &c->proto);
	if (!was)
		log_at(n->log, LOG_LV_NOTICE, "nhs-up", "%s: registered", c->conf->name);
	level_update(n);
}

static const char *
nak_text(uint8_t code)
{
	switch (code) {
	case NHRP_CODE_PROHIBITED:
		return "registration refused: our tunnel address is another's, or it or our group is not allowed to us";
	case NHRP_CODE_NO_RESOURCES:
		return "registration refused: hub has no room";
	case NHRP_CODE_NOT_UNIQUE:
		return "registration refused: prefix not allowed";
	case NHRP_CODE_UNIQUE_TAKEN:
		return "registration refused: our address is registered by another";
	default:
		return "registration refused";
	}
}

static void
refused(struct nhrp *n, struct nhc *c, const struct nhrp_packet *p)
{
	uint8_t code = p->cie[0].code;
	struct prefix host = prefix_host(&p->src_proto);
	struct peer *peer = c->peer;
	bool again = code == NHRP_CODE_UNIQUE_TAKEN && c->naks < UNIQUE_RETRIES;

	c->failures++;
	TRACE(&n->env, .peer = peer->id, .step = TRACE_FAILED, .reason = nak_text(code));
	log_limited(n->log, &n->limit, n->now, LOG_LV_WARN, "registration-refused", "%s: %s (code %u)", c->conf->name, nak_text(code), code);
	if (code == NHRP_CODE_UNIQUE_TAKEN)	/* an entry of our own earlier life, perhaps */
		purge_send(n, peer, 0, &p->src_proto, &p->dst_proto, &host);
	down(n, c, nak_text(code));
	c->peer = peer;
	state(n, c, NHC_WAITING);
	next(n, c, again ? TICK_S(UNIQUE_RETRY_S) : backoff(n, 2, c->naks, RETRY_MAX_S));
	c->naks++;
}

enum nhrp_drop
nhc_reply(struct nhrp *n, const struct rx *rx)
{
	struct handle *h = handle_find(n, rx->p->request_id);
	struct nhc *c = h && h->kind == H_REGISTRATION ? container_of(h, struct nhc, reg) : NULL;

	if (!c || c->peer != rx->peer || c->conf->family != rx->p->src_proto.n)
		return NHRP_DROP_UNSOLICITED;
	if (!rx->p->n_cie)
		return NHRP_DROP_CIE_NONE;
	c->replies++;
	c->hint = NULL;
	handle_close(n, &c->reg);
	if (rx->p->cie[0].code == NHRP_CODE_OK)
		registered(n, c, rx->p);
	else
		refused(n, c, rx->p);
	return NHRP_OK;
}

void
nhc_hint(struct nhrp *n, struct nhc *c, uint16_t code)
{
	c->hint = error_text(code);
	reason_set(c->reason, sizeof(c->reason), c->hint);
	log_limited(n->log, &n->limit, n->now, LOG_LV_WARN, "registration-error", "%s: %s", c->conf->name, c->reason);
}

void
nhc_again(struct nhrp *n, const struct peer *p)
{
	for (unsigned i = 0; i < n->n_nhc; i++) {
		struct nhc *c = &n->nhc[i];

		if (!c->peer || (p && c->peer != p))
			continue;
		handle_close(n, &c->reg);
		c->tries = 0;
		next(n, c, 0);
	}
}

/* ---- life */

/* An NHS without a name has the addresses of its maps. */
static unsigned
mapped(const struct nhrp_conf *conf, const struct nhrp_conf_nhs *s, struct addr out[static NHRP_NHS_ADDRS])
{
	unsigned n = 0;

	for (unsigned k = 0; k < conf->n_map && n < NHRP_NHS_ADDRS && !s->name[0]; k++) {
		if (s->proto.n && addr_eq(&conf->map[k].proto, &s->proto))
			out[n++] = conf->map[k].nbma;
	}
	return n;
}

static void
take(struct nhrp *n, struct nhc *c, unsigned order)
{
	c->said = n->conf.nhs[order];
	c->conf = &c->said;
	c->used = true;
	c->order = order;
	c->proto = c->said.proto;
	c->timer.kind = T_NHC;
	c->next = TICK_NEVER;
	c->n_addrs = mapped(&n->conf, &c->said, c->addrs);
}

/* Where nobody is up yet: the best ones, as many as are to be used. */
static unsigned
level_first(const struct nhrp *n, unsigned f, unsigned cluster)
{
	unsigned best = UINT8_MAX;

	for (unsigned i = 0; i < n->n_nhc; i++) {
		if (in_group(&n->nhc[i], f, cluster) && n->nhc[i].said.priority < best)
			best = n->nhc[i].said.priority;
	}
	return n->conf.max_connections[cluster] ? n->conf.max_connections[cluster] - 1u : best;
}

void
nhc_init(struct nhrp *n)
{
	n->n_nhc = n->conf.n_nhs;
	for (unsigned i = 0; i < n->n_nhc; i++) {
		struct nhc *c = &n->nhc[i];

		c->index = i;
		take(n, c, i);
	}
	for (unsigned i = 0; i < 2 * NHRP_CLUSTERS; i++)
		n->group[i % 2][i / 2] = (struct nhs_group){ .level = level_first(n, i % 2, i / 2), .at = TICK_NEVER };
}

static void
begin(struct nhrp *n, struct nhc *c)
{
	state(n, c, NHC_DIALING);
	next(n, c, 0);
}

void
nhc_start(struct nhrp *n)
{
	cache_static(n);
	for (unsigned i = 0; i < n->n_nhc; i++) {
		if (n->nhc[i].used)
			begin(n, &n->nhc[i]);
	}
}

void
nhc_shutdown(struct nhrp *n)
{
	for (unsigned i = 0; i < n->n_nhc; i++) {
		struct nhc *c = &n->nhc[i];
		const struct prefix *own = own_prefix(n, c->said.family);	/* conf is NULL in a place that is free */
		struct prefix host;

		if (c->state != NHC_REGISTERED || !own)
			continue;
		host = prefix_host(&own->addr);
		purge_send(n, c->peer, 0, &own->addr, &c->proto, &host);
		timer_disarm(&n->timers, &c->timer);
	}
}

/* ---- another configuration */

static bool
same_nhs(const struct nhrp_conf *conf, const struct nhrp_conf_nhs *s, const struct nhc *c)
{
	struct addr addrs[NHRP_NHS_ADDRS] = { 0 };
	unsigned k;

	if (!c->used || s->family != c->said.family || !addr_eq(&s->proto, &c->said.proto) || strcmp(s->name, c->said.name) != 0)
		return false;
	if (s->name[0])
		return true;
	k = mapped(conf, s, addrs);
	return k == c->n_addrs && memcmp(addrs, c->addrs, sizeof(addrs[0]) * k) == 0;
}

static void
purge_own(struct nhrp *n, struct nhc *c, const struct prefix *own)
{
	struct prefix host = prefix_host(&own->addr);

	purge_send(n, c->peer, 0, &own->addr, &c->proto, &host);
}

/* Told goodbye, then everything of it goes; its place is free. */
static void
leave(struct nhrp *n, struct nhc *c)
{
	static const char why[] = "not configured any more";
	const struct prefix *own = own_prefix(n, c->said.family);
	struct peer *p = c->peer;
	uint32_t index = c->index;

	if (c->state == NHC_REGISTERED && own)
		purge_own(n, c, own);
	if (p)
		down(n, c, why);
	unwant(n, c);
	handle_close(n, &c->reg);
	timer_disarm(&n->timers, &c->timer);
	*c = (struct nhc){ .index = index + NHRP_NHS_MAX };
	if (p)
		peer_unneeded(n, p, why);
}

void
nhc_leave(struct nhrp *n, const struct nhrp_conf *conf)
{
	for (unsigned i = 0; i < n->n_nhc; i++) {
		bool stays = !n->nhc[i].used;

		for (unsigned k = 0; k < conf->n_nhs && !stays; k++)
			stays = same_nhs(conf, &conf->nhs[k], &n->nhc[i]);
		if (!stays)
			leave(n, &n->nhc[i]);
	}
}

static struct nhc *
nhc_of(struct nhrp *n, const struct nhrp_conf_nhs *s)
{
	for (unsigned i = 0; i < n->n_nhc; i++) {
		if (same_nhs(&n->conf, s, &n->nhc[i]))
			return &n->nhc[i];
	}
	return NULL;
}

static void
join(struct nhrp *n, unsigned order)
{
	unsigned i = 0;

	while (i < n->n_nhc && n->nhc[i].used)
		i++;
	if (i == n->n_nhc) {
		if (i == NHRP_NHS_MAX)
			return;	/* cannot be: there are no more in a configuration, and those that go went before */
		n->nhc[n->n_nhc++].index = i;
	}
	take(n, &n->nhc[i], order);
	begin(n, &n->nhc[i]);
}

/* The lowest level that leaves nobody who is registered, and has as many as at the beginning: from there it is the usual way up and down. */
static void
group_reconf(struct nhrp *n, unsigned f, unsigned cluster)
{
	struct nhs_group *g = &n->group[f][cluster];

	g->level = level_first(n, f, cluster);
	for (unsigned i = 0; i < n->n_nhc; i++) {
		const struct nhc *c = &n->nhc[i];

		if (in_group(c, f, cluster) && c->state == NHC_REGISTERED && rank(n, c) > g->level)
			g->level = rank(n, c);
	}
	g->at = TICK_NEVER;
	group_apply(n, f, cluster);
}

static void
levels_reconf(struct nhrp *n)
{
	for (unsigned i = 0; i < 2 * NHRP_CLUSTERS; i++)
		group_reconf(n, i % 2, i / 2);
	level_update(n);
}

void
nhc_reconf(struct nhrp *n)
{
	for (unsigned k = 0; k < n->conf.n_nhs; k++) {
		struct nhc *c = nhc_of(n, &n->conf.nhs[k]);

		if (!c) {
			join(n, k);
			continue;
		}
		c->said = n->conf.nhs[k];
		c->order = k;
	}
	levels_reconf(n);
}

void
nhc_moved(struct nhrp *n, const struct prefix *own)
{
	for (unsigned i = 0; i < n->n_nhc; i++) {
		struct nhc *c = &n->nhc[i];

		if (c->state == NHC_REGISTERED && c->said.family == own->addr.n)
			purge_own(n, c, own);
	}
}

const struct nhc *
nhc_at(const struct nhrp *n, const struct addr *proto)
{
	for (unsigned i = 0; i < n->n_nhc; i++) {
		if (n->nhc[i].state == NHC_REGISTERED && addr_eq(&n->nhc[i].proto, proto))
			return &n->nhc[i];
	}
	return NULL;
}
