//go:build dpdk

package vhostuser

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"govs/cgo/dpdk"
	"govs/packet"
	"govs/ports"
)

var pool *dpdk.Mempool

func TestMain(m *testing.M) {
	os.Exit(func() int {
		args, _ := dpdk.BuildArgs(dpdk.ArgsConfig{Program: "test", CPUs: []int{0}, Huge: dpdk.ProbeHugepages(), OtherConfig: map[string]string{
			"dpdk-extra": fmt.Sprintf("--no-pci --no-telemetry --file-prefix gv%d %s", os.Getpid(), os.Getenv("GOVS_TEST_EAL")),
		}})
		err := dpdk.Start(args, func(level int, line string) {
			if os.Getenv("GOVS_TEST_LOG") != "" {
				fmt.Fprintf(os.Stderr, "dpdk %d %s\n", level, line)
			}
		})
		if err == nil {
			pool, err = dpdk.NewMempool(dpdk.MempoolConf{Name: "test", Bufs: 16383, Cache: 256, Room: 2048, Socket: -1})
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(fmt.Sprintf("/var/run/dpdk/gv%d", os.Getpid()))
		code := m.Run()
		if n := pool.InUse(); n != 0 && code == 0 {
			fmt.Fprintln(os.Stderr, n, "buffers leaked")
			code = 1
		}
		return code
	}())
}

// guest is a running testpmd with one virtio device.
type guest struct {
	t   testing.TB
	cmd *exec.Cmd
	in  io.WriteCloser
	out output
}

// output collects what a program prints while it runs.
type output struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// descriptors is how many descriptors testpmd has open.
func (g *guest) descriptors() int {
	d, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", g.cmd.Process.Pid))
	return len(d)
}

var guests atomic.Int64

// start runs testpmd on vdev with the forwarding mode and more of testpmd's options.
func start(t testing.TB, vdev, mode string, more ...string) *guest {
	t.Helper()
	path, err := exec.LookPath("dpdk-testpmd")
	if err != nil {
		t.Skip("dpdk-testpmd is not installed")
	}
	prefix := fmt.Sprintf("gvg%d-%d", os.Getpid(), guests.Add(1))
	t.Cleanup(func() { os.RemoveAll("/var/run/dpdk/" + prefix) })
	args := []string{"--no-pci", "--no-telemetry", "--lcores", "0@0,1@0", "--file-prefix", prefix}
	if h := dpdk.ProbeHugepages(); h.FreeMB >= 200 {
		args = append(args, "--in-memory", "--single-file-segments", "-m", "128")
	} else {
		args = append(args, "--no-huge", "-m", "200")
	}
	// What comes before "--" in more is for EAL.
	if i := slices.Index(more, "--"); i >= 0 {
		args, more = append(args, more[:i]...), more[i+1:]
	}
	args = append(args, "--vdev", vdev, "--", "-i", "--auto-start", "--total-num-mbufs", "8192", "--forward-mode", mode)
	g := &guest{t: t, cmd: exec.Command(path, append(args, more...)...)}
	g.cmd.Stdout, g.cmd.Stderr = &g.out, &g.out
	if g.in, err = g.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	// DPDK's own sockets would be inherited, and a connection whose other end the guest holds itself never ends.
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	if err := g.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.kill)
	return g
}

// kill ends the guest without a goodbye.
func (g *guest) kill() {
	if g.cmd.ProcessState != nil {
		return
	}
	_ = g.cmd.Process.Kill()
	_ = g.cmd.Wait()
	if g.t.Failed() {
		g.t.Logf("testpmd: %s", g.out.String())
	}
}

func shortDir(t testing.TB) string {
	t.Helper()
	d, err := os.MkdirTemp("", "gv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(d) })
	return d
}

func open(t testing.TB, o *Opener, c ports.Config) *Port {
	t.Helper()
	c.Alloc = pool
	p, err := o.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p.(*Port)
}

func wait(t testing.TB, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !f(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("timed out waiting for ", what)
		}
	}
}

func connected(p *Port) func() bool {
	return func() bool { return p.Status().Driver["status"] == "connected" && p.RxEnabled(0) }
}

// warm waits until the guest answers: testpmd throws away what it finds in its queues when it starts.
func warm(t testing.TB, p *Port) {
	t.Helper()
	b := packet.NewBatch()
	defer packet.FreeBatch(b)
	wait(t, "an answer", func() bool {
		pool.Alloc(b, 1)
		b.Bufs[0].SetData(append([]byte("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02"+probe), make([]byte, 46)...))
		p.Tx(0, b)
		n := 0
		for q := range p.RxQueues() {
			p.Rx(q, b)
			n += b.N
			pool.Free(b)
		}
		return n > 0
	})
}

