package text

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"govs/flow"
	"govs/openflow"
)

// fieldByName finds a field by its common name, or by an OXM or NXM name.
func fieldByName(name string) (flow.FieldID, bool) {
	if id, ok := flow.FieldByName(name); ok {
		return id, true
	}
	for i, f := range flow.Fields() {
		for _, o := range f.OXM {
			if o.Name == name {
				return flow.FieldID(i), true
			}
		}
	}
	return 0, false
}

// width is the number of bits of f that actions can refer to.
func width(f flow.FieldID) int { return min(f.Info().AllOnes().OnesCount(), int(f.Info().Bits)) }

// subfieldAt reads "field[ofs..end]", "field[bit]", "field[]" or "field" at the beginning of s.
func subfieldAt(s string) (sf openflow.Subfield, rest string, err error) {
	i := strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_')
	})
	if i < 0 {
		i = len(s)
	}
	id, ok := fieldByName(s[:i])
	if !ok {
		return sf, s, fmt.Errorf("%s: unknown field `%s'", s, s[:i])
	}
	n := width(id)
	sf = openflow.Subfield{Field: id, NBits: uint16(n)}
	rest = s[i:]
	if !strings.HasPrefix(rest, "[") {
		return sf, rest, nil
	}
	in, after, ok := strings.Cut(rest[1:], "]")
	if !ok {
		return sf, s, fmt.Errorf("%s: missing ] looking for field", s)
	}
	rest = after
	if in == "" {
		return sf, rest, nil
	}
	a, b, isRange := strings.Cut(in, "..")
	start, err1 := strconv.Atoi(strings.TrimSpace(a))
	end := start
	var err2 error
	if isRange {
		end, err2 = strconv.Atoi(strings.TrimSpace(b))
	}
	switch {
	case err1 != nil || err2 != nil || start < 0 || end < 0:
		return sf, s, fmt.Errorf("%s: syntax error expecting [] or [<bit>] or [<start>..<end>]", s)
	case start > end:
		return sf, s, fmt.Errorf("%s: starting bit %d is after ending bit %d", s, start, end)
	case start >= n:
		return sf, s, fmt.Errorf("%s: starting bit %d is not valid because field is only %d bits wide", s, start, n)
	case end >= n:
		return sf, s, fmt.Errorf("%s: ending bit %d is not valid because field is only %d bits wide", s, end, n)
	}
	sf.Ofs, sf.NBits = uint16(start), uint16(end-start+1)
	return sf, rest, nil
}

// subfield reads a subfield that is all of s.
func (p *parser) subfield(s string) (openflow.Subfield, error) {
	sf, rest, err := subfieldAt(s)
	if err == nil && rest != "" {
		err = fmt.Errorf("%s: trailing garbage following subfield", s)
	}
	return sf, err
}

func writable(s openflow.Subfield) error {
	if !s.Field.Info().Writable {
		return fmt.Errorf("%s is read-only", s.Field)
	}
	return nil
}

func (p *parser) setField(value string) (openflow.Action, error) {
	val, name, ok := strings.Cut(value, "->")
	if !ok {
		return nil, fmt.Errorf("%s: missing `->'", value)
	}
	id, ok := fieldByName(name)
	if !ok {
		return nil, fmt.Errorf("%s is not a valid OXM field name", name)
	}
	if !id.Info().Writable {
		return nil, fmt.Errorf("%s is read-only", name)
	}
	v, m, err := flow.ParseValue(id, val, p.n.ports())
	if err != nil {
		return nil, err
	}
	all := id.Info().AllOnes()
	if !v.AndNot(all).IsZero() {
		return nil, fmt.Errorf("%s is not a valid value for field %s", val, name)
	}
	return &openflow.SetField{Field: id, Value: v.And(m), Mask: m.And(all)}, nil
}

