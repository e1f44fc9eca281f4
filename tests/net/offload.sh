#!/usr/bin/env bash
# The offloads of the user plane: what is sent arrives, octet by octet, whichever of them are on, over ESP and over ESP in UDP, through a path
# that loses and marks packets (and swaps and doubles them where there is netem), that becomes narrower, and from hosts that cut their
# packets themselves.
LIMIT=150
CLOUD_SPOKES="1 2" CLOUD_V6OVER=1 CLOUD_PLANE=user
TOPO_NS=${TOPO_NS:-offload-}
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"
WORDS="tap gso gro coalesce"
MB=${OFFLOAD_MB:-2}	# of each transfer

# shellcheck disable=SC2119
whole_cloud	# spoke1 by protocol 50, spoke2 behind NAT by UDP

# offloads NAME STATE...: `show interface` says so, in the order of WORDS
offloads() {
	local n=$1 want='' w; shift
	for w in $WORDS; do want="$want, $w $1"; shift; done
	ctl "$n" show interface | grep -qF "  Offloads: ${want#, }"
}
OFF="off (configuration)"
offloads hub on on on on; check $? "all offloads are in use" "$(ctl hub show interface | grep Offloads)"

PORT=6000
# moves FROM ADDRESS TEXT: the receiver, behind the hub, knows what has to come
moves() {
	local rx
	PORT=$((PORT + 1))
	ns_exec hub-h timeout 60 "$FLOW" tcp-recv $PORT -w 20 >"$TOPO_DIR/rx" 2>&1 & rx=$!
	wait_for 5 grep -q listening "$TOPO_DIR/rx"
	ns "$1-h" timeout 60 "$FLOW" tcp-send "$2" $PORT -b $((MB * 1000000)) >"$TOPO_DIR/tx" 2>&1
	wait "$rx"; check $? "$3" "$(tail -n 1 "$TOPO_DIR/rx")"
}
both_ways_of_esp() {	# TEXT
	moves spoke1 "$(lan_host 0)" "$1: ESP"
	moves spoke2 "$(lan_host 0)" "$1: ESP in UDP"
}
count() { ctl "$1" show counters | awk -v w="$2" '$1 == w { print $2; f = 1 } END { if (!f) print 0 }'; }	# NAME WORD
counts() {	# NAME WORD TEXT: it has happened
	local n; n=$(count "$1" "$2")
	[ "$n" -gt 0 ]; check $? "$3" "$2 $n"
}
stands() {	# NAME WORD BEFORE TEXT: it has not since
	local n; n=$(count "$1" "$2")
	[ "$n" = "$3" ]; check $? "$4" "$2 $3, then $n"
}

both_ways_of_esp "all on"
counts spoke2 super-packets-segmented "the TAP gives super-packets"
counts spoke2 udp-segment-sends "and many packets leave in one message"
counts hub udp-gro-receives "they come in as one"
counts hub super-packets-joined "and go on to the kernel as one"

