package system

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"govs/packet"
)

// control is a control message as the kernel writes it.
func control(level, kind int, status uint32, tci, tpid uint16) []byte {
	b := binary.NativeEndian.AppendUint64(nil, uint64(unix.CmsgLen(auxLen)))
	b = binary.NativeEndian.AppendUint32(b, uint32(level))
	b = binary.NativeEndian.AppendUint32(b, uint32(kind))
	b = binary.NativeEndian.AppendUint32(b, status)
	b = append(b, make([]byte, 12)...)
	b = binary.NativeEndian.AppendUint16(b, tci)
	return binary.NativeEndian.AppendUint16(b, tpid)
}

func TestVlanTag(t *testing.T) {
	for i, c := range []struct {
		b         []byte
		tci, tpid uint16
		ok        bool
	}{
		{control(unix.SOL_PACKET, unix.PACKET_AUXDATA, 0x51, 5, 0x88a8), 5, 0x88a8, true},
		{control(unix.SOL_PACKET, unix.PACKET_AUXDATA, 0x11, 5, 0), 5, packet.EtherTypeVLAN, true},
		{control(unix.SOL_PACKET, unix.PACKET_AUXDATA, 0x51, 0, 0x8100), 0, packet.EtherTypeVLAN, true}, // priority tag of 0
		{control(unix.SOL_PACKET, unix.PACKET_AUXDATA, 0x01, 0, 0), 0, 0, false},
		{control(unix.SOL_SOCKET, unix.PACKET_AUXDATA, 0x51, 5, 0x8100), 0, 0, false},
		{control(unix.SOL_PACKET, unix.PACKET_AUXDATA, 0x51, 5, 0x8100)[:30], 0, 0, false},
		{nil, 0, 0, false},
	} {
		if tci, tpid, ok := vlanTag(c.b); tci != c.tci || tpid != c.tpid || ok != c.ok {
			t.Errorf("%d: %d %#x %v", i, tci, tpid, ok)
		}
	}
}

func FuzzVlanTag(f *testing.F) {
	f.Add(control(unix.SOL_PACKET, unix.PACKET_AUXDATA, 0x51, 5, 0x8100))
	f.Fuzz(func(t *testing.T, b []byte) {
		if tci, tpid, ok := vlanTag(b); !ok && (tci != 0 || tpid != 0) {
			t.Fatal("a tag that is none")
		}
	})
}
