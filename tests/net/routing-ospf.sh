#!/usr/bin/env bash
# OSPF over the mesh, phase 3: hub and three spokes, two of them behind one NAT. Adjacencies and LANs; shortcuts before OSPF's routes; reload of the
# hub, rekeying, restart of a spoke; a LAN that goes.
CLOUD_LIFE=12 FRR_NEEDS=ospfd
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"
# shellcheck source=tests/net/frr.sh
. "$SRCDIR/tests/net/frr.sh"
# shellcheck source=tests/net/routing.sh
. "$SRCDIR/tests/net/routing.sh"

protocol_cloud ospf ospfd
full() { [ "$(frr_show hub show ip ospf neighbor | grep -c 'Full/')" = "$(wc -w <<<"$CLOUD_SPOKES")" ]; }
eventually 60 "the hub is adjacent to every spoke" full || frr_show hub show ip ospf neighbor
lans ospf "OSPF"
lost_adjacencies() { grep -c 'AdjChg.*Full -> ' "$TOPO_DIR/hub-ospfd.log"; }

# ---- a shortcut goes before OSPF's route to the same prefix
go_direct 1 2
n_route() { frr_show spoke1 show ip route nhrp json | tr -d ' \n' | grep -q '"172.16.2.0/24":.*"installed":true'; }
eventually 10 "the shortcut is an N route, installed" n_route
frr_show spoke1 show ip route 172.16.2.0/24 json | tr -d ' \n' | grep -q '"protocol":"ospf"'; check $? "OSPF's route to the same prefix stands below"

# ---- the hub's configuration is read again with a change, and SAs are renewed meanwhile
before=$(lost_adjacencies)
rekeyed() { [ "$(ctl spoke1 show counters | sed -n 's/.*child-rekeyed[^0-9]*\([0-9]*\).*/\1/p')" -ge 1 ]; }
flow_start rekey spoke1 hub "$(lan_host 0)" 5105 3000 250
sed -i 's/ip nhrp holdtime 60/ip nhrp holdtime 50/' "$TOPO_DIR/hub.conf"
ctl hub reload >/dev/null; check $? "the hub reloads"
flow_whole rekey "no packet from a spoke to the hub is lost over the reload and rekeying (an SA lives $CLOUD_LIFE s)"
[ "$(lost_adjacencies)" = "$before" ]; check $? "no adjacency is lost over them" "$(grep AdjChg "$TOPO_DIR/hub-ospfd.log" | tail -n 3 | tr '\n' ';')"
full; check $? "the hub is adjacent to every spoke still"

# ---- a LAN goes: the far shortcut goes with it
chatter spoke1 "$(lan_host 2)"
eventually 20 "the shortcut is there" n_route
quiet
ns spoke2 ip link set lan0 down
t0=${EPOCHREALTIME/[.,]/}
no_direct() { ! ns spoke1 ip route show 172.16.2.0/24 | grep -q 'proto nhrp'; }
eventually 10 "spoke2's LAN goes: spoke1's shortcut goes with it" no_direct
note "after $(((${EPOCHREALTIME/[.,]/} - t0) / 1000)) ms, asked every 50 ms"
ns spoke2 ip link set lan0 up
lans ospf "the LAN is back"

# ---- a spoke's daemon is started anew: another interface of the same name
cloud_stop spoke3
cloud_start 3 || not_ok "spoke3 starts again"
eventually 60 "spoke3's daemon started again: UP" cloud_up
eventually 60 "adjacent again" full
lans ospf "after that"
nothing_in_clear "all the time"
end