func (p *parser) load(value string) (openflow.Action, error) {
	val, dst, ok := strings.Cut(value, "->")
	if !ok {
		return nil, fmt.Errorf("load: missing `->' in `%s'", value)
	}
	v, ok := bigUint(val)
	if !ok {
		return nil, fmt.Errorf("load: garbage before `->' in `%s'", value)
	}
	sf, rest, err := subfieldAt(dst)
	if err != nil {
		return nil, err
	}
	if rest != "" {
		return nil, fmt.Errorf("load: trailing garbage following destination in `%s'", value)
	}
	if err := writable(sf); err != nil {
		return nil, err
	}
	m := bitsOf(int(sf.NBits))
	if !v.AndNot(m).IsZero() {
		return nil, fmt.Errorf("%s: value %s does not fit into %d bits", value, hexText(v), sf.NBits)
	}
	return &openflow.SetField{Field: sf.Field, Value: v.Shl(uint(sf.Ofs)), Mask: m.Shl(uint(sf.Ofs)), Legacy: openflow.FormRegLoad}, nil
}

func hexText(v flow.Value) string {
	w := writer{}
	w.hex(v)
	return string(w.b)
}

// bitsOf is a value with the low n bits set.
func bitsOf(n int) flow.Value {
	return flow.Value{Hi: ^uint64(0), Lo: ^uint64(0)}.Shr(uint(128 - n))
}

// bigUint reads an integer of up to 128 bits.
func bigUint(s string) (flow.Value, bool) {
	s = strings.TrimSpace(s)
	if h, isHex := strings.CutPrefix(strings.ToLower(s), "0x"); isHex {
		if h == "" || len(strings.TrimLeft(h, "0")) > 32 {
			return flow.Value{}, false
		}
		var v flow.Value
		for _, c := range h {
			d := strings.IndexRune("0123456789abcdef", c)
			if d < 0 {
				return flow.Value{}, false
			}
			v = v.Shl(4)
			v.Lo |= uint64(d)
		}
		return v, true
	}
	n, err := strconv.ParseUint(s, 0, 64)
	return flow.U(n), err == nil
}

func (p *parser) move(value string) (openflow.Action, error) {
	src, rest, err := subfieldAt(value)
	if err != nil {
		return nil, err
	}
	dstText, ok := strings.CutPrefix(rest, "->")
	if !ok {
		return nil, fmt.Errorf("%s: missing `->' following source", value)
	}
	dst, rest, err := subfieldAt(dstText)
	if err != nil {
		return nil, err
	}
	if rest != "" {
		return nil, fmt.Errorf("%s: trailing garbage following destination", value)
	}
	if src.NBits != dst.NBits {
		return nil, fmt.Errorf("%s: source field is %d bits wide but destination is %d bits wide", value, src.NBits, dst.NBits)
	}
	return &openflow.RegMove{Src: src, Dst: dst}, writable(dst)
}

func (p *parser) checkPktLarger(value string) (openflow.Action, error) {
	l, dst, ok := strings.Cut(value, ")->")
	if !ok {
		return nil, fmt.Errorf("%s: missing `->'", value)
	}
	a := &openflow.CheckPktLarger{}
	if err := num(&a.Len, l, "check_pkt_larger"); err != nil {
		return nil, err
	}
	s, err := p.subfield(dst)
	if err != nil {
		return nil, err
	}
	if s.NBits != 1 {
		return nil, fmt.Errorf("Only 1-bit destination field is allowed")
	}
	a.Dst = s
	return a, writable(s)
}

