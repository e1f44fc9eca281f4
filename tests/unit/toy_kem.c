#include "tests/unit/toy_kem.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 64, SECRET = 32, EK_MAX = 1568, CT_MAX = 1568 };

struct size {
	size_t ek, ct;
};
static const struct size s768 = { 1184, 1088 }, s1024 = { 1568, 1568 };

struct key {
	const struct size *size;
	bool whole;	/* has its seed */
	uint8_t seed[SEED], ek[EK_MAX];
};

struct gen {
	const struct size *size;
	uint8_t seed[SEED];
};

struct op {
	const struct key *key;
	uint8_t m[SECRET];
};

/* out = SHAKE-256(label | a | b) */
static void
expand(char label, const uint8_t *a, size_t n_a, const uint8_t *b, size_t n_b, uint8_t *out, size_t n)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	if (!c || !EVP_DigestInit_ex(c, EVP_shake256(), NULL) || !EVP_DigestUpdate(c, &label, 1) || !EVP_DigestUpdate(c, a, n_a) ||
	    !EVP_DigestUpdate(c, b, n_b) || !EVP_DigestFinalXOF(c, out, n))
		abort();
	EVP_MD_CTX_free(c);
}

/* ---- keys */
static void *
key_of(const struct size *size)
{
	struct key *k = OPENSSL_zalloc(sizeof(*k));

	if (k)
		k->size = size;
	return k;
}

static void *
new768(void *prov)
{
	(void)prov;
	return key_of(&s768);
}

static void *
new1024(void *prov)
{
	(void)prov;
	return key_of(&s1024);
}

static void
key_free(void *key)
{
	OPENSSL_clear_free(key, sizeof(struct key));
}

static int
has(const void *key, int selection)
{
	const struct key *k = key;

	return !(selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) || k->whole;
}

/* Like the modulus check of the real one. */
static bool
is_ek(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i += 2) {
		if (p[i] == 0xff && p[i + 1] == 0xff)
			return false;
	}
	return true;
}

static void
derive(struct key *k)
{
	expand('k', k->seed, SEED, NULL, 0, k->ek, k->size->ek);
	for (size_t i = 0; i < k->size->ek; i++)
		k->ek[i] &= 0x7f;
	k->whole = true;
}

static int
import(void *key, int selection, const OSSL_PARAM params[])
{
	const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PUB_KEY);
	struct key *k = key;

	(void)selection;
	if (!p || p->data_size != k->size->ek || !is_ek(p->data, p->data_size))
		return 0;
	memcpy(k->ek, p->data, p->data_size);
	return 1;
}

static const OSSL_PARAM *
import_types(int selection)
{
	static const OSSL_PARAM t[] = { OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0), OSSL_PARAM_END };

	(void)selection;
	return t;
}

static int
get_params(void *key, OSSL_PARAM params[])
{
	OSSL_PARAM *p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_PUB_KEY);
	struct key *k = key;

	return !p || OSSL_PARAM_set_octet_string(p, k->ek, k->size->ek);
}

static const OSSL_PARAM *
gettable(void *prov)
{
	(void)prov;
	return import_types(0);
}

static void *
gen_of(const struct size *size)
{
	struct gen *g = OPENSSL_zalloc(sizeof(*g));

	if (g)
		g->size = size;
	return g;
}

static void *
gen768(void *prov, int selection, const OSSL_PARAM params[])
{
	(void)prov, (void)selection, (void)params;
	return gen_of(&s768);
}

static void *
gen1024(void *prov, int selection, const OSSL_PARAM params[])
{
	(void)prov, (void)selection, (void)params;
	return gen_of(&s1024);
}

static int
gen_set(void *gen, const OSSL_PARAM params[])
{
	const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, "seed");
	struct gen *g = gen;

	if (!p)
		return 1;
	if (p->data_size != SEED)
		return 0;
	memcpy(g->seed, p->data, SEED);
	return 1;
}

static const OSSL_PARAM *
gen_settable(void *gen, void *prov)
{
	static const OSSL_PARAM t[] = { OSSL_PARAM_octet_string("seed", NULL, 0), OSSL_PARAM_END };

	(void)gen, (void)prov;
	return t;
}

static void *
generate(void *gen, OSSL_CALLBACK *cb, void *arg)
{
	struct gen *g = gen;
	struct key *k = key_of(g->size);

	(void)cb, (void)arg;
	if (k) {
		memcpy(k->seed, g->seed, SEED);
		derive(k);
	}
	return k;
}

static void
gen_free(void *gen)
{
	OPENSSL_clear_free(gen, sizeof(struct gen));
}

/* ---- operations */
static void *
op_new(void *prov)
{
	(void)prov;
	return OPENSSL_zalloc(sizeof(struct op));
}

static void
op_free(void *op)
{
	OPENSSL_clear_free(op, sizeof(struct op));
}

static int
op_init(void *op, void *key, const OSSL_PARAM params[])
{
	const OSSL_PARAM *p = params ? OSSL_PARAM_locate_const(params, "ikme") : NULL;
	struct op *o = op;

	o->key = key;
	if (!p)
		return 1;
	if (p->data_size != SECRET)
		return 0;
	memcpy(o->m, p->data, SECRET);
	return 1;
}

