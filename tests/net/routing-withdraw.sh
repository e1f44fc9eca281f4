#!/usr/bin/env bash
# A network far away is withdrawn and comes back, with OSPF and shortcuts under traffic. The spoke with the shortcut is told by a purge, and sends by
# the hub, which has another way there. Nothing is lost but what was under way while routers did not agree: what was sent between the
# withdrawal and the last router's new route. Nothing at all when it comes back.
CLOUD_SPOKES='1 2' FRR_NEEDS=ospfd
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"
# shellcheck source=tests/net/frr.sh
. "$SRCDIR/tests/net/frr.sh"
# shellcheck source=tests/net/routing.sh
. "$SRCDIR/tests/net/routing.sh"

FAR=172.16.20.0/24 FAR_HOST=172.16.20.10 RATE=250
more_conf() { [ "$1" = 0 ] || echo 'ip route 172.16.0.0/16 10.255.0.1'; }	# what is nowhere else is with the hub
# The far network is at an interface of spoke2's own; the hub's LAN has another way to the host there, which is the worse one (zebra: distance 200).
far_network() {
	ip link add far0 netns "${TOPO_NS}spoke2" type veth peer name far0 netns "${TOPO_NS}spoke2-h" || return 1
	ip link add back netns "${TOPO_NS}hub-h" type veth peer name back netns "${TOPO_NS}spoke2-h" || return 1
	ns spoke2 ip -batch - <<-END || return 1
		addr add ${FAR_HOST%.*}.1/24 dev far0
		link set far0 up
	END
	ns spoke2-h ip -batch - <<-END || return 1
		addr add $FAR_HOST/24 dev far0
		link set far0 up
		addr add 192.0.2.2/30 dev back
		link set back up
	END
	ns hub-h ip -batch - <<-END || return 1
		addr add 192.0.2.1/30 dev back
		link set back up
		route add $FAR via 192.0.2.2
	END
	ns hub ip route add $FAR via "$(lan_host 0)" metric $(((200 << 24) + 1))
}
announce() { ns spoke2 ip link set far0 up; }
withdraw() { ns spoke2 ip link set far0 down; }
by_ospf() { local n; for n in hub spoke1; do frr_show $n show ip route $FAR json | tr -d ' \n' | grep -q '"protocol":"ospf"' || return 1; done; }
direct() { ns spoke1 ip route get $FAR_HOST | grep -q "via $(overlay 2) dev dmvpn0"; }
n_route() { frr_show spoke1 show ip route nhrp json | tr -d ' \n' | grep -q "\"$FAR\":.*\"installed\":true"; }
by_hub() { ! ns spoke1 ip route show $FAR | grep -q 'proto nhrp' && ! ns hub ip route show $FAR | grep -q 'proto ospf'; }
watch_routes() { for n in hub spoke1 spoke2; do ns_exec $n ip -ts monitor link route >"$TOPO_DIR/$n.routes" 2>&1 & WATCHERS="${WATCHERS-} $!"; done; }
# when NAME PATTERN: milliseconds since midnight when NAME's kernel said so first
when() { sed -n "/$2/{s/^\[[^T]*T\([0-9]*\):\([0-9]*\):\([0-9]*\)\.\([0-9]\{3\}\).*/\1 \2 \3 \4/p;q}" "$TOPO_DIR/$1.routes" | awk '{ print (($1 * 60 + $2) * 60 + $3) * 1000 + $4 }'; }

protocol_cloud ospf ospfd
far_network || { not_ok "the far network can be built"; exit 1; }
eventually 90 "the far network is known by OSPF" by_ospf || { frr_show spoke2 show ip ospf database; frr_show spoke1 show ip route; }
chatter spoke1 "$FAR_HOST"
eventually 40 "spoke1 sends straight to spoke2" direct || ctl spoke1 show dmvpn
eventually 10 "the shortcut is an N route, installed" n_route
quiet

purges() { ctl spoke1 show ip nhrp traffic | sed -n '/Rcvd/,/Route/s/^ *\([0-9]*\) Purge-Request$/\1/p'; }
watch_routes
before=$(purges)
flow_start withdrawal spoke1 spoke2 $FAR_HOST 5110 $((RATE * 8)) "$RATE"
sleep 1
withdraw
eventually 20 "the far network is withdrawn: no shortcut any more, and the hub has its other way" by_hub || { ns spoke1 ip route; ns hub ip route; }
flow_end withdrawal
far=${FAR//\//.} left=$(when spoke1 "$far .*proto ospf\|Deleted $far .*proto nhrp") turned=$(when hub "Deleted $far .*proto ospf")
gone=$(when spoke2 "far0.*state DOWN")
[ -n "$gone" ] && [ -n "$left" ] && [ -n "$turned" ]; check $? "the kernels' own times of it are known" "$gone $left $turned" || tail "$TOPO_DIR"/*.routes
note "the shortcut's route left $((left - gone)) ms after the far route did, the hub's followed after $((turned - gone)) ms"
last=$((left > turned ? left : turned))
lost=$(field lost "$OUT")
[ "$(field received "$OUT")" -gt 0 ] && [ "$(field end "$OUT")" = 1 ] && [ "$lost" -le $(((last - gone) * RATE / 1000 + RATE / 50 + 1)) ]
check $? "of the flow no more is lost than was sent meanwhile" "$OUT"
[ "$(purges)" -gt "$before" ]; check $? "it was a purge that said so" "$before purges before, $(purges) after"
before=$(cloud_forwarded)
cloud_ping spoke1 "$FAR_HOST" 5 >/dev/null
[ $(($(cloud_forwarded) - before)) -ge 5 ]; check $? "traffic goes by the hub"

forgotten() { ! ns spoke1 ip route show $FAR | grep -q .; }
eventually 60 "spoke1 hears of it by OSPF, too" forgotten || ns spoke1 ip route
flow_start return spoke1 spoke2 $FAR_HOST 5111 $((RATE * 15)) "$RATE"
sleep 0.5
announce
eventually 90 "it is announced again" by_ospf
eventually 60 "direct again, before the negative answer is forgotten by itself" direct || { ctl spoke1 show dmvpn; ctl spoke1 show ip nhrp shortcut; }
flow_whole return "nothing is lost when it comes back"
# shellcheck disable=SC2086
kill $WATCHERS
nothing_in_clear "all the time"
end
