/* nhrpd/daemon/conf_words.c: the keyword table. It is the parser of configuration files; help, completion and the manual
 * page are made from it. A line that does not follow a rule of the block it stands in is tried in the block around it,
 * as IOS does, so blocks need no end mark and indentation means nothing. */
#include "nhrpd/daemon/conf_priv.h"

#define G(f) offsetof(struct conf_b_global, f)
#define PR(f) offsetof(struct conf_b_proposal, f)
#define PO(f) offsetof(struct conf_b_policy, f)
#define PE(f) offsetof(struct conf_b_peer, f)
#define PF(f) offsetof(struct conf_b_profile, f)
#define TP(f) offsetof(struct conf_b_trust, f)
#define IS(f) offsetof(struct conf_b_ipsec, f)
#define IF(f) offsetof(struct conf_b_interface, f)

const struct conf_rule conf_rules[] = {
	/* ---- global */
	{ CONF_GLOBAL, "hostname <hostname>", "hostname", conf_set_value, G(hostname), "Name of this router in logs and shows" },
	{ CONF_GLOBAL, "dataplane {auto|kernel|user}", "dataplane", conf_set_value, G(plane), "Who forwards packets" },
	{ CONF_GLOBAL, "log level <level>", "log level", conf_set_value, G(log_level), "Least important lines that are logged" },
	{ CONF_GLOBAL, "log syslog", "log syslog", conf_set_flag, G(log_syslog), "Log to syslog instead of standard error" },
	{ CONF_GLOBAL, "control socket <path>", "control socket", conf_set_value, G(control), "Path of the control socket" },
	{ CONF_GLOBAL, "store {off}", "store", conf_set_value, G(store), "Keep no registrations over a restart" },
	{ CONF_GLOBAL, "store <path>", "", conf_set_value, G(store), "File that keeps registrations over a restart" },
	{ CONF_GLOBAL, "include <path>", "", conf_include, 0, "Read other files here; the name may be a pattern" },
	{ CONF_GLOBAL, "end", "", conf_end, 0, "End of the configuration: the rest of the file is not read" },
	{ CONF_GLOBAL, "exit", "", conf_leave, 0, "Leave this block" },
	{ CONF_GLOBAL, "crypto ikev2 proposal <name>", "", conf_open_proposal, 0, "Algorithms for IKE SAs" },
	{ CONF_GLOBAL, "crypto ikev2 policy <name>", "", conf_open_policy, 0, "Which IKE proposals are used" },
	{ CONF_GLOBAL, "crypto ikev2 keyring <name>", "", conf_open_keyring, 0, "Pre-shared keys of peers" },
	{ CONF_GLOBAL, "crypto ikev2 profile <name>", "", conf_open_profile, 0, "Identities and authentication of peers" },
	{ CONF_GLOBAL, "crypto ikev2 dpd <number:10-3600> <number:2-60> {periodic|on-demand}", "crypto ikev2 dpd", conf_set_dpd, G(dpd),
	    "Liveness where a profile says nothing: seconds idle, between tries (10 3 on-demand). Hubs are always watched, every 5 seconds if not said" },
	{ CONF_GLOBAL, "crypto ikev2 nat keepalive <number:5-3600>", "crypto ikev2 nat keepalive", conf_set_value, G(keepalive),
	    "Seconds between NAT keepalives (20)" },
	{ CONF_GLOBAL, "crypto ikev2 fragmentation [mtu <number:576-1500>]", "crypto ikev2 fragmentation", conf_set_mss, G(fragmentation),
	    "Cut IKE messages whose IP packet would be larger (1280)" },
	{ CONF_GLOBAL, "crypto ikev2 cookie-challenge <number:1-100000>", "crypto ikev2 cookie-challenge", conf_set_value, G(cookies),
	    "Half-open SAs above which cookies are asked for (100)" },
	{ CONF_GLOBAL, "crypto ikev2 limit max-in-negotiation-sa <number:1-100000>", "crypto ikev2 limit max-in-negotiation-sa", conf_set_value,
	    G(half_open), "Half-open SAs at most (4096)" },
	{ CONF_GLOBAL, "crypto ikev2 limit max-sa <number:1-1000000>", "crypto ikev2 limit max-sa", conf_set_value, G(max_sa),
	    "IKE SAs at most (200000)" },
	{ CONF_GLOBAL, "crypto ipsec transform-set <name> esp-gcm [{128|192|256}]", "", conf_open_transform, 0, "AES-GCM for ESP" },
	{ CONF_GLOBAL, "crypto ipsec transform-set <name> esp-chacha20-poly1305", "", conf_open_transform, 0, "ChaCha20-Poly1305 for ESP" },
	{ CONF_GLOBAL, "crypto ipsec transform-set <name> esp-aes|esp-3des|esp-des|esp-null|esp-gmac|esp-sha-hmac|esp-sha256-hmac|esp-md5-hmac "
	    "[<line>]", "", conf_not_yet, 0, "Not supported" },
	{ CONF_GLOBAL, "crypto ipsec profile <name>", "", conf_open_ipsec, 0, "Protection of a tunnel" },
	{ CONF_GLOBAL, "crypto pki trustpoint <name>", "", conf_open_trustpoint, 0, "CAs that are trusted, and our certificate" },
	{ CONF_GLOBAL, "interface <interface>", "", conf_open_interface, 0, "A tunnel interface" },

	/* ---- crypto ikev2 proposal NAME */
	{ CONF_PROPOSAL, "encryption <ike-encryption>...", "encryption", conf_set_list, PR(encr), "Ciphers, best first" },
	{ CONF_PROPOSAL, "prf <prf>...", "prf", conf_set_list, PR(prf), "Pseudo-random functions, best first" },
	{ CONF_PROPOSAL, "group <group>...", "group", conf_set_list, PR(group), "Key exchange groups, best first" },
	{ CONF_PROPOSAL, "integrity <line>", "integrity", conf_not_yet, 0, "Not supported: ciphers that need it are not" },

	/* ---- crypto ikev2 policy NAME */
	{ CONF_POLICY, "proposal <name>...", "proposal", conf_set_list, PO(proposal), "Proposals, best first" },
	{ CONF_POLICY, "match fvrf any", "", conf_set_nothing, 0, "Accepted: there are no VRFs" },

	/* ---- crypto ikev2 keyring NAME */
	{ CONF_KEYRING, "peer <name>", "", conf_open_peer, 0, "A peer or group of peers and its key" },
	{ CONF_PEER, "address <prefix> [<mask>]", "address", conf_set_mask_pair, PE(address), "Where it may come from" },
	{ CONF_PEER, "identity {fqdn|email} [domain] <fqdn-or-email>", "identity", conf_set_peer_id, 0, "Name it proves, or the domain of its name" },
	{ CONF_PEER, "identity address <prefix> [<mask>]", "", conf_set_peer_id, 0, "Address it gives as its identity" },
	{ CONF_PEER, "identity key-id <text>", "", conf_set_peer_id, 0, "Opaque identity" },
	{ CONF_PEER, "pre-shared-key file <path>", "", conf_set_psk_file, 0, "The secret stands in a file that only its owner may read" },
	{ CONF_PEER, "pre-shared-key [0] <secret>", "pre-shared-key", conf_set_psk, 0, "The secret" },
	{ CONF_PEER, "pre-shared-key hex <hex-secret>", "", conf_set_psk, 0, "The secret as hexadecimal digits" },
	{ CONF_PEER, "description <line>", "description", conf_set_nothing, 0, "A note" },

	/* ---- crypto ikev2 profile NAME */
	{ CONF_PROFILE, "match identity remote {fqdn|email} [domain] <fqdn-or-email>", "", conf_set_match, 0, "Peers by name or domain" },
	{ CONF_PROFILE, "match identity remote address <prefix> [<mask>]", "", conf_set_match, 0, "Peers whose identity is an address" },
	{ CONF_PROFILE, "match identity remote key-id <text>", "", conf_set_match, 0, "Peers by opaque identity" },
	{ CONF_PROFILE, "match identity remote dn <dn>", "", conf_set_match, 0, "Peers by the subject of their certificate; \"*\" is any value" },
	{ CONF_PROFILE, "match identity remote any", "", conf_set_match, 0, "All peers" },
	{ CONF_PROFILE, "match fvrf any", "", conf_set_nothing, 0, "Accepted: there are no VRFs" },
	{ CONF_PROFILE, "identity local {fqdn|email} <fqdn-or-email>", "identity local", conf_set_local_id, 0, "Name we prove" },
	{ CONF_PROFILE, "identity local address <address>", "", conf_set_local_id, 0, "Address we give as our identity" },
	{ CONF_PROFILE, "identity local key-id <text>", "", conf_set_local_id, 0, "Opaque identity of ours" },
	{ CONF_PROFILE, "identity local dn", "", conf_set_local_id, 0, "The subject of our certificate" },
	{ CONF_PROFILE, "authentication local|remote {pre-share|rsa-sig|rsa-pss|ecdsa-sig|eddsa-sig|digital-signature} [legacy]",
	    "authentication local|remote", conf_set_auth, 0, "By pre-shared key, or by certificate and signature (pre-share)" },
	{ CONF_PROFILE, "authentication local|remote eap", "", conf_not_yet, 0, "Not supported" },
	{ CONF_PROFILE, "pki trustpoint <name>", "", conf_set_profile_trust, 0, "Whom we trust, and with what we sign; several: the best first" },
	{ CONF_PROFILE, "keyring local <name>", "keyring local", conf_set_value, PF(keyring), "Where the pre-shared keys are" },
	{ CONF_PROFILE, "dpd <number:10-3600> <number:2-60> {periodic|on-demand}", "dpd", conf_set_dpd, PF(dpd),
	    "Liveness: seconds idle, seconds between tries (as crypto ikev2 dpd)" },
	{ CONF_PROFILE, "lifetime <number:120-86400>", "lifetime", conf_set_value, PF(life), "Seconds an IKE SA lives (86400)" },
	{ CONF_PROFILE, "description <line>", "description", conf_set_nothing, 0, "A note" },

	/* ---- crypto pki trustpoint NAME */
	{ CONF_TRUSTPOINT, "ca file <path>", "", conf_set_pki_file, 0, "Certificates of CAs that are trusted, PEM or DER; several times" },
	{ CONF_TRUSTPOINT, "certificate file <path>", "", conf_set_pki_file, 0, "Our certificate, behind it intermediate ones" },
	{ CONF_TRUSTPOINT, "key file <path>", "", conf_set_pki_file, 0, "Our private key, in a file that only its owner may read" },
	{ CONF_TRUSTPOINT, "pkcs12 file <path>", "", conf_set_pki_file, 0, "Certificate, key and CAs in one PKCS#12 file" },
	{ CONF_TRUSTPOINT, "password file <path>", "", conf_set_pki_file, 0, "Passphrase of the key or of the PKCS#12 file" },
	{ CONF_TRUSTPOINT, "crl file <path>", "", conf_set_pki_file, 0, "Revoked certificates; read again at every reload" },
	{ CONF_TRUSTPOINT, "revocation-check {none|crl|ocsp} [{none|crl|ocsp}] [{none|crl|ocsp}]", "revocation-check", conf_set_revocation, 0,
	    "How to find out whether a certificate is revoked; none at the end: no answer is good enough (none)" },
	{ CONF_TRUSTPOINT, "revocation {strict|relaxed}", "revocation", conf_set_value, TP(revocation_mode),
	    "Whether peers are refused when no answer is to be had (strict)" },
	{ CONF_TRUSTPOINT, "crl url <url>", "crl url", conf_set_value, TP(crl_url), "Fetch CRLs here, whatever certificates say" },
	{ CONF_TRUSTPOINT, "ocsp url <url>", "ocsp url", conf_set_value, TP(ocsp_url), "Ask this OCSP responder, whatever certificates say" },
	{ CONF_TRUSTPOINT, "legacy", "legacy", conf_set_flag, TP(legacy), "Our RSA key may sign with SHA-1 for peers that know nothing else" },
	{ CONF_TRUSTPOINT, "description <line>", "description", conf_set_nothing, 0, "A note" },

	/* ---- crypto ipsec transform-set NAME */
	{ CONF_TRANSFORM, "mode transport", "", conf_set_nothing, 0, "Transport mode, the only one there is" },
	{ CONF_TRANSFORM, "mode tunnel", "", conf_not_yet, 0, "Not supported" },

	/* ---- crypto ipsec profile NAME */
	{ CONF_IPSEC, "set transform-set <name>...", "set transform-set", conf_set_list, IS(set), "Ciphers, best first" },
	{ CONF_IPSEC, "set pfs [<pfs-group>]", "set pfs", conf_set_value, IS(pfs), "Fresh key exchange at rekeying (group19)" },
	{ CONF_IPSEC, "set ikev2-profile <name>", "set ikev2-profile", conf_set_value, IS(profile), "Identities and keys" },
	{ CONF_IPSEC, "set security-association lifetime seconds <number:8-2592000>", "set security-association lifetime seconds",
	    conf_set_value, IS(life_s), "Seconds an ESP SA lives (3600)" },
	{ CONF_IPSEC, "set security-association lifetime kilobytes <number:2560-4294967295>", "set security-association lifetime kilobytes",
	    conf_set_value, IS(life_kb), "Kilobytes an ESP SA lives (4608000)" },
	{ CONF_IPSEC, "set security-association lifetime packets <number:1000-4294967295>", "set security-association lifetime packets",
	    conf_set_value, IS(life_packets), "Packets an ESP SA lives (no limit)" },
	{ CONF_IPSEC, "set security-association replay window-size <number:64-4096>", "set security-association replay window-size",
	    conf_set_value, IS(replay), "Packets a replayed one is looked for among (1024)" },
	{ CONF_IPSEC, "description <line>", "description", conf_set_nothing, 0, "A note" },

	/* ---- interface NAME */
	{ CONF_INTERFACE, "description <line>", "description", conf_set_value, IF(description), "A note, seen in show interface" },
	{ CONF_INTERFACE, "shutdown", "shutdown", conf_set_flag, IF(shutdown), "Leave this interface down" },
	{ CONF_INTERFACE, "ip address <prefix4> [<mask>] [secondary]", "", conf_set_address, 0, "Address inside the tunnel" },
	{ CONF_INTERFACE, "ipv6 address <prefix6>", "", conf_set_address, 0, "IPv6 address inside the tunnel" },
	{ CONF_INTERFACE, "ip|ipv6 mtu {auto}", "ip|ipv6 mtu", conf_set_value, IF(mtu), "MTU from the real overhead (auto)" },
	{ CONF_INTERFACE, "ip|ipv6 mtu <number:576-9216>", "", conf_set_value, IF(mtu), "MTU inside the tunnel" },
	{ CONF_INTERFACE, "ip|ipv6 tcp adjust-mss {auto}", "ip|ipv6 tcp adjust-mss", conf_set_mss, IF(mss), "TCP segment size from the MTU (auto)" },
	{ CONF_INTERFACE, "ip|ipv6 tcp adjust-mss <number:500-9176>", "", conf_set_mss, IF(mss), "Largest TCP segment" },
	{ CONF_INTERFACE, "tunnel source <source>", "tunnel source", conf_set_value, IF(source), "Outer address, or the interface that has it" },
	{ CONF_INTERFACE, "tunnel mode gre multipoint [{ipv6}]", "tunnel mode", conf_set_value, IF(mode), "mGRE, the only mode there is" },
	{ CONF_INTERFACE, "tunnel key <number:0-4294967295>", "tunnel key", conf_set_value, IF(key), "GRE key" },
	{ CONF_INTERFACE, "tunnel protection ipsec profile <name>", "", conf_set_value, IF(protection), "How the tunnel is protected" },
	{ CONF_INTERFACE, "ip|ipv6 nhrp network-id <number:1-4294967295>", "ip|ipv6 nhrp network-id", conf_set_value, IF(network_id),
	    "Turns NHRP on; tunnels with one number are one network" },
	{ CONF_INTERFACE, "ip|ipv6 nhrp authentication <nhrp-secret>", "ip|ipv6 nhrp authentication", conf_set_value, IF(auth),
	    "Word that all of the network share, in clear inside the tunnel" },
	{ CONF_INTERFACE, "ip|ipv6 nhrp holdtime <number:1-65535>", "ip|ipv6 nhrp holdtime", conf_set_value, IF(hold),
	    "Seconds others may keep what we say (600)" },
	{ CONF_INTERFACE, "ip|ipv6 nhrp registration timeout <number:1-65535>", "ip|ipv6 nhrp registration timeout", conf_set_value, IF(reg),
	    "Seconds between registrations (a third of the holdtime)" },
	{ CONF_INTERFACE, "ip|ipv6 nhrp registration no-unique", "ip|ipv6 nhrp registration no-unique", conf_set_flag, IF(no_unique),
	    "Another may take over our registration" },
	{ CONF_INTERFACE, "ip|ipv6 nhrp max-receive <number:1-65535> every <number:1-3600>", "ip|ipv6 nhrp max-receive", conf_set_rate,
	    IF(max_receive), "NHRP packets taken of one peer, and in how many seconds (1000 every 10)" },
	{ CONF_INTERFACE, "ip|ipv6 nhrp max-send <number:1-65535> every <number:1-3600>", "ip|ipv6 nhrp max-send", conf_set_rate,
	    IF(max_send), "NHRP packets sent at most, and in how many seconds (no limit)" },
	{ CONF_INTERFACE, "ip|ipv6 nhrp shortcut", "ip|ipv6 nhrp shortcut", conf_set_flag, IF(shortcut), "Build direct tunnels when redirected" },
	{ CONF_INTERFACE, "ip|ipv6 nhrp redirect", "ip|ipv6 nhrp redirect", conf_set_flag, IF(redirect), "Tell peers of direct ways" },
	{ CONF_INTERFACE, "ip nhrp map <address4> <address>", "", conf_set_map, 0, "Outer address of a peer" },
	{ CONF_INTERFACE, "ipv6 nhrp map <address6> <address>", "", conf_set_map, 0, "Outer address of a peer" },
	{ CONF_INTERFACE, "ip|ipv6 nhrp map multicast dynamic", "ip|ipv6 nhrp map multicast dynamic", conf_set_flag, IF(mcast_dynamic),
	    "Multicast goes to all that registered" },
	{ CONF_INTERFACE, "ip|ipv6 nhrp map multicast <address>", "", conf_set_mcast_map, 0, "Multicast goes to this outer address" },
	{ CONF_INTERFACE, "ip nhrp nhs dynamic nbma <host> [multicast] [priority <number:0-255>]", "", conf_set_nhs, 0,
	    "A hub whose tunnel address is learnt" },
	{ CONF_INTERFACE, "ip nhrp nhs <address4> [nbma <host>] [multicast] [priority <number:0-255>]", "", conf_set_nhs, 0, "A hub" },
	{ CONF_INTERFACE, "ipv6 nhrp nhs dynamic nbma <host> [multicast] [priority <number:0-255>]", "", conf_set_nhs, 0,
	    "A hub whose tunnel address is learnt" },
	{ CONF_INTERFACE, "ipv6 nhrp nhs <address6> [nbma <host>] [multicast] [priority <number:0-255>]", "", conf_set_nhs, 0, "A hub" },
};
_Static_assert(sizeof(conf_rules) / sizeof(conf_rules[0]) <= CONF_RULES_MAX, "the matcher walks at most CONF_RULES_MAX rules");
const size_t conf_n_rules = sizeof(conf_rules) / sizeof(conf_rules[0]);

