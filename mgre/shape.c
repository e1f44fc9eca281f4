/* mgre/shape.c: the shaper of the user plane: what goes to a peer leaves at a rate, and its flows share that as in fq_codel (RFC 8290).
 *
 * Rate: each packet takes the time it would need on a line of that rate, with the headers it gets outside. A peer that was idle, or a timer that
 * came late, may catch up on BURST of it. So the rate is an upper bound over any time longer than that.
 *
 * Queue: packets of a peer are told apart by a hash of addresses, protocol and ports into FLOWS queues, which take turns by octets
 * (deficit round robin). A flow may be in any of WAYS queues, and takes one that nobody is in, so that a handful of flows never share one:
 * by the hash alone, one download in thirty would be in the same queue as one of two floods, and starve. A queue that was empty comes before those that are not, for one turn: a ping, a DNS query or a hello of
 * a routing protocol does not wait behind a download. In each queue CoDel (RFC 8289) looks at how long packets waited, and drops at its
 * head, or marks where the packet allows that (ECN), ever faster while that is too long.
 *
 * Bounds: packets are held in blocks of a pool that all peers share and that grows with their number, never with a packet. Those that have
 * something waiting share it equally, as if there were one more, so that the next one finds room. What is over a peer's share is
 * dropped from the head of its longest queue.
 *
 * Time is in ticks of a microsecond outside and nanoseconds inside; wake-ups are at least GRAIN apart, and each sends for as many peers
 * as are due. Not here: priorities by DSCP, several classes in a peer. */
#include "mgre/shape.h"

#include "lib/timer.h"

enum {
	FLOWS = 64,	/* a power of two */
	WAYS = 8,	/* so is this */
	QUANTUM = 1514,	/* octets of a turn */
	BLOCK = 2048,	/* octets of a block, with its head */
	CHUNK = 256,	/* blocks got at a time */
	CHUNKS_MAX = 64,	/* 32 MiB */
	CHUNKS_FIRST = 8, PEERS_PER_CHUNK = 8,	/* how the pool grows */
	PEER_MIN = 8,	/* blocks that are a peer's share at least */
	PKT_MAX = 9600,	/* octets of a packet */
	BUDGET = 256,	/* packets of one peer in a row */
	SHED_MAX = 64,	/* dropped at once for room */
	FULL_MTU = 1514,	/* CoDel leaves a queue alone that holds no more */
};
#define GRAIN TICK_MS(1)
#define BURST_NS UINT64_C(10000000)
#define TARGET TICK_MS(5)
#define INTERVALS 20	/* of the target */

#define NONE UINT32_MAX

struct block {
	uint32_t next;	/* packet of the flow; free block */
	uint32_t more;	/* its continuation */
	uint16_t n;	/* octets of the packet */
	uint8_t tos;
	bool v6, may_fragment;
	tick_t at;	/* it came */
	uint8_t data[];
};
enum { BLOCK_DATA = BLOCK - sizeof(struct block) };

enum turn { OUT_OF_TURN, TURN_NEW, TURN_OLD };

struct flow {
	uint32_t head, tail;	/* blocks */
	uint32_t octets, packets;
	int32_t deficit;
	uint32_t tag;	/* the hash of who is in it, or was */
	uint16_t next;	/* in its list */
	uint8_t turn;
	bool dropping;	/* CoDel, RFC 8289 5.3 */
	uint32_t count, count_was;
	tick_t first_above, drop_next;
};

struct turns {	/* flows in line; FLOWS: none */
	uint16_t first, last;
};

struct shaped {
	struct shaper *s;
	void *owner;
	uint32_t peer;
	unsigned overhead;
	uint64_t rate;
	uint64_t next_ns;	/* the next packet may leave then */
	tick_t target;
	struct timer timer;	/* armed while it holds something */
	uint32_t blocks, packets, octets;	/* held */
	uint64_t held, sent, dropped, marked;
	bool running, dead;
	struct turns fresh, old;
	struct flow flow[FLOWS];
};

struct shaper {
	const struct env *env;
	shape_send_fn *send;
	uint64_t *count;
	uint32_t seed;
	struct timers timers;
	uint32_t n_peers, n_busy /* hold something */, n_chunks, n_free, free;
	uint8_t *chunk[CHUNKS_MAX];
	uint8_t whole[PKT_MAX];	/* a packet of several blocks, put together */
};

