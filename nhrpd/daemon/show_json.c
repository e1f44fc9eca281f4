/* nhrpd/daemon/show_json.c: structs that engines show, as JSON objects. */
#include "nhrpd/daemon/show_priv.h"

json_t *
show_text(const char *s)
{
	char clean[256];
	size_t n = 0;
	json_t *t = json_string(s ? s : "");

	if (t || !s)
		return t;
	for (; *s && n < sizeof(clean) - 1; s++)	/* not UTF-8 */
		clean[n++] = (unsigned char)*s < 0x80 ? *s : '?';
	clean[n] = '\0';
	return json_string(clean);
}

json_t *
show_addr(const struct addr *a)
{
	char s[ADDR_STRLEN];

	return json_string(a->n ? addr_fmt(a, s) : "");
}

static json_t *
prefix(const struct prefix *p)
{
	char s[PREFIX_STRLEN];

	return json_string(p->addr.n ? prefix_fmt(p, s) : "");
}

json_t *
show_endpoint(const struct endpoint *e)
{
	char s[ENDPOINT_STRLEN];

	if (e->addr.n && e->port == 0)	/* not known yet */
		return show_addr(&e->addr);
	return json_string(e->addr.n ? endpoint_fmt(e, s) : "");
}

json_t *
show_age(tick_t since, tick_t now)
{
	return since && since <= now ? json_integer((json_int_t)((now - since) / 1000000)) : since ? json_integer(0) : json_null();
}

json_t *
show_left(tick_t at, tick_t now)
{
	return at && at != TICK_NEVER ? json_integer((json_int_t)tick_left_s(now, at)) : json_null();
}

json_t *
show_spi(uint32_t spi)
{
	char s[16];

	snprintf(s, sizeof(s), "0x%08x", spi);
	return json_string(s);
}

static json_t *
number_if(bool there, uint32_t n)
{
	return there ? json_integer(n) : json_null();
}

/* IOS: S static (NHS), D dynamic, I incomplete, N behind NAT. */
static json_t *
attributes(const struct core_peer_info *i)
{
	char s[5];
	size_t n = 0;

	if (i->nhs)
		s[n++] = 'S';
	else if (i->dynamic)
		s[n++] = 'D';
	if (i->incomplete)
		s[n++] = 'I';
	if (i->natted)
		s[n++] = 'N';
	s[n] = '\0';
	return json_string(s);
}

json_t *
show_peer_json(const struct core_peer_info *i, tick_t now)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:b, s:o, s:b, s:b, s:b, s:b, s:b, s:o, s:i, s:o, s:o, s:o, s:I}",
	    "peer", number_if(i->peer != 0, i->peer),
	    "nbma", show_addr(&i->nbma), "claimed_nbma", show_addr(&i->nbma_claimed), "remote", show_endpoint(&i->remote),
	    "tunnel_address", show_addr(&i->proto), "state", core_step_name(i->step), "age_s", show_age(i->since, now),
	    "up", i->step == CORE_STEP_UP,
	    "attributes", attributes(i), "nhs", i->nhs, "dynamic", i->dynamic, "incomplete", i->incomplete, "natted", i->natted,
	    "encap", i->encap,
	    "identity", show_text(i->identity), "entries", (int)i->n_proto, "reason", show_text(i->reason), "spi_in", show_spi(i->spi_in),
	    "spi_out", show_spi(i->spi_out),
	    "ike_sa", (json_int_t)i->ike_sa);
}

json_t *
show_cache_json(const struct nhrp_cache_info *i, tick_t now)
{
	json_t *o = json_pack("{s:o, s:s, s:o, s:o, s:o, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:o, s:o, s:o, s:o}",
	    "prefix", prefix(&i->prefix), "type", nhrp_cache_type_name(i->type), "nbma", show_addr(&i->nbma),
	    "claimed_nbma", show_addr(&i->nbma_claimed),
	    "peer", number_if(i->has_peer, i->peer), "unique", i->unique, "registered", i->registered, "used", i->used, "natted", i->natted,
	    "multicast", i->mcast, "installed", i->installed, "restored", i->restored, "age_s", show_age(i->created, now),
	    "expires_in_s", show_left(i->expires, now), "identity", show_text(i->identity),
	    "reason", show_text(i->reason));

	if (o)
		show_group(o, i);
	return o;
}

