/* routing/watch.c: see watch.h.
 *
 * One kind of item for both: what is wanted, under which VRF it was told, what was heard. An item that is to be told stands in a list; one
 * that is not wanted any more but was told stays until zebra has heard of it. So the queue is bounded by what is watched. VRFs have
 * numbers which the session learns at its beginning; an item whose VRF zebra does not know waits for it.
 *
 * bfdd answers a new watch with the session's state. Down after up is what counts: a session that was never up says nothing about
 * the peer, which may do no BFD. Nor does one that somebody has shut down in bfdd, nor the end of bfdd or zebra: they do
 * not know. All changes are told to every client like us, again and again, so what is not ours or is not new is passed over. */
#include "routing/watch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/map.h"

enum { IN_OCTETS = 2 * ZAPI_OCTETS_MAX, OUT_OCTETS = 16384, RETRY_MS = 200, RETRY_MAX_MS = 5000, ANSWER_S = 5, VRFS_MAX = 64 };
enum { CLIENT_MARK = 0x40000000 };	/* FRR's daemons go by their process ids; this is nobody's */

struct item {
	struct map_node node;
	struct item *next, **at;	/* in the list of what is to be told; at NULL: not in it */
	bool way;	/* else a peer */
	bool gone;	/* not wanted, to be told */
	bool told;
	unsigned wanted;	/* a way: how often */
	uint32_t vrf;	/* told: under this number */
	struct watch_peer_info p;	/* a way: only vrf, and peer for where it leads to */
	struct watch_way_info w;
};

struct vrf {
	char name[ZAPI_VRF_NAME + 1];
	uint32_t id;
};

struct watch {
	const struct host *host;
	const struct watch_face *face;
	void *ctx;
	const struct zapi_version *v;	/* NULL: no zebra */
	char path[108];
	int fd;
	struct host_watch *in_watch, *out_watch, *timer;
	bool up, dialing;
	uint32_t retry_ms;
	struct map items;
	unsigned n_ways;
	struct item *first, **last;
	struct vrf vrf[VRFS_MAX];
	unsigned n_vrf;
	size_t in_n, out_at, out_n;
	uint8_t in[IN_OCTETS], out[OUT_OCTETS];
};

static void session_end(struct watch *w, const char *why);
static void session_begin(void *arg);
static void flush(struct watch *w);

static const char *
state_name(enum watch_state s)
{
	static const char *const name[WATCH_STATES] = { [WATCH_OFF] = "off", [WATCH_ASKED] = "no answer", [WATCH_WAITING] = "waiting", [WATCH_UP] = "up",
		[WATCH_DOWN] = "down" };

	return name[s];
}

static void
timer_stop(struct watch *w, struct host_watch **t)
{
	w->host->unwatch(w->host->ctx, *t);
	*t = NULL;
}

static tick_t
now_of(const struct watch *w)
{
	return w->host->now(w->host->ctx);
}

/* ---- items */

static uint64_t
hash_of(const struct watch *w, const struct addr *a)
{
	return map_hash(&w->items, a->b, a->n);
}

struct key {
	bool way;
	const struct watch_peer *p;
};

static bool
item_eq(const struct map_node *node, const void *key)
{
	const struct item *i = container_of(node, struct item, node);
	const struct key *k = key;

	if (i->way != k->way || !addr_eq(&i->p.what.peer, &k->p->peer))
		return false;
	if (i->way)
		return strcmp(i->p.what.vrf, k->p->vrf) == 0;
	return addr_eq(&i->p.what.local, &k->p->local) && strcmp(i->p.what.ifname, k->p->ifname) == 0;
}

static struct item *
item_find(const struct watch *w, bool way, const struct watch_peer *p)
{
	struct key k = { way, p };
	struct map_node *n = map_find(&w->items, hash_of(w, &p->peer), item_eq, &k);

	return n ? container_of(n, struct item, node) : NULL;
}

static void
unmark(struct watch *w, struct item *i)
{
	if (!i->at)
		return;
	*i->at = i->next;
	if (i->next)
		i->next->at = i->at;
	else
		w->last = i->at;
	i->at = NULL;
}

static void
mark(struct watch *w, struct item *i)
{
	if (i->at || !w->up)
		return;
	i->next = NULL;
	i->at = w->last;
	*w->last = i;
	w->last = &i->next;
}

static void
item_free(struct watch *w, struct item *i)
{
	unmark(w, i);
	w->n_ways -= i->way;
	map_del(&w->items, &i->node);
	env_free(w->host->env, i);
}

