#!/usr/bin/env bash
# tests/net/plane.sh: the user data plane between network namespaces, SAs and neighbours installed by hand (plane_node): pings, sizes and
# path MTU, NAT, several peers behind one address, copies of multicast, unresolved and redirect events, and that nothing but ESP and
# UDP 4500 is on the wire. Prints 'ok TEXT' or 'not ok TEXT: what was seen'; exits 0, 1, or 77 where this machine cannot run it.
set -u
PATH=$PATH:/usr/sbin:/sbin
: "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${BUILDDIR:=$SRCDIR/build}"
export SRCDIR BUILDDIR
NODE=$BUILDDIR/tests/net/plane_node
skip() { echo "skip $*"; exit 77; }
if [ -z "${PLANE_WORLD-}" ]; then
	for c in ip nft ping unshare timeout awk; do command -v $c >/dev/null || skip "$c is not installed"; done
	export PLANE_WORLD=1
	if [ "$(id -u)" = 0 ] && [ -z "${PLANE_USERNS-}" ]; then how="-nm"; else how="-Urnm"; fi
	unshare $how true 2>/dev/null || skip "this kernel lets $(id -un) make no network namespaces"
	exec timeout -k 10 240 unshare $how --kill-child -pf "$BASH" "$0" "$@"
fi
[ -c /dev/net/tun ] || skip "there is no /dev/net/tun"
{ : <>/dev/net/tun; } 2>/dev/null || skip "/dev/net/tun may not be opened"
[ -x "$NODE" ] || { echo "not ok $NODE is built"; exit 1; }
mount -t proc proc /proc 2>/dev/null	# of this PID namespace, where that is allowed
mount --make-rprivate / && mount -t tmpfs none /run || skip "no mount namespace"
DIR=$(mktemp -d "${TMPDIR:-/tmp}/odm-plane.XXXXXX")
FAILED=0 CUT=0
# shellcheck disable=SC2317
finish() {
	local rc=$? n
	trap - EXIT
	for n in "$DIR"/*.pid; do [ -e "$n" ] && kill "$(cat "$n")" 2>/dev/null; done
	wait
	if grep -lE 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$DIR"/*.err 2>/dev/null; then
		echo "not ok sanitizers are quiet"; head -n 60 "$DIR"/*.err; rc=1
	fi
	[ $rc = 0 ] || tail -n 15 "$DIR"/*.out "$DIR"/*.err | sed 's/^/# /'
	rm -rf "$DIR"
	exit $rc
}
trap finish EXIT
trap 'exit 130' INT TERM
ok() { echo "ok $*"; }
check() { if [ "$1" = 0 ]; then ok "$2"; else echo "not ok $2${3:+: $3}"; FAILED=$((FAILED + 1)); fi; }
within() {	# SECONDS COMMAND...
	local end=$((SECONDS + $1 + 1)); shift
	while ! "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || return 1; sleep 0.05; done
}
ns() { local n=$1; shift; ip netns exec "$n" "$@"; }
ns_new() {
	ip netns add "$1" || exit 1
	ns "$1" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
		for i in all default; do echo 0 >/proc/sys/net/ipv4/conf/$i/rp_filter; echo 0 >/proc/sys/net/ipv6/conf/$i/accept_dad; done; ip link set lo up'
}
wire() {	# NS DEV ADDR ADDR6 NS2 DEV2 ADDR2 ADDR62
	ip link add "$2" netns "$1" type veth peer name "$6" netns "$5" || exit 1
	ip -n "$1" -batch - <<-E
		addr add $3 dev $2
		addr add $4 dev $2 nodad
		link set $2 up
	E
	ip -n "$5" -batch - <<-E
		addr add $7 dev $6
		addr add $8 dev $6 nodad
		link set $6 up
	E
}
default_by() { ip -n "$1" route add default via "$2"; ip -n "$1" route add default via "$3"; }
node() {	# NAME: starts one in the namespace of that name
	mkfifo "$DIR/$1.in"
	ns "$1" "$NODE" <"$DIR/$1.in" >"$DIR/$1.out" 2>"$DIR/$1.err" &
	echo $! >"$DIR/$1.pid"
	eval "exec {fd_$1}>'$DIR/$1.in'"
	within 5 grep -q ready "$DIR/$1.out" || { echo "not ok a user plane starts in $1: $(cat "$DIR/$1.out" "$DIR/$1.err")"; exit 1; }
}
tell() {	# NAME LINE...: one command; its result is awaited
	local n=$1 fd="fd_$1" before; shift
	before=$(grep -c '^done' "$DIR/$n.out")
	echo "$*" >&"${!fd}"
	within 5 sh -c "[ \$(grep -c ^done '$DIR/$n.out') -gt $before ]"
	[ "$(grep '^done' "$DIR/$n.out" | tail -n 1)" = "done $1 0" ] || { check 1 "$n takes: $*" "$(tail -n 2 "$DIR/$n.out" | tr '\n' ';')"; return 1; }
}
seen() { grep -q "$2" "$DIR/$1.out"; }
awaits() { within "$1" seen "$2" "$3"; check $? "$4" "$(tail -n 3 "$DIR/$2.out" | tr '\n' ';')"; }
counter() { tell "$1" counters; grep "^counter $2=" "$DIR/$1.out" | tail -n 1 | sed 's/.*=//' | grep . || echo 0; }
pings() {	# TEXT NS ARGUMENTS...
	local text=$1 n=$2 out; shift 2
	out=$(ns "$n" ping -n -q -i 0.02 -W 2 "$@" 2>&1); [[ $out == *" 0% packet loss"* ]]; check $? "$text" "$(tail -n 3 <<<"$out" | tr '\n' ' ')"
}

# ---- the world: hub and spoke1 with addresses of their own, spoke2 and spoke3 behind one masquerading box
for n in inet hub spoke1 nat spoke2 spoke3; do ns_new $n; done
wire hub wan 198.18.1.2/24 fd18:1::2/64 inet i1 198.18.1.1/24 fd18:1::1/64;    default_by hub 198.18.1.1 fd18:1::1
wire spoke1 wan 198.18.2.2/24 fd18:2::2/64 inet i2 198.18.2.1/24 fd18:2::1/64; default_by spoke1 198.18.2.1 fd18:2::1
wire nat wan 198.18.3.2/24 fd18:3::2/64 inet i3 198.18.3.1/24 fd18:3::1/64;    default_by nat 198.18.3.1 fd18:3::1
wire spoke2 wan 192.168.2.2/24 fd92:2::2/64 nat in2 192.168.2.1/24 fd92:2::1/64; default_by spoke2 192.168.2.1 fd92:2::1
wire spoke3 wan 192.168.3.2/24 fd92:3::2/64 nat in3 192.168.3.1/24 fd92:3::1/64; default_by spoke3 192.168.3.1 fd92:3::1
ns nat nft -f - <<-E || skip "this kernel has no nftables masquerade"
	table ip nat { chain post { type nat hook postrouting priority 100; oifname "wan" masquerade random; }; }
E
# what crosses the wire at the hub, by kind
ns hub nft -f - <<-E || skip "this kernel has no nftables netdev hooks"
	table netdev wire {
		counter c-esp { }; counter c-natt { }; counter c-neigh { }; counter c-other { }; counter c-later { };
		chain in { type filter hook ingress device wan priority 0; jump kind; }
		chain kind {
			ether type arp counter name c-neigh return
			meta l4proto 50 counter name c-esp return
			ip protocol 17 ip frag-off & 0x1fff != 0 counter name c-later return
			udp sport 4500 counter name c-natt return
			udp dport 4500 counter name c-natt return
			icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert, mld2-listener-report, mld-listener-report } counter name c-neigh return
			icmp type destination-unreachable counter name c-neigh return
			icmpv6 type packet-too-big counter name c-neigh return
			counter name c-other
		}
	}
E
on_wire() { ns hub nft list counter netdev wire "c-$1" | awk '/packets/ { print $2 }'; }

for n in hub spoke1 spoke2 spoke3; do node $n; done
out=$(ns hub "$NODE" </dev/null); [[ $out == *"UDP port 4500"*"use"*"another IKE"* ]]; check $? "a second one says who has port 4500" "$out"

# ---- two ends, native ESP, IPv4 and IPv6 outside
tell hub tunnel id=1 name=dm0 addr=10.9.0.1/24 addr=fd09::1/64 key=7 mss=1 redirect source=198.18.1.2
tell spoke1 tunnel id=1 name=dm0 addr=10.9.0.11/24 addr=fd09::11/64 key=7 mss=1 source=198.18.2.2
[ "$(ns hub cat /sys/class/net/dm0/mtu)" = 1430 ]; check $? "tunnel MTU 1430 from a link of 1500" "$(ns hub cat /sys/class/net/dm0/mtu)"
tell hub sa in=4001 out=5001 peer=1 local=198.18.1.2 remote=198.18.2.2 active
tell spoke1 sa in=5001 out=4001 peer=0 local=198.18.2.2 remote=198.18.1.2 active
tell spoke1 neigh peer=0
awaits 1 spoke1 "done neigh 0" "a fallback neighbour is taken"
out=$(ns hub ping -n -q -c 1 -W 1 10.9.0.11); [[ $out == *"100% packet loss"* ]]; check $? "without a neighbour nothing gets through"
awaits 2 hub "event unresolved .*dst=10.9.0.11" "and the hub hears of an unresolved destination"
tell hub neigh proto=10.9.0.11 peer=1 mcast
tell hub neigh proto=fd09::11 peer=1
pings "ping over native ESP" hub -c 50 10.9.0.11
pings "ping over native ESP, IPv6 inside" hub -c 50 fd09::11
awaits 2 spoke1 "event unresolved .*dst=10.9.0.1 " "a spoke without an entry sends to its fallback, and says so"
awaits 2 hub "event used .*spi=4001" "the first packet of an SA is told"
pings "packets as large as the MTU" hub -c 5 -M "do" -s 1402 10.9.0.11
pings "packets that need fragments" hub -c 5 -s 6000 10.9.0.11
[ "$(on_wire esp)" -gt 100 ] && [ "$(on_wire natt)" = 0 ]; check $? "it was protocol 50" "esp $(on_wire esp), udp $(on_wire natt)"
tell hub nhrp peer=1 text=hello-nhrp
awaits 2 spoke1 "event nhrp peer=0 .*text=hello-nhrp" "NHRP goes from plane to plane"
tell hub nhrp peer=1 text=x size=4000
awaits 2 spoke1 "event nhrp peer=0 .*octets=4000" "even when it exceeds the path"

# ---- in UDP, other suites, rekey without loss
for s in chacha gcm256 cbc; do
	case $s in chacha) i=1;; gcm256) i=2;; cbc) i=3;; esac
	tell hub sa in=410$i out=510$i peer=1 local=198.18.1.2 remote=198.18.2.2 encap esn suite=$s
	tell spoke1 sa in=510$i out=410$i peer=0 local=198.18.2.2 remote=198.18.1.2 encap esn suite=$s
	ns hub ping -n -q -i 0.01 -c 100 -W 2 10.9.0.11 >"$DIR/ping" & p=$!
	sleep 0.3
	tell spoke1 activate in=510$i
	tell hub activate in=410$i
	wait $p; grep -q " 0% packet loss" "$DIR/ping"; check $? "change to $s in UDP without a lost packet" "$(tail -n 2 "$DIR/ping")"
done
[ "$(on_wire natt)" -gt 100 ]; check $? "it was UDP 4500"
tell hub sa in=4201 out=5201 peer=1 local=fd18:1::2 remote=fd18:2::2 encap active
tell spoke1 sa in=5201 out=4201 peer=0 local=fd18:2::2 remote=fd18:1::2 encap active
pings "IPv6 outside, in UDP" hub -c 20 10.9.0.11
tell hub sa in=4202 out=5202 peer=1 local=fd18:1::2 remote=fd18:2::2 active
tell spoke1 sa in=5202 out=4202 peer=0 local=fd18:2::2 remote=fd18:1::2 active
pings "IPv6 outside, native" hub -c 20 fd09::11
tell hub sa in=4203 out=5203 peer=1 local=198.18.1.2 remote=198.18.2.2 active soft_packets=5 hard_packets=10
tell spoke1 sa in=5203 out=4203 peer=0 local=198.18.2.2 remote=198.18.1.2 active
ns hub ping -n -q -i 0.02 -c 12 -W 1 10.9.0.11 >/dev/null
awaits 2 hub "event soft .*spi=4203" "a soft limit is told"
awaits 2 hub "event hard .*spi=4203" "and a hard one"
tell hub sadel in=4203; tell spoke1 sadel in=5203
pings "the SA before takes over" hub -c 10 10.9.0.11
tell hub udp remote=198.18.2.2 text=ike-over-4500
awaits 2 spoke1 "event ike .*remote=198.18.1.2:4500 .*text=ike-over-4500" "IKE passes through the same port"
tell hub udp remote=198.18.2.2 text=AAAABBBB nomarker
awaits 2 spoke1 "event unknown .*spi=1094795585" "an unknown SPI is told"

# ---- path MTU: a link in the middle gets narrow
for n in 4001:5001 4101:5101 4102:5102 4103:5103 4201:5201 4202:5202; do tell hub sadel in="${n%:*}"; tell spoke1 sadel in="${n#*:}"; done
tell hub sa in=4301 out=5301 peer=1 local=198.18.1.2 remote=198.18.2.2 encap active
tell spoke1 sa in=5301 out=4301 peer=0 local=198.18.2.2 remote=198.18.1.2 encap active
ip -n inet link set i2 mtu 1300; ip -n spoke1 link set wan mtu 1300
ns hub ping -n -q -c 3 -i 0.1 -W 1 -M "do" -s 1372 10.9.0.11 >/dev/null
tell hub stats peer=1; seen hub "path_mtu=1230"; check $? "the path's MTU of 1300 is learned: 1230 inside" "$(grep ^stats "$DIR/hub.out" | tail -n 1)"
out=$(ns hub ping -n -q -c 3 -i 0.1 -W 1 -M "do" -s 1372 10.9.0.11 2>&1)
ns hub ip route get 10.9.0.11 | grep -q "mtu 1230"; check $? "and told to the sender by ICMP" "$(ns hub ip route get 10.9.0.11 | tr '\n' ' ')"
pings "what fits goes through" hub -c 5 -M "do" -s 1202 10.9.0.11
pings "what does not, without DF, goes in pieces" spoke1 -c 5 -M dont -s 3000 10.9.0.1
ns hub ping -n -q -c 3 -i 0.1 -W 1 -M "do" -s 1372 fd09::11 >/dev/null 2>&1
ns hub ip -6 route get fd09::11 | grep -q "mtu 1280"; check $? "IPv6 is told no less than 1280" "$(ns hub ip -6 route get fd09::11 | tr '\n' ' ')"
pings "IPv6 packets of 1280 pass a path that is narrower" hub -c 5 -M "do" -s 1232 fd09::11
ip -n inet link set i2 mtu 1500; ip -n spoke1 link set wan mtu 1500

# ---- NAT: two spokes behind one address
for i in 2 3; do
	tell spoke$i tunnel id=1 name=dm0 addr=10.9.0.1$i/24 key=7
	tell spoke$i sa in=520$i out=440$i peer=0 local=192.168.$i.2 remote=198.18.1.2 encap active
	tell spoke$i neigh peer=0
	tell hub sa in=440$i out=520$i peer=$i local=198.18.1.2 remote=198.18.3.2,9 encap active
	tell hub neigh proto=10.9.0.1$i peer=$i mcast
	ns spoke$i ping -n -q -c 1 -W 1 10.9.0.1 >/dev/null
	awaits 2 hub "event moved peer=$i .*spi=440$i .*remote=198.18.3.2" "the hub learns where spoke$i is behind its NAT"
	port=$(sed -n "s/event moved peer=$i .*remote=198.18.3.2:\([0-9]*\).*/\1/p" "$DIR/hub.out" | tail -n 1)
	tell hub move in=440$i local=198.18.1.2 remote=198.18.3.2,"$port" encap
	eval "port$i=$port"
done
# shellcheck disable=SC2154
[ "$port2" != "$port3" ]; check $? "both have the hub's view of one address, different ports" "$port2 $port3"
pings "spoke2 to the hub" spoke2 -c 20 10.9.0.1
pings "the hub to spoke3" hub -c 20 10.9.0.13

# ---- the hub forwards: redirect, once for a flow; copies of multicast; the spokes tell unknown next hops
pings "spoke2 to spoke3 by the hub" spoke2 -c 20 10.9.0.13
awaits 2 hub "event redirect peer=2 out_peer=3 .*src=10.9.0.12 dst=10.9.0.13" "the hub wants spoke2 redirected"
n=$(grep -c "event redirect peer=2 " "$DIR/hub.out"); [ "$n" -le 2 ]; check $? "told once in two seconds" "$n"
[ "$(counter hub kernel-redirect)" -ge 0 ]; n=$(counter spoke2 gre-protocol); [ "$n" = 0 ]; check $? "no oddities at spoke2"
ns spoke2 ip -s route get 10.9.0.13 | grep -q "redirected"; [ $? = 1 ]; check $? "the kernel's own ICMP redirects stay in"
before=$(counter hub multicast-copies)
ns hub ping -n -q -c 2 -i 0.1 -W 1 -I dm0 224.0.0.5 >/dev/null
n=$(($(counter hub multicast-copies) - before)); [ "$n" -ge 6 ]; check $? "two multicast packets become six copies" "$n"
tell hub neigh proto=10.9.0.13 peer=3
before=$(counter hub multicast-copies)
ns hub ping -n -q -c 2 -i 0.1 -W 1 -b 10.9.0.255 >/dev/null 2>&1
n=$(($(counter hub multicast-copies) - before)); [ "$n" = 4 ]; check $? "a broadcast goes to the two that asked" "$n"

# ---- what is refused
tell hub tunnel id=1 name=dm0 addr=10.9.0.1/24 addr=fd09::1/64 key=8 mss=1 redirect
ns spoke2 ping -n -q -c 2 -i 0.1 -W 1 10.9.0.1 >/dev/null
n=$(counter hub gre-key); [ "$n" -ge 2 ]; check $? "another tunnel key is refused and counted" "$n"
tell hub tunnel id=1 name=dm0 addr=10.9.0.1/24 addr=fd09::1/64 key=7 mss=1 redirect
pings "the old key is good again" spoke2 -c 3 10.9.0.1
tell hub sadel in=4402
ns spoke2 ping -n -q -c 2 -i 0.1 -W 1 10.9.0.1 >/dev/null
n=$(counter hub esp-spi-unknown); [ "$n" -ge 2 ]; check $? "without the SA nothing is taken" "$n"
ns hub ping -n -q -c 2 -i 0.1 -W 1 10.9.0.12 >/dev/null
n=$(counter hub no-sa); [ "$n" -ge 2 ]; check $? "and nothing is sent" "$n"
n=$(on_wire other); [ "$n" = 0 ]; check $? "nothing but ESP and UDP 4500 came over the hub's wire" "$n packets of other kinds"

# ---- a peer whose port is closed: its ICMP errors must not cost the packets of others
tell spoke1 quit; wait "$(cat "$DIR/spoke1.pid")"; check $? "spoke1 ends in order"; rm "$DIR/spoke1.pid"
ns hub ping -n -q -i 0.005 -c 400 10.9.0.11 >/dev/null 2>&1 & p=$!
pings "a dead peer disturbs nobody" hub -i 0.01 -c 150 10.9.0.13
kill $p; wait $p 2>/dev/null
n=$(counter hub network-errors); [ "$n" -ge 1 ]; check $? "though its errors were heard" "$n"

# ---- going
ip -n spoke3 link set dm0 down
awaits 2 spoke3 "event link .*up=0 gone=0" "an interface taken down is told"
ip -n spoke3 link set dm0 up
awaits 2 spoke3 "event link .*up=1 gone=0" "and up again"
ip -n spoke3 link del dm0
awaits 2 spoke3 "event link .*gone=1" "one that is deleted is told"
tell hub tunneldel id=1
ip -n hub link show dm0 >/dev/null 2>&1; [ $? = 1 ]; check $? "a deleted tunnel takes its interface with it"
for n in hub spoke2 spoke3; do
	tell $n quit
	wait "$(cat "$DIR/$n.pid")"; check $? "$n ends in order"
	rm "$DIR/$n.pid"
done
[ $FAILED = 0 ]
