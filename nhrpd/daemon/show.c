/* nhrpd/daemon/show.c: the commands of the control socket, carried out on the core's engines and the data plane.
 *
 * Each show walks what the engines let be visited and appends objects of show_json.c to a list; a list has at most
 * SHOW_ENTRIES_MAX of them, the rest is counted. jansson's functions take NULL for "no memory happened before", so
 * that only the end asks. Clearing causes actions, which wait in the core for the loop. */
#include "nhrpd/daemon/show_priv.h"

bool
show_room(struct show *s)
{
	if (s->n < SHOW_ENTRIES_MAX) {
		s->n++;
		return true;
	}
	s->not_shown++;
	return false;
}

const struct core_conf *
show_conf(const struct show *s)
{
	return &s->src->conf->core;
}

json_t *
show_finish(struct show *s, const char *name)
{
	json_t *o = json_pack("{s:o}", name, s->list);

	if (s->not_shown && o)
		json_object_set_new(o, "not_shown", json_integer(s->not_shown));
	return o;
}

void
show_each_tunnel(struct show *s, void (*each)(struct show *))
{
	for (unsigned i = 0; i < show_conf(s)->n_tunnel; i++) {
		s->conf = &show_conf(s)->tunnel[i];
		s->tunnel = i + 1;
		s->nhrp = core_nhrp(s->src->core, s->tunnel);
		if (s->nhrp)
			each(s);
	}
}

void
show_each_plain(struct show *s, void (*each)(struct show *))
{
	for (unsigned i = 0; i < show_conf(s)->n_tunnel; i++) {
		s->conf = &show_conf(s)->tunnel[i];
		s->tunnel = i + 1;
		if (s->conf->plain)
			each(s);
	}
	s->conf = NULL;
}

