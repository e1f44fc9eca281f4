#!/usr/bin/env bash
# strongSwan with kernel-libipsec (ESP in charon itself, so on this host's own kernel) to a plain tunnel of ours: tunnel mode for a pair
# of prefixes, which our any-to-any is narrowed to. Either side opens it, rekeys from both, traffic both ways. Then a crypto map of two pairs.
LIMIT=200
TOPO_NS=${TOPO_NS:-plains-}
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"
for c in charon-systemd swanctl; do command -v $c >/dev/null || skip "$c is not installed (packages charon-systemd, strongswan-swanctl)"; done
[ -e /usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so ] || skip "kernel-libipsec is not installed (package libcharon-extra-plugins)"

ns_new inet && topo_site ours 10 && topo_site swan 11 || { not_ok "the topology can be built"; exit 1; }
ns inet sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
ns ours ip addr add 10.99.0.1/32 dev lo
ns swan ip addr add 10.77.0.1/32 dev lo
umask 077
ours_conf() {	# DESTINATION LINE
	cat >"$TOPO_DIR/ours.conf" <<-EOF
		hostname ours
		dataplane user
		store off
		crypto ikev2 keyring K
		 peer all
		  identity fqdn domain vti.example
		  pre-shared-key of-the-two
		crypto ikev2 profile V
		 match identity remote fqdn domain vti.example
		 identity local fqdn ours.vti.example
		 keyring local K
		crypto ipsec profile V
		 set ikev2-profile V
		 set security-association lifetime seconds $2
		interface Tunnel1
		 ip address 10.1.0.1/30
		 tunnel source wan
		 tunnel mode ipsec ipv4
		 tunnel protection ipsec profile V
		$1
		ip route 10.77.0.0/16 10.1.0.2
	EOF
}
d=$TOPO_DIR/swan; mkdir -p "$d/swanctl"
cat >"$d/strongswan.conf" <<-EOF
	charon {
		load = random nonce openssl aes sha1 sha2 hmac kdf gcm curve25519 kernel-libipsec kernel-netlink socket-default vici
		plugins {
			vici {
				socket = unix://$d/vici
			}
		}
	}
	charon-systemd {
		journal {
			default = -1
		}
		filelog {
			log {
				path = $TOPO_DIR/swan.log
				flush_line = yes
				default = 1
			}
		}
	}
EOF
cat >"$d/swanctl/swanctl.conf" <<-EOF
	connections {
		vti {
			version = 2
			remote_addrs = 198.18.10.2
			proposals = aes256gcm16-prfsha384-ecp256
			local {
				auth = psk
				id = swan.vti.example
			}
			remote {
				auth = psk
				id = ours.vti.example
			}
			children {
				net {
					local_ts = 10.77.0.0/16
					remote_ts = 10.99.0.0/16
					esp_proposals = aes256gcm16
				}
			}
		}
	}
	secrets {
		ike-all {
			secret = "of-the-two"
		}
	}
EOF
swanctl_at() { ns swan env STRONGSWAN_CONF="$d/strongswan.conf" SWANCTL_DIR="$d/swanctl" swanctl "$@" --uri "unix://$d/vici"; }
swan_start() {
	rm -f "$d/vici"
	STRONGSWAN_CONF=$d/strongswan.conf ns_exec swan charon-systemd >>"$TOPO_DIR/swan.out" 2>&1 </dev/null &
	echo $! >"$TOPO_DIR/swan.pid"
	wait_for 20 [ -S "$d/vici" ] && swanctl_at --load-all --noprompt >"$TOPO_DIR/load" 2>&1 || { not_ok "charon starts: $(tail -n 3 "$TOPO_DIR/load" "$TOPO_DIR/swan.out")"; exit 1; }
}
ours_start() {
	ns_exec ours "$NHRPD" -f "$TOPO_DIR/ours.conf" --control "$TOPO_DIR/ours.sock" 2>>"$TOPO_DIR/ours.log" </dev/null >&2 &
	echo $! >"$TOPO_DIR/ours.pid"
	wait_for 10 ctl ours show version || { not_ok "ours starts"; exit 1; }
}
cloud_stop_all() { cloud_stop ours; cloud_stop swan; }
up() { ctl ours show interface | grep -q 'Peer 198.18.11.2 UP'; }
installed() { swanctl_at --list-sas | grep -q 'INSTALLED, TUNNEL'; }
out_ours() { ns ours ping -n -q -c "${1:-3}" -i 0.2 -W 2 -I 10.99.0.1 10.77.0.1; }
out_swan() { ns swan ping -n -q -c "${1:-3}" -i 0.2 -W 2 -I 10.77.0.1 10.99.0.1; }
both_ways() {	# TEXT
	OUT=$(out_ours); check $? "$1: pings from ours" "$(grep transmitted <<<"$OUT")"
	OUT=$(out_swan); check $? "$1: pings from strongSwan" "$(grep transmitted <<<"$OUT")"
}
spi() { swanctl_at --list-sas | grep -o 'in  *[0-9a-f]\{8\}' | tail -n 1; }
renewed() { [ -n "$(spi)" ] && [ "$(spi)" != "$1" ]; }

