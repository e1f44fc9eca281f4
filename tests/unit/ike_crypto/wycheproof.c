#include "tests/unit/ike_crypto/wycheproof.h"

#include <stdio.h>
#include <stdlib.h>

struct span
wp_hex(const struct wp_case *c, const char *key, uint8_t buf[static WP_OCTETS])
{
	return span_of(buf, test_unhex(json_string_value(json_object_get(c->test, key)), buf, WP_OCTETS));
}

long
wp_int(const struct wp_case *c, const char *key)
{
	return (long)json_integer_value(json_object_get(c->group, key));
}

static unsigned skipped;

void
wp_skip(const struct wp_case *c)
{
	(void)c;
	skipped++;
}

unsigned
wp_run(const char *file, wp_fn *fn)
{
	char path[256];
	uint8_t *text;
	size_t n, i, j;
	unsigned count = 0, valid = 0, acceptable = 0;
	json_t *root, *group, *test;

	snprintf(path, sizeof(path), "vectors/wycheproof/%s", file);
	text = test_shared(path, &n);
	if (!text)
		return 0;
	root = json_loadb((const char *)text, n, 0, NULL);
	free(text);
	ck_assert_ptr_nonnull(root);
	skipped = 0;
	json_array_foreach(json_object_get(root, "testGroups"), i, group)
		json_array_foreach(json_object_get(group, "tests"), j, test) {
			const char *result = json_string_value(json_object_get(test, "result"));
			struct wp_case c = { group, test, (int)json_integer_value(json_object_get(test, "tcId")),
				strcmp(result, "valid") == 0, strcmp(result, "acceptable") == 0 };

			fn(&c);
			count++;
			valid += c.valid;
			acceptable += c.acceptable;
		}
	ck_assert_uint_eq(count, (unsigned)json_integer_value(json_object_get(root, "numberOfTests")));
	json_decref(root);
	printf("%s: %u cases (%u valid, %u acceptable, %u invalid), %u of them not ours (sizes that IKE and ESP do not have)\n", file, count, valid,
	    acceptable, count - valid - acceptable, skipped);
	ck_assert_uint_lt(skipped, count);
	return count;
}
