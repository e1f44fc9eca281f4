/* nhrpd/daemon/privilege.h: what this process may still do once its sockets are open (see privilege.c). */
#ifndef NHRPD_DAEMON_PRIVILEGE_H
#define NHRPD_DAEMON_PRIVILEGE_H

#include <stdbool.h>
#include <stddef.h>

/* CAP_NET_ADMIN and CAP_NET_RAW, as far as they are there, and nothing else, now and after any exec; no new privileges. Of the calling
 * thread and those it starts from then on. False with a sentence in err. */
bool	privilege_drop(char *err, size_t errlen);

enum privilege_filter {
	PRIVILEGE_FILTERED,
	PRIVILEGE_NO_FILTER,	/* this kernel has no seccomp filters, or this build has sanitizers, which need more: why says which */
	PRIVILEGE_FAILED,
};

/* System calls: the list in privilege.c and no others, for all threads. */
enum privilege_filter privilege_filter(char *why, size_t whylen);

#endif
