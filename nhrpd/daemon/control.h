/* nhrpd/daemon/control.h: the control socket: JSON lines in, JSON lines out (control_words.h has the commands). */
#ifndef NHRPD_DAEMON_CONTROL_H
#define NHRPD_DAEMON_CONTROL_H

#include "lib/host.h"
#include "nhrpd/daemon/conf.h"
#include "nhrpd/daemon/control_words.h"
#include "nhrpd/daemon/logring.h"
#include "nhrpd/daemon/reload.h"
#include "routing/lookup.h"
#include "routing/routes.h"
#include "routing/watch.h"

enum { CONTROL_CLIENTS_MAX = 16, CONTROL_STALL_S = 5 };

/* An answer that is not complete yet: the peer is to be probed. */
struct control_later {
	bool wanted;
	enum control_verb verb;	/* of the command */
	uint32_t tunnel;
	struct addr proto;
};

/* What is shown and cleared. Actions that clearing causes wait in the core: the loop carries them out after each callback. */
struct control_src {
	struct core *core;
	struct dp *dp;	/* NULL: none (tests) */
	const struct conf *conf;	/* in force */
	tick_t started;
	const char *conf_path;	/* NULL: none */
	const char *plane;	/* "kernel", "user", whatever was configured; NULL: as configured (tests) */
	const char *plane_why;	/* `dataplane auto`: why not the kernel's; NULL or "": nothing to say */
	struct logring *log;	/* NULL: no log is kept */
	void (*reload)(void *ctx, struct reload *r);	/* NULL: cannot (tests). May call control_set_src(). */
	/* Asks a peer over its SA; what comes of it goes to control_probed() with the same cookie. NULL: cannot (tests). */
	void (*probe)(void *ctx, uint32_t tunnel, const struct addr *proto, uint32_t cookie);
	struct control_later *later;	/* where an answer that has to wait says for what; NULL: nobody can wait */
	/* Where keys of SAs are written from now on; NULL: nowhere. Answers why not, or NULL. NULL: cannot (tests). */
	const char *(*keys)(void *ctx, const char *path);
	/* What the kernel would do now: with a packet to an address; has it an entry for a next hop (1, 0, negative errno)? NULL: cannot (tests). */
	void (*route)(void *ctx, const struct addr *to, struct route_answer *out);
	int (*neigh)(void *ctx, uint32_t ifindex, const struct addr *hop);
	void (*routes)(void *ctx, struct routes_info *out);	/* NULL: nothing is known (tests) */
	const char *(*route_by)(void *ctx, const struct prefix *dst, uint32_t tunnel);	/* who installed a route of ours; NULL: the kernel (tests) */
	/* How bfdd sees a neighbour; false: nobody is to watch it. why: static. NULL: nothing is known (tests) */
	bool (*bfd)(void *ctx, uint32_t tunnel, const struct addr *proto, struct watch_peer_info *out, const char **why);
	bool (*way)(void *ctx, const struct addr *to, struct watch_way_info *out);	/* zebra's, to an outer address; false: it is not known. NULL: nothing is (tests) */
	void (*counters)(void *ctx, dp_counter_fn *fn, void *arg);	/* of the data plane, beside its own. NULL: none (tests) */
	void *ctx;	/* for the functions */
	bool secrets;	/* who asks may see secrets; the socket sets it for each client */
};

struct control;
/* Listens at path ("" or NULL: the default), whose last folder is made when it is not there. src is copied. NULL: `why`
 * says what is wrong. */
struct control *control_new(const struct host *host, const char *path, const struct control_src *src, char *why, size_t n);
void	control_free(struct control *c);	/* and removes the socket; NULL is fine */
void	control_set_src(struct control *c, const struct control_src *src);	/* after a reload */

void	control_probed(struct control *c, uint32_t cookie, bool ok, tick_t took, const char *reason);

/* One request to its answer, both one line; from malloc, ends in '\n'. NULL without memory. */
char	*control_answer(const struct control_src *src, tick_t now, const char *request, size_t n);

#endif
