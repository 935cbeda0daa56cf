package server

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestAutomaticCompaction lets the file grow past ten megabytes in a bit more than a hundred commits: the server
// compacts it by itself, and goes on committing meanwhile.
func TestAutomaticCompaction(t *testing.T) {
	dir := shortTempDir(t)
	createFromSchema(t, dir+"/t.db", "testdata/t.ovsschema")
	srv, sock := startOurs(t, dir, dir+"/t.db")
	c := dialRaw(t, sock)
	c.call(`["T",{"op":"insert","table":"A","row":{"name":"x"}}]`)
	size := func() int64 {
		fi, err := os.Stat(dir + "/t.db")
		if err != nil {
			t.Fatal(err)
		}
		return fi.Size()
	}
	var biggest int64
	for i := 0; i < 130; i++ {
		out := c.call(fmt.Sprintf(`["T",{"op":"update","table":"A","where":[],"row":{"m":["map",[["%s%d",%d]]]}}]`, strings.Repeat("v", 60000), i, i))
		if !strings.Contains(out[0], `"count":1`) {
			t.Fatal(out)
		}
		biggest = max(biggest, size())
	}
	if biggest < compactMinSize {
		t.Fatalf("the file grew to %d bytes only", biggest)
	}
	waitFor(t, "the compaction", func() bool { return size() < compactMinSize/2 })
	want := contents(srv.DB("T"))
	srv.Close()
	again, _ := startOurs(t, shortTempDir(t), dir+"/t.db")
	if contents(again.DB("T")) != want {
		t.Error("contents changed")
	}
}
