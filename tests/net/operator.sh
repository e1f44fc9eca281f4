#!/usr/bin/env bash
# What an operator does at a cloud that runs: timelines, probes, debugging, static routes, each show as JSON, and a running
# configuration that loads to itself.
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"
cloud_topology || { not_ok "the topology can be built"; exit 1; }
for n in 0 $CLOUD_SPOKES; do cloud_conf "$n"; done
# static routes by the daemon: nobody else sets any here
cloud_routes() { :; }
for n in $CLOUD_SPOKES; do
	echo "ip route 172.16.0.0 255.255.0.0 $(overlay 0)" >>"$TOPO_DIR/spoke$n.conf"
	echo "ip route 172.16.$n.0/24 $(overlay "$n")" >>"$TOPO_DIR/hub.conf"
done
start_all
eventually 60 "every spoke is UP" cloud_up || { ctl hub show dmvpn; exit 1; }

# ---- static routes
routes() { ns "$1" ip -4 route show proto 146 | wc -l; }
[ "$(routes hub)" = 3 ] && [ "$(routes spoke1)" = 1 ]; check $? "ip route: the daemons set their static routes" "$(ns hub ip route show proto 146 | tr '\n' ';')"
everyone_reaches_everyone lan_host
sed -i 's|^ip route 172.16.3.0/24.*|ip route 172.16.33.0/24 10.255.0.13|' "$TOPO_DIR/hub.conf"
ctl hub reload | grep -q '+ ip route 172.16.33.0/24'; check $? "reload tells the difference"
ns hub ip route show proto 146 | grep -q '^172.16.33.0/24 via 10.255.0.13 dev dmvpn0' && ! ns hub ip route show proto 146 | grep -q '^172.16.3.0/24'
check $? "and applies it" "$(ns hub ip route show proto 146 | tr '\n' ';')"
kill -STOP "$(cloud_pid hub)"	# up again before it can look
ns hub ip link set dmvpn0 down; ns hub ip link set dmvpn0 up
kill -CONT "$(cloud_pid hub)"
back() { [ "$(routes hub)" = 3 ]; }
eventually 5 "routes come back with the interface" back
ns spoke3 ip link del dmvpn0
back3() { [ "$(routes spoke3)" = 1 ]; }
eventually 15 "also where it was deleted under the daemon" back3
sed -i 's|^ip route 172.16.33.0/24.*|ip route 172.16.3.0/24 10.255.0.13|' "$TOPO_DIR/hub.conf"; ctl hub reload >/dev/null
eventually 60 "everyone is UP" cloud_up

# ---- a timeline over all layers, in order
go_direct 1 2
one_goes() { ns spoke1-h ping -c 1 -W 1 "$(lan_host 2)" >/dev/null; [[ $(steps) == *first-packet-out* ]]; }	# the route can be there before anybody sends again
steps() { ctl spoke1 -j show dmvpn peer "$(overlay 2)" timeline | sed -n 's/.*"step": "\(.*\)",.*/\1/p' | tr '\n' ' '; }
wait_for 10 one_goes; line=$(steps)
# who was proved by the other side's probe sends none of its own
probes=("resolution-reply probe-sent" "probe-sent probe-answered" "probe-answered neighbour-set")
[[ $line == *probe-sent* ]] || probes=("resolution-reply neighbour-set")
for pair in "redirect resolution-sent" "resolution-sent resolution-reply" "${probes[@]}" "neighbour-set route-set" "route-set up" "up first-packet-out"; do
	[[ $line == *" ${pair% *} "*" ${pair#* } "* || $line == "${pair% *} "*" ${pair#* } "* || $line == *"${pair% *} ${pair#* } "* ]]
	check $? "timeline of the shortcut: ${pair/ / before }" "$([[ $line == *"${pair#* }"* ]] || echo "$line")"
done
[[ $line == *ike-init-* && $line == *ike-up* && $line == *sa-installed* ]]; check $? "IKE and the ESP SAs stand in it"
ctl spoke1 show dmvpn peer "$(overlay 2)" timeline | grep -q 'shortcut to 172.16.2.0/24'; check $? "and people can read it"
ctl spoke1 show dmvpn peer 10.255.0.99 timeline >/dev/null; [ $? = 1 ]; check $? "nobody's timeline: exit 1"

# ---- probe
out=$(ctl spoke1 probe "$(overlay 2)" count 2); check $? "probe: another spoke answers" "$(tail -n 1 <<<"$out")"
out=$(ctl hub probe "$(overlay 3)" count 1); check $? "probe: a spoke behind NAT answers its hub" "$(tail -n 1 <<<"$out")"
topo_gone() { ns spoke2 nft "add table ip cut; add chain ip cut i { type filter hook input priority 0; }; add rule ip cut i iifname wan drop"; }
topo_gone; out=$(ctl spoke1 probe "$(overlay 2)" count 1); rc=$?
[ $rc = 1 ] && grep -q 'no answer over the SA' <<<"$out"; check $? "probe: packets swallowed on the way: no answer, exit 1" "$out"
ns spoke2 nft delete table ip cut
out=$(ctl spoke1 probe 10.255.0.99); [ $? = 1 ] && grep -q 'no such peer' <<<"$out"; check $? "probe: nobody there" "$(head -n 1 <<<"$out")"

# ---- debugging of one peer
ctl hub debug nhrp peer "$(overlay 1)" >/dev/null
ctl spoke1 probe "$(overlay 0)" count 1 >/dev/null; ctl spoke2 probe "$(overlay 0)" count 1 >/dev/null
ctl hub show logging | grep -q 'nhrp-in: Resolution-Request .*spoke1'; check $? "debug nhrp peer: its packets are seen"
! ctl hub show logging | grep -q 'nhrp-in: .*spoke2'; check $? "and nobody else's"
ctl hub undebug all >/dev/null; before=$(ctl hub show logging | wc -l)
ctl spoke1 probe "$(overlay 0)" count 1 >/dev/null
[ "$(ctl hub show logging | wc -l)" = "$before" ]; check $? "undebug all: silence"

# ---- every show is JSON, in each family
while read -r line; do
	out=$(ctl spoke1 -j $line 2>&1); [ "${out:0:1}" = "{" ] && [ "${out: -1}" = "}" ]; check $? "-j $line" "$([ "${out:0:1}" = "{" ] || echo "$out")"
done < <("$NHRPCTL" help | sed -n 's/^  \(show [^A-Z[]*\).*/\1/p' | sed 's/ *$//; s/show dmvpn peer/& 10.255.0.1/; s/^\(show \)ip|ipv6 \(.*\)/\1ip \2\n\1ipv6 \2/; s/  .*//' | sort -u)

# ---- what runs loads to the same
for n in hub spoke1; do
	ctl $n show running-config secrets >"$TOPO_DIR/$n.again"
	cp "$TOPO_DIR/$n.conf" "$TOPO_DIR/$n.was"; cp "$TOPO_DIR/$n.again" "$TOPO_DIR/$n.conf"
	out=$(ctl $n reload); grep -q 'nothing is different' <<<"$out"; check $? "$n: show running-config loads to the same" "$out"
	ctl $n show running-config secrets | diff - "$TOPO_DIR/$n.again" >/dev/null; check $? "$n: and shows the same again"
done
cloud_up; check $? "and nobody went down"
nothing_in_clear "all the time"
end
