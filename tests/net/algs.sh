#!/usr/bin/env bash
# Every cipher of ESP, every cipher of IKE and every key exchange group once, one after the other between a hub and a spoke: a
# reload at both ends, the SAs anew, a ping and some TCP. Then tshark, given the keys, opens them.
CLOUD_SPOKES=1
LIMIT=600
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

# transform-set | as shown | IKE cipher | integrity (and PRF) or PRF | group
ROWS='
esp-gcm 128|aes-gcm-128|aes-gcm-128|prf sha256|19
esp-gcm 192|aes-gcm-192|aes-gcm-192|prf sha384|20
esp-gcm 256|aes-gcm-256|aes-gcm-256|prf sha512|21
esp-chacha20-poly1305|chacha20-poly1305|chacha20-poly1305|prf sha256|31
esp-aes 128 esp-sha256-hmac|aes-cbc-128|aes-cbc-128|integrity sha256|14
esp-aes 192 esp-sha256-hmac|aes-cbc-192|aes-cbc-192|integrity sha384|15
esp-aes 256 esp-sha256-hmac|aes-cbc-256|aes-cbc-256|integrity sha512|16
esp-aes 128 esp-sha384-hmac|aes-cbc-128|aes-ctr-128|integrity sha256|32
esp-aes 256 esp-sha384-hmac|aes-cbc-256|aes-ctr-192|integrity sha384|17
esp-aes 192 esp-sha512-hmac|aes-cbc-192|aes-ctr-256|integrity sha512|18
esp-sha512-hmac esp-aes 256|aes-cbc-256|aes-cbc-256|integrity sha1|19
esp-aes-ctr 128 esp-sha256-hmac|aes-ctr-128|aes-gcm-256|prf sha1|31
esp-aes-ctr 192 esp-sha384-hmac|aes-ctr-192|aes-gcm-256|prf sha384|5
esp-aes-ctr 256 esp-sha512-hmac|aes-ctr-256|aes-gcm-256|prf sha384|2
esp-aes 256 esp-sha-hmac|aes-cbc-256|3des|integrity sha256|14
esp-3des esp-sha256-hmac|3des|3des|integrity sha1|2
esp-3des esp-sha-hmac|3des|aes-cbc-128|integrity sha256|31
'
group_name() {
	case $1 in
	2) echo modp1024;; 5) echo modp1536;; 14) echo modp2048;; 15) echo modp3072;; 16) echo modp4096;; 17) echo modp6144;; 18) echo modp8192;;
	19) echo ecp256;; 20) echo ecp384;; 21) echo ecp521;; 31) echo curve25519;; 32) echo curve448;;
	esac
}
tune() {	# NAME TRANSFORM CIPHER HASH GROUP
	sed -i "s/^crypto ipsec transform-set GCM .*/crypto ipsec transform-set GCM $2/; /^crypto ikev2 proposal/,/^!/d" "$TOPO_DIR/$1.conf"
	printf 'crypto ikev2 proposal ROW\n encryption %s\n %s\n group %s\n!\n' "$3" "$4" "$5" >>"$TOPO_DIR/$1.conf"
}

cloud_topology || { not_ok "the topology can be built"; exit 1; }
if command -v dumpcap >/dev/null && command -v tshark >/dev/null; then
	ns_exec inet dumpcap -q -i any -f inbound -w "$TOPO_DIR/all.pcap" 2>"$TOPO_DIR/dumpcap.err" & DUMP=$!
	wait_for 10 grep -q Capturing "$TOPO_DIR/dumpcap.err" || DUMP=
