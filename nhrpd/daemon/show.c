/* nhrpd/daemon/show.c: the commands of the control socket, carried out on the core's engines and the data plane.
 *
 * Each show walks what the engines let be visited and appends objects of show_json.c to a list; a list has at most
 * SHOW_ENTRIES_MAX of them, the rest is counted. jansson's functions take NULL for "no memory happened before", so
 * that only the end asks. Clearing causes actions, which wait in the core for the loop. */
#include "nhrpd/daemon/show.h"
#include "nhrpd/daemon/show_priv.h"

struct show {
	const struct control_src *src;
	tick_t now;
	json_t *list;
	unsigned n, not_shown;
	uint32_t tunnel;	/* being walked, from 1 */
	const struct core_tunnel_conf *conf;	/* its */
	struct nhrp *nhrp;
	json_t *children;	/* of an IKE SA */
	const struct control_cmd *cmd;
	struct addr which;	/* clear: none for all */
};

typedef json_t *show_fn(struct show *s);

static bool
room(struct show *s)
{
	if (s->n < SHOW_ENTRIES_MAX) {
		s->n++;
		return true;
	}
	s->not_shown++;
	return false;
}

static const struct core_conf *
core_conf(const struct show *s)
{
	return &s->src->conf->core;
}

static json_t *
finish(struct show *s, const char *name)
{
	json_t *o = json_pack("{s:o}", name, s->list);

	if (s->not_shown && o)
		json_object_set_new(o, "not_shown", json_integer(s->not_shown));
	return o;
}

/* Walks the tunnels; each(s) with s->tunnel, conf and nhrp set. */
static void
each_tunnel(struct show *s, void (*each)(struct show *))
{
	for (unsigned i = 0; i < core_conf(s)->n_tunnel; i++) {
		s->conf = &core_conf(s)->tunnel[i];
		s->tunnel = i + 1;
		s->nhrp = core_nhrp(s->src->core, s->tunnel);
		if (s->nhrp)
			each(s);
	}
}

static void
append(struct show *s, json_t *o)
{
	if (o && s->conf)
		json_object_set_new(o, "interface", show_text(s->conf->dp.name));
	json_array_append_new(s->list, o);
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
	struct dp_peer_stats st;
	struct dp *dp = s->src->dp;
	json_t *t;

	if (!dp || !dp->ops->peer_stats(dp, s->tunnel, peer, &st))
		return;
	t = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "rx_packets", (json_int_t)st.rx_packets, "rx_bytes", (json_int_t)st.rx_bytes,
	    "tx_packets", (json_int_t)st.tx_packets, "tx_bytes", (json_int_t)st.tx_bytes, "rx_drops", (json_int_t)st.rx_drops,
	    "tx_drops", (json_int_t)st.tx_drops, "path_mtu", (json_int_t)st.path_mtu);
	json_object_set_new(o, "traffic", t);
}

static bool
dmvpn_peer(void *ctx, const struct core_peer_info *i)
{
	struct show *s = ctx;
	json_t *o;

	if (!room(s))
		return true;
	o = show_peer_json(i, s->now);
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
	    "interface", show_text(s->conf->dp.name), "tunnel", (json_int_t)s->tunnel, "up", l.up, "ifindex", (json_int_t)l.ifindex, "mtu", (json_int_t)l.mtu,
	    "addresses", own, "source", show_addr(&source),
	    "source_interface", s->conf->source_if ? s->conf->source_if : "", "has_key", s->conf->dp.has_key, "key", (json_int_t)s->conf->dp.key,
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
	if (o) {
		json_object_set_new(o, "role", json_string(s->conf->nhrp.n_nhs ? "spoke" : "hub"));
		json_object_set_new(o, "peers", s->children);
	} else {
		json_decref(s->children);
	}
	json_array_append_new(s->list, o);
}

