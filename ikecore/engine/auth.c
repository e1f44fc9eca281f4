/* ikecore/engine/auth.c: IKE_AUTH, both sides (RFC 7296 1.2, 2.15, 2.16): who is it, is it true, and which pre-shared key it is;
 * certificates are in proof.c, whose jobs stop a message here half way and let it go on later (..._checked()).
 *
 * Responder: the identity picks the profile (the first whose rules take it) and in its keyring the entry: exact identity,
 * domain, network or address, any. An entry with an identity rule is never used for another identity, so the wildcard key
 * cannot speak for a peer that has a key of its own.
 *
 * Initiator: it does not know who will answer, so it has a list of candidates (the dial keeps the place in it). The answer
 * is verified with the entry that was used, and the identity in it must fit that entry's rule and the profile's. An empty
 * key is never used; other AUTH methods are refused. */
#include "ikecore/engine/ike_priv.h"

#include <stdio.h>

/* ---- which key */
bool
ike_profile_takes(const struct ike_profile *p, const struct ike_id *id, struct span cert)
{
	bool named = p->n_remote == 0;

	for (unsigned i = 0; i < p->n_remote && !named; i++)
		named = ike_id_match(&p->remote[i], id);
	return named && ike_certmaps_match(p->certmap, p->n_certmap, cert);
}

static bool
has_rule(const struct ike_key *e)
{
	return e->has_id && e->id.kind != IKE_MATCH_ANY;
}

/* How well an entry fits an identity and where it comes from; 0: not at all. */
static unsigned
fit(const struct ike_key *e, const struct ike_id *id, const struct addr *remote)
{
	if (has_rule(e)) {
		if (!ike_id_match(&e->id, id))
			return 0;
		return e->id.kind == IKE_MATCH_EXACT	? 1000
		       : e->id.kind == IKE_MATCH_DOMAIN ? 500 + e->id.id.len / 2u
							: 300u + e->id.net.bits;
	}
	if (e->has_address)
		return prefix_has(&e->address, remote) ? 100u + e->address.bits : 0;
	return 1;
}

bool
ike_key_fits(const struct ike_key *e, const struct ike_id *id, const struct addr *remote)
{
	return e->psk_len && fit(e, id, remote);
}

/* Entries have a pre-shared key, a post-quantum one, or both. */
static bool
has_secret(const struct ike_key *e, bool ppk)
{
	return ppk ? e->ppk_len : e->psk_len;
}

static int
best_fit(const struct ike_profile *p, bool ppk, const struct ike_id *id, const struct addr *remote)
{
	unsigned best = 0;
	int at = -1;

	for (unsigned i = 0; i < p->n_key; i++) {
		unsigned n = has_secret(&p->key[i], ppk) ? fit(&p->key[i], id, remote) : 0;

		if (n > best) {
			best = n;
			at = (int)i;
		}
	}
	return at;
}

int
ike_key_for(const struct ike_profile *p, const struct ike_id *id, const struct addr *remote)
{
	return best_fit(p, false, id, remote);
}

int
ike_key_for_ppk(const struct ike_profile *p, const struct ike_id *id, const struct addr *remote)
{
	return best_fit(p, true, id, remote);
}

static const struct ike_worked *
worked_at(const struct ike *k, const struct addr *a)
{
	return &k->worked[map_hash(&k->addr_key, a->b, a->n) % IKE_WORKED];
}

bool
ike_worked_at(const struct ike *k, const struct addr *remote)
{
	return remote->n && addr_eq(&worked_at(k, remote)->addr, remote);
}

void
ike_worked_set(struct ike *k, const struct addr *remote, unsigned profile, unsigned key)
{
	struct ike_worked *w = (struct ike_worked *)(uintptr_t)worked_at(k, remote);

	*w = (struct ike_worked){ *remote, profile, key };
}

static unsigned
likely(const struct ike *k, const struct ike_dial *d, const struct addr *remote, const struct ike_key *e, unsigned i)
{
	const struct ike_worked *w = worked_at(k, remote);

	if (w->addr.n && addr_eq(&w->addr, remote) && w->profile == d->profile && w->key == i)
		return 9000;
	if (d->has_hint && has_rule(e) && e->id.kind == IKE_MATCH_EXACT && ike_id_eq(&e->id.id, &d->hint))
		return 8000;
	if (e->has_address && prefix_has(&e->address, remote))
		return 7000 + e->address.bits;
	if (d->has_hint && has_rule(e) && ike_id_match(&e->id, &d->hint))
		return 6000;
	if (e->has_address && !has_rule(e))
		return 0;
	if (has_rule(e) && e->id.kind == IKE_MATCH_EXACT)
		return d->hub ? 3000 : 1000;
	return has_rule(e) ? (d->hub ? 2000 : 3000) : d->hub ? 1000 : 2000;
}

