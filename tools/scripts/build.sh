#!/bin/sh
# Builds every program to bin/: tools/NAME, the demonstration and the benchmark.
# Run by make, which sets GO, GOAMD64 and the cgo variables.
set -e
cd "$(dirname "$0")/../.."
GO=${GO:-go}
tags=$(tools/scripts/tags.sh)
if [ -z "$tags" ]; then
	echo "make: no DPDK here (pkg-config libdpdk >= 22.11): building without it" >&2
fi
mkdir -p bin
programs=$($GO list -e -tags "$tags" -f '{{if eq .Name "main"}}{{.ImportPath}}{{end}}' ./tools/... ./test/... ./bench/... 2>/dev/null)
[ -n "$programs" ] || { echo "make: no programs yet" >&2; exit 0; }
# shellcheck disable=SC2086
exec $GO build -trimpath -tags "$tags" -o bin/ $programs
