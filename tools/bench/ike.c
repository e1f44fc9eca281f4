/* tools/bench/ike.c: what an IKE handshake costs, next to what its cryptography costs (make bench-ike). Not installed.
 *
 * Two engines in one process, one thread; every call is accounted to the side it was made for, jobs included, by the CPU
 * time of the thread. The bare operations are timed in the same run, by OpenSSL's own interface, with everything fetched
 * beforehand: key pair, derivation, signature, verification of the other's signature, PRF, hash, AEAD; and of its certificate's path
 * where each side sees the other for the first time. Where it knows that path (ikecore/crypto/known.c) there is none to be bare.
 * Memory: 20,000 SA pairs, counted in the engine's allocator and, for the data plane's half, as growth of the process. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "ikecore/crypto/ike_cert.h"
#include "ikecore/engine/ike.h"
#include "lib/span.h"
#include "xfrm/sa.h"

enum { MSG_MAX = 8192, QUEUE = 64, PAIRS = 20000, PEM_MAX = 16384, SLICES = 10 /* of both kinds in turn: the machine is not always equally fast */ };

#define DIE(...) do { fprintf(stderr, "bench-ike: " __VA_ARGS__); fputc('\n', stderr); exit(1); } while (0)

static double
cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* ---- two engines */
struct msg {
	struct endpoint local, remote;
	size_t n;
	uint8_t octets[MSG_MAX];
};

struct side {
	struct env env;
	size_t octets;	/* allocated now, as malloc rounds them */
	uint64_t allocs;
	struct ike_profile profile;
	struct ike_key key;
	struct ike_conf conf;
	struct ike *k;
	struct outq out;
	double us;
	uint32_t next_spi, last_sa;
	unsigned ups, children, fails;
	char why[256];
	struct msg inbox[QUEUE];
	unsigned n_in;
	struct dp_sa *keep;	/* where to put the ESP SAs, or NULL */
	struct ike_trust *trust[2];	/* who we are, whom we trust */
};

static struct side side[2];
static tick_t now = TICK_S(1000);

static void *
counted_alloc(void *ctx, size_t n)
{
	struct side *s = ctx;
	void *p = calloc(1, n ? n : 1);

	if (p) {
		s->octets += malloc_usable_size(p) + sizeof(size_t);
		s->allocs++;
	}
	return p;
}

static void
counted_release(void *ctx, void *p)
{
	struct side *s = ctx;

	if (p)
		s->octets -= malloc_usable_size(p) + sizeof(size_t);
	free(p);
}

static void
random_octets(void *ctx, void *out, size_t n)
{
	(void)ctx;
	if (getrandom(out, n, 0) != (ssize_t)n)
		DIE("no random octets");
}

static uint32_t
spi_alloc(void *ctx)
{
	return ++((struct side *)ctx)->next_spi;
}

static int64_t
wall(void *ctx)
{
	(void)ctx;
	return (int64_t)time(NULL);
}

static void
deliver(struct side *from, const struct ike_act *a)
{
	struct side *to = from == &side[0] ? &side[1] : &side[0];
	struct msg *m = &to->inbox[to->n_in];

	if (to->n_in == QUEUE || a->packet.n > MSG_MAX)
		DIE("a message has no room");
	m->local = a->remote;
	m->remote = a->local;
	m->n = a->packet.n;
	memcpy(m->octets, a->packet.p, a->packet.n);
	to->n_in++;
}

/* Everything a call caused, in order; what comes back of it is accounted to the same side. */
static void
drain(struct side *s)
{
	struct ike_event back[QUEUE];
	unsigned n = 0;

	for (size_t i = 0; i < s->out.n; i++) {
		const struct ike_act *a = outq_at(&s->out, i);

		switch (a->kind) {
		case IKE_ACT_SEND:
			deliver(s, a);
			break;
		case IKE_ACT_JOB:
			back[n++] = (struct ike_event){ .kind = IKE_EV_JOB, .job = a->job };
			break;
		case IKE_ACT_CHILD_ADD:
			s->children++;
			if (s->keep)
				*s->keep++ = *a->child;
			back[n++] = (struct ike_event){ .kind = IKE_EV_CHILD_RESULT, .spi_in = a->spi_in, .ok = true };
			break;
		case IKE_ACT_IKE_UP:
			s->ups++;
			s->last_sa = a->sa;
			break;
		case IKE_ACT_DIAL_FAIL:
			s->fails++;
			snprintf(s->why, sizeof(s->why), "%s", a->text);
			break;
		default:	/* nothing that a handshake needs */
			break;
		}
	}
	ike_out_reset(&s->out);
	for (unsigned i = 0; i < n; i++) {
		double t = cpu_us();

		if (back[i].kind == IKE_EV_JOB)
			ike_job_run(back[i].job);
		ike_event(s->k, now, &back[i], &s->out);
		s->us += cpu_us() - t;
		drain(s);
	}
}

