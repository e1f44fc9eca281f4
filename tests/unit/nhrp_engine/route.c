/* What a change of a route costs: its dependants, not everything there is. */
#include <stdio.h>

#include "tests/unit/nhrp_engine/bench.h"

enum { SPOKES = 1000, EACH = 10, LANS = SPOKES * EACH };

static const char *
lan(char text[24], unsigned i, unsigned host, const char *bits)	/* 10.N.N.0/28 and so on */
{
	snprintf(text, 24, "10.%u.%u.%u%s", 1 + i / 4096, i / 16 % 256, i % 16 * 16 + host, bits);
	return text;
}

static void
route_gone(struct bench *b, const char *prefix)
{
	struct nhrp_event ev = { .kind = NHRP_EV_ROUTE_GONE, .prefix = P(prefix) };

	bench_event(b, &ev);
}

static struct nhrp_route_work
since(struct bench *b, struct nhrp_route_work *was)
{
	struct nhrp_route_work is = nhrp_route_work(b->n), d = { is.changes - was->changes, is.looked_at - was->looked_at, is.asked - was->asked,
		is.dropped - was->dropped, is.purged - was->purged };

	*was = is;
	return d;
}

/* An egress with 10,000 LANs behind it, each asked for by a spoke through the hub: 1,000 spokes, ten answers each. */
static void
answer_for_all(struct bench *b)
{
	struct nhrp_cie rec = cie_of(0, 0, "203.0.113.1", "172.31.0.1", 600);
	char text[24], src[24], nbma[24];

	bench_init(b, "172.31.255.1/16", NULL);
	b->conf.shortcut = true;
	b->conf.n_nhs = 1;
	b->conf.nhs[0].family = 4;
	strcpy(b->conf.nhs[0].name, "203.0.113.1");
	bench_start(b);
	bench_nhs_up(b, "172.31.0.1");
	bench_route(b, "172.31.0.0/16", NHRP_RT_NBMA, NULL);
	for (unsigned i = 0; i < LANS; i++)
		bench_route(b, lan(text, i, 0, "/28"), NHRP_RT_OUT, "192.0.2.254");
	for (unsigned i = 0; i < LANS; i++) {
		unsigned s = i / EACH;
		struct nhrp_packet p;

		snprintf(src, sizeof(src), "172.31.%u.%u", 1 + s / 250, 1 + s % 250);
		snprintf(nbma, sizeof(nbma), "198.51.%u.%u", 100 + s / 250, 1 + s % 250);
		p = pkt(NHRP_RESOLUTION_REQUEST, nbma, src, lan(text, i, 1, ""));
		pkt_ext(&p, NHRP_EXT_FORWARD, true, cies(&rec, 1));
		b->now += TICK_MS(20);
		ck_assert_int_eq(bench_rx(b, 1, "203.0.113.1", &p), NHRP_OK);
		bench_clear(b);
	}
	ck_assert_uint_eq(b->n->n_answered, LANS);
	ck_assert_uint_eq(b->n->n_told, LANS);
}

START_TEST(a_flap_costs_its_dependants_only)
{
	struct nhrp_route_work was = { 0 }, d;
	struct bench b;
	unsigned purges = 0;
	char text[24];

	answer_for_all(&b);
	while (nhrp_deadline(b.n) <= b.now) {	/* what was due meanwhile */
		nhrp_tick(b.n, b.now, &b.q);
		bench_clear(&b);
	}
	since(&b, &was);
	route_gone(&b, lan(text, 4711, 0, "/28"));
	d = since(&b, &was);
	ck_assert_uint_eq(d.changes, 1);
	ck_assert_uint_eq(d.looked_at, 1);
	ck_assert_uint_eq(d.purged, 1);
	bench_clear(&b);
	nhrp_tick(b.n, b.now, &b.q);
	for (unsigned i = 0; i < bench_count(&b, NHRP_ACT_SEND); i++)
		purges += bench_sent(&b, i).type == NHRP_PURGE_REQUEST;
	ck_assert_uint_eq(purges, 1);
	bench_clear(&b);

	bench_route(&b, lan(text, 4711, 0, "/28"), NHRP_RT_OUT, "192.0.2.254");	/* back: what is being taken back is looked at, nothing else */
	d = since(&b, &was);
	ck_assert_uint_eq(d.looked_at, 1);
	bench_route(&b, lan(text, 17, 1, "/32"), NHRP_RT_OUT, "192.0.2.253");	/* a hole in one */
	d = since(&b, &was);
	ck_assert_uint_eq(d.looked_at, 1);
	ck_assert_uint_eq(d.purged, 1);
	bench_route(&b, lan(text, 18, 0, "/28"), NHRP_RT_OUT, "192.0.2.254");	/* told again: no change */
	d = since(&b, &was);
	ck_assert_uint_eq(d.changes, 0);
	ck_assert_uint_eq(d.looked_at, 0);
	route_gone(&b, "10.99.0.0/16");	/* was never there */
	bench_route(&b, "10.99.0.0/16", NHRP_RT_OUT, "192.0.2.254");	/* nothing hangs on it */
	d = since(&b, &was);
	ck_assert_uint_eq(d.changes, 1);
	ck_assert_uint_eq(d.looked_at, 0);
	bench_free(&b);
}
END_TEST

Suite *route_suite(void);

Suite *
route_suite(void)
{
	Suite *s = suite_create("route");
	TCase *t = tcase_create("work");

	tcase_add_test(t, a_flap_costs_its_dependants_only);
	suite_add_tcase(s, t);
	return s;
}
