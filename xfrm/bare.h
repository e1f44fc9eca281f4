/* xfrm/bare.h: the security side of tunnels that have none (`tunnel protection none`): who the peers are, and, in the user data plane, raw GRE
 * sockets (see bare.c). */
#ifndef XFRM_BARE_H
#define XFRM_BARE_H

#include "lib/dpsec.h"
#include "lib/host.h"

struct bare;

/* in: who takes packets, copied; NULL: nobody, since the kernel carries them: only the tables then. NULL without memory. */
struct bare *bare_new(const struct host *host, dp_event_fn *fn, void *ctx, const struct dpsec_in *in);
void	bare_free(struct bare *b);

/* A bare tunnel is there, or another source or key it has. payload_max: of a GRE packet, header included. */
int	bare_tunnel_set(struct bare *b, const struct dp_tunnel *conf, unsigned payload_max);
void	bare_tunnel_del(struct bare *b, uint32_t tunnel);
bool	bare_has(const struct bare *b, uint32_t tunnel);

/* A pair of such a tunnel: sa->bare. Again with the same is fine. */
int	bare_sa_add(struct bare *b, const struct dp_sa *sa);
bool	bare_sa_find(const struct bare *b, uint32_t spi_in, uint32_t *tunnel, uint32_t *peer);
bool	bare_sa_del(struct bare *b, uint32_t spi_in, uint32_t *tunnel, uint32_t *peer);	/* whose it was; false: none such */
bool	bare_peer(const struct bare *b, uint32_t tunnel, uint32_t peer, struct endpoint *local, struct endpoint *remote);

bool	bare_seal(struct bare *b, uint32_t tunnel, uint32_t peer, const struct dpsec_pkt *pkt);	/* as dpsec_out.seal: sent as it is */
unsigned bare_payload_max(const struct bare *b, uint32_t tunnel, uint32_t peer);	/* 0: no such peer */
void	bare_counters(const struct bare *b, dp_counter_fn *fn, void *ctx);
const char *bare_error(const struct bare *b);	/* why the last tunnel_set failed */

#endif
