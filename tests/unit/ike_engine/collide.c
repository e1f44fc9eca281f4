/* Both ends want something at once: every pair of what they can want, on the same IKE SA, whichever of them opened it.
 *
 * A row is a pair, with what each must answer to the other when both requests are on their way (section 10 of the reference on
 * IKE, RFC 7296 2.8 and 2.25). It is played
 *	crossing	both requests sent before either arrives, then all six orders of requests and answers;
 *	lost		the same, and the k-th message from there on is lost;
 *	one_by_one	one is over, or its request answered, before the other begins: late answers, late deletes;
 *	any_order	messages taken from either end, the oldest or the newest, lost or twice, by a seed.
 * In the end both have the same one SA and pair, or none where one was deleted, and a rekey never leaves a moment without
 * keys that the other end has too. */
#include "tests/unit/ike_engine/suites.h"

#include <stdlib.h>

enum act { NEW_CHILD, REKEY_CHILD, DEL_CHILD, REKEY_IKE, DEL_IKE, ALIVE };
enum end { PAIR /* no gap */, AGAIN /* a child was deleted: another is made */, GONE /* the IKE SA was deleted: another is made */ };

static const struct pair {
	const char *line;
	enum act a, b;
	uint16_t to_a, to_b;	/* error that answers a's request, b's; 0: granted */
	enum end end;
} pairs[] = {
	{ "new child, new child", NEW_CHILD, NEW_CHILD, 0, 0, PAIR },
	{ "new child, rekey child", NEW_CHILD, REKEY_CHILD, 0, 0, PAIR },
	{ "new child, delete child", NEW_CHILD, DEL_CHILD, 0, 0, AGAIN },
	{ "new child, rekey IKE", NEW_CHILD, REKEY_IKE, IKE_N_TEMPORARY_FAILURE, IKE_N_TEMPORARY_FAILURE, PAIR },
	{ "new child, delete IKE", NEW_CHILD, DEL_IKE, IKE_N_TEMPORARY_FAILURE, 0, GONE },
	{ "new child, liveness", NEW_CHILD, ALIVE, 0, 0, PAIR },
	{ "rekey child, rekey child", REKEY_CHILD, REKEY_CHILD, 0, 0, PAIR },
	{ "rekey child, delete child", REKEY_CHILD, DEL_CHILD, IKE_N_TEMPORARY_FAILURE, 0, AGAIN },
	{ "rekey child, rekey IKE", REKEY_CHILD, REKEY_IKE, IKE_N_TEMPORARY_FAILURE, IKE_N_TEMPORARY_FAILURE, PAIR },
	{ "rekey child, delete IKE", REKEY_CHILD, DEL_IKE, IKE_N_TEMPORARY_FAILURE, 0, GONE },
	{ "rekey child, liveness", REKEY_CHILD, ALIVE, 0, 0, PAIR },
	{ "delete child, delete child", DEL_CHILD, DEL_CHILD, 0, 0, AGAIN },
	{ "delete child, rekey IKE", DEL_CHILD, REKEY_IKE, 0, IKE_N_TEMPORARY_FAILURE, AGAIN },
	{ "delete child, delete IKE", DEL_CHILD, DEL_IKE, 0, 0, GONE },
	{ "delete child, liveness", DEL_CHILD, ALIVE, 0, 0, AGAIN },
	{ "rekey IKE, rekey IKE", REKEY_IKE, REKEY_IKE, 0, 0, PAIR },
	{ "rekey IKE, delete IKE", REKEY_IKE, DEL_IKE, IKE_N_TEMPORARY_FAILURE, 0, GONE },
	{ "rekey IKE, liveness", REKEY_IKE, ALIVE, 0, 0, PAIR },
	{ "delete IKE, delete IKE", DEL_IKE, DEL_IKE, 0, 0, GONE },
	{ "delete IKE, liveness", DEL_IKE, ALIVE, 0, 0, GONE },
};
enum { PAIRS = sizeof(pairs) / sizeof(pairs[0]), ORDERS = 6, LOSSES = 10, SEEDS = 40 };

