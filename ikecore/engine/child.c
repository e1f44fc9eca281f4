/* ikecore/engine/child.c: a pair of ESP SAs, from its keys to its end.
 *
 * Make before break: a new pair is installed before the old one goes. Who asked for it sends on it at once; who was asked
 * waits until something arrives on it or the old pair is deleted. A pair that was deleted by agreement lingers a moment
 * in the data plane, so that packets on their way still find it. */
#include "ikecore/engine/ike_priv.h"

#include <stdio.h>

static bool
spi_is(const struct map_node *node, const void *key)
{
	return container_of(node, struct ike_child, by_spi)->spi_in == *(const uint32_t *)key;
}

struct ike_child *
ike_child_find(const struct ike *k, uint32_t spi_in)
{
	struct map_node *n = spi_in ? map_find(&k->by_child, map_hash(&k->by_child, &spi_in, sizeof(spi_in)), spi_is, &spi_in) : NULL;

	return n ? container_of(n, struct ike_child, by_spi) : NULL;
}

struct ike_child *
ike_child_by_out(const struct ike_sa *sa, uint32_t spi_out)
{
	for (struct ike_child *c = sa->children; c; c = c->next) {
		if (c->spi_out == spi_out)
			return c;
	}
	return NULL;
}

unsigned
ike_child_count_up(const struct ike_sa *sa)
{
	unsigned n = 0;

	for (const struct ike_child *c = sa->children; c; c = c->next)
		n += c->state == IKE_CH_UP && c->installed;
	return n;
}

struct ike_child *
ike_child_new(struct ike *k)
{
	struct ike_child *c = env_alloc(&k->env.env, sizeof(*c));

	if (!c)
		return NULL;
	c->timer.kind = TM_CHILD;
	c->rekey_at = c->expires = TICK_NEVER;
	c->spi_in = k->env.spi_alloc(k->env.env.ctx);
	if (c->spi_in > 255 && !ike_child_find(k, c->spi_in))
		return c;
	env_free(&k->env.env, c);
	return NULL;
}

void
ike_child_free(struct ike *k, struct ike_child *c)
{
	if (c)
		env_free(&k->env.env, c->sel);
	env_free(&k->env.env, c);
}

static void
link_child(struct ike_child **list, struct ike_child *c)
{
	c->prev = NULL;
	c->next = *list;
	if (*list)
		(*list)->prev = c;
	*list = c;
}

static void
unlink_child(struct ike_child **list, struct ike_child *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		*list = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->next = c->prev = NULL;
}

void
ike_child_file(struct ike *k, struct ike_sa *sa, struct ike_child *c, const struct ike_child_made *made)
{
	c->sa = sa;
	c->sa_id = sa->id;
	c->spi_out = made->ch->spi;
	c->encr = made->ch->encr;
	c->bits = made->ch->bits;
	c->integ = made->ch->integ;
	c->pfs_group = made->ch->group;
	c->esn = made->ch->esn;
	c->encap = sa->encap;
	c->tunnel = made->sel->n_local != 0;
	ike_sel_note(sa, made->sel);
	c->ours = made->ours;
	c->answered = sa->rx_mid;
	c->created = k->now;
	c->set = made->sel->set;
	if (dp_plain(made->sel) && (c->sel = env_alloc(&k->env.env, sizeof(*c->sel))))
		*c->sel = *made->sel;
	ike_low_of(&c->low, made->ni, made->nr);
	link_child(&sa->children, c);
	sa->n_children++;
	map_add(&k->by_child, &c->by_spi, map_hash(&k->by_child, &c->spi_in, sizeof(c->spi_in)));
}

static void
unfile(struct ike *k, struct ike_child *c)
{
	ike_kept_del(k, c);
	timer_disarm(&k->timers, &c->timer);
	map_del(&k->by_child, &c->by_spi);
	if (c->sa) {
		unlink_child(&c->sa->children, c);
		c->sa->n_children--;
	} else {
		unlink_child(&k->lingering, c);
		k->n_lingering--;
	}
}

/* ---- installing */
static uint64_t
soft(struct ike *k, uint64_t hard)
{
	return hard / 100 * (80 + env_random_below(&k->env.env, 11)) + (hard % 100) * 8 / 10;
}

