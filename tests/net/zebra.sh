#!/usr/bin/env bash
# Shortcuts through a real zebra: their prefixes are NHRP routes there, win over a protocol's route and give it back; zebra killed,
# stopped, started again: nothing is lost, nothing is left behind. Also the switch by a reload.
CLOUD_SPOKES='1 2' FRR_NEEDS=staticd
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"
# shellcheck source=tests/net/frr.sh
. "$SRCDIR/tests/net/frr.sh"
note "FRR $FRR_VERSION"

LAN2=172.16.2.0/24
n_route() { frr_show spoke1 show ip route nhrp json | tr -d ' \n' | grep -q "\"$LAN2\":.*\"installed\":true"; }
no_n_route() { ! frr_show spoke1 show ip route nhrp json | grep -q "$LAN2"; }
is_by() { ctl spoke1 show ip route nhrp | grep -q "$LAN2 .*dmvpn0, by $1$"; }
protos() { ns spoke1 ip route show $LAN2 | sed -n 's/.*proto \([^ ]*\).*/\1/p' | sort | tr '\n' ' '; }
protos_are() { [ "$(protos)" = "$1" ]; }
session_up() { ctl spoke1 show zebra | grep -q ': up,'; }
session_down() { ctl spoke1 show zebra | grep -Eq ': (away|asking)'; }

cloud_topology || { not_ok "the topology can be built"; exit 1; }
for n in 0 1 2; do cloud_conf $n; done
frr_zebra_conf spoke1
start_all
eventually 60 "every spoke is UP" cloud_up || exit 1

# ---- without zebra: the kernel
go_direct 1 2
eventually 10 "without zebra the kernel has the shortcut" is_by kernel
ctl spoke1 show zebra
[ $? = 1 ]; check $? "show zebra answers 1 while there is none"

# ---- zebra comes while traffic flows: the route moves
flow_start switch spoke1 spoke2 "$(lan_host 2)" 5101 1500 500
frr_start spoke1 zebra staticd || exit 1
eventually 15 "zebra comes: the session is up" session_up
eventually 10 "the shortcut's prefix is an N route, installed" n_route
eventually 10 "only zebra's stands in the kernel" protos_are "nhrp "
eventually 5 "show ip route nhrp says so" is_by zebra
flow_whole switch "no packet is lost while the route moves from the kernel to zebra"
ctl spoke1 show zebra; check $? "show zebra"
ctl spoke1 show ip route nhrp
frr_show spoke1 show ip route nhrp

# ---- it wins over a protocol's route to the same prefix, and gives it back
hub_route() { ns spoke1 ip route get "$(lan_host 2)" | grep -q 'via 10.255.0.1 '; }
frr_paste spoke1 <<-END
	ip route $LAN2 10.255.0.1
END
static_known() { frr_show spoke1 show ip route $LAN2 | grep -q static; }
learnt() { ctl spoke1 -j show zebra | tr -d ' \n' | grep -q '"learnt":1,'; }
eventually 10 "zebra has a static route to the same prefix" static_known
cloud_direct 1 2; check $? "the shortcut wins over it"
ctl spoke1 clear ip nhrp shortcut
eventually 10 "the shortcut gone, the static route is back in force" hub_route
eventually 5 "and no N route is left" no_n_route
go_direct 1 2
eventually 10 "direct again, and the static route is hidden" protos_are "nhrp "
eventually 10 "it is still known, from zebra: the kernel does not have it" learnt

# ---- the route below is withdrawn: the shortcut goes with it at once, and comes back by the wider one
withdraw() {
	frr_paste spoke1 <<-END
			no ip route $LAN2 10.255.0.1
	END
}
flow_start below spoke1 spoke2 "$(lan_host 2)" 5102 1500 500
withdraw
gone_or_new() { ! learnt_any; }
learnt_any() { ctl spoke1 -j show zebra | tr -d ' \n' | grep -q '"learnt":[1-9]'; }
eventually 10 "the route below is withdrawn" gone_or_new
eventually 20 "traffic goes direct again" n_route
flow_whole below "no packet is lost when the route below goes: the hub's wider route carries on"

