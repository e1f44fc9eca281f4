/* tools/dump_json.c: a packet as one JSON object. Keys are stable; what a packet does not have is null or absent as
 * nhrpdump(8) says. jansson's *_set_new and pack functions take over their values even when they fail, so a want of memory
 * anywhere makes the whole NULL. */
#include "tools/dump.h"

#include <stdlib.h>

enum { HEX_ALL = 65535 };

static bool
set(json_t *o, const char *key, json_t *v)
{
	return json_object_set_new(o, key, v) == 0;
}

static json_t *
address(const struct addr *a)
{
	char text[ADDR_STRLEN];

	return a->n ? json_string(addr_fmt(a, text)) : json_null();
}

static json_t *
word(const char *s)
{
	return s ? json_string(s) : json_null();
}

static json_t *
hex(struct span s)
{
	char *text = dump_hex(s, HEX_ALL);
	json_t *o = text ? json_string(text) : NULL;

	free(text);
	return o;
}

static json_t *
cie(const struct nhrp_cie *c)
{
	return json_pack("{s:i, s:o, s:i, s:i, s:i, s:i, s:o, s:o}", "code", c->code, "code_name", word(dump_cie_code(c->code)), "prefix_length",
	    c->prefix_len, "mtu", c->mtu, "holdtime_s", c->hold_s, "preference", c->preference, "nbma", address(&c->nbma), "protocol",
	    address(&c->proto));
}

