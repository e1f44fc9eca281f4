/* nhrpd/daemon/show_dmvpn.c: show dmvpn [peer ADDRESS] [detail] and show interface.
 *
 * Details need what stands behind a peer's number and behind an IKE SA's. Engines let themselves be walked, not asked, so
 * one walk of each fills an index first: a thousand peers are not a million steps. */
#include "nhrpd/daemon/show_priv.h"

#include <stdlib.h>

/* ---- the index */

struct index_peer {
	uint32_t tunnel, peer;
	struct endpoint remote;
	bool encap;
	uint32_t ike_sa, spi_in, spi_out;
};
struct index_ike {
	uint32_t sa;
	tick_t established;
};
struct show_index {
	struct index_peer *peer;
	size_t n_peer, peer_room;
	struct index_ike *ike;
	size_t n_ike, ike_room;
	bool failed;
};

/* Room for one more of `size` octets; NULL without memory. */
static void *
grow(void *p, size_t n, size_t *cap, size_t size)
{
	void *more;

	if (n < *cap)
		return p;
	more = realloc(p, (*cap ? 2 * *cap : 64) * size);
	if (more)
		*cap = *cap ? 2 * *cap : 64;
	return more;
}

static bool
index_peer(void *ctx, const struct core_peer_info *i)
{
	struct show_index *x = ctx;
	struct index_peer *more;

	if (i->peer == 0)
		return true;
	more = grow(x->peer, x->n_peer, &x->peer_room, sizeof(x->peer[0]));
	if (!more) {
		x->failed = true;
		return false;
	}
	x->peer = more;
	x->peer[x->n_peer++] = (struct index_peer){ i->tunnel, i->peer, i->remote, i->encap, i->ike_sa, i->spi_in, i->spi_out };
	return true;
}

static bool
index_ike(void *ctx, const struct ike_sa_info *i)
{
	struct show_index *x = ctx;
	struct index_ike *more = grow(x->ike, x->n_ike, &x->ike_room, sizeof(x->ike[0]));

	if (!more) {
		x->failed = true;
		return false;
	}
	x->ike = more;
	x->ike[x->n_ike++] = (struct index_ike){ i->sa, i->established };
	return true;
}

static int
peer_order(const void *a, const void *b)
{
	const struct index_peer *p = a, *q = b;

	if (p->tunnel != q->tunnel)
		return p->tunnel < q->tunnel ? -1 : 1;
	return p->peer < q->peer ? -1 : p->peer > q->peer;
}

static int
ike_order(const void *a, const void *b)
{
	const struct index_ike *p = a, *q = b;

	return p->sa < q->sa ? -1 : p->sa > q->sa;
}

struct show_index *
show_index_new(const struct core *core)
{
	struct show_index *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	core_visit_peer(core, 0, index_peer, x);
	ike_visit_sa(core_ike(core), index_ike, x);
	if (x->failed) {
		show_index_free(x);
		return NULL;
	}
	if (x->n_peer)
		qsort(x->peer, x->n_peer, sizeof(x->peer[0]), peer_order);
	if (x->n_ike)
		qsort(x->ike, x->n_ike, sizeof(x->ike[0]), ike_order);
	return x;
}

void
show_index_free(struct show_index *x)
{
	if (!x)
		return;
	free(x->peer);
	free(x->ike);
	free(x);
}

static const struct index_peer *
find_peer(const struct show *s, uint32_t peer)
{
	struct index_peer key = { .tunnel = s->tunnel, .peer = peer };

	return s->index->n_peer ? bsearch(&key, s->index->peer, s->index->n_peer, sizeof(key), peer_order) : NULL;
}

static tick_t
ike_since(const struct show *s, uint32_t sa)
{
	struct index_ike key = { .sa = sa }, *found;

	found = s->index->n_ike ? bsearch(&key, s->index->ike, s->index->n_ike, sizeof(key), ike_order) : NULL;
	return found ? found->established : 0;
}

/* ---- what secures a peer */

struct child_of {
	uint32_t spi_in;
	struct ike_child_info info;
	bool found;
};

