package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// answers checks what the subject did with the packets, after the measurements: nothing was dropped in them, and what leaves is,
// byte for byte, what the rules ask for. before are the drop counters from before the measurements. Failures go to o.
func (s *subject) answers(before map[string]uint64, o *outcome) error {
	after, err := s.drops()
	if err != nil {
		return err
	}
	drops := map[string]uint64{}
	for name, n := range after {
		if n > before[name] {
			drops[name] = n - before[name]
		}
	}
	var in, out, dropped uint64
	for _, r := range o.Runs[s.side] {
		in, out, dropped = in+r.In, out+r.Out, dropped+r.Dropped
	}
	if dropped > 0 {
		drops["ports"] = dropped
	}
	if len(drops) > 0 {
		if o.Drops == nil {
			o.Drops = map[string]map[string]uint64{}
		}
		o.Drops[s.side] = drops
	}
	if s.row.kind == replay {
		for _, name := range slices.Sorted(maps.Keys(drops)) {
			o.fail(s.side, fmt.Errorf("%d packets dropped: %s", drops[name], name))
		}
		// The counters of the ports are not read at the same instant.
		if float64(out) < float64(in)*0.995 {
			o.fail(s.side, fmt.Errorf("%d of %d packets did not leave", in-out, in))
		}
	}
	if s.row.kind == guests {
		return s.sampleGuests(o)
	}
	return s.sampleReplay(o)
}

// want is a frame of the finite capture: which flow it is of and what has to leave for it.
type want struct {
	flow int
	out  []byte
}

// sampleFrames are the frames of the check, whose last four bytes number them: 512 flows twice, so that both the packets that miss
// and those that hit are looked at.
func (r *row) sampleFrames() (frames [][]byte, wants []want) {
	n, count := min(max(r.flows, 1), 512), 1024
	if r.kind == via {
		count = 200 // what a guest's ring holds, however late the guest is
	}
	for seq := range count {
		i := visit(seq%n, n)
		b := r.make(i, uint32(seq))
		frames = append(frames, b)
		w := want{i, slices.Clone(b)}
		if r.edit != nil {
			w.out = r.edit(w.out)
		}
		wants = append(wants, w)
	}
	return frames, wants
}

// sampleReplay sends a finite capture through the same rules into capture files, and compares.
func (s *subject) sampleReplay(o *outcome) error {
	outs := s.outPorts()
	args := []string{"del-port", "src"}
	for _, p := range outs {
		args = append(args, "--", "del-port", p)
	}
	if _, err := s.sw.Vsctl(args...); err != nil {
		return err
	}
	frames, wants := s.row.sampleFrames()
	src, empty := filepath.Join(s.sw.Dir, "sample.pcap"), filepath.Join(s.sw.Dir, "empty.pcap")
	if err := writePcap(src, frames); err != nil {
		return err
	}
	if err := writePcap(empty, nil); err != nil {
		return err
	}
	file := func(i int) string { return filepath.Join(s.sw.Dir, fmt.Sprintf("out%d.pcap", i)) }
	for i := range outs {
		// The names differ from those of the measurement, whose devices are being removed.
		if err := s.port(outNumber(i), fmt.Sprintf("cap%d", i), "dpdk", fmt.Sprintf("dpdk-devargs=net_pcap%d,rx_pcap=%s,tx_pcap=%s", i+1, empty, file(i))); err != nil {
			return err
		}
	}
	if s.row.ready != nil {
		if err := s.row.ready(s, "cap0"); err != nil {
			return err
		}
	}
	before, err := s.drops()
	if err != nil {
		return err
	}
	// A datapath that polls a port which OpenFlow does not know yet loses its packets. So it receives only when all is there.
	if err := os.WriteFile(s.gateFile, nil, 0o644); err != nil {
		return err
	}
	if err := s.port(1, "sample", "dpdk", "dpdk-devargs=net_pcap0,rx_pcap="+src); err != nil {
		return err
	}
	if err := os.Remove(s.gateFile); err != nil {
		return err
	}
	var ports map[string]counts
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if ports, _, err = s.ports(); err != nil {
			return err
		}
		all := true
		for i := range outs {
			all = all && ports[fmt.Sprintf("cap%d", i)].tx >= uint64(len(frames))
		}
		if all {
			break
		}
	}
	if n := ports["sample"].rx; n != uint64(len(frames)) {
		o.fail(s.side, fmt.Errorf("sample: received %d of %d packets", n, len(frames)))
	}
	after, err := s.drops()
	if err != nil {
		return err
	}
	for name, n := range after {
		if n > before[name] {
			o.fail(s.side, fmt.Errorf("sample: %d packets dropped: %s", n-before[name], name))
		}
	}
	args = []string{"del-port", "sample"} // closes the files, too
	for i := range outs {
		args = append(args, "--", "del-port", fmt.Sprintf("cap%d", i))
	}
	if _, err := s.sw.Vsctl(args...); err != nil {
		return err
	}
	for i := range outs {
		got, err := readPcap(file(i), 0)
		if err == nil {
			err = s.row.compare(got, wants)
		}
		if err != nil {
			o.fail(s.side, fmt.Errorf("sample: %s: %w", outs[i], err))
			continue
		}
		o.Checked = addCount(o.Checked, s.side, len(got))
	}
	return nil
}