/* ---- pool */

static struct block *
block(const struct shaper *s, uint32_t i)
{
	return (struct block *)(void *)(s->chunk[i / CHUNK] + (size_t)(i % CHUNK) * BLOCK);
}

static bool
pool_grow(struct shaper *s)
{
	uint32_t first = s->n_chunks * CHUNK;
	uint8_t *p = s->n_chunks < CHUNKS_MAX ? env_alloc(s->env, (size_t)CHUNK * BLOCK) : NULL;

	if (!p)
		return false;
	s->chunk[s->n_chunks++] = p;
	for (uint32_t i = first; i < first + CHUNK; i++) {
		block(s, i)->next = s->free;
		s->free = i;
	}
	s->n_free += CHUNK;
	return true;
}

/* For one more peer. What is there already will do, if less well. */
static bool
pool_enough(struct shaper *s)
{
	uint32_t want = CHUNKS_FIRST + s->n_peers / PEERS_PER_CHUNK;

	while (s->n_chunks < want && pool_grow(s))
		;
	return s->n_chunks > 0;
}

static void
pool_empty(struct shaper *s)
{
	for (uint32_t i = 0; i < s->n_chunks; i++)
		env_free(s->env, s->chunk[i]);
	s->n_chunks = s->n_free = 0;
	s->free = NONE;
}

static uint32_t
blocks_for(size_t n)
{
	return n ? (uint32_t)((n + BLOCK_DATA - 1) / BLOCK_DATA) : 1;
}

static uint32_t
pool_take(struct shaper *s)
{
	uint32_t i = s->free;

	s->free = block(s, i)->next;
	s->n_free--;
	block(s, i)->next = block(s, i)->more = NONE;
	return i;
}

/* The caller knows that there is room. */
static uint32_t
pool_put(struct shaper *s, struct span bytes)
{
	uint32_t first = pool_take(s), i = first;

	block(s, first)->n = (uint16_t)bytes.n;
	for (;;) {
		size_t n = bytes.n < BLOCK_DATA ? bytes.n : BLOCK_DATA;

		if (n)
			memcpy(block(s, i)->data, bytes.p, n);
		bytes = span_of(bytes.p + n, bytes.n - n);
		if (!bytes.n)
			return first;
		block(s, i)->more = pool_take(s);
		i = block(s, i)->more;
	}
}

static void
pool_release(struct shaper *s, uint32_t i)
{
	while (i != NONE) {
		uint32_t more = block(s, i)->more;

		block(s, i)->next = s->free;
		s->free = i;
		s->n_free++;
		i = more;
	}
}

/* ---- flows of a peer */

static void
turn_append(struct shaped *q, struct turns *l, unsigned i, enum turn turn)
{
	q->flow[i].next = FLOWS;
	q->flow[i].turn = (uint8_t)turn;
	if (l->first == FLOWS)
		l->first = (uint16_t)i;
	else
		q->flow[l->last].next = (uint16_t)i;
	l->last = (uint16_t)i;
}

static unsigned
turn_take(struct shaped *q, struct turns *l)
{
	unsigned i = l->first;

	l->first = q->flow[i].next;
	q->flow[i].turn = OUT_OF_TURN;
	return i;
}

static uint32_t
mix(uint32_t h, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x01000193u;
	return h;
}

static uint32_t
flow_hash(const struct shaped *q, const struct inner *in)
{
	uint32_t h = mix(q->s->seed, in->src.b, in->src.n);

	h = mix(mix(h, in->dst.b, in->dst.n), &in->proto, 1);
	if (in->l4 && !in->later && in->n >= in->l4 + 4 && (in->proto == IP_TCP || in->proto == IP_UDP))
		h = mix(h, in->p + in->l4, 4);
	h ^= h >> 16;
	h *= 0x7feb352du;
	return h ^ h >> 15;
}

/* Its queue: the one it was in, else one of its set that is empty, else it has to share. */
static unsigned
flow_of(struct shaped *q, const struct inner *in)
{
	uint32_t h = flow_hash(q, in);
	unsigned own = h & (FLOWS - 1), empty = FLOWS;

	for (unsigned k = 0; k < WAYS; k++) {
		unsigned i = own ^ k;	/* its own first; never leaves the set */

		if (q->flow[i].tag == h)
			return i;
		if (empty == FLOWS && q->flow[i].turn == OUT_OF_TURN)
			empty = i;
	}
	if (empty == FLOWS)
		return own;
	q->flow[empty].tag = h;
	q->flow[empty].dropping = false;	/* what CoDel knows is of somebody else */
	q->flow[empty].count = q->flow[empty].count_was = 0;
	q->flow[empty].first_above = q->flow[empty].drop_next = 0;
	return empty;
}

