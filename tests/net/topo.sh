# shellcheck shell=bash
# tests/net/topo.sh: the clouds of the demo and of the namespace tests (bash; to be sourced, as root of some user namespace).
#
#                       inet  198.18.K.1 on each link
#      ┌───────────────┬──┴─────────────┐
#     hub K=10       spoke1 K=11       nat K=12          every 198.18.K.2 (fd18:K::2)
#      │               │                ├── spoke2  192.168.12.10, public address that of nat
#     hub-h          spoke1-h           └── spoke3  192.168.12.14, the same public address
#   172.16.0.10    172.16.1.10         LANs 172.16.2.0/24 and 172.16.3.0/24
#
# Overlay 10.255.0.0/24 (fd10:255::/64): the hub is .1, spoke N is .1N. Site N has LAN 172.16.N.0/24 (fd16:N::/64), the hub is N = 0.
# Everything enters a namespace with nsenter, not `ip netns exec`, which insists on a new /sys and so fails for ordinary users.
#
# Wants from the caller: TOPO_DIR (a directory for configurations, logs, pids), TOPO_NS (prefix of namespace names), BUILDDIR.
# Tunables: CLOUD_V6UNDER=1 (underlay IPv6, no NAT), CLOUD_V6OVER=1 (IPv6 inside as well), CLOUD_LIFE (seconds an ESP SA lives),
# CLOUD_REAUTH (seconds until peers authenticate anew), CLOUD_PLANE, CLOUD_SPOKES; CLOUD_PLANE_hub, CLOUD_PLANE_spoke1, ...: of that site.

: "${TOPO_NS:=odm-}" "${CLOUD_SPOKES:=1 2 3}" "${CLOUD_PLANE:=user}" "${CLOUD_LIFE:=3600}" "${CLOUD_V6UNDER:=}" "${CLOUD_V6OVER:=}"
NHRPD=$BUILDDIR/nhrpd/nhrpd NHRPCTL=$BUILDDIR/tools/nhrpctl FLOW=$BUILDDIR/tests/net/flow
TOPO_LIST=()

# topo_world SCRIPT ARGUMENT...: runs the script again where it may make namespaces and where nothing it makes outlives it: own
# mount, network and process namespaces with a /run of their own, and a user namespace when it is not root's. The caller asks
# TOPO_WORLD whether it is inside. Returns only if that is not possible. WORLD_KEEP=1: without process namespace, to leave things
# running; and for root none at all, so that the namespaces are there for everybody.
topo_world() {
	local how=(--mount --net) pid=(--pid --fork --kill-child --mount-proc)
	export TOPO_WORLD=1
	[ -n "${WORLD_KEEP-}" ] && pid=()
	if [ "$(id -u)" = 0 ]; then
		[ -n "${WORLD_KEEP-}" ] && exec "$BASH" "$@"
	else
		how+=(--user --map-root-user)
	fi
	unshare "${how[@]}" "${pid[@]}" true 2>/dev/null || pid=(--fork)	# a container may hide parts of /proc and so forbid a new one
	unshare "${how[@]}" "${pid[@]}" true 2>/dev/null || return 1
	exec unshare "${how[@]}" "${pid[@]}" "$BASH" -c 'mount -t tmpfs tmpfs /run && exec "$BASH" "$@"' world "$@"
}

ns() { local n=$1; shift; nsenter --net="/run/netns/$TOPO_NS$n" -- "$@"; }
ns_exec() {	# with &: $! is then the command itself
	local n=$1; shift
	[ "$BASHPID" != $$ ] || { echo "not ok ns_exec without & would end the test here and say it passed: $*"; exit 1; }
	exec nsenter --net="/run/netns/$TOPO_NS$n" -- "$@"
}

# wait_for SECONDS COMMAND...: until COMMAND succeeds; milliseconds it took in $WAITED; 1 when the time is over. The seconds are
# those of an idle machine: a busy one gets PATIENCE times as many.
wait_for() {
	local s=$(($1 * ${PATIENCE:-3})) t0=${EPOCHREALTIME/[.,]/} t; shift
	while :; do
		if "$@" >/dev/null 2>&1; then t=${EPOCHREALTIME/[.,]/}; WAITED=$(((t - t0) / 1000)); return 0; fi
		t=${EPOCHREALTIME/[.,]/}; WAITED=$(((t - t0) / 1000))
		((WAITED < s * 1000)) || return 1
		nap
	done
}
nap() { read -rt 0.05 <> <(:) || :; }

