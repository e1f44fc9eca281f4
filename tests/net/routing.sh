# shellcheck shell=bash
# tests/net/routing.sh: a routing protocol over the cloud, sourced by tests/net/routing-*.sh after lib.sh and frr.sh. Recipes come from doc/routing.md.

recipe() {	# PROTOCOL hub|spoke: its lines in doc/routing.md
	awk -v want="<!-- recipe: $1 $2 -->" '$0 == want { on = 1; next } on && /^<!--/ { next } on && /^```/ { if (open) exit; open = 1; next } open { print }' "$SRCDIR/doc/routing.md"
}
cloud_routes() { :; }	# no static routes: the protocol has them
more_conf() { :; }	# N: lines for nhrpd's configuration; a test may have some

# protocol_cloud PROTOCOL DAEMON...: everything started, every site with zebra and those daemons, recipes pasted
protocol_cloud() {
	local p=$1 n role; shift
	note "FRR $FRR_VERSION"
	cloud_topology || { not_ok "the topology can be built"; exit 1; }
	for n in 0 $CLOUD_SPOKES; do
		cloud_conf "$n"
		more_conf "$n" >>"$TOPO_DIR/$(site "$n").conf"
		frr_zebra_conf "$(site "$n")"
		frr_start "$(site "$n")" zebra "$@" || exit 1
	done
	start_all
	eventually 60 "every spoke is UP" cloud_up || { ctl hub show dmvpn; exit 1; }
	for n in 0 $CLOUD_SPOKES; do
		role=spoke; [ "$n" != 0 ] || role=hub
		[ -n "$(recipe "$p" $role)" ] || { not_ok "doc/routing.md has a recipe: $p $role"; exit 1; }
		recipe "$p" $role | frr_paste "$(site "$n")"
	done
}
# has_lans PROTOCOL: each site has every other's LAN by that protocol. One question a site: vtysh costs more than all else here.
has_lans() {
	local a b have
	for a in 0 $CLOUD_SPOKES; do
		have=$(frr_show "$(site "$a")" show ip route "$1")
		for b in 0 $CLOUD_SPOKES; do
			[ "$a" = "$b" ] || [[ $have == *" 172.16.$b.0/24 "* ]] || return 1
		done
	done
}
lan_reaches_lan() {
	local a b
	for a in 0 $CLOUD_SPOKES; do for b in 0 $CLOUD_SPOKES; do
		[ "$a" = "$b" ] || cloud_ping "$(site "$a")" "$(lan_host "$b")" || return 1
	done; done
}
lans() {	# PROTOCOL TEXT
	eventually 90 "$2: every site has every LAN by $1" has_lans "$1" || { for n in 0 $CLOUD_SPOKES; do frr_show "$(site "$n")" show ip route | grep -v '^Codes\|^ '; done; }
	eventually 60 "$2: every LAN reaches every LAN" lan_reaches_lan || { for n in 0 $CLOUD_SPOKES; do ctl "$(site "$n")" show dmvpn; ns "$(site "$n")" ip route; done; }
}
