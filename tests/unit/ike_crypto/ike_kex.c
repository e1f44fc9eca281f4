/* Twin of ikecore/crypto/ike_kex.c: agreement, known answers, values a peer must not get away with. */
#include "ikecore/crypto/ike_crypto.h"
#include "ikecore/wire/ike_msg.h"
#include "tests/unit/ike_crypto/wycheproof.h"
#include "tests/unit/toy_kem.h"

#include <pthread.h>
#include <stdlib.h>

static const uint16_t groups[] = { 2, 5, 14, 15, 16, 17, 18, 19, 20, 21, 31, 32 };

START_TEST(both_sides_agree)
{
	uint16_t g = groups[_i];
	struct test_env t;
	struct ike_kex *a, *b, *again;
	struct span pa, pb;
	uint8_t sa[IKE_SHARED_MAX], sb[IKE_SHARED_MAX], first[IKE_PUBLIC_MAX];
	size_t n;

	test_env_init(&t);
	a = ike_kex_new(&t.env, g);
	b = ike_kex_new(&t.env, g);
	ck_assert_uint_eq(ike_kex_group(a), g);
	pa = ike_kex_public(a);
	pb = ike_kex_public(b);
	ck_assert_uint_eq(pa.n, ike_group_public_len(g));
	ck_assert_uint_eq(pb.n, pa.n);
	ck_assert_mem_ne(pa.p, pb.p, pa.n);
	n = ike_kex_shared(a, pb, sa);
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_eq(ike_kex_shared(b, pa, sb), n);
	ck_assert_mem_eq(sa, sb, n);
	memcpy(first, pa.p, pa.n);
	t.seed = 1;	/* the same random octets give the same key */
	again = ike_kex_new(&t.env, g);
	ck_assert_mem_eq(ike_kex_public(again).p, first, pa.n);
	ike_kex_free(&t.env, again);
	ike_kex_free(&t.env, b);
	ike_kex_free(&t.env, a);
	ike_kex_free(&t.env, NULL);
	ck_assert_int_eq(t.live, 0);
}
END_TEST

START_TEST(no_group_no_memory)
{
	struct test_env t;

	test_env_init(&t);
	ck_assert_ptr_null(ike_kex_new(&t.env, 0));
	ck_assert_ptr_null(ike_kex_new(&t.env, IKE_KE_NONE));
	ck_assert_ptr_null(ike_kex_new(&t.env, 1));
	ck_assert_ptr_null(ike_kex_new(&t.env, 22));
	ck_assert_ptr_null(ike_kex_new(&t.env, 1025));
	t.fail_at = 1;
	ck_assert_ptr_null(ike_kex_new(&t.env, 19));
	ck_assert_int_eq(t.live, 0);
}
END_TEST

/* Every wrong length, of values that would be good otherwise; in memory of exactly that size. */
START_TEST(wrong_length)
{
	uint16_t g = groups[_i];
	struct test_env t;
	struct ike_kex *a, *b;
	struct span pb;
	uint8_t longer[IKE_PUBLIC_MAX + 2] = { 0 }, out[IKE_SHARED_MAX];

	test_env_init(&t);
	a = ike_kex_new(&t.env, g);
	b = ike_kex_new(&t.env, g);
	pb = ike_kex_public(b);
	for (size_t n = 0; n < pb.n; n++) {
		uint8_t *cut = exact_copy(span_of(pb.p, n));

		ck_assert_uint_eq(ike_kex_shared(a, span_of(cut, n), out), 0);
		free(cut);
	}
	memcpy(longer + 1, pb.p, pb.n);
	ck_assert_uint_eq(ike_kex_shared(a, span_of(longer, pb.n + 1), out), 0);
	longer[0] = 4;
	ck_assert_uint_eq(ike_kex_shared(a, span_of(longer, pb.n + 1), out), 0);
	ike_kex_free(&t.env, a);
	ike_kex_free(&t.env, b);
}
END_TEST

/* ---- a random source that gives what the test wants, so that known private keys can be tried */

struct fixed {
	struct env env;
	uint8_t octets[128];
	size_t n;
};

static void *
fixed_alloc(void *ctx, size_t n)
{
	(void)ctx;
	return calloc(1, n);
}

