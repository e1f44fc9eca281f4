/* nhrpd/daemon/show_why.c: why ADDRESS: does a packet to it get there, and if not, which layer is the first to blame.
 *
 * The layers are told in the order in which the packet meets them. They lean on each other: without a way outside there is no IKE SA,
 * without that no ESP SA, without that no registration, and so no mapping. Of several that are broken the cause is the one at
 * the bottom (`leans_on` below); it is named, with what it says of itself and the command that shows more.
 *
 * Where all of it is there, the peer is asked over its SA: `answer` comes last and later (show_why_answered()).
 *
 * Asked are the engines (what they know and why they wait), and the kernel at this moment (what it would really do). Where the two
 * differ, somebody took away what the daemon set: that is a fault of its own. */
#include "nhrpd/daemon/show_priv.h"

#include <errno.h>
#include <stdarg.h>

enum layer { L_INTERFACE, L_ROUTE, L_SHORTCUT, L_MAPPING, L_NEIGHBOUR, L_POLICY, L_IPSEC, L_IKE, L_UNDERLAY, L_MTU, LAYERS };

/* depth: the deeper one is the cause. next: {dst} what was asked for, {hop} next hop, {nbma} its outer address, {if} the tunnel. */
static const struct {
	const char *word;
	unsigned depth;
	const char *next;
} layer_of[LAYERS] = {
	[L_INTERFACE] = { "interface", 9, "nhrpctl show interface" },
	[L_UNDERLAY] = { "underlay", 8, "ip route get {nbma}" },
	[L_IKE] = { "ike", 7, "nhrpctl show crypto ikev2 diagnose error" },
	[L_IPSEC] = { "ipsec", 6, "nhrpctl show crypto session" },
	[L_POLICY] = { "policy", 5, "nhrpctl show ip nhrp traffic" },
	[L_MAPPING] = { "mapping", 4, "nhrpctl show ip nhrp nhs" },
	[L_NEIGHBOUR] = { "neighbour", 3, "nhrpctl clear ip nhrp {hop}" },
	[L_SHORTCUT] = { "shortcut", 2, "nhrpctl clear ip nhrp shortcut" },
	[L_ROUTE] = { "route", 1, "ip route get {dst}" },
	[L_MTU] = { "mtu", 0, "nhrpctl show dmvpn peer {nbma} detail" },
};

/* NOTE: it goes on from here, but not as it might. */
enum verdict { V_OK, V_NOTE, V_BROKEN, V_UNKNOWN };
static const char *const verdict_word[] = { [V_OK] = "ok", [V_NOTE] = "note", [V_BROKEN] = "broken", [V_UNKNOWN] = "unknown" };

struct why {
	struct show *s;
	json_t *layers;
	struct addr dst, hop, nbma, hub;
	struct route_answer route;
	bool asked_peer;	/* dst is an outer address: it is about the peer itself */
	bool known;	/* peer: */
	struct core_peer_info peer;
	char peer_reason[200];
	bool mapped, pending, installed, restored;	/* the mapping of hop */
	char map_reason[200];
	bool nhs, nhs_up;
	char nhs_reason[200];
	struct nhrp_shortcut_info sc;
	bool shortcut;
	char sc_reason[200];
	int broken;	/* enum layer, -1: none */
	char cause[400];
};

__attribute__((format(printf, 4, 5))) static void
say(struct why *w, enum layer l, enum verdict v, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_array_append_new(w->layers, json_pack("{s:s, s:s, s:o}", "layer", layer_of[l].word, "state", verdict_word[v], "text", show_text(text)));
	if (v != V_BROKEN || (w->broken >= 0 && layer_of[w->broken].depth >= layer_of[l].depth))
		return;
	w->broken = (int)l;
	snprintf(w->cause, sizeof(w->cause), "%s", text);
}

/* ---- what is known */