ns_new() {	# NAME
	ip netns add "$TOPO_NS$1" || return 1
	TOPO_LIST+=("$1")
	# shellcheck disable=SC2016
	ns "$1" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
		echo 0 >/proc/sys/net/ipv4/icmp_echo_ignore_broadcasts
		for i in all default; do echo 0 >/proc/sys/net/ipv4/conf/$i/rp_filter; echo 0 >/proc/sys/net/ipv6/conf/$i/accept_dad; done
		ip link set lo up'
}

topo_site() {	# NAME K: a place on the internet with an address of its own
	ns_new "$1" || return 1
	ip link add wan netns "$TOPO_NS$1" type veth peer name "s$2" netns "${TOPO_NS}inet" || return 1
	ns inet ip -batch - <<-EOF || return 1
		addr add 198.18.$2.1/24 dev s$2
		addr add fd18:$2::1/64 dev s$2 nodad
		link set s$2 up
	EOF
	ns "$1" ip -batch - <<-EOF
		addr add 198.18.$2.2/24 dev wan
		addr add fd18:$2::2/64 dev wan nodad
		link set wan up
		route add default via 198.18.$2.1
		route add default via fd18:$2::1
	EOF
}

topo_nat() {	# NAME K: a masquerading router; lets nothing in that was not asked for
	topo_site "$1" "$2" || return 1
	ns "$1" nft -f - <<-EOF
		table ip nat {
			chain out { type nat hook postrouting priority 100; oifname "wan" ip saddr 192.168.$2.0/24 masquerade; }
		}
		table ip guard {
			chain in { type filter hook forward priority 0; iifname "wan" ct state established,related accept; iifname "wan" drop; }
		}
	EOF
}

topo_behind() {	# NAT K NAME N: a site behind that router, 192.168.K.(4N+2)/30
	local net=192.168.$2 i=$(($4 * 4))
	ns_new "$3" || return 1
	ip link add wan netns "$TOPO_NS$3" type veth peer name "in$4" netns "$TOPO_NS$1" || return 1
	ns "$1" ip -batch - <<-EOF || return 1
		addr add $net.$((i + 1))/30 dev in$4
		link set in$4 up
	EOF
	ns "$3" ip -batch - <<-EOF
		addr add $net.$((i + 2))/30 dev wan
		link set wan up
		route add default via $net.$((i + 1))
	EOF
}

# The LAN of site N with one host, NAME-h. The site never sends an inner address to its provider, tunnel or no tunnel.
topo_lan() {	# NAME N
	ns_new "$1-h" || return 1
	ip link add lan0 netns "$TOPO_NS$1" type veth peer name eth0 netns "$TOPO_NS$1-h" || return 1
	ns "$1-h" ip -batch - <<-EOF || return 1
		addr add 172.16.$2.10/24 dev eth0
		addr add fd16:$2::10/64 dev eth0 nodad
		link set eth0 up
		route add default via 172.16.$2.1
		route add default via fd16:$2::1
	EOF
	ns "$1" ip -batch - <<-EOF
		addr add 172.16.$2.1/24 dev lan0
		addr add fd16:$2::1/64 dev lan0 nodad
		link set lan0 up
		route add blackhole 172.16.0.0/16 metric 4000
		route add blackhole fd16::/16 metric 4000
	EOF
}

# ---- walls: `wall NAME RULE...` drops there what is forwarded and matches one of the rules, in place of those before. A rule is of the
# words `all`, `from ADDRESS`, `to ADDRESS`, `udp PORT`, `esp-in-udp`. tests/uml/topo.sh has the same for a kernel without nf_tables.

