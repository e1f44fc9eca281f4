/* routing/zebra.h: a session with FRRouting's zebra over its zserv socket (zapi.h has the messages).
 *
 * Connects, finds out which release it talks to, asks for interfaces and for everybody's routes, says when our routes may be sent, and
 * begins again whenever the session ends. It owns what was learnt from zebra; routes of ours stay the owner's, who is
 * asked for what is to be sent whenever there is room (zebra_face.fill), so nothing queues up here. */
#ifndef ROUTING_ZEBRA_H
#define ROUTING_ZEBRA_H

#include "lib/host.h"
#include "lib/rib.h"
#include "routing/zapi.h"

#define ZEBRA_PATH "/var/run/frr/zserv.api"
enum { ZEBRA_LEARNT_MAX = 2000000, ZEBRA_DISTANCE = 10 /* what zebra itself takes for NHRP */ };

struct zebra_conf {
	bool off;
	char path[108];	/* "": ZEBRA_PATH */
	int version;	/* place in zapi_versions[] from 1; 0: find out */
	uint8_t distance;	/* 0: ZEBRA_DISTANCE */
	uint32_t metric;	/* as zebra shows it; the kernel's is 20 always */
};

struct zebra;
struct zebra_face {
	void (*session)(void *ctx, bool up);	/* up: routes may be sent, all of them; zebra has none of ours. Down: they may be gone */
	bool (*fill)(void *ctx, const struct zapi_version *v, struct wr *w);	/* writes whole messages while they fit; false: there is no more */
	void (*note)(void *ctx, const struct zapi_note *n);	/* what came of one */
	void (*link)(void *ctx, uint32_t ifindex);	/* it came up or changed: zebra does not put back routes through it */
	/* Connects where we may not: done gets a connection or a negative errno. path NULL: nobody asks any more. NULL: cannot. */
	void (*dial)(void *ctx, const char *path, void (*done)(void *arg, int fd), void *arg);
	void (*learnt)(void *ctx, const struct rib_event *ev);	/* ROUTE or GONE: somebody else's, by a routing protocol */
	void (*left)(void *ctx, struct zebra *z);	/* zebra_leave() has come to its end: free it */
};

struct zebra *zebra_new(const struct host *host, const struct zebra_conf *conf, const struct zebra_face *face, void *ctx);	/* NULL without memory */
void	zebra_free(struct zebra *z);	/* zebra takes our routes away; nobody is told. NULL is fine */
void	zebra_leave(struct zebra *z);	/* ends the session for good; what was learnt is told gone little by little, at last face.left */
void	zebra_kick(struct zebra *z);	/* there is something for fill() */
bool	zebra_up(const struct zebra *z);
const struct zapi_version *zebra_release(const struct zebra *z);	/* while it is up: the oldest that it may be */
bool	zebra_learnt(const struct zebra *z, const struct prefix *dst, struct rib_route *out);
void	zebra_each(const struct zebra *z, void (*fn)(void *ctx, const struct rib_route *), void *ctx);
uint32_t zebra_mtu(const struct zebra *z, uint32_t ifindex, uint8_t family);	/* 0: unknown */

enum zebra_state { ZEBRA_AWAY, ZEBRA_ASKING, ZEBRA_HELLO, ZEBRA_LINKS, ZEBRA_TABLE, ZEBRA_UP, ZEBRA_STATES };
const char *zebra_state_name(enum zebra_state s);
struct zebra_info {
	enum zebra_state state;
	const char *state_name;
	bool up;	/* routes of ours may go there */
	const char *path, *reason;	/* reason: why the last session ended or could not begin; "" */
	const char *oldest, *newest;	/* releases it may be; NULL: not known */
	tick_t since;
	struct prefix router_id;	/* addr.n 0: none */
	size_t interfaces, learnt;
	uint64_t sessions, rx, tx, unread, notes[ZAPI_NOTES];	/* unread: messages that could not be decoded */
};
void	zebra_info(const struct zebra *z, struct zebra_info *out);

#endif
