/* ikecore/engine/sa.c: life of an IKE SA: made, filed, up, rekeyed, down; duplicates; what is wanted next.
 *
 * Wants are flags, not a queue: ike_sa_kick() starts the most urgent one whenever no exchange is in flight.
 *
 * Duplicates. When an SA comes up and there is another one of the same identity pair, the one with the lowest of the four
 * nonces goes, closed by who created it; the other end waits. It goes only after a liveness exchange on the one that stays
 * has shown that the peer has that one too, so there is no moment without a usable SA. INITIAL_CONTACT is different: the
 * peer says that it knows of no other SA, so one that was up before that peer even began is stale and goes at once. Was the
 * other one set up while this handshake ran (both ends dialled), the peer just did not know yet: a duplicate. */
#include "ikecore/engine/ike_priv.h"

#include <stdio.h>

/* ---- filing */
static bool
id_is(const struct map_node *node, const void *key)
{
	return container_of(node, struct ike_sa, by_id)->id == *(const uint32_t *)key;
}

struct ike_sa *
ike_sa_find(const struct ike *k, uint32_t id)
{
	struct map_node *n = id ? map_find(&k->by_id, map_hash(&k->by_id, &id, sizeof(id)), id_is, &id) : NULL;

	return n ? container_of(n, struct ike_sa, by_id) : NULL;
}

static uint64_t
own_spi(const struct ike_sa *sa)
{
	return sa->initiator ? sa->spi_i : sa->spi_r;
}

static bool
spi_is(const struct map_node *node, const void *key)
{
	return own_spi(container_of(node, struct ike_sa, by_spi)) == *(const uint64_t *)key;
}

struct ike_sa *
ike_sa_by_spi(const struct ike *k, uint64_t spi)
{
	struct map_node *n = map_find(&k->by_spi, map_hash(&k->by_spi, &spi, sizeof(spi)), spi_is, &spi);

	return n ? container_of(n, struct ike_sa, by_spi) : NULL;
}

uint64_t
ike_sa_new_spi(struct ike *k)
{
	uint64_t spi;

	do
		spi = env_random64(&k->env.env);
	while (spi == 0 || ike_sa_by_spi(k, spi));
	return spi;
}

static bool
remote_is(const struct map_node *node, const void *key)
{
	return endpoint_eq(&container_of(node, struct ike_sa, by_remote)->at_remote, key);
}

static uint64_t
remote_hash(const struct ike *k, const struct endpoint *e)
{
	uint8_t b[18];

	put_be16(b, e->port);
	memcpy(b + 2, e->addr.b, 16);
	return map_hash(&k->by_remote, b, sizeof(b));
}

struct ike_sa *
ike_sa_by_remote(const struct ike *k, const struct endpoint *remote)
{
	struct map_node *n = map_find(&k->by_remote, remote_hash(k, remote), remote_is, remote);

	return n ? container_of(n, struct ike_sa, by_remote) : NULL;
}

/* Two tunnels between the same hosts, and spokes behind one address without UDP, stand under the same remote. */
struct ike_sa *
ike_sa_next_remote(const struct ike_sa *sa)
{
	for (struct map_node *n = sa->by_remote.next; n; n = n->next) {
		if (n->hash == sa->by_remote.hash && remote_is(n, &sa->at_remote))
			return container_of(n, struct ike_sa, by_remote);
	}
	return NULL;
}

struct ike_sa *
ike_sa_of_esp(const struct ike *k, const struct endpoint *remote)
{
	struct ike_sa *sa = ike_sa_by_remote(k, remote);
	struct endpoint native = { remote->addr, 0 };

	return sa ? sa : ike_sa_by_remote(k, &native);
}

static void
unfile_remote(struct ike *k, struct ike_sa *sa)
{
	if (sa->in_remote)
		map_del(&k->by_remote, &sa->by_remote);
	sa->in_remote = false;
}

/* Under the port only where ESP comes from that port too. */
void
ike_sa_set_remote(struct ike *k, struct ike_sa *sa)
{
	unfile_remote(k, sa);
	sa->at_remote = sa->remote;
	if (!sa->encap)
		sa->at_remote.port = 0;
	map_add(&k->by_remote, &sa->by_remote, remote_hash(k, &sa->at_remote));
	sa->in_remote = true;
}

