/* nhrpd/engine/debug.c: packets as lines of `debug nhrp`. Called only while that is on. */
#include "nhrpd/engine/nhrp_priv.h"

#include <stdio.h>

/* What the first entry says, as far as the type has one worth a word. */
static void
entry_text(const struct nhrp_packet *p, char *out, size_t size)
{
	char proto[ADDR_STRLEN], nbma[ADDR_STRLEN];
	const struct nhrp_cie *c = &p->cie[0];

	out[0] = '\0';
	if (p->n_cie)
		snprintf(out, size, ", %u entr%s: code %u, %s/%u at %s, hold %u s", p->n_cie, p->n_cie == 1 ? "y" : "ies", c->code, addr_fmt(&c->proto, proto),
		    c->prefix_len, addr_fmt(&c->nbma, nbma), c->hold_s);
}

void
debug_packet(const struct nhrp *n, const char *word, const struct peer *peer, const struct nhrp_packet *p)
{
	char src[ADDR_STRLEN], dst[ADDR_STRLEN], nbma[ADDR_STRLEN], at[ENDPOINT_STRLEN], entry[200];

	entry_text(p, entry, sizeof(entry));
	log_debug(n->log, LOG_DBG_NHRP, word, "%s id %u %s peer %u (%.*s) at %s: source %s at %s, destination %s, hops %u, flags 0x%04x%s",
	    nhrp_type_name(p->type), (unsigned)p->request_id, word[5] == 'i' ? "from" : "to", (unsigned)peer->id, (int)peer->identity_len, peer->identity,
	    endpoint_fmt(&peer->remote, at), addr_fmt(&p->src_proto, src), addr_fmt(&p->src_nbma, nbma), addr_fmt(&p->dst_proto, dst), p->hops, p->flags,
	    entry);
}
