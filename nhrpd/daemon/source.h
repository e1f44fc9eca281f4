/* nhrpd/daemon/source.h: follows the addresses of the interfaces named by `tunnel source IFNAME`, by rtnetlink. */
#ifndef NHRPD_DAEMON_SOURCE_H
#define NHRPD_DAEMON_SOURCE_H

#include "lib/addr.h"
#include "lib/host.h"

enum { SOURCES_MAX = 16 };

struct source;
/* The interface's address of that family is now addr; none while it has none. */
typedef void source_fn(void *ctx, uint32_t tunnel, const struct addr *addr);

struct source *source_new(const struct host *host, source_fn *fn, void *ctx, char *err, size_t errlen);
void	source_free(struct source *s);
bool	source_follow(struct source *s, uint32_t tunnel, const char *ifname, uint8_t family);	/* family 4 or 16; tells the present state at once */
void	source_forget(struct source *s, uint32_t tunnel);	/* follows nothing for it any more */

#endif
