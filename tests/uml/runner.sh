#!/usr/bin/env bash
# The runner itself: exit codes, time limit, nothing left behind; and that its kernel has what the tests inside want: mGRE with
# packets to two neighbours, ESP in transport mode, NAT.
set -u
: "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${BUILDDIR:=$SRCDIR/build}"
export SRCDIR BUILDDIR
bad=0
check() { if [ "$1" = 0 ]; then echo "ok $2${3:+ ($3)}"; else echo "not ok $2${3:+: $3}"; bad=1; fi; }

inside() {
	export LIMIT=60
	# shellcheck source=tests/net/lib.sh
	. "$SRCDIR/tests/net/lib.sh"
	topo_world() { :; }
	{ ns_new inet && topo_nat nat 12 && topo_behind nat 12 in 0 && topo_site a 10 && topo_site b 11 && topo_watch inet s10 s11 s12; } ||
		{ not_ok "the topology can be built"; exit 1; }
	TOPO_WATCHED=inet
	ns in ping -n -q -c 1 -W 5 198.18.10.2 >/dev/null; check $? "from behind the NAT to the outside"
	ns a ping -n -q -c 1 -W 1 192.168.12.2 >/dev/null 2>&1; [ $? != 0 ]; check $? "not the other way"
	local i n
	for n in a:10 b:11; do
		i=${n#*:}; n=${n%:*}
		ip -n "${TOPO_NS}$n" -batch - <<-END || not_ok "an mGRE device in $n"
			link add gre1 type gre key 42 local 198.18.$i.2 ttl 64
			addr add 10.255.0.$i/24 dev gre1
			link set gre1 up mtu 1400
			neigh add 10.255.0.$((21 - i)) lladdr 198.18.$((21 - i)).2 dev gre1 nud permanent
			xfrm state add src 198.18.10.2 dst 198.18.11.2 proto esp spi 0x1001 mode transport aead rfc4106(gcm(aes)) 0x000102030405060708090a0b0c0d0e0f10111213 128
			xfrm state add src 198.18.11.2 dst 198.18.10.2 proto esp spi 0x1002 mode transport aead rfc4106(gcm(aes)) 0x000102030405060708090a0b0c0d0e0f10111213 128
			xfrm policy add dir out src 198.18.$i.2/32 proto gre tmpl proto esp mode transport
			xfrm policy add dir in dst 198.18.$i.2/32 proto gre tmpl proto esp mode transport
		END
	done
	out=$(ns a ping -n -q -c 3 -i 0.1 -W 5 10.255.0.11)
	[[ $out == *" 0% packet loss"* ]]; check $? "mGRE in ESP" "$(tail -n 2 <<<"$out" | tr '\n' ' ')"
	[ "$(topo_count ESP)" = 6 ] && [ "$(topo_count GRE)" = 0 ] && [ "$(topo_count ICMP)" -gt 0 ]
	check $? "the watch on the underlay tells them apart" "$(topo_watched | tr '\n' ';')"
	echo kept >"$TOPO_DIR/kept"
	end
}
case ${1-} in
inside) inside "$@" ;;
code) exit 42 ;;
stop) echo waiting; sleep 1000 ;;
esac

export TMPDIR; TMPDIR=$(mktemp -d) || exit 1
trap 'rm -rf "$TMPDIR"' EXIT
run() { "$SRCDIR/tests/uml/run" "$@"; }
left() { pgrep -f "uml_dir=$TMPDIR" | xargs -r ps -o stat= -p | grep -vc '^Z'; find "$TMPDIR" -name 'odm-uml.*'; }

start=${EPOCHREALTIME/[.,]/}
KEEP_FILES=$TMPDIR/kept run --timeout 100 "$0" inside; rc=$?
[ $rc != 77 ] || exit 77
check $rc "the test inside"
[ -n "$(find "$TMPDIR/kept" -name kept 2>/dev/null)" ]; check $? "its files are kept when asked for"
echo "# $(((${EPOCHREALTIME/[.,]/} - start) / 1000)) ms with boot and end"
run "$0" code >/dev/null; rc=$?
[ $rc = 42 ]; check $? "the exit code is that of the script" "$rc"
run --timeout 3 "$0" stop >"$TMPDIR/out"; rc=$?
[ $rc = 124 ] && grep -q waiting "$TMPDIR/out"; check $? "a time limit" "$rc, $(tr '\n' ' ' <"$TMPDIR/out")"
run --append init=/nonexistent "$0" code >"$TMPDIR/out"; rc=$?
[ $rc = 125 ]; check $? "a guest that dies is told from a test that fails" "$rc, $(head -n 1 "$TMPDIR/out")"
for signal in TERM KILL; do
	"$SRCDIR/tests/uml/run" "$0" stop >"$TMPDIR/out" 2>&1 & pid=$!
	for _ in $(seq 100); do ! grep -q waiting "$TMPDIR/out" || break; sleep 0.1; done
	{ kill -$signal $pid; wait $pid; } 2>/dev/null
	for _ in $(seq 50); do [ "$(left)" != 0 ] || break; sleep 0.1; done
	[ "$(left)" = 0 ]; check $? "nothing is left after SIG$signal" "$(left | tr '\n' ' ')"
done
exit $bad
