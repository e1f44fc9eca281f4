/* tools/bench/flood.c: what a hub has to stand: first messages of IKE from ever other addresses, which nobody will follow up, and
 * spokes that register without end.
 *
 * The former are copies of one that a spoke made, with another SPI, nonce and source each; the latter are a spoke's last registration
 * under a new request id, sealed with its SA like any other. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/bench/swarm.h"

enum { STEP_MAX = 4096 /* messages at one go */ };

bool
flood_open(struct swarm *w, char *err, size_t n)
{
	w->raw = -1;
	if (!w->o.flood_init)
		return true;
	if (w->o.flood_from.addr.n != 4) {
		snprintf(err, n, "--flood-init needs --flood-from, an IPv4 prefix");
		return false;
	}
	w->raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
	if (w->raw >= 0)
		return true;
	snprintf(err, n, "raw socket: %s", strerror(errno));
	return false;
}

void
flood_close(struct swarm *w)
{
	if (w->raw >= 0)
		close(w->raw);
}

static uint32_t
random32(struct swarm *w)
{
	return env_random32(&w->loop.env);
}

static void
send_init(struct swarm *w)
{
	uint32_t net = get_be32(w->o.flood_from.addr.b), mask = w->o.flood_from.bits ? 0xffffffffu << (32 - w->o.flood_from.bits) : 0;
	uint8_t buf[sizeof(struct ip) + sizeof(struct udphdr) + sizeof(w->init)] = { 0 };
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct ip ip = { .ip_hl = 5, .ip_v = 4, .ip_ttl = 64, .ip_p = IPPROTO_UDP };
	struct udphdr udp = { .source = htons((uint16_t)(1024 + random32(w) % 60000)), .dest = htons(w->init_to.port) };
	size_t n = sizeof(ip) + sizeof(udp) + w->init_len;

	memcpy(&to.sin_addr, w->init_to.addr.b, 4);
	ip.ip_src.s_addr = htonl((net & mask) | (random32(w) & ~mask));
	ip.ip_dst = to.sin_addr;
	ip.ip_len = htons((uint16_t)n);
	udp.len = htons((uint16_t)(sizeof(udp) + w->init_len));
	memcpy(buf, &ip, sizeof(ip));
	memcpy(buf + sizeof(ip), &udp, sizeof(udp));
	memcpy(buf + sizeof(ip) + sizeof(udp), w->init, w->init_len);
	put_be32(buf + sizeof(ip) + sizeof(udp), random32(w));
	put_be32(buf + sizeof(ip) + sizeof(udp) + 4, random32(w) | 1);
	if (sendto(w->raw, buf, n, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) == (ssize_t)n)
		w->flood_sent++;
	else
		w->flood_failed++;
}

/* A registration as it is: the hub sees the same request again and again, which is what a client that hears no answer sends. */
static void
send_registration(struct swarm *w)
{
	struct spoke *s = w->n_started ? w->spoke[w->flood_next++ % w->n_started] : NULL;
	size_t head = gre_size(&w->gre);
	struct dpsec_pkt pkt;

	if (!s || !s->up || !s->reg_len)
		return;
	w->out.slot(w->out.ctx, &pkt);
	gre_put(&w->gre, GRE_NHRP, pkt.p);
	memcpy(pkt.p + head, s->reg, s->reg_len);
	pkt.n = head + s->reg_len;
	if (w->out.seal(w->out.ctx, s->index + 1, s->reg_peer, &pkt))
		w->flood_sent++;
	else
		w->flood_failed++;
}

void
flood_step(struct swarm *w, double seconds)
{
	double init = w->o.flood_init * seconds, reg = w->o.flood_register * seconds;

	for (unsigned i = 0; i < init && i < STEP_MAX && w->init_len; i++)
		send_init(w);
	for (unsigned i = 0; i < reg && i < STEP_MAX; i++)
		send_registration(w);
	w->out.flush(w->out.ctx);
}
