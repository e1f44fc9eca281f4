/* nhrpd/daemon/conf_priv.h: what the files of the configuration parser share. Not for others.
 *
 * conf_lex.c cuts a line into words; conf_match.c finds the rule in conf_words.c that it follows; the rule's handler
 * (conf_set.c) notes the values, each with its place, in the blocks below; conf_build.c looks at all of them together,
 * complains, and makes the structs of the engines. conf.c holds the ends: files, memory, errors. */
#ifndef NHRPD_DAEMON_CONF_PRIV_H
#define NHRPD_DAEMON_CONF_PRIV_H

#include <stdarg.h>

#include "nhrpd/daemon/conf.h"

enum {
	CONF_TOKENS_MAX = 32, CONF_ELEMS_MAX = 24, CONF_RULES_MAX = 192, CONF_LIST_MAX = 12, CONF_DEPTH_MAX = 8, CONF_FILES_MAX = 256,
	CONF_FILE_OCTETS_MAX = 16 << 20, CONF_TEXT_MAX = 4096, CONF_EXPECT_MAX = 12,
	CONF_RATE_MIN = 8000,	/* bit/s */
	CONF_AUTHZ_MATCHES = 16, CONF_CERTMAP_RULES = 16,
};

#define CONF_RATE_MAX UINT64_C(400000000000)

/* ---- memory: everything the configuration owns, wiped as a whole */
struct conf_mem;
void	*conf_alloc(struct conf_mem *m, size_t n);	/* zeroed; NULL without memory, which conf_mem_failed() remembers */
char	*conf_strdup(struct conf_mem *m, const char *s, size_t n);
bool	conf_mem_failed(const struct conf_mem *m);

/* ---- places */
struct conf_line {	/* a line of a file */
	const char *file;
	const char *text;	/* in the source, ends at '\n' or NUL: gone once the configuration is complete */
	unsigned no;
	unsigned mask;	/* column from which it holds a secret; 0: none */
};
struct conf_place {
	const struct conf_line *line;	/* NULL: not given */
	unsigned column;
};

/* ---- values and blocks as written */
struct conf_val {
	struct conf_place at;
	uint64_t n;
	const char *s;
	struct prefix p;	/* addresses too: host bits kept */
};
struct conf_list {	/* encryption, prf, group, names */
	struct conf_place at[CONF_LIST_MAX];
	uint64_t v[CONF_LIST_MAX];
	const char *s[CONF_LIST_MAX];
	unsigned n;
};