static struct item *
item_get(struct watch *w, bool way, const struct watch_peer *p)
{
	struct item *i = item_find(w, way, p);

	if (i || (way ? w->n_ways >= WATCH_WAYS_MAX : w->items.n - w->n_ways >= WATCH_PEERS_MAX) || !(i = env_alloc(w->host->env, sizeof(*i))))
		return i;
	i->way = way;
	i->p.since = i->w.since = now_of(w);
	i->p.what = *p;
	i->w.to = p->peer;
	w->n_ways += way;
	map_add(&w->items, &i->node, hash_of(w, &p->peer));
	return i;
}

static void
tell(struct watch *w, struct item *i)
{
	mark(w, i);
	if (w->up && !w->out_n)
		flush(w);
}

static void
item_end(struct watch *w, struct item *i)
{
	if (!i)
		return;
	if (!w->up || !i->told) {
		item_free(w, i);
		return;
	}
	i->gone = true;
	tell(w, i);
}

static void
peer_state(struct watch *w, struct item *i, enum watch_state s)
{
	if (i->p.state != s)
		i->p.since = now_of(w);
	i->p.state = s;
}

/* ---- sending */

static bool
vrf_id(const struct watch *w, const char *name, uint32_t *id)
{
	*id = ZAPI_VRF_DEFAULT;
	for (unsigned i = 0; i < w->n_vrf && *name; i++) {
		if (strcmp(w->vrf[i].name, name) == 0)
			*id = w->vrf[i].id;
	}
	return !*name || *id != ZAPI_VRF_DEFAULT;
}

static void
put_peer(struct watch *w, struct wr *out, const struct item *i, uint32_t vrf)
{
	const struct watch_peer *p = &i->p.what;
	struct zapi_bfd b = { .peer = p->peer, .local = p->local, .min_rx_ms = p->min_rx_ms, .min_tx_ms = p->min_tx_ms, .multiplier = p->multiplier };

	snprintf(b.ifname, sizeof(b.ifname), "%s", p->ifname);
	zapi_put_bfd(out, w->v, vrf, (uint32_t)getpid() | CLIENT_MARK, !i->gone, &b);
}

/* False: it does not fit. */
static bool
put_item(struct watch *w, struct wr *out, struct item *i)
{
	struct wr before = *out;
	uint32_t vrf = i->vrf;

	if ((!i->gone && !vrf_id(w, i->p.what.vrf, &vrf)) || (i->way && !zapi_can_track(w->v)))
		return true;	/* its VRF may come yet */
	if (i->way)
		zapi_put_track(out, w->v, vrf, !i->gone, &i->p.what.peer);
	else
		put_peer(w, out, i, vrf);
	if (out->bad) {
		*out = before;
		return false;
	}
	i->told = true;
	i->vrf = vrf;
	if (i->p.state == WATCH_OFF)
		peer_state(w, i, WATCH_ASKED);
	return true;
}

static void
fill(struct watch *w)
{
	struct wr out = wr_of(w->out, sizeof(w->out));
	struct item *i;

	while ((i = w->first) && put_item(w, &out, i)) {
		unmark(w, i);
		if (i->gone)
			item_free(w, i);
	}
	w->out_n = wr_len(&out);
}

