#include "tests/unit/daemon/fakes.h"

#include <stdlib.h>

struct fakes fakes;

struct addr
fakes_addr(const char *text)
{
	struct addr a;

	if (!addr_parse(text, &a))
		abort();
	return a;
}

static const struct ike_id hub_id = { IKE_ID_FQDN, 16, "hub1.example.net" };

void
fakes_fill(void)
{
	struct addr spoke = fakes_addr("10.255.0.11"), pub = fakes_addr("198.51.100.7"), priv = fakes_addr("192.168.1.2");
	struct endpoint remote = { pub, 4500 }, local = { fakes_addr("192.0.2.1"), 4500 };

	memset(&fakes, 0, sizeof(fakes));
	fakes.peer[0] = (struct core_peer_info){ .link_since = TICK_S(100), .tunnel = 1, .peer = 3, .proto = spoke, .nbma = pub, .remote = remote, .nbma_claimed = priv,
		.step = CORE_STEP_UP, .since = TICK_S(400), .dynamic = true, .natted = true, .identity = "fqdn site-11.example.net", .reason = "",
		.ike_sa = 1, .spi_in = 0xabc, .spi_out = 0xdef00001, .encap = true, .n_proto = 1 };
	fakes.peer[1] = (struct core_peer_info){ .link_since = TICK_S(100), .tunnel = 1, .peer = 0, .nbma = fakes_addr("203.0.113.9"), .step = CORE_STEP_IKE,
		.since = TICK_S(990), .nhs = true, .identity = "", .reason = "no answer" };
	fakes.n_peer = 2;
	fakes.cache[0] = (struct nhrp_cache_info){ .prefix = prefix_host(&spoke), .type = NHRP_CT_DYNAMIC, .nbma = pub, .nbma_claimed = priv, .peer = 3,
		.has_peer = true, .unique = true, .natted = true, .registered = true, .used = true, .mcast = true, .installed = true, .created = TICK_S(938),
		.expires = TICK_S(1238), .identity = "fqdn site-11.example.net", .reason = "" };
	fakes.cache[1] = fakes.cache[0];
	fakes.cache[1].prefix = (struct prefix){ fakes_addr("10.11.0.0"), 16 };
	fakes.cache[1].expires = TICK_NEVER;
	fakes.cache[2] = (struct nhrp_cache_info){ .prefix = { fakes_addr("10.255.0.1"), 32 }, .type = NHRP_CT_LOCAL, .nbma = local.addr,
		.nbma_claimed = local.addr, .expires = TICK_NEVER, .identity = "", .reason = "" };
	fakes.n_cache = 3;
	fakes.cache_times = 1;
	fakes.nhs[0] = (struct nhrp_nhs_info){ .proto = fakes_addr("10.255.0.1"), .nbma = local.addr, .name = "hub1.example.net", .state = "registered", .family = 4,
		.up = true, .priority = 1, .has_peer = true, .peer = 0, .since = TICK_S(10), .next = TICK_S(1020), .requests = 3, .replies = 2, .failures = 1,
		.reason = "" };
	fakes.n_nhs = 1;
	fakes.shortcut[0] = (struct nhrp_shortcut_info){ .dst = fakes_addr("10.12.0.1"), .prefix = { fakes_addr("10.12.0.0"), 16 },
		.via = fakes_addr("10.255.0.12"), .state = "up", .nbma = pub, .since = TICK_S(999), .expires = TICK_S(1001), .reason = "" };
	fakes.n_shortcut = 1;
	fakes.ike[0] = (struct ike_sa_info){ .sa = 1, .spi_i = 0x1122334455667788, .spi_r = 1, .state = "established", .local = local, .remote = remote,
		.local_id = &hub_id, .natted_remote = true, .encr = 20, .encr_bits = 256, .prf = 6, .group = 31, .established = TICK_S(400),
		.rekey_at = TICK_S(2000), .expires = TICK_NEVER, .reason = "" };
	fakes.n_ike = 1;
	fakes.child[0] = (struct ike_child_info){ .sa = 1, .spi_in = 0xabc, .spi_out = 0xdef00001, .state = "installed", .encr = 20, .encr_bits = 256,
		.pfs_group = 19, .encap = true, .created = TICK_S(400), .rekey_at = TICK_S(3600), .expires = TICK_S(4000) };
	fakes.n_child = 1;
	fakes.mark[0] = (struct core_mark){ TICK_S(400), 0, TRACE_REDIRECT };
	fakes.mark[1] = (struct core_mark){ TICK_S(400) + 1200, 0xabc, TRACE_SA_INSTALLED };
	fakes.attempt[0] = (struct core_attempt_info){ .attempt = 7, .tunnel = 1, .peer = 3, .kind = TRACE_SHORTCUT, .state = CORE_ATTEMPT_UP,
		.dst = fakes_addr("10.11.0.9"), .proto = spoke, .nbma = pub, .prefix = { fakes_addr("10.11.0.0"), 16 }, .began = TICK_S(400),
		.settled = TICK_S(400) + 2000, .reason = "", .mark = fakes.mark, .n_mark = 2 };
	fakes.attempt[1] = fakes.attempt[0];
	fakes.attempt[1].attempt = 4;
	fakes.attempt[1].state = CORE_ATTEMPT_FAILED;
	fakes.attempt[1].settled = 0;
	fakes.attempt[1].ended = TICK_S(401);
	fakes.attempt[1].reason = "no answer from 198.51.100.7:500";
	fakes.n_attempt = 2;
}

