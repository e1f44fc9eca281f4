#include "tests/unit/ike_engine/world.h"

#include <stdio.h>
#include <stdlib.h>

struct addr
w_addr(const char *text)
{
	struct addr a = { 0 };

	ck_assert(addr_parse(text, &a));
	return a;
}

struct ike_id
w_fqdn(const char *name)
{
	struct ike_id id = { .type = IKE_ID_FQDN, .len = (uint8_t)strlen(name) };

	memcpy(id.data, name, id.len);
	return id;
}

struct ike_match
w_exact(const char *name)
{
	return (struct ike_match){ .kind = IKE_MATCH_EXACT, .id = w_fqdn(name) };
}

void
w_key(struct w_side *s, unsigned profile, const char *name, const char *psk)
{
	struct ike_profile *p = &s->profile[profile];
	struct ike_key *e = &s->key[p->n_key++];
	struct addr a;

	memset(e, 0, sizeof(*e));
	snprintf(e->name, sizeof(e->name), "%s", name);
	if (addr_parse(name, &a)) {
		e->has_address = true;
		e->address = prefix_host(&a);
	} else if (name[0] == '.') {
		e->has_id = true;
		e->id = (struct ike_match){ .kind = IKE_MATCH_DOMAIN, .id = w_fqdn(name + 1) };
	} else if (name[0] != '*') {
		e->has_id = true;
		e->id = w_exact(name);
	}
	e->psk_len = (uint16_t)strlen(psk);
	memcpy(e->psk, psk, e->psk_len);
	p->key = s->key;
}

static uint32_t
spi_alloc(void *ctx)
{
	struct test_env *t = ctx;
	struct w_side *s = container_of(t, struct w_side, t);

	return s->next_spi++;
}

static int64_t
wall(void *ctx)
{
	return container_of((struct test_env *)ctx, struct w_side, t)->wall;
}

static void
keylog(void *ctx, const char *line)
{
	struct w_side *s = container_of((struct test_env *)ctx, struct w_side, t);

	snprintf(s->keylog[s->n_keylog++ % 4], sizeof(s->keylog[0]), "%s", line);
}

static void
default_profile(struct ike_profile *p)
{
	*p = (struct ike_profile){ .n_ike = 1, .n_esp = 1, .dpd = IKE_DPD_OFF, .dpd_s = 10, .dpd_retry_s = 3, .ike_life_s = 0, .replay_window = 1024,
		.keepalive_s = 20 };
	snprintf(p->name, sizeof(p->name), "p");
	p->ike[0] = (struct ike_proposal){ .encr = { IKE_ENCR_AES_GCM_16 }, .encr_bits = { 256 }, .n_encr = 1, .prf = { IKE_PRF_HMAC_SHA2_384 },
		.n_prf = 1, .group = { IKE_KE_CURVE25519 }, .n_group = 1 };
	p->esp[0] = (struct ike_proposal){ .encr = { IKE_ENCR_AES_GCM_16 }, .encr_bits = { 256 }, .n_encr = 1, .esn = { true, true } };
}

void
w_init(struct world *w)
{
	static const char *const addr[W_SIDES] = { "192.0.2.1", "198.51.100.2", "203.0.113.3" };
	static const char *const name[W_SIDES] = { "a.example.net", "b.example.net", "c.example.net" };

	memset(w, 0, sizeof(*w));
	w->now = TICK_S(1000);
	w->latency = TICK_MS(10);
	w->n_sides = 2;
	for (unsigned i = 0; i < W_SIDES; i++) {
		struct w_side *s = &w->s[i];

		test_env_init(&s->t);
		s->t.seed = 1000 + i;
		s->addr = w_addr(addr[i]);
		s->next_spi = 0x10000 * (i + 1);
		default_profile(&s->profile[0]);
		default_profile(&s->profile[1]);
		s->profile[0].local_id = w_fqdn(name[i]);
		w_key(s, 0, "*", "secret of all");
		s->conf = (struct ike_conf){ .profile = s->profile, .n_profile = 1, .half_open_max = 64, .cookie_threshold = 32, .sa_max = 1000 };
	}
}

void
w_start(struct world *w, unsigned side)
{
	struct w_side *s = &w->s[side];
	struct ike_env env = { .env = s->t.env, .spi_alloc = spi_alloc, .keylog = keylog, .wall = wall, .qcd_secret = s->qcd, .esp_kept = s->esp_kept };

	if (!s->out.item)
		ck_assert(outq_init(&s->out, &s->t.env, sizeof(struct ike_act), IKE_OUT_ITEMS, IKE_OUT_OCTETS));
	s->k = ike_new(&s->conf, &env);
	ck_assert_ptr_nonnull(s->k);
	s->dead = false;
}

