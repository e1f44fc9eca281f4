#!/usr/bin/env bash
# An independent decoder reads all we send: tshark finds nothing malformed in IKE; with the keys it opens IKE and ESP and
# finds GRE with NHRP of every kind in it, checksums right.
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"
for c in dumpcap tshark; do command -v $c >/dev/null || skip "$c is not installed"; done

cloud_topology || { not_ok "the topology can be built"; exit 1; }
# dumpcap, not tcpdump, which wants to become another user and cannot in a user namespace
ns_exec inet dumpcap -q -i any -f inbound -w "$TOPO_DIR/all.pcap" 2>"$TOPO_DIR/dumpcap.err" & dump=$!
wait_for 10 grep -q Capturing "$TOPO_DIR/dumpcap.err" || skip "dumpcap: $(tail -n 1 "$TOPO_DIR/dumpcap.err")"
for n in 0 $CLOUD_SPOKES; do cloud_conf "$n"; done
start_all --keylog "$TOPO_DIR/keys"
eventually 60 "every spoke is UP" cloud_up || { ctl hub show dmvpn; exit 1; }
chatter spoke1 "$(lan_host 2)"
eventually 20 "a shortcut comes up" cloud_direct 1 2
quiet
cloud_ping spoke1 "$(lan_host 2)" 5 >/dev/null
cloud_ping hub "$(lan_host 3)" 5 >/dev/null
cloud_stop spoke1	# purges, deletes
cloud_stop_all
nap
kill -INT $dump; wait $dump

# ---- what anybody can see
export HOME=$TOPO_DIR XDG_CONFIG_HOME=$TOPO_DIR/config
mkdir -p "$TOPO_DIR/config/wireshark"
decode() { tshark -r "$TOPO_DIR/all.pcap" "$@" 2>/dev/null; }
count() { decode "$@" | wc -l; }
total=$(count)
[ "$total" -gt 50 ]; check $? "there is a capture" "$total packets"
n=$(count -Y '_ws.malformed'); [ "$n" = 0 ]; check $? "nothing is malformed" "$(decode -Y '_ws.malformed' | head -n 3)"
n=$(count -Y 'gre && !esp'); [ "$n" = 0 ]; check $? "tshark sees no GRE in clear" "$n packets"
for x in 34:IKE_SA_INIT 35:IKE_AUTH 37:INFORMATIONAL; do
	n=$(count -Y "isakmp.exchangetype == ${x%:*}"); [ "$n" -gt 0 ]; check $? "tshark knows ${x#*:}" "$n packets"
done

# ---- with the keys, in the form wireshark keeps them
sed -n 's/^ikev2 //p' "$TOPO_DIR/keys" | sort -u >"$TOPO_DIR/config/wireshark/ikev2_decryption_table"
sed -n 's/^esp //p' "$TOPO_DIR/keys" | sort -u >"$TOPO_DIR/config/wireshark/esp_sa"
note "$(wc -l <"$TOPO_DIR/config/wireshark/ikev2_decryption_table") IKE SAs, $(wc -l <"$TOPO_DIR/config/wireshark/esp_sa") ESP SAs in the key log"
opened=(-o esp.enable_encryption_decode:TRUE -o esp.enable_authentication_check:TRUE)
n=$(count "${opened[@]}" -Y 'isakmp.exchangetype == 35 && isakmp.auth.method'); [ "$n" -gt 0 ]; check $? "tshark opens IKE_AUTH" "$n messages with an AUTH payload"
n=$(count "${opened[@]}" -Y 'isakmp.enc.decrypted && _ws.malformed'); [ "$n" = 0 ]; check $? "and finds nothing malformed in it"
n=$(count "${opened[@]}" -Y 'esp && gre'); [ "$n" -gt 0 ]; check $? "tshark opens ESP and finds GRE" "$n packets"
n=$(count "${opened[@]}" -Y 'esp && gre && gre.key != 42'); [ "$n" = 0 ]; check $? "each with our tunnel key"
n=$(count "${opened[@]}" -Y 'esp && icmp'); [ "$n" -gt 0 ]; check $? "and pings in it" "$n packets"
for x in 1:"resolution request" 2:"resolution reply" 3:"registration request" 4:"registration reply" 8:"traffic indication"; do
	n=$(count "${opened[@]}" -Y "nhrp.hdr.op.type == ${x%%:*}"); [ "$n" -gt 0 ]; check $? "tshark finds NHRP ${x#*:}s in ESP" "$n packets"
done
n=$(count "${opened[@]}" -Y 'nhrp && (_ws.malformed || _ws.expert.severity >= 0x00600000)'); [ "$n" = 0 ]
check $? "with nothing to complain about" "$(decode "${opened[@]}" -Y 'nhrp && (_ws.malformed || _ws.expert.severity >= 0x00600000)' -T fields -e frame.number -e _ws.expert.message | head -n 3)"
n=$(count "${opened[@]}" -Y '_ws.malformed'); [ "$n" = 0 ]; check $? "nothing is malformed in what was opened" "$(decode "${opened[@]}" -Y '_ws.malformed' | head -n 3)"
end