static bool
better_peer(void *ctx, const struct core_peer_info *i)
{
	struct why *w = ctx;

	if ((!w->s->conf->plain && !show_is_asked_for(w->s, i)) || (w->known && w->peer.step >= i->step))
		return true;
	w->peer = *i;
	snprintf(w->peer_reason, sizeof(w->peer_reason), "%s", i->reason);
	w->known = true;
	return true;
}

static void
find_peer(struct why *w, const struct addr *a)
{
	struct addr was = w->s->which;

	w->s->which = *a;
	core_visit_peer(w->s->src->core, w->s->tunnel, better_peer, w);
	w->s->which = was;
	if (w->known)
		w->nbma = w->peer.nbma;
}

static bool
a_mapping(void *ctx, const struct nhrp_cache_info *i)
{
	struct why *w = ctx;

	w->mapped = true;
	w->pending = i->type == NHRP_CT_INCOMPLETE;
	w->installed = i->installed;
	w->restored = i->restored;
	if (!w->nbma.n)
		w->nbma = i->nbma;
	snprintf(w->map_reason, sizeof(w->map_reason), "%s", i->type <= NHRP_CT_NEGATIVE ? *i->reason ? i->reason : nhrp_cache_type_name(i->type) : "");
	return false;
}

static bool
a_server(void *ctx, const struct nhrp_nhs_info *i)
{
	struct why *w = ctx;

	if (!addr_eq(&i->proto, &w->hop))
		return true;
	w->nhs = true;
	w->nhs_up = i->up;
	snprintf(w->nhs_reason, sizeof(w->nhs_reason), "%s", *i->reason ? i->reason : i->state);
	return !i->up;
}

/* The first that is up, else the first. */
static bool
a_hub(void *ctx, const struct nhrp_nhs_info *i)
{
	struct why *w = ctx;

	if (i->family != w->hop.n || !i->proto.n || (w->hub.n && !i->up))
		return true;
	w->hub = i->proto;
	return !i->up;
}

static bool
a_shortcut(void *ctx, const struct nhrp_shortcut_info *i)
{
	struct why *w = ctx;

	if (!prefix_has(&i->prefix, &w->dst) || (w->shortcut && w->sc.prefix.bits >= i->prefix.bits))
		return true;
	w->sc = *i;
	snprintf(w->sc_reason, sizeof(w->sc_reason), "%s", i->reason);
	w->shortcut = true;
	return true;
}

static void
find_hop(struct why *w)
{
	struct prefix host = prefix_host(&w->hop);

	if (!w->hop.n && !w->s->conf->plain)	/* nobody has told its tunnel address yet */
		return;
	if (w->s->nhrp) {
		nhrp_visit_cache(w->s->nhrp, &host, a_mapping, w);
		nhrp_visit_nhs(w->s->nhrp, a_server, w);
	}
	find_peer(w, &w->hop);
}

/* ---- the layers, each telling what it sees */

static bool
select_tunnel(struct show *s, uint32_t tunnel)
{
	s->tunnel = tunnel;
	s->conf = tunnel ? &show_conf(s)->tunnel[tunnel - 1] : NULL;
	s->nhrp = tunnel ? core_nhrp(s->src->core, tunnel) : NULL;
	return tunnel != 0;
}

static bool
link_of(const struct show *s, uint32_t tunnel, struct dp_link_info *l)
{
	*l = (struct dp_link_info){ .up = false };
	return s->src->dp && s->src->dp->ops->link_info(s->src->dp, tunnel, l);
}

/* The tunnel that the kernel's route names, or whose network the address is in. */
static uint32_t
tunnel_of(const struct why *w)
{
	const struct core_conf *c = show_conf(w->s);
	struct dp_link_info l;

	for (uint32_t i = 1; i <= c->n_tunnel && w->route.route.ifindex; i++) {
		if (link_of(w->s, i, &l) && l.ifindex == w->route.route.ifindex)
			return i;
	}
	for (uint32_t i = 1; i <= c->n_tunnel; i++) {
		for (unsigned k = 0; k < c->tunnel[i - 1].dp.n_addr; k++) {
			if (prefix_has(&c->tunnel[i - 1].dp.addr[k], &w->dst))
				return i;
		}
	}
	return 0;
}

