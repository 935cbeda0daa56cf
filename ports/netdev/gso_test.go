package netdev

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"govs/packet"
)

func arena(t testing.TB) *packet.Arena {
	a, err := packet.NewArena(1000, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

func cut(t testing.TB, a *packet.Arena, s *Segmenter) [][]byte {
	var out [][]byte
	for s.More() {
		want := s.NextLen()
		var b packet.Batch
		a.Alloc(&b, 1)
		if b.N == 0 {
			t.Fatal("no memory")
		}
		if s.Next(a, b.Bufs[0]) {
			f := b.Bufs[0].Contents()
			if len(f) != want {
				t.Fatalf("%d bytes, NextLen said %d", len(f), want)
			}
			out = append(out, f)
		}
		a.Free(&b)
	}
	return out
}

// TestSegment cuts packets as a kernel hands them over and has gopacket check every field of the frames.
func TestSegment(t *testing.T) {
	a := arena(t)
	payload := make([]byte, 10000)
	for i := range payload {
		payload[i] = byte(i * 7)
	}
	for _, six := range []bool{false, true} {
		for _, udp := range []bool{false, true} {
			eth := &layers.Ethernet{SrcMAC: make([]byte, 6), DstMAC: make([]byte, 6), EthernetType: layers.EthernetTypeDot1Q}
			tag := &layers.Dot1Q{VLANIdentifier: 9, Type: layers.EthernetTypeIPv4}
			v4 := &layers.IPv4{Version: 4, TTL: 64, Id: 0xfffe, Protocol: layers.IPProtocolTCP, SrcIP: []byte{10, 0, 0, 1}, DstIP: []byte{10, 0, 0, 2}}
			v6 := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolTCP, SrcIP: make([]byte, 16), DstIP: make([]byte, 16)}
			tcp := &layers.TCP{SrcPort: 1, DstPort: 2, Seq: 0xfffff000, ACK: true, PSH: true, FIN: true, CWR: true, Window: 9,
				Options: []layers.TCPOption{{OptionType: layers.TCPOptionKindTimestamps, OptionLength: 10, OptionData: make([]byte, 8)}}}
			dgram := &layers.UDP{SrcPort: 1, DstPort: 2}
			var ip gopacket.SerializableLayer = v4
			h := VnetHdr{Flags: needsCsum, GSOType: gsoTCPv4 | gsoECN, GSOSize: 1448, CsumStart: 18 + 20, CsumOffset: packet.TCPCsum}
			_ = tcp.SetNetworkLayerForChecksum(v4)
			_ = dgram.SetNetworkLayerForChecksum(v4)
			if six {
				ip, tag.Type, h.GSOType, h.CsumStart = v6, layers.EthernetTypeIPv6, gsoTCPv6, 18+40
				_ = tcp.SetNetworkLayerForChecksum(v6)
				_ = dgram.SetNetworkLayerForChecksum(v6)
			}
			var l4 gopacket.SerializableLayer = tcp
			if udp {
				l4, h.GSOType, h.CsumOffset = dgram, gsoUDP, packet.UDPCsum
				v4.Protocol, v6.NextHeader = layers.IPProtocolUDP, layers.IPProtocolUDP
			}
			buf := gopacket.NewSerializeBuffer()
			if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, eth, tag, ip, l4, gopacket.Payload(payload)); err != nil {
				t.Fatal(err)
			}
			frame := append([]byte{}, buf.Bytes()...)
			var s Segmenter
			if !s.Set(frame, h) {
				t.Fatal("refused")
			}
			frames := cut(t, a, &s)
			if len(frames) != 7 {
				t.Fatalf("%d frames", len(frames))
			}
			var joined []byte
			for i, f := range frames {
				pk := gopacket.NewPacket(f, layers.LayerTypeEthernet, gopacket.Default)
				if e := pk.ErrorLayer(); e != nil || pk.Metadata().Truncated {
					t.Fatalf("frame %d: %v", i, e)
				}
				body := pk.ApplicationLayer().Payload()
				if l, ok := pk.Layer(layers.LayerTypeIPv4).(*layers.IPv4); ok {
					if l.Id != v4.Id+uint16(i) || int(l.Length) != len(f)-18 || packet.Checksum(f[18:38]) != 0 {
						t.Fatalf("frame %d: %+v", i, l)
					}
				}
				if l, ok := pk.Layer(layers.LayerTypeTCP).(*layers.TCP); ok {
					last := i == len(frames)-1
					if l.Seq != tcp.Seq+uint32(len(joined)) || l.FIN != last || l.PSH != last || l.CWR != (i == 0) || !l.ACK {
						t.Fatalf("frame %d: %+v", i, l)
					}
				}
				if l, ok := pk.Layer(layers.LayerTypeUDP).(*layers.UDP); ok && int(l.Length) != len(body)+8 {
					t.Fatalf("frame %d: %+v", i, l)
				}
				// Serialising the parsed layers again must give the same checksum.
				again := gopacket.NewSerializeBuffer()
				var all []gopacket.SerializableLayer
				for _, l := range pk.Layers() {
					sl := l.(gopacket.SerializableLayer)
					switch x := l.(type) {
					case *layers.TCP:
						_ = x.SetNetworkLayerForChecksum(pk.NetworkLayer())
					case *layers.UDP:
						_ = x.SetNetworkLayerForChecksum(pk.NetworkLayer())
					}
					all = append(all, sl)
				}
				if err := gopacket.SerializeLayers(again, gopacket.SerializeOptions{ComputeChecksums: true}, all...); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(again.Bytes(), f) {
					t.Fatalf("frame %d, IPv6 %v, UDP %v: checksums", i, six, udp)
				}
				joined = append(joined, body...)
			}
			if !bytes.Equal(joined, payload) {
				t.Fatal("the payload differs")
			}
		}
	}
}

func FuzzSegmenter(f *testing.F) {
	add := func(h VnetHdr, frame []byte) {
		b := make([]byte, VnetHdrLen)
		b[0], b[1] = h.Flags, h.GSOType
		for i, v := range []uint16{h.HdrLen, h.GSOSize, h.CsumStart, h.CsumOffset} {
			binary.NativeEndian.PutUint16(b[2+2*i:], v)
		}
		f.Add(append(b, frame...))
	}
	tcp := append([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0x45, 0, 0, 100, 0, 0, 0, 0, 64, 6, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2,
		0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0, 0, 0, 0, 0, 0, 0}, make([]byte, 60)...)
	add(VnetHdr{}, tcp)
	add(VnetHdr{Flags: 1, CsumStart: 34, CsumOffset: 16}, tcp)
	add(VnetHdr{Flags: 1, GSOType: 1, GSOSize: 20, CsumStart: 34, CsumOffset: 16}, tcp)
	add(VnetHdr{Flags: 1, GSOType: 5, GSOSize: 20, CsumStart: 34, CsumOffset: 6}, tcp)
	a, err := packet.NewArena(0, 0)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < VnetHdrLen+packet.EthHdrLen {
			return
		}
		h := ParseVnetHdr(b)
		var s Segmenter
		if !s.Set(b[VnetHdrLen:], h) {
			return
		}
		cut(t, a, &s)
		if a.InUse() != 0 {
			t.Fatal("leak")
		}
	})
}
