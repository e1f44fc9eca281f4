/* tools/dump_text.c: a packet for people: one line like tcpdump's, the fields under it. Nothing of a packet goes to the
 * terminal as it stands: names come from our tables, the rest is numbers, addresses and hex, a string only if all of it is
 * printable. */
#include "tools/dump.h"

#include <stdlib.h>

enum { HEX_SHOWN = 256, HEX_LINE = 32 };

static const char *
address(const struct addr *a)
{
	static char text[3][ADDR_STRLEN];
	static unsigned i;

	return addr_fmt(a, text[i++ % 3]);
}

static void
hex(FILE *f, const char *indent, struct span s)
{
	size_t shown = s.n < HEX_SHOWN ? s.n : HEX_SHOWN;

	for (size_t i = 0; i < shown; i += HEX_LINE) {
		fputs(indent, f);
		for (size_t k = i; k < shown && k < i + HEX_LINE; k++)
			fprintf(f, k % 4 || k == i ? "%02x" : " %02x", s.p[k]);
		fputc('\n', f);
	}
	if (shown < s.n)
		fprintf(f, "%s... and %zu more octets\n", indent, s.n - shown);
}

static void
coded(FILE *f, unsigned code, const char *name)
{
	fprintf(f, "code %u", code);
	if (name)
		fprintf(f, " (%s)", name);
}

static void
cie(FILE *f, const char *indent, const struct nhrp_cie *c)
{
	fprintf(f, "%sCIE ", indent);
	coded(f, c->code, dump_cie_code(c->code));
	fprintf(f, ", prefix %u, mtu %u, holdtime %u, preference %u, nbma %s, protocol %s\n", c->prefix_len, c->mtu, c->hold_s, c->preference,
	    address(&c->nbma), address(&c->proto));
}

static void
flags(FILE *f, const struct nhrp_packet *p)
{
	const char *word, *sep = " (";
	unsigned at = 0;

	fprintf(f, ", flags 0x%04x", p->flags);
	for (; (word = dump_flag(p->type, p->flags, &at)); sep = ", ")
		fprintf(f, "%s%s", sep, word);
	if (*sep == ',')
		fputc(')', f);
}

/* ---- extensions */

static void
ext_cies(FILE *f, const struct nhrp_packet *p, const struct nhrp_ext *e)
{
	struct nhrp_cie c[NHRP_EXT_CIES_MAX];
	int n = nhrp_ext_cies(e->value, p->afn, p->pro_type, c, NHRP_EXT_CIES_MAX);

	if (n < 0) {
		fprintf(f, ": %s: %s\n", nhrp_drop_word(NHRP_DROP_EXT_BAD), nhrp_drop_text(NHRP_DROP_EXT_BAD));
		hex(f, "\t    ", e->value);
		return;
	}
	fputc('\n', f);
	for (int i = 0; i < n; i++)
		cie(f, "\t    ", &c[i]);
}

static void
ext_auth(FILE *f, const struct nhrp_ext *e)
{
	struct span s = nhrp_auth_string(e->value);

	if (dump_printable(s)) {
		fprintf(f, ": clear text \"%.*s\"\n", (int)s.n, (const char *)s.p);
	} else {
		fputc('\n', f);
		hex(f, "\t    ", e->value);
	}
}

static void
extension(FILE *f, const struct nhrp_packet *p, const struct nhrp_ext *e)
{
	struct dump_ext_name name = dump_ext_name(e);

	fprintf(f, "\tExtension %s (%u%s)", name.name, e->type, e->compulsory ? ", compulsory" : "");
	switch (name.form) {
	case DUMP_EXT_CIES:
		ext_cies(f, p, e);
		return;
	case DUMP_EXT_AUTH:
		ext_auth(f, e);
		return;
	case DUMP_EXT_OCTETS:
		fprintf(f, ", %zu octets\n", e->value.n);
		hex(f, "\t    ", e->value);
		return;
	}
}

