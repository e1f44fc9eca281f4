/* xfrm/sa.h: the SAs of the user plane: found by inbound SPI on receipt, by peer for sending. Lifetimes, statistics, and what
 * is to be told about them. Pure: time comes in as a number, events are fetched.
 *
 * An SA stands in for both directions and is named by its inbound SPI. A peer sends on its active SA: the one activated last
 * that has not been stopped by a hard limit; of SAs with selectors that one of those that allow the packet. Adding an SA a second time changes nothing: its sequence numbers run on,
 * because a number used twice under one AEAD key gives the key stream away. */
#ifndef XFRM_SA_H
#define XFRM_SA_H

#include "lib/dplane.h"
#include "lib/map.h"
#include "lib/timer.h"
#include "xfrm/esp.h"
#include "xfrm/pmtud.h"

enum {
	SADB_SAS_MAX = 1 << 20,	/* in all */
	SADB_PEER_SAS_MAX = 128,	/* of one peer: rekeying leaves a few, and there may be several sets of selectors */
	SADB_SPI_RECENT = 256,	/* SPIs handed out that may not be added yet */
	SADB_PMTU_MIN4 = 576, SADB_PMTU_MIN6 = 1280,	/* no report of the path goes lower: they are not authenticated */
	SADB_SEQ_SOFT = 1 << 28,	/* so many numbers left: time to rekey */
};

struct xpeer {
	struct map_node node;
	uint32_t tunnel, peer;
	struct xsa *sas;	/* newest first */
	unsigned n_sas;
	struct xsa *active;	/* NULL: nothing can be sent */
	struct pmtud path;	/* its MTU, outer IP header included */
	tick_t route_until;	/* then the route is asked anew */
	tick_t last_rx;
	unsigned payload_max;	/* from the path's MTU and the active SA's cipher */
	uint64_t rx_drops;	/* of all its SAs */
};

/* What stays of a struct dp_sa: all but keys, which the ciphers have, and their kind, which the suite says. */
struct xsa_conf {
	uint32_t tunnel, peer;
	uint32_t spi_in, spi_out;
	struct endpoint local, remote;
	bool encap, esn;
	uint32_t replay_window;
	struct dp_life life;
	const struct dp_selectors *sel;	/* behind the struct xsa */
};

struct xsa {
	struct map_node by_in, by_out;
	struct xsa *next;
	struct xpeer *peer;
	struct xsa_conf conf;
	struct esp_out out;
	struct esp_in in;
	uint64_t activated;	/* serial; 0 never */
	bool stopped;	/* by a hard limit */
	struct dp_sa_stats st;
	struct timer timer;
	tick_t born;
	unsigned raised, pending;	/* bits of enum dp_event_kind; raised: not again */
	struct xsa *pend_next, **pend_prev;
	struct endpoint moved_local, moved_remote;
	tick_t moved_at;
	void *path;	/* the socket side's, behind this struct */
};

struct sadb {
	const struct env *env;
	struct map by_in, by_out, peers;
	struct timers timers;
	struct xsa *pend_head, **pend_tail;
	struct xpeer *last;	/* found last */
	uint64_t serial;
	size_t n, extra;
	uint32_t recent[SADB_SPI_RECENT];
	unsigned recent_at;
};

void	sadb_init(struct sadb *db, const struct env *env, size_t extra);	/* extra: octets at each SA's path */
void	sadb_fini(struct sadb *db);
uint32_t sadb_spi_alloc(struct sadb *db);
int	sadb_add(struct sadb *db, tick_t now, const struct dp_sa *sa, struct xsa **out);	/* *out: the SA, old or new */
void	sadb_del(struct sadb *db, struct xsa *sa);
struct xsa *sadb_find(const struct sadb *db, uint32_t spi_in);
struct dp_sa sadb_as_added(const struct xsa *sa);	/* without its keys */
/* By what an ICMP error quotes of a packet we sent. */
struct xsa *sadb_find_sent(const struct sadb *db, uint32_t spi_out, const struct addr *remote);
struct xpeer *sadb_peer(struct sadb *db, uint32_t tunnel, uint32_t peer);	/* NULL: has no SA */
void	sadb_activate(struct sadb *db, struct xsa *sa);
struct xsa *sadb_for(const struct xpeer *p, uint8_t next, struct span ip);	/* what a plain packet is sent on; NULL: no SA allows it */
void	sadb_move(struct sadb *db, struct xsa *sa, const struct endpoint *local, const struct endpoint *remote, bool encap);
void	sadb_path_changed(struct xpeer *p);	/* its MTU may have */
void	sadb_ask_path(struct sadb *db, struct xpeer *p);	/* there is a question: raises it */
unsigned sadb_outer(const struct xsa *sa);	/* octets of outer IP and UDP header */

void	sadb_sent(struct sadb *db, struct xsa *sa, tick_t now, size_t payload);
/* After authentication; newest and from: the packet's sequence number and UDP source (NULL: native ESP). */
void	sadb_received(struct sadb *db, struct xsa *sa, tick_t now, size_t payload, bool newest, const struct endpoint *local,
	    const struct endpoint *from);
void	sadb_tick(struct sadb *db, tick_t now);	/* lifetimes */
bool	sadb_event(struct sadb *db, struct dp_event *out);	/* the next thing to tell; false: none */

#endif
