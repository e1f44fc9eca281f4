#include "xfrm/purge.h"

#include <errno.h>
#include <linux/netlink.h>

#include "lib/nlq.h"
#include "xfrm/kmsg.h"

/* A dump cannot be answered inside it: collected first, and again until there is nothing left. */
enum { AT_ONCE = 256 };
struct found {
	struct xfrm_usersa_id state[AT_ONCE];
	struct xfrm_userpolicy_id policy[AT_ONCE];
	unsigned n_state, n_policy;
};

static void
found_state(void *ctx, struct nlmsghdr *h)
{
	struct found *f = ctx;
	const struct xfrm_usersa_info *i = nlmsg_data(h);

	if (h->nlmsg_type == XFRM_MSG_NEWSA && h->nlmsg_len >= NLMSG_LENGTH(sizeof(*i)) && kmsg_reqid_ours(i->reqid) && f->n_state < AT_ONCE)
		f->state[f->n_state++] = (struct xfrm_usersa_id){ i->id.daddr, i->id.spi, i->family, i->id.proto };
}

static void
found_policy(void *ctx, struct nlmsghdr *h)
{
	struct found *f = ctx;
	const struct xfrm_userpolicy_info *p = nlmsg_data(h);

	if (h->nlmsg_type == XFRM_MSG_NEWPOLICY && h->nlmsg_len >= NLMSG_LENGTH(sizeof(*p)) && kmsg_priority_ours(p->priority) && f->n_policy < AT_ONCE)
		f->policy[f->n_policy++] = (struct xfrm_userpolicy_id){ .sel = p->sel, .index = p->index, .dir = p->dir };
}

static int
purge(struct nlq *q, struct found *f)
{
	int rc, n = 0;

	do {
		f->n_state = f->n_policy = 0;
		rc = nlq_get(q, kmsg_state_dump(), found_state, f);
		if (rc == 0)
			rc = nlq_get(q, kmsg_policy_dump(), found_policy, f);
		for (unsigned i = 0; i < f->n_state && rc == 0; i++)
			rc = nlq_do(q, nlq_msg(XFRM_MSG_DELSA, 0, &f->state[i], sizeof(f->state[i])));
		for (unsigned i = 0; i < f->n_policy && rc == 0; i++)
			rc = nlq_do(q, nlq_msg(XFRM_MSG_DELPOLICY, 0, &f->policy[i], sizeof(f->policy[i])));
		n += (int)(f->n_state + f->n_policy);
	} while (rc == 0 && (f->n_state || f->n_policy));
	return rc == 0 ? n : rc;
}

int
xfrm_purge(const struct env *env)
{
	struct found *f = env_alloc(env, sizeof(*f));
	char err[128];
	struct nlq q;
	int rc = f ? 0 : -ENOMEM;

	if (f && !nlq_open(&q, NETLINK_XFRM, err, sizeof(err)))
		rc = 0;	/* no XFRM, nothing of ours in it */
	else if (f) {
		rc = purge(&q, f);
		nlq_close(&q);
	}
	env_free(env, f);
	return rc;
}