static bool
write_out(struct watch *w)
{
	while (w->out_at < w->out_n) {
		ssize_t n = send(w->fd, w->out + w->out_at, w->out_n - w->out_at, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		w->out_at += (size_t)n;
	}
	w->out_at = w->out_n = 0;
	return true;
}

static void
on_writable(void *arg)
{
	flush(arg);
}

static void
flush(struct watch *w)
{
	bool more = true;

	while (more) {
		if (!write_out(w)) {
			session_end(w, strerror(errno));
			return;
		}
		if (w->out_n || !w->up || !w->first)
			break;
		fill(w);
		more = w->out_n;
	}
	if (w->out_n && !w->out_watch) {
		w->out_watch = w->host->watch_out(w->host->ctx, w->fd, on_writable, w);
		if (!w->out_watch)
			session_end(w, "out of memory");
	} else if (!w->out_n) {
		timer_stop(w, &w->out_watch);
	}
}

/* ---- what comes */

static void
tell_all(struct watch *w)
{
	struct map_iter it;

	for (struct map_node *n = map_first(&w->items, &it); n; n = map_next(&w->items, &it)) {
		struct item *i = container_of(n, struct item, node);

		mark(w, i);
	}
}

/* bfdd begins anew and knows nothing: its sessions come up again, which is no news of the peers. */
static void
on_replay(struct watch *w)
{
	struct map_iter it;

	for (struct map_node *n = map_first(&w->items, &it); n; n = map_next(&w->items, &it)) {
		struct item *i = container_of(n, struct item, node);

		if (i->way)
			continue;
		peer_state(w, i, WATCH_OFF);
		mark(w, i);
	}
	log_at(w->host->log, LOG_LV_INFO, "bfd-replay", "bfdd has begun anew");
}

static void
on_vrf(struct watch *w, const struct zapi_frame *f, bool add)
{
	char name[ZAPI_VRF_NAME + 1];
	struct vrf *v = w->vrf;

	if (f->vrf == ZAPI_VRF_DEFAULT || !zapi_vrf(f->body, name))
		return;
	while (v < w->vrf + w->n_vrf && v->id != f->vrf)
		v++;
	if (add && v == w->vrf + VRFS_MAX)
		return;
	if (add) {
		w->n_vrf += v == w->vrf + w->n_vrf;
		v->id = f->vrf;
		memcpy(v->name, name, sizeof(v->name));
		tell_all(w);
	} else if (v < w->vrf + w->n_vrf) {
		*v = w->vrf[--w->n_vrf];
	}
}

struct heard {
	const struct zapi_bfd_change *c;
};

static bool
is_heard(const struct map_node *node, const void *key)
{
	const struct item *i = container_of(node, struct item, node);
	const struct zapi_bfd_change *c = ((const struct heard *)key)->c;

	return !i->way && !i->gone && addr_eq(&i->p.what.peer, &c->peer) && addr_eq(&i->p.what.local, &c->local) &&
	    (!c->ifindex || c->ifindex == i->p.what.ifindex);
}

static void
on_peer(struct watch *w, struct span body)
{
	struct zapi_bfd_change c;
	struct heard h = { &c };
	struct watch_peer_info info;
	struct map_node *n;
	struct item *i;

	if (!zapi_bfd_change(body, &c) || !(n = map_find(&w->items, hash_of(w, &c.peer), is_heard, &h)))
		return;
	i = container_of(n, struct item, node);
	if (c.state == ZAPI_BFD_UP && i->p.state != WATCH_UP) {
		peer_state(w, i, WATCH_UP);
		i->p.ups++;
	} else if (c.state == ZAPI_BFD_DOWN && i->p.state == WATCH_UP) {
		peer_state(w, i, WATCH_DOWN);
		i->p.downs++;
	} else {
		if ((c.state == ZAPI_BFD_ADMIN_DOWN || c.state == ZAPI_BFD_DOWN) && i->p.state != WATCH_DOWN)
			peer_state(w, i, WATCH_WAITING);
		return;
	}
	info = i->p;
	w->face->peer(w->ctx, &info);
}

static bool
same_way(const struct watch_way_info *a, const struct watch_way_info *b)
{
	return a->known && a->reachable == b->reachable && prefix_eq(&a->by, &b->by) && addr_eq(&a->nexthop.via, &b->nexthop.via) && a->nexthop.ifindex == b->nexthop.ifindex;
}

/* Of the releases that have these numbers the first whose layout fits. */
static bool
read_way(const struct watch *w, struct span body, struct zapi_tracked *out)
{
	for (unsigned k = 0; k < zapi_n_versions; k++) {
		if (zapi_versions[k].numbers == w->v->numbers && zapi_tracked(&zapi_versions[k], body, out))
			return true;
	}
	return false;
}

static bool
way_heard(const struct map_node *node, const void *key)
{
	const struct item *i = container_of(node, struct item, node), *like = key;

	return i->way && !i->gone && i->told && i->vrf == like->vrf && addr_eq(&i->w.to, &like->w.to);
}

static void
on_way(struct watch *w, const struct zapi_frame *f)
{
	struct watch_way_info info = { .known = true };
	struct item like = { .vrf = f->vrf };
	struct zapi_tracked t;
	struct map_node *n;
	struct item *i;

	if (!read_way(w, f->body, &t))
		return;
	info.to = like.w.to = t.what;
	if (!(n = map_find(&w->items, hash_of(w, &t.what), way_heard, &like)))
		return;
	i = container_of(n, struct item, node);
	info.reachable = t.n_nexthop != 0;
	info.by = t.by;
	info.nexthop = t.nexthop;
	info.since = now_of(w);
	if (same_way(&i->w, &info))
		return;
	i->w = info;
	w->face->way(w->ctx, &info);
}

static void
on_hello(struct watch *w)
{
	struct wr out = wr_of(w->out, sizeof(w->out));

	if (w->up)
		return;
	timer_stop(w, &w->timer);
	w->up = true;
	w->retry_ms = RETRY_MS;
	zapi_put_bfd_client(&out, w->v, (uint32_t)getpid() | CLIENT_MARK);
	w->out_n = wr_len(&out);
	tell_all(w);
}

static void
on_frame(struct watch *w, const struct zapi_frame *f)
{
	enum zapi_cmd c = zapi_cmd_of(w->v, f->command);

	if (c == ZAPI_CAPABILITIES)
		on_hello(w);
	else if (c == ZAPI_VRF_ADD || c == ZAPI_VRF_DELETE)
		on_vrf(w, f, c == ZAPI_VRF_ADD);
	else if (c == ZAPI_BFD_UPDATE)
		on_peer(w, f->body);
	else if (c == ZAPI_BFD_REPLAY)
		on_replay(w);
	else if (c == ZAPI_NEXTHOP_UPDATE)
		on_way(w, f);
}

static void
on_readable(void *arg)
{
	struct watch *w = arg;
	ssize_t n = recv(w->fd, w->in + w->in_n, sizeof(w->in) - w->in_n, MSG_DONTWAIT);
	enum zapi_framing how = ZAPI_MORE;
	struct zapi_frame f;
	size_t at = 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		session_end(w, n < 0 ? strerror(errno) : "it closed the session");
		return;
	}
	w->in_n += (size_t)n;
	while (w->fd >= 0 && (how = zapi_frame(span_of(w->in + at, w->in_n - at), &f)) == ZAPI_WHOLE) {
		at += f.n;
		on_frame(w, &f);
	}
	if (w->fd < 0)
		return;
	if (how == ZAPI_BROKEN) {
		session_end(w, "what it sends is no message");
		return;
	}
	memmove(w->in, w->in + at, w->in_n - at);
	w->in_n -= at;
	if (!w->out_watch)
		flush(w);
}

