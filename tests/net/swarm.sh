# shellcheck shell=bash
# tests/net/swarm.sh: a swarm of $SWARM spokes (tools/bench/swarm) beside the cloud; sourced after tests/net/lib.sh.
SWARM_PROGRAM=$BUILDDIR/tools/bench/swarm
[ -x "$SWARM_PROGRAM" ] || { echo "not ok $SWARM_PROGRAM is built"; exit 1; }

swarm_site() {	# a place on the internet with a network of its own
	topo_site swarm 40 || return 1
	ns swarm ip route add local 198.19.0.0/16 dev lo
	ns inet ip route add 198.19.0.0/16 via 198.18.40.2
}
swarm_conf() {	# the template of its spokes: spoke1's words, under another name and without a store
	sed -e '/^store /d' -e 's/spoke1/swarm/' -e 's/ tunnel source wan/ tunnel source 198.19.0.1/' -e "s|10.255.0.11/24|10.254.0.1/15|" \
		-e '/^dataplane /d' -e '/^log /d' "$TOPO_DIR/spoke1.conf" >"$TOPO_DIR/swarm.conf"
	sed -i -e 's|^ peer spoke1$| peer swarm\n  identity fqdn domain swarm.odm.example\n  pre-shared-key of-the-hub-and-swarm\n peer spoke1|' \
		-e "s|$(overlay 0)/24|$(overlay 0)/15|" "$TOPO_DIR/hub.conf"
	sed -i "s|/24$|/15|;/ip nhrp redirect/d" "$TOPO_DIR"/spoke[12].conf
}
swarm_start() {
	ns_exec swarm "$SWARM_PROGRAM" -f "$TOPO_DIR/swarm.conf" -n "$SWARM" -s 198.19.0.1 -o 10.254.0.1 -r 400 -e "$TOPO_DIR/swarm.events" -l informational \
		>"$TOPO_DIR/swarm.json" 2>"$TOPO_DIR/swarm.log" </dev/null &
	SWARM_PID=$!
}
swarm_up() { [ "$(swarm_count registered)" -ge "$SWARM" ]; }
swarm_count() { grep -c " $1 after " "$TOPO_DIR/swarm.events"; }
