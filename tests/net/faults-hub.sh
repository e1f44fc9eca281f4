#!/usr/bin/env bash
# A hub dies and stays dead, and nobody has anything to say to it: spokes notice within seconds all the same, and go to the other one.
# Afterwards back to the better one. How long each takes is told. Liveness is as built in: no dpd line.
LIMIT=200
CLOUD_SPOKES="1 2 4"
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

cloud_topology || { not_ok "the topology can be built"; exit 1; }
for n in 0 $CLOUD_SPOKES; do cloud_conf "$n"; done
sed -i '/^ dpd /d; s/holdtime 60/holdtime 600/; s/registration timeout 15/registration timeout 200/' "$TOPO_DIR"/*.conf
for n in 1 2; do sed -i "s|^ ip nhrp nhs .*|&\n ip nhrp nhs $(overlay 4) nbma 198.18.14.2 multicast priority 2|" "$TOPO_DIR/spoke$n.conf"; done	# spoke4 is the second hub
sed -i 's/^ ip nhrp shortcut/ ip nhrp map multicast dynamic/' "$TOPO_DIR/spoke4.conf"
start_all
eventually 60 "every spoke is UP" cloud_up || { ctl hub show dmvpn; exit 1; }
sleep 7	# nothing of the start is under way
on_second() { cloud_peer_up "spoke$1" "$(overlay 4)" x; }
on_second 1; [ $? != 0 ]; check $? "the second hub is not used while the first one is there"
says() { ctl "spoke$1" show dmvpn | grep -FA1 "$(hub_nbma)" | tr -s ' \n' ' ' | grep -Eq ' IKE .*reason: .*(does not answer|no answer)'; }
cloud_stop hub KILL
t0=${EPOCHREALTIME/[.,]/}
eventually 15 "the hub is killed: a quiet spoke says so within seconds" says 1 || ctl spoke1 show dmvpn
both() { on_second 1 && on_second 2; }
eventually 25 "and both spokes go to the second hub" both || for n in 1 2; do ctl "spoke$n" show dmvpn; done
note "$(((${EPOCHREALTIME/[.,]/} - t0) / 1000)) ms after the first hub was killed"
ns spoke1 ip route replace 172.16.2.0/24 via "$(overlay 4)" dev dmvpn0	# as a routing protocol would
ns spoke2 ip route replace 172.16.1.0/24 via "$(overlay 4)" dev dmvpn0
for n in 1 2; do ns spoke4 ip route replace "172.16.$n.0/24" via "$(overlay $n)" dev dmvpn0; done
reach() { cloud_ping spoke1 "$(lan_host 2)"; }
eventually 20 "traffic flows through it" reach
cloud_start 0 || not_ok "the first hub starts again"
back() { cloud_spoke_up 1 && cloud_spoke_up 2; }
eventually 60 "the first hub is there again: back to it" back
nothing_in_clear "all the time"
end
