/* ikecore/engine/ike_priv.h: what the files of the engine share. Nobody outside includes it but its unit tests.
 *
 * A call into the engine sets k->now and k->out for its duration; everything below reads them there. Objects refer to
 * each other by number (SA id, inbound SPI, dial number) wherever one may outlive the other. */
#ifndef IKECORE_ENGINE_IKE_PRIV_H
#define IKECORE_ENGINE_IKE_PRIV_H

#include "ikecore/crypto/ike_crypto.h"
#include "ikecore/engine/ike.h"
#include "ikecore/wire/ike_msg.h"
#include "lib/bucket.h"
#include "lib/log.h"
#include "lib/map.h"
#include "lib/timer.h"
#include "lib/trace.h"

enum {	/* bounds */
	IKE_TX_MAX = 10240,	/* a message of ours, */
	IKE_CUT_MAX = IKE_TX_MAX + IKE_TX_MAX / 2,	/* and in pieces */
	IKE_FRAG_MTU = 1280,	/* largest IP packet of a message that can be cut */
	IKE_FRAGS_MAX = 64, IKE_FRAG_OCTETS = 65000,	/* of one message */
	IKE_STASH_OCTETS = 24 * 1024,	/* per half-open SA, while its secret is computed */
	IKE_RX_MAX = 16384,	/* a message we would keep while a job runs */
	IKE_CHILDREN_MAX = 8,	/* per IKE SA, those being replaced included, */
	IKE_CHILDREN_TOP = IKE_CHILDREN_MAX + 2 * IKE_PAIRS_MAX,	/* and where there are many sets of selectors */
	IKE_DIALS_MAX = 200000,
	IKE_CANDS_MAX = 16,	/* keyring entries tried per dial and remote */
	IKE_SAME_MAX = 8,	/* SAs of one identity pair looked at */
	IKE_WORKED = 2048,	/* remembered: which entry worked for an address, */
	IKE_NARROW = 512,	/* to which only small messages arrive */
	IKE_RETX_AS_IS = 2,	/* times that a message is said before it is cut finer */
	IKE_ADDR_CELLS = 1024, IKE_ADDR_HALF = 16,	/* half-open per address cell before cookies are asked for */
	IKE_COOKIE_ROUNDS = 3, IKE_KE_ROUNDS = 2,
	IKE_AUTH_LIFE_MIN = 60,	/* seconds; of a peer that wants us to authenticate anew */
	IKE_ICV_TRIES = 64,	/* messages before authentication that may fail to open before opening them is rationed */
	IKE_ICV_RATE = 8,	/* then so many a second: who forges cannot make us work, nor shut the door for the one who does not */
	IKE_STEP_ITEMS = 64, IKE_STEP_OCTETS = 2 * IKE_CUT_MAX,	/* most that one step writes */
	IKE_NONCE_LEN = 32,	/* of ours */
	IKE_REASON_MAX = 384, IKE_WORDS_MAX = 160,	/* with two of these in it */
	IKE_JOBS_STRANGERS = 256,	/* computations under way for peers we do not know; more must wait */
	IKE_CERTREQ_MAX = 24,	/* CAs that we name to a peer */
	IKE_REFUSED_MAX = 32,	/* refusals remembered for show */
	IKE_CRASH_TOKEN_MAX = 128,
	IKE_LINK_LEN = 16, IKE_LINK_MAX = 256,	/* what links the exchanges of a rekey: ours, a peer's */
};

#define IKE_RETX_FIRST	TICK_MS(500)
#define IKE_RETX_TRIES	6	/* 0.5 + 1 + 2 + 4 + 8 + 16 s */
#define IKE_RETX_HUB	TICK_S(2)	/* a hub that does not answer our first message may be starting: not longer than this, */
#define IKE_RETX_HUB_TRIES 17	/* about as long */
#define IKE_LIVE_TRIES	5	/* of dpd_retry_s */
#define IKE_SHORT_RETRY	TICK_MS(500)	/* of a liveness check somebody gave us cause for */
#define IKE_DEL_TRIES	4
#define IKE_HALF_LIFE	TICK_S(30)
#define IKE_FAILED_LIFE	TICK_S(5)	/* a refused half-open stays to answer retransmissions */
#define IKE_LINGER	TICK_S(3)	/* inbound side of a replaced child */
#define IKE_REPLACED_LIFE TICK_S(60)	/* peer has that long to delete what it replaced */
#define IKE_TWINS_LIFE	TICK_S(2)	/* what is under way ends before it is judged which of several pairs stays */
#define IKE_PAIRS_WAIT	TICK_S(3)	/* the peer asks for the ESP SAs of an IKE SA that it opened; what is missing then is our business, */
#define IKE_PAIRS_AGAIN	TICK_S(60)	/* and what it refused is asked for again */
#define IKE_REAUTH_RETRY TICK_S(60)
#define IKE_REDIRECTS	5	/* in that time; RFC 5685 10 */
#define IKE_REDIRECT_LOOP TICK_S(300)
#define IKE_UNSURE_LIFE	TICK_S(170)	/* nobody waits longer for an answer */
#define IKE_ORPHAN_LIFE	TICK_S(30)	/* an IKE SA without children, or one that lost a collision and is not deleted */
#define IKE_SUSPECT_EVERY TICK_S(5)
#define IKE_MORE_LIFE	TICK_S(60)	/* a peer has that long for its next additional key exchange */
#define IKE_AWAY_LIFE	TICK_S(20)	/* an SA that may move waits so long for an address of ours */
#define IKE_UPDATE_TRIES 5
#define IKE_TEMP_RETRY	TICK_S(3)
#define IKE_TEMP_TRIES	40	/* TEMPORARY_FAILURE for some minutes, then the SA is closed */
#define IKE_BACKOFF_FIRST TICK_S(1)
#define IKE_BACKOFF_MAX	TICK_S(60)
#define IKE_BACKOFF_HUB	TICK_S(15)	/* of a hub, without which nothing goes: back within a minute of its return */
#define IKE_DIAL_SAY	TICK_S(600)	/* a dial that fails and fails for the same reason is logged so often */
#define IKE_BACKOFF_SILENT TICK_S(5)	/* of a hub that does not answer: it may be starting */
#define IKE_COOKIE_ROTATE TICK_S(60)

enum ike_timer_kind { TM_RETX = 1, TM_LIFE, TM_LIVE, TM_KICK, TM_CHILD, TM_DIAL, TM_LOST };

enum { IKE_NARROW_REQUEST = 1, IKE_NARROW_ANSWER = 2 };

enum ike_sa_state {
	IKE_SA_I_INIT,	/* request sent */
	IKE_SA_I_KEX,	/* answer is here, secret is being computed */
	IKE_SA_I_SIGN,	/* our signature is being made */
	IKE_SA_I_INTER,	/* an additional key exchange is asked for */
	IKE_SA_I_AUTH,	/* IKE_AUTH sent */
	IKE_SA_I_CHECK,	/* the answer is here, its certificates are being looked at */
	IKE_SA_R_INIT,	/* answered; no secret computed yet */
	IKE_SA_R_KEX,	/* first encrypted message is here, secret is being computed */
	IKE_SA_R_INTER,	/* the secret of an additional key exchange is being computed */
	IKE_SA_R_AUTH,	/* keys are there, waiting for an IKE_AUTH that opens */
	IKE_SA_R_CHECK,	/* one did: its certificates are being looked at, or our signature is being made */
	IKE_SA_FAILED,	/* refused; answers retransmissions for a while */
	IKE_SA_EST,	/* established */
	IKE_SA_REKEYED,	/* its successor has the children; waits for the delete exchange */
	IKE_SA_CLOSING,	/* reported down; waits for the delete exchange */
	IKE_SA_STATES
};

