/* tools/bench/bareswarm.c: many spokes without protection in one process: NHRP registrations in clear GRE, by hand, so that any hub can be asked
 * (FRR's nhrpd has no IPsec of its own). Each spoke has an outer and a tunnel address, counting up; it registers again every INTERVAL seconds,
 * and every second while there is no answer. What comes besides replies (multicast) is counted. The process needs the range of outer addresses
 * for itself: in a namespace, `ip route add local 198.19.0.0/16 dev lo`.
 *
 *   bareswarm N OUTER OVERLAY HUB-OUTER HUB-OVERLAY KEY RATE INTERVAL HOLDTIME
 *
 * Says "registered N of N after MS ms" when all are; at SIGTERM "replies R refused F data D". */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX = 60000, ROOM = 16 << 20, GRE = 8, FIXED = 20, MANDATORY = 20, CIE = 12, PACKET = FIXED + MANDATORY + CIE, STEP_MS = 10,
	OP_REQUEST = 3, OP_REPLY = 4 };

struct bare_spoke {
	bool registered;
	int64_t next;	/* ms: registers again */
};

struct bare_swarm {
	unsigned n, started, registered;
	uint32_t outer, overlay, hub_outer, hub_overlay, key;	/* host order */
	unsigned rate, interval, hold;
	int fd;
	int64_t began;
	uint64_t replies, refused, data;
	struct bare_spoke spoke[MAX];
};

static volatile sig_atomic_t over;

static void
on_signal(int number)
{
	(void)number;
	over = 1;
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static unsigned
get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static unsigned
checksum(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += get16(p + i);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16)) & 0xffff;
}

static void
request(const struct bare_swarm *w, unsigned i, uint8_t *p)
{
	uint8_t *m = p + FIXED, *cie = m + MANDATORY;

	memset(p, 0, PACKET);
	put16(p, 1);	/* NBMA addresses are IPv4's, so are the others */
	put16(p + 2, 0x0800);
	p[9] = 255;
	put16(p + 10, PACKET);
	p[16] = 1;
	p[17] = OP_REQUEST;
	p[18] = 4;
	m[0] = m[1] = 4;
	put32(m + 4, i + 1);
	put32(m + 8, w->outer + i);
	put32(m + 12, w->overlay + i);
	put32(m + 16, w->hub_overlay);
	cie[1] = 32;
	put16(cie + 4, 1400);
	put16(cie + 6, w->hold);
	put16(p + 12, checksum(p, PACKET));
}

static void
enrol(struct bare_swarm *w, unsigned i, int64_t now)
{
	uint8_t buf[sizeof(struct iphdr) + GRE + PACKET] = { 0 };
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_GRE, .tot_len = htons(sizeof(buf)), .saddr = htonl(w->outer + i),
		.daddr = htonl(w->hub_outer) };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = ip.daddr };

	memcpy(buf, &ip, sizeof(ip));
	put16(buf + sizeof(ip), 0x2000);
	put16(buf + sizeof(ip) + 2, 0x2001);
	put32(buf + sizeof(ip) + 4, w->key);
	request(w, i, buf + sizeof(ip) + GRE);
	sendto(w->fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)(void *)&to, sizeof(to));
	w->spoke[i].next = now + (w->spoke[i].registered ? (int64_t)w->interval * 1000 : 1000);
}

static void
answer(struct bare_swarm *w, const uint8_t *p, size_t n)
{
	struct iphdr ip;
	const uint8_t *nhrp;
	unsigned i;
	size_t head;

	memcpy(&ip, p, sizeof(ip));
	head = ip.ihl * 4u + GRE;
	i = ntohl(ip.daddr) - w->outer;
	if (n < head + PACKET || i >= w->started || get16(p + head - 6) != 0x2001) {
		w->data += n >= head && i < w->started;
		return;
	}
	nhrp = p + head;
	if (nhrp[17] != OP_REPLY)
		return;
	w->replies++;
	if (nhrp[FIXED + MANDATORY] != 0) {
		w->refused++;
		return;
	}
	w->spoke[i].next = now_ms() + (int64_t)w->interval * 1000;
	w->registered += !w->spoke[i].registered;
	w->spoke[i].registered = true;
	if (w->registered == w->n && w->began) {
		printf("registered %u of %u after %lld ms\n", w->registered, w->n, (long long)(now_ms() - w->began));
		fflush(stdout);
		w->began = 0;
	}
}

static void
step(struct bare_swarm *w)
{
	int64_t now = now_ms();

	for (unsigned i = 0; i < w->rate * STEP_MS / 1000 + 1 && w->started < w->n; i++)
		enrol(w, w->started++, now);
	for (unsigned i = 0; i < w->started; i++) {
		if (w->spoke[i].next <= now)
			enrol(w, i, now);
	}
}

static void
run(struct bare_swarm *w)
{
	struct pollfd p = { .fd = w->fd, .events = POLLIN };
	uint8_t buf[2048];
	int64_t next = 0;

	w->began = now_ms();
	while (!over) {
		ssize_t got;

		if (now_ms() >= next) {
			step(w);
			next = now_ms() + STEP_MS;
		}
		poll(&p, 1, STEP_MS);
		for (unsigned i = 0; i < 256 && (got = recv(w->fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0; i++) {
			if ((size_t)got > sizeof(struct iphdr) + GRE)
				answer(w, buf, (size_t)got);
		}
	}
	printf("replies %llu refused %llu data %llu\n", (unsigned long long)w->replies, (unsigned long long)w->refused, (unsigned long long)w->data);
}

static bool
address(const char *text, uint32_t *out)
{
	struct in_addr a;

	if (inet_pton(AF_INET, text, &a) != 1)
		return false;
	*out = ntohl(a.s_addr);
	return true;
}

int
main(int argc, char **argv)
{
	static struct bare_swarm w;
	int one = 1, room = ROOM;

	if (argc != 10 || (w.n = (unsigned)atoi(argv[1])) == 0 || w.n > MAX || !address(argv[2], &w.outer) || !address(argv[3], &w.overlay) ||
	    !address(argv[4], &w.hub_outer) || !address(argv[5], &w.hub_overlay) || (w.rate = (unsigned)atoi(argv[7])) == 0 ||
	    (w.interval = (unsigned)atoi(argv[8])) == 0 || (w.hold = (unsigned)atoi(argv[9])) == 0) {
		fprintf(stderr, "usage: bareswarm N OUTER OVERLAY HUB-OUTER HUB-OVERLAY KEY RATE INTERVAL HOLDTIME\n");
		return 2;
	}
	w.key = (uint32_t)strtoul(argv[6], NULL, 0);
	w.fd = socket(AF_INET, SOCK_RAW, IPPROTO_GRE);
	if (w.fd < 0 || setsockopt(w.fd, IPPROTO_IP, IP_HDRINCL, &one, sizeof(one)) != 0) {
		perror("bareswarm");
		return 1;
	}
	setsockopt(w.fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	setsockopt(w.fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	run(&w);
	return w.registered == w.n ? 0 : 3;
}
