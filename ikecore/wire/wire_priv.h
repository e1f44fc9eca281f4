/* ikecore/wire/wire_priv.h: between the files of wire/. A payload's reader gets the body behind the generic header. */
#ifndef IKECORE_WIRE_WIRE_PRIV_H
#define IKECORE_WIRE_WIRE_PRIV_H

#include "ikecore/wire/ike_msg.h"

typedef enum ike_drop ike_pl_fn(struct ike_msg *m, struct span body);

ike_pl_fn ike_pl_sa, ike_pl_ke, ike_pl_nonce, ike_pl_idi, ike_pl_idr, ike_pl_auth, ike_pl_notify, ike_pl_delete, ike_pl_tsi, ike_pl_tsr;

#endif
