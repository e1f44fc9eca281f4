/* nhrpd/daemon/conf_build.c: from blocks to the structs of the engines. Here names are looked up across blocks, defaults
 * fill what was not said, and what cannot work together is refused at the line that asks for it. */
#include "nhrpd/daemon/conf_priv.h"

#include <unistd.h>

void *
conf_find(struct conf_block *list, const char *name)
{
	for (; list; list = list->next) {
		if (strcmp(list->name, name) == 0)
			return list;
	}
	return NULL;
}

static uint64_t
or_else(const struct conf_val *v, uint64_t otherwise)
{
	return v->at.line ? v->n : otherwise;
}

static void
copy_name(char *out, size_t n, const char *s)
{
	snprintf(out, n, "%s", s);
}

/* ---- keys */

static void
build_key(struct conf_parse *p, const struct conf_b_peer *b, struct ike_key *k)
{
	copy_name(k->name, sizeof(k->name), b->b.name);
	k->has_id = b->id_at.line != NULL;
	k->id = b->id;
	k->has_address = b->address.at.line != NULL;
	k->address = b->address.p;
	k->psk_len = (uint16_t)b->psk_len;
	if (b->psk)
		memcpy(k->psk, b->psk, b->psk_len);
	if (b->ppk_id.at.line) {
		k->ppk_id_len = (uint8_t)strlen(b->ppk_id.s);
		memcpy(k->ppk_id, b->ppk_id.s, k->ppk_id_len);
		k->ppk_len = (uint8_t)b->ppk_len;
		memcpy(k->ppk, b->ppk, b->ppk_len);
		k->ppk_required = b->ppk_required;
		p->conf->core.ike.ppk = true;
	}
	if (!k->has_id && !k->has_address)
		conf_error_at(p, b->b.at, "peer %s needs \"identity\" or \"address\": whose secret is it?", b->b.name);
	if (!b->psk_at.line && !b->ppk_id.at.line)	/* a post-quantum key alone goes with certificates */
		conf_error_at(p, b->b.at, "peer %s has no pre-shared-key", b->b.name);
}

static void
build_keyring(struct conf_parse *p, struct conf_b_keyring *r)
{
	unsigned n = 0;

	for (const struct conf_block *b = r->peer; b; b = b->next)
		n++;
	if (n == 0) {
		conf_error_at(p, r->b.at, "keyring %s has no peer", r->b.name);
		return;
	}
	r->key = conf_alloc(p->mem, n * sizeof(r->key[0]));
	for (struct conf_block *b = r->peer; b && r->key; b = b->next)
		build_key(p, (struct conf_b_peer *)b, &r->key[r->n_key++]);
}

/* ---- profiles */

/* What a block names, or, where it names nothing, the only one there is. NULL: said. */
static void *
named_or_only(struct conf_parse *p, const struct conf_val *name, struct conf_place owner, const char *owner_text, const char *word,
    struct conf_block *list, enum conf_ctx ctx)
{
	void *b = name->at.line ? conf_find(list, name->s) : list;

	if (name->at.line && !b) {
		conf_error_at(p, name->at, "there is no \"%s %s\"", conf_ctx_name(ctx), name->s);
		return NULL;
	}
	if (!b)
		conf_error_at(p, owner, "%s needs a \"%s\": there is none", owner_text, conf_ctx_name(ctx));
	if (!name->at.line && list && list->next) {
		conf_error_at(p, owner, "%s needs \"%s NAME\": there are more than one to choose from", owner_text, word);
		return NULL;
	}
	return b;
}

static struct conf_b_keyring *
profile_keyring(struct conf_parse *p, const struct conf_b_profile *f)
{
	char owner[IKE_NAME_MAX + 32];

	snprintf(owner, sizeof(owner), "profile %s", f->b.name);
	return named_or_only(p, &f->keyring, f->b.at, owner, "keyring local", p->keyring, CONF_KEYRING);
}

