/* nhrpd/daemon/conf_p2p.c: `tunnel mode gre ip` with `tunnel destination`: phase 1. GRE to one place, as IOS has it. What is said of it
 * becomes a spoke with one hub: the destination is its outer address, everything goes there, multicast as well, nothing is ever asked for
 * (nhrp_conf.one_way). The device is the one of a multipoint tunnel in both planes, so a reload from one mode to the other loses nothing. */
#include "nhrpd/daemon/conf_priv.h"

bool
conf_is_p2p(const struct conf_b_interface *b)
{
	return b->gre_mode.at.line != NULL;
}

const char *
conf_p2p_destination(const struct conf_b_interface *b)
{
	return conf_is_p2p(b) && b->n_dest ? b->dest[0].name : NULL;
}

/* What belongs to a router with many peers, and was said. */
static void
check_foreign(struct conf_parse *p, const struct conf_b_interface *b)
{
	static const struct conf_place none = { NULL, 0 };
	const struct {
		const struct conf_place *at;
		const char *what;
	} word[] = {
		{ &b->mode.at, "tunnel mode gre multipoint" }, { &b->ipsec_mode.at, "tunnel mode ipsec" }, { b->shortcut.n ? &b->shortcut.at : &none, "nhrp shortcut" },
		{ b->redirect.n ? &b->redirect.at : &none, "nhrp redirect" }, { b->mcast_dynamic.n ? &b->mcast_dynamic.at : &none, "nhrp map multicast dynamic" },
		{ &b->reactivate.at, "tunnel reactivate" }, { &b->fallback.at, "nhrp nhs fallback" },
		{ b->n_group_map ? &b->group_map_at[0] : &none, "nhrp map group" },
	};

	for (size_t i = 0; i < sizeof(word) / sizeof(word[0]); i++) {
		if (word[i].at->line)
			conf_error_at(p, *word[i].at, "\"%s\" is not for a tunnel of mode gre ip, which has one peer", word[i].what);
	}
}

/* A map may say again where the hub is, and no more. */
static void
check_maps(struct conf_parse *p, const struct conf_b_interface *b)
{
	const char *dest = b->dest[0].name;
	struct addr a;

	for (unsigned i = 0; i < b->n_map; i++) {
		if (!addr_parse(dest, &a) || !addr_eq(&a, &b->map[i].map.nbma))
			conf_error_at(p, b->map[i].at, "the one outer address of a tunnel of mode gre ip is its destination, %s (%s)", dest,
			    conf_place_text(p, b->dest[0].at));
	}
}

static void
check_hubs(struct conf_parse *p, const struct conf_b_interface *b)
{
	const char *dest = b->dest[0].name;

	if (!b->n_nhs)
		conf_error_at(p, b->b.at, "interface %s needs \"ip nhrp nhs ADDRESS\": the tunnel address of the hub at its destination", b->b.name);
	for (unsigned i = 0; i < b->n_nhs; i++) {
		const struct conf_b_nhs *n = &b->nhs[i];

		if (n->nhs.name[0] && strcmp(n->nhs.name, dest) != 0)
			conf_error_at(p, n->nbma_at, "the hub of a tunnel of mode gre ip is at its destination, %s (%s)", dest, conf_place_text(p, b->dest[0].at));
		for (unsigned k = 0; k < i; k++) {
			if (b->nhs[k].nhs.family == n->nhs.family)
				conf_error_at(p, n->at, "a tunnel of mode gre ip has one hub, which stands at %s", conf_place_text(p, b->nhs[k].at));
		}
	}
}

void
conf_check_p2p(struct conf_parse *p, const struct conf_b_interface *b, uint8_t family)
{
	struct addr a;

	check_foreign(p, b);
	if (!b->n_dest) {
		conf_error_at(p, b->gre_mode.at, "interface %s needs \"tunnel destination ADDRESS\"", b->b.name);
		return;
	}
	if (b->n_dest > 1)
		conf_error_at(p, b->dest[1].at, "a tunnel of mode gre ip has one destination, which stands at %s", conf_place_text(p, b->dest[0].at));
	if (addr_parse(b->dest[0].name, &a) && a.n != family)
		conf_error_at(p, b->dest[0].at, "%s is not of the family of the tunnel's source", b->dest[0].name);
	else if (addr_parse(b->dest[0].name, &a) && !addr_is_unicast(&a))
		conf_error_at(p, b->dest[0].at, "not an address a host can have");
	check_maps(p, b);
	check_hubs(p, b);
}
