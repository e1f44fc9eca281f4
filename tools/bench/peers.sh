# tools/bench/peers.sh: other user space data planes, each between the namespaces NAME-a and NAME-b of its own, for tools/bench/plane to
# measure beside ours. bring_NAME brings one up and sets DEV (its interface on a) and ADDR (the far end inside); it fails with WHY set
# where the program is not installed or does not come up. All of them as Debian ships them, AES-128-GCM where there is a choice.
# shellcheck shell=bash disable=SC2034
answers() {	# NAME: the far end, within ten seconds
	for _ in $(seq 50); do ip netns exec "$1-a" ping -n -q -c 1 -W 1 "$ADDR" >/dev/null 2>&1 && return; sleep 0.2; done
	WHY="$1 does not come up"
	return 1
}
daemon() { # NETNS NAME COMMAND...: its pid becomes pid[NAME-a] or pid[NAME-b]
	local ns=$1
	shift
	ip netns exec "$ns" "$@" >"$DIR/$ns.out" 2>&1 </dev/null &
	pid[$ns]=$!
}
hex() { od -An -v -tx1 | tr -d ' \n'; }

bring_wireguard() {
	local n other
	for n in wireguard-go socat openssl; do command -v $n >/dev/null || { WHY="$n is not installed"; return 1; }; done
	for n in a b; do
		openssl genpkey -algorithm X25519 -outform DER >"$DIR/wg-$n" 2>/dev/null
		daemon wireguard-$n env WG_PROCESS_FOREGROUND=1 wireguard-go -f wg$n
	done
	for n in a b; do
		other=$([ $n = a ] && echo b || echo a)
		for _ in $(seq 50); do [ -S /var/run/wireguard/wg$n.sock ] && break; sleep 0.1; done
		printf 'set=1\nprivate_key=%s\nlisten_port=51820\npublic_key=%s\nendpoint=192.0.2.%s:51820\nallowed_ip=10.8.0.0/24\n\n' \
			"$(tail -c 32 "$DIR/wg-$n" | hex)" "$(openssl pkey -inform DER -in "$DIR/wg-$other" -pubout -outform DER | tail -c 32 | hex)" \
			"$([ $n = a ] && echo 2 || echo 1)" | socat -t 1 - UNIX-CONNECT:/var/run/wireguard/wg$n.sock >"$DIR/wg.out" 2>&1
		ip -n wireguard-$n addr add 10.8.0.$([ $n = a ] && echo 1 || echo 2)/24 dev wg$n && ip -n wireguard-$n link set wg$n mtu 1400 up
	done
	DEV=wga ADDR=10.8.0.2
	answers wireguard
}

bring_nebula() {
	local n
	for n in nebula nebula-cert; do command -v $n >/dev/null || { WHY="$n is not installed"; return 1; }; done
	(cd "$DIR" && nebula-cert ca -name bench && nebula-cert sign -name a -ip 10.7.0.1/24 && nebula-cert sign -name b -ip 10.7.0.2/24) >"$DIR/nebula.out" 2>&1
	for n in a b; do
		cat >"$DIR/nebula-$n.yml" <<-EOF
			pki: { ca: $DIR/ca.crt, cert: $DIR/$n.crt, key: $DIR/$n.key }
			static_host_map: { "10.7.0.1": ["192.0.2.1:4242"], "10.7.0.2": ["192.0.2.2:4242"] }
			lighthouse: { am_lighthouse: $([ $n = b ] && echo true || echo false), hosts: $([ $n = b ] && echo '[]' || echo '["10.7.0.2"]') }
			listen: { host: 0.0.0.0, port: 4242 }
			cipher: aes
			tun: { dev: neb$n, mtu: 1400 }
			logging: { level: error, format: text }
			firewall: { outbound: [ { port: any, proto: any, host: any } ], inbound: [ { port: any, proto: any, host: any } ] }
		EOF
		daemon nebula-$n nebula -config "$DIR/nebula-$n.yml"
	done
	DEV=neba ADDR=10.7.0.2
	answers nebula
}

bring_strongswan() {
	local n
	for n in charon-systemd swanctl; do command -v $n >/dev/null || { WHY="$n is not installed"; return 1; }; done
	[ -e /usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so ] || { WHY="kernel-libipsec is not installed"; return 1; }
	ip -n strongswan-a addr add 10.6.1.1/32 dev lo; ip -n strongswan-b addr add 10.6.2.1/32 dev lo
	for n in a b; do
		local d=$DIR/swan-$n me=1 far=2
		[ $n = a ] || { me=2; far=1; }
		mkdir -p "$d/swanctl"
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
			}
		EOF
		cat >"$d/swanctl/swanctl.conf" <<-EOF
			connections {
				bench {
					version = 2
					local_addrs = 192.0.2.$me
					remote_addrs = 192.0.2.$far
					proposals = aes128gcm16-prfsha256-x25519
					local {
						auth = psk
						id = n$me
					}
					remote {
						auth = psk
						id = n$far
					}
					children {
						net {
							local_ts = 10.6.$me.1/32
							remote_ts = 10.6.$far.1/32
							esp_proposals = aes128gcm16
						}
					}
				}
			}
			secrets {
				ike-all {
					secret = "for a benchmark between namespaces"
				}
			}
		EOF
		daemon strongswan-$n env STRONGSWAN_CONF="$d/strongswan.conf" charon-systemd
		for _ in $(seq 100); do [ -S "$d/vici" ] && break; sleep 0.1; done
		STRONGSWAN_CONF=$d/strongswan.conf SWANCTL_DIR=$d/swanctl ip netns exec strongswan-$n swanctl --load-all --noprompt --uri "unix://$d/vici" >"$DIR/load" 2>&1
	done
	swanctl --initiate --child net --timeout 10 --uri "unix://$DIR/swan-a/vici" >"$DIR/initiate" 2>&1 || { WHY="strongSwan's IKE: $(tail -n 1 "$DIR/initiate")"; return 1; }
	DEV=ipsec0 ADDR=10.6.2.1
	answers strongswan
}