static struct conf_b_profile *
ipsec_profile(struct conf_parse *p, const struct conf_b_ipsec *b)
{
	char owner[IKE_NAME_MAX + 32];

	snprintf(owner, sizeof(owner), "%s %s", b->map ? "crypto map" : "profile", b->b.name);
	return named_or_only(p, &b->profile, b->b.at, owner, "set ikev2-profile", p->profile, CONF_PROFILE);
}

static void
build_dpd(const struct conf_dpd *d, struct ike_profile *o)
{
	o->dpd = d->mode.at.line ? (enum ike_dpd)d->mode.n : IKE_DPD_DEFAULT;
	o->dpd_s = (uint32_t)or_else(&d->every, 10);
	o->dpd_retry_s = (uint32_t)or_else(&d->retry, 3);
}

void
conf_build_profile(struct conf_parse *p, const struct conf_b_ipsec *b, const struct conf_proposals *ike, struct ike_profile *o)
{
	const struct conf_b_profile *f = ipsec_profile(p, b);
	const struct conf_b_keyring *r;

	conf_build_esp(p, b, o);
	if (!f)
		return;
	if (f->keyring.at.line)
		r = conf_find(p->keyring, f->keyring.s);
	else	/* by certificates both ways: only one that is named, for its post-quantum keys */
		r = conf_wants_keyring(f) ? (struct conf_b_keyring *)p->keyring : NULL;
	copy_name(o->name, sizeof(o->name), f->b.name);
	o->local_id = f->local;
	conf_build_auth(p, f, o);
	memcpy(o->remote, f->remote, sizeof(o->remote));
	o->n_remote = f->n_remote;
	o->n_certmap = conf_build_certmaps(p, &f->certmaps, o->certmap);
	if (f->certmaps.n && !(o->auth_remote & ~(unsigned)IKE_TAKE_PSK))
		conf_error_at(p, f->certmaps.map[0].at, "profile %s would match nobody: \"authentication remote\" takes no certificates", f->b.name);
	o->key = r ? r->key : NULL;
	o->n_key = r ? r->n_key : 0;
	memcpy(o->ike, ike->item, sizeof(o->ike));
	o->n_ike = ike->n;
	build_dpd(f->dpd.mode.at.line ? &f->dpd : &p->global.dpd, o);
	o->ike_life_s = (uint32_t)or_else(&f->life, 86400);
	o->reauth_s = (uint32_t)or_else(&f->reauth, 0);
	o->encap_force = f->encap_force.n;
	o->child_life.hard_s = (uint32_t)or_else(&b->life_s, 3600);
	o->child_life.hard_bytes = or_else(&b->life_kb, 4608000) * 1024;
	o->child_life.hard_packets = or_else(&b->life_packets, 0);
	o->replay_window = (uint32_t)or_else(&b->replay, 1024);
	o->keepalive_s = (uint32_t)or_else(&p->global.keepalive, 20);
}

/* ---- interfaces */

static bool
is_down(const struct conf_b_interface *b)
{
	return b->shutdown.at.line && b->shutdown.n;
}

/* The family outside: of the source address, else as `tunnel mode` says. */
static uint8_t
outer_family(struct conf_parse *p, const struct conf_b_interface *b)
{
	uint8_t mode = b->ipsec_mode.n || b->gre_mode.n || (b->mode.at.line && b->mode.s) ? 16 : 4, given = b->source.p.addr.n;

	if (!b->source.at.line || !given)
		return mode;
	if ((b->mode.at.line || conf_is_plain(b) || conf_is_p2p(b)) && given != mode)
		conf_error_at(p, b->source.at, "%s source for a tunnel of mode \"%s%s\"", given == 4 ? "an IPv4" : "an IPv6",
		    conf_is_plain(b) ? "ipsec" : conf_is_p2p(b) ? "gre" : "gre multipoint",
		    mode == 16 ? " ipv6" : conf_is_plain(b) ? " ipv4" : conf_is_p2p(b) ? " ip" : "");
	else if (!addr_is_unicast(&b->source.p.addr))
		conf_error_at(p, b->source.at, "not an address a host can have");
	return given;
}