struct conf_block {	/* first in every block */
	struct conf_block *next;
	const char *name;
	struct conf_place at;
};
struct conf_b_proposal {
	struct conf_block b;
	struct conf_list encr, integ, prf, group, addke[IKE_ADDKE_MAX];
	struct conf_val suite;
};
struct conf_b_policy {
	struct conf_block b;
	struct conf_list proposal;
};
struct conf_b_peer {
	struct conf_block b;
	struct conf_place id_at;
	struct ike_match id;
	struct conf_val address;
	struct conf_place psk_at;
	uint8_t *psk;
	size_t psk_len;
	struct conf_val ppk_id;
	uint8_t *ppk;
	size_t ppk_len;
	bool ppk_required;
};
struct conf_b_keyring {
	struct conf_block b;
	struct conf_block *peer;
	struct ike_key *key;	/* made by conf_build() */
	unsigned n_key;
};
struct conf_dpd {	/* said: mode.at.line */
	struct conf_val every, retry, mode;
};
struct conf_rate {	/* said: packets.at.line */
	struct conf_val packets, every;
};
struct conf_bfd {	/* said: multiplier.at.line */
	struct conf_val interval, min_rx, multiplier;
};
enum conf_pki_kind { CONF_PKI_CA, CONF_PKI_CERT, CONF_PKI_KEY, CONF_PKI_PKCS12, CONF_PKI_PASSWORD, CONF_PKI_CRL };
struct conf_pki_file {
	struct conf_pki_file *next;
	enum conf_pki_kind kind;
	struct conf_place at;
	const char *path;
	struct span data;
};
struct conf_b_trust {
	struct conf_block b;
	struct conf_pki_file *file;
	enum ike_revocation method[2];
	bool relaxed_by_none;
	struct conf_place revocation_at;
	struct conf_val revocation_mode, crl_url, ocsp_url, legacy;
	struct ike_trust *trust;	/* made by conf_build_trusts(); the conf's */
};
struct conf_named {
	struct conf_place at;
	const char *name;
};
struct conf_certmaps {	/* named by "match certificate" */
	struct conf_named map[IKE_CERTMAPS_MAX];
	unsigned n;
};
struct conf_b_certmap {	/* an entry of a map */
	struct conf_block b;
	const char *name;
	struct ike_certmap_rule rule[CONF_CERTMAP_RULES];
	unsigned n_rule;
};
struct conf_b_profile {
	struct conf_block b;
	struct conf_certmaps certmaps;
	unsigned auth_local, auth_remote;	/* IKE_SIGN_*, IKE_TAKE_PSK; 0: not said */
	struct conf_place auth_local_at, auth_remote_at;
	struct conf_named trust[IKE_TRUSTS_MAX];
	unsigned n_trust;
	bool local_dn;	/* "identity local dn" */
	struct ike_match remote[8];
	unsigned n_remote;
	struct conf_place local_at;
	struct ike_id local;
	struct conf_val keyring, life, reauth, encap_force;
	struct conf_dpd dpd;
};
struct conf_b_authz {
	struct conf_block b;
	struct conf_certmaps certmaps;
	struct core_policy_match match[CONF_AUTHZ_MATCHES];
	struct core_policy_allow allow[CLAIMS_MAX];
	bool no_groups;	/* "none" was said of groups */
	unsigned n_groups;
	unsigned n_match, n_allow, says, none;	/* none: kinds of which "none" was said, */
	struct conf_place none_at;
	bool numbered;	/* a pattern with a number is there, */
	struct conf_place template_at;	/* and a line that takes one */
};
struct conf_b_transform {
	struct conf_block b;
	uint64_t cipher;	/* CONF_CIPHER */
	uint16_t integ;	/* 0: the cipher brings it */
	struct conf_val mode;	/* enum ike_mode */
};
struct conf_b_ipsec {
	struct conf_block b;
	struct conf_list set, addke[IKE_ADDKE_MAX];
	struct conf_val pfs, suite, life_s, life_kb, life_packets, replay, profile;
	unsigned index;	/* of its ike_profile, from 1; 0: not used so far */
	bool map;	/* it is a conf_b_crypto_map */
};
/* ip access-list extended NAME: what an entry of a crypto map is for; conf_map.c */
enum conf_traffic {	/* words of a line */
	CONF_TRAFFIC_ADDR, CONF_TRAFFIC_PREFIX, CONF_TRAFFIC_ANY, CONF_TRAFFIC_HOST, CONF_TRAFFIC_EQ, CONF_TRAFFIC_LT, CONF_TRAFFIC_GT, CONF_TRAFFIC_RANGE,
	CONF_TRAFFIC_PORT,	/* and its number above: conf_port() */
};
enum { CONF_TRAFFIC_KIND = 0xff };
static inline uint16_t
conf_port(uint64_t n)
{
	return (uint16_t)(n >> 8);
}
struct conf_b_permit {
	struct conf_place at, local_at, remote_at;
	uint32_t number;
	struct prefix local, remote;
	struct dp_range from, to;	/* the same, with protocol and ports */
};
struct conf_b_acl {
	struct conf_block b;
	uint8_t family;
	struct conf_b_permit line[IKE_PAIRS_MAX];
	unsigned n_line;
};
struct conf_b_crypto_map {	/* an entry */
	struct conf_b_ipsec i;	/* its words, its own */
	const char *name;
	unsigned number;
	struct conf_named peer[CORE_DESTS_MAX];
	unsigned n_peer;
	struct conf_list acl;
	struct conf_val reactivate, connect, idle, description;	/* connect: 1: traffic */
	const struct conf_b_permit *line[IKE_PAIRS_MAX];	/* of all its lists; conf_map.c */
	unsigned n_line;
};
struct conf_b_nhs {
	struct conf_place at, nbma_at;
	struct nhrp_conf_nhs nhs;	/* name "": from a map */
};
struct conf_b_map {
	struct conf_place at;
	struct nhrp_conf_map map;
};
struct conf_b_interface {
	struct conf_block b;
	struct conf_val description, source, mode, key, protection, bare, network_id, auth, hold, reg, mtu, mss, vrf, outer_vrf;
	struct conf_val no_unique, shortcut, redirect, mcast_dynamic, shutdown;
	struct conf_rate max_receive, max_send;
	struct conf_bfd bfd;
	struct conf_val if_state;
	struct conf_place own_at[NHRP_OWN_ADDRS];
	struct prefix own[NHRP_OWN_ADDRS];
	unsigned n_own;
	struct conf_val ipsec_mode, reactivate;	/* conf_plain.c */
	struct conf_val gre_mode;	/* conf_p2p.c */
	struct conf_val map_name;	/* it is no tunnel: a crypto map is applied to it */
	struct conf_named dest[CORE_DESTS_MAX];
	unsigned n_dest;
	struct conf_b_nhs nhs[NHRP_NHS_MAX];
	unsigned n_nhs;
	struct conf_val cluster[NHRP_CLUSTERS], fallback;
	struct conf_b_map map[NHRP_MAPS_MAX];
	unsigned n_map;
	struct conf_val group;
	struct conf_place group_map_at[NHRP_GROUPS_MAX];
	struct nhrp_conf_group group_map[NHRP_GROUPS_MAX];
	unsigned n_group_map;
};
struct conf_b_static {
	struct conf_place at, via_at;
	struct prefix dst;
	struct addr via;
};
struct conf_b_global {
	struct conf_val suite, hostname, plane, crypto, offload[4], log_level, log_syslog, control, store, zebra, zebra_path, zebra_version, zebra_distance, zebra_metric, keepalive, fragmentation, cookies, half_open, max_sa;
	struct conf_dpd dpd;
};