static void
event(struct side *s, struct ike_event *ev)
{
	double t = cpu_us();

	ike_event(s->k, now, ev, &s->out);
	s->us += cpu_us() - t;
	drain(s);
}

static void
settle(void)
{
	static struct msg m;

	while (side[0].n_in || side[1].n_in) {
		struct side *s = side[0].n_in ? &side[0] : &side[1];
		struct ike_rx rx;
		double t;

		m = s->inbox[0];
		memmove(s->inbox, s->inbox + 1, --s->n_in * sizeof(m));
		rx = (struct ike_rx){ .local = m.local, .remote = m.remote, .natt = m.local.port == 4500, .packet = span_of(m.octets, m.n) };
		t = cpu_us();
		ike_rx(s->k, now, &rx, &s->out);
		s->us += cpu_us() - t;
		drain(s);
	}
}

static struct addr
addr4(uint32_t v)
{
	uint8_t b[4];

	put_be32(b, v);
	return addr_of(b, 4);
}

static void
handshake(uint32_t number)
{
	struct ike_event ev = { .kind = IKE_EV_DIAL, .dial = number + 1, .n_remotes = 1 };

	ev.local.addr = addr4(0x0a000001 + number);
	ev.remotes[0].addr = addr4(0xc0000201);
	now += 1000;
	event(&side[0], &ev);
	settle();
}

/* Both ends forget it again; nothing of that is counted. */
static void
undo(uint32_t number)
{
	struct ike_event hang = { .kind = IKE_EV_HANGUP, .dial = number + 1 }, end = { .kind = IKE_EV_CLOSE, .sa = side[0].last_sa, .text = "done" };
	double was[2] = { side[0].us, side[1].us };

	event(&side[0], &hang);
	event(&side[0], &end);
	settle();
	for (unsigned i = 0; i < 2; i++) {
		now += TICK_S(4);	/* what lingers goes */
		ike_tick(side[i].k, now, &side[i].out);
		drain(&side[i]);
	}
	settle();
	side[0].us = was[0];
	side[1].us = was[1];
}

struct suite {
	const char *name;
	uint16_t group, prf;
	unsigned sign;	/* IKE_SIGN_*, 0: pre-shared key */
	bool known;	/* each has seen the other's certificate before */
	int rsa_bits;
	unsigned rounds;
};

static void
start(const struct suite *u)
{
	for (unsigned i = 0; i < 2; i++) {
		struct side *s = &side[i];
		struct ike_env env = { .spi_alloc = spi_alloc, .wall = wall };

		s->env = (struct env){ s, counted_alloc, counted_release, random_octets, NULL };
		s->next_spi = 1000;
		s->us = 0;
		s->ups = s->children = s->fails = s->n_in = 0;
		s->key = (struct ike_key){ .name = "all", .psk_len = 20 };
		memcpy(s->key.psk, "a secret of everyone", 20);
		s->profile = (struct ike_profile){ .name = "p", .n_ike = 1, .n_esp = 1, .key = &s->key, .n_key = 1, .dpd = IKE_DPD_OFF, .ike_life_s = 86400,
			.replay_window = 1024, .keepalive_s = 20 };
		s->profile.ike[0] = (struct ike_proposal){ .encr = { 20 }, .encr_bits = { 256 }, .n_encr = 1, .prf = { u->prf }, .n_prf = 1,
			.group = { u->group }, .n_group = 1 };
		s->profile.esp[0] = (struct ike_proposal){ .encr = { 20 }, .encr_bits = { 256 }, .n_encr = 1, .esn = { true, true } };
		if (u->sign) {
			s->profile.auth_local = s->profile.auth_remote = u->sign;
			s->profile.trust = s->trust;
			s->profile.n_trust = 2;
			s->profile.n_key = 0;
			s->profile.local_id = (struct ike_id){ .type = IKE_ID_FQDN, .len = 13 };
			memcpy(s->profile.local_id.data, i ? "r.example.net" : "i.example.net", 13);
		}
		s->conf = (struct ike_conf){ .profile = &s->profile, .n_profile = 1, .half_open_max = 4096, .cookie_threshold = 100, .sa_max = 200000 };
		env.env = s->env;
		if (!(s->k = ike_new(&s->conf, &env)) || !outq_init(&s->out, &s->env, sizeof(struct ike_act), IKE_OUT_ITEMS, IKE_OUT_OCTETS))
			DIE("out of memory");
	}
}

