/* tools/bench/engine.c: what one operation costs a hub's NHRP engine, and how much memory a client, by the number of clients: no socket, no
 * data plane, no cryptography, one thread. Part of `make bench-control`.
 *
 *   engine [-r ROUNDS] [-m MAPPINGS] N...
 *
 * For each N (1000 10000 100000) a hub with so many clients, each a peer of its own with one registration. Blocks of operations on clients drawn by lot
 * take turns among the populations, so that what else the machine does hits all of them; the median of the blocks counts.
 *
 *   return    the client's SA ended and another came: peer down, peer up, registration, neighbour
 *   refresh   the same registration again
 *   resolve   a question for the tunnel address of a client drawn by lot, passed on to it
 *   show      one address looked up for a show
 *
 * "worst" is the longest single operation of the whole growth from nothing to N: a table that grows in one go would stand there. With -m, memory
 * alone of so many mappings, by 16 of each peer (as many as one may have), and each of a peer of its own. One line of JSON. */
#include <jansson.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nhrpd/engine/nhrp.h"

enum { BLOCK = 2000, POPULATIONS = 8, ROUNDS_MAX = 101, PACKET_MAX = 160, HOLD_S = 7200, EACH_MAX = 16 };
enum op { OP_RETURN, OP_REFRESH, OP_RESOLVE, OP_SHOW, OPS };

static const char *const op_name[OPS] = { "return", "refresh", "resolve", "show" };

struct octets {
	uint8_t p[PACKET_MAX];
	size_t n;
};

struct hub {
	unsigned n;	/* mappings */
	unsigned each;	/* of one peer */
	struct env env;
	uint64_t seed;
	size_t octets;	/* allocated, with what the allocator adds */
	struct nhrp *nhrp;
	struct outq out;
	tick_t now;
	unsigned *again;	/* how often a client came back: its peer's number is another one then */
	double cost[OPS][ROUNDS_MAX], grow_ns, worst_us;
	uint64_t actions[OPS];
	size_t memory;
};

/* ---- the world */

static void *
counted(void *ctx, size_t n)
{
	struct hub *h = ctx;
	void *p = calloc(1, n);

	if (p)
		h->octets += malloc_usable_size(p) + sizeof(size_t);
	return p;
}

static void
uncounted(void *ctx, void *p)
{
	struct hub *h = ctx;

	if (p)
		h->octets -= malloc_usable_size(p) + sizeof(size_t);
	free(p);
}

static uint64_t
lot(struct hub *h)
{
	h->seed ^= h->seed << 13;
	h->seed ^= h->seed >> 7;
	h->seed ^= h->seed << 17;
	return h->seed;
}

static void
octets_by_lot(void *ctx, void *out, size_t n)
{
	uint8_t *p = out;

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(lot(ctx) >> 24);
}

static double
cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static struct addr
v4(uint32_t base, unsigned i)
{
	uint8_t b[4];

	put_be32(b, base + i);
	return addr_of(b, sizeof(b));
}

static struct addr overlay(unsigned i) { return v4(0x0a000100, i); }
static struct addr outer(unsigned i) { return v4(0xc6120000, i); }

static uint32_t
peer_of(const struct hub *h, unsigned i)
{
	unsigned who = i / h->each;

	return who + 1 + (h->again ? h->again[who] % 2 * (h->n / h->each + 1) : 0);
}

/* ---- what clients send */

static void
finish(const struct nhrp_packet *p, struct octets *o)
{
	struct wr w = wr_of(o->p, sizeof(o->p));

	o->n = nhrp_packet_build(&w, p);
	if (!o->n)
		abort();
}

static struct nhrp_packet
packet_of(unsigned i, uint8_t type, uint16_t flags)
{
	struct nhrp_packet p = { .afn = NHRP_AFN_IPV4, .pro_type = NHRP_ETH_IPV4, .hops = 255, .type = type, .flags = flags, .request_id = i + 1,
		.src_nbma = outer(i), .src_proto = overlay(i), .n_cie = 1, .has_ext = true };
	static const uint16_t ext[] = { NHRP_EXT_RESPONDER, NHRP_EXT_FORWARD, NHRP_EXT_REVERSE };

	p.cie[0] = (struct nhrp_cie){ .prefix_len = 0xff, .mtu = 1400, .hold_s = HOLD_S };
	for (unsigned k = 0; k < sizeof(ext) / sizeof(ext[0]); k++)
		p.ext[p.n_ext++] = (struct nhrp_ext){ .type = ext[k], .compulsory = true };
	p.ext[p.n_ext++] = (struct nhrp_ext){ .type = NHRP_EXT_NAT };
	return p;
}

