#!/usr/bin/env bash
# Two hubs, and one is killed under 1000 packets/s: with BFD (FRR's bfdd, 300 ms times 3) traffic is with the other one after 1.2 s, by liveness
# of IKE alone within one registration timer (10 s). Traffic between spokes loses nothing by it, nor does any when the better hub is back.
# How long a dead hub costs is counted in packets that were lost; what the machine was busy with elsewhere is told by a
# flow that the dead hub has no part in, and granted on top. FAILOVER=whole: also without BFD, and all that bfdd and zebra may do meanwhile.
LIMIT=${LIMIT:-240}
CLOUD_SPOKES="1 4 5" FRR_NEEDS=bfdd
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"
# shellcheck source=tests/net/frr.sh
. "$SRCDIR/tests/net/frr.sh"
note "FRR $FRR_VERSION"
: "${FAILOVER:=short}"

cloud_topology || { not_ok "the topology can be built"; exit 1; }
for n in 0 $CLOUD_SPOKES; do cloud_conf "$n"; done
sed -i '/^ dpd /d; s/registration timeout 15/registration timeout 10/' "$TOPO_DIR"/*.conf
sed -i 's/^ ip nhrp shortcut/ ip nhrp map multicast dynamic\n ip nhrp redirect/' "$TOPO_DIR/spoke4.conf"	# spoke4 is the second hub, and a client of the first
for n in 1 5; do sed -i "s|^ ip nhrp nhs .*|&\n ip nhrp nhs $(overlay 4) nbma 198.18.14.2 multicast|" "$TOPO_DIR/spoke$n.conf"; done
for n in 0 $CLOUD_SPOKES; do
	sed -i 's/^ tunnel source/ bfd interval 300 min_rx 300 multiplier 3\n&/' "$TOPO_DIR/$(site "$n").conf"
	frr_zebra_conf "$(site "$n")"
done

# ---- a data centre behind both hubs
DC=172.16.9.10
ns_new dc-h
for n in 0 4; do
	ip link add dc0 netns "$TOPO_NS$(site $n)" type veth peer name "to$n" netns "${TOPO_NS}dc-h"
	ns "$(site $n)" ip -batch - <<-END
		addr add 172.16.9$n.1/24 dev dc0
		link set dc0 up
		route add $DC/32 via 172.16.9$n.2
	END
	ns dc-h ip -batch - <<-END
		addr add 172.16.9$n.2/24 dev to$n
		link set to$n up
	END
done
ns dc-h ip addr add $DC/32 dev lo
ns dc-h ip route add default via 172.16.94.1

cloud_routes() {	# the second hub leads to the spokes' LANs as the first one does
	[ "$1" = 4 ] || { [ "$1" = 0 ] && printf 'route replace 172.16.%s.0/24 via 10.255.0.1%s dev dmvpn0\n' 1 1 4 4 5 5 || echo "route replace 172.16.0.0/16 via $(overlay 0) dev dmvpn0"; return; }
	printf 'route replace 172.16.%s.0/24 via %s dev dmvpn0\n' 0 "$(overlay 0)" 1 "$(overlay 1)" 5 "$(overlay 5)"
}
for n in 0 $CLOUD_SPOKES; do frr_start "$(site "$n")" zebra bfdd || exit 1; done
start_all
eventually 60 "every spoke is UP at the first hub" cloud_up || { ctl hub show dmvpn; exit 1; }
both_hubs() { cloud_peer_up spoke1 "$(overlay 4)" x && cloud_peer_up spoke5 "$(overlay 4)" x; }
eventually 20 "and at the second one" both_hubs || { ctl spoke1 show dmvpn; exit 1; }

# ---- sessions
bfd_up() { [ "$(ctl "$1" show ip nhrp nhs detail | grep -c 'BFD: up')" = "$2" ]; }	# NAME NUMBER
bfd_all() { bfd_up spoke1 2 && bfd_up spoke5 2 && bfd_up spoke4 1; }
eventually 20 "bfdd watches all hubs for the spokes" bfd_all || { ctl spoke1 show ip nhrp nhs detail; frr_show spoke1 show bfd peers; ctl spoke1 show zebra; exit 1; }
ctl spoke1 show ip nhrp nhs detail
spokes_watched() { [ "$(ctl hub show dmvpn detail | grep -c 'BFD: up')" = 3 ]; }
eventually 20 "and all spokes for the hub" spokes_watched || ctl hub show dmvpn detail
go_direct 1 5
direct_watched() { [ "$(ctl spoke1 show dmvpn detail | grep -c 'BFD: up')" = 3 ]; }
eventually 20 "and the far end of a shortcut" direct_watched || ctl spoke1 show dmvpn detail

log_has() { [ "$(grep -c "$2" "$TOPO_DIR/$1.log")" -gt "${3:-0}" ]; }	# NAME PATTERN [MORE THAN]
said() { grep -c "$2" "$TOPO_DIR/$1.log"; }	# NAME PATTERN
stalls() { echo $(($(field gap_us "$1") / 1000)); }
# lost_at_most NAME TEXT MS REFERENCE-LINE: that many packets, one a millisecond, and as many as the machine stood still for those that nothing happened to
lost_at_most() {
	local lost stall most
	flow_end "$1"
	lost=$(field lost "$OUT") stall=$(stalls "$4")
	most=$(($3 + 2 * stall))
	note "$1: $OUT"
	[ "${lost:-999999}" -gt 0 ] && [ "$lost" -le "$most" ]
	check $? "$2" "$lost packets of 1000/s lost, at most $3 and twice the $stall ms that the machine stood still"
}
back_on_first() { cloud_peer_up spoke1 "$(overlay 0)" x && cloud_peer_up spoke5 "$(overlay 0)" x; }

# kill_hub NAME TEXT MS SECONDS: spoke1 sends to the data centre and to spoke5; the first hub dies after a second of it
kill_hub() {
	local ref
	flow_start "$1-direct" spoke1 spoke5 "$(lan_host 5)" 5201 $(($4 * 1000)) 1000
	flow_start "$1-dc" spoke1 dc "$DC" 5202 $(($4 * 1000)) 1000
	sleep 0.7
	cloud_stop hub KILL
	flow_whole "$1-direct" "$2: traffic between spokes loses nothing"
	ref=$OUT
	lost_at_most "$1-dc" "$2: traffic by the hub goes on by the other one" "$3" "$ref"
}

# return_hub NAME TEXT: it comes back while traffic flows by the other one
return_hub() {
	flow_start "$1-direct" spoke1 spoke5 "$(lan_host 5)" 5203 "$3" 1000
	flow_start "$1-dc" spoke1 dc "$DC" 5204 "$3" 1000
	cloud_start 0 || not_ok "the first hub starts again"
	eventually 30 "$2: the spokes are back" back_on_first || ctl spoke1 show dmvpn
	flow_whole "$1-direct" "$2: traffic between spokes loses nothing"
	flow_whole "$1-dc" "$2: nor does traffic that moves back to it"
}

# ---- with BFD
was=$(said spoke1 ' bfd-down')
kill_hub bfd "BFD, 300 ms times 3" 1200 3
log_has spoke1 ' bfd-down' "$was"; check $? "it was BFD that said so" "$(grep -E ' (bfd-down|peer-lost|nhs-down)' "$TOPO_DIR/spoke1.log" | tail -n 3 | tr '\n' ';')"
awk '/ bfd-down/ { b = NR } / nhs-down/ { if (b) seen = 1 } / no answer from 198.18.10.2/ { if (!b) early = 1 } END { exit !(seen && !early) }' "$TOPO_DIR/spoke1.log"
check $? "before IKE noticed"
if cloud_direct 1 5; then r=0; else r=1; fi; check $r "the direct path is still in use"
ctl spoke1 show ip nhrp nhs detail
return_hub again "the hub is back" 3500
eventually 20 "bfdd watches the first hub again" bfd_up spoke1 2

[ "$FAILOVER" = whole ] || { nothing_in_clear "all the time"; end; }

# ---- what bfdd does is no news of the peers: nobody is taken for dead when it ends, nor is its far end, which hears nothing from then on
lost_peers() { grep -c ' peer-lost' "$TOPO_DIR"/{hub,spoke1,spoke4,spoke5}.log | cut -d: -f2 | paste -sd+ | bc; }
sleep 1
was=$(lost_peers) answered=$(said hub ' peer-answers')
flow_start calm spoke1 dc "$DC" 5206 8000 1000
frr_kill spoke1 bfdd KILL
disputed() { log_has hub ' peer-answers: 10.255.0.11' "$answered"; }
eventually 10 "a spoke's bfdd killed: the hub hears nothing, asks over the SA, and keeps it" disputed || grep -E ' (bfd|peer)-' "$TOPO_DIR/hub.log" | tail -n 5
frr_start spoke1 bfdd
eventually 30 "bfdd there again: hubs are watched again" bfd_up spoke1 2 || ctl spoke1 show ip nhrp nhs detail
frr_kill spoke1 bfdd TERM
sleep 1
frr_start spoke1 bfdd
eventually 30 "stopped in order, and there again" bfd_up spoke1 2
flow_whole calm "no packet is lost over all that"

# ---- zebra ends here: the same, and show says so
frr_kill spoke1 zebra KILL
off() { ctl spoke1 show ip nhrp nhs detail | grep -q 'BFD: off .*: there is no session with zebra'; }
eventually 10 "zebra killed: show says that peers are not watched" off || ctl spoke1 show ip nhrp nhs detail
frr_kill spoke1 bfdd KILL
frr_start spoke1 zebra
unanswered() { ctl spoke1 show ip nhrp nhs detail | grep -q 'BFD: no answer .*: bfdd does not answer: is it running?'; }
eventually 15 "zebra without bfdd: show says so" unanswered || ctl spoke1 show ip nhrp nhs detail
frr_start spoke1 bfdd
eventually 30 "both there again: hubs are watched again" bfd_up spoke1 2

# ---- a reload takes BFD away, from one end after the other
flow_start off spoke1 dc "$DC" 5205 5000 1000
for n in 0 $CLOUD_SPOKES; do sed -i '/^ bfd /d' "$TOPO_DIR/$(site "$n").conf"; ctl "$(site "$n")" reload >/dev/null; done
no_sessions() { ! frr_show spoke1 show bfd peers | grep -q 'peer 10' && ! ctl spoke1 show ip nhrp nhs detail | grep -q BFD; }
eventually 10 "without \`bfd interval\` bfdd has no session" no_sessions || frr_show spoke1 show bfd peers
flow_whole off "no packet is lost over that"
[ "$(lost_peers)" = "$was" ]; check $? "and no peer was taken for dead by anybody meanwhile" "$(lost_peers), before $was"

# ---- without BFD: liveness
back_soon() { both_hubs && back_on_first; }
eventually 30 "both hubs are UP" back_soon
kill_hub ike "without BFD" 10000 14
return_hub later "the hub is back" 8000
nothing_in_clear "all the time"
end
