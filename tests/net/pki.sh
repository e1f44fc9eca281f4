#!/usr/bin/env bash
# Certificates between our own daemons: every kind of key, one way at each side, intermediate CAs, encrypted keys and PKCS#12,
# reload with other certificates; expired, revoked (CRL from a file, over HTTP, OCSP), wrong name, strange CA: refused at the side that
# looks, with the reason in words in its log and in `show crypto ikev2 diagnose error`. Everything is made by `nhrpctl pki`.
LIMIT=280 CLOUD_SPOKES="1"
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
CA=$TOPO_DIR/ca
pki() { "$NHRPCTL" pki "$@" -d "$CA" >"$TOPO_DIR/pki.out" 2>&1 || { not_ok "nhrpctl pki $*: $(cat "$TOPO_DIR/pki.out")"; exit 1; }; }

# site_conf N LOCAL REMOTE TRUSTPOINT-LINES...: one site that authenticates in one way and takes another
site_conf() {
	local n=$1 local=$2 remote=$3 name; name=$(site "$1"); shift 3
	umask 077
	{
		printf 'hostname %s\ncrypto ikev2 keyring K\n peer any\n  identity fqdn domain odm.example\n  pre-shared-key of-all-of-them\n' "$name"
		printf 'crypto pki trustpoint LAB\n'
		printf ' %s\n' "$@"
		cat <<-XX
			crypto ikev2 profile MESH
			 match identity remote fqdn domain odm.example
			 identity local fqdn $name.odm.example
			 authentication local $local
			 authentication remote $remote
			 keyring local K
			 pki trustpoint LAB
			crypto ipsec profile MESH
			 set ikev2-profile MESH
			interface dmvpn0
			 ip address $(overlay "$n")/24
			 tunnel source wan
			 tunnel mode gre multipoint
			 tunnel protection ipsec profile MESH
			 ip nhrp network-id 1
			 ip nhrp holdtime 60
		XX
		if [ "$n" = 0 ]; then printf ' ip nhrp redirect\n'; else printf ' ip nhrp nhs %s nbma %s multicast\n ip nhrp shortcut\n' "$(overlay 0)" "$(hub_nbma)"; fi
		printf 'dataplane user\nstore off\nlog level debugging\n'
	} >"$TOPO_DIR/$name.conf"
}
own() { echo "ca file $CA/ca.pem"; echo "certificate file $CA/$1.pem"; echo "key file $CA/$1.key"; }
mapfile_own() { mapfile -t OWN < <(own "$1"); }
start_both() { : >"$TOPO_DIR/hub.log"; : >"$TOPO_DIR/spoke1.log"; cloud_start 0 && cloud_start 1; }
stop_both() { cloud_stop spoke1; cloud_stop hub; }
reaches() { ns spoke1 ping -n -q -c 1 -W 1 "$(overlay 0)" >/dev/null 2>&1; }
log_says() { grep -Eq "$2" "$TOPO_DIR/$1.log"; }
pair() {	# TEXT: both come up and a packet passes
	start_both || { not_ok "$1: the daemons start"; stop_both; return; }
	eventually 15 "$1: up, and a ping passes" reaches || { ctl spoke1 show dmvpn; tail -n 5 "$TOPO_DIR/hub.log"; }
}
refused() {	# WHO REGEXP TEXT: WHO refuses with that reason, and no packet passes
	start_both || { not_ok "$3: the daemons start"; stop_both; return; }
	eventually 15 "$3: $1 says why" log_says "$1" "$2" || tail -n 15 "$TOPO_DIR/hub.log" "$TOPO_DIR/spoke1.log"
	if reaches; then not_ok "$3: nothing passes"; else ok "$3: nothing passes"; fi
}

cloud_topology || { not_ok "the topology can be built"; exit 1; }
pki init "ODM test CA"

# ---- every kind of key
for kind in ecdsa-256 ecdsa-384 ecdsa-521 rsa-2048 rsa-3072 ed25519; do
	case $kind in ec*) word=ecdsa-sig ;; rsa-2048) word=rsa-sig ;; rsa-3072) word=rsa-pss ;; ed*) word=eddsa-sig ;; esac
	pki issue "hub-$kind" -f hub.odm.example -k "$kind" -a "$(overlay 0)"
	pki issue "spoke1-$kind" -f spoke1.odm.example -k "$kind" -a "$(overlay 1)"
	mapfile_own "hub-$kind"; site_conf 0 $word $word "${OWN[@]}"
	mapfile_own "spoke1-$kind"; site_conf 1 $word $word "${OWN[@]}"
	pair "$kind, $word"
	stop_both
done

