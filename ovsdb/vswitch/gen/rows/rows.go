package rows

import (
	"bytes"
	"fmt"
	"go/format"
	"strings"

	"govs/ovsdb"
)

// Generate returns the formatted source of package pkg for the schema.
func Generate(pkg string, schema *ovsdb.DatabaseSchema) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "// Code generated from the %s schema, version %s. DO NOT EDIT.\n\npackage %s\n\n", schema.Name, schema.Version, pkg)
	fmt.Fprintf(&b, "import (\n\t\"govs/ovsdb\"\n\t\"govs/ovsdb/client\"\n)\n\n")
	for _, t := range schema.TableList {
		table(&b, t)
	}
	src, err := format.Source(b.Bytes())
	if err != nil {
		return nil, fmt.Errorf("%w in\n%s", err, b.Bytes())
	}
	return src, nil
}

func table(b *bytes.Buffer, t *ovsdb.TableSchema) {
	typ := goName(t.Name)
	fmt.Fprintf(b, "// Table%s is the name of the %s table.\nconst Table%s = %q\n\n", typ, t.Name, typ, t.Name)
	fmt.Fprintf(b, "// %s is a row of the %s table. Optional columns are nil when they are empty.\ntype %s struct {\n\tUUID ovsdb.UUID\n", typ, t.Name, typ)
	for _, c := range t.UserColumns() {
		fmt.Fprintf(b, "\t%s %s // %s\n", goName(c.Name), goType(&c.Type), c.Name)
	}
	fmt.Fprintf(b, "}\n\n")
	fmt.Fprintf(b, "// Get%s returns the row with the given UUID, or nil.\nfunc Get%s(s *client.Snapshot, u ovsdb.UUID) *%s {\n", typ, typ, typ)
	fmt.Fprintf(b, "\tt := s.Table(Table%s)\n\tr := t.Row(u)\n\tif r == nil {\n\t\treturn nil\n\t}\n\treturn make%s(t, r)\n}\n\n", typ, typ)
	fmt.Fprintf(b, "// All%s returns all rows of the table in the order of their UUIDs.\nfunc All%s(s *client.Snapshot) []*%s {\n", typ, typ, typ)
	fmt.Fprintf(b, "\tt := s.Table(Table%s)\n\trows := sortedRows(t)\n\tout := make([]*%s, len(rows))\n\tfor i, r := range rows {\n\t\tout[i] = make%s(t, r)\n\t}\n\treturn out\n}\n\n", typ, typ, typ)
	fmt.Fprintf(b, "func make%s(t *client.Table, r *ovsdb.Row) *%s {\n\treturn &%s{\n\t\tUUID: r.UUID(),\n", typ, typ, typ)
	for _, c := range t.UserColumns() {
		fmt.Fprintf(b, "\t\t%s: %s(t.Column(r, %q)),\n", goName(c.Name), getter(&c.Type), c.Name)
	}
	fmt.Fprintf(b, "\t}\n}\n\n")
}

var atoms = map[ovsdb.AtomicType]struct{ typ, name string }{
	ovsdb.Integer:  {"int64", "Int"},
	ovsdb.Real:     {"float64", "Real"},
	ovsdb.Boolean:  {"bool", "Bool"},
	ovsdb.String:   {"string", "String"},
	ovsdb.UUIDType: {"ovsdb.UUID", "UUID"},
}

func goType(t *ovsdb.Type) string {
	k := atoms[t.Key.Type].typ
	switch {
	case t.IsMap():
		return "map[" + k + "]" + atoms[t.Value.Type].typ
	case t.IsScalar():
		return k
	case t.IsOptionalScalar():
		return "*" + k
	}
	return "[]" + k
}

func getter(t *ovsdb.Type) string {
	k := atoms[t.Key.Type].name
	switch {
	case t.IsMap():
		return "map" + k + atoms[t.Value.Type].name
	case t.IsScalar():
		return "scalar" + k
	case t.IsOptionalScalar():
		return "opt" + k
	}
	return "set" + k
}

// initialisms keep their capitals in Go names.
var initialisms = map[string]string{
	"id": "ID", "uuid": "UUID", "mac": "MAC", "mtu": "MTU", "ip": "IP", "ssl": "SSL", "qos": "QoS", "stp": "STP", "rstp": "RSTP",
	"bfd": "BFD", "cfm": "CFM", "lldp": "LLDP", "lacp": "LACP", "vlan": "VLAN", "vlans": "VLANs", "cvlans": "CVLANs", "db": "DB",
	"dpdk": "DPDK", "ipfix": "IPFIX", "ca": "CA", "ct": "CT", "aa": "AA", "ofport": "OFPort", "netflow": "NetFlow", "sflow": "SFlow",
	"ovs": "OVS", "cfg": "Cfg", "vswitch": "vSwitch",
}

func goName(s string) string {
	var out strings.Builder
	for w := range strings.SplitSeq(s, "_") {
		if i, ok := initialisms[strings.ToLower(w)]; ok {
			out.WriteString(i)
		} else {
			out.WriteString(strings.ToUpper(w[:1]) + w[1:])
		}
	}
	return out.String()
}