_wall() {	# NAME HOOK RULE...
	local n=$1 hook=$2 r; shift 2
	{
		printf 'table inet wall {\n}\ndelete table inet wall\ntable inet wall {\nchain c {\ntype filter hook %s priority 0;\n' "$hook"
		for r; do
			sed 's/\ball\b//; s/\bfrom /ip saddr /; s/\bto /ip daddr /; s/\budp /udp dport /; s/\besp-in-udp/udp dport 4500 @th,64,32 != 0/; s/\bicmp\b/meta l4proto { 1, 58 }/; s/$/ drop/' <<<"$r"
		done
		printf '}\n}\n'
	} | ns "$n" nft -f -
}
wall() { local n=$1; shift; _wall "$n" forward "$@"; }
wall_icmp() { _wall "$1" output icmp; }	# it says nothing about packets it drops
wall_down() { ns "$1" nft delete table inet wall; }
topo_nat_random() {	# NAME K: from now on other ports than the hosts' own
	ns "$1" nft "flush chain ip nat out; add rule ip nat out oifname wan ip saddr 192.168.$2.0/24 masquerade random"
}
topo_ear() { ns "$1" nft "add table ip ear; add chain ip ear in { type filter hook input priority 0; }; add rule ip ear in udp dport $2 counter"; }	# NAME PORT
topo_heard() { ns "$1" nft list table ip ear | sed -n 's/.* packets \([0-9]*\) .*/\1/p'; }	# how many packets came to that port

# ---- what the underlay carries, counted by the kernel at every ingress: no capture that could miss a packet. Of UDP in fragments only the
# first one has ports, so it is counted for all of them (a question about the path's MTU goes out in fragments when it is not answered).

topo_watch() {	# NAME DEVICE...
	local n=$1 d; shift
	d=$(printf '"%s", ' "$@")
	ns "$n" nft -f - <<-EOF
		table netdev watch {
			counter ARP {}
			counter ICMP {}
			counter IKE {}
			counter IKE-4500 {}
			counter ESP-4500 {}
			counter ESP {}
			counter GRE {}
			counter INNER {}
			counter OTHER {}
			chain in {
				type filter hook ingress devices = { ${d%, } } priority -500;
				ether type arp counter name ARP accept
				ip saddr { 172.16.0.0/16, 10.255.0.0/24 } counter name INNER accept
				ip daddr { 172.16.0.0/16, 10.255.0.0/24 } counter name INNER accept
				ip6 saddr { fd16::/16, fd10:255::/64 } counter name INNER accept
				ip6 daddr { fd16::/16, fd10:255::/64 } counter name INNER accept
				meta l4proto { 1, 58 } counter name ICMP accept
				meta l4proto 47 counter name GRE accept
				meta l4proto 50 counter name ESP accept
				ip protocol udp ip frag-off & 0x1fff != 0 accept
				meta l4proto udp frag frag-off != 0 accept
				udp dport 500 counter name IKE accept
				udp sport 500 counter name IKE accept
				udp dport 4500 @th,64,32 0 counter name IKE-4500 accept
				udp sport 4500 @th,64,32 0 counter name IKE-4500 accept
				udp dport 4500 counter name ESP-4500 accept
				udp sport 4500 counter name ESP-4500 accept
				ether type { ip, ip6 } counter name OTHER accept
			}
		}
	EOF
}

# "NAME PACKETS BYTES" a line, summed over the watched namespaces
topo_watched() {
	local n
	for n in $TOPO_WATCHED; do ns "$n" nft list counters table netdev watch; done |
		awk '$1 == "counter" { c = $2 } $1 == "packets" { p[c] += $2; b[c] += $4; if (!(c in at)) { at[c] = ++k; name[k] = c } }
			END { for (i = 1; i <= k; i++) print name[i], p[name[i]], b[name[i]] }'
}
topo_count() { topo_watched | awk -v n="$1" '$1 == n { print $2 }'; }	# packets of one kind

topo_del() {
	local n
	for n in "${TOPO_LIST[@]}"; do ip netns del "$TOPO_NS$n" 2>/dev/null; done
	TOPO_LIST=()
}

# ---- the cloud: topology, configurations, daemons

site() { [ "$1" = 0 ] && echo hub || echo "spoke$1"; }
overlay() { [ "$1" = 0 ] && echo 10.255.0.1 || echo "10.255.0.1$1"; }	# of site N
overlay6() { [ "$1" = 0 ] && echo fd10:255::1 || echo "fd10:255::1$1"; }
lan_host() { echo "172.16.$1.10"; }
lan_host6() { echo "fd16:$1::10"; }
plane_of() { local v=CLOUD_PLANE_$1; echo "${!v:-$CLOUD_PLANE}"; }	# NAME
hub_nbma() { [ -n "$CLOUD_V6UNDER" ] && echo fd18:10::2 || echo 198.18.10.2; }