/* ---- begin and end */

/* Nobody watches any more. That is no news of the peers, and what is not wanted any more need not be told. */
static void
forget_told(struct watch *w)
{
	struct map_iter it;

	for (struct map_node *n = map_first(&w->items, &it); n; n = map_next(&w->items, &it)) {
		struct item *i = container_of(n, struct item, node);

		unmark(w, i);
		if (i->gone) {
			item_free(w, i);
			continue;
		}
		i->told = i->w.known = false;
		peer_state(w, i, WATCH_OFF);
	}
}

static void
hang_up(struct watch *w)
{
	if (w->dialing && w->face->dial)
		w->face->dial(w->ctx, NULL, NULL, NULL);
	w->dialing = false;
	timer_stop(w, &w->in_watch);
	timer_stop(w, &w->out_watch);
	timer_stop(w, &w->timer);
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	w->up = false;
	w->in_n = w->out_at = w->out_n = 0;
	w->n_vrf = 0;
	forget_told(w);
}

static void
session_end(struct watch *w, const char *why)
{
	if (w->up || w->retry_ms == RETRY_MS)
		log_at(w->host->log, LOG_LV_WARN, "watch-down", "zebra at %s: %s; peers are not watched by BFD", w->path, why);
	hang_up(w);
	if (!w->v)
		return;
	w->timer = w->host->after(w->host->ctx, TICK_MS(w->retry_ms), session_begin, w);
	w->retry_ms = w->retry_ms * 2 < RETRY_MAX_MS ? w->retry_ms * 2 : RETRY_MAX_MS;
}

static void
on_silence(void *arg)
{
	struct watch *w = arg;

	w->timer = NULL;
	session_end(w, "no answer");
}

static void
connected(void *arg, int fd)
{
	struct watch *w = arg;
	struct wr out = wr_of(w->out, sizeof(w->out));

	w->dialing = false;
	timer_stop(w, &w->timer);
	w->fd = fd;
	if (fd >= 0)
		w->in_watch = w->host->watch(w->host->ctx, fd, on_readable, w);
	if (!w->in_watch) {
		session_end(w, fd < 0 ? strerror(-fd) : "out of memory");
		return;
	}
	zapi_put_hello_watcher(&out, w->v);
	w->out_n = wr_len(&out);
	w->timer = w->host->after(w->host->ctx, TICK_S(ANSWER_S), on_silence, w);
	flush(w);
}

static int
dial(const struct watch *w)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), e;

	memcpy(sun.sun_path, w->path, sizeof(sun.sun_path));
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	e = errno;
	if (fd >= 0)
		close(fd);
	return -e;
}

