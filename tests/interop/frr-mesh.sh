# shellcheck shell=bash
# tests/interop/frr-mesh.sh: DMVPN without IPsec, our daemon and FRR's nhrpd in any role, in one guest (tests/uml/run); sourced first.
#
# Sites: hub (198.18.10.2), hub2, hub3 (K 20, 21), ours: spoke1, spoke2 (K 11, 12), FRR's: frr1, frr2 (K 13, 14). Overlay 10.255.0.N, LAN
# 172.16.N.0/24 with one host NAME-h: see num(). Which implementation a site runs: KIND_hub=frr and so on; sites named frr* are FRR's.
# Variables: MESH_PREFIX (24: of our overlay addresses; FRR's are always /32), MESH_HOLD (60), MESH_NHS (lines of nhs instead of the one hub).
: "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}"
# shellcheck source=tests/uml/lib.sh
. "$SRCDIR/tests/uml/lib.sh"
FRR_LIB=/usr/lib/frr
for c in zebra nhrpd ospfd; do [ -x $FRR_LIB/$c ] || skip "FRR's $c is not installed (package frr)"; done
FRR_VERSION=$($FRR_LIB/nhrpd --version 2>/dev/null | sed -n '1s/.*version //p')
getent group frrvty | grep -q root || sed -i '/^frrvty:/s/$/,root/;s/:,root/:root/' /etc/group	# the guest's own copy
: "${MESH_PREFIX:=24}" "${MESH_HOLD:=60}"
FRRS='' OURS=''

num() { case $1 in hub) echo 1 ;; hub2) echo 2 ;; hub3) echo 3 ;; spoke*) echo "1${1#spoke}" ;; frr*) echo "2${1#frr}" ;; esac; }
place() { case $1 in hub) echo 10 ;; hub2) echo 20 ;; hub3) echo 21 ;; spoke*) echo "1${1#spoke}" ;; frr*) echo "1$((${1#frr} + 2))" ;; esac; }
at() { echo "10.255.0.$(num "$1")"; }	# overlay
nbma() { echo "198.18.$(place "$1").2"; }
host_of() { echo "172.16.$(num "$1").10"; }
kind() { local v=KIND_$1; case $1 in frr*) echo frr ;; *) echo "${!v:-ours}" ;; esac; }
dev() { [ "$(kind "$1")" = frr ] && echo gre1 || echo dmvpn0; }
is_hub() { [[ $1 = hub* ]]; }

mesh_topology() {	# SITE...
	local n
	ns_new inet || return 1
	for n; do topo_site "$n" "$(place "$n")" && topo_lan "$n" "$(num "$n")" || return 1; done
	SITES=$*
}
nhs_lines() {	# SITE: of a spoke, in words that both take
	local h
	for h in ${MESH_HUBS:-hub}; do echo " ip nhrp nhs $(at "$h") nbma $(nbma "$h")$([ "$(kind "$1")" = frr ] || echo ' multicast')"; done
}

