/* why: each layer broken in turn, and several at once: the one that the others wait for is named. */
#include <errno.h>

#include "tests/unit/daemon/fakes.h"
#include "tests/unit/harness.h"

suite_fn why_suite;

static struct conf *conf;
static struct control_src src;
static struct control_later later;
static struct route_answer to_dst, to_nbma;	/* what the kernel says of the address asked for, and of any other */
static struct addr dst;
static int neigh;

static void
route(void *ctx, const struct addr *to, struct route_answer *out)
{
	(void)ctx;
	*out = addr_eq(to, &dst) ? to_dst : to_nbma;
}

static int
has_neigh(void *ctx, uint32_t ifindex, const struct addr *hop)
{
	(void)ctx, (void)hop;
	ck_assert_uint_eq(ifindex, 9);
	return neigh;
}

static void
probe(void *ctx, uint32_t tunnel, const struct addr *proto, uint32_t cookie)
{
	(void)ctx, (void)tunnel, (void)proto, (void)cookie;
}

/* A host behind the spoke that is UP; everything is well. */
static void
all_well(void)
{
	fakes_fill();
	src = (struct control_src){ .core = (struct core *)&fakes, .dp = &fakes_dp, .conf = conf, .started = TICK_S(1), .route = route, .neigh = has_neigh,
		.probe = probe, .later = &later };
	later = (struct control_later){ .wanted = false };
	to_dst = (struct route_answer){ .name = "dmvpn0", .route = { .dst = { fakes_addr("10.11.0.0"), 16 }, .via = fakes_addr("10.255.0.11"), .ifindex = 9 } };
	to_nbma = (struct route_answer){ .name = "eth0", .route = { .dst = { fakes_addr("0.0.0.0"), 0 }, .via = fakes_addr("192.0.2.254"), .ifindex = 2 } };
	neigh = 1;
	fakes.n_nhs = 0;
	fakes.n_shortcut = 0;
	fakes.source = fakes_addr("192.0.2.1");
}

static void
setup(void)
{
	conf = fakes_conf();
	all_well();
}

static void
teardown(void)
{
	conf_free(conf);
}

static json_t *
ask(const char *address)
{
	struct control_cmd cmd = { .verb = CONTROL_WHY };
	char why[512];
	json_t *o;

	snprintf(cmd.arg, sizeof(cmd.arg), "%s", address);
	dst = fakes_addr(address);
	o = show_command(&src, FAKES_NOW, &cmd, why, sizeof(why));
	ck_assert_msg(o != NULL, "%s", why);
	return o;
}

