# shellcheck shell=bash
# tests/net/lib.sh: what the namespace tests share; sourced first. Each test runs in a world of its own (topo_world), so that
# nothing it starts can outlive it, and under a time limit. It prints 'ok TEXT' or 'not ok TEXT: what was seen' for each thing it
# holds to be true, and exits 0, 1 or, where this machine cannot run it, 77.
set -u
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
: "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}"
SRCDIR=$(cd "$SRCDIR" && pwd)
: "${BUILDDIR:=$SRCDIR/build}"
export SRCDIR BUILDDIR
: "${LIMIT:=300}"	# seconds; a test may set it before it sources this
FAILED=0

skip() { echo "skip $*"; exit 77; }
ok() { echo "ok $*"; }
not_ok() { echo "not ok $*"; FAILED=$((FAILED + 1)); }
note() { echo "# $*"; }
check() {	# STATUS TEXT [DETAIL]
	if [ "$1" = 0 ]; then ok "$2${3:+ ($3)}"; else not_ok "$2${3:+: $3}"; fi
	return 0
}
# eventually SECONDS TEXT COMMAND...: true within that time; the bound is generous, the time it took is told
eventually() {
	local s=$1 text=$2; shift 2
	if wait_for "$s" "$@"; then ok "$text ($WAITED ms)"; return 0; fi
	not_ok "$text: not within $((WAITED / 1000)) s"
	return 1
}
field() { sed -n "s/.*\b$1=\([^ ]*\).*/\1/p" <<<"$2"; }

if [ -z "${LIB_TIMED-}" ]; then
	export LIB_TIMED=1
	exec timeout -k 20 "$LIMIT" "$BASH" "$0" "$@"
fi
# shellcheck source=tests/net/topo.sh
. "$SRCDIR/tests/net/topo.sh"
if [ -n "${IN_UML-}" ]; then	# a world of its own already, see tests/uml/run
	TOPO_WORLD=1
	# shellcheck source=tests/uml/topo.sh
	. "$SRCDIR/tests/uml/topo.sh"
fi
if [ -z "${TOPO_WORLD-}" ]; then
	for c in ip nft ping nsenter unshare timeout awk; do command -v $c >/dev/null || skip "$c is not installed"; done
	topo_world "$0" "$@"
	skip "this kernel lets $(id -un) make no network namespaces"
fi
[ -c /dev/net/tun ] || skip "there is no /dev/net/tun"
{ : <>/dev/net/tun; } 2>/dev/null || skip "/dev/net/tun may not be opened"
for c in "$NHRPD" "$NHRPCTL" "$FLOW"; do [ -x "$c" ] || { echo "not ok $c is built"; exit 1; }; done

TOPO_DIR=$(mktemp -d "${TMPDIR:-/tmp}/odm-test.XXXXXX") || exit 1

# shellcheck disable=SC2317
finish() {
	local rc=$? f
	trap - EXIT
	trap '' PIPE	# the reader may have gone (demo | head); what was started still has to end
	cloud_stop_all
	for f in "$TOPO_DIR"/*.log; do
		[ -e "$f" ] || continue
		if grep -Eq 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$f"; then
			not_ok "sanitizers are quiet in ${f##*/}"; grep -EA 25 'ERROR: |runtime error:' "$f" | head -n 60; rc=1
		fi
		if [ $rc != 0 ]; then echo "# ---- last lines of ${f##*/}"; tail -n "${TAIL:-40}" "$f" | sed 's/^/# /'; fi
	done
	topo_del
	if [ -n "${KEEP_FILES-}" ]; then echo "# files are in $TOPO_DIR"; else rm -rf "$TOPO_DIR"; fi
	exit $rc
}
trap finish EXIT
trap 'not_ok "the test ends by itself (limit: $LIMIT s, in line $LINENO)"; exit 1' TERM
trap 'exit 130' INT
end() { [ $FAILED = 0 ]; exit; }

# ---- steps that several tests take