void
w_go(struct world *w)
{
	for (unsigned i = 0; i < w->n_sides; i++)
		w_start(w, i);
}

void
w_stop(struct world *w, unsigned side)
{
	struct w_side *s = &w->s[side];

	for (unsigned i = 0; i < s->n_jobs; i++)
		ike_job_discard(s->jobs[i]);
	s->n_jobs = 0;
	ike_free(s->k);
	s->k = NULL;
	s->n_child = 0;
	s->dead = true;
}

void
w_lose_everything(struct world *w)
{
	while (w->n_msg)
		free(w->msg[--w->n_msg]);
}

void
w_fini(struct world *w)
{
	for (unsigned i = 0; i < w->n_sides; i++) {
		struct w_side *s = &w->s[i];

		if (s->k)
			w_stop(w, i);
		if (s->out.item)
			outq_fini(&s->out, &s->t.env);
		ck_assert_int_eq(s->t.live, 0);
	}
	w_lose_everything(w);
}

/* ---- mock data plane */
static struct w_child *
dp_find(struct w_side *s, uint32_t spi_in)
{
	for (unsigned i = 0; i < s->n_child; i++) {
		if (s->child[i].dp.spi_in == spi_in)
			return &s->child[i];
	}
	return NULL;
}

static void
dp_add(struct w_side *s, const struct ike_act *a)
{
	struct w_child *c;

	ck_assert_ptr_null(dp_find(s, a->spi_in));
	ck_assert_uint_eq(a->child->spi_in, a->spi_in);
	ck_assert_uint_gt(a->child->spi_out, 255);
	ck_assert_uint_lt(s->n_child, W_CHILDREN);
	s->child_adds++;
	c = &s->child[s->n_child++];
	*c = (struct w_child){ .sa = a->sa, .dp = *a->child, .active = a->child->active };
	c->dp.sel = NULL;	/* borrowed */
	if (a->child->sel)
		c->sel = *a->child->sel;
	if (c->active)
		c->order = ++s->activations;
}

static void
dp_del(struct w_side *s, uint32_t spi_in, bool forgiven)
{
	struct w_child *c = dp_find(s, spi_in);

	if (!c && forgiven)
		return;
	ck_assert_ptr_nonnull(c);
	s->child_dels++;
	*c = s->child[--s->n_child];
}

static const struct w_child *
dp_best(const struct w_side *s)
{
	const struct w_child *best = NULL;

	for (unsigned i = 0; i < s->n_child; i++) {
		if (s->child[i].active && (!best || s->child[i].order > best->order))
			best = &s->child[i];
	}
	return best;
}

static bool
reaches(const struct w_side *from, struct w_side *to)
{
	const struct w_child *out = dp_best(from), *in = out ? dp_find(to, out->dp.spi_out) : NULL;

	return in && out->dp.keys.encr == in->dp.keys.encr && out->dp.esn == in->dp.esn && out->dp.encap == in->dp.encap &&
	    out->dp.keys.encr_len == in->dp.keys.encr_len && memcmp(out->dp.keys.encr_out, in->dp.keys.encr_in, out->dp.keys.encr_len) == 0 &&
	    out->dp.keys.integ_len == in->dp.keys.integ_len && memcmp(out->dp.keys.integ_out, in->dp.keys.integ_in, out->dp.keys.integ_len) == 0;
}

bool
w_usable(struct world *w)
{
	return reaches(&w->s[0], &w->s[1]) && reaches(&w->s[1], &w->s[0]);
}

/* ---- network */
/* In IPv4, as all addresses here are. */
static bool
too_big(const struct world *w, const struct ike_act *a)
{
	return w->path_mtu && a->packet.n + 28 + (a->local.port != 500 ? 4 : 0) > w->path_mtu && (a->whole || w->no_fragments);
}