// probe is the EtherType of warm's frames, which may still come back later.
const probe = "\x88\xb6"

// echo sends frames to a guest that swaps their addresses and waits until all came back.
func echo(t testing.TB, p *Port, rounds int) {
	t.Helper()
	warm(t, p)
	b := packet.NewBatch()
	defer packet.FreeBatch(b)
	for round := range rounds {
		frames := map[string]bool{}
		pool.Alloc(b, 20)
		for i, k := range b.Bufs[:b.N] {
			f := append([]byte("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x88\xb5"), bytes.Repeat([]byte{byte(round), byte(i)}, 23+i*36)...)
			k.SetData(f)
			frames[string(f[6:12])+string(f[:6])+string(f[12:])] = true
		}
		p.Tx(0, b)
		for end := time.Now().Add(10 * time.Second); len(frames) > 0; {
			for q := range p.RxQueues() {
				p.Rx(q, b)
				for _, k := range b.Bufs[:b.N] {
					f := string(k.Contents())
					if f[12:14] == probe {
						continue
					}
					if !frames[f] {
						t.Fatalf("an unknown frame: % x", f[:20])
					}
					delete(frames, f)
				}
				if b.N > 0 {
					pool.Free(b)
				}
			}
			if time.Now().After(end) {
				t.Fatalf("round %d: %d frames did not come back", round, len(frames))
			}
			runtime.Gosched()
		}
	}
}

// TestClient: the guest has the socket; it dies and comes again, and then our port does.
func TestClient(t *testing.T) {
	sock := filepath.Join(shortDir(t), "c.sock")
	o := NewOpener(Settings{}, t.Logf)
	conf := ports.Config{Name: "vc", Type: "dpdkvhostuserclient", TxQs: 3, Options: map[string]string{"vhost-server-path": sock}}
	p := open(t, o, conf)
	if s := p.Status(); s.LinkUp || s.Driver["mode"] != "client" || s.Driver["status"] != "disconnected" || len(s.Driver) != 2 || p.RxQueues() != 1 || p.TxQueues() != 3 {
		t.Fatalf("%+v", s)
	}
	vdev := "net_virtio_user0,server=1,queues=1,path=" + sock
	g := start(t, vdev, "macswap")
	wait(t, "the guest", connected(p))
	warm(t, p)
	var base, st ports.Stats
	p.Stats(&base)
	echo(t, p, 20)
	s := p.Status()
	if !s.LinkUp || s.LinkResets != 1 || s.Driver["socket"] != sock || s.Driver["num_of_vrings"] != "2" || s.Driver["vring_0_size"] != "256" ||
		s.Driver["vring_1_size"] != "256" || s.Driver["numa"] != "0" || !strings.HasPrefix(s.Driver["features"], "0x000000") || s.MTU != 1500 {
		t.Fatalf("%+v", s)
	}
	p.Stats(&st)
	lost := base.Custom["ovs_tx_failure_drops"] // before the guest had given us buffers
	if n := st.RxPackets; n < 401 || st.TxPackets < n || st.TxPackets > n+100 || st.RxBytes < 400*60 || st.Custom["ovs_tx_failure_drops"] != lost ||
		st.Custom["rx_q0_good_packets"] != n || st.Custom["rx_1_to_64_packets"] != 20+n-400 || st.Custom["rx_1024_to_1522_packets"] == 0 || st.Custom["tx_1024_to_1522_packets"] == 0 {
		t.Fatalf("%+v", st)
	}
	// Longer than the MTU: dropped and counted.
	b := packet.NewBatch()
	defer packet.FreeBatch(b)
	pool.Alloc(b, 1)
	b.Bufs[0].SetData(make([]byte, 1519))
	p.Tx(0, b)
	p.Stats(&st)
	if b.N != 0 || st.Custom["ovs_tx_mtu_exceeded_drops"] != 1 || st.TxDropped != lost+1 {
		t.Fatalf("%+v", st)
	}
	seq := p.Seq()
	g.kill()
	wait(t, "the guest's end", func() bool { return !p.Status().LinkUp && p.Seq() != seq })
	pool.Alloc(b, 5)
	p.Tx(2, b)
	p.Stats(&st)
	if b.N != 0 || st.Custom["ovs_tx_failure_drops"] != lost+5 || st.RxPackets != ports.NotCounted {
		t.Fatalf("%+v", st)
	}
	_ = os.Remove(sock) // testpmd's
	g = start(t, vdev, "macswap")
	wait(t, "the guest again", connected(p))
	echo(t, p, 5)
	if n := p.Status().LinkResets; n != 3 {
		t.Fatalf("%d link changes", n)
	}
	// Now the switch goes and comes back, and the guest stays. When the switch returns before testpmd's driver has
	// closed its side, the driver mixes the two connections up and never answers on the new one.
	fds := g.descriptors()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	wait(t, "testpmd to notice", func() bool { return g.descriptors() < fds })
	p = open(t, o, conf)
	wait(t, "the same guest", connected(p))
	echo(t, p, 5)
	g.kill()
}