/* Asked for by its outer address, which no tunnel leads to: about the peer. */
static bool
is_outer(struct why *w)
{
	for (uint32_t i = 1; i <= show_conf(w->s)->n_tunnel; i++) {
		select_tunnel(w->s, i);
		find_peer(w, &w->dst);
		if (w->known && (addr_eq(&w->dst, &w->peer.nbma) || addr_eq(&w->dst, &w->peer.nbma_claimed))) {
			w->asked_peer = true;
			w->hop = w->peer.proto;
			return true;
		}
		w->known = false;
		w->nbma.n = 0;
	}
	return select_tunnel(w->s, 0);
}

static void
say_interface(struct why *w)
{
	const char *name = w->s->conf->dp.name;
	struct dp_link_info l;

	if (!link_of(w->s, w->s->tunnel, &l))
		say(w, L_INTERFACE, V_BROKEN, "%s is not there", name);
	else if (!l.up)
		say(w, L_INTERFACE, V_BROKEN, "%s is down%s%s", name, w->known && w->peer.step == CORE_STEP_INTF && *w->peer_reason ? ": " : "",
		    w->known && w->peer.step == CORE_STEP_INTF ? w->peer_reason : "");
	else if (w->s->conf->source_if && !core_source_addr(w->s->src->core, w->s->tunnel).n)
		say(w, L_INTERFACE, V_BROKEN, "tunnel source %s of %s has no address", w->s->conf->source_if, name);
	else
		say(w, L_INTERFACE, V_OK, "%s is up, MTU %u", name, l.mtu);
}

static const char *
no_route(int error)
{
	switch (error) {
	case EINVAL:
		return "a blackhole takes it, and nothing more specific leads into a tunnel";
	case EACCES:
		return "a route prohibits it, and nothing more specific leads into a tunnel";
	case EHOSTUNREACH:
		return "a route says unreachable, and nothing more specific leads into a tunnel";
	case ENETUNREACH:
		return "no route of any table leads there";
	default:
		return strerror(error);
	}
}

static void
say_route(struct why *w)
{
	const struct rib_route *r = &w->route.route;
	char to[PREFIX_STRLEN], via[ADDR_STRLEN], dst[ADDR_STRLEN];

	addr_fmt(&w->dst, dst);
	prefix_fmt(&r->dst, to);
	if (w->route.error)
		say(w, L_ROUTE, V_BROKEN, "no route to %s: %s", dst, no_route(w->route.error));
	else if (r->kind == RIB_REJECT)
		say(w, L_ROUTE, V_BROKEN, "the route to %s refuses: nothing more specific leads into a tunnel", to);
	else if (w->s->tunnel && strcmp(w->route.name, w->s->conf->dp.name) == 0)
		say(w, L_ROUTE, V_OK, "%s by %s, %s%s", to, w->route.name, r->via.n ? "next hop " : "on link", r->via.n ? addr_fmt(&r->via, via) : "");
	else
		say(w, L_ROUTE, V_BROKEN, "%s leaves by %s with the route to %s%s%s, not by a tunnel: a route to it by the tunnel is missing", dst, w->route.name, to,
		    r->via.n ? " via " : "", r->via.n ? addr_fmt(&r->via, via) : "");
}

static void
say_shortcut(struct why *w)
{
	char to[PREFIX_STRLEN], via[ADDR_STRLEN], hop[ADDR_STRLEN];

	addr_fmt(&w->hop, hop);
	if (!w->s->nhrp || addr_eq(&w->hop, &w->dst))
		return;
	if (!w->shortcut)
		say(w, L_SHORTCUT, w->s->conf->nhrp.shortcut ? V_NOTE : V_OK, "none: traffic goes by %s%s", hop,
		    w->s->conf->nhrp.shortcut ? "" : ", as there is no `ip nhrp shortcut`");
	else if (strcmp(w->sc.state, "up") != 0)
		say(w, L_SHORTCUT, V_NOTE, "%s%s%s: traffic goes by %s meanwhile", w->sc.state, *w->sc_reason ? ": " : "", w->sc_reason, hop);
	else if (!addr_eq(&w->sc.via, &w->hop) && w->sc.prefix.bits >= w->route.route.dst.bits)
		say(w, L_SHORTCUT, V_BROKEN, "%s by %s is up, but the kernel's route goes by %s: somebody took ours away", prefix_fmt(&w->sc.prefix, to),
		    addr_fmt(&w->sc.via, via), hop);
	else
		say(w, L_SHORTCUT, V_OK, "%s goes straight to %s", prefix_fmt(&w->sc.prefix, to), addr_fmt(&w->sc.via, via));
}

