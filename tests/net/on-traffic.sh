#!/usr/bin/env bash
# A crypto map with `set connect traffic`: no SA before a packet comes that a line permits, none any more when nothing has passed for a while,
# a peer that does not answer, a reload to `auto`; and nothing of it in clear.
LIMIT=200
TOPO_NS=${TOPO_NS:-ontraffic-}
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

ns_new inet && topo_site hq 10 && topo_site branch 11 && topo_lan hq 1 && topo_lan branch 2 && topo_watch inet s10 s11 ||
	{ not_ok "the topology can be built"; exit 1; }
# Without the tests' own walls: what would leave in clear leaves, and is counted.
for n in hq branch; do ns $n ip route del blackhole 172.16.0.0/16; ns $n ip -6 route del blackhole fd16::/16; done
ns branch-h ip addr add 172.16.9.10/32 dev lo; ns branch ip route add 172.16.9.0/24 via 172.16.2.10

conf() {	# NAME REST: a configuration
	umask 077
	cat >"$TOPO_DIR/$1.conf" <<-EOT
		hostname $1
		dataplane user
		store off
		log level debugging
		crypto ikev2 keyring K
		 peer all
		  identity fqdn domain vpn.example
		  pre-shared-key of-hq-and-branch
		crypto ikev2 profile P
		 match identity remote fqdn domain vpn.example
		 identity local fqdn $1.vpn.example
		 keyring local K
		interface wan
		 crypto map VPN
	EOT
	cat >>"$TOPO_DIR/$1.conf"
}
conf hq <<'EOT'
ip access-list extended L
 permit ip 172.16.1.0/24 172.16.2.0/24
ipv6 access-list L6
 permit ipv6 fd16:1::/64 fd16:2::/64
crypto map VPN 10 ipsec-isakmp
 match address L L6
 set ikev2-profile P
EOT
conf branch <<'EOT'
ip access-list extended L
 permit ip 172.16.2.0/24 172.16.1.0/24
ipv6 access-list L6
 permit ipv6 fd16:2::/64 fd16:1::/64
crypto map VPN 10 ipsec-isakmp
 set peer 198.18.10.2
 match address L L6
 set ikev2-profile P
 set connect traffic
 set security-association idle-time 10
EOT
start() {
	ns_exec "$1" "$NHRPD" -f "$TOPO_DIR/$1.conf" --control "$TOPO_DIR/$1.sock" 2>>"$TOPO_DIR/$1.log" </dev/null >&2 &
	echo $! >"$TOPO_DIR/$1.pid"
	wait_for 10 ctl "$1" show version || { not_ok "$1 starts"; exit 1; }
}
cloud_stop_all() { for n in branch hq; do cloud_stop $n; done; }
counter() { local n; n=$(ctl "$1" show counters | sed -n "s/^ *$2  *//p"); echo "${n:-0}"; }
waits() { ctl branch show crypto map >"$TOPO_DIR/map" && [ "$(grep -c 'no SA: waits for traffic' "$TOPO_DIR/map")" = 2 ]; }
up() { [ "$(ctl branch show crypto map | grep -c '^    ESP .*installed')" -ge 2 ]; }
asked() { grep -c 'sends to .*: a peer is dialled' "$TOPO_DIR/branch.log"; }
passes() { ns branch-h ping -n -q -c 1 -W 1 "$1"; }
TOPO_WATCHED=inet

# ---- before there is a packet
start hq; start branch
eventually 10 "it waits for traffic, which is not an error" waits || cat "$TOPO_DIR/map"
sed 's/^/# /' "$TOPO_DIR/map"
ns branch-h ping -n -q -c 2 -i 0.2 -W 1 -I 172.16.9.10 172.16.1.10 >/dev/null; [ $? = 1 ]; check $? "a packet that no line permits"
n=$(counter branch no-next-hop); [ "$n" -ge 2 ] && [ "$(asked)" = 0 ] && waits; check $? "is dropped, and nobody is dialled for it" "no-next-hop $n"
! ctl hq show crypto ikev2 sa | grep -q vpn.example; check $? "the other side has heard nothing"

# ---- the first packet, and the last
eventually 20 "a packet that one permits brings it up" passes 172.16.1.10
eventually 20 "each line has its SA" up || ctl branch show crypto map
OUT=$(ns branch-h ping -n -q -c 3 -i 0.2 -W 2 fd16:1::10); check $? "fd16:1::10 is reached" "$(grep transmitted <<<"$OUT")"
[ "$(asked)" = 1 ]; check $? "it was dialled once" "$(asked)"
eventually 60 "nothing passes: it waits again" waits || ctl branch show crypto map
gone() { ! ctl hq show crypto map | grep -q '^    ESP'; }
eventually 10 "and the other side has no SA any more" gone || ctl hq show crypto map
OUT=$(ns hq-h ping -n -q -c 1 -W 1 172.16.2.10); [ $? = 1 ]; check $? "who has no peer to dial cannot wake it" "$(grep transmitted <<<"$OUT")"
eventually 20 "IPv6 brings it up, too" passes fd16:1::10

# ---- nobody answers; another configuration
cloud_stop hq
eventually 30 "the other side says good-bye: it waits" waits || ctl branch show crypto map
tries() { passes 172.16.1.10 >/dev/null; ctl branch show crypto map | grep -q 'no SA: packets are dropped'; }
eventually 20 "nobody answers a packet: it is tried" tries || ctl branch show crypto map
start hq
sed -i '/set connect/d; /idle-time/d' "$TOPO_DIR/branch.conf"
ctl branch reload >"$TOPO_DIR/reload"; check $? "reload to auto" "$(tail -n 1 "$TOPO_DIR/reload")"
eventually 40 "it comes up by itself" up || ctl branch show crypto map
[ "$(clear_packets)" = 0 ]; check $? "nothing in clear" "$(topo_watched | tr '\n' ';')"
end
