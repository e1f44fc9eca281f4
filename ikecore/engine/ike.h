/* ikecore/engine/ike.h: the IKEv2 engine (RFC 7296) of one daemon, for securing tunnels.
 *
 * Owns IKE SAs, child SAs, exchanges with message ids and retransmission, cookies and admission, liveness, rekeying and
 * its collisions. Takes messages, events and the time; answers with actions. Knows no socket, clock or random source.
 * Not here: octets of messages (ikecore/wire), cryptography (ikecore/crypto), what a peer may claim (nhrpd).
 *
 * Dials. The core asks for a secured peer with IKE_EV_DIAL under a number of its own; the engine keeps trying the given
 * remotes (backoff with jitter) until IKE_EV_HANGUP, and says IKE_ACT_IKE_UP with that number, or IKE_ACT_DIAL_FAIL
 * after each round that failed. HANGUP leaves an SA that is up alone; IKE_EV_CLOSE ends one. SAs that peers open come up
 * with dial 0. A duplicate of two SAs with the same identity pair (both dialled at once) is closed by one rule at both
 * ends; IKE_ACT_IKE_DOWN then has reason IKE_DOWN_DUPLICATE and `other` names the SA that stays (a dial that lost this way
 * is satisfied by `other`), and its ESP pairs are deleted a little later (IKE_ACT_CHILD_DEL), as after a rekey.
 *
 * Key exchange computations, signatures and the checking of certificates are jobs: IKE_ACT_JOB hands out a job, the caller runs
 * ike_job_run() on any thread (it touches nothing but the job) and brings it back as IKE_EV_JOB, in any order; also one
 * that there was no room to run. A job whose certificates turned out
 * good may come out once more, as IKE_ACT_REVOCATION: the caller finds out about ike_job_chain(), by the network if need be, notes
 * the answer with ike_job_answer() and brings the job back as IKE_EV_JOB too. Nothing is fetched for a peer before its signature
 * was found good. */
#ifndef IKECORE_ENGINE_IKE_H
#define IKECORE_ENGINE_IKE_H

#include "ikecore/crypto/ike_cert.h"
#include "ikecore/wire/ike_drop.h"
#include "lib/addr.h"
#include "lib/dplane.h"
#include "lib/env.h"
#include "lib/outq.h"
#include "lib/tick.h"

enum { IKE_ADDKE_MAX = 7, IKE_ADDKE_IDS = 4, IKE_PPK_ID_MAX = 64, IKE_PPK_MAX = 64 };	/* RFC 9370, 8784 */
enum { IKE_ID_MAX = 255, IKE_TRANSFORMS_MAX = 12, IKE_PROPOSALS_MAX = 8, IKE_REMOTES_MAX = 8, IKE_PSK_MAX = 256, IKE_NAME_MAX = 64,
	IKE_CRASH_SECRET = 32 };

enum ike_id_type { IKE_ID_NONE = 0, IKE_ID_IPV4 = 1, IKE_ID_FQDN = 2, IKE_ID_EMAIL = 3, IKE_ID_IPV6 = 5, IKE_ID_DN = 9, IKE_ID_KEY_ID = 11 };

struct ike_id {
	uint8_t type;	/* enum ike_id_type */
	uint8_t len;
	uint8_t data[IKE_ID_MAX];
};

/* Which identities a rule is for. */
enum ike_match_kind { IKE_MATCH_ANY, IKE_MATCH_EXACT, IKE_MATCH_DOMAIN /* FQDN or email in this domain */, IKE_MATCH_NET /* address identity inside net */ };
struct ike_match {
	enum ike_match_kind kind;
	struct ike_id id;	/* EXACT; DOMAIN: type FQDN or EMAIL, data is the domain */
	struct prefix net;
};

struct ike_proposal {	/* transform ids by RFC 7296 3.3.2, best first. An AEAD proposal has no integ. */
	uint16_t encr[IKE_TRANSFORMS_MAX], encr_bits[IKE_TRANSFORMS_MAX];
	unsigned n_encr;
	uint16_t prf[IKE_TRANSFORMS_MAX];
	unsigned n_prf;
	uint16_t integ[IKE_TRANSFORMS_MAX];
	unsigned n_integ;
	uint16_t group[IKE_TRANSFORMS_MAX];	/* IKE: at least one. ESP: PFS group or none */
	unsigned n_group;
	uint16_t addke[IKE_ADDKE_MAX][IKE_ADDKE_IDS];	/* IKE: additional key exchanges, best first; 0: may be left out */
	unsigned n_addke[IKE_ADDKE_MAX];
	bool esn[2];	/* ESP: [0] 32-bit offered, [1] ESN offered */
};

