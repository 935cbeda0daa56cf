package ovsdb

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"govs/ovsdb/ojson"
)

// TestSchemaErrorsLikeOriginal gives bad schemas to the original's ovsdb-tool and to ours and compares the words.
func TestSchemaErrorsLikeOriginal(t *testing.T) {
	if _, err := exec.LookPath("ovsdb-tool"); err != nil {
		t.Skip("the original ovsdb-tool is not installed")
	}
	text, err := os.ReadFile("testdata/bad_schemas.txt")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "s.json")
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		os.WriteFile(file, []byte(line+"\n"), 0o600)
		db := filepath.Join(dir, "x.db")
		os.Remove(db)
		out, cerr := exec.Command("ovsdb-tool", "create", db, file).CombinedOutput()
		want := strings.TrimSuffix(strings.TrimPrefix(string(out), "ovsdb-tool: "), "\n")
		got := ""
		if _, err := ReadSchemaFile(file); err != nil {
			got = err.Error()
		}
		if got != want || (cerr == nil) != (got == "") {
			t.Errorf("%s\noriginal: %s\nours:     %s", line, want, got)
		}
	}
}

// TestSchemasLikeOriginal checks that real schemas come out as the original writes them.
func TestSchemasLikeOriginal(t *testing.T) {
	if _, err := exec.LookPath("ovsdb-tool"); err != nil {
		t.Skip("the original ovsdb-tool is not installed")
	}
	for _, name := range []string{"/usr/share/openvswitch/vswitch.ovsschema", "/usr/share/openvswitch/local-config.ovsschema",
		"/usr/share/ovn/ovn-nb.ovsschema", "/usr/share/ovn/ovn-sb.ovsschema", "server/testdata/t.ovsschema",
		"server/testdata/types.ovsschema", "server/testdata/rbac.ovsschema"} {
		schema, err := ReadSchemaFile(name)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			if strings.Contains(err.Error(), "No such file") {
				continue
			}
			t.Errorf("%s: %v", name, err)
			continue
		}
		db := filepath.Join(t.TempDir(), "x.db")
		if out, err := exec.Command("ovsdb-tool", "create", db, name).CombinedOutput(); err != nil {
			t.Fatalf("%s %s", out, err)
		}
		data, err := os.ReadFile(db)
		if err != nil {
			t.Fatal(err)
		}
		_, body, _ := strings.Cut(string(data), "\n")
		want, err := ojson.Parse(body)
		if err != nil {
			t.Fatal(err)
		}
		got := schema.JSON()
		if !ojson.Equal(&want, &got) {
			t.Errorf("%s:\noriginal: %s\nours:     %s", name, want, got)
		}
	}
}
