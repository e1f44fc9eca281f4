/* nhrpd/engine/reconf.c: another configuration for a running engine.
 *
 * Parameters change in place and are used from the next packet on. What our hubs know of us (holding time, addresses, MTU,
 * uniqueness, group) is told them at once by a registration anew. NHSs and maps are compared one by one: those that stay are not
 * touched, those that go are told goodbye first. A changed password is not announced: the other end changes a moment
 * earlier or later, and the next refresh finds out. */
#include "nhrpd/engine/nhrp_priv.h"

static bool
has_own(const struct nhrp_conf *c, const struct addr *a)
{
	for (unsigned i = 0; i < c->n_own; i++) {
		if (addr_eq(&c->own[i].addr, a))
			return true;
	}
	return false;
}

static bool
same_own(const struct nhrp_conf *a, const struct nhrp_conf *b)
{
	if (a->n_own != b->n_own)
		return false;
	for (unsigned i = 0; i < a->n_own; i++) {
		if (!prefix_eq(&a->own[i], &b->own[i]))
			return false;
	}
	return true;
}

/* While the old addresses are still ours: hubs, and those who were told of a way over them, hear that it ends. */
static void
own_leaves(struct nhrp *n, const struct nhrp_conf *to)
{
	bool any = false;

	for (unsigned i = 0; i < n->conf.n_own; i++) {
		const struct prefix *own = &n->conf.own[i];

		if (has_own(to, &own->addr))
			continue;
		nhc_moved(n, own);
		any = true;
	}
	if (any)
		told_purge_all(n, true);
}

static bool
registers_same(const struct nhrp_conf *a, const struct nhrp_conf *b)
{
	return a->hold_s == b->hold_s && a->reg_s == b->reg_s && a->no_unique == b->no_unique && a->mtu == b->mtu &&
	    strcmp(a->group, b->group) == 0 && same_own(a, b);
}

static void
reconf(struct nhrp *n, struct nhrp_conf *to)
{
	struct nhrp_conf was = n->conf;
	bool again = !registers_same(&was, to);

	own_leaves(n, to);
	if (to->one_way && !was.one_way)
		told_purge_all(n, false);	/* who was told of a direct way comes by the hub again */
	nhc_leave(n, to);
	n->conf = *to;
	if (!n->started) {
		nhc_reconf(n);
		return;
	}
	cache_reconf(n, &was);
	nhc_reconf(n);
	cache_mcast(n);
	qos_group_reconf(n);
	if (!n->conf.shortcut)
		shortcuts_clear(n, NULL, 0, "shortcuts were switched off");
	else if (!same_own(&was, to))
		shortcuts_clear(n, NULL, 0, "the tunnel's address changed");
	if (again)
		nhc_again(n, NULL);
	explicit_bzero(was.auth, sizeof(was.auth));
}

void
nhrp_reconf(struct nhrp *n, tick_t now, const struct nhrp_conf *conf, struct outq *out)
{
	struct nhrp_conf to = *conf;

	conf_defaults(&to);
	n->now = now;
	n->out = out;
	reconf(n, &to);
	n->out = NULL;
	explicit_bzero(to.auth, sizeof(to.auth));
}
