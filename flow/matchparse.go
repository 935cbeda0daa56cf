package flow

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"govs/packet"
)

// ErrUnknownField is wrapped by ParseField's error when there is no field with that name.
var ErrUnknownField = errors.New("unknown keyword")

// SetKeyword applies a protocol keyword of ovs-ofctl(8), such as "tcp" or "arp", and reports whether it is one.
func (m *Match) SetKeyword(word string) bool {
	eth, proto := uint16(0), uint8(0)
	switch word {
	case "eth":
		m.SetExact(FieldPacketType, Value{})
		return true
	case "ip", "ipv4", "ip4":
		eth = packet.EtherTypeIPv4
	case "ipv6", "ip6":
		eth = packet.EtherTypeIPv6
	case "icmp", "icmp4":
		eth, proto = packet.EtherTypeIPv4, packet.ProtoICMP
	case "icmp6":
		eth, proto = packet.EtherTypeIPv6, packet.ProtoICMPv6
	case "tcp", "tcp4":
		eth, proto = packet.EtherTypeIPv4, packet.ProtoTCP
	case "tcp6":
		eth, proto = packet.EtherTypeIPv6, packet.ProtoTCP
	case "udp", "udp4":
		eth, proto = packet.EtherTypeIPv4, packet.ProtoUDP
	case "udp6":
		eth, proto = packet.EtherTypeIPv6, packet.ProtoUDP
	case "sctp", "sctp4":
		eth, proto = packet.EtherTypeIPv4, packet.ProtoSCTP
	case "sctp6":
		eth, proto = packet.EtherTypeIPv6, packet.ProtoSCTP
	case "arp":
		eth = packet.EtherTypeARP
	case "rarp":
		eth = packet.EtherTypeRARP
	case "mpls":
		eth = packet.EtherTypeMPLS
	case "mplsm":
		eth = packet.EtherTypeMPLSM
	default:
		return false
	}
	m.SetExact(FieldEthType, U(uint64(eth)))
	if proto != 0 {
		m.SetExact(FieldNwProto, U(uint64(proto)))
	}
	return true
}

// ParseField applies one "name=value" of ovs-ofctl's flow syntax to the match. An empty value means the field is not matched.
// Its error is ovs-ofctl's text; it wraps ErrUnknownField for a name that is no field.
func (m *Match) ParseField(name, value string, ports *PortNames) error {
	id, ok := FieldByName(name)
	if !ok {
		return fmt.Errorf("%w %s", ErrUnknownField, name)
	}
	if value == "" {
		value = "0/0"
	}
	v, w, err := ParseValue(id, value, ports)
	if err != nil {
		return err
	}
	if w.IsZero() {
		m.setRaw(id, Value{}, Value{})
		return nil
	}
	m.Set(id, v, w)
	return nil
}

// ParseMatch parses a whole match, "tcp,in_port=1,tp_dst=80": fields and protocol keywords separated by commas or spaces, as
// ofproto/trace and ovs-ofctl take them. The empty string matches everything.
func ParseMatch(s string, ports *PortNames) (Match, error) {
	var m Match
	err := EachField(s, func(name, value string, hasValue bool) error {
		if m.SetKeyword(name) {
			return nil
		}
		if _, known := FieldByName(name); !known && !hasValue {
			return fmt.Errorf("field %s missing value", name)
		}
		return m.ParseField(name, value, ports)
	})
	return m, err
}

