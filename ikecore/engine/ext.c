/* ikecore/engine/ext.c: extensions that both ends must name in IKE_SA_INIT before either uses them. What came of it stands in
 * sa->ext and goes to the SA's heirs. Each is said by its row's `wanted` and noted when the peer says it too. */
#include "ikecore/engine/ike_priv.h"

static bool
want_frag(const struct ike *k, const struct ike_sa *sa)
{
	(void)sa;
	return !k->conf->frag_off;
}

static bool
want_intermediate(const struct ike *k, const struct ike_sa *sa)
{
	const struct ike_profile *p = ike_profile(k, sa->profile);

	for (unsigned i = 0; i < p->n_ike; i++) {
		for (unsigned j = 0; j < IKE_ADDKE_MAX; j++) {
			if (p->ike[i].n_addke[j])
				return true;
		}
	}
	return false;
}

/* A responder does not know yet who it is: whoever has a key with one may be meant. */
static bool
want_ppk(const struct ike *k, const struct ike_sa *sa)
{
	return sa->initiator ? sa->ppk < ike_profile(k, sa->profile)->n_key : k->conf->ppk;
}

static const struct ext {
	uint16_t notify;
	bool (*wanted)(const struct ike *k, const struct ike_sa *sa);
	size_t flag;	/* in struct ike_ext */
} exts[] = {
	{ IKE_N_FRAGMENTATION_SUPPORTED, want_frag, offsetof(struct ike_ext, frag) },
	{ IKE_N_INTERMEDIATE_EXCHANGE_SUPPORTED, want_intermediate, offsetof(struct ike_ext, intermediate) },
	{ IKE_N_USE_PPK, want_ppk, offsetof(struct ike_ext, ppk) },
};

/* An initiator says what it wants, a responder what both do; and that it needs no child in IKE_AUTH (RFC 6023). */
void
ike_ext_build(const struct ike *k, const struct ike_sa *sa, struct ike_build *b)
{
	if (sa->initiator)
		ike_redirect_build(sa, b);
	else
		ike_build_notify(b, IKE_PROTO_NONE, span_of("", 0), IKE_N_CHILDLESS_IKEV2_SUPPORTED, span_of("", 0));
	for (size_t i = 0; i < sizeof(exts) / sizeof(exts[0]); i++) {
		if (sa->initiator ? exts[i].wanted(k, sa) : *((const bool *)&sa->ext + exts[i].flag))
			ike_build_notify(b, IKE_PROTO_NONE, span_of("", 0), exts[i].notify, span_of("", 0));
	}
}

void
ike_ext_note(const struct ike *k, struct ike_sa *sa, const struct ike_msg *m)
{
	for (size_t i = 0; i < sizeof(exts) / sizeof(exts[0]); i++)
		*((bool *)&sa->ext + exts[i].flag) = exts[i].wanted(k, sa) && ike_msg_notify(m, exts[i].notify);
}

void
ike_ext_auth_build(struct ike *k, struct ike_sa *sa, struct ike_tx *t)
{
	ike_ppk_build(k, sa, t);
	if (!sa->initiator)
		ike_reauth_build(k, sa, t);
	if (sa->initiator ? ike_mobike_wanted(ike_profile(k, sa->profile)) : sa->ext.mobike)
		ike_tx_notify(t, IKE_N_MOBIKE_SUPPORTED);
}

void
ike_ext_auth_note(struct ike *k, struct ike_sa *sa, const struct ike_msg *m)
{
	bool said = ike_msg_notify(m, IKE_N_MOBIKE_SUPPORTED) != NULL;

	if (sa->initiator) {
		ike_reauth_note(sa, m);
		sa->ext.moves = said && ike_mobike_wanted(ike_profile(k, sa->profile));
	} else {
		sa->ext.mobike = said;
	}
}