enum conf_ctx {
	CONF_GLOBAL, CONF_PROPOSAL, CONF_POLICY, CONF_KEYRING, CONF_PEER, CONF_PROFILE, CONF_AUTHZ, CONF_CERTMAP, CONF_TRUSTPOINT, CONF_TRANSFORM, CONF_IPSEC, CONF_ACL, CONF_ACL6, CONF_MAP, CONF_INTERFACE, CONF_CTXS
};

#define CONF_CIPHER(encr, bits) ((uint64_t)(encr) << 16 | (bits))

/* ---- rules */
struct conf_parse;
struct conf_cmd;
typedef void conf_fn(struct conf_parse *p, const struct conf_cmd *c);

/* One row of the keyword table. `syntax` is words and arguments:
 *   word  a|b      a keyword (or one of some); a unique beginning of it will do
 *   {a|b|c}        one of these keywords; its index is an argument's value
 *   <type> <type:1-9>   an argument, see conf_type[]
 *   [ ... ]        may be left out
 *   <type>...      once or more often (only as the last one)
 * `no`: the syntax behind the word "no"; "" where there is no such form. */
struct conf_rule {
	enum conf_ctx ctx;
	const char *syntax, *no;
	conf_fn *fn;
	size_t off;	/* of the value in the block, for the plain setters */
	const char *help;
};
extern const struct conf_rule conf_rules[];
extern const size_t conf_n_rules;
const char *conf_ctx_name(enum conf_ctx ctx);	/* "interface" */
enum conf_ctx conf_ctx_up(enum conf_ctx ctx);
const char *conf_word_help(const char *word);	/* NULL: the word is not in the table of helps */

struct conf_type {
	const char *name;	/* in the syntax, without <> */
	const char *what;	/* "an IPv4 address" */
	/* Fills in v, or answers false; `why` (may be left empty) is then said instead of "expected WHAT". */
	bool (*parse)(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t why_n);
	bool rest, secret;	/* takes the rest of the line as it stands; must not be shown */
};
extern const struct conf_type conf_types[];
extern const size_t conf_n_types;

enum conf_elem_kind { CONF_EL_WORD, CONF_EL_CHOICE, CONF_EL_ARG };
struct conf_elem {
	enum conf_elem_kind kind;
	const char *word;	/* "a|b", not terminated: len octets */
	size_t len;
	const struct conf_type *type;
	uint64_t lo, hi;
	unsigned skip;	/* not 0: from before this element one may go on at element `skip` */
	bool repeat;
};
struct conf_syntax {	/* a rule ready for matching */
	const struct conf_rule *rule;
	bool no;
	struct conf_elem el[CONF_ELEMS_MAX];
	unsigned n;
};
bool	conf_compile(const char *syntax, bool no, const struct conf_rule *rule, struct conf_syntax *out);	/* false: the table is wrong */

struct conf_token {
	const char *text;	/* quotes taken off */
	unsigned column, end;	/* columns of its first octet and of the one behind it */
	bool quoted;
	const char *rest;	/* the line from here on, without a trailing comment */
};
struct conf_words {
	struct conf_token token[CONF_TOKENS_MAX];
	unsigned n, indent, end;	/* end: column behind the last word */
	const char *error;	/* NULL, or what is wrong with the line at column `end` */
};
bool	conf_lex(struct conf_mem *m, const char *line, size_t n, struct conf_words *out);	/* false without memory */