static void
registration(unsigned i, unsigned each, struct octets *o)
{
	struct nhrp_packet p = packet_of(i, NHRP_REGISTRATION_REQUEST, NHRP_FLAG_REG_UNIQUE | NHRP_FLAG_NAT);

	p.src_nbma = outer(i / each);
	p.dst_proto = p.src_proto;
	finish(&p, o);
}

static void
question(unsigned i, unsigned about, struct octets *o)
{
	struct nhrp_packet p = packet_of(i, NHRP_RESOLUTION_REQUEST, NHRP_FLAG_ROUTER | NHRP_FLAG_AUTHORITATIVE | NHRP_FLAG_SRC_STABLE | NHRP_FLAG_NAT);

	p.dst_proto = overlay(about);
	finish(&p, o);
}

/* ---- what the hub does. Who calls has the data plane's part: neighbours are taken. */

static unsigned
carry(struct hub *h)
{
	unsigned n = 0;

	for (const struct nhrp_act *a; (a = outq_at(&h->out, n)); n++) {
		struct nhrp_event e = { .kind = NHRP_EV_RESULT, .cookie = a->cookie, .ok = true };

		if (a->kind == NHRP_ACT_NEIGH_SET)
			nhrp_event(h->nhrp, h->now, &e, &h->out);
	}
	outq_reset(&h->out);
	return n;
}

static void
peer_event(struct hub *h, unsigned i, enum nhrp_event_kind kind)
{
	char name[32];
	struct nhrp_event e = { .kind = kind, .peer = peer_of(h, i), .remote = { outer(i / h->each), 4500 }, .reason = "gone" };

	e.identity = span_of(name, (size_t)snprintf(name, sizeof(name), "s%u.swarm.example", i / h->each));
	nhrp_event(h->nhrp, h->now, &e, &h->out);
}

static void
rx(struct hub *h, unsigned i, const struct octets *o)
{
	struct nhrp_rx in = { .peer = peer_of(h, i), .remote = { outer(i / h->each), 4500 }, .packet = span_of(o->p, o->n) };

	if (nhrp_rx(h->nhrp, h->now, &in, &h->out) != NHRP_OK) {
		fprintf(stderr, "engine: a packet was refused\n");
		exit(1);
	}
}

static bool
looked_up(void *ctx, const struct nhrp_cache_info *i)
{
	*(unsigned *)ctx += i->registered;
	return true;
}

static void
look_up(const struct hub *h, unsigned i)
{
	struct addr a = overlay(i);
	struct prefix p = prefix_host(&a);
	unsigned found = 0;

	nhrp_visit_cache(h->nhrp, &p, looked_up, &found);
	if (found != 1)
		abort();
}

static void
operate(struct hub *h, enum op op, unsigned i, const struct octets *o)
{
	switch (op) {
	case OP_RETURN:
		peer_event(h, i, NHRP_EV_PEER_DOWN);
		h->again[i / h->each]++;
		peer_event(h, i, NHRP_EV_PEER_UP);
		rx(h, i, o);
		break;
	case OP_REFRESH:
	case OP_RESOLVE:
		rx(h, i, o);
		break;
	case OP_SHOW:
		look_up(h, i);
		break;
	case OPS:
		break;
	}
	h->actions[op] += carry(h);
	nhrp_tick(h->nhrp, h->now, &h->out);
	carry(h);
}

static struct hub *
hub_new(unsigned n, unsigned each)
{
	struct nhrp_conf conf = { .n_own = 1, .hold_s = HOLD_S, .redirect = true };
	struct hub *h = calloc(1, sizeof(*h));

	if (!h || !prefix_parse_host("10.0.0.1/8", &conf.own[0]))
		abort();
	h->n = n;
	h->each = each;
	h->seed = 88172645463325252u + n;
	h->env = (struct env){ h, counted, uncounted, octets_by_lot, NULL, NULL };
	h->now = TICK_S(1);
	h->nhrp = nhrp_new(&conf, &h->env);
	if (!h->nhrp || !outq_init(&h->out, &h->env, sizeof(struct nhrp_act), NHRP_OUT_ITEMS * 4, NHRP_OUT_OCTETS * 4))
		abort();
	h->again = calloc(n / each + 1, sizeof(*h->again));
	return h;
}

static void
hub_free(struct hub *h)
{
	nhrp_free(h->nhrp);
	outq_fini(&h->out, &h->env);
	if (h->octets) {
		fprintf(stderr, "engine: %zu octets are left over\n", h->octets);
		exit(1);
	}
	free(h->again);
	free(h);
}

