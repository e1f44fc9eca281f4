/* xfrm/select.c: selectors of plain tunnel mode, looked at for each packet both ways: what leaves under an SA that was not agreed
 * for it the peer would drop, and what comes in under one that was not agreed for it may claim any source. A few ranges at most,
 * so there is nothing to index.
 *
 * Fragments: under an SA for some ports only whole packets travel, in both directions (RFC 4301, 7: an end that does not keep state of
 * fragments neither sends nor takes those that have no ports, and NON_FIRST_FRAGMENTS_ALSO is not agreed on). What is too large for the
 * path leaves in fragments of the outer packet there. */
#include "xfrm/select.h"

#include "lib/dpsec.h"
#include "lib/traffic.h"

static bool
begin(struct traffic *t, uint8_t next, struct span ip)
{
	return (next == DPSEC_IPV4 || next == DPSEC_IPV6) && traffic_begin(t, ip, next == DPSEC_IPV6);
}

bool
select_fragment(uint8_t next, struct span ip)
{
	struct traffic t;

	return begin(&t, next, ip) && traffic_is_fragment(&t);
}

bool
select_out(const struct dp_selectors *s, uint8_t next, struct span ip)
{
	struct traffic t;

	return begin(&t, next, ip) && traffic_from(&t, s->local, s->n_local) && traffic_to(&t, s->remote, s->n_remote);
}

enum select_verdict
select_in(const struct dp_selectors *s, uint8_t next, struct span ip)
{
	struct traffic t;

	if (!begin(&t, next, ip))
		return SELECT_OTHER;
	if (traffic_from(&t, s->remote, s->n_remote) && traffic_to(&t, s->local, s->n_local))
		return SELECT_OK;
	return dp_selectors_ports(s) && traffic_is_fragment(&t) ? SELECT_FRAGMENT : SELECT_OTHER;
}
