/* ikecore/engine/proposal.c: offers, choosing from one, and checking that an answer is what we offered (RFC 7296 2.7, 3.3).
 *
 * Ids from the wire are only ever compared with those of our configuration, so that an unknown one can never be selected.
 * Our order decides; only the key exchange method follows the KE payload where we accept it, which saves a round trip. */
#include "ikecore/engine/ike_priv.h"

/* ---- offers */
static void
xf_add(struct ike_offer *o, struct ike_prop *p, uint8_t type, uint16_t id, uint16_t bits)
{
	if (o->n_xf == sizeof(o->xf) / sizeof(o->xf[0]))
		return;
	o->xf[o->n_xf++] = (struct ike_xform){ .type = type, .id = id, .key_bits = bits };
	p->n++;
}

static struct ike_prop *
prop_add(struct ike_offer *o, uint8_t proto, struct span spi)
{
	struct ike_prop *p = &o->prop[o->n_prop++];

	*p = (struct ike_prop){ .num = (uint8_t)o->n_prop, .proto = proto, .spi = spi, .first = o->n_xf };
	return p;
}

static void
addke_add(struct ike_offer *o, struct ike_prop *p, const struct ike_proposal *own)
{
	for (unsigned t = 0; t < IKE_ADDKE_MAX; t++) {
		for (unsigned j = 0; j < own->n_addke[t]; j++)
			xf_add(o, p, (uint8_t)(IKE_T_ADDKE1 + t), own->addke[t][j], 0);
	}
}

static bool
prf_wanted(const struct ike_proposal *own, uint16_t only)
{
	for (unsigned i = 0; i < own->n_prf; i++) {
		if (own->prf[i] == only)
			return true;
	}
	return only == 0;
}

void
ike_offer_ike(const struct ike_profile *p, uint16_t only_prf, uint64_t spi, struct ike_offer *o)
{
	memset(o, 0, sizeof(*o));
	put_be32(o->spi, (uint32_t)(spi >> 32));
	put_be32(o->spi + 4, (uint32_t)spi);
	for (unsigned i = 0; i < p->n_ike; i++) {
		const struct ike_proposal *own = &p->ike[i];
		struct ike_prop *w;

		if (!prf_wanted(own, only_prf))
			continue;
		w = prop_add(o, IKE_PROTO_IKE, span_of(o->spi, spi ? 8 : 0));
		for (unsigned j = 0; j < own->n_encr; j++)
			xf_add(o, w, IKE_T_ENCR, own->encr[j], own->encr_bits[j]);
		for (unsigned j = 0; j < own->n_prf; j++) {
			if (!only_prf || own->prf[j] == only_prf)
				xf_add(o, w, IKE_T_PRF, own->prf[j], 0);
		}
		for (unsigned j = 0; j < own->n_integ; j++)
			xf_add(o, w, IKE_T_INTEG, own->integ[j], 0);
		for (unsigned j = 0; j < own->n_group; j++)
			xf_add(o, w, IKE_T_KE, own->group[j], 0);
		addke_add(o, w, own);
	}
}

void
ike_offer_esp(const struct ike_profile *p, bool groups, uint32_t spi, struct ike_offer *o)
{
	memset(o, 0, sizeof(*o));
	put_be32(o->spi, spi);
	for (unsigned i = 0; i < p->n_esp; i++) {
		const struct ike_proposal *own = &p->esp[i];
		struct ike_prop *w = prop_add(o, IKE_PROTO_ESP, span_of(o->spi, 4));

		for (unsigned j = 0; j < own->n_encr; j++)
			xf_add(o, w, IKE_T_ENCR, own->encr[j], own->encr_bits[j]);
		for (unsigned j = 0; j < own->n_integ; j++)
			xf_add(o, w, IKE_T_INTEG, own->integ[j], 0);
		for (unsigned j = 0; groups && j < own->n_group; j++)
			xf_add(o, w, IKE_T_KE, own->group[j], 0);
		if (groups && own->n_group)
			addke_add(o, w, own);
		if (own->esn[1])
			xf_add(o, w, IKE_T_ESN, IKE_ESN_YES, 0);
		if (own->esn[0] || !own->esn[1])
			xf_add(o, w, IKE_T_ESN, IKE_ESN_NO, 0);
	}
}

