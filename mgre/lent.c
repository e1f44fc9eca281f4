/* mgre/lent.c: what our own plane does with a frame whose next hop is not resolved, it goes to the fallback, the kernel has to be told
 * for each next hop: an entry with the fallback's hardware address. It is stale from the beginning, so that the kernel goes on asking about it
 * while it is used (each time the engine hears of unresolved traffic, and may try again) and drops it by itself when it is not. The
 * neighbour of a shortcut or a registration replaces it. When the fallback changes all entries follow it: none leads to a dead hub. */
#include "mgre/lent.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "lib/nlq.h"

struct entry {
	struct map_node node;
	struct addr proto;
};

static bool
entry_eq(const struct map_node *n, const void *key)
{
	return addr_eq(&container_of(n, struct entry, node)->proto, key);
}

static uint64_t
hash_of(const struct lent *l, const struct addr *proto)
{
	return map_hash(&l->at, proto->b, proto->n);
}

static struct entry *
entry_find(const struct lent *l, const struct addr *proto)
{
	struct map_node *n = map_find(&l->at, hash_of(l, proto), entry_eq, proto);

	return n ? container_of(n, struct entry, node) : NULL;
}

static struct nl_msg *
message(unsigned ifindex, const struct addr *proto, const struct addr *to)
{
	struct ndmsg nd = { .ndm_family = proto->n == 16 ? AF_INET6 : AF_INET, .ndm_ifindex = (int)ifindex, .ndm_state = NUD_STALE };
	struct nl_msg *msg = nlq_msg(to ? RTM_NEWNEIGH : RTM_DELNEIGH, to ? NLM_F_CREATE | NLM_F_REPLACE : 0, &nd, sizeof(nd));

	if (msg && (nla_put(msg, NDA_DST, proto->n, proto->b) < 0 || (to && nla_put(msg, NDA_LLADDR, to->n, to->b) < 0))) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static void
entry_free(struct lent *l, struct entry *e)
{
	map_del(&l->at, &e->node);
	env_free(l->at.env, e);
}

void
lent_init(struct lent *l, const struct env *env)
{
	*l = (struct lent){ .to = { .n = 0 } };
	map_init(&l->at, env);
}

void
lent_clear(struct lent *l)
{
	struct map_iter it;

	for (struct map_node *n = map_first(&l->at, &it); n; n = map_next(&l->at, &it))
		entry_free(l, container_of(n, struct entry, node));
}

void
lent_fini(struct lent *l)
{
	lent_clear(l);
	map_fini(&l->at);
}

void
lent_move(struct lent *l, struct nlq *q, unsigned ifindex, const struct addr *to)
{
	struct map_iter it;

	if (to && addr_eq(&l->to, to))
		return;
	l->to = to ? *to : (struct addr){ .n = 0 };
	for (struct map_node *n = map_first(&l->at, &it); n; n = map_next(&l->at, &it)) {
		struct entry *e = container_of(n, struct entry, node);

		nlq_add(q, message(ifindex, &e->proto, to), NULL, NULL, 0);
		if (!to)
			entry_free(l, e);
	}
}

bool
lent_lend(struct lent *l, struct nlq *q, unsigned ifindex, const struct addr *proto)
{
	struct entry *e = entry_find(l, proto);
	bool fresh = !e;

	if (!l->to.n || (fresh && l->at.n >= LENT_MAX) || (fresh && !(e = env_alloc(l->at.env, sizeof(*e)))))
		return false;
	if (fresh) {
		e->proto = *proto;
		map_add(&l->at, &e->node, hash_of(l, proto));
	}
	if (nlq_do(q, message(ifindex, proto, &l->to)) == 0)
		return true;
	entry_free(l, e);
	return false;
}

void
lent_forget(struct lent *l, const struct addr *proto)
{
	struct entry *e = entry_find(l, proto);

	if (e)
		entry_free(l, e);
}
