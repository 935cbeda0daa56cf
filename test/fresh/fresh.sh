#!/bin/bash
# Runs the two commands of the README in a new Debian 12 root that has only Go, gcc, make and git beside the
# base system: what a new user's machine is, and what the Dockerfile's steps are. Needs root, debootstrap and the network.
#
#   test/fresh/fresh.sh [COMMAND…]     the default: "make run FOR=10s" and then "make test"
#
# FRESH_DIR   where the root is made (default: a new directory below /var/tmp, removed at the end)
# FRESH_BASE  a directory that keeps a bootstrapped root for the next time
# FRESH_REF   what is tested: a commit (default: HEAD)
# GOVS_NO_HUGE=1 is passed on: without huge pages.
#
# Everything is mounted in a mount namespace of its own and runs in a PID namespace of its own, so that nothing is
# left mounted or running when this ends, however it ends.
set -euo pipefail
cd "$(dirname "$0")/../.."
repo=$PWD
[ "$(id -u)" = 0 ] || { echo "fresh: needs root" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "fresh: debootstrap is not installed" >&2; exit 1; }

goroot=$("${GO:-go}" env GOROOT)
made=
if [ -z "${FRESH_DIR:-}" ]; then
	FRESH_DIR=$(mktemp -d /var/tmp/govs-fresh.XXXXXX)
	made=1
fi
root=$FRESH_DIR/root
cleanup() {
	# Nothing is mounted here outside the namespace; --one-file-system makes sure.
	if [ -n "$made" ]; then rm -rf --one-file-system "$FRESH_DIR"; fi
}
trap cleanup EXIT

bootstrap() {
	echo "fresh: debootstrap bookworm to $1" >&2
	debootstrap --variant=minbase --include=make,gcc,libc6-dev,git,ca-certificates bookworm "$1" \
		http://deb.debian.org/debian >"$FRESH_DIR/debootstrap.log" 2>&1 ||
		{ tail -n 20 "$FRESH_DIR/debootstrap.log" >&2; exit 1; }
}
mkdir -p "$root"
if [ -n "${FRESH_BASE:-}" ]; then
	[ -x "$FRESH_BASE/bin/sh" ] || bootstrap "$FRESH_BASE"
	cp -a "$FRESH_BASE/." "$root/"
else
	bootstrap "$root"
fi
cp /etc/resolv.conf "$root/etc/resolv.conf"
# The certificates that this host trusts: it may reach the network through a proxy with its own.
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/host-certificates.crt"
mkdir -p "$root/src" "$root/usr/local/go"
git -C "$repo" archive "${FRESH_REF:-HEAD}" | tar -x -C "$root/src"

[ $# -gt 0 ] || set -- "make run FOR=10s" "make test"
status=0
for command in "$@"; do
	echo "fresh: $command"
	begin=$SECONDS
	unshare --mount --pid --fork --kill-child /bin/bash -euc '
		root=$1 goroot=$2 command=$3
		mount --make-rprivate /
		mount --bind "$root" "$root" # so that / is a mount point there, as on any machine
		mount --bind "$goroot" "$root/usr/local/go"
		mount -t proc proc "$root/proc"
		mount --rbind /sys "$root/sys"
		mount --rbind /dev "$root/dev"
		mount -t tmpfs tmpfs "$root/run"
		mkdir "$root/run/lock"
		exec env -i HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 SSL_CERT_FILE=/etc/host-certificates.crt ${GOVS_NO_HUGE:+GOVS_NO_HUGE=1} \
			PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
			chroot "$root" /bin/sh -c "cd /src && $command"
	' fresh "$root" "$goroot" "$command" || status=$?
	echo "fresh: $command: exit status $status after $((SECONDS - begin)) s"
	[ $status = 0 ] || exit $status
done
