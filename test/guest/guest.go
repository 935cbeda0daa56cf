package guest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Options say what machine to boot.
type Options struct {
	Socket string // path of the vhost-user socket that the guest makes and listens on
	MAC    string // of the network card, eth0 in the guest
	Queues int    // queue pairs of the card, and processors; 1 if zero
}

// Guest is a running virtual machine. One goroutine at a time may use it.
type Guest struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	done chan struct{} // closed when QEMU has ended
	n    int           // commands sent
	read int           // bytes of out that earlier commands printed

	mu     sync.Mutex // guards out
	out    bytes.Buffer
	errors bytes.Buffer // QEMU's own messages; read after done
	more   chan struct{}
}

// args is QEMU's command line. Without vectors=0 QEMU 7.2 with TCG crashes when the driver takes up a
// vhost-user card; interrupts then are of the old kind, which is of no matter here.
func (im *Image) args(o Options) []string {
	card := "virtio-net-pci,netdev=n,vectors=0,mac=" + o.MAC
	netdev := "vhost-user,id=n,chardev=c"
	if o.Queues > 1 {
		card += ",mq=on"
		netdev += fmt.Sprintf(",queues=%d", o.Queues)
	}
	return []string{
		"-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio",
		"-machine", "q35,accel=tcg", "-cpu", "max", "-smp", strconv.Itoa(o.Queues), "-m", "256M",
		"-object", "memory-backend-memfd,id=m,size=256M,share=on", "-numa", "node,memdev=m",
		"-chardev", "socket,id=c,path=" + o.Socket + ",server=on,wait=off",
		"-netdev", netdev, "-device", card,
		"-kernel", im.kernel, "-initrd", im.initramfs,
		"-append", "console=ttyS0 quiet loglevel=1 panic=-1 nokaslr mitigations=off random.trust_cpu=on tsc=reliable",
	}
}

// Start starts a guest; Up waits until it has booted.
func (im *Image) Start(o Options) (*Guest, error) {
	o.Queues = max(o.Queues, 1)
	g := &Guest{cmd: exec.Command(qemu, im.args(o)...), done: make(chan struct{}), more: make(chan struct{}, 1)}
	g.cmd.Stdout, g.cmd.Stderr = g, &g.errors
	in, err := g.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	g.in = in
	started := make(chan error)
	go func() {
		// The signal comes when the thread that started QEMU ends: keep it until QEMU is gone.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		g.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
		err := g.cmd.Start()
		started <- err
		if err == nil {
			g.cmd.Wait()
		}
		close(g.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", qemu, err)
	}
	return g, nil
}

// Write takes what the guest prints on its console; only its process calls it.
func (g *Guest) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case g.more <- struct{}{}:
	default:
	}
	return g.out.Write(b)
}

// Console is all that the guest has printed, for messages about failed tests.
func (g *Guest) Console() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.out.String()
}

// Up waits until the guest has booted and its drivers are loaded, for at most limit.
func (g *Guest) Up(limit time.Duration) error {
	if out, status, err := g.await(limit); err != nil {
		return fmt.Errorf("boot: %w", err)
	} else if status != 0 {
		return fmt.Errorf("boot: a module does not load: %s", out)
	}
	return nil
}

// Run runs one line of shell in the guest and returns what it printed and its exit status. What it leaves in the
// background goes on. The error, if any, says that the guest did not answer within the limit or has ended; the
// guest is of no use then.
func (g *Guest) Run(limit time.Duration, line string) (string, int, error) {
	if strings.Contains(line, "\n") {
		return "", 0, errors.New("a guest's command is one line")
	}
	if _, err := io.WriteString(g.in, line+"\n"); err != nil {
		return "", 0, fmt.Errorf("%s: %w", line, err)
	}
	g.n++
	out, status, err := g.await(limit)
	if err != nil {
		err = fmt.Errorf("%s: %w", line, err)
	}
	return out, status, err
}

// await waits for the line "@N STATUS" of the last command and returns what stands before it.
func (g *Guest) await(limit time.Duration) (out string, status int, err error) {
	deadline := time.After(limit)
	mark := fmt.Sprintf("\n@%d ", g.n)
	for {
		text := g.Console()[g.read:]
		if before, after, ok := strings.Cut(text, mark); ok {
			if number, _, ok := strings.Cut(after, "\n"); ok {
				g.read += len(before) + len(mark) + len(number)
				status, err = strconv.Atoi(strings.TrimSpace(number))
				return strings.TrimSpace(before), status, err
			}
		}
		select {
		case <-g.more:
		case <-g.done:
			return text, 0, fmt.Errorf("QEMU has ended: %s %s", g.cmd.ProcessState, strings.TrimSpace(g.errors.String()))
		case <-deadline:
			return text, 0, fmt.Errorf("no answer in %v", limit)
		}
	}
}

// Exited is closed when the virtual machine has ended, for whatever reason.
func (g *Guest) Exited() <-chan struct{} { return g.done }

// Stop ends the virtual machine, as by pulling its plug.
func (g *Guest) Stop() {
	g.cmd.Process.Kill()
	<-g.done
}
