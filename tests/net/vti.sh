#!/usr/bin/env bash
# Plain IPsec beside DMVPN: a route-based tunnel between two of our daemons, without GRE and NHRP. A branch behind NAT has two
# headends, the best first: traffic, rekeys, the first one killed, the second takes over, back to the first without a lost packet.
LIMIT=300
TOPO_NS=${TOPO_NS:-plain-}
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

ns_new inet && topo_site head1 10 && topo_site head2 20 && topo_nat nat 12 && topo_behind nat 12 branch 0 &&
	topo_lan branch 1 && topo_watch inet s10 s20 s12 || { not_ok "the topology can be built"; exit 1; }
ns inet sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
for h in head1 head2; do ns $h ip addr add 10.99.0.1/32 dev lo; ns $h ip -6 addr add fd99::1/128 dev lo nodad; done
ns head1 ip addr add 10.98.0.1/32 dev lo; ns head2 ip addr add 10.98.0.2/32 dev lo	# to tell which one answers

conf() {	# NAME INNER REST: a configuration
	umask 077
	cat >"$TOPO_DIR/$1.conf" <<-EOF
		hostname $1
		dataplane user
		store off
		log level debugging
		crypto ikev2 keyring K
		 peer all
		  identity fqdn domain vti.example
		  pre-shared-key of-branch-and-headends
		crypto ikev2 profile V
		 match identity remote fqdn domain vti.example
		 identity local fqdn $1.vti.example
		 keyring local K
		crypto ipsec profile V
		 set ikev2-profile V
		 set security-association lifetime seconds 20
		interface Tunnel1
		 ip address 10.1.0.$2/30
		 ipv6 address fd01::$2/64
		 tunnel source wan
		 tunnel mode ipsec ipv4
		 tunnel protection ipsec profile V
	EOF
	cat >>"$TOPO_DIR/$1.conf"
}
conf head1 1 <<<'ip route 172.16.1.0/24 10.1.0.2
ipv6 route fd16:1::/64 fd01::2'
conf head2 1 <<<'ip route 172.16.1.0/24 10.1.0.2
ipv6 route fd16:1::/64 fd01::2'
conf branch 2 <<<' tunnel destination 198.18.10.2
 tunnel destination 198.18.20.2
 tunnel reactivate 8
ip route 10.98.0.0/15 10.1.0.1
ipv6 route fd99::/64 fd01::1'
start() {
	ns_exec "$1" "$NHRPD" -f "$TOPO_DIR/$1.conf" --control "$TOPO_DIR/$1.sock" 2>>"$TOPO_DIR/$1.log" </dev/null >&2 &
	echo $! >"$TOPO_DIR/$1.pid"
	wait_for 10 ctl "$1" show version || { not_ok "$1 starts"; exit 1; }
}
cloud_stop_all() { for n in branch head1 head2; do cloud_stop $n; done; }
up_with() { ctl branch show interface | grep -q "Peer $1 UP"; }
ping_h() { ns branch-h ping -n -q -c "${2:-1}" -i 0.2 -W 2 "$1"; }

TOPO_WATCHED=inet
ns branch ip route add blackhole 10.98.0.0/15 metric 4000	# as for the LANs: with or without a tunnel, not to the provider
ns branch ip -6 route add blackhole fd99::/64 metric 4000

# ---- without a peer: nothing leaves, and show says why
start branch
waits() { ctl branch show interface | grep -A1 'Peer 198.18.20.2 IKE' | grep -q 'dialing, no answer yet'; }
eventually 10 "without headends the branch says how far it is with each" waits; ctl branch show interface | sed 's/^/# /'
if ping_h 10.99.0.1 >/dev/null; then r=1; else r=0; fi; check $r "nothing passes before there is an SA"
cloud_stop branch

for n in head1 head2 branch; do start $n; done
eventually 30 "the branch reaches the first headend" up_with 198.18.10.2 || ctl branch show interface
ctl head1 show interface | grep -q 'Peer 198.18.12.2 UP.*branch.vti.example'; check $? "the headend sees it behind its NAT" "$(ctl head1 show interface | grep Peer)"
OUT=$(ping_h 10.99.0.1 5); check $? "a host behind the branch reaches behind the headend" "$(grep transmitted <<<"$OUT")"
OUT=$(ping_h fd99::1 5); check $? "IPv6 in the same tunnel" "$(grep transmitted <<<"$OUT")"
OUT=$(ns branch ping -n -q -c 2 -i 0.2 10.1.0.1); check $? "the tunnel's own addresses"
ctl branch show crypto session | grep -q 'Traffic: 0.0.0.0/0,::/0 to 0.0.0.0/0,::/0'; check $? "selectors are any to any, of both families"
ns branch-h ping -n -q -c 2 -i 0.2 -s 3000 10.99.0.1 >/dev/null; check $? "packets of 3000 octets, in fragments"

