#ifndef TESTS_UNIT_XFRM_TEST_H
#define TESTS_UNIT_XFRM_TEST_H

#include "tests/unit/harness.h"
#include "xfrm/cipher.h"

Suite	*cipher_suite(void);
Suite	*replay_suite(void);
Suite	*esp_suite_tests(void);
Suite	*sa_suite(void);
Suite	*pmtud_suite(void);
Suite	*kmsg_suite(void);
Suite	*select_suite(void);
Suite	*tunnel_suite(void);
Suite	*stale_suite(void);

/* "NAME = HEX" in a recorded exchange; octets, 0 where it is not there. */
size_t	vector(const char *file, const char *name, uint8_t *out, size_t max);
enum { ANY_SUITES = 4 + 7 * 4 };
static inline const struct esp_suite *
any_suite(size_t i)	/* all of them, then NULL */
{
	static const uint16_t alone[4][2] = { { 20, 128 }, { 20, 192 }, { 20, 256 }, { 28, 0 } };
	static const uint16_t with[7][2] = { { 12, 128 }, { 12, 192 }, { 12, 256 }, { 13, 128 }, { 13, 192 }, { 13, 256 }, { 3, 0 } };
	static const uint16_t hash[4] = { 2, 12, 13, 14 };

	if (i < 4)
		return esp_suite_find(alone[i][0], alone[i][1], 0);
	i -= 4;
	return i < ANY_SUITES - 4 ? esp_suite_find(with[i / 4][0], with[i / 4][1], hash[i % 4]) : NULL;
}

#endif
