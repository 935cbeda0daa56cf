package vswitch

import (
	_ "embed"
	"slices"

	"govs/ovsdb"
	"govs/ovsdb/client"
)

//go:generate sh -c "go run govs/ovsdb/vswitch/gen vswitch.ovsschema > rows_gen.go.new && mv rows_gen.go.new rows_gen.go"

// SchemaJSON is the Open_vSwitch schema, version 8.3.1, as JSON text.
//
//go:embed vswitch.ovsschema
var SchemaJSON string

// Database is the name of the database.
const Database = "Open_vSwitch"

func sortedRows(t *client.Table) []*ovsdb.Row {
	rows := make([]*ovsdb.Row, 0, t.Len())
	for _, r := range t.All() {
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b *ovsdb.Row) int { return a.UUID().Compare(b.UUID()) })
	return rows
}

// The functions below turn the Datum of a column into the Go type of its field.

func scalarInt(d ovsdb.Datum) int64       { return d.Scalar().Int() }
func scalarBool(d ovsdb.Datum) bool       { return d.Scalar().Bool() }
func scalarString(d ovsdb.Datum) string   { return d.Scalar().Str() }
func scalarUUID(d ovsdb.Datum) ovsdb.UUID { return d.Scalar().UUID() }

func opt[T any](d ovsdb.Datum, get func(ovsdb.Atom) T) *T {
	if d.IsEmpty() {
		return nil
	}
	v := get(d.Scalar())
	return &v
}

func optInt(d ovsdb.Datum) *int64       { return opt(d, ovsdb.Atom.Int) }
func optBool(d ovsdb.Datum) *bool       { return opt(d, ovsdb.Atom.Bool) }
func optString(d ovsdb.Datum) *string   { return opt(d, ovsdb.Atom.Str) }
func optUUID(d ovsdb.Datum) *ovsdb.UUID { return opt(d, ovsdb.Atom.UUID) }

func setInt(d ovsdb.Datum) []int64       { return d.Ints() }
func setString(d ovsdb.Datum) []string   { return d.Strings() }
func setUUID(d ovsdb.Datum) []ovsdb.UUID { return d.UUIDs() }

func mapStringString(d ovsdb.Datum) map[string]string { return d.StringMap() }

func mapOf[K comparable, V any](d ovsdb.Datum, key func(ovsdb.Atom) K, val func(ovsdb.Atom) V) map[K]V {
	m := make(map[K]V, d.Len())
	for k, v := range d.All() {
		m[key(k)] = val(v)
	}
	return m
}

func mapStringInt(d ovsdb.Datum) map[string]int64 {
	return mapOf(d, ovsdb.Atom.Str, ovsdb.Atom.Int)
}
func mapIntUUID(d ovsdb.Datum) map[int64]ovsdb.UUID { return mapOf(d, ovsdb.Atom.Int, ovsdb.Atom.UUID) }
func mapIntInt(d ovsdb.Datum) map[int64]int64       { return mapOf(d, ovsdb.Atom.Int, ovsdb.Atom.Int) }
func mapStringUUID(d ovsdb.Datum) map[string]ovsdb.UUID {
	return mapOf(d, ovsdb.Atom.Str, ovsdb.Atom.UUID)
}