void
show_append(struct show *s, json_t *o)
{
	if (o && s->conf)
		json_object_set_new(o, "interface", show_text(s->conf->dp.name));
	json_array_append_new(s->list, o);
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

/* Of the family that was asked for: "show ip ..." or "show ipv6 ...". A prefix that is given says so itself. */
static bool
family_is(const struct show *s, uint8_t family)
{
	return s->cmd->choice < 0 || s->cmd->arg[0] || family == (s->cmd->choice ? 16 : 4);
}

static bool
cache_entry(void *ctx, const struct nhrp_cache_info *i)
{
	struct show *s = ctx;
	struct nhrp_cache_info c = *i;
	json_t *o;

	if (!family_is(s, i->prefix.addr.n) || !show_room(s))
		return true;
	if (!c.created)	/* what is configured has been there since the start */
		c.created = s->src->started;
	o = show_cache_json(&c, s->now);
	if (o)
		json_object_set_new(o, "via", cache_via(s, i));
	if (o && s->index)
		json_object_set_new(o, "session", show_session(s, i->has_peer, i->peer));
	show_append(s, o);
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
	show_each_tunnel(s, cache_tunnel);
	return show_finish(s, "entries");
}

/* ---- show ip nhrp summary */

static bool
count_entry(void *ctx, const struct nhrp_cache_info *i)
{
	struct show *s = ctx;

	if (family_is(s, i->prefix.addr.n) && (unsigned)i->type < NHRP_CTS)
		s->count[i->type]++;
	return true;
}

static void
count_tunnel(struct show *s)
{
	nhrp_visit_cache(s->nhrp, NULL, count_entry, s);
}

static json_t *
show_summary(struct show *s)
{
	json_t *types = json_object();
	json_int_t total = 0;

	show_each_tunnel(s, count_tunnel);
	for (unsigned t = NHRP_CT_INCOMPLETE; t < NHRP_CTS; t++) {
		json_object_set_new(types, nhrp_cache_type_name((enum nhrp_cache_type)t), json_integer(s->count[t]));
		total += s->count[t];
	}
	return json_pack("{s:I, s:o}", "entries", total, "types", types);
}

/* ---- show ip route nhrp */

static json_t *
route_json(const struct show *s, const char *origin, const struct prefix *p, const struct addr *via, tick_t since, const char *by, bool installed)
{
	char text[PREFIX_STRLEN];

	return json_pack("{s:s, s:s, s:o, s:s, s:b, s:o}", "origin", origin, "prefix", prefix_fmt(p, text), "via", show_addr(via), "by", by, "installed", installed,
	    "age_s", show_age(since, s->now));
}

/* A shortcut to the tunnel address of its peer needs no route: the neighbour is enough. */
static bool
route_entry(void *ctx, const struct nhrp_shortcut_info *i)
{
	struct show *s = ctx;
	struct prefix host = prefix_host(&i->via);
	const char *by = s->src->route_by ? s->src->route_by(s->src->ctx, &i->prefix, s->tunnel) : "kernel";

	if (strcmp(i->state, "up") == 0 && family_is(s, i->dst.n) && !prefix_eq(&i->prefix, &host) && show_room(s))
		show_append(s, route_json(s, "nhrp", &i->prefix, &i->via, i->since, by, strcmp(by, "kernel") == 0 || strcmp(by, "zebra") == 0));
	return true;
}

static void
route_tunnel(struct show *s)
{
	nhrp_visit_shortcut(s->nhrp, route_entry, s);
	for (unsigned i = 0; i < s->src->conf->n_static; i++) {
		const struct conf_static *r = &s->src->conf->route[i];
		struct dp_link_info l = { .up = false };
		struct dp *dp = s->src->dp;

		if (strcmp(r->name, s->conf->dp.name) == 0 && family_is(s, r->dst.addr.n) && show_room(s))
			show_append(s, route_json(s, "static", &r->dst, &r->via, 0, "kernel", dp && dp->ops->link_info(dp, s->tunnel, &l) && l.up));
	}
}

static json_t *
show_route(struct show *s)
{
	show_each_tunnel(s, route_tunnel);
	return show_finish(s, "routes");
}

/* ---- show ip nhrp nhs */

static bool
nhs_entry(void *ctx, const struct nhrp_nhs_info *i)
{
	struct show *s = ctx;

	json_t *o;

	if (!family_is(s, i->family) || !show_room(s))
		return true;
	o = show_nhs_json(i, s->now);
	if (o && s->index) {
		json_object_set_new(o, "multicast", json_boolean(i->mcast));
		json_object_set_new(o, "session", show_session(s, i->has_peer, i->peer));
		show_bfd(s, &i->proto, o);
	}
	show_way(s, &i->nbma, o);
	show_append(s, o);
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
	show_each_tunnel(s, nhs_tunnel);
	return show_finish(s, "servers");
}

static bool
shortcut_entry(void *ctx, const struct nhrp_shortcut_info *i)
{
	struct show *s = ctx;

	if (family_is(s, i->dst.n) && show_room(s))
		show_append(s, show_shortcut_json(i, s->now));
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
	show_each_tunnel(s, shortcut_tunnel);
	return show_finish(s, "shortcuts");
}

/* Where multicast goes: the neighbours of bindings that have it. */
static bool
multicast_entry(void *ctx, const struct nhrp_cache_info *i)
{
	struct show *s = ctx;
	char text[PREFIX_STRLEN];

	if (i->mcast && family_is(s, i->prefix.addr.n) && show_room(s))
		show_append(s, json_pack("{s:s, s:o, s:s, s:b}", "prefix", prefix_fmt(&i->prefix, text), "nbma", show_addr(&i->nbma),
		    "type", nhrp_cache_type_name(i->type), "up", i->installed));
	return true;
}

static void
multicast_tunnel(struct show *s)
{
	nhrp_visit_cache(s->nhrp, NULL, multicast_entry, s);
}

static json_t *
show_multicast(struct show *s)
{
	show_each_tunnel(s, multicast_tunnel);
	return show_finish(s, "entries");
}

static bool
limited_peer(void *ctx, const struct nhrp_rate_info *i)
{
	struct show *s = ctx;

	if (show_room(s))
		json_array_append_new(s->children, json_pack("{s:I, s:o, s:o, s:I, s:I, s:b, s:o}", "peer", (json_int_t)i->peer,
		    "identity", show_text(i->identity), "remote", show_endpoint(&i->remote), "received", (json_int_t)i->received,
		    "dropped", (json_int_t)i->limited, "now", i->now, "last_age_s", show_age(i->last, s->now)));
	return true;
}

static bool
refused_peer(void *ctx, const struct nhrp_may_info *i)
{
	struct show *s = ctx;

	if (show_room(s))
		json_array_append_new(s->children, json_pack("{s:I, s:o, s:o, s:I, s:o, s:o}", "peer", (json_int_t)i->peer,
		    "identity", show_text(i->identity), "remote", show_endpoint(&i->remote), "refused", (json_int_t)i->refusals,
		    "reason", show_text(i->reason), "last_age_s", show_age(i->last, s->now)));
	return true;
}

static json_t *
route_work(const struct show *s)
{
	struct nhrp_route_work w = nhrp_route_work(s->nhrp);

	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "heard", (json_int_t)w.changes, "looked_at", (json_int_t)w.looked_at, "asked_again", (json_int_t)w.asked, "dropped",
	    (json_int_t)w.dropped, "purged", (json_int_t)w.purged);
}

