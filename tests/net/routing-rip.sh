#!/usr/bin/env bash
# RIP over the mesh, phase 2: the hub tells each spoke the others' tunnel addresses as next hops; NHRP resolves them.
FRR_NEEDS='ripd' 
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"
# shellcheck source=tests/net/frr.sh
. "$SRCDIR/tests/net/frr.sh"
# shellcheck source=tests/net/routing.sh
. "$SRCDIR/tests/net/routing.sh"

protocol_cloud rip ripd
lans rip "RIP"
spoke_next_hop() { frr_show spoke1 show ip route 172.16.2.0/24 json | tr -d ' \n' | grep -q '"ip":"10.255.0.12"'; }
eventually 30 "a spoke's route to another's LAN leads to that spoke" spoke_next_hop
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
cloud_stop spoke3
cloud_start 3 || not_ok "spoke3 starts again"
eventually 60 "spoke3's daemon started again: UP" cloud_up
lans rip "after that"
nothing_in_clear "all the time"
end