void
ike_offer_choice(const struct ike_choice *c, uint8_t proto, uint64_t spi, struct ike_offer *o)
{
	struct ike_prop *w;

	memset(o, 0, sizeof(*o));
	if (proto == IKE_PROTO_ESP) {
		put_be32(o->spi, (uint32_t)spi);
	} else {
		put_be32(o->spi, (uint32_t)(spi >> 32));
		put_be32(o->spi + 4, (uint32_t)spi);
	}
	w = prop_add(o, proto, span_of(o->spi, proto == IKE_PROTO_ESP ? 4 : spi ? 8 : 0));
	w->num = c->num;
	xf_add(o, w, IKE_T_ENCR, c->encr, c->bits);
	if (proto == IKE_PROTO_IKE)
		xf_add(o, w, IKE_T_PRF, c->prf, 0);
	if (c->integ || c->has_integ)
		xf_add(o, w, IKE_T_INTEG, c->integ, 0);
	if (c->group)
		xf_add(o, w, IKE_T_KE, c->group, 0);
	for (unsigned t = 0; t < IKE_ADDKE_MAX; t++) {
		if (c->addke_said >> t & 1)
			xf_add(o, w, (uint8_t)(IKE_T_ADDKE1 + t), c->addke[t], 0);
	}
	if (proto == IKE_PROTO_ESP)
		xf_add(o, w, IKE_T_ESN, c->esn ? IKE_ESN_YES : IKE_ESN_NO, 0);
}

/* ---- choosing */
static bool
peer_has(const struct ike_msg *m, const struct ike_prop *p, uint8_t type, uint16_t id, uint16_t bits)
{
	for (unsigned i = 0; i < p->n; i++) {
		const struct ike_xform *x = &m->xform[p->first + i];

		if (x->type == type && x->id == id && x->key_bits == bits && !x->odd)
			return true;
	}
	return false;
}

static unsigned
peer_count(const struct ike_msg *m, const struct ike_prop *p, uint8_t type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->n; i++)
		n += m->xform[p->first + i].type == type;
	return n;
}

static bool
pick(const struct ike_msg *m, const struct ike_prop *p, uint8_t type, const uint16_t *ids, unsigned n, uint16_t *out)
{
	for (unsigned i = 0; i < n; i++) {
		if (peer_has(m, p, type, ids[i], 0)) {
			*out = ids[i];
			return true;
		}
	}
	return false;
}

/* Cipher, and integrity where the cipher needs it. */
static bool
pick_cipher(const struct ike_proposal *own, const struct ike_msg *m, const struct ike_prop *p, struct ike_choice *out)
{
	unsigned peer_integ = peer_count(m, p, IKE_T_INTEG);

	for (unsigned i = 0; i < own->n_encr; i++) {
		struct ike_encr_info info;

		if (!peer_has(m, p, IKE_T_ENCR, own->encr[i], own->encr_bits[i]) || !ike_encr_info(own->encr[i], own->encr_bits[i], &info))
			continue;
		out->encr = own->encr[i];
		out->bits = own->encr_bits[i];
		out->integ = IKE_INTEG_NONE;
		out->has_integ = info.aead && peer_integ;
		if (info.aead && (!peer_integ || peer_has(m, p, IKE_T_INTEG, IKE_INTEG_NONE, 0)))
			return true;
		if (!info.aead && pick(m, p, IKE_T_INTEG, own->integ, own->n_integ, &out->integ))
			return true;
	}
	return false;
}

static bool
in_list(const uint16_t *ids, unsigned n, uint16_t id)
{
	for (unsigned i = 0; i < n; i++) {
		if (ids[i] == id)
			return true;
	}
	return false;
}

static bool
pick_group(const struct ike_proposal *own, const struct ike_msg *m, const struct ike_prop *p, uint16_t ke_group, uint16_t *out)
{
	if (ke_group && in_list(own->group, own->n_group, ke_group) && peer_has(m, p, IKE_T_KE, ke_group, 0)) {
		*out = ke_group;
		return true;
	}
	return pick(m, p, IKE_T_KE, own->group, own->n_group, out);
}

