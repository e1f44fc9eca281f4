#!/usr/bin/env bash
# The cloud of tests/net/cloud.sh on the kernel plane with IPv6 outside and both families inside.
CLOUD_PLANE=kernel LIMIT=280 CLOUD_V6UNDER=1 CLOUD_V6OVER=1
export CLOUD_PLANE LIMIT CLOUD_V6UNDER CLOUD_V6OVER
# shellcheck source=tests/uml/lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/uml/lib.sh"
. "$SRCDIR/tests/net/cloud.sh"
