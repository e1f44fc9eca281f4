/* ikecore/wire/ike_msg.h: IKEv2 messages, octets <-> structs. RFC 7296 section 3. No state, no clock, no cryptography.
 *
 * Reading goes in steps, because most of a message is encrypted:
 *	ike_msg_parse()		header and the payloads in clear; an encrypted payload is left as spans
 *	ike_msg_check_clear()	may these stand in clear in this exchange and direction?
 *	(the engine finds the SA and opens m.sk: ike_open() in ikecore/crypto)
 *	ike_msg_parse_inner()	takes the padding off and reads the payloads inside, into the same struct
 *	ike_msg_check_inner()	may these stand inside, and is none missing?
 * Spans point into the message and into the decrypted text; both must live as long as the struct is used. A refusal is
 * final: fields of a refused message mean nothing, but hdr is filled in for every reason except IKE_DROP_SHORT, and
 * critical for IKE_DROP_CRITICAL, so that the engine can answer.
 *
 * A fragment (RFC 7383) is an encrypted payload whose text is a piece: ike_frag_text() takes its padding off; the pieces put
 * together, with one octet 0 behind them for the padding that a whole message has, go to ike_msg_parse_inner().
 *
 * Ids of algorithms are kept as they came, known or not: nothing here selects. CERT, CERTREQ, CP, EAP and vendor payloads
 * are kept as raw spans.
 *
 * Writing: struct ike_build chains payloads into a writer and fills in lengths and NextPayload; see below. */
#ifndef IKECORE_WIRE_IKE_MSG_H
#define IKECORE_WIRE_IKE_MSG_H

#include "ikecore/wire/ike_drop.h"
#include "lib/addr.h"
#include "lib/span.h"

enum ike_exchange {
	IKE_SA_INIT = 34, IKE_AUTH = 35, IKE_CREATE_CHILD_SA = 36, IKE_INFORMATIONAL = 37, IKE_SESSION_RESUME = 38,
	IKE_INTERMEDIATE = 43, IKE_FOLLOWUP_KE = 44,
};

enum { IKE_FLAG_INITIATOR = 0x08, IKE_FLAG_VERSION = 0x10, IKE_FLAG_RESPONSE = 0x20, IKE_VERSION_2 = 0x20 };

enum ike_payload {
	IKE_PL_NONE = 0, IKE_PL_SA = 33, IKE_PL_KE = 34, IKE_PL_IDI = 35, IKE_PL_IDR = 36, IKE_PL_CERT = 37, IKE_PL_CERTREQ = 38,
	IKE_PL_AUTH = 39, IKE_PL_NONCE = 40, IKE_PL_NOTIFY = 41, IKE_PL_DELETE = 42, IKE_PL_VENDOR = 43, IKE_PL_TSI = 44,
	IKE_PL_TSR = 45, IKE_PL_SK = 46, IKE_PL_CP = 47, IKE_PL_EAP = 48, IKE_PL_SKF = 53, IKE_PL_N = 54,
};

enum ike_proto { IKE_PROTO_NONE = 0, IKE_PROTO_IKE = 1, IKE_PROTO_AH = 2, IKE_PROTO_ESP = 3 };

enum ike_xform_type { IKE_T_ENCR = 1, IKE_T_PRF = 2, IKE_T_INTEG = 3, IKE_T_KE = 4, IKE_T_ESN = 5, IKE_T_ADDKE1 = 6, IKE_T_ADDKE7 = 12 };

enum {	/* transform ids; those we speak and those we must name */
	IKE_ENCR_3DES = 3, IKE_ENCR_NULL = 11, IKE_ENCR_AES_CBC = 12, IKE_ENCR_AES_CTR = 13, IKE_ENCR_AES_GCM_8 = 18,
	IKE_ENCR_AES_GCM_12 = 19, IKE_ENCR_AES_GCM_16 = 20, IKE_ENCR_CHACHA20_POLY1305 = 28,
	IKE_PRF_HMAC_MD5 = 1, IKE_PRF_HMAC_SHA1 = 2, IKE_PRF_HMAC_SHA2_256 = 5, IKE_PRF_HMAC_SHA2_384 = 6, IKE_PRF_HMAC_SHA2_512 = 7,
	IKE_INTEG_NONE = 0, IKE_INTEG_HMAC_SHA1_96 = 2, IKE_INTEG_HMAC_SHA2_256_128 = 12, IKE_INTEG_HMAC_SHA2_384_192 = 13,
	IKE_INTEG_HMAC_SHA2_512_256 = 14,
	IKE_KE_NONE = 0, IKE_KE_MODP1024 = 2, IKE_KE_MODP1536 = 5, IKE_KE_MODP2048 = 14, IKE_KE_MODP3072 = 15, IKE_KE_MODP4096 = 16,
	IKE_KE_MODP6144 = 17, IKE_KE_MODP8192 = 18, IKE_KE_ECP256 = 19, IKE_KE_ECP384 = 20,
	IKE_KE_ECP521 = 21, IKE_KE_CURVE25519 = 31, IKE_KE_CURVE448 = 32, IKE_KE_MLKEM768 = 36, IKE_KE_MLKEM1024 = 37,
	IKE_ESN_NO = 0, IKE_ESN_YES = 1,
};