ours_conf() {	# SITE
	sed '/^[[:space:]]*$/d' >"$TOPO_DIR/$1.conf" <<-END
		hostname $1
		interface dmvpn0
		 ip address $(at "$1")/$MESH_PREFIX
		 tunnel source wan
		 tunnel mode gre multipoint
		 tunnel key 42
		 tunnel protection none
		 ip mtu 1400
		 ip nhrp network-id 1
		 ip nhrp holdtime $MESH_HOLD
		 ip nhrp registration timeout 3
		$(is_hub "$1" && printf ' ip nhrp map multicast dynamic\n ip nhrp redirect\n')
		$(is_hub "$1" || printf '%s\n ip nhrp shortcut\n ip nhrp registration no-unique\n' "$(nhs_lines "$1")")
		 no shutdown
		dataplane $CLOUD_PLANE
		log level debugging
		store off
	END
}
frr_conf() {	# SITE
	local d=$TOPO_DIR/$1.frr
	mkdir -p "$d" "/var/run/frr/$1"
	chmod 755 "$TOPO_DIR"
	sed '/^[[:space:]]*$/d' >"$d/nhrpd.conf" <<-END
		hostname $1
		log file $TOPO_DIR/$1-nhrpd.log debugging
		debug nhrp common
		nhrp nflog-group 1
		nhrp multicast-nflog-group 2
		interface gre1
		 ip nhrp network-id 1
		 ip nhrp holdtime $MESH_HOLD
		 ip nhrp registration no-unique
		 ip nhrp shortcut
		$(is_hub "$1" && printf ' ip nhrp redirect\n ip nhrp map multicast dynamic\n')
		$(is_hub "$1" || printf '%s\n ip nhrp map multicast %s\n' "$(nhs_lines "$1")" "$(nbma hub)")
		 no link-detect
	END
	echo "hostname $1" >"$d/zebra.conf"
	cat >"$d/ospfd.conf" <<-END
		hostname $1
		log file $TOPO_DIR/$1-ospfd.log debugging
		interface $(dev "$1")
		 ip ospf network point-to-multipoint
		 ip ospf hello-interval 2
		 ip ospf dead-interval 8
		router ospf
		 ospf router-id $(at "$1")
		 network $(at "$1")/32 area 0
		 network 172.16.$(num "$1").0/24 area 0
	END
}
frr_device() {	# SITE: mGRE as FRR wants it; what is for the network of the tunnel leaves by it, FRR finds out where to
	ns "$1" ip link show gre1 >/dev/null 2>&1 && return
	ns "$1" ip -batch - <<-END
		link add gre1 type gre key 42 local $(nbma "$1") ttl 64
		addr add $(at "$1")/32 dev gre1
		link set gre1 up mtu 1400 multicast on
	END
	ns "$1" iptables-legacy-restore <<-END
		*filter
		-A FORWARD -i gre1 -o gre1 -m hashlimit --hashlimit-upto 4/minute --hashlimit-burst 1 --hashlimit-mode srcip,dstip --hashlimit-name nhrp -j NFLOG --nflog-group 1 --nflog-size 128
		-A OUTPUT -o gre1 -d 224.0.0.0/24 -j NFLOG --nflog-group 2
		-A OUTPUT -o gre1 -d 224.0.0.0/24 -j DROP
		COMMIT
	END
}
frr_run() {	# SITE DAEMON
	local d=$TOPO_DIR/$1.frr run=/var/run/frr/$1
	ns_exec "$1" $FRR_LIB/"$2" -N "$1" -u root -g root -f "$d/$2.conf" -i "$run/$2.pid" -A 127.0.0.1 -P 0 >"$TOPO_DIR/$1-$2.out" 2>&1 </dev/null &
	echo $! >"$TOPO_DIR/$1-$2.pid"
	[[ " $FRRS " == *" $1 "* ]] || FRRS="$FRRS $1"
}
frr_zebra() { frr_run "$1" zebra; wait_for 15 [ -S "/var/run/frr/$1/zserv.api" ] || { not_ok "zebra of $1 starts: $(tail -n 2 "$TOPO_DIR/$1-zebra.out")"; return 1; }; }
mesh_start() {	# SITE
	if [ "$(kind "$1")" = frr ]; then
		frr_conf "$1"; frr_device "$1"
		frr_zebra "$1" && frr_run "$1" nhrpd
	else
		ours_conf "$1"
		rm -f "$TOPO_DIR/$1.sock"
		ns_exec "$1" "$NHRPD" -f "$TOPO_DIR/$1.conf" --control "$TOPO_DIR/$1.sock" 2>>"$TOPO_DIR/$1.log" </dev/null >&2 &
		echo $! >"$TOPO_DIR/$1.pid"
		[[ " $OURS " == *" $1 "* ]] || OURS="$OURS $1"
		wait_for 30 cloud_device "$1" || { not_ok "$1 starts: $(tail -n 2 "$TOPO_DIR/$1.log")"; return 1; }
		[ "$MESH_PREFIX" != 32 ] || ns "$1" ip route replace 10.255.0.0/24 dev dmvpn0
	fi
	mesh_routes "$1"
}
mesh_routes() {	# SITE: what is behind the others: spokes by the hub, the hub by each
	local n
	[ -z "${MESH_NO_ROUTES-}" ] || return 0
	if is_hub "$1"; then
		for n in $SITES; do is_hub "$n" || echo "route replace 172.16.$(num "$n").0/24 via $(at "$n") dev $(dev "$1") onlink"; done
	else
		echo "route replace 172.16.0.0/16 via $(at hub) dev $(dev "$1") onlink"
		# FRR answers a resolution request only of somebody to whom it has a route into the tunnel
		[ "$(kind "$1")" != frr ] || echo "route replace 10.255.0.0/24 via $(at hub) dev gre1 onlink"
	fi | ns "$1" ip -batch -
}
mesh_stop() {	# SITE [SIGNAL]; FRR 8.4's nhrpd aborts when it is told to end: always killed, with its zebra, and what it left in the kernel goes
	if [ "$(kind "$1")" = frr ]; then
		cloud_stop "$1-ospfd" KILL; cloud_stop "$1-nhrpd" KILL; cloud_stop "$1-zebra" KILL
		ns "$1" ip neigh flush dev gre1
		ns "$1" ip route flush proto 191 2>/dev/null
	else
		cloud_stop "$1" "${2:-TERM}"
	fi
}
vty() { local n=$1; shift; ns "$n" vtysh -N "$n" -d "${VTY:-nhrpd}" -c "$*"; }