/* From nothing to all. */
static void
grow(struct hub *h)
{
	size_t before = h->octets;
	double spent = 0;
	struct octets o;

	for (unsigned i = 0; i < h->n; i++) {
		double t;

		registration(i, h->each, &o);
		h->now += 100;
		t = cpu_ns();
		if (i % h->each == 0)
			peer_event(h, i, NHRP_EV_PEER_UP);
		rx(h, i, &o);
		carry(h);
		nhrp_tick(h->nhrp, h->now, &h->out);
		carry(h);
		t = cpu_ns() - t;
		spent += t;
		if (t / 1e3 > h->worst_us)
			h->worst_us = t / 1e3;
	}
	h->grow_ns = spent / h->n;
	h->memory = h->octets - before;
}

static double
block(struct hub *h, enum op op)
{
	static struct octets o[BLOCK];
	static unsigned who[BLOCK];
	double t;

	for (unsigned i = 0; i < BLOCK; i++) {
		who[i] = (unsigned)(lot(h) % h->n);
		if (op == OP_RESOLVE)
			question(who[i], (who[i] + 1 + (unsigned)(lot(h) % (h->n - 1))) % h->n, &o[i]);
		else
			registration(who[i], h->each, &o[i]);
	}
	h->now += TICK_S(10);	/* everybody has its share again */
	t = cpu_ns();
	for (unsigned i = 0; i < BLOCK; i++) {
		h->now += 100;
		operate(h, op, who[i], &o[i]);
	}
	return (cpu_ns() - t) / BLOCK;
}

/* ---- report */

static int
order(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double
median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), order);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static json_t *
report(struct hub *h, unsigned rounds)
{
	json_t *o = json_pack("{s:i, s:f, s:f, s:f}", "clients", (int)h->n, "grow_ns", h->grow_ns, "worst_us", h->worst_us, "octets",
	    (double)h->memory / h->n);

	for (unsigned op = 0; op < OPS; op++) {
		char key[32];

		snprintf(key, sizeof(key), "%s_ns", op_name[op]);
		json_object_set_new(o, key, json_real(median(h->cost[op], rounds)));
	}
	return o;
}

static json_t *
memory_of(unsigned n, unsigned each)
{
	struct hub *h = hub_new(n, each);
	json_t *o;

	grow(h);
	o = json_pack("{s:i, s:i, s:f, s:f, s:f}", "mappings", (int)n, "of_each_peer", (int)each, "mib", (double)h->memory / (1 << 20), "octets",
	    (double)h->memory / n, "worst_us", h->worst_us);
	hub_free(h);
	return o;
}

static json_t *
populations(const unsigned *n, unsigned k, unsigned rounds)
{
	struct hub *h[POPULATIONS];
	json_t *list = json_array();

	for (unsigned i = 0; i < k; i++) {
		h[i] = hub_new(n[i], 1);
		grow(h[i]);
	}
	for (unsigned r = 0; r < rounds; r++) {
		for (unsigned op = 0; op < OPS; op++) {
			for (unsigned i = 0; i < k; i++)
				h[i]->cost[op][r] = block(h[i], (enum op)op);
		}
	}
	for (unsigned i = 0; i < k; i++) {
		json_array_append_new(list, report(h[i], rounds));
		hub_free(h[i]);
	}
	return list;
}

int
main(int argc, char **argv)
{
	unsigned n[POPULATIONS] = { 1000, 10000, 100000 }, k = 3, rounds = 11, mappings = 0;
	json_t *o = json_object(), *memory = json_array();
	int c;

	while ((c = getopt(argc, argv, "r:m:")) != -1) {
		if (c == 'r')
			rounds = (unsigned)atoi(optarg);
		else if (c == 'm')
			mappings = (unsigned)atoi(optarg);
		else
			return 2;
	}
	for (k = optind < argc ? 0 : k; optind < argc && k < POPULATIONS; optind++)
		n[k++] = (unsigned)atoi(argv[optind]);
	if (rounds < 1 || rounds > ROUNDS_MAX || (k && n[0] < 2)) {
		fprintf(stderr, "usage: engine [-r ROUNDS] [-m MAPPINGS] [N...]\n");
		return 2;
	}
	json_object_set_new(o, "engine", populations(n, k, rounds));
	if (mappings) {
		json_array_append_new(memory, memory_of(mappings, EACH_MAX));
		json_array_append_new(memory, memory_of(mappings, 1));
	}
	json_object_set_new(o, "memory", memory);
	json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(o);
	return 0;
}