enum ike_auth_method {
	IKE_AUTH_RSA = 1, IKE_AUTH_PSK = 2, IKE_AUTH_ECDSA256 = 9, IKE_AUTH_ECDSA384 = 10, IKE_AUTH_ECDSA521 = 11, IKE_AUTH_NULL = 13,
	IKE_AUTH_SIGNATURE = 14,
};

enum ike_notify_type {	/* errors below 16384, then status */
	IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD = 1, IKE_N_INVALID_IKE_SPI = 4, IKE_N_INVALID_MAJOR_VERSION = 5, IKE_N_INVALID_SYNTAX = 7,
	IKE_N_INVALID_MESSAGE_ID = 9, IKE_N_INVALID_SPI = 11, IKE_N_NO_PROPOSAL_CHOSEN = 14, IKE_N_INVALID_KE_PAYLOAD = 17,
	IKE_N_AUTHENTICATION_FAILED = 24, IKE_N_SINGLE_PAIR_REQUIRED = 34, IKE_N_NO_ADDITIONAL_SAS = 35,
	IKE_N_INTERNAL_ADDRESS_FAILURE = 36, IKE_N_FAILED_CP_REQUIRED = 37, IKE_N_TS_UNACCEPTABLE = 38, IKE_N_INVALID_SELECTORS = 39,
	IKE_N_UNACCEPTABLE_ADDRESSES = 40, IKE_N_UNEXPECTED_NAT_DETECTED = 41, IKE_N_TEMPORARY_FAILURE = 43,
	IKE_N_CHILD_SA_NOT_FOUND = 44, IKE_N_STATE_NOT_FOUND = 47, IKE_N_TS_MAX_QUEUE = 48,
	IKE_N_STATUS = 16384,	/* the first that is not an error */
	IKE_N_INITIAL_CONTACT = 16384, IKE_N_SET_WINDOW_SIZE = 16385, IKE_N_ADDITIONAL_TS_POSSIBLE = 16386, IKE_N_IPCOMP_SUPPORTED = 16387,
	IKE_N_NAT_DETECTION_SOURCE_IP = 16388, IKE_N_NAT_DETECTION_DESTINATION_IP = 16389, IKE_N_COOKIE = 16390,
	IKE_N_USE_TRANSPORT_MODE = 16391, IKE_N_HTTP_CERT_LOOKUP_SUPPORTED = 16392, IKE_N_REKEY_SA = 16393,
	IKE_N_ESP_TFC_PADDING_NOT_SUPPORTED = 16394, IKE_N_NON_FIRST_FRAGMENTS_ALSO = 16395, IKE_N_MOBIKE_SUPPORTED = 16396,
	IKE_N_ADDITIONAL_IP4_ADDRESS = 16397, IKE_N_ADDITIONAL_IP6_ADDRESS = 16398, IKE_N_NO_ADDITIONAL_ADDRESSES = 16399,
	IKE_N_UPDATE_SA_ADDRESSES = 16400, IKE_N_COOKIE2 = 16401, IKE_N_NO_NATS_ALLOWED = 16402, IKE_N_AUTH_LIFETIME = 16403, IKE_N_REDIRECT_SUPPORTED = 16406,
	IKE_N_REDIRECT = 16407, IKE_N_REDIRECTED_FROM = 16408,
	IKE_N_CHILDLESS_IKEV2_SUPPORTED = 16418, IKE_N_QUICK_CRASH_DETECTION = 16419, IKE_N_FRAGMENTATION_SUPPORTED = 16430, IKE_N_SIGNATURE_HASH_ALGORITHMS = 16431,
	IKE_N_ODM_ESP_KEPT = 40988,	/* private use: engine/kept.c */
	IKE_N_USE_PPK = 16435, IKE_N_PPK_IDENTITY = 16436, IKE_N_NO_PPK_AUTH = 16437, IKE_N_INTERMEDIATE_EXCHANGE_SUPPORTED = 16438, IKE_N_ADDITIONAL_KEY_EXCHANGE = 16441,
};