whole_cloud() {	# topology and configurations, all daemons started, everybody UP; else the test ends here
	local n
	cloud_topology || { not_ok "the topology can be built"; exit 1; }
	for n in 0 $CLOUD_SPOKES; do cloud_conf "$n"; done
	start_all "$@"
	eventually 60 "every spoke is UP, at the hub and in its own view" cloud_up || { ctl hub show dmvpn; exit 1; }
}
start_all() {
	local n
	for n in 0 $CLOUD_SPOKES; do
		cloud_start "$n" "$@" || { not_ok "$(site "$n") raises dmvpn0: not within $((WAITED / 1000)) s"; exit 1; }
	done
}
everyone_reaches_everyone() {	# ADDRESS-FUNCTION: each LAN pings each other LAN; one retry is not granted: no packet is lost here
	local a b bad='' n=0
	for a in 0 $CLOUD_SPOKES; do for b in 0 $CLOUD_SPOKES; do
		[ "$a" != "$b" ] || continue
		if cloud_ping "$(site "$a")" "$("$1" "$b")" >/dev/null; then n=$((n + 1)); else bad="$bad $(site "$a")>$(site "$b")"; fi
	done; done
	[ -z "$bad" ]; check $? "each LAN reaches each other LAN" "${bad:-$n pairs}"
}
whole_again() {	# TEXT: UP everywhere, and every LAN reaches every other
	eventually 90 "$1: everyone is UP again" cloud_up || { ctl hub show dmvpn; for n in $CLOUD_SPOKES; do ctl "spoke$n" show dmvpn; done; return; }
	local a b t=${EPOCHREALTIME/[.,]/}
	for a in 0 $CLOUD_SPOKES; do for b in 0 $CLOUD_SPOKES; do
		[ "$a" = "$b" ] || wait_for 60 cloud_ping "$(site "$a")" "$(lan_host "$b")" || { not_ok "$1: $(site "$a") reaches $(site "$b") again within 60 s"; return; }
	done; done
	ok "$1: each LAN reaches each other LAN again ($(((${EPOCHREALTIME/[.,]/} - t) / 1000)) ms)"
}
go_direct() {	# A B
	chatter "spoke$1" "$(lan_host "$2")"
	eventually 40 "spoke$1 sends straight to spoke$2" cloud_direct "$1" "$2" || ctl "spoke$1" show dmvpn
	quiet
}
clear_packets() { echo $(($(topo_count GRE) + $(topo_count INNER) + $(topo_count OTHER))); }
nothing_in_clear() {	# TEXT
	local n; n=$(clear_packets)
	[ "$n" = 0 ]; check $? "nothing in clear on the underlay $1" "$([ "$n" = 0 ] || topo_watched | tr '\n' ';')"
}
# flow_start NAME FROM AT ADDRESS PORT COUNT RATE: from the LAN of FROM to that of AT in the background; flow_end NAME leaves the receiver's line in $OUT
flow_start() {
	local at=$3-h to=$4 port=$5
	ns_exec "$at" "$FLOW" recv "$port" -w 20 >"$TOPO_DIR/$1.rx" 2>&1 & echo $! >"$TOPO_DIR/$1.rxpid"
	wait_for 5 grep -q listening "$TOPO_DIR/$1.rx"
	ns_exec "$2-h" "$FLOW" send "$to" "$port" -n "$6" -r "$7" >"$TOPO_DIR/$1.tx" 2>&1 & echo $! >"$TOPO_DIR/$1.txpid"
}
flow_end() { wait "$(cat "$TOPO_DIR/$1.txpid")"; wait "$(cat "$TOPO_DIR/$1.rxpid")"; OUT=$(tail -n 1 "$TOPO_DIR/$1.rx"); }
# flow_intact NAME TEXT [NUMBER]: none lost, none twice, none more than 3 places late; those before NUMBER may be: a shortcut that comes up
# overtakes what is on its way by the hub, by as many packets as the hub's processes have waiting
flow_intact() {
	flow_end "$1"
	[ "$(field lost "$OUT")" = 0 ] && [ "$(field end "$OUT")" = 1 ] && [ "$(field duplicates "$OUT")" = 0 ] &&
		{ [ "$(field distance "$OUT")" -le 3 ] || [ "$(field late_last "$OUT")" -lt "${3:-0}" ]; }
	check $? "$2" "$OUT $(grep -h flow: "$TOPO_DIR/$1.tx" | head -n 1)"
}
