/* The packet filter's rules in the real kernel, in a network namespace made for each test (check forks): with packets. Each kind that
 * this machine has; skips where it has none. The device is a veth with the tunnel's name. */
#include <netinet/in.h>	/* before those of the kernel */

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mgre/guard_priv.h"
#include "mgre/nftmsg.h"
#include "tests/net/poll_host.h"
#include "tests/unit/mgre/mgre_test.h"

static const struct guard_want want = { .name = "tun0", .has_key = true, .key = 42, .mss4 = 1200, .mss6 = 1100 };

static bool
in_namespace(void)
{
	if ((getuid() != 0 && unshare(CLONE_NEWUSER) != 0) || unshare(CLONE_NEWNET) != 0 || system("ip link add tun0 type veth peer name far 2>/dev/null") != 0) {
		printf("skipped: cannot make a network namespace with a veth pair here\n");
		return false;
	}
	ck_assert_int_eq(system("ip addr add 10.9.0.1/24 dev tun0 && ip addr add fd09::1/64 dev tun0 nodad && ip link set lo up && ip link set tun0 up && ip link set far up && "
				"ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev tun0 && ip neigh add fd09::2 lladdr 02:00:00:00:00:02 dev tun0"), 0);
	return true;
}

static struct test_env te;

static void *
opened(const struct guard_kind *kind)
{
	void *k;

	test_env_init(&te);
	k = in_namespace() ? kind->open(&te.env) : NULL;

	if (k && kind->probe(k) != 0) {
		printf("skipped: no %s here\n", kind->word);
		kind->close(k);
		k = NULL;
	}
	return k;
}

/* ---- what comes out at the far end of the wire */

static int
far_end(void)
{
	struct sockaddr_ll a = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex("far") };
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	ck_assert(fd >= 0 && bind(fd, (struct sockaddr *)(void *)&a, sizeof(a)) == 0);
	return fd;
}

enum { NONE_MS = 200, SOON_MS = 10000 };	/* to be sure that nothing comes; what has to come may take its time */

/* The next packet of this protocol; 0: none comes. */
static size_t
within(int fd, uint8_t proto, uint8_t *buf, size_t n, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct sockaddr_ll from;
	socklen_t len = sizeof(from);
	ssize_t got;

	while (poll(&p, 1, ms) > 0) {
		while ((got = recvfrom(fd, buf, n, 0, (struct sockaddr *)(void *)&from, &len)) > 0) {
			if (from.sll_pkttype != PACKET_OUTGOING && buf[buf[0] >> 4 == 6 ? 6 : 9] == proto)
				return (size_t)got;
		}
	}
	return 0;
}

static size_t
next_of(int fd, uint8_t proto, uint8_t *buf, size_t n)
{
	return within(fd, proto, buf, n, NONE_MS);
}

static size_t
soon(int fd, uint8_t proto, uint8_t *buf, size_t n)
{
	return within(fd, proto, buf, n, SOON_MS);
}

static void
send_gre(uint16_t flags, uint32_t key)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = inet_addr("10.9.0.2") };
	uint8_t gre[40] = { (uint8_t)(flags >> 8), 0, 0x08 };
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_GRE);

	put_be32(gre + (flags & 0x8000 ? 8 : 4), key);
	ck_assert_int_ge(fd, 0);
	sendto(fd, gre, sizeof(gre), 0, (struct sockaddr *)(void *)&to, sizeof(to));	/* refused or not */
	close(fd);
}

/* From the far end to us; a raw socket says whether it came. */
static bool
gre_comes_in(uint16_t flags, uint32_t key, int ms)
{
	struct sockaddr_ll a = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = (int)if_nametoindex("far"), .sll_halen = 6 };
	uint8_t p[60] = { 0x45, 0, 0, 60, 0, 0, 0, 0, 64, 47, 0, 0, 10, 9, 0, 2, 10, 9, 0, 1, (uint8_t)(flags >> 8), 0, 0x08 }, in[100];
	int out = socket(AF_PACKET, SOCK_DGRAM, 0), raw = socket(AF_INET, SOCK_RAW, IPPROTO_GRE);
	struct pollfd w = { .fd = raw, .events = POLLIN };
	uint32_t sum = 0;
	struct ifreq hw = { .ifr_name = "tun0" };
	bool came;

	ck_assert_int_eq(ioctl(raw, SIOCGIFHWADDR, &hw), 0);
	memcpy(a.sll_addr, hw.ifr_hwaddr.sa_data, 6);
	put_be32(p + 20 + (flags & 0x8000 ? 8 : 4), key);
	for (unsigned i = 0; i < 20; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	put_be16(p + 10, (uint16_t)~sum);
	ck_assert_int_eq(sendto(out, p, sizeof(p), 0, (struct sockaddr *)(void *)&a, sizeof(a)), sizeof(p));
	came = poll(&w, 1, ms) > 0 && recv(raw, in, sizeof(in), 0) > 0;
	close(out);
	close(raw);
	return came;
}