# ---- a path that does what paths do. Devices that cut and sum nothing themselves: then it is single packets that are lost, not whole messages.
devices() {	# STATE: of what the hosts' and sites' devices do
	local n
	command -v ethtool >/dev/null || return 0
	for n in spoke1-h spoke2-h; do ns $n ethtool -K "$(ns $n ip -o link | awk -F'[ :@]+' '$2 != "lo" { print $2; exit }')" tso "$1" gso "$1" >/dev/null 2>&1; done
	for n in hub spoke1 spoke2; do ns $n ethtool -K wan tx "$1" gso "$1" tx-udp-segmentation "$1" gro on >/dev/null 2>&1; done
}
path() {	# RULE...: what happens to packets between the sites; none: nothing any more
	local r
	ns inet nft 'add table ip path; delete table ip path; add table ip path; add chain ip path c { type filter hook forward priority 0; }'
	for r; do ns inet nft "add rule ip path c $r"; done
}
devices off
both_ways_of_esp "devices that cut and sum nothing"
path 'numgen random mod 1000 < 5 counter drop'
both_ways_of_esp "one in 200 is lost"
moves spoke2 "$(lan_host6 0)" "the same, IPv6"
lost=$(ns inet nft list table ip path | sed -n 's/.* packets \([0-9]*\) .*/\1/p')
[ "$lost" -gt 0 ]; check $? "some were lost" "$lost packets"
for h in hub-h spoke1-h spoke2-h; do ns $h sh -c 'echo 1 >/proc/sys/net/ipv4/tcp_ecn'; done
path 'ip ecn { ect0, ect1 } numgen random mod 100 < 2 ip ecn set ce'
both_ways_of_esp "one in 50 is marked"
marks=$(ns hub-h cat /proc/net/netstat | awk '$1 == "IpExt:" { if (!h) { for (i = 2; i <= NF; i++) if ($i == "InCEPkts") h = i } else print $h }')
[ "${marks:-0}" -gt 0 ]; check $? "and the marks reach the host" "InCEPkts $marks"
devices on
both_ways_of_esp "whole messages are marked"
path
if ns hub tc qdisc add dev wan root netem delay 1ms duplicate 1% reorder 5% 50% 2>/dev/null; then
	for n in $CLOUD_SPOKES; do ns "spoke$n" tc qdisc add dev wan root netem delay 1ms duplicate 1% reorder 5% 50%; done
	both_ways_of_esp "doubles, swapped packets"
	for n in hub spoke1 spoke2; do ns $n tc qdisc del dev wan root; done
else
	note "no netem in this kernel: nothing is doubled or swapped"
fi

# ---- each one off, by a reload, at both ends
for w in $WORDS all; do
	for n in 0 2; do
		cp "$TOPO_DIR/$(site $n).conf" "$TOPO_DIR/$(site $n).kept"
		for x in $WORDS; do
			[ "$w" != all ] && [ "$w" != "$x" ] || echo "no dataplane offload $x"
		done >>"$TOPO_DIR/$(site $n).conf"
		ctl "$(site $n)" reload >/dev/null || not_ok "$(site $n) takes \`no dataplane offload $w\`"
	done
	says=$(for x in $WORDS; do if [ "$w" = all ] || [ "$w" = "$x" ]; then echo "$OFF"; else echo on; fi; done)
	mapfile -t says <<<"$says"
	offloads hub "${says[@]}"; check $? "show interface says: $w off" "$(ctl hub show interface | grep Offloads)"
	before=("$(count spoke2 super-packets-segmented)" "$(count spoke2 udp-segment-sends)" "$(count hub udp-gro-receives)" "$(count hub super-packets-joined)")
	moves spoke2 "$(lan_host 0)" "$w off"
	case $w in
	tap|all)	stands spoke2 super-packets-segmented "${before[0]}" "no super-packets from the TAP" ;;&
	gso|all)	stands spoke2 udp-segment-sends "${before[1]}" "one message for each packet" ;;&
	gro|all)	stands hub udp-gro-receives "${before[2]}" "each comes in for itself" ;;&
	coalesce|all)	stands hub super-packets-joined "${before[3]}" "each goes on for itself" ;;
	esac
	for n in 0 2; do mv "$TOPO_DIR/$(site $n).kept" "$TOPO_DIR/$(site $n).conf"; ctl "$(site $n)" reload >/dev/null; done
done
offloads hub on on on on; check $? "and all are on again" "$(ctl hub show interface | grep Offloads)"

nothing_in_clear "so far"

# ---- the first hop becomes narrower while packets of the old size are made
for n in spoke1 spoke2; do ns $n ip link set wan mtu 1250; done
both_ways_of_esp "a first hop of 1250 octets"
for n in hub spoke1 spoke2; do
	drops=$(ctl $n show counters | awk '/^ *(frame-offload|frame-checksum|seal-failed|esp-auth|inner-length|tap-write) / && $2 > 0')
	[ -z "$drops" ]; check $? "nothing was malformed at $n" "$drops"
done
n=$(($(topo_count GRE) + $(topo_count INNER)))	# what was on its way went in fragments of ESP, which the others count as well
[ "$n" = 0 ]; check $? "and no GRE in clear" "$(topo_watched | tr '\n' ';')"
end
