package dbtools

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestVsctlReload compares what ovs-vsctl says about interfaces that a running switch could not set up, and show.
func TestVsctlReload(t *testing.T) {
	const vswitchd = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
	if _, err := os.Stat(vswitchd); err != nil {
		t.Skip("the original ovs-vswitchd is not installed")
	}
	e := newEnv(t)
	e.startServer(original, schemaFile)
	cmd := exec.Command(vswitchd, "--enable-dummy=override", "--disable-system", "--disable-system-route", "--pidfile", "-vconsole:off",
		"unix:"+e.dir+"/db.sock")
	cmd.Dir, cmd.Env = e.dir, e.environ()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for _, line := range []string{
		"add-br bra -- set bridge bra datapath_type=dummy",
		"add-port bra ptx -- set interface ptx type=foo",
		"add-port bra pt0 -- set interface pt0 type=patch",
		"add-bond bra bnd b1 b2 -- set interface b1 type=foo -- set interface b2 type=foo",
		"add-port bra good",
		"get interface good ofport",
		"set bridge bra other_config:x=1",
		"set-controller bra tcp:127.0.0.1:1 -- set-manager ptcp:0 -- set-fail-mode bra secure",
		"show",
		"emer-reset",
		"show",
		"list-ports bra",
		"del-br bra",
		"show",
	} {
		var texts [2]string
		for i, s := range []side{original, our} {
			if i == 1 && !strings.Contains(line, "get ") && line != "show" && !strings.Contains(line, "list-") {
				// Undo what the original's run did, so that ours does the same.
				undo(e, line)
			}
			args := append([]string{"--timeout=15"}, words(line)...)
			texts[i] = e.run(20*time.Second, s.program(t, "ovs-vsctl"), args...).text(line == "show")
		}
		if texts[0] != texts[1] {
			t.Errorf("%s\noriginal:\n%s\nours:\n%s", line, texts[0], texts[1])
		}
	}
}

// undo reverts a command that adds or deletes.
func undo(e *env, line string) {
	w := words(line)
	vsctl := original.program(e.t, "ovs-vsctl")
	switch w[0] {
	case "add-br":
		e.must(vsctl, "--timeout=15", "del-br", w[1])
	case "add-port", "add-bond":
		e.must(vsctl, "--timeout=15", "del-port", w[1], w[2])
	case "del-br":
		e.run(20*time.Second, vsctl, "--timeout=15", "add-br", w[1], "--", "set", "bridge", w[1], "datapath_type=dummy")
	}
}

