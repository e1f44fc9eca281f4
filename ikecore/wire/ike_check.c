/* ikecore/wire/ike_check.c: which payloads an exchange takes, RFC 7296 1.2 to 1.4 and appendix C.
 *
 * One row per exchange, direction and payload, with how many at least and at most, and whether inside the encrypted
 * payload. A payload that has no row in an exchange is refused there. A response that carries an error notify, or COOKIE
 * in IKE_SA_INIT, may leave out what it would otherwise need. Exchanges without rows are not spoken: IKE_DROP_EXCHANGE. */
#include "ikecore/wire/ike_msg.h"

enum where { CLEAR, INNER };
enum { ANY = 255 };

struct rule {
	uint8_t payload, min, max;
	enum where where;
};

static const struct rule init_req[] = {
	{ IKE_PL_SA, 1, 1, CLEAR }, { IKE_PL_KE, 1, 1, CLEAR }, { IKE_PL_NONCE, 1, 1, CLEAR }, { IKE_PL_NOTIFY, 0, ANY, CLEAR },
	{ IKE_PL_VENDOR, 0, ANY, CLEAR }, { 0 }
};
static const struct rule init_resp[] = {
	{ IKE_PL_SA, 1, 1, CLEAR }, { IKE_PL_KE, 1, 1, CLEAR }, { IKE_PL_NONCE, 1, 1, CLEAR }, { IKE_PL_NOTIFY, 0, ANY, CLEAR },
	{ IKE_PL_VENDOR, 0, ANY, CLEAR }, { IKE_PL_CERTREQ, 0, ANY, CLEAR }, { 0 }
};
static const struct rule auth_req[] = {
	{ IKE_PL_SK, 1, 1, CLEAR },
	{ IKE_PL_IDI, 1, 1, INNER }, { IKE_PL_IDR, 0, 1, INNER }, { IKE_PL_AUTH, 0, 1, INNER }, { IKE_PL_SA, 0, 1, INNER },
	{ IKE_PL_TSI, 0, 1, INNER }, { IKE_PL_TSR, 0, 1, INNER }, { IKE_PL_NOTIFY, 0, ANY, INNER }, { IKE_PL_CERT, 0, ANY, INNER },
	{ IKE_PL_CERTREQ, 0, ANY, INNER }, { IKE_PL_CP, 0, 1, INNER }, { IKE_PL_VENDOR, 0, ANY, INNER }, { 0 }
};
static const struct rule auth_resp[] = {
	{ IKE_PL_SK, 1, 1, CLEAR },
	{ IKE_PL_IDR, 1, 1, INNER }, { IKE_PL_AUTH, 0, 1, INNER }, { IKE_PL_SA, 0, 1, INNER }, { IKE_PL_TSI, 0, 1, INNER },
	{ IKE_PL_TSR, 0, 1, INNER }, { IKE_PL_NOTIFY, 0, ANY, INNER }, { IKE_PL_CERT, 0, ANY, INNER }, { IKE_PL_CP, 0, 1, INNER },
	{ IKE_PL_EAP, 0, 1, INNER }, { IKE_PL_VENDOR, 0, ANY, INNER }, { 0 }
};
static const struct rule child_both[] = {
	{ IKE_PL_SK, 1, 1, CLEAR },
	{ IKE_PL_SA, 1, 1, INNER }, { IKE_PL_NONCE, 1, 1, INNER }, { IKE_PL_KE, 0, 1, INNER }, { IKE_PL_TSI, 0, 1, INNER },
	{ IKE_PL_TSR, 0, 1, INNER }, { IKE_PL_NOTIFY, 0, ANY, INNER }, { IKE_PL_CP, 0, 1, INNER }, { IKE_PL_VENDOR, 0, ANY, INNER }, { 0 }
};
static const struct rule info_both[] = {
	{ IKE_PL_SK, 1, 1, CLEAR },
	{ IKE_PL_NOTIFY, 0, ANY, INNER }, { IKE_PL_DELETE, 0, ANY, INNER }, { IKE_PL_CP, 0, 1, INNER }, { IKE_PL_VENDOR, 0, ANY, INNER }, { 0 }
};

static const struct rule inter_both[] = {	/* RFC 9242, here only to carry a key exchange; RFC 9370 2.2.4 */
	{ IKE_PL_SK, 1, 1, CLEAR },
	{ IKE_PL_KE, 1, 1, INNER }, { IKE_PL_NOTIFY, 0, ANY, INNER }, { IKE_PL_VENDOR, 0, ANY, INNER }, { 0 }
};

