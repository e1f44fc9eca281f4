/* tests/unit/nhrp_engine/bench.h: one engine on the bench: packets built and put in, actions read out. */
#ifndef TESTS_NHRP_ENGINE_BENCH_H
#define TESTS_NHRP_ENGINE_BENCH_H

#include "nhrpd/engine/nhrp_priv.h"
#include "tests/unit/nhrp_engine/world.h"

struct bench {
	struct test_env t;
	struct nhrp_conf conf;
	struct nhrp *n;
	struct outq q;
	tick_t now;
	uint8_t raw[1600];
	size_t raw_n;
};

void	bench_init(struct bench *b, const char *own, const char *nbma);	/* conf may be changed before bench_start() */
void	bench_start(struct bench *b);
void	bench_free(struct bench *b);	/* also checks that nothing leaked */
void	bench_clear(struct bench *b);	/* forget the actions so far */
void	bench_peer(struct bench *b, uint32_t id, const char *remote, const char *identity);
void	bench_peer_down(struct bench *b, uint32_t id);
void	bench_route(struct bench *b, const char *prefix, enum nhrp_route_kind kind, const char *via);
void	bench_run(struct bench *b, tick_t for_);	/* ticks; actions pile up */
void	bench_event(struct bench *b, const struct nhrp_event *ev);
enum nhrp_drop bench_rx(struct bench *b, uint32_t peer, const char *remote, const struct nhrp_packet *p);
enum nhrp_drop bench_raw(struct bench *b, uint32_t peer, const char *remote, struct span raw);
unsigned bench_count(struct bench *b, enum nhrp_act_kind kind);
struct nhrp_act *bench_act(struct bench *b, enum nhrp_act_kind kind, unsigned i);	/* i-th of its kind; fails the test where absent */
struct nhrp_packet bench_sent(struct bench *b, unsigned i);	/* i-th packet sent */
void	bench_answer(struct bench *b, bool ok);	/* results for all neighbours, routes and queries in the queue; clears it */
/* A hub registered with: NHS 0 (dynamic, name is an address) up over peer 1. */
void	bench_nhs_up(struct bench *b, const char *nhs_proto);

struct nhrp_packet pkt(uint8_t type, const char *src_nbma, const char *src, const char *dst);	/* one empty CIE for types 1..6 */
void	pkt_ext(struct nhrp_packet *p, uint16_t type, bool compulsory, struct span value);
struct span cies(const struct nhrp_cie *cie, unsigned n);	/* encoded; static memory, a few live at a time */
struct nhrp_cie cie_of(uint8_t code, uint8_t bits, const char *nbma, const char *proto, uint16_t hold);

#endif
