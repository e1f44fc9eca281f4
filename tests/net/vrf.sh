#!/usr/bin/env bash
# VRFs: the outside in one (`tunnel vrf`), the tunnel and the LAN in another (`vrf forwarding`), nothing in the main table. At the hub and at a
# spoke; a second spoke has none. IKE, ESP, NHRP, shortcuts and redirects keep to their tables. VRFS: which of the two.
LIMIT=150
: "${VRFS:=under over}"
CLOUD_SPOKES="1 2"
export CLOUD_SPOKES
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

cloud_topology || { not_ok "the topology can be built"; exit 1; }
ns hub ip link add probe type vrf table 1 2>/dev/null || skip "this kernel has no VRF (CONFIG_NET_VRF)"
ns hub ip link del probe
into_vrfs() {	# NAME GATEWAY: wan into `under`, the LAN into `over`
	has under && { ns "$1" ip -batch - <<-END || return 1
		link add under type vrf table 100
		link set under up
		link set wan master under
		route add default via $2 vrf under
	END
	}
	has over && { ns "$1" ip -batch - <<-END || return 1
		link add over type vrf table 200
		link set over up
		link set lan0 master over
	END
	}
	return 0
}
has() { [[ " $VRFS " == *" $1 "* ]]; }
table() { if has over; then echo 200; else echo main; fi; }
for n in 0 1 2; do cloud_conf $n; done
for n in 0 1; do
	into_vrfs "$(site $n)" "198.18.1$n.1" || { not_ok "VRFs of $(site $n)"; exit 1; }
	! has over || sed -i 's/^ tunnel source wan/ vrf forwarding over\n&/' "$TOPO_DIR/$(site $n).conf"
	! has under || sed -i 's/^ tunnel source wan/ tunnel vrf under\n&/' "$TOPO_DIR/$(site $n).conf"
done
eval "plain_$(declare -f cloud_routes)"
cloud_routes() { if [ "$1" = 2 ] || ! has over; then plain_cloud_routes "$1"; else plain_cloud_routes "$1" | sed 's/$/ vrf over/'; fi; }
start_all
eventually 60 "both spokes are UP" cloud_up || { ctl hub show dmvpn; ctl spoke1 show dmvpn; }
ctl hub show interface | grep -q "VRF $(has over && echo over || echo none), of outer packets $(has under && echo under || echo none)"; check $? "show interface names them" "$(ctl hub show interface | grep VRF)"
if [ "$VRFS" = "under over" ]; then
	[ -z "$(ns hub ip route show table main | grep -v blackhole)" ]; check $? "the hub's main table is empty" "$(ns hub ip route show table main)"
fi
! has over || { ns hub ip -d link show dmvpn0 | grep -q 'master over'; check $? "the interface is in its VRF"; }
everyone_reaches_everyone lan_host
direct() { ns spoke1 ip route show table $(table) proto 145 | grep -q "172.16.2.*via $(overlay 2)"; }
chatter spoke1 "$(lan_host 2)"
eventually 40 "the shortcut of spoke1 stands in the right table" direct || { ns spoke1 ip route show table 200; ctl spoke1 show dmvpn; }
quiet
cloud_ping spoke1 "$(lan_host 2)" 5; check $? "and is used"
! has over || { ! ns spoke1 ip route show table main proto 145 | grep -q .; check $? "and not in the main table"; }
if [ "$(plane_of hub)" = kernel ]; then	# what is not transformed has no way out here, either
	chatter hub "$(lan_host 1)" 0.02
	for _ in 1 2 3 4 5; do ns hub ip xfrm policy flush; done
	back() { [ "$(ns hub ip xfrm policy | grep -c '^src')" -ge 9 ]; }
	eventually 3 "ip xfrm policy flush: all are back" back || ns hub ip xfrm policy
	quiet
	nothing_in_clear "while policies were flushed"
	! has under || ns hub ip route show table 100 | grep -q '^240.0.0.0/12 dev under'; check $? "the peers' addresses lead to the outer VRF itself"
fi
# a static route of the configuration, with the VRF of its interface
printf 'ip route 172.31.0.0/16 %s\n' "$(overlay 0)" >>"$TOPO_DIR/spoke1.conf"
ctl spoke1 reload >"$TOPO_DIR/out"; check $? "reload" "$(tail -n 1 "$TOPO_DIR/out")"
ns spoke1 ip route show table $(table) proto 146 | grep -q 172.31; check $? "a static route is in the same table" "$(ns spoke1 ip route show table $(table) proto 146)"
# a VRF that is not there is said
sed '/vrf forwarding/d; s/^ tunnel source wan/ vrf forwarding blue\n&/; s/^dataplane.*/dataplane user/' "$TOPO_DIR/spoke1.conf" >"$TOPO_DIR/bad.conf"
cloud_stop spoke1
ns spoke1 timeout 20 "$NHRPD" -f "$TOPO_DIR/bad.conf" --control "$TOPO_DIR/bad.sock" >"$TOPO_DIR/out" 2>&1; rc=$?
[ $rc = 1 ] && grep -q 'there is no VRF blue: ip link add blue type vrf' "$TOPO_DIR/out"; check $? "a VRF that is not there is named" "$rc $(grep VRF "$TOPO_DIR/out")"
cloud_start 1; eventually 60 "spoke1 is UP again" cloud_spoke_up 1
cloud_ping spoke1 "$(lan_host 0)" 3; check $? "and reaches the hub's LAN"
nothing_in_clear "all the time"
end
