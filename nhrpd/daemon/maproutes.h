/* nhrpd/daemon/maproutes.h: routes of crypto maps: what is for a far prefix goes into the device of its entry.
 *
 * Two for each prefix. One into the device, from an address of this host inside the near prefix where there is one. And behind it one
 * that says "unreachable", which is set before the device comes and stays when the daemon has gone, however it went: else packets
 * would take the default route, in clear. Only a configuration without the prefix takes that one away. */
#ifndef NHRPD_DAEMON_MAPROUTES_H
#define NHRPD_DAEMON_MAPROUTES_H

#include "lib/rib.h"
#include "nhrpd/daemon/conf.h"

struct maproutes;

struct maproutes *maproutes_new(struct rib *rib, struct log *log);	/* NULL without memory */
void	maproutes_free(struct maproutes *m);	/* leaves all routes where they are */
/* The configuration in force. ifindex is asked for devices whose routes go. False: no memory, nothing changed. */
bool	maproutes_conf(struct maproutes *m, const struct conf *c);
void	maproutes_link(struct maproutes *m, const char *name, uint32_t ifindex, bool anew);	/* the device is there; anew: its routes are not */
void	maproutes_addrs(struct maproutes *m);	/* an address of this host came or went */

#endif
