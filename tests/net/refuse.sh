#!/usr/bin/env bash
# What nhrpd cannot do it says: bad configuration, no TUN, a taken port, no permission. A clear message, an exit code, no
# interface left behind. And nhrpctl says when nobody is there.
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

cloud_topology || { not_ok "the topology can be built"; exit 1; }
cloud_conf 0
good=$TOPO_DIR/hub.conf bad=$TOPO_DIR/bad.conf

# refused TEXT PATTERN COMMAND...: ends by itself, not with 0, not by a signal, says PATTERN, leaves no interface
refused() {
	local text=$1 pattern=$2 rc; shift 2
	timeout 15 nsenter --net="/run/netns/${TOPO_NS}hub" -- "$@" >"$TOPO_DIR/out" 2>&1 </dev/null; rc=$?
	[ $rc -gt 0 ] && [ $rc -lt 124 ]; check $? "$text: it ends with an exit code of its own" "$rc"
	grep -Eiq -- "$pattern" "$TOPO_DIR/out"; check $? "$text: it says why" "$(tail -n 4 "$TOPO_DIR/out" | tr '\n' '|')"
	ns hub ip link show dmvpn0 >/dev/null 2>&1; [ $? != 0 ]; check $? "$text: no interface is left"
}
run=("$NHRPD" -f "$good" --control "$TOPO_DIR/hub.sock")

"$NHRPD" --check "$good" >"$TOPO_DIR/out" 2>&1; check $? "a good configuration passes --check" "$(cat "$TOPO_DIR/out")"

# ---- configuration
wrong() {	# TEXT LINE-PATTERN SED-EXPRESSION
	sed "$3" "$good" >"$bad"
	local line; line=$(diff "$good" "$bad" | sed -n 's/^[0-9,]*[ca]\([0-9]*\).*/\1/p' | head -n 1)
	refused "$1" "bad\.conf:${line:-[0-9]+}:[0-9]+: .*($2)" "$NHRPD" -f "$bad" --control "$TOPO_DIR/hub.sock"
	"$NHRPD" --check "$bad" >/dev/null 2>&1; [ $? != 0 ]; check $? "$1: --check refuses it as well"
}
wrong "an unknown word" "expected|unknown" 's/ip nhrp redirect/ip nhrp redirekt/'
wrong "a bad address" "address" 's/ip address 10.255.0.1.24/ip address 10.255.0.256\/24/'
wrong "a key out of range" "expected|number|range" 's/tunnel key 42/tunnel key 99999999999/'
wrong "a profile that is not there" "profile|MESHH" 's/protection ipsec profile MESH/protection ipsec profile MESHH/'
refused "no such file" "nowhere\.conf.*(no such file|cannot|open)" "$NHRPD" -f "$TOPO_DIR/nowhere.conf" --control "$TOPO_DIR/hub.sock"
refused "an unknown option" "option|usage" "$NHRPD" --no-such-option
cloud_conf 1; chmod 644 "$TOPO_DIR/sites.psk"
"$NHRPD" --check "$TOPO_DIR/spoke1.conf" >"$TOPO_DIR/out" 2>&1; rc=$?
[ $rc != 0 ] && grep -Eiq 'sites\.psk.*(mode|permission|owner|0600|read)' "$TOPO_DIR/out"; check $? "a secret that everybody can read is refused" "$rc: $(tail -n 2 "$TOPO_DIR/out")"
chmod 600 "$TOPO_DIR/sites.psk"

# ---- the machine
if unshare --mount true 2>/dev/null; then
	refused "no /dev/net/tun" "/dev/net/tun" unshare --mount sh -c 'mount -t tmpfs none /dev/net && exec "$@"' sh "${run[@]}"
fi
ns_exec hub "$FLOW" recv 4500 -w 30 >"$TOPO_DIR/taken" 2>&1 & p=$!
wait_for 5 grep -q listening "$TOPO_DIR/taken"
refused "UDP port 4500 is taken" "4500.*(in use|taken)|in use.*4500" "${run[@]}"
kill $p; wait $p 2>/dev/null
ns_exec hub "$FLOW" recv 500 -w 30 >"$TOPO_DIR/taken" 2>&1 & p=$!
wait_for 5 grep -q listening "$TOPO_DIR/taken"
refused "UDP port 500 is taken" "\b500\b.*(in use|taken)|in use.*\b500\b" "${run[@]}"
kill $p; wait $p 2>/dev/null
if setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all true 2>/dev/null; then
	refused "no permission" "permission|permitted|capabilit|CAP_" setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all "${run[@]}"
fi
refused "a control socket that cannot be made" "hub\.conf/x\.sock" "$NHRPD" -f "$good" --control "$good/x.sock"

# ---- nobody there, somebody there already
"$NHRPCTL" -s "$TOPO_DIR/nobody.sock" show dmvpn >"$TOPO_DIR/out" 2>&1; rc=$?
[ $rc != 0 ] && grep -Fq nobody.sock "$TOPO_DIR/out"; check $? "nhrpctl says that nobody listens" "$rc: $(cat "$TOPO_DIR/out")"
cloud_start 0 || { not_ok "after all that the hub starts"; exit 1; }
ok "after all that the hub starts"
timeout 15 nsenter --net="/run/netns/${TOPO_NS}hub" -- "${run[@]}" >"$TOPO_DIR/out" 2>&1 </dev/null; rc=$?
[ $rc -gt 0 ] && [ $rc -lt 124 ]; check $? "a second nhrpd beside the first ends with an exit code" "$rc: $(tail -n 2 "$TOPO_DIR/out")"
cloud_device hub && cloud_alive hub && ctl hub show interface >/dev/null 2>&1; check $? "and does the first no harm"
ctl hub show nonsense >"$TOPO_DIR/out" 2>&1; [ $? != 0 ] && [ -s "$TOPO_DIR/out" ]; check $? "nhrpctl refuses an unknown command" "$(cat "$TOPO_DIR/out")"
end
