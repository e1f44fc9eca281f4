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
 set security-association lifetime seconds 8
EOT
start() {
	ns_exec "$1" "$NHRPD" -f "$TOPO_DIR/$1.conf" --control "$TOPO_DIR/$1.sock" 2>>"$TOPO_DIR/$1.log" </dev/null >&2 &
	echo $! >"$TOPO_DIR/$1.pid"
	wait_for 10 ctl "$1" show version || { not_ok "$1 starts"; exit 1; }
}
cloud_stop_all() { for n in branch hq; do cloud_stop $n; done; }
pings() { ns "$1" ping -n -q -c "${3:-1}" -i 0.2 -W 2 "$2"; }
no_ping() { if ns "$1" ping -n -q -c 2 -i 0.2 -W 1 "${@:2}" >/dev/null 2>&1; then return 1; fi; }
counter() { local n; n=$(ctl "$1" show counters | sed -n "s/^ *$2  *//p"); echo "${n:-0}"; }
lines_up() { [ "$(ctl branch show crypto map | grep -c '^    ESP .*installed')" -ge "$1" ] && ! ctl branch show crypto map | grep -q 'no SA'; }
TOPO_WATCHED=inet

# ---- nobody to answer: the routes are there, what is protected does not leave
start branch
ns branch ip route | grep -q '^172.16.1.0/24 dev VPN-10 .*src 172.16.2.1'; check $? "a route into the device, from our address in the near prefix" "$(ns branch ip route | tr '\n' ';')"
no_ping branch-h 172.16.1.10 && no_ping branch 172.16.5.10; check $? "nothing passes before there is an SA"
n=$(counter branch no-next-hop); [ "$n" -ge 4 ]; check $? "and it is counted" "no-next-hop $n"
if ctl branch show crypto map >"$TOPO_DIR/map"; then r=1; else r=0; fi; check $r "show crypto map says so, also by its exit status"
grep -q 'no SA: packets are dropped' "$TOPO_DIR/map"; check $? "each line has no SA yet" "$(tr '\n' ';' <"$TOPO_DIR/map")"
[ "$(clear_packets)" = 0 ]; check $? "nothing in clear" "$(topo_watched | tr '\n' ';')"

# ---- the first peer is dead: the second one is used; an SA pair for each line
start hq
eventually 60 "the second peer is used, each line has its SA" lines_up 3 || ctl branch show crypto map
ctl branch show crypto map | sed 's/^/# /'
for a in 172.16.1.10 172.16.5.10 fd16:1::10; do OUT=$(pings branch-h $a 3); check $? "$a is reached" "$(grep transmitted <<<"$OUT")"; done
for a in 172.16.2.10 fd16:2::10; do OUT=$(pings hq-h $a 3); check $? "and $a from there" "$(grep transmitted <<<"$OUT")"; done
pings branch 172.16.1.10 >/dev/null; check $? "from the gateway itself, by the source of the route"
ns branch-h ping -n -q -c 2 -i 0.2 -s 3000 172.16.1.10 >/dev/null; check $? "packets of 3000 octets, in fragments"
ctl branch show crypto ipsec sa | grep -q 'for 172.16.2.0/24 to 172.16.5.0/24'; check $? "show crypto ipsec sa says what each is for"

# ---- outside of the lists: not sent, not taken, counted
a=$(counter branch selector-out); no_ping branch-h -I 172.16.9.10 172.16.1.10; check $? "a source that no line has does not get through"
b=$(counter branch selector-out); [ "$b" -ge $((a + 2)) ]; check $? "and is counted" "selector-out $a, then $b"
[ "$(clear_packets)" = 0 ]; check $? "nor leaves in clear" "$(topo_watched | tr '\n' ';')"

# ---- rekeys under two flows; ESP SAs live 8 s
spis() { ctl branch show crypto map --json | grep -o '"spi_in": *"[^"]*"' | grep -v 0x00000000 | sort; }
spis >"$TOPO_DIR/spis"
flow_start one branch hq 172.16.1.10 5001 1900 200
ns_exec branch-h "$FLOW" recv 5002 -w 20 >"$TOPO_DIR/two.rx" 2>&1 & echo $! >"$TOPO_DIR/two.rxpid"
wait_for 5 grep -q listening "$TOPO_DIR/two.rx"
ns_exec hq-h "$FLOW" send 172.16.2.10 5002 -n 1900 -r 200 >"$TOPO_DIR/two.tx" 2>&1 & echo $! >"$TOPO_DIR/two.txpid"
flow_intact one "9 s of traffic, no packet lost on the way there"
flow_intact two "nor on the way back"
spis | comm -12 - "$TOPO_DIR/spis" >"$TOPO_DIR/same"; [ ! -s "$TOPO_DIR/same" ]; check $? "in which each SA was rekeyed" "$(tr '\n' ';' <"$TOPO_DIR/same")"
lines_up 3; check $? "each line still has its SA" "$(ctl branch show crypto map | grep -c '^    ESP')"

# ---- reload: a line more, a line less, the others stay as they are
sed -i '/^ipv6 access-list/d; /^ permit ipv6/d; s/^\( match address TO-HQ\) .*/\1/
	/^ permit ip 172.16.2.0 0.0.0.255 172.16.5/a\ permit ip 172.16.9.0/24 172.16.1.0/24' "$TOPO_DIR/branch.conf"
