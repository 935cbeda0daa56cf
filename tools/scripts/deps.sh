#!/bin/sh
# Installs what building, testing, running and measuring need, on Debian 12.
# Says nothing and does nothing when it is all there. "deps.sh build" installs only what the build needs.
set -e
cd "$(dirname "$0")/../.."
GO=${GO:-go}
build="gcc libc6-dev make pkg-config libdpdk-dev ca-certificates"
test="dpdk-dev openvswitch-switch openvswitch-switch-dpdk openvswitch-common openvswitch-testcontroller
	ovn-central ovn-host python3-os-ken
	iproute2 iputils-ping ethtool iperf3 tcpdump procps kmod qemu-system-x86 busybox-static"

want=$build
[ "$1" = build ] || want="$build $test"

missing=
for p in $want; do
	if command -v dpkg-query >/dev/null; then
		dpkg-query -W -f '${db:Status-Status}\n' "$p" 2>/dev/null | grep -qx installed || missing="$missing $p"
	fi
done
sudo=
[ "$(id -u)" = 0 ] || sudo=$(command -v sudo || true)
apt="$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120"
if ! command -v dpkg-query >/dev/null; then
	echo "deps: this is not Debian: make sure that these are there: $want" >&2
elif [ -n "$missing" ]; then
	if [ "$(id -u)" != 0 ] && [ -z "$sudo" ]; then
		echo "deps: missing:$missing: run \"make deps\" as root" >&2
		exit 1
	fi
	echo "deps: installing$missing"
	# A package that starts its daemons here would take the sockets and bridges of the host:
	# refuse that while we install, unless the host has a policy of its own.
	policy=/usr/sbin/policy-rc.d
	if [ ! -e $policy ]; then
		printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
		$sudo chmod 755 $policy
		trap '$sudo rm -f $policy' EXIT INT TERM
	fi
	log=$(mktemp)
	# shellcheck disable=SC2086
	if ! { $apt update && $apt install --no-install-recommends $missing; } >"$log" 2>&1; then
		tail -n 30 "$log" >&2
		rm -f "$log"
		echo "deps: installing failed" >&2
		exit 1
	fi
	rm -f "$log"
fi
[ "$1" = build ] && exit 0

# The guests' kernel, unpacked to bin/guest, not installed. Only a test wants it, and says so where it is missing.
modules="virtio/virtio_ring virtio/virtio virtio/virtio_pci_legacy_dev virtio/virtio_pci_modern_dev virtio/virtio_pci
	net/core/failover drivers/net/net_failover drivers/net/virtio_net"
kernel() {
	meta=linux-image-cloud-amd64
	p=$(apt-cache depends $meta | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
	[ -n "$p" ] && (cd "$1" && apt-get -q download "$p") && dpkg -x "$1/$p"_*.deb "$1/root"
}
if [ ! -e bin/guest/vmlinuz ] && [ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ]; then
	echo "deps: fetching a kernel for guests"
	mkdir -p bin
	tmp=$(mktemp -d bin/guest.XXXXXX)
	# Old package lists may name a kernel that is no longer there.
	if { kernel "$tmp" || { $apt update && kernel "$tmp"; }; } >"$tmp/log" 2>&1; then
		mkdir "$tmp/new"
		for m in $modules; do
			find "$tmp/root/lib/modules" -path "*/$m.ko" -exec cp {} "$tmp/new/" \;
		done
		cp "$tmp"/root/boot/vmlinuz-* "$tmp/new/vmlinuz"
		rm -rf bin/guest
		mv "$tmp/new" bin/guest
	else
		tail -n 5 "$tmp/log" >&2
		echo "deps: no kernel for guests: TestGuests of test/e2e cannot run" >&2
	fi
	rm -rf "$tmp"
fi

# staticcheck, pinned, as a Go tool in bin/.
stamp=bin/.staticcheck-$STATICCHECK_VERSION
if [ -n "$STATICCHECK_VERSION" ] && { [ ! -e "$stamp" ] || [ ! -x bin/staticcheck ]; }; then
	echo "deps: building staticcheck $STATICCHECK_VERSION"
	mkdir -p bin
	GOBIN=$PWD/bin CGO_ENABLED=0 GOFLAGS= $GO install "honnef.co/go/tools/cmd/staticcheck@$STATICCHECK_VERSION"
	rm -f bin/.staticcheck-*
	touch "$stamp"
fi
