#!/usr/bin/env bash
# Phase 2 by OSPF (broadcast, the hub is designated router) or BGP (the reflector keeps the next hop): PROTOCOL=ospf-broadcast|bgp2. A route to
# another's LAN leads to that spoke; its tunnel address is resolved when a packet wants to go there; until then the hub carries it.
: "${PROTOCOL:=ospf-broadcast}"
case $PROTOCOL in bgp2) FRR_NEEDS=bgpd BY=bgp ;; *) FRR_NEEDS=ospfd BY=ospf ;; esac
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"
# shellcheck source=tests/net/frr.sh
. "$SRCDIR/tests/net/frr.sh"
# shellcheck source=tests/net/routing.sh
. "$SRCDIR/tests/net/routing.sh"

protocol_cloud "$PROTOCOL" "$FRR_NEEDS"
lans $BY "$PROTOCOL"
spoke_next_hop() { frr_show spoke1 show ip route 172.16.2.0/24 json | tr -d ' \n' | grep -q '"ip":"10.255.0.12"'; }
eventually 30 "a spoke's route to another's LAN leads to that spoke" spoke_next_hop || frr_show spoke1 show ip route
if [ $BY = ospf ]; then
	dr() { [ "$(frr_show hub show ip ospf neighbor | grep -c 'Full/DROther')" = "$(wc -w <<<"$CLOUD_SPOKES")" ]; }
	eventually 30 "the hub is designated router, and every spoke is none" dr || frr_show hub show ip ospf neighbor
fi
direct() { ctl spoke1 show dmvpn | grep -Eq '10\.255\.0\.12 +UP'; }
chatter spoke1 "$(lan_host 2)"
eventually 40 "the next hop is resolved: a tunnel to it" direct || ctl spoke1 show dmvpn
out=$(cloud_ping spoke1 "$(lan_host 2)" 20 0.1)
[[ $out == *" 0% packet loss"* ]]; check $? "no packet is lost" "$(tail -n 2 <<<"$out" | tr '\n' ' ')"
before=$(cloud_forwarded)
cloud_ping spoke1 "$(lan_host 2)" 50 0.02 >/dev/null
after=$(cloud_forwarded)
quiet
[ $((after - before)) -lt 40 ]; check $? "the hub's tunnel stands still meanwhile" "$((after - before)) packets"
nothing_in_clear "all the time"
end