func (p *parser) bundle(key, value string) (openflow.Action, error) {
	head, list, ok := strings.Cut(value, "members:")
	if !ok {
		head, list, ok = strings.Cut(value, "slaves:")
	}
	f := strings.Split(strings.TrimRight(head, blanks), ",")
	want := map[string]int{"bundle": 4, "bundle_load": 5}[key]
	if !ok || len(f) < want {
		return nil, fmt.Errorf("%s: not enough arguments to %s action", value, key)
	}
	for i := range f {
		f[i] = strings.TrimSpace(f[i])
	}
	a := &openflow.Bundle{Load: key == "bundle_load"}
	h := indexOf(hashNames, f[0])
	if h < 0 {
		return nil, fmt.Errorf("%s: unknown fields `%s'", value, f[0])
	}
	a.Fields = openflow.HashFields(h)
	if err := num(&a.Basis, f[1], "basis"); err != nil {
		return nil, err
	}
	switch f[2] {
	case "active_backup":
		a.Algorithm = openflow.BundleActiveBackup
	case "hrw":
		a.Algorithm = openflow.BundleHRW
	default:
		return nil, fmt.Errorf("%s: unknown algorithm `%s'", value, f[2])
	}
	if f[3] != "ofport" {
		return nil, fmt.Errorf("%s: unknown member_type `%s'", value, f[3])
	}
	if a.Load {
		s, err := p.subfield(f[4])
		if err != nil {
			return nil, err
		}
		if err := writable(s); err != nil {
			return nil, err
		}
		a.Dst = s
	}
	for _, m := range strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(blanks, r) }) {
		port, ok := p.port(m)
		if !ok {
			return nil, fmt.Errorf("%s: bad port number", m)
		}
		a.Members = append(a.Members, port)
	}
	return a, nil
}

func (p *parser) multipath(value string) (openflow.Action, error) {
	f := strings.Split(value, ",")
	if len(f) < 6 {
		return nil, fmt.Errorf("%s: not enough arguments to multipath action", value)
	}
	for i := range f {
		f[i] = strings.TrimSpace(f[i])
	}
	h, alg := indexOf(hashNames, f[0]), indexOf(multipathNames, f[2])
	if h < 0 {
		return nil, fmt.Errorf("%s: unknown fields `%s'", value, f[0])
	}
	if alg < 0 {
		return nil, fmt.Errorf("%s: unknown algorithm `%s'", value, f[2])
	}
	a := &openflow.Multipath{Fields: openflow.HashFields(h), Algorithm: uint16(alg)}
	if err := num(&a.Basis, f[1], "basis"); err != nil {
		return nil, err
	}
	links, err := strconv.Atoi(f[3])
	if err != nil || links < 1 || links > 65536 {
		return nil, fmt.Errorf("%s: n_links %d is not in valid range 1 to 65536", value, links)
	}
	a.MaxLink = uint16(links - 1)
	if err := num(&a.Arg, f[4], "arg"); err != nil {
		return nil, err
	}
	if a.Dst, err = p.subfield(f[5]); err != nil {
		return nil, err
	}
	if a.Dst.NBits < 16 && links > 1<<a.Dst.NBits {
		return nil, fmt.Errorf("%s: %d-bit destination field has %d possible values, less than specified n_links %d", value, a.Dst.NBits, 1<<a.Dst.NBits, links)
	}
	return a, writable(a.Dst)
}

func (p *parser) learn(value string) (openflow.Action, error) {
	a := &openflow.Learn{Priority: 0x8000, Table: 1}
	for s := value; ; {
		k, v, rest, ok := next(s)
		if !ok {
			return a, nil
		}
		item := strings.TrimLeft(s, blanks)
		item = strings.TrimSpace(item[:len(item)-len(rest)])
		s = rest
		var err error
		switch k {
		case "table":
			a.Table, err = p.table(v)
			if err != nil {
				err = fmt.Errorf("unknown table \"%s\"", v)
			}
		case "priority":
			err = num(&a.Priority, v, k)
		case "idle_timeout":
			err = num(&a.IdleTimeout, v, k)
		case "hard_timeout":
			err = num(&a.HardTimeout, v, k)
		case "fin_idle_timeout":
			err = num(&a.FinIdleTimeout, v, k)
		case "fin_hard_timeout":
			err = num(&a.FinHardTimeout, v, k)
		case "cookie":
			err = num(&a.Cookie, v, k)
		case "send_flow_rem":
			a.Flags |= openflow.LearnSendFlowRem
		case "delete_learned":
			a.Flags |= openflow.LearnDeleteLearned
		case "limit":
			err = num(&a.Limit, v, k)
		case "result_dst":
			a.ResultDst, err = p.subfield(v)
			if err == nil && a.ResultDst.NBits != 1 {
				err = fmt.Errorf("result_dst in 'learn' action must be a single bit")
			}
			if err == nil {
				err = writable(a.ResultDst)
			}
			a.Flags |= openflow.LearnWriteResult
		default:
			var spec openflow.LearnSpec
			if spec, err = p.learnSpec(k, v, item, value); err == nil {
				a.Specs = append(a.Specs, spec)
			}
		}
		if err != nil {
			return nil, err
		}
	}
}

