#!/usr/bin/env bash
# Many spokes (SWARM, 2000) at one hub on the kernel plane, in one guest after the other of the same kind: ours with IPsec, ours without, and FRR's
# nhrpd, which has none of its own. What registering costs, what it asks of the kernel, multicast to all of them, how soon `show` answers. Only what does
# not depend on the machine's speed can fail.
CLOUD_PLANE=kernel CLOUD_SPOKES=1 LIMIT=560 UML_OPTIONS='--mem 1500M'
: "${SWARM:=2000}" "${RATE:=400}" "${HUBS:=ipsec bare frr}"
export CLOUD_PLANE CLOUD_SPOKES LIMIT SWARM RATE HUBS
# shellcheck source=tests/uml/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/uml/lib.sh"
# shellcheck source=tests/net/swarm.sh
. "$SRCDIR/tests/net/swarm.sh"
BARESWARM=$BUILDDIR/tools/bench/bareswarm FRR_LIB=/usr/lib/frr
count() { ctl hub show counters | awk -v w="$1" '$1 == w { n = $2 } END { print n + 0 }'; }
cpu() { awk '{ sub(/.*\) /, ""); t += $12 + $13 } END { print t * 10 }' "$@"; }	# ms, of these /proc/PID/stat
now() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }
permanent() { ns hub ip neigh show dev "$1" | grep -c '^10\.25[45]\..*lladdr'; }
has_all() { [ "$(permanent "$1")" -ge "$SWARM" ]; }

# measured NAME DEVICE STATS SHOW...: at rest, then with a packet to all every 10 s, 3 of them
measured() {
	local name=$1 dev=$2 rest busy t c n; shift 2
	sleep "${SETTLE:-65}"	# for a minute new SAs and peers are looked at more often
	c=$(cpu "${STAT[@]}") t=$(now); sleep 20; rest=$((($(cpu "${STAT[@]}") - c) * 10000 / ($(now) - t)))
	ns_exec hub ping -n -q -c 3 -i 10 -W 1 -I "$dev" 224.0.0.5 >/dev/null 2>&1 & local ping=$!
	c=$(cpu "${STAT[@]}") t=$(now); sleep 30; busy=$((($(cpu "${STAT[@]}") - c) * 10000 / ($(now) - t)))
	wait $ping
	note "$name: CPU at rest $((rest / 100)).$(printf %02d $((rest % 100))) %, with multicast to all once per 10 s $((busy / 100)).$(printf %02d $((busy % 100))) %"
	t=$(now); n=$("$@" | grep -c '10\.25[45]\.'); t=$(($(now) - t))
	note "$name: show lists $n peers after $t ms"
	[ "$n" -ge "$SWARM" ]; check $? "$name: all are shown" "$n"
}
registered() {	# NAME T0 CPU0: what it took
	local c; c=$(($(cpu "${STAT[@]}") - $3))
	note "$1: $SWARM registered after $(($(now) - $2)) ms, $c ms of CPU, $((c * 1000 / SWARM)) us each"
}
asked() {	# NAME: exchanges with the kernel
	local n m; n=$(($(count netlink-batches) + $(count rtnetlink-batches))) m=$(($(count netlink-messages) + $(count rtnetlink-messages)))
	note "$1: $m netlink messages in $n exchanges: $((n * 1000 / SWARM)) for 1000 peers"
	[ $n -lt $SWARM ]; check $? "$1: less than one exchange for each peer" "$n for $SWARM"
}
bare_start() {	# HOLDTIME
	rm -f "$TOPO_DIR/bareswarm.out"
	ns_exec swarm "$BARESWARM" "$SWARM" 198.19.0.1 10.254.0.1 198.18.10.2 "$(overlay 0)" 42 "$RATE" $(($1 / 3)) "$1" >"$TOPO_DIR/bareswarm.out" 2>&1 </dev/null & SWARM_PID=$!
}
bare_up() { grep -q '^registered' "$TOPO_DIR/bareswarm.out"; }
swarm_end() { kill -TERM $SWARM_PID; wait $SWARM_PID 2>/dev/null; }

for key in neigh.default.gc_thresh1 neigh.default.gc_thresh2 neigh.default.gc_thresh3; do sysctl -qw net.ipv4.$key=65536; done	# FRR's neighbours count
cloud_topology && swarm_site || { not_ok "the topology can be built"; exit 1; }

