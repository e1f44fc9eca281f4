#ifndef TESTS_UNIT_XFRM_TEST_H
#define TESTS_UNIT_XFRM_TEST_H

#include "tests/unit/harness.h"
#include "xfrm/cipher.h"

Suite	*cipher_suite(void);
Suite	*replay_suite(void);
Suite	*esp_suite_tests(void);
Suite	*sa_suite(void);

/* "NAME = HEX" in a recorded exchange; octets, 0 where it is not there. */
size_t	vector(const char *file, const char *name, uint8_t *out, size_t max);
static inline const struct esp_suite *
any_suite(size_t i)	/* all of them, then NULL */
{
	static const uint16_t id[][3] = { { 20, 128, 0 }, { 20, 192, 0 }, { 20, 256, 0 }, { 28, 0, 0 }, { 12, 128, 2 }, { 12, 192, 12 }, { 12, 256, 12 },
		{ 12, 256, 13 }, { 12, 128, 14 } };

	return i < sizeof(id) / sizeof(id[0]) ? esp_suite_find(id[i][0], id[i][1], id[i][2]) : NULL;
}

#endif