static void
traffic_tunnel(struct show *s)
{
	json_t *rx = json_object(), *tx = json_object(), *drops = json_object(), *limited;
	uint64_t n;

	for (uint8_t t = NHRP_RESOLUTION_REQUEST; t < NHRP_TYPES; t++) {
		json_object_set_new(rx, nhrp_type_name(t), json_integer((json_int_t)nhrp_count_type(s->nhrp, NHRP_RX, t)));
		json_object_set_new(tx, nhrp_type_name(t), json_integer((json_int_t)nhrp_count_type(s->nhrp, NHRP_TX, t)));
	}
	for (enum nhrp_drop d = NHRP_OK + 1; d < NHRP_DROPS_N; d++) {
		n = nhrp_count_drop(s->nhrp, d);
		if (n)
			json_object_set_new(drops, nhrp_drop_word(d), json_pack("{s:I, s:s}", "count", (json_int_t)n,
			    "text", nhrp_drop_text(d)));
	}
	s->children = json_array();
	nhrp_visit_limited(s->nhrp, s->now, limited_peer, s);
	limited = s->children;
	s->children = json_array();
	nhrp_visit_refused(s->nhrp, refused_peer, s);
	show_append(s, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "received", rx, "sent", tx, "refused", drops, "route_changes", route_work(s),
	    "rate_limited", limited, "not_allowed", s->children));
}

static json_t *
show_traffic(struct show *s)
{
	show_each_tunnel(s, traffic_tunnel);
	return show_finish(s, "interfaces");
}

/* ---- show crypto ... */

void
show_child_traffic(const struct show *s, uint32_t spi_in, json_t *o)
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
	json_t *o = show_room(s) ? show_child_json(i, s->now) : NULL;

	if (!o)
		return true;
	show_child_traffic(s, i->spi_in, o);
	json_array_append_new(s->children, o);
	return true;
}

static json_t *
ike_entry_json(const struct show *s, const struct ike_sa_info *i)
{
	json_t *o = show_ike_json(i, s->now);

	if (o)
		show_auth(o, i);
	if (o && i->profile < show_conf(s)->ike.n_profile)
		json_object_set_new(o, "profile", show_text(show_conf(s)->ike.profile[i->profile].name));
	return o;
}

static bool
ike_entry(void *ctx, const struct ike_sa_info *i)
{
	struct show *s = ctx;
	json_t *o = show_room(s) ? ike_entry_json(s, i) : NULL;

	if (o && s->cmd->flag)
		json_object_set_new(o, "extensions", show_ike_ext(i));
	if (o)
		show_append(s, o);
	return true;
}

