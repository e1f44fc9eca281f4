#!/usr/bin/env bash
# The cloud of tests/net/cloud.sh where both planes meet: a hub on the kernel's with spokes on ours, and the reverse. All that it asserts.
LIMIT=500
# shellcheck source=tests/uml/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/uml/lib.sh"

form() {	# HUB SPOKES
	note "---- hub: $1 plane, spokes: $2 plane"
	env -u LIB_TIMED CLOUD_PLANE="$2" CLOUD_PLANE_hub="$1" LIMIT=240 "$BASH" "$SRCDIR/tests/net/cloud.sh"
	check $? "hub on the $1 plane, spokes on the $2 plane"
}
form kernel user
form user kernel
end
