/* nhrpd/daemon/keylog.h: keys of ESP SAs for tshark, on the option --keylog only. The keys of IKE SAs come from the IKE engine. */
#ifndef NHRPD_DAEMON_KEYLOG_H
#define NHRPD_DAEMON_KEYLOG_H

#include <stdio.h>

#include "lib/dplane.h"

/* Two lines, "esp " and a row of wireshark's table esp_sa. Ciphers that tshark cannot open in ESP are left out. */
void	keylog_sa(FILE *f, const struct dp_sa *sa);

#endif