static json_t *
cies(const struct nhrp_cie *c, unsigned n)
{
	json_t *list = json_array();

	for (unsigned i = 0; list && i < n; i++) {
		if (json_array_append_new(list, cie(&c[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *
flag_list(const struct nhrp_packet *p)
{
	json_t *list = json_array();
	const char *w;

	for (unsigned at = 0; list && (w = dump_flag(p->type, p->flags, &at));) {
		if (json_array_append_new(list, json_string(w)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* ---- extensions */

static bool
ext_content(json_t *o, const struct nhrp_packet *p, const struct nhrp_ext *e, enum dump_ext form)
{
	struct nhrp_cie c[NHRP_EXT_CIES_MAX];
	struct span s;
	int n;

	switch (form) {
	case DUMP_EXT_CIES:
		n = nhrp_ext_cies(e->value, p->afn, p->pro_type, c, NHRP_EXT_CIES_MAX);
		return n < 0 ? set(o, "malformed", json_string(nhrp_drop_word(NHRP_DROP_EXT_BAD))) : set(o, "cies", cies(c, (unsigned)n));
	case DUMP_EXT_AUTH:
		s = nhrp_auth_string(e->value);
		return !dump_printable(s) || set(o, "clear_text", json_stringn((const char *)s.p, s.n));
	case DUMP_EXT_OCTETS:
		return true;
	}
	return true;
}

static json_t *
extension(const struct nhrp_packet *p, const struct nhrp_ext *e)
{
	struct dump_ext_name name = dump_ext_name(e);
	json_t *o = json_pack("{s:i, s:s, s:b, s:o}", "type", e->type, "name", name.word, "compulsory", e->compulsory, "value", hex(e->value));

	if (o && !ext_content(o, p, e, name.form)) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static json_t *
extensions(const struct nhrp_packet *p)
{
	json_t *list = json_array();

	for (unsigned i = 0; list && i < p->n_ext; i++) {
		if (json_array_append_new(list, extension(p, &p->ext[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* ---- the packet an indication is about */

static json_t *
about(const struct nhrp_packet *p)
{
	json_t *o = json_pack("{s:I, s:o}", "octets", (json_int_t)p->payload.n, "value", hex(p->payload));
	struct nhrp_quoted q;
	struct dump_inner i;
	bool ok = o;

	if (p->type == NHRP_TRAFFIC_INDICATION && dump_inner(p->payload, &i))
		ok = ok && set(o, "source", address(&i.src)) && set(o, "destination", address(&i.dst)) && set(o, "protocol", json_integer(i.proto)) &&
		    set(o, "length", json_integer(i.length));
	if (p->type == NHRP_ERROR_INDICATION && nhrp_quoted_parse(p->payload, &q))
		ok = ok && set(o, "type", json_string(nhrp_type_name(q.type))) && set(o, "request_id", json_integer(q.request_id)) &&
		    set(o, "source_protocol", address(&q.src_proto)) && set(o, "destination_protocol", address(&q.dst_proto));
	if (ok)
		return o;
	json_decref(o);
	return NULL;
}

static bool
by_type(json_t *o, const struct nhrp_packet *p)
{
	if (p->type != NHRP_ERROR_INDICATION && p->type != NHRP_TRAFFIC_INDICATION)
		return set(o, "request_id", json_integer(p->request_id)) && set(o, "cies", cies(p->cie, p->n_cie));
	if (!set(o, "code", json_integer(p->code)) || !set(o, "about", about(p)))
		return false;
	return p->type == NHRP_TRAFFIC_INDICATION ||
	    (set(o, "code_name", word(dump_error_code(p->code))) && set(o, "error_offset", json_integer(p->offset)));
}

static json_t *
packet(const struct dump_shown *s)
{
	const struct nhrp_packet *p = &s->packet;
	json_t *o = json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:o, s:o, s:o, s:o}", "type", nhrp_type_name(p->type), "type_number", p->type,
	    "address_family", p->afn, "protocol_type", p->pro_type, "hops", p->hops, "length", get_be16(s->frame->nhrp.p + 10), "flags", p->flags,
	    "flag_names", flag_list(p), "source_nbma", address(&p->src_nbma), "source_protocol", address(&p->src_proto), "destination_protocol",
	    address(&p->dst_proto));

	if (o && (!by_type(o, p) || !set(o, "extensions", extensions(p)))) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static json_t *
malformed(const struct dump_shown *s)
{
	struct span n = s->frame->nhrp;

	return json_pack("{s:s, s:s, s:I, s:o, s:b, s:b}", "reason", nhrp_drop_word(s->drop), "text", nhrp_drop_text(s->drop), "octets",
	    (json_int_t)n.n, "value", hex(n), "cut_by_capture", s->captured < s->on_wire, "first_fragment", s->frame->more_fragments);
}

/* ---- the whole */

static json_t *
gre(const struct dump_frame *r)
{
	if (!r->gre)
		return json_null();
	return json_pack("{s:o, s:o, s:b}", "key", r->has_key ? json_integer(r->key) : json_null(), "sequence",
	    r->has_seq ? json_integer(r->seq) : json_null(), "checksum", r->has_sum);
}

static json_t *
outer(const struct dump_frame *r)
{
	if (!r->src.n)
		return json_null();
	return json_pack("{s:o, s:o, s:i}", "source", address(&r->src), "destination", address(&r->dst), "ttl", r->ttl);
}

static json_t *
vlans(const struct dump_frame *r)
{
	json_t *list = json_array();

	for (unsigned i = 0; list && i < r->n_vlan; i++) {
		if (json_array_append_new(list, json_integer(r->vlan[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *
dump_json(const struct dump_shown *s)
{
	char when[40];
	json_t *o;

	dump_time(s->when, 'T', when);
	o = json_pack("{s:I, s:s+, s:I, s:I, s:o, s:o, s:o}", "frame", (json_int_t)s->no, "time", when, "Z", "frame_length", (json_int_t)s->on_wire,
	    "captured_length", (json_int_t)s->captured, "vlans", vlans(s->frame), "outer", outer(s->frame), "gre", gre(s->frame));
	if (o && !(s->drop == NHRP_OK ? set(o, "nhrp", packet(s)) : set(o, "malformed", malformed(s)))) {
		json_decref(o);
		return NULL;
	}
	return o;
}