static unsigned
mss_of_syn(int fd, bool v6)
{
	struct sockaddr_in to4 = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = inet_addr("10.9.0.2") };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	int s = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	uint8_t p[200];
	size_t n, tcp = v6 ? 40 : 20;

	inet_pton(AF_INET6, "fd09::2", &to6.sin6_addr);
	connect(s, v6 ? (struct sockaddr *)(void *)&to6 : (struct sockaddr *)(void *)&to4, v6 ? sizeof(to6) : sizeof(to4));
	n = soon(fd, IPPROTO_TCP, p, sizeof(p));
	close(s);
	ck_assert_uint_gt(n, tcp + 24);
	ck_assert_msg(p[tcp + 13] == 0x02 && p[tcp + 20] == 2 && p[tcp + 21] == 4, "a SYN, its MSS first");
	return (unsigned)(p[tcp + 22] << 8 | p[tcp + 23]);
}

/* ---- what both kinds do */

static void
locks(const struct guard_kind *kind)
{
	void *k = opened(kind);
	struct guard_seen s;
	uint8_t p[100];
	int fd;

	if (!k)
		return;
	fd = far_end();
	send_gre(0x2000, 42);
	ck_assert_msg(soon(fd, 47, p, sizeof(p)) > 0, "without rules GRE leaves: the test can see it");
	ck_assert(gre_comes_in(0x2000, 42, SOON_MS));
	ck_assert_int_eq(kind->set(k, &want), 0);
	send_gre(0x2000, 42);
	send_gre(0xa000, 42);	/* with a checksum */
	ck_assert_uint_eq(next_of(fd, 47, p, sizeof(p)), 0);
	ck_assert(!gre_comes_in(0x2000, 42, NONE_MS));
	ck_assert(!gre_comes_in(0xa000, 42, NONE_MS));
	send_gre(0x2000, 43);
	ck_assert_msg(soon(fd, 47, p, sizeof(p)) > 0, "another tunnel's key is none of ours");
	send_gre(0, 42);
	ck_assert_msg(soon(fd, 47, p, sizeof(p)) > 0, "nor is GRE without one");
	ck_assert(gre_comes_in(0x2000, 43, SOON_MS));
	ck_assert_int_eq(kind->look(k, "tun0", &s), 0);
	ck_assert_uint_eq(s.count.clear_out, 2);
	ck_assert_uint_eq(s.count.clear_in, 2);
	ck_assert_int_eq(kind->del(k, "tun0"), 0);
	send_gre(0x2000, 42);
	ck_assert(soon(fd, 47, p, sizeof(p)) > 0);
	ck_assert_int_eq(kind->del(k, "tun0"), 0);
	close(fd);
	kind->close(k);
}

static void
locks_without_key(const struct guard_kind *kind)
{
	struct guard_want w = { .name = "tun0", .source = { 4, { 10, 9, 0, 1 } } };
	void *k = opened(kind);
	uint8_t p[100];
	int fd;

	if (!k)
		return;
	fd = far_end();
	ck_assert_int_eq(kind->set(k, &w), 0);
	send_gre(0, 0);
	ck_assert_uint_eq(next_of(fd, 47, p, sizeof(p)), 0);
	ck_assert(!gre_comes_in(0, 0, NONE_MS));
	send_gre(0x2000, 42);
	ck_assert_msg(soon(fd, 47, p, sizeof(p)) > 0, "with a key it is another's");
	w.source.b[3] = 9;
	ck_assert_int_eq(kind->set(k, &w), 0);
	send_gre(0, 0);
	ck_assert_msg(soon(fd, 47, p, sizeof(p)) > 0, "from another address it is another's");
	close(fd);
	kind->close(k);
}

