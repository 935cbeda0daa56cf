package vsctl

import (
	"fmt"
	"io"
	"testing"

	"govs/internal/table"
	"govs/ovsdb"
	"govs/ovsdb/client"
)

// BenchmarkList lists 2,000 interfaces with all their columns.
func BenchmarkList(b *testing.B) {
	tool := newTool(b)
	txn := client.NewTxn(client.NewSnapshot(tool.Schema))
	for i := range 2000 {
		u := txn.Insert("Interface", ovsdb.UUID{}, false).UUID()
		txn.Set("Interface", u, "name", ovsdb.NewScalar(ovsdb.StringAtom(fmt.Sprintf("p%d", i))))
		txn.Set("Interface", u, "status", ovsdb.NewStringMap(map[string]string{"x": "1", "y": "2"}))
	}
	cmds, err := tool.ParseCommands([]string{"list", "interface"}, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		res, err := tool.Run(txn, cmds, &state{})
		if err != nil {
			b.Fatal(err)
		}
		style := table.Style{Format: table.FormatList}
		if err := style.Print(io.Discard, res[0].Table); err != nil {
			b.Fatal(err)
		}
	}
}
