/* Twin of xfrm/tunnel.c: the IP header that GRE has in tunnel mode, as it is written, and what is taken off. */
#include "xfrm/tunnel.h"

#include "lib/dpsec.h"
#include "tests/unit/xfrm/xfrm_test.h"
#include "xfrm/sa.h"

static struct dp_selectors
between(const char *local, const char *remote)
{
	struct dp_selectors s = { .n_local = 1, .n_remote = 1, .gre = true };

	ck_assert(addr_parse(local, &s.local[0].lo));
	ck_assert(addr_parse(remote, &s.remote[0].lo));
	s.local[0].hi = s.local[0].lo;
	s.remote[0].hi = s.remote[0].lo;
	return s;
}

static const struct pair {
	const char *a, *b;
	size_t head;
	uint8_t next;
} pairs[] = { { "192.168.12.10", "198.18.10.2", 20, DPSEC_IPV4 }, { "fd18:12::2", "fd18:10::2", 40, DPSEC_IPV6 } };

static const char gre[] = "\x20\x00\x08\x00\x00\x00\x00\x2a" "an inner packet";
enum { HEAD = 64, N = sizeof(gre) };
static uint8_t buf[HEAD + N + 16];

static uint8_t
put(const struct dp_selectors *s, uint8_t tos)
{
	memset(buf, 0xee, sizeof(buf));
	memcpy(buf + HEAD, gre, N);
	return tunnel_put(s, buf + HEAD, N, tos);
}

/* Octet for octet: another implementation reads it. */
START_TEST(as_on_the_wire)
{
	static const uint8_t v4[] = { 0x45, 0xb8, 0, 20 + N, 0, 0, 0x40, 0, 64, 47, 0, 0, 192, 168, 12, 10, 198, 18, 10, 2 };
	static const uint8_t v6[] = { 0x6b, 0x80, 0, 0, 0, N, 47, 64, 0xfd, 0x18, 0, 0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0xfd, 0x18, 0, 0x10 };
	struct dp_selectors s = between(pairs[0].a, pairs[0].b);
	uint32_t sum = 0;

	ck_assert_uint_eq(put(&s, 0xb8), DPSEC_IPV4);
	for (int i = 0; i < 20; i += 2)
		sum += get_be16(buf + HEAD - 20 + i);
	ck_assert_uint_eq((sum & 0xffff) + (sum >> 16), 0xffff);
	ck_assert_uint_eq(buf[HEAD - 21], 0xee);
	memset(buf + HEAD - 10, 0, 2);
	ck_assert_mem_eq(buf + HEAD - 20, v4, sizeof(v4));
	s = between(pairs[1].a, pairs[1].b);
	ck_assert_uint_eq(put(&s, 0xb8), DPSEC_IPV6);
	ck_assert_mem_eq(buf + HEAD - 40, v6, sizeof(v6));
	ck_assert_uint_eq(buf[HEAD - 41], 0xee);
	ck_assert_mem_eq(buf + HEAD, gre, N);
}
END_TEST

START_TEST(there_and_back)
{
	const struct pair *p = &pairs[_i];
	struct dp_selectors a = between(p->a, p->b), b = between(p->b, p->a);
	uint8_t tos = 0, next = put(&a, 0xb9), *h = buf + HEAD - p->head;
	struct span out;

	ck_assert_uint_eq(tunnel_head(&a), p->head);
	ck_assert_uint_eq(next, p->next);
	ck_assert_int_eq(tunnel_take(&b, next, h, p->head + N, &tos, &out), TUNNEL_OK);
	ck_assert(out.n == N && out.p == buf + HEAD);
	ck_assert_uint_eq(tos, 0xb9);
	tos = 3;	/* congestion on the way outside */
	ck_assert_int_eq(tunnel_take(&b, next, h, p->head + N + 9, &tos, &out), TUNNEL_OK);	/* padded */
	ck_assert_uint_eq(out.n, N);
	ck_assert_uint_eq(tos, 0xbb);
	ck_assert_int_eq(tunnel_take(&a, next, h, p->head + N, &tos, &out), TUNNEL_SELECTOR);	/* our own, sent back */
	ck_assert_int_eq(tunnel_take(&b, p->next == DPSEC_IPV4 ? DPSEC_IPV6 : DPSEC_IPV4, h, p->head + N, &tos, &out), TUNNEL_HEADER);
	for (size_t n = 0; n < p->head + N; n++)
		ck_assert_int_eq(tunnel_take(&b, next, h, n, &tos, &out), TUNNEL_HEADER);
}
END_TEST