# ---- what the operator sees
mapfile_own hub-ecdsa-256; HUB=("${OWN[@]}"); site_conf 0 ecdsa-sig digital-signature "${HUB[@]}"
mapfile_own spoke1-rsa-2048; site_conf 1 rsa-sig digital-signature "${OWN[@]}"
pair "an ECDSA hub and an RSA spoke"
ctl hub show crypto ikev2 sa >"$TOPO_DIR/out"
grep -q 'Auth: we by digital signature, peer by digital signature' "$TOPO_DIR/out" && grep -q 'Certificate: CN=spoke1.odm.example, RSA 2048, until 20' "$TOPO_DIR/out"
check $? "show crypto ikev2 sa names the way of authentication and the certificate" "$(cat "$TOPO_DIR/out")"
ctl hub show crypto pki certificates >"$TOPO_DIR/out"
[ "$(grep -Ec '^(Router|CA|Peer) certificate' "$TOPO_DIR/out")" = 3 ] && grep -q 'Peer certificate, trustpoint LAB, fqdn spoke1.odm.example' "$TOPO_DIR/out"
check $? "show crypto pki certificates has ours, the CA and the peer's"

# ---- reload: another certificate of ours changes nothing for a peer that is up; a CRL that names the peer ends it
before=$(ctl hub -j show crypto ikev2 sa | grep -c '"state": "established"')
pki issue hub-new -f hub.odm.example; mapfile_own hub-new; HUB=("${OWN[@]}"); site_conf 0 ecdsa-sig digital-signature "${HUB[@]}"
ctl hub reload >"$TOPO_DIR/out"; spi=$(ctl hub -j show crypto ikev2 sa | grep spi_r)
sleep 1; [ "$before" = 1 ] && [ "$spi" = "$(ctl hub -j show crypto ikev2 sa | grep spi_r)" ] && reaches; check $? "a new certificate of the hub's, reloaded, drops nobody" "$(tail -n 1 "$TOPO_DIR/out")"
pki revoke spoke1-rsa-2048; site_conf 0 ecdsa-sig digital-signature "${HUB[@]}" "crl file $CA/crl.pem"
ctl hub reload >/dev/null
eventually 10 "a CRL file, reloaded, ends the SA of the spoke that it names" log_says hub 'ike-down.*its certificate was revoked'
eventually 15 "and the hub refuses it from then on, with the date" log_says hub 'CN=spoke1.odm.example was revoked at 20[0-9-]+ [0-9:]+ UTC'
ctl hub show crypto ikev2 diagnose error >"$TOPO_DIR/out"; grep -q 'spoke1.odm.example at' "$TOPO_DIR/out" && grep -q 'was revoked at' "$TOPO_DIR/out"
check $? "show crypto ikev2 diagnose error says it too" "$(head -n 2 "$TOPO_DIR/out" | tr -s ' \n' ' ')"
spoke_sees() { ctl spoke1 show dmvpn | grep -q 'rejected our certificate'; }
eventually 15 "the spoke's show dmvpn says that its certificate was rejected" spoke_sees || ctl spoke1 show dmvpn
reaches; [ $? != 0 ]; check $? "and nothing passes"
stop_both

# ---- refused, each with its reason
site_conf 0 ecdsa-sig ecdsa-sig "${HUB[@]}"
pki issue spoke1-old -f spoke1.odm.example --from 2020-01-01 --to 2021-01-01; mapfile_own spoke1-old; site_conf 1 ecdsa-sig ecdsa-sig "${OWN[@]}"
refused spoke1 'our certificate of trustpoint LAB expired at 2021-01-01' "an expired certificate, at who has it"
stop_both
pki issue hub-old -f hub.odm.example --from 2020-01-01 --to 2021-01-01; mapfile_own hub-old; site_conf 0 ecdsa-sig ecdsa-sig "${OWN[@]}"
mapfile_own spoke1-ecdsa-256; site_conf 1 ecdsa-sig ecdsa-sig "${OWN[@]}"
refused hub 'our certificate of trustpoint LAB expired at 2021-01-01' "an expired certificate of the hub's"
stop_both
mapfile_own hub-ecdsa-256; site_conf 0 ecdsa-sig ecdsa-sig "${OWN[@]}"
GOOD=$CA; CA=$TOPO_DIR/strange; pki init "A strange CA"; pki issue spoke1-x -f spoke1.odm.example
site_conf 1 ecdsa-sig ecdsa-sig "ca file $GOOD/ca.pem" "certificate file $CA/spoke1-x.pem" "key file $CA/spoke1-x.key"; CA=$GOOD
refused hub 'is issued by CN=A strange CA, which is no CA of ours' "a certificate of a CA that is not ours"
stop_both
mapfile_own spoke1-rsa-3072; site_conf 1 rsa-sig ecdsa-sig "${OWN[@]}"
refused hub 'is not what "authentication remote" takes' "an RSA signature where ecdsa-sig is wanted"
stop_both
pki issue other -f other.strange.example; mapfile_own other; site_conf 1 ecdsa-sig ecdsa-sig "${OWN[@]}"
sed -i 's/identity local fqdn .*/identity local fqdn other.strange.example/' "$TOPO_DIR/spoke1.conf"
refused hub 'fqdn other.strange.example at .*: no profile for this identity' "a certificate for another name"
stop_both
site_conf 1 pre-share ecdsa-sig "ca file $CA/ca.pem"
refused hub 'authentication method is not the configured one' "a pre-shared key where a certificate is wanted"
stop_both