static void
lowers_mss(const struct guard_kind *kind)
{
	struct guard_want w = want;
	void *k = opened(kind);
	struct guard_seen s;
	int fd;

	if (!k)
		return;
	fd = far_end();
	ck_assert_uint_eq(mss_of_syn(fd, false), 1460);
	ck_assert_int_eq(kind->set(k, &w), 0);
	ck_assert_uint_eq(mss_of_syn(fd, false), 1200);
	ck_assert_uint_eq(mss_of_syn(fd, true), 1100);
	ck_assert_int_eq(kind->look(k, "tun0", &s), 0);
	ck_assert_uint_eq(s.count.mss, 2);
	w.mss4 = 1460;	/* not more than that is offered */
	w.mss6 = 0;
	ck_assert_int_eq(kind->set(k, &w), 0);
	ck_assert_uint_eq(mss_of_syn(fd, false), 1460);
	ck_assert_uint_eq(mss_of_syn(fd, true), 1440);
	ck_assert_int_eq(kind->look(k, "tun0", &s), 0);
	ck_assert_uint_eq(s.count.mss, 0);
	close(fd);
	kind->close(k);
}

static void
named(void *ctx, const char *name)
{
	ck_assert_str_eq(name, "tun0");
	++*(unsigned *)ctx;
}

static void
is_seen(const struct guard_kind *kind, const char *flush, const char *less)
{
	struct guard_seen s, t;
	void *k = opened(kind);
	unsigned n = 0;

	if (!k)
		return;
	ck_assert_int_eq(kind->look(k, "tun0", &s), 0);
	ck_assert_msg(s.mark == 0, "there is nothing");
	ck_assert_int_eq(kind->set(k, &want), 0);
	ck_assert_int_eq(kind->look(k, "tun0", &s), 0);
	ck_assert(s.mark != 0);
	send_gre(0x2000, 42);
	ck_assert_int_eq(kind->look(k, "tun0", &t), 0);
	ck_assert_msg(t.mark == s.mark && t.count.clear_out == 1, "a packet is no change");
	ck_assert_int_eq(system(less), 0);
	ck_assert_int_eq(kind->look(k, "tun0", &t), 0);
	ck_assert_msg(t.mark != s.mark, "one rule taken away is");
	ck_assert_int_eq(system(flush), 0);
	ck_assert_int_eq(kind->look(k, "tun0", &t), 0);
	ck_assert_msg(t.mark != s.mark, "all of them, too");
	ck_assert_int_eq(kind->set(k, &want), 0);
	ck_assert_int_eq(kind->purge(k, named, &n), 1);
	ck_assert_int_eq(kind->look(k, "tun0", &t), 0);
	ck_assert(t.mark == 0 && n >= 1);
	kind->close(k);
}

START_TEST(nft_locks)
{
	locks(&guard_nft);
}
END_TEST

START_TEST(nft_locks_without_key)
{
	locks_without_key(&guard_nft);
}
END_TEST

START_TEST(nft_lowers_mss)
{
	lowers_mss(&guard_nft);
}
END_TEST

START_TEST(nft_is_seen)
{
	is_seen(&guard_nft, "nft flush ruleset", "nft flush chain inet opendmvpn-tun0 mss-in");
}
END_TEST

START_TEST(ipt_locks)
{
	locks(&guard_ipt);
}
END_TEST

START_TEST(ipt_locks_without_key)
{
	locks_without_key(&guard_ipt);
}
END_TEST

START_TEST(ipt_lowers_mss)
{
	lowers_mss(&guard_ipt);
}
END_TEST

START_TEST(ipt_is_seen)
{
	is_seen(&guard_ipt, "iptables-legacy -t mangle -F", "iptables-legacy -t mangle -D odm-out-tun0 1");
}
END_TEST

