#!/usr/bin/env bash
# A member with every right to be there takes what is a neighbour's: its tunnel address in a registration, its prefix in a resolution
# reply. Who may claim what is said by an authorization policy (pre-shared keys) or by the certificates. Both are refused, with the
# reason in the log and in shows on both sides, and the neighbour notices nothing.
LIMIT=200
CLOUD_SPOKES="1 2 4"
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

log_says() { grep -Eq "$2" "$TOPO_DIR/$1.log"; }
show_says() { local n=$1 what=$2; shift 2; ctl "$n" show "$@" | grep -Eq "$what"; }
policy() {	# N
	cat >>"$TOPO_DIR/$(site "$1").conf" <<-'XX'
		crypto ikev2 authorization policy SITES
		 match identity remote pattern fqdn spoke{n}.odm.example
		 ip nhrp allow address 10.255.0.1{n}
		 ip nhrp allow prefix 172.16.{n}.0/24
	XX
}
# steal_address WHO-SAYS: spoke4 comes with the tunnel address of spoke2
steal_address() {
	cloud_stop spoke4
	cloud_conf 4; [ "$1" = certificate ] && by_cert 4
	sed -i "s/ip address $(overlay 4)/ip address $(overlay 2)/" "$TOPO_DIR/spoke4.conf"
	cloud_start 4
	eventually 20 "$1: the hub refuses the registration of a neighbour's tunnel address, and says so" \
		log_says hub "not-allowed: refused: fqdn spoke4.odm.example at .* claims $(overlay 2), may claim $(overlay 4) \\($2\\)" || tail -n 20 "$TOPO_DIR/hub.log"
	note "$(grep -o 'not-allowed: .*' "$TOPO_DIR/hub.log" | head -n 1)"
	eventually 10 "$1: show dmvpn says it" show_says hub "refused: fqdn spoke4.odm.example claims $(overlay 2)" dmvpn detail || ctl hub show dmvpn detail
	eventually 5 "$1: so does show ip nhrp traffic" show_says hub "Not allowed: peer .* refused: fqdn spoke4" ip nhrp traffic || ctl hub show ip nhrp traffic
	eventually 10 "$1: the refused side sees that it may not have it" show_says spoke4 'not allowed to us' dmvpn || ctl spoke4 show dmvpn
	cloud_hub_has 2 && cloud_ping spoke1 "$(lan_host 2)" >/dev/null; check $? "$1: the neighbour keeps its address, and is reached"
	cloud_stop spoke4
	cloud_conf 4; [ "$1" = certificate ] && by_cert 4
	cloud_start 4
	eventually 20 "$1: under its own address it is taken" cloud_hub_has 4 || ctl hub show dmvpn
}

cloud_topology || { not_ok "the topology can be built"; exit 1; }
for n in 0 $CLOUD_SPOKES; do cloud_conf "$n"; done
for n in 0 1 2; do policy $n; done
start_all
eventually 60 "every spoke is UP" cloud_up || { ctl hub show dmvpn; exit 1; }
show_says hub "May lead to: 172.16.1.0/24 \\(authorization policy SITES\\)" dmvpn detail; check $? "show dmvpn detail says what a peer may claim" \
	"$(ctl hub show dmvpn detail | grep 'May ' | head -n 2 | tr -s ' \n' ' ')"
go_direct 1 2
ns spoke1 ip route show dev dmvpn0 | grep -q "172.16.2.0/24 via $(overlay 2)"; check $? "who claims what is its own gets a direct path"

# ---- a resolution reply: routing leads to the thief (it announced the prefix), and it says that the prefix is behind it
ctl spoke1 clear ip nhrp shortcut >/dev/null
ns hub ip route replace 172.16.2.0/24 via "$(overlay 4)" dev dmvpn0
ns spoke4 ip addr add 172.16.2.1/24 dev lan0
chatter spoke1 "$(lan_host 2)"
eventually 40 "policy: a neighbour's prefix in a resolution reply is refused by who asked" \
	log_says spoke1 "not-allowed: refused: fqdn spoke4.odm.example at .* claims 172.16.2.0/24, may claim 172.16.4.0/24 \\(authorization policy SITES\\)" || tail -n 30 "$TOPO_DIR/spoke1.log"
quiet
note "$(grep -o 'not-allowed: .*' "$TOPO_DIR/spoke1.log" | head -n 1)"
eventually 40 "policy: show ip nhrp says it" show_says spoke1 'refused: fqdn spoke4.odm.example claims 172.16.2.0/24' ip nhrp || ctl spoke1 show ip nhrp
show_says spoke1 'refused: claims what its certificate or the configuration does not allow it' ip nhrp traffic; check $? "policy: and show ip nhrp traffic counts it"
if ns spoke1 ip route get "$(lan_host 2)" | grep -q "via $(overlay 4)"; then not_ok "policy: no route leads to the thief"; else ok "policy: no route leads to the thief"; fi
ns spoke4 ip addr del 172.16.2.1/24 dev lan0
ns hub ip route replace 172.16.2.0/24 via "$(overlay 2)" dev dmvpn0

# ---- a registration
steal_address policy 'authorization policy SITES'

# ---- a reload judges those that stand
sed -i 's/allow address 10.255.0.1{n}/allow address 10.255.0.2{n}/' "$TOPO_DIR/hub.conf"
ctl hub reload >/dev/null
gone() { ! cloud_hub_has 1; }
eventually 10 "a reload that takes an address away ends its registration" gone || ctl hub show dmvpn
sed -i 's/allow address 10.255.0.2{n}/allow address 10.255.0.1{n}/' "$TOPO_DIR/hub.conf"
ctl hub reload >/dev/null
eventually 60 "one that gives it back has everyone UP again" cloud_up || ctl hub show dmvpn
cloud_stop_all

# ---- certificates: the tunnel address stands in subjectAltName
CA=$TOPO_DIR/ca
pki() { "$NHRPCTL" pki "$@" -d "$CA" >"$TOPO_DIR/pki.out" 2>&1 || { not_ok "nhrpctl pki $*: $(cat "$TOPO_DIR/pki.out")"; exit 1; }; }
by_cert() {	# N: the same configuration with a certificate instead of keys
	local f; f=$TOPO_DIR/$(site "$1").conf
	sed -i -e '/^crypto ikev2 keyring/,/^!/d' -e '/keyring local/d' -e 's/authentication \(.*\) pre-share/authentication \1 ecdsa-sig/' "$f"
	printf 'crypto pki trustpoint LAB\n ca file %s/ca.pem\n certificate file %s/%s.pem\n key file %s/%s.key\n' "$CA" "$CA" "$(site "$1")" "$CA" "$(site "$1")" >>"$f"
}
pki init "ODM test CA"
for n in 0 $CLOUD_SPOKES; do
	pki issue "$(site "$n")" -f "$(site "$n").odm.example" -a "$(overlay "$n")"
	cloud_conf "$n"; by_cert "$n"; : >"$TOPO_DIR/$(site "$n").log"; rm -f "$TOPO_DIR/$(site "$n").db"
done
start_all
eventually 60 "with certificates every spoke is UP" cloud_up || { ctl hub show dmvpn; exit 1; }
steal_address certificate "certificate's SAN"
nothing_in_clear "all the time"
end
