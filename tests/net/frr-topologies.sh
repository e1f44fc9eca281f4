#!/usr/bin/env bash
# What FRR tests of its nhrpd (topologies nhrp_topo, nhrp_redundancy, nhrp_nhs_priority), with our daemon in every role, without IPsec as there:
# hubs known by outer and tunnel address, three of them, with and without priorities; a shortcut formed, expired, formed again; IPv6 inside as well.
: "${LIMIT:=280}"
CLOUD_SPOKES="1 4"
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

HUBS="hub1 hub2 hub3" SPOKES="spoke1 spoke4"
num() { case $1 in hub*) echo "${1#hub}" ;; *) echo "1${1#spoke}" ;; esac; }
place() { case $1 in hub*) echo "2${1#hub}" ;; *) echo "1${1#spoke}" ;; esac; }
at() { echo "10.255.0.$(num "$1")"; }
conf() {	# SITE [PRIORITIES]
	local h
	{
		printf 'hostname %s\ninterface dmvpn0\n ip address %s/24\n ipv6 address fd10:255::%s/64\n tunnel source wan\n tunnel key 42\n tunnel protection none\n' "$1" "$(at "$1")" "$(num "$1")"
		printf ' ip nhrp network-id 1\n ip nhrp holdtime 12\n ip nhrp registration timeout 2\n'
		case $1 in
		hub*) printf ' ip nhrp map multicast dynamic\n ip nhrp redirect\n' ;;
		*)	for h in $HUBS; do
				echo " ip nhrp nhs $(at "$h") nbma 198.18.$(place "$h").2${2:+ priority ${h#hub}}"
				echo " ipv6 nhrp nhs fd10:255::$(num "$h") nbma 198.18.$(place "$h").2${2:+ priority ${h#hub}}"
			done
			printf ' ip nhrp shortcut\n ip nhrp registration no-unique\n' ;;
		esac
		printf ' no shutdown\ndataplane %s\nstore off\nlog level debugging\n' "$CLOUD_PLANE"
	} >"$TOPO_DIR/$1.conf"
}
start() {	# SITE
	rm -f "$TOPO_DIR/$1.sock"
	ns_exec "$1" "$NHRPD" -f "$TOPO_DIR/$1.conf" --control "$TOPO_DIR/$1.sock" 2>>"$TOPO_DIR/$1.log" </dev/null >&2 &
	echo $! >"$TOPO_DIR/$1.pid"
	wait_for 20 cloud_device "$1" || { not_ok "$1 starts: $(tail -n 2 "$TOPO_DIR/$1.log")"; exit 1; }
	case $1 in
	hub*)	for s in $SPOKES; do printf 'route replace 172.16.%s.0/24 via %s dev dmvpn0\nroute replace fd16:%s::/64 via fd10:255::%s dev dmvpn0\n' "${s#spoke}" "$(at "$s")" "${s#spoke}" "$(num "$s")"; done ;;
	*)	printf 'route replace 172.16.0.0/16 via 10.255.0.1 dev dmvpn0\nroute replace fd16::/16 via fd10:255::1 dev dmvpn0\n' ;;
	esac | ns "$1" ip -batch -
}
registered() { ctl "$1" show ip nhrp | grep -A 4 "^$(at "$2")/32" | grep -q registered; }	# HUB SPOKE
nowhere_but() {	# HUB...: each spoke is registered there, and at no other hub that lives
	local h s
	for h in $HUBS; do for s in $SPOKES; do
		cloud_alive "$h" || continue
		if [[ " $* " == *" $h "* ]]; then registered "$h" "$s" || return 1; else ! registered "$h" "$s" || return 1; fi
	done; done
}
via() { ns spoke1 ip "$1" route get "$2" | grep -q "via $3 dev dmvpn0"; }
formed() { via -4 172.16.4.10 10.255.0.14; }
formed6() { via -6 fd16:4::10 fd10:255::14; }
expired() { ! formed; }
reach() { ns spoke1-h ping -n -q -c 1 -W 1 "${1:-172.16.4.10}"; }
shortcut() {	# TEXT
	chatter spoke1 172.16.4.10; eventually 40 "$1: a shortcut" formed; quiet
	cloud_ping spoke1 172.16.4.10 10 0.02 | grep -q ' 0% packet loss'; check $? "$1: which carries"
}
cloud_stop_all() { local n; for n in $HUBS $SPOKES; do cloud_stop "$n"; done; }

ns_new inet || exit 1
for n in $HUBS $SPOKES; do topo_site "$n" "$(place "$n")" || { not_ok "the topology can be built"; exit 1; }; done
for s in $SPOKES; do topo_lan "$s" "${s#spoke}"; conf "$s"; done
for h in $HUBS; do conf "$h"; done

# ---- nhrp_topo, nhrp_redundancy: three hubs alike
for n in $HUBS $SPOKES; do start "$n"; done
eventually 40 "three hubs alike: both spokes are registered at each" nowhere_but hub1 hub2 hub3 || for h in $HUBS; do ctl "$h" show ip nhrp; done
ctl spoke1 show dmvpn
eventually 20 "LAN to LAN" reach
shortcut "formed"
eventually 60 "without traffic it expires" expired
shortcut "formed again"
chatter spoke1 fd16:4::10; eventually 40 "and one for IPv6" formed6; quiet
cloud_stop hub1 KILL; cloud_stop hub2 KILL
reach; check $? "two hubs killed: the shortcut goes on"
eventually 60 "and expires" expired
eventually 40 "LAN to LAN by the third" reach
shortcut "formed by the third"
cloud_stop_all

# ---- nhrp_nhs_priority
for s in $SPOKES; do conf "$s" yes; done
for n in $HUBS $SPOKES; do start "$n"; done
eventually 40 "by priority: registered at the best hub and no other" nowhere_but hub1 || for h in $HUBS; do ctl "$h" show ip nhrp; done
shortcut "by priority"
cloud_stop hub1 KILL
eventually 90 "the best one killed: registered at the second" nowhere_but hub2 || ctl spoke1 show dmvpn
eventually 40 "LAN to LAN" reach
cloud_stop hub2 KILL
eventually 90 "that one, too: at the third" nowhere_but hub3
eventually 40 "LAN to LAN" reach
start hub1
eventually 90 "the best one is back: registered there, and no longer at the third" nowhere_but hub1
eventually 40 "LAN to LAN" reach
end
