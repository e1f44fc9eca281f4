#!/usr/bin/env bash
# tests/net/auto.sh where the kernel has GRE, ESP and XFRM.
LIMIT=120
export LIMIT
# shellcheck source=tests/uml/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/uml/lib.sh"
. "$SRCDIR/tests/net/auto.sh"
