#include "tests/unit/nhrp_engine/bench.h"

void
bench_init(struct bench *b, const char *own, const char *nbma)
{
	memset(b, 0, sizeof(*b));
	test_env_init(&b->t);
	ck_assert(prefix_parse_host(own, &b->conf.own[0]));
	b->conf.n_own = 1;
	b->conf.hold_s = 600;
	b->now = TICK_S(1000);
	(void)nbma;
}

void
bench_start(struct bench *b)
{
	struct nhrp_event ev = { .kind = NHRP_EV_NBMA, .nbma = A("192.0.2.1") };

	b->n = nhrp_new(&b->conf, &b->t.env);
	ck_assert(b->n != NULL);
	ck_assert(outq_init(&b->q, &b->t.env, sizeof(struct nhrp_act), 512, 512 * 1500));
	bench_event(b, &ev);
	ev.kind = NHRP_EV_ROUTES_READY;
	bench_event(b, &ev);
	nhrp_tick(b->n, b->now, &b->q);
}

void
bench_free(struct bench *b)
{
	nhrp_free(b->n);
	outq_fini(&b->q, &b->t.env);
	ck_assert_int_eq(b->t.live, 0);
}

void
bench_clear(struct bench *b)
{
	outq_reset(&b->q);
}

void
bench_event(struct bench *b, const struct nhrp_event *ev)
{
	nhrp_event(b->n, b->now, ev, &b->q);
}

void
bench_peer(struct bench *b, uint32_t id, const char *remote, const char *identity)
{
	struct nhrp_event ev = { .kind = NHRP_EV_PEER_UP, .peer = id, .identity = span_of(identity, strlen(identity)) };

	ev.remote.addr = A(remote);
	ev.remote.port = 4500;
	bench_event(b, &ev);
}

void
bench_peer_down(struct bench *b, uint32_t id)
{
	struct nhrp_event ev = { .kind = NHRP_EV_PEER_DOWN, .peer = id, .reason = "test" };

	bench_event(b, &ev);
}

void
bench_route(struct bench *b, const char *prefix, enum nhrp_route_kind kind, const char *via)
{
	struct nhrp_event ev = { .kind = NHRP_EV_ROUTE, .prefix = P(prefix), .route = kind };

	if (via)
		ev.via = A(via);
	bench_event(b, &ev);
}

void
bench_run(struct bench *b, tick_t for_)
{
	tick_t end = b->now + for_;
	unsigned turns = 0;

	while (nhrp_deadline(b->n) <= end) {
		ck_assert_msg(++turns < 100000, "no rest");
		b->now = nhrp_deadline(b->n) > b->now ? nhrp_deadline(b->n) : b->now;
		nhrp_tick(b->n, b->now, &b->q);
	}
	b->now = end;
}

enum nhrp_drop
bench_raw(struct bench *b, uint32_t peer, const char *remote, struct span raw)
{
	struct nhrp_rx rx = { .peer = peer, .packet = raw };

	rx.remote.addr = A(remote);
	rx.remote.port = 4500;
	return nhrp_rx(b->n, b->now, &rx, &b->q);
}

enum nhrp_drop
bench_rx(struct bench *b, uint32_t peer, const char *remote, const struct nhrp_packet *p)
{
	struct wr w = wr_of(b->raw, sizeof(b->raw));

	b->raw_n = nhrp_packet_build(&w, p);
	ck_assert_uint_gt(b->raw_n, 0);
	return bench_raw(b, peer, remote, span_of(b->raw, b->raw_n));
}

unsigned
bench_count(struct bench *b, enum nhrp_act_kind kind)
{
	unsigned k = 0;

	for (size_t i = 0; i < b->q.n; i++)
		k += ((struct nhrp_act *)outq_at(&b->q, i))->kind == kind;
	return k;
}

struct nhrp_act *
bench_act(struct bench *b, enum nhrp_act_kind kind, unsigned i)
{
	for (size_t k = 0; k < b->q.n; k++) {
		struct nhrp_act *a = outq_at(&b->q, k);

		if (a->kind == kind && i-- == 0)
			return a;
	}
	ck_abort_msg("no such action");
}

