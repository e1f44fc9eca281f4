#include "tests/unit/core/bench.h"

void (*bench_watch)(void *ctx, uint32_t tunnel, uint32_t peer);

#include <stdio.h>
#include <stdlib.h>

#define LATENCY TICK_MS(5)

struct addr
bench_addr(const char *text)
{
	struct addr a = { 0 };

	ck_assert(addr_parse(text, &a));
	return a;
}

/* ---- configuration */

static struct ike_id
fqdn(const char *name)
{
	struct ike_id id = { .type = IKE_ID_FQDN };

	id.len = (uint8_t)snprintf((char *)id.data, sizeof(id.data), "%s", name);
	return id;
}

static void
configure(struct bench *b, unsigned i)
{
	static const char *const name[SIDES] = { "Hub.test", "spoke.test", "other.test" };
	struct side *s = &b->s[i];
	struct nhrp_conf *c = &s->tunnel.nhrp;
	char text[ADDR_STRLEN];

	s->b = b;
	s->index = i;
	test_env_init(&s->t);
	s->t.seed = 1000 + i;
	snprintf(text, sizeof(text), "203.0.113.%u", i + 1);
	s->addr = bench_addr(text);
	snprintf(text, sizeof(text), "10.255.0.%u", i + 1);
	s->overlay = bench_addr(text);
	s->key = (struct ike_key){ .name = "all", .id.kind = IKE_MATCH_ANY, .has_id = true, .psk_len = 6 };
	memcpy(s->key.psk, "secret", 6);
	s->profile = (struct ike_profile){ .local_id = fqdn(name[i]), .key = &s->key, .n_key = 1, .n_ike = 1, .n_esp = 1, .dpd = IKE_DPD_PERIODIC,
		.dpd_s = 10, .dpd_retry_s = 2, .ike_life_s = 86400, .child_life.hard_s = 3600, .replay_window = 64, .keepalive_s = 20 };
	s->profile.ike[0] = (struct ike_proposal){ .encr = { 20 }, .encr_bits = { 128 }, .n_encr = 1, .prf = { 5 }, .n_prf = 1,
		.group = { 31 }, .n_group = 1 };
	s->profile.esp[0] = (struct ike_proposal){ .encr = { 20 }, .encr_bits = { 128 }, .n_encr = 1, .esn = { true, true } };
	c->network_id = 1;
	c->own[0] = (struct prefix){ s->overlay, 24 };
	c->n_own = 1;
	c->hold_s = 60;
	c->shortcut = c->no_unique = true;
	c->redirect = c->mcast_dynamic = i == HUB;
	if (i != HUB) {
		c->nhs[0] = (struct nhrp_conf_nhs){ .proto = b->s[HUB].overlay, .family = 4, .mcast = true };
		snprintf(c->nhs[0].name, sizeof(c->nhs[0].name), "hub.test");
		c->n_nhs = 1;
	}
	s->tunnel.dp = (struct dp_tunnel){ .id = 1, .name = "gre1", .n_addr = 1 };
	s->conf = (struct core_conf){ .tunnel = &s->tunnel, .n_tunnel = 1,
		.ike = { .profile = &s->profile, .n_profile = 1, .half_open_max = 64, .cookie_threshold = 32, .sa_max = 1000 } };
}

void
bench_init(struct bench *b, unsigned n)
{
	memset(b, 0, sizeof(*b));
	b->n = n;
	b->now = TICK_S(100);
	for (unsigned i = 0; i < n; i++)
		configure(b, i);
}

void
bench_fini(struct bench *b)
{
	for (unsigned i = 0; i < b->n; i++)
		bench_kill(b, i);
	while (b->n_m)
		free(b->m[--b->n_m]);
}

/* ---- environment */

static struct side *
side_of(void *ctx)
{
	return (struct side *)(void *)((char *)ctx - offsetof(struct side, t));
}

static uint32_t
give_spi(void *ctx)
{
	struct side *s = side_of(ctx);

	return ++s->next_spi * 16 + 0x1000u * (s->index + 1);
}

static bool
give_peer_stats(void *ctx, uint32_t tunnel, uint32_t peer, struct dp_peer_stats *out)
{
	struct side *s = side_of(ctx);

	ck_assert_uint_eq(tunnel, 1);
	*out = (struct dp_peer_stats){ .tx_packets = s->out_packets[peer % 64] };
	return !s->no_stats;
}

static bool
give_sa_stats(void *ctx, uint32_t spi_in, struct dp_sa_stats *out)
{
	struct side *s = side_of(ctx);
	const struct b_sa *sa = bench_sa(s, spi_in);

	if (!sa || s->no_stats)
		return false;
	*out = (struct dp_sa_stats){ .rx_packets = sa->rx, .tx_packets = sa->tx };
	return true;
}

