package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// TestDurableUpdatesWait makes the disk slow and looks when another client hears of a durable transaction, on both sides: not before the
// disk has it.
func TestDurableUpdatesWait(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace, which makes the disk slow, is not installed")
	}
	if os.Getuid() != 0 {
		t.Skip("tracing needs root")
	}
	const delay = 300 * time.Millisecond
	for _, ours := range []bool{false, true} {
		name := map[bool]string{false: "original", true: "ours"}[ours]
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath("ovsdb-server"); err != nil && !ours {
				t.Skip("the original ovsdb-server is not installed")
			}
			dir := tempDir(t)
			createDB(t, dir)
			cmd := command(ours, dir, "-vconsole:off", "--unixctl="+dir+"/ctl", "--remote=punix:"+dir+"/db.sock", "t.db")
			cmd.Args = append([]string{strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync",
				"-e", fmt.Sprintf("inject=fdatasync,fsync:delay_enter=%d", delay.Microseconds())}, append([]string{cmd.Path}, cmd.Args[1:]...)...)
			cmd.Path = strace
			cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				ask(t, dir+"/ctl", "exit")
				cmd.Wait()
			}()
			watcher, writer := dial(t, dir+"/db.sock"), dial(t, dir+"/db.sock")
			var v any
			fmt.Fprint(watcher.conn, `{"id":1,"method":"monitor","params":["T",null,{"A":{}}]}`)
			if err := watcher.dec.Decode(&v); err != nil {
				t.Fatal(err)
			}
			heard := make(chan time.Time, 1)
			go func() {
				watcher.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
				if err := watcher.dec.Decode(&v); err != nil {
					t.Error(err)
				}
				heard <- time.Now()
			}()
			begin := time.Now()
			writer.transact(`[{"op":"insert","table":"A","row":{"n":1}},{"op":"commit","durable":true}]`)
			if d := time.Since(begin); d < delay {
				t.Errorf("the reply came after %v: the disk is not slow", d)
			}
			if d := (<-heard).Sub(begin); d < delay {
				t.Errorf("another client heard of the transaction after %v, before it was on the disk", d)
			}
		})
	}
}
