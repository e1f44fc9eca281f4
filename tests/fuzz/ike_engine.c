/* tests/fuzz/ike_engine.c: libFuzzer target of ikecore/engine: two engines back to back, and a script between them.
 *
 * They speak the null cipher (ike_crypto_allow_for_tests()), so a message changed on its way still opens and its
 * payloads reach the engine. The script holds, drops, repeats, reorders, changes and invents messages, dials and hangs up,
 * closes, raises the data plane's events, lets time pass, delays computations, takes memory away, restarts a side. What an
 * engine tells its caller is checked from outside (struct side is the caller and the data plane), and its own tables against that.
 *
 * At the end both are told to stop; when time has passed nothing may be left, and after ike_free() nothing allocated. */
#include <stdlib.h>

#include "ikecore/engine/ike_priv.h"
#include "tests/fuzz/script.h"

enum {
	SIDES = 2, SAS = 256, CHILDREN = 512, JOBS = 256, FLIGHT = 32, MESSAGE_MAX = 6144, DIALS = 4, SCRIPT_MAX = 2048, TICKS_MAX = 2000,
	MEMORY_MAX = 16 << 20,
};

struct s_child {
	uint32_t sa, spi_in;
	bool active;
	tick_t orphan;	/* since when its SA is down; 0: it is not */
};

struct side {
	struct fuzz_env e;	/* first: spi_alloc() gets it as context */
	struct ike_profile profile;
	struct ike_key key;
	struct ike_conf conf;
	struct ike *k;
	struct outq out;
	struct addr addr;
	uint32_t next_spi;
	uint32_t up[SAS];
	unsigned n_up;
	struct s_child child[CHILDREN];
	unsigned n_child;
	struct ike_job *job[JOBS];
	unsigned n_job;
	bool refuse_child, hold_jobs, no_spi, no_use_answer, use_ok;
};

struct flight {
	unsigned to;
	struct endpoint src, dst;
	bool natt;
	size_t n;
	uint8_t b[MESSAGE_MAX];
};

struct model {
	struct side s[SIDES];
	struct flight f[FLIGHT];
	unsigned n_f;
	tick_t now;
	struct endpoint nat;	/* where side 1 is seen to be, when set */
};

static struct addr
A(const char *text)
{
	struct addr a = { 0 };

	HOLDS(addr_parse(text, &a), "%s", text);
	return a;
}

/* ---- what an engine tells its caller */

static int
up_find(const struct side *s, uint32_t sa)
{
	for (unsigned i = 0; i < s->n_up; i++) {
		if (s->up[i] == sa)
			return (int)i;
	}
	return -1;
}

static struct s_child *
child_find(struct side *s, uint32_t spi_in)
{
	for (unsigned i = 0; i < s->n_child; i++) {
		if (s->child[i].spi_in == spi_in)
			return &s->child[i];
	}
	return NULL;
}

static void
do_send(struct model *m, unsigned from, const struct ike_act *a)
{
	struct flight *f;
	struct ike_msg msg;
	enum ike_drop d = ike_msg_parse(a->packet, &msg);

	/* A refusal of a later major version says back what came in its header, which is not ours to judge. */
	HOLDS(d == IKE_OK || (a->packet.p[19] & IKE_FLAG_RESPONSE && a->packet.p[16] == IKE_PL_NOTIFY && a->packet.n < 64),
	    "it sends what it would refuse: %s", ike_drop_text(d));
	HOLDS(a->packet.n <= MESSAGE_MAX, "message of %zu octets", a->packet.n);
	HOLDS(a->remote.addr.n && a->remote.port, "message to nowhere");
	if (m->n_f == FLIGHT)	/* the oldest is lost */
		memmove(&m->f[0], &m->f[1], sizeof(m->f[0]) * --m->n_f);
	f = &m->f[m->n_f++];
	f->to = !from;
	f->src = (struct endpoint){ m->s[from].addr, a->local.port };
	f->dst = a->remote;
	f->natt = a->local.port != 500;
	if (from == 1 && m->nat.addr.n) {
		f->src.addr = m->nat.addr;
		f->src.port = (uint16_t)(f->src.port + m->nat.port);
	}
	f->n = a->packet.n;
	memcpy(f->b, a->packet.p, f->n);
}

static void
do_up(struct side *s, const struct ike_act *a)
{
	char text[600];

	HOLDS(a->sa && up_find(s, a->sa) < 0, "SA %u is up twice", a->sa);
	HOLDS(a->peer_id && a->peer_id->type != IKE_ID_NONE, "SA %u is up without an identity", a->sa);
	HOLDS(s->n_up < SAS, "too many SAs");
	ike_id_fmt(a->peer_id, text, sizeof(text));
	s->up[s->n_up++] = a->sa;
}

static void
do_down(struct model *m, struct side *s, const struct ike_act *a)
{
	int i = up_find(s, a->sa);

	HOLDS(i >= 0, "SA %u goes down and was not up", a->sa);
	HOLDS(a->text && a->text[0] && ike_down_word(a->down), "SA %u goes down without a reason", a->sa);
	s->up[i] = s->up[--s->n_up];
	for (unsigned k = 0; k < s->n_child; k++) {
		if (s->child[k].sa == a->sa)
			s->child[k].orphan = m->now;
	}
}

