# shellcheck shell=bash
# tests/interop/frr.sh: FRR's nhrpd for a strongSwan site, sourced after tests/interop/lib.sh. It knows nothing of IPsec here: the
# policies of strongSwan (start_action = trap) protect whatever GRE leaves, so its VICI patch is not needed.
FRR_LIB=/usr/lib/frr
for c in zebra nhrpd; do [ -x $FRR_LIB/$c ] || skip "FRR's $c is not installed (package frr)"; done
FRR_VERSION=$($FRR_LIB/nhrpd --version 2>/dev/null | sed -n '1s/.*version //p')
getent group frrvty | grep -q root || sed -i '/^frrvty:/s/$/,root/;s/:,root/:root/' /etc/group	# the guest's own copy

# frr_gre NAME: an mGRE device as FRR wants it: local address, no remote, a /32
frr_gre() {
	local at; at=$(ns "$1" ip -4 -o addr show dev wan | sed 's/.*inet \([0-9.]*\).*/\1/')
	ns "$1" ip -batch - <<-END
		link add gre1 type gre key 42 local $at ttl 64
		addr add $(swan_overlay "$1")/32 dev gre1
		link set gre1 up mtu 1400 multicast on
	END
}
frr_start() {	# NAME
	local d=$TOPO_DIR/$1.frr run=/var/run/frr/$1
	mkdir -p "$d" "$run"
	chmod 755 "$TOPO_DIR"
	cat >"$d/nhrpd.conf" <<-END
		hostname $1
		log file $TOPO_DIR/$1-nhrpd.log debugging
		debug nhrp common
		${FRR_NFLOG:+nhrp nflog-group 1}
		interface gre1
		 ip nhrp network-id 1
		 ip nhrp holdtime 60
		 ip nhrp registration no-unique
		 ip nhrp shortcut
		 ip nhrp nhs $OVERLAY_OURS nbma 198.18.10.2
		 no link-detect
	END
	echo "hostname $1" >"$d/zebra.conf"
	ns_exec "$1" $FRR_LIB/zebra -N "$1" -u root -g root -f "$d/zebra.conf" -i "$run/zebra.pid" -A 127.0.0.1 -P 0 >"$TOPO_DIR/$1-zebra.out" 2>&1 </dev/null &
	echo $! >"$TOPO_DIR/$1-zebra.pid"
	wait_for 10 [ -S "$run/zserv.api" ] || { not_ok "zebra of $1 starts: $(tail -n 2 "$TOPO_DIR/$1-zebra.out")"; return 1; }
	ns_exec "$1" $FRR_LIB/nhrpd -N "$1" -u root -g root -f "$d/nhrpd.conf" -i "$run/nhrpd.pid" -A 127.0.0.1 -P 0 >"$TOPO_DIR/$1-nhrpd.out" 2>&1 </dev/null &
	echo $! >"$TOPO_DIR/$1-nhrpd.pid"
	FRRS="${FRRS-} $1"
}
frr_show() { local n=$1; shift; ns "$n" vtysh -N "$n" -d nhrpd -c "$*"; }
frr_stop_all() { local n; for n in ${FRRS-}; do cloud_stop "$n-nhrpd"; cloud_stop "$n-zebra"; done; }
OURS_AUTH=''	# FRR has ip nhrp authentication since version 10
cloud_stop_all() { local n; frr_stop_all; for n in hub ${SPOKES-} $SWANS; do cloud_stop "$n"; done; }
