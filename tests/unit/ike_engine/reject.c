/* What must be refused, each line a row: a message that is right in all but one thing is given to the engine, which must name
 * that thing, change nothing, and still take the message as it should have been.
 *
 * The list is section 17 of the reference on IKE. Lines that are not rows here have tests of their own: I flag and header of
 * every exchange (init.c refused_headers), reflected (init.c), impossible KE value (init.c impossible_public_value,
 * ike_crypto ike_kex.c), NULL and empty PSK, other AUTH methods (below and auth.c), ICV (exchange.c each_octet_changed,
 * ike_crypto ike_seal.c), never selectable (proposal.c, ike_crypto ike_alg.c), fragments (frag.c, ike_wire ike_frag.c),
 * ESP (xfrm esp.c and replay.c), IKE_AUTH before IKE_SA_INIT and twice (exchange.c). */
#include "tests/unit/ike_engine/suites.h"

static struct world w;

static void
begin(void)
{
	w_init(&w);
}

static void
end(void)
{
	w_fini(&w);
}

/* ---- a message as a list of payloads */
struct pl {
	uint8_t type, flags;
	size_t n;
	uint8_t body[1024];
};
struct chain {
	struct ike_hdr hdr;
	bool sealed;
	struct pl pl[80];
	unsigned n;
};

static void
chain_read(struct chain *c, uint8_t type, struct span s)
{
	struct cur in = cur_of(s);

	while (type) {
		struct pl *p = &c->pl[c->n++];
		struct span body;

		p->type = type;
		type = cur_u8(&in);
		p->flags = cur_u8(&in);
		body = cur_take(&in, cur_be16(&in) - 4u);
		ck_assert(!in.bad && body.n <= sizeof(p->body));
		memcpy(p->body, body.p, body.n);
		p->n = body.n;
	}
}

/* Whose message it is has an SA with keys: side 0, the initiator. */
static struct ike_sa *
sender(void)
{
	struct map_iter it = { 0 };

	return container_of(map_first(&w.s[0].k->by_id, &it), struct ike_sa, by_id);
}

static void
take_apart(const struct w_msg *m, struct chain *c)
{
	static uint8_t plain[8192];
	struct ike_msg p;
	long n;

	memset(c, 0, sizeof(*c));
	ck_assert_int_eq(ike_msg_parse(span_of(m->octets, m->n), &p), IKE_OK);
	c->hdr = p.hdr;
	if (!p.n_clear[IKE_PL_SK]) {
		chain_read(c, p.hdr.next, span_of(m->octets + 28, m->n - 28));
		return;
	}
	c->sealed = true;
	n = ike_open(&sender()->keys.i, p.sk.aad, p.sk.body, plain);
	ck_assert_int_gt(n, 0);
	chain_read(c, p.sk.first, ike_frag_text(span_of(plain, (size_t)n)));
}

static uint8_t *
raw_payload(struct wr *o, const struct pl *p, uint8_t next, size_t len)
{
	wr_u8(o, next);
	wr_u8(o, p->flags);
	wr_be16(o, (uint16_t)len);
	wr_bytes(o, p->body, p->n);
	return o->p;
}

struct bend {	/* after the payloads are in place */
	int len_of;	/* payload whose length field is wrong; -1: none */
	size_t len;
	bool pad;	/* impossible padding */
	const char *behind;	/* payload in clear behind SK */
	int hdr_at;
	const char *hdr_hex;
};

