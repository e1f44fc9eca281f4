#!/usr/bin/env bash
# The kernel refuses what one peer needs (a cipher whose module it does not get): that peer is told of by name, the others notice nothing,
# and it comes up when the kernel has it.
CLOUD_PLANE=kernel LIMIT=200 CLOUD_SPOKES="1 2" CLOUD_PLANE_spoke1=user
export CLOUD_PLANE LIMIT CLOUD_SPOKES CLOUD_PLANE_spoke1
# shellcheck source=tests/uml/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/uml/lib.sh"

cloud_topology || { not_ok "the topology can be built"; exit 1; }
for n in 0 $CLOUD_SPOKES; do cloud_conf "$n"; done
sed -i 's/^crypto ipsec profile/crypto ipsec transform-set CHACHA esp-chacha20-poly1305\n mode transport\n!\ncrypto ipsec profile/; s/transform-set GCM$/transform-set GCM CHACHA/' "$TOPO_DIR/hub.conf"
sed -i 's/esp-gcm 256/esp-chacha20-poly1305/' "$TOPO_DIR/spoke1.conf"
cloud_start 0 && cloud_start 2 || { not_ok "hub and spoke2 start"; exit 1; }
eventually 60 "spoke2 is UP" cloud_spoke_up 2
modprobe=$(cat /proc/sys/kernel/modprobe)
echo /bin/false >/proc/sys/kernel/modprobe
flow_start other spoke2 hub "$(lan_host 0)" 5001 4000 200
cloud_start 1 || not_ok "spoke1 starts"
refused() { ctl hub show counters | awk '$1 == "xfrm-refused" && $2 > 0 { f = 1 } END { exit !f }'; }
eventually 20 "the hub's kernel refuses spoke1's SA, which is counted" refused || ctl hub show counters
told() { grep -i spoke1 "$TOPO_DIR/hub.log" | grep -Eiq 'refused|function not implemented|not implemented'; }
eventually 5 "and the hub's log names spoke1 and the reason" told || tail -n 20 "$TOPO_DIR/hub.log"
note "$(grep -i spoke1 "$TOPO_DIR/hub.log" | grep -Ei 'refused|implemented' | head -n 1)"
if cloud_spoke_up 1; then r=1; else r=0; fi; check $r "spoke1 is not UP"
flow_intact other "spoke2 lost nothing meanwhile"
why() { ctl hub show dmvpn | grep -E 'reason: the data plane took no SA: .*; next try in [0-9]+ s'; }
eventually 10 "show dmvpn says why, and when it is tried again" why || ctl hub show dmvpn
note "$(why)"
n=$(grep -c ' sa-refused: .*spoke1' "$TOPO_DIR/hub.log")	# after 1, 2, 4, 8 s; the flow alone takes 20 s
[ "$n" -ge 3 ] && [ "$n" -le 8 ]; check $? "the kernel is asked again after waits that double" "$n times since it refused first"
echo "$modprobe" >/proc/sys/kernel/modprobe
eventually 90 "the module can be had again: spoke1 comes up by itself" cloud_spoke_up 1 || { ctl spoke1 show dmvpn; tail -n 10 "$TOPO_DIR/hub.log"; }
nothing_in_clear "all the time"
end