static uint64_t
pair_hash(const struct ike *k, const struct ike_id *local, const struct ike_id *peer)
{
	uint8_t b[2 * (2 + IKE_ID_MAX)];
	const struct ike_id *id[2] = { local, peer };
	size_t n = 0;

	for (int i = 0; i < 2; i++) {
		b[n++] = id[i]->type;
		b[n++] = id[i]->len;
		for (unsigned j = 0; j < id[i]->len; j++) {	/* names compare without case; for the others it does no harm */
			uint8_t c = id[i]->data[j];

			b[n++] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
		}
	}
	return map_hash(&k->by_pair, b, n);
}

struct pair_find {
	const struct ike_id *local, *peer;
	const struct ike_sa *not;
	struct ike_sa **found;
	unsigned *n;
};

/* Collects; never says yes, so that the whole chain is seen. */
static bool
pair_collect(const struct map_node *node, const void *key)
{
	struct ike_sa *sa = container_of(node, struct ike_sa, by_pair);
	const struct pair_find *f = key;

	if (sa != f->not && sa->state == IKE_SA_EST && ike_id_eq(&sa->local_id, f->local) && ike_id_eq(&sa->peer_id, f->peer))
		f->found[(*f->n)++] = sa;
	return *f->n == IKE_SAME_MAX;
}

static unsigned
find_pair(const struct ike *k, const struct ike_id *local, const struct ike_id *peer, const struct ike_sa * not,
    struct ike_sa *out[static IKE_SAME_MAX])
{
	unsigned n = 0;
	struct pair_find f = { local, peer, not, out, &n };

	map_find(&k->by_pair, pair_hash(k, local, peer), pair_collect, &f);
	return n;
}

unsigned
ike_sa_same_pair(const struct ike *k, const struct ike_sa *sa, struct ike_sa *out[static IKE_SAME_MAX])
{
	return find_pair(k, &sa->local_id, &sa->peer_id, sa, out);
}

static void
file_pair(struct ike *k, struct ike_sa *sa)
{
	map_add(&k->by_pair, &sa->by_pair, pair_hash(k, &sa->local_id, &sa->peer_id));
	sa->in_pair = true;
}

static void
unfile_pair(struct ike *k, struct ike_sa *sa)
{
	if (sa->in_pair)
		map_del(&k->by_pair, &sa->by_pair);
	sa->in_pair = false;
}

/* Do we have an SA up with whom we are about to greet? Its identity is not known yet: go by where it is. */
bool
ike_have_contact(const struct ike *k, const struct ike_id *local, const struct endpoint *remote)
{
	const uint16_t ports[] = { remote->port, 0, 500, 4500 };
	struct endpoint e = *remote;

	for (unsigned i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		e.port = ports[i];
		for (const struct ike_sa *sa = ike_sa_by_remote(k, &e); sa; sa = ike_sa_next_remote(sa)) {
			if (ike_id_eq(&sa->local_id, local))
				return true;
		}
	}
	return false;
}

/* ---- making and freeing */
struct ike_sa *
ike_sa_new(struct ike *k, bool initiator)
{
	struct ike_sa *sa = k->n_sa < k->conf->sa_max ? env_alloc(&k->env.env, sizeof(*sa)) : NULL;
	uint64_t spi;

	if (!sa)
		return NULL;
	do
		sa->id = ++k->next_id;
	while (sa->id == 0 || ike_sa_find(k, sa->id));
	sa->initiator = initiator;
	sa->ppk = IKE_NO_KEY;
	spi = ike_sa_new_spi(k);
	*(initiator ? &sa->spi_i : &sa->spi_r) = spi;
	sa->t_retx.kind = TM_RETX;
	sa->t_life.kind = TM_LIFE;
	sa->t_live.kind = TM_LIVE;
	sa->t_kick.kind = TM_KICK;
	sa->rekey_at = sa->expires = sa->orphan_at = sa->dup_at = sa->cert_until = sa->reauth_at = sa->reauth_end = sa->more_until = sa->away_until = TICK_NEVER;
	sa->init_seq = ++k->seq;
	map_add(&k->by_id, &sa->by_id, map_hash(&k->by_id, &sa->id, sizeof(sa->id)));
	map_add(&k->by_spi, &sa->by_spi, map_hash(&k->by_spi, &spi, sizeof(spi)));
	k->n_sa++;
	return sa;
}

bool
ike_sa_to_shake(struct ike *k, struct ike_sa *sa)
{
	sa->hs = env_alloc(&k->env.env, sizeof(*sa->hs));
	return sa->hs != NULL;
}

void
ike_half_add(struct ike *k, struct ike_sa *sa)
{
	struct ike_shake *hs = sa->hs;
	unsigned list = hs->proven;

	hs->addr_cell = ike_addr_cell(k, &sa->remote.addr);
	if (k->addr_half[hs->addr_cell] < 255)
		k->addr_half[hs->addr_cell]++;
	hs->older = k->half_new[list];
	if (hs->older)
		hs->older->hs->newer = sa;
	else
		k->half_old[list] = sa;
	k->half_new[list] = sa;
	k->n_half++;
}

