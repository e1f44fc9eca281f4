/* tests/unit/core/bench.h: cores back to back. Each side is a core with its real engines and a data plane that only remembers:
 * every action is noted in order, results are faked as the test wants, messages go to the other side by address (IKE) and by
 * SPI (NHRP). Time is virtual and moves only in bench_run(). */
#ifndef TESTS_UNIT_CORE_BENCH_H
#define TESTS_UNIT_CORE_BENCH_H

#include "nhrpd/core/core.h"
#include "tests/unit/harness.h"

enum { SIDES = 3, NOTES = 4096, SAS = 64, MESSAGES = 1024 };
enum { HUB, SPOKE, OTHER };	/* sides */

struct note {
	enum core_act_kind kind;
	tick_t at;
	uint32_t spi_in, peer, cookie;
	struct addr proto, source;
	struct prefix dst;
	bool ok, active;
};

struct b_sa {
	bool there;
	uint32_t spi_in, spi_out, peer;
	struct endpoint local, remote;
	bool bare;	/* no SA at all: told apart by address */
	bool used;
	uint64_t rx, tx;
};

struct bench;
struct side {
	unsigned n_paths, path_size;	/* PATH_RESULT: how many, and the last */
	enum dp_path_result path;
	struct bench *b;
	struct test_env t;
	unsigned index;
	struct addr addr, overlay;
	struct core_conf conf;
	struct core_tunnel_conf tunnel;
	struct ike_profile profile;
	struct ike_key key;
	struct core *core;
	struct note note[NOTES];
	unsigned n_note;
	struct b_sa sa[SAS];
	uint32_t next_spi, sent_on[64];	/* by peer: inbound SPI of the pair that is sent on */
	uint64_t out_packets[64];	/* by peer */
	/* what goes wrong */
	unsigned refuse_tunnel, refuse_sa, refuse_neigh, refuse_route;	/* so many from now on */
	bool deaf_ike, deaf_nhrp, no_names, no_stats;
	bool bare;	/* its tunnel is, since bench_start() */
	bool no_link;	/* the interface goes down as soon as it is there */
};

struct message {
	tick_t at;
	unsigned to;
	bool nhrp, natt;
	uint32_t spi;
	struct endpoint src, dst;
	size_t n;
	uint8_t octets[4096];
};

struct bench {
	struct side s[SIDES];
	unsigned n;
	tick_t now;
	struct message *m[MESSAGES];
	unsigned n_m;
};

extern void (*bench_watch)(void *ctx, uint32_t tunnel, uint32_t peer);	/* as the core's peer_watch; NULL: none */

/* A hub and n - 1 spokes that register with it; configured, not started: the test may change configurations first. */
void	bench_init(struct bench *b, unsigned n);
void	bench_fini(struct bench *b);	/* complains about leaks */
bool	bench_start(struct bench *b, unsigned side);	/* core_new(), source, routes, first tick; false without memory */
void	bench_start_all(struct bench *b);
void	bench_kill(struct bench *b, unsigned side);
void	bench_carry(struct bench *b, unsigned side);	/* after calls of the test's own */
void	bench_run(struct bench *b, unsigned ms);
void	bench_source(struct bench *b, unsigned side, const char *addr);	/* NULL: gone */
struct addr bench_addr(const char *text);

/* Notes of a kind, counted from `from`; the first one's place or -1. */
unsigned bench_count(const struct side *s, enum core_act_kind kind, unsigned from);
int	bench_find(const struct side *s, enum core_act_kind kind, unsigned from);
/* The i-th that core_visit_peer() shows; step -1 when there is none. */
struct core_peer_info bench_peer(const struct side *s, unsigned i, char reason[static 256]);
unsigned bench_peers(const struct side *s);
bool	bench_registered(const struct side *s);	/* its first NHS is up */
const struct b_sa *bench_sa(const struct side *s, uint32_t spi_in);
unsigned bench_sas(const struct side *s);

Suite *core_suite(void);
Suite *idle_suite(void);
Suite *peer_suite(void);
Suite *pump_suite(void);
Suite *want_suite(void);
Suite *way_suite(void);
Suite *show_suite(void);
Suite *reconf_suite(void);
Suite *timeline_suite(void);
Suite *plain_suite(void);
Suite *authority_suite(void);
Suite *bare_suite(void);

#endif
