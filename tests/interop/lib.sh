# shellcheck shell=bash
# tests/interop/lib.sh: our daemon and strongSwan beside each other in one guest (tests/uml/run); sourced first.
#
# Ours is `hub` (198.18.10.2, overlay 10.255.0.1, user data plane); the strongSwan site N is `swanN` (overlay 10.255.0.2N) with the
# kernel's ESP and GRE. Every daemon has its files, socket and log in $TOPO_DIR. What a test varies, it says by variables (see
# ours_conf, swan_conf) before the daemons start. Nothing of the machine's own /etc is read by strongSwan.
: "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}"
# shellcheck source=tests/uml/lib.sh
. "$SRCDIR/tests/uml/lib.sh"
for c in charon-systemd swanctl; do command -v $c >/dev/null || skip "$c is not installed (packages charon-systemd, strongswan-swanctl)"; done
SWANS=''

OVERLAY_OURS=10.255.0.1
swan_overlay() { case $1 in swan*) echo "10.255.0.2${1#swan}" ;; *) echo "10.255.0.1${1#spoke}" ;; esac; }	# of swanN, or our spokeN

# ---- ours

# ours_conf: writes $TOPO_DIR/hub.conf. Lines to add, one or more each: OURS_GLOBAL, OURS_PROPOSAL, OURS_PROFILE,
# OURS_WHO (how both authenticate), OURS_ESP (transform sets, NAME CIPHER, and lines in them, indented; the whole suite where not said), OURS_IPSEC, OURS_INTERFACE.
ours_conf() {
	umask 077
	sed '/^[[:space:]]*$/d' >"$TOPO_DIR/hub.conf" <<-EOF
		hostname hub
		${OURS_GLOBAL-}
		crypto ikev2 proposal IKE
		${OURS_PROPOSAL- suite default}
		crypto ikev2 policy IKE
		 proposal IKE
		crypto ikev2 keyring SITES
		 peer sites
		  identity fqdn domain odm.example
		  pre-shared-key of-the-whole-lab
		crypto ikev2 profile MESH
		 match identity remote fqdn domain odm.example
		 identity local fqdn hub.odm.example
		 dpd 10 2 periodic
		${OURS_PROFILE-}
		${OURS_WHO:- authentication remote pre-share
		 authentication local pre-share
		 keyring local SITES}
		$(sed '/^[A-Z]/s/^/crypto ipsec transform-set /' <<<"${OURS_ESP-}")
		crypto ipsec profile MESH
		 ${OURS_ESP:+set transform-set $(cut -d' ' -f1 <<<"$OURS_ESP" | tr '\n' ' ')}
		 set ikev2-profile MESH
		${OURS_IPSEC-}
		interface dmvpn0
		 ip address $OVERLAY_OURS/24
		 tunnel source wan
		 tunnel mode gre multipoint ${OURS_TUNNEL_MODE-}
		 tunnel key 42
		 tunnel protection ipsec profile MESH
		 ip nhrp network-id 1
		${OURS_AUTH- ip nhrp authentication s3cret}
		 ip nhrp holdtime 60
		 ip nhrp map multicast dynamic
		 ip nhrp redirect
		${OURS_INTERFACE-}
		 no shutdown
		dataplane $CLOUD_PLANE
		log level debugging
		store off
	EOF
}
# our_spoke NAME: writes its configuration; our_spoke_start NAME
our_spoke() {
	umask 077
	sed '/^[[:space:]]*$/d' >"$TOPO_DIR/$1.conf" <<-EOF
		hostname $1
		crypto ikev2 keyring SITES
		 peer sites
		  identity fqdn domain odm.example
		  pre-shared-key of-the-whole-lab
		crypto ikev2 profile MESH
		 match identity remote fqdn domain odm.example
		 identity local fqdn $1.odm.example
		 authentication remote pre-share
		 authentication local pre-share
		 keyring local SITES
		crypto ipsec profile MESH
		 set ikev2-profile MESH
		${SPOKE_IPSEC-}
		interface dmvpn0
		 ip address $(swan_overlay "$1")/24
		 tunnel source wan
		 tunnel mode gre multipoint
		 tunnel key 42
		 tunnel protection ipsec profile MESH
		 ip nhrp network-id 1
		${OURS_AUTH- ip nhrp authentication s3cret}
		 ip nhrp holdtime 60
		 ip nhrp nhs $OVERLAY_OURS nbma 198.18.10.2 multicast
		 ip nhrp shortcut
		 ip nhrp registration no-unique
		 no shutdown
		dataplane $CLOUD_PLANE
		log level debugging
		store off
	EOF
}
our_spoke_start() {
	ns_exec "$1" "$NHRPD" -f "$TOPO_DIR/$1.conf" --control "$TOPO_DIR/$1.sock" 2>>"$TOPO_DIR/$1.log" </dev/null >&2 &
	echo $! >"$TOPO_DIR/$1.pid"
	SPOKES="${SPOKES-} $1"
	wait_for 10 cloud_device "$1" || { not_ok "$1 starts: $(tail -n 2 "$TOPO_DIR/$1.log")"; return 1; }
}
ours_start() { CLOUD_SPOKES='' cloud_start 0; }	# needs ours_conf
ours_stop() { cloud_stop hub "$@"; }
# ours_mute: our daemon may not open an IKE SA (no IKE_SA_INIT request leaves); so the peer is the initiator
ours_mute() {
	ns hub iptables-legacy-restore <<-'EOF'
		*filter
		-A OUTPUT -p udp --dport 500 -m u32 --u32 "0>>22&0x3C@16=0 && 0>>22&0x3C@20=0 && 0>>22&0x3C@24&0xFF=0x08" -j DROP
		COMMIT
	EOF
}