struct conf_arg {
	unsigned column;
	const struct conf_type *type;	/* NULL: of a {choice} */
	struct conf_val v;
};
struct conf_cmd {	/* a line understood */
	const struct conf_rule *rule;
	const struct conf_line *line;
	bool no;
	unsigned column;	/* of its first word */
	struct conf_arg arg[CONF_TOKENS_MAX];
	unsigned n_arg;
	struct { const char *word; size_t len; unsigned next_arg; unsigned column; } word[CONF_TOKENS_MAX];	/* keywords seen, in full */
	unsigned n_word;
};
bool	conf_has(const struct conf_cmd *c, const char *word);
const struct conf_arg *conf_after(const struct conf_cmd *c, const char *word);	/* the argument behind a keyword, or NULL */

struct conf_miss {	/* why a line was not understood */
	unsigned column, depth;	/* depth: words that were */
	unsigned mask;	/* column from which the line holds a secret; 0: none */
	char text[256];
};
/* Finds the rule of context ctx that the words follow. False: m says why. */
bool	conf_match(const struct conf_parse *p, enum conf_ctx ctx, const struct conf_words *w, struct conf_cmd *c, struct conf_miss *m);

/* ---- the parser */
struct conf_file {	/* on the way of includes */
	const struct conf_file *up;
	const char *name;
	uint64_t dev, ino;
	unsigned depth;
	bool world_readable;
};
struct conf_parse {
	struct conf *conf;
	struct conf_mem *mem;
	bool no_files;
	const struct conf_file *file;	/* being read */
	unsigned n_files;
	const struct conf_syntax *syntax;
	size_t n_syntax;
	enum conf_ctx ctx;
	void *block[CONF_CTXS];
	struct conf_b_global global;
	struct conf_b_static route[CONF_STATICS_MAX];
	unsigned n_static;
	struct conf_block *proposal, *policy, *keyring, *profile, *trustpoint, *certmap, *authz, *transform, *ipsec, *acl, *map, *interface;
	struct { char *p; size_t n; } source[CONF_FILES_MAX];	/* wiped at the end of reading */
	struct conf_said *said, *said_open, **said_end;	/* lines in force, of the open block; conf_said.c */
	bool ended;	/* "end" */
	bool lost;	/* a block could not be opened: what refers to it is not to blame */
	unsigned errors;	/* all of them, more than are kept */
};

void	conf_error_at(struct conf_parse *p, struct conf_place at, const char *fmt, ...) LOG_FMT(3, 4);
void	conf_warn_at(struct conf_parse *p, struct conf_place at, const char *fmt, ...) LOG_FMT(3, 4);
const char *conf_place_text(struct conf_parse *p, struct conf_place at);	/* "hub.conf:12", in the configuration's memory */
/* Relative names are taken from the folder of the file being read. NULL without memory. */
char	*conf_path(struct conf_parse *p, const char *name);
void	conf_read_include(struct conf_parse *p, struct conf_place at, const char *pattern);
/* A secret of at most max octets from a file that only its owner may read. False: an error was noted. */
bool	conf_read_secret(struct conf_parse *p, struct conf_place at, const char *name, uint8_t *out, size_t max, size_t *n);

/* A whole file into the configuration's memory; a secret one only its owner may read. False: said. */
bool	conf_read_file(struct conf_parse *p, struct conf_place at, const char *name, bool secret, size_t max, struct span *out);

