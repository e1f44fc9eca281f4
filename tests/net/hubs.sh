#!/usr/bin/env bash
# Three hubs of which two are used at a time: by priority, a third one in the place of one that goes, back when that is there again; and
# `if-state nhrp`: the interface has a carrier as long as any hub answers.
LIMIT=${LIMIT:-150}
CLOUD_SPOKES="1 4 5 6"	# 4 and 5 are hubs, too
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

cloud_topology || { not_ok "the topology can be built"; exit 1; }
for n in 0 $CLOUD_SPOKES; do cloud_conf "$n"; done
for n in 4 5; do sed -i '/^ ip nhrp nhs /d; s/^ ip nhrp shortcut/ ip nhrp map multicast dynamic/' "$TOPO_DIR/spoke$n.conf"; done
for n in 1 6; do
	sed -i "s|^ ip nhrp nhs .*| if-state nhrp\n ip nhrp nhs cluster 0 max-connections 2\n ip nhrp nhs fallback 2\n ip nhrp nhs $(overlay 0) nbma 198.18.10.2 multicast priority 1\n ip nhrp nhs $(overlay 4) nbma 198.18.14.2 multicast priority 2\n ip nhrp nhs $(overlay 5) nbma 198.18.15.2 multicast priority 3|" "$TOPO_DIR/spoke$n.conf"
done
state_is() { ctl "$1" show ip nhrp nhs | grep -A1 "^$2 " | grep -q " $3 for"; }	# SPOKE HUB STATE
states_are() { local s; for s in spoke1 spoke6; do state_is $s "$(overlay 0)" "$1" && state_is $s "$(overlay 4)" "$2" && state_is $s "$(overlay 5)" "$3" || return 1; done; }
show() { ctl spoke1 show ip nhrp nhs; ctl spoke6 show ip nhrp nhs; }
registered_at() { [ "$(ctl "$1" show ip nhrp | grep -c registered)" = "$2" ]; }	# HUB HOW MANY
not_running() { ! ns "$1" ip link show dev dmvpn0 | grep -q 'LOWER_UP.*state \(UP\|UNKNOWN\)'; }
running() { ns "$1" ip link show dev dmvpn0 | grep -q 'LOWER_UP.*state \(UP\|UNKNOWN\)'; }

# ---- no hub there: no carrier
for n in 1 6; do cloud_start $n || { not_ok "spoke$n starts"; exit 1; }; done
eventually 10 "no hub answers: the interface has no carrier" not_running spoke1 || ns spoke1 ip link show dev dmvpn0
ns spoke1 ip link show dev dmvpn0 up | grep -q dmvpn0; check $? "but is up"
ctl spoke1 show interface | grep 'Line protocol is down, by if-state nhrp: no hub answers'; check $? "show interface says so"

# ---- the best two of three
for n in 0 4 5; do cloud_start $n || { not_ok "hub $n starts"; exit 1; }; done
eventually 30 "registered at the two best hubs, the third one stands by" states_are registered registered standby || show
eventually 10 "the interface has a carrier" running spoke1 || ns spoke1 ip link show dev dmvpn0
registered_at spoke5 0; check $? "the third hub has heard of nobody"
for s in hub spoke4; do registered_at $s 2; check $? "$s has both spokes"; done

# ---- one of them goes
cloud_stop hub
eventually 30 "the best hub is stopped: the third one takes its place" states_are dialing registered registered || show
running spoke1; check $? "the interface has had a carrier all the time"
[ "$(grep -c ' if-state-up' "$TOPO_DIR/spoke1.log")" = 1 ]; check $? "its state has changed once" "$(grep ' if-state' "$TOPO_DIR/spoke1.log" | tr '\n' ';')"

# ---- and is there again: the third one is left, once, and hears so
cloud_start 0 || not_ok "the best hub starts again"
eventually 30 "the best hub is there again: the third one stands by" states_are registered registered standby || show
third_empty() { registered_at spoke5 0; }
eventually 10 "the third hub has nobody any more" third_empty || ctl spoke5 show ip nhrp
sleep 2
states_are registered registered standby; check $? "and so it stays"
for s in spoke1 spoke6; do
	[ "$(grep -c ' nhs-up: 198.18.15.2' "$TOPO_DIR/$s.log")" = 1 ]; check $? "$s was with the third one once" "$(grep -E ' nhs-(up|down)' "$TOPO_DIR/$s.log" | cut -d' ' -f2- | tr '\n' ';')"
done

# ---- all of them go
cloud_stop hub; cloud_stop spoke4; cloud_stop spoke5
eventually 30 "all hubs stopped: no carrier" not_running spoke6 || ns spoke6 ip link show dev dmvpn0
cloud_start 5 || not_ok "the third hub starts again"
eventually 60 "the third hub alone: a carrier" running spoke6 || show
sed -i '/if-state/d' "$TOPO_DIR/spoke1.conf"
cloud_stop spoke5
eventually 30 "it goes, too" not_running spoke1
ctl spoke1 reload >/dev/null; check $? "reload without if-state nhrp"
eventually 10 "a carrier without any hub" running spoke1
nothing_in_clear "all the time"
end
