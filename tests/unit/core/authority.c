/* Twin of nhrpd/core/authority.c: who may claim what: by the configuration, else by the certificate, else nobody says. */
#include "tests/unit/core/bench.h"

#include <stdio.h>

#include "nhrpd/core/core_priv.h"

static struct bench b;
static struct claims out, cert;
static struct core_peer peer;
static struct core_policy policy[2];
static struct core_policy_match match[2][2];
static struct core_policy_allow allow[2][4];

static struct prefix
prefix(const char *text)
{
	struct prefix p;

	ck_assert(prefix_parse(text, &p));
	return p;
}

/* A hub whose peer `who` has this identity; nothing is said about it so far. */
static void
begin(const char *who)
{
	bench_init(&b, 2);
	memset(&cert, 0, sizeof(cert));
	memset(&peer, 0, sizeof(peer));
	memset(policy, 0, sizeof(policy));
	memset(match, 0, sizeof(match));
	memset(allow, 0, sizeof(allow));
	for (unsigned i = 0; i < 2; i++)
		policy[i] = (struct core_policy){ .source = i ? "authorization policy B" : "authorization policy A", .match = match[i], .n_match = 1,
			.allow = allow[i] };
	peer.tunnel = 1;
	peer.remote.addr = bench_addr("198.51.100.7");
	snprintf(peer.identity, sizeof(peer.identity), "%s", who);
	peer.who = (struct ike_id){ .type = IKE_ID_FQDN };
	if (strncmp(who, "fqdn ", 5) == 0)
		peer.who.len = (uint8_t)snprintf((char *)peer.who.data, sizeof(peer.who.data), "%s", who + 5);
	b.s[HUB].conf.policy = policy;
}

static void
lists(unsigned i, unsigned kind, const char *prefix_text, const char *template)
{
	policy[i].says |= kind;
	allow[i][policy[i].n_allow++] = (struct core_policy_allow){ kind, prefix_text ? prefix(prefix_text) : (struct prefix){ .bits = 0 }, template };
}

static void
is(unsigned kind, const char *want)
{
	char text[CLAIMS_TEXT_MAX];

	if (!b.s[HUB].core)
		ck_assert(bench_start(&b, HUB));
	core_authority(b.s[HUB].core, &peer, &out);
	ck_assert_int_eq(claims_speak(&out, kind, 4), want != NULL);
	if (want)
		ck_assert_str_eq(claims_fmt(&out, kind, text), want);
}

static const struct {
	const char *pattern, *who, *got;	/* NULL: the policy is not for it */
} patterns[] = {
	{ "fqdn site-{n}.example.net", "fqdn site-12.example.net", "10.255.0.12 (authorization policy A)" },
	{ "fqdn Site-{n}.EXAMPLE.net", "fqdn site-12.example.net", "10.255.0.12 (authorization policy A)" },
	{ "fqdn site-{n}.example.net", "fqdn site-0.example.net", "10.255.0.0 (authorization policy A)" },
	{ "fqdn site-{n}", "fqdn site-7", "10.255.0.7 (authorization policy A)" },
	{ "fqdn site-{n}.example.net", "fqdn site-300.example.net", "nothing (authorization policy A)" },	/* makes no address */
	{ "fqdn site-{n}.example.net", "fqdn site-012.example.net", NULL },
	{ "fqdn site-{n}.example.net", "fqdn site-123456.example.net", NULL },
	{ "fqdn site-{n}.example.net", "fqdn site-.example.net", NULL },
	{ "fqdn site-{n}.example.net", "fqdn site-1x.example.net", NULL },
	{ "fqdn site-{n}.example.net", "fqdn site-1.example.net.evil.org", NULL },
	{ "fqdn site-{n}.example.net", "fqdn xsite-1.example.net", NULL },
	{ "fqdn site-{n}.example.net", "email site-1.example.net", NULL },
	{ "fqdn site-one", "fqdn SITE-one", "nothing (authorization policy A)" },	/* without a number a template gives nothing */
	{ "fqdn site-one", "fqdn site-one.example.net", NULL },
};

START_TEST(by_pattern)
{
	begin(patterns[_i].who);
	b.s[HUB].conf.n_policy = 1;
	match[0][0].pattern = patterns[_i].pattern;
	lists(0, CLAIM_ADDRESS, NULL, "10.255.0.{n}");
	is(CLAIM_ADDRESS, patterns[_i].got);
	is(CLAIM_PREFIX, NULL);
	bench_fini(&b);
}
END_TEST

/* The first that is for it, whatever the later ones and the certificate say; any of its rules will do. */
START_TEST(first_policy_decides)
{
	begin("fqdn site-1.example.net");
	b.s[HUB].conf.n_policy = 2;
	match[0][0].id = (struct ike_match){ .kind = IKE_MATCH_EXACT, .id = { .type = IKE_ID_FQDN, .len = 1, .data = "x" } };
	match[0][1].id = (struct ike_match){ .kind = IKE_MATCH_EXACT, .id = peer.who };
	policy[0].n_match = 1 + (unsigned)_i;
	lists(0, CLAIM_PREFIX, "10.1.0.0/16", NULL);
	match[1][0].id.kind = IKE_MATCH_ANY;
	lists(1, CLAIM_ADDRESS, "10.255.0.9/32", NULL);
	lists(1, CLAIM_ADDRESS, "10.255.0.128/25", NULL);
	claims_add(&cert, CLAIM_ADDRESS, &(struct prefix){ bench_addr("10.255.0.77"), 32 });
	peer.cert = &cert;
	is(CLAIM_ADDRESS, _i ? NULL : "10.255.0.9 and 10.255.0.128/25 (authorization policy B)");
	is(CLAIM_PREFIX, _i ? "10.1.0.0/16 (authorization policy A)" : NULL);
	ck_assert(claims_speak(&out, _i ? CLAIM_PREFIX : CLAIM_ADDRESS, 16));	/* a list is one of both families */
	bench_fini(&b);
}
END_TEST