// EachField splits "a=b,c,d=(1,2)" at commas and blanks that are not in parentheses, and calls f for each part.
func EachField(s string, f func(name, value string, hasValue bool) error) error {
	for {
		s = strings.TrimLeft(s, ", \t\r\n")
		if s == "" {
			return nil
		}
		end, depth, quote := len(s), 0, false
	scan:
		for i := 0; i < len(s); i++ {
			switch c := s[i]; {
			case quote:
				if c == '\\' {
					i++
				} else if c == '"' {
					quote = false
				}
			case c == '"':
				quote = true
			case c == '(':
				depth++
			case c == ')':
				depth--
			case depth <= 0 && (c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n'):
				end = i
				break scan
			}
		}
		name, value, has := strings.Cut(s[:end], "=")
		if err := f(name, value, has); err != nil {
			return err
		}
		s = s[end:]
	}
}

// ParseValue parses a field's value and optional mask in the field's text form (ovs-fields(7)). An error says what is wrong in
// ovs-ofctl's words.
func ParseValue(id FieldID, s string, ports *PortNames) (v, mask Value, err error) {
	f := &fields[id]
	v, mask, err = f.parse(s, ports)
	if err == nil && !f.Maskable && !mask.IsZero() && mask != f.AllOnes() && f.Form != FormFrag {
		err = fmt.Errorf("%s: invalid mask for field %s", s, f.Name)
	}
	return v, mask, err
}

func (f *Field) parse(s string, ports *PortNames) (v, mask Value, err error) {
	switch f.Form {
	case FormEth:
		return parseEthMasked(s)
	case FormIPv4:
		return parseIPv4Masked(s)
	case FormIPv6:
		return parseIPv6Masked(s)
	case FormPort:
		p, ok := ParsePort(s, ports)
		switch {
		case ok:
			return U(uint64(p)), f.AllOnes(), nil
		case f.ID == FieldInPort || f.ID == FieldInPortOXM:
			return v, mask, fmt.Errorf("%s: invalid or unknown port for %s", s, f.Name)
		}
		return v, mask, fmt.Errorf("%s: port value out of range for %s", s, f.Name)
	case FormFrag:
		return parseFrag(s)
	case FormTCPFlags:
		return f.parseFlags(s, tcpFlagNames, "TCP")
	case FormCtState:
		return f.parseFlags(s, ctStateNames, "ct_state")
	case FormTunFlags:
		return f.parseFlags(s, tunFlagNames, "tunnel")
	case FormPacketType:
		return parsePacketType(s)
	}
	return f.parseInt(s)
}

// ParsePort parses an OpenFlow port: a decimal number (16-bit reserved numbers are widened), a reserved name in any case, or a
// name known to ports, which may be in quotes.
func ParsePort(s string, ports *PortNames) (uint32, bool) {
	if n, err := strconv.ParseUint(s, 10, 32); err == nil {
		p := ofPort10(uint32(n))
		return p, p < 0xff00 || p >= ofppMax
	}
	for _, r := range reservedPorts {
		if strings.EqualFold(s, r.name) {
			return r.port, true
		}
	}
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		if u, err := strconv.Unquote(s); err == nil {
			return ports.number(u)
		}
		return 0, false
	}
	return ports.number(s)
}

// ParseEth parses an Ethernet address.
func ParseEth(s string) (uint64, bool) {
	v := uint64(0)
	for i := 0; i < 6; i++ {
		part, rest := s, ""
		if i < 5 {
			var ok bool
			if part, rest, ok = strings.Cut(s, ":"); !ok {
				return 0, false
			}
		}
		n, err := strconv.ParseUint(part, 16, 8)
		if err != nil {
			return 0, false
		}
		v, s = v<<8|n, rest
	}
	return v, true
}

func parseEthMasked(s string) (v, mask Value, err error) {
	a, m, masked := strings.Cut(s, "/")
	x, ok := ParseEth(a)
	w := uint64(1<<48 - 1)
	if ok && masked {
		w, ok = ParseEth(m)
	}
	if !ok && s == "0/0" {
		return v, mask, nil
	}
	if !ok {
		return v, mask, fmt.Errorf("%s: invalid Ethernet address", s)
	}
	return U(x), U(w), nil
}

// ParseIPv4 parses a dotted quad. Leading zeros are allowed and do not mean octal.
func ParseIPv4(s string) (uint32, bool) {
	v := uint32(0)
	for i := 0; i < 4; i++ {
		part, rest := s, ""
		if i < 3 {
			var ok bool
			if part, rest, ok = strings.Cut(s, "."); !ok {
				return 0, false
			}
		}
		if part == "" || part[0] < '0' || part[0] > '9' {
			return 0, false
		}
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil {
			return 0, false
		}
		v, s = v<<8|uint32(n), rest
	}
	return v, true
}

