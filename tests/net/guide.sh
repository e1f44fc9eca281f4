#!/usr/bin/env bash
# doc/guide.md, followed word by word: the hub and spokes are namespaces, files are written as they stand there, commands run as they are
# typed, and what they print is compared with what the guide shows; numbers other than addresses count as equal, "..." stands for any lines.
#   guide.sh --update writes the outputs that came into the guide (those without "...").
# In the guide: `<!-- file MACHINE PATH -->` before a fenced file; `<!-- do MACHINE: COMMAND -->`, `<!-- until MACHINE: COMMAND -->` are not seen
# by readers; ```console blocks hold "MACHINE# COMMAND" and its output. apt and systemctl do what they would, without their systems.
LIMIT=400
UPDATE=${1-}
# shellcheck source=tests/net/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/lib.sh"
command -v perl >/dev/null || skip "perl is not installed"
GUIDE=$SRCDIR/doc/guide.md
CLOUD_SPOKES=

# ---- the machines
machine() {	# NAME OUTER GATEWAY-K LAN
	ns_new "$1" || return 1
	ip link add eth0 netns "$TOPO_NS$1" type veth peer name "p$3" netns "${TOPO_NS}inet" || return 1
	ns inet ip -batch - <<-END || return 1
		addr add ${2%.*}.254/24 dev p$3
		link set p$3 up
	END
	ns_new "pc$4" || return 1
	ip link add eth1 netns "$TOPO_NS$1" type veth peer name eth0 netns "${TOPO_NS}pc$4" || return 1
	ns "$1" ip -batch - <<-END || return 1
		addr add $2/24 dev eth0
		addr add 172.16.$4.1/24 dev eth1
		link set eth0 up
		link set eth1 up
		route add default via ${2%.*}.254
	END
	ns "pc$4" ip -batch - <<-END
		addr add 172.16.$4.10/24 dev eth0
		link set eth0 up
		route add default via 172.16.$4.1
	END
	ns "$1" sysctl -qw net.ipv4.ip_forward=0
	mkdir -p "$TOPO_DIR/$1/etc" "$TOPO_DIR/$1/run" "$TOPO_DIR/$1/lib" "$TOPO_DIR/$1/bin"
	shims "$1"
}
shims() {	# MACHINE: programs as they are called there
	local d=$TOPO_DIR/$1
	printf '#!/bin/sh\nexec "%s" -s "%s/run/control.sock" "$@"\n' "$NHRPCTL" "$d" >"$d/bin/nhrpctl"
	printf '#!/bin/sh\nexec "%s" "$@"\n' "$NHRPD" >"$d/bin/nhrpd"
	printf '#!/bin/sh\ncase "$*" in "install ./opendmvpn_"*.deb) ;; *) echo "apt: $*?"; exit 1 ;; esac\n' >"$d/bin/apt"
	cat >"$d/bin/systemctl" <<-END
		#!/bin/sh
		stop() {
			[ -s $d/pid ] || return 0
			kill \$(cat $d/pid); while kill -0 \$(cat $d/pid) 2>/dev/null; do sleep 0.05; done; rm $d/pid
		}
		start() {
			$NHRPD -f $d/etc/nhrpd.conf -c $d/run/control.sock >>$TOPO_DIR/$1.log 2>&1 </dev/null & echo \$! >$d/pid
			i=0; while [ \$i -lt 100 ] && ! $NHRPCTL -s $d/run/control.sock show version >/dev/null 2>&1; do sleep 0.05; i=\$((i + 1)); done
		}
		case "\$*" in "enable --now nhrpd" | "start nhrpd") start ;; "stop nhrpd") stop ;; "restart nhrpd") stop; start ;; *) echo "systemctl: \$*?"; exit 1 ;; esac
	END
	chmod +x "$d"/bin/*
}
run() {	# MACHINE COMMAND
	local d=$TOPO_DIR/$1
	mkdir -p "$d"
	# shellcheck disable=SC2016
	PATH=$d/bin:$PATH ns "$1" bash -c "${2//\/etc\/nhrpd/$d/etc}" 2>&1 | sed "s|$d/etc|/etc/nhrpd|g"
}
succeeds() { PATH=$TOPO_DIR/$1/bin:$PATH ns "$1" bash -c "${2//\/etc\/nhrpd/$TOPO_DIR/$1/etc}" >/dev/null 2>&1; }

# ---- comparing
# shellcheck disable=SC2016
same() {	# SHOWN CAME
	SHOWN=$1 CAME=$2 perl -e '
		sub plain { my $s = shift;
			$s =~ s/\b\d+\.\d+\.\d+\.\d+(\/\d+)?/my $a = $&; $a =~ tr{0-9.\/}{a-jkl}; "@$a@"/ge;
			$s =~ s/\b0x[0-9a-f]{8}\b/#/g; $s =~ s/\b[0-9a-f]{16}\b/#/g; $s =~ s/\d+[:.\d]*\d|\d/#/g; $s =~ s/[ \t]+/ /g; $s =~ s/ $//mg; $s }
		my ($shown, $came) = (plain($ENV{SHOWN}), plain($ENV{CAME}));
		my $re = join("", map { $_ eq "..." ? "(?:.*\n)*?" : quotemeta($_) . "\n" } split(/\n/, $shown));
		exit !(("$came\n" =~ /^$re$/) || ($shown eq "" && $came eq ""))'
}
came_like() { OUT=$(run "$1" "$2"); same "$3" "$OUT"; }	# MACHINE COMMAND SHOWN

# ---- the guide
NEW=$TOPO_DIR/guide.new
: >"$NEW"
command_done() {	# the command and output collected in M, C, SHOWN
	[ -n "$M" ] || return 0
	local m=$M c=$C
	M=
	if [ -n "$UPDATE" ] && [[ $'\n'$SHOWN$'\n' != *$'\n...\n'* ]]; then
		OUT=$(run "$m" "$c")
		[ -z "$OUT" ] || printf '%s\n' "$OUT" >>"$NEW"
		ok "$m# $c"
		return 0
	fi
	[ -z "$SHOWN" ] || [ -z "$UPDATE" ] || printf '%s\n' "$SHOWN" >>"$NEW"
	# what changes something is done once; what looks is asked again until it shows what the guide shows
	case $c in
	nhrpctl\ show* | nhrpctl\ probe*) wait_for 20 came_like "$m" "$c" "$SHOWN" ;;
	*) came_like "$m" "$c" "$SHOWN" ;;
	esac
	check $? "$m# $c" "$(same "$SHOWN" "$OUT" || printf 'came:\n%s\nthe guide shows:\n%s' "$OUT" "$SHOWN")"
}

ns_new inet && machine hub 192.0.2.1 0 0 && machine spoke1 198.51.100.11 1 1 && machine spoke2 203.0.113.12 2 2 || { not_ok "the machines can be made"; exit 1; }
stop_machines() { local f; for f in "$TOPO_DIR"/*/pid; do [ -s "$f" ] && kill "$(cat "$f")"; done; }
cloud_stop_all() { stop_machines 2>/dev/null; }

