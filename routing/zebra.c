/* routing/zebra.c: see zebra.h.
 *
 * A session: questions that tell the release (none where the configuration names it), HELLO, CAPABILITIES; then the interfaces and a
 * barrier, behind which our routes may go; then everybody's routes and a barrier, behind which the table is complete. zebra answers a
 * session's messages in order, so a barrier is any question with an answer of its own kind.
 *
 * The questions leave several releases possible. All of them are kept as a mask, and one goes when a body does not fit its
 * layout but another's: zapi.c takes a body only if it is used up exactly.
 *
 * What was learnt outlives the session. A zebra that was killed has not withdrawn anything: the kernel's routes stand, and so
 * does what stands behind a route of ours and only zebra knows. It goes when the next session's table has been read and routing
 * daemons have had time to come back (SETTLE_S), or when nobody comes (AWAY_S). Only routes of protocols are kept: what the kernel
 * made itself (connected, local, kernel) is heard from the kernel.
 *
 * BFD and next hops are asked for by a second session (watch.c). Left out: VRFs but the default one, labels and SRv6, graceful restart of ours. */
#include "routing/zebra.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/container_of.h"
#include "lib/list.h"
#include "lib/map.h"
#include "lib/trie.h"

enum { IN_OCTETS = 65536, OUT_OCTETS = 65536, RETRY_MS = 100, RETRY_MAX_MS = 2000, ANSWER_S = 5, QUESTION_MS = 1000, SETTLE_S = 30, AWAY_S = 300, SWEEP_ROUND = 1024,
	OUT_ROUNDS = 8 };

struct link {
	struct map_node node;
	struct zapi_interface info;
};

struct learnt {
	struct rib_route route;
	uint32_t session;	/* that told it last */
	struct list told;	/* by that session, the oldest first */
};

struct zebra {
	const struct host *host;
	struct zebra_conf conf;
	const struct zebra_face *face;
	void *ctx;
	int fd;
	struct host_watch *in_watch, *out_watch, *timer, *settle;
	enum zebra_state state;
	uint32_t mask;	/* releases it may be */
	const struct zapi_version *v;	/* the first of them */
	unsigned errors, barriers;
	uint16_t error_number;
	uint32_t session, retry_ms;
	struct map links;	/* by ifindex */
	struct trie learnt;
	struct list told;	/* of struct learnt */
	struct prefix router_id;
	tick_t since;
	uint64_t rx, tx, unread, notes[ZAPI_NOTES];
	char why[128];
	bool in_callback, complained, link_params, leaving;
	size_t in_n, out_at, out_n;
	uint8_t in[IN_OCTETS], out[OUT_OCTETS];
};

static void session_end(struct zebra *z, const char *why);
static void session_begin(void *arg);

const char *
zebra_state_name(enum zebra_state s)
{
	static const char *const name[ZEBRA_STATES] = { [ZEBRA_AWAY] = "away", [ZEBRA_ASKING] = "asking its release", [ZEBRA_HELLO] = "greeting", [ZEBRA_LINKS] = "reading interfaces",
		[ZEBRA_TABLE] = "reading routes", [ZEBRA_UP] = "up" };

	return name[s];
}

static void
enter(struct zebra *z, enum zebra_state s)
{
	z->state = s;
	z->since = z->host->now(z->host->ctx);
}

static void
timer_stop(struct zebra *z, struct host_watch **t)
{
	z->host->unwatch(z->host->ctx, *t);
	*t = NULL;
}

/* ---- what was learnt */

static void
tell_gone(struct zebra *z, const struct prefix *p)
{
	struct rib_event ev = { .kind = RIB_EV_GONE, .route.dst = *p };

	z->face->learnt(z->ctx, &ev);
}

static void
forget(struct zebra *z, const struct prefix *p)
{
	struct prefix dst = *p;
	struct learnt *l = trie_del(&z->learnt, &dst);

	if (!l)
		return;
	list_remove(&l->told);
	env_free(z->host->env, l);
	tell_gone(z, &dst);
}

