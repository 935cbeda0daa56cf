//go:build dpdk

package vhostuser

import (
	"io"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"govs/packet"
	"govs/ports"
)

var (
	_ ports.Signaler   = (*Port)(nil)
	_ ports.Backlogger = (*Port)(nil)
)

// A guest signals packets only while it is asked to, and the descriptor outlives the guest.
func TestSignals(t *testing.T) {
	sock := filepath.Join(shortDir(t), "s.sock")
	p := open(t, NewOpener(Settings{}, t.Logf), ports.Config{Name: "vs", Type: "dpdkvhostuserclient", TxQs: 1, Options: map[string]string{"vhost-server-path": sock}})
	if fd := p.SignalRx(0, true); fd != -1 {
		t.Fatalf("descriptor %d without a guest", fd)
	}
	g := start(t, "net_virtio_user0,server=1,queues=1,path="+sock, "macswap")
	wait(t, "the guest", connected(p))
	echo(t, p, 1)
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(epoll)
	fd := p.SignalRx(0, true)
	if fd < 0 {
		t.Fatal("no descriptor")
	}
	if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(fd)}); err != nil {
		t.Fatal(err)
	}
	var ev [1]unix.EpollEvent
	signalled := func(ms int) bool {
		for end := time.Now().Add(time.Duration(ms) * time.Millisecond); ; {
			n, err := unix.EpollWait(epoll, ev[:], max(0, int(time.Until(end).Milliseconds())))
			if err != unix.EINTR { // which the runtime's preemption signals cause
				return n > 0
			}
		}
	}
	b := packet.NewBatch()
	defer packet.FreeBatch(b)
	send := func(n int) {
		pool.Alloc(b, n)
		for _, k := range b.Bufs[:b.N] {
			k.SetData(append([]byte("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02"+probe), make([]byte, 46)...))
		}
		p.Tx(0, b)
	}
	drain := func() (n int) {
		for end := time.Now().Add(100 * time.Millisecond); time.Now().Before(end); {
			p.Rx(0, b)
			n += b.N
			pool.Free(b)
		}
		return n
	}
	drain()
	for signalled(0) { // of before
	}
	if signalled(50) {
		t.Error("a signal without a packet")
	}
	send(1)
	if !signalled(5000) {
		t.Fatal("no signal")
	}
	wait(t, "the packet in the queue", func() bool { return p.RxBacklog(0) == 1 })
	if n := drain(); n != 1 {
		t.Errorf("%d packets", n)
	}
	if n := p.RxBacklog(0); n != 0 {
		t.Errorf("%d packets wait", n)
	}
	p.SignalRx(0, false)
	for signalled(0) {
	}
	send(1)
	if signalled(300) {
		t.Error("a signal that nobody asked for")
	}
	if n := drain(); n != 1 {
		t.Errorf("%d packets", n)
	}
	fd2 := p.SignalRx(0, true)
	g.kill()
	wait(t, "the guest's end", func() bool { return !p.Status().LinkUp })
	p.SignalRx(0, false)
	if fd := p.SignalRx(0, true); fd != -1 {
		t.Errorf("descriptor %d of a guest that has gone", fd)
	}
	if err := unix.Close(fd2); err != nil {
		t.Error(err)
	}
	if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_DEL, fd, nil); err != nil {
		t.Error(err)
	}
	if err := unix.Close(fd); err != nil {
		t.Error(err)
	}
}

// What a guest's full ring does not take is counted, and no packet is lost without being counted.
func TestTailDrop(t *testing.T) {
	sock := filepath.Join(shortDir(t), "t.sock")
	c := ports.Config{Name: "vt", Type: "dpdkvhostuserclient", TxQs: 1, Options: map[string]string{"vhost-server-path": sock, "tx-retries-max": "3"}}
	p := open(t, NewOpener(Settings{}, t.Logf), c)
	g := start(t, "net_virtio_user0,server=1,queues=1,path="+sock, "macswap")
	wait(t, "the guest", connected(p))
	echo(t, p, 1)
	if _, err := io.WriteString(g.in, "stop\n"); err != nil { // it no longer takes anything
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	var before, after ports.Stats
	p.Stats(&before)
	inUse := pool.InUse()
	b := packet.NewBatch()
	defer packet.FreeBatch(b)
	const bursts = 40
	for range bursts {
		pool.Alloc(b, packet.BatchSize)
		for _, k := range b.Bufs[:b.N] {
			k.SetData(make([]byte, 60))
		}
		p.Tx(0, b)
		if b.N != 0 {
			t.Fatalf("%d packets are left", b.N)
		}
	}
	p.Stats(&after)
	sent := after.TxPackets - before.TxPackets
	dropped := after.Custom["ovs_tx_failure_drops"] - before.Custom["ovs_tx_failure_drops"]
	if sent+dropped != bursts*packet.BatchSize || sent > 256 || dropped == 0 || after.TxDropped-before.TxDropped != dropped {
		t.Errorf("%d sent, %d dropped; tx_dropped grew by %d", sent, dropped, after.TxDropped-before.TxDropped)
	}
	if n := pool.InUse(); n != inUse {
		t.Errorf("%d buffers in use, not %d", n, inUse)
	}
}