static void
send_msg(struct world *w, unsigned from, const struct ike_act *a)
{
	struct w_side *s = &w->s[from];
	struct w_msg *m;

	ck_assert_uint_lt(w->n_msg, W_MSGS);
	ck_assert_uint_le(a->packet.n, sizeof(m->octets));
	ck_assert(addr_eq(&a->local.addr, &s->addr) || a->local.addr.n == 0);
	s->sends++;
	s->sent_whole += a->whole;
	if (too_big(w, a))
		return;
	m = calloc(1, sizeof(*m));
	ck_assert_ptr_nonnull(m);
	*m = (struct w_msg){ .from = from, .serial = w->serial++, .src = a->local, .dst = a->remote, .natt = a->local.port != 500 };
	m->src.addr = s->addr;
	if (s->nat.n) {
		m->src.addr = s->nat;
		m->src.port = (uint16_t)(m->src.port + s->nat_shift);
	}
	m->at = w->now + w->latency;
	if (w->shuffle) {
		w->shuffle = w->shuffle * 6364136223846793005u + 1442695040888963407u;
		m->at = w->now + TICK_MS(1) + (w->shuffle >> 33) % TICK_MS(80);
	}
	m->n = a->packet.n;
	memcpy(m->octets, a->packet.p, m->n);
	if (w->hook && !w->hook(w, m)) {
		free(m);
		return;
	}
	w->msg[w->n_msg++] = m;
}

static void
note_up(struct w_side *s, const struct ike_act *a)
{
	s->ups++;
	s->last_up = a->sa;
	s->up_dial = a->dial;
	s->up_id = *a->peer_id;
	s->up_natted_local = a->natted_local;
	s->up_natted_remote = a->natted_remote;
}

static void
note_down(struct w_side *s, const struct ike_act *a)
{
	s->downs++;
	s->died += a->down == IKE_DOWN_DEAD;
	s->last_down = a->down;
	s->last_down_sa = a->sa;
	s->last_down_other = a->other;
	s->last_down_dial = a->dial;
	snprintf(s->down_text, sizeof(s->down_text), "%s", a->text);
}

static void
act_on(struct world *w, unsigned side, const struct ike_act *a, struct ike_event *back, unsigned *n_back)
{
	static const char *const word[] = { "send", "keepalive", "job", "revocation", "ike-up", "ike-moved", "ike-down", "ike-rekeyed", "dial-fail", "child-add",
		"child-activate", "child-move", "child-del", "query-use", "probe-result" };
	struct w_side *s = &w->s[side];
	struct w_child *c;

	if (getenv("W_TRACE"))
		printf("%9.3f %c %s sa %u other %u spi %x %s %s\n", (double)w->now / 1e6 - 1000, 'A' + side, word[a->kind], a->sa, a->other, a->spi_in,
		    a->kind == IKE_ACT_SEND ? ike_exchange_name(a->packet.p[18]) : "", a->text ? a->text : "");
	switch (a->kind) {
	case IKE_ACT_SEND:
		send_msg(w, side, a);
		return;
	case IKE_ACT_KEEPALIVE:
		s->keepalives++;
		return;
	case IKE_ACT_REVOCATION:
		s->asked++;
		s->asked_known += ike_chain_was_known(ike_job_chain(a->job));
		ike_job_answer(a->job, s->revocation, "asked");
		/* fall through */
	case IKE_ACT_JOB:
		ck_assert_uint_lt(s->n_jobs, W_JOBS);
		s->jobs[s->n_jobs++] = a->job;
		return;
	case IKE_ACT_IKE_UP:
		note_up(s, a);
		return;
	case IKE_ACT_IKE_MOVED:
		s->moves++;
		return;
	case IKE_ACT_IKE_DOWN:
		note_down(s, a);
		return;
	case IKE_ACT_IKE_REKEYED:
		s->rekeys++;
		s->rekeyed_to = a->other;
		return;
	case IKE_ACT_DIAL_FAIL:
		s->dial_fails++;
		s->last_fail = a->down;
		snprintf(s->fail_text, sizeof(s->fail_text), "%s", a->text);
		return;
	case IKE_ACT_CHILD_ADD:
		s->refusals += s->refuse_child;
		if (!s->refuse_child)
			dp_add(s, a);
		back[(*n_back)++] = (struct ike_event){ .kind = IKE_EV_CHILD_RESULT, .spi_in = a->spi_in, .ok = !s->refuse_child };
		return;
	case IKE_ACT_CHILD_ACTIVATE:
		c = dp_find(s, a->spi_in);
		ck_assert_ptr_nonnull(c);
		c->active = true;
		c->order = ++s->activations;
		return;
	case IKE_ACT_CHILD_MOVE:
		c = dp_find(s, a->spi_in);
		ck_assert_ptr_nonnull(c);
		c->dp.local = a->local;
		c->dp.remote = a->remote;
		return;
	case IKE_ACT_CHILD_DEL:
		dp_del(s, a->spi_in, w->forget_children);
		return;
	case IKE_ACT_PROBE_RESULT:
		s->n_probes++;
		s->probe_size = a->size;
		s->probe = a->probe;
		return;
	case IKE_ACT_QUERY_USE:
		s->queries++;
		if (!s->no_use_answer)
			back[(*n_back)++] = (struct ike_event){ .kind = IKE_EV_USE, .spi_in = a->spi_in, .ok = s->use_ok, .sent = s->use_sent };
		return;
	}
}