fi
for n in 0 1; do cloud_conf "$n"; done
sed -i 's/dpd 10 2 periodic/dpd 10 2 on-demand/' "$TOPO_DIR"/*.conf
start_all
ctl hub debug crypto keys "$TOPO_DIR/keys" >"$TOPO_DIR/said"; check $? "keys are exported by command" "$(cat "$TOPO_DIR/said")"
eventually 60 "the spoke is UP" cloud_up || { ctl hub show dmvpn; exit 1; }

session() { ctl spoke1 -j show crypto ikev2 sa detail | tr -d ' \n'; }
is_row() {	# ESP IKE GROUP: that is what is in use now, and nothing else
	local s; s=$(session); ctl spoke1 -j show crypto ipsec sa | tr -d ' \n' | grep -q "\"encryption\":\"$1\"" && grep -q "\"encryption\":\"$2\"" <<<"$s" && grep -q "\"group\":\"$(group_name "$3")\"" <<<"$s"
}
tcp() {	# NUMBER: a pseudo-random stream through it, compared at the other end
	ns_exec hub-h timeout 20 "$FLOW" tcp-recv $((7000 + $1)) -w 10 >"$TOPO_DIR/tcp.rx" 2>&1 & local rx=$!
	wait_for 5 grep -q listening "$TOPO_DIR/tcp.rx"
	ns spoke1-h timeout 20 "$FLOW" tcp-send "$(lan_host 0)" $((7000 + $1)) -b 300000 >"$TOPO_DIR/tcp.tx" 2>&1
	wait $rx
}
rows=0
while IFS='|' read -r set esp ike hash group; do
	[ -n "$set" ] || continue
	rows=$((rows + 1))
	for x in hub spoke1; do tune $x "$set" "$ike" "$hash" "$group"; done
	for x in hub spoke1; do ctl $x reload >"$TOPO_DIR/reload" 2>&1 || { not_ok "reload of $x: $set"; cat "$TOPO_DIR/reload"; }; done
	ctl spoke1 clear dmvpn peer all >/dev/null
	if wait_for 15 is_row "$esp" "$ike" "$group" && wait_for 10 cloud_up && ns spoke1-h ping -n -q -c 5 -i 0.05 -W 2 -s 1200 "$(lan_host 0)" >/dev/null; then
		tcp $rows; check $? "$set; IKE $ike, $hash, group $group: ping and TCP" "$(tail -n 1 "$TOPO_DIR/tcp.rx")"
	else
		not_ok "$set; IKE $ike, $hash, group $group: $(ctl spoke1 show dmvpn | tail -n 3 | tr '\n' ';')"
	fi
done <<<"$ROWS"
grep -q 'outdated, for old peers only' "$TOPO_DIR/hub.log"; check $? "what is outdated was warned of"
ctl hub no debug crypto keys >/dev/null; lines=$(wc -l <"$TOPO_DIR/keys")
ctl spoke1 clear dmvpn peer all >/dev/null; eventually 15 "the spoke is back once more" cloud_up
[ "$lines" -ge 34 ] && [ "$(wc -l <"$TOPO_DIR/keys")" = "$lines" ] && [ "$(stat -c %a "$TOPO_DIR/keys")" = 600 ]
check $? "and no more after \`no debug crypto keys\`; nobody else reads the file" "$lines lines"
cloud_stop_all
[ -n "${DUMP-}" ] || { note "no dumpcap, no tshark"; end; }
nap; kill -INT "$DUMP"; wait "$DUMP"

# ---- what tshark opens with the keys: of each kind of line there must be packets that it took for authentic and found GRE in
export HOME=$TOPO_DIR XDG_CONFIG_HOME=$TOPO_DIR/config
mkdir -p "$TOPO_DIR/config/wireshark"
sed -n 's/^ikev2 //p' "$TOPO_DIR/keys" | sort -u >"$TOPO_DIR/config/wireshark/ikev2_decryption_table"
sed -n 's/^esp //p' "$TOPO_DIR/keys" | sort -u >"$TOPO_DIR/config/wireshark/esp_sa"
decode() { tshark -r "$TOPO_DIR/all.pcap" -o esp.enable_encryption_decode:TRUE -o esp.enable_authentication_check:TRUE "$@" 2>"$TOPO_DIR/tshark.err"; }
decode -Y 'esp && gre && ip.proto == 1 && !_ws.malformed' -T fields -e esp.spi | tr ',' '\n' | sort -u >"$TOPO_DIR/opened"
[ -s "$TOPO_DIR/tshark.err" ] && note "$(grep -v 'This could be dangerous' "$TOPO_DIR/tshark.err" | head -n 3)"
decode -Y 'isakmp.exchangetype == 35 && isakmp.auth.method && !_ws.malformed' -T fields -e isakmp.ispi | tr ',' '\n' | sort -u >"$TOPO_DIR/ike-opened"
# "cipher" + "integrity" of the lines whose SPI stands in a file
esp_kinds() { awk -F'","' -v f="$1" 'BEGIN { while ((getline l < f) > 0) seen[l] = 1 } !f || seen[$4] { k = $5 " + " $7; gsub(/"/, "", k); print k }' "$TOPO_DIR/config/wireshark/esp_sa" | sort -u; }
ike_kinds() { awk -F, -v f="$1" 'BEGIN { while ((getline l < f) > 0) seen[l] = 1 } !f || seen[$1] { k = $5 " + " $8; gsub(/"/, "", k); print k }' "$TOPO_DIR/config/wireshark/ikev2_decryption_table" | sort -u; }
# This version of tshark may know no ChaCha20-Poly1305: said, not held against us.
esp_kinds "" | while read -r kind; do
	esp_kinds "$TOPO_DIR/opened" | grep -Fxq "$kind"; echo "$? ESP $kind"
done >"$TOPO_DIR/verdict"
ike_kinds "" | while read -r kind; do
	ike_kinds "$TOPO_DIR/ike-opened" | grep -Fxq "$kind"; echo "$? IKE $kind"
done >>"$TOPO_DIR/verdict"
while read -r rc kind; do
	case $rc$kind in 1*ChaCha20*) note "this tshark does not open $kind";; *) check "$rc" "tshark opens $kind";; esac
done <"$TOPO_DIR/verdict"
end
