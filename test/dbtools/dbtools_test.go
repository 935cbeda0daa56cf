package dbtools

import (
	"os"
	"strings"
	"testing"
	"time"
)

// servers runs a test against both servers.
func servers(t *testing.T, f func(t *testing.T, server side)) {
	for _, s := range []side{original, our} {
		t.Run(string(s)+"-server", func(t *testing.T) { f(t, s) })
	}
}

// setup makes a bridge with a port and a bond.
func (e *env) setup() {
	e.must(original.program(e.t, "ovs-vsctl"), words(`--no-wait --timeout=10 init -- add-br br0 -- add-port br0 p1 -- set port p1 tag=3 `+
		`external_ids='"a,b"="c d",e="<&>"' -- add-bond br0 bond0 x1 x2`)...)
}

// compare runs the command lines of a file with both tools, each in a place of its own, and compares.
func compare(t *testing.T, file string, place func() *env, limit time.Duration, tool string, prefix []string, unordered func(line string) bool) {
	t.Helper()
	list := lines(t, file)
	var texts [2][]string
	for i, s := range []side{original, our} {
		e := place()
		program := s.program(t, tool)
		for _, line := range list {
			r := e.run(limit, program, append(append([]string{}, prefix...), words(line)...)...)
			texts[i] = append(texts[i], r.text(unordered(line)))
		}
	}
	for i, line := range list {
		if texts[0][i] != texts[1][i] {
			t.Errorf("%s:%d: %s %s\noriginal:\n%s\nours:\n%s", file, i+1, tool, line, texts[0][i], texts[1][i])
		}
	}
}

func TestVsctl(t *testing.T) {
	servers(t, func(t *testing.T, server side) {
		for _, file := range []string{"vsctl1.txt", "vsctl2.txt", "vsctl3.txt"} {
			t.Run(file, func(t *testing.T) {
				place := func() *env {
					e := newEnv(t)
					e.startServer(server, schemaFile)
					e.setup()
					return e
				}
				unordered := func(line string) bool {
					return strings.Contains(line, "list ") || strings.Contains(line, "find") || strings.Contains(line, "show")
				}
				compare(t, file, place, 10*time.Second, "ovs-vsctl", []string{"--no-wait", "--timeout=1"}, unordered)
			})
		}
	})
}

func TestClient(t *testing.T) {
	servers(t, func(t *testing.T, server side) {
		place := func() *env {
			e := newEnv(t)
			e.startServer(server, schemaFile)
			e.setup()
			if err := os.CopyFS(e.dir, os.DirFS("testdata")); err != nil {
				t.Fatal(err)
			}
			return e
		}
		unordered := func(line string) bool {
			return strings.Contains(line, "list-") || strings.Contains(line, "dump")
		}
		compare(t, "client.txt", place, 3*time.Second, "ovsdb-client", nil, unordered)
	})
}

func TestTool(t *testing.T) {
	place := func() *env {
		e := newEnv(t)
		if err := os.CopyFS(e.dir, os.DirFS("testdata")); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"garbage.db": "garbage\n", "empty.db": "", "conf.db": ""} {
			if err := os.WriteFile(e.dir+"/"+name, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		return e
	}
	unordered := func(line string) bool { return strings.Contains(line, "show-log") }
	compare(t, "tool.txt", place, 10*time.Second, "ovsdb-tool", nil, unordered)
}

func TestHelp(t *testing.T) {
	for _, tool := range []string{"ovs-vsctl", "ovsdb-tool", "ovs-appctl"} {
		for _, arg := range []string{"--help", "--version"} {
			e := newEnv(t)
			want := e.must(original.program(t, tool), arg)
			if got := e.must(our.program(t, tool), arg); got != want {
				t.Errorf("%s %s: got\n%s\nwant\n%s", tool, arg, got, want)
			}
		}
	}
}

// TestCompletion compares what shells complete command lines by.
func TestCompletion(t *testing.T) {
	for _, arg := range []string{"--commands", "--options"} {
		e := newEnv(t)
		want := sorted(e.must(original.program(t, "ovs-vsctl"), arg))
		if got := sorted(e.must(our.program(t, "ovs-vsctl"), arg)); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", arg, got, want)
		}
	}
}