enum ike_xkind { IKE_X_NONE, IKE_X_INIT, IKE_X_INTER, IKE_X_AUTH, IKE_X_CREATE, IKE_X_FOLLOW, IKE_X_DEL_CHILD, IKE_X_DEL_IKE, IKE_X_LIVE, IKE_X_PROBE, IKE_X_UPDATE, IKE_X_KINDS };

struct ike_low {	/* the lowest nonce of an exchange, as far as it can matter */
	uint8_t n;
	uint8_t b[IKE_NONCE_LEN];
};

struct ike_nonce {
	uint16_t n;
	uint8_t b[IKE_NONCE_MAX];
};

/* One transform of each type. */
struct ike_choice {
	uint8_t num;
	uint16_t encr, bits, prf, integ, group;
	bool esn, has_integ;	/* has_integ: peer named INTEG NONE with an AEAD; say it back */
	uint16_t addke[IKE_ADDKE_MAX];	/* 0: none */
	uint8_t addke_said;	/* bit i: the peer names type 6 + i, so the answer does */
	uint32_t spi;	/* ESP: the peer's */
	uint64_t ike_spi;
};

enum ike_job_kind {
	IKE_JOB_PUBLIC,	/* our value of a key exchange that we begin */
	IKE_JOB_ANSWER,	/* ours in answer to the peer's; of a KEM it is made from that */
	IKE_JOB_SHARED,	/* the shared secret, where our value is said already */
	IKE_JOB_BOTH,	/* ANSWER and SHARED */
};
enum { IKE_NO_KEY = UINT32_MAX };	/* place in the keyring: no pre-shared key is in use */

/* A peer's signature to be checked, one of ours to be made, or both. Owns copies of all of it. */
struct ike_proof_job {
	bool check, sign;
	struct ike_trust *trust[IKE_TRUSTS_MAX], *own;
	struct span cert[IKE_CHAIN_MAX + 1];
	struct ike_proof in;
	struct ike_proved proved;
	bool ask, answered;	/* about revocation */
	struct ike_sign_as as;
	struct span octets;	/* ours */
	uint8_t method;
	size_t sig_len;	/* 0: why */
	char why[IKE_WHY_MAX];
	uint8_t sig[IKE_SIG_MAX];
	struct span plain;	/* octets of the same without a post-quantum pre-shared key (RFC 8784); empty: that is not said */
	uint8_t plain_sig[IKE_SIG_MAX];
	size_t plain_len;
	size_t n;	/* of mem */
	uint8_t mem[];	/* what the spans point to */
};

/* What a certificate proved, kept as long as the SA lives: for shows, expiry, and reloads. */
struct ike_vouched {
	struct ike_cert_facts facts;
	uint8_t anchor[32];
	char trust[IKE_NAME_MAX];
	int64_t until;
	size_t leaf_len;
	uint8_t leaf[];
};

struct ike_job {
	struct ike_proof_job *proof;	/* NULL: a key exchange */
	struct env env;	/* by value: a job may outlive the engine */
	enum ike_job_kind kind;
	bool known;	/* for somebody we know: goes before strangers */
	bool ran;	/* false when it comes back: nobody had time for it */
	uint32_t sa;
	uint32_t serial;	/* tells a job of today from one that was given up */
	struct ike_kex *kex;
	uint16_t peer_len, shared_len, room;	/* room: octets of peer there may be */
	uint8_t shared[IKE_SHARED_MAX];
	uint8_t peer[];
};

struct ike_stash {	/* a message as it came */
	struct ike_stash *next;
	struct ike_rx rx;
	size_t n;
	uint8_t octets[];
};

struct ike_frags {	/* a message that is not whole yet */
	uint32_t mid;
	uint8_t exchange, first;
	uint16_t total, have;
	size_t octets;
	struct {
		uint8_t *p;
		uint16_t n;
	} piece[IKE_FRAGS_MAX];
};

struct ike_ext {	/* what both ends said they do; ext.c */
	bool frag;	/* RFC 7383 */
	bool mobike;	/* RFC 4555; the peer may move */
	bool moves;	/* we may */
	bool natt;	/* the peer does NAT traversal */
	bool intermediate;	/* RFC 9242 */
	bool ppk, ppk_used;	/* RFC 8784 */
	uint16_t frag_mtu;	/* what the path has shown to take; 0: nothing was lost yet */
};

/* What is only needed until an IKE SA is established. */
struct ike_shake {
	struct ike_kex *kex;
	struct ike_nonce ni, nr;
	uint8_t *mine, *theirs;	/* the IKE_SA_INIT messages, for AUTH */
	size_t mine_len, theirs_len;
	uint8_t digest[32];	/* responder: of the request, to know a retransmission by */
	uint8_t cookie[IKE_COOKIE_MAX], cookie_len;
	unsigned cookie_rounds, ke_rounds;
	unsigned addke_at, n_int;	/* next additional key exchange; those done */
	uint8_t int_i[IKE_PRF_LEN_MAX], int_r[IKE_PRF_LEN_MAX], int_auth[2 * IKE_PRF_LEN_MAX + 4];
	uint8_t int_was[IKE_PRF_LEN_MAX];	/* responder: int_i before the request that is being computed on */
	struct ike_protect was_in, was_out;	/* what the last IKE_INTERMEDIATE was opened with, and answered */
	bool has_was;
	struct ike_rx inter_rx;	/* where to answer */
	uint32_t inter_mid;
	struct ike_keys plain;	/* without the post-quantum pre-shared key */
	bool mixed;	/* the SA's have it in them */
	unsigned bad_icv;	/* responder: messages that did not open, before one did */
	struct bucket icv_tries;	/* once they are too many */
	uint16_t group;
	struct ike_choice choice;	/* responder: what it answers */
	size_t ke_at;	/* responder: where the peer's value stands in theirs */
	uint16_t ke_len;
	struct ike_stash *stash;	/* responder: messages that wait for the keys */
	bool proven;	/* came with a cookie */
	struct ike_child *child;	/* initiator: the first child, made before it is asked for */
	unsigned key;	/* keyring entry in use */
	unsigned hashes;	/* 1 << IKE_HASH_*: what the peer's signatures and ours may use; 0: it does not know */
	struct ike_trust *own;	/* what we sign with */
	struct ike_proof_job *proof;	/* came back: our signature in it, the peer's found good */
	uint8_t *held;	/* the message that waits for a proof, as it was inside */
	size_t held_len;
	struct ike_hdr held_hdr;
	uint8_t held_first;
	struct ike_rx held_rx;	/* endpoints only */
	unsigned addr_cell;
	tick_t started, auth_at;	/* auth_at: responder: when IKE_AUTH came */
	struct ike_sa *older, *newer;	/* list of half-open, unproven or proven */
	const char *soft;	/* unauthenticated refusal seen so far */
	enum ike_down soft_why;
	uint16_t soft_group;	/* the one the peer wants and we do not have; 0: none */
};

struct ike_exch {	/* our request in flight; window 1 */
	enum ike_xkind kind;
	uint32_t mid;
	uint8_t *msg;	/* or its pieces, one behind the other */
	size_t len;
	unsigned tries, tries_max;
	tick_t wait;	/* 0: doubling from IKE_RETX_FIRST */
	unsigned size;	/* PROBE: what was asked about */
	tick_t sent;
};

struct ike_ts_pair {	/* selectors as they stand in a message */
	struct ike_ts_list i, r;
};