void	conf_build(struct conf_parse *p);
void	conf_build_trusts(struct conf_parse *p);
void	conf_build_authz(struct conf_parse *p);	/* conf_authz.c */
void	conf_check_groups(struct conf_parse *p, const struct conf_b_interface *b);	/* conf_qos.c */
void	conf_build_groups(const struct conf_b_interface *b, struct nhrp_conf *o);	/* conf_qos.c */
void	conf_check_certmaps(struct conf_parse *p);	/* conf_certmap.c */
void	conf_add_certmap(struct conf_parse *p, const struct conf_cmd *c, struct conf_certmaps *to);
unsigned conf_build_certmaps(struct conf_parse *p, const struct conf_certmaps *from, const struct ike_certmap *out[static IKE_CERTMAPS_MAX]);	/* how many */
bool	conf_match_of(struct conf_parse *p, const struct conf_cmd *c, struct ike_match *m);	/* identity words; false: said */
void	conf_build_auth(struct conf_parse *p, const struct conf_b_profile *f, struct ike_profile *o);
bool	conf_wants_keyring(const struct conf_b_profile *f);
/* conf_plain.c */
bool	conf_is_plain(const struct conf_b_interface *b);
void	conf_check_bare(struct conf_parse *p, const struct conf_b_interface *b);	/* conf_bare.c */
void	conf_check_plain(struct conf_parse *p, const struct conf_b_interface *b, uint8_t family);
const struct core_plain_conf *conf_build_plain(struct conf_parse *p, const struct conf_b_interface *b);	/* NULL: it is not, or no memory */
/* conf_p2p.c */
bool	conf_is_p2p(const struct conf_b_interface *b);
const char *conf_p2p_destination(const struct conf_b_interface *b);	/* NULL: it is not */
void	conf_check_p2p(struct conf_parse *p, const struct conf_b_interface *b, uint8_t family);
void	conf_plain_selectors(const struct conf_b_interface *b, struct dp_selectors *out);
/* A new block of `size` in `list`, or NULL: its name is taken (said), or there is no memory. */
void	*conf_open_block(struct conf_parse *p, const struct conf_cmd *c, enum conf_ctx ctx, struct conf_block **list, size_t size);
void	conf_say(struct conf_parse *p, const struct conf_cmd *c);	/* notes a line that was carried out */

/* What is found shown in an error: printable, cut. */
const char *conf_found(const char *text, char out[static 48]);

/* ---- algorithms, conf_suite.c */
struct conf_alg {	/* under its IOS name */
	const char *name;
	uint64_t v;
	bool legacy;	/* only where the user names it, and with a warning */
};
extern const struct conf_alg conf_ike_encr[], conf_integs[], conf_prfs[], conf_groups[];	/* end at a NULL name */

struct conf_proposals {
	struct ike_proposal item[IKE_PROPOSALS_MAX];
	unsigned n;
};
void	conf_build_ike(struct conf_parse *p, struct conf_proposals *out);
void	conf_build_esp(struct conf_parse *p, const struct conf_b_ipsec *b, struct ike_profile *o);
void	*conf_find(struct conf_block *list, const char *name);	/* conf_build.c; NULL: none */

/* conf_map.c, with conf_build.c */
struct conf_build {
	struct conf_proposals ike;
	struct ike_profile *profile;
	unsigned n_profile;
	struct core_tunnel_conf *tunnel;
	unsigned n_tunnel;
};
void	conf_build_profile(struct conf_parse *p, const struct conf_b_ipsec *b, const struct conf_proposals *ike, struct ike_profile *o);
void	conf_check_ipsec(struct conf_parse *p, struct conf_b_ipsec *b);	/* one that nobody uses: its names */
bool	conf_is_mapped(const struct conf_b_interface *b);
void	conf_build_map(struct conf_parse *p, const struct conf_b_interface *b, bool down, struct conf_build *w);	/* the entries applied to it */
void	conf_check_maps(struct conf_parse *p);	/* what is applied nowhere, and all of them together */

/* ---- handlers, conf_set.c */
conf_fn conf_set_value, conf_set_flag, conf_set_choice, conf_set_list;	/* into the block of the rule's context at rule->off */
conf_fn conf_open_proposal, conf_open_policy, conf_open_keyring, conf_open_peer, conf_open_profile, conf_open_transform, conf_open_ipsec,
    conf_open_interface, conf_leave, conf_end, conf_include;
conf_fn conf_open_trustpoint, conf_set_pki_file, conf_set_revocation, conf_set_auth, conf_set_profile_trust;
conf_fn conf_open_authz, conf_set_authz_match, conf_set_authz_cert, conf_set_allow, conf_set_allow_group, conf_set_group_map;
conf_fn conf_open_certmap, conf_set_certmap, conf_set_match_cert;
conf_fn conf_set_addke, conf_set_ppk, conf_set_destination;
conf_fn conf_open_acl, conf_open_map, conf_set_permit, conf_set_map_peer;
conf_fn conf_set_peer_id, conf_set_psk, conf_set_psk_file, conf_set_match, conf_set_local_id, conf_set_dpd, conf_set_rate, conf_set_address, conf_set_nhs, conf_set_cluster,
    conf_set_map, conf_set_mcast_map, conf_set_static, conf_set_mask_pair, conf_set_mss, conf_set_nothing, conf_set_mode, conf_set_bfd, conf_not_yet;

#endif