static void
say_mapping(struct why *w)
{
	char hop[ADDR_STRLEN], nbma[ADDR_STRLEN];

	addr_fmt(&w->hop, hop);
	if (!w->s->nhrp || !w->hop.n)
		return;
	if (w->nhs && !w->nhs_up)
		say(w, L_MAPPING, V_BROKEN, "%s is a hub, and we are not registered with it: %s", hop, w->nhs_reason);
	else if (w->known && w->peer.step == CORE_STEP_NHRP)
		say(w, L_MAPPING, V_BROKEN, "%s has an SA, but no registration: %s", hop, w->peer_reason);
	else if (w->restored)
		say(w, L_MAPPING, V_BROKEN, "%s is at %s as it was before the restart, which it has not confirmed", hop, addr_fmt(&w->nbma, nbma));
	else if (w->mapped && !*w->map_reason)
		say(w, L_MAPPING, V_OK, "%s is at %s", hop, addr_fmt(&w->nbma, nbma));
	else if (w->mapped)
		say(w, L_MAPPING, V_BROKEN, "it is not known where %s is: %s", hop, w->map_reason);
	else
		say(w, L_MAPPING, V_BROKEN, "it is not known where %s is: it has not registered; look there: nhrpctl show ip nhrp nhs", hop);
}

/* A spoke that does not know its next hop sends by a hub, and asks. */
static void
by_hub(struct why *w)
{
	char hop[ADDR_STRLEN], hub[ADDR_STRLEN];

	if (!w->s->nhrp || !w->hop.n || w->known || w->nhs || (w->mapped && !w->pending))
		return;
	nhrp_visit_nhs(w->s->nhrp, a_hub, w);
	if (!w->hub.n)
		return;
	say(w, L_MAPPING, V_NOTE, "where %s is, is %s: traffic goes by the hub %s", addr_fmt(&w->hop, hop),
	    w->pending ? "being asked" : "asked with the first packet", addr_fmt(&w->hub, hub));
	w->hop = w->hub;
	w->mapped = w->pending = false;
	find_hop(w);
}

static void
say_neighbour(struct why *w)
{
	const struct control_src *src = w->s->src;
	struct dp_link_info l;
	char hop[ADDR_STRLEN];
	int there;

	addr_fmt(&w->hop, hop);
	if (!w->installed || !w->known || w->peer.step != CORE_STEP_UP || !src->neigh || !link_of(w->s, w->s->tunnel, &l))
		return;
	there = src->neigh(src->ctx, l.ifindex, &w->hop);
	if (there == 0)
		say(w, L_NEIGHBOUR, V_BROKEN, "the kernel has no entry for %s on %s any more: somebody took ours away", hop, w->s->conf->dp.name);
	else
		say(w, L_NEIGHBOUR, there > 0 ? V_OK : V_UNKNOWN, there > 0 ? "%s is in the kernel's table" : "%s: the kernel does not tell", hop);
}

/* What of the peer is refused or held back. A refusal is a fault only where it keeps what we look for from being known. */
static void
say_policy(struct why *w)
{
	struct nhrp_rate_info rate;
	struct nhrp_may_info may;

	if (!w->s->nhrp || !w->known || !w->peer.peer)
		return;
	if (nhrp_peer_may(w->s->nhrp, w->peer.peer, &may) && may.refusals)
		say(w, L_POLICY, w->peer.step == CORE_STEP_UP ? V_NOTE : V_BROKEN, "%s", may.reason);
	else if (nhrp_peer_rate(w->s->nhrp, w->peer.peer, w->s->now, &rate) && rate.now)
		say(w, L_POLICY, V_NOTE, "it sends more NHRP packets than `ip nhrp max-receive` lets in: %llu dropped", (unsigned long long)rate.limited);
	else
		say(w, L_POLICY, V_OK, "nothing of it was refused");
}