# ---- TCP, and rekeys under traffic: the ESP SA lives 20 s
ns_exec head1 "$FLOW" tcp-recv 5001 >"$TOPO_DIR/tcp" 2>&1 & rx=$!
nap; ns branch-h "$FLOW" tcp-send 10.99.0.1 5001 -n 8000000 >"$TOPO_DIR/tcp.tx" 2>&1; check $? "TCP is sent" "$(tail -n 1 "$TOPO_DIR/tcp.tx")"
wait $rx; check $? "and arrives whole" "$(tail -n 1 "$TOPO_DIR/tcp")"
spi() { ctl branch show crypto ipsec sa --json 2>/dev/null | grep -o '"spi_in": *"[^"]*"' | tail -n 1; }
first=$(spi)
ns_exec head1 "$FLOW" recv 5002 -w 10 >"$TOPO_DIR/re.rx" 2>&1 & rx=$!
wait_for 5 grep -q listening "$TOPO_DIR/re.rx"
ns branch-h "$FLOW" send 10.99.0.1 5002 -n 4400 -r 200 >"$TOPO_DIR/re.tx" 2>&1
wait $rx; OUT=$(tail -n 1 "$TOPO_DIR/re.rx")
[ "$(field lost "$OUT")" = 0 ] && [ "$(field duplicates "$OUT")" = 0 ]; check $? "no packet is lost in 22 s" "$OUT"
[ -n "$first" ] && [ "$(spi)" != "$first" ]; check $? "in which the SA was rekeyed" "$first, then $(spi)"

# ---- the first headend dies: the second takes over; it comes back: so does the traffic
cloud_stop head1 KILL
eventually 40 "the first headend is killed: the second one is used" up_with 198.18.20.2 || ctl branch show interface
OUT=$(ping_h 10.98.0.2 3); check $? "traffic reaches the second" "$(grep transmitted <<<"$OUT")"
ctl branch show interface | sed 's/^/# /'
tried() { ctl branch show interface | grep -A1 'Peer 198.18.10.2 IKE' | grep -q Reason; }
check "$(tried; echo $?)" "the first one is shown as not up, with a reason"
ns_exec head2 "$FLOW" recv 5003 -w 16 >"$TOPO_DIR/f2.rx" 2>&1 & rx2=$!
start head1
ns_exec head1 "$FLOW" recv 5003 -w 16 >"$TOPO_DIR/f1.rx" 2>&1 & rx1=$!
wait_for 5 grep -q listening "$TOPO_DIR/f1.rx"
ns branch-h "$FLOW" send 10.99.0.1 5003 -n 3000 -r 200 >"$TOPO_DIR/f.tx" 2>&1 & tx=$!
eventually 30 "the first headend is back: it is used again" up_with 198.18.10.2 || ctl branch show interface
wait $tx $rx1 $rx2
got() { field "received" "$(tail -n 1 "$1")"; }
a=$(got "$TOPO_DIR/f1.rx"); b=$(got "$TOPO_DIR/f2.rx")
[ $((${a:-0} + ${b:-0})) = 3000 ] && [ "${a:-0}" -gt 0 ] && [ "${b:-0}" -gt 0 ]; check $? "no packet is lost on the way back" "${b:-0} to the second, ${a:-0} to the first: $(tail -qn 1 "$TOPO_DIR/f1.rx" "$TOPO_DIR/f2.rx" | tr '\n' ';')"
gone() { ! ctl head2 show interface | grep -q 'Peer 198.18.12.2 UP'; }
eventually 10 "and the second one has heard that it is not needed any more" gone

# ---- the branch gets another address, and one more after two seconds without: its SAs move (MOBIKE), none is made anew
ns nat ip addr add 192.168.12.1/24 dev in0	# room for more than one
# readdress HOST-NUMBER [PAUSE]
readdress() { ns branch ip addr flush dev wan scope global; ${2:+sleep "$2"}; ns branch ip addr add "192.168.12.$1/24" dev wan && ns branch ip route replace default via 192.168.12.1; }
ups() { cat "$TOPO_DIR/branch.log" "$TOPO_DIR/head1.log" | grep -cE 'ike-up|ike-down'; }
was=$(ups)
followed() { grep -q "has followed us to 192.168.12.$1:" "$TOPO_DIR/branch.log"; }
for n in 77 78; do
	if [ $n = 77 ]; then readdress $n; else readdress $n 2; fi
	eventually 15 "the headend follows the branch to 192.168.12.$n" followed $n || ctl branch show interface
	OUT=$(ping_h 10.99.0.1 5); check $? "traffic goes on" "$(grep transmitted <<<"$OUT")"
done
[ "$(ups)" = "$was" ]; check $? "over the same IKE SA" "$(($(ups) - was)) came or went"

# ---- reload: another order, then none
sed -i '/destination 198.18.10.2/d' "$TOPO_DIR/branch.conf"
ctl branch reload >/dev/null; check $? "reload without the first destination"
eventually 20 "the other one is used" up_with 198.18.20.2 || ctl branch show interface
ctl branch show running-config | grep -q '^ *tunnel mode ipsec ipv4' && ctl branch show running-config | grep -q '^ *tunnel destination 198.18.20.2'; check $? "show running-config has it all"
[ "$(clear_packets)" = 0 ]; check $? "nothing in clear on the underlay" "$(topo_watched | tr '\n' ';')"
cloud_stop branch
if ping_h 10.99.0.1 >/dev/null; then r=1; else r=0; fi; check $r "without the daemon nothing passes"
[ "$(clear_packets)" = 0 ]; check $? "nor leaves in clear" "$(topo_watched | tr '\n' ';')"
end