static void
do_rekeyed(struct side *s, const struct ike_act *a)
{
	int i = up_find(s, a->sa);

	HOLDS(i >= 0 && up_find(s, a->other) < 0, "SA %u is rekeyed as %u", a->sa, a->other);
	s->up[i] = a->other;
	for (unsigned k = 0; k < s->n_child; k++) {
		if (s->child[k].sa == a->sa)
			s->child[k].sa = a->other;
	}
}

static void
do_add(struct side *s, const struct ike_act *a, struct ike_event *back)
{
	HOLDS(up_find(s, a->sa) >= 0, "keys for SA %u, which is not up", a->sa);
	HOLDS(!child_find(s, a->spi_in), "SPI %x stands already", a->spi_in);
	HOLDS(a->child && a->child->spi_in == a->spi_in && a->spi_in > 255 && a->child->spi_out > 255, "a pair without its SPIs");
	HOLDS(a->child->keys.encr_len > 0 && a->child->remote.addr.n, "a pair without keys or a peer");
	HOLDS(s->n_child < CHILDREN, "too many pairs");
	if (!s->refuse_child)
		s->child[s->n_child++] = (struct s_child){ .sa = a->sa, .spi_in = a->spi_in, .active = a->child->active };
	*back = (struct ike_event){ .kind = IKE_EV_CHILD_RESULT, .spi_in = a->spi_in, .ok = !s->refuse_child, .text = "refused" };
}

static void
do_child(struct side *s, const struct ike_act *a)
{
	struct s_child *c = child_find(s, a->spi_in);

	HOLDS(c, "action %d on pair %x, which does not stand", (int)a->kind, a->spi_in);
	if (a->kind == IKE_ACT_CHILD_ACTIVATE)
		c->active = true;
	if (a->kind == IKE_ACT_CHILD_DEL)
		*c = s->child[--s->n_child];
}

static void
do_job(struct side *s, const struct ike_act *a)
{
	HOLDS(a->job && s->n_job < JOBS, "job");
	s->job[s->n_job++] = a->job;
}

/* Answers true when `back` is to be told to the engine. */
static bool
perform(struct model *m, unsigned side, const struct ike_act *a, struct ike_event *back)
{
	static const char *const word[] = { "send", "keepalive", "job", "revocation", "ike-up", "ike-moved", "ike-down", "ike-rekeyed", "dial-fail", "child-add",
		"child-activate", "child-move", "child-del", "query-use", "probe-result" };
	struct side *s = &m->s[side];

	fuzz_trace("  %c %s sa %u other %u dial %u spi %x %s %s", 'A' + (int)side, word[a->kind], a->sa, a->other, a->dial, a->spi_in,
	    a->kind == IKE_ACT_SEND ? ike_exchange_name(a->packet.p[18]) : "", a->text ? a->text : "");
	switch (a->kind) {
	case IKE_ACT_SEND:
		do_send(m, side, a);
		return false;
	case IKE_ACT_KEEPALIVE:
		HOLDS(a->remote.addr.n, "keepalive to nowhere");
		return false;
	case IKE_ACT_REVOCATION:
		ike_job_answer(a->job, IKE_STATUS_GOOD, "");
		__attribute__((fallthrough));
	case IKE_ACT_JOB:
		do_job(s, a);
		return false;
	case IKE_ACT_IKE_UP:
		do_up(s, a);
		return false;
	case IKE_ACT_IKE_MOVED:
		HOLDS(up_find(s, a->sa) >= 0, "SA %u moves and is not up", a->sa);
		return false;
	case IKE_ACT_IKE_DOWN:
		do_down(m, s, a);
		return false;
	case IKE_ACT_IKE_REKEYED:
		do_rekeyed(s, a);
		return false;
	case IKE_ACT_DIAL_FAIL:
		HOLDS(a->dial && a->dial <= DIALS && a->text, "dial %u fails", a->dial);
		return false;
	case IKE_ACT_CHILD_ADD:
		do_add(s, a, back);
		return true;
	case IKE_ACT_CHILD_ACTIVATE:
	case IKE_ACT_CHILD_MOVE:
	case IKE_ACT_CHILD_DEL:
		do_child(s, a);
		return false;
	case IKE_ACT_QUERY_USE:
		do_child(s, a);
		*back = (struct ike_event){ .kind = IKE_EV_USE, .spi_in = a->spi_in, .ok = s->use_ok, .sent = true };
		return !s->no_use_answer;
	case IKE_ACT_PROBE_RESULT:
		HOLDS(a->size && a->size <= 65535, "a path of %u octets", a->size);
		return false;
	}
	return false;
}