static void
walk(const struct zebra *z, trie_fn *fn, void *ctx)
{
	static const struct prefix all[2] = { { .addr = { .n = 4 } }, { .addr = { .n = 16 } } };

	for (unsigned i = 0; i < 2; i++)
		trie_within(&z->learnt, &all[i], fn, ctx);
}

/* Those that this session did not tell; all of them where there is none. False: there are more, the loop has other things to do, too. */
static bool
sweep(struct zebra *z, uint32_t keep)
{
	for (unsigned i = 0; i < SWEEP_ROUND; i++) {
		const struct learnt *l = list_empty(&z->told) ? NULL : container_of(z->told.next, struct learnt, told);

		if (!l || (keep && l->session == keep))
			return true;
		forget(z, &l->route.dst);
	}
	return false;
}

static void
on_settled(void *arg)
{
	struct zebra *z = arg;

	z->settle = NULL;
	while (!sweep(z, z->state == ZEBRA_UP ? z->session : 0)) {
		z->settle = z->host->after(z->host->ctx, 0, on_settled, z);
		if (z->settle)
			return;	/* else, without memory, all at once */
	}
	if (z->leaving)
		z->face->left(z->ctx, z);
}

static void
settle_in(struct zebra *z, unsigned seconds)
{
	timer_stop(z, &z->settle);
	z->settle = z->host->after(z->host->ctx, TICK_S(seconds), on_settled, z);
	if (!z->settle)
		on_settled(z);
}

static bool
is_protocol(unsigned type)
{
	return type != ZAPI_RT_SYSTEM && type != ZAPI_RT_KERNEL && type != ZAPI_RT_CONNECT && type != ZAPI_RT_LOCAL;
}

static void
learn(struct zebra *z, const struct zapi_route *r)
{
	struct learnt *l = trie_get(&z->learnt, &r->dst);
	struct rib_event ev = { .kind = RIB_EV_ROUTE, .route = { .dst = r->dst, .via = r->nexthop.via, .ifindex = r->nexthop.ifindex, .metric = r->metric,
		.kind = r->nexthop.type == ZAPI_NH_BLACKHOLE ? RIB_REJECT : RIB_UNICAST } };

	if (!l) {
		l = z->learnt.n < ZEBRA_LEARNT_MAX ? env_alloc(z->host->env, sizeof(*l)) : NULL;
		if (!l || !trie_set(&z->learnt, &r->dst, l)) {	/* the kernel has it, too, mostly */
			env_free(z->host->env, l);
			z->unread++;
			return;
		}
		list_init(&l->told);
	}
	l->route = ev.route;
	l->session = z->session;
	list_remove(&l->told);
	list_append(&z->told, &l->told);
	z->face->learnt(z->ctx, &ev);
}

/* Ours with the flag of all of ours do not hide what zebra selects; without it (an operator's, another program's) they do. */
static void
on_learnt(struct zebra *z, const struct zapi_route *r, bool add)
{
	if (r->source_too || (add && r->type == ZAPI_RT_NHRP && r->flags & ZAPI_RF_FIB_OVERRIDE))
		return;
	if (add && r->type != ZAPI_RT_NHRP && is_protocol(r->type) && r->n_nexthop)
		learn(z, r);
	else
		forget(z, &r->dst);
}

/* ---- interfaces */

static uint64_t
link_hash(const struct zebra *z, uint32_t ifindex)
{
	return map_hash(&z->links, &ifindex, sizeof(ifindex));
}

static bool
link_eq(const struct map_node *node, const void *key)
{
	return container_of(node, struct link, node)->info.ifindex == *(const uint32_t *)key;
}

static struct link *
link_of(const struct zebra *z, uint32_t ifindex)
{
	struct map_node *node = map_find(&z->links, link_hash(z, ifindex), link_eq, &ifindex);

	return node ? container_of(node, struct link, node) : NULL;
}

