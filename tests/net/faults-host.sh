#!/usr/bin/env bash
# What the own machine does: no name service, a hub's name that moves, the interface deleted, a disk that is full. And a hub away
# for longer than everybody's patience.
LIMIT=400
CLOUD_SPOKES="1 4"
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"

ladder() { ctl "spoke$1" show dmvpn | grep -FA1 "10.255.0.1 " | tr -s ' \n' ' '; }	# SPOKE: the line of its hub, and the reason
says() { ladder "$1" | grep -Eq " $2 .*reason: .*$3"; }	# SPOKE STEP REASON
hosts() { printf '%s\n' "127.0.0.1 localhost" "$@" >"$TOPO_DIR/hosts"; cat "$TOPO_DIR/hosts" >/etc/hosts; }

# The world has a mount namespace of its own: these are seen by the daemons of this test only.
printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' >"$TOPO_DIR/resolv.conf"
printf 'hosts: files dns\n' >"$TOPO_DIR/nsswitch.conf"
echo '127.0.0.1 localhost' >"$TOPO_DIR/etc-hosts"
for f in resolv.conf nsswitch.conf; do [ -e "/etc/$f" ] && { mount --bind "$TOPO_DIR/$f" "/etc/$f" || skip "/etc/$f cannot be replaced"; }; done
mount --bind "$TOPO_DIR/etc-hosts" /etc/hosts || skip "/etc/hosts cannot be replaced"

cloud_topology || { not_ok "the topology can be built"; exit 1; }
for n in 0 $CLOUD_SPOKES; do cloud_conf "$n"; done
sed -i 's/holdtime 60/holdtime 10/; s/registration timeout 15/registration timeout 3/' "$TOPO_DIR"/*.conf
sed -i "s/nbma $(hub_nbma)/nbma hub.odm.test/" "$TOPO_DIR/spoke1.conf"
mkdir "$TOPO_DIR/full" && mount -t tmpfs -o size=64k tmpfs "$TOPO_DIR/full" || skip "no tmpfs can be mounted"

# ---- the hub's name
cloud_start 0 && cloud_start 1 || { not_ok "hub and spoke1 start"; exit 1; }
eventually 30 "the hub's name is not known: spoke1 says so" says 1 '[A-Z]+' '[Nn]ame' || ctl spoke1 show dmvpn
note "$(ladder 1)"
hosts "$(hub_nbma) hub.odm.test"
eventually 60 "the name appears: spoke1 is UP" cloud_spoke_up 1 || ctl spoke1 show dmvpn
cloud_stop hub KILL
ns hub ip addr del 198.18.10.2/24 dev wan; ns hub ip addr add 198.18.10.77/24 dev wan; ns hub ip route replace default via 198.18.10.1
hosts "198.18.10.77 hub.odm.test"
cloud_start 0
moved() { ladder 1 | grep -Eq '198\.18\.10\.77 .* UP '; }
eventually 90 "hub and name moved: spoke1 follows" moved || { ctl spoke1 show dmvpn; tail -n 20 "$TOPO_DIR/spoke1.log"; }
ns hub ip addr add 198.18.10.2/24 dev wan

# ---- the interface goes under the daemon
for n in spoke1 hub; do
	ns $n ip link del dmvpn0
	eventually 10 "$n: its deleted interface is made again" cloud_device $n || ctl $n show interface
	grep -q 'interface-down: dmvpn0: interface was deleted' "$TOPO_DIR/$n.log"; check $? "$n: and the log says what happened"
	cloud_routes "$([ $n = hub ] && echo 0 || echo 1)" | ns $n ip -batch -
	up1() { cloud_spoke_up 1 && cloud_hub_has 1 && cloud_ping spoke1 "$(lan_host 0)"; }
	eventually 60 "$n: and carries traffic again" up1 || { ctl hub show dmvpn; ctl spoke1 show dmvpn; }
done

# ---- the disk is full: neither log nor key log can be written
dd if=/dev/zero of="$TOPO_DIR/full/fill" bs=1k count=64 2>/dev/null
ln -s full/spoke4.log "$TOPO_DIR/spoke4.log"
sed -i "s/nbma $(hub_nbma)/nbma 198.18.10.77/" "$TOPO_DIR/spoke4.conf"
ns hub ip addr del 198.18.10.2/24 dev wan
cloud_start 4 --keylog "$TOPO_DIR/full/keys"
eventually 40 "a full disk keeps no spoke down" cloud_spoke_up 4 || ctl spoke4 show dmvpn
cloud_alive spoke4 && [ -e "$TOPO_DIR/full/keys" ] && ! [ -s "$TOPO_DIR/full/keys" ]; check $? "its daemon runs, and could not write a key"
ctl spoke4 show log 2>/dev/null | grep -q nhs-up; check $? "nhrpctl show log has what the disk has not"

# ---- the hub is away for longer than everybody holds what it said
cloud_stop hub KILL
eventually 60 "the hub is away: spoke1 says that it does not answer" says 1 IKE 'no answer|does not answer' || ctl spoke1 show dmvpn
note "$(ladder 1)"
sleep 12	# holdtime is 10: everything of its time is over
cloud_start 0
whole_again "the hub was away for longer than the holdtime"
cloud_stop spoke4
umount "$TOPO_DIR/full"
end
