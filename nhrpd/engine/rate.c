/* nhrpd/engine/rate.c: what one peer may have of us. `ip nhrp max-receive`: packets over it are dropped before anything of them is
 * looked at, so that an authenticated member that floods costs little and nobody else anything. NHSs of ours are exempt: through
 * them comes what everybody else sends. What answers a question of ours has a share of its own, as large: a flood does not
 * keep the answer to our registration out. `ip nhrp max-send` bounds what the interface sends, as IOS has it. */
#include "nhrpd/engine/nhrp_priv.h"

enum { SAID_EVERY_S = 60, NOW_S = 10, TYPE_AT = 17, ID_AT = 24 };

static bool
take(struct nhrp *n, struct bucket *b, const struct nhrp_conf_rate *r)
{
	return bucket_take_slow(b, n->now, TICK_S(r->every_s) / r->packets, r->packets);
}

static bool
is_reply(uint8_t type)
{
	return type == NHRP_RESOLUTION_REPLY || type == NHRP_REGISTRATION_REPLY || type == NHRP_PURGE_REPLY;
}

/* Looked at where the packet has it, before it is parsed: a wrong guess costs the peer a packet of its other share. */
static bool
answers_us(const struct nhrp *n, struct span raw)
{
	return raw.n >= ID_AT + 4 && is_reply(raw.p[TYPE_AT]) && handle_find(n, get_be32(raw.p + ID_AT));
}

/* At once, then once a minute with the sum: one line says who, and how much. */
static void
say(struct nhrp *n, struct peer *p, struct span raw)
{
	const struct nhrp_conf_rate *r = &n->conf.max_receive;

	p->limited_unsaid++;
	if (p->limited_said && n->now - p->limited_said < TICK_S(SAID_EVERY_S))
		return;
	log_at(n->log, LOG_LV_WARN, "nhrp-rate-limited", "peer %u (%s) sends more than %u NHRP packets in %u s: %llu dropped, the last one a %s",
	    (unsigned)p->id, peer_name(p), (unsigned)r->packets, (unsigned)r->every_s, (unsigned long long)p->limited_unsaid,
	    raw.n > TYPE_AT ? nhrp_type_name(raw.p[TYPE_AT]) : "fragment");
	p->limited_said = n->now ? n->now : 1;
	p->limited_unsaid = 0;
}

bool
rate_take(struct nhrp *n, struct peer *p, struct span raw)
{
	p->received++;
	if (peer_is_nhs(n, p) || take(n, answers_us(n, raw) ? &p->answers : &p->rate, &n->conf.max_receive))
		return true;
	p->limited++;
	p->limited_at = n->now ? n->now : 1;
	say(n, p, raw);
	return false;
}

bool
rate_send(struct nhrp *n)
{
	if (!n->conf.max_send.packets || take(n, &n->sends, &n->conf.max_send))
		return true;
	drop(n, NHRP_DROP_SEND_LIMIT);
	log_limited(n->log, &n->limit, n->now, LOG_LV_WARN, "nhrp-send-limited", "ip nhrp max-send %u every %u is reached: packets are not sent",
	    (unsigned)n->conf.max_send.packets, (unsigned)n->conf.max_send.every_s);
	return false;
}

/* What was not said yet is said when the peer goes. */
void
rate_peer_gone(struct nhrp *n, struct peer *p)
{
	if (p->limited_unsaid)
		log_at(n->log, LOG_LV_WARN, "nhrp-rate-limited", "peer %u (%s) is gone: %llu more NHRP packets of it were dropped", (unsigned)p->id,
		    peer_name(p), (unsigned long long)p->limited_unsaid);
}

static struct nhrp_rate_info
info_of(const struct peer *p, tick_t now)
{
	return (struct nhrp_rate_info){ .peer = p->id, .identity = p->identity, .remote = p->remote, .received = p->received,
		.limited = p->limited, .last = p->limited_at, .now = p->limited_at && now - p->limited_at < TICK_S(NOW_S) };
}

bool
nhrp_peer_rate(const struct nhrp *n, uint32_t peer, tick_t now, struct nhrp_rate_info *out)
{
	const struct peer *p = peer_find(n, peer);

	if (p)
		*out = info_of(p, now);
	return p != NULL;
}

void
nhrp_visit_limited(const struct nhrp *n, tick_t now, nhrp_rate_fn *fn, void *ctx)
{
	struct map_iter it;

	for (struct map_node *m = map_first(&n->peers, &it); m; m = map_next(&n->peers, &it)) {
		const struct peer *p = container_of(m, struct peer, node);
		struct nhrp_rate_info i = info_of(p, now);

		if (p->limited && !fn(ctx, &i))
			return;
	}
}
