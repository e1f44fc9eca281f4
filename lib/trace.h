/* lib/trace.h: the story of one attempt to reach somebody, told by every layer that has a part in it.
 *
 * An engine marks steps ("resolution request sent", "IKE_AUTH answered") on a sink it was given in its environment; whoever
 * owns the sink keeps them under one attempt number (nhrpd/core/timeline.c). Numbers come from `begin` and travel with
 * actions, so that each layer's marks fall to the same attempt. Without a sink a mark is one test of a pointer. */
#ifndef LIB_TRACE_H
#define LIB_TRACE_H

#include "lib/addr.h"
#include "lib/env.h"
#include "lib/tick.h"

/* name, layer as show and debugging name it, stable word, text */
#define TRACE_STEPS(X) \
	X(TRAFFIC, NHRP, "traffic", "traffic goes through the hub") \
	X(REDIRECT, NHRP, "redirect", "a redirect came: there may be a direct way") \
	X(RESOLUTION_SENT, NHRP, "resolution-sent", "resolution request sent") \
	X(RESOLUTION_REPLY, NHRP, "resolution-reply", "resolution reply came") \
	X(ERROR, NHRP, "nhrp-error", "NHRP error") \
	X(DIAL, CORE, "dial", "wanted: IKE is told to dial") \
	X(SHARED, CORE, "shared", "another attempt dials there already") \
	X(SECURED, CORE, "secured", "there is an SA with it") \
	X(INIT_SENT, IKE, "ike-init-sent", "IKE_SA_INIT sent") \
	X(INIT_ANSWERED, IKE, "ike-init-answered", "IKE_SA_INIT answered") \
	X(INIT_RECEIVED, IKE, "ike-init-received", "IKE_SA_INIT received") \
	X(AUTH_SENT, IKE, "ike-auth-sent", "IKE_AUTH sent") \
	X(AUTH_ANSWERED, IKE, "ike-auth-answered", "IKE_AUTH answered") \
	X(AUTH_RECEIVED, IKE, "ike-auth-received", "IKE_AUTH received") \
	X(IKE_RETRY, IKE, "ike-retry", "IKE tries otherwise") \
	X(IKE_FAILED, IKE, "ike-failed", "IKE failed, and will try again") \
	X(IKE_UP, IKE, "ike-up", "IKE SA is up") \
	X(IKE_DOWN, IKE, "ike-down", "IKE SA is gone") \
	X(IKE_REKEYED, IKE, "ike-rekeyed", "IKE SA was replaced") \
	X(MOVED, IKE, "moved", "it has another outer address") \
	X(SA_ASKED, IPSEC, "sa-asked", "ESP SAs handed to the data plane") \
	X(SA_INSTALLED, IPSEC, "sa-installed", "ESP SAs installed") \
	X(SA_REFUSED, IPSEC, "sa-refused", "the data plane refused the ESP SAs") \
	X(SA_DELETED, IPSEC, "sa-deleted", "ESP SAs deleted") \
	X(REGISTRATION_SENT, NHRP, "registration-sent", "registration request sent") \
	X(REGISTRATION_REPLY, NHRP, "registration-reply", "registration reply came") \
	X(BOUND, NHRP, "bound", "its tunnel address is known") \
	X(PROBE_SENT, NHRP, "probe-sent", "probe sent over the SA") \
	X(PROBE_ANSWERED, NHRP, "probe-answered", "probe answered") \
	X(NEIGH_ASKED, ROUTE, "neighbour-asked", "neighbour handed to the data plane") \
	X(NEIGH_SET, ROUTE, "neighbour-set", "neighbour installed") \
	X(NEIGH_REFUSED, ROUTE, "neighbour-refused", "the neighbour was refused") \
	X(NEIGH_GONE, ROUTE, "neighbour-gone", "neighbour removed") \
	X(ROUTE_ASKED, ROUTE, "route-asked", "route handed to the kernel") \
	X(ROUTE_SET, ROUTE, "route-set", "route installed") \
	X(ROUTE_REFUSED, ROUTE, "route-refused", "the route was refused") \
	X(ROUTE_GONE, ROUTE, "route-gone", "route removed") \
	X(UP, NHRP, "up", "up") \
	X(FIRST_OUT, DATA, "first-packet-out", "first packet sent to it") \
	X(FIRST_IN, DATA, "first-packet-in", "first packet received from it") \
	X(FAILED, NHRP, "failed", "given up") \
	X(DOWN, NHRP, "down", "down")

enum trace_step {
#define X(name, layer, word, text) TRACE_##name,
	TRACE_STEPS(X)
#undef X
	TRACE_STEPS_N
};

enum trace_kind { TRACE_SHORTCUT, TRACE_HUB, TRACE_PEER, TRACE_INCOMING };

/* What is known; the rest stays empty. Pointers live during the call. */
struct trace_mark {
	uint32_t attempt;	/* 0: found by dial or peer */
	uint32_t dial, peer;
	enum trace_step step;
	tick_t at;	/* 0: now */
	uint32_t n;	/* SPI of SAs; number of a try from 1 */
	const struct addr *proto, *nbma;	/* of the partner */
	const struct prefix *prefix;	/* of a shortcut */
	const char *reason;
};

struct trace_sink {
	void *ctx;
	uint32_t (*begin)(void *ctx, enum trace_kind kind, const struct addr *dst);	/* 0: it is not recorded */
	void (*mark)(void *ctx, const struct trace_mark *m);
};

/* TRACE(env, .attempt = 7, .step = TRACE_PROBE_SENT): evaluates nothing where nobody listens. */
#define TRACE(env, ...) \
	do { \
		const struct trace_sink *trace_to_ = (env)->trace; \
		if (trace_to_) \
			trace_to_->mark(trace_to_->ctx, &(struct trace_mark){ __VA_ARGS__ }); \
	} while (0)

static inline uint32_t
trace_begin(const struct env *env, enum trace_kind kind, const struct addr *dst)
{
	return env->trace ? env->trace->begin(env->trace->ctx, kind, dst) : 0;
}

const char *trace_word(enum trace_step s);
const char *trace_text(enum trace_step s);
const char *trace_layer(enum trace_step s);	/* "NHRP", "IKE", "IPSEC", "ROUTE", "DATA", "CORE" */
const char *trace_kind_name(enum trace_kind k);	/* "shortcut", "hub", "peer", "incoming" */

#endif
