#!/bin/bash
# Everything that must hold before a change goes in; `make test` and CI run exactly this.
# Each step prints one line and, when it fails, what was wrong.
set -e -o pipefail
cd "$(dirname "$0")/../.."
GO=${GO:-go}
start=$SECONDS
step() { printf '== %4ds  %s\n' $((SECONDS - start)) "$*"; }
# Packages without tests are no news.
quiet() { grep -v -E '\[no test files\]|\[no tests to run\]$' || true; }
gotest() { "$GO" test -p 2 -timeout 15m "$@" | quiet; }

tools/scripts/deps.sh
tags=$(tools/scripts/tags.sh)

step "gofmt"
unformatted=$(find . -name '*.go' -not -path './bin/*' -print0 | xargs -0r gofmt -l)
if [ -n "$unformatted" ]; then
	echo "not formatted: "$unformatted >&2
	exit 1
fi

step "build: without cgo, then${tags:+ with} ${tags:-without DPDK}"
CGO_ENABLED=0 $GO build ./...
tools/scripts/build.sh

step "vet and staticcheck"
CGO_ENABLED=0 $GO vet ./...
[ -z "$tags" ] || $GO vet -tags "$tags" ./...
bin/staticcheck -tags "$tags" ./...
tools/scripts/check-generate.sh

step "huge pages"
if [ "$(id -u)" = 0 ] && [ -z "$GOVS_NO_HUGE" ]; then tools/scripts/hugepages.sh 1024; fi

# The end-to-end tests run the programs in bin/, so they run once, at the end.
units() { $GO list "$@" ./... | grep -v -E '^govs/(test|bench)(/|$)'; }

step "tests without cgo and without DPDK"
CGO_ENABLED=0 gotest $(CGO_ENABLED=0 units)

step "tests with the race detector"
# The race detector does not know what C memory and the lock-free packet path do between themselves;
# the packages whose rule that is say so with the build tag norace or skip themselves under it.
gotest -race $(units)

if [ -n "$tags" ]; then
	step "tests with DPDK"
	gotest -tags "$tags" ./pmd $(units -tags "$tags" -f '{{.ImportPath}} {{join .Deps " "}}' | awk '/govs\/cgo\/dpdk/ {print $1}')
fi

step "end to end, beside the original"
# Root has everything that these need, so none may skip itself.
if [ "$(id -u)" = 0 ]; then export GOVS_TEST_ALL=1; fi
gotest -tags "$tags" ./test/... ./bench/...
