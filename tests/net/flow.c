/* tests/net/flow.c: measuring traffic for the namespace tests and the demo.
 *
 * `flow send` emits numbered, time-stamped UDP packets at a steady rate; `flow recv` says what became of them: lost,
 * doubled, reordered (how far, which packet the farthest, the last one by more than three places, after how much time), delays. Both ends run on one machine, so CLOCK_MONOTONIC is common and one-way delay
 * is exact. `flow tcp-send` and `flow tcp-recv` move a pseudo-random stream, which the receiver computes as well and
 * compares: a tunnel that damages or swaps bytes is found out. `flow raw` sends standard input as the payload of one IP
 * packet of any protocol: what an attacker would try. Results are one line of word=value pairs.
 *
 * No part of the product: nothing here is installed. */
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	SIZE_MAX_UDP = 1400, COUNT_MAX = 10 * 1000 * 1000, CHUNK = 128 * 1024,
	END_COPIES = 20,	/* the end marker may be lost like any packet */
	SETTLE_MS = 500,	/* how long after the end marker late packets still count */
	LATE = 3,	/* so many places are nothing to speak of */
	CONNECT_MS = 10000,
	BEHIND_MS = 100,	/* a sender that was not let run for so long goes on from there: no queue has to take in one burst what it missed */
};
static const uint32_t MAGIC = 0x6f646d66;
static const uint64_t NS = 1000000000;

struct head {	/* host order: both ends are this machine */
	uint32_t magic, end;	/* end: nothing more comes, seq is the number of packets sent */
	uint64_t seq, sent_ns;
};

struct opts {
	const char *host, *port;
	uint64_t count, rate, bytes;
	unsigned size, wait_s;
};

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "flow: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* A socket bound to the port (host NULL) or towards host; the address is left in *sa. */
static int
sock(const struct opts *o, int type, struct sockaddr_storage *sa, socklen_t *len)
{
	struct addrinfo hint = { .ai_family = o->host ? AF_UNSPEC : AF_INET6, .ai_socktype = type, .ai_flags = AI_PASSIVE | AI_NUMERICHOST };
	struct addrinfo *ai;
	int fd, rc, off = 0, on = 1, big = 8 << 20;

	rc = getaddrinfo(o->host, o->port, &hint, &ai);
	if (rc) {
		fprintf(stderr, "flow: %s port %s: %s\n", o->host ? o->host : "any", o->port, gai_strerror(rc));
		exit(2);
	}
	fd = socket(ai->ai_family, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (!o->host) {	/* one socket for both families */
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
		if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big)) && type == SOCK_DGRAM)
			setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof(big));
		if (bind(fd, ai->ai_addr, ai->ai_addrlen))
			die("bind");
	}
	memcpy(sa, ai->ai_addr, ai->ai_addrlen);
	*len = ai->ai_addrlen;
	freeaddrinfo(ai);
	return fd;
}

static int
udp_send(const struct opts *o)
{
	static uint8_t pkt[SIZE_MAX_UDP];
	struct sockaddr_storage sa;
	socklen_t len;
	struct head h = { .magic = MAGIC };
	uint64_t start, begun, errors = 0;
	int fd = sock(o, SOCK_DGRAM, &sa, &len), last = 0;

	start = begun = now_ns();
	for (uint64_t i = 0; i < o->count + END_COPIES; i++) {
		uint64_t due = start + i * NS / o->rate;
		struct timespec t = { (time_t)(due / NS), (long)(due % NS) };

		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
			;
		if (now_ns() > due + BEHIND_MS * 1000000ull)
			start += now_ns() - due;
		h.end = i >= o->count;
		h.seq = h.end ? o->count : i;
		h.sent_ns = now_ns();
		memcpy(pkt, &h, sizeof(h));
		if (sendto(fd, pkt, o->size, 0, (struct sockaddr *)&sa, len) < 0 && !h.end) {	/* shows as lost, too */
			errors++;
			last = errno;
		}
	}
	printf("sent=%llu send_errors=%llu seconds=%.3f\n", (unsigned long long)o->count, (unsigned long long)errors,
	    (double)(now_ns() - begun) / 1e9);
	if (errors)
		fprintf(stderr, "flow: sendto: %s\n", strerror(last));
	close(fd);
	return errors ? 1 : 0;
}

struct tally {
	uint8_t *seen;	/* bitmap by sequence number */
	uint64_t received, duplicates, reordered, distance, late_seq, late_last, late_ns, top, top_at, announced;
	uint64_t delay_first, delay_max, delay_min, gap_max, last_at, end_at;
	bool any, end;
};

