#!/usr/bin/env bash
# FRR's nhrpd over strongSwan's kernel ESP as a spoke of our hub, beside a spoke of ours: registration, also through NAT and with
# forced encapsulation; resolution, redirect and a shortcut between the two; re-registration after either end starts anew.
LIMIT=300
# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/frr.sh
. "$(dirname "$0")/frr.sh"

note "strongSwan $(swan_version), FRR $FRR_VERSION, kernel $(uname -r); ours $("$NHRPD" --version 2>&1 | head -n 1)"
{ ns_new inet && topo_site hub 10 && swan_site 1 11 && topo_nat nat 12 && swan_behind 2 2 && topo_site spoke1 13; } ||
	{ not_ok "the topology can be built"; exit 1; }
topo_watch inet s10 s13	# what ours send
TOPO_WATCHED=inet
topo_lan swan1 1; topo_lan swan2 2; topo_lan spoke1 3; topo_lan hub 0
ours_conf
our_spoke spoke1
ours_start || { not_ok "our hub starts"; exit 1; }
our_spoke_start spoke1
for n in swan1 swan2; do
	frr_gre $n
	SWAN_REMOTE_ADDRS=%any SWAN_REMOTE_ID=%any SWAN_CONN=$([ $n != swan1 ] || echo 'encap = yes'; echo; echo 'dpd_delay = 3s') swan_conf $n
	swan_start $n
	FRR_NFLOG=1 frr_start $n
done
ns hub ip -batch - <<-END
	route replace 172.16.1.0/24 via $(swan_overlay swan1) dev dmvpn0
	route replace 172.16.2.0/24 via $(swan_overlay swan2) dev dmvpn0
	route replace 172.16.3.0/24 via $(swan_overlay spoke1) dev dmvpn0
END
up() { cloud_peer_up hub "$(swan_overlay "$1")" none; }
eventually 30 "our spoke is UP at our hub" up spoke1
eventually 30 "FRR over strongSwan is UP at our hub (encap = yes)" up swan1
eventually 30 "and behind NAT" up swan2
ctl hub show ip nhrp
for n in swan1 swan2; do
	eventually 10 "$n: the hub is its NHS" ping_ours $n
	ns $n ip route replace 172.16.0.0/16 via $OVERLAY_OURS dev gre1 onlink
	traffic $n "$n"
done
ns spoke1 ip route replace 172.16.0.0/16 via $OVERLAY_OURS dev dmvpn0
eventually 20 "LAN to LAN by the hub: FRR to ours" ns swan1-h ping -n -q -c 1 -W 2 172.16.3.10
eventually 20 "and ours to FRR behind NAT" ns spoke1-h ping -n -q -c 1 -W 2 172.16.2.10

# ---- shortcut: our hub redirects both
direct_ours() { ns spoke1 ip route get 172.16.1.10 | grep -q "via $(swan_overlay swan1)\b"; }
ns_exec spoke1-h ping -n -q -i 0.1 172.16.1.10 >/dev/null 2>&1 & chat=$!
eventually 40 "our spoke makes a shortcut to FRR's" direct_ours || { ctl spoke1 show ip nhrp shortcut; ctl spoke1 show dmvpn; }
direct_frr() { frr_show swan1 show ip nhrp shortcut 2>/dev/null | grep -q '172\.16\.3\.0/24'; }
eventually 40 "FRR's makes one to ours" direct_frr || frr_show swan1 show ip nhrp cache
kill $chat; wait $chat 2>/dev/null
out=$(ns spoke1-h ping -n -q -c 20 -i 0.05 -W 2 172.16.1.10)
[[ $out == *" 0% packet loss"* ]]; check $? "the direct way carries" "$(tail -n 2 <<<"$out" | tr '\n' ' ')"

direct_nat() { ns spoke1 ip route get 172.16.2.10 | grep -q "via $(swan_overlay swan2)\b"; }
ns_exec spoke1-h ping -n -q -i 0.1 172.16.2.10 >/dev/null 2>&1 & chat=$!
eventually 40 "our spoke makes a shortcut to FRR's behind NAT" direct_nat || { ctl spoke1 show ip nhrp shortcut; ctl spoke1 show dmvpn; }
kill $chat; wait $chat 2>/dev/null
out=$(ns spoke1-h ping -n -q -c 20 -i 0.05 -W 2 172.16.2.10)
[[ $out == *" 0% packet loss"* ]]; check $? "which carries" "$(tail -n 2 <<<"$out" | tr '\n' ' ')"
! grep 'ike-dial-failed.*selectors' "$TOPO_DIR/spoke1.log"; check $? "no misunderstanding about selectors"

# ---- either end anew
cloud_stop swan1-nhrpd; cloud_stop swan1-zebra; swan_stop swan1 KILL
ns swan1 ip xfrm state flush; ns swan1 ip xfrm policy flush; ns swan1 ip neigh flush dev gre1
SWAN_REMOTE_ADDRS=%any SWAN_REMOTE_ID=%any SWAN_CONN='dpd_delay = 3s' swan_conf swan1; swan_start swan1; frr_start swan1
eventually 60 "FRR and charon started anew: registered again" ping_ours swan1
ours_stop KILL
ours_start || not_ok "our hub starts again"
eventually 90 "our hub killed and started: FRR's registers again" up swan1
eventually 30 "with traffic" ping_ours swan1
eventually 90 "so does the one behind NAT" up swan2
nothing_in_clear "all the time"
end
