#!/usr/bin/env bash
# Per-tunnel QoS: spokes say of which group they are, the hub maps groups to rates. Floods to two spokes in different groups: each gets
# its rate and no more, a ping beside the flood loses nothing, and a spoke without a rate is not affected. Groups are seen in shows, kept
# over a restart of the hub, changed by a reload on either side, and refused where the policy does not allow them. DSCP is on the outside, too.
LIMIT=200
CLOUD_SPOKES="1 2 4"
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

show_says() { local n=$1 what=$2; shift 2; ctl "$n" show "$@" | grep -Eq "$what"; }
log_says() { grep -Eq "$2" "$TOPO_DIR/$1.log"; }
group() { sed -i -e '/^ ip nhrp group /d' -e "s/^ ip nhrp network-id .*/&\n ip nhrp group $2/" "$TOPO_DIR/$(site "$1").conf"; }
detail() { ctl hub show dmvpn peer "$(overlay "$1")" detail; }	# SPOKE
sent() { detail "$1" | sed -n 's/.*; output: [0-9]* packets, \([0-9]*\) bytes.*/\1/p'; }
dropped() { detail "$1" | sed -n 's/.*Shaper: .* had waited, \([0-9]*\) dropped.*/\1/p'; }
arrived() { ns "spoke$1-h" awk '/eth0:/ { sub(/.*:/, ""); print $1 }' /proc/net/dev; }
now_ms() { local t=${EPOCHREALTIME/[.,]/}; echo $((t / 1000)); }
flood() { ns_exec hub-h "$FLOW" send "$(lan_host "$1")" "$2" -n 1000000 -r "$3" -s 1300 >/dev/null 2>&1 & FLOODS="${FLOODS-} $!"; }	# SPOKE PORT PACKETS-PER-SECOND
sink() { ns_exec "spoke$1-h" "$FLOW" recv "$2" -w 60 >/dev/null 2>&1 & FLOODS="${FLOODS-} $!"; }
overflowing() { local d; d=$(dropped "$1"); [ "${d:-0}" -gt 0 ]; }
# not_over SPOKE MBIT: what left the hub for it since BEFORE (octets) and SINCE (ms) is no more than that; headers that the shaper counts are left out
not_over() {
	local octets ms
	octets=$(($(sent "$1") - ${BEFORE[$1]})) ms=$(($(now_ms) - SINCE))
	[ "$octets" -gt 0 ] && [ $((octets * 8 / 1000)) -le $(($2 * ms * 102 / 100 + $2 * 20 + 30)) ]
	check $? "spoke$1 gets no more than $2 Mbit/s" "$octets octets in $ms ms: $((octets * 8 / ms)) kbit/s"
}

cloud_topology || { not_ok "the topology can be built"; exit 1; }
for n in 0 $CLOUD_SPOKES; do cloud_conf "$n"; done
group 1 gold; group 2 silver
sed -i 's/^ ip nhrp network-id .*/&\n nhrp map group gold service-policy output 4mbit\n ip nhrp map group silver service-policy output 1mbit/' "$TOPO_DIR/hub.conf"
cat >>"$TOPO_DIR/hub.conf" <<-XX
	crypto ikev2 authorization policy SILVER
	 match identity remote fqdn spoke2.odm.example
	 ip nhrp allow group silver bronze
XX
start_all
eventually 60 "every spoke is UP" cloud_up || { ctl hub show dmvpn; exit 1; }

# ---- what is said is seen
eventually 10 "show ip nhrp detail: the group, and its rate" show_says hub 'Group: gold, output held to 4 Mbit/s' ip nhrp detail || ctl hub show ip nhrp detail
show_says hub 'Group: silver, output held to 1 Mbit/s' dmvpn detail; check $? "show dmvpn detail says it, too" || ctl hub show dmvpn detail
show_says hub 'May be of group: silver and bronze \(authorization policy SILVER\)' dmvpn detail; check $? "and which groups a peer may say"
[ "$(ctl hub -j show ip nhrp group-map | tr -d ' \n' | grep -o '"group":"[a-z]*","rate":[0-9]*,"peers":\[{"tunnel_address":"[0-9.]*"' | sort | tr '\n' ' ')" = \
	"\"group\":\"gold\",\"rate\":4000000,\"peers\":[{\"tunnel_address\":\"$(overlay 1)\" \"group\":\"silver\",\"rate\":1000000,\"peers\":[{\"tunnel_address\":\"$(overlay 2)\" " ]
check $? "show ip nhrp group-map as JSON has both with their peers" "$(ctl hub -j show ip nhrp group-map | tr -d '\n')"
ctl hub show ip nhrp group-map
if show_says hub 'Shaper' dmvpn peer "$(overlay 4)" detail; then not_ok "who said no group has no shaper"; else ok "who said no group has no shaper"; fi