static void
link_forget(struct zebra *z, struct link *l)
{
	map_del(&z->links, &l->node);
	env_free(z->host->env, l);
}

static void
links_forget(struct zebra *z)
{
	struct map_iter it;

	for (struct map_node *n = map_first(&z->links, &it); n; n = map_next(&z->links, &it))
		link_forget(z, container_of(n, struct link, node));
}

static void
on_interface(struct zebra *z, const struct zapi_interface *i, enum zapi_cmd c)
{
	struct link *l = link_of(z, i->ifindex);

	if (i->ifindex == 0)
		return;	/* of a VRF device that goes */
	if (c == ZAPI_INTERFACE_DELETE) {
		if (l)
			link_forget(z, l);
		return;
	}
	if (!l) {
		if (!(l = env_alloc(z->host->env, sizeof(*l))))
			return;
		l->info.ifindex = i->ifindex;
		map_add(&z->links, &l->node, link_hash(z, i->ifindex));
	}
	l->info = *i;
	if (c == ZAPI_INTERFACE_UP && z->state >= ZEBRA_TABLE)
		z->face->link(z->ctx, i->ifindex);
}

uint32_t
zebra_mtu(const struct zebra *z, uint32_t ifindex, uint8_t family)
{
	const struct link *l = link_of(z, ifindex);

	return !l ? 0 : family == 4 ? l->info.mtu : l->info.mtu6;
}

/* ---- which release: a reader tried under each that it may be */

typedef bool reader(const struct zapi_version *v, struct span body, void *out);

static bool
read_interface(const struct zapi_version *v, struct span body, void *out)
{
	return zapi_interface(v, body, out);
}

static bool
read_route(const struct zapi_version *v, struct span body, void *out)
{
	return zapi_route(v, body, out);
}

static bool
read_note(const struct zapi_version *v, struct span body, void *out)
{
	return zapi_note(v, body, out);
}

static bool
read_capabilities(const struct zapi_version *v, struct span body, void *out)
{
	return zapi_capabilities(v, body, out);
}

static void
choose(struct zebra *z, uint32_t mask)
{
	z->mask = mask;
	for (unsigned i = zapi_n_versions; i-- > 0;) {
		if (mask & 1u << i)
			z->v = &zapi_versions[i];
	}
}

/* The first release whose layout fits, of those that are possible; those before it are not any more. */
static bool
read_body(struct zebra *z, reader *fn, struct span body, void *out)
{
	for (unsigned i = 0; i < zapi_n_versions; i++) {
		if (!(z->mask & 1u << i) || !fn(&zapi_versions[i], body, out))
			continue;
		if (z->v != &zapi_versions[i])
			choose(z, z->mask & ~((1u << i) - 1));
		return true;
	}
	z->unread++;
	return false;
}

/* ---- sending */

static void on_writable(void *arg);