void
ike_half_del(struct ike *k, struct ike_sa *sa)
{
	struct ike_shake *hs = sa->hs;

	if (!sa->in_half)
		return;
	map_del(&k->by_half, &sa->by_half);
	sa->in_half = false;
	if (hs->older)
		hs->older->hs->newer = hs->newer;
	else
		k->half_old[hs->proven] = hs->newer;
	if (hs->newer)
		hs->newer->hs->older = hs->older;
	else
		k->half_new[hs->proven] = hs->older;
	if (k->addr_half[hs->addr_cell])
		k->addr_half[hs->addr_cell]--;
	k->n_half--;
}

void
ike_shake_free(struct ike *k, struct ike_sa *sa)
{
	struct ike_shake *hs = sa->hs;
	const struct env *env = &k->env.env;

	if (!hs)
		return;
	ike_half_del(k, sa);
	ike_kex_free(env, hs->kex);
	ike_child_free(k, hs->child);
	env_free(env, hs->mine);
	env_free(env, hs->theirs);
	ike_stash_free(k, hs->stash);
	ike_proof_forget(k, hs);
	ike_wipe(hs, sizeof(*hs));
	env_free(env, hs);
	sa->hs = NULL;
}

static void
stop(struct ike *k, struct ike_sa *sa)
{
	timer_disarm(&k->timers, &sa->t_retx);
	timer_disarm(&k->timers, &sa->t_life);
	timer_disarm(&k->timers, &sa->t_live);
	timer_disarm(&k->timers, &sa->t_kick);
}

void
ike_sa_free(struct ike *k, struct ike_sa *sa)
{
	const struct env *env = &k->env.env;

	stop(k, sa);
	if (sa->dials)
		ike_dial_down(k, sa, 0);
	while (sa->children)
		ike_child_drop(k, sa->children);
	ike_cc_free(k, &sa->cc_tx);
	ike_cc_free(k, &sa->cc_rx);
	ike_follow_drop(k, sa);
	ike_shake_free(k, sa);
	ike_qcd_forget(k, sa);
	unfile_pair(k, sa);
	unfile_remote(k, sa);
	map_del(&k->by_id, &sa->by_id);
	map_del(&k->by_spi, &sa->by_spi);
	ike_frags_free(k, sa, false);
	ike_frags_free(k, sa, true);
	env_free(env, sa->x.msg);
	env_free(env, sa->resp);
	env_free(env, sa->vouched);
	ike_keys_wipe(&sa->keys);
	env_free(env, sa);
	k->n_sa--;
}

/* ---- nonces */
void
ike_low_of(struct ike_low *low, const struct ike_nonce *a, const struct ike_nonce *b)
{
	struct ike_low l[2];
	const struct ike_nonce *n[2] = { a, b };

	for (int i = 0; i < 2; i++) {
		memset(&l[i], 0, sizeof(l[i]));
		l[i].n = (uint8_t)(n[i]->n < IKE_NONCE_LEN ? n[i]->n : IKE_NONCE_LEN);
		memcpy(l[i].b, n[i]->b, l[i].n);
	}
	*low = ike_low_cmp(&l[0], &l[1]) <= 0 ? l[0] : l[1];
}

int
ike_low_cmp(const struct ike_low *a, const struct ike_low *b)
{
	int c = memcmp(a->b, b->b, a->n < b->n ? a->n : b->n);

	return c ? c : (int)a->n - (int)b->n;
}

/* ---- duplicates */
static void
doom(struct ike *k, struct ike_sa *sa, enum ike_down why, uint32_t other)
{
	IKE_DEBUG(k, "ike-duplicate", "SA %u goes (%s), SA %u stays", (unsigned)sa->id, ike_down_word(why), (unsigned)other);
	sa->doom = other;
	sa->doom_why = why;
	timer_arm(&k->timers, &sa->t_life, k->now);
}

static void
close_losers(struct ike *k, const struct ike_sa *winner)
{
	struct ike_sa *same[IKE_SAME_MAX];
	unsigned n = ike_sa_same_pair(k, winner, same);

	for (unsigned i = 0; i < n; i++) {
		if (same[i]->dup_winner == winner->id && same[i]->dup_ours && !same[i]->doom)
			doom(k, same[i], IKE_DOWN_DUPLICATE, winner->id);
	}
}

