#!/usr/bin/env bash
# tests/net/tunnels.sh, two networks over one source, on the kernel plane.
CLOUD_PLANE=kernel LIMIT=200
export CLOUD_PLANE LIMIT
# shellcheck source=tests/uml/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/uml/lib.sh"
. "$SRCDIR/tests/net/tunnels.sh"
