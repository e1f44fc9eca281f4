/* nhrpd/daemon/conf_map.c: crypto maps: plain IPsec for pairs of prefixes, as IOS says it.
 *
 * An entry (`crypto map NAME NUMBER ipsec-isakmp`) has peers and an access list. Applied to an interface it becomes a tunnel like one
 * of mode ipsec, with a device of its own (NAME-NUMBER) that has no address; each line of the list is a set of selectors and so
 * a pair of ESP SAs, for one protocol and some ports where it says so. Routes lead what is for the far prefixes into the device (maproutes.c), whether there is an SA or not, so one
 * far prefix belongs to one entry, and a peer cannot stand in what it protects itself. */
#include "nhrpd/daemon/conf_priv.h"

#include <string.h>
#include <strings.h>

#include "lib/traffic.h"

enum { CONNECT_TRAFFIC = 1 };	/* set connect {auto|traffic} */

static struct conf_place
at_arg(const struct conf_cmd *c, unsigned i)
{
	return (struct conf_place){ c->line, i < c->n_arg ? c->arg[i].column : c->column };
}

/* ---- ip access-list extended NAME */

void
conf_open_acl(struct conf_parse *p, const struct conf_cmd *c)
{
	bool v6 = conf_has(c, "ipv6");
	struct conf_b_acl *a = conf_open_block(p, c, v6 ? CONF_ACL6 : CONF_ACL, &p->acl, sizeof(*a));

	if (a)
		a->family = v6 ? 16 : 4;
}

/* 0.0.255.255 as a length; false: it has holes. */
static bool
wildcard(const struct addr *w, uint8_t *bits)
{
	uint32_t v = w->n == 4 ? get_be32(w->b) : 1;

	if (w->n != 4 || (v & (v + 1)) != 0)
		return false;
	for (*bits = 32; v; v >>= 1)
		(*bits)--;
	return true;
}

/* One side of a line, from argument *i on. False: said. */
static bool
side(struct conf_parse *p, const struct conf_cmd *c, uint8_t family, const char *which, unsigned *i, struct prefix *out, struct conf_place *at)
{
	const struct conf_arg *a = *i < c->n_arg ? &c->arg[(*i)++] : NULL, *next = *i < c->n_arg ? &c->arg[*i] : NULL;
	static const uint8_t zero[16];

	*at = a ? (struct conf_place){ c->line, a->column } : at_arg(c, c->n_arg - 1);
	if (!a) {
		conf_error_at(p, *at, "expected also where packets go %s", which);
		return false;
	}
	if (a->v.n > CONF_TRAFFIC_HOST) {
		conf_error_at(p, *at, "expected a prefix, an address and a wildcard, host or any");
		return false;
	}
	if (a->v.n == CONF_TRAFFIC_ANY) {
		*out = (struct prefix){ addr_of(zero, family), 0 };
		return true;
	}
	if (a->v.n == CONF_TRAFFIC_PREFIX) {
		*out = prefix_of(&a->v.p.addr, a->v.p.bits);
	} else if (!next || next->v.n != CONF_TRAFFIC_ADDR) {
		conf_error_at(p, *at, a->v.n == CONF_TRAFFIC_HOST ? "expected an address behind \"host\"" :
		    family == 4 ? "expected a wildcard behind it (10.1.0.0 0.0.255.255), a length (10.1.0.0/16), or \"host\" before it" :
		    "expected a length (2001:db8::/48), or \"host\" before it");
		return false;
	} else if (a->v.n == CONF_TRAFFIC_HOST) {
		*out = prefix_host(&next->v.p.addr);
		(*i)++;
	} else {
		uint8_t bits = 0;

		(*i)++;
		if (!wildcard(&next->v.p.addr, &bits)) {
			conf_error_at(p, (struct conf_place){ c->line, next->column }, "expected a wildcard without holes, like 0.0.255.255 for a /16");
			return false;
		}
		*out = prefix_of(&a->v.p.addr, bits);
	}
	if (out->addr.n == family)
		return true;
	conf_error_at(p, *at, family == 4 ? "expected IPv4: IPv6 stands in an \"ipv6 access-list\"" : "expected IPv6");
	return false;
}

