#!/usr/bin/env bash
# kill -9 of the hub, of a spoke, of all; started again, the cloud is whole again without help. A direct path that breaks is
# given up for the hub's.
LIMIT=600
CHATTERS=''
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

whole_cloud
go_direct 1 2

# ---- the hub
cloud_stop hub KILL
if [ "$(plane_of hub)" = user ]; then
	ns hub ip link show dmvpn0 >/dev/null 2>&1; [ $? != 0 ]; check $? "nothing of a killed hub remains in its kernel"
else
	n=$(ns hub ip xfrm policy | grep -c 'action block'); [ "$n" -ge 4 ]; check $? "what blocks GRE in clear outlives a killed hub" "$n policies"
fi
out=$(cloud_ping spoke1 "$(lan_host 2)" 20 0.05)
[[ $out == *" 0% packet loss"* ]]; check $? "the direct path works without the hub" "$(tail -n 2 <<<"$out" | tr '\n' ' ')"
cloud_start 0 || not_ok "the hub starts again"
whole_again "hub killed"

# ---- the hub again, with traffic to it: it names the SPI it does not have, and is found to be new within seconds
for n in $CLOUD_SPOKES; do chatter "spoke$n" "$(lan_host 0)" 0.2; CHATTERS+=" $CHATTER"; done
cloud_stop hub KILL
cloud_start 0 || not_ok "the hub starts again"
eventually 8 "hub killed under traffic: everyone is UP again within seconds" cloud_up
for p in $CHATTERS; do quiet "$p"; done

# ---- a spoke behind the NAT, with a direct path to it
go_direct 1 2
cloud_stop spoke2 KILL
cloud_start 2 || not_ok "spoke2 starts again"
whole_again "spoke2 killed"
go_direct 1 2
go_direct 2 1

# ---- a spoke that stays away: its partner gives the direct path up
cloud_stop spoke2 KILL
gone() { ! cloud_direct 1 2; }
eventually 90 "spoke1 gives up the direct path to a dead spoke2" gone
cloud_start 2 || not_ok "spoke2 starts again"
whole_again "spoke2 away for a while"

# ---- the direct way breaks while both live: traffic returns to the hub
go_direct 1 2
wall inet "from 198.18.11.2 to 198.18.12.2" "from 198.18.12.2 to 198.18.11.2"
chatter spoke1 "$(lan_host 2)" 0.1
back() { cloud_ping spoke1 "$(lan_host 2)"; }
eventually 90 "traffic returns to the hub when the direct way breaks" back
wall_down inet
eventually 120 "and takes the direct way again when it works" cloud_direct 1 2
quiet

# ---- everything at once
for n in 0 $CLOUD_SPOKES; do cloud_stop "$(site "$n")" KILL; done
start_all
whole_again "all killed"

end