/* The most likely entries first; equal ones in the order of the keyring. */
unsigned
ike_key_candidates(const struct ike *k, const struct ike_dial *d, const struct addr *remote, unsigned out[static IKE_CANDS_MAX])
{
	const struct ike_profile *p = ike_profile(k, d->profile);
	unsigned score[IKE_CANDS_MAX], n = 0;

	for (unsigned i = 0; i < p->n_key; i++) {
		unsigned s = p->key[i].psk_len ? likely(k, d, remote, &p->key[i], i) : 0, at = n;

		while (at > 0 && score[at - 1] < s)
			at--;
		if (s == 0 || at == IKE_CANDS_MAX)
			continue;
		if (n < IKE_CANDS_MAX)
			n++;
		memmove(&score[at + 1], &score[at], (n - 1 - at) * sizeof(score[0]));
		memmove(&out[at + 1], &out[at], (n - 1 - at) * sizeof(out[0]));
		score[at] = s;
		out[at] = i;
	}
	return n;
}

int
ike_key_likely_ppk(const struct ike *k, const struct ike_dial *d, const struct addr *remote)
{
	const struct ike_profile *p = ike_profile(k, d->profile);
	unsigned best = 0;
	int at = -1;

	for (unsigned i = 0; i < p->n_key; i++) {
		unsigned s = p->key[i].ppk_len ? likely(k, d, remote, &p->key[i], i) : 0;

		if (s > best) {
			best = s;
			at = (int)i;
		}
	}
	return at;
}

/* ---- common */
void
ike_own_id(const struct ike_profile *p, const struct ike_sa *sa, struct ike_id *out)
{
	const struct addr *a = &sa->local.addr;

	*out = p->local_id;
	if (out->type != IKE_ID_NONE)
		return;
	out->type = a->n == 16 ? IKE_ID_IPV6 : IKE_ID_IPV4;
	out->len = a->n;
	memcpy(out->data, a->b, a->n);
}

static bool
peer_id(const struct ike_id_pl *pl, struct ike_id *out)
{
	if (pl->data.n == 0 || pl->data.n > IKE_ID_MAX || pl->type == IKE_ID_NONE)
		return false;
	memset(out, 0, sizeof(*out));
	out->type = pl->type;
	out->len = (uint8_t)pl->data.n;
	memcpy(out->data, pl->data.p, pl->data.n);
	return true;
}

struct ike_auth_in
ike_auth_in(const struct ike_sa *sa, bool initiator, struct span id_body)
{
	const struct ike_shake *hs = sa->hs;
	const struct ike_nonce *nonce = initiator ? &hs->nr : &hs->ni;
	struct ike_auth_in in = { .nonce = span_of(nonce->b, nonce->n), .id_body = id_body };

	in.int_auth = ike_mke_int_auth(sa);
	in.message = initiator == sa->initiator ? span_of(hs->mine, hs->mine_len) : span_of(hs->theirs, hs->theirs_len);
	return in;
}

static size_t
auth_value(const struct ike_sa *sa, bool initiator, const struct ike_key *key, struct span id_body, uint8_t out[static IKE_PRF_LEN_MAX])
{
	struct ike_auth_in in = ike_auth_in(sa, initiator, id_body);

	if (key->psk_len == 0)
		return 0;
	return ike_auth_psk(&sa->keys, initiator, span_of(key->psk, key->psk_len), &in, out);
}

size_t
ike_auth_own_psk(const struct ike_sa *sa, const struct ike_key *key, uint8_t out[static IKE_PRF_LEN_MAX])
{
	uint8_t body[4 + IKE_ID_MAX];
	struct wr w = wr_of(body, sizeof(body));

	ike_id_body(&w, sa->local_id.type, ike_put_id(&sa->local_id));
	return auth_value(sa, sa->initiator, key, wr_span(&w), out);
}

static bool
auth_good(const struct ike_sa *sa, bool initiator, const struct ike_key *key, struct span id_body, const struct ike_msg *m)
{
	uint8_t want[IKE_PRF_LEN_MAX];
	size_t n = auth_value(sa, initiator, key, id_body, want);

	return n != 0 && m->auth_method == IKE_AUTH_PSK && m->auth.n == n && ike_ct_eq(want, m->auth.p, n);
}

