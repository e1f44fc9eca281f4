#!/usr/bin/env bash
# strongSwan with kernel ESP and a GRE interface to our hub, pre-shared keys: who opens the SA, with and without MOBIKE and
# encapsulation; cookies, fragments, another group; deletes, liveness, a killed peer. Traffic both ways through GRE in ESP each time.
LIMIT=400
# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

note "strongSwan $(swan_version), kernel $(uname -r); ours $("$NHRPD" --version 2>&1 | head -n 1)"
pair_topology || { not_ok "the topology can be built"; exit 1; }

# ---- who opens it; with and without MOBIKE (with it strongSwan goes on on port 4500)
case_of ours "no NAT, mobike = no" SWAN_CONN="mobike = no" && holds "_r\*.*@ 198.18.11.2\[500\]"
again swan "no NAT, mobike = no" SWAN_CONN="mobike = no" && holds "_i\*.*@ 198.18.11.2\[500\]"
again swan "no NAT, mobike = yes" SWAN_CONN="mobike = yes" && holds "_i\*.*@ 198.18.11.2\[4500\]"
again ours "mobike = yes" SWAN_CONN="mobike = yes" && holds "_r\*"
again ours "encap = yes" SWAN_CONN="encap = yes" && holds 'TRANSPORT-in-UDP'

# ---- cookies, asked for by either side; messages in fragments
case_of swan "our side asks for a cookie" OURS_GLOBAL='crypto ikev2 cookie-challenge 0' && { told 'parsed IKE_SA_INIT response 0 \[ N(COOKIE) \]' "strongSwan was asked"; holds '' quick; }
case_of swan "strongSwan cuts its messages to 250 octets" SWAN_CONN='fragmentation = force' SWAN_CHARON='fragment_size = 250' &&
	{ told 'splitting IKE message' "it did"; holds '' quick; }
case_of swan "a group we do not take first: INVALID_KE_PAYLOAD" OURS_PROPOSAL=' group 20' SWAN_IKE='aes256gcm16-prfsha384-ecp256-ecp384' &&
	{ told 'N(INVAL_KE)' "strongSwan was told the group"; holds ECP_384 quick; }
case_of ours "a group it does not take first: INVALID_KE_PAYLOAD" OURS_PROPOSAL=' group 19 20' SWAN_IKE='aes256gcm16-prfsha384-ecp384' &&
	{ told 'N(INVAL_KE)' "it told us the group"; holds ECP_384 quick; }

# ---- the end of SAs, told by either side, and not told
case_of swan "deletes" && {
	SPI=$(spi_of)
	swanctl_at swan1 --terminate --child gre --timeout 5 >/dev/null 2>&1; check $? "strongSwan deletes the child SA, our side answers"
	gone() { ! ctl hub show crypto session | grep -q "out 0x$SPI"; }
	eventually 5 "our side has it no more" gone || ours_state
	swanctl_at swan1 --initiate --child gre --timeout 10 >"$TOPO_DIR/initiate" 2>&1
	eventually 20 "another one on the same IKE SA" new_sa
	eventually 10 "with traffic" ping_ours swan1
	SPI=$(spi_of)
	ctl hub clear dmvpn peer all
	told_delete() { swan_said 'received DELETE for IKE_SA'; }
	eventually 10 "strongSwan is told when our side ends the IKE SA" told_delete
	mute ours
	eventually 30 "our side opens it again" new_sa
	eventually 10 "with traffic again" ping_ours swan1
	TEXT="after deletes from both sides"; holds '' quick
}
case_of ours "liveness" SWAN_CONN='dpd_delay = 3s' && {
	SPI=$(spi_of)
	ip -n "${TOPO_NS}inet" link set s11 down
	lost() { ! ctl hub show crypto session | grep -q UP-ACTIVE; }
	eventually 60 "our side notices that strongSwan is gone" lost || tail -n 5 "$TOPO_DIR/hub.log"
	swan_lost() { swan_said 'giving up after'; }
	eventually 60 "strongSwan notices that our side is gone" swan_lost
	ip -n "${TOPO_NS}inet" link set s11 up
	eventually 60 "a new SA when the way is there again" new_sa
	eventually 10 "with traffic" ping_ours swan1
}
SPI=$(spi_of)
swan_stop swan1 KILL
swan_start swan1
eventually 60 "charon killed and started: a new SA" new_sa
eventually 20 "with traffic" ping_ours swan1
nothing_in_clear "from our side"
end
