#!/usr/bin/env bash
# GRE in ESP tunnel mode: a hub and two spokes, one of them behind NAT; a shortcut between the two, rekeys under flow, sizes. And who
# asks for transport mode gets tunnel mode from who has no other, but not if it requires it.
CLOUD_SPOKES='1 2'
CLOUD_LIFE=${CLOUD_LIFE:-10}
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

mode() {	# NAME WORDS: in place of "mode transport"
	sed -i "s/^ mode t.*/ mode $2/" "$TOPO_DIR/$1.conf"
}
spis() { ctl "$1" show crypto session | grep -oE '\b0x[0-9a-f]{8}\b' | sort -u; }
changed() { [ "$(spis "$1")" != "$2" ]; }
all_tunnel() {	# SITE HOW-MANY: asked once, for a rekey may be under way
	local sas; sas=$(ctl "$1" show crypto ipsec sa | grep '^ *ESP ')
	[ "$(grep -c . <<<"$sas")" -ge "$2" ] && ! grep -qv ', Tunnel' <<<"$sas"
}
counter() { ctl "$1" show counters | awk -v n="$2" '$0 ~ "(^|[ .])" n "([ :]|$)" { print $NF; exit }'; }

cloud_topology || { not_ok "the topology can be built"; exit 1; }
for n in 0 $CLOUD_SPOKES; do cloud_conf "$n"; mode "$(site "$n")" tunnel; done
mode spoke1 transport	# it takes what there is
start_all
eventually 60 "hub and spokes are UP: one that wants tunnel mode, behind NAT, and one that would rather have transport mode" cloud_up || { ctl hub show dmvpn; exit 1; }
for n in hub spoke1 spoke2; do
	if all_tunnel $n 1; then r=0; else r=1; fi; check $r "$n: all of its SAs are in tunnel mode" "$(ctl $n show crypto ipsec sa | grep '^ *ESP ' | head -n 1)"
done
out=$(ctl hub -j show crypto ipsec sa)
[[ $out == *'"mode": "tunnel"'* || $out == *'"mode":"tunnel"'* ]]; check $? "and so says the JSON"
everyone_reaches_everyone lan_host
mtu() { ns "$1" ip -o link show dmvpn0 | sed "s/.* mtu \([0-9]*\) .*/\1/"; }
[ "$(mtu hub)" = $(($(mtu spoke1) - (${CLOUD_V6UNDER:-0} ? 40 : 20))) ]; check $? "the MTU leaves room for the second IP header where tunnel mode is configured" "hub $(mtu hub), spoke1 $(mtu spoke1)"

# ---- a shortcut, and rekeys of all under flow
started=${EPOCHREALTIME/[.,]/}
flow_start up spoke1 spoke2 "$(lan_host 2)" 5001 14000 1000
flow_start back spoke2 spoke1 "$(lan_host 1)" 5002 14000 1000
flow_start hub hub spoke2 "$(lan_host 2)" 5004 14000 1000
eventually 30 "spoke1 sends straight to spoke2${CLOUD_V6UNDER:-, which is behind NAT}" cloud_direct 1 2 || ctl spoke1 show dmvpn
eventually 30 "and spoke2 to spoke1" cloud_direct 2 1 || ctl spoke2 show dmvpn
direct=$(((${EPOCHREALTIME/[.,]/} - started) / 1000 + 1000))
for n in hub spoke1 spoke2; do
	was=$(spis $n)
	eventually 30 "SAs of $n are rekeyed under flow (lifetime $CLOUD_LIFE s)" changed $n "$was"
done
flow_intact up "14 s of 1000 packets/s from spoke1 to spoke2: none lost, doubled or late over shortcut and rekeys" $direct
flow_intact back "the same from spoke2 to spoke1" $direct
flow_intact hub "the same from the hub to spoke2"
for n in hub spoke1 spoke2; do
	if all_tunnel $n 1; then r=0; else r=1; fi; check $r "$n: still all in tunnel mode"
done

# ---- sizes: the second header counts
out=$(ns spoke1-h ping -n -q -c 3 -i 0.2 -W 2 -s 4000 "$(lan_host 2)")
[[ $out == *" 0% packet loss"* ]]; check $? "packets that need fragments arrive" "$(tail -n 2 <<<"$out" | tr '\n' ' ')"
for way in "spoke1 spoke2 2" "hub spoke2 2" "spoke2 hub 0"; do
	read -r from to site <<<"$way"
	ns_exec "$to-h" "$FLOW" tcp-recv 5002 -w 20 >"$TOPO_DIR/rx" 2>&1 & rx=$!
	ns "$from-h" timeout 60 "$FLOW" tcp-send "$(lan_host "$site")" 5002 -b 10000000
	wait $rx; check $? "10 MB by TCP from $from to $to" "$(tail -n 1 "$TOPO_DIR/rx")"
done
bad=''
for n in hub spoke1 spoke2; do for c in tunnel-header selector-in selector-out esp-next-header sa-mode; do
	v=$(counter $n $c)	# what is 0 is not shown
	[ "${v:-0}" = 0 ] || bad="$bad $n $c $v"
done; done
[ "$(counter hub esp-in)" -gt 5000 ] || bad="$bad and $(counter hub esp-in) packets came in"
[ -z "$bad" ]; check $? "nothing was refused for its header" "$bad"

# ---- required is required
cloud_stop spoke1
mode spoke1 "transport require"
cloud_start 1 || not_ok "spoke1 starts"
refused() { grep -q "peer does not take transport mode" "$TOPO_DIR/spoke1.log"; }
eventually 20 "\`mode transport require\` against a hub in tunnel mode: refused, and the log says why" refused
mode hub transport
ctl hub reload; check $? "the hub is told \`mode transport\`, by a reload"
eventually 30 "and spoke1 is UP" cloud_spoke_up 1 || ctl spoke1 show dmvpn
transport() { ctl spoke1 show crypto ipsec sa | grep '^ *ESP ' | grep -vq Tunnel; }
eventually 5 "in transport mode" transport || ctl spoke1 show crypto ipsec sa
eventually 20 "spoke2 stays UP" cloud_spoke_up 2
eventually 20 "in tunnel mode, as it wants" all_tunnel spoke2 1 || ctl spoke2 show crypto ipsec sa
eventually 20 "and they reach each other, over the hub or directly" cloud_ping spoke1 "$(lan_host 2)"
sed 's/^dataplane.*/dataplane kernel/' "$TOPO_DIR/spoke2.conf" >"$TOPO_DIR/kernel.conf"
out=$("$NHRPD" --check "$TOPO_DIR/kernel.conf" 2>&1); [ $? != 0 ] && [[ $out == *'"mode tunnel" needs "dataplane user"'* ]]
check $? "\`mode tunnel\` with \`dataplane kernel\` does not load" "$(head -n 1 <<<"$out")"
nothing_in_clear "all the time"
end