func (p *parser) learnSpec(k, v, item, whole string) (openflow.LearnSpec, error) {
	switch k {
	case "load":
		src, dst, ok := strings.Cut(v, "->")
		if !ok {
			return openflow.LearnSpec{}, fmt.Errorf("%s: missing `->'", v)
		}
		d, err := p.subfield(dst)
		if err != nil {
			return openflow.LearnSpec{}, err
		}
		if err := writable(d); err != nil {
			return openflow.LearnSpec{}, err
		}
		spec := openflow.LearnSpec{NBits: d.NBits, Type: openflow.LearnLoad, Dst: d}
		if n, ok := bigUint(src); ok {
			if !n.AndNot(bitsOf(int(d.NBits))).IsZero() {
				return spec, fmt.Errorf("%s: value %s does not fit into %d bits", v, hexText(n), d.NBits)
			}
			spec.SrcImm, spec.Imm = true, n
			return spec, nil
		}
		if spec.Src, err = p.subfield(src); err != nil {
			return spec, fmt.Errorf("load: garbage before `->' in `%s'", v)
		}
		if spec.Src.NBits != d.NBits {
			return spec, fmt.Errorf("%s: source field is %d bits wide but destination is %d bits wide", v, spec.Src.NBits, d.NBits)
		}
		return spec, nil
	case "output":
		src, err := p.subfield(v)
		if err != nil {
			return openflow.LearnSpec{}, err
		}
		return openflow.LearnSpec{NBits: src.NBits, Src: src, Type: openflow.LearnOutput}, nil
	}
	name, val, has := strings.Cut(item, "=")
	d, err := p.subfield(name)
	if err != nil {
		return openflow.LearnSpec{}, fmt.Errorf("%s: unknown keyword %s", whole, k)
	}
	spec := openflow.LearnSpec{NBits: d.NBits, Type: openflow.LearnMatch, Dst: d}
	if !has {
		spec.Src = d
		return spec, nil
	}
	if src, err := p.subfield(val); err == nil {
		if src.NBits != d.NBits {
			return spec, fmt.Errorf("%s: bit widths of %s (%d) and %s (%d) differ", item, name, d.NBits, val, src.NBits)
		}
		spec.Src = src
		return spec, nil
	}
	if int(d.NBits) == width(d.Field) {
		n, m, err := flow.ParseValue(d.Field, val, p.n.ports())
		if err != nil {
			return spec, err
		}
		if m.And(d.Field.Info().AllOnes()) != d.Field.Info().AllOnes() {
			return spec, fmt.Errorf("%s: match value of field %s must be exact", item, name)
		}
		spec.SrcImm, spec.Imm = true, n
		return spec, nil
	}
	n, ok := bigUint(val)
	if !ok || !n.AndNot(bitsOf(int(d.NBits))).IsZero() {
		return spec, fmt.Errorf("%s: value %s does not fit into %d bits", item, val, d.NBits)
	}
	spec.SrcImm, spec.Imm = true, n
	return spec, nil
}

