package server

import (
	"strings"
	"testing"

	"govs/internal/unixctl"
)

// TestCommandsLikeOriginal runs ovs-appctl commands on the original and on ours and compares what they print.
func TestCommandsLikeOriginal(t *testing.T) {
	needOriginal(t, "ovsdb-server", "ovs-appctl")
	od, gd := shortTempDir(t), shortTempDir(t)
	for _, d := range []string{od, gd} {
		createFromSchema(t, d+"/t.db", "testdata/t.ovsschema")
		createFromSchema(t, d+"/more.db", "testdata/types.ovsschema")
		createFromSchema(t, d+"/r.db", "testdata/rbac.ovsschema")
	}
	startOriginal(t, od, "t.db", "r.db")
	srv, _ := startOurs(t, gd, gd+"/t.db", gd+"/r.db")
	u := unixctl.NewServer("ovsdb-server (Open vSwitch) 3.1.0", nil)
	t.Cleanup(u.Close)
	srv.RegisterUnixctl(u, nil)
	if err := u.Listen(gd + "/ctl"); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"version",
		"ovsdb-server/list-remotes",
		"ovsdb-server/add-remote punix:DIR/x2",
		"ovsdb-server/add-remote foo",
		"ovsdb-server/add-remote db:X",
		"ovsdb-server/add-remote db:X,Y,Z",
		"ovsdb-server/add-remote db:T,Y,Z",
		"ovsdb-server/add-remote db:T,A,Z",
		"ovsdb-server/add-remote db:T,A,i",
		"ovsdb-server/add-remote db:T,A,name",
		"ovsdb-server/add-remote db:R,Global,connections",
		"ovsdb-server/add-remote punix:/nonexistent/x",
		"ovsdb-server/add-remote",
		"ovsdb-server/list-remotes",
		"ovsdb-server/remove-remote zzz",
		"ovsdb-server/remove-remote db:T,A,name",
		"ovsdb-server/remove-remote punix:DIR/x2",
		"ovsdb-server/list-remotes",
		"ovsdb-server/list-dbs",
		"ovsdb-server/add-db DIR/more.db",
		"ovsdb-server/add-db DIR/nope.db",
		"ovsdb-server/list-dbs",
		"ovsdb-server/get-db-storage-status T",
		"ovsdb-server/get-db-storage-status Z",
		"ovsdb-server/get-db-storage-status",
		"ovsdb-server/compact",
		"ovsdb-server/compact Z",
		"ovsdb-server/compact _Server",
		"ovsdb-server/compact T",
		"ovsdb-server/memory-trim-on-compaction on",
		"ovsdb-server/memory-trim-on-compaction off",
		"ovsdb-server/memory-trim-on-compaction foo",
		"ovsdb-server/sync-status",
		"ovsdb-server/get-active-ovsdb-server",
		"ovsdb-server/get-sync-exclude-tables",
		"ovsdb-server/set-sync-exclude-tables foo",
		"ovsdb-server/get-sync-exclude-tables",
		"ovsdb-server/set-sync-exclude-tables T:A,T:B",
		"ovsdb-server/get-sync-exclude-tables",
		"ovsdb-server/set-sync-exclude-tables T:A,NO:B",
		"ovsdb-server/get-sync-exclude-tables",
		"ovsdb-server/connect-active-ovsdb-server",
		"ovsdb-server/disconnect-active-ovsdb-server",
		"ovsdb-server/set-active-ovsdb-server unix:DIR/other",
		"ovsdb-server/get-active-ovsdb-server",
		"ovsdb-server/set-active-ovsdb-server-probe-interval",
		"ovsdb-server/set-active-ovsdb-server-probe-interval 5000",
		"ovsdb-server/set-active-ovsdb-server-probe-interval x",
		"ovsdb-server/connect-active-ovsdb-server",
		"ovsdb-server/sync-status",
		"ovsdb-server/disconnect-active-ovsdb-server",
		"ovsdb-server/sync-status",
		"ovsdb-server/tlog-list",
		"ovsdb-server/tlog-set T:A on",
		"ovsdb-server/tlog-set T:Q on",
		"ovsdb-server/tlog-set Q:Q on",
		"ovsdb-server/tlog-set TA on",
		"ovsdb-server/tlog-set T:A foo",
		"ovsdb-server/tlog-list",
		"ovsdb-server/perf-counters-clear",
		"ovsdb-server/disable-monitor-cond",
		"ovsdb-server/reconnect",
		"ovsdb-server/remove-db Z",
		"ovsdb-server/remove-db _Server",
		"ovsdb-server/remove-db T2",
		"ovsdb-server/list-dbs",
		"ovsdb-server/remove-db",
		"cluster/status T",
		"nonsense",
	} {
		run := func(dir string) string {
			args := append([]string{"-t", dir + "/ctl"}, strings.Fields(strings.ReplaceAll(line, "DIR", dir))...)
			out, err := runEnv(dir, "ovs-appctl", args...)
			if err != nil {
				out += "status " + err.Error() + "\n"
			}
			return strings.ReplaceAll(out, dir, "DIR")
		}
		if want, got := run(od), run(gd); want != got {
			t.Errorf("%s\noriginal: %q\nours:     %q", line, want, got)
		}
	}
}
