// Package guest boots small virtual machines: QEMU without KVM (accel=tcg), Debian's cloud kernel and an initramfs of
// busybox and the virtio modules. A guest's network card is a vhost-user socket of which the guest is the server, as
// README.md tells users to make it; the guest obeys and reports over its serial console.
//
// tools/scripts/deps.sh installs QEMU and busybox and unpacks the kernel to bin/guest. NewImage makes the initramfs
// once for a test; each guest is a process of its own that Stop ends, and that ends with the test's process.
package guest