/* Of all that are up one stays, whatever their number and the order they came in: the one whose lowest nonce is highest. */
static void
judge(struct ike *k, struct ike_sa *sa, struct ike_sa *const *same, unsigned n)
{
	struct ike_sa *winner = sa;
	bool ours = false;

	for (unsigned i = 0; i < n; i++) {
		if (!same[i]->doom && ike_low_cmp(&same[i]->low, &winner->low) > 0)
			winner = same[i];
	}
	winner->dup_winner = 0;
	winner->dup_at = TICK_NEVER;
	for (unsigned i = 0; i <= n; i++) {
		struct ike_sa *loser = i < n ? same[i] : sa;

		if (loser == winner || loser->doom)
			continue;
		loser->dup_winner = winner->id;
		loser->dup_ours = loser->initiator;
		loser->dup_at = k->now + IKE_ORPHAN_LIFE;
		ike_sa_arm_life(k, loser);
		ours |= loser->dup_ours;
	}
	if (!ours)
		return;
	if (winner == sa && sa->proven) {	/* its last answer has just come */
		close_losers(k, winner);
		return;
	}
	winner->dup_check = true;
	winner->want_live = true;
	ike_sa_kick_at(k, winner, k->now);
}

void
ike_dup_confirmed(struct ike *k, struct ike_sa *winner)
{
	if (!winner->dup_check)
		return;
	winner->dup_check = false;
	close_losers(k, winner);
}

static void
meet_others(struct ike *k, struct ike_sa *sa, bool contact)
{
	struct ike_sa *same[IKE_SAME_MAX];
	unsigned n = ike_sa_same_pair(k, sa, same);
	struct ike_sa *old = ike_reauth_old(k, sa);

	if (old) {	/* it was opened for that */
		old->reauth_sa = sa->id;
		doom(k, old, IKE_DOWN_DUPLICATE, sa->id);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		if (!contact || same[i]->doom || same[i]->est_seq >= sa->init_seq)
			continue;
		same[i]->kept = sa->peer_kept;
		doom(k, same[i], IKE_DOWN_REPLACED, sa->id);
	}
	judge(k, sa, same, n);
}

/* ---- up */
void
ike_sa_start_timers(struct ike *k, struct ike_sa *sa)
{
	uint64_t life = TICK_S(ike_profile(k, sa->profile)->ike_life_s);

	sa->established = sa->last_rx = sa->last_tx = sa->last_esp_tx = k->now;
	sa->est_seq = ++k->seq;
	if (life) {
		sa->expires = k->now + life;
		sa->rekey_at = k->now + life / 100 * (80 + env_random_below(&k->env.env, 11));
	}
	ike_sa_arm_life(k, sa);
	ike_live_arm(k, sa);
}

void
ike_sa_up(struct ike *k, struct ike_sa *sa, bool contact)
{
	char id[600], ep[ENDPOINT_STRLEN];
	tick_t init_at = sa->hs->started, auth_at = sa->hs->auth_at;
	struct ike_act *a;

	ike_low_of(&sa->low, &sa->hs->ni, &sa->hs->nr);
	ike_shake_free(k, sa);
	sa->state = IKE_SA_EST;
	sa->announced = true;
	sa->dialled = sa->initiator;
	sa->orphan_at = sa->initiator ? TICK_NEVER : k->now + IKE_ORPHAN_LIFE;
	ike_sa_set_remote(k, sa);
	file_pair(k, sa);
	ike_reauth_arm(k, sa);
	ike_sa_start_timers(k, sa);
	if (!sa->initiator)
		ike_dial_adopt(k, sa);
	a = ike_act(k, IKE_ACT_IKE_UP, sa);
	if (a) {
		a->dial = sa->dials ? sa->dials->id : 0;
		if (sa->vouched)
			a->cert = span_of(sa->vouched->leaf, sa->vouched->leaf_len);
		a->cert_lost = !sa->vouched && sa->auth_remote != IKE_AUTH_PSK;
		a->init_at = init_at;
		a->auth_at = auth_at;
	}
	ike_log_id(&sa->peer_id, id);
	log_of(k->env.env.log, k->now, id, LOG_LV_INFO, "ike-up", "%s at %s, %s", id, endpoint_fmt(&sa->remote, ep),
	    sa->initiator ? "initiator" : "responder");
	ike_dial_up(k, sa);
	ike_qcd_mark(k, sa);
	meet_others(k, sa, contact);
}

