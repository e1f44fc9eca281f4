#!/usr/bin/env bash
# Never a lost packet by design: 1000 packets/s run while a shortcut comes up, while SAs are rekeyed and while peers authenticate
# anew; none is lost, none doubled, and but for the moment when the shortcut comes up none more than three places late. When the direct way is
# closed, traffic stays with the hub.
CLOUD_LIFE=${CLOUD_LIFE:-8}
CLOUD_REAUTH=${CLOUD_REAUTH:-25}
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

spis() { ctl "$1" show crypto session | grep -oE '\b0x[0-9a-f]{8}\b|\b[0-9a-f]{8}\b' | sort -u; }
same() { [ "$(spis "$1")" = "$2" ]; }
changed() { ! same "$@"; }

whole_cloud

# ---- the direct way is closed: asked for by traffic, never proved, never used; nobody notices
wall inet "from 198.18.11.2 to 198.18.12.2" "from 198.18.12.2 to 198.18.11.2"
flow_start closed spoke1 spoke2 "$(lan_host 2)" 5001 6000 1000
flow_intact closed "6000 packets in 6 s lose nothing while no direct way can be had"
if cloud_direct 1 2; then r=1; else r=0; fi; check $r "and they stay with the hub"

# ---- half open: keys can be agreed, but ESP passes in one direction only
wall inet "from 198.18.12.2 to 198.18.11.2 esp-in-udp"
flow_start half spoke1 spoke3 "$(lan_host 3)" 5003 6000 1000
flow_intact half "6000 packets in 6 s lose nothing while the direct way works in one direction only"
wall_down inet
for n in $CLOUD_SPOKES; do ctl "spoke$n" clear ip nhrp shortcut; done	# what failed is tried again at once, not after a while

# ---- the shortcut comes up under load
started=${EPOCHREALTIME/[.,]/}
flow_start up spoke1 spoke2 "$(lan_host 2)" 5001 40000 1000
flow_start back spoke3 spoke1 "$(lan_host 1)" 5002 40000 1000
flow_start hub hub spoke3 "$(lan_host 3)" 5004 40000 1000
eventually 30 "spoke1 sends straight to spoke2" cloud_direct 1 2 || for n in spoke1 spoke2; do ctl $n show dmvpn; ctl $n show ip nhrp; ctl $n show ip nhrp shortcut; ctl $n show ip nhrp traffic; done
eventually 30 "spoke3 sends straight to spoke1" cloud_direct 3 1 || ctl spoke3 show dmvpn
direct=$(((${EPOCHREALTIME/[.,]/} - started) / 1000 + 1000))	# a packet a millisecond, and one second for the hub to send on what it has

# ---- SAs are renewed under load
for n in hub spoke1 spoke2; do
	was=$(spis $n)
	eventually 30 "SAs of $n are rekeyed under load (lifetime $CLOUD_LIFE s)" changed $n "$was"
done
logged() { grep -q "$2" "$TOPO_DIR/$1.log"; }
eventually 30 "spoke1 authenticates anew under load (reauth $CLOUD_REAUTH)" logged spoke1 "authenticated anew"
flow_intact up "40 s of 1000 packets/s from spoke1 to spoke2: none lost, doubled or late over shortcut, rekeys and reauthentication" $direct
flow_intact back "the same from spoke3 to spoke1" $direct
flow_intact hub "the same from the hub to spoke3"
ctl spoke1 show crypto session
if cloud_direct 1 2; then r=0; else r=1; fi; check $r "the path is still direct after the rekeys"
nothing_in_clear "all the time"
end