static bool
write_out(struct zebra *z)
{
	while (z->out_at < z->out_n) {
		ssize_t n = send(z->fd, z->out + z->out_at, z->out_n - z->out_at, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		z->out_at += (size_t)n;
	}
	z->out_at = z->out_n = 0;
	return true;
}

static void
wait_writable(struct zebra *z)
{
	if (z->out_n && !z->out_watch) {
		z->out_watch = z->host->watch_out(z->host->ctx, z->fd, on_writable, z);
		if (!z->out_watch)
			session_end(z, "out of memory");
	} else if (!z->out_n) {
		timer_stop(z, &z->out_watch);
	}
}

static void
flush(struct zebra *z)
{
	bool more = true;

	for (unsigned i = 0; more; i++) {
		if (!write_out(z)) {
			session_end(z, strerror(errno));
			return;
		}
		if (z->out_n || z->state < ZEBRA_TABLE || i == OUT_ROUNDS)
			break;
		struct wr w = wr_of(z->out, sizeof(z->out));

		more = z->face->fill(z->ctx, z->v, &w);
		z->out_n = wr_len(&w);
		if (!z->out_n)
			break;
	}
	wait_writable(z);
}

static void
on_writable(void *arg)
{
	flush(arg);
}

void
zebra_kick(struct zebra *z)
{
	if (!z->in_callback && z->state >= ZEBRA_TABLE && !z->out_n)
		flush(z);
}

/* Messages of the session itself are few and small: they fit into an empty buffer. */
static struct wr
put_begin(struct zebra *z)
{
	struct wr w = wr_of(z->out, sizeof(z->out));

	w.p += z->out_n;
	return w;
}

static void
put_end(struct zebra *z, const struct wr *w, unsigned messages)
{
	z->out_n = wr_len(w);
	z->tx += messages;
}

static void
put_session(struct zebra *z)
{
	struct wr w = put_begin(z);

	zapi_put_hello(&w, z->v);
	if (!z->v->hello_notify)
		zapi_put_note_request(&w, z->v);
	put_end(z, &w, z->v->hello_notify ? 1 : 2);
	enter(z, ZEBRA_HELLO);
}

static void
put_table(struct zebra *z)
{
	struct wr w = put_begin(z);

	zapi_put_router_id(&w, z->v, 1);
	zapi_put_interfaces(&w, z->v);
	zapi_put_barrier(&w, z->v);
	zapi_put_redistribute(&w, z->v, 1);
	zapi_put_redistribute(&w, z->v, 2);
	zapi_put_barrier(&w, z->v);
	put_end(z, &w, 6);
	enter(z, ZEBRA_LINKS);
}

/* ---- what comes */

static void
on_silence(void *arg)
{
	struct zebra *z = arg;

	z->timer = NULL;
	if (z->state == ZEBRA_ASKING && z->errors) {	/* it does not answer for a VRF that is not there: what was counted is all */
		choose(z, zapi_guess(z->error_number, z->errors > 1));
		if (z->mask) {
			put_session(z);
			z->timer = z->host->after(z->host->ctx, TICK_S(ANSWER_S), on_silence, z);
			flush(z);
			return;
		}
	}
	session_end(z, z->state == ZEBRA_ASKING && z->errors ? "it is a release of FRR that is not known here; `zebra version` can name one" : "no answer");
}

static void
await(struct zebra *z, tick_t for_us)
{
	timer_stop(z, &z->timer);
	z->timer = z->host->after(z->host->ctx, for_us, on_silence, z);
}

static void
on_answer(struct zebra *z, const struct zapi_frame *f)
{
	uint32_t code;

	if (!zapi_error(f->body, &code)) {
		z->unread++;	/* what comes unasked before HELLO is nobody's */
		return;
	}
	if (f->vrf != ZAPI_ASK_VRF) {
		z->error_number = f->command;
		z->errors++;
		return;
	}
	choose(z, zapi_guess(f->command, z->errors > 1));
	if (!z->mask || z->errors == 0) {
		session_end(z, "it is a release of FRR that is not known here; `zebra version` can name one");
		return;
	}
	put_session(z);
	await(z, TICK_S(ANSWER_S));
}

static void
on_capabilities(struct zebra *z, struct span body)
{
	struct zapi_capabilities c;
	uint32_t fit = 0;

	for (unsigned i = 0; i < zapi_n_versions; i++) {
		if (z->mask & 1u << i && read_capabilities(&zapi_versions[i], body, &c))
			fit |= 1u << i;
	}
	if (!fit) {
		session_end(z, z->conf.version ? "it is not the release that `zebra version` names" : "it is a release of FRR that is not known here");
		return;
	}
	choose(z, fit);
	if (z->state != ZEBRA_HELLO)
		return;	/* something changed: none of what we look at */
	put_table(z);
	await(z, TICK_S(ANSWER_S));
}

/* From 8.5 on every interface is followed by its parameters, and there is always one: lo. */
static void
narrow(struct zebra *z)
{
	uint32_t fit = 0;

	for (unsigned i = 0; i < zapi_n_versions; i++) {
		if (z->mask & 1u << i && zapi_versions[i].link_params == z->link_params)
			fit |= 1u << i;
	}
	if (fit)
		choose(z, fit);
}

static void
on_barrier(struct zebra *z)
{
	if (z->state == ZEBRA_LINKS) {
		narrow(z);
		enter(z, ZEBRA_TABLE);
		timer_stop(z, &z->timer);	/* routes come one after the other now; a zebra that hangs holds up nothing of ours */
		z->retry_ms = RETRY_MS;
		z->complained = false;
		log_at(z->host->log, LOG_LV_NOTICE, "zebra-up", "zebra at %s (FRR %s): routes go there", z->conf.path, z->v->name);
		z->face->session(z->ctx, true);
	} else if (z->state == ZEBRA_TABLE) {
		enter(z, ZEBRA_UP);
		settle_in(z, z->session > 1 ? SETTLE_S : 0);
	}
}

static void
on_note(struct zebra *z, struct span body)
{
	struct zapi_note n;

	if (!read_body(z, read_note, body, &n))
		return;
	z->notes[n.kind]++;
	z->face->note(z->ctx, &n);
}

static void
on_frame(struct zebra *z, const struct zapi_frame *f)
{
	enum zapi_cmd c = z->state == ZEBRA_ASKING ? ZAPI_CMDS : zapi_cmd_of(z->v, f->command);
	union {
		struct zapi_interface i;
		struct zapi_route r;
	} u;

	z->rx++;
	if (z->state == ZEBRA_ASKING) {
		on_answer(z, f);
		return;
	}
	if (f->vrf != ZAPI_VRF_DEFAULT)
		return;
	switch (c) {
	case ZAPI_CAPABILITIES:
		on_capabilities(z, f->body);
		break;
	case ZAPI_INTERFACE_ADD:
	case ZAPI_INTERFACE_DELETE:
	case ZAPI_INTERFACE_UP:
	case ZAPI_INTERFACE_DOWN:
		if (read_body(z, read_interface, f->body, &u.i))
			on_interface(z, &u.i, c);
		break;
	case ZAPI_LEARNT_ADD:
	case ZAPI_LEARNT_DELETE:
		if (read_body(z, read_route, f->body, &u.r))
			on_learnt(z, &u.r, c == ZAPI_LEARNT_ADD);
		break;
	case ZAPI_ROUTE_NOTE:
		on_note(z, f->body);
		break;
	case ZAPI_ROUTER_ID:
		if (!zapi_router_id(f->body, &z->router_id))
			z->unread++;
		break;
	case ZAPI_GRE:
		on_barrier(z);
		break;
	case ZAPI_ERROR:
		log_at(z->host->log, LOG_LV_WARN, "zebra-error", "zebra did not understand a message of ours");
		break;
	case ZAPI_LINK_PARAMS:
		z->link_params = true;
		break;
	case ZAPI_ADDRESS_ADD:
	case ZAPI_ADDRESS_DELETE:
	case ZAPI_ROUTE_ADD:
	case ZAPI_ROUTE_DELETE:
	case ZAPI_REDISTRIBUTE_ADD:
	case ZAPI_ROUTER_ID_ADD:
	case ZAPI_HELLO:
	case ZAPI_VRF_ADD:
	case ZAPI_VRF_DELETE:
	case ZAPI_NOTE_REQUEST:
	case ZAPI_CLOSED:
	case ZAPI_GRE_GET:
	case ZAPI_NEXTHOP_REGISTER:	/* those of watch.c */
	case ZAPI_NEXTHOP_UNREGISTER:
	case ZAPI_NEXTHOP_UPDATE:
	case ZAPI_BFD_UPDATE:
	case ZAPI_BFD_REGISTER:
	case ZAPI_BFD_DEREGISTER:
	case ZAPI_BFD_REPLAY:
	case ZAPI_BFD_CLIENT:
	case ZAPI_CMDS:
		break;	/* nothing to do, or only ours to send */
	}
}

/* All that came whole. A session that ends under way leaves nothing behind. */
static void
take_in(struct zebra *z)
{
	size_t at = 0;
	struct zapi_frame f;
	enum zapi_framing how = ZAPI_MORE;

	while (z->fd >= 0 && (how = zapi_frame(span_of(z->in + at, z->in_n - at), &f)) == ZAPI_WHOLE) {
		at += f.n;
		on_frame(z, &f);
	}
	if (z->fd < 0)
		return;
	if (how == ZAPI_BROKEN) {
		session_end(z, "what it sends is no message");
		return;
	}
	memmove(z->in, z->in + at, z->in_n - at);
	z->in_n -= at;
}

/* One buffer a call, so that a full table does not hold up the loop. */
static void
on_readable(void *arg)
{
	struct zebra *z = arg;
	ssize_t n = recv(z->fd, z->in + z->in_n, sizeof(z->in) - z->in_n, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		session_end(z, n < 0 ? strerror(errno) : "it closed the session");
		return;
	}
	z->in_n += (size_t)n;
	z->in_callback = true;
	take_in(z);
	z->in_callback = false;
	if (z->fd >= 0 && !z->out_watch)
		flush(z);
}

/* ---- begin and end */

static void
hang_up(struct zebra *z)
{
	timer_stop(z, &z->in_watch);
	timer_stop(z, &z->out_watch);
	timer_stop(z, &z->timer);
	if (z->fd >= 0)
		close(z->fd);
	z->fd = -1;
	z->in_n = z->out_at = z->out_n = 0;
	z->errors = 0;
	z->link_params = false;
	z->router_id = (struct prefix){ 0 };
	links_forget(z);
}

static void
retry(struct zebra *z)
{
	enter(z, ZEBRA_AWAY);
	z->timer = z->host->after(z->host->ctx, TICK_MS(z->retry_ms), session_begin, z);
	z->retry_ms = z->retry_ms * 2 < RETRY_MAX_MS ? z->retry_ms * 2 : RETRY_MAX_MS;
}

static void
session_end(struct zebra *z, const char *why)
{
	bool was_up = z->state >= ZEBRA_TABLE, answered = z->state > ZEBRA_AWAY && z->fd >= 0;

	snprintf(z->why, sizeof(z->why), "%s", why);
	hang_up(z);
	retry(z);
	if (was_up || (answered && !z->complained))
		log_at(z->host->log, LOG_LV_WARN, "zebra-down", "zebra at %s: %s; routes go to the kernel", z->conf.path, z->why);
	z->complained = true;
	if (!was_up)
		return;
	if (z->learnt.n)
		settle_in(z, AWAY_S);
	z->face->session(z->ctx, false);
}

static int
dial(const struct zebra *z)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(sun.sun_path, z->conf.path, sizeof(sun.sun_path));
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	if (fd >= 0) {
		int e = errno;

		close(fd);
		errno = e;
	}
	return -1;
}

