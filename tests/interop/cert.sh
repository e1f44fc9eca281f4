#!/usr/bin/env bash
# strongSwan with kernel ESP and our hub, certificates of a CA made by nhrpctl pki: RSA, RSA-PSS, ECDSA, Ed25519; by RFC 7427
# signatures and the older methods; long messages in fragments; each side by another method; who must be refused.
LIMIT=400
# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

note "strongSwan $(swan_version), kernel $(uname -r); ours $("$NHRPD" --version 2>&1 | head -n 1)"
pair_topology || { not_ok "the topology can be built"; exit 1; }
PKI=$TOPO_DIR/pki
pki() { "$NHRPCTL" pki "$@" -d "$PKI" >"$TOPO_DIR/pki.out" 2>&1 || not_ok "nhrpctl pki $*: $(tail -n 2 "$TOPO_DIR/pki.out")"; }
pki init "Interop CA"
for kind in ecdsa-256 ecdsa-384 ecdsa-521 rsa-2048 rsa-4096 ed25519; do
	pki issue "hub-$kind" -f hub.odm.example -k $kind
	pki issue "swan-$kind" -f swan1.odm.example -k $kind
done
pki issue stranger -f swan9.odm.example
"$NHRPCTL" pki init "Another CA" -d "$TOPO_DIR/other" >/dev/null 2>&1
"$NHRPCTL" pki issue swan-other -f swan1.odm.example -d "$TOPO_DIR/other" >/dev/null 2>&1

ours_by() {	# KIND [METHOD]: OURS_WHO
	OURS_WHO=" authentication remote digital-signature${3:+ $3}
		 authentication local ${2:-digital-signature}
		 pki trustpoint LAB
		crypto pki trustpoint LAB
		 ca file $PKI/ca.pem
		 certificate file $PKI/hub-$1.pem
		 key file $PKI/hub-$1.key
${OURS_TRUST-}"
}
swan_by() {	# CERTIFICATE [AUTH] [FOLDER]: its files, and SWAN_LOCAL
	local d=$TOPO_DIR/swan1/swanctl
	rm -rf "$d"; mkdir -p "$d/x509" "$d/x509ca" "$d/private"
	cp "$PKI/ca.pem" "$d/x509ca/"
	cp "${3:-$PKI}/$1.pem" "$d/x509/swan.pem"; cp "${3:-$PKI}/$1.key" "$d/private/swan.key"
	SWAN_LOCAL="auth = ${2:-pubkey}
					certs = swan.pem"
	SWAN_REMOTE="auth = pubkey
					cacerts = ca.pem"
}
cert_case() {	# ROLE TEXT [NAME=VALUE...]: with what ours_by and swan_by said
	local role=$1 text=$2; shift 2
	case_of "$role" "$text" OURS_WHO="$OURS_WHO" SWAN_LOCAL="$SWAN_LOCAL" SWAN_REMOTE="$SWAN_REMOTE" "$@"
}
# RFC 7427, both roles; with RSA-4096 the messages do not fit into one packet
for kind in ecdsa-256 ecdsa-384 ecdsa-521 rsa-2048 rsa-4096 ed25519; do
	for role in ours swan; do
		ours_by $kind; swan_by swan-$kind
		cert_case $role "$kind" && holds '' quick
	done
done
told 'authentication of .hub.odm.example. with ED25519 successful' "strongSwan says so"
ours_by rsa-2048 rsa-pss; swan_by swan-rsa-2048
cert_case swan "RSA-PSS" SWAN_CHARON='rsa_pss = yes' && { told 'authentication of .hub.odm.example. with RSA_EMSA_PSS' "ours signs with it"; holds '' quick; }
ours_by ecdsa-256; swan_by swan-rsa-2048
cert_case ours "ECDSA here, RSA there" && holds '' quick
ours_by ecdsa-384; swan_by swan-ecdsa-256
cert_case swan "method 9 to 11: no RFC 7427" SWAN_CHARON='signature_authentication = no' && holds '' quick
ours_by rsa-4096; swan_by swan-rsa-4096
cert_case swan "fragments of at most 576 octets from our side, 400 from strongSwan's" OURS_GLOBAL='crypto ikev2 fragmentation mtu 576' \
	SWAN_CONN='fragmentation = force' SWAN_CHARON='fragment_size = 400' &&
	{ told 'splitting IKE message' "strongSwan cut its own"; told 'received fragment #3' "and put ours together"; holds '' quick; }
cert_case ours "the same" OURS_GLOBAL='crypto ikev2 fragmentation mtu 576' SWAN_CONN='fragmentation = force' SWAN_CHARON='fragment_size = 400' &&
	{ told 'received fragment #3' "strongSwan put ours together"; holds '' quick; }
SWAN_LOCAL='auth = psk'
OURS_WHO=" authentication remote pre-share
		 authentication local digital-signature
		 keyring local SITES
		 pki trustpoint LAB
		crypto pki trustpoint LAB
		 ca file $PKI/ca.pem
		 certificate file $PKI/hub-ecdsa-256.pem
		 key file $PKI/hub-ecdsa-256.key"
cert_case swan "our certificate, their pre-shared key" && holds '' quick

# ---- who is refused, and with what words
refused() {	# TEXT WORDS
	mute swan
	ours_stop; swan_stop swan1
	: >"$TOPO_DIR/hub.log"
	OURS_INTERFACE=$OURS_MAP SWAN_START=none ours_conf
	SWAN_START=none swan_conf swan1
	swan_start swan1 && ours_start || { not_ok "$1: both start"; return; }
	swanctl_at swan1 --initiate --child gre --timeout 10 >"$TOPO_DIR/initiate" 2>&1; [ $? != 0 ]; check $? "refused: $1"
	wait_for 3 grep -Eq "$2" "$TOPO_DIR/hub.log"; check $? "the log says why" "$(grep -E 'refused|ike-' "$TOPO_DIR/hub.log" | tail -n 1)"
}
ours_by ecdsa-256; swan_by swan-other pubkey "$TOPO_DIR/other"
refused "a certificate of another CA" 'issuer|CA|chain|trust'
swan_by stranger
refused "an identity that is not in the certificate" 'swan1.*(not|name)|identity'
pki revoke swan-ecdsa-256
OURS_TRUST="		 crl file $PKI/crl.pem
		 revocation-check crl" ours_by ecdsa-256
swan_by swan-ecdsa-256
refused "a revoked certificate" 'revoked'
nothing_in_clear "from our side"
end
