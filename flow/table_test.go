package flow

import (
	"bytes"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestGenerated checks that fields_gen.go is what the generator makes of the field table.
func TestGenerated(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command")
	}
	out := filepath.Join(t.TempDir(), "fields_gen.go")
	if b, err := exec.Command(goTool, "run", "./gen", "-o", out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	want, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("fields_gen.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("fields_gen.go is stale: run go generate in flow")
	}
}

// fieldBits returns the bits of a key that the field occupies.
func fieldBits(f *Field) (m Mask) {
	f.set((*[Words]uint64)(&m), ones(f.Width))
	return m
}

// TestTableLayout checks that the fields that own bits do not overlap, that every overlay lies on owned bits, and that Set and
// Get touch the field's bits and no others.
func TestTableLayout(t *testing.T) {
	var owned Mask
	for i := range fields {
		f := &fields[i]
		if f.ID != FieldID(i) || int(f.Word) >= Words || f.Width == 0 || f.Width < 65 && int(f.Shift)+int(f.Width) > 64 || f.Width > 64 && f.Width != 128 {
			t.Fatalf("%d %s: bad entry %+v", i, f.Name, f)
		}
		b := fieldBits(f)
		n := 0
		for _, w := range b {
			n += U(w).OnesCount()
		}
		if n != int(f.Width) {
			t.Errorf("%s: %d bits, want %d", f.Name, n, f.Width)
		}
		if f.Overlay {
			continue
		}
		for w := range b {
			if b[w]&owned[w] != 0 {
				t.Errorf("%s overlaps another field in word %d: %#x", f.Name, w, b[w]&owned[w])
			}
		}
		owned.Or(&b)
	}
	r := rand.New(rand.NewSource(1))
	for i := range fields {
		f := &fields[i]
		b := fieldBits(f)
		if f.Overlay && !owned.Covers(&b) && f.Prereq != PrereqNSH {
			t.Errorf("%s overlays bits that nobody owns", f.Name)
		}
		if !ones(f.Width).AndNot(f.AllOnes()).AndNot(ones(f.Width)).IsZero() {
			t.Errorf("%s: valid bits beyond its width", f.Name)
		}
		var k Key
		for w := range k {
			k[w] = r.Uint64()
		}
		was := k
		v := Value{r.Uint64(), r.Uint64()}
		k.Set(f.ID, v)
		if got := k.Get(f.ID); got != v.And(ones(f.Width)) {
			t.Errorf("%s: got %x, set %x", f.Name, got, v)
		}
		for w := range k {
			if (k[w]^was[w])&^b[w] != 0 {
				t.Errorf("%s: Set changed word %d outside the field", f.Name, w)
			}
		}
	}
}

// TestTableNames checks that every name and OXM number leads back to its field, and no two fields share one.
func TestTableNames(t *testing.T) {
	type oxm struct {
		class uint16
		field uint8
		exp   uint32
	}
	names, numbers, symbols := map[string]FieldID{}, map[oxm]FieldID{}, map[string]FieldID{}
	for i := range fields {
		f := &fields[i]
		for _, n := range append([]string{f.Name}, f.Aliases...) {
			if n == "" {
				continue
			}
			if o, ok := names[n]; ok {
				t.Errorf("%s is a name of fields %d and %d", n, o, i)
			}
			names[n] = f.ID
			if id, ok := FieldByName(n); !ok || id != f.ID {
				t.Errorf("FieldByName(%s) = %d, %v; want %d", n, id, ok, i)
			}
		}
		for _, o := range f.OXM {
			k := oxm{o.Class, o.Field, o.Experimenter}
			if other, ok := numbers[k]; ok {
				t.Errorf("%+v is both %s and %s", k, fields[other].Name, f.Name)
			}
			numbers[k] = f.ID
			if other, ok := symbols[o.Name]; ok && other != f.ID {
				t.Errorf("%s is both %s and %s", o.Name, fields[other].Name, f.Name)
			}
			symbols[o.Name] = f.ID
			if id, ok := FieldByOXM(o.Class, o.Field, o.Experimenter); !ok || id != f.ID {
				t.Errorf("FieldByOXM(%+v) = %d, %v; want %d", k, id, ok, i)
			}
			if (o.Class == 0xffff) != (o.Experimenter != 0) || o.Field > 127 {
				t.Errorf("%s: bad OXM %+v", f.Name, o)
			}
		}
	}
	if _, ok := FieldByName("no_such_field"); ok {
		t.Error("found a field that does not exist")
	}
}

// TestTableLikeManual compares the table with ovs-fields(7), where that is installed: names, width, maskability, access and
// numbers of every field that it describes.
func TestTableLikeManual(t *testing.T) {
	cmd := exec.Command("man", "-P", "cat", "ovs-fields")
	cmd.Env = append(os.Environ(), "MANWIDTH=250")
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("ovs-fields(7) is not installed: %v", err)
	}
	var cur *Field
	n := 0
	for _, l := range strings.Split(string(out), "\n") {
		key, val, ok := strings.Cut(strings.TrimSpace(l), ":")
		if !ok {
			continue
		}
		val = strings.TrimSpace(val)
		if key == "Name" {
			cur = nil
			name := strings.Fields(val)[0]
			id, ok := FieldByName(name)
			switch {
			case ok:
				cur = &fields[id]
				n++
			case name != "tun_metadata0":
				t.Errorf("%s is not in the table", name)
			}
			if _, aka, ok := strings.Cut(val, "aka "); ok && cur != nil {
				if id, ok := FieldByName(strings.TrimSuffix(aka, ")")); !ok || id != cur.ID {
					t.Errorf("%s: no alias %s", name, aka)
				}
			}
		}
		if cur == nil {
			continue
		}
		switch key {
		case "Width":
			bits := 0
			for _, c := range strings.Fields(val)[0] {
				bits = bits*10 + int(c-'0')
			}
			if bits != int(cur.Bits) {
				t.Errorf("%s: %d bits, the manual says %s", cur.Name, cur.Bits, val)
			}
		case "Masking":
			if cur.Maskable != strings.HasPrefix(val, "arbitrary") {
				t.Errorf("%s: maskable %v, the manual says %s", cur.Name, cur.Maskable, val)
			}
		case "Access":
			if cur.Writable != strings.Contains(val, "read/write") {
				t.Errorf("%s: writable %v, the manual says %s", cur.Name, cur.Writable, val)
			}
		case "OXM", "NXM":
			if val == "none" {
				continue
			}
			for _, part := range strings.Split(val, ";") {
				w := strings.Fields(part)
				found := false
				for _, o := range cur.OXM {
					found = found || o.Name == w[0] && w[1] == "("+itoa(o.Field)+")"
				}
				if !found {
					t.Errorf("%s: no %s", cur.Name, part)
				}
			}
		}
	}
	if n < 80 {
		t.Errorf("found only %d fields in the manual", n)
	}
}