static const struct {
	const char *name;
	enum conf_ctx up;
} ctx_table[CONF_CTXS] = {
	[CONF_GLOBAL] = { "global", CONF_GLOBAL },
	[CONF_PROPOSAL] = { "crypto ikev2 proposal", CONF_GLOBAL },
	[CONF_POLICY] = { "crypto ikev2 policy", CONF_GLOBAL },
	[CONF_KEYRING] = { "crypto ikev2 keyring", CONF_GLOBAL },
	[CONF_PEER] = { "peer", CONF_KEYRING },
	[CONF_PROFILE] = { "crypto ikev2 profile", CONF_GLOBAL },
	[CONF_TRUSTPOINT] = { "crypto pki trustpoint", CONF_GLOBAL },
	[CONF_TRANSFORM] = { "crypto ipsec transform-set", CONF_GLOBAL },
	[CONF_IPSEC] = { "crypto ipsec profile", CONF_GLOBAL },
	[CONF_INTERFACE] = { "interface", CONF_GLOBAL },
};

const char *
conf_ctx_name(enum conf_ctx ctx)
{
	return ctx_table[ctx].name;
}

enum conf_ctx
conf_ctx_up(enum conf_ctx ctx)
{
	return ctx_table[ctx].up;
}

/* One help per keyword, whatever stands before it: IOS users know the words, a reminder is enough. */
static const struct {
	const char *word, *help;
} helps[] = {
	{ "0", "The secret follows as it is" },
	{ "128", "128-bit key" },
	{ "192", "192-bit key" },
	{ "256", "256-bit key" },
	{ "address", "An address" },
	{ "adjust-mss", "Lower the segment size TCP hosts agree on" },
	{ "any", "All" },
	{ "authentication", "How one proves who one is" },
	{ "auto", "Chosen by the daemon" },
	{ "ca", "Whom to trust" },
	{ "certificate", "Our certificate" },
	{ "control", "Control socket" },
	{ "cookie-challenge", "When cookies are asked for" },
	{ "crl", "Lists of revoked certificates" },
	{ "crypto", "IKE and IPsec" },
	{ "dataplane", "Who forwards packets" },
	{ "description", "A note" },
	{ "digital-signature", "Certificate and signature of any kind" },
	{ "dn", "A distinguished name" },
	{ "domain", "All names of a domain" },
	{ "dpd", "Dead peer detection" },
	{ "dynamic", "Learnt while running" },
	{ "eap", "Not supported" },
	{ "ecdsa-sig", "Certificate with an ECDSA key" },
	{ "eddsa-sig", "Certificate with an Ed25519 key" },
	{ "email", "A mail address" },
	{ "encryption", "Ciphers" },
	{ "end", "End of the configuration" },
	{ "esp-3des", "Not supported" },
	{ "esp-aes", "Not supported" },
	{ "esp-chacha20-poly1305", "ChaCha20-Poly1305" },
	{ "esp-des", "Not supported" },
	{ "esp-gcm", "AES-GCM" },
	{ "esp-gmac", "Not supported" },
	{ "esp-md5-hmac", "Not supported" },
	{ "esp-null", "Not supported" },
	{ "esp-sha-hmac", "Not supported" },
	{ "esp-sha256-hmac", "Not supported" },
	{ "every", "In how many seconds" },
	{ "exit", "Leave this block" },
	{ "file", "A file" },
	{ "fqdn", "A full host name" },
	{ "fragmentation", "IKE messages in pieces" },
	{ "fvrf", "VRF of the outer addresses" },
	{ "gre", "Generic routing encapsulation" },
	{ "group", "Key exchange groups" },
	{ "hex", "Hexadecimal digits follow" },
	{ "holdtime", "How long others may keep what we say" },
	{ "hostname", "Name of this router" },
	{ "identity", "Who one says to be" },
	{ "ikev2", "Internet Key Exchange version 2" },
	{ "ikev2-profile", "Identities and keys" },
	{ "include", "Read other files" },
	{ "integrity", "Not supported" },
	{ "interface", "A tunnel interface" },
	{ "ip", "IPv4" },
	{ "ipsec", "IPsec" },
	{ "ipv6", "IPv6" },
	{ "keepalive", "Keeps NAT bindings open" },
	{ "kernel", "The Linux kernel" },
	{ "key", "GRE key" },
	{ "key-id", "An opaque identity" },
	{ "keyring", "Pre-shared keys" },
	{ "kilobytes", "After that much data" },
	{ "legacy", "Old algorithms too" },
	{ "level", "How important" },
	{ "lifetime", "How long until the next rekeying" },
	{ "limit", "Bounds" },
	{ "local", "Our side" },
	{ "log", "Logging" },
	{ "map", "Fixed mapping to an outer address" },
	{ "match", "Which peers this is for" },
	{ "max-in-negotiation-sa", "Half-open SAs" },
	{ "max-receive", "NHRP packets taken of one peer" },
	{ "max-sa", "All SAs" },
	{ "max-send", "NHRP packets sent" },
	{ "mode", "Mode" },
	{ "mtu", "Largest packet" },
	{ "multicast", "Multicast traffic" },
	{ "multipoint", "With many peers" },
	{ "nat", "Address translation" },
	{ "nbma", "Outer address or name" },
	{ "network-id", "Number of the NHRP network" },
	{ "nhrp", "Next Hop Resolution Protocol" },
	{ "nhs", "Next hop server: the hub" },
	{ "no", "Take something back" },
	{ "no-unique", "Without the unique flag" },
	{ "none", "Not at all" },
	{ "ocsp", "Asking the CA online" },
	{ "off", "Not" },
	{ "on-demand", "When we send and hear nothing" },
	{ "packets", "After so many packets" },
	{ "password", "A passphrase" },
	{ "peer", "A peer" },
	{ "periodic", "Whenever nothing is heard" },
	{ "pfs", "Perfect forward secrecy" },
	{ "pkcs12", "Certificate and key in one file" },
	{ "pki", "Certificates" },
	{ "policy", "Which proposals are used" },
	{ "pre-share", "Pre-shared key" },
	{ "pre-shared-key", "The secret" },
	{ "prf", "Pseudo-random functions" },
	{ "priority", "Lower is better" },
	{ "profile", "A profile" },
	{ "proposal", "Algorithms" },
	{ "protection", "Protection of the tunnel" },
	{ "redirect", "Tell peers of direct ways" },
	{ "registration", "How we register with hubs" },
	{ "relaxed", "No answer is good enough" },
	{ "remote", "The peer's side" },
	{ "replay", "Protection against replayed packets" },
	{ "revocation", "When it cannot be found out what is revoked" },
	{ "revocation-check", "How to find out what is revoked" },
	{ "rsa-pss", "Certificate with an RSA key, PSS signatures" },
	{ "rsa-sig", "Certificate with an RSA key" },
	{ "secondary", "One more address" },
	{ "seconds", "After so many seconds" },
	{ "security-association", "Properties of ESP SAs" },
	{ "set", "Set a property" },
	{ "shortcut", "Build direct tunnels" },
	{ "shutdown", "Leave this interface down" },
	{ "socket", "Path of a socket" },
	{ "source", "Outer address" },
	{ "store", "Registrations over a restart" },
	{ "strict", "Without an answer peers are refused" },
	{ "syslog", "The system's log" },
	{ "tcp", "TCP" },
	{ "timeout", "How often" },
	{ "transform-set", "Algorithms of ESP" },
	{ "transport", "Transport mode" },
	{ "trustpoint", "CAs and our certificate" },
	{ "tunnel", "Properties of the tunnel" },
	{ "url", "Address of a web server" },
	{ "user", "This program, over a TAP device" },
	{ "window-size", "How many packets" },
};

const char *
conf_word_help(const char *word)
{
	for (size_t i = 0; i < sizeof(helps) / sizeof(helps[0]); i++) {
		if (strcmp(helps[i].word, word) == 0)
			return helps[i].help;
	}
	return NULL;
}