static void
put_together(const struct chain *c, const struct bend *b, struct w_msg *m)
{
	struct wr o = wr_of(m->octets, sizeof(m->octets));
	struct ike_protect *key = c->sealed ? &sender()->keys.i : NULL;
	struct ike_seal_room room;
	struct ike_build build;
	struct ike_sk_sizes s = { 0 };

	ike_build_start(&build, &o, &c->hdr);
	if (c->sealed) {
		ck_assert(ike_sk_sizes(key, &s));
		ike_build_sk(&build, s.iv_len);
	}
	m->octets[c->sealed ? build.sk_at : 16] = c->n ? c->pl[0].type : 0;
	for (unsigned i = 0; i < c->n; i++)
		raw_payload(&o, &c->pl[i], i + 1 < c->n ? c->pl[i + 1].type : 0, b->len_of == (int)i ? b->len : c->pl[i].n + 4);
	if (!c->sealed)
		m->n = ike_build_end(&build);
	else
		m->n = ike_build_seal(&build, s.block, s.icv_len, &room);
	ck_assert_uint_gt(m->n, 0);
	if (b->hdr_hex)
		test_unhex(b->hdr_hex, m->octets + b->hdr_at, 28);
	if (!c->sealed)
		return;
	if (b->pad)
		room.text[room.text_len - 1] = 255;
	ck_assert(ike_sk_iv(key, sender()->iv++, &w.s[0].t.env, room.iv));
	if (b->behind) {	/* the encrypted payload says that something follows: nobody may read it so */
		size_t n = test_unhex(b->behind, m->octets + m->n, 64);

		m->n += n;
		put_be32(m->octets + 24, (uint32_t)m->n);
	}
	ck_assert(ike_seal(key, room.aad, room.iv, room.text, room.text_len, room.icv));
}

static struct pl *
find(struct chain *c, uint8_t type)
{
	for (unsigned i = 0; i < c->n; i++) {
		if (c->pl[i].type == type)
			return &c->pl[i];
	}
	ck_abort_msg("no payload %u", type);
	return NULL;
}

/* ---- the rows */
enum base { INIT, AUTH, NEW_CHILD, REKEY_IKE, INFO };
enum op { DROP, TWICE, BODY, ADD, FIRST, POKE, LEN, HDR, PAD, BEHIND, CUT, LONGER, MANY };
struct row {
	const char *line;
	enum base base;
	enum op op;
	uint8_t type;	/* of the payload; HDR, POKE: offset is n */
	unsigned n;
	const char *hex;
	enum ike_drop want;
};