/* The signature is there already, or it is a pre-shared key's turn. */
static bool
build_own_auth(struct ike_sa *sa, const struct ike_profile *p, struct ike_tx *t)
{
	uint8_t body[4 + IKE_ID_MAX], auth[IKE_PRF_LEN_MAX];
	struct wr w = wr_of(body, sizeof(body));
	const struct ike_proof_job *proof = sa->hs->proof;
	const struct ike_key *key;
	size_t n;

	sa->auth_local = p->auth_local && proof ? proof->method : IKE_AUTH_PSK;
	if (p->auth_local) {
		if (proof && proof->sig_len)
			ike_build_auth(&t->b, proof->method, span_of(proof->sig, proof->sig_len));
		return proof && proof->sig_len;
	}
	if (sa->hs->key >= p->n_key)
		return false;
	key = &p->key[sa->hs->key];
	ike_id_body(&w, sa->local_id.type, ike_put_id(&sa->local_id));
	n = auth_value(sa, sa->initiator, key, wr_span(&w), auth);
	if (n)
		ike_build_auth(&t->b, IKE_AUTH_PSK, span_of(auth, n));
	return n != 0;
}

static void
build_child(struct ike_tx *t, const struct ike_offer *o, const struct ike_ts_pair *ts)
{
	ike_build_sa(&t->b, o->prop, o->n_prop, o->xf);
	ike_sel_build(t, ts);
}

void
ike_log_id(const struct ike_id *id, char out[static 600])
{
	ike_id_fmt(id, out, 600);
}

/* ---- initiator */
static bool
build_request(struct ike *k, struct ike_sa *sa, struct ike_tx *t)
{
	const struct ike_profile *p = ike_profile(k, sa->profile);
	const struct ike_dial *d = sa->dials;
	struct ike_ts_pair ts;
	struct ike_offer o;

	ike_own_id(p, sa, &sa->local_id);
	ike_offer_esp(p, false, sa->hs->child->spi_in, &o);
	ike_sel_offer(p, sa, p->plain.set, &ts);
	ike_tx_request(t, sa, IKE_AUTH);
	ike_build_id(&t->b, IKE_PL_IDI, sa->local_id.type, ike_put_id(&sa->local_id));
	if (p->auth_local)
		ike_proof_build_certs(sa, t);
	ike_proof_build_certreq(p, t);
	if (!ike_have_contact(k, &sa->local_id, &sa->remote))
		ike_tx_notify(t, IKE_N_INITIAL_CONTACT);
	if (ike_kept_say(k))
		ike_tx_notify(t, IKE_N_ODM_ESP_KEPT);
	if (d && d->has_hint)
		ike_build_id(&t->b, IKE_PL_IDR, d->hint.type, ike_put_id(&d->hint));
	if (!build_own_auth(sa, p, t))
		return false;
	ike_ext_auth_build(k, sa, t);
	ike_sel_ask_mode(p, t);
	build_child(t, &o, &ts);
	ike_qcd_put(k, sa, t);
	return true;
}

/* The request can be written; with certificates the signature is made first. */
void
ike_auth_start(struct ike *k, struct ike_sa *sa)
{
	const struct ike_profile *p = ike_profile(k, sa->profile);
	char why[IKE_WHY_MAX];

	if (sa->unwelcome) {
		ike_sa_fail(k, sa, IKE_DOWN_AUTH, false, sa->unwelcome);
		return;
	}
	if (!p->auth_local) {
		ike_auth_request_send(k, sa);
		return;
	}
	if (ike_proof_own_why(k, sa, why)) {
		ike_sa_fail(k, sa, IKE_DOWN_AUTH, false, why);
		return;
	}
	ike_own_id(p, sa, &sa->local_id);
	sa->state = IKE_SA_I_SIGN;
	if (!ike_proof_start(k, sa, NULL, NULL, false, true))
		ike_sa_fail(k, sa, IKE_DOWN_RESOURCES, false, "out of memory");
}

void
ike_auth_request_send(struct ike *k, struct ike_sa *sa)
{
	struct ike_tx t;

	sa->hs->child = ike_child_new(k);
	sa->state = IKE_SA_I_AUTH;
	if (!sa->hs->child)
		ike_sa_fail(k, sa, IKE_DOWN_RESOURCES, false, "out of memory, or the data plane has no free SPI");
	else if (!build_request(k, sa, &t) || !ike_x_start(k, sa, IKE_X_AUTH, &t))
		ike_sa_fail(k, sa, IKE_DOWN_RESOURCES, false, "out of memory");
}

