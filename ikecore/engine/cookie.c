/* ikecore/engine/cookie.c: who gets a half-open record, and unprotected answers (RFC 7296 2.6, 2.21; DoS rules).
 *
 * Below the threshold a first message is taken as it is. Above it, or when one address (a cell of addresses, counted by a
 * keyed hash in fixed memory) has several half-open, or more is being computed for strangers than may be at a time, the
 * sender must return a stateless cookie first: no address is ever locked out, so many spokes behind one NAT only pay a
 * round trip. At the hard bound the oldest record that came without a cookie makes room for one that has it. Nothing here
 * allocates or computes more than one HMAC per message.
 *
 * Every answer in clear is rate-limited, goes only to an address that names one host, and is not larger than what it
 * answers: 28 octets of header and one small notify against a header and an SA payload. */
#include "ikecore/engine/ike_priv.h"

void
ike_cookie_init(struct ike *k)
{
	k->env.env.random(k->env.env.ctx, k->cookie_secret, sizeof(k->cookie_secret));
	k->cookie_at = 0;
}

static void
rotate(struct ike *k)
{
	if (k->cookie_at && k->now - k->cookie_at < IKE_COOKIE_ROTATE)
		return;
	k->cookie_version++;
	memcpy(k->cookie_secret[1], k->cookie_secret[0], IKE_COOKIE_SECRET_LEN);
	k->env.env.random(k->env.env.ctx, k->cookie_secret[0], IKE_COOKIE_SECRET_LEN);
	k->cookie_at = k->now ? k->now : 1;
}

/* version | HMAC(secret, Ni, address, port, SPIi) */
static bool
cookie_make(const struct ike *k, unsigned age, const struct ike_rx *rx, const struct ike_msg *m, uint8_t out[static 1 + IKE_COOKIE_MAC_LEN])
{
	out[0] = (uint8_t)(k->cookie_version - age);
	return ike_cookie_mac(k->cookie_secret[age], m->nonce, &rx->remote, m->hdr.spi_i, out + 1);
}

static bool
cookie_good(const struct ike *k, const struct ike_rx *rx, const struct ike_msg *m, struct span cookie)
{
	uint8_t want[1 + IKE_COOKIE_MAC_LEN];

	if (cookie.n != sizeof(want))
		return false;
	for (unsigned age = 0; age < 2; age++) {
		if ((uint8_t)(k->cookie_version - age) == cookie.p[0] && cookie_make(k, age, rx, m, want) &&
		    ike_ct_eq(want, cookie.p, sizeof(want)))
			return true;
	}
	return false;
}

unsigned
ike_addr_cell(const struct ike *k, const struct addr *a)
{
	return (unsigned)(map_hash(&k->addr_key, a->b, a->n) % IKE_ADDR_CELLS);
}

enum ike_admit
ike_admission(struct ike *k, const struct ike_rx *rx, const struct ike_msg *m)
{
	const struct ike_notify *c = ike_msg_notify(m, IKE_N_COOKIE);
	uint32_t threshold = k->conf->cookie_threshold, max = k->conf->half_open_max;
	bool proven;

	rotate(k);
	proven = c && cookie_good(k, rx, m, c->data);
	if ((k->n_half >= max && !(proven && k->half_old[0])) || (ike_job_crowded(k) && !ike_job_knows(k, &rx->remote.addr)))
		return proven ? IKE_ADMIT_FULL : IKE_ADMIT_COOKIE;
	if (proven)
		return IKE_ADMIT_PROVEN;
	if (k->n_half >= threshold || k->addr_half[ike_addr_cell(k, &rx->remote.addr)] >= IKE_ADDR_HALF)
		return c ? IKE_ADMIT_BAD : IKE_ADMIT_COOKIE;
	return IKE_ADMIT;	/* a cookie nobody asked for is from before: fine */
}

bool
ike_may_answer_clear(struct ike *k, const struct ike_rx *rx)
{
	return addr_is_unicast(&rx->remote.addr) && rx->remote.port != 0 && !endpoint_eq(&rx->remote, &rx->local) &&
	    outq_room(k->out, 1, 256);
}

static void
send_clear(struct ike *k, const struct ike_rx *rx, const struct ike_hdr *h, uint8_t proto, uint16_t type, struct span data)
{
	uint8_t buf[IKE_HDR_LEN + 8 + IKE_COOKIE_MAX + 8];
	struct wr w = wr_of(buf, sizeof(buf));
	struct ike_hdr o = { .spi_i = h->spi_i, .spi_r = h->spi_r, .version = IKE_VERSION_2, .exchange = h->exchange, .mid = h->mid };
	struct ike_build b;

	o.flags = (uint8_t)(IKE_FLAG_RESPONSE | (h->flags & IKE_FLAG_INITIATOR ? 0 : IKE_FLAG_INITIATOR));
	ike_build_start(&b, &w, &o);
	ike_build_notify(&b, proto, span_of("", 0), type, data);
	if (ike_build_end(&b) == 0)
		return;
	k->exchanges[1][h->exchange]++;
	ike_send(k, &rx->local, &rx->remote, wr_span(&w));
}

void
ike_cookie_send(struct ike *k, const struct ike_rx *rx, const struct ike_msg *m)
{
	uint8_t cookie[1 + IKE_COOKIE_MAC_LEN];

	if (rx->packet.n > IKE_HDR_LEN + IKE_PL_HDR_LEN + 4u + sizeof(cookie) && ike_may_answer_clear(k, rx) && cookie_make(k, 0, rx, m, cookie))
		send_clear(k, rx, &m->hdr, IKE_PROTO_NONE, IKE_N_COOKIE, span_of(cookie, sizeof(cookie)));
}

void
ike_refuse_clear(struct ike *k, const struct ike_rx *rx, const struct ike_hdr *h, uint8_t proto, uint16_t type, struct span data)
{
	if (rx->packet.n >= IKE_HDR_LEN + IKE_PL_HDR_LEN + 4u + data.n && ike_may_answer_clear(k, rx))
		send_clear(k, rx, h, proto, type, data);
}

/* ESP for an SA we do not have: we were started anew, say, at least what concerns this tunnel. One message in clear (RFC 7296 1.5)
 * that nobody answers; SPIs of its own mean nothing. */
void
ike_invalid_spi_send(struct ike *k, const struct endpoint *local, const struct endpoint *remote, uint32_t spi)
{
	struct ike_rx rx = { .local = *local, .remote = *remote };
	struct ike_hdr h = { .spi_i = env_random64(&k->env.env) | 1, .spi_r = env_random64(&k->env.env) | 1, .version = IKE_VERSION_2,
		.exchange = IKE_INFORMATIONAL, .flags = IKE_FLAG_INITIATOR };
	uint8_t buf[IKE_HDR_LEN + 16], octets[4];
	struct wr w = wr_of(buf, sizeof(buf));
	struct ike_build b;

	if (!remote->port)
		rx.local.port = rx.remote.port = 500;	/* native ESP */
	if (!ike_may_answer_clear(k, &rx) || !bucket_take(&k->unknown_spi, k->now, 20, 40))
		return;
	put_be32(octets, spi);
	ike_build_start(&b, &w, &h);
	ike_build_notify(&b, IKE_PROTO_NONE, span_of("", 0), IKE_N_INVALID_SPI, span_of(octets, 4));
	if (ike_build_end(&b) == 0)
		return;
	k->exchanges[1][h.exchange]++;
	ike_send(k, &rx.local, &rx.remote, wr_span(&w));
}