FILE='' IN='' M='' C='' SHOWN=''
while IFS= read -r line; do
	if [ "$IN" = console ] && [ "$line" != '```' ]; then
		if [[ $line =~ ^([a-z]+[0-9]?)#\ (.*)$ ]]; then
			command_done
			M=${BASH_REMATCH[1]} C=${BASH_REMATCH[2]} SHOWN=
			printf '%s\n' "$line" >>"$NEW"
		else
			SHOWN=${SHOWN:+$SHOWN$'\n'}$line
		fi
		continue
	fi
	case $line in
	'```') if [ "$IN" = console ]; then command_done; fi
		if [ -n "$IN" ]; then IN=''; else IN=${FILE:-other}; [ -z "$FILE" ] || : >"$FILE"; FILE=''; fi ;;
	'```console') IN=console ;;
	'<!-- file '*) read -r _ _ m path _ <<<"$line"; FILE=${path/\/etc\/nhrpd/$TOPO_DIR/$m/etc} ;;
	'<!-- do '*) m=${line#<!-- do }; c=${m#*: }; run "${m%%:*}" "${c% -->}" >/dev/null ;;
	'<!-- until '*) m=${line#<!-- until }; c=${m#*: }; c=${c% -->}
		eventually 25 "${m%%:*}: $c" succeeds "${m%%:*}" "$c" || run "${m%%:*}" "nhrpctl show dmvpn" ;;
	*) if [ -n "$IN" ] && [ "$IN" != other ]; then printf '%s\n' "$line" >>"$IN"; fi ;;
	esac
	printf '%s\n' "$line" >>"$NEW"
done <"$GUIDE"
[ -z "$UPDATE" ] || cp "$NEW" "$GUIDE"
end