struct conf *
fakes_conf(void)
{
	return conf_read_text("t", "hostname hub1\nip route 10.11.0.0/16 10.255.0.11\ncrypto ikev2 keyring K\n peer any\n  address 0.0.0.0 0.0.0.0\n  pre-shared-key s3cret\ncrypto ikev2 profile P\n"
	    "crypto ipsec profile V\ninterface dmvpn0\n description all sites\n ip address 10.255.0.1/24\n tunnel source eth0\n tunnel key 42\n"
	    " tunnel protection ipsec profile V\n ip nhrp network-id 1\n");
}

/* ---- core */

const char *
core_step_name(enum core_step s)
{
	static const char *const name[] = { "INTF", "IKE", "IPSEC", "NHRP", "UP" };

	return name[s];
}

bool
core_waits(const struct core *c, uint32_t tunnel)
{
	(void)c;
	(void)tunnel;
	return false;
}

void
core_visit_peer(const struct core *c, uint32_t tunnel, core_peer_fn *fn, void *ctx)
{
	(void)c;
	for (unsigned i = 0; i < fakes.n_peer && tunnel <= 1; i++)
		fn(ctx, &fakes.peer[i]);
}

struct nhrp *
core_nhrp(const struct core *c, uint32_t tunnel)
{
	(void)c;
	return tunnel == 1 ? (struct nhrp *)&fakes : NULL;
}

struct addr
core_source_addr(const struct core *c, uint32_t tunnel)
{
	(void)c;
	(void)tunnel;
	return fakes.source;
}

struct ike *
core_ike(const struct core *c)
{
	(void)c;
	return (struct ike *)&fakes;
}

unsigned
core_clear_peer(struct core *c, tick_t now, uint32_t tunnel, const struct addr *which)
{
	(void)c, (void)now, (void)tunnel;
	fakes.cleared = *which;
	fakes.n_cleared++;
	return fakes.clear_answer;
}

unsigned
core_rekey_peer(struct core *c, tick_t now, uint32_t tunnel, const struct addr *which, bool ike)
{
	(void)c, (void)now, (void)tunnel;
	fakes.cleared = *which;
	fakes.rekeyed_ike = ike;
	return fakes.clear_answer;
}

void
core_clear_nhrp(struct core *c, tick_t now, uint32_t tunnel, const struct addr *proto, uint8_t family, bool shortcuts_only)
{
	(void)c, (void)now, (void)tunnel;
	fakes.cleared_family = family;
	fakes.cleared = *proto;
	fakes.cleared_shortcuts = shortcuts_only;
	fakes.n_cleared++;
}

void
core_visit_attempts(const struct core *c, uint32_t tunnel, const struct addr *which, core_attempt_fn *fn, void *ctx)
{
	(void)c, (void)tunnel;
	for (unsigned i = 0; i < fakes.n_attempt; i++)
		if (!which->n || addr_eq(which, &fakes.attempt[i].proto))
			fn(ctx, &fakes.attempt[i]);
}

const char *
core_attempt_state_name(enum core_attempt_state s)
{
	return s == CORE_ATTEMPT_UP ? "up" : "failed";
}

/* ---- NHRP */