static uint32_t
take_head(struct shaped *q, struct flow *f)
{
	uint32_t i = f->head;
	const struct block *b = block(q->s, i);

	f->head = b->next;
	if (f->head == NONE)
		f->tail = NONE;
	f->packets--;
	f->octets -= b->n;
	q->s->n_busy -= --q->packets == 0;
	q->octets -= b->n;
	q->blocks -= blocks_for(b->n);
	return i;
}

static void
lose(struct shaped *q, uint32_t i, enum mgre_count why)
{
	q->dropped++;
	q->s->count[why]++;
	pool_release(q->s, i);
}

/* ---- CoDel: RFC 8289, 5.3 to 5.5, for one flow */

static uint32_t
root(uint32_t n)
{
	uint32_t r = n, x = (n + 1) / 2;

	while (x < r) {
		r = x;
		x = (x + n / x) / 2;
	}
	return r;
}

/* interval / sqrt(count), the root in 1/256 */
static tick_t
control_law(const struct shaped *q, tick_t t, uint32_t count)
{
	uint32_t c = count < 65535 ? count : 65535;

	return t + q->target * INTERVALS * 256 / root(c << 16);
}

/* The next packet of the flow, and whether it waited too long for too long. */
static uint32_t
codel_head(struct shaped *q, struct flow *f, tick_t now, bool *late)
{
	uint32_t i = f->head == NONE ? NONE : take_head(q, f);

	*late = false;
	if (i == NONE) {
		f->first_above = 0;
		return NONE;
	}
	if (now - block(q->s, i)->at < q->target || f->octets <= FULL_MTU)
		f->first_above = 0;
	else if (f->first_above == 0)
		f->first_above = now + q->target * INTERVALS;
	else
		*late = now >= f->first_above;
	return i;
}

static bool
marked(struct shaped *q, uint32_t i)
{
	struct block *b = block(q->s, i);
	struct inner in = { .p = b->data, .n = b->n, .v6 = b->v6, .tos = b->tos };

	if ((b->tos & 3) == 0 || inner_ecn(&in, 3) != MGRE_OK)
		return false;
	b->tos = in.tos;
	q->marked++;
	q->s->count[MGRE_N_SHAPE_MARKED]++;
	return true;
}

static uint32_t
codel_go_on(struct shaped *q, struct flow *f, tick_t now, uint32_t i, bool late)
{
	while (late && now >= f->drop_next) {
		f->count++;
		f->drop_next = control_law(q, f->drop_next, f->count);
		if (marked(q, i))
			return i;
		lose(q, i, MGRE_DROP_SHAPE_CODEL);
		i = codel_head(q, f, now, &late);
	}
	f->dropping = late;
	return i;
}

static uint32_t
codel_begin(struct shaped *q, struct flow *f, tick_t now, uint32_t i)
{
	uint32_t delta = f->count - f->count_was;
	bool late;

	f->dropping = true;
	f->count = delta > 1 && now - f->drop_next < 16 * INTERVALS * q->target ? delta : 1;
	f->count_was = f->count;
	f->drop_next = control_law(q, now, f->count);
	if (marked(q, i))
		return i;
	lose(q, i, MGRE_DROP_SHAPE_CODEL);
	return codel_head(q, f, now, &late);
}

static uint32_t
codel(struct shaped *q, struct flow *f, tick_t now)
{
	bool late;
	uint32_t i = codel_head(q, f, now, &late);

	if (f->dropping)
		return codel_go_on(q, f, now, i, late);
	return late ? codel_begin(q, f, now, i) : i;
}

/* ---- the peer's turn (RFC 8290, 4.2) */

