#!/usr/bin/env bash
# strongSwan with kernel ESP and our hub: post-quantum pre-shared keys (RFC 8784) beside certificates, whichever of the two opens the
# SA: required and optional, unknown to one of them, of another value. What is optional is said with a second signature (NO_PPK_AUTH).
LIMIT=400
# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

note "strongSwan $(swan_version), kernel $(uname -r); ours $("$NHRPD" --version 2>&1 | head -n 1)"
pair_topology || { not_ok "the topology can be built"; exit 1; }
PKI=$TOPO_DIR/pki
pki() { "$NHRPCTL" pki "$@" -d "$PKI" >"$TOPO_DIR/pki.out" 2>&1 || not_ok "nhrpctl pki $*: $(tail -n 2 "$TOPO_DIR/pki.out")"; }
pki init "Interop CA"
pki issue hub -f hub.odm.example
pki issue swan1 -f swan1.odm.example -k rsa-2048
PPK=of-thirty-two-octets-at-least-0123456

ours_by() {	# "KEY [required]", or nothing: OURS_WHO
	OURS_WHO=" authentication remote digital-signature
		 authentication local digital-signature
		 pki trustpoint LAB
		${1:+ keyring local QUANTUM
		crypto ikev2 keyring QUANTUM
		 peer swan
		  identity fqdn swan1.odm.example
		  ppk manual id lab-ppk key $1}
		crypto pki trustpoint LAB
		 ca file $PKI/ca.pem
		 certificate file $PKI/hub.pem
		 key file $PKI/hub.key"
}
# ppk_case ROLE TEXT OURS SWAN: OURS as for ours_by, SWAN what its connection says and what it has: "yes|no KEY [NAME [TAKES]]", or nothing
ppk_case() {
	local role=$1 d=$TOPO_DIR/swan1/swanctl required key name takes
	TEXT="$2 ($role opens it)"
	read -r required key name takes <<<"${4-}"
	mute "$role"; ours_stop; swan_stop swan1
	: >"$TOPO_DIR/swan1.log"; : >"$TOPO_DIR/hub.log"
	rm -rf "$d"; mkdir -p "$d/x509" "$d/x509ca" "$d/private"
	cp "$PKI/ca.pem" "$d/x509ca/"; cp "$PKI/swan1.pem" "$d/x509/swan.pem"; cp "$PKI/swan1.key" "$d/private/swan.key"
	ours_by "$3"
	OURS_INTERFACE=$OURS_MAP ours_conf
	SWAN_START=none SWAN_CONN=${required:+ppk_id = ${takes:-${name:-lab-ppk}}
ppk_required = $required} SWAN_LOCAL='auth = pubkey
certs = swan.pem' SWAN_REMOTE='auth = pubkey
cacerts = ca.pem' swan_conf swan1
	[ -z "$key" ] || sed -i "s/^\t*secrets {/&\n\t\tppk-lab {\n\t\t\tid = ${name:-lab-ppk}\n\t\t\tsecret = \"$key\"\n\t\t}/" "$d/swanctl.conf"
	swan_start swan1 && ours_start || not_ok "$TEXT: both start"
}
with() { [ "$(ctl hub show crypto ikev2 sa detail | grep -o 'PPK: [a-z]*' | sort -u)" = "PPK: $1" ]; check $? "$TEXT: the key is in the keys: $1" "$(ctl hub show crypto ikev2 sa detail | grep -o 'PPK: [a-z]*')"; }
signed_by() { told "authentication of .hub.odm.example. with ECDSA.* successful" "strongSwan found our signature good"; }
good() { ppk_case "$1" "$2" "$4" "${5-}" && opened "$1" && { signed_by; with "$3"; holds '' quick; }; }
refused() {	# ROLE TEXT OURS SWAN [WHO]: it does not come up, says the log of hub or swan1
	ppk_case "${@:1:4}"
	[ "$1" = ours ] || { swanctl_at swan1 --initiate --child gre --timeout 10 >"$TOPO_DIR/initiate" 2>&1; [ $? != 0 ]; check $? "$TEXT: strongSwan is refused"; }
	eventually 15 "$TEXT: the log of ${5:-hub} says why" grep -Eq 'post-quantum|PPK required|authentication failed|ike-auth-refused' "$TOPO_DIR/${5:-hub}.log"
	grep -hE 'post-quantum|PPK required|authentication failed|ike-auth-refused' "$TOPO_DIR/${5:-hub}.log" | tail -n 1 | sed 's/^/# /'
	! swan_up swan1; check $? "$TEXT: nothing is up"
}
for role in ours swan; do
	good $role "required by both" yes "$PPK required" "yes $PPK"
	good $role "optional for both" yes "$PPK" "no $PPK"
done
good ours "optional, strongSwan has another one" no "$PPK" "no $PPK another-ppk %any"
told 'parsed IKE_AUTH request 1 .*N(PPK_ID) N(NO_PPK)' "we named it, and signed without it too"
good swan "optional, we have another one" no "$PPK" "no $PPK another-ppk"
told 'generating IKE_AUTH request 1 .*N(NO_PPK) N(PPK_ID)' "it was named, and strongSwan signed without it too"
good ours "optional, strongSwan has none" no "$PPK"
good swan "optional, we have none" no "" "no $PPK"
refused ours "required by us, unknown to strongSwan" "$PPK required" ""
refused swan "required by strongSwan, unknown to us" "" "yes $PPK" swan1
refused swan "required by strongSwan, we have another one" "$PPK" "yes $PPK another-ppk"
refused ours "required by us, strongSwan has another one" "$PPK required" "no $PPK another-ppk"
refused swan "required by us, unknown to strongSwan" "$PPK required" ""
refused swan "of another value" "another-key-of-thirty-two-octets-0123" "no $PPK"
refused ours "of another value" "another-key-of-thirty-two-octets-0123" "no $PPK"
nothing_in_clear "from our side"
end