/* "eq 443" and the like behind a side, if it stands there. False: said. */
static bool
ports(struct conf_parse *p, const struct conf_cmd *c, unsigned *i, struct dp_range *r)
{
	uint64_t word = *i < c->n_arg ? c->arg[*i].v.n & CONF_TRAFFIC_KIND : CONF_TRAFFIC_ANY;
	unsigned n = word == CONF_TRAFFIC_RANGE ? 2 : 1;
	uint16_t port[2] = { 0 };

	if (word != CONF_TRAFFIC_EQ && word != CONF_TRAFFIC_LT && word != CONF_TRAFFIC_GT && word != CONF_TRAFFIC_RANGE)
		return true;
	if (!traffic_has_ports(r->proto)) {
		conf_error_at(p, at_arg(c, *i), "ports are for tcp, udp and sctp");
		return false;
	}
	(*i)++;
	for (unsigned k = 0; k < n; k++, (*i)++) {
		if (*i >= c->n_arg || (c->arg[*i].v.n & CONF_TRAFFIC_KIND) != CONF_TRAFFIC_PORT) {
			conf_error_at(p, at_arg(c, *i), n == 2 ? "expected the first and the last port" : "expected a port");
			return false;
		}
		port[k] = conf_port(c->arg[*i].v.n);
	}
	r->port_lo = port[0];
	r->port_hi = n == 2 ? port[1] : port[0];
	if (word == CONF_TRAFFIC_LT) {
		r->port_lo = 0;
		r->port_hi = (uint16_t)(port[0] - 1);
	} else if (word == CONF_TRAFFIC_GT) {
		r->port_lo = (uint16_t)(port[0] + 1);
		r->port_hi = 65535;
	}
	if (r->port_lo > r->port_hi || (word == CONF_TRAFFIC_LT && port[0] == 0) || (word == CONF_TRAFFIC_GT && port[0] == 65535)) {
		conf_error_at(p, at_arg(c, *i - 1), "there is no such port");
		return false;
	}
	r->ports = r->port_lo > 0 || r->port_hi < 65535;
	if (!r->ports)
		r->port_hi = 0;
	return true;
}

static void
range_of(const struct prefix *p, struct dp_range *r)
{
	r->lo = r->hi = p->addr;
	for (unsigned i = p->bits; i < addr_bits(&p->addr); i++)
		r->hi.b[i / 8] |= (uint8_t)(0x80 >> i % 8);
}

static bool
same_range(const struct dp_range *a, const struct dp_range *b)
{
	return addr_eq(&a->lo, &b->lo) && addr_eq(&a->hi, &b->hi) && a->proto == b->proto && a->ports == b->ports && a->port_lo == b->port_lo &&
	    a->port_hi == b->port_hi;
}

static bool
same_line(const struct conf_b_permit *a, const struct conf_b_permit *b)
{
	return same_range(&a->from, &b->from) && same_range(&a->to, &b->to);
}

static bool
protocol(struct conf_parse *p, const struct conf_cmd *c, uint8_t family, unsigned *i, struct conf_b_permit *l)
{
	enum { ICMP = 1, GRE = 47, ICMP6 = 58 };
	const struct conf_arg *a = &c->arg[(*i)++];
	struct conf_place at = { c->line, a->column };

	l->from.proto = l->to.proto = (uint8_t)a->v.n;
	if (a->v.n == 0 && (strcasecmp(a->v.s, "ipv6") == 0) != (family == 16))
		conf_error_at(p, at, family == 4 ? "expected ip: IPv6 stands in an \"ipv6 access-list\"" : "expected ipv6");
	else if (a->v.n == GRE)
		conf_error_at(p, at, "GRE has tunnels of its own: \"tunnel mode gre multipoint\"");
	else if (family == 16 && a->v.n == ICMP)
		l->from.proto = l->to.proto = ICMP6;	/* IOS has one word for both */
	return a->v.n != GRE && (a->v.n || (strcasecmp(a->v.s, "ipv6") == 0) == (family == 16));
}

/* In the order of their numbers, as IOS has it; without a number behind the last one. */
static void
add_permit(struct conf_b_acl *b, const struct conf_b_permit *l)
{
	unsigned at = b->n_line++;

	for (; at > 0 && b->line[at - 1].number > l->number; at--)
		b->line[at] = b->line[at - 1];
	b->line[at] = *l;
}