static void
drain(struct model *m, unsigned side)
{
	struct side *s = &m->s[side];
	struct ike_event back[IKE_OUT_ITEMS];
	unsigned n_back = 0;

	HOLDS(s->out.n <= s->out.cap && s->out.used <= s->out.arena_cap, "the queue overflowed");
	for (size_t i = 0; i < s->out.n; i++)
		n_back += perform(m, side, outq_at(&s->out, i), &back[n_back]);
	ike_out_reset(&s->out);
	HOLDS(s->e.octets <= MEMORY_MAX, "%zu octets in use", s->e.octets);
	for (unsigned i = 0; i < n_back; i++) {
		ike_event(s->k, m->now, &back[i], &s->out);
		drain(m, side);
	}
}

/* ---- what must agree with an engine's own tables */

/* Made before a rekeying is asked for, so it lives as long as that exchange, or what waits for the next one of it (more_until). */
static bool
is_heir(const struct side *s, uint32_t id)
{
	struct map_iter it = { 0 };

	for (struct map_node *x = map_first(&s->k->by_id, &it); x; x = map_next(&s->k->by_id, &it)) {
		const struct ike_sa *sa = container_of(x, struct ike_sa, by_id);

		if ((sa->cc_tx && sa->cc_tx->heir == id) || (sa->cc_rx && sa->cc_rx->heir == id) || (sa->cc_more && sa->cc_more->heir == id))
			return true;
	}
	return false;
}

static bool
has_end(const struct side *s, const struct ike_sa *sa)
{
	return sa->t_life.armed || sa->t_retx.armed || sa->t_live.armed || sa->t_kick.armed || sa->x.kind != IKE_X_NONE || sa->job || is_heir(s, sa->id);
}

static void
agree_sas(struct side *s)
{
	struct map_iter it = { 0 };
	unsigned up = 0, n = 0;

	for (struct map_node *x = map_first(&s->k->by_id, &it); x; x = map_next(&s->k->by_id, &it)) {
		const struct ike_sa *sa = container_of(x, struct ike_sa, by_id);
		unsigned children = 0;
		bool live = sa->state == IKE_SA_EST && sa->announced;

		n++;
		HOLDS(live == (up_find(s, sa->id) >= 0), "SA %u: the engine and its caller disagree whether it is up", sa->id);
		up += live;
		for (const struct ike_child *c = sa->children; c; c = c->next)
			children += c->sa == sa && c->sa_id == sa->id;
		HOLDS(children == sa->n_children, "SA %u: its count of pairs is wrong", sa->id);
		HOLDS(children <= IKE_CHILDREN_MAX, "SA %u has %u pairs", sa->id, children);
		HOLDS(live || has_end(s, sa), "SA %u has no end (state %d)", sa->id, (int)sa->state);
	}
	HOLDS(up == s->n_up, "%u SAs are up, the engine knows of %u", s->n_up, up);
	HOLDS(n == s->k->n_sa, "its count of SAs is wrong");
}

static void
agree(struct model *m, unsigned side)
{
	struct side *s = &m->s[side];
	struct map_iter it = { 0 };
	unsigned n = 0;

	agree_sas(s);
	for (struct map_node *x = map_first(&s->k->by_child, &it); x; x = map_next(&s->k->by_child, &it)) {
		const struct ike_child *c = container_of(x, struct ike_child, by_spi);

		HOLDS(!c->installed || child_find(s, c->spi_in), "it believes in pair %x, which does not stand", c->spi_in);
		HOLDS((c->state != IKE_CH_LINGER) == (c->sa != NULL), "a pair is in the wrong list");
		n += c->installed;
	}
	HOLDS(n == s->n_child, "%u pairs stand, the engine knows of %u", s->n_child, n);
	for (unsigned i = 0; i < s->n_child; i++)
		HOLDS(!s->child[i].orphan || m->now - s->child[i].orphan <= 2 * IKE_LINGER, "pair %x outlives its SA", s->child[i].spi_in);
}

/* ---- what happens to them */

static void
event(struct model *m, unsigned side, struct ike_event ev)
{
	static const char *const word[] = { [IKE_EV_DIAL] = "dial", [IKE_EV_HANGUP] = "hangup", [IKE_EV_CLOSE] = "close", [IKE_EV_REKEY] = "rekey",
		[IKE_EV_JOB] = "job", [IKE_EV_CHILD_RESULT] = "child-result", [IKE_EV_SA_USED] = "sa-used", [IKE_EV_SA_SOFT] = "sa-soft",
		[IKE_EV_SA_HARD] = "sa-hard", [IKE_EV_SA_UNKNOWN] = "sa-unknown", [IKE_EV_SA_MOVED] = "sa-moved", [IKE_EV_USE] = "use",
		[IKE_EV_PROBE] = "probe", [IKE_EV_LOCAL_ADDR] = "local-addr", [IKE_EV_SHUTDOWN] = "shutdown" };

	fuzz_trace("%.3f %c event %s dial %u sa %u spi %x ok %d", (double)m->now / 1e6, 'A' + (int)side, word[ev.kind], ev.dial, ev.sa, ev.spi_in, ev.ok);
	ike_event(m->s[side].k, m->now, &ev, &m->s[side].out);
	drain(m, side);
}