func parseIPv4Masked(s string) (v, mask Value, err error) {
	a, m, masked := strings.Cut(s, "/")
	x, ok := ParseIPv4(a)
	if !ok {
		return v, mask, fmt.Errorf("%s: invalid IP address", s)
	}
	if !masked {
		return U(uint64(x)), ones(32), nil
	}
	if w, ok := ParseIPv4(m); ok {
		return U(uint64(x)), U(uint64(w)), nil
	}
	n, e := strconv.Atoi(m)
	switch {
	case e != nil:
		return v, mask, fmt.Errorf("%s: invalid IP address", s)
	case n < 0 || n > 32:
		return v, mask, fmt.Errorf("%s: IPv4 network prefix bits not between 0 and 32, inclusive", s)
	}
	return U(uint64(x)), ones(uint8(n)).Shl(uint(32 - n)), nil
}

// ParseIPv6 parses an IPv6 address.
func ParseIPv6(s string) (Value, bool) {
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is6() || a.Zone() != "" {
		return Value{}, false
	}
	b := a.As16()
	return ValueOf(b[:]), true
}

func parseIPv6Masked(s string) (v, mask Value, err error) {
	a, m, masked := strings.Cut(s, "/")
	v, ok := ParseIPv6(a)
	if !ok {
		return v, mask, fmt.Errorf("%s: invalid IPv6 address", s)
	}
	if !masked {
		return v, ones(128), nil
	}
	if w, ok := ParseIPv6(m); ok {
		return v, w, nil
	}
	n, e := strconv.Atoi(m)
	switch {
	case e != nil:
		return v, mask, fmt.Errorf("%s: invalid IPv6 address", s)
	case n < 0 || n > 128:
		return v, mask, fmt.Errorf("%s: IPv6 network prefix bits not between 0 and 128, inclusive", s)
	}
	return v, ones(uint8(n)).Shl(uint(128 - n)), nil
}

func parseFrag(s string) (v, mask Value, err error) {
	switch s {
	case "no":
		return U(0), U(3), nil
	case "yes":
		return U(FragAny), U(FragAny), nil
	case "first":
		return U(FragAny), U(3), nil
	case "later":
		return U(3), U(3), nil
	case "not_later":
		return U(0), U(FragLater), nil
	}
	return v, mask, fmt.Errorf(`%s: unknown fragment type (valid types are "no", "yes", "first", "later", "not_later"`, s)
}

// parseFlags parses "+a-b" (masked), "a|b" (exact) or a number with an optional mask.
func (f *Field) parseFlags(s string, names []string, kind string) (v, mask Value, err error) {
	bad := func(s string) error { return fmt.Errorf("%s: unknown %s flag(s)", s, kind) }
	valid := f.AllOnes().Lo
	if s != "" && (s[0] == '+' || s[0] == '-') {
		var val, m uint64
		for s != "" {
			sign := s[0]
			end := strings.IndexAny(s[1:], "+-")
			word := s[1:]
			if end >= 0 {
				word = s[1 : 1+end]
			}
			s = s[1+len(word):]
			bit := flagBit(word, names) & valid
			switch {
			case bit == 0:
				return v, mask, bad(word)
			case m&bit != 0:
				return v, mask, fmt.Errorf("%s: Each %s flag can be specified only once", word, kind)
			}
			m |= bit
			if sign == '+' {
				val |= bit
			}
		}
		return U(val), U(m), nil
	}
	if s != "" && s[0] >= '0' && s[0] <= '9' {
		a, m, masked := strings.Cut(s, "/")
		val, e := strconv.ParseUint(a, 0, 64)
		w := valid
		if e == nil && masked {
			w, e = strconv.ParseUint(m, 0, 64)
		}
		if e != nil || (val|w)&^valid != 0 {
			return v, mask, bad(s)
		}
		return U(val & w), U(w), nil
	}
	val := uint64(0)
	for _, word := range strings.Split(s, "|") {
		bit := flagBit(word, names) & valid
		if bit == 0 {
			return v, mask, bad(word)
		}
		val |= bit
	}
	return U(val), U(valid), nil
}