static bool
has_own(const struct conf_b_interface *b, uint8_t family)
{
	for (unsigned i = 0; i < b->n_own; i++) {
		if (b->own[i].addr.n == family)
			return true;
	}
	return false;
}

static void
check_interface(struct conf_parse *p, const struct conf_b_interface *b)
{
	struct conf_place at = b->b.at;
	const char *name = b->b.name;

	if (b->n_own == 0)
		conf_error_at(p, at, "interface %s needs \"ip address\" or \"ipv6 address\"", name);
	if (!b->source.at.line)
		conf_error_at(p, at, "interface %s needs \"tunnel source\"", name);
	if (!b->network_id.at.line && !conf_is_plain(b))
		conf_error_at(p, at, "interface %s needs \"ip nhrp network-id\"", name);
	conf_check_bare(p, b);
	if (!b->protection.at.line && !b->bare.n)
		conf_error_at(p, at, "interface %s needs \"tunnel protection ipsec profile NAME\": it never sends in clear", name);
	else if (b->protection.at.line && !conf_find(p->ipsec, b->protection.s))
		conf_error_at(p, b->protection.at, "there is no \"crypto ipsec profile %s\"", b->protection.s);
	if (b->reg.at.line && b->reg.n >= or_else(&b->hold, 600))
		conf_error_at(p, b->reg.at, "the registration timeout must be shorter than the holdtime of %llu seconds",
		    (unsigned long long)or_else(&b->hold, 600));
}

/* Whose peers an interface takes. NULL where that is wrong for other reasons, which are said elsewhere. */
static const struct conf_b_profile *
whose_peers(struct conf_parse *p, const struct conf_b_interface *b)
{
	struct conf_b_ipsec *prot = b->protection.at.line ? conf_find(p->ipsec, b->protection.s) : NULL;

	if (!prot)
		return NULL;
	return prot->profile.at.line ? conf_find(p->profile, prot->profile.s) : (const struct conf_b_profile *)p->profile;
}

/* Several multipoint tunnels may have one source: GRE is told apart by the key, and who calls by the profile that takes his identity. */
static void
check_sources(struct conf_parse *p, const struct conf_b_interface *b)
{
	for (const struct conf_block *o = p->interface; o && o != &b->b; o = o->next) {
		const struct conf_b_interface *other = (const struct conf_b_interface *)o;

		if (is_down(other) || is_down(b) || conf_is_plain(other) || conf_is_plain(b) || !other->source.at.line || !b->source.at.line)
			continue;
		if (strcmp(other->source.s, b->source.s) != 0 && !(b->source.p.addr.n && addr_eq(&other->source.p.addr, &b->source.p.addr)))
			continue;
		if (!b->key.at.line || !other->key.at.line || b->key.n == other->key.n)
			conf_error_at(p, b->source.at, "interface %s has the source %s already (%s): each needs a \"tunnel key\" of its own", o->name, b->source.s,
			    conf_place_text(p, other->source.at));
		else if (whose_peers(p, b) && whose_peers(p, b) == whose_peers(p, other))
			conf_error_at(p, b->source.at, "interface %s has the source %s already (%s): each needs an ikev2 profile of its own, for peers of its own", o->name,
			    b->source.s, conf_place_text(p, other->source.at));
		else
			continue;
		return;
	}
}

/* Sockets are bound to it, and there is one of each kind. */
static void
check_underlay(struct conf_parse *p, const struct conf_b_interface *b)
{
	for (const struct conf_block *o = p->interface; o && o != &b->b; o = o->next) {
		const struct conf_b_interface *other = (const struct conf_b_interface *)o;
		const char *one = b->outer_vrf.at.line ? b->outer_vrf.s : "", *two = other->outer_vrf.at.line ? other->outer_vrf.s : "";

		if (is_down(other) || is_down(b) || strcmp(one, two) == 0)
			continue;
		conf_error_at(p, *one ? b->outer_vrf.at : b->b.at, "interface %s has %s%s: outer packets of all tunnels are in one VRF", o->name,
		    *two ? "tunnel vrf " : "no tunnel vrf", two);
		return;
	}
}