static void
session_begin(void *arg)
{
	struct watch *w = arg;
	int fd = dial(w);

	w->timer = NULL;
	if (fd == -EACCES && w->face->dial) {
		w->dialing = true;
		w->timer = w->host->after(w->host->ctx, TICK_S(ANSWER_S), on_silence, w);
		w->face->dial(w->ctx, w->path, connected, w);
	} else {
		connected(w, fd);
	}
}

void
watch_zebra(struct watch *w, const struct zapi_version *v, const char *path)
{
	hang_up(w);
	w->v = v;
	if (!v)
		return;
	snprintf(w->path, sizeof(w->path), "%s", path);
	w->retry_ms = RETRY_MS;
	w->timer = w->host->after(w->host->ctx, 0, session_begin, w);
}

bool
watch_up(const struct watch *w)
{
	return w->up;
}

struct watch *
watch_new(const struct host *host, const struct watch_face *face, void *ctx)
{
	struct watch *w = env_alloc(host->env, sizeof(*w));

	if (!w)
		return NULL;
	w->host = host;
	w->face = face;
	w->ctx = ctx;
	w->fd = -1;
	w->retry_ms = RETRY_MS;
	w->last = &w->first;
	map_init(&w->items, host->env);
	return w;
}

void
watch_free(struct watch *w)
{
	struct map_iter it;

	if (!w)
		return;
	hang_up(w);
	for (struct map_node *n = map_first(&w->items, &it); n; n = map_next(&w->items, &it))
		item_free(w, container_of(n, struct item, node));
	map_fini(&w->items);
	env_free(w->host->env, w);
}

/* ---- wishes */

static bool
same_times(const struct watch_peer *a, const struct watch_peer *b)
{
	return a->min_rx_ms == b->min_rx_ms && a->min_tx_ms == b->min_tx_ms && a->multiplier == b->multiplier && a->ifindex == b->ifindex && strcmp(a->vrf, b->vrf) == 0;
}

bool
watch_peer_set(struct watch *w, const struct watch_peer *p)
{
	struct item *i = item_get(w, false, p);
	bool again;

	if (!i)
		return false;
	again = !i->told || i->gone || !same_times(&i->p.what, p);
	if (i->gone)
		i->p.state = WATCH_OFF;
	i->gone = false;
	i->p.what = *p;
	if (again)
		tell(w, i);
	return true;
}

void
watch_peer_del(struct watch *w, const struct watch_peer *p)
{
	item_end(w, item_find(w, false, p));
}

bool
watch_peer_info(const struct watch *w, const struct watch_peer *p, struct watch_peer_info *out)
{
	const struct item *i = item_find(w, false, p);

	if (!i || i->gone)
		return false;
	*out = i->p;
	out->state_name = state_name(out->state);
	return true;
}

void
watch_peers_keep(struct watch *w, bool (*stays)(void *ctx, const struct watch_peer *), void *ctx)
{
	struct map_iter it;
	bool up = w->up;

	for (struct map_node *n = map_first(&w->items, &it); n; n = map_next(&w->items, &it)) {
		struct item *i = container_of(n, struct item, node);

		if (i->way || i->gone || stays(ctx, &i->p.what))
			continue;
		if (!up || !i->told) {
			item_free(w, i);
			continue;
		}
		i->gone = true;	/* told below: sending may change the table */
		mark(w, i);
	}
	if (w->up && !w->out_n)
		flush(w);
}

static struct watch_peer
way_key(const char *vrf, const struct addr *to)
{
	struct watch_peer p = { .peer = *to };

	snprintf(p.vrf, sizeof(p.vrf), "%s", vrf);
	return p;
}

bool
watch_way_set(struct watch *w, const char *vrf, const struct addr *to)
{
	struct watch_peer key = way_key(vrf, to);
	struct item *i = item_get(w, true, &key);

	if (!i)
		return false;
	i->wanted = i->gone ? 1 : i->wanted + 1;
	if (!i->told || i->gone) {
		i->gone = i->w.known = false;
		tell(w, i);
	}
	return true;
}

void
watch_way_del(struct watch *w, const char *vrf, const struct addr *to)
{
	struct watch_peer key = way_key(vrf, to);
	struct item *i = item_find(w, true, &key);

	if (i && !i->gone && --i->wanted == 0)
		item_end(w, i);
}

bool
watch_way_info(const struct watch *w, const char *vrf, const struct addr *to, struct watch_way_info *out)
{
	struct watch_peer key = way_key(vrf, to);
	const struct item *i = item_find(w, true, &key);

	if (!i || i->gone)
		return false;
	*out = i->w;
	return true;
}
