#!/usr/bin/env bash
# One hub, three spokes, two of them behind one NAT: everybody UP, everybody reaches everybody, traffic between spokes leaves
# the hub, large packets, multicast, an orderly end. cloud6.sh runs the same with IPv6 outside and inside.
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

whole_cloud
ctl hub show dmvpn

# ---- one public address for two
if [ -z "$CLOUD_V6UNDER" ]; then
	n=$(ctl hub show dmvpn | grep -E '10\.255\.0\.1[23]\b' | grep -Fc 198.18.12.2)
	[ "$n" = 2 ]; check $? "spoke2 and spoke3 are UP with one public address" "$n of 2 lines name it"
fi

# ---- the first packet of a conversation goes with the others by the hub: neither lost nor held back for a key exchange
out=$(ns spoke1-h ping -n -c 5 -i 0.2 -W 2 "$(lan_host 2)")
[[ $out == *" 0% packet loss"* ]]; check $? "the first packets between two spokes are not lost" "$(tail -n 2 <<<"$out" | tr '\n' ' ')"
first() { sed -n 's/.*icmp_seq=1 .*time=\([0-9]*\).*/\1/p'; }	# ms there and back
firsts=$(first <<<"$out"; for p in 2-3 3-1; do ns "spoke${p%-*}-h" ping -n -c 1 -W 2 "$(lan_host "${p#*-}")" | first; done)
fastest=$(sort -n <<<"$firsts" | head -n 1)	# a machine may stand still for a moment, a key exchange holds up all of them
[ "${fastest:-9999}" -lt 250 ]; check $? "nor held back" "ms there and back, of three pairs: $(tr '\n' ' ' <<<"$firsts")"

everyone_reaches_everyone lan_host
[ -z "$CLOUD_V6OVER" ] || everyone_reaches_everyone lan_host6

# ---- direct tunnels, asked for by traffic
direct() {	# A B
	local before after wan n
	chatter "spoke$1" "$(lan_host "$2")"
	eventually 20 "spoke$1 sends straight to spoke$2" cloud_direct "$1" "$2" || ctl "spoke$1" show dmvpn
	eventually 20 "spoke$2 sends straight to spoke$1" cloud_direct "$2" "$1" || ctl "spoke$2" show dmvpn
	quiet
	before=$(cloud_forwarded) wan=$(packets hub wan)
	out=$(cloud_ping "spoke$1" "$(lan_host "$2")" 200 0.01)
	after=$(cloud_forwarded)
	[[ $out == *" 0% packet loss"* ]]; check $? "no ping is lost on the direct path spoke$1 - spoke$2" "$(tail -n 2 <<<"$out" | tr '\n' ' ')"
	[ $((after - before)) -lt 20 ]; check $? "the hub's tunnel stands still meanwhile" "$((after - before)) packets of 400"
	wan=$(($(packets hub wan) - wan))
	[ $wan -lt 150 ]; check $? "and so does the hub's underlay interface" "$wan packets: liveness, refreshes"
}
packets() { ns "$1" cat /proc/net/dev | awk -v d="$2:" '$1 == d { print $3 + $11 }'; }
direct 1 2
direct 1 3
ctl spoke1 show ip nhrp shortcut
[ "$(ctl spoke1 show ip nhrp shortcut | grep -c '172\.16\.[23]\.')" -ge 2 ]; check $? "nhrpctl lists both shortcuts of spoke1"
for n in hub spoke1; do
	for what in "dmvpn" "ip nhrp" "ip nhrp nhs" "crypto session" "interface"; do
		# shellcheck disable=SC2086
		out=$(ctl $n -j show $what 2>&1); [ "${out:0:1}" = "{" ] || [ "${out:0:1}" = "[" ]; check $? "$n: nhrpctl -j show $what" "$([ "${#out}" -gt 2 ] || echo empty)"
	done
done

# ---- sizes: TCP by the hub and directly, fragments, path MTU
transfer() {	# FROM TO-SITE ADDRESS TEXT
	local rx; ns_exec "$2-h" "$FLOW" tcp-recv 5002 -w 20 >"$TOPO_DIR/rx" 2>&1 & rx=$!
	ns "$1-h" timeout 60 "$FLOW" tcp-send "$3" 5002 -b 20000000
	wait $rx; check $? "20 MB by TCP $4" "$(tail -n 1 "$TOPO_DIR/rx")"
}
transfer hub spoke3 "$(lan_host 3)" "from the hub's LAN to spoke3's"
transfer spoke1 spoke2 "$(lan_host 2)" "straight from spoke1's LAN to spoke2's"
[ -z "$CLOUD_V6OVER" ] || transfer spoke1 spoke2 "$(lan_host6 2)" "over IPv6 inside"
out=$(ns spoke1-h ping -n -q -c 3 -i 0.2 -W 2 -s 4000 "$(lan_host 2)")
[[ $out == *" 0% packet loss"* ]]; check $? "packets that need fragments arrive" "$(tail -n 2 <<<"$out" | tr '\n' ' ')"
out=$(ns spoke1-h ping -n -c 3 -i 0.3 -W 2 -M "do" -s 1472 "$(lan_host 2)" 2>&1)
grep -Eiq 'frag needed|message too long|mtu' <<<"$out"; check $? "a packet too big with DF is told so, not swallowed" "$(grep -Ei 'frag|mtu|loss' <<<"$out" | tr '\n' ' ')"

# ---- multicast from the hub to all
out=$(ns hub ping -n -c 2 -i 0.5 -W 2 -I dmvpn0 224.0.0.1 2>&1 | grep -oE 'from 10\.255\.0\.1[1-9]' | sort -u | wc -l)
[ "$out" = "$(wc -w <<<"$CLOUD_SPOKES")" ]; check $? "a multicast packet of the hub reaches every spoke" "answers of $out"

# ---- an orderly end leaves nothing
pid=$(cloud_pid spoke3); kill -TERM "$pid"; wait "$pid"; rc=$?
check $rc "spoke3 ends with exit code 0 when told to" "$([ $rc = 0 ] || echo "exit code $rc")"
ns spoke3 ip link show dmvpn0 >/dev/null 2>&1; [ $? != 0 ]; check $? "its interface is gone"
hub_lost() { ! cloud_hub_has 3; }
eventually 20 "the hub knows that spoke3 left" hub_lost || ctl hub show dmvpn
cloud_up_without_3() { cloud_hub_has 1 && cloud_hub_has 2; }
eventually 5 "the others stay" cloud_up_without_3

nothing_in_clear "all the time"
end
