package testpmd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Testpmd is a running dpdk-testpmd with its prompt. One goroutine at a time may use it.
type Testpmd struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	done chan struct{}

	mu  sync.Mutex // guards out
	out bytes.Buffer
}

// Available tells why dpdk-testpmd cannot be run here, or nil.
func Available() error {
	if _, err := exec.LookPath("dpdk-testpmd"); err != nil {
		return errors.New("dpdk-testpmd is not installed (make deps)")
	}
	return nil
}

// Write takes testpmd's output; only its process calls it.
func (t *Testpmd) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.out.Write(b)
}

func (t *Testpmd) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.out.String()
}

// serial makes the file prefixes of this process's testpmds different.
var serial atomic.Int32

// Start starts dpdk-testpmd and waits for its prompt. EAL's arguments come first, then those of testpmd.
func Start(eal, args []string) (*Testpmd, error) { return StartEnv(nil, eal, args) }

// StartEnv is Start with additions ("NAME=value") to the environment.
func StartEnv(env, eal, args []string) (*Testpmd, error) {
	all := []string{"--no-pci", "--in-memory"}
	if slices.Contains(eal, "--no-huge") {
		all[1] = "--no-shconf" // EAL does not take --in-memory with --no-huge
	}
	all = append(append(all, fmt.Sprintf("--file-prefix=gvt%d-%d", os.Getpid(), serial.Add(1))), eal...)
	all = append(append(all, "--", "-i"), args...)
	// Its output goes to a pipe, so without stdbuf it would come in blocks of 4 kB.
	t := &Testpmd{cmd: exec.Command("stdbuf", append([]string{"-oL", "dpdk-testpmd"}, all...)...), done: make(chan struct{})}
	t.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	t.cmd.Stdout, t.cmd.Stderr = t, t
	t.cmd.Env = append(os.Environ(), env...)
	in, err := t.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	t.in = in
	if err := t.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		t.cmd.Wait()
		close(t.done)
	}()
	if err := t.waitFor("testpmd> ", 30*time.Second); err != nil {
		t.Stop()
		return nil, err
	}
	return t, nil
}

func (t *Testpmd) waitFor(s string, limit time.Duration) error {
	for end := time.Now().Add(limit); ; {
		if text := t.text(); bytes.Contains([]byte(text), []byte(s)) {
			return nil
		}
		select {
		case <-t.done:
			return fmt.Errorf("dpdk-testpmd ended:\n%s", t.text())
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(end) {
			return fmt.Errorf("dpdk-testpmd did not print %q:\n%s", s, t.text())
		}
	}
}

// Command types a line and returns what came back, until it has the given text.
func (t *Testpmd) Command(line, until string) (string, error) {
	t.mu.Lock()
	t.out.Reset()
	t.mu.Unlock()
	if _, err := io.WriteString(t.in, line+"\n"); err != nil {
		return "", err
	}
	err := t.waitFor(until, 10*time.Second)
	return t.text(), err
}

var rePackets = regexp.MustCompile(`(RX|TX)-packets: +(\d+)`)

// Packets are the received and sent packets of a port.
func (t *Testpmd) Packets(port int) (rx, tx uint64, err error) {
	text, err := t.Command(fmt.Sprintf("show port stats %d", port), "Tx-bps")
	if err != nil {
		return 0, 0, err
	}
	m := rePackets.FindAllStringSubmatch(text, -1)
	if len(m) < 2 {
		return 0, 0, errors.New("testpmd's statistics have another form: " + text)
	}
	rx, _ = strconv.ParseUint(m[0][2], 10, 64)
	tx, _ = strconv.ParseUint(m[1][2], 10, 64)
	return rx, tx, nil
}

// PID is its process number.
func (t *Testpmd) PID() int { return t.cmd.Process.Pid }

// Exited is closed when it has ended.
func (t *Testpmd) Exited() <-chan struct{} { return t.done }

// Stop types quit and waits for its end.
func (t *Testpmd) Stop() {
	io.WriteString(t.in, "quit\n")
	t.in.Close()
	select {
	case <-t.done:
	case <-time.After(10 * time.Second):
		t.cmd.Process.Kill()
		<-t.done
	}
}