static json_t *
show_dmvpn(struct show *s)
{
	json_t *o;

	each_tunnel(s, dmvpn_tunnel);
	o = finish(s, "tunnels");
	if (o) {
		json_object_set_new(o, "hostname", show_text(s->src->conf->hostname));
		json_object_set_new(o, "uptime_s", json_integer((json_int_t)((s->now - s->src->started) / 1000000)));
	}
	return o;
}

static void
interface_tunnel(struct show *s)
{
	if (!s->cmd->arg[0] || strcmp(s->cmd->arg, s->conf->dp.name) == 0)
		json_array_append_new(s->list, link_json(s));
}

static json_t *
show_interface(struct show *s)
{
	each_tunnel(s, interface_tunnel);
	return finish(s, "interfaces");
}

/* ---- show ip nhrp ... */

/* The next hop of a binding: itself for a host, else the tunnel address of the peer that answers for the prefix. */
static json_t *
cache_via(const struct show *s, const struct nhrp_cache_info *i)
{
	struct nhrp_cache_info info[16];
	unsigned n;

	if (i->prefix.bits == addr_bits(&i->prefix.addr))
		return show_addr(&i->prefix.addr);
	n = i->has_peer ? nhrp_peer_protos(s->nhrp, i->peer, info, 16) : 0;
	for (unsigned k = 0; k < n; k++) {
		if (info[k].prefix.addr.n == i->prefix.addr.n && info[k].prefix.bits == addr_bits(&info[k].prefix.addr))
			return show_addr(&info[k].prefix.addr);
	}
	return json_string("");
}

static bool
cache_entry(void *ctx, const struct nhrp_cache_info *i)
{
	struct show *s = ctx;
	struct nhrp_cache_info c = *i;
	json_t *o;

	if (!room(s))
		return true;
	if (!c.created)	/* what is configured has been there since the start */
		c.created = s->src->started;
	o = show_cache_json(&c, s->now);
	if (o)
		json_object_set_new(o, "via", cache_via(s, i));
	append(s, o);
	return true;
}

static void
cache_tunnel(struct show *s)
{
	struct prefix p;

	if (s->cmd->arg[0] && prefix_parse(s->cmd->arg, &p))
		nhrp_visit_cache(s->nhrp, &p, cache_entry, s);
	else
		nhrp_visit_cache(s->nhrp, NULL, cache_entry, s);
}

static json_t *
show_nhrp(struct show *s)
{
	each_tunnel(s, cache_tunnel);
	return finish(s, "entries");
}

static bool
nhs_entry(void *ctx, const struct nhrp_nhs_info *i)
{
	struct show *s = ctx;

	if (room(s))
		append(s, show_nhs_json(i, s->now));
	return true;
}

static void
nhs_tunnel(struct show *s)
{
	nhrp_visit_nhs(s->nhrp, nhs_entry, s);
}

static json_t *
show_nhs(struct show *s)
{
	each_tunnel(s, nhs_tunnel);
	return finish(s, "servers");
}

static bool
shortcut_entry(void *ctx, const struct nhrp_shortcut_info *i)
{
	struct show *s = ctx;

	if (room(s))
		append(s, show_shortcut_json(i, s->now));
	return true;
}

static void
shortcut_tunnel(struct show *s)
{
	nhrp_visit_shortcut(s->nhrp, shortcut_entry, s);
}

static json_t *
show_shortcut(struct show *s)
{
	each_tunnel(s, shortcut_tunnel);
	return finish(s, "shortcuts");
}

static void
traffic_tunnel(struct show *s)
{
	json_t *rx = json_object(), *tx = json_object(), *drops = json_object();
	uint64_t n;

	for (uint8_t t = NHRP_RESOLUTION_REQUEST; t < NHRP_TYPES; t++) {
		json_object_set_new(rx, nhrp_type_name(t), json_integer((json_int_t)nhrp_count_type(s->nhrp, NHRP_RX, t)));
		json_object_set_new(tx, nhrp_type_name(t), json_integer((json_int_t)nhrp_count_type(s->nhrp, NHRP_TX, t)));
	}
	for (enum nhrp_drop d = NHRP_OK + 1; d < NHRP_DROPS_N; d++) {
		n = nhrp_count_drop(s->nhrp, d);
		if (n)
			json_object_set_new(drops, nhrp_drop_word(d), json_pack("{s:I, s:s}", "count", (json_int_t)n, "text", nhrp_drop_text(d)));
	}
	append(s, json_pack("{s:o, s:o, s:o}", "received", rx, "sent", tx, "refused", drops));
}

