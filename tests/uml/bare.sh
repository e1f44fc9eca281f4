#!/usr/bin/env bash
# Tunnels without protection on the kernel plane: all that tests/net/bare.sh asserts.
CLOUD_PLANE=kernel LIMIT=280
export CLOUD_PLANE LIMIT
# shellcheck source=tests/uml/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/uml/lib.sh"
. "$SRCDIR/tests/net/bare.sh"
