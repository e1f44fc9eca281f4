/* tests/unit/ike_vectors.h: reads `name = hex` files of ../shared/vectors. */
#ifndef TESTS_UNIT_IKE_VECTORS_H
#define TESTS_UNIT_IKE_VECTORS_H

#include "tests/unit/harness.h"

enum { VEC_LINES_MAX = 512, VEC_NAME_MAX = 64 };

struct vec_line {
	char name[VEC_NAME_MAX];
	struct span value;
	unsigned long number;	/* the value read as a decimal */
};

struct vec {
	struct vec_line line[VEC_LINES_MAX];
	size_t n;
};

struct vec *vec_open(const char *relative);	/* NULL: absent (said so on stdout) */
void	vec_free(struct vec *v);
const struct vec_line *vec_find(const struct vec *v, const char *name);	/* NULL: none */
struct span vec_get(const struct vec *v, const char *name);	/* fails the test where there is none */
/* Exact-size copy from malloc, so that a sanitizer sees one octet too many. */
uint8_t	*exact_copy(struct span s);

#define ck_span_eq(a, b) do { \
	struct span a_ = (a), b_ = (b); \
	ck_assert_uint_eq(a_.n, b_.n); \
	ck_assert_mem_eq(a_.p, b_.p, b_.n); \
} while (0)

#endif
