/* tests/net/odd.c: nhrpd, and a few ways to misbehave, for the fault matrix. The daemon's own code with two functions wrapped by the
 * linker; who is authenticated and what travels is real.
 *
 * ODD_FLOOD=RATE ODD_GO=FILE: a member that floods. While FILE is there it sends RATE NHRP packets a second to whom it registered
 * with: registrations, resolutions of addresses behind others, redirects, and noise.
 * ODD_CLOCK=FILE: the wall clock is wrong by as many seconds as FILE says, at any moment. */
#include "config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "nhrpd/daemon/dp_user.h"
#include "nhrpd/wire/nhrp_packet.h"

enum { TICK_MS_EACH = 10, BATCH_MAX = 5000 };

struct dp *__real_dp_user_new(const struct host *host, dp_event_fn *fn, void *ctx, char *err, size_t errlen);
struct dp *__wrap_dp_user_new(const struct host *host, dp_event_fn *fn, void *ctx, char *err, size_t errlen);
int	__real_clock_gettime(clockid_t id, struct timespec *ts);
int	__wrap_clock_gettime(clockid_t id, struct timespec *ts);
time_t	__real_time(time_t *t);
time_t	__wrap_time(time_t *t);

/* ---- the flood */

static const struct host *host;
static struct dp_ops ops;
static struct host_watch *again;
static void (*real_free)(struct dp *);
static int (*real_send)(struct dp *, uint32_t tunnel, uint32_t peer, struct span nhrp);
static struct dp *plane;
static uint32_t to_tunnel, to_peer;
static uint8_t said[1500];	/* our registration, as the daemon sent it last: address, authentication string and all */
static size_t said_n;
static unsigned long sent;

static struct span
made(unsigned kind, uint8_t buf[static 1500])
{
	struct nhrp_packet p;
	struct wr w = wr_of(buf, 1500);
	uint8_t ip[84] = { 0x45, 0, 0, 84, 0, 0, 0, 0, 64, 1 };

	if (kind == 3 || nhrp_packet_parse(span_of(said, said_n), &p) != NHRP_OK) {	/* noise */
		for (size_t i = 0; i < 64; i++)
			buf[i] = (uint8_t)rand();
		return span_of(buf, 64);
	}
	p.request_id = (uint32_t)rand();
	if (kind == 1) {
		p.type = NHRP_RESOLUTION_REQUEST;
		p.flags = NHRP_FLAG_ROUTER | NHRP_FLAG_AUTHORITATIVE | NHRP_FLAG_SRC_STABLE | NHRP_FLAG_NAT;
		p.hops = 255;
		p.dst_proto = addr_of((const uint8_t[]){ 172, 16, (uint8_t)(1 + rand() % 2), (uint8_t)rand() }, 4);
	} else if (kind == 2) {
		p.type = NHRP_TRAFFIC_INDICATION;
		p.n_cie = 0;
		p.flags = 0;
		memcpy(ip + 12, (const uint8_t[]){ 172, 16, 0, 10, 172, 16, 1, (uint8_t)rand() }, 8);
		p.payload = span_of(ip, sizeof(ip));
	}
	return nhrp_packet_build(&w, &p) ? wr_span(&w) : span_of(buf, 0);
}

static void
flood(void *arg)
{
	const char *go = getenv("ODD_GO"), *rate = getenv("ODD_FLOOD");
	unsigned n = rate ? (unsigned)atoi(rate) * TICK_MS_EACH / 1000 : 0;
	uint8_t buf[1500];

	(void)arg;
	again = host->after(host->ctx, TICK_MS(TICK_MS_EACH), flood, NULL);
	if (!said_n || !go || access(go, F_OK) != 0)
		return;
	for (unsigned i = 0; i < n && i < BATCH_MAX; i++)
		real_send(plane, to_tunnel, to_peer, made((unsigned)sent++ % 4, buf));
}

static void
end(struct dp *dp)
{
	host->unwatch(host->ctx, again);
	real_free(dp);
}

static int
listen_in(struct dp *dp, uint32_t tunnel, uint32_t peer, struct span nhrp)
{
	if (nhrp.n > 17 && nhrp.n <= sizeof(said) && nhrp.p[17] == NHRP_REGISTRATION_REQUEST) {
		memcpy(said, nhrp.p, nhrp.n);
		said_n = nhrp.n;
		to_tunnel = tunnel;
		to_peer = peer;
	}
	return real_send(dp, tunnel, peer, nhrp);
}

struct dp *
__wrap_dp_user_new(const struct host *h, dp_event_fn *fn, void *ctx, char *err, size_t errlen)
{
	struct dp *dp = __real_dp_user_new(h, fn, ctx, err, errlen);

	if (!dp || !getenv("ODD_FLOOD"))
		return dp;
	host = h;
	plane = dp;
	real_send = dp->ops->send;
	real_free = dp->ops->free;
	ops = *dp->ops;
	ops.send = listen_in;
	dp->ops = &ops;
	ops.free = end;
	again = host->after(host->ctx, TICK_MS(TICK_MS_EACH), flood, NULL);
	return dp;
}

/* ---- the clock */

static time_t
wrong_by(void)
{
	const char *path = getenv("ODD_CLOCK");
	FILE *f = path ? fopen(path, "r") : NULL;
	long s = 0;

	if (f && fscanf(f, "%ld", &s) != 1)
		s = 0;
	if (f)
		fclose(f);
	return s;
}

int
__wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = __real_clock_gettime(id, ts);

	if (rc == 0 && id == CLOCK_REALTIME)
		ts->tv_sec += wrong_by();
	return rc;
}

time_t
__wrap_time(time_t *t)
{
	time_t now = __real_time(NULL) + wrong_by();

	if (t)
		*t = now;
	return now;
}