struct ike_key {	/* crypto ikev2 keyring NAME / peer NAME */
	char name[IKE_NAME_MAX];
	struct ike_match id;	/* who it is for, */
	bool has_id;
	struct prefix address;	/* or from where */
	bool has_address;
	uint8_t ppk_id[IKE_PPK_ID_MAX], ppk[IKE_PPK_MAX];	/* post-quantum pre-shared key (RFC 8784), wiped as the other one is */
	uint8_t ppk_id_len, ppk_len;
	bool ppk_required;
	uint8_t psk[IKE_PSK_MAX];	/* never logged; wiped with the configuration */
	uint16_t psk_len;
};

enum { IKE_TAKE_PSK = 1 << 16, IKE_TRUSTS_MAX = 8, IKE_PAIRS_MAX = 32 };

enum ike_dpd {
	IKE_DPD_OFF, IKE_DPD_PERIODIC, IKE_DPD_ON_DEMAND,
	IKE_DPD_DEFAULT,	/* a hub we dialled: periodic, IKE_HUB_DPD_S and IKE_HUB_DPD_RETRY_S; others: on demand, dpd_s and dpd_retry_s */
};
enum { IKE_HUB_DPD_S = 5, IKE_HUB_DPD_RETRY_S = 1, IKE_HUB_DPD_TRIES = 4 };	/* it is found out in 10 s at most */

enum ike_mode {	/* of ESP SAs for GRE */
	IKE_MODE_TRANSPORT,	/* tunnel mode where the peer does not take it */
	IKE_MODE_TRANSPORT_ONLY, IKE_MODE_TUNNEL,
};

struct ike_profile {	/* crypto ikev2 profile + the ipsec profile that uses it */
	char name[IKE_NAME_MAX];
	char use[IKE_NAME_MAX];	/* several of one name: what this one is for, an interface; "": for all that have none of their own */
	struct dp_selectors plain;	/* none: GRE; else IP packets of these ranges in tunnel mode */
	enum ike_mode mode;	/* of GRE */
	const struct dp_selectors *more;	/* further ones, each with an ESP SA of its own; all with a `set` of their own, not 0 */
	unsigned n_more;	/* less than IKE_PAIRS_MAX */
	const struct addr *from;	/* only peers at these addresses; 0: at any */
	unsigned n_from;
	struct ike_id local_id;	/* type NONE: own address */
	struct ike_match remote[8];
	unsigned n_remote;	/* 0: any */
	const struct ike_certmap *certmap[IKE_CERTMAPS_MAX];	/* and one of these fits its certificate, where there are any */
	unsigned n_certmap;
	const struct ike_key *key;	/* keyring, in order */
	unsigned n_key;
	unsigned auth_local;	/* IKE_SIGN_*: we sign, with a key of these kinds; 0: by pre-shared key */
	unsigned auth_remote;	/* IKE_SIGN_*: what peers may sign with, IKE_TAKE_PSK: or a pre-shared key; 0: pre-shared key only */
	struct ike_trust *const *trust;	/* trustpoints: CAs to check peers with, keys to sign with; the best first */
	unsigned n_trust;
	struct ike_proposal ike[IKE_PROPOSALS_MAX];
	unsigned n_ike;
	struct ike_proposal esp[IKE_PROPOSALS_MAX];
	unsigned n_esp;
	enum ike_dpd dpd;
	uint32_t dpd_s, dpd_retry_s;
	uint32_t reauth_s;	/* a new IKE SA from the beginning instead, make before break; 0: never */
	bool encap_force;	/* ESP in UDP also where there is no NAT */
	uint32_t ike_life_s;	/* rekeyed at 80-90 % with jitter */
	struct dp_life child_life;	/* hard limits set; the engine derives the soft ones with jitter */
	uint32_t replay_window;
	uint32_t keepalive_s;	/* NAT keepalive, default 20 */
};

struct ike_conf {
	/* An inbound SA takes the first whose `remote` matches IDi, with the ESP SA that is asked for if there is one. */
	const struct ike_profile *profile;
	unsigned n_profile;
	uint32_t half_open_max;	/* hard bound of half-open records, default 4096 */
	uint32_t cookie_threshold;	/* ask for cookies above it, default 100 */
	uint32_t sa_max;	/* IKE SAs, default 200,000 */
	bool ppk;	/* some keyring entry has a post-quantum pre-shared key */
	bool no_tunnel;	/* the data plane has no tunnel mode for GRE */
	bool frag_off;	/* no fragmentation (RFC 7383) */
	uint16_t frag_mtu;	/* largest IP packet of a message that can be cut; 0: 1280 */
};

