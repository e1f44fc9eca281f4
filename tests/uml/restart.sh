#!/usr/bin/env bash
# A daemon on the kernel plane is killed and started again under load, the hub's first, then a spoke's: packets go on in the SAs that the
# kernel has, before and after there are new ones. What nobody comes back for is swept; an orderly stop leaves nothing but the block.
CLOUD_PLANE=kernel LIMIT=280 CLOUD_SPOKES="1 2"
export CLOUD_PLANE LIMIT CLOUD_SPOKES
# shellcheck source=tests/uml/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/uml/lib.sh"
logged() { grep -q "$2" "$TOPO_DIR/$1.log"; }
states() { ns "$1" ip xfrm state | grep -c '^src'; }
said() { grep " $2: " "$TOPO_DIR/$1.log" | tail -n 1 | cut -d' ' -f2-; }
spis() { ns "$1" ip xfrm state | sed -n 's/.* spi \(0x[0-9a-f]*\) .*/\1/p' | sort; }

cloud_topology || { not_ok "the topology can be built"; exit 1; }
for n in 0 $CLOUD_SPOKES; do cloud_conf "$n"; done
# whoever does not answer for some seconds is given up: on a busy machine starting may take that long
sed -i 's/registration timeout 15/registration timeout 200/; s/holdtime 60/holdtime 600/; s/dpd 10 2/dpd 60 10/' "$TOPO_DIR"/*.conf
start_all
eventually 60 "everyone is UP" cloud_up

# killed NAME N: kill -9, a while without daemon, start; all under load
killed() {
	WAS=$(spis "$1")
	cloud_stop "$1" KILL
	[ "$(states "$1")" -ge 2 ]; check $? "$1 killed: its states stay" "$(states "$1")"
	wait_for 3 false
	cloud_start "$2" || not_ok "$1 starts again"
	logged "$1" ' xfrm-kept: '; check $? "$1 knows what it had" "$(said "$1" xfrm-kept)"
	eventually 60 "everyone is UP again, as $1 sees it" cloud_up || { ctl "$1" show dmvpn; return 1; }
	eventually 30 "with new SAs, so that the old ones go" logged "$1" ' xfrm-swept: ' || ns "$1" ip xfrm state
	note "$(said "$1" xfrm-swept)"
}
gone() { ! spis "$1" | grep -qxFf <(printf '%s\n' "$WAS"); }

# what this machine could not take: packets dropped by a full queue of the guest's, not on their way
starved() { note "queues of the guest that ran over: $((16#$(awk '{ print $2; exit }' /proc/net/softnet_stat))) in the kernel, $(for n in hub-h spoke1-h spoke2-h; do ns $n awk '/^Udp: [0-9]/ { print $6 }' /proc/net/snmp; done | paste -sd' ') at receivers"; }
flow_start there spoke1 hub "$(lan_host 0)" 5001 20000 1000
flow_start back hub spoke2 "$(lan_host 2)" 5002 20000 1000
flow_start across spoke2 spoke1 "$(lan_host 1)" 5003 20000 1000
killed hub 0
eventually 20 "none of the hub's old SAs is left" gone hub || ns hub ip xfrm state
flow_intact there "hub killed: 1000 packets/s from spoke1 lose nothing"
flow_intact back "nor do those from the hub's LAN to spoke2"
flow_intact across "nor those from spoke2 to spoke1"
starved

flow_start there spoke1 hub "$(lan_host 0)" 5011 15000 1000
flow_start back hub spoke1 "$(lan_host 1)" 5012 15000 1000
killed spoke1 1
flow_intact there "spoke1 killed: its 1000 packets/s lose nothing"
flow_intact back "nor do those to it"

# ---- nobody comes back to a killed hub: what it had is swept when the grace time is over
cloud_stop hub KILL
cloud_stop spoke1 KILL
cloud_stop spoke2 KILL
cloud_start 0 || not_ok "the hub starts again"
[ "$(states hub)" -ge 4 ]; check $? "alone, it keeps what it had" "$(states hub)"
swept() { [ "$(states hub)" = 0 ] && ! ns hub ip neigh show dev dmvpn0 nud permanent | grep -q '^10\.255\.'; }
eventually 90 "and sweeps it after a minute: states and neighbours" swept || { ns hub ip xfrm state; ns hub ip neigh show dev dmvpn0; }
cloud_stop hub TERM
n=$(ns hub ip xfrm policy | grep -c 'action block')
[ "$n" -ge 4 ] && [ "$(states hub)" = 0 ]; check $? "stopped in order it leaves the block, and no SA" "$n policies"
nothing_in_clear "all the time"
end
