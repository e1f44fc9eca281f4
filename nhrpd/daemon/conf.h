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

enum conf_plane { CONF_PLANE_AUTO, CONF_PLANE_KERNEL, CONF_PLANE_USER };
enum { CONF_ERRORS_MAX = 20 };

struct conf_error {
	char file[PATH_MAX];
	unsigned line, column;	/* from 1; 0 where the place is the whole file */
	char text[256];	/* "expected an IPv4 address, found \"foo\"" */
};

struct conf {
	char hostname[64];
	enum conf_plane plane;
	enum log_level log_level;
	bool log_syslog;
	char control_path[108];	/* "": the default */
	struct core_conf core;	/* ike profiles, tunnels: point into this object */
	void *mem;	/* what it owns; conf.c's */
	struct conf_error error[CONF_ERRORS_MAX];
	unsigned n_error;
};

/* Reads a file (and what it includes). On errors the object holds them and n_error is not 0. NULL only without memory. */
struct conf *conf_read(const char *path);
struct conf *conf_read_text(const char *name, const char *text);	/* the same from memory: tests, fuzzing */
void	conf_free(struct conf *c);	/* wipes secrets */
void	conf_print_errors(const struct conf *c, FILE *f);	/* "hub.conf:12:5: expected ..." with the line and a caret */

#endif