struct ike_env {
	struct env env;
	uint32_t (*spi_alloc)(void *ctx);	/* inbound ESP SPI from the data plane (env.ctx); 0: none left */
	/* For tests that record real exchanges: SPIs, nonces and private keys come from env.random. */
	/* Called with the keys of each IKE SA and child SA when set: key export for tshark. Never set by default. */
	void (*keylog)(void *ctx, const char *line);
	int64_t (*wall)(void *ctx);	/* seconds since 1970, for certificates; NULL: none of them is valid */
	/* IKE_CRASH_SECRET octets of this machine's own that survive a restart: peers learn of one at once (RFC 6290). Copied by ike_new().
	 * NULL: no tokens are made, and no traces of SAs kept. */
	const uint8_t *qcd_secret;
	bool esp_kept;	/* the data plane still has ESP SAs of an earlier life: peers are told to go on in theirs until there are new ones */
};

enum ike_event_kind {
	IKE_EV_DIAL, IKE_EV_HANGUP,
	IKE_EV_CLOSE,	/* delete IKE SA `sa` and its children, telling the peer; text: why */
	IKE_EV_REKEY,	/* replace IKE SA `sa` now; for one of its children: SA_SOFT */
	IKE_EV_JOB,
	IKE_EV_CHILD_RESULT,	/* of CHILD_ADD, by spi_in: ok or not */
	IKE_EV_SA_USED, IKE_EV_SA_SOFT, IKE_EV_SA_HARD, IKE_EV_SA_UNKNOWN,	/* from the data plane, by spi_in; UNKNOWN: by remote */
	IKE_EV_SA_MOVED,	/* authenticated ESP from another endpoint: remote */
	IKE_EV_USE,	/* answer to QUERY_USE: ok = something came in since the last one; sent = something went out */
	IKE_EV_PROBE,	/* do IP packets of `size` octets get through on the path of `sa`? */
	IKE_EV_LOCAL_ADDR,	/* local.addr is gone, changed or back (remote.addr: the new one, the same, or none) */
	IKE_EV_SHUTDOWN,	/* delete everything, telling peers */
};

struct ike_job;	/* opaque */

struct ike_event {
	enum ike_event_kind kind;
	uint32_t dial, sa;
	unsigned profile;	/* DIAL: index into conf */
	struct endpoint local;	/* DIAL: addr may be none */
	struct endpoint remotes[IKE_REMOTES_MAX];	/* DIAL: port 0 means 500 */
	unsigned n_remotes;
	const char *hint;	/* DIAL: expected FQDN of the peer, or NULL: picks the keyring entry */
	bool hub;	/* DIAL: the peer is an NHS: entries with exact identities first; else wildcards first */
	uint32_t spi_in;
	struct endpoint remote;
	struct ike_job *job;
	bool ok, sent;
	tick_t at;	/* USE: when the last one came in; 0: not known */
	unsigned size;	/* PROBE */
	const char *text;	/* static */
};

enum ike_probe { IKE_PROBE_FITS, IKE_PROBE_TOO_BIG /* the peer answers, but not that size */, IKE_PROBE_BUSY /* not asked: later */ };

enum ike_down {
	IKE_DOWN_DELETED,	/* peer deleted it */
	IKE_DOWN_CLOSED,	/* we were told to */
	IKE_DOWN_DEAD,	/* no answer */
	IKE_DOWN_DUPLICATE, IKE_DOWN_REPLACED,	/* same identity came anew (INITIAL_CONTACT) */
	IKE_DOWN_IPSEC,	/* peer is who it should be, but there is no agreement about the IPsec SA */
	IKE_DOWN_RESTARTED,	/* peer proved that it lost the SA */
	IKE_DOWN_AUTH, IKE_DOWN_PROPOSAL, IKE_DOWN_EXPIRED, IKE_DOWN_PROTOCOL, IKE_DOWN_RESOURCES, IKE_DOWN_UNREACHABLE,
};

