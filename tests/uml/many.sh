#!/usr/bin/env bash
# A hub on the kernel plane with many spokes (a swarm, in one process): programmed in batches, multicast to all of them, shown at once.
CLOUD_PLANE=kernel CLOUD_SPOKES=1 LIMIT=400 UML_OPTIONS='--mem 1G'
: "${SWARM:=500}" "${RATE:=100}"
export CLOUD_PLANE CLOUD_SPOKES LIMIT SWARM RATE
# shellcheck source=tests/uml/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/uml/lib.sh"
# shellcheck source=tests/net/swarm.sh
. "$SRCDIR/tests/net/swarm.sh"
count() { ctl hub show counters | awk -v w="$1" '$1 == w { print $2 }'; }
cpu() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$(cloud_pid hub)/stat"; }	# ticks of 10 ms
now() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }
hub_has() { [ "$(ns hub ip neigh show dev dmvpn0 nud permanent | grep -c '^10\.25[45]\.')" -ge $((SWARM + 1)) ]; }

cloud_topology && swarm_site || { not_ok "the topology can be built"; exit 1; }
for n in 0 $CLOUD_SPOKES; do cloud_conf "$n"; done
swarm_conf
sed -i 's/^log level.*/log level notifications/; s/^store .*/store off/' "$TOPO_DIR/hub.conf"
sed -i 's/registration timeout 15/registration timeout 20/' "$TOPO_DIR"/*.conf
start_all
t=$(now) c=$(cpu)
swarm_start
eventually 300 "$SWARM spokes register" swarm_up || { tail -n 5 "$TOPO_DIR/swarm.log"; exit 1; }
note "hub: $(($(cpu) - c))0 ms of CPU, $(($(now) - t)) ms until all were registered"
eventually 20 "all are the kernel's neighbours" hub_has
for w in netlink rtnetlink; do note "$w: $(count $w-messages) messages in $(count $w-batches) exchanges, $(count $w-reads) reads"; done
# a peer is two states, two policies and a neighbour; it took an exchange of XFRM and one of routes, one by one
asked=$(($(count netlink-batches) + $(count rtnetlink-batches)))
[ $asked -lt $((SWARM * 3 / 2)) ]; check $? "peers are programmed in batches" "$asked exchanges with the kernel for $SWARM peers"
! dmesg | grep -q 'leftover after parsing'; check $? "the kernel can read all of what it is asked"
n=$(ns hub ip xfrm state | grep -c '^src'); [ "$n" -ge $((2 * SWARM)) ]; check $? "each has its pair of states" "$n"

# ---- at rest, then with multicast to all of them once per second for 10 s
sleep 5
t=$(now) c=$(cpu); sleep 10; rest=$((($(cpu) - c) * 1000 / ($(now) - t)))
before=$(count multicast-out)
ns_exec hub ping -n -q -c 10 -i 1 -W 1 -I dmvpn0 224.0.0.5 >/dev/null 2>&1 & ping=$!
t=$(now) c=$(cpu); sleep 10; busy=$((($(cpu) - c) * 1000 / ($(now) - t)))
wait $ping
sent() { [ $(($(count multicast-out) - before)) -ge $((10 * (SWARM + 1))) ]; }
eventually 5 "10 multicast packets went to each of them" sent || note "$(($(count multicast-out) - before)) copies"
note "$(ctl hub show counters | grep -E 'multicast' | tr -s ' \n' ' ')"
note "CPU of the hub: at rest $rest %, with a multicast packet per second to $((SWARM + 1)) peers $busy %"
[ $((busy - rest)) -le 30 ]; check $? "one per 10 s costs a few per cent at most" "$((busy - rest)) % for one per second"
t=$(now); n=$(ctl hub show dmvpn | grep -c ' UP '); t=$(($(now) - t))
[ "$n" -ge "$SWARM" ] && [ $t -le 2000 ]; check $? "show dmvpn answers at once" "$n peers, $t ms"
kill -TERM $SWARM_PID; wait $SWARM_PID 2>/dev/null
nothing_in_clear "all the time"
end
