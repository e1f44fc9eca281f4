/* tools/bench/report.c: what happened, spoke by spoke while it happens, and summed up in one line of JSON. */
#include <jansson.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "tools/bench/swarm.h"

static bool
why(void *ctx, const struct core_peer_info *i)
{
	*(const char **)ctx = i->reason;
	return false;
}

/* "SECONDS.MICROSECONDS SPOKE registered|lost after MS ms [REASON]", by the wall clock: to lay beside the hub's log. */
void
report_event(struct spoke *s, const char *what)
{
	struct swarm *w = s->w;
	const char *reason = "";
	tick_t took = s->up ? (s->ups > 1 ? s->recovery : s->setup) : s->down_at - s->up_at;
	struct timespec ts;

	if (!w->events)
		return;
	if (!s->up)
		core_visit_peer(s->core, 1, why, &reason);
	clock_gettime(CLOCK_REALTIME, &ts);
	fprintf(w->events, "%lld.%06ld %s %s after %.1f ms%s%s\n", (long long)ts.tv_sec, ts.tv_nsec / 1000, s->name, what, (double)took / 1e3,
	    *reason ? " " : "", reason);
	fflush(w->events);
}

static int
order(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static json_t *
spread(struct swarm *w, bool recovery)
{
	double *ms = malloc(sizeof(*ms) * (w->n_started + 1));
	unsigned n = 0;
	json_t *o;

	for (unsigned i = 0; ms && i < w->n_started; i++) {
		tick_t t = recovery ? w->spoke[i]->recovery : w->spoke[i]->setup;

		if (t)
			ms[n++] = (double)t / 1e3;
	}
	if (n == 0) {
		free(ms);
		return json_null();
	}
	qsort(ms, n, sizeof(*ms), order);
	o = json_pack("{s:i, s:f, s:f, s:f, s:f, s:f}", "n", (int)n, "min", ms[0], "p50", ms[n / 2], "p90", ms[n * 9 / 10], "p99", ms[n * 99 / 100],
	    "max", ms[n - 1]);
	free(ms);
	return o;
}

void
report_summary(struct swarm *w, FILE *f)
{
	double elapsed = (double)(loop_now(&w->loop) - w->began) / 1e6, all = w->all_up_at ? (double)(w->all_up_at - w->began) / 1e6 : 0;
	unsigned downs = 0;
	struct rusage ru;
	json_t *o;

	for (unsigned i = 0; i < w->n_started; i++)
		downs += w->spoke[i]->downs;
	getrusage(RUSAGE_SELF, &ru);
	o = json_pack("{s:i, s:i, s:i, s:i, s:f, s:f, s:f, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:I}", "spokes", (int)w->o.n,
	    "started", (int)w->n_started, "registered", (int)w->n_up, "lost", (int)downs, "elapsed_s", elapsed, "all_registered_s", all,
	    "per_second", all > 0 ? w->o.n / all : 0., "setup_ms", spread(w, false), "recovery_ms", spread(w, true), "ike_tx", (json_int_t)w->ike_tx,
	    "ike_rx", (json_int_t)w->ike_rx, "nhrp_tx", (json_int_t)w->nhrp_tx, "nhrp_rx", (json_int_t)w->nhrp_rx, "dropped", (json_int_t)w->dropped,
	    "flood_sent", (json_int_t)w->flood_sent, "flood_failed", (json_int_t)w->flood_failed,
	    "cpu_s", (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) + (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6, "rss_kib",
	    (json_int_t)ru.ru_maxrss);
	if (o)
		json_dumpf(o, f, JSON_COMPACT | JSON_REAL_PRECISION(9));
	fputc('\n', f);
	fflush(f);
	json_decref(o);
}