/* One CREATE_CHILD_SA and the IKE_FOLLOWUP_KE behind it, ours (cc_tx) or the peer's: while a job runs (cc_rx), between them (cc_more). */
enum ike_cc_kind { IKE_CC_NEW, IKE_CC_REKEY_CHILD, IKE_CC_REKEY_IKE };
enum ike_cc_stage {
	IKE_CC_BEGUN,	/* ours: our value is being computed, nothing was said yet */
	IKE_CC_ASKED,	/* CREATE_CHILD_SA */
	IKE_CC_MORE,	/* additional key exchanges */
};
struct ike_more {	/* secrets so far, when there is to be more than one */
	size_t n_first, n_rest;
	uint8_t first[IKE_SHARED_MAX], rest[IKE_ADDKE_MAX * IKE_SHARED_MAX];
};
struct ike_cc {
	enum ike_cc_kind kind;
	bool ours;
	enum ike_cc_stage stage;
	unsigned at;	/* MORE: place of the method in choice.addke */
	struct ike_more *more;	/* NULL: no additional method is offered, or was chosen */
	uint8_t link[IKE_LINK_MAX];	/* to be said next: by the peer where the exchange is its, by us where ours */
	uint16_t link_len;
	struct ike_kex *kex;
	struct ike_job *job;	/* ours: has our value in it, and goes out again with the peer's */
	uint16_t group;
	struct ike_nonce ni, nr;
	uint32_t heir;	/* the new IKE SA, ours, made before the exchange so that it cannot fail for memory after it */
	struct ike_child *child;	/* the new child, likewise; not filed anywhere yet */
	uint32_t old;	/* inbound SPI of the child being rekeyed */
	struct ike_choice choice;
	unsigned ke_rounds;
	uint32_t mid;	/* theirs: message to be answered */
	struct ike_rx rx;	/* theirs: where to answer (endpoints only) */
	uint32_t peer_new;	/* ours: child or IKE SA that the peer made meanwhile from the same old one */
	struct ike_low peer_low;
	struct ike_ts_pair ts;	/* theirs: to be said back */
	struct dp_selectors sel;	/* what the new child is for */
};

enum ike_child_state {
	IKE_CH_UP,
	IKE_CH_REKEYED,	/* has a successor; somebody's delete is due */
	IKE_CH_DELETING,	/* our delete is in flight or queued */
	IKE_CH_LINGER,	/* gone for the protocol; the data plane keeps it a moment */
};

struct ike_kept;
struct ike_child {
	struct map_node by_spi;
	struct ike_sa *sa;	/* NULL while lingering */
	struct ike_child *next, *prev;	/* of the SA, or of the lingering */
	enum ike_child_state state;
	uint32_t sa_id;	/* the last SA it belonged to, for CHILD_DEL */
	uint32_t spi_in, spi_out;
	uint16_t encr, bits, integ, pfs_group;
	bool esn, encap, tunnel, installed, active, ours;
	bool want_rekey, del_sent;
	bool unsure;	/* made for the peer: it may not have our answer yet, so it is not asked about this one */
	uint32_t answered;	/* message id of that answer */
	uint32_t set;	/* of selectors: pairs.c */
	struct dp_selectors *sel;	/* what was agreed, for shows; NULL: GRE, or no memory */
	uint32_t successor;	/* inbound SPI of what replaces it */
	uint32_t replaces;	/* inbound SPI of what it replaces: activated when that one is deleted */
	struct ike_low low;
	struct ike_kept *kept;	/* NULL, unless kept.c has it */
	unsigned temp_tries;
	tick_t created, rekey_at, expires, retry_at;
	struct timer timer;
};

struct ike_sa {
	struct map_node by_id, by_spi, by_remote, by_pair, by_half;
	bool in_remote, in_pair, in_half;
	uint32_t id;
	enum ike_sa_state state;
	bool initiator;	/* original initiator of this SA: flag I, which keys */
	bool dialled;	/* we opened the first of its line */
	bool announced;	/* the caller has heard of it */
	uint64_t spi_i, spi_r;
	struct endpoint local, remote;
	struct endpoint at_remote;	/* what it stands under in the map by_remote */
	bool natted_local, natted_remote, encap;
	struct addr inner_local, inner_remote;	/* of the last ESP SA for GRE in tunnel mode; none */
	unsigned profile;
	unsigned key;	/* keyring entry that it was authenticated with; IKE_NO_KEY */
	unsigned ppk;	/* the one whose post-quantum pre-shared key it has in its keys, or may get; IKE_NO_KEY */
	uint8_t auth_local, auth_remote;	/* methods used */
	struct ike_vouched *vouched;	/* by what certificate; NULL: none */
	tick_t cert_until;	/* when that expires */
	const char *unwelcome;	/* by a new configuration: why; closed at the next tick */
	struct ike_suite suite;
	struct ike_keys keys;
	bool has_keys;
	uint64_t iv;
	struct ike_id local_id, peer_id;
	struct ike_low low;

	uint32_t tx_mid, rx_mid;	/* next to use, next to expect */
	struct ike_exch x;
	struct ike_ext ext;
	uint16_t addke[IKE_ADDKE_MAX];
	uint8_t cookie2[16];	/* what a peer that moved must say back */
	bool cookie2_wanted;
	bool want_update;	/* our address has changed: the peer is to be told */
	tick_t away_until;	/* we have none; then it goes */
	struct ike_frags *frags[2];	/* of a request, of a response */
	uint8_t *resp;	/* answer to rx_mid - 1, or its pieces */
	size_t resp_len;
	uint8_t resp_again;	/* times it was sent again as it is */
	uint8_t narrowing;	/* IKE_NARROW_*: cut finer, and nothing was heard yet */
	struct ike_shake *hs;
	struct ike_cc *cc_tx, *cc_rx, *cc_more;
	tick_t more_until;	/* cc_more is given up then */
	uint32_t job;	/* serial of the job in flight for hs or cc_tx */
	uint32_t job_rx;	/* for cc_rx */

	struct ike_child *children;
	unsigned n_children;
	struct ike_dial *dials;

	bool want_live, want_rekey, want_child, want_close, lost_local;
	bool peer_kept;	/* the peer was restarted before this one, and its older ESP SAs still carry */
	bool kept;	/* so does the pair of this one, when it goes for that */
	bool peer_refused;	/* its authentication failed here, though it takes the SA for established: the delete says so */
	tick_t live_wait;
	unsigned live_tries;	/* 0: IKE_LIVE_TRIES */
	enum ike_down down;
	const char *reason;
	uint32_t successor;	/* REKEYED: SA id */
	uint32_t peer_successor;	/* SA the peer made by rekeying this one while we do the same */
	uint32_t dup_winner;	/* SA that stays when this one is a duplicate; we are to close this one if dup_ours */
	bool dup_ours, proven;	/* proven: the peer has this SA established for sure */
	bool dup_check;	/* a liveness check decides whether duplicates of it may go */
	uint32_t doom;	/* down with it at the next tick, because of that SA */
	enum ike_down doom_why;
	unsigned temp_tries, child_tries;
	uint32_t refused;	/* bit i: the peer does not want an ESP SA for the profile's set i, */
	tick_t refused_until;	/* until when it is not asked again */
	uint64_t init_seq, est_seq;	/* order of events, where time may stand still */
	tick_t established, rekey_at, expires, orphan_at, retry_at;
	tick_t reauth_at, reauth_end;	/* authentication is renewed, is over; reauth.c */
	uint32_t auth_life;	/* the peer's limit, seconds; 0: none */
	uint32_t reauth_sa, reauth_of;	/* the attempt that will take its place; the SA whose place it will take */
	tick_t dup_at;	/* a duplicate that nobody closed goes then */
	tick_t last_rx, last_tx, last_esp_tx, last_suspect;
	tick_t live_at, keep_at;	/* what t_live stands for */
	unsigned use_pending;
	tick_t use_at;	/* of what came in */
	bool use_ok, use_sent, sent_since_rx, use_live, use_keep;
	tick_t use_until;
	struct timer t_retx, t_life, t_live, t_kick;

