#include "xfrm/kmsg.h"

#include <arpa/inet.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/nlq.h"

enum { REPLAY_WORDS_MAX = 512 / 4, MAPPING_AGE_S = 1 };

static uint16_t
family_of(const struct addr *a)
{
	return a->n == 16 ? AF_INET6 : AF_INET;
}

static void
put_addr(xfrm_address_t *to, const struct addr *a)
{
	memset(to, 0, sizeof(*to));
	memcpy(to, a->b, a->n);
}

struct addr
kmsg_addr(const xfrm_address_t *a, unsigned family)
{
	return addr_of(a, family == AF_INET6 ? 16 : 4);
}

bool
kmsg_reqid_ours(uint32_t reqid)
{
	return (reqid & 0xff000000) == KMSG_REQID_TUNNEL || (reqid & 0xff000000) == KMSG_REQID_PEER;
}

bool
kmsg_priority_ours(uint32_t priority)
{
	return priority == KMSG_PRIO_NEVER || priority == KMSG_PRIO_PEER || priority == KMSG_PRIO_TUNNEL || priority == KMSG_PRIO_BLOCK;
}

/* ---- algorithms */

struct name {
	uint16_t id;
	const char *text;
	unsigned icv;	/* bits */
};
static const struct name aeads[] = { { 20, "rfc4106(gcm(aes))", 128 }, { 28, "rfc7539esp(chacha20,poly1305)", 128 }, { 0 } };
static const struct name crypts[] = { { 12, "cbc(aes)", 0 }, { 13, "rfc3686(ctr(aes))", 0 }, { 3, "cbc(des3_ede)", 0 }, { 0 } };
static const struct name auths[] = { { 12, "hmac(sha256)", 128 }, { 13, "hmac(sha384)", 192 }, { 14, "hmac(sha512)", 256 }, { 2, "hmac(sha1)", 96 },
	{ 0 } };

static const struct name *
find(const struct name *t, uint16_t id)
{
	for (; t->text; t++) {
		if (t->id == id)
			return t;
	}
	return NULL;
}

static size_t
aead_of(const struct name *name, const uint8_t *key, size_t n, uint8_t *out)
{
	struct xfrm_algo_aead *a = (void *)out;

	strcpy(a->alg_name, name->text);
	a->alg_key_len = (unsigned)n * 8;
	a->alg_icv_len = name->icv;
	memcpy(a->alg_key, key, n);
	return sizeof(*a) + n;
}

static size_t
crypt_of(const struct name *name, const uint8_t *key, size_t n, uint8_t *out)
{
	struct xfrm_algo *a = (void *)out;

	strcpy(a->alg_name, name->text);
	a->alg_key_len = (unsigned)n * 8;
	memcpy(a->alg_key, key, n);
	return sizeof(*a) + n;
}

static size_t
auth_of(const struct name *name, const uint8_t *key, size_t n, uint8_t *out)
{
	struct xfrm_algo_auth *a = (void *)out;

	strcpy(a->alg_name, name->text);
	a->alg_key_len = (unsigned)n * 8;
	a->alg_trunc_len = name->icv;
	memcpy(a->alg_key, key, n);
	return sizeof(*a) + n;
}

static size_t
replay_of(const struct dp_sa *sa, uint8_t *out)
{
	struct xfrm_replay_state_esn *r = (void *)out;
	uint32_t words = (sa->replay_window + 31) / 32;

	words = words == 0 ? 1 : words > REPLAY_WORDS_MAX ? REPLAY_WORDS_MAX : words;
	r->bmp_len = words;
	r->replay_window = sa->replay_window && sa->replay_window < words * 32 ? sa->replay_window : words * 32;
	return sizeof(*r) + words * 4;
}

bool
kmsg_algs_of(const struct dp_sa *sa, bool out, struct kmsg_algs *a)
{
	const struct dp_sa_keys *k = &sa->keys;
	const uint8_t *encr = out ? k->encr_out : k->encr_in, *integ = out ? k->integ_out : k->integ_in;
	const struct name *aead = find(aeads, k->encr), *crypt = find(crypts, k->encr), *auth = find(auths, k->integ);

	memset(a, 0, sizeof(*a));
	a->replay_n = replay_of(sa, a->replay);
	if (aead) {
		a->aead_n = aead_of(aead, encr, k->encr_len, a->aead);
		return true;
	}
	if (!crypt || !auth)
		return false;
	a->crypt_n = crypt_of(crypt, encr, k->encr_len, a->crypt);
	a->auth_n = auth_of(auth, integ, k->integ_len, a->auth);
	return true;
}

static size_t
copy_attr(struct nlattr *at, uint8_t *out, size_t max)
{
	size_t n = at ? (size_t)nla_len(at) : 0;

	if (n > max)
		return 0;
	if (n)
		memcpy(out, nla_data(at), n);
	return n;
}