note "strongSwan $(dpkg-query -W -f '${Version}' charon-systemd 2>/dev/null)"
ours_conf '' 3600
ours_start; swan_start
swanctl_at --initiate --child net --timeout 15 >"$TOPO_DIR/initiate" 2>&1; check $? "strongSwan opens it" "$(tail -n 1 "$TOPO_DIR/initiate")"
eventually 10 "up on our side" up || ctl ours show interface
installed; check $? "tunnel mode on its side" "$(swanctl_at --list-sas | tr '\n' ';')"
both_ways "strongSwan opened"
first=$(spi); swanctl_at --rekey --child net >/dev/null 2>&1
eventually 20 "strongSwan rekeys the child" renewed "$first"
both_ways "after its rekey"
swanctl_at --rekey --ike vti >/dev/null 2>&1; nap
both_ways "after it rekeyed IKE"
OUT=$(ns ours ping -n -q -c 1 -W 1 10.77.0.1 2>&1); [ $? != 0 ]; check $? "a source outside of what it was narrowed to does not get through"
n=$(ctl ours show counters | sed -n 's/.* selector-out  *//p'); [ "${n:-0}" -gt 0 ]; check $? "and is counted" "selector-out $n"
cloud_stop ours; cloud_stop swan
ours_conf ' tunnel destination 198.18.11.2' 12
swan_start; ours_start
eventually 20 "our side opens it, as initiator" up || { ctl ours show interface; tail -n 20 "$TOPO_DIR/swan.log"; }
both_ways "ours opened"
first=$(spi)
eventually 20 "our side rekeys the child" renewed "$first"
both_ways "after our rekey"

# ---- crypto map: two pairs of prefixes, so two ESP SAs in one IKE SA
cloud_stop ours; cloud_stop swan
ns ours ip addr add 10.98.0.1/32 dev lo
sed -i 's|^[[:space:]]*children {|&\n				net2 {\n					local_ts = 10.77.0.0/16\n					remote_ts = 10.98.0.0/16\n					esp_proposals = aes256gcm16\n				}|' "$d/swanctl/swanctl.conf"
map_conf() {	# PEER LINE
	ours_conf '' 3600
	sed -i '/^interface Tunnel1/,$d' "$TOPO_DIR/ours.conf"
	cat >>"$TOPO_DIR/ours.conf" <<-EOF
		ip access-list extended NETS
		 permit ip 10.99.0.0 0.0.255.255 10.77.0.0 0.0.255.255
		 permit ip 10.98.0.0/16 10.77.0.0/16
		crypto map M 10 ipsec-isakmp
		$1
		 match address NETS
		 set ikev2-profile V
		interface wan
		 crypto map M
	EOF
}
map_up() { [ "$(ctl ours show crypto map | grep -c '^    ESP .*installed')" = 2 ] && ! ctl ours show crypto map | grep -q 'no SA'; }
map_traffic() {	# TEXT
	both_ways "$1, first pair"
	OUT=$(ns ours ping -n -q -c 3 -i 0.2 -W 2 -I 10.98.0.1 10.77.0.1); check $? "$1, second pair: pings from ours" "$(grep transmitted <<<"$OUT")"
	OUT=$(ns swan ping -n -q -c 3 -i 0.2 -W 2 -I 10.77.0.1 10.98.0.1); check $? "$1, second pair: pings from strongSwan" "$(grep transmitted <<<"$OUT")"
}
map_conf ' set peer 198.18.11.2'
swan_start; ours_start
eventually 30 "crypto map: our side opens both" map_up || { ctl ours show crypto map; swanctl_at --list-sas; }
map_traffic "ours opened"
first=$(ctl ours show crypto map); swanctl_at --rekey --child net2 >/dev/null 2>&1
renewed_map() { map_up && [ "$(ctl ours show crypto map | grep -o ' in 0x[0-9a-f]*' | sort)" != "$(grep -o ' in 0x[0-9a-f]*' <<<"$first" | sort)" ]; }
eventually 20 "strongSwan rekeys one of them" renewed_map
map_traffic "after its rekey"
cloud_stop ours; cloud_stop swan
map_conf ' description who calls'
ours_start; swan_start
for c in net net2; do swanctl_at --initiate --child $c --timeout 15 >"$TOPO_DIR/initiate" 2>&1; check $? "crypto map: strongSwan opens $c" "$(tail -n 1 "$TOPO_DIR/initiate")"; done
eventually 10 "each line has its SA" map_up || ctl ours show crypto map
map_traffic "strongSwan opened"
end
