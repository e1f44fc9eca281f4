#!/usr/bin/env bash
# `dataplane auto` and `dataplane kernel`: the kernel's where it has all that is needed, else ours, and what is missing is named. Runs where
# the kernel has no GRE, and as tests/uml/auto.sh where it has.
CLOUD_SPOKES="1"
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

cloud_topology || { not_ok "the topology can be built"; exit 1; }
plane() {	# PLANE SED: starts the hub with that plane, its configuration changed
	CLOUD_PLANE=$1 cloud_conf 0
	sed -i "$2" "$TOPO_DIR/hub.conf"
	cloud_start 0
}
is_plane() {	# WANT TEXT
	local got; got=$(ctl hub -j show version | tr -d ' \n' | sed -n 's/.*"plane":"\([a-z]*\)".*/\1/p')
	[ "$got" = "$1" ]; check $? "$2" "$got"
	ctl hub show interface | grep -q "data plane $1"; check $? "show interface says $1" "$(ctl hub show interface | head -n 1)"
}
why() {	# PATTERN TEXT
	ctl hub show version | grep -Eq "data plane user \(auto: .*$1"; check $? "$2" "$(ctl hub show version | grep 'data plane')"
	grep -Eq "dataplane: our own: .*$1" "$TOPO_DIR/hub.log"; check $? "and the log says so" "$(grep ' dataplane: ' "$TOPO_DIR/hub.log")"
}
refuses() {	# PATTERN TEXT: `dataplane kernel` does not start, exit code 1
	CLOUD_PLANE=kernel cloud_conf 0
	ns hub "$NHRPD" -f "$TOPO_DIR/hub.conf" --control "$TOPO_DIR/hub.sock" 2>"$TOPO_DIR/refused" </dev/null; local rc=$?
	[ $rc = 1 ] && grep -Eq "dataplane kernel: .*$1" "$TOPO_DIR/refused"; check $? "$2" "$(tail -n 1 "$TOPO_DIR/refused")"
}
if ! ns hub ip link add odm-probe0 type gre local 127.0.0.1 key 7 2>/dev/null; then
	plane auto ''
	is_plane user "auto takes our own plane where the kernel has no GRE"
	why 'module ip_gre \(CONFIG_NET_IPGRE\)' "show version says why"
	cloud_stop hub
	refuses 'module ip_gre \(CONFIG_NET_IPGRE\)' "dataplane kernel names the missing module"
	end
fi
ns hub ip link del odm-probe0
plane auto ''
is_plane kernel "auto takes the kernel's where it has all"
grep -q "dataplane: the kernel's" "$TOPO_DIR/hub.log"; check $? "and the log says so"
ns hub ip -d link show dmvpn0 | grep -q 'gre remote any'; check $? "its interface is a GRE device"
cloud_stop hub
plane auto 's/^ no shutdown/ ip tcp adjust-mss 1300\n no shutdown/'
is_plane kernel "also with ip tcp adjust-mss"
ctl hub show interface | grep -q 'TCP MSS is lowered to 1300'; check $? "and it is in force" "$(ctl hub show interface | grep MSS)"
cloud_stop hub
CLOUD_V6UNDER=1 plane auto ''
is_plane kernel "also with IPv6 outside"
cloud_stop hub
CLOUD_V6UNDER=1 plane auto 's/^ tunnel protection.*/ tunnel protection none/'
is_plane user "auto takes our own plane for IPv6 outside without protection"
why 'ip6_gre' "show version says why"
cloud_stop hub
# The privileges of the systemd unit suffice; without CAP_BPF it is our own plane.
with_caps() {	# CAPABILITIES
	CLOUD_PLANE=auto cloud_conf 0
	rm -f "$TOPO_DIR/hub.sock"
	ns_exec hub setpriv --bounding-set "-all,$1" "$NHRPD" -f "$TOPO_DIR/hub.conf" --control "$TOPO_DIR/hub.sock" 2>>"$TOPO_DIR/hub.log" </dev/null >&2 &
	echo $! >"$TOPO_DIR/hub.pid"
	wait_for 30 cloud_device hub || not_ok "the hub starts with $1"
}
with_caps +net_admin,+net_raw,+net_bind_service,+bpf
is_plane kernel "the capabilities of the systemd unit suffice for the kernel's"
if ctl hub show log 2>/dev/null | grep -q no-multicast; then r=1; else r=0; fi; check $r "multicast and redirects included"
cloud_stop hub
with_caps +net_admin,+net_raw,+net_bind_service
is_plane user "auto without CAP_BPF is our own plane"
why 'CAP_BPF' "show version says why"
cloud_stop hub
# without modules: none is loaded on demand any more
echo /bin/false >/proc/sys/kernel/modprobe
/usr/sbin/rmmod ip_gre 2>/dev/null && {
	refuses 'module ip_gre \(CONFIG_NET_IPGRE\)' "dataplane kernel names the missing module"
	plane auto ''
	is_plane user "auto without ip_gre is our own plane"
	cloud_stop hub
}
end
