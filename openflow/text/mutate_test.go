package text

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"govs/openflow"
)

// recorded returns the messages of ../testdata.
func recorded(t *testing.T) [][]byte {
	t.Helper()
	files, err := filepath.Glob("../testdata/*.hex")
	if err != nil || len(files) == 0 {
		t.Fatal("no recorded messages")
	}
	var all [][]byte
	for _, f := range files {
		for _, l := range lines(t, f) {
			b, err := hex.DecodeString(l)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, b)
		}
	}
	return all
}

// originalTexts prints messages with ovs-ofctl ofp-parse. Echo requests between them tell the texts apart.
func originalTexts(t *testing.T, ofctl string, msgs [][]byte) []string {
	t.Helper()
	var stream []byte
	for i, m := range msgs {
		mark := []byte{1, 2, 0, 8, 0xee, 0, 0, 0}
		binary.BigEndian.PutUint16(mark[6:], uint16(i))
		stream = append(append(stream, m...), mark...)
	}
	f := filepath.Join(t.TempDir(), "messages")
	if err := os.WriteFile(f, stream, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(ofctl, "ofp-parse", f).Output()
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	var cur strings.Builder
	for _, l := range strings.SplitAfter(string(out), "\n") {
		if strings.HasPrefix(l, "OFPT_ECHO_REQUEST (xid=0xee00") {
			texts = append(texts, cur.String())
			cur.Reset()
			continue
		}
		cur.WriteString(l)
	}
	if len(texts) != len(msgs) {
		t.Fatalf("%d texts for %d messages", len(texts), len(msgs))
	}
	return texts
}

// TestMutatedLikeOriginal changes recorded messages here and there and compares what ovs-ofctl and we make of them: the same text,
// or the same error.
func TestMutatedLikeOriginal(t *testing.T) {
	ofctl, err := exec.LookPath("ovs-ofctl")
	if err != nil {
		t.Skip("ovs-ofctl is not installed")
	}
	all := recorded(t)
	rnd := rand.New(rand.NewSource(1))
	var msgs [][]byte
	for len(msgs) < 20000 {
		b := append([]byte(nil), all[rnd.Intn(len(all))]...)
		if len(b) > 400 {
			continue
		}
		for range 1 + rnd.Intn(2) {
			if i := 8 + rnd.Intn(max(len(b)-8, 1)); i < len(b) {
				switch rnd.Intn(3) {
				case 0:
					b[i] = byte(rnd.Intn(256))
				case 1:
					b[i] ^= 1 << rnd.Intn(8)
				default:
					b[i] = []byte{0, 1, 0xff, 8, 16, 4}[rnd.Intn(6)]
				}
			}
		}
		if rnd.Intn(10) == 0 {
			b = b[:8+rnd.Intn(len(b)-7)]
			binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
		}
		msgs = append(msgs, b)
	}
	bad := 0
	for len(msgs) > 0 {
		n := min(len(msgs), 5000)
		for i, want := range originalTexts(t, ofctl, msgs[:n]) {
			got := Wire(msgs[i], Options{Options: openflow.Options{TableID: tableID(msgs[i])}})
			if got = strings.TrimRight(got, "\n "); got != strings.TrimRight(want, "\n ") && !elsewhere(msgs[i], got, want) {
				if bad++; testing.Verbose() {
					t.Logf("%x\n got %s\nwant %s", msgs[i], got, want)
				}
			}
		}
		msgs = msgs[n:]
	}
	// Known differences are corners of corners (which of two errors comes first, padding). Their number must not grow.
	const known = 230
	if t.Logf("%d differ", bad); bad > known {
		t.Errorf("%d of 20000 messages print otherwise than the original does, more than %d; -v shows them", bad, known)
	}
}

// elsewhere says whether a difference is not the decoder's: messages that only switches send and hellos, where we are stricter or laxer; debug
// actions, which are allowed; consistency, which openflow.Check looks at when the switch has the message.
func elsewhere(b []byte, got, want string) bool {
	for _, s := range []string{" reply", "_REPLY", "OFPT_ERROR", "OFPT_HELLO", "PACKET_IN", "PORT_STATUS", "FLOW_REMOVED", "FLOW_MONITOR"} {
		if strings.Contains(want, s) || strings.Contains(got, s) {
			return true
		}
	}
	if strings.Contains(got, "debug_") {
		return true
	}
	m, err := openflow.Decode(b, openflow.Options{TableID: tableID(b)})
	if err != nil {
		return false
	}
	f, ok := m.Body.(*openflow.FlowMod)
	if !ok {
		return false
	}
	err = openflow.Check(f.Actions, &f.Match, openflow.CheckOptions{Table: f.Table, Version: m.Version})
	return err != nil && strings.Contains(want, "***decode error: "+codeName(err)+"***")
}