static void
say_crypto(struct why *w)
{
	static const enum verdict ike[] = { [CORE_STEP_INTF] = V_UNKNOWN, [CORE_STEP_IKE] = V_BROKEN, [CORE_STEP_IPSEC] = V_OK, [CORE_STEP_NHRP] = V_OK,
		[CORE_STEP_UP] = V_OK };
	char nbma[ADDR_STRLEN];
	enum core_step step = w->peer.step;

	if (!w->known) {
		say(w, L_IKE, V_UNKNOWN, "nobody to talk to is known");
		return;
	}
	addr_fmt(&w->nbma, nbma);
	if (step >= CORE_STEP_NHRP)
		say(w, L_IPSEC, V_OK, "SAs 0x%08x in, 0x%08x out%s", (unsigned)w->peer.spi_in, (unsigned)w->peer.spi_out, w->peer.encap ? ", in UDP" : "");
	else if (step == CORE_STEP_IPSEC)
		say(w, L_IPSEC, V_BROKEN, "no ESP SA with %s: %s", nbma, w->peer_reason);
	if (ike[step] == V_OK)
		say(w, L_IKE, V_OK, "%s at %s%s", *w->peer.identity ? w->peer.identity : "peer", nbma, w->peer.natted ? ", behind NAT" : "");
	else
		say(w, L_IKE, ike[step], "no IKE SA with %s: %s", nbma, w->peer_reason);
}

static void
say_underlay(struct why *w)
{
	const struct control_src *src = w->s->src;
	char nbma[ADDR_STRLEN], via[ADDR_STRLEN];
	struct route_answer r;
	uint32_t through;

	if (!w->nbma.n || !src->route)
		return;
	src->route(src->ctx, &w->nbma, &r);
	addr_fmt(&w->nbma, nbma);
	through = w->route.route.ifindex;
	if (r.error)
		say(w, L_UNDERLAY, V_BROKEN, "no route to %s: %s", nbma, no_route(r.error));
	else if (r.route.kind != RIB_UNICAST)
		say(w, L_UNDERLAY, V_BROKEN, "the route to %s %s", nbma, r.route.kind == RIB_LOCAL ? "ends here: it is an address of ours" : "refuses");
	else if (through && r.route.ifindex == through && !w->asked_peer)
		say(w, L_UNDERLAY, V_BROKEN, "%s is routed into %s, the tunnel that is to go there", nbma, r.name);
	else
		say(w, L_UNDERLAY, V_OK, "%s by %s%s%s", nbma, r.name, r.route.via.n ? " via " : ", on link", r.route.via.n ? addr_fmt(&r.route.via, via) : "");
}

static void
say_mtu(struct why *w)
{
	struct dp_peer_stats st = { 0 };
	struct dp_link_info l;
	struct dp *dp = w->s->src->dp;

	if (!w->known || !w->peer.peer || !dp || !dp->ops->peer_stats(dp, w->s->tunnel, w->peer.peer, &st) || !st.path_mtu || !link_of(w->s, w->s->tunnel, &l))
		return;
	if (st.path_mtu < l.mtu)
		say(w, L_MTU, V_NOTE, "packets up to %u octets get through%s; the interface takes %u, larger ones are answered with ICMP", (unsigned)st.path_mtu,
		    st.path_holes ? " (larger ones vanish on the way)" : "", l.mtu);
	else
		say(w, L_MTU, V_OK, "packets up to %u octets get through", (unsigned)st.path_mtu);
}

/* ---- the whole */