static void
connected(void *arg, int fd)
{
	struct zebra *z = arg;
	struct wr w;

	timer_stop(z, &z->timer);
	z->fd = fd;
	if (fd < 0) {
		session_end(z, strerror(-fd));
		return;
	}
	z->in_watch = z->host->watch(z->host->ctx, z->fd, on_readable, z);
	if (!z->in_watch) {
		session_end(z, "out of memory");
		return;
	}
	z->session++;
	if (z->conf.version) {
		choose(z, 1u << (z->conf.version - 1));
		put_session(z);
	} else {
		w = put_begin(z);
		zapi_put_questions(&w);
		put_end(z, &w, 3);
		enter(z, ZEBRA_ASKING);
	}
	await(z, z->conf.version ? TICK_S(ANSWER_S) : TICK_MS(QUESTION_MS));
	flush(z);
}

static void
session_begin(void *arg)
{
	struct zebra *z = arg;
	int fd = dial(z);

	z->timer = NULL;
	if (fd < 0 && errno == EACCES && z->face->dial) {
		await(z, TICK_S(ANSWER_S));
		z->face->dial(z->ctx, z->conf.path, connected, z);
	} else {
		connected(z, fd < 0 ? -errno : fd);
	}
}

struct zebra *
zebra_new(const struct host *host, const struct zebra_conf *conf, const struct zebra_face *face, void *ctx)
{
	struct zebra *z = env_alloc(host->env, sizeof(*z));

	if (!z)
		return NULL;
	z->host = host;
	z->conf = *conf;
	if (!conf->path[0])
		snprintf(z->conf.path, sizeof(z->conf.path), "%s", ZEBRA_PATH);
	z->face = face;
	z->ctx = ctx;
	z->fd = -1;
	z->retry_ms = RETRY_MS;
	z->v = &zapi_versions[0];
	map_init(&z->links, host->env);
	trie_init(&z->learnt, host->env);
	list_init(&z->told);
	enter(z, ZEBRA_AWAY);
	z->timer = host->after(host->ctx, 0, session_begin, z);
	if (z->timer)
		return z;
	zebra_free(z);
	return NULL;
}

