#!/usr/bin/env bash
# Somebody else's hand in the kernel: states and policies flushed, neighbours deleted, the interface deleted. All of it is found and put
# right, and named; and at no time does GRE leave in clear, though hosts talk all the time.
CLOUD_PLANE=kernel LIMIT=300
export CLOUD_PLANE LIMIT
# shellcheck source=tests/uml/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/uml/lib.sh"

whole_cloud
go_direct 1 2
for pair in "hub 1" "spoke1 2" "spoke2 3" "spoke3 0"; do
	# shellcheck disable=SC2086
	set -- $pair
	chatter "$1" "$(lan_host "$2")" 0.02
done
policies() { ns "$1" ip xfrm policy | grep -c '^src'; }
has_policies() { [ "$(policies "$1")" -ge "$2" ]; }
states() { ns "$1" ip xfrm state | grep -c '^src'; }
pass() { cloud_ping "$1" "$2" 1; }
logged() { grep -q "$2" "$TOPO_DIR/$1.log"; }
counted() { ctl "$1" show counters | grep -Eq "$2 +[1-9]"; }

# ---- each site has the block, and the route that lets nothing out untransformed
for n in hub spoke1 spoke2 spoke3; do
	k=$(ns $n ip xfrm policy | grep -c 'action block'); [ "$k" -ge 5 ]; check $? "$n: policies that block" "$k"
	ns $n ip route get 240.0.0.1 | grep -q 'dev dmvpn0'; check $? "$n: what is not transformed is routed back into the device"
done
# The proof: all policies gone at once, again and again, under traffic.
for n in hub spoke1 spoke2; do
	k=$(policies $n)
	for _ in 1 2 3 4 5; do ns $n ip xfrm policy flush; done
	eventually 2 "$n: ip xfrm policy flush: all $k policies are back" has_policies $n "$k" || ns $n ip xfrm policy
	logged $n xfrm-policy-lost; check $? "$n: and the log says so"
	counted $n xfrm-policy-restored; check $? "$n: and it is counted"
done
nothing_in_clear "while policies were flushed"
eventually 10 "traffic passes" pass spoke1 "$(lan_host 0)"

# ---- all states of one site
for n in spoke1 hub; do
	ns $n ip xfrm state flush
	eventually 2 "$n: ip xfrm state flush: it has states again within 2 s" eval "[ \$(states $n) -ge 2 ]" || ns $n ip xfrm state
	eventually 5 "$n: and traffic passes" pass spoke1 "$(lan_host 0)"
	eventually 60 "$n: everyone is UP" cloud_up || { ctl hub show dmvpn; ctl spoke1 show dmvpn; }
	counted $n xfrm-state-lost; check $? "$n: and it is counted"
	nothing_in_clear "after ip xfrm state flush at $n"
done

# ---- a neighbour
ns hub ip neigh del "$(overlay 1)" dev dmvpn0
eventually 2 "a neighbour deleted by hand is back" eval "ns hub ip neigh show $(overlay 1) dev dmvpn0 | grep -q PERMANENT"
ns hub ip route del 240.0.0.0/12
eventually 5 "the route into the device, too" eval "ns hub ip route get 240.0.0.1 | grep -q 'dev dmvpn0'"
nothing_in_clear "while neighbour and route were gone"

# ---- the device
ns hub ip link del dmvpn0
eventually 10 "the interface deleted by hand is made again" cloud_device hub
ns hub ip -batch - < <(cloud_routes 0)
logged hub 'interface-down: dmvpn0: interface was deleted'; check $? "and the log says so"
whole_again "the interface was deleted"
nothing_in_clear "all the time"
cloud_stop_all
nothing_in_clear "after everything ended"
end
