#!/usr/bin/env bash
# BGP over the mesh with IPv6 inside, phase 3: LANs by BGP, a shortcut's prefix as an IPv6 route of zebra.
FRR_NEEDS=bgpd CLOUD_V6OVER=1
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"
# shellcheck source=tests/net/frr.sh
. "$SRCDIR/tests/net/frr.sh"
# shellcheck source=tests/net/routing.sh
. "$SRCDIR/tests/net/routing.sh"

protocol_cloud bgp6 bgpd
has_all6() {
	local a b have
	for a in 0 $CLOUD_SPOKES; do
		have=$(frr_show "$(site "$a")" show ipv6 route bgp)
		for b in 0 $CLOUD_SPOKES; do [ "$a" = "$b" ] || [[ $have == *" fd16:$b::/64 "* ]] || [[ $have == *" fd16:${b/#0/}::/64 "* ]] || [[ $b = 0 && $have == *" fd16::/64 "* ]] || return 1; done
	done
}
eventually 90 "every site has every LAN by BGP" has_all6 || { frr_show hub show bgp ipv6 summary; frr_show spoke1 show ipv6 route; }
reach6() { cloud_ping spoke1 "$(lan_host6 2)" && cloud_ping spoke2 "$(lan_host6 0)" && cloud_ping hub "$(lan_host6 3)"; }
eventually 60 "LANs reach each other" reach6
chatter spoke1 "$(lan_host6 2)"
n_route6() { frr_show spoke1 show ipv6 route nhrp json | tr -d ' \n' | grep -q '"fd16:2::/64":.*"installed":true'; }
eventually 40 "the shortcut is an N route, installed" n_route6 || { ctl spoke1 show ipv6 nhrp shortcut; frr_show spoke1 show ipv6 route; }
quiet
direct6() { ns spoke1 ip -6 route get "$(lan_host6 2)" | grep -q "via $(overlay6 2) dev dmvpn0"; }
eventually 10 "and in force" direct6
ctl spoke1 show ipv6 route nhrp | grep -q 'fd16:2::/64 .*by zebra'; check $? "show ipv6 route nhrp says so"
ns spoke2 ip link set lan0 down
no_n_route6() { ! n_route6; }
eventually 10 "the far LAN goes: the N route goes with it" no_n_route6
nothing_in_clear "all the time"
end