static const struct addr *
map_of(const struct conf_b_interface *b, const struct addr *proto)
{
	for (unsigned i = 0; i < b->n_map; i++) {
		if (!b->map[i].map.mcast && addr_eq(&b->map[i].map.proto, proto))
			return &b->map[i].map.nbma;
	}
	return NULL;
}

static bool
map_is_mcast(const struct conf_b_interface *b, const struct addr *nbma)
{
	for (unsigned i = 0; i < b->n_map; i++) {
		if (b->map[i].map.mcast && addr_eq(&b->map[i].map.nbma, nbma))
			return true;
	}
	return false;
}

static void
build_nhs(struct conf_parse *p, const struct conf_b_interface *b, const struct conf_b_nhs *n, uint8_t family, struct nhrp_conf_nhs *o)
{
	const struct addr *mapped = map_of(b, &n->nhs.proto);
	const char *dest = conf_p2p_destination(b);
	char proto[ADDR_STRLEN];
	struct addr nbma;

	*o = n->nhs;
	o->mcast = o->mcast || dest;
	addr_fmt(&n->nhs.proto, proto);
	if (!has_own(b, o->family))
		conf_error_at(p, n->at, "interface %s has no %s address to register", b->b.name, o->family == 4 ? "IPv4" : "IPv6");
	for (unsigned i = 0; i < b->n_own; i++) {
		if (addr_eq(&b->own[i].addr, &o->proto))
			conf_error_at(p, n->at, "%s is our own address", proto);
	}
	if (!o->name[0] && dest)
		copy_name(o->name, sizeof(o->name), dest);
	if (!o->name[0] && !mapped && conf_is_p2p(b))
		return;	/* said: no destination */
	if (!o->name[0] && !mapped) {
		conf_error_at(p, n->at, "hub %s has no outer address: add \"nbma ADDRESS\" here, or \"%s nhrp map %s ADDRESS\"", proto,
		    o->family == 4 ? "ip" : "ipv6", proto);
		return;
	}
	if (!o->name[0])
		addr_fmt(mapped, o->name);
	if (!addr_parse(o->name, &nbma))
		return;
	if (nbma.n != family)
		conf_error_at(p, n->nbma_at, "the outer address %s is not of the family of the tunnel's source", o->name);
	o->mcast = o->mcast || map_is_mcast(b, &nbma);
}

static struct nhrp_conf_rate
build_rate(const struct conf_rate *r)
{
	return (struct nhrp_conf_rate){ (uint16_t)r->packets.n, (uint16_t)r->every.n };
}

static void
build_nhrp(struct conf_parse *p, const struct conf_b_interface *b, uint8_t family, struct nhrp_conf *o)
{
	o->network_id = (uint32_t)b->network_id.n;
	memcpy(o->own, b->own, sizeof(o->own));
	o->n_own = b->n_own;
	o->hold_s = (uint16_t)or_else(&b->hold, 600);
	o->reg_s = (uint16_t)or_else(&b->reg, 0);
	if (b->auth.at.line) {
		o->auth_len = (uint8_t)strnlen(b->auth.s, NHRP_AUTH_MAX);
		memcpy(o->auth, b->auth.s, o->auth_len);
	}
	o->keep = !p->conf->store_off;
	o->shortcut = b->shortcut.n;
	o->one_way = conf_is_p2p(b);
	o->redirect = b->redirect.n;
	o->no_unique = b->no_unique.n;
	o->if_state = b->if_state.n;
	if (o->if_state && !b->n_nhs)
		conf_error_at(p, b->if_state.at, "interface %s has no \"ip nhrp nhs\": with \"if-state nhrp\" it would never be up", b->b.name);
	o->mcast_dynamic = b->mcast_dynamic.n;
	o->mtu = (uint16_t)or_else(&b->mtu, 0);
	o->max_receive = build_rate(&b->max_receive);
	o->max_send = build_rate(&b->max_send);
	o->fallback_s = (uint8_t)or_else(&b->fallback, 0);
	conf_build_groups(b, o);
	for (unsigned i = 0; i < NHRP_CLUSTERS; i++)
		o->max_connections[i] = (uint8_t)or_else(&b->cluster[i], 0);
	for (unsigned i = 0; i < b->n_nhs; i++)
		build_nhs(p, b, &b->nhs[i], family, &o->nhs[o->n_nhs++]);
	for (unsigned i = 0; i < b->n_map; i++) {
		o->map[o->n_map++] = b->map[i].map;
		if (b->map[i].map.nbma.n != family)
			conf_error_at(p, b->map[i].at, "the outer address is not of the family of the tunnel's source");
	}
}