static bool
session_entry(void *ctx, const struct ike_sa_info *i)
{
	struct show *s = ctx;
	json_t *o = show_room(s) ? ike_entry_json(s, i) : NULL;

	if (!o)
		return true;
	s->children = json_array();
	ike_visit_child(core_ike(s->src->core), i->sa, child_entry, s);
	json_object_set_new(o, "children", s->children);
	show_append(s, o);
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
show_crypto(struct show *s)
{
	json_t *o, *plain = show_plain(s);

	ike_visit_sa(core_ike(s->src->core), session_entry, s);
	o = show_finish(s, "sessions");
	if (o && json_array_size(plain))
		json_object_set(o, "interfaces", plain);
	json_decref(plain);
	return o;
}

static json_t *
show_ike(struct show *s)
{
	ike_visit_sa(core_ike(s->src->core), ike_entry, s);
	return show_finish(s, "sas");
}

static json_t *
show_ipsec(struct show *s)
{
	ike_visit_sa(core_ike(s->src->core), ipsec_entry, s);
	return show_finish(s, "sas");
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
	} exchange[] = { { 34, "IKE_SA_INIT" }, { 35, "IKE_AUTH" }, { 36, "CREATE_CHILD_SA" }, { 37, "INFORMATIONAL" },
		{ 43, "IKE_INTERMEDIATE" }, { 44, "IKE_FOLLOWUP_KE" } };
	json_t *rx = json_object(), *tx = json_object(), *drops = json_object();

	for (size_t i = 0; i < sizeof(exchange) / sizeof(exchange[0]); i++) {
		json_object_set_new(rx, exchange[i].name, json_integer((json_int_t)ike_count_exchange(k, false, exchange[i].type)));
		json_object_set_new(tx, exchange[i].name, json_integer((json_int_t)ike_count_exchange(k, true, exchange[i].type)));
	}
	for (enum ike_drop d = IKE_OK + 1; d < IKE_DROPS_N; d++)
		json_object_set_new(drops, ike_drop_word(d), json_integer((json_int_t)ike_count_drop(k, d)));
	return json_pack("{s:o, s:o, s:o, s:I, s:I}", "received", rx, "sent", tx, "refused", drops, "fragments_received",
	    (json_int_t)ike_count_fragments(k, false), "fragments_sent", (json_int_t)ike_count_fragments(k, true));
}

static void
nhrp_counters(struct show *s)
{
	json_t *drops = json_object();

	for (enum nhrp_drop d = NHRP_OK + 1; d < NHRP_DROPS_N; d++)
		json_object_set_new(drops, nhrp_drop_word(d), json_integer((json_int_t)nhrp_count_drop(s->nhrp, d)));
	show_append(s, json_pack("{s:o, s:o}", "refused", drops, "route_changes", route_work(s)));
}

static json_t *
show_counters(struct show *s)
{
	json_t *dp = json_object(), *o;

	if (s->src->dp)
		s->src->dp->ops->counters(s->src->dp, dp_counter, dp);
	if (s->src->counters)
		s->src->counters(s->src->ctx, dp_counter, dp);
	show_each_tunnel(s, nhrp_counters);
	o = show_finish(s, "nhrp");
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

	for (unsigned i = 0; i < show_conf(s)->n_tunnel; i++)
		n += core_clear_peer(s->src->core, s->now, i + 1, &s->which);
	return json_pack("{s:i}", "cleared", (int)n);
}

static json_t *
rekey_peer(struct show *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < show_conf(s)->n_tunnel; i++)
		n += core_rekey_peer(s->src->core, s->now, i + 1, &s->which, s->cmd->verb == CONTROL_REKEY_IKE);
	return json_pack("{s:i}", "rekeyed", (int)n);
}

static json_t *
clear_nhrp(struct show *s)
{
	for (unsigned i = 0; i < show_conf(s)->n_tunnel; i++)
		core_clear_nhrp(s->src->core, s->now, i + 1, &s->which, s->cmd->choice ? 16 : 4, s->cmd->verb == CONTROL_CLEAR_SHORTCUT);
	return json_object();
}

