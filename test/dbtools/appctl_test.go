package dbtools

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestAppctl compares the two ovs-appctl programs, against the original daemon and against ours.
func TestAppctl(t *testing.T) {
	servers(t, func(t *testing.T, server side) {
		place := func() *env {
			e := newEnv(t)
			e.startServer(server, schemaFile)
			if err := os.WriteFile(e.dir+"/stale.pid", []byte("123\n"), 0o666); err != nil {
				t.Fatal(err)
			}
			return e
		}
		compare(t, "appctl.txt", place, 5*time.Second, "ovs-appctl", nil, func(string) bool { return false })
	})
}

// TestServerCommon compares the commands that every daemon has between the two servers.
func TestServerCommon(t *testing.T) {
	appctl := original.program(t, "ovs-appctl")
	var texts [2][]string
	list := lines(t, "common.txt")
	for i, s := range []side{original, our} {
		e := newEnv(t)
		e.startServer(s, schemaFile)
		for _, line := range list {
			r := e.run(5*time.Second, appctl, append([]string{"-t", "ovsdb-server"}, words(line)...)...)
			text := r.text(false)
			if line == "list-commands" {
				// Commands about clusters are not there.
				text = strings.Join(grep(text, "vlog/", "coverage/", "version", "list-commands", "exit", "memory/"), "\n")
			}
			// The module of what "tlog-set" turns on has no name of its own in the original.
			text = strings.Join(slices.DeleteFunc(strings.Split(text, "\n"), func(l string) bool {
				return strings.HasPrefix(l, "table_log ")
			}), "\n")
			texts[i] = append(texts[i], text)
		}
	}
	for i, line := range list {
		if texts[0][i] != texts[1][i] {
			t.Errorf("%s\noriginal:\n%s\nours:\n%s", line, texts[0][i], texts[1][i])
		}
	}
}

// grep returns the lines that contain one of the words.
func grep(text string, words ...string) []string {
	var out []string
	for l := range strings.SplitSeq(text, "\n") {
		for _, w := range words {
			if strings.Contains(l, w) {
				out = append(out, l)
				break
			}
		}
	}
	return out
}
