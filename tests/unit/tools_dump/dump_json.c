/* tests/unit/tools_dump/dump_json.c: twin of tools/dump_json.c. Whole objects are held by nhrpdump.c against
 * tests/golden/dump/capture.json. */
#include "tests/unit/tools_dump/frames.h"

static long fail_at, live;

static void *
failing_malloc(size_t n)
{
	void *p = fail_at > 0 && --fail_at == 0 ? NULL : malloc(n);

	live += p != NULL;
	return p;
}

static void
counting_free(void *p)
{
	live -= p != NULL;
	free(p);
}

static json_t *
object(struct span nhrp)
{
	struct dump_frame f = { .nhrp = nhrp, .gre = true, .has_key = true, .key = 4294967295, .n_vlan = 1, .vlan = { 5 } };
	struct dump_shown s = { .no = 1, .frame = &f, .captured = nhrp.n, .on_wire = nhrp.n };

	dump_parse(&s);
	return dump_json(&s);
}

/* Without memory at any point: no object, nothing lost. */
START_TEST(every_allocation_fails_once)
{
	struct octets k = golden(golden_name[_i]);
	long n = 0;
	json_t *o;

	json_set_alloc_funcs(failing_malloc, counting_free);
	for (;;) {
		fail_at = ++n;
		o = object(octets_span(&k));
		if (fail_at > 0)	/* it was not reached */
			break;
		ck_assert_ptr_null(o);
		ck_assert_int_eq(live, 0);
	}
	ck_assert_ptr_nonnull(o);
	ck_assert_ptr_nonnull(json_object_get(o, "nhrp"));
	json_decref(o);
	ck_assert_int_eq(live, 0);
	ck_assert_int_gt(n, 50);
	json_set_alloc_funcs(malloc, free);
}
END_TEST

START_TEST(malformed_by_the_counters_names)
{
	struct octets k = golden("resolution-reply");
	struct nhrp_packet p;

	for (size_t n = 0; n < k.n; n++) {
		enum nhrp_drop d = nhrp_packet_parse(span_of(k.b, n), &p);
		json_t *o = object(span_of(k.b, n)), *m = json_object_get(o, "malformed");

		ck_assert_ptr_null(json_object_get(o, "nhrp"));
		ck_assert_str_eq(json_string_value(json_object_get(m, "reason")), nhrp_drop_word(d));
		ck_assert_int_eq(json_integer_value(json_object_get(m, "octets")), (json_int_t)n);
		ck_assert_uint_eq(json_string_length(json_object_get(m, "value")), n * 2);
		json_decref(o);
	}
}
END_TEST

START_TEST(large_numbers)
{
	struct octets k = golden("resolution-reply");
	json_t *o = object(octets_span(&k));

	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(o, "gre"), "key")), 4294967295);
	ck_assert(json_is_null(json_object_get(o, "outer")));
	json_decref(o);
}
END_TEST

Suite *
suite_dump_json(void)
{
	Suite *s = suite_create("dump_json");
	TCase *t = tcase_create("dump_json");
	int n = 0;

	while (golden_name[n])
		n++;
	tcase_add_loop_test(t, every_allocation_fails_once, 0, n);
	tcase_add_test(t, malformed_by_the_counters_names);
	tcase_add_test(t, large_numbers);
	suite_add_tcase(s, t);
	return s;
}