static struct world w;
static struct ike_keys keys;	/* of the IKE SA they meet on */
static uint64_t spi_i;
static unsigned n_answers[2], lose_at;
static uint16_t error[2];	/* that answered the first request of each */

static void
begin(void)
{
	w_init(&w);
	memset(n_answers, 0, sizeof(n_answers));
	memset(error, 0, sizeof(error));
	lose_at = UINT32_MAX;
}

static void
end(void)
{
	w_fini(&w);
	ike_wipe(&keys, sizeof(keys));
}

/* Reads the first answer each end gets on that SA, and loses what is to be lost. */
static bool
listen(struct world *x, struct w_msg *m)
{
	static uint8_t plain[8192];
	unsigned to = 1 - m->from;
	struct ike_msg p;
	const struct ike_notify *n;
	long len;

	if (ike_msg_parse(span_of(m->octets, m->n), &p) == IKE_OK && p.response && p.hdr.spi_i == spi_i && p.sk.body.n && n_answers[to]++ == 0) {
		len = ike_open(p.hdr.flags & IKE_FLAG_INITIATOR ? &keys.i : &keys.r, p.sk.aad, p.sk.body, plain);
		ck_assert_int_gt(len, 0);
		ck_assert_int_eq(ike_msg_parse_inner(&p, span_of(plain, (size_t)len)), IKE_OK);
		n = ike_msg_error(&p);
		error[to] = n ? n->type : 0;
	}
	return x->serial - 1 != lose_at;
}

static struct ike_sa *
sa_of(unsigned side)
{
	struct map_iter it = { 0 };

	for (struct map_node *n = map_first(&w.s[side].k->by_id, &it); n; n = map_next(&w.s[side].k->by_id, &it)) {
		struct ike_sa *sa = container_of(n, struct ike_sa, by_id);

		if (sa->spi_i == spi_i)
			return sa;
	}
	return NULL;
}

static void
want(unsigned side, enum act what)
{
	struct ike_event ev = { .kind = IKE_EV_SA_SOFT };
	struct ike_sa *sa = sa_of(side);

	if (!sa || sa->state != IKE_SA_EST || !sa->children)
		return;	/* one_by_one: there is nothing left to want it of */
	ev.spi_in = sa->children->spi_in;
	switch (what) {
	case NEW_CHILD:
		w.s[side].k->out = &w.s[side].out;
		w.s[side].k->now = w.now;
		if (sa->x.kind == IKE_X_NONE && !sa->cc_tx)
			ck_assert(ike_cc_start(w.s[side].k, sa, IKE_CC_NEW, NULL, 0));
		ev.kind = IKE_EV_USE;	/* means nothing: only so that what is queued goes out */
		break;
	case REKEY_CHILD:
		break;
	case DEL_CHILD:
		ev.kind = IKE_EV_SA_HARD;
		break;
	case REKEY_IKE:
		sa->want_rekey = true;
		timer_arm(&w.s[side].k->timers, &sa->t_kick, w.now);
		w_run(&w, 0);
		return;
	case DEL_IKE:
		ev.kind = IKE_EV_CLOSE;
		ev.sa = sa->id;
		break;
	case ALIVE:
		sa->want_live = true;
		timer_arm(&w.s[side].k->timers, &sa->t_kick, w.now);
		w_run(&w, 0);
		return;
	}
	w_event(&w, side, &ev);
}

/* Side 0 opened the SA, or side 1 did. How keys are exchanged changes from case to case: children have a key exchange of their own,
 * or none; they and the IKE SA have additional ones (IKE_FOLLOWUP_KE), or not. */