sed -i '/^ permit ip 172.16.5/a\ permit ip 172.16.1.0/24 172.16.9.0/24' "$TOPO_DIR/hq.conf"
flow_start three branch hq 172.16.1.10 5003 600 200
ctl hq reload >/dev/null && ctl branch reload >"$TOPO_DIR/reload"; check $? "reload, a line more and a line less" "$(tail -n 1 "$TOPO_DIR/reload")"
new_line() { ns branch-h ping -n -q -c 1 -W 1 -I 172.16.9.10 172.16.1.10; }
eventually 20 "the new line has its SA" new_line || ctl branch show crypto map
flow_intact three "the traffic of the lines that stay goes on"
OUT=$(ns branch-h ping -n -q -c 2 -i 0.2 -I 172.16.9.10 172.16.1.10); check $? "what was outside is inside now" "$(grep transmitted <<<"$OUT")"
ns branch ip -6 route | grep -q 'fd16:1::'; [ $? = 1 ]; check $? "the routes of the line that went have gone" "$(ns branch ip -6 route | tr '\n' ';')"
ctl branch show running-config | grep -q '^ permit ip 172.16.9.0/24 172.16.1.0/24' && ctl branch show running-config | grep -q '^crypto map VPN 10 ipsec-isakmp' &&
	ctl branch show running-config | grep -q '^ crypto map VPN'; check $? "show running-config has it all"

# ---- in clear from outside, with the addresses of the far prefix: not taken
ns inet ip addr add 172.16.1.66/32 dev lo; ns inet ip addr add 172.16.77.66/32 dev lo
topo_ear branch-h 7007; ns branch-h nft 'add rule ip ear in udp dport 7007 drop'
forge() { ns inet python3 - "$1" <<-'EOT'
	import socket, sys
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"s11")
	s.bind((sys.argv[1], 7007))
	for i in range(3):
	    s.sendto(b"forged", ("172.16.2.10", 7007))
	EOT
}
ns inet ip route add 172.16.2.0/24 via 198.18.11.2
for i in all default wan; do ns branch sysctl -qw net.ipv4.conf.$i.rp_filter=0; done
a=$(topo_heard branch-h); forge 172.16.77.66; heard() { [ "$(topo_heard branch-h)" -ge $((a + 3)) ]; }
eventually 10 "what is not protected comes in clear" heard
a=$(topo_heard branch-h); forge 172.16.1.66
dropped() { [ "$(counter branch clear-protected-in)" -ge "$1" ]; }
eventually 10 "what is protected is dropped when it comes in clear" dropped 3
[ "$(topo_heard branch-h)" = "$a" ]; check $? "and does not arrive" "$a, then $(topo_heard branch-h)"
ns branch nft delete table inet opendmvpn-VPN-10
restored() { [ "$(counter branch filter-restored)" -ge 1 ] && ns branch nft list table inet opendmvpn-VPN-10 >/dev/null; }
eventually 10 "rules that somebody removed are put back" restored
OUT=$(pings branch-h 172.16.1.10 2); check $? "what comes by an SA passes" "$(grep transmitted <<<"$OUT")"

# ---- killed, stopped, back
[ "$(clear_packets)" = 0 ]; check $? "nothing in clear so far" "$(topo_watched | tr '\n' ';')"
cloud_stop branch KILL
ns branch ip route | grep -q '^unreachable 172.16.1.0/24 proto 147'; check $? "killed: the way is barred" "$(ns branch ip route | tr '\n' ';')"
no_ping branch-h 172.16.1.10; check $? "and nothing passes"
a=$(topo_heard branch-h); forge 172.16.1.66; sleep 0.2; [ "$(topo_heard branch-h)" = "$a" ]; check $? "nor comes in clear" "$a, then $(topo_heard branch-h)"
[ "$(clear_packets)" = 0 ]; check $? "nor leaves in clear" "$(topo_watched | tr '\n' ';')"
start branch
eventually 40 "started again, it is back" lines_up 3 || ctl branch show crypto map
OUT=$(pings branch-h 172.16.5.10 3); check $? "with traffic" "$(grep transmitted <<<"$OUT")"
cloud_stop branch
no_ping branch-h 172.16.1.10; check $? "stopped: nothing passes"
[ "$(clear_packets)" = 0 ]; check $? "nor leaves in clear" "$(topo_watched | tr '\n' ';')"

# ---- another configuration: the bars of the old one go
sed -i '/^ crypto map VPN/d; /^interface wan/d' "$TOPO_DIR/branch.conf"
cat >>"$TOPO_DIR/branch.conf" <<'EOT'
ip access-list extended OTHER
 permit ip 172.16.2.0/24 10.77.0.0/16
crypto map NEXT 1 ipsec-isakmp
 match address OTHER
 set ikev2-profile P
interface wan
 crypto map NEXT
EOT
start branch
ns branch ip route | grep -q '172.16.1.0/24'; [ $? = 1 ]; check $? "a configuration without the map takes its routes away" "$(ns branch ip route | tr '\n' ';')"
ns branch nft list tables | grep -q opendmvpn-VPN-10; [ $? = 1 ] && ns branch nft list table inet opendmvpn-NEXT-1 | grep -q 'ip saddr 10.77.0.0-10.77.255.255'; check $? "and its filter rules" "$(ns branch nft list tables | tr '\n' ';')"
a=$(topo_heard branch-h); forge 172.16.1.66; eventually 10 "what is not protected any more is let in" heard
end