# ---- certificate maps: who holds a certificate of our CA is not let in for that
mapped() {	# RULE: the hub's profile takes only certificates that fit
	site_conf 0 ecdsa-sig ecdsa-sig "${HUB[@]}"
	sed -i "s/^crypto ikev2 profile MESH/crypto pki certificate map BRANCHES 10\n $1\n&\n match certificate BRANCHES/" "$TOPO_DIR/hub.conf"
}
mapfile_own spoke1-ecdsa-256; site_conf 1 ecdsa-sig ecdsa-sig "${OWN[@]}"
mapped 'issuer-name co cn = odm test ca\n alt-subject-name co spoke1'; pair "a certificate that fits the certificate map"
mapped 'alt-subject-name nc spoke1'; ctl hub reload >"$TOPO_DIR/out"
eventually 10 "a map that it does not fit, reloaded, ends the SA" log_says hub 'ike-down.*the profile does not take its identity any more'
stop_both
refused hub 'fqdn spoke1.odm.example at .*: no profile for this identity' "a certificate that does not fit the map"
stop_both

# ---- a path that swallows packets of more than 600 octets without a word: IKE goes on in smaller pieces
narrow() { ns inet ip link set s10 mtu "$1" && ns inet ip link set s11 mtu "$1"; }	# the end of a veth pair drops what is larger than it takes
narrow 600
! ns spoke1 ping -n -q -c 1 -W 1 -M dont -s 800 "$(hub_nbma)" >/dev/null 2>&1; check $? "packets of 800 octets vanish on the underlay"
mapfile_own spoke1-ecdsa-256; site_conf 1 ecdsa-sig ecdsa-sig "${OWN[@]}"; site_conf 0 ecdsa-sig ecdsa-sig "${HUB[@]}"
pair "large IKE messages vanish in both directions"
eventually 10 "the log says what was found out" log_says spoke1 'ike-path-narrow: .* at most 576 octets'
ctl spoke1 show crypto ikev2 sa detail | grep -q 'limit: 576'; check $? "show crypto ikev2 sa detail has the limit" "$(ctl spoke1 show crypto ikev2 sa detail | grep -o 'Fragmentation.*')"
stop_both; narrow 1500

# ---- each side in its own way; key files with a passphrase
site_conf 0 ecdsa-sig pre-share "${HUB[@]}"; site_conf 1 pre-share ecdsa-sig "ca file $CA/ca.pem"
pair "the hub by certificate, the spoke by pre-shared key"; stop_both
(umask 077; echo "open sesame" >"$CA/pass"; openssl pkey -in "$CA/spoke1-ecdsa-256.key" -aes256 -passout "file:$CA/pass" -out "$CA/sealed.key")
pki issue spoke1-p12 -f spoke1.odm.example --pkcs12 "$CA/pass"
site_conf 0 ecdsa-sig ecdsa-sig "${HUB[@]}"
site_conf 1 ecdsa-sig ecdsa-sig "ca file $CA/ca.pem" "certificate file $CA/spoke1-ecdsa-256.pem" "key file $CA/sealed.key" "password file $CA/pass"
pair "a key with a passphrase"; stop_both
site_conf 1 ecdsa-sig ecdsa-sig "pkcs12 file $CA/spoke1-p12.p12" "password file $CA/pass"
pair "certificate, key and CA in a PKCS#12 file"; stop_both