/* ---- rekeyed: the heir has been given keys and SPIs; everything else goes over now */
void
ike_sa_takeover(struct ike *k, struct ike_sa *old, struct ike_sa *heir)
{
	struct ike_sa *same[IKE_SAME_MAX];
	struct ike_act *a;
	unsigned n;

	unfile_pair(k, old);
	unfile_remote(k, old);
	heir->announced = old->announced;
	heir->dialled = old->dialled;
	heir->state = IKE_SA_EST;
	heir->proven = true;
	heir->dup_winner = old->dup_winner;
	heir->dup_at = old->dup_at;
	heir->dup_ours = false;
	heir->orphan_at = old->children || old->dialled ? TICK_NEVER : k->now + IKE_ORPHAN_LIFE;
	heir->want_child = old->want_child;
	heir->want_update = old->want_update || old->x.kind == IKE_X_UPDATE;
	heir->away_until = old->away_until;
	heir->refused = old->refused;
	heir->refused_until = old->refused_until;
	heir->auth_local = old->auth_local;
	heir->auth_remote = old->auth_remote;
	heir->cert_until = old->cert_until;
	env_free(&k->env.env, heir->vouched);
	heir->vouched = old->vouched;
	old->vouched = NULL;
	ike_sa_set_remote(k, heir);
	file_pair(k, heir);
	ike_child_move_all(k, old, heir);
	while (old->dials) {
		struct ike_dial *d = old->dials;

		ike_dial_detach(k, d);
		ike_dial_attach(d, heir);
	}
	n = ike_sa_same_pair(k, heir, same);
	for (unsigned i = 0; i < n; i++) {
		if (same[i]->dup_winner == old->id)
			same[i]->dup_winner = heir->id;
	}
	ike_reauth_inherit(k, old, heir);
	ike_sa_start_timers(k, heir);
	ike_qcd_mark(k, heir);
	ike_qcd_renew(k, heir);
	ike_sa_kick_at(k, heir, k->now);
	timer_disarm(&k->timers, &old->t_live);
	timer_disarm(&k->timers, &old->t_kick);
	ike_follow_drop(k, old);
	old->state = IKE_SA_REKEYED;
	old->successor = heir->id;
	old->rekey_at = old->expires = old->cert_until = old->reauth_at = TICK_NEVER;
	old->orphan_at = k->now + IKE_REPLACED_LIFE;
	ike_sa_arm_life(k, old);
	a = old->announced ? ike_act(k, IKE_ACT_IKE_REKEYED, old) : NULL;
	if (a) {
		a->other = heir->id;
		a->peer_id = &heir->peer_id;
	}
}

/* ---- down */
static void
report_down(struct ike *k, struct ike_sa *sa, enum ike_down why, const char *reason, uint32_t other, bool kept)
{
	char id[600], ep[ENDPOINT_STRLEN];
	struct ike_act *a;

	if (!sa->announced)
		return;
	sa->announced = false;
	a = ike_act(k, IKE_ACT_IKE_DOWN, sa);
	if (a) {
		a->dial = sa->dials ? sa->dials->id : 0;
		a->other = other;
		a->down = why;
		a->kept = kept;
		a->text = reason;
	}
	ike_log_id(&sa->peer_id, id);
	log_of(k->env.env.log, k->now, id, LOG_LV_INFO, "ike-down", "%s at %s: %s", id, endpoint_fmt(&sa->remote, ep), reason);
}

/* Another SA of the same pair takes the traffic over: where it held back until now, or stands in the shadow of a later one. */
static void
hand_over(struct ike *k, struct ike_sa *sa, uint32_t other)
{
	struct ike_sa *same[IKE_SAME_MAX];
	unsigned n = sa->in_pair ? ike_sa_same_pair(k, sa, same) : 0;

	for (unsigned i = 0; i < n; i++) {
		for (struct ike_child *c = same[i]->children; c; c = c->next) {
			if (c->state != IKE_CH_UP || (c->active && same[i]->id != other))
				continue;
			if (c->active && c->successor)
				continue;
			c->active = false;
			ike_child_activate(k, c);
		}
	}
}

/* Does another SA of the same pair carry traffic? Then a new child holds back until the peer uses it. */
bool
ike_sa_has_twin(const struct ike *k, const struct ike_sa *sa)
{
	struct ike_sa *same[IKE_SAME_MAX];
	unsigned n = ike_sa_same_pair(k, sa, same);

	for (unsigned i = 0; i < n; i++) {
		if ((!same[i]->doom || same[i]->kept) && ike_child_count_up(same[i]))
			return true;
	}
	return ike_kept_has(k, sa);
}