static void
set_life(struct ike *k, const struct ike_profile *p, struct ike_child *c, struct dp_life *life)
{
	*life = p->child_life;
	life->soft_s = (uint32_t)soft(k, life->hard_s);
	life->soft_bytes = soft(k, life->hard_bytes);
	life->soft_packets = soft(k, life->hard_packets);
	if (life->hard_s) {
		c->expires = k->now + TICK_S(life->hard_s);
		c->rekey_at = k->now + TICK_S(life->soft_s);
	}
	timer_arm(&k->timers, &c->timer, c->rekey_at);
}

static void
set_keys(const struct ike_child *c, const struct ike_keymat *km, struct dp_sa_keys *out)
{
	const struct ike_protect *in = c->ours ? &km->r2i : &km->i2r, *to = c->ours ? &km->i2r : &km->r2i;

	out->encr = c->encr;
	out->encr_bits = c->bits;
	out->integ = c->integ;
	out->encr_len = in->enc_len;
	out->integ_len = in->mac_len;
	memcpy(out->encr_in, in->enc, in->enc_len);
	memcpy(out->encr_out, to->enc, to->enc_len);
	memcpy(out->integ_in, in->mac, in->mac_len);
	memcpy(out->integ_out, to->mac, to->mac_len);
}

static const char *
tshark_encr(const struct dp_sa_keys *keys)
{
	return keys->encr == IKE_ENCR_AES_GCM_16 ? "AES-GCM with 16 octet ICV [RFC4106]"
	       : keys->encr == IKE_ENCR_AES_CBC	 ? "AES-CBC [RFC3602]"
	       : keys->encr == IKE_ENCR_AES_CTR	 ? "AES-CTR [RFC3686]"
	       : keys->encr == IKE_ENCR_3DES	 ? "TripleDES-CBC [RFC2451]"
						 : "ChaCha20/Poly1305 [RFC7634]";
}

static const char *
tshark_integ(uint16_t integ)
{
	return integ == IKE_INTEG_HMAC_SHA2_256_128   ? "HMAC-SHA-256-128 [RFC4868]"
	       : integ == IKE_INTEG_HMAC_SHA2_384_192 ? "HMAC-SHA-384-192 [RFC4868]"
	       : integ == IKE_INTEG_HMAC_SHA2_512_256 ? "HMAC-SHA-512-256 [RFC4868]"
	       : integ == IKE_INTEG_HMAC_SHA1_96      ? "HMAC-SHA-1-96 [RFC2404]"
						      : "NULL";
}

/* A line of tshark's esp_sa table. */
static void
keylog_esp(struct ike *k, const struct dp_sa *d, bool in)
{
	const uint8_t *e = in ? d->keys.encr_in : d->keys.encr_out, *m = in ? d->keys.integ_in : d->keys.integ_out;
	char line[640], src[ADDR_STRLEN], dst[ADDR_STRLEN];
	size_t at;

	addr_fmt(in ? &d->remote.addr : &d->local.addr, src);
	addr_fmt(in ? &d->local.addr : &d->remote.addr, dst);
	at = (size_t)snprintf(line, sizeof(line), "esp \"%s\",\"%s\",\"%s\",\"0x%08x\",\"%s\",\"0x",
	    d->remote.addr.n == 16 ? "IPv6" : "IPv4", src, dst, in ? d->spi_in : d->spi_out, tshark_encr(&d->keys));
	for (unsigned i = 0; i < d->keys.encr_len; i++)
		at += (size_t)snprintf(line + at, sizeof(line) - at, "%02x", e[i]);
	at += (size_t)snprintf(line + at, sizeof(line) - at, "\",\"%s\",\"%s", tshark_integ(d->keys.integ), d->keys.integ_len ? "0x" : "");
	for (unsigned i = 0; i < d->keys.integ_len; i++)
		at += (size_t)snprintf(line + at, sizeof(line) - at, "%02x", m[i]);
	snprintf(line + at, sizeof(line) - at, "\"");
	k->env.keylog(k->env.env.ctx, line);
	ike_wipe(line, sizeof(line));
}