static void
jobs(struct model *m, unsigned side)
{
	struct side *s = &m->s[side];

	while (s->n_job && !s->hold_jobs) {
		struct ike_event ev = { .kind = IKE_EV_JOB, .job = s->job[0] };

		memmove(s->job, s->job + 1, --s->n_job * sizeof(s->job[0]));
		ike_job_run(ev.job);
		event(m, side, ev);
	}
}

static void
inject(struct model *m, unsigned to, const struct flight *f, struct span packet)
{
	uint8_t *exact = fuzz_exact(packet);
	struct ike_rx rx = { .local = f->dst, .remote = f->src, .natt = f->natt, .packet = span_of(exact, packet.n) };
	enum ike_drop d;

	rx.local.addr = m->s[to].addr;
	if (to == 1 && m->nat.addr.n)
		rx.local.port = f->natt ? 4500 : 500;
	d = ike_rx(m->s[to].k, m->now, &rx, &m->s[to].out);
	fuzz_trace("%.3f %c message %s: %s", (double)m->now / 1e6, 'A' + (int)to, packet.n > 18 ? ike_exchange_name(packet.p[18]) : "-", ike_drop_word(d));
	HOLDS(d < IKE_DROPS_N, "drop %d", (int)d);
	free(exact);
	drain(m, to);
	jobs(m, to);
}

static void
lose(struct model *m, unsigned i)
{
	memmove(&m->f[i], &m->f[i + 1], sizeof(m->f[0]) * (--m->n_f - i));
}

static bool
reaches(const struct model *m, const struct flight *f)
{
	const struct addr *at = f->to == 1 && m->nat.addr.n ? &m->nat.addr : &m->s[f->to].addr;

	return addr_eq(at, &f->dst.addr);
}

static void
deliver(struct model *m, unsigned i, bool keep)
{
	static struct flight f;

	f = m->f[i];
	if (!keep)
		lose(m, i);
	if (reaches(m, &f))
		inject(m, f.to, &f, span_of(f.b, f.n));
}

static void
settle(struct model *m)
{
	jobs(m, 0);
	jobs(m, 1);
	for (unsigned i = 0; m->n_f && i < 64; i++)
		deliver(m, 0, false);
}

static void
tick(struct model *m, unsigned side)
{
	struct side *s = &m->s[side];
	unsigned turns = 0;

	do {
		ike_tick(s->k, m->now, &s->out);
		drain(m, side);
		HOLDS(++turns < TICKS_MAX, "it does not come to rest");
	} while (ike_deadline(s->k) <= m->now);
	jobs(m, side);
	agree(m, side);
}

static void
pass(struct model *m, tick_t span, bool lossy)
{
	tick_t end = m->now + span;

	for (unsigned turns = 0; turns < 64; turns++) {
		tick_t at = tick_min(ike_deadline(m->s[0].k), ike_deadline(m->s[1].k));

		if (at > end)
			break;
		m->now = at > m->now ? at : m->now;
		tick(m, 0);
		tick(m, 1);
		if (lossy)
			m->n_f = 0;
		else
			settle(m);
	}
	m->now = end;
	tick(m, 0);
	tick(m, 1);
}

/* ---- steps of the script */

static void
op_settle(struct model *m, struct cur *c)
{
	(void)c;
	settle(m);
}

static void
op_deliver(struct model *m, struct cur *c)
{
	uint8_t how = script_u8(c);

	if (m->n_f)
		deliver(m, (how >> 1) % m->n_f, how & 1);
}

static void
op_lose(struct model *m, struct cur *c)
{
	uint8_t how = script_u8(c);

	if (m->n_f)
		lose(m, how % m->n_f);
}

/* A message in flight with some octets changed, counted from its end so that small numbers lie in the payloads. */
static void
op_change(struct model *m, struct cur *c)
{
	static struct flight f;
	uint8_t how = script_u8(c);

	if (!m->n_f)
		return;
	f = m->f[(how >> 3) % m->n_f];
	if (how & 4)
		lose(m, (how >> 3) % m->n_f);
	for (unsigned i = 0; i <= (how & 3u); i++) {
		uint16_t at = script_u8(c);

		f.b[(how & 4 ? at : f.n - 1 - at % f.n) % f.n] = script_u8(c);
	}
	inject(m, f.to, &f, span_of(f.b, f.n));
}

static const uint16_t notifies[] = {
	IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD, IKE_N_INVALID_IKE_SPI, IKE_N_INVALID_SYNTAX, IKE_N_INVALID_MESSAGE_ID, IKE_N_INVALID_SPI,
	IKE_N_NO_PROPOSAL_CHOSEN, IKE_N_INVALID_KE_PAYLOAD, IKE_N_AUTHENTICATION_FAILED, IKE_N_NO_ADDITIONAL_SAS, IKE_N_TS_UNACCEPTABLE,
	IKE_N_TEMPORARY_FAILURE, IKE_N_CHILD_SA_NOT_FOUND, IKE_N_INITIAL_CONTACT, IKE_N_COOKIE, IKE_N_USE_TRANSPORT_MODE, IKE_N_REKEY_SA,
	IKE_N_NAT_DETECTION_SOURCE_IP, IKE_N_NAT_DETECTION_DESTINATION_IP, IKE_N_SET_WINDOW_SIZE, IKE_N_MOBIKE_SUPPORTED,
};
#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