void
ike_sa_down(struct ike *k, struct ike_sa *sa, enum ike_down why, const char *reason, uint32_t other, bool tell)
{
	bool busy = sa->x.kind != IKE_X_NONE, kept = sa->kept && (why == IKE_DOWN_RESTARTED || why == IKE_DOWN_REPLACED) && ike_child_count_up(sa);

	if (!kept)
		hand_over(k, sa, other);
	report_down(k, sa, why, reason, other, kept);
	while (sa->children) {
		if (kept)
			ike_kept_add(k, sa->children);
		else if (why == IKE_DOWN_DUPLICATE)
			ike_child_linger(k, sa->children);
		else
			ike_child_drop(k, sa->children);
	}
	ike_dial_down(k, sa, other);
	ike_cc_free(k, &sa->cc_tx);
	ike_cc_free(k, &sa->cc_rx);
	ike_follow_drop(k, sa);
	ike_shake_free(k, sa);
	unfile_pair(k, sa);
	unfile_remote(k, sa);
	stop(k, sa);
	sa->job = sa->job_rx = 0;
	sa->doom = 0;
	sa->want_live = sa->want_child = sa->want_rekey = false;
	sa->want_close = tell;
	sa->down = why;
	sa->reason = reason;
	sa->state = IKE_SA_CLOSING;
	if (why == IKE_DOWN_REPLACED || why == IKE_DOWN_DEAD || why == IKE_DOWN_RESTARTED || why == IKE_DOWN_UNREACHABLE) {
		ike_sa_free(k, sa);	/* the peer will never ask about it */
		return;
	}
	if (!tell) {	/* stays to answer retransmissions of its delete */
		ike_x_done(k, sa);
		timer_arm(&k->timers, &sa->t_life, k->now + IKE_FAILED_LIFE);
		return;
	}
	if (busy) {	/* window 1: the delete must wait for the answer, but not for long */
		sa->x.tries_max = sa->x.tries + 2;
		sa->x.wait = IKE_RETX_FIRST;
		timer_arm(&k->timers, &sa->t_retx, k->now + IKE_RETX_FIRST);
	}
	timer_arm(&k->timers, &sa->t_life, k->now + IKE_HALF_LIFE);
	ike_sa_kick(k, sa);
}

void
ike_sa_fail(struct ike *k, struct ike_sa *sa, enum ike_down why, bool retry_key, const char *reason)
{
	struct ike_dial *d = sa->dials;
	char ep[ENDPOINT_STRLEN];

	if (d) {
		ike_dial_detach(k, d);
		ike_dial_failed(k, d, why, retry_key, reason);
	} else if (!sa->initiator) {
		log_limited(
		    k->env.env.log, &k->log_auth, k->now, LOG_LV_NOTICE, "ike-failed", "%s: %s", endpoint_fmt(&sa->remote, ep), reason);
	}
	if (!sa->want_close || !sa->has_keys) {
		ike_sa_free(k, sa);
		return;
	}
	ike_shake_free(k, sa);
	sa->state = IKE_SA_CLOSING;
	timer_arm(&k->timers, &sa->t_life, k->now + IKE_HALF_LIFE);
	ike_sa_kick(k, sa);
}

/* ---- time */
void
ike_sa_arm_life(struct ike *k, struct ike_sa *sa)
{
	tick_t at = tick_min(tick_min(sa->expires, sa->cert_until), tick_min(tick_min(sa->orphan_at, sa->dup_at), sa->reauth_at));

	at = tick_min(at, tick_min(sa->more_until, sa->away_until));
	if (!sa->want_rekey)
		at = tick_min(at, sa->rekey_at);
	if (sa->doom || (sa->unwelcome && sa->announced))
		at = k->now;
	timer_arm(&k->timers, &sa->t_life, at);
}