/* What others have in the same table stays as it is, with what it counted. */
START_TEST(ipt_leaves_others)
{
	static const char theirs[] = "printf '*mangle\\n:PREROUTING ACCEPT [5:500]\\n:INPUT ACCEPT [0:0]\\n:FORWARD DROP [0:0]\\n:OUTPUT ACCEPT [0:0]\\n:POSTROUTING ACCEPT [0:0]\\n"
		":aa - [0:0]\\n:zz - [0:0]\\n[7:70] -A PREROUTING -i nobody -j aa\\n[3:30] -A POSTROUTING -o nobody -j zz\\n[1:10] -A OUTPUT -d 10.1.1.1/32 -j MARK --set-xmark 0x7/0xffffffff\\n"
		"[2:20] -A aa -p tcp -m tcp --dport 22 -j zz\\n[4:40] -A aa -j RETURN\\n[6:60] -A zz -s 10.2.2.0/24 -j DROP\\nCOMMIT\\n' | iptables-legacy-restore -c";
	static const char save[] = "iptables-legacy-save -c -t mangle | grep -v '^#' | sed 's/^\\(:[A-Z]* [A-Z]*\\) .*/\\1/' >";
	void *k = opened(&guard_ipt);
	struct guard_want w = want;
	char cmd[400];

	if (!k || system(theirs) != 0)
		return;
	for (unsigned i = 0; i < 3; i++) {
		snprintf(cmd, sizeof(cmd), "%s/tmp/odm-guard.%d.%u", save, (int)getpid(), i);
		ck_assert_int_eq(system(cmd), 0);
		if (i == 0) {
			ck_assert_int_eq(guard_ipt.set(k, &w), 0);
			w.mss4 = 0;
			ck_assert_int_eq(guard_ipt.set(k, &w), 0);
			w.mss4 = 1300;
			ck_assert_int_eq(guard_ipt.set(k, &w), 0);
		} else if (i == 1) {
			ck_assert_int_eq(guard_ipt.del(k, "tun0"), 0);
		}
	}
	snprintf(cmd, sizeof(cmd), "cd /tmp && f=odm-guard.%d; cmp $f.0 $f.2 && grep -v odm- $f.1 | cmp - $f.0 && [ $(grep -c odm- $f.1) = 14 ]; rc=$?; [ $rc = 0 ] || cat $f.1; rm -f $f.?; exit $rc",
	    (int)getpid());
	ck_assert_int_eq(system(cmd), 0);
	guard_ipt.close(k);
}
END_TEST

/* ---- lines of plain IPsec; the packets are GRE because the test has them */

static struct guard_want
lines(uint8_t proto, const char *far)
{
	struct guard_want w = { .name = "VPN-10", .outside = "tun0", .n_line = 3 };
	struct addr six = { .n = 16, .b = { 0xfd } };

	w.line[0].near = (struct dp_range){ { 16, { 0xfd } }, { 16, { 0xfd, 0xff } }, 0, false, 0, 0 };
	w.line[0].far = (struct dp_range){ six, six, 0, false, 0, 0 };
	w.line[1].near = w.line[1].far = (struct dp_range){ { 4, { 10, 8, 0, 0 } }, { 4, { 10, 9, 255, 255 } }, 17, true, 500, 500 };
	w.line[1].near.port_hi = 600;
	w.line[2].near = (struct dp_range){ { 4, { 10, 9, 0, 0 } }, { 4, { 10, 9, 0, 255 } }, proto, false, 0, 0 };
	w.line[2].far.proto = proto;
	ck_assert(addr_parse(far, &w.line[2].far.lo));
	w.line[2].far.hi = w.line[2].far.lo;
	return w;
}

START_TEST(nft_lines)
{
	static const struct {
		uint8_t proto;
		const char *far, *outside;
		bool dropped;
	} t[] = { { 0, "10.9.0.2", "tun0", true }, { 47, "10.9.0.2", "tun0", true }, { 6, "10.9.0.2", "tun0", false }, { 0, "10.9.0.3", "tun0", false },
		{ 0, "10.9.0.1", "tun0", false }, { 0, "10.9.0.2", "tun1", false } };
	void *k = opened(&guard_nft);
	struct guard_seen s;

	if (!k)
		return;
	ck_assert(gre_comes_in(0, 0, SOON_MS));
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct guard_want w = lines(t[i].proto, t[i].far);

		strcpy(w.outside, t[i].outside);
		ck_assert_int_eq(guard_nft.set(k, &w), 0);
		ck_assert_msg(gre_comes_in(0, 0, t[i].dropped ? NONE_MS : SOON_MS) != t[i].dropped, "%zu", i);
		ck_assert_int_eq(guard_nft.look(k, "VPN-10", &s), 0);
		ck_assert_uint_eq(s.count.line_in, t[i].dropped);
		ck_assert_uint_ne(s.mark, 0);
	}
	guard_nft.close(k);
}
END_TEST

