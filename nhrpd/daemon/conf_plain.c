/* nhrpd/daemon/conf_plain.c: interfaces without NHRP: `tunnel mode ipsec`. Such a tunnel takes its own copy of its IPsec profile,
 * because what travels in it (any address of the families that the interface has) stands with the profile in IKE. */
#include "nhrpd/daemon/conf_priv.h"

#include <string.h>

void
conf_set_destination(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_b_interface *b = p->block[CONF_INTERFACE];
	struct conf_place at = { c->line, c->arg[0].column };
	const char *name = c->arg[0].v.s;

	for (unsigned i = 0; i < b->n_dest; i++) {
		if (strcmp(b->dest[i].name, name) == 0) {
			conf_error_at(p, at, "this destination stands already at %s", conf_place_text(p, b->dest[i].at));
			return;
		}
	}
	if (b->n_dest == CORE_DESTS_MAX)
		conf_error_at(p, at, "more than %d destinations on one interface", CORE_DESTS_MAX);
	else
		b->dest[b->n_dest++] = (struct conf_named){ at, name };
}

bool
conf_is_plain(const struct conf_b_interface *b)
{
	return b->ipsec_mode.at.line != NULL;
}

/* What belongs to GRE or NHRP, and was said. */
static void
check_foreign(struct conf_parse *p, const struct conf_b_interface *b)
{
	const struct {
		const struct conf_place *at;
		const char *what;
	} word[] = {
		{ &b->mode.at, "tunnel mode gre multipoint" }, { &b->gre_mode.at, "tunnel mode gre ip" }, { &b->key.at, "tunnel key" }, { &b->network_id.at, "nhrp network-id" },
		{ &b->auth.at, "nhrp authentication" }, { &b->hold.at, "nhrp holdtime" }, { &b->reg.at, "nhrp registration" },
		{ &b->no_unique.at, "nhrp registration" }, { &b->shortcut.at, "nhrp shortcut" }, { &b->redirect.at, "nhrp redirect" },
		{ &b->mcast_dynamic.at, "nhrp map" }, { &b->max_receive.packets.at, "nhrp max-receive" }, { &b->max_send.packets.at, "nhrp max-send" },
		{ &b->fallback.at, "nhrp nhs" }, { &b->bfd.multiplier.at, "bfd interval" }, { &b->if_state.at, "if-state nhrp" },
		{ &b->group.at, "nhrp group" },
		{ b->n_group_map ? &b->group_map_at[0] : &(struct conf_place){ NULL, 0 }, "nhrp map group" },
		{ b->n_nhs ? &b->nhs[0].at : &(struct conf_place){ NULL, 0 }, "nhrp nhs" },
		{ b->n_map ? &b->map[0].at : &(struct conf_place){ NULL, 0 }, "nhrp map" },
	};

	for (size_t i = 0; i < sizeof(word) / sizeof(word[0]); i++) {
		if (word[i].at->line)
			conf_error_at(p, *word[i].at, "\"%s\" is not for a tunnel of mode ipsec", word[i].what);
	}
}

void
conf_check_plain(struct conf_parse *p, const struct conf_b_interface *b, uint8_t family)
{
	struct addr a;

	if (!conf_is_plain(b)) {
		if (b->n_dest && !conf_is_p2p(b))
			conf_error_at(p, b->dest[0].at,
			    "\"tunnel destination\" is for \"tunnel mode gre ip\" and \"tunnel mode ipsec\": hubs of a multipoint tunnel are named by \"ip nhrp nhs\"");
		else if (conf_is_p2p(b))
			conf_check_p2p(p, b, family);
		else if (b->reactivate.at.line)
			conf_error_at(p, b->reactivate.at, "\"tunnel reactivate\" is for \"tunnel mode ipsec\"");
		return;
	}
	if (p->global.plane.at.line && p->global.plane.n == CONF_PLANE_KERNEL)
		conf_error_at(p, b->ipsec_mode.at, "\"tunnel mode ipsec\" needs \"dataplane user\"");
	check_foreign(p, b);
	for (unsigned i = 0; i < b->n_dest; i++) {
		if (!addr_parse(b->dest[i].name, &a))
			continue;
		if (a.n != family)
			conf_error_at(p, b->dest[i].at, "%s is not of the family of the tunnel's source", b->dest[i].name);
		else if (!addr_is_unicast(&a))
			conf_error_at(p, b->dest[i].at, "not an address a host can have");
	}
}

const struct core_plain_conf *
conf_build_plain(struct conf_parse *p, const struct conf_b_interface *b)
{
	struct core_plain_conf *o = conf_is_plain(b) ? conf_alloc(p->mem, sizeof(*o)) : NULL;

	if (!o)
		return NULL;
	for (unsigned i = 0; i < b->n_dest; i++)
		snprintf(o->dest[o->n_dest++], sizeof(o->dest[0]), "%s", b->dest[i].name);
	o->reactivate_s = b->reactivate.n == UINT32_MAX ? 0 : b->reactivate.at.line ? (uint32_t)b->reactivate.n : 60;
	return o;
}

static void
any(uint8_t family, struct dp_range *r)
{
	*r = (struct dp_range){ .lo.n = family, .hi.n = family };
	memset(r->hi.b, 0xff, family);
}

void
conf_plain_selectors(const struct conf_b_interface *b, struct dp_selectors *out)
{
	static const uint8_t families[] = { 4, 16 };

	memset(out, 0, sizeof(*out));
	for (size_t f = 0; f < 2; f++) {
		for (unsigned i = 0; i < b->n_own; i++) {
			if (b->own[i].addr.n != families[f])
				continue;
			any(families[f], &out->local[out->n_local++]);
			any(families[f], &out->remote[out->n_remote++]);
			break;
		}
	}
}