# ---- strongSwan

# swan_site N K: the namespace swanN on the internet at 198.18.K.2; swan_behind N I: behind the NAT router `nat` (K=12)
swan_site() { topo_site "swan$1" "$2" && SWANS="$SWANS swan$1"; }
swan_behind() { topo_behind nat 12 "swan$1" "$2" && SWANS="$SWANS swan$1"; }

# swan_gre NAME [REMOTE]: gre1 to our hub
swan_gre() {
	local at; at=$(ns "$1" ip -4 -o addr show dev wan | sed 's/.*inet \([0-9.]*\).*/\1/')
	ns "$1" ip -batch - <<-EOF
		link add gre1 type gre key 42 local $at ${SWAN_GRE_REMOTE-remote 198.18.10.2} ttl 64
		link set gre1 addrgenmode none
		addr add $(swan_overlay "$1")/24 dev gre1
		link set gre1 up mtu 1400
	EOF
}

# swan_conf NAME: one line each, in swanctl's words: SWAN_CONN (connection), SWAN_CHILD (child gre), SWAN_CHARON (strongswan.conf, charon),
# SWAN_LOCAL, SWAN_REMOTE (authentication), SWAN_IKE, SWAN_ESP (proposals).
swan_conf() {
	local d=$TOPO_DIR/$1
	mkdir -p "$d/swanctl"
	cat >"$d/strongswan.conf" <<-EOF
		charon {
			load = random nonce openssl aes sha1 sha2 hmac kdf gcm ccm chapoly ctr cmac xcbc curve25519 pem pkcs1 pkcs8 x509 revocation constraints pubkey ${SWAN_PLUGINS:-kernel-netlink} socket-default vici
			threads = 6
			install_routes = no
			retransmit_timeout = 0.5
			retransmit_base = 1.3
			retransmit_tries = 6
			delete_rekeyed_delay = 2
			${SWAN_CHARON-}
			plugins {
				vici {
					socket = unix://$d/vici
				}
				${SWAN_PLUGIN_CONF-}
			}
		}
		swanctl {
			load = random openssl sha1 sha2 pem pkcs1 pkcs8 x509 pubkey
		}
		charon-systemd {
			journal {
				default = -1
			}
			filelog {
				log {
					path = $TOPO_DIR/$1.log
					time_format = %H:%M:%S
					time_add_ms = yes
					append = yes
					flush_line = yes
					default = 1
					${SWAN_LOG:-ike = 2}
				}
			}
		}
	EOF
	cat >"$d/swanctl/swanctl.conf" <<-EOF
		connections {
			mesh {
				version = 2
				local_addrs = ${SWAN_LOCAL_ADDRS:-%any}
				remote_addrs = ${SWAN_REMOTE_ADDRS:-198.18.10.2}
				proposals = ${SWAN_IKE:-aes256gcm16-prfsha384-ecp256}
				${SWAN_CONN-}
				local {
					${SWAN_LOCAL:-auth = psk}
					id = $1.odm.example
				}
				remote {
					${SWAN_REMOTE:-auth = psk}
					id = ${SWAN_REMOTE_ID:-hub.odm.example}
				}
				children {
					gre {
						mode = ${SWAN_MODE:-transport}
						local_ts = dynamic[gre]
						remote_ts = dynamic[gre]
						esp_proposals = ${SWAN_ESP:-aes256gcm16}
						start_action = ${SWAN_START:-trap}
						${SWAN_CHILD-}
					}
				}
			}
		}
		secrets {
			ike-all {
				secret = "of-the-whole-lab"
			}
		}
	EOF
}
swanctl_at() { local n=$1; shift; ns "$n" env STRONGSWAN_CONF="$TOPO_DIR/$n/strongswan.conf" SWANCTL_DIR="$TOPO_DIR/$n/swanctl" swanctl "$@" --uri "unix://$TOPO_DIR/$n/vici"; }
swan_start() {	# NAME
	local d=$TOPO_DIR/$1
	rm -f "$d/vici"
	STRONGSWAN_CONF=$d/strongswan.conf ns_exec "$1" charon-systemd >>"$TOPO_DIR/$1.out" 2>&1 </dev/null &
	echo $! >"$TOPO_DIR/$1.pid"
	wait_for 20 [ -S "$d/vici" ] || { not_ok "charon of $1 starts within 20 s"; return 1; }
	swanctl_at "$1" --load-all --noprompt >"$TOPO_DIR/$1.load" 2>&1 || { not_ok "swanctl --load-all at $1: $(tail -n 3 "$TOPO_DIR/$1.load")"; return 1; }
}
swan_stop() { cloud_stop "$@"; }	# NAME [SIGNAL]
swan_version() { dpkg-query -W -f '${Version}' charon-systemd 2>/dev/null || echo '(version unknown)'; }