static void
emit_add(struct ike *k, struct ike_sa *sa, struct ike_child *c, const struct ike_child_made *made, const struct ike_keymat *km)
{
	const struct ike_profile *p = ike_profile(k, sa->profile);
	struct dp_sa *d = (struct dp_sa *)(void *)outq_octets(k->out, sizeof(*d));
	bool transport = made->sel->n_local == 0;
	struct dp_selectors *sel = transport ? NULL : (struct dp_selectors *)(void *)outq_octets(k->out, sizeof(*sel));
	struct ike_act *a = d && (sel || transport) ? ike_act(k, IKE_ACT_CHILD_ADD, sa) : NULL;

	if (!a)
		return;	/* callers make sure there is room */
	memset(d, 0, sizeof(*d));
	if (sel)
		*sel = *made->sel;
	d->spi_in = c->spi_in;
	d->spi_out = c->spi_out;
	d->local = sa->local;
	d->remote = sa->remote;
	d->encap = c->encap;
	d->esn = c->esn;
	d->active = c->active;
	d->replay_window = p->replay_window;
	d->sel = sel;
	set_life(k, p, c, &d->life);
	set_keys(c, km, &d->keys);
	a->spi_in = c->spi_in;
	a->encap = c->encap;
	a->child = d;
	c->installed = true;
	if (k->env.keylog) {
		keylog_esp(k, d, true);
		keylog_esp(k, d, false);
	}
}

bool
ike_child_install(struct ike *k, struct ike_sa *sa, struct ike_child *c, const struct ike_child_made *made, bool active)
{
	struct ike_seed seed = { .g_ir = made->g_ir, .ni = span_of(made->ni->b, made->ni->n), .nr = span_of(made->nr->b, made->nr->n),
		.more = made->more };
	struct ike_keymat km;

	if (!ike_keymat(&sa->keys, &seed, made->ch->encr, made->ch->bits, made->ch->integ, &km)) {
		ike_child_free(k, c);
		return false;
	}
	ike_child_file(k, sa, c, made);
	c->active = active;
	sa->orphan_at = TICK_NEVER;
	sa->child_tries = 0;
	ike_sa_arm_life(k, sa);
	emit_add(k, sa, c, made, &km);
	ike_keymat_wipe(&km);
	return true;
}

/* More pairs than one, because both ends asked for one or the peer asked for more: the one whose lowest nonce is highest stays,
 * as in a collision, and each end closes those it made. Only when nothing is under way, so that both see the same. */
static struct ike_child *
spare_of(struct ike *k, struct ike_sa *sa, uint32_t set)
{
	struct ike_child *best = NULL, *spare = NULL;

	for (struct ike_child *c = sa->children; c; c = c->next) {
		if (c->set == set && c->state == IKE_CH_UP && c->installed && (!best || ike_low_cmp(&c->low, &best->low) > 0))
			best = c;
	}
	for (struct ike_child *c = sa->children; c; c = c->next) {
		if (c->set == set && c != best && c->state == IKE_CH_UP && c->installed && c->ours)
			spare = c;
	}
	if (!spare)
		return NULL;
	if (k->now < best->created + IKE_TWINS_LIFE) {
		ike_sa_kick_at(k, sa, best->created + IKE_TWINS_LIFE);
		return NULL;
	}
	best->active = false;	/* said again: what was added last is sent on until now */
	ike_child_activate(k, best);
	return spare;
}

struct ike_child *
ike_child_spare(struct ike *k, struct ike_sa *sa)
{
	struct ike_child *spare = NULL;

	for (struct ike_child *c = sa->children; c && !spare; c = c->next) {
		if (c->state == IKE_CH_UP && c->ours)
			spare = spare_of(k, sa, c->set);
	}
	return spare;
}

/* The peer has our answer when it sends on the new pair, or asks the next thing: its window is one. A request about a pair that
 * it does not know yet would be refused, and the pair be lost on one end only when the answer comes through after all. */
bool
ike_child_sure(struct ike_child *c, tick_t now)
{
	if (c->unsure && (now >= c->created + IKE_UNSURE_LIFE || (c->sa && c->sa->rx_mid > c->answered + 1)))
		c->unsure = false;
	return !c->unsure;
}

void
ike_child_activate(struct ike *k, struct ike_child *c)
{
	struct ike_act *a;

	if (c->active || !c->installed || !c->sa || !(a = ike_act(k, IKE_ACT_CHILD_ACTIVATE, c->sa)))
		return;
	a->spi_in = c->spi_in;
	a->encap = c->encap;
	c->active = true;
}