static void
life_est(struct ike *k, struct ike_sa *sa)
{
	if (sa->doom) {
		uint32_t other = sa->doom;
		bool dup = sa->doom_why == IKE_DOWN_DUPLICATE;

		if (!ike_sa_find(k, other) && dup) {	/* what should stay has gone meanwhile */
			sa->doom = sa->dup_winner = 0;
			meet_others(k, sa, false);
			ike_sa_arm_life(k, sa);
			return;
		}
		ike_sa_down(k, sa, sa->doom_why, !dup ? "peer started anew" : sa->reauth_sa == other ? "authenticated anew" :
		    "both ends opened an SA, the other one stays", other, dup);
		return;
	}
	if (k->now >= sa->more_until)
		ike_follow_drop(k, sa);
	if (k->now >= sa->away_until) {
		ike_sa_down(k, sa, IKE_DOWN_UNREACHABLE, "our address is gone", 0, false);
		return;
	}
	if (k->now >= sa->dup_at) {	/* its creator does not close it, or we heard too little of the one that stays */
		sa->dup_at = TICK_NEVER;
		if (ike_sa_find(k, sa->dup_winner)) {
			doom(k, sa, IKE_DOWN_DUPLICATE, sa->dup_winner);
			return;
		}
		meet_others(k, sa, false);	/* of three two are left */
	}
	if (k->now >= sa->orphan_at) {
		if (sa->announced)
			ike_sa_down(k, sa, IKE_DOWN_CLOSED, "peer opened no IPsec SA in it", 0, true);
		else
			ike_sa_free(k, sa);	/* lost a rekeying collision, and its creator forgot it */
		return;
	}
	if (k->now >= sa->cert_until) {
		ike_sa_down(k, sa, IKE_DOWN_AUTH, "the peer's certificate, or a CA of it, has expired", 0, true);
		return;
	}
	if (k->now >= sa->expires) {
		ike_sa_down(k, sa, IKE_DOWN_EXPIRED, "lifetime is over and rekeying did not succeed", 0, true);
		return;
	}
	if (k->now >= sa->reauth_at && ike_reauth_due(k, sa))
		return;
	if (k->now >= sa->rekey_at)
		sa->want_rekey = true;
	ike_sa_arm_life(k, sa);
	ike_sa_kick(k, sa);
}

void
ike_sa_life(struct ike *k, struct ike_sa *sa)
{
	switch (sa->state) {
	case IKE_SA_EST:
		life_est(k, sa);
		return;
	case IKE_SA_REKEYED:	/* peer does not delete what it rekeyed: we do */
		sa->state = IKE_SA_CLOSING;
		sa->want_close = true;
		timer_arm(&k->timers, &sa->t_life, k->now + IKE_HALF_LIFE);
		ike_sa_kick(k, sa);
		return;
	case IKE_SA_I_CHECK:
		ike_fail_and_tell(k, sa, IKE_DOWN_AUTH, false, "checking the peer's certificate takes too long");
		return;
	case IKE_SA_R_CHECK:
	case IKE_SA_I_INTER:
	case IKE_SA_R_INTER:
	case IKE_SA_I_SIGN:
	case IKE_SA_R_INIT:
	case IKE_SA_R_KEX:
	case IKE_SA_R_AUTH:
	case IKE_SA_FAILED:
	case IKE_SA_CLOSING:
	case IKE_SA_I_INIT:
	case IKE_SA_I_KEX:
	case IKE_SA_I_AUTH:
		ike_sa_free(k, sa);
		return;
	case IKE_SA_STATES:
		return;
	}
}

/* ---- what next */
void
ike_sa_kick_at(struct ike *k, struct ike_sa *sa, tick_t at)
{
	if (!sa->t_kick.armed || at < sa->t_kick.at)
		timer_arm(&k->timers, &sa->t_kick, at);
}

static struct ike_child *
child_that(const struct ike_sa *sa, bool (*is)(struct ike_child *, tick_t), tick_t now)
{
	for (struct ike_child *c = sa->children; c; c = c->next) {
		if (is(c, now))
			return c;
	}
	return NULL;
}

static bool
delete_due(struct ike_child *c, tick_t now)
{
	return c->state == IKE_CH_DELETING && !c->del_sent && ike_child_sure(c, now);
}

static bool
rekey_due(struct ike_child *c, tick_t now)
{
	return c->state == IKE_CH_UP && c->want_rekey && c->retry_at <= now && ike_child_sure(c, now);
}

/* What was put off is kicked again, whichever SA the child belongs to by now. */
static void
retry_later(struct ike *k, struct ike_sa *sa)
{
	if (sa->retry_at > k->now && (sa->want_rekey || sa->want_child))
		ike_sa_kick_at(k, sa, sa->retry_at);
	for (struct ike_child *c = sa->children; c; c = c->next) {
		bool due = c->state == IKE_CH_UP ? c->want_rekey : c->state == IKE_CH_DELETING && !c->del_sent;

		if (due && !ike_child_sure(c, k->now))
			ike_sa_kick_at(k, sa, c->created + IKE_UNSURE_LIFE);
		else if (due && c->state == IKE_CH_UP && c->retry_at > k->now)
			ike_sa_kick_at(k, sa, c->retry_at);
	}
}

