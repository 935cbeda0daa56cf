package guest

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const qemu = "qemu-system-x86_64"

// modules are what a virtio network card needs, in the order in which they load.
var modules = []string{
	"virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci",
	"failover", "net_failover", "virtio_net",
}

// initScript is the guest's first process. It runs each line that comes over the serial console and then says
// "@N STATUS" on a line of its own: N counts the lines, from 1; "@0 0" says that the guest is up.
const initScript = `#!/bin/busybox sh
export PATH=/bin HOME=/
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
stty -echo -onlcr
failed=0
for m in $(cat /modules/order); do
	insmod /modules/$m.ko || failed=1
done
ip link set lo up
n=0
printf '\n@%d %d\n' $n $failed
while IFS= read -r line; do
	n=$((n + 1))
	sh -c "$line" </dev/null 2>&1
	printf '\n@%d %d\n' $n $?
done
poweroff -f
`

// Available tells why no guest can be run here, or nil. Kernel is the directory with vmlinuz and the modules.
func Available(kernel string) error {
	if _, err := exec.LookPath(qemu); err != nil {
		return fmt.Errorf("%s is not installed (make deps)", qemu)
	}
	if _, err := busybox(); err != nil {
		return err
	}
	for _, f := range append([]string{"vmlinuz"}, kos()...) {
		if _, err := os.Stat(filepath.Join(kernel, f)); err != nil {
			return fmt.Errorf("no kernel for guests: %w (make deps)", err)
		}
	}
	return nil
}

func kos() (names []string) {
	for _, m := range modules {
		names = append(names, m+".ko")
	}
	return names
}

// busybox returns the path of a busybox that needs no libraries.
func busybox() (string, error) {
	p, err := exec.LookPath("busybox")
	if err != nil {
		return "", errors.New("busybox is not installed (make deps)")
	}
	f, err := elf.Open(p)
	if err != nil {
		return "", err
	}
	defer f.Close()
	for _, h := range f.Progs {
		if h.Type == elf.PT_INTERP {
			return "", fmt.Errorf("%s needs shared libraries: install busybox-static", p)
		}
	}
	return p, nil
}

// An Image is what guests boot; it does not change once made.
type Image struct {
	kernel, initramfs string
}

// NewImage writes an initramfs to dir, for the kernel and modules in the directory kernel.
func NewImage(kernel, dir string) (*Image, error) {
	if err := Available(kernel); err != nil {
		return nil, err
	}
	bb, err := busybox()
	if err != nil {
		return nil, err
	}
	var a archive
	a.add("bin", modeDir|0o755, nil, 0, 0)
	a.add("dev", modeDir|0o755, nil, 0, 0)
	a.add("modules", modeDir|0o755, nil, 0, 0)
	// The kernel opens it for the first process's input and output, before that mounts devtmpfs.
	a.add("dev/console", modeChar|0o600, nil, 5, 1)
	a.add("init", modeFile|0o755, []byte(initScript), 0, 0)
	var order bytes.Buffer
	for _, m := range modules {
		fmt.Fprintln(&order, m)
	}
	a.add("modules/order", modeFile|0o644, order.Bytes(), 0, 0)
	files := map[string]string{"bin/busybox": bb}
	for _, k := range kos() {
		files["modules/"+k] = filepath.Join(kernel, k)
	}
	for name, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		a.add(name, modeFile|0o755, b, 0, 0)
	}
	im := &Image{kernel: filepath.Join(kernel, "vmlinuz"), initramfs: filepath.Join(dir, "initramfs")}
	return im, os.WriteFile(im.initramfs, a.close(), 0o644)
}

const (
	modeDir  = 0o040000
	modeChar = 0o020000
	modeFile = 0o100000
)

// archive writes the cpio form that Linux takes as an initramfs ("newc": Documentation/driver-api/early-userspace/
// buffer-format of the kernel): a header of 13 hexadecimal numbers, the name and the content, each padded to 4 bytes.
type archive struct {
	b   bytes.Buffer
	ino int
}

func (a *archive) add(name string, mode int, content []byte, major, minor int) {
	a.ino++
	a.b.WriteString("070701")
	for _, v := range []int{a.ino, mode, 0, 0, 1, 0, len(content), 0, 0, major, minor, len(name) + 1, 0} {
		fmt.Fprintf(&a.b, "%08X", v)
	}
	a.b.WriteString(name)
	a.b.WriteByte(0)
	a.pad()
	a.b.Write(content)
	a.pad()
}

func (a *archive) pad() {
	for a.b.Len()%4 != 0 {
		a.b.WriteByte(0)
	}
}

func (a *archive) close() []byte {
	a.add("TRAILER!!!", 0, nil, 0, 0)
	return a.b.Bytes()
}