struct auth_refusal {
	uint16_t type;
	enum ike_down why;
	const char *text;
};
static const struct auth_refusal auth_refusals[] = {
	{ IKE_N_AUTHENTICATION_FAILED, IKE_DOWN_AUTH, "authentication failed: peer rejected our pre-shared key or identity" },
	{ IKE_N_NO_PROPOSAL_CHOSEN, IKE_DOWN_PROPOSAL, "no IPsec proposal in common, or the peer does not take transport mode" },
	{ IKE_N_TS_UNACCEPTABLE, IKE_DOWN_PROTOCOL, "peer refuses GRE between our two addresses (TS_UNACCEPTABLE)" },
	{ IKE_N_NO_ADDITIONAL_SAS, IKE_DOWN_RESOURCES, "peer takes no more SAs" },
	{ IKE_N_TEMPORARY_FAILURE, IKE_DOWN_IPSEC, "peer cannot take an IPsec SA just now" },
	{ IKE_N_INVALID_SYNTAX, IKE_DOWN_PROTOCOL, "peer calls our IKE_AUTH malformed" },
	{ IKE_N_INTERNAL_ADDRESS_FAILURE, IKE_DOWN_PROTOCOL, "peer wants to assign addresses" },
	{ IKE_N_FAILED_CP_REQUIRED, IKE_DOWN_PROTOCOL, "peer wants to assign addresses" },
	{ 0, IKE_DOWN_PROTOCOL, "peer refuses with an error of its own" },
};

static const char *
refusal_text(const struct ike_sa *sa, const struct auth_refusal *r)
{
	bool cert = r->type == IKE_N_AUTHENTICATION_FAILED && sa->auth_local != IKE_AUTH_PSK;

	return cert ? "authentication failed: peer rejected our certificate, signature or identity: its log says why" : r->text;
}

static const struct auth_refusal *
refusal(uint16_t type)
{
	const struct auth_refusal *r = auth_refusals;

	while (r->type && r->type != type)
		r++;
	return r;
}

/* The peer takes the SA for established already: tell it otherwise. */
void
ike_fail_and_tell(struct ike *k, struct ike_sa *sa, enum ike_down why, bool retry_key, const char *text)
{
	sa->want_close = true;
	sa->peer_refused = why == IKE_DOWN_AUTH;
	ike_sa_fail(k, sa, why, retry_key, text);
}

static enum ike_drop
check_peer(struct ike *k, struct ike_sa *sa, const struct ike_msg *m)
{
	const struct ike_profile *p = ike_profile(k, sa->profile);
	const struct ike_key *key = sa->hs->key < p->n_key ? &p->key[sa->hs->key] : NULL;
	char text[IKE_REASON_MAX], id[600];

	if (m->auth_method == IKE_AUTH_PSK && (!key || !auth_good(sa, false, key, m->idr.body, m))) {
		ike_fail_and_tell(k, sa, IKE_DOWN_AUTH, true, "authentication failed: peer does not know our pre-shared key");
		return IKE_DROP_AUTH;
	}
	ike_log_id(&sa->peer_id, id);
	if (m->auth_method == IKE_AUTH_PSK && has_rule(key) && !ike_id_match(&key->id, &sa->peer_id)) {
		snprintf(text, sizeof(text), "authentication failed: %.80s is not whom keyring entry %.64s is for", id, key->name);
		ike_fail_and_tell(k, sa, IKE_DOWN_AUTH, true, text);
		return IKE_DROP_IDENTITY;
	}
	if (!ike_profile_takes(p, &sa->peer_id, ike_proof_leaf(m))) {
		snprintf(text, sizeof(text), "authentication failed: identity %.80s%s does not match profile %.64s", id, p->n_certmap ? " or its certificate" : "", p->name);
		ike_fail_and_tell(k, sa, IKE_DOWN_AUTH, false, text);
		return IKE_DROP_IDENTITY;
	}
	if (ike_ppk_owed(k, sa)) {
		snprintf(text, sizeof(text), "authentication failed: %.80s must use the post-quantum pre-shared key that is for it", id);
		ike_fail_and_tell(k, sa, IKE_DOWN_AUTH, false, text);
		return IKE_DROP_PPK;
	}
	return IKE_OK;
}

static enum ike_drop
check_child(struct ike *k, struct ike_sa *sa, const struct ike_msg *m, struct ike_choice *ch, struct dp_selectors *sel)
{
	const struct ike_profile *p = ike_profile(k, sa->profile);
	const struct ike_notify *n = ike_msg_error(m);
	char text[IKE_REASON_MAX], what[IKE_REASON_MAX];
	enum ike_drop d;

	if (n && n->type == IKE_N_NO_PROPOSAL_CHOSEN) {
		ike_fail_and_tell(k, sa, IKE_DOWN_IPSEC, false,
		    ike_words_refused(p, true, false, ike_sel_refused(p, p->plain.set, n->type, refusal(n->type)->text, what), text));
		return IKE_DROP_PROPOSAL;
	}
	if (n) {
		ike_fail_and_tell(k, sa, n->type == IKE_N_NO_ADDITIONAL_SAS ? IKE_DOWN_RESOURCES : IKE_DOWN_IPSEC, false,
		    ike_sel_refused(p, p->plain.set, n->type, refusal(n->type)->text, what));
		return IKE_DROP_PROPOSAL;
	}
	d = ike_sel_agreed(k, sa, m, p->plain.set, sel);
	if (d == IKE_DROP_MODE) {
		ike_fail_and_tell(k, sa, IKE_DOWN_IPSEC, false, ike_msg_notify(m, IKE_N_USE_TRANSPORT_MODE) ?
		    "peer answers with transport mode, which was not asked for" : "peer does not take transport mode");
		return d;
	}
	if (!ike_msg_has(m, IKE_PL_SA) || !ike_answer_esp(p, m, false, ch)) {
		ike_fail_and_tell(k, sa, IKE_DOWN_IPSEC, false,
		    ike_words_refused(p, true, false, "peer answers with an IPsec proposal that we did not offer", text));
		return IKE_DROP_PROPOSAL;
	}
	if (d != IKE_OK)
		ike_fail_and_tell(k, sa, IKE_DOWN_IPSEC, false, dp_plain(&p->plain) ? "peer answers with traffic selectors that we did not offer" :
		    "peer answers with other traffic selectors than GRE between our two addresses");
	return d;
}

