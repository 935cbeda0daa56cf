#!/bin/sh
# Fails if a generated file differs from what its generator writes now.
# Works on a copy of the tree, so that nothing here changes.
set -e
cd "$(dirname "$0")/../.."
GO=${GO:-go}
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT INT TERM
mkdir "$copy/govs"
tar -cf - --exclude=./bin --exclude=./.git --exclude=./bench/out . | tar -xf - -C "$copy/govs"
(cd "$copy/govs" && $GO generate ./...)
if ! diff -r -q -x bin -x .git -x out . "$copy/govs" >&2; then
	echo "check-generate: run \"make generate\" and commit what it writes" >&2
	exit 1
fi
