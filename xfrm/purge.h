/* xfrm/purge.h: takes all out of the kernel's XFRM that carries our marks, of whatever life: states, policies, and those that block
 * GRE in clear, which outlive the daemon on purpose. */
#ifndef XFRM_PURGE_H
#define XFRM_PURGE_H

#include "lib/env.h"

int	xfrm_purge(const struct env *env);	/* how many, or a negative errno */

#endif