/* After a collision there may be two that replace it; the one that lost must not be woken, and then we send on ours already. */
void
ike_child_gone(struct ike *k, struct ike_sa *sa, const struct ike_child *old)
{
	struct ike_child *heir = NULL;

	for (const struct ike_child *c = sa->children; c; c = c->next) {
		if (c != old && c->set == old->set && (c->state == IKE_CH_UP || c->state == IKE_CH_REKEYED) && c->active)
			return;
	}
	for (struct ike_child *c = sa->children; c; c = c->next) {
		if (c != old && c->set == old->set && c->state == IKE_CH_UP && c->installed && (!heir || c->replaces == old->spi_in))
			heir = c;
	}
	if (heir)
		ike_child_activate(k, heir);
}

/* The data plane has it: what we made it for goes. */
void
ike_child_taken(struct ike *k, struct ike_sa *sa, const struct ike_child *heir)
{
	struct ike_child *old = heir->ours ? ike_child_find(k, heir->replaces) : NULL;

	if (!old || old->sa != sa || old->state != IKE_CH_REKEYED || old->successor != heir->spi_in)
		return;
	ike_child_want_delete(k, old);
	ike_sa_kick(k, sa);
}

/* The data plane, or the peer's, refused what should take its place: it stays until its lifetime ends, and is rekeyed later (until
 * 0: as the peer likes, or in its own time). */
void
ike_child_stays(struct ike *k, struct ike_sa *sa, const struct ike_child *heir, tick_t until)
{
	for (struct ike_child *c = sa->children; c; c = c->next) {
		if (c->successor != heir->spi_in || c->state != IKE_CH_REKEYED)
			continue;
		c->state = IKE_CH_UP;
		c->successor = 0;
		c->want_rekey = until != 0;
		c->retry_at = until;
		timer_arm(&k->timers, &c->timer, until ? c->expires : tick_min(c->expires, c->rekey_at > k->now ? c->rekey_at : k->now + TICK_S(10)));
		if (until)
			ike_sa_kick_at(k, sa, until);
	}
}

/* ---- ending */
void
ike_child_drop(struct ike *k, struct ike_child *c)
{
	struct ike_act *a;

	unfile(k, c);
	if (c->installed && (a = ike_act(k, IKE_ACT_CHILD_DEL, NULL))) {
		a->sa = c->sa_id;
		a->spi_in = c->spi_in;
	}
	ike_child_free(k, c);
}

void
ike_child_linger(struct ike *k, struct ike_child *c)
{
	struct ike_sa *sa = c->sa;

	if (!c->installed || k->n_lingering >= k->conf->sa_max) {
		ike_child_drop(k, c);
		return;
	}
	unlink_child(&sa->children, c);
	sa->n_children--;
	c->sa = NULL;
	c->state = IKE_CH_LINGER;
	link_child(&k->lingering, c);
	k->n_lingering++;
	timer_arm(&k->timers, &c->timer, k->now + IKE_LINGER);
}

void
ike_child_want_delete(struct ike *k, struct ike_child *c)
{
	if (c->state == IKE_CH_DELETING || c->state == IKE_CH_LINGER)
		return;
	c->state = IKE_CH_DELETING;
	timer_disarm(&k->timers, &c->timer);
	ike_sa_kick_at(k, c->sa, k->now);
}

void
ike_child_timer(struct ike *k, struct ike_child *c)
{
	switch (c->state) {
	case IKE_CH_LINGER:
		ike_child_drop(k, c);
		return;
	case IKE_CH_REKEYED:	/* the peer should have deleted it */
		ike_child_want_delete(k, c);
		return;
	case IKE_CH_UP:
		if (k->now >= c->expires) {
			c->sa->want_child = ike_pair_up(c->sa, c->set) < 2 && c->sa->dialled;
			ike_child_want_delete(k, c);
			return;
		}
		c->want_rekey = true;
		timer_arm(&k->timers, &c->timer, c->expires);
		ike_sa_kick_at(k, c->sa, k->now);
		return;
	case IKE_CH_DELETING:
		return;
	}
}

void
ike_child_move_all(struct ike *k, struct ike_sa *from, struct ike_sa *to)
{
	(void)k;
	while (from->children) {
		struct ike_child *c = from->children;

		unlink_child(&from->children, c);
		from->n_children--;
		c->sa = to;
		c->sa_id = to->id;
		c->unsure = false;	/* a peer that still waits for an answer does not rekey */
		c->del_sent = false;	/* what was asked of the old SA is asked again of the new one */
		link_child(&to->children, c);
		to->n_children++;
	}
}