	uint8_t *token;	/* qcd.c: the peer's for this SA; NULL: none */
	uint8_t token_len;
	bool want_token;	/* the peer is to be given ours, */
	struct addr token_addr;	/* which it has for this address */
	bool marked, traced;	/* its trace is to be handed out; was once */
	struct ike_sa *mark_next, *mark_prev;
};

struct ike_dial {
	struct map_node by_id;
	struct ike_dial_addr {	/* of each remote, by its address */
		struct map_node by_addr;
		struct ike_dial *dial;
	} at[IKE_REMOTES_MAX];
	uint32_t id;
	unsigned profile;	/* out of range: not configured any more */
	struct endpoint local, remotes[IKE_REMOTES_MAX];
	unsigned n_remotes, cur;
	bool redirected;	/* next to `redirect`, not to a configured remote */
	struct endpoint redirect;
	struct addr redirected_from;
	unsigned n_redirect;
	tick_t redirect_since;
	bool has_hint, hub;
	bool homeless;	/* we have no address to dial from */
	struct ike_id hint;
	unsigned cand[IKE_CANDS_MAX], n_cand, cand_i;
	uint32_t sa;	/* attempt, or what satisfies it; 0 none */
	bool up;
	struct ike_dial *next_on_sa;
	unsigned backoff;
	enum ike_down why;
	char reason[IKE_REASON_MAX];
	uint64_t said;	/* hash of the reason that was logged last; 0: none since it was up */
	tick_t said_at;
	struct timer timer;
};

struct ike_worked {	/* a hint only: what is found here is tried first */
	struct addr addr;
	unsigned profile, key;
};

struct ike_narrow {
	struct addr addr;
	uint16_t mtu;	/* 0: empty */
	tick_t until;
};

struct ike_hold;
struct ike {
	const struct ike_conf *conf;
	struct ike_env env;
	struct timers timers;
	struct map by_id, by_spi, by_remote, by_pair, by_half, by_child, by_dial, by_dial_addr;
	struct map kept;	/* kept.c */
	struct map holds;	/* hold.c */
	struct ike_hold *hold_oldest, *hold_newest;
	tick_t now;
	struct outq *out;
	uint32_t next_id, next_serial;
	uint64_t seq;
	uint32_t n_sa, n_half;
	unsigned n_strange;	/* jobs under way for strangers */
	struct ike_sa *half_old[2], *half_new[2];	/* unproven, proven; oldest and newest */
	uint8_t addr_half[IKE_ADDR_CELLS];
	struct map addr_key;	/* only its hash key is used */
	struct ike_child *lingering;
	unsigned n_lingering;
	struct ike_worked worked[IKE_WORKED];
	struct ike_narrow narrow[IKE_NARROW];

	uint8_t cookie_secret[2][IKE_COOKIE_SECRET_LEN];
	uint8_t cookie_version;
	tick_t cookie_at;

	struct ike_refused {
		tick_t at;
		struct endpoint remote;
		struct ike_id id;
		enum ike_drop drop;
		char why[IKE_REASON_MAX];
	} refused[IKE_REFUSED_MAX];
	unsigned n_refused;	/* ever */
	struct bucket unknown_spi, bad_version, refusals;
	struct log_limit log_rx, log_auth, log_half, log_prop, log_narrow;
	char text[IKE_REASON_MAX];	/* of a DOWN that is made up: until the next one */
	uint64_t drops[IKE_DROPS_N];
	uint64_t exchanges[2][256];
	uint64_t fragments[2];	/* received, sent */
	bool shutdown;
	bool has_qcd, marks_lost;	/* qcd.c */
	uint8_t qcd_secret[IKE_CRASH_SECRET_LEN];
	struct ike_sa *mark_first, *mark_last;
	struct ike_gone *gone;
	struct ike_lost *lost_first, *lost_last;
	size_t n_marks, n_gone, n_lost;
	struct timer t_lost;
	tick_t lost_batch, started;
	uint8_t *spare;	/* IKE_CUT_MAX octets for an answer when memory is short: a request is only acted on when we can keep its answer */
};

/* ---- ike.c */
#define IKE_DEBUG(k, ...) log_debug((k)->env.env.log, LOG_DBG_IKE, __VA_ARGS__)
void	ike_count(struct ike *k, enum ike_drop d);
struct ike_act *ike_act(struct ike *k, enum ike_act_kind kind, const struct ike_sa *sa);
void	ike_send(struct ike *k, const struct endpoint *local, const struct endpoint *remote, struct span msg);
struct span ike_put_id(const struct ike_id *id);
uint64_t ike_id_hash(const struct map *m, const struct ike_id *id);	/* of what ike_id_eq() compares */
bool	ike_id_eq(const struct ike_id *a, const struct ike_id *b);
const struct ike_profile *ike_profile(const struct ike *k, unsigned i);

/* ---- kept.c */
bool	ike_kept_say(const struct ike *k);	/* ours carry on: peers are to hear it */
void	ike_kept_add(struct ike *k, struct ike_child *c);	/* its SA goes, it stays for a while; or goes too */
void	ike_kept_del(struct ike *k, struct ike_child *c);
bool	ike_kept_has(const struct ike *k, const struct ike_sa *sa);	/* of the same peer */
void	ike_kept_over(struct ike *k, const struct ike_sa *sa);	/* it has a new pair */

/* ---- hold.c: the data plane refused an SA with this peer */
tick_t	ike_hold_more(struct ike *k, const struct ike_sa *sa);	/* once more: until when nothing is asked of it */
void	ike_hold_clear(struct ike *k, const struct ike_sa *sa);	/* it took one */
tick_t	ike_hold_until(const struct ike *k, const struct ike_sa *sa);	/* 0: nothing holds it back */
void	ike_hold_forget_all(struct ike *k);

/* ---- reconf.c */
bool	ike_sa_unwelcome(struct ike *k, struct ike_sa *sa);	/* ends it; false: it ends anyway */

/* ---- sa.c: life of an IKE SA */
struct ike_sa *ike_sa_new(struct ike *k, bool initiator);	/* NULL: no memory or too many */
void	ike_sa_free(struct ike *k, struct ike_sa *sa);	/* says nothing to anybody */
struct ike_sa *ike_sa_find(const struct ike *k, uint32_t id);
struct ike_sa *ike_sa_by_spi(const struct ike *k, uint64_t spi);	/* ours */
struct ike_sa *ike_sa_by_remote(const struct ike *k, const struct endpoint *remote);
struct ike_sa *ike_sa_next_remote(const struct ike_sa *sa);	/* another one at the same remote */
struct ike_sa *ike_sa_of_esp(const struct ike *k, const struct endpoint *remote);	/* whose ESP may come from there */
unsigned ike_sa_same_pair(const struct ike *k, const struct ike_sa *sa, struct ike_sa *out[static IKE_SAME_MAX]);	/* others, established */
bool	ike_have_contact(const struct ike *k, const struct ike_id *local, const struct endpoint *remote);
void	ike_sa_set_remote(struct ike *k, struct ike_sa *sa);	/* (re)files it under sa->remote */
bool	ike_sa_to_shake(struct ike *k, struct ike_sa *sa);	/* allocates hs */
void	ike_shake_free(struct ike *k, struct ike_sa *sa);
void	ike_half_add(struct ike *k, struct ike_sa *sa);
void	ike_half_del(struct ike *k, struct ike_sa *sa);
void	ike_sa_up(struct ike *k, struct ike_sa *sa, bool contact);
void	ike_sa_start_timers(struct ike *k, struct ike_sa *sa);
void	ike_sa_life(struct ike *k, struct ike_sa *sa);	/* t_life came due */
void	ike_sa_arm_life(struct ike *k, struct ike_sa *sa);
/* Ends an SA: reports it, takes the children down (a duplicate's children linger), and with tell deletes it at the peer. */
void	ike_sa_down(struct ike *k, struct ike_sa *sa, enum ike_down why, const char *reason, uint32_t other, bool tell);
/* An SA that was never up: the dial hears why. retry_key: another keyring entry may help. */
void	ike_sa_fail(struct ike *k, struct ike_sa *sa, enum ike_down why, bool retry_key, const char *reason);
void	ike_sa_kick(struct ike *k, struct ike_sa *sa);	/* starts what is wanted when no exchange is in flight */
void	ike_sa_kick_at(struct ike *k, struct ike_sa *sa, tick_t at);
bool	ike_sa_has_twin(const struct ike *k, const struct ike_sa *sa);
void	ike_dup_confirmed(struct ike *k, struct ike_sa *winner);
uint64_t ike_sa_new_spi(struct ike *k);
void	ike_low_of(struct ike_low *low, const struct ike_nonce *a, const struct ike_nonce *b);
int	ike_low_cmp(const struct ike_low *a, const struct ike_low *b);
void	ike_keylog_sa(struct ike *k, const struct ike_sa *sa);

