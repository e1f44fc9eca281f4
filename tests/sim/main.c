/* tests/sim/main.c: runs scenarios by seed.
 *
 *   sim                         what `make check` runs: each scenario with a few seeds, the sabotage test, the replay test
 *   sim -s SEED [-n N] [NAME..] N seeds from SEED on, of all scenarios or the named ones (make sim SEED=n N=count)
 *   sim -v -s SEED NAME         prints every event as it happens
 *   sim -l                      lists the scenarios */
#include "tests/sim/sim.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { TAIL = 60 };

struct outcome {
	bool good;
	uint64_t hash;
	char complaint[512];
};

struct options {
	uint64_t seed;
	unsigned n;	/* 0: as many as each scenario wants */
	bool verbose, quiet;
	enum sabotage sabotage;
	unsigned tail;
};

static double
cpu_s(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static void
tell(const struct sim *s, const struct scenario *sc, const struct options *o, double cpu)
{
	if (o->quiet)
		return;
	if (!s->complaint[0]) {
		printf("ok %-11s seed %-4llu %7.1f s virtual, %8llu events, %7llu packets (%llu lost), %5.2f s cpu, trace %016llx\n", sc->name,
		    (unsigned long long)s->seed, (double)(s->now - TICK_S(1000)) / 1e6, (unsigned long long)s->events, (unsigned long long)s->packets,
		    (unsigned long long)s->lost, cpu, (unsigned long long)s->hash);
	} else {
		printf("not ok %s seed %llu: %s\n", sc->name, (unsigned long long)s->seed, s->complaint);
		sim_trace_print(s, stdout, o->tail);
		check_explain(s, stdout);
		printf("  replay: tests/sim/sim -s %llu %s        every event: tests/sim/sim -v -s %llu %s\n", (unsigned long long)s->seed, sc->name,
		    (unsigned long long)s->seed, sc->name);
	}
	fflush(stdout);
}

static struct outcome
run_one(const struct scenario *sc, uint64_t seed, const struct options *o)
{
	struct sim *volatile s = sim_new(sc->name, seed, &sc->conf);
	struct outcome out = { 0 };
	double start = cpu_s();

	s->verbose = o->verbose;
	s->sabotage = o->sabotage;
	if (setjmp(s->stop) == 0)
		sc->run(s);
	if (!s->complaint[0] && setjmp(s->stop) == 0) {	/* the end of all cores is where leaks show */
		for (unsigned i = 0; i < s->n_node; i++)
			node_crash(s->node[i]);
	}
	tell(s, sc, o, cpu_s() - start);
	out.good = !s->complaint[0];
	out.hash = s->hash;
	memcpy(out.complaint, s->complaint, sizeof(out.complaint));
	sim_free(s);
	return out;
}

static const struct scenario *
by_name(const char *name)
{
	for (unsigned i = 0; i < n_scenarios; i++) {
		if (strcmp(scenarios[i].name, name) == 0)
			return &scenarios[i];
	}
	return NULL;
}

/* The same seed twice: the same trace. Another seed: another one, so that the seed counts. */
static bool
replay_test(void)
{
	struct options quiet = { .quiet = true };
	unsigned same = 0, n = 0, other = 0;

	for (unsigned i = 0; i < n_scenarios; i++) {
		const struct scenario *sc = &scenarios[i];
		struct outcome a, b;

		if (sc->seeds <= 1)
			continue;
		a = run_one(sc, 77, &quiet);
		b = run_one(sc, 77, &quiet);
		n++;
		same += a.hash == b.hash;
		other += a.hash != run_one(sc, 78, &quiet).hash;
		if (a.hash != b.hash)
			printf("not ok replay of %s: %016llx, %016llx\n", sc->name, (unsigned long long)a.hash, (unsigned long long)b.hash);
	}
	printf("%s replay: %u of %u scenarios left the same trace again, %u another one with another seed\n", same == n && other == n ? "ok" : "not ok",
	    same, n, other);
	return same == n && other == n;
}

/* Bugs put in on purpose must be seen, and by the checker that is there for them. */
static bool
sabotage_test(void)
{
	static const struct { enum sabotage what; const char *scenario, *text, *complaint; } row[] = {
		{ SABOTAGE_SKIP_SA, "basic", "an SA is skipped, packets leave without", "left without an SA" },
		{ SABOTAGE_SKIP_SA_UNSEEN, "basic", "an SA is skipped before its neighbour", "which has no SA" },
		{ SABOTAGE_FORGET_PURGE, "moves", "purges are forgotten", "after the LAN moved" },
		{ SABOTAGE_KEEP_DEAD, "dead", "a dead mapping is kept", "outlived its holding time" },
		{ SABOTAGE_KEEP_DEAD_UNSEEN, "dead", "a dead mapping is kept, and show says otherwise", "which has been dead for" },
		{ SABOTAGE_KEEP_NEIGH, "crash", "neighbours are never removed", "neighbours lead to it" },
		{ SABOTAGE_KEEP_ROUTE, "crash", "shortcut routes are never removed", "still uses it" },
		{ SABOTAGE_WRONG_PEER, "basic", "neighbours lead to somebody else", "all spokes registered" },
		{ SABOTAGE_WRONG_CLOUD, "clouds", "packets take an SA of the other cloud", "came by an SA of cloud" },
		{ SABOTAGE_STORE_FORGETS, "kept", "what was kept does not come back", "registrations came back" },
	};
	bool good = true;

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct options o = { .quiet = true, .sabotage = row[i].what };
		struct outcome r = run_one(by_name(row[i].scenario), 5, &o);
		bool seen = strstr(r.complaint, row[i].complaint) != NULL;

		printf("%s sabotage: %s: %s\n", seen ? "ok" : "not ok", row[i].text, r.good ? "nobody noticed" : r.complaint);
		good = good && seen;
	}
	return good;
}