enum ike_ts_type { IKE_TS_IPV4 = 7, IKE_TS_IPV6 = 8 };

enum {	/* sizes of the protocol, and the bounds of struct ike_msg */
	IKE_HDR_LEN = 28, IKE_PL_HDR_LEN = 4, IKE_NONCE_MIN = 16, IKE_NONCE_MAX = 256, IKE_COOKIE_MAX = 64,
	IKE_MSG_PAYLOADS_MAX = 64,	/* in clear and inside together; more: IKE_DROP_PAYLOAD_MANY */
	IKE_MSG_PROPS_MAX = 16,	/* further proposals are read but not kept */
	IKE_MSG_XFORMS_MAX = 192,	/* of all proposals; a proposal that does not fit is marked unknown */
	IKE_MSG_NOTIFIES_MAX = 32, IKE_MSG_DELETES_MAX = 8, IKE_MSG_DELETE_SPIS_MAX = 256, IKE_MSG_RAWS_MAX = 32,
	IKE_MSG_TS_MAX = 8,	/* per side; further selectors are read and counted as skipped */
};

struct ike_hdr {
	uint64_t spi_i, spi_r;
	uint8_t next, version, exchange, flags;
	uint32_t mid, length;
};

struct ike_xform {
	uint8_t type;	/* enum ike_xform_type */
	uint16_t id;
	uint16_t key_bits;	/* key length attribute; 0 where there is none */
	bool odd;	/* has attributes we do not know: never to be selected */
};

struct ike_prop {
	uint8_t num, proto;
	struct span spi;	/* length checked: IKE 0 or 8, AH and ESP 4 */
	unsigned first, n;	/* its transforms: xform[first] .. xform[first + n - 1] */
	bool unknown;	/* protocol or a transform type is unknown, or it did not fit: never to be selected */
};

struct ike_id_pl {
	uint8_t type;	/* enum ike_id_type of the engine */
	struct span data;
	struct span body;	/* as received, with type and reserved octets: what AUTH is made over */
};

struct ike_notify {
	uint8_t proto;
	uint16_t type;
	struct span spi, data;
};

struct ike_delete {
	uint8_t proto, spi_size;
	unsigned n;
	struct span spis;
};

struct ike_ts {
	uint8_t type;	/* enum ike_ts_type */
	uint8_t proto;	/* 0 any */
	uint16_t port_lo, port_hi;	/* 65535, 0: opaque */
	struct addr lo, hi;
};

struct ike_ts_list {
	struct ike_ts ts[IKE_MSG_TS_MAX];
	unsigned n;
	unsigned skipped;	/* of unknown type, or past the bound */
};

struct ike_raw {
	uint8_t type;
	struct span body;
};

struct ike_sk {	/* the encrypted payload */
	uint8_t first;	/* type of the first payload inside */
	uint16_t frag, total;	/* RFC 7383: number from 1, and of how many; 0, 0: not a fragment */
	size_t at;	/* where its generic header starts in the message */
	struct span aad;	/* message from the header to the end of the generic header, with the numbers of a fragment */
	struct span body;	/* IV, ciphertext, ICV; never empty when there is one */
};

struct ike_msg {
	struct ike_hdr hdr;
	struct span raw;	/* the whole message */
	bool response;	/* flag R */
	uint8_t critical;	/* type of the unknown critical payload that made the parser refuse */
	unsigned n_payloads;
	uint8_t n_clear[IKE_PL_N], n_inner[IKE_PL_N];	/* how many of each type */

	struct ike_prop prop[IKE_MSG_PROPS_MAX];
	unsigned n_prop;
	struct ike_xform xform[IKE_MSG_XFORMS_MAX];
	unsigned n_xform;
	uint16_t ke_group;
	struct span ke, nonce;	/* empty where missing; see ike_msg_has() */
	struct ike_id_pl idi, idr;
	uint8_t auth_method;
	struct span auth;
	struct ike_notify notify[IKE_MSG_NOTIFIES_MAX];	/* in order */
	unsigned n_notify;
	struct ike_delete del[IKE_MSG_DELETES_MAX];
	unsigned n_del, n_del_spis;
	struct ike_ts_list tsi, tsr;
	struct ike_raw rawpl[IKE_MSG_RAWS_MAX];	/* CERT, CERTREQ, VID, CP, EAP */
	unsigned n_rawpl;
	struct ike_sk sk;
	struct span inner;	/* the payloads inside, without padding */
};

