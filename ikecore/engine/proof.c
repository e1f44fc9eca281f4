/* ikecore/engine/proof.c: certificates in IKE_AUTH (RFC 7296 3.6, 3.7, 2.15; RFC 7427, 4945): what is said about them, which of our
 * keys signs, and the jobs that sign and check.
 *
 * A message that needs a job is held as it was inside its encryption; the job owns copies of all it needs, so the engine may free
 * or be given another configuration meanwhile. When it comes back the message is read once more and goes on where it stopped
 * (auth.c). The peer's repetitions are dropped until then. The order is: signature and chain first, then, if the trustpoint that
 * vouches wants it, the question of revocation to the outside (IKE_ACT_REVOCATION), then whether it is allowed in.
 *
 * Left out on purpose: hash and URL of certificates (types 12 and 13 are passed over, CVE-2022-40617), CERTREQ as an obligation
 * (it is a hint which of our keys to use), in-band OCSP. */
#include "ikecore/engine/ike_priv.h"

#include <stdio.h>

enum { CERT_X509_SIGNATURE = 4 };
#define CHECK_LIFE	TICK_S(30)	/* until a proof must be there */

/* ---- policy */

bool
ike_takes_psk(const struct ike_profile *p)
{
	return !p->auth_remote || (p->auth_remote & IKE_TAKE_PSK);
}

bool
ike_takes_method(const struct ike_profile *p, uint8_t method)
{
	switch (method) {
	case IKE_AUTH_PSK:
		return ike_takes_psk(p);
	case IKE_AUTH_SIGNATURE:
		return p->auth_remote & IKE_SIGN_ANY;
	case IKE_AUTH_ECDSA256:
	case IKE_AUTH_ECDSA384:
	case IKE_AUTH_ECDSA521:
		return p->auth_remote & IKE_SIGN_ECDSA;
	case IKE_AUTH_RSA:
		return p->auth_remote & IKE_SIGN_SHA1;
	default:	/* an octet from the wire */
		return false;
	}
}

static bool
uses_certs(const struct ike_profile *p)
{
	return p->auth_local || (p->auth_remote & ~(unsigned)IKE_TAKE_PSK);
}

static bool
checks_certs(const struct ike_profile *p)
{
	return p->auth_remote & ~(unsigned)IKE_TAKE_PSK;
}

/* ---- what messages say */

void
ike_proof_hashes(struct ike_sa *sa, const struct ike_msg *m)
{
	const struct ike_notify *n = ike_msg_notify(m, IKE_N_SIGNATURE_HASH_ALGORITHMS);

	for (size_t i = 0; n && i + 1 < n->data.n; i += 2) {
		uint16_t hash = get_be16(n->data.p + i);

		if (hash >= IKE_HASH_SHA256 && hash <= IKE_HASH_IDENTITY)
			sa->hs->hashes |= 1u << hash;
	}
}

struct certreq {
	uint8_t body[1 + IKE_CERTREQ_MAX * IKE_SHA1_LEN];
	struct wr w;
	unsigned n;
};

static void
certreq_add(struct certreq *r, const struct ike_profile *p)
{
	for (unsigned i = 0; checks_certs(p) && i < p->n_trust; i++) {
		for (unsigned k = 0; k < ike_trust_n_ca(p->trust[i]) && r->n < IKE_CERTREQ_MAX; k++) {
			const uint8_t *hash = ike_trust_ca_hash(p->trust[i], k);

			if (memmem(r->body + 1, (size_t)r->n * IKE_SHA1_LEN, hash, IKE_SHA1_LEN))
				continue;
			wr_bytes(&r->w, hash, IKE_SHA1_LEN);
			r->n++;
		}
	}
}

static void
certreq_begin(struct certreq *r)
{
	r->w = wr_of(r->body, sizeof(r->body));
	r->n = 0;
	wr_u8(&r->w, CERT_X509_SIGNATURE);
}

static void
certreq_end(struct certreq *r, struct ike_tx *t)
{
	if (r->n)
		ike_build_raw(&t->b, IKE_PL_CERTREQ, wr_span(&r->w));
}

void
ike_proof_build_certreq(const struct ike_profile *p, struct ike_tx *t)
{
	struct certreq r;

	certreq_begin(&r);
	certreq_add(&r, p);
	certreq_end(&r, t);
}