struct nhrp_packet
bench_sent(struct bench *b, unsigned i)
{
	struct nhrp_packet p;

	ck_assert_int_eq(nhrp_packet_parse(bench_act(b, NHRP_ACT_SEND, i)->packet, &p), NHRP_OK);
	return p;
}

void
bench_answer(struct bench *b, bool ok)
{
	uint32_t cookie[64];
	unsigned n = 0;

	for (size_t i = 0; i < b->q.n; i++) {
		struct nhrp_act *a = outq_at(&b->q, i);

		if (a->cookie && n < 64)
			cookie[n++] = a->cookie;
	}
	bench_clear(b);
	for (unsigned i = 0; i < n; i++) {
		struct nhrp_event ev = { .kind = NHRP_EV_RESULT, .cookie = cookie[i], .ok = ok };

		bench_event(b, &ev);
	}
}

void
bench_nhs_up(struct bench *b, const char *nhs_proto)
{
	struct addr hub = A("203.0.113.1");
	struct nhrp_event addrs = { .kind = NHRP_EV_NHS_ADDRS, .addrs = &hub, .n_addrs = 1 }, up = { .kind = NHRP_EV_WANT_UP, .peer = 1 };
	struct nhrp_packet p;

	bench_event(b, &addrs);
	up.want = bench_act(b, NHRP_ACT_WANT, 0)->want;
	bench_peer(b, 1, "203.0.113.1", "hub");
	bench_clear(b);
	bench_event(b, &up);
	p = bench_sent(b, 0);
	p.type = NHRP_REGISTRATION_REPLY;
	p.dst_proto = A(nhs_proto);
	ck_assert_int_eq(bench_rx(b, 1, "203.0.113.1", &p), NHRP_OK);
	bench_answer(b, true);
	bench_clear(b);
}

struct nhrp_packet
pkt(uint8_t type, const char *src_nbma, const char *src, const char *dst)
{
	struct nhrp_packet p = { .type = type, .hops = 255, .request_id = 77 };

	p.src_nbma = A(src_nbma);
	p.src_proto = A(src);
	p.dst_proto = A(dst);
	p.afn = p.src_nbma.n == 16 ? NHRP_AFN_IPV6 : NHRP_AFN_IPV4;
	p.pro_type = p.src_proto.n == 16 ? NHRP_ETH_IPV6 : NHRP_ETH_IPV4;
	if (type <= NHRP_PURGE_REPLY) {
		p.n_cie = 1;
		p.cie[0].prefix_len = 0xff;
		p.cie[0].hold_s = 600;
	}
	if (type == NHRP_RESOLUTION_REQUEST)
		p.flags = NHRP_FLAG_ROUTER | NHRP_FLAG_AUTHORITATIVE | NHRP_FLAG_SRC_STABLE | NHRP_FLAG_NAT;
	if (type == NHRP_REGISTRATION_REQUEST)
		p.flags = NHRP_FLAG_REG_UNIQUE | NHRP_FLAG_NAT;
	return p;
}

void
pkt_ext(struct nhrp_packet *p, uint16_t type, bool compulsory, struct span value)
{
	p->has_ext = true;
	p->ext[p->n_ext++] = (struct nhrp_ext){ type, compulsory, value };
}

struct span
cies(const struct nhrp_cie *cie, unsigned n)
{
	static uint8_t buf[8][512];
	static unsigned at;
	struct wr w = wr_of(buf[at++ % 8], sizeof(buf[0]));

	for (unsigned i = 0; i < n; i++)
		nhrp_cie_build(&w, &cie[i]);
	return wr_span(&w);
}

struct nhrp_cie
cie_of(uint8_t code, uint8_t bits, const char *nbma, const char *proto, uint16_t hold)
{
	struct nhrp_cie c = { .code = code, .prefix_len = bits, .hold_s = hold };

	if (nbma)
		c.nbma = A(nbma);
	if (proto)
		c.proto = A(proto);
	return c;
}
