#!/bin/sh
# Builds every program: tools/NAME to bin/, the demonstration and the benchmarks to bin/aux/.
# Run by make, which sets GO, GOAMD64 and the cgo variables.
set -e
cd "$(dirname "$0")/../.."
GO=${GO:-go}
tags=$(tools/scripts/tags.sh)
if [ -z "$tags" ]; then
	echo "make: no DPDK here (pkg-config libdpdk >= 22.11): building without it" >&2
fi
build() { # DIRECTORY PACKAGES...
	dir=$1
	shift
	programs=$($GO list -e -tags "$tags" -f '{{if eq .Name "main"}}{{.ImportPath}}{{end}}' "$@")
	# shellcheck disable=SC2086
	[ -z "$programs" ] || $GO build -trimpath -tags "$tags" -o "$dir/" $programs
}
mkdir -p bin/aux
build bin ./tools/...
build bin/aux ./test/... ./bench/...
