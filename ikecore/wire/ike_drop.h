/* ikecore/wire/ike_drop.h: every way to refuse an IKE message: enum, stable word (counter, log, test), sentence for people.
 * The first block is what parsing and the payload rules of wire/ say, the rest is the engine's. */
#ifndef IKECORE_WIRE_IKE_DROP_H
#define IKECORE_WIRE_IKE_DROP_H

#define IKE_DROPS(X) \
	X(IKE_OK, "ok", "accepted") \
	X(IKE_DROP_SHORT, "short", "shorter than an IKE header") \
	X(IKE_DROP_LENGTH, "length", "length field disagrees with what arrived") \
	X(IKE_DROP_VERSION, "version", "major version is not 2") \
	X(IKE_DROP_EXCHANGE, "exchange", "unknown exchange type") \
	X(IKE_DROP_SPI_ZERO, "spi-zero", "an SPI is zero that must not be, or the other way round") \
	X(IKE_DROP_PAYLOAD_SHORT, "payload-short", "a payload is shorter than its header or runs past the end") \
	X(IKE_DROP_PAYLOAD_MANY, "payload-too-many", "more payloads than we take") \
	X(IKE_DROP_PAYLOAD_V1, "payload-v1", "IKEv1 payload type in an IKEv2 message") \
	X(IKE_DROP_CRITICAL, "critical", "unknown critical payload") \
	X(IKE_DROP_PAYLOAD_PLACE, "payload-place", "payload missing, repeated or in the wrong exchange") \
	X(IKE_DROP_SA_SYNTAX, "sa-syntax", "malformed SA payload") \
	X(IKE_DROP_KE_SYNTAX, "ke-syntax", "malformed or impossible key exchange value") \
	X(IKE_DROP_NONCE, "nonce", "nonce of a forbidden length, or our own") \
	X(IKE_DROP_ID_SYNTAX, "id-syntax", "malformed identity") \
	X(IKE_DROP_AUTH_SYNTAX, "auth-syntax", "malformed AUTH payload") \
	X(IKE_DROP_TS_SYNTAX, "ts-syntax", "malformed traffic selectors") \
	X(IKE_DROP_NOTIFY_SYNTAX, "notify-syntax", "malformed notify") \
	X(IKE_DROP_DELETE_SYNTAX, "delete-syntax", "malformed delete") \
	X(IKE_DROP_SK_SYNTAX, "sk-syntax", "encrypted payload not last, or bad padding") \
	X(IKE_DROP_FRAGMENT, "fragment", "fragment with impossible numbers, or fragmentation was not agreed on") \
	X(IKE_DROP_FRAGMENT_OLD, "fragment-old", "fragment that is here already, or of a coarser cut") \
	X(IKE_DROP_FRAGMENT_MANY, "fragment-too-many", "more fragments or octets in one message than we take") \
	X(IKE_DROP_ICV, "icv", "integrity check failed") \
	X(IKE_DROP_UNKNOWN_SA, "unknown-sa", "no IKE SA with these SPIs") \
	X(IKE_DROP_FLAGS, "flags", "initiator or response flag contradicts the SA") \
	X(IKE_DROP_MESSAGE_ID, "message-id", "message id outside the window") \
	X(IKE_DROP_STATE, "state", "not allowed in this state") \
	X(IKE_DROP_TOKEN, "crash-token", "not the token that this IKE SA was given (RFC 6290)") \
	X(IKE_DROP_UNSOLICITED, "unsolicited", "response to nothing we asked") \
	X(IKE_DROP_REFLECTED, "reflected", "our own message came back") \
	X(IKE_DROP_COOKIE, "cookie", "cookie asked for") \
	X(IKE_DROP_COOKIE_BAD, "cookie-bad", "wrong cookie") \
	X(IKE_DROP_HALF_OPEN, "half-open", "too many half-open exchanges") \
	X(IKE_DROP_PROPOSAL, "proposal", "no proposal in common") \
	X(IKE_DROP_GROUP, "group", "key exchange method is not the chosen one") \
	X(IKE_DROP_AUTH, "auth", "authentication failed") \
	X(IKE_DROP_EAP, "eap", "peer wants EAP, which is not done here") \
	X(IKE_DROP_PPK, "ppk", "peer does not have the post-quantum pre-shared key that is required, or we not the one it names") \
	X(IKE_DROP_REDIRECT, "redirect", "sent to another gateway where that is impossible, or in circles") \
	X(IKE_DROP_IDENTITY, "identity", "no profile for this identity") \
	X(IKE_DROP_NO_KEY, "no-key", "no pre-shared key for this identity") \
	X(IKE_DROP_AUTH_METHOD, "auth-method", "authentication method is not the configured one") \
	X(IKE_DROP_CERT_NONE, "cert-none", "peer sent no certificate") \
	X(IKE_DROP_CERT_SYNTAX, "cert-syntax", "peer's certificates cannot be read, or are too many") \
	X(IKE_DROP_CERT_EXPIRED, "cert-expired", "peer's certificate has expired") \
	X(IKE_DROP_CERT_NOT_YET, "cert-not-yet", "peer's certificate is not valid yet") \
	X(IKE_DROP_CERT_REVOKED, "cert-revoked", "peer's certificate is revoked") \
	X(IKE_DROP_CERT_UNKNOWN, "cert-unknown", "whether the peer's certificate is revoked cannot be found out") \
	X(IKE_DROP_CERT_UNTRUSTED, "cert-untrusted", "peer's certificate is not issued by a CA of ours") \
	X(IKE_DROP_CERT_KEY, "cert-key", "a key of the peer's certificates is too weak or of an unknown kind") \
	X(IKE_DROP_CERT_USAGE, "cert-usage", "peer's certificate is for another use") \
	X(IKE_DROP_CERT_IDENTITY, "cert-identity", "identity is not in the peer's certificate") \
	X(IKE_DROP_CERT_OWN, "cert-own", "we cannot authenticate ourselves") \
	X(IKE_DROP_SELECTORS, "selectors", "traffic selectors are not those of the profile: protocol 47 between the two hosts, or what a plain tunnel is for") \
	X(IKE_DROP_MODE, "mode", "no agreement about transport or tunnel mode") \
	X(IKE_DROP_HELD, "held", "the data plane refused its SA a moment ago: not asked again yet") \
	X(IKE_DROP_MEMORY, "memory", "out of memory or table full") \
	X(IKE_DROP_BUSY, "busy", "too many key exchanges for strangers under way") \
	X(IKE_DROP_RATE, "rate", "rate limit") \
	X(IKE_DROP_ROOM, "room", "action queue full")

enum ike_drop {
#define X(e, word, text) e,
	IKE_DROPS(X)
#undef X
	IKE_DROPS_N
};
const char *ike_drop_word(enum ike_drop d);
const char *ike_drop_text(enum ike_drop d);

#endif