/* A pair of the SA, by what the peer calls it, or a number of nobody. */
static uint32_t
some_spi(const struct ike_sa *sa, struct cur *c)
{
	uint8_t which = script_u8(c);

	for (const struct ike_child *x = sa->children; x && which < 0xf0; x = x->next) {
		if (which-- == 0)
			return x->spi_out;
	}
	return which < 8 && sa->children ? sa->children->spi_out : 0x1000u + which;
}

static void
put_sa(struct ike_build *b, struct model *m, struct cur *c)
{
	uint8_t how = script_u8(c);
	struct ike_offer o;
	struct ike_profile p = m->s[0].profile;

	if (how & 0x40)
		p.esp[0].encr_bits[0] = 256;
	if (how & 1)
		ike_offer_ike(&p, 0, how & 2 ? 0 : 0x1122334455660000 + how, &o);
	else
		ike_offer_esp(&p, how & 4, how & 8 ? 0 : 0x7000u + how, &o);
	if (how & 0x80 && o.n_xf)
		o.xf[script_u8(c) % o.n_xf].id = script_be16(c);
	ike_build_sa(b, o.prop, o.n_prop, o.xf);
}

static void
put_one(struct ike_build *b, struct model *m, const struct ike_sa *sa, struct cur *c)
{
	uint8_t what = script_u8(c), spi[16];
	struct ike_ts ts;
	struct span s;

	switch (what & 7) {
	case 0: case 1:
		put_be32(spi, some_spi(sa, c));
		s = script_take(c, what & 0x80 ? script_u8(c) & 31 : 0);
		ike_build_notify(b, what & 0x40 ? IKE_PROTO_ESP : IKE_PROTO_NONE, span_of(spi, what & 0x40 ? 4 : 0), notifies[((what >> 3 & 7) +
		    script_below(c, 14)) % (sizeof(notifies) / sizeof(notifies[0]))], s);
		return;
	case 2:
		put_be32(spi, some_spi(sa, c));
		put_be32(spi + 4, some_spi(sa, c));
		if (what & 0x40)
			ike_build_delete(b, IKE_PROTO_IKE, 0, span_of(spi, 0));
		else
			ike_build_delete(b, IKE_PROTO_ESP, 4, span_of(spi, what & 0x80 ? 8 : 4));
		return;
	case 3:
		put_sa(b, m, c);
		return;
	case 4:
		s = script_take(c, 32);
		memset(spi, 9, sizeof(spi));
		ike_build_nonce(b, s.n >= 16 ? s : span_of(spi, sizeof(spi)));
		return;
	case 5:
		s = script_take(c, what & 0x80 ? script_u8(c) & 63 : 32);
		ike_build_ke(b, what & 0x40 ? script_u8(c) : IKE_KE_CURVE25519, s);
		return;
	case 6:
		ike_natt_ts(&sa->remote, &ts);
		ike_build_ts(b, IKE_PL_TSI, &ts, 1);
		ike_natt_ts(&sa->local, &ts);
		ike_build_ts(b, IKE_PL_TSR, &ts, 1);
		return;
	default:
		s = script_take(c, script_u8(c) & 31);
		ike_build_raw(b, script_u8(c), s);
		return;
	}
}

/* A message that the peer of an SA might send, in any exchange and with any payloads. */
static void
op_invent(struct model *m, struct cur *c)
{
	static const uint8_t exchange[] = { IKE_INFORMATIONAL, IKE_CREATE_CHILD_SA, IKE_AUTH, IKE_SA_INIT };
	uint8_t how = script_u8(c), buf[2048];
	unsigned side = how & 1, skip = script_below(c, 8), payloads = script_below(c, 6);
	struct map_iter it = { 0 };
	struct map_node *n = map_first(&m->s[side].k->by_id, &it);
	struct wr w = wr_of(buf, sizeof(buf));
	struct ike_seal_room room;
	struct ike_build b;
	struct ike_sa *sa;
	struct ike_hdr h;
	static struct flight f;

	for (struct map_node *next; n && skip && (next = map_next(&m->s[side].k->by_id, &it)); skip--)
		n = next;
	if (!n)
		return;
	sa = container_of(n, struct ike_sa, by_id);
	h = (struct ike_hdr){ .spi_i = sa->spi_i, .spi_r = sa->spi_r, .version = IKE_VERSION_2, .exchange = exchange[how >> 1 & 3] };
	h.flags = (uint8_t)((sa->initiator ? 0 : IKE_FLAG_INITIATOR) | (how & 8 ? IKE_FLAG_RESPONSE : 0));
	h.mid = (how & 8 ? sa->x.mid : sa->rx_mid) + (how & 0x10 ? script_u8(c) : 0) - (how & 0x20 ? 1 : 0);
	ike_build_start(&b, &w, &h);
	if (!(how & 0x40))
		ike_build_sk(&b, 8);
	for (unsigned i = 0; i < payloads; i++)
		put_one(&b, m, sa, c);
	if (how & 0x40 ? !ike_build_end(&b) : !ike_build_seal(&b, 1, 16, &room))
		return;
	if (!(how & 0x40)) {
		memset(room.iv, 0, room.iv_len);
		memset(room.icv, 0, room.icv_len);
	}
	f = (struct flight){ .to = side, .src = sa->remote, .dst = sa->local, .natt = sa->local.port != 500 };
	if (how & 0x80)
		f.src.port++;
	inject(m, side, &f, wr_span(&w));
}