enum ike_act_kind {
	IKE_ACT_SEND,	/* `packet` from local to remote; add the non-ESP marker when local.port is not 500 */
	IKE_ACT_KEEPALIVE,	/* one octet 0xff from local to remote */
	IKE_ACT_JOB,
	IKE_ACT_REVOCATION,	/* job: is its chain revoked? */
	IKE_ACT_IKE_UP, IKE_ACT_IKE_MOVED, IKE_ACT_IKE_DOWN,
	IKE_ACT_IKE_REKEYED,	/* `sa` lives on as `other`, with its children */
	IKE_ACT_DIAL_FAIL,
	IKE_ACT_CHILD_ADD, IKE_ACT_CHILD_ACTIVATE, IKE_ACT_CHILD_MOVE, IKE_ACT_CHILD_DEL,
	IKE_ACT_QUERY_USE,	/* by spi_in */
	IKE_ACT_PROBE_RESULT,	/* sa, size (what was really sent), probe; none where the SA ends meanwhile */
};

struct ike_act {
	enum ike_act_kind kind;
	uint32_t sa, other, dial;
	struct endpoint local, remote;
	struct span packet;	/* arena */
	struct ike_job *job;
	unsigned profile;
	const struct ike_id *peer_id;	/* IKE_UP: lives as long as the SA */
	struct span cert;	/* IKE_UP: the peer's certificate, DER; empty: none. Lives as long as the SA */
	bool cert_lost;	/* IKE_UP: it has one, but there was no memory to keep it */
	bool natted_local, natted_remote, initiator;
	tick_t init_at, auth_at;	/* IKE_UP of a responder: when its requests came */
	uint32_t spi_in;
	const struct dp_sa *child;	/* CHILD_ADD: all but tunnel and peer filled in; arena; wiped by ike_out_reset() */
	bool encap;
	bool kept;	/* IKE_DOWN: the pair that is sent on stays until there is another one, or CHILD_DEL */
	bool whole;	/* SEND: with DF; one that is too large is to get lost */
	unsigned size;
	enum ike_probe probe;
	enum ike_down down;
	const char *text;	/* DOWN, DIAL_FAIL: reason for people, static */
};

const char *ike_down_word(enum ike_down d);	/* "peer-deleted", "dead", "duplicate", ... */

struct ike_rx {
	struct endpoint local, remote;
	bool natt;	/* came to port 4500; marker already taken off */
	struct span packet;
};

struct ike;
/* conf (with its profiles and keys) stays the caller's and lives until ike_free() or the next ike_reconf(). */
struct ike *ike_new(const struct ike_conf *conf, const struct ike_env *env);
void	ike_free(struct ike *k);	/* sends nothing; wipes keys */
/* Another configuration. Profiles are the same by name; their numbers change with it. SAs that it would not let come up as they
 * are (profile gone, our identity, the peer's, the key that was used) are closed, one a step; the others stay, and take new
 * proposals and lifetimes when they are rekeyed. The old conf is not looked at any more. */
void	ike_reconf(struct ike *k, tick_t now, const struct ike_conf *conf, struct outq *out);
/* Whom the keys of SAs are told from now on, as env.keylog would; NULL: nobody. */
void	ike_set_keylog(struct ike *k, void (*keylog)(void *ctx, const char *line));
enum { IKE_OUT_ITEMS = 256, IKE_OUT_OCTETS = 160 * 1024 };
enum ike_drop ike_rx(struct ike *k, tick_t now, const struct ike_rx *rx, struct outq *out);
void	ike_event(struct ike *k, tick_t now, const struct ike_event *ev, struct outq *out);
void	ike_tick(struct ike *k, tick_t now, struct outq *out);
tick_t	ike_deadline(const struct ike *k);
tick_t	ike_retry_at(const struct ike *k, uint32_t sa);	/* when the data plane is asked again, which refused a pair of that SA; 0: it did not */
void	ike_out_reset(struct outq *out);	/* outq_reset() that wipes the keys in CHILD_ADD first */

/* ---- over a restart. What to keep of an SA, so that its peer can be told when we come back without it. Marks are made as SAs come,
 * change and go; each is handed out once. */
struct ike_trace {
	uint64_t spi_i, spi_r;	/* the key */
	bool initiator;	/* we were */
	struct endpoint local, remote;
	tick_t expires;	/* TICK_NEVER: no lifetime */
	bool gone;	/* only the SPIs count */
};
typedef void ike_trace_fn(void *ctx, const struct ike_trace *);
size_t	ike_changes(const struct ike *k);
bool	ike_visit_changes(struct ike *k, size_t max, ike_trace_fn *fn, void *ctx);	/* false: some that went were forgotten */
void	ike_changes_again(struct ike *k);	/* marks all there are */
bool	ike_lost(struct ike *k, tick_t now, const struct ike_trace *t);	/* was up when we died: its peer will be told. False: no use, or no memory */