# ---- what is true
swan_up() { swanctl_at "$1" --list-sas | grep -Eq 'INSTALLED, (TRANSPORT|TUNNEL)'; }	# NAME: it has an ESP SA
ping_ours() { ns "$1" ping -n -q -c "${2:-1}" -i "${3:-0.2}" -W 2 ${4:+-s "$4"} "$OVERLAY_OURS"; }	# NAME [COUNT] [INTERVAL] [SIZE]
# bursts of three, all at once. Once ping has seen an answer it waits for the last one for two round trips or its interval, whichever is
# longer, whatever -W says: with a short interval an answer that the machine's load held up for 25 ms counts as lost.
burst_ours() { ns "$1" ping -n -q -c 3 -l 3 -i 2 -W 2 -s "$2" "$OVERLAY_OURS"; }	# NAME SIZE
burst_swan() { ns hub ping -n -q -c 3 -l 3 -i 2 -W 2 -s "$2" "$(swan_overlay "$1")"; }
ping_swan() { ns hub ping -n -q -c "${2:-1}" -i "${3:-0.2}" -W 2 ${4:+-s "$4"} "$(swan_overlay "$1")"; }
# traffic NAME TEXT [quick]: pings of several sizes and TCP both ways, nothing lost
traffic() {
	local n=$1 text=$2 out size bad='' rx
	for size in ${3:+1372} ${3:-56 1372 4000}; do
		[ "$size" != quick ] || continue
		out=$(burst_ours "$n" "$size"); [[ $out == *" 0% packet loss"* ]] || bad="$bad $n>hub:$size"
		out=$(burst_swan "$n" "$size"); [[ $out == *" 0% packet loss"* ]] || { bad="$bad hub>$n:$size"; tail -n 3 <<<"$out" | sed 's/^/# /'; }
	done
	ns_exec hub "$FLOW" tcp-recv 5002 -w 20 >"$TOPO_DIR/rx" 2>&1 & rx=$!
	ns "$n" timeout 30 "$FLOW" tcp-send "$OVERLAY_OURS" 5002 -b 300000 >/dev/null 2>&1
	wait $rx || bad="$bad $n>hub:tcp"
	ns_exec "$n" "$FLOW" tcp-recv 5002 -w 20 >"$TOPO_DIR/rx" 2>&1 & rx=$!
	ns hub timeout 30 "$FLOW" tcp-send "$(swan_overlay "$n")" 5002 -b 300000 >/dev/null 2>&1
	wait $rx || bad="$bad hub>$n:tcp"
	if [ -n "$bad" ]; then	# by whom?
		ctl hub show counters | grep -E 'path-|drop|no-sa|refused|too-big|icmp' | sed 's/^/# /'
		ctl hub show dmvpn detail | grep -iE 'input|path' | sed 's/^/# /'
		grep -h 'path-\|vanish' "$TOPO_DIR/hub.log" | tail -n 5 | sed 's/^/# /'
		ns "$n" cat /proc/net/xfrm_stat | awk '$2 { print "#", $0 }'
	fi
	[ -z "$bad" ]; check $? "$text: traffic both ways, pings and TCP" "${bad:+lost:$bad}"
}
# stream_start NAME SECONDS [RATE]: so many packets a second (100) both ways with the site NAME; stream_end NAME TEXT: none was lost
stream_start() {
	local n=$1 rate=${3:-100} port; case $1 in swan*) port=$((6000 + ${1#swan})) ;; *) port=$((6100 + ${1#spoke})) ;; esac
	ns_exec hub "$FLOW" recv $port -w 10 >"$TOPO_DIR/$n.up" 2>&1 & echo $! >"$TOPO_DIR/$n.uppid"
	ns_exec "$n" "$FLOW" recv $port -w 10 >"$TOPO_DIR/$n.dn" 2>&1 & echo $! >"$TOPO_DIR/$n.dnpid"
	wait_for 5 grep -q listening "$TOPO_DIR/$n.up"; wait_for 5 grep -q listening "$TOPO_DIR/$n.dn"
	ns_exec "$n" "$FLOW" send "$OVERLAY_OURS" $port -n $(($2 * rate)) -r $rate >/dev/null 2>&1 & echo $! >"$TOPO_DIR/$n.tx1pid"
	ns_exec hub "$FLOW" send "$(swan_overlay "$n")" $port -n $(($2 * rate)) -r $rate >/dev/null 2>&1 & echo $! >"$TOPO_DIR/$n.tx2pid"
}
stream_end() {
	local n=$1 f up dn
	for f in tx1 tx2 up dn; do wait "$(cat "$TOPO_DIR/$n.${f}pid")"; done
	up=$(tail -n 1 "$TOPO_DIR/$n.up") dn=$(tail -n 1 "$TOPO_DIR/$n.dn")
	[ "$(field lost "$up")" = 0 ] && [ "$(field lost "$dn")" = 0 ] && [ "$(field end "$up")$(field end "$dn")" = 11 ]
	check $? "$2: no packet is lost" "to us: $up; from us: $dn"
}
ours_state() { ctl hub show crypto session; }

# ---- one strongSwan site and our hub

pair_topology() {
	ns_new inet && topo_site hub 10 && swan_site 1 11 && topo_watch inet s10 s11 || return 1
	TOPO_WATCHED=inet
	swan_gre swan1
}
OURS_MAP=" ip nhrp map $(swan_overlay swan1) 198.18.11.2"
OURS_ESP='' OURS_PROPOSAL=' suite default'

# case_of ROLE TEXT [NAME=VALUE...]: both start anew with these variables; ROLE is who opens the IKE SA
case_of() {
	local role=$1 SWAN_IKE='' SWAN_ESP='' SWAN_CONN='' SWAN_CHILD='' SWAN_CHARON='' SWAN_START=none OURS_INTERFACE=$OURS_MAP OURS_ESP=$OURS_ESP \
		OURS_GLOBAL='' OURS_IPSEC='' OURS_PROFILE='' OURS_PROPOSAL=$OURS_PROPOSAL OURS_WHO='' SWAN_LOCAL='' SWAN_REMOTE='' n
	TEXT="$2 ($role opens it)"
	shift 2
	[ $# = 0 ] || local "$@"
	ours_stop; swan_stop swan1
	for n in hub swan1; do if [ -e "$TOPO_DIR/$n.log" ]; then cat "$TOPO_DIR/$n.log" >>"$TOPO_DIR/$n.before"; : >"$TOPO_DIR/$n.log"; fi; done
	mute "$role"
	ours_conf; swan_conf swan1
	swan_start swan1 || return 1
	ours_start || { not_ok "$TEXT: our daemon starts: $(tail -n 2 "$TOPO_DIR/hub.log")"; return 1; }
	opened "$role"
}
mute() { if [ "$1" = swan ]; then ours_mute; else ns hub iptables-legacy -F OUTPUT; fi; }
opened() {	# ROLE: it is up, opened by that side
	[ "$1" != swan ] || swanctl_at swan1 --initiate --child gre --timeout 10 >"$TOPO_DIR/initiate" 2>&1 ||
		{ not_ok "$TEXT: strongSwan initiates: $(tail -n 3 "$TOPO_DIR/initiate" | tr '\n' ' ')"; return 1; }
	wait_for 20 swan_up swan1 && wait_for 20 ping_ours swan1 && return 0
	not_ok "$TEXT: up within 20 s"
	swanctl_at swan1 --list-sas; ours_state
	return 1
}
# again ROLE TEXT [NAME=VALUE...]: only strongSwan's connection changes, both daemons go on
again() {
	local role=$1 SWAN_IKE='' SWAN_ESP='' SWAN_CONN='' SWAN_CHILD='' SWAN_START=none
	TEXT="$2 ($role opens it)"
	shift 2
	[ $# = 0 ] || local "$@"
	mute "$role"
	swan_conf swan1
	swanctl_at swan1 --load-conns >"$TOPO_DIR/swan1.load" 2>&1 || { not_ok "$TEXT: swanctl --load-conns: $(tail -n 3 "$TOPO_DIR/swan1.load")"; return 1; }
	swanctl_at swan1 --terminate --ike mesh --timeout 5 >"$TOPO_DIR/terminate" 2>&1	# ours dials again by itself, if it may
	opened "$role"
}
# ends a case: traffic both ways, and what the SA is as strongSwan sees it fits PATTERN
holds() {	# PATTERN [quick]
	local sa; sa=$(swanctl_at swan1 --list-sas | tr -s ' \n' ' ')
	traffic swan1 "$TEXT" ${2-}
	[[ $sa =~ ${1:-ESP} ]]; check $? "$TEXT: the SA is what was asked for" "$(grep -o '[A-Z0-9_-]*/PRF[^ ]*' <<<"$sa" | tail -n 1) $(grep -o 'ESP:[^ ]*' <<<"$sa" | tail -n 1)$([[ $sa =~ ${1:-ESP} ]] || echo " in $sa")"
}
initiator() { [ "$1" = swan ] && echo '_i\* ' || echo '_r\*'; }	# as --list-sas marks itself


spi_of() { swanctl_at "${1:-swan1}" --list-sas | awk '$1 == "in" { print $2 }' | tail -n 1; }
new_sa() { swan_up swan1 && [ "$(spi_of)" != "$SPI" ]; }	# another child SA than when SPI was set
ike_sas() { swanctl_at swan1 --list-sas | grep -c '^mesh:'; }
swan_said() { grep -q "$1" "$TOPO_DIR/swan1.log"; }	# since the case began
swan_said_times() { [ "$(grep -c "$1" "$TOPO_DIR/swan1.log")" -ge "$2" ]; }
told() { swan_said "$1"; check $? "$TEXT: $2"; }

# What the test leaves running ends before the files go: lib.sh's finish calls this.
cloud_stop_all() { local n; for n in hub ${SPOKES-} $SWANS; do cloud_stop "$n"; done; }
