#!/usr/bin/env bash
# BGP over the mesh, phase 3: spokes come from a listen range, the hub reflects. Shortcuts, reload, rekeying, restart of a spoke.
FRR_NEEDS='bgpd' CLOUD_LIFE=12
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"
# shellcheck source=tests/net/frr.sh
. "$SRCDIR/tests/net/frr.sh"
# shellcheck source=tests/net/routing.sh
. "$SRCDIR/tests/net/routing.sh"

protocol_cloud bgp bgpd
established() { [ "$(frr_show hub show bgp summary | grep -c '^\*10\.255\.0\.1[123] .* [0-9][0-9]*  *[0-9]* ')" = "$(wc -w <<<"$CLOUD_SPOKES")" ]; }
eventually 60 "every spoke has a session with the hub, none of which is configured there" established || frr_show hub show bgp summary
lans bgp "BGP"
hub_next_hop() { frr_show spoke1 show ip route 172.16.2.0/24 json | tr -d ' \n' | grep -q '"ip":"10.255.0.1"'; }
hub_next_hop; check $? "a spoke's route to another's LAN leads to the hub"
go_direct 1 2
n_route() { frr_show spoke1 show ip route nhrp json | tr -d ' \n' | grep -q '"172.16.2.0/24":.*"installed":true'; }
eventually 10 "the shortcut is an N route, installed" n_route

drops() { frr_show hub show bgp neighbors json | tr -d ' \n' | grep -o '"connectionsDropped":[0-9]*' | cut -d: -f2 | awk '{ s += $1 } END { print s + 0 }'; }
before=$(drops)
flow_start rekey spoke1 hub "$(lan_host 0)" 5105 3000 250
sed -i 's/ip nhrp holdtime 60/ip nhrp holdtime 50/' "$TOPO_DIR/hub.conf"
ctl hub reload >/dev/null; check $? "the hub reloads"
flow_whole rekey "no packet is lost over the reload and rekeying (an SA lives $CLOUD_LIFE s)"
[ "$(drops)" = "$before" ]; check $? "no session ends over them" "$before, then $(drops)"

cloud_stop spoke3
cloud_start 3 || not_ok "spoke3 starts again"
eventually 60 "spoke3's daemon started again: UP" cloud_up
lans bgp "after that"
nothing_in_clear "all the time"
end