void	ike_job_run(struct ike_job *job);	/* on any thread */
bool	ike_job_known(const struct ike_job *job);	/* for a peer we know: to be run before those of strangers */
const struct ike_chain *ike_job_chain(const struct ike_job *job);	/* of IKE_ACT_REVOCATION */
void	ike_job_answer(struct ike_job *job, enum ike_status status, const char *why);
void	ike_job_discard(struct ike_job *job);	/* for jobs that will never come back (shutdown) */

/* ---- show */
struct ike_sa_info {
	uint32_t sa;
	uint64_t spi_i, spi_r;
	const char *state;	/* "init", "auth", "established", "rekeying", "deleting" */
	struct endpoint local, remote;
	const struct ike_id *local_id, *peer_id;
	bool initiator, natted_local, natted_remote;
	uint16_t encr, encr_bits, prf, integ, group;
	tick_t established, rekey_at, expires, last_rx;
	uint32_t dial;
	unsigned profile;
	const char *reason;
	bool frag;	/* fragmentation agreed on */
	bool ppk;	/* a post-quantum pre-shared key is in the keys */
	bool mobike;	/* the one that dialled may move */
	uint16_t addke[IKE_ADDKE_MAX];	/* additional key exchanges; 0: none */
	uint16_t frag_mtu;	/* our limit */
	uint8_t auth_local, auth_remote;	/* methods used, numbers of RFC 7296 3.8; 0: not yet */
	const struct ike_cert_facts *cert;	/* the peer's; NULL: it has none. Lives as long as the SA. */
	const char *trust;	/* the trustpoint that vouches for it, or "" */
};
struct ike_child_info {
	uint32_t sa, spi_in, spi_out;
	const char *state;	/* "installed", "rekeying", "deleting" */
	uint16_t encr, encr_bits, integ, pfs_group;
	bool encap, esn, tunnel;
	tick_t created, rekey_at, expires;
	const struct dp_selectors *sel;	/* NULL: GRE */
};
typedef bool ike_sa_fn(void *ctx, const struct ike_sa_info *);
typedef bool ike_child_fn(void *ctx, const struct ike_child_info *);
void	ike_visit_sa(const struct ike *k, ike_sa_fn *fn, void *ctx);
void	ike_visit_child(const struct ike *k, uint32_t sa, ike_child_fn *fn, void *ctx);	/* sa 0: all */
uint64_t ike_count_drop(const struct ike *k, enum ike_drop d);
uint64_t ike_count_fragments(const struct ike *k, bool tx);
uint64_t ike_count_exchange(const struct ike *k, bool tx, uint8_t exchange);

/* Text of an identity: printable, escaped, "fqdn site-11.example.net", "address 192.0.2.1", "key-id 0a0b". */
/* "10.1.0.0/16 to 10.2.0.0/16,10.3.0.0/16" */
char	*ike_selectors_fmt(const struct dp_selectors *s, char *out, size_t n);
char	*ike_pairs_fmt(const struct ike_profile *p, char *out, size_t n);	/* of all of its sets, "; " between them */
char	*ike_id_fmt(const struct ike_id *id, char *out, size_t n);
bool	ike_id_match(const struct ike_match *m, const struct ike_id *id);
struct span ike_sa_cert(const struct ike *k, uint32_t sa);	/* the peer's, DER, proved; empty: it has none */
/* Peers that were refused lately, the last one first; bounded. */
struct ike_refused_info {
	tick_t at;
	struct endpoint remote;
	const struct ike_id *id;
	enum ike_drop drop;
	const char *why;	/* in words */
};
typedef bool ike_refused_fn(void *ctx, const struct ike_refused_info *);
void	ike_visit_refused(const struct ike *k, ike_refused_fn *fn, void *ctx);
const char *ike_auth_name(uint8_t method);	/* "pre-shared key", "digital signature", ... */
const char *ike_encr_name(uint16_t encr, uint16_t bits);	/* "aes-gcm-256" as configuration writes it */
const char *ike_prf_name(uint16_t prf);	/* "sha256" */
const char *ike_integ_name(uint16_t integ);	/* "sha256", "none" */
bool	ike_can_group(uint16_t group);	/* does the library have it? */
const char *ike_group_name(uint16_t group);	/* "31" -> "curve25519", "ecp256", ... */

#endif
