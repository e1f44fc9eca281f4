#!/usr/bin/env bash
# Additional key exchanges (RFC 9370), as the configuration words say: in the handshake (IKE_INTERMEDIATE), and whenever ESP SAs are
# rekeyed (IKE_FOLLOWUP_KE), under load. One end without them is refused with words; where the library has ML-KEM that is used.
CLOUD_SPOKES=1
CLOUD_LIFE=20	# rekeyed after 16: a crowded machine has 4 s for four exchanges and their curves
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

spis() { ctl "$1" show crypto session | grep -oE '\b0x[0-9a-f]{8}\b|\b[0-9a-f]{8}\b' | sort -u; }
changed() { [ "$(spis "$1")" != "$2" ]; }
counter() { ctl "$1" -j show counters | tr -d ' \n' | sed "s/.*\"sent\":{\([^}]*\)}.*/\1/" | tr ',' '\n' | sed -n "s/\"$2\"://p"; }
shown() { ctl spoke1 -j show crypto ikev2 sa detail | tr -d '\n' | grep -q "\"additional_key_exchange\": *\"$1\""; }
more() {	# NAME "PLACE METHOD"...
	local name=$1 set=" set pfs group31"; shift
	echo "crypto ikev2 proposal MORE" >>"$TOPO_DIR/$name.conf"
	for l; do
		echo " additional-key-exchange $l" >>"$TOPO_DIR/$name.conf"
		set+="\n set additional-key-exchange $l"
	done
	sed -i "s/^ set transform-set GCM/&\n$set/" "$TOPO_DIR/$name.conf"
}

cloud_topology || { not_ok "the topology can be built"; exit 1; }
for n in 0 1; do cloud_conf "$n"; done
cp "$TOPO_DIR/spoke1.conf" "$TOPO_DIR/spoke1.plain"
for x in hub spoke1; do more $x "1 20" "3 21"; done
start_all
eventually 60 "the spoke is UP" cloud_up || { ctl hub show dmvpn; exit 1; }
shown "ecp384 ecp521"; check $? "with two key exchanges more, ecp384 and ecp521" "$(ctl spoke1 -j show crypto ikev2 sa detail | grep additional)"

# ---- ESP SAs are rekeyed under load
flow_start up spoke1 hub "$(lan_host 0)" 5001 36000 1000
for turn in 1 2; do
	was=$(spis spoke1)
	eventually 30 "SAs of the spoke are rekeyed under load, turn $turn (lifetime $CLOUD_LIFE s)" changed spoke1 "$was"
done
flow_intact up "36 s of 1000 packets/s: none lost, doubled or late"
asked=$(($(counter hub IKE_FOLLOWUP_KE) + $(counter spoke1 IKE_FOLLOWUP_KE)))
[ "$asked" -ge 8 ]; check $? "each with two IKE_FOLLOWUP_KE" "$asked messages"
ran_out=$(grep -hE 'peer-lost|ike-down|lifetime is over' "$TOPO_DIR"/*.log); [ -z "$ran_out" ]; check $? "no SA ran out" "$(head -n 2 <<<"$ran_out")"

# ---- one end without: no agreement, and it is said why
cp "$TOPO_DIR/spoke1.plain" "$TOPO_DIR/spoke1.conf"
ctl spoke1 reload >"$TOPO_DIR/reload" || cat "$TOPO_DIR/reload"
ctl spoke1 clear dmvpn peer all >/dev/null
refused() { grep -q 'no proposal in common' "$TOPO_DIR/hub.log"; }
eventually 20 "a spoke without them is refused with words" refused

# ---- ML-KEM, where the library has it
cloud_conf 0; cloud_conf 1
for x in hub spoke1; do more $x "1 mlkem768"; done
if ctl hub reload >"$TOPO_DIR/reload" 2>&1; then
	ctl spoke1 reload >"$TOPO_DIR/reload" || cat "$TOPO_DIR/reload"
	eventually 30 "the spoke is UP with ML-KEM-768" shown mlkem768
	was=$(spis spoke1)
	eventually 30 "and SAs are rekeyed with it" changed spoke1 "$was"
else
	grep -q 'mlkem768 is not available: the OpenSSL library linked here has no ML-KEM' "$TOPO_DIR/reload"
	check $? "a library without ML-KEM is named as the reason" "$(cat "$TOPO_DIR/reload")"
fi
end
