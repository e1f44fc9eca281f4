#!/usr/bin/env bash
# strongSwan with kernel ESP and our hub: rekeys of child and IKE SA from either side, reauthentication, under traffic: not one packet
# is lost.
LIMIT=400
# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

note "strongSwan $(swan_version), kernel $(uname -r); ours $("$NHRPD" --version 2>&1 | head -n 1)"
pair_topology || { not_ok "the topology can be built"; exit 1; }

# ---- rekeying and reauthentication under traffic: strongSwan asks; then our side, whose child SAs live 8 s
rekeyed() { swanctl_at swan1 --rekey "$@" >"$TOPO_DIR/rekey" 2>&1 || not_ok "swanctl --rekey $*: $(tail -n 2 "$TOPO_DIR/rekey")"; }
for role in swan ours; do
	case_of $role "rekeys" SWAN_CHARON='make_before_break = yes' || continue
	stream_start swan1 16
	SPI=$(spi_of); rekeyed --child gre; eventually 10 "$TEXT: strongSwan rekeys the child SA" new_sa
	SPI=$(spi_of); rekeyed --child gre; eventually 10 "$TEXT: and once more" new_sa
	rekeyed --ike mesh; eventually 10 "$TEXT: strongSwan rekeys the IKE SA" swan_said_times 'IKE_SA mesh\[[0-9]*\] rekeyed between' 1
	SPI=$(spi_of); rekeyed --child gre; eventually 10 "$TEXT: a child SA on the new one" new_sa
	nap 1
	stream_end swan1 "$TEXT from strongSwan's side"
	stream_start swan1 6
	SPI=$(spi_of); rekeyed --ike mesh --reauth; eventually 10 "$TEXT: strongSwan reauthenticates, make before break" new_sa
	stream_end swan1 "$TEXT: reauthentication"
	[ "$(ike_sas)" = 1 ]; check $? "$TEXT: one IKE SA in the end" "$(ike_sas)"
done
case_of ours "our child SAs live 8 s" OURS_IPSEC=' set security-association lifetime seconds 8
	 set pfs group20' SWAN_ESP=aes256gcm16-ecp384 && {
	stream_start swan1 20
	eventually 25 "$TEXT: two rekeys, with PFS, from our side" swan_said_times 'inbound CHILD_SA gre.*established' 2
	stream_end swan1 "$TEXT"
}
nothing_in_clear "from our side"
end