static void
tally_packet(struct tally *t, const struct head *h, uint64_t at)
{
	uint64_t delay = at - h->sent_ns;

	if (h->end) {
		t->announced = h->seq;
		if (!t->end)
			t->end_at = at;
		t->end = true;
		return;
	}
	if (h->seq >= COUNT_MAX)
		return;
	if (t->seen[h->seq / 8] & (1u << h->seq % 8)) {
		t->duplicates++;
		return;
	}
	t->seen[h->seq / 8] |= (uint8_t)(1u << h->seq % 8);
	t->received++;
	if (!t->any)
		t->delay_first = t->delay_min = delay;
	else if (at - t->last_at > t->gap_max)
		t->gap_max = at - t->last_at;
	if (t->any && h->seq < t->top) {
		t->reordered++;
		if (t->top - h->seq > t->distance) {
			t->distance = t->top - h->seq;
			t->late_seq = h->seq;
		}
		if (t->top - h->seq > LATE && h->seq > t->late_last)
			t->late_last = h->seq;
		if (at - t->top_at > t->late_ns)
			t->late_ns = at - t->top_at;
	} else {
		t->top = h->seq;
		t->top_at = at;
	}
	if (delay > t->delay_max)
		t->delay_max = delay;
	if (delay < t->delay_min)
		t->delay_min = delay;
	t->any = true;
	t->last_at = at;
}

static int
tally_print(const struct tally *t)
{
	uint64_t sent = t->end ? t->announced : t->top + 1, lost = 0, burst = 0, run = 0, first = 0;

	for (uint64_t i = 0; i < sent && t->any; i++) {
		run = t->seen[i / 8] & (1u << i % 8) ? 0 : run + 1;
		if (run == 1 && !lost)
			first = i;
		lost += run > 0;
		burst = run > burst ? run : burst;
	}
	printf("received=%llu lost=%llu lost_first=%llu lost_run=%llu duplicates=%llu reordered=%llu distance=%llu late_seq=%llu late_last=%llu late_us=%llu ", (unsigned long long)t->received,
	    (unsigned long long)lost, (unsigned long long)first, (unsigned long long)burst, (unsigned long long)t->duplicates,
	    (unsigned long long)t->reordered, (unsigned long long)t->distance,
	    (unsigned long long)t->late_seq, (unsigned long long)t->late_last, (unsigned long long)t->late_ns / 1000);
	printf("first_us=%llu min_us=%llu max_us=%llu gap_us=%llu end=%d\n", (unsigned long long)t->delay_first / 1000,
	    (unsigned long long)t->delay_min / 1000, (unsigned long long)t->delay_max / 1000, (unsigned long long)t->gap_max / 1000, t->end);
	return t->end && !lost ? 0 : 1;
}

static int
udp_recv(const struct opts *o)
{
	struct sockaddr_storage sa;
	socklen_t len;
	struct tally t = { .seen = calloc(1, COUNT_MAX / 8 + 1) };
	struct pollfd p = { .fd = sock(o, SOCK_DGRAM, &sa, &len), .events = POLLIN };
	uint8_t pkt[2048];
	struct head h;
	int rc;

	if (!t.seen)
		die("memory");
	printf("listening\n");
	fflush(stdout);
	while (!t.end || now_ns() - t.end_at < (uint64_t)SETTLE_MS * 1000000) {
		int n = poll(&p, 1, t.end ? SETTLE_MS : (int)o->wait_s * 1000);

		if (n < 0 && errno != EINTR)
			die("poll");
		if (n == 0)
			break;
		if (recv(p.fd, pkt, sizeof(pkt), MSG_DONTWAIT) < (ssize_t)sizeof(h))
			continue;
		memcpy(&h, pkt, sizeof(h));
		if (h.magic == MAGIC)
			tally_packet(&t, &h, now_ns());
	}
	rc = tally_print(&t);
	free(t.seen);
	close(p.fd);
	return rc;
}

/* xorshift64*: the same stream on both ends */
static void
fill(uint64_t *state, uint64_t *to, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		*state ^= *state >> 12;
		*state ^= *state << 25;
		*state ^= *state >> 27;
		to[i] = *state * 2685821657736338717ull;
	}
}

static int
tcp_send(const struct opts *o)
{
	static uint64_t buf[CHUNK / 8];
	struct sockaddr_storage sa;
	socklen_t len;
	uint64_t state = 42, left = o->bytes, until = now_ns() + (uint64_t)CONNECT_MS * 1000000;
	int fd;

	for (;;) {	/* the receiver may be a moment behind */
		fd = sock(o, SOCK_STREAM, &sa, &len);
		if (!connect(fd, (struct sockaddr *)&sa, len))
			break;
		if (now_ns() > until)
			die("connect");
		close(fd);
		poll(NULL, 0, 50);
	}
	while (left) {
		size_t n = left < CHUNK ? left : CHUNK, done = 0;

		fill(&state, buf, CHUNK / 8);
		while (done < n) {
			ssize_t w = send(fd, (uint8_t *)buf + done, n - done, MSG_NOSIGNAL);

			if (w < 0)
				die("send");
			done += (size_t)w;
		}
		left -= n;
	}
	shutdown(fd, SHUT_WR);
	if (recv(fd, buf, 1, 0) != 1)	/* the receiver's word that it has all */
		die("no confirmation");
	close(fd);
	return 0;
}

