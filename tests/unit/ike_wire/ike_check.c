/* Twin of ikecore/wire/ike_check.c: which payloads an exchange takes. A message is spelled as a string of payloads, each a letter. */
#include "tests/unit/ike_wire/golden.h"

#include <stdio.h>

static const struct letter {
	char c;
	uint8_t type;
	const char *body;
} letters[] = {
	{ 'S', IKE_PL_SA, "0000002001030402c95f9cb40300000c01000014800e01000000000805000000" },	/* ESP */
	{ '2', IKE_PL_SA, "0200002001030402c95f9cb40300000c01000014800e01000000000805000000"
	    "0000002002030402c95f9cb40300000c01000014800e01000000000805000000" },	/* ESP, two proposals */
	{ 'I', IKE_PL_SA, "00000014010100010000000c01000014800e0100" },	/* IKE without SPI */
	{ 'R', IKE_PL_SA, "0000001c010108014ab16f9345863a700000000c01000014800e0100" },	/* IKE with SPI */
	{ 'M', IKE_PL_SA, "0200002001030402c95f9cb40300000c01000014800e01000000000805000000"
	    "0000001c020108014ab16f9345863a700000000c01000014800e0100" },	/* ESP and IKE */
	{ 'K', IKE_PL_KE, "001f0000ff" },
	{ 'N', IKE_PL_NONCE, "000102030405060708090a0b0c0d0e0f" },
	{ 'i', IKE_PL_IDI, "0200000061" },
	{ 'r', IKE_PL_IDR, "0200000062" },
	{ 'A', IKE_PL_AUTH, "02000000ff" },
	{ 't', IKE_PL_TSI, "01000000072f00100000ffff0a0000020a000002" },
	{ 'u', IKE_PL_TSR, "01000000072f00100000ffff0a0000010a000001" },
	{ 'n', IKE_PL_NOTIFY, "00004000" },	/* status */
	{ 'e', IKE_PL_NOTIFY, "0000000e" },	/* error */
	{ 'c', IKE_PL_NOTIFY, "00004006ff" },	/* cookie */
	{ 'D', IKE_PL_DELETE, "01000000" },
	{ 'V', IKE_PL_VENDOR, "ff" },
	{ 'C', IKE_PL_CERT, "04ff" },
	{ 'q', IKE_PL_CERTREQ, "04" },
	{ 'p', IKE_PL_CP, "01000000" },
	{ 'E', IKE_PL_EAP, "01000004" },
	{ 'F', IKE_PL_SKF, "00020002ff" },	/* not the first fragment: names no payload */
};

static const struct letter *
letter(char c)
{
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (letters[i].c == c)
			return &letters[i];
	ck_abort_msg("no letter %c", c);
	return NULL;
}

enum { I = IKE_FLAG_INITIATOR, R = IKE_FLAG_RESPONSE };

