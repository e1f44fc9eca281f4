#!/usr/bin/env bash
# PIM over the mesh: a stream from the hub's LAN reaches the LANs of two spokes that joined, and not that of the third.
FRR_NEEDS='ospfd pimd' 
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"
# shellcheck source=tests/net/frr.sh
. "$SRCDIR/tests/net/frr.sh"
# shellcheck source=tests/net/routing.sh
. "$SRCDIR/tests/net/routing.sh"

command -v python3 >/dev/null || skip "python3 is not installed"
protocol_cloud ospf ospfd pimd
lans ospf "OSPF"
for n in 0 $CLOUD_SPOKES; do
	role=spoke; [ "$n" != 0 ] || role=hub
	recipe pim $role | frr_paste "$(site "$n")"
done
pim_up() { [ "$(frr_show hub show ip pim neighbor | grep -c '^ *dmvpn0 ')" = "$(wc -w <<<"$CLOUD_SPOKES")" ]; }
eventually 90 "the hub has every spoke as PIM neighbour" pim_up || frr_show hub show ip pim neighbor

GROUP=239.1.2.3
listener() {	# SITE JOINS: counts what comes on the LAN, whether it asked for it or not
	ns_exec "$1-h" python3 -u -c '
import socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
if sys.argv[2] == "1":
    m = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    m.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack("4s4s", socket.inet_aton(sys.argv[1]), socket.inet_aton(sys.argv[3])))
n = 0
while True:
    p = s.recv(2048)
    if p[16:20] == socket.inet_aton(sys.argv[1]) and p[9] == 17:
        n += 1
        print(n)
' "$GROUP" "$2" "$(lan_host "${1#spoke}")" >"$TOPO_DIR/$1.heard" 2>"$TOPO_DIR/$1-listener.log" & LISTENERS="${LISTENERS-} $!"
}
listener spoke1 1; listener spoke2 1; listener spoke3 0
joined() { local n; for n in 1 2; do frr_show "spoke$n" show ip igmp groups | grep -q $GROUP || return 1; done; }
eventually 30 "two LANs have joined" joined
ns_exec hub-h python3 -c '
import socket, time, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 16)
while True:
    s.sendto(b"x" * 200, (sys.argv[1], 5000))
    time.sleep(0.02)
' $GROUP & LISTENERS="$LISTENERS $!"
heard() { tail -n 1 "$TOPO_DIR/$1.heard" | grep -E '^[0-9]+$' || echo 0; }
streams() { [ "$(heard spoke1)" -gt 100 ] && [ "$(heard spoke2)" -gt 100 ]; }
eventually 90 "the stream reaches both" streams || { frr_show hub show ip mroute; frr_show spoke1 show ip mroute; ctl hub show ip nhrp multicast; }
[ "$(heard spoke3)" = 0 ]; check $? "and not the LAN that did not ask" "$(heard spoke1), $(heard spoke2), $(heard spoke3) packets"
for p in $LISTENERS; do kill "$p"; done
nothing_in_clear "all the time"
end