static bool
child_of(void *ctx, const struct ike_child_info *i)
{
	struct child_of *c = ctx;

	if (i->spi_in != c->spi_in)
		return true;
	c->info = *i;
	c->found = true;
	return false;
}

static struct child_of
find_child(const struct show *s, uint32_t sa, uint32_t spi_in)
{
	struct child_of c = { .spi_in = spi_in };

	if (sa)
		ike_visit_child(core_ike(s->src->core), sa, child_of, &c);
	return c;
}

json_t *
show_session(struct show *s, bool has_peer, uint32_t peer)
{
	const struct index_peer *p = has_peer ? find_peer(s, peer) : NULL;
	struct child_of c;

	if (!p)
		return json_null();
	c = find_child(s, p->ike_sa, p->spi_in);
	return json_pack("{s:o, s:b, s:I, s:o, s:o, s:o, s:o, s:o}", "remote", show_endpoint(&p->remote), "encap", p->encap,
	    "ike_sa", (json_int_t)p->ike_sa,
	    "spi_in", show_spi(p->spi_in), "spi_out", show_spi(p->spi_out), "ike_age_s", show_age(ike_since(s, p->ike_sa), s->now),
	    "ipsec_age_s", show_age(c.found ? c.info.created : 0, s->now), "rekey_in_s", show_left(c.found ? c.info.rekey_at : 0, s->now));
}

/* ---- show dmvpn */

static json_t *
peer_protos(const struct show *s, uint32_t peer)
{
	struct nhrp_cache_info info[16];
	json_t *list = json_array();
	unsigned n = nhrp_peer_protos(s->nhrp, peer, info, 16);
	char text[PREFIX_STRLEN];

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, json_string(prefix_fmt(&info[i].prefix, text)));
	return list;
}

static void
peer_traffic(const struct show *s, uint32_t peer, json_t *o)
{
	static const char *const how[] = { [DP_PATH_FIRST_HOP] = "first hop", [DP_PATH_ICMP] = "ICMP", [DP_PATH_PROBE] = "probing" };
	struct dp_peer_stats st = { 0 };
	struct dp *dp = s->src->dp;
	json_t *t;

	if (!dp || !dp->ops->peer_stats(dp, s->tunnel, peer, &st))
		return;
	t = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "rx_packets", (json_int_t)st.rx_packets, "rx_bytes", (json_int_t)st.rx_bytes,
	    "tx_packets", (json_int_t)st.tx_packets, "tx_bytes", (json_int_t)st.tx_bytes, "rx_drops", (json_int_t)st.rx_drops,
	    "tx_drops", (json_int_t)st.tx_drops, "path_mtu", (json_int_t)st.path_mtu);
	if (t && st.path_outer) {
		json_object_set_new(t, "path_outer", json_integer(st.path_outer));
		json_object_set_new(t, "path_found_by", json_string(how[st.path_how]));
		json_object_set_new(t, "path_confirmed_age_s", show_age(st.path_confirmed, s->now));
		json_object_set_new(t, "path_black_holes", json_integer(st.path_holes));
	}
	if (t && st.shape_rate)
		json_object_set_new(t, "shaper", json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "rate", (json_int_t)st.shape_rate, "sent", (json_int_t)st.shape_sent,
		    "held", (json_int_t)st.shape_held, "dropped", (json_int_t)st.shape_dropped, "marked", (json_int_t)st.shape_marked,
		    "backlog", (json_int_t)st.shape_backlog, "flows", (json_int_t)st.shape_flows));
	json_object_set_new(o, "traffic", t);
}

static json_t *
claims_json(const struct claims *c, unsigned kind)
{
	char text[CLAIMS_TEXT_MAX];

	return claims_speak(c, kind, 4) || claims_speak(c, kind, 16) ? json_string(claims_fmt(c, kind, text)) : json_string("");
}

