/* xfrm/select.c: selectors of plain tunnel mode, looked at for each packet both ways: what leaves under an SA that was not agreed
 * for it the peer would drop, and what comes in under one that was not agreed for it may claim any source. A few ranges at most,
 * so there is nothing to index. Addresses only: ports and protocols are not negotiated. */
#include "xfrm/select.h"

#include "lib/dpsec.h"

enum { V4_MIN = 20, V4_SRC = 12, V6_MIN = 40, V6_SRC = 8 };

static bool
within(const struct dp_range *r, unsigned n, const uint8_t *a, size_t len)
{
	for (unsigned i = 0; i < n; i++) {
		if (r[i].lo.n == len && memcmp(a, r[i].lo.b, len) >= 0 && memcmp(a, r[i].hi.b, len) <= 0)
			return true;
	}
	return false;
}

static bool
addresses(uint8_t next, struct span ip, const uint8_t **src, size_t *len)
{
	bool v6 = next == DPSEC_IPV6;

	if ((!v6 && next != DPSEC_IPV4) || ip.n < (v6 ? V6_MIN : V4_MIN) || ip.p[0] >> 4 != (v6 ? 6 : 4))
		return false;
	*src = ip.p + (v6 ? V6_SRC : V4_SRC);
	*len = v6 ? 16 : 4;
	return true;
}

bool
select_out(const struct dp_selectors *s, uint8_t next, struct span ip)
{
	const uint8_t *src;
	size_t n;

	return addresses(next, ip, &src, &n) && within(s->local, s->n_local, src, n) && within(s->remote, s->n_remote, src + n, n);
}

bool
select_in(const struct dp_selectors *s, uint8_t next, struct span ip)
{
	const uint8_t *src;
	size_t n;

	return addresses(next, ip, &src, &n) && within(s->remote, s->n_remote, src, n) && within(s->local, s->n_local, src + n, n);
}
