/* tools/bench/swarm.h: many spokes in one process, for tests and measurements of a real hub.
 *
 * Each spoke is a struct core of its own with its own IKE engine, made from one configuration file of a spoke as a template: its
 * identity gets a number in front, its outer and its tunnel address count up. On the wire is what real spokes send: IKE on ports
 * 500 and 4500, NHRP in GRE in ESP. Only devices, neighbours and routes are missing: nothing is behind these spokes.
 *
 * They share the sockets; a spoke is known by the outer address a datagram came to, an SA by its SPI. So the process needs the
 * range of outer addresses for itself: in a namespace, `ip route add local 198.19.0.0/16 dev lo`. */
#ifndef TOOLS_BENCH_SWARM_H
#define TOOLS_BENCH_SWARM_H

#include <ev.h>
#include <stdio.h>

#include "lib/timer.h"
#include "mgre/gre.h"
#include "nhrpd/daemon/conf.h"
#include "nhrpd/daemon/ikesock.h"
#include "nhrpd/daemon/loop.h"
#include "xfrm/user.h"

enum { SWARM_MAX = 1000000, SWARM_REG_MAX = 512 };

struct spoke {
	struct swarm *w;
	unsigned index;	/* from 0 */
	char name[16];
	struct addr outer, overlay;
	struct core *core;	/* NULL: not started */
	struct core_conf conf;
	struct core_tunnel_conf tunnel;
	struct ike_profile profile;
	struct log log;
	struct timer timer;
	struct spoke *dirty;	/* next that has something to be carried out; itself at the end, NULL: not in the list */
	bool up;
	tick_t started_at, secured_at, up_at, down_at;
	unsigned ups, downs;
	tick_t setup, recovery;	/* how long the last ones took */
	uint8_t reg[SWARM_REG_MAX];	/* the last registration, for floods of them */
	size_t reg_len;
	uint32_t reg_peer;
};

struct swarm_options {
	const char *template;	/* configuration of a spoke */
	unsigned n;
	unsigned rate;	/* spokes started a second; 0: all at once */
	struct addr outer, overlay;	/* of the first */
	double seconds;	/* then it ends; 0: when told to */
	bool until_up;	/* ends when all are registered */
	unsigned flood_init, flood_register;	/* a second */
	struct prefix flood_from;	/* spoofed sources of the former */
	const char *events;	/* file for what happened to each spoke and when; NULL: nowhere */
	enum log_level level;
	bool crash;	/* at the end: without saying goodbye */
};

struct swarm {
	struct swarm_options o;
	struct loop loop;
	struct log log;
	struct conf *conf;
	struct gre gre;
	struct ikesock *ike;
	struct xfrm_user *xfrm;
	struct dpsec_out out;
	struct spoke **spoke;
	unsigned n_started, n_up, most_up;
	struct spoke *dirty_first, *dirty_last;
	struct timers timers;
	ev_timer tick, start, stop, flood;
	ev_signal on_term, on_int, on_usr1;
	tick_t began, all_up_at;
	FILE *events;
	uint64_t ike_tx, ike_rx, nhrp_tx, nhrp_rx, dropped, flood_sent, flood_failed;
	int raw;	/* for spoofed sources; -1: none */
	uint8_t init[2048];	/* an IKE_SA_INIT request as a spoke made it */
	size_t init_len;
	struct endpoint init_to;
	unsigned flood_next;
};

/* spoke.c */
struct spoke *spoke_new(struct swarm *w, unsigned index);	/* started; NULL: no memory */
void	spoke_free(struct spoke *s);
void	spoke_run(struct swarm *w);	/* carries out what waits, for all that have something */
void	spoke_tick(struct swarm *w);	/* those whose time has come */
void	spoke_shutdown(struct spoke *s);
bool	spoke_planes(struct swarm *w, char *err, size_t n);	/* the sockets that all share */

/* flood.c */
bool	flood_open(struct swarm *w, char *err, size_t n);
void	flood_step(struct swarm *w, double seconds);	/* sends what is due after that time */
void	flood_close(struct swarm *w);

/* report.c */
void	report_event(struct spoke *s, const char *what);
void	report_summary(struct swarm *w, FILE *f);	/* one JSON object, one line */

#endif