/* What it may claim, "" where nobody says; and what of its claims was refused last. */
static json_t *
authority_json(const struct nhrp_may_info *i, tick_t now)
{
	char groups[CLAIMS_TEXT_MAX];

	return json_pack("{s:o, s:o, s:o, s:I, s:o, s:o}", "addresses", claims_json(i->may, CLAIM_ADDRESS), "prefixes", claims_json(i->may, CLAIM_PREFIX),
	    "groups", json_string(i->may && i->may->says_groups ? claims_fmt_groups(i->may, groups) : ""),
	    "refused", (json_int_t)i->refusals, "reason", show_text(i->reason), "refused_age_s", show_age(i->last, now));
}

/* How long each rung of the ladder has been up, and when what it stands on ends. */
static void
peer_detail(const struct show *s, const struct core_peer_info *i, json_t *o)
{
	struct child_of c = find_child(s, i->ike_sa, i->spi_in);
	struct nhrp_cache_info info[16];
	tick_t expires = TICK_NEVER;
	unsigned n = i->peer ? nhrp_peer_protos(s->nhrp, i->peer, info, 16) : 0;
	struct nhrp_rate_info rate;
	struct nhrp_may_info may;
	bool intf = i->step != CORE_STEP_INTF;

	for (unsigned k = 0; k < n; k++) {
		if (!json_object_get(o, "group"))
			show_group(o, &info[k]);
		expires = info[k].expires < expires ? info[k].expires : expires;
	}
	json_object_set_new(o, "ladder", json_pack("{s:o, s:o, s:o, s:o}", "intf_age_s", show_age(intf ? i->link_since : 0, s->now),
	    "ike_age_s", show_age(ike_since(s, i->ike_sa), s->now), "ipsec_age_s", show_age(c.found ? c.info.created : 0, s->now),
	    "nhrp_age_s", show_age(i->step == CORE_STEP_UP ? i->since : 0, s->now)));
	if (i->peer && nhrp_peer_rate(s->nhrp, i->peer, s->now, &rate))
		json_object_set_new(o, "nhrp", json_pack("{s:I, s:I, s:b, s:o}", "received", (json_int_t)rate.received,
		    "rate_limited", (json_int_t)rate.limited, "limited_now", rate.now, "limited_age_s", show_age(rate.last, s->now)));
	if (i->peer && nhrp_peer_may(s->nhrp, i->peer, &may))
		json_object_set_new(o, "authority", authority_json(&may, s->now));
	json_object_set_new(o, "expires_in_s", show_left(expires, s->now));
	show_bfd(s, &i->proto, o);
	json_object_set_new(o, "rekey_in_s", show_left(c.found ? c.info.rekey_at : 0, s->now));
	json_object_set_new(o, "sa_expires_in_s", show_left(c.found ? c.info.expires : 0, s->now));
}

bool
show_is_asked_for(const struct show *s, const struct core_peer_info *i)
{
	struct nhrp_cache_info info[16];
	unsigned n;

	if (!s->which.n || addr_eq(&s->which, &i->proto) || addr_eq(&s->which, &i->nbma) || addr_eq(&s->which, &i->nbma_claimed))
		return true;
	n = i->peer ? nhrp_peer_protos(s->nhrp, i->peer, info, 16) : 0;
	for (unsigned k = 0; k < n; k++) {
		if (addr_eq(&s->which, &info[k].prefix.addr))
			return true;
	}
	return false;
}

static bool
dmvpn_peer(void *ctx, const struct core_peer_info *i)
{
	struct show *s = ctx;
	json_t *o;

	if (!show_is_asked_for(s, i) || !show_room(s))
		return true;
	o = show_peer_json(i, s->now);
	if (o && i->retry)
		json_object_set_new(o, "retry_in_s", show_left(i->retry, s->now));
	if (o && s->index)
		peer_detail(s, i, o);
	if (o && i->peer != 0) {
		json_object_set_new(o, "prefixes", peer_protos(s, i->peer));
		peer_traffic(s, i->peer, o);
	}
	json_array_append_new(s->children, o);
	return true;
}

static bool
own_nbma(void *ctx, const struct nhrp_cache_info *i)
{
	if (i->type == NHRP_CT_LOCAL)
		*(struct addr *)ctx = i->nbma;
	return i->type != NHRP_CT_LOCAL;
}