static const struct {
	uint8_t exchange;
	const struct rule *rule[2];	/* request, response */
} rules[] = {
	{ IKE_SA_INIT, { init_req, init_resp } },
	{ IKE_AUTH, { auth_req, auth_resp } },
	{ IKE_CREATE_CHILD_SA, { child_both, child_both } },
	{ IKE_INFORMATIONAL, { info_both, info_both } },
	{ IKE_INTERMEDIATE, { inter_both, inter_both } },
	{ IKE_FOLLOWUP_KE, { inter_both, inter_both } },
};

static const struct rule *
rules_of(const struct ike_msg *m)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].exchange == m->hdr.exchange)
			return rules[i].rule[m->response];
	return NULL;
}

/* A failed exchange: the response says so and need say no more. */
static bool
is_refusal(const struct ike_msg *m)
{
	return m->response && (ike_msg_error(m) || (m->hdr.exchange == IKE_SA_INIT && (ike_msg_notify(m, IKE_N_COOKIE) ||
	    ike_msg_notify(m, IKE_N_REDIRECT))));
}

static enum ike_drop
check(const struct ike_msg *m, const struct rule *rule, enum where where, const uint8_t *count)
{
	uint64_t allowed = 0;
	bool waive = where == INNER ? is_refusal(m) : m->hdr.exchange == IKE_SA_INIT && is_refusal(m);

	for (const struct rule *r = rule; r->payload; r++) {
		uint8_t n = count[r->payload];

		if (r->where != where)
			continue;
		allowed |= (uint64_t)1 << r->payload;
		if (n > r->max || (n < r->min && !waive))
			return IKE_DROP_PAYLOAD_PLACE;
	}
	for (unsigned pl = 0; pl < IKE_PL_N; pl++)
		if (count[pl] && !(allowed >> pl & 1))
			return IKE_DROP_PAYLOAD_PLACE;
	return IKE_OK;
}

/* Protocol and SPI size of every proposal: IKE without SPI at first, IKE with SPI or AH, ESP afterwards. */
static bool
proposals_fit(const struct ike_msg *m)
{
	for (unsigned i = 0; i < m->n_prop; i++) {
		const struct ike_prop *p = &m->prop[i];
		bool ike = p->proto == IKE_PROTO_IKE;

		if (m->hdr.exchange == IKE_SA_INIT ? !ike || p->spi.n : ike && (m->hdr.exchange == IKE_AUTH || p->spi.n != 8))
			return false;
		if (ike != (m->prop[0].proto == IKE_PROTO_IKE))
			return false;
	}
	return !m->response || m->n_prop <= 1;	/* an answer picks one */
}

/* AUTH is missing in a request that wants EAP, and in an answer that begins it: the engine says no, with words. */
static bool
auth_fits(const struct ike_msg *m)
{
	return m->hdr.exchange != IKE_AUTH || !m->response || is_refusal(m) || ike_msg_has(m, IKE_PL_AUTH) || ike_msg_has(m, IKE_PL_EAP);
}

/* SA, TSi and TSr come together; an IKE rekey has a KE and no TS. */
static bool
child_fits(const struct ike_msg *m)
{
	bool sa = ike_msg_has(m, IKE_PL_SA), tsi = ike_msg_has(m, IKE_PL_TSI), tsr = ike_msg_has(m, IKE_PL_TSR);
	bool ike = m->n_prop && m->prop[0].proto == IKE_PROTO_IKE;

	if (is_refusal(m) && !sa)
		return !tsi && !tsr;
	if (ike)
		return ike_msg_has(m, IKE_PL_KE) && !tsi && !tsr;
	return sa == tsi && sa == tsr;
}

enum ike_drop
ike_msg_check_clear(const struct ike_msg *m)
{
	const struct rule *rule = rules_of(m);
	enum ike_drop d;

	if (!rule)
		return IKE_DROP_EXCHANGE;
	d = check(m, rule, CLEAR, m->n_clear);
	if (d != IKE_OK)
		return d;
	return proposals_fit(m) ? IKE_OK : IKE_DROP_SA_SYNTAX;
}

enum ike_drop
ike_msg_check_inner(const struct ike_msg *m)
{
	const struct rule *rule = rules_of(m);
	enum ike_drop d;

	if (!rule)
		return IKE_DROP_EXCHANGE;
	d = check(m, rule, INNER, m->n_inner);
	if (d != IKE_OK)
		return d;
	if (!auth_fits(m) || !child_fits(m))
		return IKE_DROP_PAYLOAD_PLACE;
	return proposals_fit(m) ? IKE_OK : IKE_DROP_SA_SYNTAX;
}