bool
bench_start(struct bench *b, unsigned side)
{
	struct side *s = &b->s[side];
	struct core_env env = { .ike = { .env = s->t.env, .spi_alloc = give_spi }, .peer_stats = give_peer_stats, .sa_stats = give_sa_stats,
		.peer_watch = bench_watch };
	struct rib_event route = { .kind = RIB_EV_ROUTE, .route = { .kind = RIB_LOCAL, .ifindex = 9 } }, ready = { .kind = RIB_EV_READY };

	s->bare = s->tunnel.dp.bare;
	s->core = core_new(&s->conf, &env);
	if (!s->core)
		return false;
	core_source(s->core, b->now, 1, &s->addr);
	bench_carry(b, side);
	route.route.dst = prefix_host(&s->overlay);
	core_rib_event(s->core, b->now, &route);
	route.route = (struct rib_route){ .dst = prefix_of(&s->overlay, 24), .ifindex = 9 };
	core_rib_event(s->core, b->now, &route);
	core_rib_event(s->core, b->now, &ready);
	core_tick(s->core, b->now);
	bench_carry(b, side);
	return true;
}

void
bench_start_all(struct bench *b)
{
	for (unsigned i = 0; i < b->n; i++)
		ck_assert(bench_start(b, i));
}

void
bench_kill(struct bench *b, unsigned side)
{
	struct side *s = &b->s[side];

	core_free(s->core);
	s->core = NULL;
	memset(s->sa, 0, sizeof(s->sa));
	ck_assert_int_eq(s->t.live, 0);
}

/* ---- messages */

static void
post(struct bench *b, unsigned to, const struct message *m, struct span octets)
{
	struct message *c = calloc(1, sizeof(*c));

	ck_assert_ptr_nonnull(c);
	ck_assert_uint_lt(b->n_m, MESSAGES);
	ck_assert_uint_le(octets.n, sizeof(c->octets));
	*c = *m;
	c->at = b->now + LATENCY;
	c->to = to;
	c->n = octets.n;
	memcpy(c->octets, octets.p, octets.n);
	b->m[b->n_m++] = c;
}

static void
send_ike(struct side *s, const struct core_act *a)
{
	struct message m = { .src = { s->addr, a->local.port }, .dst = a->remote, .natt = a->remote.port != 500 };

	for (unsigned i = 0; i < s->b->n; i++) {
		if (addr_eq(&s->b->s[i].addr, &a->remote.addr))
			post(s->b, i, &m, a->packet);
	}
}

static void
send_nhrp(struct side *s, const struct core_act *a)
{
	const struct b_sa *sa = bench_sa(s, s->sent_on[a->peer % 64]);
	struct message m = { .nhrp = true };

	if (!sa && s->bare)	/* the pair was refused, and this stood behind it in the queue */
		return;
	ck_assert_msg(sa != NULL, "an NHRP packet for peer %u, which has no SA", a->peer);
	((struct b_sa *)sa)->tx++;
	s->out_packets[a->peer % 64]++;
	m.spi = sa->spi_out;
	m.src = sa->local;
	m.dst = sa->remote;
	for (unsigned i = 0; i < s->b->n; i++) {
		if (addr_eq(&s->b->s[i].addr, &m.dst.addr))
			post(s->b, i, &m, a->packet);
	}
}

static struct b_sa *
from_address(struct side *s, const struct addr *a)
{
	for (unsigned i = 0; i < SAS; i++) {
		if (s->sa[i].there && s->sa[i].bare && addr_eq(&s->sa[i].remote.addr, a))
			return &s->sa[i];
	}
	return NULL;
}

static void
arrive_nhrp(struct bench *b, struct side *s, const struct message *m)
{
	bool bare = s->bare;
	struct b_sa *sa = bare ? from_address(s, &m->src.addr) : (struct b_sa *)bench_sa(s, m->spi);
	struct dp_event ev = { .kind = DP_EV_SA_USED, .tunnel = 1, .spi_in = m->spi, .local = m->dst, .remote = m->src };

	if (bare) {
		ev.kind = DP_EV_NHRP;
		ev.peer = sa ? sa->peer : 0;
		ev.packet = span_of(m->octets, m->n);
		core_dp_event(s->core, b->now, &ev);
		return;
	}
	if (!sa)
		return;
	ev.peer = sa->peer;
	sa->rx++;
	if (!sa->used) {
		sa->used = true;
		core_dp_event(s->core, b->now, &ev);
	}
	ev.kind = DP_EV_NHRP;
	ev.packet = span_of(m->octets, m->n);
	core_dp_event(s->core, b->now, &ev);
}