static void
free_learnt(void *ctx, const struct prefix *p, void *val)
{
	(void)p;
	env_free(ctx, val);
}

void
zebra_free(struct zebra *z)
{
	if (!z)
		return;
	if (z->face->dial)
		z->face->dial(z->ctx, NULL, NULL, NULL);
	hang_up(z);
	timer_stop(z, &z->settle);
	walk(z, free_learnt, (void *)(uintptr_t)z->host->env);
	trie_fini(&z->learnt);
	map_fini(&z->links);
	env_free(z->host->env, z);
}

void
zebra_leave(struct zebra *z)
{
	if (z->face->dial)
		z->face->dial(z->ctx, NULL, NULL, NULL);
	hang_up(z);
	enter(z, ZEBRA_AWAY);
	z->leaving = true;
	timer_stop(z, &z->settle);
	z->settle = z->host->after(z->host->ctx, 0, on_settled, z);
	if (!z->settle)
		on_settled(z);
}

/* ---- what others ask */

bool
zebra_up(const struct zebra *z)
{
	return z->state >= ZEBRA_TABLE;
}

const struct zapi_version *
zebra_release(const struct zebra *z)
{
	return z->v;
}

bool
zebra_learnt(const struct zebra *z, const struct prefix *dst, struct rib_route *out)
{
	const struct learnt *l = trie_get(&z->learnt, dst);

	if (l)
		*out = l->route;
	return l != NULL;
}