#define TS_V4(rest) "01000000072f0010" rest
static const struct row rows[] = {
	/* header */
	{ "datagram shorter than a header", INIT, CUT, 0, 27, NULL, IKE_DROP_SHORT },
	{ "header length greater than the datagram", INIT, CUT, 0, 100, NULL, IKE_DROP_LENGTH },
	{ "trailing octets", INIT, LONGER, 0, 1, NULL, IKE_DROP_LENGTH },
	{ "major version 1 (IKEv1)", INIT, HDR, 0, 17, "10", IKE_DROP_VERSION },
	{ "major version 3", INIT, HDR, 0, 17, "30", IKE_DROP_VERSION },
	{ "minor version is accepted", INIT, HDR, 0, 17, "2f", IKE_OK },
	{ "SPIi 0", INIT, HDR, 0, 0, "0000000000000000", IKE_DROP_SPI_ZERO },
	{ "SPIr not 0 in the first IKE_SA_INIT", INIT, HDR, 0, 8, "01", IKE_DROP_SPI_ZERO },
	{ "SPIr 0 elsewhere", AUTH, HDR, 0, 8, "0000000000000000", IKE_DROP_SPI_ZERO },
	{ "SPIr 0 in an established SA", INFO, HDR, 0, 8, "0000000000000000", IKE_DROP_SPI_ZERO },
	{ "IKE_SA_INIT with a message id", INIT, HDR, 0, 20, "00000001", IKE_DROP_MESSAGE_ID },
	{ "request with R", INIT, HDR, 0, 19, "28", IKE_DROP_FLAGS },
	{ "response to nothing", INFO, HDR, 0, 19, "28", IKE_DROP_UNSOLICITED },
	{ "response before AUTH", AUTH, HDR, 0, 19, "28", IKE_DROP_STATE },
	{ "I flag contradicts the role", INFO, HDR, 0, 19, "00", IKE_DROP_UNKNOWN_SA },
	{ "I flag missing in IKE_SA_INIT", INIT, HDR, 0, 19, "00", IKE_DROP_FLAGS },
	{ "unknown exchange", INFO, HDR, 0, 18, "f0", IKE_DROP_EXCHANGE },
	/* chain */
	{ "payload length 3", INIT, LEN, IKE_PL_NONCE, 3, NULL, IKE_DROP_PAYLOAD_SHORT },
	{ "payload length 0", INIT, LEN, IKE_PL_KE, 0, NULL, IKE_DROP_PAYLOAD_SHORT },
	{ "payload past the end", INIT, LEN, IKE_PL_NONCE, 4000, NULL, IKE_DROP_PAYLOAD_SHORT },
	{ "inner payload length 3", INFO, LEN, IKE_PL_NOTIFY, 3, NULL, IKE_DROP_PAYLOAD_SHORT },
	{ "inner payload past the end", INFO, LEN, IKE_PL_NOTIFY, 4000, NULL, IKE_DROP_PAYLOAD_SHORT },
	{ "chain of 65 payloads", INIT, MANY, IKE_PL_VENDOR, 65, NULL, IKE_DROP_PAYLOAD_MANY },
	{ "IKEv1 payload", INIT, ADD, 4, 0, "00", IKE_DROP_PAYLOAD_V1 },
	{ "IKEv1 payload inside", INFO, ADD, 8, 0, "00", IKE_DROP_PAYLOAD_V1 },
	{ "unknown critical payload", INFO, ADD, 200, 0x80, "00", IKE_DROP_CRITICAL },
	{ "unknown payload is skipped", INFO, ADD, 200, 0, "00", IKE_OK },
	{ "critical bit of a known payload is ignored", INIT, ADD, IKE_PL_VENDOR, 0x80, "01", IKE_OK },
	/* missing, twice, in the wrong exchange */
	{ "IKE_SA_INIT without SA", INIT, DROP, IKE_PL_SA, 0, NULL, IKE_DROP_PAYLOAD_PLACE },
	{ "IKE_SA_INIT without KE", INIT, DROP, IKE_PL_KE, 0, NULL, IKE_DROP_PAYLOAD_PLACE },
	{ "IKE_SA_INIT without nonce", INIT, DROP, IKE_PL_NONCE, 0, NULL, IKE_DROP_PAYLOAD_PLACE },
	{ "two SA", INIT, TWICE, IKE_PL_SA, 0, NULL, IKE_DROP_PAYLOAD_PLACE },
	{ "two KE", INIT, TWICE, IKE_PL_KE, 0, NULL, IKE_DROP_PAYLOAD_PLACE },
	{ "two nonces", INIT, TWICE, IKE_PL_NONCE, 0, NULL, IKE_DROP_PAYLOAD_PLACE },
	{ "AUTH in IKE_SA_INIT", INIT, ADD, IKE_PL_AUTH, 0, "0200000001", IKE_DROP_PAYLOAD_PLACE },
	{ "identity in IKE_SA_INIT", INIT, ADD, IKE_PL_IDI, 0, "0200000061", IKE_DROP_PAYLOAD_PLACE },
	{ "IKE_AUTH without IDi", AUTH, DROP, IKE_PL_IDI, 0, NULL, IKE_DROP_PAYLOAD_PLACE },
	{ "IKE_AUTH without AUTH (EAP asked for)", AUTH, DROP, IKE_PL_AUTH, 0, NULL, IKE_DROP_EAP },
	{ "IKE_AUTH without TSi", AUTH, DROP, IKE_PL_TSI, 0, NULL, IKE_DROP_PAYLOAD_PLACE },
	{ "IKE_AUTH without TSr", AUTH, DROP, IKE_PL_TSR, 0, NULL, IKE_DROP_PAYLOAD_PLACE },
	{ "IKE_AUTH with TS but no SA", AUTH, DROP, IKE_PL_SA, 0, NULL, IKE_DROP_PAYLOAD_PLACE },
	{ "two IDi", AUTH, TWICE, IKE_PL_IDI, 0, NULL, IKE_DROP_PAYLOAD_PLACE },
	{ "two AUTH", AUTH, TWICE, IKE_PL_AUTH, 0, NULL, IKE_DROP_PAYLOAD_PLACE },
	{ "two SA inside", AUTH, TWICE, IKE_PL_SA, 0, NULL, IKE_DROP_PAYLOAD_PLACE },
	{ "two TSi", AUTH, TWICE, IKE_PL_TSI, 0, NULL, IKE_DROP_PAYLOAD_PLACE },
	{ "two TSr", AUTH, TWICE, IKE_PL_TSR, 0, NULL, IKE_DROP_PAYLOAD_PLACE },
	{ "EAP payload from an initiator", AUTH, ADD, IKE_PL_EAP, 0, "0300000400", IKE_DROP_PAYLOAD_PLACE },
	{ "KE in IKE_AUTH", AUTH, ADD, IKE_PL_KE, 0, "001f0000ff", IKE_DROP_PAYLOAD_PLACE },
	{ "delete in IKE_AUTH", AUTH, ADD, IKE_PL_DELETE, 0, "01000000", IKE_DROP_PAYLOAD_PLACE },
	{ "nonce in INFORMATIONAL", INFO, ADD, IKE_PL_NONCE, 0, "000102030405060708090a0b0c0d0e0f", IKE_DROP_PAYLOAD_PLACE },
	{ "SA in INFORMATIONAL", INFO, ADD, IKE_PL_SA, 0, "", IKE_DROP_SA_SYNTAX },
	{ "delete in CREATE_CHILD_SA", NEW_CHILD, ADD, IKE_PL_DELETE, 0, "01000000", IKE_DROP_PAYLOAD_PLACE },
	{ "identity in CREATE_CHILD_SA", NEW_CHILD, ADD, IKE_PL_IDI, 0, "0200000061", IKE_DROP_PAYLOAD_PLACE },
	{ "CREATE_CHILD_SA without nonce", NEW_CHILD, DROP, IKE_PL_NONCE, 0, NULL, IKE_DROP_PAYLOAD_PLACE },
	{ "CREATE_CHILD_SA without SA", NEW_CHILD, DROP, IKE_PL_SA, 0, NULL, IKE_DROP_PAYLOAD_PLACE },
	{ "CREATE_CHILD_SA without TSr", NEW_CHILD, DROP, IKE_PL_TSR, 0, NULL, IKE_DROP_PAYLOAD_PLACE },
	{ "IKE rekey without KE", REKEY_IKE, DROP, IKE_PL_KE, 0, NULL, IKE_DROP_PAYLOAD_PLACE },
	{ "CREATE_CHILD_SA before AUTH", AUTH, HDR, 0, 18, "24", IKE_DROP_STATE },
	{ "INFORMATIONAL before AUTH", AUTH, HDR, 0, 18, "25", IKE_DROP_STATE },
	{ "IKE_SA_INIT under an established SA", INFO, HDR, 0, 18, "22", IKE_DROP_SPI_ZERO },
	{ "second IKE_AUTH on an established SA", INFO, HDR, 0, 18, "23", IKE_DROP_PAYLOAD_PLACE },
	/* identities */
	{ "identity of no octets", AUTH, BODY, IKE_PL_IDI, 0, "02000000", IKE_DROP_ID_SYNTAX },
	{ "identity cut", AUTH, BODY, IKE_PL_IDI, 0, "020000", IKE_DROP_ID_SYNTAX },
	{ "IPv4 identity of 5 octets", AUTH, BODY, IKE_PL_IDI, 0, "010000000a00000100", IKE_DROP_ID_SYNTAX },
	{ "IPv6 identity of 4 octets", AUTH, BODY, IKE_PL_IDI, 0, "050000000a000001", IKE_DROP_ID_SYNTAX },
	{ "DN that is not DER", AUTH, BODY, IKE_PL_IDI, 0, "09000000ffff", IKE_DROP_ID_SYNTAX },
	{ "DN whose DER is longer than it is", AUTH, BODY, IKE_PL_IDI, 0, "0900000030053000", IKE_DROP_ID_SYNTAX },
	{ "FQDN with a NUL", AUTH, BODY, IKE_PL_IDI, 0, "0200000061006c", IKE_DROP_ID_SYNTAX },
	{ "ID_NULL", AUTH, BODY, IKE_PL_IDI, 0, "0d000000", IKE_DROP_ID_SYNTAX },
	{ "ID_NULL with octets", AUTH, BODY, IKE_PL_IDI, 0, "0d00000001", IKE_DROP_ID_SYNTAX },
	{ "identity of unknown type", AUTH, BODY, IKE_PL_IDI, 0, "c900000061", IKE_DROP_ID_SYNTAX },
	/* AUTH */
	{ "AUTH of no octets", AUTH, BODY, IKE_PL_AUTH, 0, "02000000", IKE_DROP_AUTH_SYNTAX },
	{ "AUTH method 0", AUTH, POKE, IKE_PL_AUTH, 0, "00", IKE_DROP_AUTH_SYNTAX },
	{ "AUTH method is not the policy's (RSA)", AUTH, POKE, IKE_PL_AUTH, 0, "01", IKE_DROP_AUTH },
	{ "AUTH method NULL", AUTH, POKE, IKE_PL_AUTH, 0, "0d", IKE_DROP_AUTH },
	{ "AUTH method unknown", AUTH, POKE, IKE_PL_AUTH, 0, "c9", IKE_DROP_AUTH },
	{ "AUTH value one bit off", AUTH, POKE, IKE_PL_AUTH, 4, "", IKE_DROP_AUTH },
	{ "AUTH value cut", AUTH, BODY, IKE_PL_AUTH, 0, "0200000001020304", IKE_DROP_AUTH },
	/* SA */
	{ "SA without proposals", INIT, BODY, IKE_PL_SA, 0, "", IKE_DROP_SA_SYNTAX },
	{ "proposal without transforms", INIT, BODY, IKE_PL_SA, 0, "0000000801010000", IKE_DROP_SA_SYNTAX },
	{ "more transforms counted than there are", INIT, POKE, IKE_PL_SA, 7, "09", IKE_DROP_SA_SYNTAX },
	{ "fewer transforms counted than there are", INIT, POKE, IKE_PL_SA, 7, "01", IKE_DROP_SA_SYNTAX },
	{ "proposal length past the end", INIT, POKE, IKE_PL_SA, 2, "0fff", IKE_DROP_SA_SYNTAX },
	{ "proposal number 0", INIT, POKE, IKE_PL_SA, 4, "00", IKE_DROP_SA_SYNTAX },
	{ "IKE proposal with an SPI of 4", INIT, BODY, IKE_PL_SA, 0, "0000001401010401000000070000000804000020", IKE_DROP_SA_SYNTAX },
	{ "ESP proposal in IKE_SA_INIT", INIT, POKE, IKE_PL_SA, 5, "03", IKE_DROP_SA_SYNTAX },
	{ "ESP SPI 255", NEW_CHILD, POKE, IKE_PL_SA, 8, "000000ff", IKE_DROP_SA_SYNTAX },
	{ "ESP SPI 0", AUTH, POKE, IKE_PL_SA, 8, "00000000", IKE_DROP_SA_SYNTAX },
	{ "ESP proposal without SPI", AUTH, BODY, IKE_PL_SA, 0, "000000100103000100000008050000 00", IKE_DROP_SA_SYNTAX },
	{ "IKE rekey with SPI 0", REKEY_IKE, POKE, IKE_PL_SA, 8, "0000000000000000", IKE_DROP_SA_SYNTAX },
	/* never selected */
	{ "private cipher id", INIT, POKE, IKE_PL_SA, 14, "0401", IKE_DROP_PROPOSAL },
	{ "cipher without its key length", INIT, BODY, IKE_PL_SA, 0, "000000200101000303000008010000140300000802000006000000080400001f", IKE_DROP_PROPOSAL },
	{ "proposal without KE", INIT, BODY, IKE_PL_SA, 0, "0000001c010100020300000c01000014800e01000000000802000006", IKE_DROP_PROPOSAL },
	{ "private group id", INIT, POKE, IKE_PL_SA, 34, "0401", IKE_DROP_PROPOSAL },
	{ "unknown transform type", INIT, BODY, IKE_PL_SA, 0,
	    "0000002c010100040300000c01000014800e01000300000802000006030000080400001f00000008f0000001", IKE_DROP_PROPOSAL },
	/* key exchange and nonce */
	{ "KE group not in the proposal", INIT, POKE, IKE_PL_KE, 0, "0013", IKE_DROP_GROUP },
	{ "KE one octet short", INIT, BODY, IKE_PL_KE, 0, "001f000000112233445566778899aabbccddeeff00112233445566778899aabbccddee", IKE_DROP_KE_SYNTAX },
	{ "KE of no octets", INIT, BODY, IKE_PL_KE, 0, "001f0000", IKE_DROP_KE_SYNTAX },
	{ "nonce of 15", INIT, BODY, IKE_PL_NONCE, 0, "000102030405060708090a0b0c0d0e", IKE_DROP_NONCE },
	{ "nonce of 257", INIT, LONGER, IKE_PL_NONCE, 257, NULL, IKE_DROP_NONCE },
	{ "nonce less than half the PRF key", INIT, BODY, IKE_PL_NONCE, 0, "000102030405060708090a0b0c0d0e0f", IKE_DROP_NONCE },
	{ "nonce of 15 in CREATE_CHILD_SA", NEW_CHILD, BODY, IKE_PL_NONCE, 0, "000102030405060708090a0b0c0d0e", IKE_DROP_NONCE },
	/* selectors */
	{ "TS count 0", AUTH, BODY, IKE_PL_TSI, 0, "00000000", IKE_DROP_TS_SYNTAX },
	{ "TS count greater than what is there", AUTH, POKE, IKE_PL_TSI, 0, "02", IKE_DROP_TS_SYNTAX },
	{ "octets behind the selectors", AUTH, BODY, IKE_PL_TSI, 0, TS_V4("0000ffffc0000201c000020100"), IKE_DROP_TS_SYNTAX },
	{ "TS length for another family", AUTH, POKE, IKE_PL_TSI, 6, "0028", IKE_DROP_TS_SYNTAX },
	{ "TS start after end", NEW_CHILD, BODY, IKE_PL_TSI, 0, TS_V4("0000ffffc0000202c0000201"), IKE_DROP_TS_SYNTAX },
	{ "TS first port after last", NEW_CHILD, BODY, IKE_PL_TSI, 0, TS_V4("00020001c0000201c0000201"), IKE_DROP_TS_SYNTAX },
	{ "only TS of unknown type", NEW_CHILD, BODY, IKE_PL_TSI, 0, "010000009d2f000800000000", IKE_DROP_SELECTORS },
	{ "TS that is not GRE", NEW_CHILD, BODY, IKE_PL_TSI, 0, "0100000007060010" "0000ffffc0000201c0000201", IKE_DROP_SELECTORS },
	{ "TS that is not the peer", NEW_CHILD, BODY, IKE_PL_TSI, 0, TS_V4("0000ffff0a0000010a000001"), IKE_DROP_SELECTORS },
	{ "TS of GRE with ports", NEW_CHILD, BODY, IKE_PL_TSI, 0, TS_V4("00010001c0000201c0000201"), IKE_DROP_SELECTORS },
	{ "not transport mode, where it is required", NEW_CHILD, DROP, IKE_PL_NOTIFY, 0, NULL, IKE_DROP_PROPOSAL },
	/* notify and delete */
	{ "notify whose SPI is longer than it", INFO, BODY, IKE_PL_NOTIFY, 0, "0310400001020304", IKE_DROP_NOTIFY_SYNTAX },
	{ "notify cut", INFO, BODY, IKE_PL_NOTIFY, 0, "0000", IKE_DROP_NOTIFY_SYNTAX },
	{ "REKEY_SA for protocol IKE", NEW_CHILD, FIRST, IKE_PL_NOTIFY, 0, "0104400901020304", IKE_DROP_NOTIFY_SYNTAX },
	{ "REKEY_SA for protocol 0", NEW_CHILD, FIRST, IKE_PL_NOTIFY, 0, "0004400901020304", IKE_DROP_NOTIFY_SYNTAX },
	{ "REKEY_SA without SPI", NEW_CHILD, FIRST, IKE_PL_NOTIFY, 0, "03004009", IKE_DROP_NOTIFY_SYNTAX },
	{ "REKEY_SA of AH", NEW_CHILD, FIRST, IKE_PL_NOTIFY, 0, "0204400901020304", IKE_DROP_NOTIFY_SYNTAX },
	{ "cookie of 65", INIT, LONGER, IKE_PL_NOTIFY, 65, NULL, IKE_DROP_NOTIFY_SYNTAX },
	{ "delete count disagrees with its length", INFO, ADD, IKE_PL_DELETE, 0, "0304000201020304", IKE_DROP_DELETE_SYNTAX },
	{ "delete of 65535 SPIs", INFO, ADD, IKE_PL_DELETE, 0, "0304ffff01020304", IKE_DROP_DELETE_SYNTAX },
	{ "delete with SPIs of 8", INFO, ADD, IKE_PL_DELETE, 0, "030800010102030405060708", IKE_DROP_DELETE_SYNTAX },
	{ "delete of IKE with an SPI", INFO, ADD, IKE_PL_DELETE, 0, "0104000101020304", IKE_DROP_DELETE_SYNTAX },
	{ "delete of protocol 9", INFO, ADD, IKE_PL_DELETE, 0, "0904000101020304", IKE_DROP_DELETE_SYNTAX },
	{ "the same SPI deleted twice", INFO, ADD, IKE_PL_DELETE, 0, "03040002" "0102030401020304", IKE_DROP_DELETE_SYNTAX },
	/* the encrypted payload */
	{ "SK is not the last", INFO, BEHIND, 0, 0, "0000000800004000", IKE_DROP_SK_SYNTAX },
	{ "padding longer than the text", INFO, PAD, 0, 0, NULL, IKE_DROP_SK_SYNTAX },
	{ "fragment that was not agreed on", INFO, HDR, 0, 16, "35", IKE_DROP_FRAGMENT },
};

