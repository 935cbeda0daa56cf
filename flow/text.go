package flow

import (
	"encoding/binary"
	"net/netip"
	"strconv"
)

// PortNames translates port numbers to names and back for text forms. A nil *PortNames, or a nil function, means numbers only.
type PortNames struct {
	// Name returns the name of the port, or "" if it has none.
	Name func(port uint32) string
	// Number returns the port with that name.
	Number func(name string) (uint32, bool)
}

// UFID is a datapath flow's unique id.
type UFID [16]byte

// name returns the port's name or "".
func (p *PortNames) name(port uint32) string {
	if p == nil || p.Name == nil {
		return ""
	}
	return p.Name(port)
}

// number returns the port with that name.
func (p *PortNames) number(name string) (uint32, bool) {
	if p == nil || p.Number == nil {
		return 0, false
	}
	return p.Number(name)
}

// AppendEth appends an Ethernet address, the low 48 bits of v, as 00:11:22:33:44:55.
func AppendEth(b []byte, v uint64) []byte {
	const hex = "0123456789abcdef"
	for i := 40; i >= 0; i -= 8 {
		c := byte(v >> i)
		b = append(b, hex[c>>4], hex[c&15])
		if i > 0 {
			b = append(b, ':')
		}
	}
	return b
}

// AppendIPv4 appends a dotted quad.
func AppendIPv4(b []byte, v uint32) []byte {
	for i := 24; i >= 0; i -= 8 {
		b = strconv.AppendUint(b, uint64(v>>i&0xff), 10)
		if i > 0 {
			b = append(b, '.')
		}
	}
	return b
}

// AppendIPv6 appends an IPv6 address in the C library's inet_ntop form.
func AppendIPv6(b []byte, v Value) []byte {
	var a [16]byte
	binary.BigEndian.PutUint64(a[:8], v.Hi)
	binary.BigEndian.PutUint64(a[8:], v.Lo)
	// inet_ntop writes the last 32 bits as a dotted quad for ::a.b.c.d with at least 17 significant bits and for ::ffff:a.b.c.d.
	if v.Hi == 0 && (v.Lo>>32 == 0 && v.Lo > 0xffff || v.Lo>>32 == 0xffff) {
		b = append(b, "::"...)
		if v.Lo>>32 != 0 {
			b = append(b, "ffff:"...)
		}
		return AppendIPv4(b, uint32(v.Lo))
	}
	return netip.AddrFrom16(a).AppendTo(b)
}

// prefixLen returns the number of leading ones of a width-bit mask, or -1 if it is not a prefix.
func prefixLen(m Value, width uint8) int {
	n := m.OnesCount()
	if n == 0 {
		return 0
	}
	if m != ones(uint8(n)).Shl(uint(int(width)-n)) {
		return -1
	}
	return n
}

// appendIPv4Masked appends an address and, if the mask is not all ones, its prefix length or dotted mask.
func appendIPv4Masked(b []byte, v, m uint32) []byte {
	b = AppendIPv4(b, v)
	if m == ^uint32(0) {
		return b
	}
	b = append(b, '/')
	if n := prefixLen(U(uint64(m)), 32); n >= 0 {
		return strconv.AppendInt(b, int64(n), 10)
	}
	return AppendIPv4(b, m)
}

// appendIPv6Masked appends an address and, if the mask is not all ones, its prefix length or mask.
func appendIPv6Masked(b []byte, v, m Value) []byte {
	b = AppendIPv6(b, v)
	if m == ones(128) {
		return b
	}
	b = append(b, '/')
	if n := prefixLen(m, 128); n >= 0 {
		return strconv.AppendInt(b, int64(n), 10)
	}
	return AppendIPv6(b, m)
}

// appendEthMasked appends an address and, if the mask is not all ones, the mask.
func appendEthMasked(b []byte, v, m uint64) []byte {
	b = AppendEth(b, v)
	if m != 1<<48-1 {
		b = AppendEth(append(b, '/'), m)
	}
	return b
}

// appendHex appends v as C's %#x does: 0 without a prefix.
func appendHex(b []byte, v uint64) []byte {
	if v != 0 {
		b = append(b, "0x"...)
	}
	return strconv.AppendUint(b, v, 16)
}

// appendHexValue is appendHex for 128 bits.
func appendHexValue(b []byte, v Value) []byte {
	if v.Hi == 0 {
		return appendHex(b, v.Lo)
	}
	b = appendHex(b, v.Hi)
	return appendHexPad(b, v.Lo, 16)
}

// appendHexPad appends v in hexadecimal with at least n digits and no prefix.
func appendHexPad(b []byte, v uint64, n int) []byte {
	for i := n - 1; i > 0 && v>>(4*i) == 0; i-- {
		b = append(b, '0')
	}
	return strconv.AppendUint(b, v, 16)
}