static void
build_dp(const struct conf_b_interface *b, uint32_t id, struct dp_tunnel *o)
{
	o->id = id;
	copy_name(o->name, sizeof(o->name), b->b.name);
	if (b->vrf.at.line)
		copy_name(o->vrf, sizeof(o->vrf), b->vrf.s);
	o->source = b->source.p.addr;
	o->plain = conf_is_plain(b);
	o->bare = b->bare.n;
	o->has_key = b->key.at.line != NULL;
	o->key = (uint32_t)b->key.n;
	memcpy(o->addr, b->own, sizeof(o->addr));
	o->n_addr = b->n_own;
	o->mtu = (unsigned)or_else(&b->mtu, 0);
	o->mss = b->mss.n == UINT32_MAX ? 0 : b->mss.n == 0 ? 1 : (unsigned)b->mss.n;
	o->redirect = b->redirect.n;
}

static void
build_interface(struct conf_parse *p, const struct conf_b_interface *b, struct conf_build *w)
{
	struct core_tunnel_conf spare, *o = &spare;
	uint8_t family = outer_family(p, b);
	struct conf_b_ipsec *prot = b->protection.at.line ? conf_find(p->ipsec, b->protection.s) : NULL;

	memset(&spare, 0, sizeof(spare));
	check_interface(p, b);
	check_sources(p, b);
	check_underlay(p, b);
	if (is_down(b)) {
		p->conf->n_shutdown++;
	} else if (w->n_tunnel == CORE_TUNNELS_MAX) {
		conf_error_at(p, b->b.at, "more than %d tunnel interfaces", CORE_TUNNELS_MAX);
	} else {
		p->conf->tunnel[w->n_tunnel].description = b->description.at.line ? b->description.s : "";
		p->conf->tunnel[w->n_tunnel].bfd = (struct conf_bfd_times){ (uint16_t)b->bfd.interval.n, (uint16_t)b->bfd.min_rx.n, (uint8_t)b->bfd.multiplier.n };
		o = &w->tunnel[w->n_tunnel++];
	}
	conf_check_plain(p, b, family);
	build_dp(b, w->n_tunnel, &o->dp);
	o->plain = conf_build_plain(p, b);
	if (!conf_is_plain(b))
		build_nhrp(p, b, family, &o->nhrp);
	o->source_family = o->dp.outer = family;
	o->outer_vrf = b->outer_vrf.at.line ? b->outer_vrf.s : NULL;
	o->source_if = b->source.p.addr.n ? NULL : b->source.s;
	if (prot && o != &spare && conf_is_plain(b)) {
		struct ike_profile *own = &w->profile[w->n_profile];

		o->profile = w->n_profile++;
		conf_build_profile(p, prot, &w->ike, own);
		copy_name(own->use, sizeof(own->use), b->b.name);
		conf_plain_selectors(b, &own->plain);
	} else if (prot && o != &spare) {
		if (!prot->index) {
			prot->index = ++w->n_profile;
			conf_build_profile(p, prot, &w->ike, &w->profile[prot->index - 1]);
		}
		o->profile = prot->index - 1;
		o->dp.gre_in_tunnel = w->profile[o->profile].mode == IKE_MODE_TUNNEL;
		if (o->dp.gre_in_tunnel && p->global.plane.at.line && p->global.plane.n == CONF_PLANE_KERNEL)
			conf_error_at(p, b->protection.at, "a transform-set with \"mode tunnel\" needs \"dataplane user\"");
	}
	conf_check_groups(p, b);
}

