package text

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"govs/openflow"
)

// TestLikeOriginal prints the recorded messages and compares the text with what ovs-ofctl 3.1 prints for the same bytes.
func TestLikeOriginal(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no recorded texts", err)
	}
	n, bad := 0, 0
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split("\n"+string(b), "\n> ")[1:] {
			head, want, _ := strings.Cut(block, "\n")
			raw, err := hex.DecodeString(head)
			if err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			want = strings.TrimRight(want, "\n") + "\n"
			got := strings.TrimRight(Wire(raw, Options{Options: openflow.Options{TableID: tableID(raw)}}), "\n") + "\n"
			n++
			if got != want {
				if bad++; bad <= 40 {
					t.Errorf("%s: %s\n got %s\nwant %s", f, head[:min(len(head), 100)], got, want)
				}
			}
		}
	}
	t.Logf("%d of %d texts differ", bad, n)
}

// tableID says whether a 1.0 flow_mod has a table in its command, so that it followed NXT_FLOW_MOD_TABLE_ID.
func tableID(b []byte) bool {
	return b[0] == 1 && b[1] == 14 && len(b) > 57 && b[56] != 0 || b[0] == 1 && b[1] == 4 && len(b) > 25 && b[15] == 13 && b[24] != 0
}