static bool
start_wanted(struct ike *k, struct ike_sa *sa)
{
	struct ike_child *c;
	uint32_t set;

	if (sa->want_update)
		return ike_mobike_update(k, sa);
	if (child_that(sa, delete_due, k->now))
		return ike_info_delete_children(k, sa);
	if (sa->want_live)
		return ike_info_live(k, sa);
	c = child_that(sa, rekey_due, k->now);
	if (c && !sa->doom)
		return ike_cc_start(k, sa, IKE_CC_REKEY_CHILD, c, 0);
	retry_later(k, sa);
	if (sa->retry_at > k->now || sa->doom)
		return true;
	if (sa->want_rekey)
		return ike_cc_start(k, sa, IKE_CC_REKEY_IKE, NULL, 0);
	c = sa->n_children > 1 ? ike_child_spare(k, sa) : NULL;
	if (c) {
		ike_child_want_delete(k, c);
		return true;
	}
	return !ike_pair_wanted(k, sa, &set) || ike_cc_start(k, sa, IKE_CC_NEW, NULL, set);
}

void
ike_sa_kick(struct ike *k, struct ike_sa *sa)
{
	if (sa->x.kind != IKE_X_NONE || sa->cc_tx)
		return;
	if (!outq_room(k->out, IKE_STEP_ITEMS / 2, IKE_CUT_MAX)) {
		ike_sa_kick_at(k, sa, k->now);
		return;
	}
	if (sa->state == IKE_SA_CLOSING || sa->state == IKE_SA_REKEYED) {
		if (sa->want_close && sa->has_keys && !ike_info_delete_ike(k, sa))
			ike_sa_kick_at(k, sa, k->now + TICK_S(1));
		else
			sa->want_close = false;
		return;
	}
	if (sa->state == IKE_SA_EST && !start_wanted(k, sa))
		ike_sa_kick_at(k, sa, k->now + TICK_S(1));
}

/* ---- keys for tshark's ikev2_decryption_table */
static void
hex(char *out, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", p[i]);
	out[2 * n] = '\0';
}

static const char *
tshark_encr(const struct ike_suite *s, char out[static 48])
{
	if (s->encr == IKE_ENCR_AES_GCM_16)
		snprintf(out, 48, "AES-GCM-%u with 16 octet ICV [RFC5282]", s->encr_bits);
	else if (s->encr == IKE_ENCR_AES_CBC)
		snprintf(out, 48, "AES-CBC-%u [RFC3602]", s->encr_bits);
	else if (s->encr == IKE_ENCR_AES_CTR)
		snprintf(out, 48, "AES-CTR-%u [RFC5930]", s->encr_bits);
	else
		snprintf(out, 48, "%s", s->encr == IKE_ENCR_3DES ? "3DES [RFC2451]" : "ChaCha20-Poly1305 [RFC7634]");
	return out;
}

static const char *
tshark_integ(uint16_t integ)
{
	return integ == IKE_INTEG_HMAC_SHA2_256_128   ? "HMAC_SHA2_256_128 [RFC4868]"
	       : integ == IKE_INTEG_HMAC_SHA2_384_192 ? "HMAC_SHA2_384_192 [RFC4868]"
	       : integ == IKE_INTEG_HMAC_SHA2_512_256 ? "HMAC_SHA2_512_256 [RFC4868]"
	       : integ == IKE_INTEG_HMAC_SHA1_96      ? "HMAC_SHA1_96 [RFC2404]"
						      : "NONE [RFC4306]";
}

void
ike_set_keylog(struct ike *k, void (*keylog)(void *ctx, const char *line))
{
	k->env.keylog = keylog;
}

void
ike_keylog_sa(struct ike *k, const struct ike_sa *sa)
{
	char line[1024], ei[80], er[80], ai[140], ar[140], encr[48];

	if (!k->env.keylog)
		return;
	hex(ei, sa->keys.i.enc, sa->keys.i.enc_len);
	hex(er, sa->keys.r.enc, sa->keys.r.enc_len);
	hex(ai, sa->keys.i.mac, sa->keys.i.mac_len);
	hex(ar, sa->keys.r.mac, sa->keys.r.mac_len);
	snprintf(line, sizeof(line), "ikev2 %016llx,%016llx,%s,%s,\"%s\",%s,%s,\"%s\"", (unsigned long long)sa->spi_i,
	    (unsigned long long)sa->spi_r, ei, er, tshark_encr(&sa->suite, encr), ai, ar, tshark_integ(sa->suite.integ));
	k->env.keylog(k->env.env.ctx, line);
	ike_wipe(line, sizeof(line));
	ike_wipe(ei, sizeof(ei));
	ike_wipe(er, sizeof(er));
	ike_wipe(ai, sizeof(ai));
	ike_wipe(ar, sizeof(ar));
}
