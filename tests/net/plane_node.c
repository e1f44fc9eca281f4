/* tests/net/plane_node: a user data plane driven by lines on standard input, without NHRP or IKE: tests install SAs and neighbours by
 * hand and read events on standard output. Keys follow from the SPI, so that two nodes agree without talking.
 *
 *   tunnel id=1 name=dm0 addr=10.9.0.1/24 [addr=...] [key=N] [mtu=N] [mss=N] [redirect] [source=A]     tunneldel id=1
 *   neigh [proto=A] peer=N [mcast]      neighdel [proto=A]
 *   sa in=SPI out=SPI peer=N remote=A[,PORT] [local=A] [encap] [active] [esn] [suite=gcm128|gcm256|chacha|cbc] [soft_packets=N] [hard_packets=N] [hard_s=N]
 *   offload off=N (enum dp_offload)     crypto want=N (enum dp_crypto)
 *   activate in=SPI     move in=SPI remote=A,PORT [local=A] [encap]     sadel in=SPI
 *   nhrp peer=N text=WORD     udp remote=A,PORT text=WORD [nomarker]     stats peer=N     counters     snapshot     quit */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "nhrpd/daemon/dp_user.h"
#include "tests/net/poll_host.h"

enum { WORDS = 24 };

static struct poll_host *loop;
static struct dp *plane;
static char *words[WORDS];
static int n_words;

static const char *
arg(const char *name)
{
	size_t n = strlen(name);

	for (int i = 1; i < n_words; i++)
		if (strncmp(words[i], name, n) == 0 && (words[i][n] == '=' || words[i][n] == 0))
			return words[i][n] ? words[i] + n + 1 : "";
	return NULL;
}

static uint32_t
num(const char *name)
{
	const char *s = arg(name);

	return s ? (uint32_t)strtoul(s, NULL, 0) : 0;
}

static struct addr
address(const char *name)
{
	struct addr a = { 0 };
	const char *s = arg(name);

	if (s)
		addr_parse(s, &a);
	return a;
}

static struct endpoint
endpoint(const char *name)
{
	struct endpoint e = { 0 };
	char text[128], *comma;

	snprintf(text, sizeof(text), "%s", arg(name) ? arg(name) : "");
	comma = strchr(text, ',');
	if (comma)
		*comma = 0;
	addr_parse(text, &e.addr);
	e.port = comma ? (uint16_t)atoi(comma + 1) : 4500;
	return e;
}

static int
do_tunnel(void)
{
	struct dp_tunnel t = { .id = num("id"), .has_key = arg("key"), .key = num("key"), .mtu = num("mtu"), .mss = num("mss"),
		.redirect = arg("redirect"), .source = address("source") };
	int rc;

	snprintf(t.name, sizeof(t.name), "%s", arg("name") ? arg("name") : "");
	for (int i = 1; i < n_words; i++)
		if (strncmp(words[i], "addr=", 5) == 0 && t.n_addr < DP_TUNNEL_ADDRS)
			prefix_parse_host(words[i] + 5, &t.addr[t.n_addr++]);
	rc = plane->ops->tunnel_set(plane, &t);
	if (rc != 0)
		printf("error %s\n", plane->ops->error(plane));
	return rc;
}

static int
do_tunneldel(void)
{
	return plane->ops->tunnel_del(plane, num("id"));
}

static int
do_offload(void)
{
	plane->ops->offload(plane, num("off"));
	return 0;
}

static int
do_crypto(void)
{
	struct dp_link_info info;

	plane->ops->crypto(plane, (enum dp_crypto)num("want"));
	if (plane->ops->link_info(plane, 1, &info))
		printf("crypto %s\n", info.crypto);
	return 0;
}

static int
do_neigh(void)
{
	struct dp_neigh n = { .tunnel = 1, .proto = address("proto"), .peer = num("peer"), .mcast = arg("mcast") };

	return plane->ops->neigh_set(plane, &n);
}

static int
do_neighdel(void)
{
	struct addr a = address("proto");

	return plane->ops->neigh_del(plane, 1, &a);
}