/* As many as there can be, each as long as it can be; and what nft calls them. */
START_TEST(nft_reads_lines)
{
	static const char *const word[] = { "table inet opendmvpn-VPN-10 {", "type filter hook prerouting priority", "iifname \"tun0\"",
		"ip saddr 10.9.0.2 ip daddr 10.9.0.0-10.9.0.255 counter packets 0 bytes 0 drop", "udp sport 500 udp dport 500-600 counter packets" };
	struct guard_want w = lines(0, "10.9.0.2");
	void *k = opened(&guard_nft);
	char text[8192] = "";
	FILE *f;

	if (!k)
		return;
	ck_assert_int_eq(guard_nft.set(k, &w), 0);
	if (system("command -v nft >/dev/null") == 0) {
		f = popen("nft list table inet opendmvpn-VPN-10", "re");
		ck_assert(f && fread(text, 1, sizeof(text) - 1, f) > 0);
		ck_assert_int_eq(pclose(f), 0);
		for (size_t i = 0; i < sizeof(word) / sizeof(word[0]); i++)
			ck_assert_msg(strstr(text, word[i]), "\"%s\" is missing in\n%s", word[i], text);
	}
	for (w.n_line = 0; w.n_line < GUARD_LINES_MAX; w.n_line++) {
		struct dp_range r = { { 16, { 0xfd } }, { 16, { 0xfd, 0xff } }, 17, true, (uint16_t)w.n_line, 600 };

		w.line[w.n_line] = (struct guard_line){ r, r };
	}
	ck_assert_int_eq(guard_nft.set(k, &w), 0);
	guard_nft.close(k);
}
END_TEST

/* Lines stay when the process ends; the next one takes away those that nobody wants any more, and those only. */
START_TEST(lines_of_an_earlier_life)
{
	struct poll_host *host = poll_host_new();
	struct guard_want w = lines(0, "10.9.0.2"), other = w, lock = want;
	struct guard *g;

	if (!in_namespace() || !(g = guard_new_quiet(poll_host_face(host))))
		return;
	if (!guard_takes_lines(g)) {
		printf("skipped: no nftables here\n");
		return;
	}
	strcpy(other.name, "VPN-20");
	ck_assert(guard_set(g, &w) == 0 && guard_set(g, &other) == 0 && guard_set(g, &lock) == 0);
	guard_free(g);
	ck_assert(!gre_comes_in(0, 0, NONE_MS));
	ck_assert_ptr_nonnull(g = guard_new_quiet(poll_host_face(host)));
	ck_assert_int_eq(guard_set(g, &other), 0);
	ck_assert_int_eq(guard_sweep(g), 1);
	ck_assert_int_eq(guard_sweep(g), 0);
	ck_assert(!gre_comes_in(0, 0, NONE_MS));	/* the other one has the same line */
	guard_del(g, "VPN-20");
	ck_assert(gre_comes_in(0, 0, SOON_MS));
	ck_assert(!gre_comes_in(0x2000, 42, NONE_MS));	/* a lock is no line */
	guard_free(g);
	poll_host_free(host);
}
END_TEST

/* ---- the rules in words: what nft makes of our octets */

START_TEST(nft_reads_it)
{
	static const char *const word[] = { "table inet opendmvpn-tun0 {", "type filter hook postrouting priority 300;", "type filter hook input",
		"meta l4proto gre @th,32,32 0x2a rt ipsec missing counter", "meta l4proto gre @th,64,32 0x2a meta ipsec missing counter",
		"oifname \"tun0\" meta nfproto ipv4 tcp flags", "tcp option maxseg size set 1200", "tcp option maxseg size set 1100" };
	struct guard_want w = want;
	void *k = opened(&guard_nft);
	char text[4096] = "";
	FILE *f;

	if (!k || system("command -v nft >/dev/null") != 0)
		return;
	ck_assert_int_eq(guard_nft.set(k, &w), 0);
	f = popen("nft list table inet opendmvpn-tun0", "re");
	ck_assert(f && fread(text, 1, sizeof(text) - 1, f) > 0);
	ck_assert_msg(pclose(f) == 0, "it does not stumble over them");
	for (size_t i = 0; i < sizeof(word) / sizeof(word[0]); i++)
		ck_assert_msg(strstr(text, word[i]), "\"%s\" is missing in\n%s", word[i], text);
	guard_nft.close(k);
}
END_TEST

/* ---- the whole: which kind, and that the rules stay */

struct sums {
	uint64_t mss, out, restored, refused;
};

static void
note(void *ctx, const char *name, uint64_t value)
{
	struct sums *s = ctx;

	*(strcmp(name, "mss-lowered") == 0 ? &s->mss : strcmp(name, "clear-gre-out") == 0 ? &s->out : strcmp(name, "filter-restored") == 0 ? &s->restored :
	    &s->refused) = value;
}

