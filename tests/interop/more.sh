#!/usr/bin/env bash
# strongSwan with kernel ESP and our hub, what operators meet more rarely: our rekeys of the IKE SA, cookies that strongSwan asks
# for, childless IKE SAs, post-quantum pre-shared keys, chains of CAs, and IPv6 outside. Traffic both ways each time.
LIMIT=400
# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

note "strongSwan $(swan_version), kernel $(uname -r); ours $("$NHRPD" --version 2>&1 | head -n 1)"
pair_topology || { not_ok "the topology can be built"; exit 1; }
ike_rekeyed() { eventually 10 "$TEXT: $2" swan_said_times 'IKE_SA mesh\[[0-9]*\] rekeyed between' "$1"; }

# ---- our rekeys, also on an SA of a rekey, and of one that strongSwan made
for role in ours swan; do
	case_of $role "we rekey" || continue
	stream_start swan1 14
	ctl hub rekey crypto ikev2 sa all >/dev/null; ike_rekeyed 1 "our rekey of the IKE SA"
	SPI=$(spi_of); ctl hub rekey crypto ipsec sa all >/dev/null; eventually 10 "$TEXT: then our rekey of the child SA" new_sa
	ctl hub rekey crypto ikev2 sa 198.18.11.2 >/dev/null; ike_rekeyed 2 "of the IKE SA once more"
	swanctl_at swan1 --rekey --ike mesh >"$TOPO_DIR/rekey" 2>&1; ike_rekeyed 3 "and strongSwan's of that"
	ctl hub rekey crypto ikev2 sa all >/dev/null; ike_rekeyed 4 "and ours again"
	SPI=$(spi_of); swanctl_at swan1 --rekey --child gre >"$TOPO_DIR/rekey" 2>&1; eventually 10 "$TEXT: strongSwan's of the child SA on it" new_sa
	stream_end swan1 "$TEXT through them all"
	[ "$(ike_sas)" = 1 ]; check $? "$TEXT: one IKE SA in the end" "$(ike_sas)"
done

# ---- cookies: strongSwan asks for them while there are as many half-open SAs as its threshold, so it is given some
mute ours
ours_stop; swan_stop swan1
SWAN_REMOTE_ADDRS=%any SWAN_IKE=aes256gcm16-prfsha384-x25519 SWAN_START=none SWAN_LOG='net = 2' SWAN_CHARON='cookie_threshold = 3
block_threshold = 0' swan_conf swan1
TEXT="strongSwan asks for a cookie"
swan_start swan1
ns hub "$BUILDDIR/tests/net/spoof" 198.18.11.2 3 20 203.0.113.0/24 >/dev/null 2>&1
half_open() { [ "$(swanctl_at swan1 --stats | sed -n 's/.*, \([0-9]*\) half-open.*/\1/p')" -ge 3 ]; }
eventually 10 "three half-open SAs from nowhere" half_open || swanctl_at swan1 --stats
: >"$TOPO_DIR/swan1.log"
OURS_INTERFACE=$OURS_MAP ours_conf
ours_start || not_ok "our hub starts"
eventually 20 "$TEXT: up all the same" ping_ours swan1
told 'sending COOKIE' "it did"
told 'parsed IKE_SA_INIT request 0 \[ N(COOKIE)' "and was given it back"
holds '' quick

# ---- the first child SA by an exchange of its own (RFC 6023)
case_of swan "childless" SWAN_CONN='childless = force' && {
	told 'generating IKE_AUTH request 1 .*AUTH' "authenticated"; ! grep 'IKE_AUTH request 1.* SA TSi' "$TOPO_DIR/swan1.log"; check $? "$TEXT: without a child SA"
	told 'parsed CREATE_CHILD_SA response' "which came afterwards"; holds '' quick
}

# ---- post-quantum pre-shared keys (RFC 8784): required by both; of another value
ppk_ours() { ours_conf; sed -i "s/^  pre-shared-key of-the-whole-lab/&\n  ppk manual id lab-ppk key $1 required/" "$TOPO_DIR/hub.conf"; }
PPK=of-thirty-two-octets-at-least-0123456
ppk_case() {	# ROLE KEY
	mute "$1"; ours_stop; swan_stop swan1
	: >"$TOPO_DIR/swan1.log"; : >"$TOPO_DIR/hub.log"
	OURS_INTERFACE=$OURS_MAP ppk_ours "$2"
	SWAN_START=none SWAN_CONN='ppk_id = lab-ppk
ppk_required = yes' swan_conf swan1
	sed -i "s/^\t*secrets {/&\n\t\tppk-lab {\n\t\t\tid = lab-ppk\n\t\t\tsecret = \"$PPK\"\n\t\t}/" "$TOPO_DIR/swan1/swanctl/swanctl.conf"
	swan_start swan1 && ours_start || not_ok "both start"
}
for role in ours swan; do
	TEXT="post-quantum pre-shared key, required by both ($role opens it)"
	ppk_case $role $PPK
	opened $role && { told "using PPK for\|PPK.*lab-ppk\|N(PPK_ID)" "strongSwan uses it"; ctl hub show crypto ikev2 sa detail | grep -qi ppk; check $? "$TEXT: so do we, says show"; holds '' quick; }