/* ---- bringing one about */
static struct w_msg
honest(enum base base)
{
	struct ike_sa *sa;
	struct ike_tx t;

	w_go(&w);
	w.manual = base == INIT || base == AUTH;
	w_dial(&w, 0, 1, 1);
	if (base == INIT)
		return *w.msg[0];
	if (base == AUTH) {
		w_deliver(&w, 0);
		w_deliver(&w, 1);
		return *w.msg[0];
	}
	w_settle(&w);
	w_check_pair(&w);
	w.manual = true;
	sa = w_sa(&w, 0);
	w.s[0].k->out = &w.s[0].out;
	switch (base) {
	case NEW_CHILD:
		ck_assert(ike_cc_start(w.s[0].k, sa, IKE_CC_NEW, NULL, 0));
		break;
	case REKEY_IKE:
		ck_assert(ike_cc_start(w.s[0].k, sa, IKE_CC_REKEY_IKE, NULL, 0));
		break;
	case INFO:
		ike_tx_request(&t, sa, IKE_INFORMATIONAL);
		ike_tx_notify(&t, 40961);
		ck_assert(ike_x_start(w.s[0].k, sa, IKE_X_LIVE, &t));
		break;
	case INIT:
	case AUTH:
		break;
	}
	w_event(&w, 0, &(struct ike_event){ .kind = IKE_EV_SA_USED });	/* only so that what is queued is sent */
	ck_assert_uint_eq(w.n_msg, 1);
	return *w.msg[0];
}