static void
op_raw(struct model *m, struct cur *c)
{
	static struct flight f;
	uint8_t how = script_u8(c), buf[256];
	struct span s = script_take(c, script_u8(c));

	f = (struct flight){ .to = how & 1, .src = { A("203.0.113.9"), 500 }, .dst = { m->s[how & 1].addr, 500 }, .natt = how & 2 };
	memcpy(buf, s.p, s.n);
	if (how & 4 && s.n >= IKE_HDR_LEN) {
		put_be32(buf + 24, (uint32_t)s.n);
		buf[17] = IKE_VERSION_2;
	}
	inject(m, how & 1, &f, span_of(buf, s.n));
}

static void
op_time(struct model *m, struct cur *c)
{
	static const tick_t unit[] = { TICK_MS(50), TICK_S(1), TICK_S(20), TICK_S(200) };
	uint8_t how = script_u8(c);

	pass(m, unit[how >> 6] * ((how & 0x1f) + 1u), how & 0x20);
}

static void
op_dial(struct model *m, struct cur *c)
{
	uint8_t how = script_u8(c);
	unsigned side = how & 1;
	struct ike_event ev = { .kind = IKE_EV_DIAL, .dial = 1 + (how >> 1) % DIALS, .hub = how & 8, .n_remotes = 1 + (how >> 4 & 1) };

	ev.local.addr = m->s[side].addr;
	ev.remotes[how >> 4 & 1].addr = side == 0 && m->nat.addr.n ? m->nat.addr : m->s[!side].addr;
	if (how & 0x10)
		ev.remotes[0].addr = A("203.0.113.77");
	if (how & 0x20)
		ev.remotes[0].port = 4500;
	ev.hint = how & 0x40 ? "b.example.net" : NULL;
	if (how & 0x80)
		event(m, side, (struct ike_event){ .kind = IKE_EV_HANGUP, .dial = ev.dial });
	else
		event(m, side, ev);
}

static void
op_close(struct model *m, struct cur *c)
{
	uint8_t how = script_u8(c);
	struct side *s = &m->s[how & 1];

	if (s->n_up)
		event(m, how & 1, (struct ike_event){ .kind = how & 0x80 ? IKE_EV_REKEY : IKE_EV_CLOSE, .sa = s->up[(how >> 1) % s->n_up] });
}

static void
op_plane(struct model *m, struct cur *c)
{
	static const enum ike_event_kind kinds[] = { IKE_EV_SA_USED, IKE_EV_SA_SOFT, IKE_EV_SA_HARD, IKE_EV_SA_UNKNOWN, IKE_EV_SA_MOVED, IKE_EV_USE,
		IKE_EV_CHILD_RESULT, IKE_EV_PROBE };
	uint8_t how = script_u8(c);
	unsigned side = how & 1;
	struct side *s = &m->s[side];
	struct ike_event ev = { .kind = kinds[how >> 1 & 7], .ok = how & 0x10, .sent = how & 0x20, .remote = { m->s[!side].addr, 4500 } };

	if (how & 0x40)
		ev.remote.port = script_u8(c);
	if (how & 0x80)
		ev.remote.addr = A("203.0.113.50");
	ev.spi_in = s->n_child ? s->child[script_u8(c) % s->n_child].spi_in : 0x1234;
	ev.sa = s->n_up ? s->up[0] : 7;
	ev.size = 600 + 16 * (ev.spi_in & 0xff);
	if (ev.kind == IKE_EV_CHILD_RESULT)	/* one refusal for each pair, and only when it was asked for: see do_add() */
		ev.ok = true;
	event(m, side, ev);
}

static void
op_mode(struct model *m, struct cur *c)
{
	uint8_t how = script_u8(c);
	struct side *s = &m->s[how & 1];

	s->refuse_child = how & 2;
	s->hold_jobs = how & 4;
	s->no_spi = how & 8;
	s->no_use_answer = how & 0x10;
	s->use_ok = how & 0x20;
	if (how & 0x40) {
		m->nat.addr = how & 0x80 ? A("203.0.113.1") : (struct addr){ 0 };
		m->nat.port = 0;
	}
	jobs(m, how & 1);
}

static void
op_rebind(struct model *m, struct cur *c)
{
	m->nat = (struct endpoint){ A("203.0.113.1"), script_u8(c) };
}