void
nhrp_visit_cache(const struct nhrp *n, const struct prefix *within, nhrp_cache_fn *fn, void *ctx)
{
	(void)n;
	fakes.has_within = within != NULL;
	if (within)
		fakes.within = *within;
	for (unsigned t = 0; t < fakes.cache_times; t++)
		for (unsigned i = 0; i < fakes.n_cache; i++)
			if (!within || prefix_covers(within, &fakes.cache[i].prefix))
				fn(ctx, &fakes.cache[i]);
}

void
nhrp_visit_nhs(const struct nhrp *n, nhrp_nhs_fn *fn, void *ctx)
{
	(void)n;
	for (unsigned i = 0; i < fakes.n_nhs; i++)
		fn(ctx, &fakes.nhs[i]);
}

void
nhrp_visit_shortcut(const struct nhrp *n, nhrp_shortcut_fn *fn, void *ctx)
{
	(void)n;
	for (unsigned i = 0; i < fakes.n_shortcut; i++)
		fn(ctx, &fakes.shortcut[i]);
}

unsigned
nhrp_peer_protos(const struct nhrp *n, uint32_t peer, struct nhrp_cache_info *out, unsigned max)
{
	unsigned k = 0;

	(void)n;
	for (unsigned i = 0; i < fakes.n_cache && k < max; i++)
		if (fakes.cache[i].has_peer && fakes.cache[i].peer == peer)
			out[k++] = fakes.cache[i];
	return k;
}

const char *
nhrp_cache_type_name(enum nhrp_cache_type t)
{
	return t == NHRP_CT_DYNAMIC ? "dynamic" : t == NHRP_CT_LOCAL ? "local" : "other";
}

uint64_t
nhrp_count_type(const struct nhrp *n, enum nhrp_dir d, uint8_t type)
{
	(void)n;
	return d == NHRP_RX ? type : 0;
}

bool
nhrp_peer_rate(const struct nhrp *n, uint32_t peer, tick_t now, struct nhrp_rate_info *out)
{
	(void)n;
	*out = (struct nhrp_rate_info){ .peer = peer, .identity = "fqdn site-11.example.net", .received = 5000, .limited = 4000, .last = now - TICK_S(3),
		.now = true };
	return true;
}

void
nhrp_visit_limited(const struct nhrp *n, tick_t now, nhrp_rate_fn *fn, void *ctx)
{
	struct nhrp_rate_info i;

	nhrp_peer_rate(n, 3, now, &i);
	fn(ctx, &i);
}

bool
nhrp_peer_may(const struct nhrp *n, uint32_t peer, struct nhrp_may_info *out)
{
	static struct claims may = { .n = 1, .says = { [CLAIM_ADDRESS] = CLAIM_ANY }, .source = "certificate's SAN",
		.item = { { { { 4, { 10, 255, 0, 11 } }, 32 }, CLAIM_ADDRESS } } };

	(void)n;
	*out = (struct nhrp_may_info){ .peer = peer, .identity = "fqdn site-11.example.net", .may = &may, .refusals = 2, .last = 1,
		.reason = "refused: fqdn site-11.example.net claims 10.255.0.12, may claim 10.255.0.11 (certificate's SAN)" };
	return true;
}

void
nhrp_visit_refused(const struct nhrp *n, nhrp_may_fn *fn, void *ctx)
{
	struct nhrp_may_info i;

	nhrp_peer_may(n, 3, &i);
	fn(ctx, &i);
}

struct nhrp_route_work
nhrp_route_work(const struct nhrp *n)
{
	(void)n;
	return (struct nhrp_route_work){ .changes = 12, .looked_at = 34, .asked = 5, .dropped = 6, .purged = 7 };
}

uint64_t
nhrp_count_drop(const struct nhrp *n, enum nhrp_drop d)
{
	(void)n;
	return d == NHRP_DROP_AUTH ? 7 : 0;
}

const char *
nhrp_type_name(uint8_t type)
{
	static const char *const name[] = { "0", "Resolution-Request", "2", "3", "4", "5", "6", "7", "8" };

	return name[type];
}

#define X(e, word, text) word,
static const char *const nhrp_words[] = { NHRP_DROPS(X) };
static const char *const ike_words[] = { IKE_DROPS(X) };
#undef X

const char *
nhrp_drop_word(enum nhrp_drop d)
{
	return nhrp_words[d];
}

const char *
nhrp_drop_text(enum nhrp_drop d)
{
	return nhrp_words[d];
}

/* ---- IKE */