static void
bend_payloads(const struct row *r, struct chain *c, struct bend *b)
{
	struct pl *p;

	switch (r->op) {
	case DROP:
		p = find(c, r->type);
		memmove(p, p + 1, (size_t)(&c->pl[--c->n] - p) * sizeof(*p));
		return;
	case TWICE:
		c->pl[c->n++] = *find(c, r->type);
		return;
	case BODY:
		p = find(c, r->type);
		p->n = test_unhex(r->hex, p->body, sizeof(p->body));
		return;
	case ADD:
		p = &c->pl[c->n++];
		*p = (struct pl){ .type = r->type, .flags = (uint8_t)r->n };
		p->n = test_unhex(r->hex, p->body, sizeof(p->body));
		return;
	case FIRST:
		memmove(&c->pl[1], &c->pl[0], c->n++ * sizeof(c->pl[0]));
		p = &c->pl[0];
		*p = (struct pl){ .type = r->type };
		p->n = test_unhex(r->hex, p->body, sizeof(p->body));
		return;
	case POKE:
		p = find(c, r->type);
		ck_assert_uint_lt(r->n, p->n);
		if (!test_unhex(r->hex, p->body + r->n, p->n - r->n))
			p->body[r->n] ^= 1;
		return;
	case LEN:
		b->len_of = (int)(find(c, r->type) - c->pl);
		b->len = r->n;
		return;
	case MANY:
		while (c->n < r->n)
			c->pl[c->n++] = (struct pl){ .type = r->type, .n = 1 };
		return;
	case LONGER:
		if (!r->type)
			return;
		p = r->type == IKE_PL_NOTIFY ? &c->pl[c->n++] : find(c, r->type);
		p->type = r->type;
		p->n = r->n;
		if (r->type == IKE_PL_NOTIFY) {
			p->n += 4;
			put_be16(p->body + 2, IKE_N_COOKIE);
		}
		return;
	case HDR:
		b->hdr_at = (int)r->n;
		b->hdr_hex = r->hex;
		return;
	case PAD:
		b->pad = true;
		return;
	case BEHIND:
		b->behind = r->hex;
		return;
	case CUT:
		return;
	}
}