static void
arrive(struct bench *b, const struct message *m)
{
	struct side *s = &b->s[m->to];
	struct ike_rx rx = { .local = m->dst, .remote = m->src, .natt = m->natt, .packet = span_of(m->octets, m->n) };

	if (!s->core || (m->nhrp ? s->deaf_nhrp : s->deaf_ike) || !addr_eq(&s->addr, &m->dst.addr))
		return;
	if (m->nhrp)
		arrive_nhrp(b, s, m);
	else
		core_rx_ike(s->core, b->now, &rx);
	bench_carry(b, m->to);
}

/* ---- carrying out, by the rules of lib/dplane.h */

const struct b_sa *
bench_sa(const struct side *s, uint32_t spi_in)
{
	for (unsigned i = 0; i < SAS; i++) {
		if (s->sa[i].there && s->sa[i].spi_in == spi_in)
			return &s->sa[i];
	}
	return NULL;
}

unsigned
bench_sas(const struct side *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SAS; i++)
		n += s->sa[i].there;
	return n;
}

static void
sa_add(struct side *s, const struct dp_sa *sa)
{
	unsigned i = 0;

	ck_assert_ptr_null(bench_sa(s, sa->spi_in));
	ck_assert(sa->bare ? sa->keys.encr_len == 0 && sa->spi_out == 0 : sa->keys.encr_len >= 16);
	while (i < SAS && s->sa[i].there)
		i++;
	ck_assert_uint_lt(i, SAS);
	s->sa[i] = (struct b_sa){ .there = true, .spi_in = sa->spi_in, .spi_out = sa->spi_out, .peer = sa->peer,
		.local = sa->local, .remote = sa->remote, .bare = sa->bare };
	if (sa->active)
		s->sent_on[sa->peer % 64] = sa->spi_in;
}

static bool
spend(unsigned *n)
{
	if (!*n)
		return false;
	--*n;
	return true;
}

static void
answer(struct side *s, const struct core_act *a, struct note *n, unsigned *refuse)
{
	n->ok = !spend(refuse);
	if (n->ok && a->kind == CORE_ACT_SA_ADD)
		sa_add(s, a->sa);
	core_result(s->core, s->b->now, a, n->ok, n->ok ? "" : "no such luck");
}

static void
tunnel_set(struct side *s, const struct core_act *a, struct note *n)
{
	struct dp_event down = { .kind = DP_EV_LINK, .tunnel = 1 };

	n->source = a->dp_tunnel->source;
	core_ifindex(s->core, 1, 9);
	answer(s, a, n, &s->refuse_tunnel);
	if (n->ok && s->no_link)
		core_dp_event(s->core, s->b->now, &down);
}

static void
carry_sa(struct side *s, const struct core_act *a)
{
	struct b_sa *sa = (struct b_sa *)bench_sa(s, a->spi_in);

	if (!sa)
		return;
	if (a->kind == CORE_ACT_SA_ACTIVATE)
		s->sent_on[sa->peer % 64] = a->spi_in;
	else if (a->kind == CORE_ACT_SA_MOVE)
		sa->remote = a->remote;
	else
		sa->there = false;
}

static void
carry_out(struct side *s, const struct core_act *a, struct note *n)
{
	struct addr hub = s->b->s[HUB].addr;

	switch (a->kind) {
	case CORE_ACT_TUNNEL_SET:
		tunnel_set(s, a, n);
		break;
	case CORE_ACT_NEIGH_SET:
		answer(s, a, n, &s->refuse_neigh);
		break;
	case CORE_ACT_SA_ADD:
		answer(s, a, n, &s->refuse_sa);
		break;
	case CORE_ACT_ROUTE_SET:
		answer(s, a, n, &s->refuse_route);
		break;
	case CORE_ACT_SA_ACTIVATE:
	case CORE_ACT_SA_MOVE:
	case CORE_ACT_SA_DEL:
		carry_sa(s, a);
		break;
	case CORE_ACT_NHRP_SEND:
		send_nhrp(s, a);
		break;
	case CORE_ACT_IKE_SEND:
		send_ike(s, a);
		break;
	case CORE_ACT_REVOCATION:
		ike_job_answer(a->job, IKE_STATUS_GOOD, "");
		/* fall through */
	case CORE_ACT_JOB:
		ike_job_run(a->job);
		core_job_done(s->core, s->b->now, a->job);
		break;
	case CORE_ACT_LOOKUP:
		if (s->no_names)
			core_names(s->core, s->b->now, 1, a->nhs, NULL, 0, "no such name");
		else
			core_names(s->core, s->b->now, 1, a->nhs, &hub, 1, NULL);
		break;
	case CORE_ACT_OPER_SET:
	case CORE_ACT_TRACK:
	case CORE_ACT_TUNNEL_DEL:
	case CORE_ACT_NEIGH_DEL:
	case CORE_ACT_ROUTE_DEL:
	case CORE_ACT_KEEPALIVE:
	case CORE_ACT_SHAPE:
		break;
	case CORE_ACT_PATH_RESULT:
		s->n_paths++;
		s->path_size = a->size;
		s->path = a->path;
		break;
	}
}