static void
fixed_release(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static void
fixed_random(void *ctx, void *out, size_t n)
{
	struct fixed *f = ctx;

	ck_assert_uint_eq(n, f->n);
	memcpy(out, f->octets, n);
}

static struct ike_kex *
kex_fixed(struct fixed *f, uint16_t group, size_t n)
{
	f->env = (struct env){ f, fixed_alloc, fixed_release, fixed_random, NULL };
	f->n = n;
	return ike_kex_new(&f->env, group);
}

/* Random octets that give this scalar: one less, filled up with zeros in front. */
static struct ike_kex *
kex_scalar(struct fixed *f, uint16_t group, size_t n, struct span scalar)
{
	size_t i = n;

	memset(f->octets, 0, sizeof(f->octets));
	while (scalar.n && *scalar.p == 0)
		scalar = span_of(scalar.p + 1, scalar.n - 1);
	ck_assert_uint_le(scalar.n, n);
	memcpy(f->octets + n - scalar.n, scalar.p, scalar.n);
	while (i-- > 0 && f->octets[i]-- == 0)
		;
	return kex_fixed(f, group, n);
}

static uint16_t wp_group;
static unsigned wp_refused;

static void
ecdh_case(const struct wp_case *c)
{
	uint8_t pub[WP_OCTETS], priv[WP_OCTETS], want[WP_OCTETS], out[IKE_SHARED_MAX];
	struct span p = wp_hex(c, "public", pub), k = wp_hex(c, "private", priv), s = wp_hex(c, "shared", want);
	size_t len = ike_group_public_len(wp_group) / 2;
	struct fixed f;
	struct ike_kex *x;
	size_t n;

	x = kex_scalar(&f, wp_group, len + 8, k);
	if (p.n != 2 * len + 1 || p.p[0] != 4)	/* compressed, or of another curve: not even a KE payload of this group */
		n = ike_kex_shared(x, p, out);
	else
		n = ike_kex_shared(x, span_of(p.p + 1, p.n - 1), out);
	if (c->valid) {
		ck_assert_msg(n == len, "case %d", c->id);
		ck_assert_mem_eq(out, s.p, len);
	} else {
		ck_assert_msg(n == 0, "case %d", c->id);
		wp_refused++;
	}
	ike_kex_free(&f.env, x);
}

START_TEST(wycheproof_ecdh)
{
	wp_group = IKE_KE_ECP256;
	if (!wp_run("ecdh_secp256r1_ecpoint_test.json", ecdh_case))
		return;
	ck_assert_uint_gt(wp_refused, 0);
	wp_group = IKE_KE_ECP384;
	wp_run("ecdh_secp384r1_ecpoint_test.json", ecdh_case);
}
END_TEST

static void
raw_case(const struct wp_case *c)
{
	static const uint8_t zero[56];
	size_t want_len = ike_group_public_len(wp_group);
	uint8_t pub[WP_OCTETS], priv[WP_OCTETS], want[WP_OCTETS], out[IKE_SHARED_MAX];
	struct span p = wp_hex(c, "public", pub), k = wp_hex(c, "private", priv), s = wp_hex(c, "shared", want);
	struct fixed f;
	struct ike_kex *x;
	size_t n;

	memcpy(f.octets, k.p, k.n);
	x = kex_fixed(&f, wp_group, want_len);
	n = ike_kex_shared(x, p, out);
	if (p.n != want_len || memcmp(s.p, zero, want_len) == 0) {
		ck_assert_msg(n == 0, "case %d: wrong length or zero shared secret", c->id);
		wp_refused++;
	} else {	/* "acceptable" ones are legal by RFC 7748 */
		ck_assert_msg(n == want_len, "case %d", c->id);
		ck_assert_mem_eq(out, s.p, want_len);
		ck_assert_uint_gt(ike_kex_public(x).n, 0);	/* with the public half known, another way through OpenSSL */
		ck_assert_uint_eq(ike_kex_shared(x, p, out), want_len);
		ck_assert_mem_eq(out, s.p, want_len);
	}
	ike_kex_free(&f.env, x);
}

START_TEST(wycheproof_raw)
{
	wp_refused = 0;
	wp_group = IKE_KE_CURVE25519;
	if (!wp_run("x25519_test.json", raw_case))
		return;
	ck_assert_uint_gt(wp_refused, 0);
	wp_refused = 0;
	wp_group = IKE_KE_CURVE448;
	wp_run("x448_test.json", raw_case);
	ck_assert_uint_gt(wp_refused, 0);
}
END_TEST

/* 2^x and y^x mod p of RFC 3526 for x = 80 01 02 .. 1c, computed apart from this code; y = 79 has a leading zero octet. */
START_TEST(modp_known_answer)
{
	uint8_t want[16], peer[256] = { 0 }, out[IKE_SHARED_MAX];
	struct fixed f;
	struct ike_kex *x;

	for (unsigned i = 0; i < 29; i++)
		f.octets[i] = (uint8_t)i;	/* the first gets its top bit */
	x = kex_fixed(&f, IKE_KE_MODP2048, 29);
	test_unhex("b4e883a74308ff66d74273ff42126e9a", want, 16);
	ck_assert_mem_eq(ike_kex_public(x).p, want, 16);
	test_unhex("15f2a0384f0661541a0cc103fd7088c6", want, 16);
	ck_assert_mem_eq(ike_kex_public(x).p + 240, want, 16);
	peer[254] = 79 >> 8;
	peer[255] = 79 & 0xff;
	ck_assert_uint_eq(ike_kex_shared(x, span_of(peer, 256), out), 256);
	test_unhex("0075410134ee239900d26ff8de885bf5", want, 16);
	ck_assert_mem_eq(out, want, 16);
	ike_kex_free(&f.env, x);
}
END_TEST

/* The prime of RFC 3526, 3. */
static void
modp2048_prime(uint8_t p[static 256])
{
	static const char hex[] =
		"FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
		"4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05"
		"98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
		"E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF";

	ck_assert_uint_eq(test_unhex(hex, p, 256), 256);
}

START_TEST(modp_values_refused)
{
	uint8_t p[256], y[256] = { 0 }, out[IKE_SHARED_MAX];
	struct test_env t;
	struct ike_kex *x;

	test_env_init(&t);
	x = ike_kex_new(&t.env, 14);
	modp2048_prime(p);
	ck_assert_uint_eq(ike_kex_shared(x, span_of(y, 256), out), 0);	/* 0 */
	y[255] = 1;
	ck_assert_uint_eq(ike_kex_shared(x, span_of(y, 256), out), 0);	/* 1 */
	y[255] = 2;
	ck_assert_uint_eq(ike_kex_shared(x, span_of(y, 256), out), 256);	/* 2 */
	ck_assert_uint_eq(ike_kex_shared(x, span_of(p, 256), out), 0);	/* p */
	p[255] -= 1;
	ck_assert_uint_eq(ike_kex_shared(x, span_of(p, 256), out), 0);	/* p - 1 */
	p[255] -= 1;
	ck_assert_uint_eq(ike_kex_shared(x, span_of(p, 256), out), 256);	/* p - 2 */
	memset(y, 0xff, sizeof(y));
	ck_assert_uint_eq(ike_kex_shared(x, span_of(y, 256), out), 0);
	for (unsigned i = 0; i < IKE_SHARED_MAX; i++)
		ck_assert_uint_eq(out[i], 0);
	ike_kex_free(&t.env, x);
}
END_TEST

START_TEST(ecp_off_the_curve)
{
	static const uint16_t ecp[] = { 19, 20, 21 };
	struct test_env t;

	test_env_init(&t);
	for (unsigned i = 0; i < 3; i++) {
		struct ike_kex *x = ike_kex_new(&t.env, ecp[i]);
		struct span pub = ike_kex_public(x);
		uint8_t y[IKE_PUBLIC_MAX], out[IKE_SHARED_MAX];

		memcpy(y, pub.p, pub.n);
		ck_assert_uint_gt(ike_kex_shared(x, span_of(y, pub.n), out), 0);
		y[pub.n - 1] ^= 1;
		ck_assert_uint_eq(ike_kex_shared(x, span_of(y, pub.n), out), 0);
		memset(y, 0, sizeof(y));
		ck_assert_uint_eq(ike_kex_shared(x, span_of(y, pub.n), out), 0);
		memset(y, 0xff, sizeof(y));
		ck_assert_uint_eq(ike_kex_shared(x, span_of(y, pub.n), out), 0);
		ike_kex_free(&t.env, x);
	}
	ck_assert_int_eq(t.live, 0);
}
END_TEST

/* ---- ML-KEM: who answers must have the other's value first */

static const struct kem {
	uint16_t id;
	size_t key, ciphertext;
} kems[] = { { IKE_KE_MLKEM768, 1184, 1088 }, { IKE_KE_MLKEM1024, 1568, 1568 } };
static bool toy;	/* see toy_kem.h */

START_TEST(kem_sides_agree)
{
	const struct kem *g = &kems[_i];
	uint8_t sa[IKE_SHARED_MAX], sb[IKE_SHARED_MAX], first[IKE_PUBLIC_MAX], bent[IKE_PUBLIC_MAX];
	struct ike_kex *a, *b, *again;
	struct test_env t;
	struct span pa, pb;
	uint64_t seed;

	test_env_init(&t);
	a = ike_kex_new(&t.env, g->id);
	seed = t.seed;
	b = ike_kex_new(&t.env, g->id);
	ck_assert_uint_eq(ike_group_public_len(g->id), g->key);
	ck_assert_uint_eq(ike_group_answer_len(g->id), g->ciphertext);
	pa = ike_kex_public(a);
	ck_assert_uint_eq(pa.n, g->key);
	pb = ike_kex_answer(b, pa);
	ck_assert_uint_eq(pb.n, g->ciphertext);
	ck_assert_ptr_eq(ike_kex_public(b).p, pb.p);
	ck_assert_ptr_eq(ike_kex_answer(b, pa).p, pb.p);
	ck_assert_uint_eq(ike_kex_shared(a, pb, sa), 32);
	ck_assert_uint_eq(ike_kex_shared(b, pa, sb), 32);
	ck_assert_mem_eq(sa, sb, 32);
	memcpy(bent, pb.p, pb.n);	/* implicit rejection: another secret, no error */
	bent[100] ^= 1;
	ck_assert_uint_eq(ike_kex_shared(a, span_of(bent, pb.n), sb), 32);
	ck_assert_mem_ne(sa, sb, 32);
	memcpy(first, pb.p, pb.n);
	t.seed = seed;	/* the same random octets give the same ciphertext */
	again = ike_kex_new(&t.env, g->id);
	ck_assert_mem_eq(ike_kex_answer(again, pa).p, first, g->ciphertext);
	ike_kex_free(&t.env, again);
	ike_kex_free(&t.env, b);
	ike_kex_free(&t.env, a);
	ck_assert_int_eq(t.live, 0);
}
END_TEST

/* Every wrong length both ways, a key that is none, the side that answers asked before it has. */
START_TEST(kem_refuses)
{
	const struct kem *g = &kems[_i];
	uint8_t out[IKE_SHARED_MAX], bad[IKE_PUBLIC_MAX + 1];
	struct test_env t;
	struct ike_kex *a, *b;
	struct span pa;

	test_env_init(&t);
	a = ike_kex_new(&t.env, g->id);
	pa = ike_kex_public(a);
	memset(bad, 0, sizeof(bad));
	for (size_t n = 0; n <= sizeof(bad); n++) {
		uint8_t *exact = exact_copy(span_of(n <= pa.n ? pa.p : bad, n));

		b = ike_kex_new(&t.env, g->id);
		ck_assert_uint_eq(ike_kex_answer(b, span_of(exact, n)).n, n == g->key ? g->ciphertext : 0);
		ck_assert_uint_eq(ike_kex_shared(b, span_of(exact, n), out), n == g->key ? 32 : 0);
		ike_kex_free(&t.env, b);
		if (n != g->ciphertext)
			ck_assert_uint_eq(ike_kex_shared(a, span_of(exact, n), out), 0);
		free(exact);
	}
	memset(bad, 0xff, sizeof(bad));	/* coefficients past the modulus */
	b = ike_kex_new(&t.env, g->id);
	ck_assert_uint_eq(ike_kex_answer(b, span_of(bad, g->key)).n, 0);
	ck_assert_uint_eq(ike_kex_public(b).n, 0);
	ck_assert_uint_eq(ike_kex_shared(b, span_of(bad, g->key), out), 0);
	ike_kex_free(&t.env, b);
	ike_kex_free(&t.env, a);
	ck_assert_int_eq(t.live, 0);
}
END_TEST

static void
kem_case(const struct wp_case *c)
{
	uint8_t seed[WP_OCTETS], ciphertext[WP_OCTETS], key[WP_OCTETS], want[WP_OCTETS], out[IKE_SHARED_MAX];
	struct span s = wp_hex(c, "seed", seed), ct = wp_hex(c, "c", ciphertext), k = wp_hex(c, "K", want);
	struct fixed f;
	struct ike_kex *x;
	size_t n;

	if (s.n != 64) {
		wp_skip(c);
		return;
	}
	memcpy(f.octets, s.p, s.n);
	x = kex_fixed(&f, IKE_KE_MLKEM768, 64);
	ck_assert_msg(span_eq(ike_kex_public(x), wp_hex(c, "ek", key)), "case %d: key", c->id);
	n = ike_kex_shared(x, ct, out);
	ck_assert_msg(n == (c->valid ? 32 : 0), "case %d", c->id);
	if (c->valid)
		ck_assert_msg(span_eq(span_of(out, n), k), "case %d: secret", c->id);
	wp_refused += n == 0;
	ike_kex_free(&f.env, x);
}

START_TEST(wycheproof_kem)
{
	if (toy) {
		printf("skipped: vectors of ML-KEM, which this OpenSSL does not have\n");
		return;
	}
	wp_refused = 0;
	if (wp_run("mlkem_768_test.json", kem_case))
		ck_assert_uint_gt(wp_refused, 0);
}
END_TEST

/* Different objects on different threads, as the workers use them. */
static void *
worker(void *arg)
{
	struct ike_kex *const *x = arg;
	uint8_t a[IKE_SHARED_MAX], b[IKE_SHARED_MAX];
	size_t n = ike_kex_shared(x[0], ike_kex_public(x[1]), a);

	return n && ike_kex_shared(x[1], ike_kex_public(x[0]), b) == n && memcmp(a, b, n) == 0 ? arg : NULL;
}

START_TEST(threads)
{
	enum { N = 8 };
	struct ike_kex *x[N][2];
	struct test_env t;
	pthread_t th[N];

	test_env_init(&t);
	for (unsigned i = 0; i < N; i++) {
		x[i][0] = ike_kex_new(&t.env, groups[(i + 2) % 12]);
		x[i][1] = ike_kex_new(&t.env, groups[(i + 2) % 12]);
		ck_assert_int_eq(pthread_create(&th[i], NULL, worker, x[i]), 0);
	}
	for (unsigned i = 0; i < N; i++) {
		void *ok = NULL;

		pthread_join(th[i], &ok);
		ck_assert_ptr_nonnull(ok);
		ike_kex_free(&t.env, x[i][0]);
		ike_kex_free(&t.env, x[i][1]);
	}
}
END_TEST

suite_fn suite_ike_kex;
Suite *
suite_ike_kex(void)
{
	Suite *s = suite_create("ike_kex");
	int n_kem = sizeof(kems) / sizeof(kems[0]);
	TCase *tc = tcase_create("kex");
	int n = sizeof(groups) / sizeof(groups[0]);

	tcase_set_timeout(tc, 60);
	toy = toy_kem_load();
	tcase_add_test(tc, threads);
	tcase_add_loop_test(tc, kem_sides_agree, 0, n_kem);
	tcase_add_loop_test(tc, kem_refuses, 0, n_kem);
	tcase_add_test(tc, wycheproof_kem);
	tcase_add_loop_test(tc, both_sides_agree, 0, n);
	tcase_add_test(tc, no_group_no_memory);
	tcase_add_loop_test(tc, wrong_length, 0, n);
	tcase_add_test(tc, wycheproof_ecdh);
	tcase_add_test(tc, wycheproof_raw);
	tcase_add_test(tc, modp_known_answer);
	tcase_add_test(tc, modp_values_refused);
	tcase_add_test(tc, ecp_off_the_curve);
	suite_add_tcase(s, tc);
	return s;
}