/* The outer address in use: of the source interface NHRP has been told one, and answers with it for our own address. */
static struct addr
source_of(const struct show *s)
{
	struct addr a = s->conf->dp.source;
	struct prefix own;

	if (s->conf->plain)
		return core_source_addr(s->src->core, s->tunnel);
	if (!a.n && s->conf->dp.n_addr) {
		own = prefix_host(&s->conf->dp.addr[0].addr);
		nhrp_visit_cache(s->nhrp, &own, own_nbma, &a);
	}
	return a;
}

static json_t *
link_json(const struct show *s)
{
	struct dp_link_info l = { .up = false };
	struct addr source = source_of(s);
	struct dp *dp = s->src->dp;
	json_t *own = json_array();
	char text[PREFIX_STRLEN];

	if (dp && !dp->ops->link_info(dp, s->tunnel, &l))
		memset(&l, 0, sizeof(l));
	for (unsigned i = 0; i < s->conf->dp.n_addr; i++)
		json_array_append_new(own, json_string(prefix_fmt(&s->conf->dp.addr[i], text)));
	return json_pack("{s:o, s:I, s:b, s:I, s:I, s:o, s:o, s:s, s:b, s:I, s:s, s:o, s:I, s:I, s:I, s:I, s:I}",
	    "interface", show_text(s->conf->dp.name), "tunnel", (json_int_t)s->tunnel, "up", l.up, "ifindex", (json_int_t)l.ifindex,
	    "mtu", (json_int_t)l.mtu,
	    "addresses", own, "source", show_addr(&source),
	    "source_interface", s->conf->source_if ? s->conf->source_if : "", "has_key", s->conf->dp.has_key,
	    "key", (json_int_t)s->conf->dp.key,
	    "plane", l.plane ? l.plane : "", "description", show_text(s->src->conf->tunnel[s->tunnel - 1].description),
	    "network_id", (json_int_t)s->conf->nhrp.network_id, "rx_packets", (json_int_t)l.rx_packets, "rx_bytes", (json_int_t)l.rx_bytes,
	    "tx_packets", (json_int_t)l.tx_packets, "tx_bytes", (json_int_t)l.tx_bytes);
}

static void
dmvpn_tunnel(struct show *s)
{
	json_t *o = link_json(s);

	s->children = json_array();
	core_visit_peer(s->src->core, s->tunnel, dmvpn_peer, s);
	if (s->which.n && json_array_size(s->children) == 0) {	/* not the tunnel of the peer asked for */
		json_decref(s->children);
		json_decref(o);
		return;
	}
	if (o) {
		json_object_set_new(o, "role", json_string(s->conf->nhrp.n_nhs ? "spoke" : "hub"));
		json_object_set_new(o, "peers", s->children);
	} else {
		json_decref(s->children);
	}
	json_array_append_new(s->list, o);
}

json_t *
show_dmvpn(struct show *s)
{
	json_t *o;

	show_each_tunnel(s, dmvpn_tunnel);
	o = show_finish(s, "tunnels");
	if (o) {
		json_object_set_new(o, "hostname", show_text(s->src->conf->hostname));
		json_object_set_new(o, "uptime_s", json_integer((json_int_t)((s->now - s->src->started) / 1000000)));
	}
	return o;
}

static void
offload_json(const struct dp_link_info *l, json_t *o)
{
	static const char *const names[] = { "tap", "gso", "gro", "coalesce" };	/* the words of the configuration; bits of enum dp_offload */
	json_t *a = l->has_offload ? json_array() : NULL;

	for (unsigned i = 0; a && i < sizeof(names) / sizeof(names[0]); i++) {
		bool on = l->offload & 1u << i;

		json_array_append_new(a, json_pack("{s:s, s:b, s:s}", "name", names[i], "on", on,
		    "why", on ? "" : l->offload_off & 1u << i ? "configuration" : "refused by the kernel"));
	}
	if (a)
		json_object_set_new(o, "offloads", a);
	if (l->crypto) {
		json_object_set_new(o, "crypto", json_string(l->crypto));
		json_object_set_new(o, "crypto_why", json_string(l->crypto_why ? l->crypto_why : ""));
	}
}