START_TEST(stays)
{
	struct poll_host *host = poll_host_new();
	struct guard_counts c;
	struct sums s = { 0 };
	struct guard *g;
	uint8_t p[100];
	char err[200];
	unsigned n = 0;
	int fd;

	if (!in_namespace() || !guard_probe(poll_host_face(host), err, sizeof(err)))
		return;
	g = guard_new(poll_host_face(host));
	fd = far_end();
	ck_assert_int_eq(guard_set(g, &want), 0);
	ck_assert_ptr_nonnull(guard_word(g, "tun0"));
	ck_assert_ptr_null(guard_word(g, "tun1"));
	send_gre(0x2000, 42);
	ck_assert(guard_counts(g, "tun0", &c) && c.clear_out == 1);
	ck_assert(system("nft flush ruleset; iptables-legacy -t mangle -F 2>/dev/null; :") == 0);
	poll_host_run(host, TICK_MS(2500));
	send_gre(0x2000, 42);
	ck_assert_msg(next_of(fd, 47, p, sizeof(p)) == 0, "it is closed again");
	guard_counters(g, note, &s);
	ck_assert_uint_eq(s.restored, 1);
	ck_assert_uint_eq(s.out, 2);
	ck_assert_uint_eq(mss_of_syn(fd, false), 1200);
	guard_free(g);
	ck_assert_uint_eq(mss_of_syn(fd, false), 1460);
	send_gre(0x2000, 42);
	ck_assert_msg(next_of(fd, 47, p, sizeof(p)) == 0, "the lock outlives it");
	ck_assert_int_eq(guard_purge(poll_host_face(host), named, &n), 1);
	send_gre(0x2000, 42);
	ck_assert(soon(fd, 47, p, sizeof(p)) > 0);
	poll_host_free(host);
}
END_TEST

/* ---- the octets, where the kernel is another's */

START_TEST(message_by_message)
{
	uint8_t buf[4096], small[64];
	struct nftmsg m;
	unsigned n = 0;

	nftmsg_begin(&m, buf, sizeof(buf), 7, "t");
	nftmsg_table(&m, true);
	nftmsg_chain(&m, "c", 4, -150);
	nftmsg_rule(&m, "c");
	nftmsg_mss(&m);
	nftmsg_drop(&m);
	nftmsg_rule_end(&m);
	ck_assert_uint_eq(nftmsg_ack(&m), 10);
	nftmsg_commit(&m);
	ck_assert(!m.w.bad);
	for (size_t at = 0; at < wr_len(&m.w); n++) {
		struct nlmsghdr h;

		memcpy(&h, buf + at, sizeof(h));
		ck_assert_uint_eq(h.nlmsg_seq, 7 + n);
		ck_assert_msg(h.nlmsg_len >= 20 && h.nlmsg_len % 4 == 0 && at + h.nlmsg_len <= wr_len(&m.w), "message %u: %u octets", n, h.nlmsg_len);
		ck_assert_msg(!(h.nlmsg_flags & NLM_F_ACK) == (n != 3), "only the last but the end is answered");
		at += h.nlmsg_len;
	}
	ck_assert_uint_eq(n, 5);
	nftmsg_begin(&m, small, sizeof(small), 1, "t");
	nftmsg_table(&m, true);
	nftmsg_rule(&m, "c");
	for (unsigned i = 0; i < 20; i++)
		nftmsg_mss(&m);
	nftmsg_rule_end(&m);
	ck_assert_msg(m.w.bad && nftmsg_ack(&m) == 0, "what does not fit is not sent");
}
END_TEST

Suite *
guard_suite(void)
{
	Suite *s = suite_create("mgre/guard");
	TCase *c = tcase_create("guard");

	tcase_set_timeout(c, 120);
	tcase_add_test(c, nft_locks);
	tcase_add_test(c, nft_locks_without_key);
	tcase_add_test(c, nft_lowers_mss);
	tcase_add_test(c, nft_is_seen);
	tcase_add_test(c, nft_reads_it);
	tcase_add_test(c, nft_lines);
	tcase_add_test(c, nft_reads_lines);
	tcase_add_test(c, lines_of_an_earlier_life);
	tcase_add_test(c, ipt_locks);
	tcase_add_test(c, ipt_locks_without_key);
	tcase_add_test(c, ipt_lowers_mss);
	tcase_add_test(c, ipt_is_seen);
	tcase_add_test(c, ipt_leaves_others);
	tcase_add_test(c, stays);
	tcase_add_test(c, message_by_message);
	suite_add_tcase(s, c);
	return s;
}
