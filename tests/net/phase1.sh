#!/usr/bin/env bash
# Phase 1: two spokes whose GRE has one destination, the hub, beside one of phase 3. Everybody reaches everybody, by the hub; who asks for one of
# phase 1 is refused by it and goes on by the hub; a reload makes one a multipoint tunnel without losing a packet.
LIMIT=${LIMIT:-120}
CLOUD_SPOKES="1 2 4"
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"
cloud_topology || exit 1
for n in 0 $CLOUD_SPOKES; do cloud_conf "$n"; done
for n in 1 2; do sed -i "s/^ tunnel mode gre multipoint/ tunnel mode gre ip\n tunnel destination 198.18.10.2/; s/^ ip nhrp nhs .*/ ip nhrp nhs $(overlay 0)/; /ip nhrp shortcut/d" "$TOPO_DIR/spoke$n.conf"; done
start_all
eventually 60 "every spoke is UP" cloud_up || { ctl hub show dmvpn; exit 1; }
everyone_reaches_everyone lan_host
ns spoke1 ping -n -q -c 3 -i 0.2 -W 2 "$(overlay 2)" >/dev/null; check $? "on link: another spoke's tunnel address is reached by the hub"
[ "$(ctl spoke1 show running-config | grep -cE '^ tunnel mode gre ip$|^ tunnel destination 198\.18\.10\.2$')" = 2 ]; check $? "show running-config gives both words back"
ctl spoke1 show interface | grep -q 'GRE to 198\.18\.10\.2'; check $? "show interface names the destination" "$(ctl spoke1 show interface | sed -n 3p)"
refused() { ctl spoke4 show ip nhrp shortcut | grep -q prohibited || grep -q 'administratively prohibited' "$TOPO_DIR/spoke4.log"; }
chatter spoke4 "$(lan_host 1)"
eventually 20 "a phase 3 spoke that asks for one of phase 1 is refused" refused || ctl spoke4 show ip nhrp shortcut
quiet
if cloud_direct 4 1; then not_ok "and goes on by the hub"; else ok "and goes on by the hub"; fi
cloud_ping spoke4 "$(lan_host 1)" 10 0.1 >/dev/null; check $? "without loss"
flow_start f spoke2 spoke4 "$(lan_host 4)" 5301 3000 500
sed -i 's/^ tunnel mode gre ip/ tunnel mode gre multipoint/; /^ tunnel destination/d; s/^ ip nhrp nhs .*/ ip nhrp nhs 10.255.0.1 nbma 198.18.10.2 multicast\n ip nhrp shortcut/' "$TOPO_DIR/spoke2.conf"
ctl spoke2 reload; check $? "reload: multipoint now"
flow_intact f "no packet is lost by the reload" 3000
nothing_in_clear "all the time"
end