START_TEST(row)
{
	const struct row *r = &rows[_i];
	struct w_msg good, bad;
	struct bend b = { .len_of = -1 };
	static struct chain c;
	bool frag = r->want == IKE_DROP_FRAGMENT, ends = r->want == IKE_DROP_AUTH || r->want == IKE_DROP_EAP;
	enum ike_drop d;

	w.s[0].conf.frag_off = frag;
	w.s[1].profile[0].mode = IKE_MODE_TRANSPORT_ONLY;
	good = bad = honest(r->base);
	take_apart(&good, &c);
	bend_payloads(r, &c, &b);
	put_together(&c, &b, &bad);
	if (r->op == CUT)
		bad.n = r->n;
	if (r->op == LONGER && !r->type)
		bad.n += r->n;
	if (r->base == REKEY_IKE || r->base == NEW_CHILD)
		ck_assert(w.s[1].child_adds == 1);
	d = w_inject(&w, 1, &bad);
	if (r->base == AUTH && d == IKE_OK) {	/* it waited for the keys: what came of it was counted */
		for (d = IKE_OK + 1; d < IKE_DROPS_N && !ike_count_drop(w.s[1].k, d); d++)
			;
	}
	ck_assert_msg(d == r->want, "%s: \"%s\", not \"%s\"", r->line, ike_drop_word(d), ike_drop_word(r->want));
	ck_assert_uint_eq(w.s[1].ups, r->base > AUTH);
	ck_assert_uint_eq(w.s[1].downs, 0);
	ck_assert_uint_eq(w.s[1].child_adds, r->base > AUTH);
	/* As it should have been: taken, unless the exchange has been answered with a refusal. */
	w.manual = false;
	w_run(&w, TICK_S(ends ? 30 : 5));
	ck_assert_msg(w_sa(&w, 0) && w_sa(&w, 1), "%s: no SA afterwards", r->line);
	ck_assert(w_usable(&w));
}
END_TEST