static uint32_t
dequeue(struct shaped *q, tick_t now)
{
	for (;;) {
		bool fresh = q->fresh.first != FLOWS;
		struct turns *l = fresh ? &q->fresh : &q->old;
		struct flow *f;
		uint32_t i;

		if (l->first == FLOWS)
			return NONE;
		f = &q->flow[l->first];
		if (f->deficit <= 0) {
			f->deficit += QUANTUM;
			turn_append(q, &q->old, turn_take(q, l), TURN_OLD);
			continue;
		}
		i = codel(q, f, now);
		if (i != NONE) {
			f->deficit -= block(q->s, i)->n;
			return i;
		}
		if (fresh && q->old.first != FLOWS)	/* the others first, so that it cannot come back as a new one at once */
			turn_append(q, &q->old, turn_take(q, l), TURN_OLD);
		else
			turn_take(q, l);
	}
}

static bool
may_leave(const struct shaped *q, tick_t now)
{
	return q->next_ns <= now * 1000;
}

static void
pay(struct shaped *q, tick_t now, size_t n)
{
	uint64_t now_ns = now * 1000, from = now_ns > BURST_NS ? now_ns - BURST_NS : 0;

	if (q->next_ns < from)
		q->next_ns = from;
	q->next_ns += (n + q->overhead) * UINT64_C(8000000000) / q->rate;
	q->sent++;
}

static void
leave(struct shaped *q, uint32_t i)
{
	struct shaper *s = q->s;
	const struct block *b = block(s, i);
	struct shape_pkt p = { .bytes = span_of(b->data, b->n), .v6 = b->v6, .may_fragment = b->may_fragment, .tos = b->tos };
	size_t at = 0;

	if (b->more != NONE) {
		for (uint32_t k = i; k != NONE; k = block(s, k)->more) {
			size_t n = p.bytes.n - at < BLOCK_DATA ? p.bytes.n - at : BLOCK_DATA;

			memcpy(s->whole + at, block(s, k)->data, n);
			at += n;
		}
		p.bytes.p = s->whole;
	}
	s->send(q->owner, q->peer, &p);
	pool_release(s, i);
}

static tick_t
wake_at(const struct shaped *q, tick_t now)
{
	tick_t next = (q->next_ns + 999) / 1000;

	return next > now + GRAIN ? next : now + GRAIN;
}

static void
arm(struct shaped *q, tick_t at)
{
	if (q->packets)
		timer_arm(&q->s->timers, &q->timer, at);
	else
		timer_disarm(&q->s->timers, &q->timer);
}

static void
shaped_gone(struct shaped *q)
{
	struct shaper *s = q->s;

	for (unsigned k = 0; k < FLOWS; k++) {
		while (q->flow[k].head != NONE)
			lose(q, take_head(q, &q->flow[k]), MGRE_DROP_SHAPE_GONE);
	}
	timer_disarm(&s->timers, &q->timer);
	if (--s->n_peers == 0)
		pool_empty(s);
	env_free(s->env, q);
}

/* Behind it q may be gone. */
static void
run(struct shaped *q, tick_t now, bool all)
{
	unsigned left = BUDGET;

	q->running = true;
	while (!q->dead && q->packets && (all || (left-- && may_leave(q, now)))) {
		uint32_t i = dequeue(q, now);

		if (i == NONE)
			break;
		pay(q, now, block(q->s, i)->n);
		leave(q, i);
	}
	q->running = false;
	if (q->dead) {
		shaped_gone(q);
		return;
	}
	arm(q, may_leave(q, now) ? now + 1 : wake_at(q, now));	/* who is over his budget lets the others go first */
}

void
shaper_run(struct shaper *s, tick_t now)
{
	struct timer *t;

	while ((t = timers_due(&s->timers, now)))
		run(container_of(t, struct shaped, timer), now, false);
}

tick_t
shaper_deadline(const struct shaper *s)
{
	return timers_next(&s->timers);
}

/* ---- what comes */

static struct flow *
longest(struct shaped *q)
{
	struct flow *f = &q->flow[0];

	for (unsigned k = 1; k < FLOWS; k++) {
		if (q->flow[k].octets > f->octets)
			f = &q->flow[k];
	}
	return f;
}

static bool
fits(const struct shaped *q, uint32_t need)
{
	uint32_t others = q->s->n_busy - (q->packets != 0), share = q->s->n_chunks * CHUNK / (others + 2);

	share = share > PEER_MIN ? share : PEER_MIN;
	return q->s->n_free >= need && q->blocks + need <= share;
}

