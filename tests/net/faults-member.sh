#!/usr/bin/env bash
# A member that misbehaves on purpose, with every right to be there: it floods NHRP, it flaps. Others do not notice, what it costs is
# bounded, and the operator of the hub sees who it is and what it does.
LIMIT=300
CLOUD_SPOKES="1 2 4"
# shellcheck disable=SC2034
CLOUD_PLANE_spoke4=user	# odd floods by our own plane
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"
[ -x "$BUILDDIR/tests/net/odd" ] || { not_ok "tests/net/odd is built"; exit 1; }

rss() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$(cloud_pid hub)/status"; }	# kilobytes
cpu() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$(cloud_pid hub)/stat"; }	# hundredths of a second
lines_of() { grep -c "^[^ ]* \(error\|warning\|notice\|info\) .*$1" "$TOPO_DIR/hub.log"; }
limited() { ctl hub show ip nhrp traffic | grep "Rate-limited: peer .*spoke4"; }

# ---- the flood
cloud_topology || { not_ok "the topology can be built"; exit 1; }
for n in 0 $CLOUD_SPOKES; do cloud_conf "$n"; done
cloud_start 0 && cloud_start 1 && cloud_start 2 || { not_ok "hub and spokes start"; exit 1; }
(NHRPD=$BUILDDIR/tests/net/odd; export ODD_FLOOD=8000 ODD_GO=$TOPO_DIR/go; cloud_start 4) || not_ok "the member that will flood starts"
eventually 60 "every spoke is UP" cloud_up || { ctl hub show dmvpn; exit 1; }
m0=$(rss) l0=$(lines_of spoke4)
touch "$TOPO_DIR/go"
eventually 10 "the hub's show ip nhrp traffic names who is over its share" limited
note "$(limited)"
c0=$(cpu) t0=${EPOCHREALTIME/[.,]/}
out=$(cloud_ping spoke1 "$(lan_host 0)" 100 0.05)
[[ $out == *" 0% packet loss"* ]]; check $? "spoke1 and the hub lose nothing meanwhile" "$(tail -n 2 <<<"$out" | tr '\n' ' ')"
go_direct 1 2
cloud_stop spoke2 KILL
cloud_start 2
eventually 20 "a spoke that starts meanwhile registers as ever" cloud_spoke_up 2 || ctl spoke2 show dmvpn
t=$(((${EPOCHREALTIME/[.,]/} - t0) / 10000)) c=$(($(cpu) - c0))
[ $((100 * c / t)) -le 60 ]; check $? "the hub's share of a processor is bounded" "$((100 * c / t)) %"
m=$(($(rss) - m0))
[ $m -le 8192 ]; check $? "and its memory" "$m kB more"
ctl hub show dmvpn peer "$(overlay 4)" detail | grep -q 'dropped: over ip nhrp max-receive.*still going on'; check $? "show dmvpn detail says it of the peer" \
	"$(ctl hub show dmvpn peer "$(overlay 4)" detail | grep 'NHRP: ' | tr -s ' ')"
ctl hub show ip nhrp traffic | grep -q 'refused: sender is over its share'; check $? "and show ip nhrp traffic counts it" "$(ctl hub show ip nhrp traffic | grep 'over its share' | tr -s ' ')"
n=$(($(lines_of spoke4) - l0))
[ $n -le 45 ]; check $? "the log has a few lines about it" "$n"
grep -q 'nhrp-rate-limited: peer .*spoke4.*sends more than 1000 NHRP packets in 10 s' "$TOPO_DIR/hub.log"; check $? "one of them says what is wrong" "$(grep nhrp-rate-limited "$TOPO_DIR/hub.log" | head -n 1)"
rm "$TOPO_DIR/go"
over() { limited | grep -vq 'still going on'; }
eventually 15 "it ends: so it is shown" over
calm() { cloud_spoke_up 4 && cloud_ping spoke4 "$(lan_host 0)"; }
eventually 30 "and the member works again as a member" calm || ctl spoke4 show dmvpn

# ---- flapping
l0=$(lines_of spoke4)
for ((i = 0; i < 60; i++)); do ctl spoke4 clear dmvpn peer all >/dev/null; wait_for 5 cloud_spoke_up 4; done
flaps=$i n=$(($(lines_of spoke4) - l0))
[ $n -le 60 ]; check $? "a member that flaps $flaps times has its share of log lines" "$n"
held() { grep -q 'log-suppressed: fqdn spoke4.* not written' "$TOPO_DIR/hub.log"; }
eventually 75 "and what was not written is summed up" held
note "$(grep log-suppressed "$TOPO_DIR/hub.log" | tail -n 1)"
eventually 30 "everyone is UP" cloud_up
nothing_in_clear "all the time"
end