static json_t *
next_step(const struct why *w)
{
	char text[200] = "", a[ADDR_STRLEN];
	const char *t = w->broken >= 0 ? layer_of[w->broken].next : "";
	size_t n = 0;

	for (; *t && n + 1 < sizeof(text);) {
		const struct addr *of = strncmp(t, "{dst}", 5) == 0 ? &w->dst : strncmp(t, "{hop}", 5) == 0 ? &w->hop : strncmp(t, "{nbma}", 6) == 0 ? &w->nbma : NULL;

		if (of)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", addr_fmt(of, a));
		else
			text[n++] = *t;
		t += of ? strcspn(t, "}") + 1 : 1;
	}
	if (n < sizeof(text))
		text[n] = '\0';
	return json_string(text);
}

static void
ask_it(struct why *w)
{
	const struct control_src *src = w->s->src;

	if (w->s->nhrp && w->known && w->peer.peer && w->peer.step >= CORE_STEP_NHRP && w->hop.n && src->later && src->probe)
		*src->later = (struct control_later){ true, CONTROL_WHY, w->peer.tunnel, w->hop };
}

static json_t *
result(struct why *w)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:b, s:s, s:o, s:o, s:o}", "address", show_addr(&w->dst), "interface",
	    show_text(w->s->conf ? w->s->conf->dp.name : ""), "next_hop", show_addr(&w->hop), "nbma", show_addr(&w->nbma), "works", w->broken < 0, "broken",
	    w->broken < 0 ? "" : layer_of[w->broken].word, "cause", show_text(w->cause), "next", next_step(w), "layers", w->layers);
}

json_t *
show_why(struct show *s)
{
	struct why w = { .s = s, .layers = json_array(), .dst = s->which, .broken = -1 };

	if (!w.layers)
		return NULL;
	w.route.error = ENOSYS;
	if (s->src->route)
		s->src->route(s->src->ctx, &w.dst, &w.route);
	if (w.route.error == 0 && w.route.route.kind == RIB_LOCAL) {
		say(&w, L_ROUTE, V_OK, "it is an address of ours: packets to it end here");
		return result(&w);
	}
	if (!select_tunnel(s, tunnel_of(&w)) && !is_outer(&w)) {
		say_route(&w);
		return result(&w);
	}
	if (!w.asked_peer)
		w.hop = w.route.route.via.n && strcmp(w.route.name, s->conf->dp.name) == 0 ? w.route.route.via : w.dst;
	find_hop(&w);
	if (s->nhrp)
		nhrp_visit_shortcut(s->nhrp, a_shortcut, &w);
	say_interface(&w);
	if (!w.asked_peer) {
		say_route(&w);
		say_shortcut(&w);
	}
	by_hub(&w);
	say_mapping(&w);
	say_neighbour(&w);
	say_policy(&w);
	say_crypto(&w);
	say_underlay(&w);
	say_mtu(&w);
	ask_it(&w);
	return result(&w);
}

/* What came of asking it. */
void
show_why_answered(json_t *data, bool ok, tick_t took, const char *reason)
{
	const char *hop = json_string_value(json_object_get(data, "next_hop"));
	bool worked = json_is_true(json_object_get(data, "works"));
	char text[200];

	if (ok)
		snprintf(text, sizeof(text), "%s answered over the SA after %llu.%03llu ms", hop, (unsigned long long)took / 1000, (unsigned long long)took % 1000);
	else
		snprintf(text, sizeof(text), "%s is silent: %s; it is gone, or ESP is filtered on the way", hop, reason);
	json_array_append_new(json_object_get(data, "layers"), json_pack("{s:s, s:s, s:s}", "layer", "answer", "state", verdict_word[ok ? V_OK : V_BROKEN],
	    "text", text));
	if (ok || !worked)
		return;
	json_object_set_new(data, "works", json_false());
	json_object_set_new(data, "broken", json_string("answer"));
	json_object_set_new(data, "cause", json_string(text));
	snprintf(text, sizeof(text), "nhrpctl show dmvpn peer %s timeline", hop);
	json_object_set_new(data, "next", json_string(text));
}