static bool
addke_taken(const struct ike_choice *c, unsigned t, uint16_t id)
{
	bool taken = id == c->group;

	for (unsigned i = 0; i < t; i++)
		taken |= c->addke[i] == id;
	return taken;
}

/* Additional key exchanges (RFC 9370 2.2.1): one of each type that the peer names, no method twice; 0 is "none". */
static bool
pick_addke(const struct ike_proposal *own, const struct ike_msg *m, const struct ike_prop *p, bool can, struct ike_choice *out)
{
	for (unsigned t = 0; t < IKE_ADDKE_MAX; t++) {
		uint8_t type = (uint8_t)(IKE_T_ADDKE1 + t);
		unsigned peer = peer_count(m, p, type), n = can ? own->n_addke[t] : 0;
		bool found = false;

		for (unsigned i = 0; i < n && !found; i++) {
			uint16_t id = own->addke[t][i];

			found = id ? peer_has(m, p, type, id, 0) && ike_kex_known(id) && !addke_taken(out, t, id) : !peer || peer_has(m, p, type, 0, 0);
			out->addke[t] = found ? id : 0;
		}
		if (n ? !found : peer && !peer_has(m, p, type, 0, 0))
			return false;
		out->addke_said |= (uint8_t)((peer != 0) << t);
	}
	return true;
}

static bool
match_ike(const struct ike_proposal *own, const struct ike_msg *m, const struct ike_prop *p, uint16_t ke_group, uint16_t only_prf,
    struct ike_choice *out)
{
	if (p->unknown || p->proto != IKE_PROTO_IKE || !pick_cipher(own, m, p, out) || !pick_group(own, m, p, ke_group, &out->group))
		return false;
	if (only_prf ? !in_list(own->prf, own->n_prf, only_prf) || !pick(m, p, IKE_T_PRF, &only_prf, 1, &out->prf)
		     : !pick(m, p, IKE_T_PRF, own->prf, own->n_prf, &out->prf))
		return false;
	if (!pick_addke(own, m, p, true, out))
		return false;
	out->num = p->num;
	out->ike_spi = ike_prop_spi64(p);
	return true;
}

bool
ike_select_ike(const struct ike_profile *p, const struct ike_msg *m, uint16_t ke_group, uint16_t only_prf, struct ike_choice *out)
{
	for (unsigned i = 0; i < p->n_ike; i++) {
		for (unsigned j = 0; j < m->n_prop; j++) {
			memset(out, 0, sizeof(*out));
			if (match_ike(&p->ike[i], m, &m->prop[j], ke_group, only_prf, out))
				return true;
		}
	}
	return false;
}

/* PFS: the group when both want one, none when neither does. In IKE_AUTH groups are not negotiated (1.2). */
static bool
esp_group(const struct ike_proposal *own, const struct ike_msg *m, const struct ike_prop *p, bool groups, uint16_t ke_group, uint16_t *out)
{
	unsigned peer = peer_count(m, p, IKE_T_KE);

	*out = 0;
	if (!groups)
		return true;
	if (own->n_group)
		return pick_group(own, m, p, ke_group, out);
	return peer == 0 || peer_has(m, p, IKE_T_KE, IKE_KE_NONE, 0);
}

static bool
match_esp(const struct ike_proposal *own, const struct ike_msg *m, const struct ike_prop *p, bool groups, uint16_t ke_group,
    struct ike_choice *out)
{
	bool yes = own->esn[1] && peer_has(m, p, IKE_T_ESN, IKE_ESN_YES, 0);
	bool no = (own->esn[0] || !own->esn[1]) && peer_has(m, p, IKE_T_ESN, IKE_ESN_NO, 0);

	if (p->unknown || p->proto != IKE_PROTO_ESP || (!yes && !no) || !pick_cipher(own, m, p, out) ||
	    !esp_group(own, m, p, groups, ke_group, &out->group) || !pick_addke(own, m, p, groups && out->group, out))
		return false;
	out->esn = yes;
	out->num = p->num;
	out->spi = ike_prop_spi32(p);
	return out->spi > 255;
}

