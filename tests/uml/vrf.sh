#!/usr/bin/env bash
# tests/net/vrf.sh: this machine's kernel may have no VRFs. The kernel plane does not take both at once, and `auto` says so.
LIMIT=420
export LIMIT
# shellcheck source=tests/uml/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/uml/lib.sh"
form() {	# PLANE VRFS
	note "---- $1 plane, VRFs: $2"
	env -u LIB_TIMED CLOUD_PLANE="$1" VRFS="$2" LIMIT=160 "$BASH" "$SRCDIR/tests/net/vrf.sh"
	check $? "VRFs $2 on the $1 plane"
}
form kernel under
form kernel over
form auto "under over"
end