static void
stop(void)
{
	for (unsigned i = 0; i < 2; i++) {
		ike_free(side[i].k);
		outq_fini(&side[i].out, &side[i].env);
	}
}

/* ---- certificates: a CA and one for each side */
static EVP_PKEY *
key_new(int rsa_bits)
{
	EVP_PKEY *k = rsa_bits ? EVP_RSA_gen((unsigned)rsa_bits) : EVP_EC_gen("P-256");

	if (!k)
		DIE("no key");
	return k;
}

static X509 *
cert_new(const char *name, EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key)
{
	X509 *x = X509_new();
	X509V3_CTX ctx;
	char san[64];
	X509_EXTENSION *e;

	snprintf(san, sizeof(san), "DNS:%s", name);
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ca ? 2 + (name[0] == 'r') : 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(ca ? ca : x));
	X509_set_pubkey(x, key);
	X509V3_set_ctx(&ctx, ca ? ca : x, x, NULL, NULL, 0);
	e = ca ? X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_alt_name, san) : X509V3_EXT_conf_nid(NULL, &ctx, NID_basic_constraints, "critical,CA:TRUE");
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	e = X509V3_EXT_conf_nid(NULL, &ctx, NID_key_usage, ca ? "critical,digitalSignature" : "critical,keyCertSign,cRLSign");
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	if (!X509_sign(x, ca ? ca_key : key, EVP_sha256()))
		DIE("cannot sign a certificate");
	return x;
}

static struct span
pem_of(X509 *x, EVP_PKEY *k, uint8_t *out)
{
	BIO *b = BIO_new(BIO_s_mem());
	int n;

	if (x)
		PEM_write_bio_X509(b, x);
	else
		PEM_write_bio_PKCS8PrivateKey(b, k, NULL, NULL, 0, NULL, NULL);
	n = BIO_read(b, out, PEM_MAX);
	BIO_free(b);
	return span_of(out, n > 0 ? (size_t)n : 0);
}

static uint8_t ca_pem[PEM_MAX];
static size_t ca_len;

static struct ike_trust *
trust_new(void)
{
	static const struct ike_trust_conf conf = { .name = "bench" };
	struct ike_trust *t = ike_trust_new(&conf);

	if (!t)
		DIE("out of memory");
	return t;
}

/* Whom we trust, anew: no path is known. */
static void
trust_afresh(void)
{
	char why[IKE_WHY_MAX] = "";

	for (unsigned i = 0; i < 2; i++) {
		struct ike_trust *t = trust_new();

		if (!ike_trust_add_ca(t, span_of(ca_pem, ca_len), why) || !ike_trust_complete(t, why))
			DIE("CA: %s", why);
		ike_trust_put(side[i].trust[1]);
		side[i].trust[1] = t;
	}
}