/* ---- exchange.c: message ids, retransmission, building and answering */
struct ike_tx {
	uint8_t buf[IKE_TX_MAX];
	struct wr w;
	struct ike_build b;
	bool whole;	/* not to be cut */
	uint8_t cut[IKE_CUT_MAX];	/* where it had to be cut */
	uint8_t align;	/* of the text, where the cipher wants less */
};
void	ike_tx_request(struct ike_tx *t, const struct ike_sa *sa, enum ike_exchange x);	/* encrypted */
void	ike_tx_response(struct ike_tx *t, const struct ike_sa *sa, uint8_t x, uint32_t mid);
void	ike_tx_notify(struct ike_tx *t, uint16_t type);	/* without protocol and data */
void	ike_tx_notify_data(struct ike_tx *t, uint16_t type, struct span data);
bool	ike_x_start(struct ike *k, struct ike_sa *sa, enum ike_xkind kind, struct ike_tx *t);	/* seals, keeps, sends; false: no memory */
bool	ike_x_start_clear(struct ike *k, struct ike_sa *sa, struct span msg);	/* IKE_SA_INIT */
void	ike_x_replace(struct ike *k, struct ike_sa *sa, struct ike_tx *t);	/* what is retransmitted from now on, under the same message id */
void	ike_x_done(struct ike *k, struct ike_sa *sa);
bool	ike_spare(struct ike *k);	/* is there memory to keep an answer? */
void	ike_respond(struct ike *k, struct ike_sa *sa, struct ike_tx *t, const struct ike_rx *rx);	/* after ike_spare() */
void	ike_respond_error(struct ike *k, struct ike_sa *sa, uint8_t exchange, uint32_t mid, const struct ike_rx *rx, uint16_t type, struct span data);
void	ike_x_retransmit(struct ike *k, struct ike_sa *sa);
enum ike_drop ike_rx_sealed(struct ike *k, const struct ike_rx *rx, struct ike_msg *m);
enum ike_drop ike_rx_open(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, struct ike_msg *m, uint8_t *plain);

/* ---- frag.c */
struct ike_cut {	/* how a message is being cut */
	const struct ike_protect *key;
	struct ike_sk_sizes sizes;
	struct ike_hdr hdr;
	uint8_t first;
	uint16_t total;
};
size_t	ike_octets_in(const struct ike_sa *sa, unsigned mtu);	/* of an IKE message, in an IP packet of that size */
size_t	ike_send_limit(const struct ike *k, const struct ike_sa *sa);	/* octets of an IKE message that need no cutting */
struct span ike_frag_seal(struct ike *k, struct ike_sa *sa, struct ike_tx *t, const struct ike_protect *key);	/* pieces in t->cut; empty: failed */
void	ike_send_all(struct ike *k, const struct endpoint *local, const struct endpoint *remote, struct span msgs);
/* Takes a piece that has been opened. With the last one *whole is the text of all (*n octets, the caller frees it). */
enum ike_drop ike_frag_rx(struct ike *k, struct ike_sa *sa, struct ike_msg *m, struct span plain, uint8_t **whole, size_t *n);
void	ike_frags_free(struct ike *k, struct ike_sa *sa, bool response);
enum ike_drop ike_stash_add(struct ike *k, struct ike_shake *hs, const struct ike_rx *rx);
void	ike_stash_open(struct ike *k, struct ike_sa *sa);
void	ike_stash_free(struct ike *k, struct ike_stash *s);

/* ---- narrow.c */
uint16_t ike_frag_mtu(const struct ike *k, const struct ike_sa *sa);	/* largest IP packet of a message to that peer */
void	ike_narrow_request(struct ike *k, struct ike_sa *sa);
void	ike_narrow_answer(struct ike *k, struct ike_sa *sa, size_t piece);
void	ike_narrow_told(struct ike *k, struct ike_sa *sa);
void	ike_narrow_heard(struct ike *k, struct ike_sa *sa, bool response);

/* ---- redirect.c */
void	ike_redirect_build(const struct ike_sa *sa, struct ike_build *b);
enum ike_drop ike_redirect_init(struct ike *k, struct ike_sa *sa, const struct ike_notify *n);
bool	ike_redirect_auth(struct ike *k, struct ike_sa *sa, const struct ike_msg *m);
enum ike_drop ike_redirect_request(struct ike *k, struct ike_sa *sa, const struct ike_notify *n);

/* ---- mobike.c */
bool	ike_mobike_wanted(const struct ike_profile *p);
void	ike_mobike_readdress(struct ike *k, struct ike_sa *sa, const struct addr *is);	/* our address: changed, or gone (none) */
bool	ike_mobike_update(struct ike *k, struct ike_sa *sa);
void	ike_mobike_updated(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m);
bool	ike_mobike_answer(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m, struct ike_tx *t);
void	ike_mobike_move(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m);
void	ike_mobike_check(const struct ike_sa *sa, struct ike_tx *t);
bool	ike_mobike_checked(struct ike_sa *sa, const struct ike_msg *m);

/* ---- mke.c */
bool	ike_mke_pending(const struct ike_sa *sa);
struct span ike_mke_int_auth(const struct ike_sa *sa);
void	ike_mke_next(struct ike *k, struct ike_sa *sa);
enum ike_drop ike_mke_response(struct ike *k, struct ike_sa *sa, const struct ike_msg *m);
enum ike_drop ike_mke_request(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, struct ike_msg *m);
void	ike_mke_public(struct ike *k, struct ike_sa *sa, struct ike_job *job);	/* our next value is there: asks */
void	ike_mke_later(struct ike_sa *sa);
void	ike_mke_keys(struct ike *k, struct ike_sa *sa, struct ike_job *job);

