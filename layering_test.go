package govs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layer is one row of the table in docs/architecture.md: a folder and what its packages may import of this
// module. Where several rows match a package, the one with the longest folder holds.
type layer struct {
	folder string   // "flow" covers flow and everything below it
	may    []string // folders; "*" is everything but tools, "**" is everything
}

// layers is the layering of the module. A package may always import packages of its own folder.
// The standard library and modules from outside are not this test's business.
var layers = []layer{
	{"internal", []string{"internal"}},
	{"packet", []string{"internal"}},
	{"flow", []string{"packet", "internal"}},
	{"actions", []string{"flow", "packet", "internal"}},
	{"classifier", []string{"flow", "packet", "internal"}},
	{"emc", []string{"flow", "classifier/megaflow", "packet", "internal"}},
	{"cgo/dpdk", []string{"packet", "internal"}},
	{"ports", []string{"packet", "internal"}},
	{"ports/dpdk", []string{"ports", "packet", "internal", "cgo/dpdk"}},
	{"ports/vhostuser", []string{"ports", "packet", "internal", "cgo/dpdk"}},
	{"conntrack", []string{"packet", "flow", "actions", "internal"}},
	{"tunnel", []string{"packet", "flow", "actions", "internal"}},
	{"dpif", []string{"flow", "actions", "packet", "ports", "internal"}},
	{"pmd", []string{"dpif", "emc", "classifier/megaflow", "actions", "conntrack", "tunnel", "ports", "flow", "packet", "internal"}},
	{"openflow", []string{"flow", "packet", "internal"}},
	{"ofproto", []string{"dpif", "classifier/oftable", "openflow", "actions", "flow", "packet", "internal"}},
	{"ovsdb", []string{"internal"}},
	{"vswitchd", []string{"ovsdb", "ofproto", "openflow", "dpif", "ports", "internal"}},
	{"metrics", []string{"*"}},
	{"tools", []string{"**"}},
	{"test", []string{"**"}},
	{"bench", []string{"**"}},
	{".", nil},
}

// under reports whether folder p is folder or lies in it.
func under(p, folder string) bool {
	return p == folder || strings.HasPrefix(p, folder+"/")
}

// layerOf returns the row that holds for folder p.
func layerOf(p string) (layer, bool) {
	best, found := layer{}, false
	for _, l := range layers {
		if under(p, l.folder) && (!found || len(l.folder) > len(best.folder)) {
			best, found = l, true
		}
	}
	return best, found
}

func mayImport(l layer, from, imported string) bool {
	if under(imported, l.folder) && l.folder != "." {
		// The rows of ports/dpdk and ports/vhostuser are not below the row of ports, and the other way round.
		if il, _ := layerOf(imported); il.folder == l.folder {
			return true
		}
	}
	for _, m := range l.may {
		switch {
		case m == "**", m == "*" && !under(imported, "tools"), under(imported, m):
			return true
		}
	}
	return false
}

// why says what the reader has to know to repair a forbidden import.
func why(l layer, imported string) string {
	reason := fmt.Sprintf("%s may import only: %s", l.folder, strings.Join(append([]string{"std"}, l.may...), ", "))
	switch {
	case l.folder == "pmd" && under(imported, "ofproto"), l.folder == "ofproto" && under(imported, "pmd"):
		reason += " (pmd and ofproto meet only in dpif; tools/ovs-vswitchd joins them)"
	case under(imported, "tools"):
		reason += " (tools/ holds flags and wiring: what others need belongs in a package)"
	case under(imported, "cgo/dpdk"):
		reason += " (everything but ports/dpdk, ports/vhostuser and the programs works without DPDK)"
	}
	return reason
}

// goFile is a parsed file of the module.
type goFile struct {
	path, dir string // relative to the root, slashes
	ast       *ast.File
	test      bool
}

func parseTree(t *testing.T) (*token.FileSet, []goFile) {
	t.Helper()
	fset := token.NewFileSet()
	var files []goFile
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); p != "." && (n == "testdata" || n == "bin" || n == "vendor" || strings.HasPrefix(n, ".") || strings.HasPrefix(n, "_")) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		f, err := parser.ParseFile(fset, p, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		p = filepath.ToSlash(p)
		files = append(files, goFile{p, path.Dir(p), f, strings.HasSuffix(p, "_test.go")})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 2 {
		t.Fatal("found no Go files: run this from the module's root")
	}
	return fset, files
}

