#!/usr/bin/env bash
# What the kernel plane knows of its peers' use: NHRP is none, data is, packet by packet; the first data is told. And what it does when the
# kernel's notifications ran over: what was deleted meanwhile is put back.
CLOUD_PLANE=kernel CLOUD_SPOKES=1 LIMIT=120
export CLOUD_PLANE CLOUD_SPOKES LIMIT
# shellcheck source=tests/uml/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/uml/lib.sh"
count() { ctl "$1" show counters | awk -v w="$2" '$1 == w { print $2 }'; }
field_of() { sed -n "/\"traffic\"/,/}/s/.*\"$1\": *\([0-9]*\).*/\1/p" <<<"$2" | head -n 1; }
use() { local j; j=$(ctl hub -j show dmvpn detail); echo "$(field_of rx_packets "$j") $(field_of tx_packets "$j")"; }	# in, out of spoke1
first() { ctl hub -j show dmvpn timeline | grep -q "\"first-packet-$1\""; }

cloud_topology || { not_ok "the topology can be built"; exit 1; }
for n in 0 1; do cloud_conf "$n"; done
sed -i 's/registration timeout 15/registration timeout 1/' "$TOPO_DIR/spoke1.conf"
start_all
eventually 60 "spoke1 is UP" cloud_up
# the kernel's own words on a new device (IPv6, multicast listeners) are data, and over after some seconds
still() { local a; a=$(use); wait_for 4 false; [ "$(use)" = "$a" ] && [ -n "$a" ]; }
eventually 60 "registrations alone are no use of the peer" still || { use; ctl hub -j show dmvpn detail; }
was=$(use) nhrp=$(count hub nhrp-in)
more() { [ "$(count hub nhrp-in)" -ge $((nhrp + 4)) ]; }
eventually 30 "there were some more" more
wait_for 3 false
[ "$(use)" = "$was" ]; check $? "still none" "$was, then $(use), $(($(count hub nhrp-in) - nhrp)) registrations"

cloud_ping hub "$(lan_host 1)" 7 >/dev/null; check $? "seven packets each way"
read -r in out <<<"$was"
eventually 10 "the first one in is on the record" first in || ctl hub show dmvpn timeline
eventually 10 "and the first one out" first out
seven() { [ "$(use)" = "$((in + 7)) $((out + 7))" ]; }
eventually 10 "are counted, and nothing else" seven || note "$was, then $(use)"

# ---- more notifications than there is room for, while the daemon does not read: among them that its neighbour and its route went
first=$(overlay 1)
has() { ns hub ip neigh show "$first" dev dmvpn0 nud permanent | grep -q lladdr && ns hub ip route show | grep -q '^240\.0\.0\.0/12 dev dmvpn0'; }
has; check $? "the hub has a neighbour and the route to peers"
kill -STOP "$(cloud_pid hub)"
{
	for i in $(seq 0 23999); do echo "neigh add 172.31.$((i / 250)).$((i % 250)) lladdr 02:00:00:00:00:01 nud permanent dev wan"; done
	echo "neigh del $first dev dmvpn0"
	echo "route del 240.0.0.0/12 dev dmvpn0"
} >"$TOPO_DIR/flood"
ns hub ip -batch "$TOPO_DIR/flood"; check $? "24000 neighbours of somebody else's, and ours away"
! has; check $? "they are gone"
kill -CONT "$(cloud_pid hub)"
eventually 20 "both are put back" has || { ns hub ip neigh show dev dmvpn0; ns hub ip route; }
[ "$(count hub netlink-news-lost)" -ge 1 ]; check $? "because lost news were noticed" "netlink-news-lost $(count hub netlink-news-lost), neighbour-restored $(count hub neighbour-restored)"
eventually 20 "spoke1's LAN answers" cloud_ping hub "$(lan_host 1)"
nothing_in_clear "all the time"
end