/* Of all profiles: whose it will be is not known yet. Nothing where none uses certificates. */
void
ike_proof_build_init(struct ike *k, struct ike_tx *t, bool response)
{
	static const uint8_t hashes[] = { 0, IKE_HASH_SHA256, 0, IKE_HASH_SHA384, 0, IKE_HASH_SHA512, 0, IKE_HASH_IDENTITY };
	struct certreq r;
	bool any = false;

	certreq_begin(&r);
	for (unsigned i = 0; i < k->conf->n_profile; i++) {
		any |= uses_certs(&k->conf->profile[i]);
		certreq_add(&r, &k->conf->profile[i]);
	}
	if (any)
		ike_tx_notify_data(t, IKE_N_SIGNATURE_HASH_ALGORITHMS, span_of(hashes, sizeof(hashes)));
	if (response)
		certreq_end(&r, t);
}

void
ike_proof_build_certs(const struct ike_sa *sa, struct ike_tx *t)
{
	const struct ike_trust *own = sa->hs->own;
	uint8_t body[1 + IKE_OWN_OCTETS_MAX];

	for (unsigned i = 0; own && i < ike_trust_n_own(own); i++) {
		struct span der = ike_trust_own(own, i);
		struct wr w = wr_of(body, sizeof(body));

		wr_u8(&w, CERT_X509_SIGNATURE);
		wr_put(&w, der);
		ike_build_raw(&t->b, IKE_PL_CERT, wr_span(&w));
	}
}

/* ---- which key of ours */

static bool
asked_for(const struct ike_trust *t, const struct ike_msg *m)
{
	for (unsigned i = 0; i < m->n_rawpl; i++) {
		struct span s = m->rawpl[i].body;

		if (m->rawpl[i].type != IKE_PL_CERTREQ || s.n < 1 || s.p[0] != CERT_X509_SIGNATURE)
			continue;
		for (size_t at = 1; at + IKE_SHA1_LEN <= s.n && at < 1 + 64 * IKE_SHA1_LEN; at += IKE_SHA1_LEN) {
			if (ike_trust_was_issued_by(t, s.p + at))
				return true;
		}
	}
	return false;
}

static bool
can_sign(const struct ike_profile *p, const struct ike_trust *t)
{
	return ike_trust_own_kind(t) & p->auth_local;
}

void
ike_proof_choose(struct ike *k, struct ike_sa *sa, const struct ike_msg *m)
{
	const struct ike_profile *p = ike_profile(k, sa->profile);
	const struct ike_trust *found = NULL;

	for (unsigned i = 0; p->auth_local && i < p->n_trust; i++) {
		if (!can_sign(p, p->trust[i]))
			continue;
		if (!found)
			found = p->trust[i];
		if (m && asked_for(p->trust[i], m)) {
			found = p->trust[i];
			break;
		}
	}
	ike_trust_put(sa->hs->own);
	sa->hs->own = found ? ike_trust_get(found) : NULL;
}

static int64_t
wall(const struct ike *k)
{
	return k->env.wall ? k->env.wall(k->env.env.ctx) : 0;
}

bool
ike_proof_own_why(struct ike *k, struct ike_sa *sa, char why[static IKE_WHY_MAX])
{
	const struct ike_profile *p = ike_profile(k, sa->profile);

	if (!p->auth_local)
		return false;
	if (!sa->hs->own) {
		snprintf(why, IKE_WHY_MAX, "profile %.64s has no certificate of ours to authenticate with", p->name);
		return true;
	}
	return ike_trust_own_fault(sa->hs->own, wall(k), why) != IKE_CERT_OK;
}

/* ---- jobs */

static struct span
put_copy(struct wr *w, struct span s)
{
	uint8_t *at = wr_room(w, s.n);

	if (!at)
		return span_of("", 0);
	memcpy(at, s.p, s.n);
	return span_of(at, s.n);
}

static struct span
put_octets(struct wr *w, const struct ike_sa *sa, const struct ike_keys *keys, bool initiator, struct span id_body)
{
	struct ike_auth_in in = ike_auth_in(sa, initiator, id_body);
	uint8_t *at = w->p;
	size_t n = w->bad ? 0 : ike_auth_octets(keys, initiator, &in, at, (size_t)(w->end - w->p));

	if (n == 0) {
		w->bad = true;
		return span_of("", 0);
	}
	wr_room(w, n);
	return span_of(at, n);
}