static void
trust_up(int rsa_bits)
{
	EVP_PKEY *ca_key = key_new(rsa_bits);
	X509 *ca = cert_new("ca.example.net", ca_key, NULL, NULL);
	static uint8_t pem[PEM_MAX];
	char why[IKE_WHY_MAX] = "";

	ca_len = pem_of(ca, NULL, ca_pem).n;
	for (unsigned i = 0; i < 2; i++) {
		EVP_PKEY *key = key_new(rsa_bits);
		X509 *x = cert_new(i ? "r.example.net" : "i.example.net", key, ca, ca_key);
		struct ike_trust *t = trust_new();

		if (!ike_trust_add_own(t, pem_of(x, NULL, pem), why) || !ike_trust_set_key(t, pem_of(NULL, key, pem), span_of("", 0), why) ||
		    !ike_trust_complete(t, why))
			DIE("certificates: %s", why);
		side[i].trust[0] = t;
		X509_free(x);
		EVP_PKEY_free(key);
	}
	trust_afresh();
	X509_free(ca);
	EVP_PKEY_free(ca_key);
}

static void
trust_down(void)
{
	for (unsigned i = 0; i < 4; i++) {
		ike_trust_put(side[i / 2].trust[i % 2]);
		side[i / 2].trust[i % 2] = NULL;
	}
}

/* ---- bare operations, in microseconds */
#define TIMED(rounds, stmt) __extension__({ double t_ = cpu_us(); for (unsigned i_ = 0; i_ < (rounds); i_++) { stmt; } (cpu_us() - t_) / (rounds); })

static EVP_PKEY *
bare_keygen(EVP_PKEY_CTX *ctx)
{
	EVP_PKEY *k = NULL;

	if (EVP_PKEY_keygen(ctx, &k) != 1)
		DIE("keygen");
	return k;
}

/* A pair, and the derivation with the other side's value as it comes from the wire. */
static double
bare_exchange(const char *type, const char *group, unsigned rounds)
{
	OSSL_PARAM params[2] = { OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end() };
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL), *d;
	EVP_PKEY *mine, *theirs, *copy;
	unsigned char *pub = NULL, out[1024];
	size_t n, len;
	double t;

	if (group)
		params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)group, 0);
	if (EVP_PKEY_keygen_init(ctx) != 1 || (group && EVP_PKEY_CTX_set_params(ctx, params) != 1))
		DIE("%s", type);
	theirs = bare_keygen(ctx);
	n = EVP_PKEY_get1_encoded_public_key(theirs, &pub);
	t = TIMED(rounds, {
		mine = bare_keygen(ctx);
		copy = EVP_PKEY_new();
		EVP_PKEY_copy_parameters(copy, mine);
		if (strcmp(type, "X25519") == 0) {
			EVP_PKEY_free(copy);
			copy = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, pub, n);
		} else if (EVP_PKEY_set1_encoded_public_key(copy, pub, n) != 1) {
			DIE("public key");
		}
		d = EVP_PKEY_CTX_new_from_pkey(NULL, mine, NULL);
		len = sizeof(out);
		if (EVP_PKEY_derive_init(d) != 1 || EVP_PKEY_derive_set_peer_ex(d, copy, 0) != 1 || EVP_PKEY_derive(d, out, &len) != 1)
			DIE("derive");
		EVP_PKEY_CTX_free(d);
		EVP_PKEY_free(copy);
		EVP_PKEY_free(mine);
	});
	OPENSSL_free(pub);
	EVP_PKEY_free(theirs);
	EVP_PKEY_CTX_free(ctx);
	return t;
}

/* What the peer's certificate costs: read it, and have OpenSSL verify its path to the CA, of one signature. */
static double
bare_path(int rsa_bits, unsigned rounds)
{
	EVP_PKEY *ca_key = key_new(rsa_bits), *key = key_new(rsa_bits);
	X509 *ca = cert_new("ca.example.net", ca_key, NULL, NULL), *leaf = cert_new("r.example.net", key, ca, ca_key), *x;
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *sx;
	unsigned char *der = NULL;
	const unsigned char *p;
	int n = i2d_X509(leaf, &der);
	double t;

	X509_STORE_add_cert(store, ca);
	t = TIMED(rounds, {
		p = der;
		x = d2i_X509(NULL, &p, n);
		sx = X509_STORE_CTX_new();
		X509_STORE_CTX_init(sx, store, x, NULL);
		if (X509_verify_cert(sx) != 1)
			DIE("path");
		X509_STORE_CTX_free(sx);
		X509_free(x);
	});
	OPENSSL_free(der);
	X509_STORE_free(store);
	X509_free(leaf);
	X509_free(ca);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ca_key);
	return t;
}