# What is true
registered() {	# HUB SITE: the hub has its registration
	if [ "$(kind "$1")" = frr ]; then vty "$1" show ip nhrp cache | grep -Eq "$(at "$2") +$(nbma "$2") .*dynamic|dynamic +$(at "$2") +$(nbma "$2")"
	else ctl "$1" show ip nhrp | grep -A 4 "^$(at "$2")/32" | grep -q registered; fi
}
direct() {	# SITE OTHER: what is for the LAN of the other goes straight there; FRR may have a route to the very host, with a neighbour of its own
	local next; next=$(ns "$1" ip route get "$(host_of "$2")" | sed -n "1s/^\([^ ]*\)\( via \([^ ]*\)\)\{0,1\} dev $(dev "$1") .*/\3 \1/p")
	next=${next# }; next=${next%% *}
	case $next in
	"$(at "$2")") ;;
	"$(host_of "$2")") ns "$1" ip neigh show "$next" dev "$(dev "$1")" | grep -q "lladdr $(nbma "$2")\b" ;;
	*) false ;;
	esac
}
lan_ping() { ns "$1-h" ping -n -q -c "${3:-1}" -i "${4:-0.05}" -W 2 "$(host_of "$2")"; }	# SITE OTHER [COUNT] [INTERVAL]
carries() {	# SITE OTHER TEXT
	local out; out=$(lan_ping "$1" "$2" 20); [[ $out == *" 0% packet loss"* ]]; check $? "$3" "$(tail -n 2 <<<"$out" | tr '\n' ' ')"
}
shortcut() {	# SITE OTHER: with traffic a shortcut comes, and carries
	local chat
	ns_exec "$1-h" ping -n -q -i 0.1 "$(host_of "$2")" >/dev/null 2>&1 & chat=$!
	eventually 60 "$1 ($(kind "$1")) makes a shortcut to $2 ($(kind "$2"))" direct "$1" "$2" || mesh_show "$1"
	kill $chat; wait $chat 2>/dev/null
	carries "$1" "$2" "which carries"
}
mesh_show() {
	if [ "$(kind "$1")" = frr ]; then vty "$1" show ip nhrp cache; vty "$1" show ip nhrp shortcut; tail -n 20 "$TOPO_DIR/$1-nhrpd.log"
	else ctl "$1" show dmvpn detail; ctl "$1" show ip nhrp; ctl "$1" show ip nhrp traffic; fi
}
all_registered() {	# TEXT HUB
	local n
	for n in $SITES; do is_hub "$n" || eventually 60 "$1$n ($(kind "$n")) is registered at $2 ($(kind "$2"))" registered "$2" "$n" || { mesh_show "$2"; mesh_show "$n"; }; done
}
cloud_stop_all() { local n; for n in $FRRS; do cloud_stop "$n-ospfd" KILL; cloud_stop "$n-nhrpd" KILL; cloud_stop "$n-zebra" KILL; done; for n in $OURS; do cloud_stop "$n"; done; }
note "FRR $FRR_VERSION, kernel $(uname -r), our plane: $CLOUD_PLANE"