static enum ike_drop
other_method(struct ike *k, struct ike_sa *sa, const struct ike_profile *p, uint8_t method)
{
	char text[IKE_REASON_MAX];

	if (!p->auth_remote && method != IKE_AUTH_PSK)
		snprintf(text, sizeof(text), "authentication failed: peer does not use a pre-shared key");
	else
		snprintf(text, sizeof(text), "authentication failed: peer uses a %s (method %u), which profile %.64s does not take", ike_auth_name(method),
		    method, p->name);
	ike_fail_and_tell(k, sa, IKE_DOWN_AUTH, !p->auth_remote, text);
	return p->auth_remote ? IKE_DROP_AUTH_METHOD : IKE_DROP_AUTH;
}

enum ike_drop
ike_auth_response(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, struct ike_msg *m)
{
	const struct ike_profile *p = ike_profile(k, sa->profile);
	const struct ike_notify *n = ike_msg_error(m);

	if (sa->unwelcome) {
		ike_fail_and_tell(k, sa, IKE_DOWN_AUTH, false, sa->unwelcome);
		return IKE_DROP_AUTH;
	}
	if (ike_msg_has(m, IKE_PL_EAP)) {
		ike_sa_fail(k, sa, IKE_DOWN_AUTH, false, "authentication failed: peer wants EAP, which is not done here");
		return IKE_DROP_EAP;
	}
	if (!ike_msg_has(m, IKE_PL_IDR) || !ike_msg_has(m, IKE_PL_AUTH)) {
		ike_sa_fail(k, sa, n ? refusal(n->type)->why : IKE_DOWN_PROTOCOL, n && n->type == IKE_N_AUTHENTICATION_FAILED,
		    n ? refusal_text(sa, refusal(n->type)) : "peer's IKE_AUTH answer is not complete");
		return IKE_DROP_AUTH;
	}
	if (!ike_ppk_answered(k, sa, m)) {
		ike_fail_and_tell(k, sa, IKE_DOWN_AUTH, true, "authentication failed: peer does not have our post-quantum pre-shared key, which is required");
		return IKE_DROP_PPK;
	}
	if (!peer_id(&m->idr, &sa->peer_id)) {
		ike_fail_and_tell(k, sa, IKE_DOWN_PROTOCOL, false, "peer's identity is malformed");
		return IKE_DROP_ID_SYNTAX;
	}
	if (!ike_takes_method(p, m->auth_method))
		return other_method(k, sa, p, m->auth_method);
	if (m->auth_method == IKE_AUTH_PSK)
		return ike_auth_response_checked(k, sa, rx, m);
	sa->state = IKE_SA_I_CHECK;
	if (ike_proof_start(k, sa, rx, m, true, false))
		return IKE_OK;
	ike_fail_and_tell(k, sa, IKE_DOWN_RESOURCES, false, "out of memory");
	return IKE_DROP_MEMORY;
}

