/* ikecore/engine/pairs.c: several ESP SAs in one IKE SA, each for traffic of its own.
 *
 * A profile for plain IP packets may have more than one pair of local and remote ranges. Each is a set of selectors with a number,
 * which the children made for it carry: those with one number stand for each other (rekeyed, opened by both ends), those with
 * different numbers stand side by side. IKE_AUTH makes the first; who dialled, or has a dial that the SA serves, asks for the
 * others one by one, and again for what went. What the peer refuses while others are up is asked for again after a while.
 * DMVPN knows one set, number 0. */
#include "ikecore/engine/ike_priv.h"

#include <stdio.h>

const struct dp_selectors *
ike_pair_at(const struct ike_profile *p, unsigned i)
{
	return i == 0 ? &p->plain : &p->more[i - 1];
}

unsigned
ike_pairs(const struct ike_profile *p)
{
	return dp_plain(&p->plain) ? 1 + p->n_more : 0;
}

/* With only one there is nothing to tell apart. */
const struct dp_selectors *
ike_pair_of(const struct ike_profile *p, uint32_t set)
{
	unsigned n = ike_pairs(p);

	if (n == 1)
		return &p->plain;
	for (unsigned i = 0; i < n; i++) {
		if (ike_pair_at(p, i)->set == set)
			return ike_pair_at(p, i);
	}
	return NULL;
}

unsigned
ike_pair_up(const struct ike_sa *sa, uint32_t set)
{
	unsigned n = 0;

	for (const struct ike_child *c = sa->children; c; c = c->next)
		n += c->set == set && c->state == IKE_CH_UP && c->installed;
	return n;
}

unsigned
ike_children_max(const struct ike *k, const struct ike_sa *sa)
{
	unsigned more = ike_profile(k, sa->profile)->n_more;

	return IKE_CHILDREN_MAX + 2 * (more < IKE_PAIRS_MAX ? more : IKE_PAIRS_MAX);
}

bool
ike_pair_missing(const struct ike *k, const struct ike_sa *sa, uint32_t *set)
{
	const struct ike_profile *p = ike_profile(k, sa->profile);
	unsigned n = ike_pairs(p);

	*set = 0;
	if (n < 2) {
		*set = p->plain.set;
		return !ike_child_count_up(sa);
	}
	for (unsigned i = 0; i < n; i++) {
		*set = ike_pair_at(p, i)->set;
		if (!(sa->refused >> i & 1) && !ike_pair_up(sa, *set))
			return true;
	}
	return false;
}

/* Whose business it is to have all of them: who dialled; where the peer was faster, a moment later, so that not both ask. */
static bool
asks_for_all(struct ike *k, struct ike_sa *sa)
{
	if (sa->doom || sa->dup_winner || ike_pairs(ike_profile(k, sa->profile)) < 2)
		return false;
	if (!sa->dialled && sa->dials && k->now < sa->established + IKE_PAIRS_WAIT)
		ike_sa_kick_at(k, sa, sa->established + IKE_PAIRS_WAIT);
	return sa->dialled || (sa->dials && k->now >= sa->established + IKE_PAIRS_WAIT);
}

bool
ike_pair_wanted(struct ike *k, struct ike_sa *sa, uint32_t *set)
{
	if (sa->refused && k->now >= sa->refused_until)
		sa->refused = 0;
	else if (sa->refused)
		ike_sa_kick_at(k, sa, sa->refused_until);
	sa->want_child = (sa->want_child || asks_for_all(k, sa)) && ike_pair_missing(k, sa, set);	/* the peer may have made one meanwhile */
	return sa->want_child;
}

bool
ike_pair_refused(struct ike *k, struct ike_sa *sa, uint32_t set, uint16_t type)
{
	const struct ike_profile *p = ike_profile(k, sa->profile);
	unsigned n = ike_pairs(p);
	char id[600], text[IKE_REASON_MAX], what[IKE_WORDS_MAX];

	if (n < 2 || !ike_child_count_up(sa))
		return false;
	for (unsigned i = 0; i < n; i++) {
		const struct dp_selectors *s = ike_pair_at(p, i);

		if (s->set != set)
			continue;
		sa->refused |= 1u << i;
		ike_log_id(&sa->peer_id, id);
		log_limited(k->env.env.log, &k->log_prop, k->now, LOG_LV_NOTICE, "ipsec-refused", "%s: %s: %s", id,
		    ike_selectors_fmt(s, what, sizeof(what)), ike_sel_refused(p, set, type, "the peer refuses this ESP SA", text));
	}
	sa->refused_until = k->now + env_jitter(&k->env.env, IKE_PAIRS_AGAIN, 25);
	ike_sa_kick_at(k, sa, sa->refused_until);
	return true;
}

/* ---- another configuration */

static bool
any_stays(const struct ike_profile *from, const struct ike_profile *to)
{
	if (from->plain.set == 0 && to->plain.set == 0)	/* no numbers: it is all about what they say */
		return memcmp(&from->plain, &to->plain, sizeof(to->plain)) == 0;
	for (unsigned i = 0; i < ike_pairs(to); i++) {
		for (unsigned j = 0; j < ike_pairs(from); j++) {
			if (ike_pair_at(from, j)->set == ike_pair_at(to, i)->set)
				return true;
		}
	}
	return false;
}

bool
ike_pairs_reconf(struct ike *k, struct ike_sa *sa, const struct ike_profile *from, const struct ike_profile *to)
{
	if (!dp_plain(&from->plain) && !dp_plain(&to->plain))
		return true;
	if (!any_stays(from, to))
		return false;
	if (from->n_more == 0 && to->n_more == 0)
		return true;
	for (struct ike_child *c = sa->children, *next; c; c = next) {
		next = c->next;
		if (!ike_pair_of(to, c->set) || ike_pair_of(to, c->set)->set != c->set)
			ike_child_want_delete(k, c);
	}
	sa->refused = 0;
	if (sa->state == IKE_SA_EST)
		ike_sa_kick_at(k, sa, k->now);
	return true;
}

/* ---- for people */

char *
ike_pairs_fmt(const struct ike_profile *p, char *out, size_t size)
{
	char one[IKE_WORDS_MAX];
	size_t at = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < ike_pairs(p) && at < size; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%s", i ? "; " : "", ike_selectors_fmt(ike_pair_at(p, i), one, sizeof(one)));
	return out;
}
