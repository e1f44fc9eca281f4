/* tests/unit/nhrp_wire/golden.c: the golden packets as they are, cut at every length, and damaged in every octet. */
#include "tests/unit/nhrp_wire/util.h"

#include <stdlib.h>

START_TEST(built_again_they_are_the_same)
{
	struct pkt k = golden(golden_name[_i]), again;
	struct nhrp_packet p;

	ck_assert_str_eq(nhrp_drop_word(pkt_try(k.b, k.n, &p, &again)), "ok");
	ck_assert_uint_eq(again.n, k.n);
	ck_assert_mem_eq(again.b, k.b, k.n);
}
END_TEST

START_TEST(all_types_are_among_them)
{
	bool seen[NHRP_TYPES] = { false }, odd = false;

	for (size_t i = 0; i < golden_n; i++) {
		struct pkt k = golden(golden_name[i]);

		seen[k.b[17]] = true;
		odd |= k.n & 1;
	}
	for (unsigned i = 1; i < NHRP_TYPES; i++)
		ck_assert(seen[i]);
	ck_assert(odd);
}
END_TEST

/* ck_assert() writes a message to the runner each time it passes, too slow for a million of them. */
#define must(cond) do { if (!(cond)) ck_abort_msg("%s", #cond); } while (0)

/* The other readers of octets, on whatever the packet brought. */
static void
read_contents(const struct nhrp_packet *p)
{
	struct nhrp_cie c[NHRP_EXT_CIES_MAX];
	struct nhrp_quoted q;

	if (p->payload.n)
		nhrp_quoted_parse(p->payload, &q);
	for (unsigned i = 0; i < p->n_ext; i++) {
		int n = nhrp_ext_cies(p->ext[i].value, p->afn, p->pro_type, c, NHRP_EXT_CIES_MAX);

		must(n >= -1 && n <= NHRP_EXT_CIES_MAX);
		must(nhrp_auth_string(p->ext[i].value).n <= p->ext[i].value.n);
		if (p->ext[i].type == NHRP_EXT_NAT && n >= 0)
			must(nhrp_ext_is_nat(&p->ext[i]));
	}
}

/* Refused for a reason of the parser's, or accepted; then it must build, and mean the same when read again. */
static void
refused_or_stable(struct span octets)
{
	struct nhrp_packet p, q;
	struct pkt again;
	struct wr w = wr_of(again.b, sizeof(again.b));
	enum nhrp_drop d = nhrp_packet_parse(octets, &p);

	must(d <= NHRP_DROP_EXT_BAD);
	if (d != NHRP_OK)
		return;
	again.n = nhrp_packet_build(&w, &p);
	must(again.n > 0 && again.n <= octets.n);
	must(nhrp_packet_parse(pkt_span(&again), &q) == NHRP_OK);
	must(packet_eq(&p, &q));
	read_contents(&p);
}

/* A copy that ends where its memory ends, for the sanitizer to see what reads past it. */
static uint8_t *
exact_copy(const struct pkt *k, size_t n)
{
	uint8_t *p = malloc(n ? n : 1);

	ck_assert_ptr_nonnull(p);
	memcpy(p, k->b, n);
	return p;
}

/* As it arrives from a wire that cuts, and from a sender that cut and mended size and checksum. */
START_TEST(every_truncation)
{
	struct pkt whole = golden(golden_name[_i]);
	struct nhrp_packet p;

	for (size_t n = 0; n < whole.n; n++) {
		struct pkt k = whole;
		uint8_t *exact;

		k.n = n;
		ck_assert_int_eq(pkt_try(k.b, k.n, &p, NULL), n < NHRP_HDR_LEN ? NHRP_DROP_SHORT : NHRP_DROP_SIZE);
		if (n < NHRP_HDR_LEN)
			continue;
		pkt_refit(&k);
		exact = exact_copy(&k, n);
		refused_or_stable(span_of(exact, n));
		free(exact);
	}
}
END_TEST

static void
resum(uint8_t *p, size_t n)
{
	size_t size = get_be16(p + 10);

	put_be16(p + 12, 0);
	put_be16(p + 12, nhrp_checksum(span_of(p, size < n ? size : n)));
}

/* Damage on the wire is seen by the checksum; the same from a sender that sums right must be refused or make sense. */
START_TEST(every_octet_every_value)
{
	struct pkt whole = golden(golden_name[_i]);
	uint8_t *exact = exact_copy(&whole, whole.n);
	struct nhrp_packet p;

	for (size_t at = 0; at < whole.n; at++) {
		for (unsigned v = 0; v < 256; v++) {
			memcpy(exact, whole.b, whole.n);
			exact[at] = (uint8_t)v;
			must((nhrp_packet_parse(span_of(exact, whole.n), &p) == NHRP_OK) == (v == whole.b[at]));
			resum(exact, whole.n);
			refused_or_stable(span_of(exact, whole.n));
		}
	}
	free(exact);
}
END_TEST

START_TEST(many_octets_at_random)
{
	struct pkt whole = golden(golden_name[_i]);
	uint8_t *exact = exact_copy(&whole, whole.n);
	struct test_env t;

	test_env_init(&t);
	for (unsigned round = 0; round < 4000; round++) {
		memcpy(exact, whole.b, whole.n);
		for (uint32_t n = 1 + env_random_below(&t.env, 6); n; n--)
			exact[env_random_below(&t.env, (uint32_t)whole.n)] = (uint8_t)env_random32(&t.env);
		if (round & 7)
			put_be16(exact + 10, (uint16_t)whole.n);
		resum(exact, whole.n);
		refused_or_stable(span_of(exact, whole.n));
	}
	free(exact);
}
END_TEST

Suite *suite_golden(void);
Suite *
suite_golden(void)
{
	Suite *s = suite_create("golden");
	TCase *t = tcase_create("golden");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, built_again_they_are_the_same, 0, (int)golden_n);
	tcase_add_test(t, all_types_are_among_them);
	tcase_add_loop_test(t, every_truncation, 0, (int)golden_n);
	tcase_add_loop_test(t, every_octet_every_value, 0, (int)golden_n);
	tcase_add_loop_test(t, many_octets_at_random, 0, (int)golden_n);
	suite_add_tcase(s, t);
	return s;
}