/* ---- the packet an indication is about */

static void
quoted_nhrp(FILE *f, struct span payload)
{
	struct nhrp_quoted q;

	fprintf(f, "\tAbout %zu octets of NHRP", payload.n);
	if (nhrp_quoted_parse(payload, &q))
		fprintf(f, ": %s, id %u, %s > %s", nhrp_type_name(q.type), q.request_id, address(&q.src_proto), address(&q.dst_proto));
	fputc('\n', f);
}

static void
quoted_ip(FILE *f, struct span payload)
{
	struct dump_inner i;

	fprintf(f, "\tAbout %zu octets of traffic", payload.n);
	if (dump_inner(payload, &i))
		fprintf(f, ": IP %s > %s, protocol %u, length %u", address(&i.src), address(&i.dst), i.proto, i.length);
	fputc('\n', f);
}

/* ---- the whole */

static void
head(FILE *f, const struct dump_shown *s)
{
	const struct dump_frame *r = s->frame;
	char when[40];

	fprintf(f, "%5lu  %s ", s->no, dump_time(s->when, ' ', when));
	for (unsigned i = 0; i < r->n_vlan; i++)
		fprintf(f, "vlan %u, ", r->vlan[i]);
	if (r->src.n)
		fprintf(f, "%s %s > %s: ", r->src.n == 4 ? "IP" : "IP6", address(&r->src), address(&r->dst));
	if (r->gre)
		fputs("GRE ", f);
	if (r->has_key)
		fprintf(f, "key %u ", r->key);
	if (r->has_seq)
		fprintf(f, "seq %u ", r->seq);
}

static void
malformed(FILE *f, const struct dump_shown *s)
{
	struct span n = s->frame->nhrp;

	fprintf(f, "NHRP %s malformed: %s: %s, %zu octets", n.n >= NHRP_HDR_LEN ? nhrp_type_name(n.p[17]) : "packet", nhrp_drop_word(s->drop),
	    nhrp_drop_text(s->drop), n.n);
	if (s->captured < s->on_wire)
		fprintf(f, " [the capture has %zu of %zu octets of the frame]", s->captured, s->on_wire);
	if (s->frame->more_fragments)
		fputs(" [first fragment]", f);
	fputc('\n', f);
	hex(f, "\t", n);
}

void
dump_text(FILE *f, const struct dump_shown *s)
{
	const struct nhrp_packet *p = &s->packet;

	head(f, s);
	if (s->drop != NHRP_OK) {
		malformed(f, s);
		return;
	}
	fprintf(f, "NHRP %s", nhrp_type_name(p->type));
	if (p->type == NHRP_ERROR_INDICATION || p->type == NHRP_TRAFFIC_INDICATION) {
		fputs(", ", f);
		coded(f, p->code, p->type == NHRP_ERROR_INDICATION ? dump_error_code(p->code) : NULL);
	} else {
		fprintf(f, ", id %u", p->request_id);
	}
	fprintf(f, ", %s > %s, hops %u", address(&p->src_proto), address(&p->dst_proto), p->hops);
	flags(f, p);
	fprintf(f, ", length %u\n", get_be16(s->frame->nhrp.p + 10));
	fprintf(f, "\tSource nbma %s, protocol %s; destination protocol %s\n", address(&p->src_nbma), address(&p->src_proto), address(&p->dst_proto));
	if (p->type == NHRP_ERROR_INDICATION) {
		fprintf(f, "\tError at octet %u\n", p->offset);
		quoted_nhrp(f, p->payload);
	} else if (p->type == NHRP_TRAFFIC_INDICATION) {
		quoted_ip(f, p->payload);
	}
	for (unsigned i = 0; i < p->n_cie; i++)
		cie(f, "\t", &p->cie[i]);
	for (unsigned i = 0; i < p->n_ext; i++)
		extension(f, p, &p->ext[i]);
}
