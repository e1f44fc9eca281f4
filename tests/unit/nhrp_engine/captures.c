/* What FRR and OpenNHRP really send, from ../shared/vectors/nhrp, put into our engine. Skipped where the folder is not there. */
#include "tests/unit/nhrp_engine/bench.h"

#include <stdio.h>
#include <stdlib.h>

static struct bench b;

/* The k-th packet of a capture's text: octets, and where it came from. 0 where there is none. */
static size_t
captured(const char *file, unsigned k, uint8_t out[1600], char from[64])
{
	char path[128] = "vectors/nhrp/";
	size_t n, len = 0;
	char *text, *at;

	strcat(path, file);
	text = (char *)test_shared(path, &n);
	for (at = text; at && *at; at = strstr(at, "\n\n") ? strstr(at, "\n\n") + 2 : NULL) {
		char *line = at, *rest = strchr(at, ' ');

		if (strncmp(at, "# ", 2) != 0 || !rest || k-- != 0)
			continue;
		rest = strchr(rest + 1, ' ');
		sscanf(rest, " %63s", from);
		while (*line == '#')
			line = strchr(line, '\n') + 1;
		len = test_unhex(line, out, 1600);
		break;
	}
	free(text);
	return len;
}

static void
hub(const char *own)
{
	bench_init(&b, own, NULL);
	b.conf.redirect = true;
	bench_start(&b);
}

static void
registers(const char *file, bool natted)
{
	uint8_t raw[1600], theirs[1600];
	char from[64], hub_from[64];
	size_t n = captured(file, 0, raw, from), m = captured(file, 1, theirs, hub_from);
	struct nhrp_packet ours, reply;

	if (!n)
		return;
	hub("10.255.0.1/24");
	bench_peer(&b, 5, from, "frr");
	ck_assert_int_eq(bench_raw(&b, 5, from, span_of(raw, n)), NHRP_OK);
	ours = bench_sent(&b, 0);
	ck_assert_int_eq(nhrp_packet_parse(span_of(theirs, m), &reply), NHRP_OK);
	ck_assert_uint_eq(ours.type, NHRP_REGISTRATION_REPLY);
	ck_assert_uint_eq(ours.request_id, reply.request_id);
	ck_assert(addr_eq(&ours.dst_proto, &reply.dst_proto));
	ck_assert_uint_eq(ours.n_ext, reply.n_ext);
	for (unsigned i = 0; i < ours.n_ext; i++) {
		ck_assert_uint_eq(ours.ext[i].type, reply.ext[i].type);
		ck_assert_uint_eq(ours.ext[i].value.n, reply.ext[i].value.n);
	}
	ck_assert(binding_find(b.n, &ours.src_proto)->natted == natted);
	bench_free(&b);
}

START_TEST(frr_registers)
{
	registers("frr-registration.txt", false);
	registers("frr-registration-nat.txt", true);
}
END_TEST

START_TEST(frr_redirects)
{
	uint8_t raw[1600];
	char from[64];
	size_t n = captured("frr-shortcut.txt", 0, raw, from);

	if (!n)
		return;
	bench_init(&b, "10.255.0.11/24", NULL);
	b.conf.shortcut = true;
	b.conf.n_nhs = 1;
	b.conf.nhs[0].family = 4;
	strcpy(b.conf.nhs[0].name, "hub");
	bench_start(&b);
	bench_nhs_up(&b, "10.255.0.1");
	bench_route(&b, "172.16.11.0/24", NHRP_RT_OUT, NULL);
	ck_assert_int_eq(bench_raw(&b, 1, from, span_of(raw, n)), NHRP_OK);
	ck_assert_uint_eq(bench_sent(&b, 0).dst_proto.b[2], 12);
	n = captured("frr-shortcut.txt", 5, raw, from);	/* the other side's request, as the hub passed it on */
	bench_clear(&b);
	ck_assert_int_eq(bench_raw(&b, 1, from, span_of(raw, n)), NHRP_OK);
	ck_assert_uint_eq(bench_sent(&b, 0).type, NHRP_RESOLUTION_REPLY);
	ck_assert_uint_eq(bench_sent(&b, 0).cie[0].prefix_len, 24);
	bench_free(&b);
}
END_TEST

START_TEST(opennhrp_registers_with_its_password)
{
	uint8_t raw[1600];
	char from[64];
	size_t n = captured("opennhrp-auth.txt", 0, raw, from);

	if (!n)
		return;
	bench_init(&b, "10.255.0.1/24", NULL);
	memcpy(b.conf.auth, "labsecre", 8);
	b.conf.auth_len = 8;
	bench_start(&b);
	bench_peer(&b, 5, from, "opennhrp");
	ck_assert_int_eq(bench_raw(&b, 5, from, span_of(raw, n)), NHRP_DROP_AUTH);	/* "labsecret" is longer than Cisco allows */
	bench_free(&b);
	bench_init(&b, "10.255.0.1/24", NULL);
	bench_start(&b);
	bench_peer(&b, 5, from, "opennhrp");
	ck_assert_int_eq(bench_raw(&b, 5, from, span_of(raw, n)), NHRP_OK);
	bench_free(&b);
}
END_TEST

Suite *captures_suite(void);
Suite *
captures_suite(void)
{
	Suite *s = suite_create("captures");
	TCase *t = tcase_create("all");

	tcase_add_test(t, frr_registers);
	tcase_add_test(t, frr_redirects);
	tcase_add_test(t, opennhrp_registers_with_its_password);
	suite_add_tcase(s, t);
	return s;
}
