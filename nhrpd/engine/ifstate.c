/* nhrpd/engine/ifstate.c: `if-state nhrp`: is the interface of use? While no NHS of ours is registered with, it is not, and says so to
 * the host, so that routes and routing protocols leave it for another way at once. */
#include "nhrpd/engine/nhrp_priv.h"

static bool
any_registered(const struct nhrp *n)
{
	for (unsigned i = 0; i < n->n_nhc; i++) {
		if (n->nhc[i].used && n->nhc[i].state == NHC_REGISTERED)
			return true;
	}
	return false;
}

void
if_state_anew(struct nhrp *n)
{
	n->if_told = IF_UNTOLD;
	if (!if_state_update(n))
		arm(n, &n->level_timer, n->now + TICK_S(1));
}

/* An interface begins without a word as one that is of use. */
bool
if_state_update(struct nhrp *n)
{
	bool up = !n->conf.if_state || any_registered(n);
	enum if_told to = up ? IF_TOLD_UP : IF_TOLD_DOWN;
	struct nhrp_act *a;

	if (n->if_told == to || (up && n->if_told == IF_UNTOLD) || !n->link_up)
		return true;
	if (!(a = act(n, NHRP_ACT_IF_STATE)))
		return false;
	a->ok = up;
	n->if_told = to;
	log_at(n->log, LOG_LV_NOTICE, up ? "if-state-up" : "if-state-down", "%s", up ? !n->conf.if_state ? "not configured any more" : "an NHS has answered" :
	    "no NHS answers");
	return true;
}
