/* nhrpd/daemon/show_pki.c: certificates in shows: those of the configuration, those of peers that are up, and why peers were
 * refused lately. */
#include "nhrpd/daemon/show_priv.h"

#include <time.h>

enum { EXPIRES_SOON_S = 30 * 86400 };

static const char *
state_of(const struct ike_cert_facts *f, int64_t wall)
{
	return wall > f->not_after ? "expired" : wall < f->not_before ? "not yet valid" : f->not_after - wall < EXPIRES_SOON_S ? "expires soon" : "valid";
}

static json_t *
cert_json(const struct ike_cert_facts *f)
{
	int64_t wall = (int64_t)time(NULL);
	char from[IKE_DATE_MAX], to[IKE_DATE_MAX];

	return json_pack("{s:o, s:o, s:o, s:o, s:s, s:s, s:s, s:I}", "subject", show_text(f->subject), "issuer", show_text(f->issuer),
	    "serial", show_text(f->serial), "key", show_text(f->key), "not_before", ike_date_fmt(f->not_before, from),
	    "not_after", ike_date_fmt(f->not_after, to), "state", state_of(f, wall), "expires_in_s", (json_int_t)(f->not_after - wall));
}

/* Which ways of authentication were used, and with a certificate what it says. */
void
show_auth(json_t *o, const struct ike_sa_info *i)
{
	json_object_set_new(o, "auth_local", show_text(i->auth_local ? ike_auth_name(i->auth_local) : ""));
	json_object_set_new(o, "auth_remote", show_text(i->auth_remote ? ike_auth_name(i->auth_remote) : ""));
	if (!i->cert)
		return;
	json_object_set_new(o, "certificate", cert_json(i->cert));
	json_object_set_new(o, "trustpoint", show_text(i->trust));
}

/* ---- show crypto pki certificates */

static void
add_cert(struct show *s, const struct ike_trust *t, const char *use, const struct ike_cert_facts *f)
{
	json_t *o = show_room(s) ? cert_json(f) : NULL;

	if (!o)
		return;
	json_object_set_new(o, "trustpoint", show_text(ike_trust_conf(t)->name));
	json_object_set_new(o, "use", show_text(use));
	show_append(s, o);
}

static void
add_trust(struct show *s, const struct ike_trust *t)
{
	struct ike_cert_facts f;

	for (unsigned i = 0; ike_trust_own_facts(t, i, &f); i++)
		add_cert(s, t, i ? "intermediate" : "router", &f);
	for (unsigned i = 0; ike_trust_ca_facts(t, i, &f); i++)
		add_cert(s, t, "ca", &f);
}

static bool
add_peer(void *ctx, const struct ike_sa_info *i)
{
	struct show *s = ctx;
	char id[IKE_ID_MAX * 4 + 32];
	json_t *o = i->cert && show_room(s) ? cert_json(i->cert) : NULL;

	if (!o)
		return true;
	json_object_set_new(o, "trustpoint", show_text(i->trust));
	json_object_set_new(o, "use", show_text("peer"));
	json_object_set_new(o, "peer_id", show_text(ike_id_fmt(i->peer_id, id, sizeof(id))));
	show_append(s, o);
	return true;
}

json_t *
show_pki(struct show *s)
{
	for (unsigned i = 0; i < s->src->conf->n_trust; i++)
		add_trust(s, s->src->conf->trust[i]);
	ike_visit_sa(core_ike(s->src->core), add_peer, s);
	return show_finish(s, "certificates");
}

/* ---- show crypto ikev2 diagnose error */

static bool
add_refused(void *ctx, const struct ike_refused_info *r)
{
	struct show *s = ctx;
	char id[IKE_ID_MAX * 4 + 32];

	if (show_room(s))
		show_append(s, json_pack("{s:o, s:o, s:o, s:s, s:o}", "age_s", show_age(r->at, s->now), "remote", show_endpoint(&r->remote),
		    "peer_id", show_text(ike_id_fmt(r->id, id, sizeof(id))), "word", ike_drop_word(r->drop), "reason", show_text(r->why)));
	return true;
}

json_t *
show_refused(struct show *s)
{
	ike_visit_refused(core_ike(s->src->core), add_refused, s);
	return show_finish(s, "refused");
}