enum ike_drop
ike_auth_response_checked(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m)
{
	struct ike_choice ch;
	struct ike_nonce ni = sa->hs->ni, nr = sa->hs->nr;
	struct dp_selectors sel;
	struct ike_child_made made = { .ch = &ch, .ni = &ni, .nr = &nr, .g_ir = span_of("", 0), .more = span_of("", 0), .ours = true, .sel = &sel };
	struct ike_child *c = sa->hs->child;
	enum ike_drop d;

	(void)rx;
	if (sa->unwelcome) {
		ike_fail_and_tell(k, sa, IKE_DOWN_AUTH, false, sa->unwelcome);
		return IKE_DROP_AUTH;
	}
	d = check_peer(k, sa, m);
	if (d == IKE_OK && ike_redirect_auth(k, sa, m))
		return IKE_OK;
	if (d == IKE_OK)
		d = check_child(k, sa, m, &ch, &sel);
	if (d != IKE_OK)
		return d;
	sa->hs->child = NULL;
	ike_ext_auth_note(k, sa, m);
	ike_worked_set(k, &sa->remote.addr, sa->profile, sa->hs->key == IKE_NO_KEY ? sa->ppk : sa->hs->key);
	ike_proof_vouch(k, sa, m);
	sa->proven = true;
	sa->key = sa->hs->key;
	ike_qcd_take(k, sa, m);
	ike_sa_up(k, sa, false);
	if (!ike_child_install(k, sa, c, &made, true))
		ike_sa_down(k, sa, IKE_DOWN_PROTOCOL, "keys of the IPsec SA cannot be made", 0, true);
	return IKE_OK;
}

/* ---- responder */
static void
remember_refused(struct ike *k, const struct ike_sa *sa, const struct ike_rx *rx, enum ike_drop d, const char *why)
{
	struct ike_refused *r = &k->refused[k->n_refused++ % IKE_REFUSED_MAX];

	r->at = k->now;
	r->remote = rx->remote;
	r->id = sa->peer_id;
	r->drop = d;
	snprintf(r->why, sizeof(r->why), "%s", why);
}

enum ike_drop
ike_auth_refuse(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, uint32_t mid, uint16_t type, enum ike_drop d, const char *why)
{
	char id[600], ep[ENDPOINT_STRLEN];

	why = why && *why ? why : ike_drop_text(d);
	ike_log_id(&sa->peer_id, id);
	log_limited(k->env.env.log, &k->log_auth, k->now, LOG_LV_WARN, "ike-auth-refused", "%s at %s: %s", id,
	    endpoint_fmt(&rx->remote, ep), why);
	remember_refused(k, sa, rx, d, why);
	ike_respond_error(k, sa, IKE_AUTH, mid, rx, type, span_of("", 0));
	sa->state = IKE_SA_FAILED;
	timer_arm(&k->timers, &sa->t_life, k->now + IKE_FAILED_LIFE);
	return d;
}

static bool
comes_from(const struct ike_profile *p, const struct addr *remote)
{
	for (unsigned i = 0; i < p->n_from; i++) {
		if (addr_eq(&p->from[i], remote))
			return true;
	}
	return p->n_from == 0;
}

/* The first profile that takes the identity at this address, the way it is proved, and the ESP SA that is asked for; else the first
 * that takes the first two, or the first. */
static unsigned
profile_for(const struct ike *k, const struct ike_id *id, const struct addr *remote, const struct ike_msg *m)
{
	unsigned found = k->conf->n_profile, best = 0;

	for (unsigned i = 0; i < k->conf->n_profile && best < 3; i++) {
		const struct ike_profile *p = &k->conf->profile[i];
		unsigned rank;

		if (!ike_profile_takes(p, id, ike_proof_leaf(m)) || !comes_from(p, remote))
			continue;
		rank = !ike_takes_method(p, m->auth_method) ? 1 : ike_sel_fits(p, m) ? 3 : 2;
		if (rank > best)
			found = i;
		best = rank > best ? rank : best;
	}
	return found;
}

/* Who is it, and, by a pre-shared key, is it true? */
static enum ike_drop
authenticate(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, struct ike_msg *m)
{
	struct ike_choice chosen = { .encr = sa->suite.encr, .bits = sa->suite.encr_bits, .prf = sa->suite.prf, .integ = sa->suite.integ,
		.group = sa->suite.group };
	char id[600], ep[ENDPOINT_STRLEN];
	const struct ike_profile *p;
	enum ike_drop d;
	unsigned i;
	int key;

	memcpy(chosen.addke, sa->addke, sizeof(chosen.addke));
	if (!peer_id(&m->idi, &sa->peer_id))
		return IKE_DROP_ID_SYNTAX;
	i = profile_for(k, &sa->peer_id, &rx->remote.addr, m);
	if (i == k->conf->n_profile)
		return IKE_DROP_IDENTITY;
	p = ike_profile(k, i);
	sa->profile = i;
	sa->hs->key = IKE_NO_KEY;
	if (!ike_takes_method(p, m->auth_method))
		return p->auth_remote ? IKE_DROP_AUTH_METHOD : IKE_DROP_AUTH;
	key = ike_key_for(p, &sa->peer_id, &rx->remote.addr);
	if (key < 0 && (m->auth_method == IKE_AUTH_PSK || !p->auth_local))
		return IKE_DROP_NO_KEY;
	sa->hs->key = key < 0 || (m->auth_method != IKE_AUTH_PSK && p->auth_local) ? IKE_NO_KEY : (unsigned)key;
	ike_log_id(&sa->peer_id, id);
	IKE_DEBUG(k, "ike-key", "%s at %s: profile %s, %s%s", id, endpoint_fmt(&rx->remote, ep), p->name,
	    sa->hs->key == IKE_NO_KEY ? "no pre-shared key" : "keyring entry ", sa->hs->key == IKE_NO_KEY ? "" : p->key[sa->hs->key].name);
	if (!sa->hs->mixed)	/* else it was looked at before; certificates are checked in between */
		sa->ppk = ike_ppk_for(p, sa->hs->key, &sa->peer_id, &rx->remote.addr);
	d = ike_ppk_request(k, sa, m);
	if (d != IKE_OK)
		return d;
	if (m->auth_method == IKE_AUTH_PSK && !auth_good(sa, true, &p->key[key], m->idi.body, m))
		return IKE_DROP_AUTH;
	return ike_allows_ike(p, &chosen) ? IKE_OK : IKE_DROP_PROPOSAL;
}