json_t *
show_nhs_json(const struct nhrp_nhs_info *i, tick_t now)
{
	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:b, s:i, s:i, s:o, s:o, s:o, s:I, s:I, s:I, s:o}",
	    "index", (json_int_t)i->index, "tunnel_address", show_addr(&i->proto), "nbma", show_addr(&i->nbma), "name", show_text(i->name),
	    "state", show_text(i->state), "up", i->up, "priority", (int)i->priority, "cluster", (int)i->cluster, "peer", number_if(i->has_peer, i->peer),
	    "age_s", show_age(i->since, now),
	    "next_in_s", show_left(i->next, now), "requests", (json_int_t)i->requests, "replies", (json_int_t)i->replies,
	    "failures", (json_int_t)i->failures,
	    "reason", show_text(i->reason));
}

json_t *
show_shortcut_json(const struct nhrp_shortcut_info *i, tick_t now)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "destination", show_addr(&i->dst), "prefix", prefix(&i->prefix), "via", show_addr(&i->via), "nbma", show_addr(&i->nbma),
	    "state", show_text(i->state),
	    "peer", number_if(i->has_peer, i->peer), "age_s", show_age(i->since, now), "expires_in_s", show_left(i->expires, now),
	    "reason", show_text(i->reason));
}

static json_t *
id_text(const struct ike_id *id)
{
	char s[3 * IKE_ID_MAX + 32];

	return show_text(id && id->type ? ike_id_fmt(id, s, sizeof(s)) : "");
}

static json_t *
spi64(uint64_t spi)
{
	char s[20];

	snprintf(s, sizeof(s), "%016llx", (unsigned long long)spi);
	return json_string(s);
}

json_t *
show_ike_json(const struct ike_sa_info *i, tick_t now)
{
	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "sa", (json_int_t)i->sa, "spi_i", spi64(i->spi_i), "spi_r", spi64(i->spi_r), "state", show_text(i->state),
	    "local", show_endpoint(&i->local),
	    "remote", show_endpoint(&i->remote), "local_id", id_text(i->local_id), "peer_id", id_text(i->peer_id),
	    "initiator", i->initiator,
	    "natted_local", i->natted_local, "natted_remote", i->natted_remote,
	    "encryption", show_text(i->encr ? ike_encr_name(i->encr, i->encr_bits) : ""),
	    "prf", show_text(i->prf ? ike_prf_name(i->prf) : ""), "group", show_text(i->group ? ike_group_name(i->group) : ""),
	    "age_s", show_age(i->established, now),
	    "rekey_in_s", show_left(i->rekey_at, now), "expires_in_s", show_left(i->expires, now), "last_rx_s", show_age(i->last_rx, now),
	    "reason", show_text(i->reason));
}

/* What both ends agreed on beyond the plain protocol. */
json_t *
show_ike_ext(const struct ike_sa_info *i)
{
	char also[128] = "";
	size_t n = 0;

	for (unsigned k = 0; k < IKE_ADDKE_MAX && n < sizeof(also); k++) {
		if (i->addke[k])
			n += (size_t)snprintf(also + n, sizeof(also) - n, "%s%s", n ? " " : "", ike_group_name(i->addke[k]));
	}
	return json_pack("{s:b, s:i, s:b, s:b, s:o}", "fragmentation", i->frag, "fragment_mtu", (int)i->frag_mtu, "mobike", i->mobike, "ppk", i->ppk,
	    "additional_key_exchange", show_text(also));
}

json_t *
show_child_json(const struct ike_child_info *i, tick_t now)
{
	char text[160];
	json_t *o;

	o = json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:o, s:o, s:o}",
	    "ike_sa", (json_int_t)i->sa, "spi_in", show_spi(i->spi_in), "spi_out", show_spi(i->spi_out), "state", show_text(i->state),
	    "encryption", show_text(ike_encr_name(i->encr, i->encr_bits)),
	    "pfs_group", show_text(i->pfs_group ? ike_group_name(i->pfs_group) : ""), "mode", show_text(i->tunnel ? "tunnel" : "transport"), "encap", i->encap,
	    "esn", i->esn, "age_s", show_age(i->created, now), "rekey_in_s", show_left(i->rekey_at, now),
	    "expires_in_s", show_left(i->expires, now));
	if (o && i->sel)
		json_object_set_new(o, "selectors", json_string(ike_selectors_fmt(i->sel, text, sizeof(text))));
	return o;
}
