#!/usr/bin/env bash
# `nhrpctl why ADDRESS` names the layer that is broken, and its cause: faults put in one by one, in configurations, in the kernel's
# tables, in the network; and nothing where nothing is wrong.
LIMIT=280
CLOUD_SPOKES="1 2 3 4 5 6 7 8 9 10 11 12 13"
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

faults=0
why() { ctl "$1" -j why "$2"; }
value() { sed -n "s/^ *\"$1\": \"\\(.*\\)\",*$/\\1/p"; }
says() {	# SITE ADDRESS LAYER CAUSE
	local out; out=$(why "$1" "$2")
	[ "$(value broken <<<"$out")" = "$3" ] && value cause <<<"$out" | grep -Eq "$4"
}
fault() {	# TEXT SITE ADDRESS LAYER CAUSE: the fault is there already
	local text=$1; shift
	faults=$((faults + 1))
	eventually 25 "$text: $3" says "$@" || ctl "$1" why "$2"
	note "$(why "$1" "$2" | value cause)"
}
fine() { ctl "$1" why "$2" >/dev/null; }	# SITE ADDRESS
well() { eventually 30 "$1" fine "$2" "$3" || ctl "$2" why "$3"; }
mistake() { sed -i "$2" "$TOPO_DIR/spoke$1.conf"; }	# SPOKE SED

cloud_topology || { not_ok "the topology can be built"; exit 1; }
for n in 0 $CLOUD_SPOKES; do cloud_conf "$n"; done
mistake 4 's/pre-shared-key of-the-hub.*/pre-shared-key a-wrong-one/'
mistake 5 's/identity local fqdn .*/identity local fqdn spoke5.other.example/'
mistake 6 's/tunnel key 42/tunnel key 43/'
mistake 7 's/nhrp authentication .*/nhrp authentication wr0ng/'
mistake 8 's/^ mode transport/ mode transport\n!\ncrypto ikev2 proposal WEAK\n encryption aes-gcm-128\n prf sha256\n group 14\n!\ncrypto ikev2 policy WEAK\n proposal WEAK/'
sed -i 's/^ mode transport/ mode transport\n!\ncrypto ikev2 proposal STRONG\n encryption aes-gcm-256\n prf sha384\n group 20\n!\ncrypto ikev2 policy STRONG\n proposal STRONG/' "$TOPO_DIR/hub.conf"
mistake 9 's/esp-gcm 256/esp-gcm 128/'
mistake 10 's/match identity remote fqdn domain .*/match identity remote fqdn domain other.example/'
mistake 11 's/ip address .*/ip address 10.255.0.11\/24/'
mistake 12 "s/nhs $(overlay 0) nbma $(hub_nbma)/nhs $(overlay 0) nbma 198.18.11.9/"
mistake 13 "s/tunnel source wan/tunnel source wan9/"
for n in 0 1 2 3; do cloud_start "$n" || { not_ok "$(site "$n") starts"; exit 1; }; done
CLOUD_WAS=$CLOUD_SPOKES CLOUD_SPOKES="1 2 3"
eventually 60 "the three without a mistake are UP" cloud_up || { ctl hub show dmvpn; exit 1; }
for n in 4 5 6 7 8 9 10 11 12 13; do cloud_start "$n" || not_ok "spoke$n starts"; done
eventually 20 "nothing is wrong: exit status 0" fine spoke1 "$(lan_host 0)"
[ -z "$(why spoke1 "$(lan_host 0)" | value broken)" ]; check $? "and no layer is named"
fine hub "$(lan_host 2)"; check $? "nor at the hub"
fine spoke1 "$(overlay 2)"; check $? "a spoke that nobody has asked for yet: by the hub"
fine spoke1 "$(hub_nbma)"; check $? "asked for by the outer address"
fine spoke1 172.16.1.1; check $? "an address of its own"