/* One signature and one verification: the AUTH payloads. */
static double
bare_signatures(int rsa_bits, unsigned rounds)
{
	EVP_PKEY *k = key_new(rsa_bits);
	EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);
	EVP_MD_CTX *m = EVP_MD_CTX_new();
	unsigned char sig[512], text[600] = { 0 };
	size_t n = 0;
	double t;

	t = TIMED(rounds, {
		n = sizeof(sig);
		if (EVP_DigestSignInit(m, NULL, md, NULL, k) != 1 || EVP_DigestSign(m, sig, &n, text, sizeof(text)) != 1)
			DIE("sign");
		EVP_MD_CTX_reset(m);
		if (EVP_DigestVerifyInit(m, NULL, md, NULL, k) != 1 || EVP_DigestVerify(m, sig, n, text, sizeof(text)) != 1)
			DIE("verify");
		EVP_MD_CTX_reset(m);
	});
	EVP_MD_CTX_free(m);
	EVP_MD_free(md);
	EVP_PKEY_free(k);
	return t;
}

/* What a side computes besides: SKEYSEED 1, prf+ 6, KEYMAT 3, AUTH 3 (or 1) of each side, two AEAD messages, four SHA-1, a SHA-256. */
static double
bare_symmetric(bool psk, unsigned rounds)
{
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);
	EVP_CIPHER *gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	EVP_MD *sha1 = EVP_MD_fetch(NULL, "SHA1", NULL), *sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	char digest[] = "SHA256";
	OSSL_PARAM params[2] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end() };
	unsigned char key[32] = { 1 }, iv[12] = { 2 }, text[512] = { 0 }, out[64];
	unsigned prfs = 1 + 6 + 3 + (psk ? 6 : 2);
	size_t n;
	int len;
	double t;

	EVP_MAC_init(mac, key, sizeof(key), params);
	t = TIMED(rounds, {
		for (unsigned j = 0; j < prfs; j++) {
			EVP_MAC_init(mac, key, sizeof(key), NULL);
			EVP_MAC_update(mac, text, j < 10 ? 112 : 400);
			EVP_MAC_final(mac, out, &n, sizeof(out));
		}
		for (unsigned j = 0; j < 2; j++) {
			EVP_CipherInit_ex2(c, gcm, key, iv, j == 0, NULL);
			EVP_CipherUpdate(c, NULL, &len, text, 32);
			EVP_CipherUpdate(c, text, &len, text, 250);
			if (j == 0)
				EVP_CipherFinal_ex(c, out, &len);
		}
		for (unsigned j = 0; j < 4; j++)
			EVP_Digest(text, 22, out, NULL, sha1, NULL);
		EVP_Digest(text, 400, out, NULL, sha256, NULL);
	});
	EVP_MD_free(sha256);
	EVP_MD_free(sha1);
	EVP_CIPHER_CTX_free(c);
	EVP_CIPHER_free(gcm);
	EVP_MAC_CTX_free(mac);
	EVP_MAC_free(hmac);
	return t;
}

struct bare {
	double kex, sign, path, sym;
};

static void
bare(const struct suite *u, unsigned rounds, struct bare *b)
{
	const char *type = u->group == 31 ? "X25519" : u->group == 19 ? "EC" : "DH", *group = u->group == 31 ? NULL : u->group == 19 ? "P-256" : "modp_2048";

	b->kex += bare_exchange(type, group, rounds) / SLICES;
	b->sign += u->sign ? bare_signatures(u->rsa_bits, rounds) / SLICES : 0;
	b->path += u->sign && !u->known ? bare_path(u->rsa_bits, rounds) / SLICES : 0;
	b->sym += bare_symmetric(u->sign == 0, rounds) / SLICES;
}