void
conf_set_permit(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_b_acl *b = p->block[c->rule->ctx];
	unsigned i = c->n_arg && strcmp(c->arg[0].type->name, "number") == 0;
	struct conf_b_permit l = { .at = { c->line, c->column } };

	l.number = i ? (uint32_t)c->arg[0].v.n : b->n_line ? b->line[b->n_line - 1].number + 10 : 10;
	if (!protocol(p, c, b->family, &i, &l) || !side(p, c, b->family, "from", &i, &l.local, &l.local_at) || !ports(p, c, &i, &l.from) ||
	    !side(p, c, b->family, "to", &i, &l.remote, &l.remote_at) || !ports(p, c, &i, &l.to))
		return;
	if (i < c->n_arg) {
		conf_error_at(p, at_arg(c, i), "expected nothing more");
		return;
	}
	range_of(&l.local, &l.from);
	range_of(&l.remote, &l.to);
	for (unsigned k = 0; k < b->n_line; k++) {
		bool same = same_line(&b->line[k], &l);

		if (same || b->line[k].number == l.number) {
			conf_error_at(p, l.at, "%s stands already at %s", same ? "this line" : "this number", conf_place_text(p, b->line[k].at));
			return;
		}
	}
	if (b->n_line == IKE_PAIRS_MAX)
		conf_error_at(p, l.at, "more than %d lines in one access list", IKE_PAIRS_MAX);
	else
		add_permit(b, &l);
}

/* ---- crypto map NAME NUMBER */

void
conf_open_map(struct conf_parse *p, const struct conf_cmd *c)
{
	char name[IKE_NAME_MAX + 8];
	struct conf_cmd both = *c;
	struct conf_b_crypto_map *m;

	snprintf(name, sizeof(name), "%s %u", c->arg[0].v.s, (unsigned)c->arg[1].v.n);
	both.arg[0].v.s = conf_strdup(p->mem, name, strlen(name));
	m = both.arg[0].v.s ? conf_open_block(p, &both, CONF_MAP, &p->map, sizeof(*m)) : NULL;
	if (!m)
		return;
	m->name = c->arg[0].v.s;
	m->number = (unsigned)c->arg[1].v.n;
	m->i.map = true;
}

void
conf_set_map_peer(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_b_crypto_map *m = p->block[CONF_MAP];
	struct conf_named peer = { at_arg(c, 0), c->arg[0].v.s };
	unsigned at = conf_has(c, "default") ? 0 : m->n_peer;

	for (unsigned i = 0; i < m->n_peer; i++) {
		if (strcmp(m->peer[i].name, peer.name) == 0) {
			conf_error_at(p, peer.at, "this peer stands already at %s", conf_place_text(p, m->peer[i].at));
			return;
		}
	}
	if (m->n_peer == CORE_DESTS_MAX) {
		conf_error_at(p, peer.at, "more than %d peers", CORE_DESTS_MAX);
		return;
	}
	memmove(&m->peer[at + 1], &m->peer[at], (m->n_peer - at) * sizeof(peer));
	m->peer[at] = peer;
	m->n_peer++;
}

bool
conf_is_mapped(const struct conf_b_interface *b)
{
	return b->map_name.at.line != NULL;
}

/* ---- building */

static void
check_interface(struct conf_parse *p, const struct conf_b_interface *b)
{
	const struct {
		struct conf_place at;
		const char *what;
	} word[] = {
		{ b->source.at, "tunnel source" }, { b->mode.at, "tunnel mode" }, { b->ipsec_mode.at, "tunnel mode" }, { b->key.at, "tunnel key" },
		{ b->protection.at, "tunnel protection" }, { b->network_id.at, "nhrp network-id" }, { b->mtu.at, "mtu" }, { b->mss.at, "tcp adjust-mss" },
		{ b->n_dest ? b->dest[0].at : (struct conf_place){ NULL, 0 }, "tunnel destination" },
		{ b->n_nhs ? b->nhs[0].at : (struct conf_place){ NULL, 0 }, "nhrp nhs" },
	};

	for (size_t i = 0; i < sizeof(word) / sizeof(word[0]); i++) {
		if (word[i].at.line)
			conf_error_at(p, word[i].at, "\"%s\" is for a tunnel: a crypto map is applied to the interface that packets leave by", word[i].what);
	}
	if (b->n_own)
		conf_error_at(p, b->own_at[0], "the addresses of %s are the system's to set: only tunnels have theirs here", b->b.name);
	if (p->global.plane.at.line && p->global.plane.n == CONF_PLANE_KERNEL)
		conf_error_at(p, b->map_name.at, "\"crypto map\" needs \"dataplane user\"");
}

