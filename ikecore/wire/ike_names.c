/* ikecore/wire/ike_names.c: names of numbers, for logs, show commands and the decoder. */
#include "ikecore/wire/ike_msg.h"

struct name {
	uint16_t n;
	const char *text;
};

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

static const char *
find(const struct name *t, size_t n_t, uint16_t n)
{
	for (size_t i = 0; i < n_t; i++)
		if (t[i].n == n)
			return t[i].text;
	return "unknown";
}

const char *
ike_exchange_name(uint8_t exchange)
{
	static const struct name t[] = {
		{ IKE_SA_INIT, "IKE_SA_INIT" }, { IKE_AUTH, "IKE_AUTH" }, { IKE_CREATE_CHILD_SA, "CREATE_CHILD_SA" },
		{ IKE_INFORMATIONAL, "INFORMATIONAL" }, { IKE_SESSION_RESUME, "IKE_SESSION_RESUME" },
		{ IKE_INTERMEDIATE, "IKE_INTERMEDIATE" }, { IKE_FOLLOWUP_KE, "IKE_FOLLOWUP_KE" },
	};

	return find(t, N_OF(t), exchange);
}

const char *
ike_payload_name(uint8_t pl)
{
	static const struct name t[] = {
		{ IKE_PL_NONE, "none" }, { IKE_PL_SA, "SA" }, { IKE_PL_KE, "KE" }, { IKE_PL_IDI, "IDi" }, { IKE_PL_IDR, "IDr" },
		{ IKE_PL_CERT, "CERT" }, { IKE_PL_CERTREQ, "CERTREQ" }, { IKE_PL_AUTH, "AUTH" }, { IKE_PL_NONCE, "Nonce" },
		{ IKE_PL_NOTIFY, "N" }, { IKE_PL_DELETE, "D" }, { IKE_PL_VENDOR, "V" }, { IKE_PL_TSI, "TSi" }, { IKE_PL_TSR, "TSr" },
		{ IKE_PL_SK, "SK" }, { IKE_PL_CP, "CP" }, { IKE_PL_EAP, "EAP" }, { IKE_PL_SKF, "SKF" },
	};

	return find(t, N_OF(t), pl);
}

const char *
ike_notify_name(uint16_t type)
{
	static const struct name t[] = {
#define X(n) { IKE_N_##n, #n }
		X(UNSUPPORTED_CRITICAL_PAYLOAD), X(INVALID_IKE_SPI), X(INVALID_MAJOR_VERSION), X(INVALID_SYNTAX), X(INVALID_MESSAGE_ID),
		X(INVALID_SPI), X(NO_PROPOSAL_CHOSEN), X(INVALID_KE_PAYLOAD), X(AUTHENTICATION_FAILED), X(SINGLE_PAIR_REQUIRED),
		X(NO_ADDITIONAL_SAS), X(INTERNAL_ADDRESS_FAILURE), X(FAILED_CP_REQUIRED), X(TS_UNACCEPTABLE), X(INVALID_SELECTORS),
		X(UNACCEPTABLE_ADDRESSES), X(UNEXPECTED_NAT_DETECTED), X(TEMPORARY_FAILURE), X(CHILD_SA_NOT_FOUND), X(STATE_NOT_FOUND),
		X(TS_MAX_QUEUE), X(INITIAL_CONTACT), X(SET_WINDOW_SIZE), X(ADDITIONAL_TS_POSSIBLE), X(IPCOMP_SUPPORTED),
		X(NAT_DETECTION_SOURCE_IP), X(NAT_DETECTION_DESTINATION_IP), X(COOKIE), X(USE_TRANSPORT_MODE),
		X(HTTP_CERT_LOOKUP_SUPPORTED), X(REKEY_SA), X(ESP_TFC_PADDING_NOT_SUPPORTED), X(NON_FIRST_FRAGMENTS_ALSO),
		X(MOBIKE_SUPPORTED), X(ADDITIONAL_IP4_ADDRESS), X(ADDITIONAL_IP6_ADDRESS), X(NO_ADDITIONAL_ADDRESSES),
		X(UPDATE_SA_ADDRESSES), X(COOKIE2), X(NO_NATS_ALLOWED), X(AUTH_LIFETIME), X(CHILDLESS_IKEV2_SUPPORTED),
		X(QUICK_CRASH_DETECTION), X(FRAGMENTATION_SUPPORTED), X(SIGNATURE_HASH_ALGORITHMS), X(USE_PPK), X(INTERMEDIATE_EXCHANGE_SUPPORTED),
		X(ADDITIONAL_KEY_EXCHANGE),
#undef X
	};

	return find(t, N_OF(t), type);
}
