#!/usr/bin/env bash
# Mistakes in a configuration, one a spoke, all in one cloud: each spoke's `show dmvpn` names the step of the ladder and the cause
# as a network engineer would say it, the hub's log has a stable word for it; who made no mistake is not touched; what is
# repaired comes up.
CLOUD_SPOKES="1 4 5 6 7 8 9 10 11 12 13"
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

mistake() { sed -i "$2" "$TOPO_DIR/spoke$1.conf"; }	# SPOKE SED
ladder() { ctl "spoke$1" show dmvpn | grep -FA1 "$(hub_nbma)" | tr -s ' \n' ' '; }	# SPOKE: the line of its hub, and the reason
names() { ladder "$1" | grep -Eq " $2 .*reason: .*$3"; }	# SPOKE STEP REASON
logged() { grep -Eq "$1" "$TOPO_DIR/hub.log"; }
row() {	# SPOKE MISTAKE STEP REASON HUB-LOG
	eventually 25 "$2: show dmvpn of spoke$1 names $3 and says why" names "$1" "$3" "$4" || ctl "spoke$1" show dmvpn
	note "$(ladder "$1")"
	eventually 10 "$2: the hub's log has a line" logged "$5" || tail -n 20 "$TOPO_DIR/hub.log"
	note "$(grep -E "$5" "$TOPO_DIR/hub.log" | tail -n 1)"
}

cloud_topology || { not_ok "the topology can be built"; exit 1; }
for n in 0 $CLOUD_SPOKES; do cloud_conf "$n"; done
sed -i 's/^ mode transport/ mode transport\n!\ncrypto ikev2 proposal STRONG\n encryption aes-gcm-256\n prf sha384\n group 20\n!\ncrypto ikev2 policy STRONG\n proposal STRONG/' "$TOPO_DIR/hub.conf"
mistake 4 's/pre-shared-key of-the-hub.*/pre-shared-key a-wrong-one/'
mistake 5 's/identity local fqdn .*/identity local fqdn spoke5.other.example/'
mistake 6 's/tunnel key 42/tunnel key 43/'
mistake 7 's/nhrp authentication .*/nhrp authentication wr0ng/'
mistake 8 's/^ mode transport/ mode transport\n!\ncrypto ikev2 proposal WEAK\n encryption aes-gcm-128\n prf sha256\n group 14\n!\ncrypto ikev2 policy WEAK\n proposal WEAK/'
mistake 9 's/esp-gcm 256/esp-gcm 128/'
mistake 10 's/match identity remote fqdn domain .*/match identity remote fqdn domain other.example/'
mistake 11 's/ip address .*/ip address 10.255.0.11\/24/'

for n in 12 13; do mistake $n '/registration no-unique/d'; done	# RFC 2332: unique registrations, code 14
mistake 12 's/ip address .*/ip address 10.255.0.113\/24/'

cloud_start 0 || { not_ok "the hub starts"; exit 1; }
cloud_start 1
cloud_start 13
eventually 30 "spoke1, without a mistake, is UP" cloud_spoke_up 1 || { ctl spoke1 show dmvpn; exit 1; }
chatter spoke1 "$(lan_host 0)" 0.1
eventually 30 "spoke13, registered as unique, is UP" cloud_spoke_up 13 || ctl spoke13 show dmvpn
for n in $CLOUD_SPOKES; do [ "$n" = 1 ] || [ "$n" = 13 ] || cloud_start "$n"; done
row 4 "wrong pre-shared key" IKE 'authentication failed.*pre-shared key' 'ike-auth-refused.*spoke4'
row 5 "an identity the hub's profile does not take" IKE 'authentication failed.*identity' 'ike-auth-refused.*spoke5.*no profile'
said6='gre-key.*sends tunnel key 43, ours is 42'
[ "$(plane_of hub)" = user ] || said6='peer-secured.*spoke6'	# a kernel says nothing of what it drops
row 6 "wrong tunnel key" NHRP 'tunnel key' "$said6"
row 7 "wrong NHRP authentication string" NHRP 'authentication string' 'nhrp-drop.*spoke7.*authentication string'
row 8 "IKE proposals with nothing in common" IKE 'no proposal in common.*we offered aes-gcm-128/sha256/modp2048' \
	'ike-no-proposal.*198\.18\.18\.2.*peer offered aes-gcm-128/sha256/modp2048, wanted aes-gcm-256/sha384/ecp384'
row 9 "IPsec transform sets with nothing in common" IPSEC 'no IPsec proposal in common.*we offered aes-gcm-128' \
	'ipsec-refused.*spoke9.*peer offered aes-gcm-128, wanted aes-gcm-256'
row 10 "a hub that the spoke's own profile does not take" IKE 'hub\.odm\.example does not match profile MESH' 'spoke10.*peer did not accept'
row 11 "the tunnel address of another" NHRP "tunnel address is another's" 'registration-refused.*spoke11.*10\.255\.0\.11, which is registered by fqdn spoke1\.'
row 12 "a unique address that another has registered" NHRP "our address is registered by another" \
	'registration-refused.*spoke12.*wants 10\.255\.0\.113, which is registered by fqdn spoke13\..*code 14'
cloud_hub_has 13 && cloud_spoke_up 13; check $? "spoke13 stays UP meanwhile, and keeps its address"
cloud_hub_has 1 && cloud_spoke_up 1; check $? "spoke1 stays UP meanwhile, and keeps the address that spoke11 wants"
quiet

# ---- repaired
for n in $CLOUD_SPOKES; do
	[ "$n" != 1 ] && [ "$n" != 13 ] || continue
	cloud_stop "spoke$n"
	cloud_conf "$n"
	cloud_start "$n"
done
eventually 40 "every spoke is UP with its configuration repaired" cloud_up || ctl hub show dmvpn
end
