package vswitch

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"govs/ovsdb"
	"govs/ovsdb/ojson"
	"govs/ovsdb/vswitch/gen/rows"
)

func TestRowsAreGenerated(t *testing.T) {
	v, err := ojson.Parse(SchemaJSON)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := ovsdb.ParseSchema(&v)
	if err != nil {
		t.Fatal(err)
	}
	want, err := rows.Generate("vswitch", schema)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("rows_gen.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("rows_gen.go is not what the schema gives: run go generate ./ovsdb/vswitch")
	}
	if !strings.Contains(SchemaJSON, `"version": "`+schema.Version+`"`) {
		t.Errorf("schema version %s", schema.Version)
	}
}

// TestSchemaIsTheOriginals compares the embedded schema with the one that Open vSwitch's package installs.
func TestSchemaIsTheOriginals(t *testing.T) {
	const file = "/usr/share/openvswitch/vswitch.ovsschema"
	orig, err := ovsdb.ReadSchemaFile(file)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip(file + " is not installed")
	}
	if err != nil {
		t.Fatal(err)
	}
	v, err := ojson.Parse(SchemaJSON)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := ovsdb.ParseSchema(&v)
	if err != nil {
		t.Fatal(err)
	}
	if !ours.Equal(orig) || ours.Cksum != orig.Cksum {
		t.Error("the embedded schema differs from " + file)
	}
}
