#!/usr/bin/env bash
# IPv6 outside on the kernel plane, the short form (all of it: tests/uml/cloud6.sh): GRE over IPv4 between synthetic addresses, made into ESP over
# IPv6. A direct tunnel, what keeps clear GRE in, other hands, kill -9, sizes.
CLOUD_PLANE=kernel LIMIT=150 CLOUD_SPOKES="1 2" CLOUD_V6UNDER=1
export CLOUD_PLANE LIMIT CLOUD_SPOKES CLOUD_V6UNDER
# shellcheck source=tests/uml/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/uml/lib.sh"

whole_cloud
ns hub ip -d link show dmvpn0 | grep -q 'gre remote any local 240.15.255.253'; check $? "GRE is between synthetic addresses"
[ "$(ns hub ip xfrm state | grep -c '^src fd18.* dst fd18')" -ge 4 ]; check $? "ESP between those of IPv6"
everyone_reaches_everyone lan_host
go_direct 1 2
out=$(ns spoke1-h ping -n -q -c 3 -i 0.2 -W 2 -s 4000 "$(lan_host 2)")
[[ $out == *" 0% packet loss"* ]]; check $? "packets that need fragments arrive" "$(tail -n 2 <<<"$out" | tr '\n' ' ')"

# ---- a way in clear there is not
chatter spoke1 "$(lan_host 2)" 0.02
chatter hub "$(lan_host 1)" 0.02
policies() { ns "$1" ip xfrm policy | grep -c '^src'; }
has_policies() { [ "$(policies "$1")" -ge "$2" ]; }
pass() { cloud_ping "$1" "$2" 1; }
for n in hub spoke1; do
	k=$(policies $n)
	for _ in 1 2 3 4 5; do ns $n ip xfrm policy flush; done
	eventually 3 "$n: ip xfrm policy flush: all $k policies are back" has_policies $n "$k" || ns $n ip xfrm policy
done
self() { ns hub ip route show table local | grep -q '^local 240\.15\.255\.253 dev dmvpn0'; }
self; check $? "the hub's own address inside is a local route"
ns hub ip route del local 240.15.255.253 table local
eventually 3 "deleted by hand it is back" self || ns hub ip route show table local
eventually 10 "traffic passes" pass spoke1 "$(lan_host 0)"
ns spoke1 ip xfrm state flush
eventually 20 "ip xfrm state flush: it passes again" pass spoke1 "$(lan_host 0)"

# ---- kill -9: SAs of before carry on, and are taken over
quiet
flow_start life hub spoke2 "$(lan_host 2)" 5001 4000 200
kill -KILL "$(cloud_pid spoke2)"; wait "$(cloud_pid spoke2)" 2>/dev/null
cloud_start 2
grep -q 'xfrm-kept: SAs of [12] peer' "$TOPO_DIR/spoke2.log"; check $? "kill -9: the next life finds the SAs of the one before" "$(grep xfrm-kept "$TOPO_DIR/spoke2.log")"
eventually 60 "spoke2 is UP" cloud_spoke_up 2 || { ctl spoke2 show dmvpn; tail -n 10 "$TOPO_DIR/spoke2.log"; }
flow_intact life "and no packet was lost meanwhile"
cloud_stop_all
nothing_in_clear "all the time"
end
