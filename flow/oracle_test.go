package flow_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"govs/flow"
)

// original returns the path of one of the original's tools, or skips the test.
func original(t *testing.T, tool string) string {
	t.Helper()
	p, err := exec.LookPath(tool)
	if err != nil {
		t.Skipf("%s is not installed", tool)
	}
	out, err := exec.Command(p, "--version").Output()
	if err != nil || !bytes.Contains(out, []byte("(Open vSwitch) 3.1")) {
		t.Skipf("%s is not Open vSwitch 3.1", p)
	}
	return p
}

// writePcap writes a capture file (the libpcap format, link type Ethernet).
func writePcap(t *testing.T, packets [][]byte) string {
	t.Helper()
	var b bytes.Buffer
	le := binary.LittleEndian
	b.Write(le.AppendUint32(nil, 0xa1b2c3d4))
	b.Write(le.AppendUint16(le.AppendUint16(nil, 2), 4))
	for _, v := range []uint32{0, 0, 65535, 1} {
		b.Write(le.AppendUint32(nil, v))
	}
	for _, p := range packets {
		for _, v := range []uint32{0, 0, uint32(len(p)), uint32(len(p))} {
			b.Write(le.AppendUint32(nil, v))
		}
		b.Write(p)
	}
	name := filepath.Join(t.TempDir(), "p.pcap")
	if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestExtractLikeOriginal compares Extract and the text of keys with the original's on whole, truncated and damaged packets.
func TestExtractLikeOriginal(t *testing.T) {
	ofctl := original(t, "ovs-ofctl")
	packets := samplePackets()
	r := rand.New(rand.NewSource(1))
	for _, p := range samplePackets() {
		for i := 14; i < len(p); i++ {
			packets = append(packets, p[:i])
		}
		for i := 0; i < 60; i++ {
			q := bytes.Clone(p)
			for j := 0; j <= r.Intn(3); j++ {
				q[12+r.Intn(min(len(q)-12, 80))] = byte(r.Intn(256))
			}
			packets = append(packets, q)
		}
	}
	out, err := exec.Command(ofctl, "parse-pcap", writePcap(t, packets)).Output()
	if err != nil {
		t.Fatal(err)
	}
	sc := bufio.NewScanner(bytes.NewReader(out))
	bad := 0
	for i, p := range packets {
		if !sc.Scan() {
			t.Fatalf("the original printed %d of %d flows", i, len(packets))
		}
		want := strings.TrimSuffix(sc.Text(), ",in_port=ANY")
		want = strings.Replace(want, "in_port=ANY,", "", 1)
		var k flow.Key
		n, _ := flow.ExtractBytes(p, 0, flow.MaxVLANs, &k)
		k.ClearFrom(n)
		got := strings.Replace(k.String(), "in_port=0,", "", 1)
		if got != want {
			t.Errorf("packet %x\n got %s\nwant %s", p, got, want)
			if bad++; bad > 20 {
				t.FailNow()
			}
		}
	}
	t.Logf("%d packets", len(packets))
}