func addCount(m map[string]int, k string, n int) map[string]int {
	if m == nil {
		m = map[string]int{}
	}
	m[k] += n
	return m
}

// compare compares what left with what has to: every frame once, and those of a flow in order.
func (r *row) compare(got [][]byte, wants []want) error {
	seen := make([]bool, len(wants))
	last := map[int]int{}
	for k, b := range got {
		if len(b) < 14 {
			return fmt.Errorf("frame %d has %d bytes", k, len(b))
		}
		seq := int(be.Uint32(b[len(b)-4:]))
		if seq >= len(wants) {
			return fmt.Errorf("frame %d is none that was sent: %x", k, b)
		}
		w := wants[seq]
		if r.spread > 0 {
			// traffic.c has made it the packet of some flow.
			w.flow = int(be.Uint32(b[26:]) & 0xffffff)
			w.out = r.make(w.flow, uint32(seq))
			be.PutUint16(w.out[40:], 0) // without a UDP checksum
			if w.flow >= r.spread {
				return fmt.Errorf("frame %d is of flow %d of %d", k, w.flow, r.spread)
			}
		}
		if !bytes.Equal(b, w.out) {
			return fmt.Errorf("frame %d (packet %d) is not what the rules make of it:\n  have %x\n  want %x", k, seq, b, w.out)
		}
		if seen[seq] {
			return fmt.Errorf("packet %d left twice", seq)
		}
		seen[seq] = true
		if before, ok := last[w.flow]; ok && before > seq {
			return fmt.Errorf("packet %d of flow %d left after packet %d", seq, w.flow, before)
		}
		last[w.flow] = seq
	}
	if missing := slices.Index(seen, false); missing >= 0 {
		return fmt.Errorf("%d of %d packets left; the first missing one is packet %d", len(got), len(wants), missing)
	}
	return nil
}

// sampleGuests lets a copy of what the first guest sends leave by a capture file for a moment. What testpmd's flowgen sends is
// known: see flowgenFrame.
func (s *subject) sampleGuests(o *outcome) error {
	empty, file := filepath.Join(s.sw.Dir, "empty.pcap"), filepath.Join(s.sw.Dir, "out.pcap")
	if err := writePcap(empty, nil); err != nil {
		return err
	}
	if err := s.port(3, "cap", "dpdk", "dpdk-devargs=net_pcap1,rx_pcap="+empty+",tx_pcap="+file); err != nil {
		return err
	}
	if _, err := s.sw.Ofctl("mod-flows", s.bridge, "in_port=1,actions=output:2,output:3"); err != nil {
		return err
	}
	const enough = 20000
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		ports, _, err := s.ports()
		if err != nil {
			return err
		}
		if ports["cap"].tx > enough {
			break
		}
	}
	if _, err := s.sw.Ofctl("mod-flows", s.bridge, "in_port=1,actions=output:2"); err != nil {
		return err
	}
	if _, err := s.sw.Vsctl("del-port", "cap"); err != nil {
		return err
	}
	got, err := readPcap(file, enough)
	os.Remove(file)
	if err == nil && len(got) < enough {
		err = fmt.Errorf("only %d frames", len(got))
	}
	flows := map[uint32]bool{}
	for k, b := range got {
		if err == nil {
			err = flowgenFrame(b)
		}
		if err != nil {
			err = fmt.Errorf("sample: frame %d: %w", k, err)
			break
		}
		flows[be.Uint32(b[30:])] = true
	}
	// flowgen goes on to the next destination also when a full ring did not take its packets, so not all need come by.
	if err == nil && (len(flows) < 256 || len(flows) > 1024) {
		err = fmt.Errorf("sample: %d of flowgen's 1024 destinations", len(flows))
	}
	if err != nil {
		o.fail(s.side, err)
		return nil
	}
	o.Checked = addCount(o.Checked, s.side, len(got))
	return nil
}

// flowgenFrame says what is wrong with a frame that testpmd's flowgen is said to have sent: 64 bytes of UDP over IPv4 whose
// addresses and header checksum are right.
func flowgenFrame(b []byte) error {
	switch {
	case len(b) != 60 && len(b) != 64:
		return fmt.Errorf("%d bytes", len(b))
	case be.Uint16(b[12:]) != 0x0800 || b[14] != 0x45 || b[23] != 17:
		return fmt.Errorf("not UDP over IPv4: %x", b)
	case int(be.Uint16(b[16:])) > len(b)-14:
		return fmt.Errorf("IPv4 length %d in %d bytes", be.Uint16(b[16:]), len(b))
	case sum(0, b[14:34]) != 0xffff:
		return fmt.Errorf("wrong IPv4 checksum: %x", b[14:34])
	case mac(be.Uint64(b[4:])&0xffffffffffff) != "00:01:02:03:04:00": // what flowgen writes
		return fmt.Errorf("source address %x", b[6:12])
	}
	return nil
}
