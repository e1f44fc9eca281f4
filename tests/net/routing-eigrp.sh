#!/usr/bin/env bash
# EIGRP over the mesh: the hub has all LANs, each spoke the hub's; the spokes' own summary and shortcuts do the rest.
FRR_NEEDS='eigrpd' 
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"
# shellcheck source=tests/net/frr.sh
. "$SRCDIR/tests/net/frr.sh"
# shellcheck source=tests/net/routing.sh
. "$SRCDIR/tests/net/routing.sh"

more_conf() { [ "$1" = 0 ] || recipe eigrp nhrpd; }
protocol_cloud eigrp eigrpd
hub_has_all() {
	local n
	for n in $CLOUD_SPOKES; do
		frr_show hub show ip route "172.16.$n.0/24" json | tr -d ' \n' | grep -q '"protocol":"eigrp"' || return 1
		frr_show "spoke$n" show ip route 172.16.0.0/24 json | tr -d ' \n' | grep -q '"protocol":"eigrp"' || return 1
	done
}
neighbours() { [ "$(frr_show hub show ip eigrp neighbor | grep -c dmvpn0)" = "$(wc -w <<<"$CLOUD_SPOKES")" ]; }
eventually 60 "the hub is adjacent to every spoke" neighbours || frr_show hub show ip eigrp neighbor
eventually 60 "the hub has every spoke's LAN by EIGRP, and each spoke the hub's" hub_has_all || { frr_show hub show ip route; frr_show spoke1 show ip route; }
eventually 60 "every LAN reaches every LAN" lan_reaches_lan
go_direct 1 2
n_route() { frr_show spoke1 show ip route nhrp json | tr -d ' \n' | grep -q '"172.16.2.0/24":.*"installed":true'; }
eventually 10 "the shortcut is an N route, installed" n_route
nothing_in_clear "all the time"
end