// appendHexMasked appends v and, if the mask is not all of width ones, the mask, in hexadecimal.
func appendHexMasked(b []byte, v, m Value, width uint8) []byte {
	b = appendHexValue(b, v)
	if m != ones(width) {
		b = appendHexValue(append(b, '/'), m)
	}
	return b
}

// appendDecMasked appends v in decimal if the mask is all of width ones, else v and the mask in hexadecimal.
func appendDecMasked(b []byte, v, m uint64, width uint8) []byte {
	if m == ones(width).Lo {
		return strconv.AppendUint(b, v, 10)
	}
	b = strconv.AppendUint(append(b, "0x"...), v, 16)
	return strconv.AppendUint(append(b, "/0x"...), m, 16)
}

// Names of the bits of a field, lowest first; "" is a bit without a name.
var (
	tcpFlagNames = []string{"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns"}
	ctStateNames = []string{"new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"}
	tunFlagNames = []string{"oam"}
)

// appendBitName appends the name of bit i.
func appendBitName(b []byte, names []string, i int) []byte {
	if i < len(names) {
		return append(b, names[i]...)
	}
	b = append(b, '[')
	b = strconv.AppendUint(b, 1<<i, 16)
	return append(b, ']')
}

// appendFlags appends the bits of v joined by sep, or 0.
func appendFlags(b []byte, names []string, v uint64, sep byte) []byte {
	if v == 0 {
		return append(b, '0')
	}
	first := true
	for i := 0; i < 64; i++ {
		if v>>i&1 != 0 {
			if !first {
				b = append(b, sep)
			}
			b = appendBitName(b, names, i)
			first = false
		}
	}
	return b
}

// appendFlagsMasked appends each bit of m with a plus or minus sign.
func appendFlagsMasked(b []byte, names []string, v, m uint64) []byte {
	for i := 0; i < 64; i++ {
		if m>>i&1 != 0 {
			if v>>i&1 != 0 {
				b = append(b, '+')
			} else {
				b = append(b, '-')
			}
			b = appendBitName(b, names, i)
		}
	}
	return b
}

// Reserved OpenFlow ports in their 32-bit form (OpenFlow 1.1 and later); in OpenFlow 1.0 they are the low 16 bits.
const (
	ofppMax        = 0xffffff00
	ofppInPort     = 0xfffffff8
	ofppTable      = 0xfffffff9
	ofppNormal     = 0xfffffffa
	ofppFlood      = 0xfffffffb
	ofppAll        = 0xfffffffc
	ofppController = 0xfffffffd
	ofppLocal      = 0xfffffffe
	ofppNone       = 0xffffffff
	ofppUnset      = 0xfffffff7
)

// ofPort10 maps a 16-bit port number to the 32-bit form that a Key holds.
func ofPort10(p uint32) uint32 {
	if p >= 0xff00 && p <= 0xffff {
		return p | 0xffff0000
	}
	return p
}

var reservedPorts = []struct {
	name string
	port uint32
}{
	{"IN_PORT", ofppInPort}, {"TABLE", ofppTable}, {"NORMAL", ofppNormal}, {"FLOOD", ofppFlood}, {"ALL", ofppAll},
	{"CONTROLLER", ofppController}, {"LOCAL", ofppLocal}, {"ANY", ofppNone}, {"NONE", ofppNone}, {"UNSET", ofppUnset},
}

// AppendPort appends an OpenFlow port (in its 32-bit form): its reserved name, its name from names, or its number.
func AppendPort(b []byte, port uint32, names *PortNames) []byte {
	for _, r := range reservedPorts {
		if r.port == port {
			return append(b, r.name...)
		}
	}
	if n := names.name(port); n != "" {
		return appendPortName(b, n)
	}
	if port >= ofppMax {
		port &= 0xffff
	}
	return strconv.AppendUint(b, uint64(port), 10)
}

// appendPortName appends a port name, in quotes unless it is an identifier that cannot be taken for something else.
func appendPortName(b []byte, n string) []byte {
	if isPlainName(n) {
		return append(b, n...)
	}
	return appendJSONString(b, n)
}

func isPlainName(n string) bool {
	for i := 0; i < len(n); i++ {
		c := n[i]
		alpha := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !alpha && (i == 0 || !(c >= '0' && c <= '9' || c == '-' || c == '.')) {
			return false
		}
	}
	return n != ""
}

// appendJSONString appends s as a JSON string.
func appendJSONString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\b':
			b = append(b, '\\', 'b')
		case c == '\f':
			b = append(b, '\\', 'f')
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		case c < 0x20 || c == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