static void
up(bool other, int row, uint64_t seed)
{
	unsigned kind = (unsigned)(row + row / PAIRS) % 3;

	for (unsigned i = 0; i < 2; i++) {
		struct ike_proposal *p = &w.s[i].profile[0].esp[0], *ike = &w.s[i].profile[0].ike[0];

		w.s[i].t.seed = seed + i;
		p->group[0] = IKE_KE_CURVE25519;
		p->n_group = kind != 0;
		p->addke[1][0] = ike->addke[1][0] = IKE_KE_ECP256;
		p->n_addke[1] = ike->n_addke[1] = kind == 2;
	}
	w_go(&w);
	w_dial(&w, other, !other, 1);
	w_settle(&w);
	w_check_pair(&w);
	keys = w_sa(&w, 0)->keys;
	spi_i = w_sa(&w, 0)->spi_i;
	want(other, ALIVE);	/* so that the responder knows that the initiator has its answer */
	w_settle(&w);
	w.hook = listen;
}

static void
play(const char *order)
{
	for (; *order; order++)
		w_deliver(&w, (unsigned)(*order - '0'));
}

static void
calm(const struct pair *p, bool lossy)
{
	w.manual = false;
	w_run(&w, TICK_S(lossy || p->end == AGAIN ? 250 : 70));	/* what is not sure waits for a sign of the peer, at most so long */
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_msg(w_sa(&w, i) != NULL, "%s: side %u has no SA", p->line, i);
		ck_assert_msg(w_count_sa(&w, i, NULL) == 1, "%s: side %u has %u SAs", p->line, i, w_count_sa(&w, i, NULL));
		ck_assert_msg(w_count_child(&w, i) == 1, "%s: side %u has %u pairs", p->line, i, w_count_child(&w, i));
		ck_assert_msg(p->end == GONE || w.s[i].downs == 0, "%s: side %u lost it: %s", p->line, i, w.s[i].down_text);
	}
	ck_assert_msg(w_usable(&w), "%s: the pairs do not fit", p->line);
	ck_assert_msg(p->end != PAIR || w.s[0].gap == 0, "%s: a gap", p->line);
}

START_TEST(crossing)
{
	static const char *const orders[ORDERS] = { "0101", "0110", "1010", "1001", "0011", "1100" };
	const struct pair *p = &pairs[_i % PAIRS];
	unsigned k = (unsigned)_i / PAIRS, order = k % ORDERS;
	bool other = k / ORDERS % 2, swap = k / ORDERS / 2 % 2;

	up(other, _i, 77 + (uint64_t)_i);
	w.manual = true;
	want(swap, p->a);
	want(!swap, p->b);
	ck_assert_uint_eq(w.n_msg, 2);
	if (order < 4) {	/* both requests arrive before either answer */
		play(orders[order]);
		ck_assert_msg(error[swap] == p->to_a, "%s: the first is answered %s", p->line, ike_notify_name(error[swap]));
		ck_assert_msg(error[!swap] == p->to_b, "%s: the second is answered %s", p->line, ike_notify_name(error[!swap]));
	} else {
		play(orders[order]);
	}
	calm(p, false);
}
END_TEST

START_TEST(lost)
{
	const struct pair *p = &pairs[_i % PAIRS];
	unsigned k = (unsigned)_i / PAIRS;

	up(k / LOSSES % 2, _i, 177 + (uint64_t)_i);
	lose_at = w.serial + k % LOSSES;
	w.manual = true;
	want(0, p->a);
	want(1, p->b);
	calm(p, true);
}
END_TEST

/* `steps` messages of the first are delivered before the other begins; the one behind them is lost, or not. */
START_TEST(one_by_one)
{
	const struct pair *p = &pairs[_i % PAIRS];
	unsigned k = (unsigned)_i / PAIRS, steps = k % 5;
	bool swap = k / 5 % 2, loss = k / 10 % 2;

	up(false, _i, 277 + (uint64_t)_i);
	w.manual = true;
	want(swap, p->a);
	for (unsigned i = 0; i < steps && w.n_msg; i++)
		w_deliver_at(&w, 0);
	if (loss && w.n_msg) {
		free(w.msg[0]);
		memmove(&w.msg[0], &w.msg[1], --w.n_msg * sizeof(w.msg[0]));
	}
	want(!swap, p->b);
	calm(p, loss);
}
END_TEST

