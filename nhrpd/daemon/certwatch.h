/* nhrpd/daemon/certwatch.h: says in the log, once a day, which of our certificates and CAs expire soon or have expired. */
#ifndef NHRPD_DAEMON_CERTWATCH_H
#define NHRPD_DAEMON_CERTWATCH_H

#include "lib/host.h"
#include "nhrpd/daemon/conf.h"

enum { CERTWATCH_SOON_S = 30 * 86400 };

struct certwatch;
struct certwatch *certwatch_new(const struct host *host, const struct conf *conf, int64_t (*wall)(void));	/* NULL: no memory */
void	certwatch_conf(struct certwatch *w, const struct conf *conf);	/* another one after a reload */
void	certwatch_free(struct certwatch *w);
unsigned certwatch_look(const struct certwatch *w);	/* at once; answers how many it named */

#endif
