/* nhrpd/engine/group.c: QoS groups. A client may say with its registration of which group it is (our vendor extension, nhrpd/wire/vendor.c);
 * the server's configuration maps groups to rates, and the data plane holds what goes to the peer to that.
 *
 * The group belongs to the registration: it lasts as long, is kept over a restart with it, and another registration may change it. The rate belongs
 * to the peer, whatever number of addresses it has: the group of the first of them that says one. Who may say which group is
 * authority's (authority.c). A group without a mapping is only shown.
 *
 * A rate that the data plane does not take is remembered with its reason and told again with the peer's next registration. */
#include "nhrpd/engine/nhrp_priv.h"

_Static_assert((int)CLAIMS_GROUP_MAX == (int)NHRP_GROUP_MAX, "a group that can be said can be allowed");

enum { REASON_MAX = 128 };

struct span
qos_group_of(const struct binding *b)
{
	return b->group ? span_of(b->group, strlen(b->group)) : SPAN_STR("");
}

bool
qos_group_copy(struct nhrp *n, const struct binding *b, struct span name, char **copy)
{
	*copy = b->group;
	if (span_eq(qos_group_of(b), name))
		return true;
	*copy = name.n ? env_alloc(&n->env, name.n + 1) : NULL;
	if (*copy)
		memcpy(*copy, name.p, name.n);
	return *copy || !name.n;
}

void
qos_group_take(struct nhrp *n, struct binding *b, char *copy)
{
	if (copy != b->group)
		env_free(&n->env, b->group);
	b->group = copy;
}

void
qos_group_leave(struct nhrp *n, const struct binding *b, char *copy)
{
	if (copy != b->group)
		env_free(&n->env, copy);
}

bool
qos_group_note(struct nhrp *n, struct binding *b, struct span name)
{
	char *copy;

	if (!qos_group_copy(n, b, name, &copy))
		return false;
	qos_group_take(n, b, copy);
	return true;
}

static uint64_t
rate_of(const struct nhrp *n, const struct peer *p)
{
	LIST_EACH(it, nx, &p->bindings) {
		const struct binding *b = container_of(it, struct binding, by_peer);

		for (unsigned i = 0; b->group && i < n->conf.n_group_map; i++) {
			if (strcmp(n->conf.group_map[i].name, b->group) == 0)
				return n->conf.group_map[i].rate;
		}
	}
	return 0;
}

static void
taken(struct nhrp *n, struct peer *p)
{
	env_free(&n->env, p->out_refused);
	p->out_refused = NULL;
}

static void
tell(struct nhrp *n, struct peer *p, uint64_t rate)
{
	struct nhrp_act *a = act(n, NHRP_ACT_SHAPE);

	if (!a) {
		arm(n, &n->group_timer, n->now);
		return;
	}
	a->peer = p->id;
	a->rate = rate;
	p->out_rate = rate;
	taken(n, p);
}

void
qos_group_sync(struct nhrp *n, struct peer *p)
{
	uint64_t rate = p->gone ? 0 : rate_of(n, p);

	if (rate != p->out_rate || (rate && p->out_refused))
		tell(n, p, rate);
}

void
qos_group_result(struct nhrp *n, const struct nhrp_event *ev)
{
	struct peer *p = peer_find(n, ev->peer);

	if (!p || ev->ok || !p->out_rate)
		return;
	if (!p->out_refused)
		p->out_refused = env_alloc(&n->env, REASON_MAX);
	if (p->out_refused)
		reason_set(p->out_refused, REASON_MAX, ev->reason && *ev->reason ? ev->reason : "no reason given");
	else
		p->out_rate = 0;	/* the next registration tells it anew */
}

void
qos_group_peer_gone(struct nhrp *n, struct peer *p)
{
	if (p->out_rate)
		tell(n, p, 0);
	taken(n, p);
}

/* As many as the queue has room for at a time. */
void
qos_group_timer(struct nhrp *n)
{
	struct map_iter it;

	for (struct map_node *m = map_first(&n->peers, &it); m; m = map_next(&n->peers, &it)) {
		struct peer *p = container_of(m, struct peer, node);

		if (rate_of(n, p) == p->out_rate)
			continue;
		if (!room(n)) {
			arm(n, &n->group_timer, n->now);
			return;
		}
		qos_group_sync(n, p);
	}
}

void
qos_group_reconf(struct nhrp *n)
{
	arm(n, &n->group_timer, n->now);
}