/* What is done to TCP on its way, and the packet filter's part. */
static void
filter_json(const struct show *s, json_t *o)
{
	struct dp_link_info l = { .up = false };
	struct dp *dp = s->src->dp;

	if (!o || !dp || !dp->ops->link_info(dp, s->tunnel, &l))
		return;
	json_object_set_new(o, "vrf", show_text(s->conf->dp.vrf));
	json_object_set_new(o, "outer_vrf", show_text(s->conf->outer_vrf ? s->conf->outer_vrf : ""));
	json_object_set_new(o, "destination", show_text(s->conf->nhrp.one_way && s->conf->nhrp.n_nhs ? s->conf->nhrp.nhs[0].name : ""));
	json_object_set_new(o, "if_state_nhrp", json_boolean(s->conf->nhrp.if_state));
	json_object_set_new(o, "carrier", json_boolean(!l.no_carrier));
	offload_json(&l, o);
	json_object_set_new(o, "mss", json_integer(l.mss));
	json_object_set_new(o, "mss_lowered", json_integer((json_int_t)l.mss_lowered));
	json_object_set_new(o, "filter", json_string(l.filter ? l.filter : ""));
	json_object_set_new(o, "filter_locks", json_boolean(l.filter_locks));
	json_object_set_new(o, "clear_dropped", json_integer((json_int_t)l.clear_dropped));
}

static void
interface_tunnel(struct show *s)
{
	json_t *o;

	if (s->cmd->arg[0] && strcmp(s->cmd->arg, s->conf->dp.name) != 0)
		return;
	o = link_json(s);
	filter_json(s, o);
	if (o && s->src->plane_why && s->src->plane_why[0])
		json_object_set_new(o, "plane_why", json_string(s->src->plane_why));
	json_array_append_new(s->list, o);
}

/* ---- interfaces without NHRP */

static bool
plain_peer(void *ctx, const struct core_peer_info *i)
{
	struct show *s = ctx;
	json_t *o = show_room(s) ? show_peer_json(i, s->now) : NULL;

	if (o && i->peer != 0)
		peer_traffic(s, i->peer, o);
	if (o)
		json_array_append_new(s->children, o);
	return true;
}

static void
selectors_json(const struct show *s, json_t *o)
{
	const struct core_conf *c = show_conf(s);
	char text[2048];

	if (s->conf->profile < c->ike.n_profile)
		json_object_set_new(o, "selectors", json_string(ike_pairs_fmt(&c->ike.profile[s->conf->profile], text, sizeof(text))));
}

static void
plain_peers(struct show *s, json_t *o)
{
	const struct core_plain_conf *q = s->conf->plain;
	json_t *list = json_array();

	for (unsigned i = 0; i < q->n_dest; i++)
		json_array_append_new(list, show_text(q->dest[i]));
	s->children = json_array();
	core_visit_peer(s->src->core, s->tunnel, plain_peer, s);
	selectors_json(s, o);
	json_object_set_new(o, "mode", json_string("ipsec"));
	json_object_set_new(o, "destinations", list);
	json_object_set_new(o, "reactivate_s", json_integer(q->reactivate_s));
	json_object_set_new(o, "peers", s->children);
}

static void
plain_session(struct show *s)
{
	json_t *o = json_pack("{s:o}", "interface", show_text(s->conf->dp.name));

	if (!o)
		return;
	plain_peers(s, o);
	json_array_append_new(s->list, o);
}

json_t *
show_plain(struct show *s)
{
	json_t *was = s->list, *list = json_array();

	s->list = list;
	show_each_plain(s, plain_session);
	s->list = was;
	return list;
}

static void
interface_plain(struct show *s)
{
	json_t *o = !s->cmd->arg[0] || strcmp(s->cmd->arg, s->conf->dp.name) == 0 ? link_json(s) : NULL;

	if (!o)
		return;
	plain_peers(s, o);
	json_array_append_new(s->list, o);
}

json_t *
show_interface(struct show *s)
{
	show_each_tunnel(s, interface_tunnel);
	show_each_plain(s, interface_plain);
	return show_finish(s, "interfaces");
}