// flagBit returns the bit with that name, or with its value in hexadecimal and brackets, or 0.
func flagBit(word string, names []string) uint64 {
	for i, n := range names {
		if n == word {
			return 1 << i
		}
	}
	if len(word) > 2 && word[0] == '[' && word[len(word)-1] == ']' {
		if v, err := strconv.ParseUint(word[1:len(word)-1], 16, 64); err == nil && v&(v-1) == 0 {
			return v
		}
	}
	return 0
}

func parsePacketType(s string) (v, mask Value, err error) {
	bad := func(rest, what string) error { return fmt.Errorf("%s: bad syntax for packet type %s", rest, what) }
	if !strings.HasPrefix(s, "(") {
		return v, mask, bad(s, "missing '('")
	}
	s = s[1:]
	ns, rest, ok := strings.Cut(s, ",")
	if !ok {
		if n := strings.IndexByte(s, ')'); n < 0 {
			return v, mask, bad(s, "missing ','")
		}
		ns = strings.TrimSuffix(s, ")")
	}
	n, e := strconv.ParseUint(ns, 0, 16)
	if e != nil {
		return v, mask, bad(s, "ns")
	}
	if !ok {
		return v, mask, bad(s, "missing ','")
	}
	t, closed := strings.CutSuffix(rest, ")")
	ty, e := strconv.ParseUint(t, 0, 16)
	switch {
	case e != nil:
		return v, mask, bad(rest, "ns_type")
	case !closed:
		return v, mask, bad(rest, "missing ')'")
	}
	return U(n<<16 | ty), ones(32), nil
}

// intError says why text is no number.
type intError uint8

const (
	intOK intError = iota
	intSyntax
	intRange
)

// parseUint parses a C integer (decimal, 0x hexadecimal, 0 octal) of up to n bytes; hexadecimal may have up to 128 bits.
func parseUint(s string, n int) (Value, intError) {
	s = strings.TrimPrefix(s, "+")
	if h, ok := strings.CutPrefix(strings.ToLower(s), "0x"); ok {
		var v Value
		for i := 0; i < len(h); i++ {
			d := strings.IndexByte("0123456789abcdef", h[i])
			if d < 0 {
				return v, intSyntax
			}
			if v.Hi>>60 != 0 {
				return v, intRange
			}
			v = v.Shl(4).Or(U(uint64(d)))
		}
		return fits(v, n)
	}
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	base := 10
	if len(s) > 1 && s[0] == '0' {
		base = 8
	}
	u, err := strconv.ParseUint(s, base, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return Value{}, intRange
	case err != nil:
		return Value{}, intSyntax
	case neg:
		u = -u
	}
	return fits(U(u), n)
}

func fits(v Value, n int) (Value, intError) {
	if !v.AndNot(ones(uint8(8 * n))).IsZero() {
		return v, intRange
	}
	return v, intOK
}

// parseInt parses "value" or "value/mask".
func (f *Field) parseInt(s string) (v, mask Value, err error) {
	n := (int(f.Bits) + 7) / 8
	a, m, masked := strings.Cut(s, "/")
	v, e := parseUint(a, n)
	switch e {
	case intSyntax:
		return v, mask, fmt.Errorf("%s: bad syntax for %s value", s, f.Name)
	case intRange:
		return v, mask, fmt.Errorf("%s: value too large for %d-byte field %s", s, n, f.Name)
	}
	if !masked {
		return v, f.AllOnes(), nil
	}
	mask, e = parseUint(m, n)
	switch e {
	case intSyntax:
		return v, mask, fmt.Errorf("%s: bad syntax for %s mask", s, f.Name)
	case intRange:
		return v, mask, fmt.Errorf("%s: mask too large for %d-byte field %s", s, n, f.Name)
	}
	if mask == ones(uint8(8*n)) {
		mask = f.AllOnes()
	}
	return v, mask, nil
}
