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
# both LOCAL-HUB LOCAL-SPOKE NAME-HUB NAME-SPOKE: configurations by file name below $CA
mapfile_own() { mapfile -t OWN < <(own "$1"); }
start_both() { : >"$TOPO_DIR/hub.log"; : >"$TOPO_DIR/spoke1.log"; cloud_start 0 && cloud_start 1; }
stop_both() { cloud_stop spoke1; cloud_stop hub; }
reaches() { ns spoke1 ping -n -q -c 1 -W 1 "$(overlay 0)"; }
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
end