/* Outside: that of the peers that are addresses. */
static uint8_t
family_of(struct conf_parse *p, const struct conf_b_crypto_map *m)
{
	uint8_t family = 0;
	struct addr a;

	for (unsigned i = 0; i < m->n_peer; i++) {
		if (!addr_parse(m->peer[i].name, &a))
			continue;
		if (!addr_is_unicast(&a))
			conf_error_at(p, m->peer[i].at, "not an address a host can have");
		else if (family && a.n != family)
			conf_error_at(p, m->peer[i].at, "%s is not of the family of the peers before it", m->peer[i].name);
		family = family ? family : a.n;
	}
	return family ? family : 4;
}

static void
check_remote(struct conf_parse *p, const struct conf_b_crypto_map *m, const struct conf_b_permit *l)
{
	char text[PREFIX_STRLEN];
	struct addr a;

	if (l->remote.bits == 0)
		conf_error_at(p, l->remote_at, "packets for everywhere cannot be protected: the way to the peer is one of them");
	for (unsigned i = 0; l->remote.bits && i < m->n_peer; i++) {
		if (addr_parse(m->peer[i].name, &a) && prefix_has(&l->remote, &a))
			conf_error_at(p, l->remote_at, "the peer %s of crypto map %s is itself in %s", m->peer[i].name, m->i.b.name,
			    prefix_fmt(&l->remote, text));
	}
}

/* FNV-1a: the same line has the same number in the next configuration, wherever it stands there. */
static uint32_t
number_of(const struct conf_permit *l, unsigned n)
{
	const struct prefix *of[] = { &l[n].local, &l[n].remote };
	const struct dp_range *r[] = { &l[n].from, &l[n].to };
	uint32_t h = 2166136261u;

	for (int k = 0; k < 2; k++) {
		for (unsigned i = 0; i < of[k]->addr.n; i++)
			h = (h ^ of[k]->addr.b[i]) * 16777619u;
		h = (h ^ of[k]->bits) * 16777619u;
		h = (h ^ r[k]->proto) * 16777619u;
		h = (h ^ r[k]->port_lo) * 16777619u;
		h = (h ^ r[k]->port_hi) * 16777619u;
	}
	for (unsigned i = 0; i < n; i++) {
		if (h == 0 || l[i].set == h)
			h++, i = 0;
	}
	return h ? h : 1;
}

/* The lines as the daemon knows them, and as IKE does. */
static void
build_lines(struct conf_parse *p, const struct conf_b_crypto_map *m, struct conf_map *o, struct ike_profile *prof, struct dp_tunnel *dp)
{
	struct conf_permit *line = conf_alloc(p->mem, m->n_line * sizeof(*line));
	struct dp_selectors *more = m->n_line > 1 ? conf_alloc(p->mem, (m->n_line - 1) * sizeof(*more)) : NULL;

	if (!line || (m->n_line > 1 && !more))
		return;
	for (unsigned i = 0; i < m->n_line; i++) {
		struct dp_selectors *s = i ? &more[i - 1] : &prof->plain;

		check_remote(p, m, m->line[i]);
		line[i] = (struct conf_permit){ .local = m->line[i]->local, .remote = m->line[i]->remote, .from = m->line[i]->from, .to = m->line[i]->to };
		line[i].set = number_of(line, i);
		s->n_local = s->n_remote = 1;
		s->set = line[i].set;
		s->order = (uint8_t)i;
		s->local[0] = line[i].from;
		s->remote[0] = line[i].to;
		dp->ports |= dp_selectors_ports(s);
	}
	o->line = line;
	o->n_line = m->n_line;
	prof->more = more;
	prof->n_more = m->n_line - 1;
}

/* Names may lead anywhere: then only identities tell. */
static void
build_from(struct conf_parse *p, const struct conf_b_crypto_map *m, struct ike_profile *o)
{
	struct addr *from = m->n_peer ? conf_alloc(p->mem, m->n_peer * sizeof(*from)) : NULL;

	for (unsigned i = 0; from && i < m->n_peer; i++) {
		if (!addr_parse(m->peer[i].name, &from[i]))
			return;
	}
	o->from = from;
	o->n_from = from ? m->n_peer : 0;
}

static void
check_connect(struct conf_parse *p, const struct conf_b_crypto_map *m)
{
	if (m->connect.n == CONNECT_TRAFFIC && !m->n_peer)
		conf_error_at(p, m->connect.at, "crypto map %s has no \"set peer\" that traffic could make it connect to", m->i.b.name);
	if (m->idle.at.line && m->idle.n != UINT32_MAX && m->connect.n != CONNECT_TRAFFIC)
		conf_error_at(p, m->idle.at, "\"set security-association idle-time\" is for \"set connect traffic\": else SAs are opened again at once");
}