/* Reads the header only; false where there are less than 28 octets. Checks nothing else. */
bool	ike_hdr_parse(struct span in, struct ike_hdr *out);
/* Header and clear payloads of one message. `in` is exactly the datagram without the non-ESP marker. */
enum ike_drop ike_msg_parse(struct span in, struct ike_msg *out);
/* `plain`: what decryption of m->sk gave, with padding and pad length octet. */
enum ike_drop ike_msg_parse_inner(struct ike_msg *m, struct span plain);
/* The piece in a fragment: text without padding. An empty span with p NULL where the padding is impossible. */
struct span ike_frag_text(struct span plain);
/* Rule table: per exchange, direction and payload how many at least and at most, and where. A response that carries an
 * error notify (in IKE_SA_INIT also COOKIE) may leave the others out, AUTH too: ask ike_msg_has(). check_inner() also looks at what depends on more
 * than one payload: SA with both TS or none of the three, IKE rekey with KE and without TS, protocol and SPI of proposals. */
enum ike_drop ike_msg_check_clear(const struct ike_msg *m);
enum ike_drop ike_msg_check_inner(const struct ike_msg *m);

static inline bool
ike_msg_has(const struct ike_msg *m, enum ike_payload pl)
{
	return m->n_clear[pl] || m->n_inner[pl];
}
static inline bool
ike_notify_is_error(uint16_t type)
{
	return type != 0 && type < IKE_N_STATUS;
}
const struct ike_notify *ike_msg_notify(const struct ike_msg *m, uint16_t type);	/* the first of that type, or NULL */
const struct ike_notify *ike_msg_error(const struct ike_msg *m);	/* the first error notify, or NULL */
uint32_t ike_delete_spi(const struct ike_delete *d, unsigned i);	/* AH, ESP */
uint32_t ike_prop_spi32(const struct ike_prop *p);	/* AH, ESP; 0 otherwise */
uint64_t ike_prop_spi64(const struct ike_prop *p);	/* IKE rekey; 0 otherwise */
const char *ike_exchange_name(uint8_t exchange);	/* "IKE_SA_INIT"; "unknown" */
const char *ike_payload_name(uint8_t pl);	/* "SA", "KE"; "unknown" */
const char *ike_notify_name(uint16_t type);	/* "NO_PROPOSAL_CHOSEN"; "unknown" */

/* ---- building
 *	ike_build_start(&b, &w, &hdr);
 *	ike_build_sk(&b, iv_len);		only for encrypted messages; what follows goes inside
 *	ike_build_notify(&b, ...); ...		payloads in order, chained by themselves
 *	n = ike_build_end(&b);			in clear; or
 *	n = ike_build_seal(&b, block, icv_len, &room), then fill room.iv and encrypt in place (ike_seal() in ikecore/crypto)
 * What does not fit turns the writer bad and the end answers 0. hdr.next and hdr.length are computed. */
struct ike_build {
	struct wr *w;
	size_t base;	/* where the message starts in w */
	size_t next_at;	/* the NextPayload octet the next payload is named in */
	size_t sk_at, text_at;	/* SK or SKF header and start of the text; 0: none */
	size_t iv_len;
};

struct ike_seal_room {	/* inside the message; all lengths on the wire are final */
	struct span aad;
	uint8_t *iv, *text, *icv;
	size_t iv_len, text_len, icv_len;	/* text: payloads, padding, pad length */
};

void	ike_build_start(struct ike_build *b, struct wr *w, const struct ike_hdr *h);
void	ike_build_sk(struct ike_build *b, size_t iv_len);
void	ike_build_skf(struct ike_build *b, size_t iv_len, uint8_t first, uint16_t frag, uint16_t total);	/* a piece follows, as octets */
void	ike_build_sa(struct ike_build *b, const struct ike_prop *prop, unsigned n_prop, const struct ike_xform *xform);
void	ike_build_ke(struct ike_build *b, uint16_t group, struct span pub);
void	ike_build_nonce(struct ike_build *b, struct span nonce);
void	ike_build_id(struct ike_build *b, enum ike_payload which, uint8_t id_type, struct span data);
void	ike_build_auth(struct ike_build *b, uint8_t method, struct span data);
void	ike_build_notify(struct ike_build *b, uint8_t proto, struct span spi, uint16_t type, struct span data);
void	ike_build_delete(struct ike_build *b, uint8_t proto, uint8_t spi_size, struct span spis);
void	ike_build_ts(struct ike_build *b, enum ike_payload which, const struct ike_ts *ts, unsigned n);
void	ike_build_raw(struct ike_build *b, uint8_t type, struct span body);
size_t	ike_build_end(struct ike_build *b);
size_t	ike_build_seal(struct ike_build *b, size_t block, size_t icv_len, struct ike_seal_room *room);
void	ike_id_body(struct wr *w, uint8_t id_type, struct span data);	/* ID payload without generic header, for our own AUTH */

#endif
