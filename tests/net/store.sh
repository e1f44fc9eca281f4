#!/usr/bin/env bash
# Registrations outlive the hub: kill -9, and it knows its spokes at once; they confirm. A damaged store, one that another daemon
# has and one that cannot be written are told, and stop nobody.
LIMIT=400
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"
DB=$TOPO_DIR/hub.db

restored() { ctl hub show ip nhrp | grep -c 'Flags:.*\brestored\b'; }
registered() { ctl hub show ip nhrp | grep -c 'Flags:.*\bregistered\b'; }
all_confirmed() { [ "$(restored)" = 0 ] && [ "$(registered)" = 3 ] && cloud_up; }
said() { grep -c " $1: " "$TOPO_DIR/hub.log"; }
said_of() { sed -n "s/.* $1: //p" "$TOPO_DIR/$2.log" | tail -n 1; }
hub_again() { cloud_stop hub "${1:-KILL}"; cloud_start 0 || not_ok "the hub starts again"; }

whole_cloud
written() { [ -s "$DB-wal" ] && grep -aq 10.255.0.11 "$DB-wal" && grep -aq 10.255.0.13 "$DB-wal"; }
eventually 10 "the hub keeps registrations" written
[ "$(stat -c %a "$DB")" = 600 ]; check $? "for its own eyes only" "mode $(stat -c %a "$DB")"
! grep -aq 10.255.0. "$TOPO_DIR/spoke1.db-wal"; check $? "a spoke, at whom nobody registers, keeps no registrations, only its SAs"

# ---- killed, and nobody can reach it when it starts again
wall inet all
hub_again
[ "$(restored)" = 3 ]; check $? "a hub killed and started again knows all three at once" "$(restored) marked as restored; $(said_of store-loaded hub)"
ctl hub show ip nhrp | grep -A 6 '^10.255.0.12/32'
ctl hub show ip nhrp | grep -q 'Identity:.*spoke2'; check $? "and whose each address is"
ctl hub show ip nhrp | grep -q 'not confirmed yet'; check $? "and says that they are not confirmed"
out=$(ctl hub -j show ip nhrp | tr -d ' \n' | grep -o '"restored":true' | wc -l)
[ "$out" = 3 ]; check $? "in JSON as well" "$out of 3"
wall_down inet
eventually 90 "all confirm" all_confirmed || ctl hub show ip nhrp
whole_again "hub killed"

# ---- nothing in the way: how long it takes
hub_again
eventually 60 "killed with nothing in the way, all confirm" all_confirmed || ctl hub show ip nhrp

# ---- an orderly end keeps them too
wall inet all
hub_again TERM
[ "$(restored)" = 3 ]; check $? "stopped in order and started again, it knows them too" "$(restored)"
wall_down inet
eventually 90 "all confirm" all_confirmed

# ---- one file for two
sed -i "s|^store .*|store $DB|" "$TOPO_DIR/spoke1.conf"
cloud_stop spoke1; cloud_start 1
out=$(said_of store-failed spoke1)
[[ $out == *"another process has it open"* ]]; check $? "a second daemon is told that the store is taken" "$out"
eventually 60 "and works without" all_confirmed

# ---- damaged
for how in garbage truncated; do
	cloud_stop hub TERM
	if [ $how = garbage ]; then head -c 5000 /dev/urandom >"$DB"; else truncate -s $(($(stat -c %s "$DB") - 4096)) "$DB"; fi
	before=$(said store-damaged)
	cloud_start 0 || not_ok "the hub starts with a store that is $how"
	[ "$(said store-damaged)" = $((before + 1)) ]; check $? "a store that is $how is told once" "$(said_of store-damaged hub)"
	eventually 90 "the cloud comes up anew" all_confirmed
	sleep 1.5
done
[ "$(find "$TOPO_DIR" -name 'hub.db.damaged-*' ! -name '*-wal' | wc -l)" = 2 ]; check $? "both are set aside" "$(cd "$TOPO_DIR" && echo hub.db.*)"
wall inet all
hub_again
[ "$(restored)" = 3 ]; check $? "and a good one has taken their place" "$(restored) restored"
wall_down inet
eventually 90 "all confirm" all_confirmed

# ---- where nothing can be written
sed -i "s|^store .*|store /proc/nowhere/x.db|" "$TOPO_DIR/hub.conf"
before=$(said store-failed)
hub_again
eventually 90 "without a place to write the cloud works" all_confirmed
sleep 2
[ "$(said store-failed)" = $((before + 1)) ]; check $? "and the hub says so once" "$(said_of store-failed hub)"

nothing_in_clear "all the time"
end