static const struct core_plain_conf *
build_plain(struct conf_parse *p, const struct conf_b_crypto_map *m)
{
	struct core_plain_conf *o = conf_alloc(p->mem, sizeof(*o));

	for (unsigned i = 0; o && i < m->n_peer; i++)
		snprintf(o->dest[o->n_dest++], sizeof(o->dest[0]), "%s", m->peer[i].name);
	if (o) {
		o->policy = true;
		o->on_traffic = m->connect.n == CONNECT_TRAFFIC;
		o->idle_s = !o->on_traffic || m->idle.n == UINT32_MAX ? 0 : m->idle.at.line ? (uint32_t)m->idle.n : 300;
		o->reactivate_s = m->reactivate.n == UINT32_MAX ? 0 : m->reactivate.at.line ? (uint32_t)m->reactivate.n : 60;
	}
	return o;
}

/* NAME-NUMBER, cut where an interface's name ends. */
static void
device_name(struct conf_parse *p, const struct conf_b_crypto_map *m, const struct conf_build *w, char out[static DP_NAME])
{
	char number[8];

	snprintf(number, sizeof(number), "-%u", m->number % 65536);
	snprintf(out, DP_NAME, "%.*s%s", (int)(DP_NAME - 1 - strlen(number)), m->name, number);
	for (char *s = out; *s; s++)
		*s = *s == ':' ? '_' : *s;
	for (unsigned i = 0; i < w->n_tunnel; i++) {
		if (strcmp(w->tunnel[i].dp.name, out) == 0)
			conf_error_at(p, m->i.b.at, "its interface would be called %s, as that of another tunnel", out);
	}
}

static void
gather_list(struct conf_parse *p, struct conf_b_crypto_map *m, struct conf_place at, const struct conf_b_acl *a)
{
	if (!a->n_line)
		conf_error_at(p, a->b.at, "access list %s permits nothing", a->b.name);
	for (unsigned i = 0; i < a->n_line; i++) {
		for (unsigned k = 0; k < m->n_line; k++) {
			if (same_line(m->line[k], &a->line[i]))
				conf_error_at(p, a->line[i].at, "this line stands already at %s, for the same crypto map", conf_place_text(p, m->line[k]->at));
		}
		if (m->n_line == IKE_PAIRS_MAX) {
			conf_error_at(p, at, "more than %d lines for one peer", IKE_PAIRS_MAX);
			return;
		}
		m->line[m->n_line++] = &a->line[i];
	}
}

/* The lines of all its access lists. False: there are none; said. */
static bool
gather(struct conf_parse *p, struct conf_b_crypto_map *m)
{
	if (m->acl.n == 0)
		conf_error_at(p, m->i.b.at, "crypto map %s needs \"match address NAME\"", m->i.b.name);
	for (unsigned i = 0; i < m->acl.n; i++) {
		const struct conf_b_acl *a = conf_find(p->acl, m->acl.s[i]);

		if (a)
			gather_list(p, m, m->acl.at[i], a);
		else
			conf_error_at(p, m->acl.at[i], "there is no access list %s: \"ip access-list extended %s\"", m->acl.s[i], m->acl.s[i]);
	}
	return m->n_line > 0;
}

/* One entry, applied. */
static void
build_entry(struct conf_parse *p, const struct conf_b_interface *b, struct conf_b_crypto_map *m, struct conf_build *w)
{
	struct conf_map *o = conf_alloc(p->mem, sizeof(*o));
	struct core_tunnel_conf *t = &w->tunnel[w->n_tunnel];
	struct ike_profile *prof;

	if (!o || !gather(p, m))
		return;
	if (w->n_tunnel == CORE_TUNNELS_MAX) {
		conf_error_at(p, m->i.b.at, "more than %d tunnel interfaces and entries of crypto maps", CORE_TUNNELS_MAX);
		return;
	}
	prof = &w->profile[w->n_profile];
	device_name(p, m, w, t->dp.name);
	t->profile = w->n_profile++;
	t->dp.id = ++w->n_tunnel;
	t->dp.plain = true;
	t->dp.mss = 1;
	t->source_if = b->b.name;
	t->source_family = t->dp.outer = family_of(p, m);
	check_connect(p, m);
	t->plain = build_plain(p, m);
	conf_build_profile(p, &m->i, &w->ike, prof);
	snprintf(prof->use, sizeof(prof->use), "%s", t->dp.name);
	build_from(p, m, prof);
	*o = (struct conf_map){ .name = m->name, .number = m->number, .interface = b->b.name, .profile = prof->name };
	o->n_acl = m->acl.n;
	memcpy(o->acl, m->acl.s, sizeof(o->acl));
	build_lines(p, m, o, prof, &t->dp);
	p->conf->tunnel[t->dp.id - 1].description = m->description.at.line ? m->description.s : "";
	p->conf->tunnel[t->dp.id - 1].map = o;
	m->i.index = t->dp.id;
}