static void
op_local(struct model *m, struct cur *c)
{
	uint8_t how = script_u8(c);
	unsigned side = how & 1;
	struct ike_event ev = { .kind = IKE_EV_LOCAL_ADDR, .local.addr = m->s[side].addr };

	if (how & 2)
		ev.remote.addr = m->s[side].addr = A(how & 4 ? "192.0.2.7" : side ? "198.51.100.2" : "192.0.2.1");
	event(m, side, ev);
}

static void
op_memory(struct model *m, struct cur *c)
{
	uint8_t how = script_u8(c);

	fuzz_env_fail(&m->s[how & 1].e, how >> 1 & 31, how >> 6 ? script_u8(c) : 1);
}

static bool
seen_sa(void *ctx, const struct ike_sa_info *i)
{
	char text[64];

	(void)ctx;
	HOLDS(i->state && i->reason && i->local_id && i->peer_id, "show leaves something out");
	ike_id_fmt(i->peer_id, text, sizeof(text));
	return ike_encr_name(i->encr, i->encr_bits) && ike_prf_name(i->prf) && ike_group_name(i->group);
}

static bool
seen_child(void *ctx, const struct ike_child_info *i)
{
	(void)ctx;
	HOLDS(i->state && i->spi_in, "show leaves something out");
	return true;
}

static void
op_show(struct model *m, struct cur *c)
{
	unsigned side = script_u8(c) & 1;
	struct side *s = &m->s[side];

	ike_visit_sa(s->k, seen_sa, NULL);
	ike_visit_child(s->k, 0, seen_child, NULL);
	if (s->n_up)
		ike_visit_child(s->k, s->up[0], seen_child, NULL);
}

/* ---- beginning and end */

static uint32_t
spi_alloc(void *ctx)
{
	struct side *s = (struct side *)ctx;

	return s->no_spi ? 0 : s->next_spi++;
}

static void
conf(struct side *s, unsigned side, uint8_t how)
{
	static const char *const name[SIDES] = { "a.example.net", "b.example.net" };
	static const char psk[] = "a secret of both";
	struct ike_profile *p = &s->profile;

	*p = (struct ike_profile){ .n_ike = 1, .n_esp = 1, .dpd = how & 3, .dpd_s = 10, .dpd_retry_s = 3, .replay_window = 64, .keepalive_s = 20 };
	p->dpd = p->dpd > IKE_DPD_ON_DEMAND ? IKE_DPD_OFF : p->dpd;
	p->local_id = (struct ike_id){ .type = IKE_ID_FQDN, .len = 13 };
	memcpy(p->local_id.data, name[side], 13);
	p->ike[0] = (struct ike_proposal){ .encr = { IKE_ENCR_NULL }, .n_encr = 1, .prf = { IKE_PRF_HMAC_SHA2_256 }, .n_prf = 1,
		.group = { IKE_KE_CURVE25519 }, .n_group = 1 };
	p->esp[0] = (struct ike_proposal){ .encr = { IKE_ENCR_AES_GCM_16 }, .encr_bits = { 128 }, .n_encr = 1, .esn = { true, true } };
	if (how & 4) {	/* with forward secrecy, and two groups of which one side prefers the other */
		p->esp[0].group[0] = IKE_KE_CURVE25519;
		p->esp[0].n_group = 1;
	}
	if (how & 8)
		p->ike_life_s = 300;
	if (how & 16) {
		p->child_life.hard_s = 120;
		p->child_life.hard_packets = 1000;
	}
	s->key = (struct ike_key){ .name = "all", .psk_len = sizeof(psk) - 1 };
	memcpy(s->key.psk, psk, sizeof(psk) - 1);
	if (how & 32 && side)
		s->key.psk[0] ^= 1;
	p->key = &s->key;
	p->n_key = 1;
	s->conf = (struct ike_conf){ .profile = p, .n_profile = 1, .half_open_max = how & 64 ? 2 : 16, .cookie_threshold = how & 128 ? 0 : 8, .sa_max = 32 };
	if ((how & 3) == 3) {	/* all the extensions: pieces, another key exchange, a post-quantum key, an end of authentication */
		static const char ppk[] = "a quantum secret of both, long enough";

		s->conf.frag_mtu = 200;
		s->conf.ppk = true;
		p->ike[0].addke[0][0] = IKE_KE_ECP256;
		p->ike[0].n_addke[0] = 1;
		p->esp[0].addke[0][0] = IKE_KE_ECP256;	/* with groups */
		p->esp[0].n_addke[0] = 1;
		p->reauth_s = how & 8 ? 200 : 0;
		s->key.ppk_id_len = 1;
		s->key.ppk_id[0] = 'q';
		s->key.ppk_len = sizeof(ppk) - 1;
		memcpy(s->key.ppk, ppk, sizeof(ppk) - 1);
		s->key.ppk_required = how & 16;
	}
}

