#!/usr/bin/env bash
# The packet filter's part of the kernel plane: TCP's MSS is lowered and said so; GRE in clear is held back by a lock of its own when IPsec's
# policies and the route into the device are gone, also after the daemon was killed; what others remove is put back; `nhrpd --purge`.
CLOUD_PLANE=kernel LIMIT=200 CLOUD_SPOKES="1"
export CLOUD_PLANE LIMIT CLOUD_SPOKES
# shellcheck source=tests/uml/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/uml/lib.sh"

cloud_topology || { not_ok "the topology can be built"; exit 1; }
for n in 0 1; do cloud_conf "$n"; done
sed -i '/^interface dmvpn0/a\ ip tcp adjust-mss auto' "$TOPO_DIR/hub.conf"
sed -i '/^interface dmvpn0/a\ ip tcp adjust-mss 1200' "$TOPO_DIR/spoke1.conf"
start_all
eventually 60 "spoke1 is UP" cloud_up || { ctl hub show dmvpn; exit 1; }
mangle() { ns "$1" iptables-legacy-save -c -t mangle; }
word() { ctl "$1" show interface | sed -n "s/.*$2.*/&/p"; }

# ---- MSS
transfer() {	# FROM TO-SITE ADDRESS
	local rx; ns_exec "$2-h" "$FLOW" tcp-recv 5002 -w 20 >"$TOPO_DIR/rx" 2>&1 & rx=$!
	ns "$1-h" timeout 60 "$FLOW" tcp-send "$3" 5002 -b 500000
	wait $rx; check $? "0.5 MB by TCP from $1 to $2" "$(tail -n 1 "$TOPO_DIR/rx")"
}
transfer spoke1 hub "$(lan_host 0)"
note "$(word hub MSS)"; note "$(word spoke1 MSS)"
word hub MSS | grep -q 'lowered to 1390, by iptables-legacy: 1 SYN '; check $? "the hub lowers what its own host offers to what the MTU of 1430 leaves" "$(word hub MSS)"
word spoke1 MSS | grep -q 'lowered to 1200, by iptables-legacy: [2-9] SYNs'; check $? "spoke1 lowers both SYNs to 1200" "$(word spoke1 MSS)"

# ---- the rules are put back
ns spoke1 iptables-legacy -t mangle -F
ns spoke1 ip6tables-legacy -t mangle -F
restored() { ctl spoke1 show counters | grep -Eq 'filter-restored +1$'; }
eventually 4 "iptables -F: all rules are back, which is counted" restored || mangle spoke1
[ "$(mangle spoke1 | grep -c 'odm-.*-dmvpn0')" -ge 12 ]; check $? "with their jumps" "$(mangle spoke1 | grep -c odm-)"
grep -q filter-lost "$TOPO_DIR/spoke1.log"; check $? "and the log says so"

# ---- the second lock alone: the daemon is killed, what it installed in IPsec and routes is taken away, packets find their way
kill -KILL "$(cloud_pid spoke1)"; wait "$(cloud_pid spoke1)" 2>/dev/null
mangle spoke1 | grep -q 'odm-out-dmvpn0.*DROP'; check $? "the lock outlives the daemon"
open_up() {
	ns spoke1 ip xfrm policy flush; ns spoke1 ip xfrm state flush
	ns spoke1 ip neigh replace "$(overlay 0)" lladdr "$HUB_NBMA" dev dmvpn0 nud permanent
	ns spoke1 ip link set dmvpn0 up
	ns spoke1 ping -n -q -c 3 -i 0.2 -W 1 "$(overlay 0)" >/dev/null 2>&1
}
HUB_NBMA=$(ctl hub --json show interface | sed -n 's/.*"source": *"\([^"]*\)".*/\1/p')
open_up
nothing_in_clear "with only the second lock closed"
n=$(mangle spoke1 | sed -n 's/^\[\([0-9]*\):.*-A odm-out-dmvpn0 .*DROP/\1/p' | awk '{ s += $1 } END { print s + 0 }')
[ "$n" -ge 3 ]; check $? "it was what held them" "$n packets"

# ---- orderly: everything is taken away; only then does GRE leave, which shows that the watch sees it
purged=$(ns spoke1 "$NHRPD" --purge); check $? "nhrpd --purge" "$purged"
! ns spoke1 ip link show dmvpn0 >/dev/null 2>&1; check $? "the interface went first"
[ "$(mangle spoke1 | grep -c odm-)" = 0 ] && [ "$(ns spoke1 ip xfrm policy | wc -l)" = 0 ]; check $? "no rule and no policy is left" "$(mangle spoke1)"
nothing_in_clear "meanwhile"
ns spoke1 ip link add dmvpn0 type gre key 42 local "$(ns spoke1 ip -4 -o addr show dev wan | sed -n 's/.* inet \([0-9.]*\)\/.*/\1/p')" ttl 64
ns spoke1 ip addr add "$(overlay 1)/24" dev dmvpn0
open_up
[ "$(topo_count GRE)" -ge 3 ]; check $? "without the locks GRE leaves: the watch would have seen it" "$(topo_watched | tr '\n' ';')"
end
