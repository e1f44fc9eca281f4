#!/usr/bin/env bash
# Phase 1 by OSPF: no redirects, no shortcuts. Everything goes by the hub, and stays there.
FRR_NEEDS=ospfd
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"
# shellcheck source=tests/net/frr.sh
. "$SRCDIR/tests/net/frr.sh"
# shellcheck source=tests/net/routing.sh
. "$SRCDIR/tests/net/routing.sh"

cloud_conf_as_ever=$(declare -f cloud_conf); eval "as_ever${cloud_conf_as_ever#cloud_conf}"
cloud_conf() {	# N: without what makes it phase 3
	as_ever "$1"
	sed -i '/ip nhrp redirect/d; /ip nhrp shortcut/d' "$TOPO_DIR/$(site "$1").conf"
}
protocol_cloud ospf ospfd
lans ospf "OSPF"
chatter spoke1 "$(lan_host 2)"
before=$(cloud_forwarded)
out=$(cloud_ping spoke1 "$(lan_host 2)" 100 0.05)
after=$(cloud_forwarded)
quiet
[[ $out == *" 0% packet loss"* ]]; check $? "no packet between spokes is lost" "$(tail -n 2 <<<"$out" | tr '\n' ' ')"
[ $((after - before)) -gt 300 ]; check $? "all of them go by the hub" "$((after - before)) packets"
! cloud_direct 1 2; check $? "there is no shortcut"
[ "$(ctl spoke1 show dmvpn | grep -c ' UP ')" = 1 ]; check $? "a spoke has one peer, the hub"
nothing_in_clear "all the time"
end