/* ---- reflected and repeated */
START_TEST(answer_with_our_own_nonce)
{
	static struct chain c;
	struct bend b = { .len_of = -1 };
	struct w_msg m;
	uint8_t nonce[IKE_NONCE_LEN];

	w.manual = true;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	memcpy(nonce, sender()->hs->ni.b, sizeof(nonce));
	w_deliver(&w, 0);
	m = *w.msg[0];
	take_apart(&m, &c);
	memcpy(find(&c, IKE_PL_NONCE)->body, nonce, sizeof(nonce));
	put_together(&c, &b, &m);
	ck_assert_int_eq(w_inject(&w, 0, &m), IKE_DROP_NONCE);
	ck_assert_uint_eq(w.s[0].n_jobs, 0);
	w.manual = false;
	w_settle(&w);
	w_check_pair(&w);
}
END_TEST

START_TEST(own_request_of_an_established_sa_comes_back)
{
	struct w_msg m = honest(INFO), back = m;

	back.src = m.dst;
	back.dst = m.src;
	ck_assert_int_eq(w_inject(&w, 0, &back), IKE_DROP_UNKNOWN_SA);
	w.manual = false;
	w_settle(&w);
	w_check_pair(&w);
}
END_TEST

/* A peer without a key for it must not be let in by an empty one, whichever side has it. */
START_TEST(empty_psk_at_the_responder)
{
	w.s[1].profile[0].n_key = 0;
	w_key(&w.s[1], 0, "*", "");
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(2));
	ck_assert_uint_eq(w.s[0].ups + w.s[1].ups, 0);
	ck_assert_uint_ge(ike_count_drop(w.s[1].k, IKE_DROP_NO_KEY), 1);
}
END_TEST

Suite *
reject_suite(void)
{
	Suite *s = suite_create("reject");
	TCase *tc = tcase_create("reject");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, row, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tc, answer_with_our_own_nonce);
	tcase_add_test(tc, own_request_of_an_established_sa_comes_back);
	tcase_add_test(tc, empty_psk_at_the_responder);
	suite_add_tcase(s, tc);
	return s;
}