const char *
ike_drop_word(enum ike_drop d)
{
	return ike_words[d];
}

void
ike_visit_sa(const struct ike *k, ike_sa_fn *fn, void *ctx)
{
	(void)k;
	for (unsigned i = 0; i < fakes.n_ike; i++)
		fn(ctx, &fakes.ike[i]);
}

void
ike_visit_child(const struct ike *k, uint32_t sa, ike_child_fn *fn, void *ctx)
{
	(void)k;
	for (unsigned i = 0; i < fakes.n_child; i++)
		if (sa == 0 || fakes.child[i].sa == sa)
			fn(ctx, &fakes.child[i]);
}

uint64_t
ike_count_drop(const struct ike *k, enum ike_drop d)
{
	(void)k;
	return d == IKE_DROP_ICV ? 5 : 0;
}

uint64_t
ike_count_fragments(const struct ike *k, bool tx)
{
	(void)k;
	return tx ? 3 : 4;
}

uint64_t
ike_count_exchange(const struct ike *k, bool tx, uint8_t exchange)
{
	(void)k;
	return tx ? 0 : exchange;
}

char *
ike_pairs_fmt(const struct ike_profile *p, char *out, size_t n)
{
	return ike_selectors_fmt(&p->plain, out, n);
}

char *
ike_selectors_fmt(const struct dp_selectors *sel, char *out, size_t n)
{
	snprintf(out, n, "%u to %u", sel->n_local, sel->n_remote);
	return out;
}

char *
ike_id_fmt(const struct ike_id *id, char *out, size_t n)
{
	snprintf(out, n, "fqdn %.*s", id->len, (const char *)id->data);
	return out;
}

void
ike_visit_refused(const struct ike *k, ike_refused_fn *fn, void *ctx)
{
	struct ike_id id = { .type = IKE_ID_FQDN, .len = 6, .data = "spoke9" };
	struct ike_refused_info r = { .id = &id, .drop = IKE_DROP_CERT_EXPIRED, .why = "certificate CN=spoke9 expired at 2026-01-01 00:00:00 UTC" };

	(void)k;
	fn(ctx, &r);
}

const char *
ike_auth_name(uint8_t method)
{
	return method ? "digital signature" : "none";
}

const char *
ike_encr_name(uint16_t encr, uint16_t bits)
{
	return encr == 20 && bits == 256 ? "aes-gcm-256" : "other";
}

const char *
ike_prf_name(uint16_t prf)
{
	return prf == 6 ? "sha384" : "other";
}

const char *
ike_group_name(uint16_t group)
{
	return group == 31 ? "curve25519" : group == 19 ? "ecp256" : "other";
}

/* ---- data plane */

static bool
peer_stats(struct dp *dp, uint32_t tunnel, uint32_t peer, struct dp_peer_stats *out)
{
	(void)dp, (void)tunnel;
	*out = (struct dp_peer_stats){ .rx_packets = 10, .rx_bytes = 1000, .tx_packets = 20, .tx_bytes = 2000, .path_mtu = 1400, .shape_rate = fakes.cache[0].rate };
	return peer == 3;
}

static bool
sa_stats(struct dp *dp, uint32_t spi_in, struct dp_sa_stats *out)
{
	(void)dp;
	*out = (struct dp_sa_stats){ .rx_packets = 1, .rx_bytes = 100, .tx_packets = 2, .tx_bytes = 200 };
	return spi_in == 0xabc;
}

static bool
link_info(struct dp *dp, uint32_t tunnel, struct dp_link_info *out)
{
	(void)dp, (void)tunnel;
	*out = (struct dp_link_info){ .up = true, .ifindex = 9, .mtu = 1400, .plane = "user", .rx_packets = 3, .mss = 1360, .mss_lowered = 7, .filter = "nftables",
		.filter_locks = true, .clear_dropped = 2, .has_offload = true, .crypto = "OpenSSL 3.0.0", .crypto_why = "configuration", .offload = DP_OFFLOAD_TAP | DP_OFFLOAD_GRO, .offload_off = DP_OFFLOAD_GSO };
	return true;
}

static void
counters(struct dp *dp, dp_counter_fn *fn, void *ctx)
{
	(void)dp;
	fn(ctx, "esp-replay", 4);
}

static const struct dp_ops ops = { .peer_stats = peer_stats, .sa_stats = sa_stats, .link_info = link_info, .counters = counters };
struct dp fakes_dp = { &ops };