static size_t
octets_max(const struct ike_sa *sa)
{
	return sa->hs->mine_len + sa->hs->theirs_len + IKE_NONCE_MAX + IKE_PRF_LEN_MAX;
}

static size_t
certs_of(const struct ike_msg *m, struct span *cert, unsigned *n)
{
	size_t octets = 0;

	*n = 0;
	for (unsigned i = 0; i < m->n_rawpl; i++) {
		struct span s = m->rawpl[i].body;

		if (m->rawpl[i].type != IKE_PL_CERT || s.n < 1 || s.p[0] != CERT_X509_SIGNATURE || *n > IKE_CHAIN_MAX)
			continue;
		cert[(*n)++] = span_of(s.p + 1, s.n - 1);
		octets += s.n;
	}
	return octets;
}

/* What comes along with a pre-shared key is proved by nothing. */
struct span
ike_proof_leaf(const struct ike_msg *m)
{
	struct span cert[IKE_CHAIN_MAX + 1];
	unsigned n;

	certs_of(m, cert, &n);
	return n && m->auth_method != IKE_AUTH_PSK ? cert[0] : span_of("", 0);
}

struct span
ike_proof_cert(const struct ike_sa *sa)
{
	return sa->vouched ? span_of(sa->vouched->leaf, sa->vouched->leaf_len) : span_of("", 0);
}

struct span
ike_sa_cert(const struct ike *k, uint32_t sa)
{
	const struct ike_sa *s = ike_sa_find(k, sa);

	return s ? ike_proof_cert(s) : span_of("", 0);
}

static void
fill_check(struct ike_proof_job *p, const struct ike_profile *prof, const struct ike_sa *sa, const struct ike_msg *m, struct wr *w)
{
	const struct ike_id_pl *id = sa->initiator ? &m->idr : &m->idi;
	unsigned n;

	certs_of(m, p->cert, &n);
	for (unsigned i = 0; i < n; i++)
		p->cert[i] = put_copy(w, p->cert[i]);
	for (unsigned i = 0; i < prof->n_trust && i < IKE_TRUSTS_MAX; i++)
		p->trust[p->in.n_trust++] = ike_trust_get(prof->trust[i]);
	p->in.trust = (const struct ike_trust *const *)p->trust;
	p->in.cert = p->cert;
	p->in.n_cert = n;
	p->in.id_type = id->type;
	p->in.id = put_copy(w, id->data);
	p->in.kinds = prof->auth_remote & (IKE_SIGN_ANY | IKE_SIGN_SHA1);
	p->in.method = m->auth_method;
	p->in.auth = put_copy(w, m->auth);
	p->in.octets = put_octets(w, sa, &sa->keys, !sa->initiator, id->body);
}

static void
fill_sign(struct ike_proof_job *p, const struct ike_profile *prof, const struct ike_sa *sa, bool plain, struct wr *w)
{
	uint8_t body[4 + IKE_ID_MAX];
	struct wr b = wr_of(body, sizeof(body));

	ike_id_body(&b, sa->local_id.type, ike_put_id(&sa->local_id));
	p->own = ike_trust_get(sa->hs->own);
	p->as = (struct ike_sign_as){ .kinds = prof->auth_local, .hashes = sa->hs->hashes };
	p->octets = put_octets(w, sa, &sa->keys, sa->initiator, wr_span(&b));
	if (plain)
		p->plain = put_octets(w, sa, &sa->hs->plain, sa->initiator, wr_span(&b));
}

static struct ike_proof_job *
proof_new(struct ike *k, const struct ike_sa *sa, const struct ike_msg *m, bool check, bool sign)
{
	const struct ike_profile *prof = ike_profile(k, sa->profile);
	struct span cert[IKE_CHAIN_MAX + 1];
	unsigned n_cert;
	bool plain = sign && ike_ppk_optional(k, sa);
	size_t n = (check ? octets_max(sa) + certs_of(m, cert, &n_cert) + IKE_ID_MAX + m->auth.n : 0) + (sign ? octets_max(sa) : 0) +
	    (plain ? octets_max(sa) : 0);
	struct ike_proof_job *p = env_alloc(&k->env.env, sizeof(*p) + n);
	struct wr w;

	if (!p)
		return NULL;
	p->n = n;
	w = wr_of(p->mem, n);
	p->check = check;
	p->sign = sign;
	p->in.wall = wall(k);
	if (check)
		fill_check(p, prof, sa, m, &w);
	if (sign)
		fill_sign(p, prof, sa, plain, &w);
	if (!w.bad)
		return p;
	ike_proof_free(&k->env.env, p);
	return NULL;
}