# ---- floods to both, each of them far above its rate
for s in 1 2; do	# 9 and 2 Mbit/s: no more than a busy machine can hand to the hub
	sink $s 6001; flood $s 6001 $((600 / s / s)); flood $s 6002 $((300 / s / s))
done
for s in 1 2; do eventually 20 "the flood to spoke$s is more than its rate" overflowing $s || detail $s; done
declare -A BEFORE ARRIVED
for s in 1 2; do ARRIVED[$s]=$(arrived $s); done
SINCE=$(now_ms)
for s in 1 2; do BEFORE[$s]=$(sent $s); done
flow_start free hub spoke4 "$(lan_host 4)" 6003 400 200
for s in 1 2; do
	OUT=$(cloud_ping hub "$(lan_host $s)" 10 0.1 | grep -o '[0-9]* received.*'); [ "${OUT%% *}" = 10 ]
	check $? "a ping beside the flood to spoke$s loses nothing" "$OUT"
done
not_over 1 4; not_over 2 1
ratio=$(((($(arrived 1) - ARRIVED[1]) * 10) / ($(arrived 2) - ARRIVED[2] + 1)))
[ "$ratio" -ge 25 ] && [ "$ratio" -le 65 ]; check $? "what arrives at the two is as 4 to 1" "$ratio to 10"
flow_intact free "a spoke without a rate is not affected"
ns_exec spoke1-h "$FLOW" tcp-recv 6004 -w 30 >"$TOPO_DIR/tcp.rx" 2>&1 & rx=$!
wait_for 5 grep -q listening "$TOPO_DIR/tcp.rx"
ns hub-h "$FLOW" tcp-send "$(lan_host 1)" 6004 -b 200000 >/dev/null 2>&1; wait $rx; check $? "TCP gets its share beside the flood" "$(tail -n 1 "$TOPO_DIR/tcp.rx")"
show_says hub 'Shaper: 4 Mbit/s; .* [1-9][0-9]* wait now, of [1-9]' dmvpn peer "$(overlay 1)" detail; check $? "show dmvpn detail has the shaper's counters" "$(detail 1 | grep Shaper | tr -s ' ')"
# shellcheck disable=SC2086
kill $FLOODS; FLOODS=

# ---- DSCP
ns inet nft 'add table ip qos; add chain ip qos c { type filter hook forward priority 0; }; add rule ip qos c ip saddr 198.18.10.2 ip dscp ef counter'
ns hub-h ping -n -q -c 3 -i 0.2 -Q 0xb8 "$(lan_host 1)" >/dev/null
n=$(ns inet nft list table ip qos | sed -n 's/.*counter packets \([0-9]*\) .*/\1/p'); [ "${n:-0}" -ge 3 ]; check $? "the DSCP inside is on the outside" "$n packets with EF"

# ---- other groups, other rates
sed -i 's/group gold service-policy output 4mbit/group gold service-policy output 2m/' "$TOPO_DIR/hub.conf"; ctl hub reload >/dev/null
eventually 10 "a reload of the hub with another rate" show_says hub 'Group: gold, output held to 2 Mbit/s' dmvpn peer "$(overlay 1)" detail || detail 1
group 2 bronze; ctl spoke2 reload >/dev/null
eventually 10 "a reload of the spoke with another group, which is not mapped" show_says hub 'Group: bronze$' dmvpn peer "$(overlay 2)" detail || detail 2
group 2 gold; ctl spoke2 reload >/dev/null
eventually 10 "a group that the policy does not allow is refused, and the log says so" \
	log_says hub 'not-allowed: refused: fqdn spoke2.odm.example at .* claims group gold, may claim silver and bronze \(authorization policy SILVER\)' || tail "$TOPO_DIR/hub.log"
eventually 5 "show dmvpn says it" show_says hub 'refused: fqdn spoke2.odm.example claims group gold' dmvpn detail || ctl hub show dmvpn detail
eventually 10 "so does the spoke" show_says spoke2 'our group is not allowed to us' dmvpn || ctl spoke2 show dmvpn

# ---- over a restart of the hub, with spoke1 away
kill -9 "$(cat "$TOPO_DIR/spoke1.pid")"
cloud_stop hub; cloud_start 0
eventually 10 "the hub remembers the group of a spoke that has not come back" show_says hub 'Group: gold' ip nhrp "$(overlay 1)" detail || ctl hub show ip nhrp detail
show_says hub 'Flags: .*restored' ip nhrp "$(overlay 1)" detail; check $? "and that it is from before"
nothing_in_clear "all the time"
end
