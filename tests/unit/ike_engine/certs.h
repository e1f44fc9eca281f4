/* tests/unit/ike_engine/certs.h: the world's first two sides with certificates of one CA, a.example.net and b.example.net. */
#ifndef TESTS_UNIT_IKE_ENGINE_CERTS_H
#define TESTS_UNIT_IKE_ENGINE_CERTS_H

#include "tests/unit/ike_engine/world.h"

void	w_certs(struct world *w, const char *kind, bool many);	/* w_init(), and no pre-shared keys; kind: as of pki issue; many: 600 octets of other names */
void	w_certs_fini(struct world *w);	/* with w_fini() */
#endif