static json_t *
show_traffic(struct show *s)
{
	each_tunnel(s, traffic_tunnel);
	return finish(s, "interfaces");
}

/* ---- show crypto ... */

static void
child_traffic(const struct show *s, uint32_t spi_in, json_t *o)
{
	struct dp_sa_stats st;
	struct dp *dp = s->src->dp;

	if (!dp || !dp->ops->sa_stats(dp, spi_in, &st))
		return;
	json_object_set_new(o, "rx_packets", json_integer((json_int_t)st.rx_packets));
	json_object_set_new(o, "rx_bytes", json_integer((json_int_t)st.rx_bytes));
	json_object_set_new(o, "tx_packets", json_integer((json_int_t)st.tx_packets));
	json_object_set_new(o, "tx_bytes", json_integer((json_int_t)st.tx_bytes));
}

static bool
child_entry(void *ctx, const struct ike_child_info *i)
{
	struct show *s = ctx;
	json_t *o = room(s) ? show_child_json(i, s->now) : NULL;

	if (!o)
		return true;
	child_traffic(s, i->spi_in, o);
	json_array_append_new(s->children, o);
	return true;
}

static json_t *
ike_entry_json(const struct show *s, const struct ike_sa_info *i)
{
	json_t *o = show_ike_json(i, s->now);

	if (o && i->profile < core_conf(s)->ike.n_profile)
		json_object_set_new(o, "profile", show_text(core_conf(s)->ike.profile[i->profile].name));
	return o;
}

static bool
ike_entry(void *ctx, const struct ike_sa_info *i)
{
	struct show *s = ctx;

	if (room(s))
		append(s, ike_entry_json(s, i));
	return true;
}

static bool
session_entry(void *ctx, const struct ike_sa_info *i)
{
	struct show *s = ctx;
	json_t *o = room(s) ? ike_entry_json(s, i) : NULL;

	if (!o)
		return true;
	s->children = json_array();
	ike_visit_child(core_ike(s->src->core), i->sa, child_entry, s);
	json_object_set_new(o, "children", s->children);
	append(s, o);
	return true;
}

/* ESP SAs with the ends and names of their IKE SA. */
static bool
ipsec_entry(void *ctx, const struct ike_sa_info *i)
{
	static const char *const keys[] = { "local", "remote", "peer_id" };
	struct show *s = ctx;
	json_t *ike = ike_entry_json(s, i), *o;
	size_t k;

	s->children = json_array();
	ike_visit_child(core_ike(s->src->core), i->sa, child_entry, s);
	json_array_foreach(s->children, k, o) {
		for (size_t j = 0; ike && j < sizeof(keys) / sizeof(keys[0]); j++)
			json_object_set(o, keys[j], json_object_get(ike, keys[j]));
	}
	json_array_extend(s->list, s->children);
	json_decref(s->children);
	json_decref(ike);
	return true;
}

static json_t *
show_session(struct show *s)
{
	ike_visit_sa(core_ike(s->src->core), session_entry, s);
	return finish(s, "sessions");
}

static json_t *
show_ike(struct show *s)
{
	ike_visit_sa(core_ike(s->src->core), ike_entry, s);
	return finish(s, "sas");
}

static json_t *
show_ipsec(struct show *s)
{
	ike_visit_sa(core_ike(s->src->core), ipsec_entry, s);
	return finish(s, "sas");
}

/* ---- show counters */

static void
dp_counter(void *ctx, const char *name, uint64_t value)
{
	json_object_set_new(ctx, name, json_integer((json_int_t)value));
}

