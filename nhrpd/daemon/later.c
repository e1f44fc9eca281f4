#include "nhrpd/daemon/later.h"

/* What an action is to those before it that wait for an answer. */
enum kind {
	KIND_ASKS,	/* may wait for one itself */
	KIND_FOLLOWS,	/* comes after they are answered: it is held */
	KIND_ENDS,	/* so that they are answered first */
	KIND_ASIDE,	/* nothing */
};

static enum kind
kind_of(const struct core_act *a)
{
	switch (a->kind) {
	case CORE_ACT_NEIGH_SET:
	case CORE_ACT_SA_ADD:
		return KIND_ASKS;
	case CORE_ACT_NHRP_SEND:
	case CORE_ACT_ROUTE_SET:
	case CORE_ACT_ROUTE_DEL:
	case CORE_ACT_IKE_SEND:
	case CORE_ACT_KEEPALIVE:
		return KIND_FOLLOWS;
	case CORE_ACT_TUNNEL_SET:
	case CORE_ACT_OPER_SET:
	case CORE_ACT_TUNNEL_DEL:
	case CORE_ACT_NEIGH_DEL:
	case CORE_ACT_SA_ACTIVATE:
	case CORE_ACT_SA_MOVE:
	case CORE_ACT_SA_DEL:
	case CORE_ACT_SHAPE:
	case CORE_ACT_PATH_RESULT:
		return KIND_ENDS;
	case CORE_ACT_JOB:
	case CORE_ACT_REVOCATION:
	case CORE_ACT_TRACK:
	case CORE_ACT_LOOKUP:
		return KIND_ASIDE;
	}
	return KIND_ENDS;
}

bool
later_wait(struct later *l, const struct core_act *a)
{
	if (!l->begun || l->n_wait == DP_LATER_MAX)
		return false;
	l->wait[l->n_wait++] = *a;
	return true;
}

static void
on_settled(void *ctx, unsigned n, int error, const char *why)
{
	struct later *l = ctx;

	if (n < l->n_wait)
		l->result(l->ctx, &l->wait[n], error, *why ? why : NULL);
}

void
later_settle(struct later *l)
{
	if (!l->begun)
		return;
	l->begun = false;
	l->dp->ops->settle(l->dp, on_settled, l);
	l->n_wait = 0;
	for (unsigned i = 0; i < l->n_held; i++)
		l->carry(l->ctx, l->held[i]);
	l->n_held = 0;
}

void
later_act(struct later *l, const struct core_act *a)
{
	enum kind kind = kind_of(a);

	if ((kind == KIND_FOLLOWS && l->n_held == LATER_HELD_MAX) || (kind == KIND_ENDS && (l->n_wait || l->n_held)))
		later_settle(l);
	if (!l->begun && l->dp->ops->begin) {
		l->dp->ops->begin(l->dp);
		l->begun = true;
	}
	if (kind == KIND_FOLLOWS && l->n_wait)
		l->held[l->n_held++] = a;
	else
		l->carry(l->ctx, a);
}
