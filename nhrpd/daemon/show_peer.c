/* nhrpd/daemon/show_peer.c: show dmvpn peer X timeline: what happened, step by step; and probe: does it answer now. */
#include "nhrpd/daemon/show_priv.h"

#include <stdlib.h>
#include <time.h>

/* ---- show dmvpn peer X timeline, show dmvpn timeline */

/* 2026-11-23T12:00:00.123456, local time as the log has it; of a moment on the daemon's clock. */
static json_t *
stamp(const struct show *s, tick_t at)
{
	int64_t us = s->wall_us - (int64_t)(s->now - at);
	time_t t = (time_t)(us / 1000000);
	char day[32] = "", text[48];
	struct tm tm;

	if (localtime_r(&t, &tm))
		strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%06d", day, (int)(us % 1000000));
	return json_string(text);
}

/* The number of a step is an SPI, an SA, another attempt, or which try it was. */
static json_t *
step_detail(const struct core_mark *m)
{
	char text[32] = "";

	switch ((enum trace_step)m->step) {
	case TRACE_SA_ASKED:
	case TRACE_SA_INSTALLED:
	case TRACE_SA_REFUSED:
	case TRACE_SA_DELETED:
		snprintf(text, sizeof(text), "SPI 0x%08x", m->n);
		break;
	case TRACE_IKE_UP:
	case TRACE_IKE_DOWN:
	case TRACE_IKE_REKEYED:
		snprintf(text, sizeof(text), "SA %u", m->n);
		break;
	case TRACE_SHARED:
		if (m->n)
			snprintf(text, sizeof(text), "attempt %u", m->n);
		break;
	case TRACE_NEIGH_ASKED:
	case TRACE_NEIGH_SET:
	case TRACE_NEIGH_REFUSED:
	case TRACE_NEIGH_GONE:
		if (m->n)
			snprintf(text, sizeof(text), "for all that has no other");
		break;
	case TRACE_INIT_SENT:
	case TRACE_AUTH_SENT:
	case TRACE_RESOLUTION_SENT:
	case TRACE_REGISTRATION_SENT:
	case TRACE_PROBE_SENT:
		if (m->n > 1)
			snprintf(text, sizeof(text), "try %u", m->n);
		break;
	case TRACE_TRAFFIC:
	case TRACE_REDIRECT:
	case TRACE_RESOLUTION_REPLY:
	case TRACE_ERROR:
	case TRACE_DIAL:
	case TRACE_SECURED:
	case TRACE_INIT_ANSWERED:
	case TRACE_INIT_RECEIVED:
	case TRACE_AUTH_ANSWERED:
	case TRACE_AUTH_RECEIVED:
	case TRACE_IKE_RETRY:
	case TRACE_IKE_FAILED:
	case TRACE_MOVED:
	case TRACE_REGISTRATION_REPLY:
	case TRACE_BOUND:
	case TRACE_PROBE_ANSWERED:
	case TRACE_ROUTE_ASKED:
	case TRACE_ROUTE_SET:
	case TRACE_ROUTE_REFUSED:
	case TRACE_ROUTE_GONE:
	case TRACE_UP:
	case TRACE_FIRST_OUT:
	case TRACE_FIRST_IN:
	case TRACE_FAILED:
	case TRACE_DOWN:
	case TRACE_STEPS_N:
		break;
	}
	return json_string(text);
}

static json_t *
steps_json(const struct show *s, const struct core_attempt_info *i)
{
	json_t *list = json_array();

	for (unsigned k = 0; k < i->n_mark; k++) {
		const struct core_mark *m = &i->mark[k];
		enum trace_step step = (enum trace_step)m->step;

		json_array_append_new(list, json_pack("{s:I, s:o, s:s, s:s, s:s, s:o}", "at_us", (json_int_t)(m->at - i->began), "time", stamp(s, m->at),
		    "layer", trace_layer(step), "step", trace_word(step), "text", trace_text(step), "detail", step_detail(m)));
	}
	return list;
}

static json_t *
us_or_null(tick_t at, tick_t began)
{
	return at ? json_integer((json_int_t)(at - began)) : json_null();
}