START_TEST(a_list_of_nothing)
{
	begin("fqdn site-1.example.net");
	b.s[HUB].conf.n_policy = 1;
	match[0][0].id.kind = IKE_MATCH_ANY;
	policy[0].says = CLAIM_BOTH;
	is(CLAIM_ADDRESS, "nothing (authorization policy A)");
	is(CLAIM_PREFIX, "nothing (authorization policy A)");
	bench_fini(&b);
}
END_TEST

/* Of a certificate's addresses those that may be tunnel addresses: in a network of the tunnel (0); where it has none, all but the peer's
 * outer one (1). Blocks count as they are, and of what it does not speak, nothing is said. */
START_TEST(by_certificate)
{
	begin("fqdn site-1.example.net");
	snprintf(cert.source, sizeof(cert.source), "certificate's SAN");
	claims_add(&cert, CLAIM_ADDRESS, &(struct prefix){ bench_addr("10.255.0.9"), 32 });
	claims_add(&cert, CLAIM_ADDRESS, &(struct prefix){ bench_addr("198.51.100.7"), 32 });
	claims_add(&cert, CLAIM_ADDRESS, &(struct prefix){ bench_addr("192.0.2.1"), 32 });
	if (_i == 1)
		b.s[HUB].tunnel.nhrp.own[0].bits = 32;
	if (_i == 2)
		claims_add(&cert, CLAIM_BOTH, &(struct prefix){ bench_addr("10.7.0.0"), 16 });
	peer.cert = &cert;
	is(CLAIM_ADDRESS, _i == 1 ? "10.255.0.9 and 192.0.2.1 (certificate's SAN)" :
	    _i == 2 ? "10.255.0.9 and 10.7.0.0/16 (certificate's SAN)" : "10.255.0.9 (certificate's SAN)");
	is(CLAIM_PREFIX, _i == 2 ? "10.7.0.0/16 (certificate's SAN)" : NULL);
	ck_assert(!claims_speak(&out, CLAIM_ADDRESS, 16));
	peer.cert = NULL;
	is(CLAIM_ADDRESS, NULL);
	bench_fini(&b);
}
END_TEST

/* A certificate with outer addresses only: they name no tunnel address, so it says nothing of them. */
START_TEST(outer_addresses_only)
{
	begin("fqdn site-1.example.net");
	claims_add(&cert, CLAIM_ADDRESS, &(struct prefix){ bench_addr("198.51.100.7"), 32 });
	peer.cert = &cert;
	ck_assert(bench_start(&b, HUB));
	core_authority(b.s[HUB].core, &peer, &out);
	ck_assert_uint_eq(out.n, 0);
	bench_fini(&b);
}
END_TEST

/* With both ends real: refused from the first packet on; a reload that allows it lets it in, one that does not any more puts it out. */
START_TEST(reload)
{
	struct core_conf conf;

	begin("");
	b.s[HUB].conf.n_policy = 1;
	match[0][0].id.kind = IKE_MATCH_ANY;
	lists(0, CLAIM_ADDRESS, "10.255.0.99/32", NULL);
	bench_start_all(&b);
	bench_run(&b, 5000);
	ck_assert_uint_eq(bench_peers(&b.s[HUB]), 1);
	ck_assert(!bench_registered(&b.s[SPOKE]));
	ck_assert_uint_eq(bench_count(&b.s[HUB], CORE_ACT_NEIGH_SET, 0), 0);
	for (unsigned i = 0; i < 2; i++) {
		conf = b.s[HUB].conf;
		conf.n_policy = i;
		ck_assert(core_reconf(b.s[HUB].core, b.now, &conf));
		bench_carry(&b, HUB);
		bench_run(&b, 100000);
		ck_assert_int_eq(bench_registered(&b.s[SPOKE]), i == 0);
	}
	ck_assert_uint_ge(bench_count(&b.s[HUB], CORE_ACT_NEIGH_DEL, 0), 1);
	bench_fini(&b);
}
END_TEST

Suite *
authority_suite(void)
{
	Suite *s = suite_create("authority");
	TCase *t = tcase_create("authority");

	tcase_add_loop_test(t, by_pattern, 0, sizeof(patterns) / sizeof(patterns[0]));
	tcase_add_loop_test(t, first_policy_decides, 0, 2);
	tcase_add_test(t, a_list_of_nothing);
	tcase_add_loop_test(t, by_certificate, 0, 3);
	tcase_add_test(t, outer_addresses_only);
	tcase_add_test(t, reload);
	suite_add_tcase(s, t);
	return s;
}
