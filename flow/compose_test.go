package flow_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"govs/flow"
)

// TestComposeLikeOriginal makes packets from flows and compares them byte for byte with the original's, except that the original
// puts a wrong length (and so a wrong checksum) into a UDP header when it is asked for a packet length.
func TestComposeLikeOriginal(t *testing.T) {
	for _, l := range goldenLines(t, "compose.txt") {
		f := strings.Split(l, "\t")
		k, err := flow.ParseODP(f[0], nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, size := range []int{0, 200} {
			p, err := flow.Compose(&k.Key, size)
			if err != nil {
				t.Fatal(err)
			}
			want := f[1+i]
			got := hex.EncodeToString(p)
			if size != 0 && k.Key.NwProto() == 17 && strings.Contains(f[0], "udp") {
				at := 2 * 38
				if k.Key.EthType() == 0x86dd {
					at = 2 * 58
				}
				got, want = got[:at]+got[at+8:], want[:at]+want[at+8:]
			}
			if got != want {
				t.Errorf("%s size %d\n got %s\nwant %s", f[0], size, got, want)
			}
			var x flow.Key
			n, _ := flow.ExtractBytes(p, k.Key.InPort(), 1, &x)
			x.ClearFrom(n)
			if a, b := string(flow.AppendODP(nil, &x, nil, flow.ODPFormat{})), string(flow.AppendODP(nil, &k.Key, nil, flow.ODPFormat{})); a != b && !lossy(f[0]) {
				t.Errorf("%s: extracted as\n %s", b, a)
			}
		}
	}
	var k flow.Key
	k.SetEthType(0x800)
	if _, err := flow.Compose(&k, 33); err != flow.ErrShort {
		t.Errorf("got %v, want %v", err, flow.ErrShort)
	}
}

// lossy reports whether the flow has what a composed packet does not carry.
func lossy(s string) bool {
	return strings.Contains(s, "frag=first") && strings.Contains(s, "ipv6") || strings.Contains(s, "frag=later") && strings.Contains(s, "ipv6") ||
		strings.Contains(s, "0x8035") || !strings.Contains(s, "eth_type") || strings.Contains(s, "type=135")
}
