#!/usr/bin/env bash
# The same with FRR's nhrpd as the hub.
HUB=frr
export HUB
# shellcheck source=tests/interop/frr-bare.sh
. "$(dirname "$0")/frr-bare.sh"