cloud_topology() {
	local n
	ns_new inet || return 1
	topo_site hub 10 || return 1
	for n in $CLOUD_SPOKES; do
		case $n$CLOUD_V6UNDER in
		[23])	ip netns list | grep -q "^${TOPO_NS}nat\b" || topo_nat nat 12 || return 1
			topo_behind nat 12 "spoke$n" "$n" || return 1 ;;
		*)	topo_site "spoke$n" "1$n" || return 1 ;;	# with IPv6 everybody has an address
		esac
	done
	for n in 0 $CLOUD_SPOKES; do topo_lan "$(site "$n")" "$n" || return 1; done
	# shellcheck disable=SC2046
	topo_watch inet $(ns inet ip -o link | awk -F'[ :@]+' '$2 ~ /^s/ { print $2 }') || return 1
	TOPO_WATCHED=inet
	if [ -e "/run/netns/${TOPO_NS}nat" ]; then
		# shellcheck disable=SC2046
		topo_watch nat $(ns nat ip -o link | awk -F'[ :@]+' '$2 ~ /^in/ { print $2 }') || return 1
		TOPO_WATCHED="inet nat"
	fi
}

cloud_conf() {	# N: writes $TOPO_DIR/NAME.conf
	local n=$1 name; name=$(site "$n")
	umask 077	# both hold secrets
	[ -e "$TOPO_DIR/sites.psk" ] || echo "of-all-sites-$RANDOM$RANDOM" >"$TOPO_DIR/sites.psk"
	{
		cat <<-EOF
			hostname $name
			!
			crypto ikev2 keyring SITES
		EOF
		if [ "$n" = 0 ]; then
			local s; for s in $CLOUD_SPOKES; do cat <<-EOF
				 peer spoke$s
				  identity fqdn spoke$s.odm.example
				  pre-shared-key of-the-hub-and-spoke$s
			EOF
			done
		else
			cat <<-EOF
				 peer hub
				  identity fqdn hub.odm.example
				  pre-shared-key of-the-hub-and-spoke$n
				 peer sites
				  identity fqdn domain odm.example
				  pre-shared-key file sites.psk
			EOF
		fi
		cat <<-EOF
			!
			crypto ikev2 profile MESH
			 match identity remote fqdn domain odm.example
			 identity local fqdn $name.odm.example
			 authentication remote pre-share
			 authentication local pre-share
			 keyring local SITES
			 dpd 10 2 periodic
			 ${CLOUD_REAUTH:+reauth $CLOUD_REAUTH}
			!
			crypto ipsec transform-set GCM esp-gcm 256
			 mode transport
			!
			crypto ipsec profile MESH
			 set transform-set GCM
			 set security-association lifetime seconds $CLOUD_LIFE
			 set ikev2-profile MESH
			!
			interface dmvpn0
			 ip address $(overlay "$n")/24
			 ${CLOUD_V6OVER:+ipv6 address $(overlay6 "$n")/64}
			 tunnel source wan
			 tunnel mode gre multipoint${CLOUD_V6UNDER:+ ipv6}
			 tunnel key 42
			 tunnel protection ipsec profile MESH
			 ip nhrp network-id 1
			 ip nhrp authentication s3cret
			 ip nhrp holdtime 60
			 ip nhrp registration timeout 15
		EOF
		if [ "$n" = 0 ]; then
			printf ' ip nhrp map multicast dynamic\n ip nhrp redirect\n'
		else
			cat <<-EOF
				 ip nhrp nhs $(overlay 0) nbma $(hub_nbma) multicast
				 ${CLOUD_V6OVER:+ipv6 nhrp nhs $(overlay6 0) nbma $(hub_nbma) multicast}
				 ip nhrp shortcut
				 ip nhrp registration no-unique
			EOF
		fi
		printf ' no shutdown\n!\ndataplane %s\nlog level debugging\nstore %s\n' "$(plane_of "$name")" "$TOPO_DIR/$name.db"
	} | sed '/^ *$/d' >"$TOPO_DIR/$name.conf"
}

