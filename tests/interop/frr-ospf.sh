#!/usr/bin/env bash
# Multicast without IPsec: OSPF (FRR's ospfd, point-to-multipoint) over our hub, with a spoke of ours and one of FRR's nhrpd. Adjacencies,
# routes, and both again after the hub was killed. ospfd of our sites runs beside our daemon, over its interface.
LIMIT=500
: "${CLOUD_PLANE:=kernel}"
export CLOUD_PLANE
MESH_PREFIX=32 MESH_NO_ROUTES=1
# shellcheck source=tests/interop/frr-mesh.sh
. "$(dirname "$0")/frr-mesh.sh"
mesh_topology hub spoke1 frr1 || { not_ok "the topology can be built"; exit 1; }
for n in $SITES; do ns "$n" ip route del blackhole 172.16.0.0/16 metric 4000; done	# OSPF is to say where the LANs are
for n in $SITES; do mesh_start "$n" || exit 1; done
ns frr1 ip route replace 10.255.0.0/24 via "$(at hub)" dev gre1 onlink
all_registered '' hub
for n in hub spoke1; do frr_conf "$n"; frr_zebra "$n" || exit 1; done
for n in $SITES; do frr_run "$n" ospfd; done
full() { [ "$(VTY=ospfd vty hub show ip ospf neighbor | grep -c 'Full')" = 2 ]; }
routes() { ns "$1" ip route get "$(host_of "$2")" 2>/dev/null | grep -q "dev $(dev "$1")"; }
eventually 60 "the hub's ospfd has a full adjacency with both spokes" full || { VTY=ospfd vty hub show ip ospf neighbor; ctl hub show counters; }
VTY=ospfd vty hub show ip ospf neighbor
eventually 60 "frr1 learns of the LAN of spoke1" routes frr1 spoke1
eventually 60 "spoke1 learns of the LAN of frr1" routes spoke1 frr1
eventually 60 "LAN to LAN" lan_ping frr1 spoke1
mesh_stop hub KILL; cloud_stop hub-ospfd KILL
mesh_start hub || exit 1
all_registered "the hub killed and started: " hub
frr_run hub ospfd
eventually 60 "adjacencies are full again" full
eventually 60 "LAN to LAN again" lan_ping spoke1 frr1
end