static bool
run_scenario(const struct scenario *sc, const struct options *o)
{
	unsigned n = o->n ? o->n : sc->seeds, good = 0;

	for (unsigned i = 0; i < n; i++)
		good += run_one(sc, o->seed + i, o).good;
	if (n > 1 || good < n)
		printf("%s: %s: %u of %u seeds good\n", sc->name, sc->what, good, n);
	return good == n;
}

static int
list(void)
{
	for (unsigned i = 0; i < n_scenarios; i++)
		printf("%-12s %s\n", scenarios[i].name, scenarios[i].what);
	return 0;
}

static uint64_t
number(const char *text)
{
	return strtoull(text, NULL, 10);
}

int
main(int argc, char **argv)
{
	struct options o = { .seed = 1, .tail = TAIL };
	bool check = argc == 1, good = true;
	int c;

	while ((c = getopt(argc, argv, "s:n:t:vl")) != -1) {
		if (c == 's')
			o.seed = number(optarg);
		else if (c == 'n')
			o.n = (unsigned)number(optarg);
		else if (c == 't')
			o.tail = (unsigned)number(optarg);
		else if (c == 'v')
			o.verbose = true;
		else
			return c == 'l' ? list() : 2;
	}
	if (!check && !o.n)
		o.n = 1;
	for (int i = optind; i < argc; i++) {
		const struct scenario *sc = by_name(argv[i]);

		if (!sc) {
			fprintf(stderr, "sim: there is no scenario %s; see sim -l\n", argv[i]);
			return 2;
		}
		good = run_scenario(sc, &o) && good;
	}
	for (unsigned i = 0; i < n_scenarios && optind == argc; i++)
		good = (!scenarios[i].seeds || run_scenario(&scenarios[i], &o)) && good;	/* no seeds: only when named */
	if (check) {
		good = replay_test() && good;
		good = sabotage_test() && good;
	}
	return good ? 0 : 1;
}