func itoa(v uint8) string {
	if v >= 10 {
		return itoa(v/10) + string(rune('0'+v%10))
	}
	return string(rune('0' + v))
}

// TestEveryFieldInText checks that each field that can be named in a match is printed by AppendText and read back by ParseMatch.
func TestEveryFieldInText(t *testing.T) {
	ways := map[Prereq]string{PrereqNone: "", PrereqEth: "", PrereqVLAN: "", PrereqIPv4: "ip,", PrereqIPv6: "ipv6,", PrereqIP: "ip,", PrereqMPLS: "mpls,",
		PrereqARP: "arp,", PrereqNSH: "dl_type=0x894f,", PrereqTCP: "tcp,", PrereqUDP: "udp,", PrereqSCTP: "sctp,", PrereqICMPv4: "icmp,", PrereqICMPv6: "icmp6,",
		PrereqND: "icmp6,", PrereqNDSolicit: "icmp6,", PrereqNDAdvert: "icmp6,", PrereqCT: "ip,", PrereqCT4: "ip,", PrereqCT6: "ipv6,"}
	for i := range fields {
		f := &fields[i]
		if f.Name == "" {
			continue
		}
		m, err := ParseMatch(ways[f.Prereq], nil)
		if err != nil {
			t.Fatal(err)
		}
		v := U(1)
		if f.ID == FieldNwTOS {
			v = U(4)
		}
		before := m.String()
		m.SetExact(f.ID, v)
		text := m.String()
		if text == before || text == "" {
			t.Errorf("%s is not printed", f.Name)
			continue
		}
		if f.Name == "tun_tos" {
			continue // printed, in hexadecimal without a prefix, but not to be parsed back
		}
		back, err := ParseMatch(text, nil)
		if err != nil || !back.Equal(&m) {
			t.Errorf("%s: %q reads back as %q, %v", f.Name, text, back.String(), err)
		}
	}
}