void
ike_proof_free(const struct env *env, struct ike_proof_job *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < IKE_TRUSTS_MAX; i++)
		ike_trust_put(p->trust[i]);
	ike_trust_put(p->own);
	ike_chain_free(p->proved.chain);
	ike_wipe(p, sizeof(*p) + p->n);
	env_free(env, p);
}

/* Is there anything in the chain that files do not answer? */
static bool
must_ask(const struct ike_proof_job *p)
{
	const struct ike_chain *c = p->proved.chain;
	const struct ike_trust_conf *conf = ike_trust_conf(ike_chain_trust(c));

	if (conf->method[0] == IKE_REV_NONE)
		return false;
	for (unsigned i = 0; i < ike_chain_n(c); i++) {
		if (conf->method[0] != IKE_REV_CRL || !ike_chain_known_good(c, i, p->in.wall))
			return true;
	}
	return false;
}

void
ike_proof_run(struct ike_proof_job *p)
{
	bool good;

	if (p->answered)	/* it has run, and the verdict stands */
		return;
	good = !p->check || ike_proof_check(&p->in, &p->proved) == IKE_CERT_OK;
	p->ask = good && p->check && must_ask(p);
	if (good && p->sign)
		p->sig_len = ike_sign(p->own, &p->as, p->octets, &p->method, p->sig, p->why);
	if (p->sig_len && p->plain.n)
		p->plain_len = ike_sign(p->own, &p->as, p->plain, &p->method, p->plain_sig, p->why);
}

/* ---- holding the message */

static bool
hold(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m)
{
	struct ike_shake *hs = sa->hs;
	uint8_t *copy = env_alloc(&k->env.env, m->inner.n + 1);	/* with a pad length of 0 behind it, as after decryption */

	if (!copy)
		return false;
	memcpy(copy, m->inner.p, m->inner.n);
	env_free(&k->env.env, hs->held);
	hs->held = copy;
	hs->held_len = m->inner.n + 1;
	hs->held_hdr = m->hdr;
	hs->held_first = m->sk.first;
	hs->held_rx = *rx;
	hs->held_rx.packet = span_of("", 0);
	return true;
}

static enum ike_drop
read_held(const struct ike_shake *hs, struct ike_msg *m)
{
	memset(m, 0, sizeof(*m));
	m->hdr = hs->held_hdr;
	m->response = m->hdr.flags & IKE_FLAG_RESPONSE;
	m->sk.first = hs->held_first;
	return ike_msg_parse_inner(m, span_of(hs->held, hs->held_len));
}

void
ike_proof_forget(struct ike *k, struct ike_shake *hs)
{
	const struct env *env = &k->env.env;

	env_free(env, hs->held);
	hs->held = NULL;
	ike_proof_free(env, hs->proof);
	hs->proof = NULL;
	ike_trust_put(hs->own);
	hs->own = NULL;
}

bool
ike_proof_start(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m, bool check, bool sign)
{
	struct ike_proof_job *p = proof_new(k, sa, m, check, sign);
	struct ike_kex *none = NULL;
	struct ike_job *job = p && (!m || hold(k, sa, rx, m)) ? ike_job_new(k, sa, IKE_JOB_PUBLIC, &none, span_of("", 0)) : NULL;

	if (!job) {
		ike_proof_free(&k->env.env, p);
		return false;
	}
	job->proof = p;
	sa->job = job->serial;
	if (!ike_job_emit(k, sa, job)) {
		sa->job = 0;
		return false;
	}
	if (m)
		timer_arm(&k->timers, &sa->t_life, k->now + CHECK_LIFE);
	return true;
}

/* ---- and back */