# ---- mistakes in configurations
H=$(overlay 0)
fault "wrong pre-shared key" spoke4 "$H" ike 'authentication failed.*pre-shared key'
fault "an identity the hub does not take" spoke5 "$H" ike 'authentication failed.*identity'
fault "wrong tunnel key" spoke6 "$H" mapping 'tunnel key'
fault "wrong NHRP authentication string" spoke7 "$H" mapping 'authentication string'
fault "IKE proposals with nothing in common" spoke8 "$H" ike 'no proposal in common'
fault "transform sets with nothing in common" spoke9 "$H" ipsec 'no IPsec proposal in common'
fault "a hub the profile does not take" spoke10 "$H" ike 'does not match profile MESH'
fault "the tunnel address of another" spoke11 "$H" mapping "tunnel address is another's"
fault "nobody at the hub's address" spoke12 "$H" ike 'no answer|unreachable'
fault "a source interface that is not there" spoke13 "$H" interface 'tunnel source wan9 of dmvpn0 has no address'

# ---- what somebody did to the kernel's tables
go_direct 1 2
L=$(lan_host 2)
ns spoke1 ip neigh del "$(overlay 2)" dev dmvpn0
fault "the neighbour was deleted" spoke1 "$L" neighbour 'no entry for 10.255.0.12'
ctl spoke1 clear ip nhrp >/dev/null; well "what it says to do next, mends it" spoke1 "$L"
go_direct 1 2
ns spoke1 ip route del 172.16.2.0/24 proto 145
fault "a shortcut's route was deleted" spoke1 "$L" shortcut 'took ours away'
ctl spoke1 clear ip nhrp shortcut >/dev/null; well "cleared" spoke1 "$L"
ns spoke1 ip route del 172.16.0.0/16 dev dmvpn0
fault "no route into the tunnel" spoke1 "$(lan_host 0)" route 'blackhole'
ns spoke1 ip route add 172.16.0.0/16 via 198.18.11.1 dev wan
fault "a route past the tunnel" spoke1 "$(lan_host 0)" route 'leaves by wan'
ns spoke1 ip route del 172.16.0.0/16 dev wan; ns spoke1 ip route add 172.16.0.0/16 via "$H" dev dmvpn0
ns spoke1 ip route del default
fault "no way outside" spoke1 "$(lan_host 0)" underlay 'no route to 198.18.10.2'
ns spoke1 ip route add default via 198.18.11.1
ns spoke1 ip route add prohibit 198.18.10.2
fault "the way outside is prohibited" spoke1 "$(lan_host 0)" underlay 'prohibits'
ns spoke1 ip route del prohibit 198.18.10.2; ns spoke1 ip route add 198.18.10.2 dev dmvpn0
fault "the hub's outer address is routed into the tunnel" spoke1 "$(lan_host 0)" underlay 'routed into dmvpn0'
ns spoke1 ip route del 198.18.10.2 dev dmvpn0; ns spoke1 ip link set dmvpn0 down
fault "the interface is down" spoke1 "$H" interface 'dmvpn0 is down'
ns spoke1 ip link set dmvpn0 up; ns spoke1 ip -batch - < <(cloud_routes 1)
well "all of that taken back" spoke1 "$(lan_host 0)"

# ---- who is not there, and what the network swallows
fault "a spoke that never registered, at the hub" hub 10.255.0.77 mapping 'has not registered'
ns spoke1-h ping -c 1 -W 1 10.255.0.77 >/dev/null
fault "and asked for by another spoke" spoke1 10.255.0.77 mapping '10.255.0.77 is: '
fault "an address of nobody" spoke1 192.0.2.77 route 'leaves by wan'
wall inet esp-in-udp
fault "ESP in UDP is filtered, IKE is not" spoke2 "$H" answer 'silent'
wall_down inet; well "no more" spoke2 "$H"
ns nat conntrack -F >/dev/null 2>&1
eventually 30 "the NAT forgot its ports: that mends itself" fine spoke2 "$H"
cloud_stop spoke2 KILL
wall inet "from 198.18.12.2 udp 500" "from 198.18.12.2 udp 4500"
cloud_start 2
fault "UDP 500 and 4500 are filtered" spoke2 "$H" ike 'no answer'
wall_down inet
eventually 60 "no more: UP" cloud_spoke_up 2
kill -STOP "$(cloud_pid hub)"
fault "the hub hangs, and nobody has noticed yet" spoke3 "$H" answer 'silent'
fault "the hub hangs, and it was noticed" spoke3 "$H" ike 'no answer|liveness|does not answer'
kill -CONT "$(cloud_pid hub)"
CLOUD_SPOKES=$CLOUD_WAS
[ $faults -ge 25 ]; check $? "faults put in" "$faults"
end
