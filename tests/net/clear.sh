#!/usr/bin/env bash
# Never in clear: hosts talk all the time while daemons start, die, come back, have wrong secrets, a wrong tunnel key. The kernel
# counts at every link of the underlay: no GRE outside ESP, no inner address. And none is accepted.
LIMIT=600
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

cloud_topology || { not_ok "the topology can be built"; exit 1; }
for n in 0 $CLOUD_SPOKES; do cloud_conf "$n"; done
for pair in "hub 1" "spoke1 2" "spoke2 3" "spoke3 0" "spoke1 0"; do	# talkers, from before the first daemon to the end
	# shellcheck disable=SC2086
	set -- $pair
	chatter "$1" "$(lan_host "$2")" 0.02
done
everyone_up() { eventually 90 "everyone is UP" cloud_up || { ctl hub show dmvpn; ctl spoke1 show dmvpn; }; }
nothing_in_clear "before any daemon runs"
start_all
everyone_up
nothing_in_clear "while daemons start"
eventually 20 "a shortcut comes up" cloud_direct 1 2
nothing_in_clear "while shortcuts come up"

# ---- what comes in clear is not taken: GRE with the right key, inside UDP from spoke1's LAN to the hub's, and NHRP
topo_ear hub-h 5099
before=$(ctl hub show ip nhrp | md5sum)
{	printf '\x20\x00\x08\x00\x00\x00\x00\x2a'	# GRE, key 42, IPv4
	printf '\x45\x00\x00\x20\x00\x00\x00\x00\x40\x11\x21\x99\xac\x10\x01\x0a\xac\x10\x00\x0a'	# 172.16.1.10 > 172.16.0.10
	printf '\x13\x8b\x13\xeb\x00\x0c\x00\x00evil'; } >"$TOPO_DIR/gre"
{	printf '\x20\x00\x20\x01\x00\x00\x00\x2a'	# GRE, key 42, NHRP: a registration of 10.255.0.99, checksum and password right
	printf '\x00\x01\x08\x00\x00\x00\x00\x00\x00\x01\x00\x46\xa9\x17\x00\x34\x01\x03\x04\x00\x04\x04\x00\x02\x00\x00\x00\x07'
	printf '\xc6\x12\x0b\x02\x0a\xff\x00\x63\x0a\xff\x00\x01\x00\x20\x00\x00\x05\x78\x1c\x20\x00\x00\x00\x00'
	printf '\x80\x07\x00\x0a\x00\x00\x00\x01\x73\x33\x63\x72\x65\x74\x80\x00\x00\x00'; } >"$TOPO_DIR/nhrp"
was=$(topo_count GRE)
for _ in 1 2 3; do for f in gre nhrp; do ns spoke1 "$FLOW" raw 198.18.10.2 47 <"$TOPO_DIR/$f"; done; done
sent() { [ $(($(topo_count GRE) - was)) = 6 ]; }
eventually 5 "clear GRE can be sent to the hub, and the watch on the underlay sees it" sent
ns spoke1-h bash -c 'echo x >/dev/udp/172.16.0.10/5099'	# the counter works, and is behind what was sent before
heard() { [ "$(topo_heard hub-h)" = 1 ]; }
eventually 10 "the host behind the hub hears what came through the tunnel, and only that" heard || note "$(topo_heard hub-h) packets"
[ "$before" = "$(ctl hub show ip nhrp | md5sum)" ] || note "show ip nhrp of the hub changed (ages do)"
ctl hub show ip nhrp | grep -q '10\.255\.0\.99'; [ $? != 0 ]; check $? "a registration in clear registers nothing"
topo_base=$(topo_count GRE)
clear_packets() { echo $(($(topo_count GRE) - topo_base + $(topo_count INNER) + $(topo_count OTHER))); }	# ours do not count

# ---- killed and restarted
for n in 0 1 2; do
	cloud_stop "$(site $n)" KILL
	nothing_in_clear "after kill -9 of $(site $n)"
	cloud_start $n || not_ok "$(site $n) starts again"
	everyone_up
	nothing_in_clear "after its restart"
done

# ---- wrong secret
cloud_stop spoke3
sed -i 's/pre-shared-key of-the-hub.*/pre-shared-key a-wrong-one/' "$TOPO_DIR/spoke3.conf"
cloud_start 3
told() { ctl spoke3 show dmvpn | grep -Eiq 'auth'; }
eventually 30 "spoke3 with a wrong secret says why it is not UP" told || ctl spoke3 show dmvpn
if cloud_hub_has 3; then r=1; else r=0; fi; check $r "and the hub does not take it"
if cloud_ping spoke3 "$(lan_host 0)" 2 >/dev/null; then r=1; else r=0; fi; check $r "nor its traffic"
nothing_in_clear "with a wrong secret"
cloud_stop spoke3; cloud_conf 3; cloud_start 3
everyone_up

# ---- wrong tunnel key
cloud_stop spoke1
sed -i 's/tunnel key 42/tunnel key 43/' "$TOPO_DIR/spoke1.conf"
cloud_start 1
wait_for 8 cloud_spoke_up 1
if cloud_hub_has 1 || cloud_spoke_up 1; then r=1; else r=0; fi; check $r "spoke1 with a wrong tunnel key is not UP"
if cloud_ping spoke1 "$(lan_host 0)" 2 >/dev/null; then r=1; else r=0; fi; check $r "nor does its traffic pass"
nothing_in_clear "with a wrong tunnel key"
cloud_stop spoke1; cloud_conf 1; cloud_start 1
everyone_up
[ "$(topo_count ESP-4500)" -gt 0 ] && [ "$(topo_count ESP)" -gt 0 ]; check $? "the watch saw ESP, native and in UDP" "$(topo_watched | tr '\n' ';')"
nothing_in_clear "at the end"
cloud_stop_all
nothing_in_clear "after everything ended"
end