static void
start(struct model *m, unsigned side)
{
	struct side *s = &m->s[side];
	static const uint8_t secret[SIDES][IKE_CRASH_SECRET] = { "a", "b" };
	struct ike_env env = { .env = s->e.env, .spi_alloc = spi_alloc, .qcd_secret = secret[side] };

	(void)m;
	s->k = ike_new(&s->conf, &env);
	HOLDS(s->k, "no engine");
}

static void
stop(struct model *m, unsigned side)
{
	struct side *s = &m->s[side];

	while (s->n_job)
		ike_job_discard(s->job[--s->n_job]);
	ike_free(s->k);
	s->k = NULL;
	s->n_up = s->n_child = 0;
	HOLDS(s->e.live == 0, "%ld allocations are not released", s->e.live);
}

struct traces {
	struct ike_trace t[SAS];
	unsigned n;
};

static void
trace(void *ctx, const struct ike_trace *t)
{
	struct traces *all = ctx;

	HOLDS(t->spi_i && t->spi_r, "a trace without SPIs");
	HOLDS(t->gone || (t->local.addr.n && t->remote.addr.n && t->remote.port), "a trace that leads nowhere");
	if (!t->gone && all->n < SAS)
		all->t[all->n++] = *t;
}

/* As a crash: nobody is told; unless what was kept says whom to tell after it, some of which may not make sense. */
static void
op_restart(struct model *m, struct cur *c)
{
	static struct traces all;
	uint8_t how = script_u8(c);
	unsigned side = how & 1;

	fuzz_env_calm(&m->s[side].e);
	all.n = 0;
	if (how & 2) {
		ike_changes_again(m->s[side].k);
		HOLDS(ike_visit_changes(m->s[side].k, SIZE_MAX, trace, &all), "changes were lost a moment after all were marked");
		HOLDS(ike_changes(m->s[side].k) == 0, "changes are left");
	}
	stop(m, side);
	start(m, side);
	for (unsigned i = 0; i < all.n; i++) {
		if (how & 4)
			all.t[i].remote.port = script_u8(c);
		ike_lost(m->s[side].k, m->now, &all.t[i]);
	}
}

static void (*const ops[])(struct model *, struct cur *) = {
	op_settle, op_dial, op_time, op_plane, op_deliver, op_change, op_invent, op_lose, op_close, op_mode, op_memory, op_rebind, op_local,
	op_restart, op_show, op_raw,
};

static void
farewell(struct model *m)
{
	for (unsigned i = 0; i < SIDES; i++) {
		fuzz_env_calm(&m->s[i].e);
		m->s[i].hold_jobs = false;
		jobs(m, i);
	}
	m->n_f = 0;
	for (unsigned i = 0; i < SIDES; i++)
		event(m, i, (struct ike_event){ .kind = IKE_EV_SHUTDOWN });
	for (unsigned i = 0; i < 20; i++)
		pass(m, TICK_S(10), i > 1);
	for (unsigned i = 0; i < SIDES; i++) {
		struct side *s = &m->s[i];

		HOLDS(s->n_up == 0, "SAs are left after a shutdown");
		HOLDS(s->n_child == 0, "pairs are left after a shutdown");
		HOLDS(s->k->n_sa == 0 && s->k->n_half == 0 && s->k->n_lingering == 0 && s->k->n_lost == 0, "the engine keeps something after a shutdown");
		stop(m, i);
	}
}

static struct model *
model(void)
{
	static struct model m;
	static struct outq q[SIDES];

	ike_crypto_allow_for_tests(true);
	for (unsigned i = 0; i < SIDES && !q[i].item; i++) {
		q[i] = (struct outq){ .item_size = sizeof(struct ike_act), .cap = IKE_OUT_ITEMS, .arena_cap = IKE_OUT_OCTETS };
		q[i].item = calloc(IKE_OUT_ITEMS, sizeof(struct ike_act));
		q[i].arena = calloc(1, IKE_OUT_OCTETS);
		HOLDS(q[i].item && q[i].arena, "no memory");
	}
	for (unsigned i = 0; i < SIDES; i++) {
		memset(&m.s[i], 0, sizeof(m.s[i]));
		m.s[i].out = q[i];
		m.s[i].out.n = m.s[i].out.used = 0;
	}
	m.n_f = 0;
	m.nat = (struct endpoint){ .port = 0 };
	return &m;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct model *m = model();
	struct cur c = cur_of(span_of(data, n));
	uint8_t how = script_u8(&c);

	if (n > SCRIPT_MAX)
		return -1;
	m->now = TICK_S(1000);
	for (unsigned i = 0; i < SIDES; i++) {
		fuzz_env_init(&m->s[i].e, 1 + i);
		conf(&m->s[i], i, how);
		m->s[i].addr = A(i ? "198.51.100.2" : "192.0.2.1");
		m->s[i].next_spi = 0x10000 * (i + 1);
		start(m, i);
	}
	while (cur_left(&c)) {
		ops[script_u8(&c) % N_OF(ops)](m, &c);
		agree(m, 0);
		agree(m, 1);
	}
	farewell(m);
	return 0;
}