// TestLayering holds every package to the table. The files of a package count whatever their build tags.
// Tests are held to less: they may import any package (fixtures, the programs' wiring), but what is below
// cgo/dpdk must still test without cgo, so they too may not import it unless their package may.
func TestLayering(t *testing.T) {
	fset, files := parseTree(t)
	for _, f := range files {
		l, ok := layerOf(f.dir)
		if !ok || l.folder == "." && f.dir != "." {
			t.Errorf("%s: the folder %s has no row in the layering table: add it to docs/architecture.md and here", f.path, f.dir)
			continue
		}
		for _, imp := range f.ast.Imports {
			p, err := strconv.Unquote(imp.Path.Value)
			if err != nil || !under(p, "govs") {
				continue
			}
			imported := strings.TrimPrefix(strings.TrimPrefix(p, "govs"), "/")
			if imported == "" {
				imported = "."
			}
			if f.test && !under(imported, "cgo/dpdk") {
				continue
			}
			if !mayImport(l, f.dir, imported) {
				t.Errorf("%s imports %s: %s", fset.Position(imp.Pos()), p, why(l, imported))
			}
		}
	}
}

// TestContainment keeps C in cgo/dpdk, and unsafe there, in packet, and in files whose names say so.
func TestContainment(t *testing.T) {
	fset, files := parseTree(t)
	for _, f := range files {
		for _, imp := range f.ast.Imports {
			p, _ := strconv.Unquote(imp.Path.Value)
			switch {
			case p == "C" && !under(f.dir, "cgo/dpdk"):
				t.Errorf("%s: import \"C\": cgo/dpdk is the only package that may, so that all the rest builds without a C compiler",
					fset.Position(imp.Pos()))
			case p == "unsafe" && !under(f.dir, "cgo/dpdk") && f.dir != "packet" &&
				!strings.HasSuffix(strings.TrimSuffix(f.path, "_test.go"), "_unsafe") && !strings.HasSuffix(f.path, "_unsafe.go"):
				t.Errorf("%s: import \"unsafe\": only cgo/dpdk, packet and files named *_unsafe.go may", fset.Position(imp.Pos()))
			}
		}
	}
}

// TestNoInit keeps libraries free of init functions: registration is explicit, in tools/.
func TestNoInit(t *testing.T) {
	fset, files := parseTree(t)
	for _, f := range files {
		if f.test || under(f.dir, "tools") {
			continue
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: init function: hand things over explicitly instead", fset.Position(fn.Pos()))
			}
		}
	}
}

// TestDocs asks of each folder a doc.go with a package comment, and of no other file a second one.
func TestDocs(t *testing.T) {
	_, files := parseTree(t)
	code, doc := map[string]bool{}, map[string]bool{}
	for _, f := range files {
		if !f.test {
			code[f.dir] = true
		}
		if f.ast.Doc == nil || f.test {
			continue
		}
		if path.Base(f.path) != "doc.go" {
			if !ast.IsGenerated(f.ast) {
				t.Errorf("%s: the package comment belongs in doc.go", f.path)
			}
			continue
		}
		want := "Package " + f.ast.Name.Name + " "
		if f.ast.Name.Name == "main" {
			want = "Command "
		}
		if text := f.ast.Doc.Text(); !strings.HasPrefix(text, want) {
			first, _, _ := strings.Cut(text, "\n")
			t.Errorf("%s: the comment begins %q, not %q", f.path, first, want)
		}
		doc[f.dir] = true
	}
	for dir := range code {
		if !doc[dir] {
			t.Errorf("%s: no doc.go that says what the package is, its invariants, and who calls it", dir)
		}
	}
}

// longFiles are hand-written files that may be longer than maxLines, each with its reason.
var longFiles = map[string]string{}

const maxLines = 1000

// TestFileLength keeps hand-written files readable in one sitting.
func TestFileLength(t *testing.T) {
	fset, files := parseTree(t)
	for _, f := range files {
		n := fset.File(f.ast.FileStart).LineCount()
		if n > maxLines && !ast.IsGenerated(f.ast) && longFiles[f.path] == "" {
			t.Errorf("%s has %d lines: split it (at most %d)", f.path, n, maxLines)
		}
	}
}

// TestLayerTable checks the table itself: that each row names folders, once, and that the documentation
// has the folders that exist.
func TestLayerTable(t *testing.T) {
	var seen []string
	for _, l := range layers {
		if slices.Contains(seen, l.folder) {
			t.Errorf("%s has two rows", l.folder)
		}
		seen = append(seen, l.folder)
		for _, m := range l.may {
			if m == "*" || m == "**" {
				continue
			}
			if ml, ok := layerOf(m); !ok || ml.folder == "." {
				t.Errorf("%s may import %s, which has no row", l.folder, m)
			}
		}
	}
	text, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		if _, err := os.Stat(l.folder); err == nil && l.folder != "." && !strings.Contains(string(text), path.Base(l.folder)) {
			t.Errorf("docs/architecture.md does not mention %s", l.folder)
		}
	}
}
