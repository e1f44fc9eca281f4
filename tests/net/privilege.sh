#!/usr/bin/env bash
# What the daemon may still do once it runs: two capabilities, no new privileges, a list of system calls. A small program that gives
# up the same, by the same code, tries what is forbidden; the daemon does all its work.
LIMIT=120 CLOUD_SPOKES=1
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"
TRY=$BUILDDIR/tests/net/privilege_try

# ---- what is left
touch "$TOPO_DIR/others"; chmod 600 "$TOPO_DIR/others"; chown 1:1 "$TOPO_DIR/others" 2>/dev/null; export OTHERS_FILE=$TOPO_DIR/others
out=$("$TRY" packet); [[ $out != skip* ]] || FILTER=''
: "${FILTER=yes}"
try() {	# WHAT EXPECTED TEXT
	local out rc
	out=$("$TRY" "$1" 2>/dev/null); rc=$?
	[ $rc = 159 ] && out=killed	# 128 and SIGSYS
	[ $rc = 134 ] && out=aborted
	[[ $out =~ ^($2)$ ]]; check $? "$3" "$1: $out"
}
if [ -n "$FILTER" ]; then
	for what in execve ptrace mount unshare setuid clock; do try $what killed "the kernel ends who calls it"; done
	for what in fork newns bpf chown kill bluetooth tiocsti wx mprotect-x; do try $what EPERM "is refused"; done
	try clone3 ENOSYS "libc is sent to clone"
	for what in packet netlink raw high-port thread name; do try $what yes "is allowed"; done
	try port "EACCES${IN_UML:+|yes}" "no port below 1024 is bound any more"
	[ "$(stat -c %u "$TOPO_DIR/others")" = 0 ] || try others-file EACCES "files of other users are closed"
	try abort aborted "an assertion still ends with SIGABRT"
else
	note "$out"
fi

# ---- the daemon
whole_cloud
pid=$(cloud_pid hub)
bad='' n=0
for s in /proc/"$pid"/task/*/status; do
	n=$((n + 1))
	# CAP_NET_ADMIN is 12, CAP_NET_RAW 13
	for line in CapInh:0000000000000000 CapPrm:0000000000003000 CapEff:0000000000003000 CapBnd:0000000000000000 CapAmb:0000000000000000 NoNewPrivs:1 \
		${FILTER:+Seccomp:2}; do
		grep -Eq "^${line%:*}:[[:space:]]+${line#*:}$" "$s" || bad="$bad $(grep "^${line%:*}:" "$s" | tr '\t' ' ')"
	done
done
[ -z "$bad" ]; check $? "each of its threads has CAP_NET_ADMIN and CAP_NET_RAW, no new privileges${FILTER:+, a list of calls}" "$n threads$bad"
grep -q 'privileges: CAP_NET_ADMIN' "$TOPO_DIR/hub.log"; check $? "which it says"

sed -i 's/^ ip nhrp holdtime 60/ ip nhrp holdtime 90/; /^interface dmvpn0/i interface dmvpn1\n ip address 10.254.0.1/24\n tunnel source lan0\n tunnel key 43\n tunnel protection ipsec profile MESH\n ip nhrp network-id 2\n no shutdown\n!' "$TOPO_DIR/hub.conf"
ctl hub reload >"$TOPO_DIR/out" 2>&1; check $? "reload" "$(tail -n 1 "$TOPO_DIR/out")"
ns hub ip link show dmvpn1 2>/dev/null | grep -q UP; check $? "with a new interface"
chmod 600 "$TOPO_DIR/hub.conf"; sed -i '/^interface dmvpn1/,/^!/d' "$TOPO_DIR/hub.conf"
kill -HUP "$pid"
gone() { ! ns hub ip link show dmvpn1; }
eventually 10 "reload by SIGHUP takes it away" gone
ctl hub debug crypto keys "$TOPO_DIR/keys" >"$TOPO_DIR/out" 2>&1; check $? "debug crypto keys" "$(cat "$TOPO_DIR/out")"
ctl hub clear dmvpn peer all >"$TOPO_DIR/out" 2>&1; check $? "clear dmvpn peer all" "$(cat "$TOPO_DIR/out")"
eventually 30 "after which keys are written" test -s "$TOPO_DIR/keys"
eventually 30 "and the spoke is UP again" cloud_up
ns hub ip link del dmvpn0
eventually 30 "a deleted interface is made again" cloud_device hub
eventually 60 "and the spoke is UP again" cloud_up
[ -n "$(find "$TOPO_DIR" -name "hub.db*" -size +0)" ]; check $? "the store is written"
cloud_stop hub
! ls "$TOPO_DIR"/hub.sock >/dev/null 2>&1; check $? "an orderly end takes the socket away"
cloud_start 0 --no-seccomp || not_ok "it starts with --no-seccomp"
[ "$(grep ^Seccomp "/proc/$(cloud_pid hub)/status")" = "$(grep ^Seccomp /proc/self/status)" ]; check $? "--no-seccomp leaves the list away"
eventually 60 "as a debugger wants it" cloud_up

# ---- the unit
if command -v systemd-analyze >/dev/null && [ -e "$BUILDDIR/packaging/nhrpd.service" ]; then
	out=$(systemd-analyze security --offline=true --threshold=25 "$BUILDDIR/packaging/nhrpd.service" 2>&1); rc=$?
	[ $rc = 0 ]; check $? "systemd-analyze: exposure of the unit at most 2.5" "$(tail -n 1 <<<"$out")"
else
	note "no systemd-analyze here (package systemd): the unit's exposure is not looked at"
fi
end
