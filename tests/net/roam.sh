#!/usr/bin/env bash
# Addresses change under the tunnels: the NAT router forgets, gets another public address; a spoke gets another address, loses its
# link for a while. The cloud is whole again without help, and nobody had to be told.
LIMIT=600
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

whole_cloud
go_direct 1 2

# Taking an address away makes a masquerading router forget every mapping that used it.
topo_nat_random nat 12	# other ports next time
readdress() { ns "$1" ip addr del "198.18.$2.$3/24" dev wan; ns "$1" ip addr add "198.18.$2.$4/24" dev wan && ns "$1" ip route replace default via "198.18.$2.1"; }
readdress nat 12 2 2
whole_again "the NAT router forgot its mappings"
readdress nat 12 2 77
whole_again "the NAT router got another public address"
n=$(ctl hub show dmvpn | grep -E '10\.255\.0\.1[23]\b' | grep -Fc 198.18.12.77)
[ "$n" = 2 ]; check $? "the hub knows the new address of both spokes behind it" "$n of 2 lines name it"
go_direct 1 2
readdress spoke1 11 2 88
whole_again "spoke1 got another address"
ctl hub show dmvpn | grep -E '10\.255\.0\.11\b' | grep -Fq 198.18.11.88; check $? "the hub knows the new address of spoke1"
ns inet ip link set s11 down
sleep 6
ns inet ip link set s11 up
whole_again "spoke1 was cut off for 6 s"
nothing_in_clear "all the time"
end