struct each {
	void (*fn)(void *ctx, const struct rib_route *);
	void *ctx;
};

static void
each_learnt(void *ctx, const struct prefix *p, void *val)
{
	struct each *e = ctx;

	(void)p;
	e->fn(e->ctx, &((const struct learnt *)val)->route);
}

void
zebra_each(const struct zebra *z, void (*fn)(void *ctx, const struct rib_route *), void *ctx)
{
	struct each e = { fn, ctx };

	walk(z, each_learnt, &e);
}

void
zebra_info(const struct zebra *z, struct zebra_info *out)
{
	*out = (struct zebra_info){ .state = z->state, .state_name = zebra_state_name(z->state), .up = zebra_up(z), .path = z->conf.path, .reason = z->why, .since = z->since, .router_id = z->router_id, .interfaces = z->links.n,
		.learnt = z->learnt.n, .sessions = z->session, .rx = z->rx, .tx = z->tx, .unread = z->unread };
	memcpy(out->notes, z->notes, sizeof(out->notes));
	for (unsigned i = 0; i < zapi_n_versions && z->state > ZEBRA_ASKING; i++) {
		if (!(z->mask & 1u << i))
			continue;
		if (!out->oldest)
			out->oldest = zapi_versions[i].name;
		out->newest = zapi_versions[i].name;
	}
}
