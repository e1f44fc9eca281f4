/* Twin of ikecore/engine/selector.c: the mode of GRE; plain IP in tunnel mode: narrowing, what is refused and in which words, rekeys, and which
 * profile of several a peer gets. */
#include "tests/unit/ike_engine/suites.h"

#include <stdio.h>

static struct world w;
static struct ike_msg msg;

static struct dp_range
range(const char *text)
{
	struct prefix p;
	struct dp_range r = { .proto = 0 };

	ck_assert(prefix_parse(text, &p));
	r.lo = r.hi = p.addr;
	for (unsigned i = p.bits; i < addr_bits(&p.addr); i++)
		r.hi.b[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return r;
}

/* "10.1.0.0/16 10.2.0.0/16": at most two a side, "-" is none. */
static struct dp_selectors
sel(const char *l1, const char *l2, const char *r1, const char *r2)
{
	struct dp_selectors s = { .n_local = 0 };

	if (*l1 != '-')
		s.local[s.n_local++] = range(l1);
	if (*l2 != '-')
		s.local[s.n_local++] = range(l2);
	if (*r1 != '-')
		s.remote[s.n_remote++] = range(r1);
	if (*r2 != '-')
		s.remote[s.n_remote++] = range(r2);
	return s;
}

static void
begin(struct dp_selectors a, struct dp_selectors b)
{
	w_init(&w);
	w.s[0].profile[0].plain = a;
	w.s[1].profile[0].plain = b;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
}

static const char *
agreed(unsigned side)
{
	static char text[200];

	ck_assert_uint_eq(w_count_child(&w, side), 1);
	return ike_selectors_fmt(&w.s[side].child[0].sel, text, sizeof(text));
}

static const struct {
	const char *a[4], *b[4], *seen_a, *seen_b;
} good[] = {
	{ { "0.0.0.0/0", "::/0", "0.0.0.0/0", "::/0" }, { "0.0.0.0/0", "::/0", "0.0.0.0/0", "::/0" }, "0.0.0.0/0,::/0 to 0.0.0.0/0,::/0",
	    "0.0.0.0/0,::/0 to 0.0.0.0/0,::/0" },
	{ { "0.0.0.0/0", "::/0", "0.0.0.0/0", "::/0" }, { "0.0.0.0/0", "-", "0.0.0.0/0", "-" }, "0.0.0.0/0 to 0.0.0.0/0", "0.0.0.0/0 to 0.0.0.0/0" },
	{ { "10.1.0.0/16", "-", "10.2.0.0/16", "-" }, { "10.2.0.0/16", "-", "10.1.0.0/16", "-" }, "10.1.0.0/16 to 10.2.0.0/16", "10.2.0.0/16 to 10.1.0.0/16" },
	{ { "10.1.0.0/16", "-", "0.0.0.0/0", "-" }, { "10.2.0.0/16", "10.3.0.0/16", "10.1.8.0/24", "-" }, "10.1.8.0/24 to 10.2.0.0/16,10.3.0.0/16",
	    "10.2.0.0/16,10.3.0.0/16 to 10.1.8.0/24" },
};

START_TEST(narrowed_to_what_both_have)
{
	const char *const *a = good[_i].a, *const *b = good[_i].b;

	begin(sel(a[0], a[1], a[2], a[3]), sel(b[0], b[1], b[2], b[3]));
	w_check_pair(&w);
	ck_assert_str_eq(agreed(0), good[_i].seen_a);
	ck_assert_str_eq(agreed(1), good[_i].seen_b);
	for (unsigned side = 0; side < 2; side++) {	/* rekeyed from each side, it is for the same */
		struct ike_event ev = { .kind = IKE_EV_SA_SOFT, .spi_in = w.s[side].child[0].dp.spi_in };

		w_event(&w, side, &ev);
		w_run(&w, TICK_S(10));
		w_check_pair(&w);
		ck_assert_str_eq(agreed(0), good[_i].seen_a);
		ck_assert_str_eq(agreed(1), good[_i].seen_b);
	}
	ck_assert_uint_ge(w.s[0].child_adds, 3);
	w_fini(&w);
}
END_TEST

/* Protocol and ports of each end's local and remote side, and what is agreed as the initiator sees it; NULL: nothing. */
struct ports {
	uint8_t proto;
	uint16_t lo, hi;	/* 0: all */
};
static const struct {
	struct ports a[2], b[2];
	const char *seen;
} ported[] = {
	{ { { 6, 0, 0 }, { 6, 443, 443 } }, { { 6, 443, 443 }, { 6, 0, 0 } }, "10.1.0.0/16[tcp] to 10.2.0.0/16[tcp/443]" },
	{ { { 6, 0, 0 }, { 6, 443, 443 } }, { { 0, 0, 0 }, { 0, 0, 0 } }, "10.1.0.0/16[tcp] to 10.2.0.0/16[tcp/443]" },
	{ { { 0, 0, 0 }, { 0, 0, 0 } }, { { 17, 53, 53 }, { 17, 1024, 65535 } }, "10.1.0.0/16[udp/1024-65535] to 10.2.0.0/16[udp/53]" },
	{ { { 6, 0, 0 }, { 6, 80, 443 } }, { { 6, 100, 1000 }, { 6, 0, 0 } }, "10.1.0.0/16[tcp] to 10.2.0.0/16[tcp/100-443]" },
	{ { { 1, 0, 0 }, { 1, 0, 0 } }, { { 0, 0, 0 }, { 0, 0, 0 } }, "10.1.0.0/16[icmp] to 10.2.0.0/16[icmp]" },
	{ { { 99, 0, 0 }, { 99, 0, 0 } }, { { 99, 0, 0 }, { 0, 0, 0 } }, "10.1.0.0/16[99] to 10.2.0.0/16[99]" },
	{ { { 6, 0, 0 }, { 6, 443, 443 } }, { { 17, 443, 443 }, { 17, 0, 0 } }, NULL },
	{ { { 6, 0, 0 }, { 6, 443, 443 } }, { { 6, 444, 500 }, { 6, 0, 0 } }, NULL },
	{ { { 1, 8, 8 }, { 1, 0, 0 } }, { { 0, 0, 0 }, { 0, 0, 0 } }, NULL },	/* a type of ICMP is not looked at */
};

static struct dp_range
ported_range(const char *net, const struct ports *p)
{
	struct dp_range r = range(net);

	r.proto = p->proto;
	r.ports = p->lo || p->hi;
	r.port_lo = p->lo;
	r.port_hi = p->hi;
	return r;
}

START_TEST(narrowed_to_protocol_and_ports)
{
	struct dp_selectors s[2] = { sel("10.1.0.0/16", "-", "10.2.0.0/16", "-"), sel("10.2.0.0/16", "-", "10.1.0.0/16", "-") };

	s[0].local[0] = ported_range("10.1.0.0/16", &ported[_i].a[0]);
	s[0].remote[0] = ported_range("10.2.0.0/16", &ported[_i].a[1]);
	s[1].local[0] = ported_range("10.2.0.0/16", &ported[_i].b[0]);
	s[1].remote[0] = ported_range("10.1.0.0/16", &ported[_i].b[1]);
	s[0].order = 5;
	begin(s[0], s[1]);
	if (!ported[_i].seen) {
		w_run(&w, TICK_S(2));
		ck_assert_uint_eq(w_count_child(&w, 0) + w_count_child(&w, 1), 0);
		ck_assert_int_eq(w.s[0].last_fail, IKE_DOWN_IPSEC);
		w_fini(&w);
		return;
	}
	for (unsigned n = 0; n < 3; n++) {	/* as it is, and rekeyed from each side */
		const struct dp_selectors *a = &w.s[0].child[0].sel, *b = &w.s[1].child[0].sel;

		w_check_pair(&w);
		ck_assert_str_eq(agreed(0), ported[_i].seen);
		ck_assert_mem_eq(&a->local[0], &b->remote[0], sizeof(a->local[0]));
		ck_assert_mem_eq(&a->remote[0], &b->local[0], sizeof(a->local[0]));
		ck_assert(a->order == 5 && b->order == 0);
		if (n < 2) {
			struct ike_event ev = { .kind = IKE_EV_SA_SOFT, .spi_in = w.s[n].child[0].dp.spi_in };

			w_event(&w, n, &ev);
			w_run(&w, TICK_S(10));
		}
	}
	w_fini(&w);
}
END_TEST

/* Port 0 of a peer is one port, not all of them; OPAQUE is none. */
START_TEST(strange_ports)
{
	static struct ike_profile p;
	static struct ike_conf conf = { .profile = &p, .n_profile = 1 };
	static struct ike k = { .conf = &conf };
	static struct ike_sa sa;
	struct ike_rx rx = { 0 };
	struct ike_ts_pair out;
	struct dp_selectors got;

	p.plain = sel("10.1.0.0/16", "-", "10.2.0.0/16", "-");
	memset(&msg, 0, sizeof(msg));
	msg.tsi.n = msg.tsr.n = 1;
	msg.tsi.ts[0] = (struct ike_ts){ .type = IKE_TS_IPV4, .proto = 6, .port_hi = 0, .lo = range("10.2.0.0/16").lo, .hi = range("10.2.0.0/16").hi };
	msg.tsr.ts[0] = (struct ike_ts){ .type = IKE_TS_IPV4, .proto = 6, .port_hi = 65535, .lo = range("10.1.0.0/16").lo, .hi = range("10.1.0.0/16").hi };
	ck_assert_int_eq(ike_sel_narrow(&k, &sa, &rx, &msg, NULL, &out, &got), IKE_OK);
	ck_assert(got.remote[0].ports && got.remote[0].port_lo == 0 && got.remote[0].port_hi == 0);
	msg.tsi.ts[0].port_lo = 65535;	/* and to 0 */
	ck_assert_int_eq(ike_sel_narrow(&k, &sa, &rx, &msg, NULL, &out, &got), IKE_DROP_SELECTORS);
}
END_TEST

START_TEST(nothing_in_common)
{
	struct ike_refused *r;

	begin(sel("10.1.0.0/16", "-", "10.2.0.0/16", "-"), sel("10.3.0.0/16", "-", "10.1.0.0/16", "-"));
	w_run(&w, TICK_S(2));
	ck_assert_uint_eq(w_count_child(&w, 0) + w_count_child(&w, 1), 0);
	ck_assert_int_eq(w.s[0].last_fail, IKE_DOWN_IPSEC);
	ck_assert_str_eq(w.s[0].fail_text, "peer refuses our traffic selectors, 10.1.0.0/16 to 10.2.0.0/16 (TS_UNACCEPTABLE)");
	r = &w.s[1].k->refused[0];
	ck_assert_uint_ge(w.s[1].k->n_refused, 1);
	ck_assert_str_eq(r->why, "no traffic selectors in common: peer asks for 10.2.0.0/16 to 10.1.0.0/16, here is 10.3.0.0/16 to 10.1.0.0/16");
	w_fini(&w);
}
END_TEST

/* One end is for GRE, the other one for plain IP: refused, and said. */
START_TEST(other_kind)
{
	struct dp_selectors any = sel("0.0.0.0/0", "-", "0.0.0.0/0", "-"), none = { .n_local = 0 };

	begin(_i ? any : none, _i ? none : any);
	w_run(&w, TICK_S(2));
	ck_assert_uint_eq(w_count_child(&w, 0) + w_count_child(&w, 1), 0);
	ck_assert_int_eq(w.s[0].last_fail, IKE_DOWN_IPSEC);
	ck_assert_msg(strstr(w.s[1].k->refused[0].why, _i ? "here is GRE between our two addresses" : "asks for GRE, ") != NULL, "%s", w.s[1].k->refused[0].why);
	w_fini(&w);
}
END_TEST

/* Profiles for one identity: who asks for GRE gets the one, who asks for plain IP the other, wherever they stand. */
START_TEST(profile_by_what_is_asked)
{
	struct dp_selectors any = sel("0.0.0.0/0", "-", "0.0.0.0/0", "-"), none = { .n_local = 0 };
	struct ike_profile *p;

	w_init(&w);
	p = w.s[1].profile;
	p[1] = p[0];
	snprintf(p[1].use, sizeof(p[1].use), "second");
	p[_i & 1].plain = any;
	w.s[1].conf.n_profile = 2;
	w.s[0].profile[0].plain = _i & 2 ? any : none;
	w_up(&w);
	ck_assert_uint_eq(w_sa(&w, 1)->profile, _i & 2 ? (unsigned)(_i & 1) : (unsigned)!(_i & 1));
	w_fini(&w);
}
END_TEST

/* An answer that is wider than the question, or of transport mode, is none. */

static void
answer(const char *i, const char *r)
{
	struct dp_range a = range(i), b = range(r);

	memset(&msg, 0, sizeof(msg));
	msg.tsi.n = msg.tsr.n = 1;
	msg.tsi.ts[0] = (struct ike_ts){ .type = IKE_TS_IPV4, .port_hi = 65535, .lo = a.lo, .hi = a.hi };
	msg.tsr.ts[0] = (struct ike_ts){ .type = IKE_TS_IPV4, .port_hi = 65535, .lo = b.lo, .hi = b.hi };
}

START_TEST(answers_checked)
{
	static struct ike_profile p;
	static struct ike_conf conf = { .profile = &p, .n_profile = 1 };
	static struct ike k = { .conf = &conf };
	static struct ike_sa sa;
	struct dp_selectors out;

	p.plain = sel("10.1.0.0/16", "-", "10.2.0.0/16", "-");
	answer("10.1.0.0/16", "10.2.7.0/24");
	ck_assert_int_eq(ike_sel_agreed(&k, &sa, &msg, 0, &out), IKE_OK);
	ck_assert(out.n_local == 1 && out.n_remote == 1);
	msg.tsr.ts[0].port_lo = 1;
	ck_assert_int_eq(ike_sel_agreed(&k, &sa, &msg, 0, &out), IKE_DROP_SELECTORS);	/* ports of no protocol */
	answer("10.1.0.0/16", "10.2.7.0/24");
	msg.tsi.ts[0].proto = msg.tsr.ts[0].proto = 6;
	ck_assert_int_eq(ike_sel_agreed(&k, &sa, &msg, 0, &out), IKE_OK);	/* narrowed to one */
	ck_assert(out.local[0].proto == 6 && !out.local[0].ports && out.remote[0].proto == 6);
	p.plain.remote[0].proto = 17;
	ck_assert_int_eq(ike_sel_agreed(&k, &sa, &msg, 0, &out), IKE_DROP_SELECTORS);
	p.plain.remote[0] = (struct dp_range){ .lo = p.plain.remote[0].lo, .hi = p.plain.remote[0].hi, .proto = 6, .ports = true, .port_lo = 80, .port_hi = 90 };
	ck_assert_int_eq(ike_sel_agreed(&k, &sa, &msg, 0, &out), IKE_DROP_SELECTORS);	/* wider: all ports */
	msg.tsr.ts[0].port_lo = msg.tsr.ts[0].port_hi = 90;
	ck_assert_int_eq(ike_sel_agreed(&k, &sa, &msg, 0, &out), IKE_OK);
	ck_assert(out.remote[0].ports && out.remote[0].port_lo == 90 && out.remote[0].port_hi == 90);
	msg.tsr.ts[0].port_hi = 91;
	ck_assert_int_eq(ike_sel_agreed(&k, &sa, &msg, 0, &out), IKE_DROP_SELECTORS);
	p.plain = sel("10.1.0.0/16", "-", "10.2.0.0/16", "-");
	answer("10.0.0.0/8", "10.2.0.0/16");
	ck_assert_int_eq(ike_sel_agreed(&k, &sa, &msg, 0, &out), IKE_DROP_SELECTORS);
	answer("10.1.0.0/16", "10.3.0.0/16");
	ck_assert_int_eq(ike_sel_agreed(&k, &sa, &msg, 0, &out), IKE_DROP_SELECTORS);
	answer("10.1.0.0/16", "10.2.0.0/16");
	msg.tsi.skipped = 1;
	ck_assert_int_eq(ike_sel_agreed(&k, &sa, &msg, 0, &out), IKE_DROP_SELECTORS);
	answer("10.1.0.0/16", "10.2.0.0/16");
	msg.tsr.n = 0;
	ck_assert_int_eq(ike_sel_agreed(&k, &sa, &msg, 0, &out), IKE_DROP_SELECTORS);
	answer("10.1.0.0/16", "10.2.0.0/16");
	msg.tsi.ts[0].hi = msg.tsi.ts[0].lo;
	msg.tsi.ts[0].lo = range("10.1.255.0/24").lo;	/* upside down */
	ck_assert_int_eq(ike_sel_agreed(&k, &sa, &msg, 0, &out), IKE_DROP_SELECTORS);
	answer("10.1.0.0/16", "10.2.0.0/16");
	msg.notify[msg.n_notify++].type = IKE_N_USE_TRANSPORT_MODE;
	ck_assert_int_eq(ike_sel_agreed(&k, &sa, &msg, 0, &out), IKE_DROP_MODE);
}
END_TEST

/* Modes of GRE: what either side is told, whether its data plane lacks tunnel mode, and what comes of it. */
enum { T = IKE_MODE_TRANSPORT, TO = IKE_MODE_TRANSPORT_ONLY, TU = IKE_MODE_TUNNEL };
static const struct {
	int mode[2];
	bool lacks[2];
	enum { TRANSPORT, TUNNEL, NOTHING } seen;
	const char *why;	/* what the initiator says */
} modes[] = {
	{ { T, T }, { false, false }, TRANSPORT, NULL },
	{ { T, TO }, { false, false }, TRANSPORT, NULL },
	{ { TO, T }, { false, true }, TRANSPORT, NULL },
	{ { T, TU }, { false, false }, TUNNEL, NULL },
	{ { TU, T }, { false, false }, TUNNEL, NULL },
	{ { TU, TU }, { false, false }, TUNNEL, NULL },
	{ { TO, TU }, { false, false }, NOTHING, "peer does not take transport mode" },
	{ { T, TU }, { true, false }, NOTHING, "peer does not take transport mode" },
	{ { TU, TO }, { false, false }, NOTHING, "no IPsec proposal in common, or the peer does not take tunnel mode" },
	{ { TU, T }, { false, true }, NOTHING, "no IPsec proposal in common, or the peer does not take tunnel mode" },
};

static void
begin_modes(unsigned i)
{
	w_init(&w);
	for (unsigned side = 0; side < 2; side++) {
		w.s[side].profile[0].mode = (enum ike_mode)modes[i].mode[side];
		w.s[side].conf.no_tunnel = modes[i].lacks[side];
	}
}

/* The addresses inside are a, of side 0, and b. */
static void
check_mode(unsigned i, bool rekeyed, const struct addr *a, const struct addr *b)
{
	const struct addr *own[2] = { a, b };
	bool tunnel = modes[i].seen == TUNNEL;

	w_check_pair(&w);
	for (unsigned side = 0; side < 2; side++) {
		const struct dp_selectors *s = &w.s[side].child[0].sel;

		ck_assert_int_eq(w_engine_child(&w, side)->tunnel, tunnel);
		ck_assert_int_eq(s->gre, tunnel);
		ck_assert_uint_eq(s->n_local, tunnel);
		ck_assert_uint_eq(s->n_remote, tunnel);
		ck_assert(!tunnel || (addr_eq(&s->local[0].lo, own[side]) && addr_eq(&s->local[0].hi, own[side])));
		ck_assert(!tunnel || (addr_eq(&s->remote[0].lo, own[!side]) && addr_eq(&s->remote[0].hi, own[!side])));
	}
	ck_assert_uint_ge(w.s[0].child_adds, rekeyed ? 2 : 1);
}

START_TEST(mode_of_gre)
{
	begin_modes((unsigned)_i);
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	if (modes[_i].seen == NOTHING) {
		w_run(&w, TICK_S(2));
		ck_assert_uint_eq(w_count_child(&w, 0) + w_count_child(&w, 1), 0);
		ck_assert_int_eq(w.s[0].last_fail, IKE_DOWN_IPSEC);
		ck_assert_msg(strstr(w.s[0].fail_text, modes[_i].why) != NULL, "%s", w.s[0].fail_text);
		w_fini(&w);
		return;
	}
	check_mode((unsigned)_i, false, &w.s[0].addr, &w.s[1].addr);
	for (unsigned side = 0; side < 2; side++) {	/* rekeyed from each side it is the same */
		struct ike_event ev = { .kind = IKE_EV_SA_SOFT, .spi_in = w.s[side].child[0].dp.spi_in };

		w_event(&w, side, &ev);
		w_run(&w, TICK_S(10));
		check_mode((unsigned)_i, true, &w.s[0].addr, &w.s[1].addr);
	}
	w_fini(&w);
}
END_TEST

/* Behind NAT: inside is the address before it; of a responder there the one by which it was called. */
START_TEST(tunnel_mode_behind_nat)
{
	unsigned behind = (unsigned)_i;
	struct addr a, b;

	begin_modes(5);
	w.s[behind].nat = w.s[behind].addr;
	w.s[behind].addr = w_addr("10.0.0.7");
	w_go(&w);
	a = w.s[0].addr;
	b = behind ? w.s[1].nat : w.s[1].addr;
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	check_mode(5, false, &a, &b);
	for (unsigned i = 0; i < 4; i++) {	/* rekeyed by each side, also on another IKE SA: the same addresses */
		struct ike_event ev = { .kind = IKE_EV_SA_SOFT, .spi_in = w.s[i & 1].child[0].dp.spi_in };
		struct ike_event ike = { .kind = IKE_EV_REKEY, .sa = w_sa(&w, i & 1)->id };

		w_event(&w, i & 1, &ev);
		w_run(&w, TICK_S(10));
		check_mode(5, true, &a, &b);
		w_event(&w, i & 1, &ike);
		w_run(&w, TICK_S(10));
	}
	w_fini(&w);
}
END_TEST

START_TEST(words_of_ranges)
{
	struct dp_selectors s = sel("10.1.0.0/16", "fd01::/64", "192.0.2.7/32", "-");
	char text[160], small[12];

	ck_assert_str_eq(ike_selectors_fmt(&s, text, sizeof(text)), "10.1.0.0/16,fd01::/64 to 192.0.2.7/32");
	s.remote[0].hi.b[3] = 9;
	ck_assert_str_eq(ike_selectors_fmt(&s, text, sizeof(text)), "10.1.0.0/16,fd01::/64 to 192.0.2.7-192.0.2.9");
	memset(&s, 0, sizeof(s));
	ck_assert_str_eq(ike_selectors_fmt(&s, text, sizeof(text)), "nothing to nothing");
	ck_assert_uint_lt(strlen(ike_selectors_fmt(&s, small, sizeof(small))), sizeof(small));
}
END_TEST

/* A new configuration with other selectors: the SA was not made for them. */
START_TEST(changed_selectors_close)
{
	static struct ike_profile p;
	struct ike_conf conf;

	begin(sel("10.1.0.0/16", "-", "10.2.0.0/16", "-"), sel("10.2.0.0/16", "-", "10.1.0.0/16", "-"));
	conf = w.s[0].conf;
	p = w.s[0].profile[0];
	conf.profile = &p;
	ike_reconf(w.s[0].k, w.now, &conf, &w.s[0].out);
	w_run(&w, TICK_S(1));
	ck_assert_uint_eq(w.s[0].downs, 0);
	p.plain.remote[0] = range("10.2.0.0/24");
	w.s[0].conf.profile = w.s[0].profile;
	ike_reconf(w.s[0].k, w.now, &w.s[0].conf, &w.s[0].out);
	ck_assert_uint_eq(w.s[0].downs, 0);
	w_run(&w, TICK_S(1));
	ck_assert_uint_eq(w.s[0].downs, 1);
	ck_assert_str_eq(w.s[0].down_text, "its traffic selectors were changed");
	w_fini(&w);
}
END_TEST

Suite *
selector_suite(void)
{
	Suite *s = suite_create("selector");
	TCase *t = tcase_create("selector");

	tcase_add_loop_test(t, narrowed_to_what_both_have, 0, sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(t, narrowed_to_protocol_and_ports, 0, sizeof(ported) / sizeof(ported[0]));
	tcase_add_test(t, strange_ports);
	tcase_add_test(t, nothing_in_common);
	tcase_add_loop_test(t, other_kind, 0, 2);
	tcase_add_loop_test(t, profile_by_what_is_asked, 0, 4);
	tcase_add_test(t, answers_checked);
	tcase_add_loop_test(t, mode_of_gre, 0, sizeof(modes) / sizeof(modes[0]));
	tcase_add_loop_test(t, tunnel_mode_behind_nat, 0, 2);
	tcase_add_test(t, words_of_ranges);
	tcase_add_test(t, changed_selectors_close);
	suite_add_tcase(s, t);
	return s;
}