static void
run_jobs(struct world *w, unsigned side)
{
	struct w_side *s = &w->s[side];

	while (s->n_jobs && !s->hold_jobs) {
		struct ike_event ev = { .kind = IKE_EV_JOB, .job = s->jobs[0] };

		memmove(s->jobs, s->jobs + 1, --s->n_jobs * sizeof(s->jobs[0]));
		ike_job_run(ev.job);
		w_event(w, side, &ev);
	}
}

static void
drain(struct world *w, unsigned side)
{
	struct w_side *s = &w->s[side];
	struct ike_event back[IKE_OUT_ITEMS];
	unsigned n_back = 0;

	for (size_t i = 0; i < s->out.n; i++)
		act_on(w, side, outq_at(&s->out, i), back, &n_back);
	ike_out_reset(&s->out);
	for (unsigned i = 0; i < n_back; i++)
		w_event(w, side, &back[i]);
	if (w->n_sides == 2) {
		bool ok = w_usable(w);

		if (ok)
			w->s[0].ever_usable = true;
		else if (w->s[0].ever_usable)
			w->s[0].gap++;
		if (!ok && w->s[0].ever_usable && getenv("W_TRACE"))
			printf("          gap: A to B %d, B to A %d\n", reaches(&w->s[0], &w->s[1]), reaches(&w->s[1], &w->s[0]));
	}
	run_jobs(w, side);
}

void
w_event(struct world *w, unsigned side, struct ike_event *ev)
{
	ike_event(w->s[side].k, w->now, ev, &w->s[side].out);
	drain(w, side);
}

void
w_dial_ev(struct world *w, unsigned from, struct ike_event *ev)
{
	ev->kind = IKE_EV_DIAL;
	w_event(w, from, ev);
}

void
w_dial(struct world *w, unsigned from, unsigned to, uint32_t dial)
{
	struct w_side *d = &w->s[to];
	struct ike_event ev = { .kind = IKE_EV_DIAL, .dial = dial, .n_remotes = 1, .hub = true };

	ev.local.addr = w->s[from].addr;
	ev.remotes[0].addr = d->nat.n ? d->nat : d->addr;
	w_event(w, from, &ev);
}

enum ike_drop
w_inject(struct world *w, unsigned to, const struct w_msg *m)
{
	struct w_side *s = &w->s[to];
	struct ike_rx rx = { .local = m->dst, .remote = m->src, .natt = m->natt, .packet = span_of(m->octets, m->n) };
	uint8_t *exact;

	if (s->nat.n) {
		rx.local.addr = s->addr;
		rx.local.port = (uint16_t)(m->dst.port - s->nat_shift);
	}
	exact = malloc(m->n ? m->n : 1);	/* so that a sanitizer sees every read past the end */
	memcpy(exact, m->octets, m->n);
	rx.packet.p = exact;
	w->last_drop = ike_rx(s->k, w->now, &rx, &s->out);
	free(exact);
	drain(w, to);
	return w->last_drop;
}

static int
receiver(const struct world *w, const struct w_msg *m)
{
	for (unsigned i = 0; i < w->n_sides; i++) {
		if (!w->s[i].dead && i != m->from && addr_eq(w->s[i].nat.n ? &w->s[i].nat : &w->s[i].addr, &m->dst.addr))
			return (int)i;
	}
	return -1;
}

void
w_deliver_at(struct world *w, unsigned i)
{
	struct w_msg *m = w->msg[i];
	int to = receiver(w, m);

	memmove(&w->msg[i], &w->msg[i + 1], (--w->n_msg - i) * sizeof(w->msg[0]));
	if (to >= 0)
		w_inject(w, (unsigned)to, m);
	free(m);
}

bool
w_deliver(struct world *w, unsigned from)
{
	for (unsigned i = 0; i < w->n_msg; i++) {
		if (w->msg[i]->from == from) {
			w_deliver_at(w, i);
			return true;
		}
	}
	return false;
}

unsigned
w_held(const struct world *w, unsigned from)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_msg; i++)
		n += w->msg[i]->from == from;
	return n;
}

