package netdevtest

import (
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// NS is a network namespace that goes when the test ends.
type NS struct {
	t  testing.TB
	fd int
}

// New makes a namespace whose loopback is up, or skips the test where that is not allowed.
func New(t testing.TB) *NS {
	t.Helper()
	ns := &NS{t: t, fd: -1}
	err := onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		var err error
		ns.fd, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		return netlink.LinkSetUp(lo)
	})
	if err == unix.EPERM {
		t.Skip("network namespaces need root")
	}
	if err != nil {
		t.Fatal("network namespace: ", err)
	}
	t.Cleanup(func() { unix.Close(ns.fd) })
	return ns
}

// onThread runs f on a thread that is not used again.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		done <- f()
	}()
	return <-done
}

// Do runs f in the namespace, on a thread of its own.
func (ns *NS) Do(f func() error) error {
	return onThread(func() error {
		if err := unix.Setns(ns.fd, unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("setns: %w", err)
		}
		return f()
	})
}

// Must is Do that fails the test on an error.
func (ns *NS) Must(f func() error) {
	ns.t.Helper()
	if err := ns.Do(f); err != nil {
		ns.t.Fatal(err)
	}
}

// Veth makes a pair with its end name in ns and peer in the namespace other, both up. Addresses in CIDR form are given to peer.
func (ns *NS) Veth(name string, other *NS, peer string, cidrs ...string) {
	ns.t.Helper()
	ns.Must(func() error {
		a := netlink.NewLinkAttrs()
		a.Name = name
		if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: a, PeerName: peer, PeerNamespace: netlink.NsFd(other.fd)}); err != nil {
			return fmt.Errorf("veth %s: %w", name, err)
		}
		_ = os.WriteFile("/proc/sys/net/ipv6/conf/"+name+"/disable_ipv6", []byte("1"), 0)
		return up(name)
	})
	other.Must(func() error {
		if err := addAddrs(peer, cidrs); err != nil {
			return err
		}
		return up(peer)
	})
}

// AddAddrs gives a device of the namespace addresses in CIDR form and switches it on.
func (ns *NS) AddAddrs(name string, cidrs ...string) {
	ns.t.Helper()
	ns.Must(func() error {
		if err := addAddrs(name, cidrs); err != nil {
			return err
		}
		return up(name)
	})
}

func up(name string) error {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(l)
}

func addAddrs(name string, cidrs []string) error {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	for _, c := range cidrs {
		a, err := netlink.ParseAddr(c)
		if err != nil {
			return err
		}
		a.Flags = unix.IFA_F_NODAD
		if err := netlink.AddrAdd(l, a); err != nil {
			return err
		}
	}
	return nil
}