/* ---- ppk.c */
unsigned ike_ppk_for(const struct ike_profile *p, unsigned key, const struct ike_id *id, const struct addr *remote);	/* whose; IKE_NO_KEY */
unsigned ike_ppk_likely(const struct ike *k, const struct ike_dial *d, const struct addr *remote, unsigned key);
bool	ike_ppk_optional(const struct ike *k, const struct ike_sa *sa);	/* initiator: AUTH is to be said without it too */
void	ike_ppk_undo(struct ike_sa *sa);	/* the request is looked at anew */
bool	ike_ppk_owed(struct ike *k, const struct ike_sa *sa);	/* initiator: the one who answered must use one, and does not */
const char *ike_ppk_reconf(struct ike_sa *sa, const struct ike_profile *from, const struct ike_profile *to, unsigned key);	/* NULL: it stays */
const char *ike_ppk_begin(struct ike *k, struct ike_sa *sa);	/* NULL, or why not */
void	ike_ppk_build(struct ike *k, struct ike_sa *sa, struct ike_tx *t);
bool	ike_ppk_answered(struct ike *k, struct ike_sa *sa, const struct ike_msg *m);
enum ike_drop ike_ppk_request(struct ike *k, struct ike_sa *sa, struct ike_msg *m);

/* ---- reauth.c */
void	ike_reauth_arm(struct ike *k, struct ike_sa *sa);
void	ike_reauth_build(struct ike *k, const struct ike_sa *sa, struct ike_tx *t);
void	ike_reauth_note(struct ike_sa *sa, const struct ike_msg *m);
bool	ike_reauth_due(struct ike *k, struct ike_sa *sa);
struct ike_sa *ike_reauth_old(const struct ike *k, const struct ike_sa *sa);
void	ike_reauth_inherit(struct ike *k, const struct ike_sa *old, struct ike_sa *heir);

/* ---- ext.c */
/* In IKE_AUTH: what is said beside identity, proof and the first child, and what the peer said. */
void	ike_ext_auth_build(struct ike *k, struct ike_sa *sa, struct ike_tx *t);
void	ike_ext_auth_note(struct ike *k, struct ike_sa *sa, const struct ike_msg *m);
void	ike_ext_build(const struct ike *k, const struct ike_sa *sa, struct ike_build *b);
void	ike_ext_note(const struct ike *k, struct ike_sa *sa, const struct ike_msg *m);

/* ---- init.c */
bool	ike_init_start(struct ike *k, struct ike_sa *sa);	/* false: no memory; sa is still the caller's */
enum ike_drop ike_init_request(struct ike *k, const struct ike_rx *rx, struct ike_msg *m);
enum ike_drop ike_init_response(struct ike *k, const struct ike_rx *rx, struct ike_msg *m);
bool	ike_shake_job(struct ike *k, struct ike_sa *sa, enum ike_job_kind kind, struct span peer);	/* takes the key exchange away from sa until it is done */
void	ike_shake_public(struct ike *k, struct ike_sa *sa, struct ike_job *job);	/* our value is there: says it */
void	ike_shake_keys(struct ike *k, struct ike_sa *sa, struct ike_job *job);

/* ---- auth.c */
void	ike_auth_start(struct ike *k, struct ike_sa *sa);
enum ike_drop ike_auth_request(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, struct ike_msg *m);
enum ike_drop ike_auth_response(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, struct ike_msg *m);
int	ike_key_for(const struct ike_profile *p, const struct ike_id *id, const struct addr *remote);	/* -1: none */
int	ike_key_for_ppk(const struct ike_profile *p, const struct ike_id *id, const struct addr *remote);	/* the same, of post-quantum keys */
int	ike_key_likely_ppk(const struct ike *k, const struct ike_dial *d, const struct addr *remote);
unsigned ike_key_candidates(const struct ike *k, const struct ike_dial *d, const struct addr *remote, unsigned out[static IKE_CANDS_MAX]);
void	ike_worked_set(struct ike *k, const struct addr *remote, unsigned profile, unsigned key);
void	ike_own_id(const struct ike_profile *p, const struct ike_sa *sa, struct ike_id *out);
bool	ike_key_fits(const struct ike_key *e, const struct ike_id *id, const struct addr *remote);
bool	ike_worked_at(const struct ike *k, const struct addr *remote);
bool	ike_profile_takes(const struct ike_profile *p, const struct ike_id *id, struct span cert);	/* cert: DER; empty: none */
struct span ike_proof_cert(const struct ike_sa *sa);	/* the one that was proved; empty: none */
struct span ike_proof_leaf(const struct ike_msg *m);	/* the certificate that AUTH is to prove; empty: by a pre-shared key, or not sent */

void	ike_auth_request_send(struct ike *k, struct ike_sa *sa);
enum ike_drop ike_auth_response_checked(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m);
enum ike_drop ike_auth_request_checked(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m);
enum ike_drop ike_auth_refuse(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, uint32_t mid, uint16_t type, enum ike_drop d, const char *why);
void	ike_fail_and_tell(struct ike *k, struct ike_sa *sa, enum ike_down why, bool retry_key, const char *text);
size_t	ike_auth_own_psk(const struct ike_sa *sa, const struct ike_key *key, uint8_t out[static IKE_PRF_LEN_MAX]);
struct ike_auth_in ike_auth_in(const struct ike_sa *sa, bool initiator, struct span id_body);

/* ---- proof.c: certificates */
bool	ike_takes_psk(const struct ike_profile *p);
bool	ike_takes_method(const struct ike_profile *p, uint8_t method);
void	ike_proof_hashes(struct ike_sa *sa, const struct ike_msg *m);	/* from IKE_SA_INIT */
void	ike_proof_build_init(struct ike *k, struct ike_tx *t, bool response);	/* what IKE_SA_INIT says of signatures and CAs */
void	ike_proof_choose(struct ike *k, struct ike_sa *sa, const struct ike_msg *m);	/* which of our keys, by the peer's CERTREQ */
void	ike_proof_build_certs(const struct ike_sa *sa, struct ike_tx *t);
void	ike_proof_build_certreq(const struct ike_profile *p, struct ike_tx *t);
/* Starts a job; m is held until it is back. With check the peer's signature in m, with sign ours. False: no memory. */
bool	ike_proof_start(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m, bool check, bool sign);
bool	ike_proof_job(struct ike *k, struct ike_sa *sa, struct ike_job *job);	/* came back; true: it is not to be discarded */
void	ike_proof_run(struct ike_proof_job *p);
void	ike_proof_free(const struct env *env, struct ike_proof_job *p);
void	ike_proof_forget(struct ike *k, struct ike_shake *hs);	/* what is held, signed, chosen */
void	ike_proof_vouch(struct ike *k, struct ike_sa *sa, const struct ike_msg *m);	/* its certificate goes from the handshake into the SA */
const char *ike_proof_unwelcome(const struct ike_profile *p, const struct ike_sa *sa);	/* by another configuration */
bool	ike_proof_own_why(struct ike *k, struct ike_sa *sa, char why[static IKE_WHY_MAX]);	/* true: we cannot prove who we are */

/* ---- child.c */
struct ike_child *ike_child_find(const struct ike *k, uint32_t spi_in);
struct ike_child *ike_child_by_out(const struct ike_sa *sa, uint32_t spi_out);
struct ike_child *ike_child_new(struct ike *k);	/* filed nowhere yet, with an SPI; NULL: neither memory nor SPI */
void	ike_child_free(struct ike *k, struct ike_child *c);	/* one that was never filed; NULL is fine */
struct ike_child_made {	/* what an exchange gave */
	const struct ike_choice *ch;
	const struct ike_nonce *ni, *nr;
	struct span g_ir, more;
	bool ours;	/* we are the initiator of the exchange */
	const struct dp_selectors *sel;
};
void	ike_child_file(struct ike *k, struct ike_sa *sa, struct ike_child *c, const struct ike_child_made *made);
/* Keys; files it and has it installed. False (and c is gone) when the keys cannot be made. */
bool	ike_child_install(struct ike *k, struct ike_sa *sa, struct ike_child *c, const struct ike_child_made *made, bool active);
struct ike_child *ike_child_spare(struct ike *k, struct ike_sa *sa);	/* one of ours that is one too many, or NULL */
bool	ike_child_sure(struct ike_child *c, tick_t now);	/* may the peer be asked about it? */
void	ike_child_activate(struct ike *k, struct ike_child *c);
void	ike_child_linger(struct ike *k, struct ike_child *c);	/* out of the SA, out of the data plane a little later */
void	ike_child_drop(struct ike *k, struct ike_child *c);	/* at once */
void	ike_child_taken(struct ike *k, struct ike_sa *sa, const struct ike_child *heir);	/* by the data plane */
void	ike_child_stays(struct ike *k, struct ike_sa *sa, const struct ike_child *heir, tick_t until);	/* heir was refused */
void	ike_child_want_delete(struct ike *k, struct ike_child *c);
void	ike_child_timer(struct ike *k, struct ike_child *c);
void	ike_child_gone(struct ike *k, struct ike_sa *sa, const struct ike_child *old);	/* one is being deleted: its successor is sent on */
void	ike_child_move_all(struct ike *k, struct ike_sa *from, struct ike_sa *to);
unsigned ike_child_count_up(const struct ike_sa *sa);