static const char *
text(json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

/* broken: the layer, "" none; cause: what it says, in part. */
static void
blames(json_t *o, const char *broken, const char *cause)
{
	ck_assert_str_eq(text(o, "broken"), broken);
	ck_assert_msg(strstr(text(o, "cause"), cause) != NULL, "%s is not in: %s", cause, text(o, "cause"));
	ck_assert_int_eq(json_is_true(json_object_get(o, "works")), !*broken);
	ck_assert_int_eq(*text(o, "next") == '\0', !*broken);
	json_decref(o);
}

static void
layer_is(json_t *o, const char *layer, const char *state)
{
	json_t *l;
	size_t i;

	json_array_foreach(json_object_get(o, "layers"), i, l) {
		if (strcmp(text(l, "layer"), layer) == 0) {
			ck_assert_str_eq(text(l, "state"), state);
			return;
		}
	}
	ck_abort_msg("no layer %s", layer);
}

START_TEST(well)
{
	json_t *o = ask("10.11.0.9");

	ck_assert_str_eq(text(o, "interface"), "dmvpn0");
	ck_assert_str_eq(text(o, "next_hop"), "10.255.0.11");
	ck_assert_str_eq(text(o, "nbma"), "198.51.100.7");
	layer_is(o, "policy", "note");	/* something of it was refused, which did not keep it from being UP */
	layer_is(o, "ipsec", "ok");
	ck_assert(later.wanted && later.verb == CONTROL_WHY && later.tunnel == 1);
	show_why_answered(o, true, 1234, "");
	layer_is(o, "answer", "ok");
	blames(o, "", "");
	o = ask("10.11.0.9");
	show_why_answered(o, false, 0, "no answer over the SA");
	layer_is(o, "answer", "broken");
	blames(o, "answer", "10.255.0.11 is silent");
	to_dst.route.kind = RIB_LOCAL;
	blames(ask("10.0.0.1"), "", "");
}
END_TEST

START_TEST(routes)
{
	to_dst.error = ENETUNREACH;
	to_dst.route.ifindex = 0;
	blames(ask("10.11.0.9"), "route", "no route of any table");
	to_dst.error = EINVAL;
	blames(ask("10.11.0.9"), "route", "blackhole");
	to_dst = to_nbma;
	blames(ask("10.11.0.9"), "route", "leaves by eth0 with the route to 0.0.0.0/0 via 192.0.2.254");
	all_well();
	to_nbma.error = EACCES;
	blames(ask("10.11.0.9"), "underlay", "prohibits");
	to_nbma = to_dst;
	blames(ask("10.11.0.9"), "underlay", "198.51.100.7 is routed into dmvpn0");
}
END_TEST

START_TEST(peers)
{
	fakes.peer[0].step = CORE_STEP_IKE;
	fakes.peer[0].reason = "authentication failed";
	blames(ask("10.11.0.9"), "ike", "authentication failed");
	ck_assert(!later.wanted);
	to_nbma.error = ENETUNREACH;	/* that is why */
	blames(ask("10.11.0.9"), "underlay", "no route");
	to_nbma.error = 0;
	fakes.peer[0].step = CORE_STEP_IPSEC;
	fakes.peer[0].reason = "no IPsec proposal in common";
	blames(ask("10.11.0.9"), "ipsec", "no IPsec proposal");
	fakes.peer[0].step = CORE_STEP_NHRP;
	fakes.peer[0].reason = "it has not registered";
	blames(ask("10.11.0.9"), "policy", "claims 10.255.0.12");	/* and that is why it has not */
	all_well();
	fakes.source.n = 0;
	blames(ask("10.11.0.9"), "interface", "tunnel source eth0 of dmvpn0 has no address");
	all_well();
	neigh = 0;
	blames(ask("10.11.0.9"), "neighbour", "no entry for 10.255.0.11");
	fakes.n_cache = fakes.n_peer = 0;
	blames(ask("10.11.0.9"), "mapping", "has not registered");
}
END_TEST

START_TEST(shortcuts)
{
	json_t *o;

	fakes.n_shortcut = 1;
	fakes.shortcut[0].prefix = (struct prefix){ fakes_addr("10.11.0.0"), 24 };
	fakes.shortcut[0].via = fakes_addr("10.255.0.12");
	to_dst.route.dst.bits = 8;	/* by the hub, as it were */
	blames(ask("10.11.0.9"), "shortcut", "somebody took ours away");
	fakes.shortcut[0].state = "negative";
	fakes.shortcut[0].reason = "no binding exists";
	o = ask("10.11.0.9");
	layer_is(o, "shortcut", "note");
	blames(o, "", "");
}
END_TEST

/* A spoke that does not know its next hop: by the hub, if that is there. */
START_TEST(by_the_hub)
{
	json_t *o;

	to_dst.route.via = fakes_addr("10.255.0.99");
	fakes.n_nhs = 1;
	fakes.nhs[0].proto = fakes_addr("10.255.0.11");
	o = ask("10.11.0.9");
	ck_assert_str_eq(text(o, "next_hop"), "10.255.0.11");
	layer_is(o, "mapping", "note");
	blames(o, "", "");
	fakes.nhs[0].up = false;
	fakes.nhs[0].reason = "no reply";
	blames(ask("10.11.0.9"), "mapping", "not registered with it: no reply");
}
END_TEST

/* By its outer address it is about the peer: routes inside do not matter. */
START_TEST(outer_address)
{
	json_t *o;

	to_dst = to_nbma;
	o = ask("198.51.100.7");
	ck_assert_str_eq(text(o, "next_hop"), "10.255.0.11");
	blames(o, "", "");
	blames(ask("203.0.113.9"), "ike", "no answer");
}
END_TEST

Suite *
why_suite(void)
{
	Suite *s = suite_create("daemon/show_why");
	TCase *t = tcase_create("why");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, well);
	tcase_add_test(t, routes);
	tcase_add_test(t, peers);
	tcase_add_test(t, shortcuts);
	tcase_add_test(t, by_the_hub);
	tcase_add_test(t, outer_address);
	suite_add_tcase(s, t);
	return s;
}
