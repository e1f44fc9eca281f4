#!/usr/bin/env bash
# The cloud of tests/net/cloud.sh on the kernel plane: hub and three spokes, two behind one NAT, everything that it asserts.
CLOUD_PLANE=kernel LIMIT=280
export CLOUD_PLANE LIMIT
# shellcheck source=tests/uml/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/uml/lib.sh"
. "$SRCDIR/tests/net/cloud.sh"