/* ---- pairs.c: several sets of selectors in one IKE SA */
unsigned ike_pairs(const struct ike_profile *p);	/* 0: GRE */
const struct dp_selectors *ike_pair_at(const struct ike_profile *p, unsigned i);
const struct dp_selectors *ike_pair_of(const struct ike_profile *p, uint32_t set);	/* NULL: not configured (any more) */
unsigned ike_pair_up(const struct ike_sa *sa, uint32_t set);	/* how many children of it are up */
bool	ike_pair_missing(const struct ike *k, const struct ike_sa *sa, uint32_t *set);	/* one that has no child and was not refused */
bool	ike_pair_wanted(struct ike *k, struct ike_sa *sa, uint32_t *set);	/* one that is to be asked for now */
bool	ike_pair_refused(struct ike *k, struct ike_sa *sa, uint32_t set, uint16_t type);	/* false: there is no other, so it matters to the whole */
bool	ike_pairs_reconf(struct ike *k, struct ike_sa *sa, const struct ike_profile *from, const struct ike_profile *to);	/* false: nothing stays */
unsigned ike_children_max(const struct ike *k, const struct ike_sa *sa);

/* ---- create_child.c */
bool	ike_cc_start(struct ike *k, struct ike_sa *sa, enum ike_cc_kind kind, struct ike_child *old, uint32_t set);	/* set: NEW */
enum ike_drop ike_cc_request(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, struct ike_msg *m);
enum ike_drop ike_cc_response(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, struct ike_msg *m);
void	ike_cc_job(struct ike *k, struct ike_sa *sa, struct ike_job **job, bool ours);	/* may keep it */
void	ike_cc_free(struct ike *k, struct ike_cc **cc);
bool	ike_cc_job_begin(struct ike *k, struct ike_sa *sa, struct ike_cc *cc, enum ike_job_kind kind, struct span peer);	/* with cc->kex */
void	ike_cc_hold(struct ike *k, struct ike_sa *sa, const struct ike_cc *cc, tick_t wait);	/* it is wanted again, but not before then */
void	ike_cc_refused(struct ike *k, struct ike_sa *sa, const struct ike_cc *cc, const struct ike_notify *n);	/* n: by what; NULL: by us */
void	ike_cc_undo(struct ike *k, struct ike_sa *sa, struct ike_cc *cc);	/* we cannot use what the peer may have made */

/* ---- follow.c: IKE_FOLLOWUP_KE */
bool	ike_follow_offers(const struct ike_profile *p, enum ike_cc_kind kind);
bool	ike_follow_chosen(const struct ike_choice *ch);
bool	ike_follow_keep(struct ike_cc *cc, const struct ike_job *job);	/* a secret; true: it was the last */
bool	ike_follow_link(struct ike_cc *cc, const struct ike_msg *m);	/* takes the peer's; false: it is missing */
bool	ike_follow_yields(struct ike *k, struct ike_sa *sa, struct ike_cc *cc);	/* ours ends here, the peer's goes on */
bool	ike_follow_begin(struct ike *k, struct ike_sa *sa, struct ike_cc *cc);	/* our next value. False: no memory */
bool	ike_follow_ask(struct ike *k, struct ike_sa *sa, struct ike_cc *cc);	/* it is there */
enum ike_drop ike_follow_response(struct ike *k, struct ike_sa *sa, const struct ike_msg *m);
enum ike_drop ike_follow_request(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, struct ike_msg *m);
void	ike_follow_wait(struct ike *k, struct ike_sa *sa, struct ike_cc *cc);	/* answered; the peer is to go on */
void	ike_follow_link_new(struct ike *k, struct ike_cc *cc, struct ike_tx *t);
void	ike_follow_drop(struct ike *k, struct ike_sa *sa);	/* what waits for the peer is given up */
void	ike_sa_takeover(struct ike *k, struct ike_sa *old, struct ike_sa *heir);	/* children, dials and name go to the heir */

/* ---- info.c */
bool	ike_info_live(struct ike *k, struct ike_sa *sa);
bool	ike_info_delete_children(struct ike *k, struct ike_sa *sa);
bool	ike_info_delete_ike(struct ike *k, struct ike_sa *sa);
enum ike_drop ike_info_request(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, struct ike_msg *m);
enum ike_drop ike_info_response(struct ike *k, struct ike_sa *sa, enum ike_xkind kind, struct ike_msg *m);
void	ike_info_mind_childless(struct ike *k, struct ike_sa *sa);
void	ike_live_timer(struct ike *k, struct ike_sa *sa);
void	ike_live_arm(struct ike *k, struct ike_sa *sa);
void	ike_live_use(struct ike *k, struct ike_sa *sa, bool ok, bool sent, tick_t at);
void	ike_live_suspect(struct ike *k, struct ike_sa *sa);	/* there is cause to look whether the peer is there */
void	ike_live_rx(struct ike *k, struct ike_sa *sa);	/* something authentic came */

tick_t	ike_live_retry(const struct ike *k, const struct ike_sa *sa);	/* between tries of a liveness check */

/* ---- probe.c */
void	ike_probe(struct ike *k, uint32_t sa, unsigned size);
void	ike_probe_begin(struct ike_sa *sa);
void	ike_probe_send(struct ike *k, struct ike_sa *sa);
void	ike_probe_answered(struct ike *k, const struct ike_sa *sa, const struct ike_exch *x);

/* ---- natt.c */
void	ike_natt_build(struct ike *k, struct ike_build *b, uint64_t spi_i, uint64_t spi_r, const struct endpoint *local, const struct endpoint *remote);
void	ike_natt_detect(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m, uint64_t spi_i, uint64_t spi_r);
void	ike_natt_float(struct ike_sa *sa);	/* initiator: on to 4500 */
const struct endpoint *ike_natt_said(const struct ike *k, const struct ike_sa *sa, const struct endpoint *local);	/* for ike_natt_build() */
bool	ike_natt_may_move(const struct ike_sa *sa);
void	ike_natt_move(struct ike *k, struct ike_sa *sa, const struct endpoint *local, const struct endpoint *remote);
void	ike_natt_ts(const struct endpoint *e, struct ike_ts *ts);	/* protocol 47, this host */
enum ike_drop ike_natt_ts_select(const struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m, bool tunnel, struct ike_ts *tsi,
    struct ike_ts *tsr);
bool	ike_natt_ts_is(const struct ike_ts_list *l, bool natted, const struct endpoint *e);

