/* nhrpd/daemon/conf.h: the configuration file, IOS/FRR words to structs.
 *
 * Parsed into a new object from the keyword table (conf_words.c); errors carry file, line and column and what was
 * expected; nothing is half applied. The object owns everything its engine structs point to. */
#ifndef NHRPD_DAEMON_CONF_H
#define NHRPD_DAEMON_CONF_H

#include <limits.h>
#include <stdio.h>

#include "lib/log.h"
#include "nhrpd/core/core.h"
#include "routing/zebra.h"

enum conf_plane { CONF_PLANE_AUTO, CONF_PLANE_KERNEL, CONF_PLANE_USER };
enum { CONF_TRUSTS_MAX = 16 };
enum { CONF_ERRORS_MAX = 20, CONF_WARNINGS_MAX = 8, CONF_STATICS_MAX = 256 };

struct conf_error {
	char file[PATH_MAX];
	unsigned line, column;	/* from 1; 0 where the place is the whole file */
	char text[256];	/* "expected an IPv4 address, found \"foo\"" */
	const char *shown;	/* the line it is about, secrets masked; NULL where there is none. Owned by the conf. */
};

struct conf_static {	/* ip route PREFIX NEXTHOP */
	struct prefix dst;
	struct addr via;
	char name[DP_NAME];	/* of the tunnel interface that leads there; "": it is shut down */
};

/* An entry of a crypto map, which is a tunnel of its own; and a line of its access list: an ESP SA and a route. */
struct conf_permit {
	struct prefix local, remote;
	struct dp_range from, to;	/* the same, with protocol and ports */
	uint32_t set;	/* of struct dp_selectors */
};
enum { CONF_MAP_ACLS = 12 };
struct conf_map {
	const char *name, *interface, *profile;	/* profile: IKEv2's */
	const char *acl[CONF_MAP_ACLS];
	unsigned n_acl;
	unsigned number;
	const struct conf_permit *line;
	unsigned n_line;
};

struct conf_bfd_times {	/* bfd interval MS min_rx MS multiplier N; multiplier 0: no BFD */
	uint16_t interval_ms, min_rx_ms;
	uint8_t multiplier;
};

struct conf {
	char hostname[64];
	enum conf_plane plane;
	unsigned offload_off;	/* enum dp_offload: not to be used */
	enum dp_crypto crypto;
	enum log_level log_level;
	bool log_syslog;
	char store_path[PATH_MAX];	/* where registrations are kept over a restart; "": the default */
	bool store_off;
	char control_path[108];	/* "": the default */
	struct zebra_conf zebra;
	struct core_conf core;	/* ike profiles, tunnels: point into this object. Interfaces that are shut down are left out. */
	struct {	/* by index of core.tunnel: what the core does not need but the daemon or show does */
		const char *description;	/* "" when not given */
		const struct conf_map *map;	/* NULL: an interface of the configuration */
		struct conf_bfd_times bfd;
	} tunnel[CORE_TUNNELS_MAX];
	unsigned n_shutdown;
	struct ike_trust *trust[CONF_TRUSTS_MAX];	/* trustpoints, in order; counted in */
	unsigned n_trust;
	const struct conf_static *route;
	unsigned n_static;
	const struct conf_said *said;	/* lines in force, for conf_each_line() */
	void *mem;	/* what it owns; conf.c's */
	struct conf_error error[CONF_ERRORS_MAX];
	unsigned n_error;	/* more may have been found than are kept here: n_error stops at CONF_ERRORS_MAX */
	struct conf_error warning[CONF_WARNINGS_MAX];	/* nothing that stops it from being used */
	unsigned n_warning;
};

/* Reads a file (and what it includes). On errors the object holds them, n_error is not 0 and `core` is empty. NULL only
 * without memory. conf_read_text() is the same from memory (tests, fuzzing) and opens no file: include and secrets' files
 * are errors there. */
struct conf *conf_read(const char *path);
struct conf *conf_read_text(const char *name, const char *text);
void	conf_free(struct conf *c);	/* wipes secrets */
void	conf_print_errors(const struct conf *c, FILE *f);	/* "hub.conf:12:5: expected ..." with the line and a caret; warnings too */
/* The configuration in force as lines that load to the same again; without `secrets` they are masked by words that do not load.
 * Lines live during the call only. */
typedef void conf_line_fn(void *ctx, const char *line);
void	conf_each_line(const struct conf *c, bool secrets, conf_line_fn *fn, void *ctx);
/* What only one of them says, as "BLOCK: - LINE" and "BLOCK: + LINE", secrets masked. Answers how many; -1 without memory. */
int	conf_diff(const struct conf *was, const struct conf *is, conf_line_fn *fn, void *ctx);
/* Before a reload: gives each interface the place it has in the configuration in force, new ones a free place. What was left
 * between them is free: its name is "". */
void	conf_keep_places(struct conf *c, const struct conf *in_force);
int	conf_check_file(const char *path, FILE *f);	/* nhrpd --check: prints what is wrong; exit status 0 fine, 1 errors, 3 no memory */

#endif
