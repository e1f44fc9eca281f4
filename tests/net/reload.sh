#!/usr/bin/env bash
# Reload applies the difference: 1000 packets/s between those that did not change lose nothing, whatever else is reloaded. A
# keyring entry that goes closes its peer only, a bad file changes nothing, interfaces come and go.
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

CONF=$TOPO_DIR
edit() { sed -i "$2" "$CONF/$1.conf"; }	# NAME SED
# reload_says NAME STATUS PATTERN TEXT
reload_says() {
	local rc; OUT=$(ctl "$1" reload 2>&1); rc=$?
	[ $rc = "$2" ] && grep -Eq -- "$3" <<<"$OUT"
	check $? "$4" "$([ $rc = "$2" ] || echo "exit $rc, ")$(tail -n 3 <<<"$OUT" | tr '\n' ';')"
}
said() { ctl "$1" show running-config | grep -Fq -- "$2"; }
spis() { ctl "$1" show crypto session | grep -oE '\b0x[0-9a-f]{8}\b|\b[0-9a-f]{8}\b' | sort -u; }
hold_at_hub() {	# SPOKE SECONDS: its registration at the hub lives longer than that
	ctl hub -j show ip nhrp "$(overlay "$1")" | tr -d ' ' | awk -F'[:,]' -v s="$2" '$1 == "\"expires_in_s\"" && $2 > s { ok = 1 } END { exit !ok }'
}
nhs_up() { ctl "$1" show ip nhrp nhs | grep -F "$2" | grep -Eqi 'registered|UP|RE'; }

whole_cloud
go_direct 1 2
before=$(spis spoke1)
flow_start direct spoke1 spoke2 "$(lan_host 2)" 5001 30000 1000
flow_start hub hub spoke1 "$(lan_host 1)" 5002 30000 1000

# ---- nothing, and parameters
reload_says hub 0 'nothing is different' "the same file again: nothing is different"
edit spoke1 's/holdtime 60/holdtime 600/'
reload_says spoke1 0 '\+ ip nhrp holdtime 600' "another holding time is applied, and said"
eventually 5 "the hub keeps spoke1 that long at once" hold_at_hub 1 300
edit hub 's/ip nhrp redirect/&\n tunnel key 42\n ip mtu 1360/'
reload_says hub 0 'interface dmvpn0: \+ ip mtu 1360' "the hub's MTU"
ns hub ip link show dmvpn0 | grep -q 'mtu 1360'; check $? "the interface has it"

# ---- a bad file
cp "$CONF/hub.conf" "$CONF/hub.good"
edit hub 's/ip nhrp holdtime 60/ip nhrp holdtime many/'
reload_says hub 1 "hub.conf:[0-9]+:[0-9]+: .*many" "a bad line is refused with its place"
said hub 'holdtime 60'; check $? "and nothing has changed"
kill -HUP "$(cloud_pid hub)"
eventually 5 "SIGHUP says the same in the log" grep -q 'reload-failed: not reloaded' "$TOPO_DIR/hub.log"
cp "$CONF/hub.good" "$CONF/hub.conf"

# ---- a keyring entry less, and back
sed -i '/^ peer spoke3/,/pre-shared-key/d' "$CONF/hub.conf"
kill -HUP "$(cloud_pid hub)"
lost() { ! cloud_hub_has 3; }
eventually 5 "spoke3 is closed when its key goes" lost
cloud_hub_has 1 && cloud_hub_has 2; check $? "spoke1 and spoke2 stay"
grep -q 'its pre-shared key was changed or removed' "$TOPO_DIR/hub.log"; check $? "the log says why"
cp "$CONF/hub.good" "$CONF/hub.conf"
reload_says hub 0 '\+ peer spoke3|\+ pre-shared-key' "its key comes back"

# ---- an NHS more, and less
sed -i 's/^ ip nhrp shortcut/&\n ip nhrp nhs 10.255.0.11 nbma 198.18.11.2/' "$CONF/spoke3.conf"
reload_says spoke3 0 '\+ ip nhrp nhs 10.255.0.11' "spoke3 gets a second hub (spoke1)"
eventually 70 "it registers there" nhs_up spoke3 10.255.0.11
eventually 70 "and is back at the first" cloud_hub_has 3
sed -i '/nhs 10.255.0.11/d' "$CONF/spoke3.conf"
reload_says spoke3 0 '- ip nhrp nhs 10.255.0.11' "and loses it again"
left() { ! nhs_up spoke3 10.255.0.11; }
eventually 5 "it is not registered there any more" left
cloud_spoke_up 3; check $? "but at the first"

# ---- an interface more, and less
cat >>"$CONF/hub.conf" <<-EOF
	interface dmvpn1
	 ip address 10.254.0.1/24
	 tunnel source lan0
	 tunnel key 43
	 tunnel protection ipsec profile MESH
	 ip nhrp network-id 2
	 no shutdown
EOF
reload_says hub 0 '\+ interface dmvpn1' "an interface more"
ns hub ip link show dev dmvpn1 up | grep -q UP; check $? "it is there"
ctl hub show dmvpn | grep -q dmvpn1; check $? "and is shown"
cp "$CONF/hub.good" "$CONF/hub.conf"
reload_says hub 0 '- interface dmvpn1' "an interface less"
gone() { ! ns hub ip link show dmvpn1; }
eventually 3 "it is gone" gone

flow_intact direct "30 s of 1000 packets/s from spoke1 to spoke2: none lost, doubled or late over all of it"
flow_intact hub "the same from the hub to spoke1"
[ "$before" = "$(spis spoke1)" ]; check $? "spoke1 has the SAs it had"
eventually 60 "everyone is UP" cloud_up
nothing_in_clear "all the time"
end