static void
build_store(struct conf_parse *p)
{
	const struct conf_val *v = &p->global.store;

	if (!v->at.line)
		return;
	if (strcmp(v->s, "off") == 0)
		p->conf->store_off = true;
	else if (v->s[0] != '/')
		conf_error_at(p, v->at, "expected \"off\" or a file name that begins with \"/\", found \"%s\"", v->s);
	else
		copy_name(p->conf->store_path, sizeof(p->conf->store_path), v->s);
}

static void
build_zebra(struct conf_parse *p)
{
	const struct conf_b_global *g = &p->global;
	struct zebra_conf *o = &p->conf->zebra;

	o->off = g->zebra.n != 0;	/* off, or "no zebra" */
	o->version = (int)g->zebra_version.n;
	o->distance = (uint8_t)g->zebra_distance.n;
	o->metric = (uint32_t)g->zebra_metric.n;
	if (g->zebra_path.at.line && (g->zebra_path.s[0] != '/' || strlen(g->zebra_path.s) >= sizeof(o->path)))
		conf_error_at(p, g->zebra_path.at, "expected the path of a socket: from \"/\", and at most %zu characters", sizeof(o->path) - 1);
	else if (g->zebra_path.at.line)
		copy_name(o->path, sizeof(o->path), g->zebra_path.s);
}

static void
build_global(struct conf_parse *p)
{
	struct conf_b_global *g = &p->global;
	struct conf *c = p->conf;

	if (g->hostname.at.line)
		copy_name(c->hostname, sizeof(c->hostname), g->hostname.s);
	else if (gethostname(c->hostname, sizeof(c->hostname) - 1) < 0)
		copy_name(c->hostname, sizeof(c->hostname), "localhost");
	c->plane = (enum conf_plane)or_else(&g->plane, CONF_PLANE_AUTO);
	c->crypto = (enum dp_crypto)or_else(&g->crypto, DP_CRYPTO_AUTO);	/* the order of the words */
	for (unsigned i = 0; i < sizeof(g->offload) / sizeof(g->offload[0]); i++)
		c->offload_off |= g->offload[i].at.line && !g->offload[i].n ? 1u << i : 0;	/* in the order of enum dp_offload */
	c->log_level = (enum log_level)or_else(&g->log_level, LOG_LV_INFO);
	c->log_syslog = g->log_syslog.n;
	if (g->control.at.line && strlen(g->control.s) >= sizeof(c->control_path))
		conf_error_at(p, g->control.at, "the path of a socket has at most %zu characters", sizeof(c->control_path) - 1);
	else if (g->control.at.line)
		copy_name(c->control_path, sizeof(c->control_path), g->control.s);
	build_store(p);
	build_zebra(p);
	c->core.ike.half_open_max = (uint32_t)or_else(&g->half_open, 4096);
	c->core.ike.cookie_threshold = (uint32_t)or_else(&g->cookies, 100);
	c->core.ike.sa_max = (uint32_t)or_else(&g->max_sa, 200000);
	c->core.ike.frag_off = g->fragmentation.n == UINT32_MAX;
	c->core.ike.frag_mtu = c->core.ike.frag_off ? 0 : (uint16_t)g->fragmentation.n;
}

static unsigned
count(const struct conf_block *b)
{
	unsigned n = 0;

	for (; b; b = b->next)
		n++;
	return n;
}

