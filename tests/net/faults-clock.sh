#!/usr/bin/env bash
# The wall clock is wrong: set forward by a year, back by ten, under running daemons, and between two lives of the hub. Nothing that
# runs cares; what is kept in the store is never believed for longer than it was to hold.
LIMIT=300
CLOUD_SPOKES="1 4"
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"
NHRPD=$BUILDDIR/tests/net/odd
[ -x "$NHRPD" ] || { not_ok "tests/net/odd is built"; exit 1; }
YEAR=31557600
clock() { echo "$1" >"$TOPO_DIR/clock.new"; mv "$TOPO_DIR/clock.new" "$TOPO_DIR/clock"; }
export ODD_CLOCK=$TOPO_DIR/clock

losses() { grep -hE 'peer-lost|nhs-down|registration-expired|ike-down' "$TOPO_DIR"/hub.log "$TOPO_DIR"/spoke?.log | grep -v 'both ends opened an SA'; }
lost() { losses | wc -l; }
sane() {	# every time of a show of the hub is between 0 and a day
	ctl hub -j show dmvpn detail >"$TOPO_DIR/json"; ctl hub -j show ip nhrp >>"$TOPO_DIR/json"; ctl hub -j show crypto session >>"$TOPO_DIR/json"
	grep -oE '"[a-z_]*(age|in)_s": *-?[0-9]+' "$TOPO_DIR/json" | awk -F': *' '$2 < 0 || $2 > 90000 { bad = 1 } { n++ } END { exit bad || n < 5 }'
}
restored() { ctl hub show ip nhrp | grep -c 'Flags:.*\brestored\b'; }

clock 0
whole_cloud
sed -i 's/holdtime 60/holdtime 20/; s/registration timeout 15/registration timeout 5/' "$TOPO_DIR"/*.conf
for n in 0 $CLOUD_SPOKES; do ctl "$(site "$n")" reload >/dev/null; done
go_direct 1 4
before=$(lost)
for by in $YEAR -$((10 * YEAR)) 0; do
	clock "$by"
	flow_start clock spoke1 spoke4 "$(lan_host 4)" 5003 2500 100
	flow_intact clock "clock wrong by $((by / 86400)) days: 25 s of traffic, longer than everything holds, lose nothing"
	sane; check $? "clock wrong by $((by / 86400)) days: no age and no remaining time in any show is off" "$(grep -oE '"expires_in_s": *[0-9]+' "$TOPO_DIR/json" | head -n 3 | tr '\n' ' ')"
	cloud_up; check $? "clock wrong by $((by / 86400)) days: everyone is UP"
done
[ "$(lost)" = "$before" ]; check $? "nothing expired, nobody was lost" "$before lines before, $(lost) after; $(losses | tail -n 1)"

# ---- the store: the clock goes back between two lives, so its entries seem to end in ten years
cloud_stop hub KILL
clock -$((10 * YEAR))
wall inet all
cloud_start 0 || not_ok "the hub starts"
[ "$(restored)" = 2 ]; check $? "clock set back before the hub starts again: it knows its spokes" "$(restored)"
ctl hub -j show ip nhrp | tr -d ' \n' | grep -oE '"expires_in_s":[0-9]+' | awk -F: '$2 > 20 { bad = 1 } END { exit bad }'; check $? "and for no longer than they were to hold" \
	"$(ctl hub -j show ip nhrp | tr -d ' \n' | grep -oE '"expires_in_s":[0-9]+' | tr '\n' ' ')"
forgot() { [ "$(restored)" = 0 ]; }
eventually 30 "and forgets those that do not come back" forgot || ctl hub show ip nhrp
wall_down inet
whole_again "clock set back by ten years"

# ---- and forward: what the store has is over long ago
cloud_stop hub KILL
clock "$YEAR"
cloud_start 0 || not_ok "the hub starts"
forgot; check $? "clock set forward before the hub starts again: what it had is over" "$(restored)"
whole_again "clock set forward by a year"
nothing_in_clear "all the time"
end
