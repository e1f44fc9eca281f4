#!/usr/bin/env bash
# Two NHRP networks in one daemon, over one source address: each with its tunnel key, its peers, its names. A spoke of both, and one
# behind NAT of the second only. What is of one network does not get into the other.
LIMIT=150
CLOUD_SPOKES="1 2"
export CLOUD_SPOKES
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

cloud_topology || { not_ok "the topology can be built"; exit 1; }
blue() { [ "$1" = 0 ] && echo 10.254.0.1 || echo "10.254.0.1$1"; }
blue_conf() {	# N: the second network, behind the first
	local name; name=$(site "$1")
	{
		cat <<-EOF
			crypto ikev2 keyring BLUE
			 peer all
			  identity fqdn domain blue.example
			  pre-shared-key only-of-the-blue-ones
			crypto ikev2 profile BLUE
			 match identity remote fqdn domain blue.example
			 identity local fqdn $name.blue.example
			 keyring local BLUE
			 dpd 10 2 periodic
			crypto ipsec profile BLUE
			 set ikev2-profile BLUE
			interface dmvpn1
			 ip address $(blue "$1")/24
			 tunnel source wan
			 tunnel key 43
			 tunnel protection ipsec profile BLUE
			 ip nhrp network-id 2
			 ip nhrp authentication blue
			 ip nhrp holdtime 60
			 ip nhrp registration timeout 15
		EOF
		if [ "$1" = 0 ]; then printf ' ip nhrp map multicast dynamic\n ip nhrp redirect\n'
		else printf ' ip nhrp nhs %s nbma %s multicast\n ip nhrp shortcut\n' "$(blue 0)" "$(hub_nbma)"; fi
	} >>"$TOPO_DIR/$name.conf"
}
for n in 0 1 2; do cloud_conf $n; blue_conf $n; done
sed -i '/^interface dmvpn0/,/^!/d' "$TOPO_DIR/spoke2.conf"	# of the second network only
cloud_device() { ctl "$1" show interface | grep -q "dmvpn[01] is up"; }
cloud_routes() { :; }
start_all
both_up() { ctl hub show dmvpn >"$TOPO_DIR/seen"; [ "$(grep -c ' UP ' "$TOPO_DIR/seen")" = 3 ]; }
eventually 60 "the hub has three peers in two networks" both_up || cat "$TOPO_DIR/seen"
of() { ctl hub show ip nhrp | sed -n "/$1/p" | wc -l; }
ctl hub show ip nhrp | grep -q "$(blue 2)"; check $? "spoke2 is in the second"
! ctl hub show ip nhrp | grep -q "$(overlay 2)"; check $? "and not in the first"
p() { ns "$1" ping -n -q -c "${4:-3}" -i 0.2 -W 2 -I "$2" "$3" >"$TOPO_DIR/ping" 2>&1; }
for t in "spoke1 dmvpn0 $(overlay 0)" "spoke1 dmvpn1 $(blue 0)" "spoke2 dmvpn1 $(blue 0)" "hub dmvpn1 $(blue 2)"; do
	# shellcheck disable=SC2086
	p $t; check $? "$t" "$(grep loss "$TOPO_DIR/ping")"
done
# a shortcut in the second network; the first one does not notice
direct() { p spoke1 dmvpn1 "$(blue 2)" 1; ctl spoke1 show dmvpn | grep "$(blue 2)" | grep -q ' UP '; }
eventually 40 "spoke1 and spoke2 go direct in the second" direct || ctl spoke1 show dmvpn
# multicast of one network
got() { ns "$1" cat /proc/net/dev | awk -v d="$2:" '$1 == d { print $3 }'; }	# packets received
before0=$(got spoke1 dmvpn0) before2=$(got spoke2 dmvpn1)
ns hub ping -n -q -c 5 -i 0.1 -W 1 -I dmvpn1 224.0.0.9 >/dev/null 2>&1
came() { [ $(($(got spoke2 dmvpn1) - before2)) -ge 5 ]; }
eventually 5 "multicast of the second network comes to spoke2" came
[ $(($(got spoke1 dmvpn0) - before0)) -lt 5 ]; check $? "and not by the first to spoke1" "$(($(got spoke1 dmvpn0) - before0))"
before0=$(got spoke1 dmvpn0)
ns hub ping -n -q -c 5 -i 0.1 -W 1 -I dmvpn0 224.0.0.9 >/dev/null 2>&1
came0() { [ $(($(got spoke1 dmvpn0) - before0)) -ge 5 ]; }
eventually 5 "multicast of the first comes to spoke1" came0
# one network goes, the other stays
sed -i '/^interface dmvpn0/,/^!/s/no shutdown/shutdown/' "$TOPO_DIR/hub.conf"
ctl hub reload >"$TOPO_DIR/reload"; check $? "reload: the first is shut down" "$(tail -n 1 "$TOPO_DIR/reload")"
gone() { ! ns hub ip link show dmvpn0 >/dev/null 2>&1; }
eventually 5 "its interface is gone" gone
p hub dmvpn1 "$(blue 1)" 5; check $? "the second works on" "$(grep loss "$TOPO_DIR/ping")"
ns hub ping -n -q -c 3 -i 0.1 -W 1 -I dmvpn1 224.0.0.9 >/dev/null 2>&1
nothing_in_clear "all the time"
end