static void
check_unused_profile(struct conf_parse *p, const struct conf_b_profile *f)
{
	const struct ike_certmap *scratch[IKE_CERTMAPS_MAX];

	conf_build_certmaps(p, &f->certmaps, scratch);
	if (f->keyring.at.line || conf_wants_keyring(f))
		profile_keyring(p, f);
}

void
conf_check_ipsec(struct conf_parse *p, struct conf_b_ipsec *b)
{
	struct ike_profile scratch;

	memset(&scratch, 0, sizeof(scratch));
	conf_build_esp(p, b, &scratch);
	ipsec_profile(p, b);
}

/* Names in blocks that no interface uses are looked up too: a mistake there would be found the day it is used. */
static void
check_unused(struct conf_parse *p)
{
	for (struct conf_block *b = p->ipsec; b; b = b->next) {
		if (!((struct conf_b_ipsec *)b)->index)
			conf_check_ipsec(p, (struct conf_b_ipsec *)b);
	}
	for (struct conf_block *b = p->profile; b; b = b->next)
		check_unused_profile(p, (struct conf_b_profile *)b);
}

/* The interface with the next hop in one of its networks; NULL: none. */
static const struct conf_b_interface *
leads_to(const struct conf_parse *p, const struct addr *via)
{
	for (const struct conf_block *b = p->interface; b; b = b->next) {
		const struct conf_b_interface *i = (const struct conf_b_interface *)b;

		for (unsigned k = 0; k < i->n_own; k++) {
			struct prefix net = prefix_of(&i->own[k].addr, i->own[k].bits);

			if (prefix_has(&net, via) && !addr_eq(&i->own[k].addr, via))
				return i;
		}
	}
	return NULL;
}

static void
build_statics(struct conf_parse *p)
{
	struct conf_static *out = p->n_static ? conf_alloc(p->mem, p->n_static * sizeof(*out)) : NULL;

	for (unsigned i = 0; out && i < p->n_static; i++) {
		const struct conf_b_static *r = &p->route[i];
		const struct conf_b_interface *b = leads_to(p, &r->via);
		char text[ADDR_STRLEN];

		out[i] = (struct conf_static){ .dst = r->dst, .via = r->via };
		if (!b)
			conf_error_at(p, r->via_at, "no tunnel interface here leads to %s: it is in none of their networks, or an address of ours",
			    addr_fmt(&r->via, text));
		else if (!is_down(b))
			copy_name(out[i].name, sizeof(out[i].name), b->b.name);
		if (b && r->dst.bits == 0)
			conf_warn_at(p, r->at, "the default route goes into the tunnel: the hub's outer address needs another, more specific one");
	}
	p->conf->route = out;
	p->conf->n_static = out ? p->n_static : 0;
}

void
conf_build(struct conf_parse *p)
{
	struct conf_build w = { .n_profile = 0 };

	build_global(p);
	conf_build_trusts(p);
	conf_check_certmaps(p);
	conf_build_authz(p);
	for (struct conf_block *b = p->keyring; b; b = b->next)
		build_keyring(p, (struct conf_b_keyring *)b);
	conf_build_ike(p, &w.ike);
	w.profile = conf_alloc(p->mem, (count(p->ipsec) + CORE_TUNNELS_MAX + 1) * sizeof(w.profile[0]));
	w.tunnel = conf_alloc(p->mem, CORE_TUNNELS_MAX * sizeof(w.tunnel[0]));
	if (!w.profile || !w.tunnel)
		return;
	for (struct conf_block *b = p->interface; b; b = b->next) {
		struct conf_b_interface *i = (struct conf_b_interface *)b;

		if (conf_is_mapped(i))
			conf_build_map(p, i, is_down(i), &w);
		else
			build_interface(p, i, &w);
	}
	conf_check_maps(p);
	check_unused(p);
	build_statics(p);
	if (p->errors)
		return;
	p->conf->core.ike.profile = w.profile;
	p->conf->core.ike.n_profile = w.n_profile;
	p->conf->core.tunnel = w.tunnel;
	p->conf->core.n_tunnel = w.n_tunnel;
}