START_TEST(any_order)
{
	const struct pair *p = &pairs[_i % PAIRS];
	unsigned seed = (unsigned)_i / PAIRS;
	uint64_t r = 0x9e3779b97f4a7c15u * (seed + 1);

	up(seed & 1, _i, 377 + (uint64_t)_i);
	w.manual = true;
	want(0, p->a);
	want(1, p->b);
	for (unsigned i = 0; i < 14 && w.n_msg; i++) {
		unsigned at;

		r = r * 6364136223846793005u + 1442695040888963407u;
		at = (r >> 33) % 3 ? 0 : w.n_msg - 1;	/* the oldest or the newest */
		if ((r >> 40) % 8 == 0) {
			free(w.msg[at]);
			memmove(&w.msg[at], &w.msg[at + 1], (--w.n_msg - at) * sizeof(w.msg[0]));
			continue;
		}
		if ((r >> 45) % 8 == 0) {
			struct w_msg copy = *w.msg[at];

			w_inject(&w, 1 - copy.from, &copy);
		}
		w_deliver_at(&w, at);
	}
	calm(p, true);
}
END_TEST

/* ---- the other end wants another group in between */
static const struct {
	enum act a, b;
} with_ke[] = { { REKEY_CHILD, ALIVE }, { REKEY_CHILD, REKEY_CHILD }, { REKEY_CHILD, DEL_CHILD }, { REKEY_IKE, ALIVE }, { REKEY_IKE, REKEY_IKE },
	{ REKEY_IKE, DEL_IKE }, { REKEY_CHILD, REKEY_IKE } };
enum { WITH_KE = sizeof(with_ke) / sizeof(with_ke[0]) };

START_TEST(another_group_is_asked_for_meanwhile)
{
	enum act a = with_ke[_i % WITH_KE].a, b = with_ke[_i % WITH_KE].b;
	struct pair p = { "another group", a, b, 0, 0, b == DEL_IKE ? GONE : b == DEL_CHILD ? AGAIN : PAIR };
	unsigned k = (unsigned)_i / WITH_KE;

	up(false, true, 477 + (uint64_t)_i);
	for (unsigned i = 0; i < 2; i++) {	/* each prefers what the other does not; both take both */
		struct ike_proposal *set[2] = { &w.s[i].profile[0].esp[0], &w.s[i].profile[0].ike[0] };

		for (unsigned j = 0; j < 2; j++) {
			set[j]->group[0] = i ? IKE_KE_ECP256 : IKE_KE_CURVE25519;
			set[j]->group[1] = IKE_KE_ECP384;
			set[j]->n_group = 2;
		}
	}
	lose_at = k % 9 ? w.serial + k % 9 - 1 : UINT32_MAX;
	w.manual = true;
	want(0, a);
	want(1, b);
	play(k / 9 % 2 ? "0101" : "1010");
	calm(&p, true);
	ck_assert(a != REKEY_CHILD || b == DEL_CHILD || w_engine_child(&w, 0)->pfs_group == IKE_KE_ECP384);
}
END_TEST

Suite *
collide_suite(void)
{
	Suite *s = suite_create("collide");
	TCase *tc = tcase_create("collide");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, crossing, 0, PAIRS * ORDERS * 4);
	tcase_add_loop_test(tc, lost, 0, PAIRS * LOSSES * 2);
	tcase_add_loop_test(tc, one_by_one, 0, PAIRS * 20);
	tcase_add_loop_test(tc, any_order, 0, PAIRS * SEEDS);
	tcase_add_loop_test(tc, another_group_is_asked_for_meanwhile, 0, WITH_KE * 18);
	suite_add_tcase(s, tc);
	return s;
}