func (p *parser) ct(value string, depth int) (openflow.Action, error) {
	a := &openflow.CT{RecircTab: openflow.CTNoRecirc}
	var exec []openflow.Action
	for s := value; ; {
		k, v, rest, ok := next(s)
		if !ok {
			break
		}
		s = rest
		var err error
		switch k {
		case "commit":
			a.Flags |= openflow.CTCommit
		case "force":
			a.Flags |= openflow.CTForce
		case "table":
			a.RecircTab, err = p.table(v)
			if err != nil {
				err = fmt.Errorf("unknown table %s", v)
			}
		case "zone":
			if n, e := strconv.ParseUint(v, 0, 16); e == nil {
				a.ZoneImm = uint16(n)
			} else if a.ZoneSrc, err = p.subfield(v); err == nil && a.ZoneSrc.NBits != 16 {
				err = fmt.Errorf("%s: zone must be 16 bits wide", v)
			}
		case "alg":
			switch v {
			case "ftp":
				a.ALG = openflow.ALGFTP
			case "tftp":
				a.ALG = openflow.ALGTFTP
			default:
				err = num(&a.ALG, v, "alg")
			}
		case "nat":
			var n openflow.Action
			if n, err = p.nat(v); err == nil {
				a.Actions = append(a.Actions, n)
			}
		case "exec":
			exec, err = p.actions(v, depth+1)
		default:
			err = fmt.Errorf("invalid argument to \"ct\" action: `%s'", k)
		}
		if err != nil {
			return nil, err
		}
	}
	if a.Flags&openflow.CTForce != 0 && a.Flags&openflow.CTCommit == 0 {
		return nil, errors.New("\"force\" flag requires \"commit\" flag.")
	}
	a.Actions = append(a.Actions, exec...)
	return a, nil
}

func (p *parser) nat(value string) (openflow.Action, error) {
	a := &openflow.NAT{}
	for s := value; ; {
		k, v, rest, ok := next(s)
		if !ok {
			break
		}
		// "src=[fe80::1]:10" must not be cut at the colon; next has kept it whole.
		s = rest
		var err error
		switch k {
		case "src":
			a.Flags |= openflow.NATSrc
			err = natRange(a, v)
		case "dst":
			a.Flags |= openflow.NATDst
			err = natRange(a, v)
		case "persistent":
			a.Flags |= openflow.NATPersistent
		case "hash":
			a.Flags |= openflow.NATProtoHash
		case "random":
			a.Flags |= openflow.NATProtoRandom
		default:
			err = fmt.Errorf("invalid key \"%s\" in \"nat\" argument", k)
		}
		if err != nil {
			return nil, err
		}
	}
	switch {
	case a.Flags&openflow.NATSrc != 0 && a.Flags&openflow.NATDst != 0:
		return nil, errors.New("May only specify one of \"src\" or \"dst\".")
	case a.Flags&(openflow.NATSrc|openflow.NATDst) == 0 && a.Flags != 0:
		return nil, errors.New("Flags allowed only with \"src\" or \"dst\".")
	case a.Flags&openflow.NATProtoHash != 0 && a.Flags&openflow.NATProtoRandom != 0:
		return nil, errors.New("Both \"hash\" and \"random\" are not allowed.")
	}
	return a, nil
}

