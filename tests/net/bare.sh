#!/usr/bin/env bash
# Tunnels without protection, said so: `tunnel protection none`. Registration, LAN to LAN by the hub, a shortcut, multicast, restarts of
# either end, and who may not take part. A tunnel of which it is not said stays as it is. On both planes: tests/uml/bare.sh.
: "${LIMIT:=200}"
CLOUD_SPOKES="1 4" CLOUD_V6OVER=1
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

bare() { sed -i "s/^ tunnel protection ipsec.*/ tunnel protection none/" "$TOPO_DIR/$1.conf"; }
protected() { sed -i "s/^ tunnel protection none/ tunnel protection ipsec profile MESH/" "$TOPO_DIR/$1.conf"; }
said() { sed -n "s/.* $2: //p" "$TOPO_DIR/$1.log" | tail -n 1; }

cloud_topology || { not_ok "the topology can be built"; exit 1; }
for n in 0 $CLOUD_SPOKES; do cloud_conf "$n"; done
sed '/tunnel protection/d' "$TOPO_DIR/hub.conf" >"$TOPO_DIR/silent.conf"
out=$("$NHRPD" --check "$TOPO_DIR/silent.conf" 2>&1); [ $? = 2 ] && [[ $out == *'needs "tunnel protection ipsec profile NAME"'* ]]
check $? "saying nothing of protection is an error" "$(head -n 1 <<<"$out")"
for n in 0 $CLOUD_SPOKES; do bare "$(site "$n")"; sed -i "s,^ ip nhrp registration timeout .*, ip nhrp registration timeout 3," "$TOPO_DIR/$(site "$n").conf"; done
out=$("$NHRPD" --check "$TOPO_DIR/hub.conf" 2>&1); [ $? = 0 ] && [[ $out == *'can be read and forged'* ]]
check $? "tunnel protection none is taken, with a warning" "$(head -n 1 <<<"$out")"
start_all
said hub configuration | grep -q 'not protected'; check $? "which the log has as well" "$(said hub configuration)"
eventually 30 "every spoke is UP" cloud_up || { ctl hub show dmvpn; ctl hub show ip nhrp traffic; exit 1; }
ctl hub show dmvpn detail
[ "$(topo_count IKE)" = 0 ] && [ "$(topo_count ESP)" = 0 ]; check $? "without IKE and ESP"
everyone_reaches_everyone lan_host
everyone_reaches_everyone lan_host6
go_direct 1 4
out=$(ns spoke1-h ping -n -q -c 50 -i 0.02 -W 2 "$(lan_host 4)"); [[ $out == *" 0% packet loss"* ]]; check $? "the shortcut carries" "$(tail -n 2 <<<"$out" | tr '\n' ' ')"
before=$(cloud_forwarded)
ns spoke1-h ping -n -q -c 50 -i 0.02 -W 2 "$(lan_host 4)" >/dev/null
[ $(($(cloud_forwarded) - before)) -lt 40 ]; check $? "and the hub does not see it"
# no spoke's kernel answers a multicast ping but to 224.0.0.1 on its own device
out=$(ns hub ping -n -c 3 -i 0.2 -W 2 -I dmvpn0 224.0.0.1 2>&1); [[ $out == *"from $(overlay 1)"* && $out == *"from $(overlay 4)"* ]]
check $? "multicast reaches both" "$(grep -c 'bytes from' <<<"$out") answers"

# ---- either end anew
cloud_stop spoke1 KILL; cloud_start 1
eventually 30 "a spoke killed and started is UP again" cloud_up
wait_for 20 cloud_ping spoke1 "$(lan_host 0)"; check $? "with traffic"
cloud_stop hub KILL; cloud_start 0
eventually 60 "a hub killed and started has both again" cloud_up
wait_for 20 cloud_ping spoke1 "$(lan_host 0)"; check $? "with traffic"
ctl hub clear dmvpn peer all >/dev/null
eventually 60 "cleared by the operator, they come back" cloud_up

# ---- who may not
sed -i 's/^ ip nhrp authentication .*/ ip nhrp authentication other/' "$TOPO_DIR/spoke4.conf"
cloud_stop spoke4; ctl hub clear dmvpn peer all >/dev/null
cloud_start 4
bad_auth() { ctl hub show ip nhrp traffic | grep -i 'authentication' | grep -Eq '[1-9]'; }
eventually 20 "another password makes no peer" bad_auth || ctl hub show ip nhrp traffic
ctl hub show dmvpn | grep -q 198.18.14.2; [ $? != 0 ]; check $? "the hub has none at its address"
sed -i 's/^ ip nhrp authentication .*/ ip nhrp authentication s3cret/' "$TOPO_DIR/spoke4.conf"
cat >>"$TOPO_DIR/hub.conf" <<-END
	crypto ikev2 authorization policy SPOKE4
	 match identity remote address 198.18.14.2
	 ip nhrp allow address 10.255.0.99
END
ctl hub reload >"$TOPO_DIR/out" 2>&1 || { not_ok "the hub takes an authorization policy"; cat "$TOPO_DIR/out"; }
cloud_stop spoke4; cloud_start 4
refused() { grep -q 'not-allowed: .*198.18.14.2 claims 10.255.0.14' "$TOPO_DIR/hub.log"; }
eventually 30 "an authorization policy for its address limits it" refused && note "$(said hub not-allowed)"
other_up() { cloud_spoke_up 1 && cloud_hub_has 1; }
eventually 30 "and not the other" other_up

# ---- a reload makes it a protected one, and the reverse
sed -i '/^crypto ikev2 authorization/,$d' "$TOPO_DIR/hub.conf"
everywhere() {	# COMMAND: at each site, which then reads its file again
	local n
	for n in 0 $CLOUD_SPOKES; do
		"$1" "$(site "$n")"
		ctl "$(site "$n")" reload >"$TOPO_DIR/out" 2>&1 || { not_ok "$(site "$n") reloads"; cat "$TOPO_DIR/out"; }
		ns "$(site "$n")" ip -batch - < <(cloud_routes "$n")
	done
}
everywhere protected
eventually 60 "protected by a reload, all are UP" cloud_up
gre=$(topo_count GRE) esp=$(topo_count ESP)
everyone_reaches_everyone lan_host
[ "$(topo_count GRE)" = "$gre" ] && [ "$(topo_count ESP)" -gt "$esp" ]
check $? "and nothing leaves in clear any more" "$(($(topo_count GRE) - gre)) GRE, $(($(topo_count ESP) - esp)) ESP"
everywhere bare
eventually 60 "bare again by a reload" cloud_up
everyone_reaches_everyone lan_host
end