void
bench_carry(struct bench *b, unsigned side)
{
	struct side *s = &b->s[side];
	const struct core_act *a;

	while (s->core && (a = core_next(s->core, b->now))) {
		struct note *n = &s->note[s->n_note++];

		ck_assert_uint_lt(s->n_note, NOTES);
		*n = (struct note){ .kind = a->kind, .at = b->now, .spi_in = a->spi_in, .peer = a->kind == CORE_ACT_SA_ADD ? a->sa->peer : a->neigh.peer,
			.cookie = a->cookie, .proto = a->neigh.proto, .dst = a->route.dst, .ok = true, .active = a->kind == CORE_ACT_SA_ADD && a->sa->active };
		carry_out(s, a, n);
	}
}

/* ---- time */

static tick_t
next_thing(const struct bench *b)
{
	tick_t at = TICK_NEVER;

	for (unsigned i = 0; i < b->n; i++) {
		if (b->s[i].core)
			at = tick_min(at, core_deadline(b->s[i].core));
	}
	for (unsigned i = 0; i < b->n_m; i++)
		at = tick_min(at, b->m[i]->at);
	return at < b->now ? b->now : at;
}

static bool
deliver_one(struct bench *b)
{
	for (unsigned i = 0; i < b->n_m; i++) {
		struct message *m = b->m[i];

		if (m->at > b->now)
			continue;
		memmove(b->m + i, b->m + i + 1, sizeof(b->m[0]) * (--b->n_m - i));
		arrive(b, m);
		free(m);
		return true;
	}
	return false;
}

void
bench_run(struct bench *b, unsigned ms)
{
	tick_t end = b->now + TICK_MS(ms), at;
	unsigned steps = 0;

	while ((at = next_thing(b)) <= end) {
		b->now = at;
		ck_assert_uint_lt(steps++, 200000);
		while (deliver_one(b))
			;
		for (unsigned i = 0; i < b->n; i++) {
			if (!b->s[i].core || core_deadline(b->s[i].core) > b->now)
				continue;
			core_tick(b->s[i].core, b->now);
			bench_carry(b, i);
		}
	}
	b->now = end;
}

void
bench_source(struct bench *b, unsigned side, const char *addr)
{
	struct side *s = &b->s[side];

	s->addr = addr ? bench_addr(addr) : (struct addr){ 0 };
	core_source(s->core, b->now, 1, &s->addr);
	bench_carry(b, side);
}

/* ---- looking */

int
bench_find(const struct side *s, enum core_act_kind kind, unsigned from)
{
	for (unsigned i = from; i < s->n_note; i++) {
		if (s->note[i].kind == kind)
			return (int)i;
	}
	return -1;
}

unsigned
bench_count(const struct side *s, enum core_act_kind kind, unsigned from)
{
	unsigned n = 0;

	for (unsigned i = from; i < s->n_note; i++)
		n += s->note[i].kind == kind;
	return n;
}

struct look {
	unsigned want, seen;
	struct core_peer_info info;
	char *reason;
};

static bool
look(void *ctx, const struct core_peer_info *i)
{
	struct look *l = ctx;

	if (l->seen++ != l->want)
		return true;
	l->info = *i;
	if (l->reason)
		snprintf(l->reason, 256, "%s", i->reason);
	return true;
}

struct core_peer_info
bench_peer(const struct side *s, unsigned i, char reason[static 256])
{
	struct look l = { .want = i, .info.step = (enum core_step)-1, .reason = reason };

	reason[0] = 0;
	core_visit_peer(s->core, 0, look, &l);
	return l.info;
}

unsigned
bench_peers(const struct side *s)
{
	struct look l = { .want = ~0u };

	core_visit_peer(s->core, 1, look, &l);
	return l.seen;
}

static bool
first_up(void *ctx, const struct nhrp_nhs_info *i)
{
	*(bool *)ctx = i->up;
	return false;
}

bool
bench_registered(const struct side *s)
{
	bool up = false;

	nhrp_visit_nhs(core_nhrp(s->core, 1), first_up, &up);
	return up;
}