void
conf_build_map(struct conf_parse *p, const struct conf_b_interface *b, bool down, struct conf_build *w)
{
	unsigned n = 0;

	check_interface(p, b);
	for (struct conf_block *i = p->interface; i != &b->b; i = i->next) {
		const struct conf_val *other = &((struct conf_b_interface *)i)->map_name;

		if (other->at.line && strcmp(other->s, b->map_name.s) == 0)
			conf_error_at(p, b->map_name.at, "crypto map %s is applied already, at %s", other->s, conf_place_text(p, other->at));
	}
	for (;;) {	/* in the order of their numbers */
		struct conf_b_crypto_map *next = NULL;

		for (struct conf_block *i = p->map; i; i = i->next) {
			struct conf_b_crypto_map *m = (struct conf_b_crypto_map *)i;

			if (strcmp(m->name, b->map_name.s) == 0 && m->number > n && (!next || m->number < next->number))
				next = m;
		}
		if (!next)
			break;
		n = next->number;
		if (down)
			p->conf->n_shutdown++;
		else
			build_entry(p, b, next, w);
	}
	if (n == 0)
		conf_error_at(p, b->map_name.at, "there is no \"crypto map %s\"", b->map_name.s);
}

/* ---- all of them together */

static void
check_unused(struct conf_parse *p, struct conf_b_crypto_map *m)
{
	gather(p, m);
	conf_check_ipsec(p, &m->i);
	for (const struct conf_block *i = p->interface; i; i = i->next) {
		const struct conf_val *map = &((const struct conf_b_interface *)i)->map_name;

		if (map->at.line && strcmp(map->s, m->name) == 0)
			return;
	}
	conf_warn_at(p, m->i.b.at, "crypto map %s is not applied to an interface", m->name);
}

/* Who is dialled is one peer of one entry: two SAs with one identity would be taken for one too many. */
static void
check_peers(struct conf_parse *p, const struct conf_b_crypto_map *m, const struct conf_b_crypto_map *before)
{
	for (unsigned i = 0; i < m->n_peer; i++) {
		for (unsigned k = 0; k < before->n_peer; k++) {
			if (strcmp(m->peer[i].name, before->peer[k].name) == 0)
				conf_error_at(p, m->peer[i].at, "crypto map %s has this peer already (%s): add lines to its access list instead", before->i.b.name,
				    conf_place_text(p, before->peer[k].at));
		}
	}
}

static void
check_lines(struct conf_parse *p, const struct conf_b_crypto_map *m, const struct conf_b_crypto_map *before)
{
	char text[PREFIX_STRLEN];

	for (unsigned i = 0; i < m->n_line; i++) {
		for (unsigned k = 0; k < before->n_line; k++) {
			if (!prefix_eq(&m->line[i]->remote, &before->line[k]->remote))
				continue;
			conf_error_at(p, m->line[i]->remote_at, "%s is where crypto map %s leads already: a far prefix belongs to one entry",
			    prefix_fmt(&m->line[i]->remote, text), before->i.b.name);
			return;
		}
	}
}

static void
check_statics(struct conf_parse *p, const struct conf_b_crypto_map *m)
{
	for (unsigned i = 0; i < m->n_line; i++) {
		for (unsigned k = 0; k < p->n_static; k++) {
			if (prefix_eq(&m->line[i]->remote, &p->route[k].dst))
				conf_error_at(p, p->route[k].at, "this prefix is protected by crypto map %s, which has its own route", m->i.b.name);
		}
	}
}

void
conf_check_maps(struct conf_parse *p)
{
	for (struct conf_block *i = p->map; i; i = i->next) {
		struct conf_b_crypto_map *m = (struct conf_b_crypto_map *)i;

		if (!m->i.index) {
			if (!m->n_line)
				check_unused(p, m);
			continue;
		}
		check_statics(p, m);
		for (struct conf_block *k = p->map; k != i; k = k->next) {
			const struct conf_b_crypto_map *before = (const struct conf_b_crypto_map *)k;

			if (!before->i.index)
				continue;
			check_peers(p, m, before);
			check_lines(p, m, before);
		}
	}
}
