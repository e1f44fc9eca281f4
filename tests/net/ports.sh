#!/usr/bin/env bash
# Plain IPsec (crypto map) for one protocol and some ports: what a line names travels on its SA and on no other, both ways; what no line names
# does not leave and is not taken; packets too large for the path, parts of packets, a rekey, a reload that changes a port.
LIMIT=200
TOPO_NS=${TOPO_NS:-ports-}
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

ns_new inet && topo_site hq 10 && topo_site branch 11 && topo_lan hq 1 && topo_lan branch 2 && topo_watch inet s10 s11 ||
	{ not_ok "the topology can be built"; exit 1; }
# Without the tests' own walls: what would leave in clear leaves, and is counted.
for n in hq branch; do ns $n ip route del blackhole 172.16.0.0/16; ns $n ip -6 route del blackhole fd16::/16; done

conf() {	# NAME REST: a configuration
	umask 077
	cat >"$TOPO_DIR/$1.conf" <<-EOF
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
	EOF
	cat >>"$TOPO_DIR/$1.conf"
}
conf hq <<'EOF'
ip access-list extended L
 permit tcp 172.16.1.0/24 eq 443 172.16.2.0/24
 permit udp 172.16.1.0/24 range 5000 5009 172.16.2.0/24
 permit icmp 172.16.1.0/24 172.16.2.0/24
ipv6 access-list L6
 permit tcp fd16:1::/64 eq 443 fd16:2::/64
crypto map VPN 10 ipsec-isakmp
 match address L L6
 set ikev2-profile P
EOF
conf branch <<'EOF'
ip access-list extended L
 permit tcp 172.16.2.0 0.0.0.255 172.16.1.0 0.0.0.255 eq 443
 permit udp 172.16.2.0/24 172.16.1.0/24 range 5000 5009
 permit icmp 172.16.2.0/24 172.16.1.0/24
ipv6 access-list L6
 permit tcp fd16:2::/64 fd16:1::/64 eq 443
crypto map VPN 10 ipsec-isakmp
 set peer 198.18.10.2
 match address L L6
 set ikev2-profile P
EOF
start() {
	ns_exec "$1" "$NHRPD" -f "$TOPO_DIR/$1.conf" --control "$TOPO_DIR/$1.sock" 2>>"$TOPO_DIR/$1.log" </dev/null >&2 &
	echo $! >"$TOPO_DIR/$1.pid"
	wait_for 10 ctl "$1" show version || { not_ok "$1 starts"; exit 1; }
}
cloud_stop_all() { for n in branch hq web; do cloud_stop $n; done; }
counter() { local n; n=$(ctl "$1" show counters | sed -n "s/^ *$2  *//p"); echo "${n:-0}"; }
lines_up() { [ "$(ctl branch show crypto map | grep -c '^    ESP .*installed')" -ge "$1" ] && ! ctl branch show crypto map | grep -q 'no SA'; }
used() {	# LINE: packets on its SAs, out and in
	ctl branch show crypto map | awk -v l="  permit $1" '/^  permit/ { in_it = $0 == l } in_it && /#pkts/ { gsub(/[^0-9 ]/, ""); out += $1; back += $3 } END { print out + 0, back + 0 }'
}
grew() { local a b; read -r a b <<<"$1"; set -- $2; [ "$1" -gt "$a" ] && [ "$2" -gt "$b" ]; }
fetch() { ns branch-h python3 - "$1" "$2" <<-'EOF'
	import socket, sys
	s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)
	s.settimeout(10)
	s.sendall(b"ask")
	n = 0
	while True:
	    got = s.recv(65536)
	    if not got:
	        break
	    n += len(got)
	print(n, "octets")
	sys.exit(n != 300000)
	EOF
}
WEB=172.16.2.0/24[tcp]\ to\ 172.16.1.0/24[tcp/443]
WEB6=fd16:2::/64[tcp]\ to\ fd16:1::/64[tcp/443]
UDP=172.16.2.0/24[udp]\ to\ 172.16.1.0/24[udp/5000-5009]
PING=172.16.2.0/24[icmp]\ to\ 172.16.1.0/24[icmp]
TOPO_WATCHED=inet