static const struct {
	bool inner;
	uint8_t exchange, flags;
	const char *spelled;
	enum ike_drop want;
} rows[] = {
	{ false, IKE_SA_INIT, I, "IKN", IKE_OK },
	{ false, IKE_SA_INIT, I, "nNKIVn", IKE_OK },	/* any order */
	{ false, IKE_SA_INIT, I, "cIKN", IKE_OK },
	{ false, IKE_SA_INIT, I, "", IKE_DROP_PAYLOAD_PLACE },
	{ false, IKE_SA_INIT, I, "IK", IKE_DROP_PAYLOAD_PLACE },
	{ false, IKE_SA_INIT, I, "IN", IKE_DROP_PAYLOAD_PLACE },
	{ false, IKE_SA_INIT, I, "KN", IKE_DROP_PAYLOAD_PLACE },
	{ false, IKE_SA_INIT, I, "IIKN", IKE_DROP_PAYLOAD_PLACE },
	{ false, IKE_SA_INIT, I, "IKKN", IKE_DROP_PAYLOAD_PLACE },
	{ false, IKE_SA_INIT, I, "IKNN", IKE_DROP_PAYLOAD_PLACE },
	{ false, IKE_SA_INIT, I, "IKNi", IKE_DROP_PAYLOAD_PLACE },
	{ false, IKE_SA_INIT, I, "IKNA", IKE_DROP_PAYLOAD_PLACE },
	{ false, IKE_SA_INIT, I, "IKNtu", IKE_DROP_PAYLOAD_PLACE },
	{ false, IKE_SA_INIT, I, "IKND", IKE_DROP_PAYLOAD_PLACE },
	{ false, IKE_SA_INIT, I, "F", IKE_DROP_PAYLOAD_PLACE },	/* a fragment counts as SK, which has no place here */
	{ false, IKE_SA_INIT, I, "e", IKE_DROP_PAYLOAD_PLACE },	/* only a response may refuse */
	{ false, IKE_SA_INIT, I, "SKN", IKE_DROP_SA_SYNTAX },	/* ESP proposal */
	{ false, IKE_SA_INIT, I, "RKN", IKE_DROP_SA_SYNTAX },	/* SPI of a rekey */
	{ false, IKE_SA_INIT, R, "IKN", IKE_OK },
	{ false, IKE_SA_INIT, R, "IKNq", IKE_OK },
	{ false, IKE_SA_INIT, R, "c", IKE_OK },
	{ false, IKE_SA_INIT, R, "e", IKE_OK },
	{ false, IKE_SA_INIT, R, "n", IKE_DROP_PAYLOAD_PLACE },
	{ false, IKE_SA_INIT, R, "eA", IKE_DROP_PAYLOAD_PLACE },
	{ false, IKE_AUTH, I, "", IKE_DROP_PAYLOAD_PLACE },	/* nothing of these in clear */
	{ false, IKE_AUTH, I, "iA", IKE_DROP_PAYLOAD_PLACE },
	{ false, IKE_AUTH, R, "e", IKE_DROP_PAYLOAD_PLACE },
	{ false, IKE_INFORMATIONAL, I, "D", IKE_DROP_PAYLOAD_PLACE },
	{ false, IKE_INFORMATIONAL, R, "e", IKE_DROP_PAYLOAD_PLACE },
	{ false, IKE_CREATE_CHILD_SA, I, "SNtu", IKE_DROP_PAYLOAD_PLACE },
	{ false, IKE_AUTH, I, "F", IKE_OK },
	{ true, IKE_AUTH, I, "iAStu", IKE_OK },
	{ true, IKE_AUTH, I, "irCqASntupV", IKE_OK },
	{ true, IKE_AUTH, I, "iA", IKE_OK },	/* childless */
	{ true, IKE_AUTH, I, "AStu", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_AUTH, I, "iStu", IKE_OK },	/* wants EAP: the engine refuses that, with words */
	{ true, IKE_AUTH, R, "rE", IKE_OK },
	{ true, IKE_AUTH, R, "rEE", IKE_DROP_PAYLOAD_PLACE },	/* EAP would be asked for so */
	{ true, IKE_AUTH, I, "eStu", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_AUTH, I, "iAS", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_AUTH, I, "iASt", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_AUTH, I, "iAtu", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_AUTH, I, "iiAStu", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_AUTH, I, "irrAStu", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_AUTH, I, "iAAStu", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_AUTH, I, "iASttu", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_AUTH, I, "iAStuu", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_AUTH, I, "iAStuK", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_AUTH, I, "iAStuN", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_AUTH, I, "iAStuD", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_AUTH, I, "iAStuE", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_AUTH, I, "iAStupp", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_AUTH, I, "iARtu", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_AUTH, R, "rAStu", IKE_OK },
	{ true, IKE_AUTH, R, "rAe", IKE_OK },	/* the child failed, the IKE SA is up */
	{ true, IKE_AUTH, R, "e", IKE_OK },	/* all failed */
	{ true, IKE_AUTH, R, "rA", IKE_OK },
	{ true, IKE_AUTH, R, "n", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_AUTH, R, "r", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_AUTH, R, "irAStu", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_AUTH, R, "rA2tu", IKE_DROP_SA_SYNTAX },	/* an answer holds one proposal */
	{ true, IKE_AUTH, R, "et", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_CREATE_CHILD_SA, I, "SNtu", IKE_OK },
	{ true, IKE_CREATE_CHILD_SA, I, "nSNKtu", IKE_OK },
	{ true, IKE_CREATE_CHILD_SA, I, "2NKtu", IKE_OK },
	{ true, IKE_CREATE_CHILD_SA, I, "RNK", IKE_OK },
	{ true, IKE_CREATE_CHILD_SA, I, "RN", IKE_DROP_PAYLOAD_PLACE },	/* rekeying IKE needs KE */
	{ true, IKE_CREATE_CHILD_SA, I, "RNKtu", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_CREATE_CHILD_SA, I, "INK", IKE_DROP_SA_SYNTAX },	/* and an SPI */
	{ true, IKE_CREATE_CHILD_SA, I, "MNKtu", IKE_DROP_SA_SYNTAX },
	{ true, IKE_CREATE_CHILD_SA, I, "SN", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_CREATE_CHILD_SA, I, "SNt", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_CREATE_CHILD_SA, I, "Stu", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_CREATE_CHILD_SA, I, "Ntu", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_CREATE_CHILD_SA, I, "SNtuA", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_CREATE_CHILD_SA, I, "iSNtu", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_CREATE_CHILD_SA, I, "SNtuD", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_CREATE_CHILD_SA, 0, "SNtu", IKE_OK },	/* the original responder asks */
	{ true, IKE_CREATE_CHILD_SA, R, "SNtu", IKE_OK },
	{ true, IKE_CREATE_CHILD_SA, R, "e", IKE_OK },
	{ true, IKE_CREATE_CHILD_SA, R, "", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_CREATE_CHILD_SA, R, "2Ntu", IKE_DROP_SA_SYNTAX },
	{ true, IKE_INFORMATIONAL, I, "", IKE_OK },
	{ true, IKE_INFORMATIONAL, R, "", IKE_OK },
	{ true, IKE_INFORMATIONAL, I, "DnepV", IKE_OK },
	{ true, IKE_INFORMATIONAL, I, "S", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_INFORMATIONAL, I, "A", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_INFORMATIONAL, R, "N", IKE_DROP_PAYLOAD_PLACE },
	{ true, IKE_INFORMATIONAL, R, "eK", IKE_DROP_PAYLOAD_PLACE },
};

START_TEST(row)
{
	const char *s = rows[_i].spelled;
	char hex[4096] = "";
	size_t n = 0;
	struct ike_msg m;
	enum ike_drop d;
	uint8_t first = *s ? letter(*s)->type : IKE_PL_NONE;

	for (; *s; s++)
		n += (size_t)snprintf(hex + n, sizeof(hex) - n, "%02x00%04x%s", s[1] ? letter(s[1])->type : 0,
		    (unsigned)(strlen(letter(*s)->body) / 2 + 4), letter(*s)->body);
	d = (rows[_i].inner ? raw_inner : raw_parse)(rows[_i].exchange, rows[_i].flags, first, hex, &m);
	ck_assert_msg(d == rows[_i].want, "%s %s \"%s\": %s", ike_exchange_name(rows[_i].exchange), rows[_i].flags & R ? "response" : "request",
	    rows[_i].spelled, ike_drop_word(d));
}
END_TEST

suite_fn suite_ike_check;
Suite *
suite_ike_check(void)
{
	Suite *s = suite_create("ike_check");
	TCase *tc = tcase_create("check");

	tcase_add_loop_test(tc, row, 0, sizeof(rows) / sizeof(rows[0]));
	suite_add_tcase(s, tc);
	return s;
}
