#!/usr/bin/env bash
# What the network between does: ports blocked, a hub that is not there yet, that is away, that hangs; a path that takes only
# small packets, and says so or does not. Nobody helps; what cannot be helped is named.
LIMIT=400
CLOUD_SPOKES="1 2 4"
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

ladder() { ctl "spoke$1" show dmvpn | grep -FA1 "$(hub_nbma)" | tr -s ' \n' ' '; }	# SPOKE: the line of its hub, and the reason
names() { ladder "$1" | grep -Eq " $2 .*reason: .*$3"; }	# SPOKE STEP REASON

cloud_topology || { not_ok "the topology can be built"; exit 1; }
for n in 0 $CLOUD_SPOKES; do cloud_conf "$n"; done

# ---- spokes are there before the hub; one may not send to port 500, one (behind the NAT) not to 4500
wall inet "from 198.18.14.2 udp 500" "from 198.18.12.2 udp 4500"
for n in $CLOUD_SPOKES; do cloud_start "$n"; done
eventually 10 "no hub yet: spoke1 says that nothing answers" names 1 IKE "no answer" || ctl spoke1 show dmvpn
note "$(ladder 1)"
cloud_start 0 || { not_ok "the hub starts"; exit 1; }
eventually 40 "the hub is there: spoke1 comes up by itself" cloud_spoke_up 1 || ctl spoke1 show dmvpn
eventually 40 "UDP 500 blocked: spoke4 says who does not answer, and at which port" names 4 IKE "no answer from $(hub_nbma):500" || ctl spoke4 show dmvpn
note "$(ladder 4)"
eventually 40 "UDP 4500 blocked: spoke2 names that port" names 2 IKE "no answer from $(hub_nbma):4500" || ctl spoke2 show dmvpn
note "$(ladder 2)"
wall_down inet
eventually 90 "ports opened: everyone is UP" cloud_up || for n in $CLOUD_SPOKES; do ctl "spoke$n" show dmvpn; done

# ---- the path takes less than the tunnel was made for
transfer() {	# TEXT
	local rx; ns_exec spoke1-h "$FLOW" tcp-recv 5002 -w 20 >"$TOPO_DIR/rx" 2>&1 & rx=$!
	ns hub-h timeout 40 "$FLOW" tcp-send "$(lan_host 1)" 5002 -b 2000000
	wait $rx; check $? "2 MB by TCP $1" "$(tail -n 1 "$TOPO_DIR/rx")"
}
path_is() { ctl hub show dmvpn peer "$(overlay 1)" detail | grep -q "Path MTU: .*$1"; }
transfer "before"
if [ "$(plane_of hub)" = user ]; then
# asked about again whenever a large packet leaves: the question gives way to any other that is under way
confirmed() { path_is '(1500 with all headers, .*confirmed' || { ns hub-h ping -n -q -c 1 -W 1 -s 1380 "$(lan_host 1)"; return 1; }; }
eventually 10 "the path's MTU is known, and confirmed by a question" confirmed || ctl hub show dmvpn detail
note "$(ctl hub show dmvpn peer "$(overlay 1)" detail | grep 'Path MTU')"
# What no router tells is found out by asking, under a connection that was up before, between hosts that do nothing about it.
command -v tc >/dev/null || skip "tc is not installed"
# The connection is far from its end when that happens, and slow until it was found; a crowded queue may have cost questions before.
ns inet tc qdisc add dev s11 root tbf rate 2mbit burst 32k latency 100ms
wall_icmp inet
received() { ns spoke1-h cat /proc/net/dev | awk '$1 == "eth0:" { print $2 }'; }
was=$(received)
moved() { [ $(($(received) - was)) -gt 200000 ]; }
ns_exec spoke1-h "$FLOW" tcp-recv 5002 -w 90 >"$TOPO_DIR/rx" 2>&1 & rx=$!
ns_exec hub-h timeout 180 "$FLOW" tcp-send "$(lan_host 1)" 5002 -b 15000000 & tx=$!
wait_for 20 moved
ns inet ip link set s11 mtu 1280
eventually 10 "the path takes 1280 octets all of a sudden and says nothing: the hub finds out" path_is '(1280 with all headers, by probing, .*black hole found [1-9]' ||
	ctl hub show dmvpn detail
ns inet tc qdisc del dev s11 root
wait $tx; wait $rx; check $? "and the connection that was up goes on to its end" "$(tail -n 1 "$TOPO_DIR/rx")"
note "$(ctl hub show dmvpn peer "$(overlay 1)" detail | grep 'Path MTU')"
grep -q 'path-black-hole: packets of 1500 octets .*vanish without a word: 1280 from now on' "$TOPO_DIR/hub.log"; check $? "the hub's log says so" "$(grep path-black-hole "$TOPO_DIR/hub.log" | head -n 1)"
transfer "on the narrow path that says nothing"
wall_down inet
transfer "when it takes 1280 octets and says so"
ns inet ip link set s11 mtu 1500
else
	note "paths are not searched by the kernel plane, whose packets may be fragmented: tests/uml/mtu.sh"
fi

# ---- the hub hangs for a while, then goes on where it was
kill -STOP "$(cloud_pid hub)"
down_somewhere() { local n; for n in $CLOUD_SPOKES; do cloud_spoke_up "$n" || return 0; done; return 1; }
eventually 40 "a hub that hangs is noticed" down_somewhere
kill -CONT "$(cloud_pid hub)"
whole_again "the hub goes on"
nothing_in_clear "all the time"
end
