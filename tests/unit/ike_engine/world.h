/* tests/unit/ike_engine/world.h: engines joined message by message, with a virtual clock, NAT, a mock data plane that checks
 * what it is told, and control over every message: hold, drop, repeat, reorder, change. */
#ifndef TESTS_UNIT_IKE_ENGINE_WORLD_H
#define TESTS_UNIT_IKE_ENGINE_WORLD_H

#include "ikecore/engine/ike_priv.h"
#include "tests/unit/harness.h"

enum { W_SIDES = 3, W_MSGS = 4096, W_CHILDREN = 64, W_KEYS = 8, W_JOBS = 512 };

struct w_child {	/* what the mock data plane has */
	uint32_t sa;
	struct dp_sa dp;	/* its selectors: */
	struct dp_selectors sel;
	bool active;
	unsigned order;	/* of activation: the highest is sent on */
};

struct w_side {
	struct test_env t;
	int64_t wall;	/* what the clock on the wall says; it stands still */
	enum ike_status revocation;	/* the answer to IKE_ACT_REVOCATION */
	unsigned asked, asked_known;	/* and those of paths that were not verified this time */
	struct ike_profile profile[2];
	struct ike_key key[W_KEYS];
	struct ike_conf conf;
	struct ike *k;
	struct outq out;
	struct addr addr, nat;	/* nat.n: sits behind a NAT with this public address */
	uint16_t nat_shift;	/* public port = private port + shift */
	uint32_t next_spi;
	const uint8_t *qcd;	/* secret for crash tokens, or NULL */
	bool esp_kept;	/* as in struct ike_env */
	bool refuse_child, hold_jobs, dead, use_ok, use_sent, no_use_answer;
	struct ike_job *jobs[W_JOBS];
	unsigned n_jobs;
	struct w_child child[W_CHILDREN];
	unsigned n_child, activations, refusals;
	unsigned ups, downs, died, dial_fails, moves, rekeys, keepalives, queries, child_adds, child_dels, sends;
	enum ike_down last_down, last_fail;
	uint32_t last_up, last_down_sa, last_down_other, up_dial, rekeyed_to, last_down_dial;
	char down_text[256], fail_text[256];
	unsigned n_probes, probe_size, sent_whole;
	enum ike_probe probe;
	struct ike_id up_id;
	bool up_natted_local, up_natted_remote;
	char keylog[4][1024];
	unsigned n_keylog;
	long gap;	/* steps seen without any usable child after the first */
	bool ever_usable;
};

struct w_msg {
	unsigned from, serial;
	struct endpoint src, dst;	/* as the network sees them, after NAT */
	bool natt;
	tick_t at;
	size_t n;
	uint8_t octets[4096];
};

struct world;
typedef bool w_hook(struct world *w, struct w_msg *m);	/* false: dropped */

struct world {
	struct w_side s[W_SIDES];
	unsigned n_sides;
	tick_t now, latency;
	struct w_msg *msg[W_MSGS];
	unsigned n_msg, serial;
	bool forget_children;	/* deletes of what the test took out of the mock are fine */
	bool manual;	/* messages stay until asked for */
	w_hook *hook;
	void *arg;
	uint64_t shuffle;	/* other than 0: random latency */
	enum ike_drop last_drop;
	unsigned path_mtu;	/* larger packets with DF get lost, with no_fragments all; 0: there is none */
	bool no_fragments;
};

struct addr w_addr(const char *text);
struct ike_id w_fqdn(const char *name);
struct ike_match w_exact(const char *name);
void	w_key(struct w_side *s, unsigned profile, const char *name, const char *psk);	/* name "*": any, ".x": domain x, address: from there */
void	w_init(struct world *w);	/* two sides with one shared wildcard key, suite AES-GCM-256, SHA-384, ECP-384; not started */
void	w_start(struct world *w, unsigned side);
void	w_go(struct world *w);	/* starts all */
void	w_fini(struct world *w);
void	w_stop(struct world *w, unsigned side);	/* as a crash: nothing is told to anybody */
void	w_dial(struct world *w, unsigned from, unsigned to, uint32_t dial);
void	w_dial_ev(struct world *w, unsigned from, struct ike_event *ev);
void	w_event(struct world *w, unsigned side, struct ike_event *ev);
void	w_run(struct world *w, tick_t span);	/* lets that much time pass */
void	w_settle(struct world *w);	/* runs without letting timers past now fire: until no message is in flight */
bool	w_deliver(struct world *w, unsigned from);	/* manual: the oldest held message of that side; false: none */
void	w_deliver_at(struct world *w, unsigned i);
unsigned w_held(const struct world *w, unsigned from);
enum ike_drop w_inject(struct world *w, unsigned to, const struct w_msg *m);
struct ike_sa *w_sa(struct world *w, unsigned side);	/* the one established SA, or NULL */
unsigned w_count_sa(struct world *w, unsigned side, const char *state);
unsigned w_count_child(struct world *w, unsigned side);	/* in the mock data plane */
struct ike_child *w_engine_child(struct world *w, unsigned side);	/* the one child that is up */
bool	w_usable(struct world *w);	/* both ways: what either side sends on, the other has, with the same keys */
void	w_check_pair(struct world *w);	/* exactly one SA and one pair on both, and they fit */
void	w_kick(struct world *w, unsigned side);	/* what its SA wants is looked at now */
void	w_rekey(struct world *w, unsigned side, bool ike);	/* the IKE SA, else its first pair, by what would make it do so */
void	w_job_back(struct world *w, unsigned side, unsigned i, bool run);	/* a held job comes back; ran or not */
void	w_up(struct world *w);	/* both begin, side 0 dials side 1, and they have a pair */
void	w_lose_everything(struct world *w);	/* messages in flight */
#endif