// natRange reads "addr[-addr][:port[-port]]".
func natRange(a *openflow.NAT, s string) error {
	if s == "" {
		return nil
	}
	bad := func() error { return fmt.Errorf("garbage (%s) after nat range", s) }
	addrs, ports := s, ""
	if strings.HasPrefix(s, "[") {
		i := strings.LastIndex(s, "]")
		if i < 0 {
			return bad()
		}
		addrs = strings.NewReplacer("[", "", "]", "").Replace(s[:i])
		ports = strings.TrimPrefix(s[i+1:], ":")
	} else if strings.Count(s, ":") == 1 {
		addrs, ports, _ = strings.Cut(s, ":")
	}
	lo, hi, isRange := strings.Cut(addrs, "-")
	parse := func(t string) (flow.Value, bool) {
		if n, ok := flow.ParseIPv4(t); ok {
			return flow.U(uint64(n)), true
		}
		v, ok := flow.ParseIPv6(t)
		a.IsIPv6 = ok
		return v, ok
	}
	if lo != "" {
		var ok bool
		if a.AddrMin, ok = parse(lo); !ok {
			return bad()
		}
		v6 := a.IsIPv6
		a.HasAddr, a.AddrMax = true, a.AddrMin
		if isRange {
			if a.AddrMax, ok = parse(hi); !ok || a.IsIPv6 != v6 || a.AddrMax.Less(a.AddrMin) {
				return errors.New("IPv4 or IPv6 address range is invalid")
			}
		}
	}
	if ports == "" {
		return nil
	}
	lo, hi, isRange = strings.Cut(ports, "-")
	if err := num(&a.PortMin, lo, "port"); err != nil || a.PortMin == 0 {
		return bad()
	}
	a.PortMax = a.PortMin
	if isRange {
		if err := num(&a.PortMax, hi, "port"); err != nil || a.PortMax < a.PortMin {
			return bad()
		}
	}
	return nil
}

func encap(value string) (openflow.Action, error) {
	k, props, rest, ok := next(value)
	if _, _, _, more := next(rest); !ok || more {
		return nil, errors.New("Missing encap hdr: encap(hdr)")
	}
	a := &openflow.Encap{}
	switch k {
	case "ethernet":
	case "nsh":
		a.PacketType = ptNSH
	case "mpls":
		a.PacketType = ptMPLS
	case "mplsm":
		a.PacketType = ptMPLSM
	default:
		return nil, fmt.Errorf("Encap hdr not supported: %s", value)
	}
	for s := props; ; {
		k, v, rest, ok := next(s)
		if !ok {
			return a, nil
		}
		s = rest
		switch {
		case k == "md_type" && a.PacketType == ptNSH:
			n, err := uintOf(v, "md_type", 8)
			if err != nil || n != 1 && n != 2 {
				return nil, errors.New("invalid md_type")
			}
			a.Props = append(a.Props, openflow.EncapProp{Class: propClassNSH, Type: propNSHMdType, Data: []byte{byte(n), 0, 0, 0}})
		case k == "tlv" && a.PacketType == ptNSH:
			f := strings.Split(v, ",")
			if len(f) != 3 {
				return nil, fmt.Errorf("Invalid NSH TLV header: %s", v)
			}
			class, err1 := uintOf(strings.TrimSpace(f[0]), "tlv_class", 16)
			typ, err2 := uintOf(strings.TrimSpace(f[1]), "tlv_type", 8)
			data, err3 := hex.DecodeString(strings.TrimPrefix(strings.TrimSpace(f[2]), "0x"))
			if err1 != nil || err2 != nil || err3 != nil || len(data) > 247 {
				return nil, fmt.Errorf("Invalid NSH TLV header: %s", v)
			}
			b := binary.BigEndian.AppendUint16(nil, uint16(class))
			b = append(append(b, byte(typ), byte(len(data))), data...)
			a.Props = append(a.Props, openflow.EncapProp{Class: propClassNSH, Type: propNSHTLV, Data: b})
		default:
			return nil, fmt.Errorf("Invalid property: %s", k)
		}
	}
}

func decap(value string) (openflow.Action, error) {
	a := &openflow.Decap{NewType: decapUseNext}
	k, v, _, ok := next(value)
	if !ok {
		return a, nil
	}
	if k != "packet_type" {
		return nil, fmt.Errorf("Invalid decap argument: %s", k)
	}
	var ns, typ uint16
	for s := v; ; {
		k, v, rest, ok := next(s)
		if !ok {
			break
		}
		s = rest
		var err error
		switch k {
		case "ns":
			err = num(&ns, v, "ns")
		case "type":
			err = num(&typ, v, "type")
		default:
			err = fmt.Errorf("Invalid decap argument: %s", k)
		}
		if err != nil {
			return nil, err
		}
	}
	a.NewType = uint32(ns)<<16 | uint32(typ)
	return a, nil
}
