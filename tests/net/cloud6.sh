#!/usr/bin/env bash
# cloud.sh with IPv6 outside (no NAT) and both families inside.
export CLOUD_V6UNDER=1 CLOUD_V6OVER=1
. "${SRCDIR:-$(dirname "$0")/../..}/tests/net/cloud.sh"
