#!/usr/bin/env bash
# tests/net/routing-many.sh with a full table.
LIMIT=600 ROUTES=${ROUTES:-100000}
# shellcheck source=tests/net/routing-many.sh
. "$(dirname "$0")/routing-many.sh"
