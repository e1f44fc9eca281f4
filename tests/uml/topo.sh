# shellcheck shell=bash
# tests/uml/topo.sh: sourced after tests/net/topo.sh inside a guest (tests/uml/run). Its kernel has no nf_tables for IP: the same
# is done by iptables-legacy. And a fork costs a hundred times what it costs outside: settings are made once and inherited.

for c in iptables-legacy-restore iptables-legacy-save; do command -v $c >/dev/null || { echo "skip $c is not installed (package iptables)"; exit 77; }; done
export CLOUD_START_S=30	# the first AEAD of a guest loads and tests a chain of modules
echo 1 >/proc/sys/net/core/devconf_inherit_init_net
for f in /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/{all,default}/forwarding /proc/sys/net/ipv6/conf/{all,default}/forwarding; do echo 1 >"$f"; done
for f in /proc/sys/net/ipv4/conf/{all,default}/rp_filter /proc/sys/net/ipv6/conf/{all,default}/accept_dad; do echo 0 >"$f"; done

ns_new() {	# NAME
	ip netns add "$TOPO_NS$1" || return 1
	TOPO_LIST+=("$1")
	ns "$1" sh -c 'echo 0 >/proc/sys/net/ipv4/icmp_echo_ignore_broadcasts; exec ip link set lo up'
}

topo_nat() {	# NAME K
	topo_site "$1" "$2" || return 1
	ns "$1" iptables-legacy-restore <<-EOF
		*nat
		-A POSTROUTING -o wan -s 192.168.$2.0/24 -j MASQUERADE
		COMMIT
		*filter
		-A FORWARD -i wan -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
		-A FORWARD -i wan -j DROP
		COMMIT
	EOF
}

_wall() {	# NAME HOOK RULE...
	local n=$1 hook=${2^^} r; shift 2
	{
		echo '*filter'
		for r; do
			sed "s/\ball\b//; s/\bfrom /-s /; s/\bto /-d /; s/\budp /-p udp --dport /; s/\besp-in-udp/-p udp --dport 4500 -m u32 ! --u32 0>>22\&0x3C@8=0/
				s/\bicmp\b/-p icmp/; s/^/-A $hook /; s/\$/ -j DROP/" <<<"$r"
		done
		echo COMMIT
	} | ns "$n" iptables-legacy-restore
}
wall_down() { printf '*filter\nCOMMIT\n' | ns "$1" iptables-legacy-restore; }
topo_nat_random() {	# NAME K
	printf '*nat\n-A POSTROUTING -o wan -s 192.168.%s.0/24 -j MASQUERADE --random\nCOMMIT\n' "$2" | ns "$1" iptables-legacy-restore
}
topo_ear() { printf '*filter\n-A INPUT -p udp --dport %s\nCOMMIT\n' "$2" | ns "$1" iptables-legacy-restore; }
topo_heard() { ns "$1" iptables-legacy-save -c -t filter | sed -n 's/^\[\([0-9]*\):.*-A INPUT .*/\1/p'; }

# Counts like that of tests/net/topo.sh, except ARP. Each packet passes PREROUTING of the table raw once, in reassembled form.
topo_watch() {	# NAME DEVICE...
	local n=$1 d; shift
	{
		printf '*raw\n:WATCH -\n'
		for d; do echo "-A PREROUTING -i $d -j WATCH"; done
		_watch_rules 172.16.0.0/16 10.255.0.0/24 icmp '0>>22&0x3C@8=0'
	} | ns "$n" iptables-legacy-restore || return 1
	{
		printf '*raw\n:WATCH -\n'
		for d; do echo "-A PREROUTING -i $d -j WATCH"; done
		_watch_rules fd16::/16 fd10:255::/64 icmpv6 '48=0'
	} | ns "$n" ip6tables-legacy-restore
}
_watch_rules() {	# LANS OVERLAY ICMP MARKER-TEST
	local r
	for r in "INNER -s $1" "INNER -d $1" "INNER -s $2" "INNER -d $2" "ICMP -p $3" "GRE -p 47" "ESP -p 50" "IKE -p udp --dport 500" "IKE -p udp --sport 500" \
		"IKE-4500 -p udp --dport 4500 -m u32 --u32 $4" "IKE-4500 -p udp --sport 4500 -m u32 --u32 $4" "ESP-4500 -p udp --dport 4500" \
		"ESP-4500 -p udp --sport 4500" "OTHER "; do
		echo "-A WATCH ${r#* } -m comment --comment ${r%% *} -j RETURN"
	done
	echo COMMIT
}

topo_watched() {
	local n
	for n in $TOPO_WATCHED; do ns "$n" iptables-legacy-save -c -t raw; ns "$n" ip6tables-legacy-save -c -t raw; done |
		sed -n 's/^\[\([0-9]*\):\([0-9]*\)\] -A WATCH .*--comment "\?\([A-Z0-9-]*\).*/\3 \1 \2/p' |
		awk '{ p[$1] += $2; b[$1] += $3; if (!($1 in at)) { at[$1] = ++k; name[k] = $1 } }
			END { for (i = 1; i <= k; i++) print name[i], p[name[i]], b[name[i]] }'
}
