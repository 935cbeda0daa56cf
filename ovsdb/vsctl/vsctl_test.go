package vsctl

import (
	"fmt"
	"strings"
	"testing"

	"govs/internal/vlog"
	"govs/ovsdb"
	"govs/ovsdb/client"
	"govs/ovsdb/dbctl"
)

func newTool(t testing.TB) *dbctl.Tool {
	t.Helper()
	tool, err := New(vlog.Discard())
	if err != nil {
		t.Fatal(err)
	}
	return tool
}

func TestParseCommands(t *testing.T) {
	tool := newTool(t)
	for _, tc := range []struct {
		line  string
		first map[string]string
		want  string
	}{
		{"add-br a -- --if-exists del-br b", nil, "add-br a map[] | del-br b map[--if-exists:]"},
		{"list-br", map[string]string{"--real": ""}, "list-br map[--real:]"},
		{"-- -- list-br --", nil, "list-br map[]"},
		{"list-br -- --columns=a,b list port", nil, "list-br map[] | list port map[--columns:a,b]"},
		{"", nil, "missing command name (use --help for help)"},
		{"--", map[string]string{"--real": ""}, "missing command name (use --help for help)"},
		{"list-br -- --columns list port", nil, "missing argument to '--columns' option on 'list' command"},
		{"list-br -- --real=x list-br", nil, "'--real' option on 'list-br' does not accept an argument"},
		{"list-br -- --real --real list-br", nil, "'--real' option specified multiple times"},
		{"list-br -- --foo list-br", nil, "'list-br' command has no '--foo' option"},
		{"foo", nil, "unknown command 'foo'; use --help for help"},
		{"get a", nil, "'get' command requires at least 2 arguments"},
		{"list-br a", nil, "'list-br' command takes at most 0 arguments"},
		{"list-br -a", nil, "'list-br' command takes at most 0 arguments (note that options must precede command names and follow a \"--\" argument)"},
	} {
		cmds, err := tool.ParseCommands(strings.Fields(tc.line), tc.first)
		var parts []string
		for _, c := range cmds {
			parts = append(parts, strings.Join(c.Args, " ")+" "+fmt.Sprint(c.Options))
		}
		got := strings.Join(parts, " | ")
		if err != nil {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.line, got, tc.want)
		}
	}
}

// FuzzCommands runs any command line on a small database in memory: it must end in output or an error.
func FuzzCommands(f *testing.F) {
	for _, s := range []string{
		"add-br\x00b\x00--\x00add-port\x00b\x00p\x00tag=3\x00--\x00show",
		"set\x00open\x00.\x00other_config:a=b\x00--\x00get\x00open\x00.\x00other_config:a",
		"--id=@x\x00create\x00queue\x00dscp=1\x00--\x00list\x00queue",
		"find\x00port\x00trunks{<=}1-5\x00tag!=3",
		"remove\x00open\x00.\x00other_config\x00a=b\x00c",
		"--columns=name\x00list\x00bridge\x00--\x00wait-until\x00bridge\x00x\x00name=y",
		"set\x00open\x00.\x00external_ids={a=\"b,\\\"c\",d=e}",
	} {
		f.Add(s)
	}
	tool := newTool(f)
	f.Fuzz(func(t *testing.T, line string) {
		cmds, err := tool.ParseCommands(strings.Split(line, "\x00"), nil)
		if err != nil {
			return
		}
		if _, err := tool.Prepare(cmds); err != nil {
			return
		}
		txn := client.NewTxn(client.NewSnapshot(tool.Schema))
		txn.Insert("Open_vSwitch", ovsdb.UUID{}, false)
		_, _ = tool.Run(txn, cmds, &state{log: vlog.Discard().Module("vsctl")})
	})
}