/* ---- what is reported */
static void
run(const struct suite *u)
{
	struct bare b = { 0 };
	double sum, us[2];

	if (u->sign)
		trust_up(u->rsa_bits);
	start(u);
	for (uint32_t i = 0; i < 50; i++) {	/* warm */
		handshake(i);
		undo(i);
	}
	side[0].us = side[1].us = 0;
	side[0].ups = side[1].ups = 0;
	for (uint32_t i = 0; i < u->rounds; i++) {
		if (u->sign && !u->known)
			trust_afresh();
		handshake(i);
		if (side[0].ups != i + 1 || side[1].ups != i + 1)
			DIE("%s: handshake %u did not come up: %s", u->name, i, side[0].why);
		undo(i);
		if ((i + 1) % (u->rounds / SLICES) == 0)
			bare(u, u->rounds / SLICES, &b);
	}
	sum = b.kex + b.sign + b.path + b.sym;
	for (unsigned i = 0; i < 2; i++)
		us[i] = side[i].us / u->rounds;
	printf("%s: bare %.1f us: key exchange %.1f, signatures %.1f, certificate %.1f, symmetric %.1f\n", u->name, sum, b.kex, b.sign, b.path, b.sym);
	for (unsigned i = 0; i < 2; i++)
		printf("  %-9s %9.0f handshakes/s %9.1f us each, %.2f times the bare cryptography\n", i ? "responder" : "initiator", 1e6 / us[i], us[i],
		    us[i] / sum);
	stop();
	trust_down();
}

static size_t
resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long size = 0, rss = 0;

	if (!f || fscanf(f, "%lu %lu", &size, &rss) != 2)
		DIE("/proc/self/statm");
	fclose(f);
	return rss * (size_t)sysconf(_SC_PAGESIZE);
}

static void
plane_memory(struct dp_sa *sas)
{
	static struct sadb db;
	struct xsa *sa;
	size_t before;

	malloc_trim(0);
	before = resident();
	sadb_init(&db, &side[1].env, 0);
	for (uint32_t i = 0; i < PAIRS; i++) {
		sas[i].tunnel = 1;
		sas[i].peer = i + 1;
		if (sadb_add(&db, now, &sas[i], &sa) != 0)
			DIE("the data plane does not take SA %u", i);
	}
	printf("%-28s %7.0f octets resident (keys ready in OpenSSL, window of 1024)\n", "ESP pair in the user plane", (double)(resident() - before) / PAIRS);
	sadb_fini(&db);
}

static void
memory(void)
{
	static const struct suite u = { "memory", 31, 5, 0, false, 0, 0 };
	struct dp_sa *sas = calloc(PAIRS, sizeof(*sas)), *at = sas;
	size_t base, rss;

	start(&u);
	if (!at)
		DIE("out of memory");
	memset(sas, 1, PAIRS * sizeof(*sas));	/* resident from the beginning */
	side[1].keep = at;
	base = side[1].octets;
	rss = resident();
	for (uint32_t i = 0; i < PAIRS; i++)
		handshake(i);
	if (side[1].ups != PAIRS)
		DIE("%u of %u came up: %s", side[1].ups, PAIRS, side[0].why);
	now += TICK_S(60);
	for (unsigned i = 0; i < 2; i++) {
		ike_tick(side[i].k, now, &side[i].out);
		drain(&side[i]);
	}
	settle();
	printf("%-28s %7.0f octets in its allocator (responder), %.0f resident for both ends with dials\n", "IKE SA with its child", (double)(side[1].octets - base) / PAIRS,
	    (double)(resident() - rss) / PAIRS);
	plane_memory(sas);
	side[1].keep = NULL;
	stop();
	free(sas);
}

int
main(int argc, char **argv)
{
	static const struct suite suites[] = {
		{ "x25519 PSK", 31, 5, 0, false, 0, 3000 },
		{ "ECP-256 ECDSA, first time", 19, 5, IKE_SIGN_ECDSA, false, 0, 2000 },
		{ "ECP-256 ECDSA, path known", 19, 5, IKE_SIGN_ECDSA, true, 0, 2000 },
		{ "MODP-2048 RSA, first time", 14, 5, IKE_SIGN_RSA, false, 2048, 400 },
		{ "MODP-2048 RSA, path known", 14, 5, IKE_SIGN_RSA, true, 2048, 400 },
	};

	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		if (argc < 2 || strstr(suites[i].name, argv[1]))
			run(&suites[i]);
	}
	if (argc < 2 || strcmp(argv[1], "memory") == 0)
		memory();
	return 0;
}