# ---- zebra killed: the kernel has the route at once; started again: it moves back
flow_start killed spoke1 spoke2 "$(lan_host 2)" 5103 2000 500
frr_kill spoke1 zebra KILL
eventually 10 "zebra killed: the session ends" session_down
eventually 5 "ours is in the kernel, and nothing of zebra's is left" protos_are "145 "
frr_start spoke1 zebra
eventually 20 "zebra started again: announced again" n_route
eventually 10 "and out of the kernel" protos_are "nhrp "
flow_whole killed "no packet is lost while zebra is killed and started"

# ---- a shortcut that goes while zebra is away is not left behind
frr_kill spoke1 zebra KILL
eventually 10 "zebra killed again" session_down
ctl spoke1 clear ip nhrp shortcut
no_direct() { ! ns spoke1 ip route show $LAN2 | grep -q .; }
eventually 10 "a shortcut cleared while zebra is away leaves no route" no_direct
frr_start spoke1 zebra
eventually 20 "the session is up" session_up
sleep 0.2
no_n_route && no_direct; check $? "and zebra has none" "$(protos)"

# ---- zebra's socket is FRR's and nobody else's, and nhrpd has given up the right to pass by that: a process of its own connects
frr_kill spoke1 zebra KILL
eventually 10 "zebra killed once more" session_down
kill -STOP "$(cloud_pid spoke1)"
frr_start spoke1 zebra
chmod 700 "$(frr_dir spoke1)/zserv.api"
if chown 1:1 "$(frr_dir spoke1)/zserv.api" 2>/dev/null; then
	[ -z "$(grep CapEff.*2$ /proc/"$(cloud_pid spoke1)"/status)" ]; check $? "nhrpd has no CAP_DAC_OVERRIDE"
else
	note "only one user here: the socket stays ours"
fi
kill -CONT "$(cloud_pid spoke1)"
eventually 20 "a socket that is another user's: the session is up" session_up

# ---- stopped in order; and told not to look for it
go_direct 1 2
eventually 10 "through zebra" n_route
frr_kill spoke1 zebra TERM
eventually 10 "zebra stopped in order: the kernel has the route" protos_are "145 "
frr_start spoke1 zebra
eventually 20 "and back" protos_are "nhrp "
flow_start off spoke1 spoke2 "$(lan_host 2)" 5104 1500 500
echo 'zebra off' >>"$TOPO_DIR/spoke1.conf"
ctl spoke1 reload >/dev/null; check $? "reload with zebra off"
eventually 10 "the kernel has the route, zebra none" protos_are "145 "
eventually 10 "no N route is left" no_n_route
sed -i '/^zebra off/d' "$TOPO_DIR/spoke1.conf"
printf 'zebra version 8.4\nzebra distance 77\n' >>"$TOPO_DIR/spoke1.conf"
if [[ $FRR_VERSION != 8.4* ]]; then sed -i '/^zebra version/d' "$TOPO_DIR/spoke1.conf"; fi
ctl spoke1 reload >/dev/null; check $? "reload with zebra, its version and a distance"
eventually 20 "zebra has it again" n_route
frr_show spoke1 show ip route nhrp json | tr -d ' \n' | grep -q '"distance":77'; check $? "with that distance"
flow_whole off "no packet is lost while a reload turns zebra off and on"
ctl spoke1 show running-config | grep -q '^zebra distance 77'; check $? "show running-config has the words"

# ---- the interface goes down and comes up: zebra does not put routes back by itself, we do
ns spoke1 ip link set dmvpn0 down; ns spoke1 ip link set dmvpn0 up
chatter spoke1 "$(lan_host 2)"
with_route() { ns spoke1 ip route replace 172.16.0.0/16 via 10.255.0.1 dev dmvpn0 && cloud_direct 1 2; }
eventually 60 "the interface down and up: direct again" with_route
quiet
eventually 10 "through zebra" protos_are "nhrp "

# ---- our end: zebra takes our routes away
cloud_stop spoke1
eventually 10 "the daemon stopped: no N route is left" no_n_route
n=$(grep -c 'Zebra received unknown command' "$TOPO_DIR/spoke1-zebra.log")
note "zebra said $n times that it does not know a command: the questions for its release"
nothing_in_clear "all the time"
end