static json_t *
ike_counters(const struct ike *k)
{
	static const struct {
		uint8_t type;
		const char *name;
	} exchange[] = { { 34, "IKE_SA_INIT" }, { 35, "IKE_AUTH" }, { 36, "CREATE_CHILD_SA" }, { 37, "INFORMATIONAL" } };
	json_t *rx = json_object(), *tx = json_object(), *drops = json_object();

	for (size_t i = 0; i < sizeof(exchange) / sizeof(exchange[0]); i++) {
		json_object_set_new(rx, exchange[i].name, json_integer((json_int_t)ike_count_exchange(k, false, exchange[i].type)));
		json_object_set_new(tx, exchange[i].name, json_integer((json_int_t)ike_count_exchange(k, true, exchange[i].type)));
	}
	for (enum ike_drop d = IKE_OK + 1; d < IKE_DROPS_N; d++)
		json_object_set_new(drops, ike_drop_word(d), json_integer((json_int_t)ike_count_drop(k, d)));
	return json_pack("{s:o, s:o, s:o}", "received", rx, "sent", tx, "refused", drops);
}

static void
nhrp_counters(struct show *s)
{
	json_t *drops = json_object();

	for (enum nhrp_drop d = NHRP_OK + 1; d < NHRP_DROPS_N; d++)
		json_object_set_new(drops, nhrp_drop_word(d), json_integer((json_int_t)nhrp_count_drop(s->nhrp, d)));
	append(s, json_pack("{s:o}", "refused", drops));
}

static json_t *
show_counters(struct show *s)
{
	json_t *dp = json_object(), *o;

	if (s->src->dp)
		s->src->dp->ops->counters(s->src->dp, dp_counter, dp);
	each_tunnel(s, nhrp_counters);
	o = finish(s, "nhrp");
	if (o)
		json_object_set_new(o, "ike", ike_counters(core_ike(s->src->core)));
	if (o)
		json_object_set_new(o, "dataplane", dp);
	else
		json_decref(dp);
	return o;
}

/* ---- clear */

static json_t *
clear_peer(struct show *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < core_conf(s)->n_tunnel; i++)
		n += core_clear_peer(s->src->core, s->now, i + 1, &s->which);
	return json_pack("{s:i}", "cleared", (int)n);
}

static json_t *
clear_nhrp(struct show *s)
{
	for (unsigned i = 0; i < core_conf(s)->n_tunnel; i++)
		core_clear_nhrp(s->src->core, s->now, i + 1, &s->which, s->cmd->verb == CONTROL_CLEAR_SHORTCUT);
	return json_object();
}

json_t *
show_command(const struct control_src *src, tick_t now, const struct control_cmd *cmd, char *why, size_t n)
{
	static show_fn *const does[CONTROL_VERBS] = {
		[CONTROL_SHOW_DMVPN] = show_dmvpn, [CONTROL_SHOW_NHRP] = show_nhrp, [CONTROL_SHOW_NHS] = show_nhs, [CONTROL_SHOW_SHORTCUT] = show_shortcut,
		[CONTROL_SHOW_TRAFFIC] = show_traffic, [CONTROL_SHOW_SESSION] = show_session, [CONTROL_SHOW_IKE] = show_ike, [CONTROL_SHOW_IPSEC] = show_ipsec,
		[CONTROL_SHOW_INTERFACE] = show_interface, [CONTROL_SHOW_COUNTERS] = show_counters, [CONTROL_CLEAR_PEER] = clear_peer,
		[CONTROL_CLEAR_NHRP] = clear_nhrp, [CONTROL_CLEAR_SHORTCUT] = clear_nhrp,
	};
	struct show s = { .src = src, .now = now, .cmd = cmd };

	if (cmd->verb >= CONTROL_CLEAR_PEER)
		addr_parse(cmd->arg, &s.which);	/* "all" and nothing leave it none */
	snprintf(why, n, "out of memory");
	if (cmd->verb < CONTROL_CLEAR_PEER && !(s.list = json_array()))
		return NULL;
	return does[cmd->verb](&s);
}