hub_ipsec() {
	for n in 0 1; do cloud_conf $n; done
	swarm_conf
	sed -i 's/^log level.*/log level warnings/; s/^store .*/store off/' "$TOPO_DIR/hub.conf"
	sed -i 's/registration timeout 15/registration timeout 100/; s/holdtime 60/holdtime 300/; s/dpd 10 2/dpd 100 5/' "$TOPO_DIR"/*.conf
	cloud_start 0 || { not_ok "the hub starts"; return; }
	STAT=("/proc/$(cloud_pid hub)/stat")
	local t c; t=$(now) c=$(cpu "${STAT[@]}")
	swarm_start
	eventually 300 "IPsec: $SWARM spokes register" swarm_up || return
	registered IPsec "$t" "$c"
	eventually 60 "IPsec: all are the kernel's neighbours" has_all dmvpn0
	asked IPsec
	[ "$(ns hub ip xfrm state | grep -c '^src')" -ge $((2 * SWARM)) ]; check $? "IPsec: each has its pair of states"
	measured IPsec dmvpn0 ctl hub show dmvpn
	[ "$(count multicast-out)" -ge $((3 * SWARM)) ]; check $? "IPsec: multicast went to each" "$(count multicast-out) copies"
	swarm_end; cloud_stop hub
}
hub_bare() {
	cloud_conf 0
	sed -i "s|$(overlay 0)/24|$(overlay 0)/15|; s/^ tunnel protection ipsec.*/ tunnel protection none/; /nhrp authentication/d; s/^log level.*/log level warnings/; s/^store .*/store off/" "$TOPO_DIR/hub.conf"
	cloud_start 0 || { not_ok "the hub starts"; return; }
	STAT=("/proc/$(cloud_pid hub)/stat")
	local t c; t=$(now) c=$(cpu "${STAT[@]}")
	bare_start 300
	eventually 120 "bare: $SWARM spokes register" bare_up || { cat "$TOPO_DIR/bareswarm.out"; ctl hub show ip nhrp traffic; return; }
	registered bare "$t" "$c"
	eventually 60 "bare: all are the kernel's neighbours" has_all dmvpn0
	asked bare
	measured bare dmvpn0 ctl hub show dmvpn
	swarm_end; cloud_stop hub
	note "bare: $(tail -n 1 "$TOPO_DIR/bareswarm.out")"
}
hub_frr() {
	[ -x $FRR_LIB/nhrpd ] || { note "FRR's nhrpd is not installed (package frr): not compared"; return; }
	getent group frrvty | grep -q root || sed -i '/^frrvty:/s/$/,root/;s/:,root/:root/' /etc/group
	local d=$TOPO_DIR/hub.frr run=/var/run/frr/hub t c
	mkdir -p "$d" "$run"; chmod 755 "$TOPO_DIR" "$d"
	ns hub ip -batch - <<-END
		link add gre1 type gre key 42 local 198.18.10.2 ttl 64
		addr add $(overlay 0)/32 dev gre1
		link set gre1 up mtu 1400 multicast on
	END
	ns hub iptables-legacy -A OUTPUT -d 224.0.0.0/24 -o gre1 -j NFLOG --nflog-group 1 --nflog-threshold 1
	ns hub iptables-legacy -A OUTPUT -d 224.0.0.0/24 -o gre1 -j DROP
	printf 'hostname hub\n' >"$d/zebra.conf"
	cat >"$d/nhrpd.conf" <<-END
		hostname hub
		nhrp multicast-nflog-group 1
		interface gre1
		 ip nhrp network-id 1
		 ip nhrp holdtime 300
		 ip nhrp map multicast dynamic
		 no link-detect
	END
	ns_exec hub $FRR_LIB/zebra -N hub -u root -g root -f "$d/zebra.conf" -i "$run/zebra.pid" -A 127.0.0.1 -P 0 >"$TOPO_DIR/zebra.out" 2>&1 </dev/null & local zebra=$!
	wait_for 10 [ -S "$run/zserv.api" ] || { not_ok "FRR's zebra starts: $(tail -n 2 "$TOPO_DIR/zebra.out")"; return; }
	ns_exec hub $FRR_LIB/nhrpd -N hub -u root -g root -f "$d/nhrpd.conf" -i "$run/nhrpd.pid" -A 127.0.0.1 -P 0 >"$TOPO_DIR/frr.out" 2>&1 </dev/null & local nhrpd=$!
	wait_for 10 [ -S "$run/nhrpd.vty" ] || { not_ok "FRR's nhrpd starts: $(tail -n 2 "$TOPO_DIR/frr.out")"; return; }
	STAT=("/proc/$nhrpd/stat" "/proc/$zebra/stat")
	sleep 2
	t=$(now) c=$(cpu "${STAT[@]}")
	bare_start 300
	eventually 240 "FRR: $SWARM spokes register" bare_up || { cat "$TOPO_DIR/bareswarm.out"; tail -n 3 "$TOPO_DIR/frr.out"; }
	registered "FRR $($FRR_LIB/nhrpd --version | sed -n '1s/.*version //p') (nhrpd and zebra)" "$t" "$c"
	note "FRR: $(permanent gre1) neighbours in the kernel; it sets them when traffic asks for them"
	measured FRR gre1 ns hub vtysh -N hub -d nhrpd -c 'show ip nhrp cache'
	swarm_end
	note "FRR: $(tail -n 1 "$TOPO_DIR/bareswarm.out")"
	kill -TERM $nhrpd $zebra; wait $nhrpd $zebra 2>/dev/null
}
for h in $HUBS; do note "---- $h"; "hub_$h"; done
end
