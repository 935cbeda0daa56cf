package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// testpmd is a running dpdk-testpmd with its prompt.
type testpmd struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	done chan struct{}

	mu  sync.Mutex // guards out
	out bytes.Buffer
}

func (t *testpmd) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.out.Write(b)
}

func (t *testpmd) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.out.String()
}

// startTestpmd starts dpdk-testpmd and waits for its prompt. EAL's arguments come first, then those of testpmd.
func startTestpmd(eal, args []string) (*testpmd, error) {
	all := append([]string{"--no-pci", "--in-memory", fmt.Sprintf("--file-prefix=gvb%d", os.Getpid())}, eal...)
	all = append(append(all, "--", "-i"), args...)
	// Its output goes to a pipe, so without stdbuf it would come in blocks of 4 kB.
	t := &testpmd{cmd: exec.Command("stdbuf", append([]string{"-oL", "dpdk-testpmd"}, all...)...), done: make(chan struct{})}
	t.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	t.cmd.Stdout, t.cmd.Stderr = t, t
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
		t.stop()
		return nil, err
	}
	return t, nil
}

func (t *testpmd) waitFor(s string, limit time.Duration) error {
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

// command types a line and returns what came back, until it has the given text.
func (t *testpmd) command(line, until string) (string, error) {
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

// packets are the received and sent packets of a port.
func (t *testpmd) packets(port int) (rx, tx uint64, err error) {
	text, err := t.command(fmt.Sprintf("show port stats %d", port), "Tx-bps")
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

func (t *testpmd) stop() {
	io.WriteString(t.in, "quit\n")
	t.in.Close()
	select {
	case <-t.done:
	case <-time.After(10 * time.Second):
		t.cmd.Process.Kill()
		<-t.done
	}
}