/* ---- selector.c: mode and traffic selectors of an ESP SA */
void	ike_sel_ask_mode(const struct ike_profile *p, struct ike_tx *t);	/* the notification, where there is one */
void	ike_sel_answer_mode(const struct dp_selectors *agreed, struct ike_tx *t);
void	ike_sel_note(struct ike_sa *sa, const struct dp_selectors *agreed);	/* for the next offer */
void	ike_sel_build(struct ike_tx *t, const struct ike_ts_pair *ts);
void	ike_sel_offer(const struct ike_profile *p, const struct ike_sa *sa, uint32_t set, struct ike_ts_pair *out);
/* Responder: what to answer; old: the child that is rekeyed, or NULL. IKE_DROP_MODE or IKE_DROP_SELECTORS where there is nothing. */
enum ike_drop ike_sel_narrow(const struct ike *k, const struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m,
    const struct ike_child *old, struct ike_ts_pair *out, struct dp_selectors *sel);
/* Initiator: is the answer one to what was offered? */
enum ike_drop ike_sel_agreed(const struct ike *k, const struct ike_sa *sa, const struct ike_msg *m, uint32_t set, struct dp_selectors *sel);
bool	ike_sel_fits(const struct ike_profile *p, const struct ike_msg *m);	/* is it a profile for what is asked? */
const char *ike_sel_mismatch(const struct ike_profile *p, const struct ike_msg *m, char out[static IKE_REASON_MAX]);
const char *ike_sel_refused(const struct ike_profile *p, uint32_t set, uint16_t type, const char *otherwise, char out[static IKE_REASON_MAX]);

/* ---- cookie.c: admission */
enum ike_admit { IKE_ADMIT, IKE_ADMIT_PROVEN, IKE_ADMIT_COOKIE, IKE_ADMIT_BAD, IKE_ADMIT_FULL };
enum ike_admit ike_admission(struct ike *k, const struct ike_rx *rx, const struct ike_msg *m);
void	ike_cookie_send(struct ike *k, const struct ike_rx *rx, const struct ike_msg *m);
void	ike_refuse_clear(struct ike *k, const struct ike_rx *rx, const struct ike_hdr *h, uint8_t proto, uint16_t type, struct span data);
void	ike_invalid_spi_send(struct ike *k, const struct endpoint *local, const struct endpoint *remote, uint32_t spi);
unsigned ike_addr_cell(const struct ike *k, const struct addr *a);
void	ike_cookie_init(struct ike *k);

bool	ike_may_answer_clear(struct ike *k, const struct ike_rx *rx);	/* that address, and there is room */

/* ---- qcd.c: quick crash detection */
void	ike_qcd_init(struct ike *k);
void	ike_qcd_fini(struct ike *k);
void	ike_qcd_timer(struct ike *k);
void	ike_qcd_put(const struct ike *k, struct ike_sa *sa, struct ike_tx *t);	/* our token, into a protected message */
void	ike_qcd_renew(struct ike *k, struct ike_sa *sa);	/* sends it if the peer does not have it */
void	ike_qcd_take(struct ike *k, struct ike_sa *sa, const struct ike_msg *m);	/* the peer's, out of one */
enum ike_drop ike_qcd_judge(struct ike *k, struct ike_sa *sa, const struct ike_msg *m);	/* IKE_OK: it lost sa, which is gone */
void	ike_qcd_answer(struct ike *k, const struct ike_rx *rx, const struct ike_msg *m);	/* to a message for an SA we do not have */
void	ike_qcd_mark(struct ike *k, struct ike_sa *sa);	/* its trace has changed */
void	ike_qcd_forget(struct ike *k, struct ike_sa *sa);	/* it goes */

/* ---- proposal.c */
struct ike_offer {
	struct ike_prop prop[IKE_PROPOSALS_MAX];
	struct ike_xform xf[IKE_PROPOSALS_MAX * (4 * IKE_TRANSFORMS_MAX + 2 + IKE_ADDKE_MAX * IKE_ADDKE_IDS)];
	unsigned n_prop, n_xf;
	uint8_t spi[8];
};
void	ike_offer_ike(const struct ike_profile *p, uint16_t only_prf, uint64_t spi, struct ike_offer *o);
void	ike_offer_esp(const struct ike_profile *p, bool groups, uint32_t spi, struct ike_offer *o);
void	ike_offer_choice(const struct ike_choice *c, uint8_t proto, uint64_t spi, struct ike_offer *o);	/* what we answer */
bool	ike_select_ike(const struct ike_profile *p, const struct ike_msg *m, uint16_t ke_group, uint16_t only_prf, struct ike_choice *out);
bool	ike_select_esp(const struct ike_profile *p, const struct ike_msg *m, bool groups, uint16_t ke_group, struct ike_choice *out);
bool	ike_answer_ike(const struct ike_profile *p, const struct ike_msg *m, uint16_t only_prf, bool with_spi, struct ike_choice *out);
bool	ike_answer_esp(const struct ike_profile *p, const struct ike_msg *m, bool groups, struct ike_choice *out);
bool	ike_allows_ike(const struct ike_profile *p, const struct ike_choice *c);
bool	ike_offers_group(const struct ike_profile *p, bool esp, uint16_t group);
uint16_t ike_first_group(const struct ike_profile *p, bool esp);	/* 0: none */
bool	ike_kex_known(uint16_t group);

/* ---- words.c: proposals for people; each answers out */
char	*ike_words_offered(const struct ike_msg *m, char *out, size_t size);
char	*ike_words_wanted(const struct ike_profile *p, bool esp, bool groups, char *out, size_t size);
char	*ike_words_mismatch(const struct ike_profile *p, const struct ike_msg *m, bool esp, bool groups, char out[static IKE_REASON_MAX]);
char	*ike_words_refused(const struct ike_profile *p, bool esp, bool groups, const char *what, char out[static IKE_REASON_MAX]);

/* ---- dial.c */
void	ike_dial_event(struct ike *k, const struct ike_event *ev);
void	ike_dial_hangup(struct ike *k, uint32_t id);
void	ike_dial_timer(struct ike *k, struct ike_dial *d);
void	ike_dial_failed(struct ike *k, struct ike_dial *d, enum ike_down why, bool retry_key, const char *reason);
void	ike_dial_up(struct ike *k, struct ike_sa *sa);
void	ike_dial_adopt(struct ike *k, struct ike_sa *sa);	/* the peer opened what a dial is for */
void	ike_dial_down(struct ike *k, struct ike_sa *sa, uint32_t other);	/* sa is no more; other: what took its place */
void	ike_dial_attach(struct ike_dial *d, struct ike_sa *sa);
void	ike_dial_detach(struct ike *k, struct ike_dial *d);
void	ike_dial_free_all(struct ike *k);
void	ike_dial_trace(struct ike *k, const struct ike_sa *sa, enum trace_step step);	/* for who waits for it */
void	ike_dial_reconf(struct ike *k, struct ike_dial *d, unsigned profile);
void	ike_dial_local(struct ike *k, const struct addr *was, const struct addr *is);

/* ---- job.c */
/* Takes kex over; NULL: no memory. */
struct ike_job *ike_job_new(struct ike *k, struct ike_sa *sa, enum ike_job_kind kind, struct ike_kex **kex, struct span peer);
bool	ike_job_emit(struct ike *k, struct ike_sa *sa, struct ike_job *job);
/* One that came back with our value goes out once more for the secret, which takes no memory. False: there is no room in the queue. */
bool	ike_job_again(struct ike *k, struct ike_sa *sa, struct ike_job **job, struct span peer);
bool	ike_job_crowded(const struct ike *k);	/* strangers must wait */
bool	ike_job_knows(const struct ike *k, const struct addr *remote);	/* someone from there was authenticated before */
void	ike_job_event(struct ike *k, struct ike_job *job);

/* ---- names.c */
void	ike_log_id(const struct ike_id *id, char out[static 600]);

#endif
