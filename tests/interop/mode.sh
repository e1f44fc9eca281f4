#!/usr/bin/env bash
# strongSwan with kernel ESP in tunnel mode, GRE inside: each side as initiator; one side that would rather have transport mode and takes
# what there is; rekeys under traffic; forced encapsulation; the strongSwan side behind NAT; refused where transport mode is required.
LIMIT=400
# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

note "strongSwan $(swan_version), kernel $(uname -r); ours $("$NHRPD" --version 2>&1 | head -n 1)"
pair_topology || { not_ok "the topology can be built"; exit 1; }
set_of() { printf 'GCM esp-gcm 256\n mode %s' "$1"; }	# OURS_ESP
ours_is() {	# WORD: what our side says of the mode
	local sa; sa=$(ctl hub show crypto ipsec sa | grep '^ *ESP ' | tail -n 1)
	if [ "$1" = tunnel ]; then [[ $sa == *", Tunnel"* ]]; else [[ $sa == *ESP* && $sa != *", Tunnel"* ]]; fi
	check $? "$TEXT: and so says our side" "$sa"
}

SWAN_MODE=tunnel
for role in ours swan; do
	case_of $role "tunnel mode" OURS_ESP="$(set_of tunnel)" && { holds 'INSTALLED, TUNNEL,' ; ours_is tunnel; }
	case_of $role "tunnel mode there, transport preferred here" OURS_ESP="$(set_of transport)" && { holds 'INSTALLED, TUNNEL,' quick; ours_is tunnel; }
done
case_of ours "tunnel mode with encap = yes" OURS_ESP="$(set_of tunnel)" SWAN_CONN='encap = yes' && { holds 'INSTALLED, TUNNEL-in-UDP' quick; ours_is tunnel; }

# ---- rekeys of all kinds, by either side
case_of ours "rekeys in tunnel mode" OURS_ESP="$(set_of tunnel)" && {
	stream_start swan1 12
	SPI=$(spi_of); swanctl_at swan1 --rekey --child gre >"$TOPO_DIR/rekey" 2>&1; eventually 10 "$TEXT: strongSwan rekeys the child SA" new_sa
	SPI=$(spi_of); ctl hub rekey crypto ipsec sa all; eventually 10 "$TEXT: ours rekeys the child SA" new_sa
	swanctl_at swan1 --rekey --ike mesh >"$TOPO_DIR/rekey" 2>&1; eventually 10 "$TEXT: strongSwan rekeys the IKE SA" swan_said_times 'IKE_SA mesh\[[0-9]*\] rekeyed between' 1
	ctl hub rekey crypto ikev2 sa all; eventually 10 "$TEXT: ours rekeys the IKE SA" swan_said_times 'IKE_SA mesh\[[0-9]*\] rekeyed between' 2
	SPI=$(spi_of); ctl hub rekey crypto ipsec sa all; eventually 10 "$TEXT: a child SA on that" new_sa
	stream_end swan1 "$TEXT"
	ours_is tunnel
}

# ---- no agreement
mute ours
ours_stop; swan_stop swan1
OURS_INTERFACE=$OURS_MAP OURS_ESP="$(set_of 'transport require')" ours_conf
SWAN_START=none swan_conf swan1
swan_start swan1 && ours_start || not_ok "both start"
said() { grep -q 'peer does not take transport mode' "$TOPO_DIR/hub.log"; }
eventually 20 "required here, not to be had there: refused, and our log says why" said
SWAN_MODE=transport
for role in ours swan; do
	case_of $role "tunnel mode here, transport mode wanted there" OURS_ESP="$(set_of tunnel)" && { holds 'INSTALLED, TUNNEL,' quick; ours_is tunnel; }
done

# ---- behind NAT, inside with its own address: FRR's nhrpd registers there, for a hub does not dial who is behind NAT
ours_stop; swan_stop swan1; SWANS=''
# shellcheck source=tests/interop/frr.sh
. "$(dirname "$0")/frr.sh"
topo_nat nat 12 && swan_behind 2 2 || not_ok "a site behind NAT"
topo_watch inet s10
frr_gre swan2
TEXT="tunnel mode, behind NAT"
OURS_ESP="$(set_of tunnel)" OURS_INTERFACE='' ours_conf
ours_start || not_ok "our hub starts"
SWAN_MODE=tunnel SWAN_CHILD='rekey_time = 8s
rand_time = 1s
life_time = 30s' swan_conf swan2
swan_start swan2; frr_start swan2
up() { cloud_peer_up hub "$(swan_overlay swan2)" none; }
eventually 30 "$TEXT: registered" up || ctl hub show dmvpn
eventually 10 "$TEXT: reaches the hub" ping_ours swan2
traffic swan2 "$TEXT"
ours_is tunnel
sa=$(swanctl_at swan2 --list-sas | tr -s ' \n' ' ')
[[ $sa =~ INSTALLED,\ TUNNEL-in-UDP.*192\.168\.12\.[0-9]*/32\[gre\] ]]; check $? "$TEXT: inside is the address that it has there" "$(grep -o '192\.168\.12\.[0-9]*/32.*' <<<"$sa")"
stream_start swan2 10
SPI=$(spi_of swan2); ctl hub rekey crypto ipsec sa all
renewed() { [ "$(spi_of swan2)" != "$SPI" ] && swanctl_at swan2 --list-sas | grep -q 'INSTALLED, TUNNEL'; }
eventually 10 "$TEXT: our rekey" renewed
SPI=$(spi_of swan2); eventually 12 "$TEXT: strongSwan's rekey" renewed
stream_end swan2 "$TEXT, rekeyed"
nothing_in_clear "from our side"
end