bool
kmsg_algs_read(struct nlmsghdr *h, struct kmsg_algs *a)
{
	struct nlattr *tb[XFRMA_MAX + 1];

	memset(a, 0, sizeof(*a));
	if (nlmsg_parse(h, sizeof(struct xfrm_usersa_info), tb, XFRMA_MAX, NULL) < 0)
		return false;
	a->aead_n = copy_attr(tb[XFRMA_ALG_AEAD], a->aead, sizeof(a->aead));
	a->crypt_n = copy_attr(tb[XFRMA_ALG_CRYPT], a->crypt, sizeof(a->crypt));
	a->auth_n = copy_attr(tb[XFRMA_ALG_AUTH_TRUNC], a->auth, sizeof(a->auth));
	a->replay_n = copy_attr(tb[XFRMA_REPLAY_ESN_VAL], a->replay, sizeof(a->replay));
	return a->replay_n && (a->aead_n || (a->crypt_n && a->auth_n));
}

void
kmsg_algs_skip(struct kmsg_algs *a, uint32_t n)
{
	struct xfrm_replay_state_esn *r = (void *)a->replay;

	r->oseq += n;
	if (r->oseq < n)
		r->oseq_hi++;
}

void
kmsg_algs_wipe(struct kmsg_algs *a)
{
	explicit_bzero(a, sizeof(*a));
}

/* ---- selectors: GRE, its key in the place of ports */

static void
put_sel(struct xfrm_selector *to, const struct kmsg_sel *s)
{
	memset(to, 0, sizeof(*to));
	to->family = s->v6 ? AF_INET6 : AF_INET;
	to->proto = IPPROTO_GRE;
	put_addr(&to->saddr, &s->src);
	put_addr(&to->daddr, &s->dst);
	to->prefixlen_s = (uint8_t)(s->src.n * 8);
	to->prefixlen_d = (uint8_t)(s->dst.n * 8);
	if (s->has_key) {
		to->sport = htons((uint16_t)(s->key >> 16));
		to->dport = htons((uint16_t)s->key);
		to->sport_mask = to->dport_mask = 0xffff;
	}
}

/* ---- states */

static void
put_life(struct xfrm_lifetime_cfg *to, const struct dp_life *l)
{
	to->soft_byte_limit = l->soft_bytes ? l->soft_bytes : XFRM_INF;
	to->hard_byte_limit = l->hard_bytes ? l->hard_bytes : XFRM_INF;
	to->soft_packet_limit = l->soft_packets ? l->soft_packets : XFRM_INF;
	to->hard_packet_limit = l->hard_packets ? l->hard_packets : XFRM_INF;
	to->soft_add_expires_seconds = l->soft_s;
	to->hard_add_expires_seconds = l->hard_s;
}

static bool
put_attrs(struct nl_msg *m, const struct kmsg_state *s)
{
	const struct kmsg_algs *a = s->algs;
	struct xfrm_encap_tmpl e = { .encap_type = UDP_ENCAP_ESPINUDP };
	uint16_t local = htons(s->local.port), remote = htons(s->remote.port);
	uint32_t age = MAPPING_AGE_S;

	e.encap_sport = s->out ? local : remote;
	e.encap_dport = s->out ? remote : local;
	return (!a->aead_n || nla_put(m, XFRMA_ALG_AEAD, (int)a->aead_n, a->aead) == 0) &&
	       (!a->crypt_n || nla_put(m, XFRMA_ALG_CRYPT, (int)a->crypt_n, a->crypt) == 0) &&
	       (!a->auth_n || nla_put(m, XFRMA_ALG_AUTH_TRUNC, (int)a->auth_n, a->auth) == 0) &&
	       nla_put(m, XFRMA_REPLAY_ESN_VAL, (int)a->replay_n, a->replay) == 0 &&
	       (!s->encap || nla_put(m, XFRMA_ENCAP, sizeof(e), &e) == 0) &&
	       (!s->encap || s->out || nla_put(m, XFRMA_MTIMER_THRESH, sizeof(age), &age) == 0);
}

struct nl_msg *
kmsg_state_add(const struct kmsg_state *s)
{
	const struct addr *src = s->out ? &s->local.addr : &s->remote.addr, *dst = s->out ? &s->remote.addr : &s->local.addr;
	struct xfrm_usersa_info i = { .family = family_of(dst), .mode = s->beet ? XFRM_MODE_BEET : XFRM_MODE_TRANSPORT, .reqid = s->reqid };
	struct kmsg_sel sel = { .v6 = dst->n == 16 };
	struct nl_msg *m;

	if (s->beet) {
		sel.src = s->out ? s->inner_local : s->inner_remote;
		sel.dst = s->out ? s->inner_remote : s->inner_local;
		sel.v6 = s->inner_remote.n == 16;	/* which need not be the family outside */
	}
	put_sel(&i.sel, &sel);
	put_addr(&i.saddr, src);
	put_addr(&i.id.daddr, dst);
	i.id.spi = htonl(s->spi);
	i.id.proto = IPPROTO_ESP;
	i.flags = s->esn ? XFRM_STATE_ESN : 0;
	put_life(&i.lft, &s->life);
	m = nlq_msg(XFRM_MSG_NEWSA, NLM_F_CREATE | NLM_F_EXCL, &i, sizeof(i));
	if (m && !put_attrs(m, s)) {
		nlmsg_free(m);
		return NULL;
	}
	return m;
}