static bool
attempt_json(void *ctx, const struct core_attempt_info *i)
{
	struct show *s = ctx;
	const struct core_conf *c = show_conf(s);
	bool known = i->tunnel >= 1 && i->tunnel <= c->n_tunnel;
	char text[PREFIX_STRLEN];

	if (!show_room(s))
		return false;
	json_array_append_new(s->list, json_pack("{s:I, s:o, s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o}", "attempt",
	    (json_int_t)i->attempt, "interface", show_text(known ? c->tunnel[i->tunnel - 1].dp.name : ""), "kind", trace_kind_name(i->kind),
	    "state", core_attempt_state_name(i->state), "destination", show_addr(&i->dst), "prefix", i->prefix.addr.n ? prefix_fmt(&i->prefix, text) : "",
	    "tunnel_address", show_addr(&i->proto), "nbma", show_addr(&i->nbma), "began", stamp(s, i->began), "up_after_us",
	    us_or_null(i->settled, i->began), "ended_after_us", us_or_null(i->ended, i->began), "reason", show_text(i->reason), "left_out",
	    (json_int_t)i->left_out, "steps", steps_json(s, i)));
	return true;
}

static int
by_attempt(const void *a, const void *b)
{
	json_int_t x = json_integer_value(json_object_get(*(json_t *const *)a, "attempt")), y = json_integer_value(json_object_get(*(json_t *const *)b, "attempt"));

	return x < y ? -1 : x > y;
}

/* The core keeps them by their last step; people read by their first. */
static bool
sort(json_t *list)
{
	size_t n = json_array_size(list);
	json_t **v = n ? malloc(n * sizeof(*v)) : NULL;

	if (n && !v)
		return false;
	for (size_t i = 0; i < n; i++)
		v[i] = json_incref(json_array_get(list, i));
	json_array_clear(list);
	if (n)
		qsort(v, n, sizeof(*v), by_attempt);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, v[i]);
	free(v);
	return true;
}

json_t *
show_timeline(struct show *s)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	s->wall_us = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
	core_visit_attempts(s->src->core, 0, &s->which, attempt_json, s);
	if (!sort(s->list)) {
		json_decref(s->list);
		return NULL;
	}
	return show_finish(s, "attempts");
}

/* ---- probe */

struct found {
	struct show *s;
	struct core_peer_info info;
	char reason[160];
	bool is;
};

static bool
find_peer(void *ctx, const struct core_peer_info *i)
{
	struct found *f = ctx;

	if (!show_is_asked_for(f->s, i) || (f->is && f->info.step >= i->step))
		return true;
	f->info = *i;
	snprintf(f->reason, sizeof(f->reason), "%s", i->reason);
	f->is = true;
	return true;
}

static void
find_tunnel(struct show *s)
{
	struct found *f = s->found;

	core_visit_peer(s->src->core, s->tunnel, find_peer, f);
}

json_t *
show_probe(struct show *s)
{
	struct found f = { .s = s };
	struct addr to;
	bool secured;
	json_t *o;

	s->found = &f;
	show_each_tunnel(s, find_tunnel);
	/* another of its tunnel addresses than the first was asked for */
	to = f.is && !addr_eq(&s->which, &f.info.nbma) && !addr_eq(&s->which, &f.info.nbma_claimed) ? s->which : f.info.proto;
	secured = f.is && f.info.peer && f.info.step >= CORE_STEP_NHRP && to.n;
	if (!f.is)
		snprintf(f.reason, sizeof(f.reason), "no such peer");
	else if (!secured && !f.reason[0])
		snprintf(f.reason, sizeof(f.reason), "it has not told its tunnel address yet");
	o = json_pack("{s:o, s:o, s:s, s:b, s:b, s:n, s:s, s:o}", "peer", show_addr(to.n ? &to : &s->which), "nbma", show_addr(&f.info.nbma), "interface",
	    f.is ? show_conf(s)->tunnel[f.info.tunnel - 1].dp.name : "", "asked", secured,
	    "answered", 0, "rtt_us", "state", f.is ? core_step_name(f.info.step) : "",
	    "reason", show_text(f.reason));
	if (o && secured && s->src->later && s->src->probe)
		*s->src->later = (struct control_later){ true, CONTROL_PROBE, f.info.tunnel, to };
	return o;
}

void
show_probe_answered(json_t *data, bool ok, tick_t took, const char *reason)
{
	json_object_set_new(data, "answered", json_boolean(ok));
	json_object_set_new(data, "rtt_us", ok ? json_integer((json_int_t)took) : json_null());
	json_object_set_new(data, "reason", json_string(reason));
}
