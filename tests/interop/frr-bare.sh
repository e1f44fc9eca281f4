#!/usr/bin/env bash
# FRR's nhrpd and our daemon without IPsec (`tunnel protection none`): HUB=ours|frr, CLOUD_PLANE=kernel|user for ours. Registration, resolution,
# redirect, shortcuts between all kinds of spokes, OSPF (multicast both ways), and either starting anew.
LIMIT=900
: "${HUB:=ours}" "${CLOUD_PLANE:=kernel}" "${MESH_HOLD:=20}"
export HUB CLOUD_PLANE MESH_HOLD
KIND_hub=$HUB
# shellcheck source=tests/interop/frr-mesh.sh
. "$(dirname "$0")/frr-mesh.sh"
note "---- the hub is $HUB"
mesh_topology hub spoke1 spoke2 frr1 frr2 || { not_ok "the topology can be built"; exit 1; }
for n in $SITES; do mesh_start "$n" || exit 1; done
all_registered '' hub
for n in spoke1 frr1 frr2; do eventually 20 "LAN to LAN, hub to $n" lan_ping hub "$n"; done
for p in "spoke1 frr1" "frr1 spoke2" "frr1 frr2" "spoke1 spoke2"; do shortcut ${p% *} ${p#* }; done
direct frr1 spoke1; check $? "frr1 goes the direct way to spoke1 as well"

# ---- either anew
for n in spoke1 frr1; do
	mesh_stop $n KILL
	gone() { ! registered hub $n; }
	eventually 60 "$n killed: the hub forgets it" gone
	mesh_start $n
	eventually 60 "$n started: registered again" registered hub $n || mesh_show $n
	eventually 30 "with traffic" lan_ping hub $n
done
mesh_stop hub KILL
mesh_start hub || exit 1
all_registered "the hub killed and started: " hub
for n in spoke1 frr1 frr2; do eventually 30 "traffic to $n again" lan_ping hub "$n"; done
shortcut spoke1 frr2
end
