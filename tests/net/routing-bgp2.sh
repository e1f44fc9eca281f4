#!/usr/bin/env bash
# tests/net/routing-phase2.sh with BGP.
PROTOCOL=bgp2
# shellcheck source=tests/net/routing-phase2.sh
. "$(dirname "$0")/routing-phase2.sh"