static struct nl_msg *
state_by_id(const struct kmsg_state *s, uint16_t type)
{
	const struct addr *dst = s->out ? &s->remote.addr : &s->local.addr;
	struct xfrm_usersa_id id = { .spi = htonl(s->spi), .family = family_of(dst), .proto = IPPROTO_ESP };

	put_addr(&id.daddr, dst);
	return nlq_msg(type, 0, &id, sizeof(id));
}

struct nl_msg *
kmsg_state_del(const struct kmsg_state *s)
{
	return state_by_id(s, XFRM_MSG_DELSA);
}

struct nl_msg *
kmsg_state_get(const struct kmsg_state *s)
{
	return state_by_id(s, XFRM_MSG_GETSA);
}

/* The request of a dump has no family header, unlike that for one of them: the kernel takes all of it for attributes. */
struct nl_msg *
kmsg_state_dump(void)
{
	uint8_t proto = IPPROTO_ESP;
	struct nl_msg *m = nlq_msg(XFRM_MSG_GETSA, NLM_F_DUMP, NULL, 0);

	if (m && nla_put(m, XFRMA_PROTO, sizeof(proto), &proto) < 0) {
		nlmsg_free(m);
		return NULL;
	}
	return m;
}

/* ---- policies */

struct nl_msg *
kmsg_policy_dump(void)
{
	return nlq_msg(XFRM_MSG_GETPOLICY, NLM_F_DUMP, NULL, 0);
}

uint32_t
kmsg_policy_reqid(struct nlmsghdr *h)
{
	struct nlattr *tb[XFRMA_MAX + 1];
	struct xfrm_user_tmpl t;

	if (nlmsg_parse(h, sizeof(struct xfrm_userpolicy_info), tb, XFRMA_MAX, NULL) < 0 || !tb[XFRMA_TMPL] || (size_t)nla_len(tb[XFRMA_TMPL]) < sizeof(t))
		return 0;
	memcpy(&t, nla_data(tb[XFRMA_TMPL]), sizeof(t));
	return t.reqid;
}

struct endpoint
kmsg_state_remote(struct nlmsghdr *h)
{
	const struct xfrm_usersa_info *i = nlmsg_data(h);
	struct endpoint e = { kmsg_addr(&i->id.daddr, i->family), 0 };
	struct nlattr *tb[XFRMA_MAX + 1];
	struct xfrm_encap_tmpl encap;

	if (nlmsg_parse(h, sizeof(*i), tb, XFRMA_MAX, NULL) >= 0 && tb[XFRMA_ENCAP] && (size_t)nla_len(tb[XFRMA_ENCAP]) >= sizeof(encap)) {
		memcpy(&encap, nla_data(tb[XFRMA_ENCAP]), sizeof(encap));
		e.port = ntohs(encap.encap_dport);
	}
	return e;
}

struct nl_msg *
kmsg_policy_set(enum kmsg_policy kind, bool out, const struct kmsg_sel *sel, uint32_t reqid, const struct addr *local, const struct addr *remote)
{
	static const uint32_t priority[] = { [KMSG_BLOCK] = KMSG_PRIO_BLOCK, [KMSG_TUNNEL] = KMSG_PRIO_TUNNEL, [KMSG_PEER] = KMSG_PRIO_PEER,
		[KMSG_NEVER] = KMSG_PRIO_NEVER };
	bool block = kind == KMSG_BLOCK || kind == KMSG_NEVER;
	struct xfrm_userpolicy_info p = { .priority = priority[kind], .dir = out ? XFRM_POLICY_OUT : XFRM_POLICY_IN,
		.action = block ? XFRM_POLICY_BLOCK : XFRM_POLICY_ALLOW };
	struct xfrm_user_tmpl t = { .id.proto = IPPROTO_ESP, .family = sel->v6 ? AF_INET6 : AF_INET, .reqid = reqid,
		.mode = kind == KMSG_PEER ? XFRM_MODE_BEET : XFRM_MODE_TRANSPORT, .aalgos = ~0u, .ealgos = ~0u, .calgos = ~0u };
	struct nl_msg *m;

	put_sel(&p.sel, sel);
	put_life(&p.lft, &(struct dp_life){ 0 });
	if (kind == KMSG_PEER) {
		put_addr(&t.saddr, out ? local : remote);
		put_addr(&t.id.daddr, out ? remote : local);
		t.family = family_of(remote);
	}
	m = nlq_msg(XFRM_MSG_UPDPOLICY, 0, &p, sizeof(p));
	if (m && !block && nla_put(m, XFRMA_TMPL, sizeof(t), &t) < 0) {
		nlmsg_free(m);
		return NULL;
	}
	return m;
}

struct nl_msg *
kmsg_policy_del(bool out, const struct kmsg_sel *sel)
{
	struct xfrm_userpolicy_id id = { .dir = out ? XFRM_POLICY_OUT : XFRM_POLICY_IN };

	put_sel(&id.sel, sel);
	return nlq_msg(XFRM_MSG_DELPOLICY, 0, &id, sizeof(id));
}