/* Half of the longest queue, as RFC 8290 has it, so that it is not looked for again with the next packet. */
static bool
make_room(struct shaped *q, uint32_t need)
{
	while (!fits(q, need) && q->packets) {
		struct flow *f = longest(q);
		uint32_t half = f->octets / 2;

		for (unsigned k = 0; k < SHED_MAX && f->packets && (f->octets > half || !fits(q, need)); k++)
			lose(q, take_head(q, f), MGRE_DROP_SHAPE_OVERFLOW);
	}
	return fits(q, need);
}

static void
enqueue(struct shaped *q, unsigned k, uint32_t i)
{
	struct flow *f = &q->flow[k];
	const struct block *b = block(q->s, i);

	if (f->tail == NONE)
		f->head = i;
	else
		block(q->s, f->tail)->next = i;
	f->tail = i;
	f->packets++;
	f->octets += b->n;
	q->s->n_busy += q->packets++ == 0;
	q->octets += b->n;
	q->blocks += blocks_for(b->n);
	if (f->turn == OUT_OF_TURN) {
		f->deficit = QUANTUM;
		turn_append(q, &q->fresh, k, TURN_NEW);
	}
}

enum shape_verdict
shape_put(struct shaped *q, tick_t now, const struct inner *in, struct span bytes, bool may_fragment)
{
	struct shaper *s = q->s;
	struct block *b;
	uint32_t i;

	if (!q->packets && may_leave(q, now)) {
		pay(q, now, bytes.n);
		return SHAPE_NOW;
	}
	if (bytes.n > PKT_MAX || !make_room(q, blocks_for(bytes.n))) {
		q->dropped++;
		s->count[MGRE_DROP_SHAPE_NO_ROOM]++;
		return SHAPE_DROPPED;
	}
	i = pool_put(s, bytes);
	b = block(s, i);
	b->tos = in->tos;
	b->v6 = in->v6;
	b->may_fragment = may_fragment;
	b->at = now;
	enqueue(q, flow_of(q, in), i);
	q->held++;
	s->count[MGRE_N_SHAPE_HELD]++;
	if (!q->timer.armed && !q->running)
		arm(q, wake_at(q, now));
	return SHAPE_HELD;
}

/* ---- life */

void
shaped_set(struct shaped *q, uint64_t rate, unsigned overhead)
{
	tick_t two;

	q->rate = rate ? rate : 1;
	q->next_ns = 0;	/* what the old rate would have it wait for is nothing to the new one */
	q->overhead = overhead;
	two = 2 * FULL_MTU * UINT64_C(8000000) / q->rate;	/* a slow line holds a packet or two for longer than TARGET: no reason to drop them */
	q->target = two > TARGET ? two : TARGET;
	arm(q, 0);
}

struct shaped *
shaped_new(struct shaper *s, void *owner, uint32_t peer, uint64_t rate, unsigned overhead)
{
	struct shaped *q = pool_enough(s) ? env_alloc(s->env, sizeof(*q)) : NULL;

	if (!q) {
		if (!s->n_peers)
			pool_empty(s);
		return NULL;
	}
	s->n_peers++;
	q->s = s;
	q->owner = owner;
	q->peer = peer;
	q->fresh = q->old = (struct turns){ FLOWS, FLOWS };
	for (unsigned k = 0; k < FLOWS; k++)
		q->flow[k].head = q->flow[k].tail = NONE;
	shaped_set(q, rate, overhead);
	return q;
}

void
shaped_free(struct shaped *q)
{
	if (q && q->running)
		q->dead = true;
	else if (q)
		shaped_gone(q);
}

void
shaped_flush(struct shaped *q, tick_t now)
{
	if (!q->running)
		run(q, now, true);
}

void
shaped_info(const struct shaped *q, struct shape_info *out)
{
	*out = (struct shape_info){ .rate = q->rate, .held = q->held, .sent = q->sent, .dropped = q->dropped, .marked = q->marked,
		.backlog = q->packets, .backlog_octets = q->octets };
	for (unsigned k = 0; k < FLOWS; k++)
		out->flows += q->flow[k].packets != 0;
}

struct shaper *
shaper_new(const struct env *env, shape_send_fn *send_fn, uint64_t *count)
{
	struct shaper *s = env_alloc(env, sizeof(*s));

	if (!s)
		return NULL;
	s->env = env;
	s->send = send_fn;
	s->count = count;
	s->seed = env_random32(env);
	s->free = NONE;
	return s;
}

void
shaper_free(struct shaper *s)
{
	if (!s)
		return;
	pool_empty(s);
	env_free(s->env, s);
}
