#!/usr/bin/env bash
# Eight spokes behind one NAT, one public address for all: four of ours, and four with strongSwan (kernel ESP) and FRR's nhrpd.
# Traffic of each with our hub goes on, nothing lost, while every child SA is rekeyed twice, from both sides, and so is every IKE SA: twice by
# our hub, by our spokes, and by strongSwan.
LIMIT=400
UML_OPTIONS='--mem 1G'
# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/frr.sh
. "$(dirname "$0")/frr.sh"

note "strongSwan $(swan_version), FRR $FRR_VERSION, kernel $(uname -r); ours $("$NHRPD" --version 2>&1 | head -n 1)"
ns_new inet && topo_site hub 10 && topo_nat nat 12 || { not_ok "the topology can be built"; exit 1; }
for i in 1 2 3 4; do topo_behind nat 12 "spoke$i" "$i"; swan_behind "$i" $((i + 4)); done
topo_watch inet s10 s12
TOPO_WATCHED=inet
export OURS_IPSEC=' set security-association lifetime seconds 40' SPOKE_IPSEC=' set security-association lifetime seconds 30'
ours_conf
ours_start || { not_ok "our hub starts"; exit 1; }
# strongSwan rekeys the IKE SA by itself; with us that takes two minutes at least, so ours are told to
SWAN_CONN='rekey_time = 25s' SWAN_CHILD='rekey_time = 20s'
for i in 1 2 3 4; do
	our_spoke "spoke$i"; our_spoke_start "spoke$i"
	frr_gre "swan$i"; swan_conf "swan$i"; swan_start "swan$i"; frr_start "swan$i"
done
registered() { [ "$(ctl hub show dmvpn | grep -c '198\.18\.12\.2 .* UP ')" = 8 ]; }
eventually 60 "eight spokes with one public address are UP" registered || ctl hub show dmvpn
for n in spoke1 spoke2 spoke3 spoke4 swan1 swan2 swan3 swan4; do wait_for 20 ping_ours $n || not_ok "$n reaches the hub"; done
for n in spoke1 spoke2 spoke3 spoke4 swan1 swan2 swan3 swan4; do stream_start $n 60 20; done
sleep 8
for i in 1 2 3 4; do ctl "spoke$i" rekey crypto ikev2 sa all >/dev/null; done
for i in 1 2; do sleep 14; ctl hub rekey crypto ikev2 sa all >"$TOPO_DIR/rekeys.$i"; done
for n in spoke1 spoke2 spoke3 spoke4 swan1 swan2 swan3 swan4; do stream_end $n "$n through its rekeys"; done
for i in 1 2 3 4; do
	n=$(grep -c 'inbound CHILD_SA gre.*established\|outbound CHILD_SA gre.*established\|CHILD_SA gre.*established with SPIs' "$TOPO_DIR/swan$i.log")
	[ "$n" -ge 3 ]; check $? "swan$i: two rekeys of its child SA or more" "$n child SAs"
	n=$(grep -c 'IKE_SA mesh\[[0-9]*\] rekeyed between' "$TOPO_DIR/swan$i.log")
	[ "$n" -ge 3 ]; check $? "swan$i: its IKE SA was rekeyed" "$n times"
	n=$(grep -c 'parsed CREATE_CHILD_SA request [0-9]* \[ SA No KE \]\|parsed CREATE_CHILD_SA request [0-9]* \[ SA KE No \]' "$TOPO_DIR/swan$i.log")
	[ "$n" -ge 2 ]; check $? "swan$i: twice it was our hub that asked for it" "$n requests"
done
registered; check $? "all eight are UP in the end" "$(ctl hub show dmvpn | grep -c ' UP ')"
nothing_in_clear "all the time"
end