ctl() { local n=$1; shift; "$NHRPCTL" -s "$TOPO_DIR/$n.sock" "$@"; }

# Starts the daemon of site N and, as a service manager's post-start step would, the static routes over its interface.
cloud_start() {	# N [OPTION...]
	local n=$1 name; shift
	name=$(site "$n")
	: >"$TOPO_DIR/$name.start"
	rm -f "$TOPO_DIR/$name.sock"
	ns_exec "$name" "$NHRPD" -f "$TOPO_DIR/$name.conf" --control "$TOPO_DIR/$name.sock" "$@" 2>>"$TOPO_DIR/$name.log" </dev/null >&2 &
	echo $! >"$TOPO_DIR/$name.pid"
	wait_for "${CLOUD_START_S:-10}" cloud_device "$name" || return 1
	ns "$name" ip -batch - < <(cloud_routes "$n")
}
# Its interface is up and has its addresses: the daemon answers only after it set all of that.
cloud_device() { ns "$1" ip link show dev dmvpn0 up | grep -q UP && ctl "$1" show interface | grep -q dmvpn0; }
cloud_routes() {	# N: in the words of ip -batch
	local s
	if [ "$1" = 0 ]; then
		for s in $CLOUD_SPOKES; do
			echo "route replace 172.16.$s.0/24 via $(overlay "$s") dev dmvpn0"
			[ -z "$CLOUD_V6OVER" ] || echo "route replace fd16:$s::/64 via $(overlay6 "$s") dev dmvpn0"
		done
	else
		echo "route replace 172.16.0.0/16 via $(overlay 0) dev dmvpn0"
		[ -z "$CLOUD_V6OVER" ] || echo "route replace fd16::/16 via $(overlay6 0) dev dmvpn0"
	fi
}
cloud_pid() { cat "$TOPO_DIR/$1.pid" 2>/dev/null; }
cloud_alive() { kill -0 "$(cloud_pid "$1")" 2>/dev/null; }
cloud_stop() {	# NAME [SIGNAL]
	local pid; pid=$(cloud_pid "$1") || return 0
	kill "-${2:-TERM}" "$pid" 2>/dev/null
	wait_for 10 cloud_gone "$pid" || kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	rm -f "$TOPO_DIR/$1.pid"
	return 0
}
cloud_gone() { ! kill -0 "$1" 2>/dev/null || [ "$(awk '{ sub(/.*\) /, ""); print $1 }' "/proc/$1/stat")" = Z ]; }
cloud_stop_all() { local n; for n in 0 $CLOUD_SPOKES; do cloud_stop "$(site "$n")"; done; }

# What is true of the cloud, as the daemons tell it
cloud_peer_up() { ctl "$1" show dmvpn | grep -Eq "(^| )(${2//./\\.}|$3) +UP( |\$)"; }	# NAME ADDRESS ADDRESS6: it sees that peer UP
cloud_spoke_up() { cloud_peer_up "spoke$1" "$(overlay 0)" "$(overlay6 0)"; }	# its hub is up
cloud_hub_has() { cloud_peer_up hub "$(overlay "$1")" "$(overlay6 "$1")"; }
cloud_up() { local n; for n in $CLOUD_SPOKES; do cloud_spoke_up "$n" && cloud_hub_has "$n" || return 1; done; }
cloud_ping() { ns "$1-h" ping -n -q -c "${3:-1}" -i "${4:-0.2}" -W 2 "$2"; }	# NAME ADDRESS [COUNT] [INTERVAL]
chatter() { ns_exec "$1-h" ping -n -q -i "${3:-0.05}" "$2" >/dev/null 2>&1 & CHATTER=$!; }	# NAME ADDRESS [INTERVAL]: in the background
quiet() { kill "${1:-$CHATTER}" 2>/dev/null; wait "${1:-$CHATTER}" 2>/dev/null; }
cloud_forwarded() { ns hub cat /proc/net/dev | awk '$1 == "dmvpn0:" { print $3 + $11 }'; }	# packets in and out of the hub's tunnel
# spoke A sends what is for the LAN of B straight to B
cloud_direct() { ns "spoke$1" ip route get "$(lan_host "$2")" | grep -q "via $(overlay "$2") dev dmvpn0"; }
