#!/usr/bin/env bash
# The way to the hub outside, as zebra follows it: when it goes, show and why name it, and the hub is left for that reason, before IKE has found out;
# when it is there again the hub is dialled at once; when it is another one the hub is asked, and kept.
LIMIT=${LIMIT:-120}
CLOUD_SPOKES="1" FRR_NEEDS=zebra
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"
# shellcheck source=tests/net/frr.sh
. "$SRCDIR/tests/net/frr.sh"
note "FRR $FRR_VERSION"

cloud_topology || { not_ok "the topology can be built"; exit 1; }
for n in 0 1; do cloud_conf $n; done
sed -i '/^ dpd /d' "$TOPO_DIR/spoke1.conf"
frr_zebra_conf spoke1
frr_start spoke1 zebra || exit 1
start_all
eventually 60 "the spoke is UP" cloud_up || exit 1
way_is() { ctl spoke1 show ip nhrp nhs detail | grep -q "Underlay: $1"; }
eventually 10 "show names the way to the hub" way_is "198.18.10.2 by 0.0.0.0/0 via 198.18.11.1 for" || ctl spoke1 show ip nhrp nhs detail
ctl spoke1 show ip nhrp nhs detail | grep Underlay

# ---- it goes
ns spoke1 ip route del default
eventually 10 "the way is gone: show says so" way_is "no route to 198.18.10.2 for" || ctl spoke1 show ip nhrp nhs
ctl spoke1 why "$(overlay 0)" | grep 'underlay.*no route to 198.18.10.2'; check $? "and so does why"
lost() { grep -q ' peer-lost: .*no route to its outer address' "$TOPO_DIR/spoke1.log"; }
eventually 20 "the hub is left for that reason" lost || grep -E ' (peer|nhs|underlay)-' "$TOPO_DIR/spoke1.log"
! grep -q 'peer-lost: .*does not answer any more' "$TOPO_DIR/spoke1.log"; check $? "before IKE found out"

# ---- it comes
sleep 3	# the dial has given up for a while
ns spoke1 ip route add default via 198.18.11.1
eventually 10 "the way is there again, and so is the hub" cloud_up || { ctl spoke1 show ip nhrp nhs; ctl spoke1 show dmvpn; }
note "$(grep -E ' (underlay-way|peer-secured)' "$TOPO_DIR/spoke1.log" | tail -n 2 | tr '\n' ';')"

# ---- another one: the hub is asked, and kept
before=$(grep -c ' peer-lost' "$TOPO_DIR/spoke1.log")
ns spoke1 ip route add 198.18.10.0/24 via 198.18.11.1
eventually 10 "another way: show has it" way_is "198.18.10.2 by 198.18.10.0/24 via 198.18.11.1 for" || ctl spoke1 show ip nhrp nhs detail
answered() { grep -q ' peer-answers: .*reached by another way' "$TOPO_DIR/spoke1.log"; }
eventually 10 "the hub is asked over its SA, and answers" answered || tail -n 5 "$TOPO_DIR/spoke1.log"
[ "$(grep -c ' peer-lost' "$TOPO_DIR/spoke1.log")" = "$before" ]; check $? "and is kept"
nothing_in_clear "all the time"
end
