/* nhrpd/daemon/show_priv.h: helpers shared by show.c and show_json.c. */
#ifndef NHRPD_DAEMON_SHOW_PRIV_H
#define NHRPD_DAEMON_SHOW_PRIV_H

#include <jansson.h>

#include "lib/addr.h"

json_t	*show_text(const char *s);	/* "" for NULL; octets that are not UTF-8 become '?' */
json_t	*show_addr(const struct addr *a);
json_t	*show_spi(uint32_t spi);

#endif