cat >"$TOPO_DIR/web.py" <<'EOF'
import selectors, socket
sel = selectors.DefaultSelector()
for port in 443, 80, 8443:
    s = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    sel.register(s, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in sel.select():
        c, _ = key.fileobj.accept()
        c.settimeout(10)
        try:
            c.recv(3)
            c.sendall(b"x" * 300000)
        except OSError:
            pass
        c.close()
EOF
ns_exec hq-h python3 "$TOPO_DIR/web.py" >"$TOPO_DIR/web.out" 2>&1 & echo $! >"$TOPO_DIR/web.pid"
wait_for 10 grep -q ready "$TOPO_DIR/web.out" || { not_ok "the web server starts: $(cat "$TOPO_DIR/web.out")"; exit 1; }
start hq; start branch
eventually 40 "each line has its SA" lines_up 4 || ctl branch show crypto map
ctl branch show crypto map | sed 's/^/# /'

# ---- what a line names goes on its SA, and on no other
a=$(used "$WEB"); i=$(used "$PING"); u=$(used "$UDP")
OUT=$(fetch 172.16.1.10 443 2>&1); check $? "TCP to port 443, both ways" "$(tail -n 1 <<<"$OUT")"
b=$(used "$WEB"); grew "$a" "$b"; check $? "on the SA of its line" "out and in: $a, then $b"
[ "$(used "$PING")" = "$i" ] && [ "$(used "$UDP")" = "$u" ]; check $? "and not on those of the others" "icmp $i, $(used "$PING"); udp $u, $(used "$UDP")"
OUT=$(fetch fd16:1::10 443 2>&1); check $? "the same over IPv6" "$(tail -n 1 <<<"$OUT")"
grew "0 0" "$(used "$WEB6")"; check $? "on its SA" "$(used "$WEB6")"
w=$(used "$WEB")
OUT=$(ns branch-h ping -n -q -c 3 -i 0.2 -W 2 172.16.1.10); check $? "ICMP" "$(grep transmitted <<<"$OUT")"
grew "$i" "$(used "$PING")" && [ "$(used "$WEB")" = "$w" ]; check $? "on its own" "icmp $(used "$PING"), tcp $w and $(used "$WEB")"
flow_start one branch hq 172.16.1.10 5005 100 100; flow_intact one "UDP to a port of the range, nothing lost"
[ "$(used "$UDP")" != "$u" ] && [ "$(used "$WEB")" = "$w" ]; check $? "on its own" "udp $(used "$UDP"), tcp $w and $(used "$WEB")"

# ---- what no line names stays here
a=$(counter branch selector-out)
for p in 80 8443; do if fetch 172.16.1.10 $p >/dev/null 2>&1; then r=1; else r=0; fi; check $r "TCP to port $p does not get through"; done
ns hq-h ping -n -q -c 1 -W 2 172.16.2.10 >/dev/null; check $? "ICMP from the other side does"
b=$(counter branch selector-out); [ "$b" -gt "$a" ]; check $? "and is counted" "selector-out $a, then $b"
[ "$(used "$WEB")" = "$w" ]; check $? "no other line's SA carried it" "tcp $(used "$WEB")"
[ "$(clear_packets)" = 0 ]; check $? "nor did it leave in clear" "$(topo_watched | tr '\n' ';')"

# ---- parts of packets: under a line of a protocol they travel, under one of ports they do not
ns branch-h ping -n -q -c 2 -i 0.2 -s 3000 172.16.1.10 >/dev/null; check $? "ICMP in fragments"
a=$(counter branch selector-fragment-out)
ns branch-h python3 -c 'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b"x" * 3000, ("172.16.1.10", 5005))'
fragments() { [ "$(counter branch selector-fragment-out)" -ge $((a + 2)) ]; }
eventually 5 "UDP in fragments has no ports: dropped, counted" fragments || ctl branch show counters
# One packet that is as large as its LAN takes and may be fragmented: in ESP it is too large for the path, and leaves in fragments outside.
ns_exec hq-h python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("172.16.1.10", 5006)); s.settimeout(20); print("ready", flush=True); print(len(s.recv(3000)), flush=True)' \
	>"$TOPO_DIR/large" 2>&1 & large=$!
wait_for 10 grep -q ready "$TOPO_DIR/large"
ns branch-h python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(0, 10, 0); s.sendto(b"x" * 1472, ("172.16.1.10", 5006))'
wait $large; grep -qx 1472 "$TOPO_DIR/large"; check $? "a packet of 1500 octets without DF arrives in one piece" "$(tail -n 1 "$TOPO_DIR/large")"

# ---- rekey, reload
spi_of() { ctl branch show crypto map | awk -v l="  permit $1" '/^  permit/ { in_it = $0 == l } in_it && /ESP/ { print $4 }' | sort | tr '\n' ' '; }
other_spi() { local is; is=$(spi_of "$WEB"); [ -n "$is" ] && [ "$is" != "$1" ] && lines_up 4; }
a=$(spi_of "$WEB"); ctl branch rekey crypto ipsec sa all >/dev/null
eventually 20 "the SAs are rekeyed" other_spi "$a" || ctl branch show crypto map
OUT=$(fetch 172.16.1.10 443 2>&1); check $? "TCP to port 443 goes on" "$(tail -n 1 <<<"$OUT")"
i=$(spi_of "$PING")
sed -i 's/ eq 443$/ eq 8443/' "$TOPO_DIR/branch.conf"; sed -i 's/ eq 443 172/ eq 8443 172/; s/ eq 443 fd16/ eq 8443 fd16/' "$TOPO_DIR/hq.conf"
ctl hq reload >/dev/null && ctl branch reload >"$TOPO_DIR/reload"; check $? "reload, another port" "$(tail -n 1 "$TOPO_DIR/reload")"
moved() { fetch 172.16.1.10 8443 >/dev/null 2>&1; }
eventually 30 "now that port has its SA" moved || ctl branch show crypto map
gone() { ! fetch 172.16.1.10 443 >/dev/null 2>&1; }
eventually 30 "and port 443 none" gone || ctl branch show crypto map
[ "$(spi_of "$PING")" = "$i" ]; check $? "the other lines keep theirs" "$i, $(spi_of "$PING")"
ctl branch show running-config | grep -q '^ permit tcp 172.16.2.0 0.0.0.255 172.16.1.0 0.0.0.255 eq 8443'; check $? "show running-config has it"
[ "$(clear_packets)" = 0 ]; check $? "nothing in clear" "$(topo_watched | tr '\n' ';')"
end