// TestVsctlWaitUntil runs wait-until while the condition is not true yet, and a command that needs the switch.
func TestVsctlWaitUntil(t *testing.T) {
	servers(t, func(t *testing.T, server side) {
		e := newEnv(t)
		e.startServer(server, schemaFile)
		vsctl := our.program(t, "ovs-vsctl")
		// The first command on an empty database that waits for the switch makes the root row and waits for it.
		cmd := exec.Command(vsctl, "--timeout=20", "init")
		cmd.Dir, cmd.Env = e.dir, e.environ()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		e.must(vsctl, "--no-wait", "--timeout=20", "wait-until", "open", ".", "next_cfg=1")
		e.must(vsctl, "--no-wait", "set", "open", ".", "cur_cfg=1")
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		cmd = exec.Command(vsctl, "--no-wait", "--timeout=20", "wait-until", "bridge", "brw", "external_ids:a=b", "--", "get", "bridge", "brw", "name")
		cmd.Dir, cmd.Env = e.dir, e.environ()
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		e.must(vsctl, "--no-wait", "add-br", "brw")
		e.must(vsctl, "--no-wait", "set", "bridge", "brw", "external_ids:a=b")
		b, err := io.ReadAll(out)
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil || string(b) != "brw\n" {
			t.Errorf("got %q, %v", b, err)
		}
		// What needs the switch waits for it: nobody sets cur_cfg here but us.
		cmd = exec.Command(vsctl, "--timeout=20", "add-br", "brx")
		cmd.Dir, cmd.Env = e.dir, e.environ()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		e.must(vsctl, "--no-wait", "--timeout=20", "wait-until", "open", ".", "next_cfg=2")
		e.must(vsctl, "--no-wait", "set", "open", ".", "cur_cfg=2")
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
}

// monitor runs a monitor command while the database changes, and returns what it printed.
func (e *env) monitor(s side, line string) string {
	e.t.Helper()
	cmd := exec.Command(s.program(e.t, "ovsdb-client"), words(line)...)
	cmd.Dir, cmd.Env = e.dir, e.environ()
	// The original buffers what it does not print to a terminal or a file: let it detach, which flushes.
	out, err := os.Create(e.dir + "/monitor.out")
	if err != nil {
		e.t.Fatal(err)
	}
	defer out.Close()
	// Files, not pipes, of which the detached process would keep an end.
	complaint, err := os.Create(e.dir + "/monitor.err")
	if err != nil {
		e.t.Fatal(err)
	}
	defer complaint.Close()
	cmd.Stdout, cmd.Stderr = out, complaint
	if err := cmd.Run(); err != nil {
		e.t.Fatalf("%s: %v %s", line, err, e.read("monitor.err"))
	}
	vsctl := original.program(e.t, "ovs-vsctl")
	for _, change := range []string{"add-br brm", "set bridge brm external_ids:a=b stp_enable=true", "set bridge brm external_ids:a=c flood_vlans=1,2",
		"set bridge brm flood_vlans=2,3 fail_mode=secure", "del-br brm"} {
		e.must(vsctl, append([]string{"--no-wait"}, words(change)...)...)
	}
	pid := strings.TrimSpace(e.read("mon.pid"))
	ctl := e.dir + "/ovsdb-client." + pid + ".ctl"
	e.must(original.program(e.t, "ovs-appctl"), "-t", ctl, "version")
	// The server sends updates before it answers later requests; give the program until it has printed the deletion.
	for range 500 {
		if strings.Contains(e.read("monitor.out"), "delete") {
			break
		}
		time.Sleep(10 * time.Millisecond) // another process's output: there is nothing to wait on
	}
	e.must(original.program(e.t, "ovs-appctl"), "-t", ctl, "exit")
	// It answers before it ends, and the next one is not to find its pid file.
	for range 500 {
		if _, err := os.Stat(e.dir + "/mon.pid"); err != nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return normalise(e.read("monitor.out"))
}

func (e *env) read(name string) string {
	b, err := os.ReadFile(e.dir + "/" + name)
	if err != nil {
		e.t.Fatal(err)
	}
	return string(b)
}

func TestMonitor(t *testing.T) {
	servers(t, func(t *testing.T, server side) {
		e := newEnv(t)
		e.startServer(server, schemaFile)
		e.setup()
		for _, line := range []string{
			`monitor Open_vSwitch Bridge name,external_ids,flood_vlans,fail_mode`,
			`-f csv monitor Open_vSwitch Bridge name '!initial,external_ids' '!modify,flood_vlans'`,
			`-f json monitor Open_vSwitch Bridge name,external_ids,flood_vlans`,
			`-f csv monitor-cond Open_vSwitch '[["name","==","brm"]]' Bridge name,external_ids,flood_vlans`,
			`-f csv monitor-cond-since Open_vSwitch '[]' Bridge name,external_ids,flood_vlans`,
			`-f list monitor-cond-since Open_vSwitch 00000000-0000-0000-0000-000000000000 '[]' Bridge name`,
			`--no-headings -f csv monitor Open_vSwitch Bridge name`,
			`--timestamp -f csv monitor Open_vSwitch Bridge name`,
		} {
			line = "--detach --no-chdir --pidfile=mon.pid " + line
			want, got := e.monitor(original, line), e.monitor(our, line)
			if got != want {
				t.Errorf("%s\noriginal:\n%s\nours:\n%s", line, want, got)
			}
		}
	})
}

// TestBackupRestore backs a database up and restores it with both tools, crosswise.
func TestBackupRestore(t *testing.T) {
	servers(t, func(t *testing.T, server side) {
		e := newEnv(t)
		e.startServer(server, schemaFile)
		e.setup()
		vsctl, client := original.program(t, "ovs-vsctl"), original.program(t, "ovsdb-client")
		dump := func() string {
			return sorted(normalise(e.must(client, "dump", "Open_vSwitch", "Port", "name", "tag", "external_ids")) +
				e.must(client, "dump", "Open_vSwitch", "Interface", "name", "type"))
		}
		want := dump()
		for _, writer := range []side{original, our} {
			for _, reader := range []side{original, our} {
				backup := e.must(writer.program(t, "ovsdb-client"), "backup")
				if err := os.WriteFile(e.dir+"/backup", []byte(backup), 0o666); err != nil {
					t.Fatal(err)
				}
				e.must(original.program(t, "ovsdb-tool"), "show-log", "backup")
				e.must(vsctl, "--no-wait", "del-port", "p1", "--", "add-br", "other")
				in, err := os.Open(e.dir + "/backup")
				if err != nil {
					t.Fatal(err)
				}
				cmd := exec.Command(reader.program(t, "ovsdb-client"), "restore")
				cmd.Dir, cmd.Env, cmd.Stdin = e.dir, e.environ(), in
				out, err := cmd.CombinedOutput()
				in.Close()
				if err != nil {
					t.Fatalf("restore by %s: %v\n%s", reader, err, out)
				}
				if got := dump(); got != want {
					t.Errorf("backup by %s, restore by %s: got\n%s\nwant\n%s", writer, reader, got, want)
				}
			}
		}
	})
}

// TestLocks has our client wait for a lock, get it, and lose it.
func TestLocks(t *testing.T) {
	servers(t, func(t *testing.T, server side) {
		e := newEnv(t)
		e.startServer(server, schemaFile)
		start := func(args ...string) (*bufio.Reader, func()) {
			cmd := exec.Command(our.program(t, "ovsdb-client"), args...)
			cmd.Dir, cmd.Env = e.dir, e.environ()
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			stop := func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
			t.Cleanup(stop)
			return bufio.NewReader(out), stop
		}
		expect := func(r *bufio.Reader, want string) {
			t.Helper()
			if got, err := r.ReadString('\n'); got != want+"\n" {
				t.Fatalf("got %q, %v; want %q", got, err, want)
			}
		}
		first, _ := start("lock", "l")
		expect(first, `{"locked":true}`)
		second, stopSecond := start("lock", "l")
		expect(second, `{"locked":false}`)
		thief, stopThief := start("steal", "l")
		expect(thief, `{"locked":true}`)
		expect(first, "stolen")
		expect(first, `["l"]`)
		stopThief()
		// The first of those that wait gets it.
		expect(first, "locked")
		expect(first, `["l"]`)
		stopSecond()
	})
}

// TestVsctlConflicts has several ovs-vsctl change one bridge at once: each must try again until its change is in.
func TestVsctlConflicts(t *testing.T) {
	servers(t, func(t *testing.T, server side) {
		e := newEnv(t)
		e.startServer(server, schemaFile)
		vsctl := our.program(t, "ovs-vsctl")
		e.must(vsctl, "--no-wait", "add-br", "br0")
		const workers, each = 4, 12
		errs := make(chan string, workers*each)
		for w := range workers {
			for i := range each {
				go func() {
					r := e.run(30*time.Second, vsctl, "--no-wait", "--timeout=25", "add-port", "br0", fmt.Sprintf("p%d-%d", w, i))
					errs <- r.stderr
				}()
			}
		}
		for range workers * each {
			if s := <-errs; s != "" {
				t.Error(s)
			}
		}
		if got := strings.Count(e.must(vsctl, "--no-wait", "list-ports", "br0"), "\n"); got != workers*each {
			t.Errorf("%d ports, want %d", got, workers*each)
		}
	})
}
