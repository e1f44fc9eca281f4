/* Walks a Wycheproof file: fn is called for each case with its group. */
#ifndef TESTS_UNIT_IKE_CRYPTO_WYCHEPROOF_H
#define TESTS_UNIT_IKE_CRYPTO_WYCHEPROOF_H

#include <jansson.h>

#include "tests/unit/ike_vectors.h"

enum { WP_OCTETS = 4096 };
struct wp_case {
	json_t *group, *test;
	int id;
	bool valid, acceptable;
};
typedef void wp_fn(const struct wp_case *c);
unsigned wp_run(const char *file, wp_fn *fn);	/* how many; 0: absent */
void	wp_skip(const struct wp_case *c);	/* of another shape than what we do; counted */
struct span wp_hex(const struct wp_case *c, const char *key, uint8_t buf[static WP_OCTETS]);
long	wp_int(const struct wp_case *c, const char *key);	/* of the group */

#endif