bool
ike_select_esp(const struct ike_profile *p, const struct ike_msg *m, bool groups, uint16_t ke_group, struct ike_choice *out)
{
	for (unsigned i = 0; i < p->n_esp; i++) {
		for (unsigned j = 0; j < m->n_prop; j++) {
			memset(out, 0, sizeof(*out));
			if (match_esp(&p->esp[i], m, &m->prop[j], groups, ke_group, out))
				return true;
		}
	}
	return false;
}

/* ---- checking an answer: one proposal, one transform of each type, and all of it offered */
static bool
answer_is_single(const struct ike_msg *m)
{
	const struct ike_prop *p = &m->prop[0];

	if (m->n_prop != 1 || p->unknown)
		return false;
	for (uint8_t type = IKE_T_ENCR; type <= IKE_T_ADDKE7; type++) {
		if (peer_count(m, p, type) > 1)
			return false;
	}
	return peer_count(m, p, IKE_T_ENCR) == 1;
}

bool
ike_answer_ike(const struct ike_profile *p, const struct ike_msg *m, uint16_t only_prf, bool with_spi, struct ike_choice *out)
{
	unsigned num = 0;

	if (!answer_is_single(m) || m->prop[0].spi.n != (with_spi ? 8 : 0))
		return false;
	for (unsigned i = 0; i < p->n_ike; i++) {	/* numbers count only what was offered */
		if (!prf_wanted(&p->ike[i], only_prf) || ++num != m->prop[0].num)
			continue;
		memset(out, 0, sizeof(*out));
		return match_ike(&p->ike[i], m, &m->prop[0], 0, only_prf, out);
	}
	return false;
}

bool
ike_answer_esp(const struct ike_profile *p, const struct ike_msg *m, bool groups, struct ike_choice *out)
{
	unsigned num = m->n_prop ? m->prop[0].num : 0;

	if (!answer_is_single(m) || num < 1 || num > p->n_esp)
		return false;
	memset(out, 0, sizeof(*out));
	return match_esp(&p->esp[num - 1], m, &m->prop[0], groups, 0, out);
}

static bool
addke_allowed(const struct ike_proposal *own, const struct ike_choice *c)
{
	for (unsigned t = 0; t < IKE_ADDKE_MAX; t++) {
		if (own->n_addke[t] ? !in_list(own->addke[t], own->n_addke[t], c->addke[t]) : c->addke[t] != 0)
			return false;
	}
	return true;
}

bool
ike_allows_ike(const struct ike_profile *p, const struct ike_choice *c)
{
	for (unsigned i = 0; i < p->n_ike; i++) {
		const struct ike_proposal *own = &p->ike[i];

		for (unsigned j = 0; j < own->n_encr; j++) {
			if (addke_allowed(own, c) && own->encr[j] == c->encr && own->encr_bits[j] == c->bits && in_list(own->prf, own->n_prf, c->prf) &&
			    in_list(own->group, own->n_group, c->group) && (!c->integ || in_list(own->integ, own->n_integ, c->integ)))
				return true;
		}
	}
	return false;
}

bool
ike_kex_known(uint16_t group)
{
	return ike_group_public_len(group) != 0;
}

bool
ike_offers_group(const struct ike_profile *p, bool esp, uint16_t group)
{
	for (unsigned i = 0; i < (esp ? p->n_esp : p->n_ike); i++) {
		const struct ike_proposal *own = esp ? &p->esp[i] : &p->ike[i];

		if (in_list(own->group, own->n_group, group))
			return ike_kex_known(group);
	}
	return false;
}

uint16_t
ike_first_group(const struct ike_profile *p, bool esp)
{
	for (unsigned i = 0; i < (esp ? p->n_esp : p->n_ike); i++) {
		const struct ike_proposal *own = esp ? &p->esp[i] : &p->ike[i];

		for (unsigned j = 0; j < own->n_group; j++) {
			if (ike_kex_known(own->group[j]))
				return own->group[j];
		}
	}
	return 0;
}

bool
ike_can_group(uint16_t group)
{
	return ike_kex_known(group);
}