static int
tcp_recv(const struct opts *o)
{
	static uint64_t buf[CHUNK / 8], want[CHUNK / 8];
	struct sockaddr_storage sa;
	socklen_t len;
	uint64_t state = 42, got = 0, start, took;
	int ls = sock(o, SOCK_STREAM, &sa, &len), fd;
	struct pollfd p = { .fd = ls, .events = POLLIN };
	struct timeval tv = { .tv_sec = o->wait_s };
	bool damaged = false;
	ssize_t n = 1;

	if (listen(ls, 1))
		die("listen");
	printf("listening\n");
	fflush(stdout);
	if (poll(&p, 1, (int)o->wait_s * 1000) <= 0 || (fd = accept(ls, NULL, NULL)) < 0)
		die("accept");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	start = now_ns();
	while (n > 0) {
		size_t done = 0;

		while (done < CHUNK && (n = recv(fd, (uint8_t *)buf + done, CHUNK - done, 0)) > 0)
			done += (size_t)n;
		if (n < 0)
			die("recv");
		fill(&state, want, CHUNK / 8);
		damaged |= memcmp(buf, want, done) != 0;
		got += done;
	}
	took = now_ns() - start;
	if (send(fd, "k", 1, MSG_NOSIGNAL) != 1)
		die("confirm");
	printf("bytes=%llu seconds=%.3f mbit=%.0f %s\n", (unsigned long long)got, (double)took / 1e9, (double)got * 8e3 / (double)took,
	    damaged ? "damaged" : "intact");
	close(fd);
	close(ls);
	return damaged ? 1 : 0;
}

/* The "port" is the IP protocol number. */
static int
raw_send(const struct opts *o)
{
	struct addrinfo hint = { .ai_flags = AI_NUMERICHOST }, *ai;
	uint8_t pkt[2048];
	size_t n = fread(pkt, 1, sizeof(pkt), stdin);
	int fd, rc = getaddrinfo(o->host, NULL, &hint, &ai);

	if (rc) {
		fprintf(stderr, "flow: %s: %s\n", o->host, gai_strerror(rc));
		return 2;
	}
	fd = socket(ai->ai_family, SOCK_RAW | SOCK_CLOEXEC, atoi(o->port));
	if (fd < 0 || sendto(fd, pkt, n, 0, ai->ai_addr, ai->ai_addrlen) != (ssize_t)n)
		die("raw");
	freeaddrinfo(ai);
	close(fd);
	return 0;
}

static const struct verb {
	const char *name;
	bool host;
	int (*run)(const struct opts *);
} verbs[] = {
	{ "send", true, udp_send }, { "recv", false, udp_recv },
	{ "tcp-send", true, tcp_send }, { "tcp-recv", false, tcp_recv },
	{ "raw", true, raw_send },
};

static int
usage(void)
{
	fputs("usage: flow send HOST PORT [-n COUNT] [-r RATE] [-s SIZE]\n"
	    "       flow recv PORT [-w SECONDS]        (gives up after SECONDS of silence)\n"
	    "       flow tcp-send HOST PORT [-b BYTES]\n"
	    "       flow tcp-recv PORT [-w SECONDS]\n"
	    "       flow raw HOST PROTOCOL < payload\n", stderr);
	return 2;
}

int
main(int argc, char **argv)
{
	struct opts o = { .count = 1000, .rate = 1000, .bytes = 10 << 20, .size = 200, .wait_s = 10 };
	const struct verb *v = NULL;
	int c;

	while ((c = getopt(argc, argv, "n:r:s:b:w:")) != -1) {
		switch (c) {
		case 'n': o.count = strtoull(optarg, NULL, 10); break;
		case 'r': o.rate = strtoull(optarg, NULL, 10); break;
		case 's': o.size = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'b': o.bytes = strtoull(optarg, NULL, 10); break;
		case 'w': o.wait_s = (unsigned)strtoul(optarg, NULL, 10); break;
		default: return usage();
		}
	}
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]) && optind < argc; i++)
		if (!strcmp(argv[optind], verbs[i].name))
			v = &verbs[i];
	if (!v || argc - optind != (v->host ? 3 : 2) || !o.rate || o.count > COUNT_MAX || o.size < sizeof(struct head) || o.size > SIZE_MAX_UDP)
		return usage();
	o.host = v->host ? argv[optind + 1] : NULL;
	o.port = argv[argc - 1];
	return v->run(&o);
}
