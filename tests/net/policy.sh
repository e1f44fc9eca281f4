#!/usr/bin/env bash
# Policy-based plain IPsec (crypto map): a branch and its headquarters, each with an access list of prefix pairs, an ESP SA pair for each.
# Traffic both ways, what the lists do not have stays here and is counted, the first of two peers is dead, rekeys under a flow, a reload
# that adds a line, killed and back; and nothing of it in clear, whether a daemon runs or not.
LIMIT=300
TOPO_NS=${TOPO_NS:-policy-}
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

ns_new inet && topo_site hq 10 && topo_site old 20 && topo_site branch 11 && topo_lan hq 1 && topo_lan branch 2 && topo_watch inet s10 s20 s11 ||
	{ not_ok "the topology can be built"; exit 1; }
# Without the tests' own walls: what would leave in clear leaves, and is counted.
for n in hq branch; do ns $n ip route del blackhole 172.16.0.0/16; ns $n ip -6 route del blackhole fd16::/16; done
ns hq-h ip addr add 172.16.5.10/32 dev lo; ns hq ip route add 172.16.5.0/24 via 172.16.1.10
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
		crypto ipsec transform-set T esp-gcm 256
		interface wan
		 crypto map VPN
	EOT
	cat >>"$TOPO_DIR/$1.conf"
}
conf hq <<'EOT'
ip access-list extended TO-BRANCH
 permit ip 172.16.1.0 0.0.0.255 172.16.2.0 0.0.0.255
 permit ip 172.16.5.0/24 172.16.2.0/24
ipv6 access-list TO-BRANCH6
 permit ipv6 fd16:1::/64 fd16:2::/64
crypto map VPN 10 ipsec-isakmp
 match address TO-BRANCH TO-BRANCH6
 set ikev2-profile P
 set transform-set T
 set pfs group19
EOT
conf branch <<'EOT'
ip access-list extended TO-HQ
 permit ip 172.16.2.0 0.0.0.255 172.16.1.0 0.0.0.255
 permit ip 172.16.2.0 0.0.0.255 172.16.5.0 0.0.0.255
ipv6 access-list TO-HQ6
 permit ipv6 fd16:2::/64 fd16:1::/64
crypto map VPN 10 ipsec-isakmp
 description headquarters
 set peer 198.18.20.2
 set peer 198.18.10.2
 match address TO-HQ TO-HQ6
 set ikev2-profile P
 set transform-set T
 set pfs group19
 set security-association lifetime seconds 12
EOT
start() {
	ns_exec "$1" "$NHRPD" -f "$TOPO_DIR/$1.conf" --control "$TOPO_DIR/$1.sock" 2>>"$TOPO_DIR/$1.log" </dev/null >&2 &
	echo $! >"$TOPO_DIR/$1.pid"
	wait_for 10 ctl "$1" show version || { not_ok "$1 starts"; exit 1; }
}
cloud_stop_all() { for n in branch hq; do cloud_stop $n; done; }
pings() { ns "$1" ping -n -q -c "${3:-1}" -i 0.2 -W 2 "$2"; }
counter() { ctl "$1" show counters | sed -n "s/.* $2  *//p"; }
TOPO_WATCHED=inet
start hq; start branch
eventually 60 up pings branch-h 172.16.1.10
ctl branch show interface; ctl branch show crypto session; ctl branch show crypto ipsec sa; ns branch ip route; ns branch ip -6 route
pings branch-h 172.16.5.10 3; pings branch-h fd16:1::10 3; pings hq-h 172.16.2.10 3; ctl branch show counters | grep -v ' 0$'
end
