#!/usr/bin/env bash
# 50,000 first messages of IKE in a burst, each from another address that does not exist, and more of them without end: the hub's memory
# stays flat, who is there keeps traffic, liveness and rekeying, who comes anew gets in.
CLOUD_LIFE=20
CLOUD_SPOKES='1 2'
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"
SPOOF=$BUILDDIR/tests/net/spoof
[ -x "$SPOOF" ] || { not_ok "$SPOOF is built"; exit 1; }

rss() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$(cloud_pid hub)/status"; }	# kB
counter() { ctl hub show counters | awk -v n="$1" '$0 ~ "(^|[ .])" n "([ :]|$)" { print $NF; exit }'; }
spis() { ctl spoke1 show crypto ipsec sa | grep -oE '0x[0-9a-f]{8}' | sort -u | tr '\n' ' '; }

cloud_topology || { not_ok "the topology can be built"; exit 1; }
topo_site attacker 66 || { not_ok "a place for the attacker"; exit 1; }
for n in 0 $CLOUD_SPOKES; do cloud_conf "$n"; done
sed -i 's/^log level debugging/log level informational/' "$TOPO_DIR/hub.conf"
cloud_start 0 || { not_ok "the hub starts"; exit 1; }
cloud_start 1
eventually 30 "spoke1 is UP" cloud_spoke_up 1 || exit 1
nap
before=$(rss) had=$(spis)
flow_start through hub spoke1 "$(lan_host 1)" 5001 4000 100

# ---- the burst
OUT=$(ns attacker "$SPOOF" "$(hub_nbma)" 50000 1000000 100.64.0.0/10); note "burst: $OUT"
[ "$(field sent "$OUT")" = 50000 ]; check $? "50,000 messages of as many addresses are sent" "$OUT"
after=$(rss)
[ $((after - before)) -lt 4096 ]; check $? "the hub's memory stays flat" "$before kB, then $after kB"
asked=$(counter cookie); half=$(counter half-open)
[ "${asked:-0}" -gt 1000 ]; check $? "it asks for cookies" "$asked asked for, ${half:-0} turned away"

# ---- and without end
ns_exec attacker "$SPOOF" "$(hub_nbma)" 10000000 4000 100.64.0.0/10 >"$TOPO_DIR/spoof.out" 2>&1 & spoof=$!
nap
cloud_start 2 || not_ok "spoke2 starts"
eventually 15 "a new spoke gets in while it lasts" cloud_spoke_up 2
rekeyed() { local now; now=$(spis); [ -n "$now" ] && [ -z "$(comm -12 <(tr ' ' '\n' <<<"$had" | sed '/^$/d') <(tr ' ' '\n' <<<"$now" | sed '/^$/d'))" ]; }
eventually 30 "spoke1 rekeys meanwhile" rekeyed
cloud_hub_has 1 && cloud_hub_has 2; check $? "both are UP at the hub"
flow_intact through "spoke1's traffic loses nothing through all of it"
kill $spoof; wait $spoof 2>/dev/null
ended=$(rss)
[ $((ended - before)) -lt 6144 ]; check $? "memory is flat after $((SECONDS)) s, too" "$before kB, now $ended kB"
! grep -q 'peer-lost' "$TOPO_DIR/hub.log"; check $? "nobody was lost"
end
