#!/usr/bin/env bash
# A path that takes 1500, 1400, 1280 octets, with and without word of it (ICMP): small and large pings and bulk TCP pass on the kernel
# plane; the tunnel's MTU is what its SAs leave of the link's.
CLOUD_PLANE=kernel LIMIT=300 CLOUD_SPOKES="1 2"
export CLOUD_PLANE LIMIT CLOUD_SPOKES
# shellcheck source=tests/uml/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/uml/lib.sh"

cloud_topology || { not_ok "the topology can be built"; exit 1; }
for n in 0 $CLOUD_SPOKES; do cloud_conf "$n"; done
sed -i '/^interface dmvpn0/a\ ip tcp adjust-mss auto' "$TOPO_DIR/hub.conf"
sed -i '/^interface dmvpn0/a\ ip tcp adjust-mss 1160' "$TOPO_DIR/spoke1.conf"	# fits the narrowest path
start_all
eventually 60 "every spoke is UP" cloud_up || { ctl hub show dmvpn; exit 1; }
mtu=$(ns hub ip -o link show dmvpn0 | sed -n 's/.* mtu \([0-9]*\) .*/\1/p')
# 1500 - IPv4 20 - UDP 8 - ESP 8 - IV 8 - ICV 16 = 1440, of which 4 n - 2 are for GRE with its key (8) and the packet
[ "$mtu" = 1430 ]; check $? "the MTU is what AES-GCM in UDP leaves of 1500" "$mtu"
transfer() {	# FROM TO-SITE ADDRESS TEXT
	local rx; ns_exec "$2-h" "$FLOW" tcp-recv 5002 -w 20 >"$TOPO_DIR/rx" 2>&1 & rx=$!
	ns "$1-h" timeout 60 "$FLOW" tcp-send "$3" 5002 -b 2000000
	wait $rx; check $? "2 MB by TCP $4" "$(tail -n 1 "$TOPO_DIR/rx")"
}
passes() {	# TEXT
	local out size
	for size in 56 1200 1400 4000; do
		out=$(ns spoke1-h ping -n -q -c 3 -i 0.2 -W 2 -s $size "$(lan_host 0)")
		[[ $out == *" 0% packet loss"* ]]; check $? "pings of $size octets $1" "$(grep loss <<<"$out")"
	done
	transfer hub spoke1 "$(lan_host 1)" "from the hub $1"
	transfer spoke1 hub "$(lan_host 0)" "to the hub $1"
	transfer spoke1 spoke2 "$(lan_host 2)" "between spokes $1"
}
for size in 1500 1400 1280; do
	for silent in "" yes; do
		[ -z "$silent" ] || wall_icmp inet
		ns inet ip link set s11 mtu $size
		ns spoke1 ip link set wan mtu $size
		passes "over a path of $size octets${silent:+ that says nothing}"
		[ -z "$silent" ] || wall_down inet
	done
done
# bulk TCP that knows the narrowest path needs no fragments at all there
ns spoke1 ip link set wan mtu 1280
ns inet ip link set s11 mtu 1280
frags() { ns spoke1 awk '$1 == "Ip:" && $2 != "Forwarding" { print $18 }' /proc/net/snmp; }	# FragCreates
before=$(frags)
transfer spoke1 hub "$(lan_host 0)" "over 1280 octets, MSS 1160"
[ "$(frags)" = "$before" ]; check $? "adjust-mss 1160: not one packet had to be cut" "$(($(frags) - before))"
# Later fragments of ESP in UDP have no port: the watch has them under OTHER.
[ "$(topo_count GRE)" = 0 ] && [ "$(topo_count INNER)" = 0 ] && [ "$(frags)" -gt 0 ]; check $? "no GRE and nothing of inside in clear; there were fragments" "$(topo_watched | tr '\n' ';')"
end
