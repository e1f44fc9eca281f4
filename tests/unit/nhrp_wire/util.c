/* tests/unit/nhrp_wire/util.c: see util.h. */
#include "tests/unit/nhrp_wire/util.h"

#include <stdio.h>
#include <stdlib.h>

const char *const golden_name[] = {
	"registration-request-worked", "registration-request-odd", "registration-request-no-nbma", "registration-request-6-over-4",
	"registration-request-6-over-6", "registration-request-4-over-6", "registration-reply-natted", "registration-reply-odd-responder",
	"registration-reply-refused", "resolution-request-bare", "resolution-request-transit", "resolution-request-unknown-extensions",
	"resolution-request-capabilities", "resolution-reply", "resolution-reply-6-over-4", "resolution-reply-6-over-6",
	"resolution-reply-none", "purge-request", "purge-request-silent", "purge-reply", "error-indication", "error-indication-cut",
	"error-indication-extensions", "traffic-indication", "traffic-indication-6-over-6", "traffic-indication-empty",
};
const size_t golden_n = sizeof(golden_name) / sizeof(golden_name[0]);

size_t
unhex_text(const char *text, uint8_t *out, size_t max)
{
	size_t n = 0;

	while (*text) {
		size_t line = strcspn(text, "\n");

		if (*text != '#')
			n += test_unhex(text, out + n, max - n < line / 2 ? max - n : line / 2);
		text += line;
		text += *text == '\n';
	}
	return n;
}

struct pkt
golden(const char *name)
{
	struct pkt k = { .n = 0 };
	char path[256];
	uint8_t *text;
	size_t n;

	snprintf(path, sizeof(path), "tests/golden/nhrp/%s.hex", name);
	text = test_file(test_src(path), &n);
	ck_assert_msg(text != NULL, "%s cannot be read", test_src(path));
	k.n = unhex_text((const char *)text, k.b, sizeof(k.b));
	free(text);
	ck_assert_msg(k.n >= NHRP_HDR_LEN, "%s is empty", path);
	return k;
}

struct span
pkt_span(const struct pkt *k)
{
	return span_of(k->b, k->n);
}

void
pkt_resum(struct pkt *k)
{
	size_t size = get_be16(k->b + 10);

	put_be16(k->b + 12, 0);
	put_be16(k->b + 12, nhrp_checksum(span_of(k->b, size < k->n ? size : k->n)));
}

void
pkt_refit(struct pkt *k)
{
	put_be16(k->b + 10, (uint16_t)k->n);
	pkt_resum(k);
}

enum nhrp_drop
pkt_try(const uint8_t *octets, size_t n, struct nhrp_packet *out, struct pkt *build)
{
	uint8_t *exact = malloc(n ? n : 1);
	enum nhrp_drop d;

	ck_assert_ptr_nonnull(exact);
	if (n)
		memcpy(exact, octets, n);
	d = nhrp_packet_parse(span_of(exact, n), out);
	if (build) {
		struct wr w = wr_of(build->b, sizeof(build->b));

		build->n = d == NHRP_OK ? nhrp_packet_build(&w, out) : 0;
	}
	free(exact);
	return d;
}

static bool
cie_eq(const struct nhrp_cie *a, const struct nhrp_cie *b)
{
	return a->code == b->code && a->prefix_len == b->prefix_len && a->mtu == b->mtu && a->hold_s == b->hold_s &&
	    a->preference == b->preference && addr_eq(&a->nbma, &b->nbma) && addr_eq(&a->proto, &b->proto);
}

bool
packet_eq(const struct nhrp_packet *a, const struct nhrp_packet *b)
{
	if (a->afn != b->afn || a->pro_type != b->pro_type || a->hops != b->hops || a->type != b->type || a->flags != b->flags ||
	    a->request_id != b->request_id || a->code != b->code || a->offset != b->offset || a->has_ext != b->has_ext)
		return false;
	if (!addr_eq(&a->src_nbma, &b->src_nbma) || !addr_eq(&a->src_proto, &b->src_proto) || !addr_eq(&a->dst_proto, &b->dst_proto))
		return false;
	if (a->n_cie != b->n_cie || a->n_ext != b->n_ext || !span_eq(a->payload, b->payload))
		return false;
	for (unsigned i = 0; i < a->n_cie; i++) {
		if (!cie_eq(&a->cie[i], &b->cie[i]))
			return false;
	}
	for (unsigned i = 0; i < a->n_ext; i++) {
		if (a->ext[i].type != b->ext[i].type || a->ext[i].compulsory != b->ext[i].compulsory ||
		    !span_eq(a->ext[i].value, b->ext[i].value))
			return false;
	}
	return true;
}

struct addr
ip(const char *text)
{
	struct addr a = { 0 };

	ck_assert_msg(addr_parse(text, &a), "%s is no address", text);
	return a;
}

struct nhrp_packet
sample_request(void)
{
	struct nhrp_packet p = {
		.afn = NHRP_AFN_IPV4, .pro_type = NHRP_ETH_IPV4, .hops = 1, .type = NHRP_REGISTRATION_REQUEST, .request_id = 7, .n_cie = 1,
	};

	p.src_nbma = ip("192.0.2.11");
	p.src_proto = ip("10.255.0.11");
	p.dst_proto = ip("10.255.0.1");
	p.cie[0] = (struct nhrp_cie){ .prefix_len = 255, .hold_s = 600 };
	return p;
}