// TestServer: we have the socket.
func TestServer(t *testing.T) {
	dir := shortDir(t)
	o := NewOpener(Settings{SockDir: dir}, t.Logf)
	p := open(t, o, ports.Config{Name: "vs", Type: "dpdkvhostuser"})
	for range 2 {
		g := start(t, "net_virtio_user0,queues=1,path="+filepath.Join(dir, "vs"), "macswap")
		wait(t, "the guest", connected(p))
		if m := p.Status().Driver["mode"]; m != "server" {
			t.Fatal(m)
		}
		echo(t, p, 5)
		g.kill()
		wait(t, "the guest's end", func() bool { return !p.Status().LinkUp })
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "vs")); err == nil {
		t.Error("the socket stays after Close")
	}
}

// TestQueues: the number of queues follows the guest.
func TestQueues(t *testing.T) {
	sock := filepath.Join(shortDir(t), "q.sock")
	p := open(t, NewOpener(Settings{}, t.Logf), ports.Config{Name: "vq", Type: "dpdkvhostuserclient", TxQs: 2, Options: map[string]string{"vhost-server-path": sock}})
	g := start(t, "net_virtio_user0,server=1,queues=2,path="+sock, "macswap", "--rxq=2", "--txq=2")
	wait(t, "the guest", func() bool { return p.RxQueues() == 2 && p.RxEnabled(1) })
	echo(t, p, 5)
	b := packet.NewBatch()
	defer packet.FreeBatch(b)
	var st ports.Stats
	p.Stats(&st)
	before := st.Custom["tx_q1_good_packets"]
	for q := range 2 { // each transmit queue reaches a queue of the guest
		pool.Alloc(b, 8)
		for _, k := range b.Bufs[:b.N] {
			k.SetData(make([]byte, 60))
		}
		p.Tx(q, b)
	}
	got := [2]int{}
	wait(t, "frames on both queues", func() bool {
		for q := range 2 {
			p.Rx(q, b)
			got[q] += b.N
			if b.N > 0 {
				pool.Free(b)
			}
		}
		return got[0]+got[1] >= 16
	})
	p.Stats(&st)
	if st.Custom["tx_q0_good_packets"] == 0 || st.Custom["tx_q1_good_packets"] != before+8 || got[1] == 0 {
		t.Fatalf("%v %+v", got, st.Custom)
	}
	p.Rx(1000, b) // no such queue
	g.kill()
	wait(t, "one queue", func() bool { return p.RxQueues() == 1 })
}

// TestComeAndGo polls and sends without a pause while guests are killed and started.
func TestComeAndGo(t *testing.T) {
	sock := filepath.Join(shortDir(t), "g.sock")
	p := open(t, NewOpener(Settings{}, nil), ports.Config{Name: "vg", Type: "dpdkvhostuserclient", TxQs: 2, Options: map[string]string{"vhost-server-path": sock}})
	var stop atomic.Bool
	var received atomic.Int64
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := dpdk.RegisterThread(); err != nil {
			done <- err
			return
		}
		defer dpdk.UnregisterThread()
		b := packet.NewBatch()
		defer packet.FreeBatch(b)
		for !stop.Load() {
			for q := range 2 {
				p.Rx(q, b)
				received.Add(int64(b.N))
				if b.N == 0 {
					pool.Alloc(b, 4)
					for _, k := range b.Bufs[:b.N] {
						k.SetData(make([]byte, 60))
					}
				}
				p.Tx(q, b)
			}
		}
		done <- nil
	}()
	for i := range 4 {
		g := start(t, "net_virtio_user0,server=1,queues=1,path="+sock, "macswap")
		wait(t, "the guest", connected(p))
		before := received.Load()
		wait(t, "traffic", func() bool { return received.Load() > before+1000 })
		if i%2 == 0 {
			g.kill()
		} else {
			_ = g.in.Close() // testpmd stops at the end of its input
			_ = g.cmd.Wait()
		}
		wait(t, "the guest's end", func() bool { return !p.Status().LinkUp })
		_ = os.Remove(sock)
	}
	stop.Store(true)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestErrors(t *testing.T) {
	dir := shortDir(t)
	o := NewOpener(Settings{SockDir: filepath.Join(dir, "none")}, t.Logf)
	long := filepath.Join(dir, strings.Repeat("x", 120))
	open(t, o, ports.Config{Name: "first", Type: "dpdkvhostuserclient", Options: map[string]string{"vhost-server-path": dir + "/same"}})
	for _, c := range []struct{ name, typ, path, want string }{
		{"vs/2", "dpdkvhostuser", "", "could not open network device vs/2 (Invalid argument)"},
		{"vs3", "dpdkvhostuser", "", "could not open network device vs3 (No such file or directory)"},
		{"vc4", "dpdkvhostuserclient", long, "could not open network device vc4 (File name too long)"},
		{"vc5", "dpdkvhostuserclient", dir + "/same", "could not open network device vc5 (Address already in use)"},
	} {
		_, err := o.Open(ports.Config{Name: c.name, Type: c.typ, Alloc: pool, Options: map[string]string{"vhost-server-path": c.path}})
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v\nwant %s", c.name, err, c.want)
		}
	}
	// As in the original: no path, or one that cannot be reached, is no error.
	b := packet.NewBatch()
	defer packet.FreeBatch(b)
	for _, path := range []string{"", "/nonexistent/x.sock"} {
		p := open(t, o, ports.Config{Name: "vc" + path, Type: "dpdkvhostuserclient", Options: map[string]string{"vhost-server-path": path}})
		p.Rx(0, b)
		pool.Alloc(b, 3)
		p.Tx(0, b)
		var st ports.Stats
		p.Stats(&st)
		if st.Custom["ovs_tx_failure_drops"] != 3 || p.Status().LinkUp {
			t.Errorf("%q: %+v", path, st)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		p.Status()
		p.Seq()
	}
	arena, _ := packet.NewArena(0, 0)
	if _, err := o.Open(ports.Config{Name: "x", Type: "dpdkvhostuser", Alloc: arena}); !errors.Is(err, ports.ErrNoDPDK) {
		t.Error(err)
	}
}