/* Answers NULL with s->why. */
static json_t *
run(struct show *s)
{
	static const struct {
		show_fn *fn;
		bool list;
	} does[CONTROL_VERBS] = {
		[CONTROL_SHOW_DMVPN] = { show_dmvpn, true }, [CONTROL_SHOW_PEER] = { show_dmvpn, true },
		[CONTROL_SHOW_NHRP] = { show_nhrp, true },
		[CONTROL_SHOW_NHS] = { show_nhs, true }, [CONTROL_SHOW_SHORTCUT] = { show_shortcut, true },
		[CONTROL_SHOW_TRAFFIC] = { show_traffic, true },
		[CONTROL_SHOW_MULTICAST] = { show_multicast, true }, [CONTROL_SHOW_GROUPS] = { show_groups, true }, [CONTROL_SHOW_SESSION] = { show_crypto, true },
		[CONTROL_SHOW_IKE] = { show_ike, true },
		[CONTROL_SHOW_IPSEC] = { show_ipsec, true }, [CONTROL_SHOW_MAP] = { show_map, true }, [CONTROL_SHOW_INTERFACE] = { show_interface, true },
		[CONTROL_SHOW_COUNTERS] = { show_counters, true }, [CONTROL_SHOW_RUN] = { show_run, true },
		[CONTROL_SHOW_PKI] = { show_pki, true }, [CONTROL_SHOW_REFUSED] = { show_refused, true },
		[CONTROL_SHOW_LOG] = { show_log, true },
		[CONTROL_SHOW_VERSION] = { show_version, false }, [CONTROL_SHOW_TECH] = { show_tech, true },
		[CONTROL_CLEAR_PEER] = { clear_peer, false },
		[CONTROL_REKEY_IKE] = { rekey_peer, false }, [CONTROL_REKEY_IPSEC] = { rekey_peer, false },
		[CONTROL_CLEAR_NHRP] = { clear_nhrp, false }, [CONTROL_CLEAR_SHORTCUT] = { clear_nhrp, false },
		[CONTROL_SHOW_TIMELINE] = { show_timeline, true }, [CONTROL_SHOW_HISTORY] = { show_timeline, true }, [CONTROL_SHOW_BRIEF] = { show_nhrp, true },
		[CONTROL_SHOW_SUMMARY] = { show_summary, false }, [CONTROL_SHOW_ROUTE] = { show_route, true }, [CONTROL_SHOW_ZEBRA] = { show_zebra, false },
		[CONTROL_SHOW_DEBUG] = { show_debugging, false }, [CONTROL_PROBE] = { show_probe, false }, [CONTROL_WHY] = { show_why, false },
		[CONTROL_DEBUG] = { show_debug, false }, [CONTROL_UNDEBUG] = { show_no_debug, false },
		[CONTROL_NO_DEBUG] = { show_no_debug, false },
		[CONTROL_DEBUG_KEYS] = { show_debug_keys, false }, [CONTROL_NO_DEBUG_KEYS] = { show_debug_keys, false },
		[CONTROL_RELOAD] = { show_reload, false },
	};

	if (does[s->cmd->verb].list && !(s->list = json_array()))
		return NULL;
	return does[s->cmd->verb].fn(s);
}

json_t *
show_command(const struct control_src *src, tick_t now, const struct control_cmd *cmd, char *why, size_t n)
{
	struct show s = { .src = src, .now = now, .cmd = cmd, .why = why, .why_n = n };
	bool index = cmd->flag && cmd->verb != CONTROL_SHOW_RUN;
	json_t *o;

	if (cmd->verb == CONTROL_SHOW_PEER || cmd->verb == CONTROL_SHOW_TIMELINE || cmd->verb >= CONTROL_CLEAR_PEER)
		addr_parse(cmd->arg, &s.which);	/* "all" and nothing leave it none */
	snprintf(why, n, "out of memory");
	if (index && !(s.index = show_index_new(src->core)))
		return NULL;
	o = run(&s);
	show_index_free(s.index);
	return o;
}