/* Each octet of the header changed: nothing but type of service, identification, TTL and flow label may be another's. */
START_TEST(changed_headers)
{
	const struct pair *p = &pairs[_i];
	struct dp_selectors a = between(p->a, p->b), b = between(p->b, p->a);
	uint8_t tos = 0, next = put(&a, 0), *h = buf + HEAD - p->head;
	struct span out;

	for (size_t i = 0; i < p->head; i++) {
		bool free6 = p->head == 40 && (i == 1 || i == 2 || i == 3 || i == 7);
		enum tunnel_fault f;

		h[i] ^= 0x05;
		f = tunnel_take(&b, next, h, p->head + N, &tos, &out);
		ck_assert_msg(free6 ? f == TUNNEL_OK : f == TUNNEL_HEADER || f == TUNNEL_SELECTOR || (p->head == 40 && i == 0), "octet %zu: %d", i, f);
		h[i] ^= 0x05;
	}
}
END_TEST

static void
sum4(uint8_t *h)
{
	uint32_t sum = 0;

	put_be16(h + 10, 0);
	for (int i = 0; i < (h[0] & 15) * 4; i += 2)
		sum += get_be16(h + i);
	sum = (sum & 0xffff) + (sum >> 16);
	put_be16(h + 10, (uint16_t)~(sum + (sum >> 16)));
}

START_TEST(what_is_not_for_it)
{
	struct dp_selectors a = between(pairs[0].a, pairs[0].b), b = between(pairs[0].b, pairs[0].a);
	static const struct { unsigned at; uint8_t value; enum tunnel_fault want; } rows[] = {
		{ 6, 0x60, TUNNEL_HEADER }, { 7, 1, TUNNEL_HEADER }, { 6, 0, TUNNEL_OK }, { 9, 6, TUNNEL_SELECTOR }, { 15, 11, TUNNEL_SELECTOR },
		{ 19, 3, TUNNEL_SELECTOR }, { 8, 1, TUNNEL_OK }, { 5, 9, TUNNEL_OK }, { 0, 0x44, TUNNEL_HEADER }, { 3, 19, TUNNEL_HEADER },
		{ 3, 21 + N, TUNNEL_HEADER }, { 0, 0x46, TUNNEL_OK }, { 3, 20, TUNNEL_OK },
	};
	uint8_t tos = 0, *h = buf + HEAD - 20;
	struct span out;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put(&a, 0);
		h[rows[i].at] = rows[i].value;
		sum4(h);
		ck_assert_msg(tunnel_take(&b, DPSEC_IPV4, h, 20 + N, &tos, &out) == rows[i].want, "row %zu", i);
	}
}
END_TEST

START_TEST(room_for_it)
{
	struct dp_selectors v4 = between(pairs[0].a, pairs[0].b), v6 = between(pairs[1].a, pairs[1].b), none = { .n_local = 0 };
	const struct dp_selectors *with[] = { NULL, &v4, &v6 };
	unsigned max[3];

	ck_assert_uint_eq(tunnel_head(NULL), 0);
	ck_assert_uint_eq(tunnel_head(&none), 0);
	for (unsigned i = 0; i < 3; i++) {
		struct dp_sa sa = { .tunnel = 1, .peer = 3, .spi_in = 5000, .spi_out = 6000, .active = true, .sel = with[i] };
		struct test_env t;
		struct sadb db;
		struct xsa *x;

		test_env_init(&t);
		sadb_init(&db, &t.env, 32);
		addr_parse("198.51.100.7", &sa.remote.addr);
		sa.keys = (struct dp_sa_keys){ .encr = 20, .encr_bits = 128, .encr_len = 20 };
		ck_assert_int_eq(sadb_add(&db, 1, &sa, &x), 0);
		ck_assert(!i || (x->conf.sel != with[i] && x->conf.sel->gre && x->in.plain));
		pmtud_start(&x->peer->path, 1, 1500, 576);
		sadb_path_changed(x->peer);
		max[i] = x->peer->payload_max;
		sadb_fini(&db);
		ck_assert_int_eq(t.live, 0);
	}
	ck_assert_uint_eq(max[0] - max[1], 20);
	ck_assert_uint_eq(max[0] - max[2], 40);
}
END_TEST

Suite *
tunnel_suite(void)
{
	Suite *s = suite_create("tunnel");
	TCase *t = tcase_create("tunnel");

	tcase_add_test(t, as_on_the_wire);
	tcase_add_loop_test(t, there_and_back, 0, 2);
	tcase_add_loop_test(t, changed_headers, 0, 2);
	tcase_add_test(t, what_is_not_for_it);
	tcase_add_test(t, room_for_it);
	suite_add_tcase(s, t);
	return s;
}