func TestReconfigure(t *testing.T) {
	var log []string
	o := NewOpener(Settings{}, func(f string, v ...any) { log = append(log, fmt.Sprintf(f, v...)) })
	c := ports.Config{Name: "vr", Type: "dpdkvhostuserclient", TxQs: 2, Options: map[string]string{"vhost-server-path": shortDir(t) + "/r"}}
	p := open(t, o, c)
	if p.retries != 8 {
		t.Fatal(p.retries)
	}
	for v, want := range map[string]int{"0": 0, "32": 32, "33": 8, "x": 8, "-1": 8, "5": 5} {
		c.Options["tx-retries-max"] = v
		if err := p.Reconfigure(c); err != nil || p.retries != want {
			t.Errorf("%q: %d %v", v, p.retries, err)
		}
	}
	if !strings.Contains(strings.Join(log, "\n"), "Max Tx retries for vhost device 'vr' set to 32") {
		t.Error(log)
	}
	c.Options = map[string]string{"vhost-server-path": "/other"}
	if err := p.Reconfigure(c); !errors.Is(err, ports.ErrReopen) {
		t.Fatal(err)
	}
	if p.SetMTU(10) == nil || p.SetMTU(1<<20) == nil || p.SetMTU(9000) != nil || p.Status().MTU != 9000 {
		t.Fatal("MTU")
	}
	if p.SetAdminUp(false) != nil || p.Status().AdminUp {
		t.Fatal("admin state")
	}
}

// TestOpenClose opens and closes ports of both types 200 times and looks for leaks.
func TestOpenClose(t *testing.T) {
	dir := shortDir(t)
	o := NewOpener(Settings{SockDir: dir}, nil)
	count := func(what string) int {
		d, _ := os.ReadDir("/proc/self/" + what)
		return len(d)
	}
	round := func() {
		var ps []ports.Port
		for _, c := range []ports.Config{{Name: "s1", Type: "dpdkvhostuser"}, {Name: "c1", Type: "dpdkvhostuserclient", Options: map[string]string{"vhost-server-path": dir + "/c1"}},
			{Name: "c2", Type: "dpdkvhostuserclient"}} {
			c.Alloc = pool
			p, err := o.Open(c)
			if err != nil {
				t.Fatal(err)
			}
			ps = append(ps, p)
		}
		for _, p := range ps {
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 3 {
		round()
	}
	fds, threads := count("fd"), count("task")
	for range 200 {
		round()
	}
	if f, th := count("fd"), count("task"); f > fds+1 || th > threads+2 {
		t.Fatalf("%d descriptors, were %d; %d threads, were %d", f, fds, th, threads)
	}
	// A socket file that a killed process left does not stand in the way; one that is in use does.
	if err := exec.Command("python3", "-c", "import socket,sys; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1])", dir+"/s1").Run(); err != nil {
		t.Skip("python3: ", err)
	}
	round()
}
