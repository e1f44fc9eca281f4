/* tests/net/feeder: a routing protocol that does nothing but have routes. Debian's FRR has no sharpd.
 *
 *   feeder ZSERV RELEASE DEVICE VIA
 *
 * A client of zebra as RIP's daemon would be. Each line of standard input is `add N` or `del N`: N routes, 20.0.0.0/32 and on, by VIA on DEVICE;
 * each is answered by a line when all of it was written. zebra takes its routes away when it ends. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "routing/zapi.h"

enum { CHUNK = 65536, FIRST = 20u << 24, TYPE_AT = ZAPI_HEADER };

struct feeder {
	int fd;
	const struct zapi_version *v;
	struct zapi_route route;
	uint8_t out[CHUNK];
};

/* zapi.c writes NHRP's own type; this is another one. */
static void
disguise(const struct feeder *f, uint8_t *message)
{
	message[TYPE_AT] = zapi_type_number(f->v, ZAPI_RT_RIP);
}

/* zebra's notes are read all the time: it keeps for us what we do not read. */
static bool
write_all(struct feeder *f, size_t n)
{
	static uint8_t in[CHUNK];
	size_t at = 0;

	while (at < n) {
		struct pollfd p = { .fd = f->fd, .events = POLLIN | POLLOUT };
		ssize_t did;

		if (poll(&p, 1, -1) < 0)
			return false;
		if (p.revents & POLLIN && recv(f->fd, in, sizeof(in), MSG_DONTWAIT) == 0)
			return false;
		did = p.revents & POLLOUT ? send(f->fd, f->out + at, n - at, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
		if (did < 0 && errno != EAGAIN)
			return false;
		at += did > 0 ? (size_t)did : 0;
	}
	return true;
}

static bool
feed(struct feeder *f, bool add, unsigned n)
{
	struct wr w = wr_of(f->out, sizeof(f->out));

	for (unsigned i = 0; i < n; i++) {
		struct wr before = w;
		uint32_t a = FIRST + i;
		uint8_t b[4] = { (uint8_t)(a >> 24), (uint8_t)(a >> 16), (uint8_t)(a >> 8), (uint8_t)a };

		f->route.dst = (struct prefix){ addr_of(b, 4), 32 };
		if (add)
			zapi_put_route(&w, f->v, &f->route);
		else
			zapi_put_route_del(&w, f->v, &f->route.dst);
		if (w.bad) {
			if (!write_all(f, wr_len(&before)))
				return false;
			w = wr_of(f->out, sizeof(f->out));
			i--;
			continue;
		}
		disguise(f, f->out + wr_len(&before));
	}
	return write_all(f, wr_len(&w));
}

static bool
greet(struct feeder *f)
{
	struct wr w = wr_of(f->out, sizeof(f->out));

	zapi_put_hello(&w, f->v);
	disguise(f, f->out);
	return write_all(f, wr_len(&w));
}

static int
dial(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	return fd >= 0 && connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0 ? fd : -1;
}

static bool
prepare(struct feeder *f, char **argv)
{
	int version = zapi_version_of(argv[2]);
	struct addr via;

	if (version < 0 || !addr_parse(argv[4], &via)) {
		fprintf(stderr, "feeder: no such release or address\n");
		return false;
	}
	f->v = &zapi_versions[version];
	f->route = (struct zapi_route){ .n_nexthop = 1,
		.nexthop = { .type = ZAPI_NH_IPV4_IFINDEX, .via = via, .ifindex = if_nametoindex(argv[3]) } };
	if ((f->fd = dial(argv[1])) >= 0 && greet(f))
		return true;
	fprintf(stderr, "feeder: %s: %s\n", argv[1], strerror(errno));
	return false;
}

int
main(int argc, char **argv)
{
	static struct feeder f;
	char line[64], what[8];
	unsigned n;

	if (argc != 5) {
		fprintf(stderr, "usage: feeder ZSERV RELEASE DEVICE VIA\n");
		return 2;
	}
	if (!prepare(&f, argv))
		return 1;
	for (;;) {
		struct pollfd p[2] = { { .fd = 0, .events = POLLIN }, { .fd = f.fd, .events = POLLIN } };

		if (poll(p, 2, -1) < 0)
			return 1;
		if (p[1].revents && recv(f.fd, f.out, sizeof(f.out), MSG_DONTWAIT) == 0)
			return 1;
		if (!p[0].revents)
			continue;
		if (!fgets(line, sizeof(line), stdin))
			return 0;
		if (sscanf(line, "%7s %u", what, &n) != 2 || !feed(&f, strcmp(what, "add") == 0, n))
			return 1;
		puts("done");
		fflush(stdout);
	}
}