done
ppk_case swan another-key-of-thirty-two-octets-0123
swanctl_at swan1 --initiate --child gre --timeout 10 >"$TOPO_DIR/initiate" 2>&1; [ $? != 0 ]
check $? "a post-quantum key of another value: refused" "$(grep -E 'refused|ike-' "$TOPO_DIR/hub.log" | tail -n 1)"

# ---- chains: each end has the root only, and gets the other's intermediate CA with the certificate
command -v openssl >/dev/null || skip "openssl is not installed"
C=$TOPO_DIR/chain; mkdir -p "$C"
{
	ssl() { openssl "$@" >>"$TOPO_DIR/openssl.out" 2>&1 || not_ok "openssl $*: $(tail -n 2 "$TOPO_DIR/openssl.out")"; }
	new_key() { ssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$C/$1.key"; }
	issue() {	# NAME ISSUER EXTENSIONS
		new_key "$1"
		ssl req -new -key "$C/$1.key" -subj "/CN=$1" -out "$C/$1.csr"
		printf '%b' "$3" >"$C/$1.ext"
		ssl x509 -req -in "$C/$1.csr" -CA "$C/$2.pem" -CAkey "$C/$2.key" -CAcreateserial -days 30 -sha256 -extfile "$C/$1.ext" -out "$C/$1.pem"
	}
	new_key root
	ssl req -new -x509 -key "$C/root.key" -subj "/CN=Root" -days 30 -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign -out "$C/root.pem"
	ca='basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n'
	leaf='basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\nsubjectAltName=DNS:'
	issue east root "$ca"; issue west root "$ca"; issue west2 west "$ca"
	issue hub west2 "${leaf}hub.odm.example\n"
	issue swan1 east "${leaf}swan1.odm.example\n"
	cat "$C/west2.pem" "$C/west.pem" >>"$C/hub.pem"
}
for role in ours swan; do
	d=$TOPO_DIR/swan1/swanctl
	rm -rf "$d"; mkdir -p "$d/x509" "$d/x509ca" "$d/private"
	cp "$C/root.pem" "$C/east.pem" "$d/x509ca/"; cp "$C/swan1.pem" "$d/x509/"; cp "$C/swan1.key" "$d/private/"
	case_of $role "certificates of intermediate CAs" SWAN_LOCAL='auth = pubkey
certs = swan1.pem' SWAN_REMOTE='auth = pubkey
cacerts = root.pem' OURS_WHO=" authentication remote digital-signature
		 authentication local digital-signature
		 pki trustpoint LAB
		crypto pki trustpoint LAB
		 ca file $C/root.pem
		 certificate file $C/hub.pem
		 key file $C/hub.key" && {
		told 'using untrusted intermediate certificate "CN=west2"' "strongSwan got ours with our certificate"; holds '' quick
	}
done
rm -rf "$TOPO_DIR/swan1/swanctl"

# ---- IPv6 outside
ours_stop; swan_stop swan1
ns swan1 ip link del gre1
ns swan1 ip -batch - <<-EOF
	link add gre1 type ip6gre key 42 local fd18:11::2 remote fd18:10::2 hoplimit 64 encaplimit none
	link set gre1 addrgenmode none
	addr add $(swan_overlay swan1)/24 dev gre1
	link set gre1 up mtu 1380
EOF
OURS_TUNNEL_MODE=ipv6 OURS_MAP=" ip nhrp map $(swan_overlay swan1) fd18:11::2" SWAN_REMOTE_ADDRS=fd18:10::2
ours_mute() {
	ns hub ip6tables-legacy-restore <<-'EOF'
		*filter
		-A OUTPUT -p udp --dport 500 -m u32 --u32 "56=0 && 60=0 && 64&0xFF=0x08" -j DROP
		COMMIT
	EOF
}
# shellcheck disable=SC2218	# until here that of lib.sh
mute() { if [ "$1" = swan ]; then ours_mute; else ns hub ip6tables-legacy -F OUTPUT; fi; }
ns hub iptables-legacy -F OUTPUT
for role in ours swan; do
	case_of $role "IPv6 outside" && {
		holds 'fd18:11::2/128\[gre\]'
		stream_start swan1 5
		SPI=$(spi_of); ctl hub rekey crypto ipsec sa all >/dev/null; eventually 10 "$TEXT: our rekey" new_sa
		SPI=$(spi_of); swanctl_at swan1 --rekey --child gre >"$TOPO_DIR/rekey" 2>&1; eventually 10 "$TEXT: strongSwan's rekey" new_sa
		stream_end swan1 "$TEXT"
	}
done
case_of swan "IPv6 outside, tunnel mode" SWAN_MODE=tunnel OURS_ESP='GCM esp-gcm 256
 mode tunnel' && holds 'INSTALLED, TUNNEL,' quick
nothing_in_clear "from our side"
end