static const struct fault_drop {
	enum ike_drop drop;
	bool tell;	/* the peer hears of it as AUTHENTICATION_FAILED; else the message counts as lost */
} fault_drop[] = {
	[IKE_CERT_OK] = { IKE_OK, true },
	[IKE_CERT_NONE] = { IKE_DROP_CERT_NONE, true },
	[IKE_CERT_SYNTAX] = { IKE_DROP_CERT_SYNTAX, true },
	[IKE_CERT_EXPIRED] = { IKE_DROP_CERT_EXPIRED, true },
	[IKE_CERT_NOT_YET] = { IKE_DROP_CERT_NOT_YET, true },
	[IKE_CERT_REVOKED] = { IKE_DROP_CERT_REVOKED, true },
	[IKE_CERT_UNKNOWN] = { IKE_DROP_CERT_UNKNOWN, true },
	[IKE_CERT_UNTRUSTED] = { IKE_DROP_CERT_UNTRUSTED, true },
	[IKE_CERT_KEY] = { IKE_DROP_CERT_KEY, true },
	[IKE_CERT_USAGE] = { IKE_DROP_CERT_USAGE, true },
	[IKE_CERT_IDENTITY] = { IKE_DROP_CERT_IDENTITY, true },
	[IKE_CERT_METHOD] = { IKE_DROP_AUTH_METHOD, true },
	[IKE_CERT_SIGNATURE] = { IKE_DROP_AUTH, true },
	[IKE_CERT_MEMORY] = { IKE_DROP_MEMORY, false },
};

/* What came of the question about revocation, into the verdict. */
static void
weigh(struct ike *k, const struct ike_sa *sa, struct ike_proof_job *p)
{
	char id[600];

	if (!p->answered || p->proved.fault != IKE_CERT_UNKNOWN || !ike_trust_conf(ike_chain_trust(p->proved.chain))->relaxed)
		return;
	ike_id_fmt(&sa->peer_id, id, sizeof(id));
	log_limited(k->env.env.log, &k->log_auth, k->now, LOG_LV_NOTICE, "ike-revocation-unknown", "%s: %s; taken, because revocation is relaxed", id, p->proved.why);
	p->proved.fault = IKE_CERT_OK;
}

static void
responder_done(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, struct ike_msg *m, enum ike_drop d, const char *why)
{
	uint32_t id = sa->id;

	sa->state = IKE_SA_R_AUTH;
	if (!ike_spare(k) || d == IKE_DROP_MEMORY)
		d = IKE_DROP_MEMORY;	/* as if the message had been lost */
	else if (d == IKE_OK)
		d = ike_auth_request_checked(k, sa, rx, m);
	else
		ike_auth_refuse(k, sa, rx, m->hdr.mid, IKE_N_AUTHENTICATION_FAILED, d, why);
	ike_count(k, d);
	sa = ike_sa_find(k, id);
	if (sa && sa->hs)
		ike_proof_forget(k, sa->hs);
	if (sa)
		ike_sa_kick(k, sa);
}

static void
initiator_done(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, struct ike_msg *m, enum ike_drop d, const char *why)
{
	char text[IKE_REASON_MAX];
	uint32_t id = sa->id;

	timer_disarm(&k->timers, &sa->t_life);
	sa->state = IKE_SA_I_AUTH;
	if (d == IKE_OK) {
		d = ike_auth_response_checked(k, sa, rx, m);
	} else {
		snprintf(text, sizeof(text), "authentication failed: %.220s", why);
		ike_fail_and_tell(k, sa, d == IKE_DROP_MEMORY ? IKE_DOWN_RESOURCES : IKE_DOWN_AUTH, false, text);
	}
	ike_count(k, d);
	sa = ike_sa_find(k, id);
	if (sa && sa->hs)
		ike_proof_forget(k, sa->hs);
	if (sa)
		ike_sa_kick(k, sa);
}

static bool
ask(struct ike *k, struct ike_sa *sa, struct ike_job *job)
{
	struct ike_act *a = ike_act(k, IKE_ACT_REVOCATION, sa);

	if (!a)
		return false;
	a->job = job;
	job->known = true;	/* no stranger any more */
	sa->job = job->serial;
	return true;
}