static void
make_key(uint32_t spi, uint8_t *encr, uint8_t *integ)
{
	for (unsigned i = 0; i < DP_KEY_MAX; i++) {
		encr[i] = (uint8_t)(spi * 31 + i * 7);
		integ[i] = (uint8_t)(spi * 17 + i * 11);
	}
}

static const struct {
	const char *name;
	uint16_t encr, bits, integ;
	uint8_t encr_len, integ_len;
} suites[] = {
	{ "gcm128", 20, 128, 0, 20, 0 }, { "gcm256", 20, 256, 0, 36, 0 }, { "chacha", 28, 0, 0, 36, 0 }, { "cbc", 12, 256, 12, 32, 32 },
};

static int
do_sa(void)
{
	struct dp_sa sa = { .tunnel = 1,
		.peer = num("peer"),
		.spi_in = num("in"),
		.spi_out = num("out"),
		.local = endpoint("local"),
		.remote = endpoint("remote"),
		.encap = arg("encap"),
		.esn = arg("esn"),
		.active = arg("active"),
		.life = { .soft_packets = num("soft_packets"),
		    .hard_packets = num("hard_packets"),
		    .soft_s = num("soft_s"),
		    .hard_s = num("hard_s") } };
	size_t s = 0;

	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		if (arg("suite") && strcmp(arg("suite"), suites[i].name) == 0)
			s = i;
	sa.keys = (struct dp_sa_keys){ .encr = suites[s].encr,
		.encr_bits = suites[s].bits,
		.integ = suites[s].integ,
		.encr_len = suites[s].encr_len,
		.integ_len = suites[s].integ_len };
	make_key(sa.spi_in, sa.keys.encr_in, sa.keys.integ_in);
	make_key(sa.spi_out, sa.keys.encr_out, sa.keys.integ_out);
	return plane->ops->sa_add(plane, &sa);
}

static int
do_activate(void)
{
	return plane->ops->sa_update(plane, num("in"), DP_SA_ACTIVATE, NULL, NULL, false);
}

static int
do_move(void)
{
	struct endpoint local = endpoint("local"), remote = endpoint("remote");

	return plane->ops->sa_update(plane, num("in"), DP_SA_MOVE, &local, &remote, arg("encap"));
}

static int
do_sadel(void)
{
	return plane->ops->sa_del(plane, num("in"));
}

static struct span
text(void)
{
	const char *s = arg("text") ? arg("text") : "";

	return span_of(s, strlen(s));
}

static int
do_nhrp(void)
{
	static uint8_t big[9000];
	uint32_t size = num("size");

	return plane->ops->send(plane, 1, num("peer"), size && size <= sizeof(big) ? span_of(big, size) : text());
}

static int
do_udp(void)
{
	struct endpoint local = endpoint("local"), remote = endpoint("remote");

	return plane->ops->send_udp(plane, &local, &remote, text(), arg("nomarker") ? DP_UDP_KEEPALIVE : DP_UDP_IKE);
}

static int
do_stats(void)
{
	struct dp_peer_stats s;
	struct dp_link_info l;

	if (!plane->ops->peer_stats(plane, 1, num("peer"), &s) || !plane->ops->link_info(plane, 1, &l))
		return -ENOENT;
	printf("stats peer=%u rx=%llu tx=%llu rx_drops=%llu tx_drops=%llu path_mtu=%u mtu=%u up=%d plane=%s\n", num("peer"),
	    (unsigned long long)s.rx_packets, (unsigned long long)s.tx_packets, (unsigned long long)s.rx_drops,
	    (unsigned long long)s.tx_drops, s.path_mtu, l.mtu, l.up, l.plane);
	return 0;
}

static void
show_counter(void *ctx, const char *name, uint64_t value)
{
	(void)ctx;
	if (value)
		printf("counter %s=%llu\n", name, (unsigned long long)value);
}

static int
do_counters(void)
{
	plane->ops->counters(plane, show_counter, NULL);
	return 0;
}

static void
show_sa(void *ctx, const struct dp_sa *sa)
{
	char e[ENDPOINT_STRLEN];

	(void)ctx;
	printf("snapshot in=%u out=%u peer=%u remote=%s active=%d\n", sa->spi_in, sa->spi_out, sa->peer, endpoint_fmt(&sa->remote, e),
	    sa->active);
}

