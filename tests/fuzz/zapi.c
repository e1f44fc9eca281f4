/* tests/fuzz/zapi.c: libFuzzer target of routing/zapi.c: a stream of messages, each read under every release. Seeds:
 * tests/golden/zapi. What is taken for a route of ours is written again and read back the same. */
#include <stdlib.h>

#include "routing/zapi.h"

static void
again(const struct zapi_version *v, const struct zapi_route *r)
{
	uint8_t buf[128];
	struct wr w = wr_of(buf, sizeof(buf));
	struct zapi_route out = *r, back;
	struct zapi_frame f;

	if (r->n_nexthop == 0 || r->nexthop.type == ZAPI_NH_BLACKHOLE || (r->nexthop.type != ZAPI_NH_IFINDEX && !r->nexthop.via.n))
		return;
	zapi_put_route(&w, v, &out);
	if (w.bad || zapi_frame(wr_span(&w), &f) != ZAPI_WHOLE || f.n != wr_len(&w) || !zapi_route(v, f.body, &back))
		abort();
	if (!prefix_eq(&back.dst, &r->dst) || back.nexthop.ifindex != r->nexthop.ifindex || !addr_eq(&back.nexthop.via, &r->nexthop.via) || back.mtu != r->mtu ||
	    back.type != ZAPI_RT_NHRP || back.n_nexthop != 1)
		abort();
}

static void
body(const struct zapi_version *v, struct span b)
{
	struct zapi_capabilities c;
	struct zapi_interface i;
	struct zapi_address a;
	struct zapi_route r;
	struct zapi_note n;
	struct prefix id;
	uint32_t code;

	if (zapi_interface(v, b, &i) && memchr(i.name, 0, sizeof(i.name)) == NULL)
		abort();
	if (zapi_address(b, &a) && a.address.bits > addr_bits(&a.address.addr))
		abort();
	if (zapi_router_id(b, &id) && id.bits > addr_bits(&id.addr))
		abort();
	if (zapi_note(v, b, &n) && (n.kind >= ZAPI_NOTES || n.dst.bits > addr_bits(&n.dst.addr)))
		abort();
	zapi_capabilities(v, b, &c);
	zapi_error(b, &code);
	if (zapi_route(v, b, &r))
		again(v, &r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct zapi_frame f;

	for (size_t at = 0; zapi_frame(span_of(data + at, n - at), &f) == ZAPI_WHOLE; at += f.n) {
		for (unsigned i = 0; i < zapi_n_versions; i++)
			body(&zapi_versions[i], f.body);
	}
	return 0;
}
