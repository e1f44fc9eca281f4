/* A core, engines and a data plane that hold what a test puts there. */
#ifndef TESTS_UNIT_DAEMON_FAKES_H
#define TESTS_UNIT_DAEMON_FAKES_H

#include "nhrpd/daemon/show.h"

struct fakes {
	struct core_attempt_info attempt[2];
	struct core_mark mark[2];
	unsigned n_attempt;
	uint8_t cleared_family;
	struct core_peer_info peer[3];
	unsigned n_peer;
	struct nhrp_cache_info cache[3];
	unsigned n_cache, cache_times;	/* cache_times: each is visited so often */
	struct nhrp_nhs_info nhs[2];
	unsigned n_nhs;
	struct nhrp_shortcut_info shortcut[2];
	unsigned n_shortcut;
	struct ike_sa_info ike[2];
	unsigned n_ike;
	struct ike_child_info child[2];
	unsigned n_child;
	struct addr source;
	/* what was asked for */
	struct prefix within;
	bool has_within, cleared_shortcuts, rekeyed_ike;
	struct addr cleared;
	unsigned n_cleared, clear_answer;
};
extern struct fakes fakes;
void	fakes_fill(void);	/* one of each, seen at FAKES_NOW */
#define FAKES_NOW TICK_S(1000)
struct addr fakes_addr(const char *text);
extern struct dp fakes_dp;
struct conf *fakes_conf(void);	/* one tunnel, dmvpn0 */

#endif