static int
do_snapshot(void)
{
	plane->ops->snapshot(plane, show_sa, NULL);
	return 0;
}

static int
do_quit(void)
{
	poll_host_stop(loop);
	return 0;
}

static const struct {
	const char *name;
	int (*fn)(void);
} commands[] = {
	{ "tunnel", do_tunnel },
	{ "tunneldel", do_tunneldel },
	{ "neigh", do_neigh },
	{ "neighdel", do_neighdel },
	{ "sa", do_sa },
	{ "offload", do_offload },
	{ "crypto", do_crypto },
	{ "activate", do_activate },
	{ "move", do_move },
	{ "sadel", do_sadel },
	{ "nhrp", do_nhrp },
	{ "udp", do_udp },
	{ "stats", do_stats },
	{ "counters", do_counters },
	{ "snapshot", do_snapshot },
	{ "quit", do_quit },
};

static void
command(char *line)
{
	n_words = 0;
	for (char *w = strtok(line, " \n"); w && n_words < WORDS; w = strtok(NULL, " \n"))
		words[n_words++] = w;
	for (size_t i = 0; n_words && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(words[0], commands[i].name) == 0) {
			int rc = commands[i].fn();

			printf("done %s %d\n", words[0], rc);
			return;
		}
	if (n_words)
		printf("done unknown %d\n", -EINVAL);
}

static void
input(void *ctx)
{
	static char buf[8192];
	static size_t have;
	ssize_t n = read(0, buf + have, sizeof(buf) - 1 - have);
	char *nl;

	(void)ctx;
	if (n <= 0) {
		poll_host_stop(loop);
		return;
	}
	have += (size_t)n;
	buf[have] = 0;
	while ((nl = strchr(buf, '\n'))) {
		size_t len = (size_t)(nl + 1 - buf);

		*nl = 0;
		command(buf);
		memmove(buf, buf + len, have + 1 - len);
		have -= len;
	}
}

static void
event(void *ctx, const struct dp_event *ev)
{
	static const char *const kinds[] = { [DP_EV_NHRP] = "nhrp", [DP_EV_UNRESOLVED] = "unresolved", [DP_EV_REDIRECT] = "redirect",
		[DP_EV_IKE] = "ike", [DP_EV_SA_USED] = "used", [DP_EV_SA_SOFT] = "soft", [DP_EV_SA_HARD] = "hard", [DP_EV_SA_MOVED] = "moved",
		[DP_EV_SA_UNKNOWN] = "unknown", [DP_EV_LINK] = "link", [DP_EV_PATH] = "path", [DP_EV_PEER_USED] = "peer-used" };
	char dst[ADDR_STRLEN], src[ADDR_STRLEN], remote[ENDPOINT_STRLEN], local[ENDPOINT_STRLEN];

	(void)ctx;
	printf("event %s peer=%u out_peer=%u spi=%u src=%s dst=%s local=%s remote=%s octets=%zu up=%d gone=%d", kinds[ev->kind], ev->peer,
	    ev->out_peer, ev->spi_in, addr_fmt(&ev->src, src), addr_fmt(&ev->dst, dst), endpoint_fmt(&ev->local, local),
	    endpoint_fmt(&ev->remote, remote), ev->packet.n, ev->link_up, ev->link_gone);
	if ((ev->kind == DP_EV_NHRP || ev->kind == DP_EV_IKE) && ev->packet.n < 64)
		printf(" text=%.*s", (int)ev->packet.n, (const char *)ev->packet.p);
	printf("\n");
}

int
main(void)
{
	const struct host *host;
	char err[256];

	setvbuf(stdout, NULL, _IOLBF, 0);
	loop = poll_host_new();
	if (!loop)
		return 2;
	host = poll_host_face(loop);
	plane = dp_user_new(host, event, NULL, err, sizeof(err));
	if (!plane) {
		printf("error %s\n", err);
		return 1;
	}
	host->watch(host->ctx, 0, input, NULL);
	printf("ready\n");
	poll_host_run(loop, TICK_NEVER);
	plane->ops->free(plane);
	poll_host_free(loop);
	return 0;
}
