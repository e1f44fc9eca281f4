/* ikecore/engine/ext.c: extensions that both ends must name in IKE_SA_INIT before either uses them. What came of it stands in
 * sa->ext and goes to the SA's heirs. Each is said by its row's `wanted` and noted when the peer says it too. */
#include "ikecore/engine/ike_priv.h"

static bool
want_frag(const struct ike *k, const struct ike_sa *sa)
{
	(void)sa;
	return !k->conf->frag_off;
}

static const struct ext {
	uint16_t notify;
	bool (*wanted)(const struct ike *k, const struct ike_sa *sa);
	size_t flag;	/* in struct ike_ext */
} exts[] = {
	{ IKE_N_FRAGMENTATION_SUPPORTED, want_frag, offsetof(struct ike_ext, frag) },
};

/* An initiator says what it wants, a responder what both do; and that it needs no child in IKE_AUTH (RFC 6023). */
void
ike_ext_build(const struct ike *k, const struct ike_sa *sa, struct ike_build *b)
{
	for (size_t i = 0; i < sizeof(exts) / sizeof(exts[0]); i++) {
		if (sa->initiator ? exts[i].wanted(k, sa) : *((const bool *)&sa->ext + exts[i].flag))
			ike_build_notify(b, IKE_PROTO_NONE, span_of("", 0), exts[i].notify, span_of("", 0));
	}
	if (!sa->initiator)
		ike_build_notify(b, IKE_PROTO_NONE, span_of("", 0), IKE_N_CHILDLESS_IKEV2_SUPPORTED, span_of("", 0));
}

void
ike_ext_note(const struct ike *k, struct ike_sa *sa, const struct ike_msg *m)
{
	for (size_t i = 0; i < sizeof(exts) / sizeof(exts[0]); i++)
		*((bool *)&sa->ext + exts[i].flag) = exts[i].wanted(k, sa) && ike_msg_notify(m, exts[i].notify);
}

void
ike_ext_auth_build(struct ike *k, const struct ike_sa *sa, struct ike_tx *t)
{
	if (!sa->initiator)
		ike_reauth_build(k, sa, t);
}

void
ike_ext_auth_note(struct ike *k, struct ike_sa *sa, const struct ike_msg *m)
{
	(void)k;
	if (sa->initiator)
		ike_reauth_note(sa, m);
}
