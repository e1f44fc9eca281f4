/* tests/net/spoof.c: first messages of IKE from ever other addresses, none of which exists: what an attacker can send who sees no
 * answers. Each is well formed, with an offer that is taken, its own SPI, nonce and key exchange value.
 *
 *	spoof TO COUNT PER-SECOND PREFIX/BITS
 *
 * No part of the product: nothing here is installed. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ikecore/wire/ike_msg.h"
#include "lib/addr.h"

enum { HEAD = sizeof(struct ip) + sizeof(struct udphdr), MSG_MAX = 1024, KE_LEN = 32, NONCE_LEN = 32 };

static size_t
message(uint8_t *out)
{
	static const struct ike_xform xf[] = {
		{ .type = IKE_T_ENCR, .id = IKE_ENCR_AES_GCM_16, .key_bits = 256 }, { .type = IKE_T_PRF, .id = IKE_PRF_HMAC_SHA2_384 },
		{ .type = IKE_T_KE, .id = IKE_KE_CURVE25519 },
	};
	struct ike_prop prop = { .num = 1, .proto = IKE_PROTO_IKE, .n = 3 };
	struct ike_hdr h = { .version = IKE_VERSION_2, .exchange = IKE_SA_INIT, .flags = IKE_FLAG_INITIATOR };
	uint8_t noise[8 + KE_LEN + NONCE_LEN];
	struct wr w = wr_of(out, MSG_MAX);
	struct ike_build b;

	if (getrandom(noise, sizeof(noise), 0) != (ssize_t)sizeof(noise))
		exit(1);
	memcpy(&h.spi_i, noise, 8);
	h.spi_i |= 1;
	ike_build_start(&b, &w, &h);
	ike_build_sa(&b, &prop, 1, xf);
	ike_build_ke(&b, IKE_KE_CURVE25519, span_of(noise + 8, KE_LEN));
	ike_build_nonce(&b, span_of(noise + 8 + KE_LEN, NONCE_LEN));
	return ike_build_end(&b);
}

static void
send_one(int fd, const struct sockaddr_in *to, uint32_t net, uint32_t mask, unsigned long *sent)
{
	uint8_t buf[HEAD + MSG_MAX];
	size_t n = message(buf + HEAD);
	struct ip ip = { .ip_hl = 5, .ip_v = 4, .ip_ttl = 64, .ip_p = IPPROTO_UDP, .ip_dst = to->sin_addr };
	struct udphdr udp = { .source = htons(500), .dest = htons(500), .len = htons((uint16_t)(sizeof(udp) + n)) };
	uint32_t host = 0;

	if (getrandom(&host, sizeof(host), 0) != (ssize_t)sizeof(host))
		exit(1);
	ip.ip_src.s_addr = htonl((net & mask) | (host & ~mask));
	ip.ip_len = htons((uint16_t)(HEAD + n));
	memcpy(buf, &ip, sizeof(ip));
	memcpy(buf + sizeof(ip), &udp, sizeof(udp));
	while (sendto(fd, buf, HEAD + n, 0, (const struct sockaddr *)to, sizeof(*to)) < 0) {
		if (errno != ENOBUFS && errno != EAGAIN)
			exit(1);
		usleep(100);
	}
	(*sent)++;
}

int
main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	unsigned long count, rate, sent = 0;
	struct timespec start, t;
	struct prefix from;
	uint32_t mask;
	int fd;

	if (argc != 5 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 || !prefix_parse(argv[4], &from) || from.addr.n != 4) {
		fprintf(stderr, "usage: spoof TO COUNT PER-SECOND PREFIX/BITS\n");
		return 2;
	}
	count = strtoul(argv[2], NULL, 10);
	rate = strtoul(argv[3], NULL, 10);
	mask = from.bits ? 0xffffffffu << (32 - from.bits) : 0;
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (fd < 0 || rate == 0) {
		perror("spoof: raw socket");
		return 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &start);
	while (sent < count) {
		double passed;

		clock_gettime(CLOCK_MONOTONIC, &t);
		passed = (double)(t.tv_sec - start.tv_sec) + (double)(t.tv_nsec - start.tv_nsec) / 1e9;
		if ((double)sent > passed * (double)rate)
			usleep(500);
		else
			send_one(fd, &to, get_be32(from.addr.b), mask, &sent);
	}
	clock_gettime(CLOCK_MONOTONIC, &t);
	printf("sent=%lu seconds=%.2f\n", sent, (double)(t.tv_sec - start.tv_sec) + (double)(t.tv_nsec - start.tv_nsec) / 1e9);
	close(fd);
	return 0;
}