struct first_child {
	struct ike_child *c;	/* NULL: refused */
	uint16_t error;
	enum ike_drop drop;
	struct ike_choice ch;
	struct ike_ts_pair ts;
	struct dp_selectors sel;
};

/* The peer is who it says, so whose configuration to look at can be said. */
static void
log_refused_child(struct ike *k, const struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m, enum ike_drop d)
{
	char id[600], ep[ENDPOINT_STRLEN], text[IKE_REASON_MAX];
	const char *why = ike_drop_text(d);

	if (d == IKE_DROP_PROPOSAL)
		why = ike_words_mismatch(ike_profile(k, sa->profile), m, true, false, text);
	else if (d == IKE_DROP_SELECTORS)
		why = ike_sel_mismatch(ike_profile(k, sa->profile), m, text);
	ike_log_id(&sa->peer_id, id);
	log_limited(k->env.env.log, &k->log_auth, k->now, LOG_LV_WARN, "ipsec-refused", "%s at %s: %s", id, endpoint_fmt(&sa->remote, ep), why);
	remember_refused(k, sa, rx, d, why);
}

static void
refuse_child(struct first_child *f, uint16_t error, enum ike_drop d)
{
	f->error = error;
	f->drop = d;
}

static void
prepare_child(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m, struct first_child *f)
{
	enum ike_drop d;

	memset(f, 0, sizeof(*f));
	if (!ike_msg_has(m, IKE_PL_SA))
		return;	/* childless; it will have to make one soon */
	d = ike_sel_narrow(k, sa, rx, m, NULL, &f->ts, &f->sel);
	if (d == IKE_DROP_MODE) {
		refuse_child(f, IKE_N_NO_PROPOSAL_CHOSEN, d);
		return;
	}
	if (!ike_select_esp(ike_profile(k, sa->profile), m, false, 0, &f->ch)) {
		refuse_child(f, IKE_N_NO_PROPOSAL_CHOSEN, IKE_DROP_PROPOSAL);
		return;
	}
	if (d != IKE_OK) {
		refuse_child(f, IKE_N_TS_UNACCEPTABLE, d);
		return;
	}
	if (ike_hold_until(k, sa)) {
		refuse_child(f, IKE_N_TEMPORARY_FAILURE, IKE_DROP_HELD);
		return;
	}
	f->c = ike_child_new(k);
	if (!f->c)
		f->drop = IKE_DROP_MEMORY;
}

static bool
start_answer(struct ike_sa *sa, const struct ike_profile *p, uint32_t mid, struct ike_tx *t)
{
	ike_tx_response(t, sa, IKE_AUTH, mid);
	ike_build_id(&t->b, IKE_PL_IDR, sa->local_id.type, ike_put_id(&sa->local_id));
	if (p->auth_local)
		ike_proof_build_certs(sa, t);
	return build_own_auth(sa, p, t);
}