/* ---- time */
static int
next_msg(const struct world *w)
{
	int best = -1;

	for (unsigned i = 0; i < w->n_msg && !w->manual; i++) {
		if (best < 0 || w->msg[i]->at < w->msg[best]->at)
			best = (int)i;
	}
	return best;
}

static tick_t
next_timer(const struct world *w, unsigned *side)
{
	tick_t at = TICK_NEVER;

	for (unsigned i = 0; i < w->n_sides; i++) {
		tick_t t = w->s[i].k ? ike_deadline(w->s[i].k) : TICK_NEVER;

		if (t < at) {
			at = t;
			*side = i;
		}
	}
	return at;
}

void
w_run(struct world *w, tick_t span)
{
	tick_t end = w->now + span;

	for (unsigned steps = 0;; steps++) {
		unsigned side = 0;
		int i = next_msg(w);
		tick_t tm = i >= 0 ? w->msg[i]->at : TICK_NEVER, tt = next_timer(w, &side);

		ck_assert_uint_lt(steps, 2000000);
		if (tick_min(tm, tt) > end)
			break;
		if (tt <= tm) {
			w->now = tt > w->now ? tt : w->now;
			ike_tick(w->s[side].k, w->now, &w->s[side].out);
			drain(w, side);
		} else {
			w->now = tm > w->now ? tm : w->now;
			w_deliver_at(w, (unsigned)i);
		}
	}
	w->now = end;
}

void
w_settle(struct world *w)
{
	w_run(w, TICK_MS(200));
}

/* ---- looking */
struct ike_sa *
w_sa(struct world *w, unsigned side)
{
	struct map_iter it = { 0 };
	struct ike_sa *found = NULL;

	for (struct map_node *n = map_first(&w->s[side].k->by_id, &it); n; n = map_next(&w->s[side].k->by_id, &it)) {
		struct ike_sa *sa = container_of(n, struct ike_sa, by_id);

		if (sa->state == IKE_SA_EST && sa->announced) {
			ck_assert_ptr_null(found);
			found = sa;
		}
	}
	return found;
}

struct count {
	const char *state;
	unsigned n;
};

static bool
count_fn(void *ctx, const struct ike_sa_info *i)
{
	struct count *c = ctx;

	c->n += !c->state || strcmp(c->state, i->state) == 0;
	return true;
}

unsigned
w_count_sa(struct world *w, unsigned side, const char *state)
{
	struct count c = { state, 0 };

	ike_visit_sa(w->s[side].k, count_fn, &c);
	return c.n;
}

unsigned
w_count_child(struct world *w, unsigned side)
{
	return w->s[side].n_child;
}

struct ike_child *
w_engine_child(struct world *w, unsigned side)
{
	struct ike_sa *sa = w_sa(w, side);
	struct ike_child *found = NULL;

	for (struct ike_child *c = sa ? sa->children : NULL; c; c = c->next) {
		if (c->state == IKE_CH_UP) {
			ck_assert_ptr_null(found);
			found = c;
		}
	}
	return found;
}

void
w_check_pair(struct world *w)
{
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_ptr_nonnull(w_sa(w, i));
		ck_assert_uint_eq(w_count_sa(w, i, NULL), 1);
		ck_assert_uint_eq(w_count_child(w, i), 1);
	}
	ck_assert(w_usable(w));
}

void
w_kick(struct world *w, unsigned side)
{
	timer_arm(&w->s[side].k->timers, &w_sa(w, side)->t_kick, w->now);
	w_run(w, 0);
}

void
w_rekey(struct world *w, unsigned side, bool ike)
{
	struct ike_event ev = { .kind = IKE_EV_SA_SOFT };

	if (ike) {
		w_sa(w, side)->want_rekey = true;
		w_kick(w, side);
		return;
	}
	ev.spi_in = w_sa(w, side)->children->spi_in;
	w_event(w, side, &ev);
}

void
w_job_back(struct world *w, unsigned side, unsigned i, bool run)
{
	struct w_side *s = &w->s[side];
	struct ike_event ev = { .kind = IKE_EV_JOB, .job = s->jobs[i] };

	ck_assert_uint_lt(i, s->n_jobs);
	s->jobs[i] = s->jobs[--s->n_jobs];
	if (run)
		ike_job_run(ev.job);
	w_event(w, side, &ev);
}

void
w_up(struct world *w)
{
	w_go(w);
	w_dial(w, 0, 1, 1);
	w_settle(w);
	w_check_pair(w);
}
