#!/bin/sh
# Prints the Go build tags for this machine: dpdk where pkg-config finds DPDK 22.11 or newer.
if [ -z "$NODPDK" ] && [ "${CGO_ENABLED:-1}" != 0 ] && pkg-config --exists 'libdpdk >= 22.11' 2>/dev/null; then
	echo dpdk
fi
