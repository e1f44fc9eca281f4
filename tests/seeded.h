/* tests/seeded.h: random numbers that are the same on every machine (splitmix64), for unit tests, fuzzing and the simulator. */
#ifndef TESTS_SEEDED_H
#define TESTS_SEEDED_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t
splitmix64(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static inline void
seeded_fill(uint64_t *state, void *out, size_t n)
{
	for (uint8_t *p = out; n;) {
		uint64_t z = splitmix64(state);
		size_t k = n < sizeof(z) ? n : sizeof(z);

		memcpy(p, &z, k);
		p += k;
		n -= k;
	}
}

#endif