static void
mask(const struct key *k, const uint8_t in[static SECRET], uint8_t out[static SECRET])
{
	expand('x', k->ek, k->size->ek, NULL, 0, out, SECRET);
	for (size_t i = 0; i < SECRET; i++)
		out[i] ^= in[i];
}

static int
encapsulate(void *op, unsigned char *out, size_t *n, unsigned char *secret, size_t *n_secret)
{
	const struct op *o = op;
	size_t ct = o->key->size->ct;

	if (!out) {
		*n = ct;
		*n_secret = SECRET;
		return 1;
	}
	if (*n < ct || *n_secret < SECRET)
		return 0;
	*n = ct;
	*n_secret = SECRET;
	mask(o->key, o->m, out);
	expand('c', o->m, SECRET, o->key->ek, o->key->size->ek, out + SECRET, ct - SECRET);
	expand('s', o->m, SECRET, o->key->ek, o->key->size->ek, secret, SECRET);
	return 1;
}

static int
decapsulate(void *op, unsigned char *secret, size_t *n_secret, const unsigned char *in, size_t n)
{
	const struct op *o = op;
	const struct key *k = o->key;
	uint8_t m[SECRET], again[CT_MAX];

	if (n != k->size->ct || !k->whole)
		return 0;
	if (!secret) {
		*n_secret = SECRET;
		return 1;
	}
	mask(k, in, m);
	expand('c', m, SECRET, k->ek, k->size->ek, again, n - SECRET);
	*n_secret = SECRET;
	if (memcmp(again, in + SECRET, n - SECRET) == 0)
		expand('s', m, SECRET, k->ek, k->size->ek, secret, SECRET);
	else	/* implicit rejection */
		expand('r', k->seed, SEED, in, n, secret, SECRET);
	return 1;
}

/* ---- the provider */
#define FN(id, fn) { id, (void (*)(void))(fn) }
#define KEYS(size)                                                                                                                         \
	{ FN(OSSL_FUNC_KEYMGMT_NEW, new##size), FN(OSSL_FUNC_KEYMGMT_FREE, key_free), FN(OSSL_FUNC_KEYMGMT_HAS, has),                      \
		FN(OSSL_FUNC_KEYMGMT_IMPORT, import), FN(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, import_types),                                    \
		FN(OSSL_FUNC_KEYMGMT_GET_PARAMS, get_params), FN(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, gettable),                             \
		FN(OSSL_FUNC_KEYMGMT_GEN_INIT, gen##size), FN(OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS, gen_set),                                  \
		FN(OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS, gen_settable), FN(OSSL_FUNC_KEYMGMT_GEN, generate),                              \
		FN(OSSL_FUNC_KEYMGMT_GEN_CLEANUP, gen_free), { 0, NULL } }
static const OSSL_DISPATCH keys768[] = KEYS(768), keys1024[] = KEYS(1024);
static const OSSL_DISPATCH ops[] = { FN(OSSL_FUNC_KEM_NEWCTX, op_new), FN(OSSL_FUNC_KEM_FREECTX, op_free),
	FN(OSSL_FUNC_KEM_ENCAPSULATE_INIT, op_init), FN(OSSL_FUNC_KEM_ENCAPSULATE, encapsulate), FN(OSSL_FUNC_KEM_DECAPSULATE_INIT, op_init),
	FN(OSSL_FUNC_KEM_DECAPSULATE, decapsulate), { 0, NULL } };
static const OSSL_ALGORITHM keymgmts[] = { { "ML-KEM-768", "provider=toy", keys768, NULL }, { "ML-KEM-1024", "provider=toy", keys1024, NULL },
	{ NULL, NULL, NULL, NULL } };
static const OSSL_ALGORITHM kems[] = { { "ML-KEM-768", "provider=toy", ops, NULL }, { "ML-KEM-1024", "provider=toy", ops, NULL },
	{ NULL, NULL, NULL, NULL } };

static const OSSL_ALGORITHM *
query(void *prov, int id, int *no_cache)
{
	(void)prov;
	*no_cache = 0;
	return id == OSSL_OP_KEYMGMT ? keymgmts : id == OSSL_OP_KEM ? kems : NULL;
}

static int
init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **ctx)
{
	static const OSSL_DISPATCH fns[] = { FN(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query), { 0, NULL } };

	(void)in;
	*out = fns;
	*ctx = (void *)(uintptr_t)handle;
	return 1;
}

bool
toy_kem_load(void)
{
	EVP_KEM *real;

	/* At exit OpenSSL 3.0 would lose what it copied of a builtin provider, which the leak sanitizer takes for a leak of ours. */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
	real = EVP_KEM_fetch(NULL, "ML-KEM-768", NULL);
	if (real) {
		EVP_KEM_free(real);
		return false;
	}
	ERR_clear_error();
	if (!OSSL_PROVIDER_load(NULL, "default") || !OSSL_PROVIDER_add_builtin(NULL, "toy", init) || !OSSL_PROVIDER_load(NULL, "toy"))
		abort();
	return true;
}