bool
ike_proof_job(struct ike *k, struct ike_sa *sa, struct ike_job *job)
{
	struct ike_shake *hs = sa->hs;
	struct ike_proof_job *p = job->proof;
	char why[IKE_WHY_MAX];
	struct ike_rx rx;
	struct ike_msg m;
	enum ike_drop d;

	if (!job->ran) {	/* no room for strangers: the peer says it again */
		if (sa->state == IKE_SA_R_CHECK)
			sa->state = IKE_SA_R_AUTH;
		return false;
	}
	if (p->ask && !p->answered && ask(k, sa, job))
		return true;
	if (p->ask && !p->answered)
		p->proved.fault = IKE_CERT_MEMORY;
	weigh(k, sa, p);
	job->proof = NULL;
	ike_proof_free(&k->env.env, hs->proof);
	hs->proof = p;
	snprintf(why, sizeof(why), "%s", p->check && p->proved.fault ? p->proved.why : p->why);
	d = p->check ? fault_drop[p->proved.fault].drop : IKE_OK;
	if (d == IKE_OK && p->sign && (!p->sig_len || (p->plain.n && !p->plain_len)))
		d = IKE_DROP_CERT_OWN;
	if (sa->state == IKE_SA_I_SIGN) {
		if (d == IKE_OK)
			ike_auth_request_send(k, sa);
		else
			ike_sa_fail(k, sa, IKE_DOWN_AUTH, false, why);
		return false;
	}
	if ((sa->state != IKE_SA_R_CHECK && sa->state != IKE_SA_I_CHECK) || !hs->held || read_held(hs, &m) != IKE_OK)
		return false;
	rx = hs->held_rx;
	if (sa->state == IKE_SA_R_CHECK)
		responder_done(k, sa, &rx, &m, d, why);
	else
		initiator_done(k, sa, &rx, &m, d, why);
	return false;
}

/* ---- of the outside */

const struct ike_chain *
ike_job_chain(const struct ike_job *job)
{
	return job->proof ? job->proof->proved.chain : NULL;
}

void
ike_job_answer(struct ike_job *job, enum ike_status status, const char *why)
{
	struct ike_proof_job *p = job->proof;

	if (!p)
		return;
	p->answered = true;
	if (status == IKE_STATUS_REVOKED)
		ike_chain_forget(p->proved.chain);
	p->proved.fault = status == IKE_STATUS_GOOD ? IKE_CERT_OK : status == IKE_STATUS_REVOKED ? IKE_CERT_REVOKED : IKE_CERT_UNKNOWN;
	snprintf(p->proved.why, sizeof(p->proved.why), "%s", why);
}

/* ---- established */

void
ike_proof_vouch(struct ike *k, struct ike_sa *sa, const struct ike_msg *m)
{
	const struct ike_proof_job *p = sa->hs->proof;
	struct span cert[IKE_CHAIN_MAX + 1];
	int64_t left;
	unsigned n;

	sa->auth_remote = m->auth_method;
	sa->cert_until = TICK_NEVER;
	if (!p || !p->check || !p->proved.chain)
		return;
	left = p->proved.until - p->in.wall;
	sa->cert_until = left < 0 ? k->now : left > 10LL * 366 * 86400 ? TICK_NEVER : k->now + TICK_S((tick_t)left + 1);
	certs_of(m, cert, &n);
	env_free(&k->env.env, sa->vouched);
	sa->vouched = n ? env_alloc(&k->env.env, sizeof(*sa->vouched) + cert[0].n) : NULL;
	if (!sa->vouched)
		return;	/* only shows and reloads miss it: a reload then closes the SA */
	sa->vouched->facts = p->proved.leaf;
	memcpy(sa->vouched->anchor, p->proved.anchor, sizeof(sa->vouched->anchor));
	snprintf(sa->vouched->trust, sizeof(sa->vouched->trust), "%s", ike_trust_conf(ike_chain_trust(p->proved.chain))->name);
	sa->vouched->until = p->proved.until;
	sa->vouched->leaf_len = cert[0].n;
	memcpy(sa->vouched->leaf, cert[0].p, cert[0].n);
}

/* Would it come up today? Another certificate of ours changes nothing for those that are up. */
const char *
ike_proof_unwelcome(const struct ike_profile *p, const struct ike_sa *sa)
{
	const struct ike_vouched *v = sa->vouched;
	char why[IKE_WHY_MAX];
	bool anchored = false;

	if (sa->state != IKE_SA_EST)
		return NULL;
	if (!ike_takes_method(p, sa->auth_remote) || (sa->auth_local == IKE_AUTH_PSK) != (p->auth_local == 0))
		return "the way to authenticate was changed";
	if (sa->auth_remote == IKE_AUTH_PSK)
		return NULL;
	for (unsigned i = 0; v && i < p->n_trust; i++) {
		anchored |= ike_trust_is_anchor(p->trust[i], v->anchor);
		if (ike_trust_revokes(p->trust[i], span_of(v->leaf, v->leaf_len), why))
			return "its certificate was revoked";
	}
	return anchored ? NULL : "the CA of its certificate is not trusted any more";
}
