# shellcheck shell=bash
# tests/net/frr.sh: FRRouting for sites of the cloud, sourced after lib.sh. Each site has daemons of its own, with sockets and files
# in $TOPO_DIR/NAME.frr. What a site is to do is pasted into vtysh, as its user would.
FRR_LIB=/usr/lib/frr
for c in zebra ${FRR_NEEDS-}; do [ -x $FRR_LIB/$c ] || skip "FRR's $c is not installed (package frr)"; done
command -v vtysh >/dev/null || skip "vtysh is not installed (package frr)"
FRR_VERSION=$($FRR_LIB/zebra --version 2>/dev/null | sed -n '1s/.*version //p')
# FRR's daemons do not run as root unless root is in the group of vtysh; the copy is this test's own.
getent group frrvty >/dev/null || skip "there is no group frrvty (package frr)"
awk -F: -v OFS=: '$1 == "frrvty" { $4 = $4 ($4 == "" ? "" : ",") "root" } { print }' /etc/group >/run/group && mount --bind /run/group /etc/group ||
	skip "this world has no /etc/group of its own"
FRR_PIDS=''

frr_dir() { echo "$TOPO_DIR/$1.frr"; }
# frr_start NAME DAEMON...: zebra comes first
frr_start() {
	local n=$1 dir d pid; shift
	dir=$(frr_dir "$n")
	mkdir -p "$dir"
	chmod 755 "$TOPO_DIR" "$dir"
	for d; do
		[ -e "$dir/$d.conf" ] || echo "log file $TOPO_DIR/$n-$d.log" >"$dir/$d.conf"
		ns_exec "$n" $FRR_LIB/$d -u root -g root -f "$dir/$d.conf" -z "$dir/zserv.api" -i "$dir/$d.pid" --vty_socket "$dir" -P 0 \
			$([ $d != bfdd ] || echo "--bfdctl $dir/bfdd.sock") >"$TOPO_DIR/$n-$d.out" 2>&1 </dev/null &
		pid=$!
		echo $pid >"$dir/$d.run"
		FRR_PIDS="$FRR_PIDS $pid"
		wait_for 10 [ -S "$dir/$d.vty" ] || { not_ok "FRR's $d of $n starts: $(tail -n 3 "$TOPO_DIR/$n-$d.out" | tr '\n' ' ')"; return 1; }
	done
}
frr_kill() {	# NAME DAEMON [SIGNAL]
	local pid; pid=$(cat "$(frr_dir "$1")/$2.run")
	kill "-${3:-TERM}" "$pid"
	wait_for 10 cloud_gone "$pid"
	{ wait "$pid"; } 2>/dev/null
	rm -f "$(frr_dir "$1")/$2.vty"
}
frr_show() { local n=$1; shift; vtysh --vty_socket "$(frr_dir "$n")" -c "$*" 2>/dev/null; }
frr_paste() {	# NAME: standard input goes into the configuration
	cat >"$(frr_dir "$1")/pasted"
	vtysh --vty_socket "$(frr_dir "$1")" -f "$(frr_dir "$1")/pasted" 2>&1 | grep -v '^$' | sed "s/^/# vtysh of $1: /"
	return 0
}
frr_stop_all() { local p; for p in $FRR_PIDS; do kill -TERM "$p" 2>/dev/null; done; for p in $FRR_PIDS; do wait_for 5 cloud_gone "$p" || kill -KILL "$p" 2>/dev/null; wait "$p" 2>/dev/null; done; FRR_PIDS=''; }
# Like flow_intact, but packets may overtake each other: their path changes on purpose.
flow_whole() {	# NAME TEXT
	flow_end "$1"
	[ "$(field lost "$OUT")" = 0 ] && [ "$(field end "$OUT")" = 1 ] && [ "$(field duplicates "$OUT")" = 0 ]
	check $? "$2" "$OUT $(grep -h flow: "$TOPO_DIR/$1.tx" | head -n 1)"
}
frr_zebra_conf() { echo "zebra socket $(frr_dir "$1")/zserv.api" >>"$TOPO_DIR/$1.conf"; }	# nhrpd of NAME looks for zebra there
cloud_stop_all() { local n; for n in 0 $CLOUD_SPOKES; do cloud_stop "$(site "$n")"; done; frr_stop_all; }