# ---- what is wrong with files is said at load, with the file
says() {	# TEXT REGEXP TRUSTPOINT-LINES...
	local text=$1 want=$2; shift 2
	site_conf 1 ecdsa-sig ecdsa-sig "$@"
	"$NHRPD" --check "$TOPO_DIR/spoke1.conf" >"$TOPO_DIR/out" 2>&1 && { not_ok "$text: is an error"; return; }
	grep -Eq "spoke1.conf:[0-9]+:[0-9]+: .*$want" "$TOPO_DIR/out"; check $? "$text: said with place and file" "$(head -n 1 "$TOPO_DIR/out")"
}
(umask 077; echo wrong >"$CA/wrong")
says "a wrong passphrase" 'sealed.key: wrong passphrase' "ca file $CA/ca.pem" "certificate file $CA/spoke1-ecdsa-256.pem" "key file $CA/sealed.key" "password file $CA/wrong"
says "no passphrase" 'sealed.key: .*password file' "ca file $CA/ca.pem" "certificate file $CA/spoke1-ecdsa-256.pem" "key file $CA/sealed.key"
says "a key of another certificate" 'hub-new.key: the key does not fit the certificate' "ca file $CA/ca.pem" "certificate file $CA/spoke1-ecdsa-256.pem" "key file $CA/hub-new.key"
says "a CA that is none" 'hub-new.pem: CN=hub.odm.example is not a CA' "ca file $CA/hub-new.pem"
says "an identity that is not in the certificate" 'fqdn spoke1.odm.example is not in the certificate of trustpoint LAB: .*fqdn hub.odm.example' \
	"ca file $CA/ca.pem" "certificate file $CA/hub-new.pem" "key file $CA/hub-new.key"
cp "$CA/hub-new.key" "$CA/open.key"; chmod 644 "$CA/open.key"
says "a key that others can read" 'open.key can be read by others \(mode 644\)' "ca file $CA/ca.pem" "certificate file $CA/hub-new.pem" "key file $CA/open.key"

# ---- revocation, asked of the network: the CA's servers stand in the internet
URL=http://198.18.10.1
serve_crl() { ns_exec inet python3 -m http.server 8080 --bind 198.18.10.1 --directory "$CA" >"$TOPO_DIR/http.out" 2>&1 & HTTP=$!; wait_for 5 ns hub bash -c 'exec 3<>/dev/tcp/198.18.10.1/8080'; }
serve_ocsp() {
	awk -v now="$(date +%s)" '{ printf "%s\t%s\t%s\t%s\tunknown\t/CN=%s\n", ($2 == "revoked" ? "R" : "V"), "351231000000Z", ($2 == "revoked" ? "261101000000Z" : ""), $1, $4 }' "$CA/index" >"$CA/ocsp.index"
	ns_exec inet openssl ocsp -index "$CA/ocsp.index" -port 8081 -rsigner "$CA/ocsp.pem" -rkey "$CA/ocsp.key" -CA "$CA/ca.pem" -ndays 1 >"$TOPO_DIR/ocsp.out" 2>&1 & OCSP=$!
	wait_for 5 grep -q waiting "$TOPO_DIR/ocsp.out"	# not by a connection: it serves one, and waits for it
}
quit() { kill "$1" 2>/dev/null; wait "$1" 2>/dev/null; }
for n in a b; do pki issue "spoke1-$n" -f spoke1.odm.example --crl-url "$URL:8080/crl.pem" --ocsp-url "$URL:8081/"; done
pki issue ocsp --ocsp --dn "CN=OCSP"
if command -v python3 >/dev/null; then
	site_conf 0 ecdsa-sig ecdsa-sig "${HUB[@]}" "revocation-check crl"
	mapfile_own spoke1-a; site_conf 1 ecdsa-sig ecdsa-sig "${OWN[@]}"
	serve_crl; pair "a CRL over HTTP that does not name the spoke"
	grep -q 'GET /crl.pem' "$TOPO_DIR/http.out"; check $? "it was really fetched"
	stop_both
	pki revoke spoke1-a
	refused hub 'certificate CN=spoke1.odm.example was revoked at 20' "revoked in a CRL over HTTP"
	stop_both; quit $HTTP
	mapfile_own spoke1-b; site_conf 1 ecdsa-sig ecdsa-sig "${OWN[@]}"
	refused hub 'whether certificate CN=spoke1.odm.example is revoked cannot be found out: http://198.18.10.1:8080/crl.pem' "no answer, strict"
	stop_both
	site_conf 0 ecdsa-sig ecdsa-sig "${HUB[@]}" "revocation-check crl" "revocation relaxed"
	pair "no answer, relaxed"; log_says hub 'taken, because revocation is relaxed'; check $? "and the log says so"
	stop_both
else
	note "no python3: CRLs over HTTP are not tried"
fi
site_conf 0 ecdsa-sig ecdsa-sig "${HUB[@]}" "revocation-check ocsp"
mapfile_own spoke1-b; site_conf 1 ecdsa-sig ecdsa-sig "${OWN[@]}"
serve_ocsp; pair "OCSP says good"; stop_both; quit $OCSP
pki revoke spoke1-b; serve_ocsp
refused hub 'certificate CN=spoke1.odm.example was revoked at .* \(OCSP\)' "OCSP says revoked"
stop_both; quit $OCSP
end