/* All that may fail for memory comes first; then the message counts as lost and the peer asks again. */
static enum ike_drop
accept_peer(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m)
{
	const struct ike_profile *p = ike_profile(k, sa->profile);
	struct ike_nonce ni = sa->hs->ni, nr = sa->hs->nr;
	struct first_child f;
	struct ike_child_made made = { .ch = &f.ch, .ni = &ni, .nr = &nr, .g_ir = span_of("", 0), .more = span_of("", 0), .sel = &f.sel };
	struct ike_offer o;
	struct ike_tx t;
	uint32_t spi;

	sa->local = rx->local;
	ike_own_id(p, sa, &sa->local_id);
	ike_proof_vouch(k, sa, m);
	prepare_child(k, sa, rx, m, &f);
	if (f.drop == IKE_DROP_MEMORY)
		return IKE_DROP_MEMORY;
	if (!start_answer(sa, p, m->hdr.mid, &t)) {
		ike_child_free(k, f.c);
		return IKE_DROP_MEMORY;
	}
	ike_worked_set(k, &rx->remote.addr, sa->profile, sa->hs->key);
	ike_half_del(k, sa);	/* it is filed under the address it first came from */
	sa->remote = rx->remote;
	sa->key = sa->hs->key;
	ike_qcd_take(k, sa, m);
	ike_qcd_put(k, sa, &t);
	ike_ext_auth_note(k, sa, m);
	ike_ext_auth_build(k, sa, &t);
	sa->peer_kept = ike_msg_notify(m, IKE_N_ODM_ESP_KEPT) != NULL;
	ike_sa_up(k, sa, ike_msg_notify(m, IKE_N_INITIAL_CONTACT) != NULL);
	spi = f.c ? f.c->spi_in : 0;
	if (f.c && !ike_child_install(k, sa, f.c, &made, !ike_sa_has_twin(k, sa))) {
		f.c = NULL;
		refuse_child(&f, IKE_N_NO_PROPOSAL_CHOSEN, IKE_DROP_PROPOSAL);
	}
	if (f.c) {
		ike_offer_choice(&f.ch, IKE_PROTO_ESP, spi, &o);
		ike_sel_answer_mode(&f.sel, &t);
		build_child(&t, &o, &f.ts);
	} else if (f.error) {
		log_refused_child(k, sa, rx, m, f.drop);
		ike_tx_notify(&t, f.error);
	}
	ike_respond(k, sa, &t, rx);
	return f.drop;
}

static uint16_t
refusal_of(enum ike_drop d)
{
	return d == IKE_DROP_PROPOSAL    ? IKE_N_NO_PROPOSAL_CHOSEN
	       : d == IKE_DROP_ID_SYNTAX ? IKE_N_INVALID_SYNTAX
					 : IKE_N_AUTHENTICATION_FAILED;
}

/* Without AUTH: the peer would be authenticated by EAP (RFC 7296 2.16). */
static enum ike_drop
wants_eap(struct ike_sa *sa, const struct ike_msg *m)
{
	return peer_id(&m->idi, &sa->peer_id) ? IKE_DROP_EAP : IKE_DROP_ID_SYNTAX;
}

/* Chosen before the identity was known, among the proposals of all profiles; its own does not have it. */
static void
not_for_identity(struct ike *k, const struct ike_sa *sa, char why[static IKE_WHY_MAX])
{
	const struct ike_profile *p = ike_profile(k, sa->profile);
	char wanted[IKE_WORDS_MAX];

	snprintf(why, IKE_WHY_MAX, "no proposal in common: agreed on %s/%s/%s, profile %.64s wants %s", ike_encr_name(sa->suite.encr, sa->suite.encr_bits),
	    ike_prf_name(sa->suite.prf), ike_group_name(sa->suite.group), p->name, ike_words_wanted(p, false, true, wanted, sizeof(wanted)));
}

enum ike_drop
ike_auth_request(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, struct ike_msg *m)
{
	const struct ike_profile *p;
	bool check = m->auth_method != IKE_AUTH_PSK;
	char why[IKE_WHY_MAX] = "";
	enum ike_drop d;

	ike_ppk_undo(sa);
	d = ike_msg_has(m, IKE_PL_AUTH) ? authenticate(k, sa, rx, m) : wants_eap(sa, m);
	p = ike_profile(k, sa->profile);
	if (d == IKE_OK && !check && !p->auth_local)
		return accept_peer(k, sa, rx, m);
	if (d == IKE_OK && p->auth_local) {
		sa->local = rx->local;
		ike_own_id(p, sa, &sa->local_id);
		ike_proof_choose(k, sa, m);
		d = ike_proof_own_why(k, sa, why) ? IKE_DROP_CERT_OWN : IKE_OK;
	}
	if (d == IKE_DROP_PROPOSAL)
		not_for_identity(k, sa, why);
	if (d != IKE_OK)
		return ike_auth_refuse(k, sa, rx, m->hdr.mid, refusal_of(d), d, why);
	if (!ike_proof_start(k, sa, rx, m, check, p->auth_local != 0))
		return IKE_DROP_MEMORY;
	sa->state = IKE_SA_R_CHECK;
	return IKE_OK;
}

/* Its signature and ours are there; the configuration may be another one than when it came. */
enum ike_drop
ike_auth_request_checked(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m)
{
	enum ike_drop d = authenticate(k, sa, rx, (struct ike_msg *)(uintptr_t)m);

	return d == IKE_OK ? accept_peer(k, sa, rx, m) : ike_auth_refuse(k, sa, rx, m->hdr.mid, refusal_of(d), d, NULL);
}
