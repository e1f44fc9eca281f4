/* nhrpd/core/authority.c: what a peer may claim in the tunnel, by who it is (issued by whom, configured how).
 *
 * The first `crypto ikev2 authorization policy` with a matching identity decides, where there is one: the operator here knows better
 * than who made the certificate. Else the peer's certificate, if it says something (ike_cert_claims()). Else nobody says anything,
 * and first come keeps an address for its identity, which is NHRP's.
 *
 * Of a certificate's addresses (subjectAltName) only those count that may be tunnel addresses: in a network of the tunnel, or, where that
 * has host addresses only, not the peer's outer one. Certificates often name the outer address.
 *
 * A reload asks again for every peer, and NHRP hears where the answer is another one. */
#include "nhrpd/core/core_priv.h"

#include <stdio.h>
#include <strings.h>

enum { FIELD = 16 };

/* ---- patterns: "fqdn site-{n}.example.net" takes a number; "10.0.{n}.1" gets it */

static bool
digits_of(const char *text, char out[static FIELD])
{
	size_t n = strspn(text, "0123456789");

	if (n == 0 || n > 5 || (n > 1 && text[0] == '0'))
		return false;
	memcpy(out, text, n);
	out[n] = '\0';
	return true;
}

/* Case is nothing in names, and NHRP's identity texts of names are in lower case anyway. */
static bool
pattern_match(const char *pattern, const char *text, char number[static FIELD])
{
	const char *hole = strstr(pattern, CLAIMS_HOLE);
	size_t before = hole ? (size_t)(hole - pattern) : strlen(pattern);

	number[0] = '\0';
	if (!hole)
		return strcasecmp(pattern, text) == 0;
	if (strncasecmp(pattern, text, before) != 0 || !digits_of(text + before, number))
		return false;
	return strcasecmp(hole + strlen(CLAIMS_HOLE), text + before + strlen(number)) == 0;
}

/* ---- what the configuration says */

/* The newest SA's: a peer may come back with another certificate. */
static struct span
cert_of(const struct core *c, const struct core_peer *p)
{
	return p->ikes ? ike_sa_cert(c->ike, p->ikes->sa) : span_of("", 0);
}

static bool
policy_is_for(const struct core *c, const struct core_policy *o, const struct core_peer *p, char number[static FIELD])
{
	bool named = o->n_match == 0;

	number[0] = '\0';
	for (unsigned i = 0; i < o->n_match && !named; i++) {
		const struct core_policy_match *m = &o->match[i];

		named = m->pattern ? pattern_match(m->pattern, p->identity, number) : ike_id_match(&m->id, &p->who);
	}
	return named && (!o->n_certmap || ike_certmaps_match(o->certmap, o->n_certmap, cert_of(c, p)));
}

/* A list in the configuration is a whole one: it speaks of both families. What the pattern's number makes no address of is
 * not there. */
static void
claims_of_policy(const struct core_policy *o, const char *number, struct claims *out)
{
	struct prefix p;

	snprintf(out->source, sizeof(out->source), "%s", o->source);
	claims_say(out, o->says, CLAIM_ANY);
	if (o->says_groups)
		claims_say_groups(out);
	for (unsigned i = 0; i < o->n_allow; i++) {
		const struct core_policy_allow *a = &o->allow[i];

		p = a->prefix;
		if (a->group)
			claims_add_group(out, span_of(a->group, strlen(a->group)));
		else if (!a->template || (number[0] && claims_fill(a->template, number, &p)))
			claims_add(out, a->kind, &p);
	}
}

/* ---- what the certificate says */

static bool
maybe_tunnel_address(const struct core_tunnel *t, const struct core_peer *p, const struct addr *a)
{
	bool networks = false;

	for (unsigned i = 0; i < t->conf->nhrp.n_own; i++) {
		const struct prefix *own = &t->conf->nhrp.own[i];
		struct prefix net = prefix_of(&own->addr, own->bits);

		if (own->addr.n != a->n || own->bits == addr_bits(&own->addr))
			continue;
		networks = true;
		if (prefix_has(&net, a))
			return true;
	}
	return !networks && !addr_eq(a, &p->remote.addr);
}

static void
claims_of_cert(const struct core_tunnel *t, const struct core_peer *p, struct claims *out)
{
	const struct claims *c = p->cert;

	if (!c)
		return;
	memcpy(out->source, c->source, sizeof(out->source));
	memcpy(out->says, c->says, sizeof(out->says));
	for (unsigned i = 0; i < c->n; i++) {
		if (c->item[i].kinds != CLAIM_ADDRESS || maybe_tunnel_address(t, p, &c->item[i].p.addr))
			claims_add(out, c->item[i].kinds, &c->item[i].p);
	}
}

/* ---- for the others */

void
core_authority(const struct core *c, const struct core_peer *p, struct claims *out)
{
	const struct core_tunnel *t = &c->tunnel[p->tunnel - 1];
	char number[FIELD];

	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < c->conf->n_policy; i++) {
		if (policy_is_for(c, &c->conf->policy[i], p, number)) {
			claims_of_policy(&c->conf->policy[i], number, out);
			return;
		}
	}
	if (t->conf)
		claims_of_cert(t, p, out);
}

/* NHRP compares: what did not change is nothing to it. */
static void
tell(struct core *c, struct core_peer *p)
{
	struct core_tunnel *t = core_tunnel(c, p->tunnel);
	struct claims may;
	struct nhrp_event e = { .kind = NHRP_EV_PEER_MAY, .peer = p->id, .may = &may };

	core_authority(c, p, &may);
	core_tell_nhrp(c, t, &e);
	core_pump_nhrp(c, t);
}

bool
core_authority_take(struct core *c, struct core_peer *p, const struct ike_act *a)
{
	struct claims said, *copy;
	bool ok;

	p->who = *a->peer_id;
	memset(&said, 0, sizeof(said));
	if (a->cert.n && !ike_cert_claims(a->cert, &said))
		return false;
	copy = claims_copy(c->mem, &said, &ok);
	if (!ok)
		return false;
	env_free(c->mem, p->cert);
	p->cert = copy;
	if (p->up)
		tell(c, p);
	return true;
}

void
core_authority_again(struct core *c, uint32_t tunnel)
{
	for (uint32_t id = 1; id < c->peer_cap; id++) {
		struct core_peer *p = c->peer[id];

		if (!p || p->tunnel != tunnel || !p->up || c->tunnel[tunnel - 1].plain)	/* without NHRP nothing is claimed */
			continue;
		tell(c, p);
		core_pump(c);
	}
}
