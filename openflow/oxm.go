package openflow

import (
	"encoding/binary"

	"govs/flow"
)

// OXM classes.
const (
	classNXM0         = 0x0000
	classNXM1         = 0x0001
	classBasic        = 0x8000
	classExperimenter = 0xffff

	nxmCookie = 30 // NXM_NX_COOKIE's number in classNXM1
)

// oxmKey identifies a field on the wire.
type oxmKey struct {
	class uint16
	field uint8
	exp   uint32
}

// oxmIndex maps wire numbers to fields. It is filled once and only read.
var oxmIndex = func() map[oxmKey]flow.FieldID {
	m := map[oxmKey]flow.FieldID{}
	for i, f := range flow.Fields() {
		for _, o := range f.OXM {
			m[oxmKey{o.Class, o.Field, o.Experimenter}] = flow.FieldID(i)
		}
	}
	return m
}()

// oxmHeader is a decoded OXM or NXM header.
type oxmHeader struct {
	oxmKey
	hasMask bool
	length  int // of value and mask, without the experimenter id
}

// oxmHeader reads a header.
func (d *dec) oxmHeader() (h oxmHeader, ok bool) {
	w := d.u32()
	h.class, h.field, h.hasMask, h.length = uint16(w>>16), uint8(w>>9&0x7f), w>>8&1 != 0, int(w&0xff)
	if h.class == classExperimenter {
		h.exp = d.u32()
		if h.length < 4 {
			return h, false
		}
		h.length -= 4
	}
	return h, !d.short
}

// wireLen is the bytes of a field's value on the wire.
func wireLen(f flow.FieldID) int { return (int(f.Info().Bits) + 7) / 8 }

// oxmFor chooses the number by which f goes to a peer of version v: the last that v has, or the first of all (Open vSwitch also
// sends OXM numbers to 1.0 peers for fields that have no other).
func oxmFor(f flow.FieldID, v Version) (flow.OXM, bool) {
	list := f.Info().OXM
	if len(list) == 0 {
		return flow.OXM{}, false
	}
	best := list[0]
	for _, o := range list {
		if Version(o.MinVersion) <= v {
			best = o
		}
	}
	return best, true
}

// oxmHeader writes f's header for a value of n bytes.
func (e *enc) oxmHeader(f flow.FieldID, hasMask bool, n int) bool {
	o, ok := oxmFor(f, e.v)
	if !ok {
		return false
	}
	if hasMask {
		n *= 2
	}
	w := uint32(o.Class)<<16 | uint32(o.Field&0x7f)<<9
	if hasMask {
		w |= 1 << 8
	}
	if o.Class == classExperimenter {
		e.u32(w | uint32(n+4))
		e.u32(o.Experimenter)
	} else {
		e.u32(w | uint32(n))
	}
	return true
}

// toWire converts values whose form in the key differs from that on the wire.
func toWire(f flow.FieldID, v flow.Value) flow.Value {
	if f == flow.FieldInPort {
		return flow.U(v.Lo & 0xffff)
	}
	return v
}

// oxmEntry writes one field with its value and mask; nothing if the mask is zero. A field without a number in this version is left out.
func (e *enc) oxmEntry(f flow.FieldID, v, m flow.Value) {
	if m.IsZero() {
		return
	}
	n := wireLen(f)
	masked := m != f.Info().AllOnes()
	if !e.oxmHeader(f, masked, n) {
		return
	}
	e.b = toWire(f, v).Bytes(e.b, n)
	if masked {
		e.b = m.Bytes(e.b, n)
	}
}

// oxmValue reads one field's value and mask after its header h; strictly, with the errors of a match.
func (d *dec) oxmValue(h oxmHeader, f flow.FieldID) (v, m flow.Value, err error) {
	info := f.Info()
	n := wireLen(f)
	want := n
	if h.hasMask {
		want *= 2
	}
	if h.length != want { // the length is part of what identifies a field
		return v, m, OFPBMC_BAD_FIELD
	}
	if h.hasMask && !info.Maskable && !d.allOnesMask(n, info.AllOnes()) {
		return v, m, OFPBMC_BAD_MASK
	}
	x := d.take(want)
	if x == nil {
		return v, m, OFPBMC_BAD_LEN
	}
	v = flow.ValueOf(x[:n])
	all := info.AllOnes()
	m = all
	if h.hasMask {
		m = flow.ValueOf(x[n:])
		if !v.AndNot(m).IsZero() {
			return v, m, OFPBMC_BAD_WILDCARDS
		}
		// Bits that do not exist may be in the mask, as in a mask of all ones.
		m = m.And(all)
	}
	if !v.AndNot(all).IsZero() || !valueOK(f, v) {
		if f != flow.FieldInPort {
			return v, m, OFPBMC_BAD_VALUE
		}
	}
	switch f {
	case flow.FieldNwTOS:
		m = flow.U(0xfc)
	case flow.FieldInPort:
		v = flow.U(uint64(Port(v.Lo).Wire32()))
	case flow.FieldInPortOXM, flow.FieldActsetOutput:
		if _, ok := PortFromWire32(uint32(v.Lo)); !ok {
			return v, m, OFPBMC_BAD_VALUE
		}
	}
	return v, m, nil
}

// allOnesMask says whether the mask that follows a value of n bytes is the whole field's, which is allowed for every field.
func (d *dec) allOnesMask(n int, all flow.Value) bool {
	return len(d.b) >= 2*n && flow.ValueOf(d.b[n:2*n]).And(all) == all
}

// valueOK says whether v is a legal value of f, as far as this is not a matter of width.
func valueOK(f flow.FieldID, v flow.Value) bool {
	switch f {
	case flow.FieldNwTOS:
		return v.Lo&3 == 0
	case flow.FieldNwFrag:
		return v.Lo <= 3
	case flow.FieldIPv6Label:
		return v.Lo <= 0xfffff
	case flow.FieldTCPFlags:
		return v.Lo <= 0xfff
	case flow.FieldCtState:
		return v.Lo <= 0xff
	case flow.FieldTunFlags:
		return v.Lo <= 1
	}
	return true
}

// oxmFields writes m as a sequence of NXM or OXM fields, without padding. The cookie is added if cookieMask is not 0 (NXM only).
func (e *enc) oxmFields(m *flow.Match, cookie, cookieMask uint64) {
	nsh := m.Mask.EthType() == 0xffff && m.Key.EthType() == ethNSH
	for i, f := range matchOrder {
		// Most fields of most matches do not matter: look at their words before anything else.
		if w := matchWords[i]; m.Mask[w[0]]|m.Mask[w[1]] == 0 {
			continue
		}
		if e.v >= OF15 && f >= flow.FieldReg0 && f <= flow.FieldReg15 { // OpenFlow 1.5 has them in pairs
			if (f-flow.FieldReg0)%2 == 0 {
				x := flow.FieldXReg0 + (f-flow.FieldReg0)/2
				v, w := m.Get(x)
				e.oxmEntry(x, v, w)
			}
			continue
		}
		v, w := m.Key.Get(f), m.Mask.Get(f)
		if f != flow.FieldNwTOS {
			v, w = m.Get(f)
		}
		if w.IsZero() {
			continue
		}
		switch f {
		case flow.FieldNSHFlags, flow.FieldNSHMdType, flow.FieldNSHNp, flow.FieldNSHSpi, flow.FieldNSHSi,
			flow.FieldNSHC1, flow.FieldNSHC2, flow.FieldNSHC3, flow.FieldNSHC4, flow.FieldNSHTTL:
			if !nsh {
				continue
			}
		case flow.FieldIPv6Src, flow.FieldIPv6Dst:
			if nsh { // NSH's fields share these words
				continue
			}
		case flow.FieldInPort:
			if e.v >= OF12 {
				f = flow.FieldInPortOXM
			}
		case flow.FieldVlanTCI:
			e.oxmVLAN(uint16(v.Lo), uint16(w.Lo))
			continue
		case flow.FieldARPOp: // in place of nw_proto, which comes later
			if !isARP(m) {
				continue
			}
		case flow.FieldNwProto:
			if isARP(m) {
				continue
			}
		case flow.FieldNwSrc:
			if isARP(m) {
				f = flow.FieldARPSpa
			}
		case flow.FieldNwDst:
			if isARP(m) {
				f = flow.FieldARPTpa
			}
		case flow.FieldNwTOS:
			e.oxmTOS(uint8(v.Lo), uint8(w.Lo))
			continue
		case flow.FieldARPSha:
			if m.Key.EthType() == ethIPv6 {
				f = flow.FieldNDSll
			}
		case flow.FieldARPTha:
			if m.Key.EthType() == ethIPv6 {
				f = flow.FieldNDTll
			}
		case flow.FieldTpSrc, flow.FieldTpDst:
			if f = l4Field(m, f == flow.FieldTpSrc); f == flow.FieldTpSrc {
				continue
			}
			all := f.Info().AllOnes()
			v, w = v.And(all), w.And(all)
		case flow.FieldMPLSLSE0:
			e.oxmMPLS(uint32(v.Lo), uint32(w.Lo))
			continue
		case flow.FieldTCPFlags:
			w = tcpFlagsMask(w)
		case flow.FieldCtState, flow.FieldTunFlags:
			// Only some of the wire's bits exist: a mask of all of these is not one of all ones.
			e.masked(f, v, w)
			continue
		case flow.FieldNwFrag:
			w = w.And(flow.U(3))
			if w.Lo == 3 {
				w = f.Info().AllOnes()
			}
		case flow.FieldIPv6Label:
			if w.Lo&0xfffff == 0xfffff {
				w = f.Info().AllOnes()
			}
		}
		e.oxmEntry(f, v, w)
	}
	if cookieMask != 0 {
		w := uint32(classNXM1)<<16 | nxmCookie<<9
		if cookieMask == ^uint64(0) {
			e.u32(w | 8)
			e.u64(cookie)
		} else {
			e.u32(w | 1<<8 | 16)
			e.u64(cookie & cookieMask)
			e.u64(cookieMask)
		}
	}
}

// Ethernet types that the codec looks at.
const (
	ethIPv4  = 0x0800
	ethARP   = 0x0806
	ethRARP  = 0x8035
	ethIPv6  = 0x86dd
	ethMPLS  = 0x8847
	ethMPLSM = 0x8848
	ethVLAN  = 0x8100
	ethQinQ  = 0x88a8
	ethNSH   = 0x894f
)

func isARP(m *flow.Match) bool {
	t := m.Key.EthType()
	return t == ethARP || t == ethRARP
}

func tcpFlagsMask(w flow.Value) flow.Value {
	if w.Lo&0xfff == 0xfff {
		return flow.FieldTCPFlags.Info().AllOnes()
	}
	return w
}

// masked writes a field with its mask, even if it is all ones.
func (e *enc) masked(f flow.FieldID, v, w flow.Value) {
	n := wireLen(f)
	if e.oxmHeader(f, true, n) {
		e.b = v.Bytes(e.b, n)
		e.b = w.Bytes(e.b, n)
	}
}

// oxmVLAN writes a match on the outer tag: NXM's TCI, or OXM's vid and pcp where they say the same.
func (e *enc) oxmVLAN(tci, mask uint16) {
	const vid, pcp, cfi = flow.VLANPresent | 0xfff, 0xe000, flow.VLANPresent
	tci &= mask
	switch {
	case e.v < OF12:
	case mask == 0xffff && tci == 0: // no tag
		e.oxmEntry(flow.FieldVlanVID, flow.U(0), flow.FieldVlanVID.Info().AllOnes())
		return
	case mask&cfi != 0 && tci&cfi != 0 && mask&pcp == 0:
		e.oxmEntry(flow.FieldVlanVID, flow.U(uint64(tci&vid)), flow.U(uint64(mask&vid)))
		return
	case mask&cfi != 0 && tci&cfi != 0 && mask&pcp == pcp:
		e.oxmEntry(flow.FieldVlanVID, flow.U(uint64(tci&vid)), flow.U(uint64(mask&vid)))
		e.oxmEntry(flow.FieldVlanPCP, flow.U(uint64(tci>>13)), flow.FieldVlanPCP.Info().AllOnes())
		return
	case mask == vid && tci == 0:
		e.oxmEntry(flow.FieldVlanVID, flow.U(0), flow.FieldVlanVID.Info().AllOnes())
		return
	}
	e.oxmEntry(flow.FieldVlanTCI, flow.U(uint64(tci)), flow.U(uint64(mask)))
}

// oxmTOS writes DSCP and ECN as far as they are matched exactly.
func (e *enc) oxmTOS(tos, mask uint8) {
	if mask&0xfc == 0xfc {
		if e.v >= OF12 {
			e.oxmEntry(flow.FieldIPDSCP, flow.U(uint64(tos>>2)), flow.FieldIPDSCP.Info().AllOnes())
		} else {
			e.oxmEntry(flow.FieldNwTOS, flow.U(uint64(tos&0xfc)), flow.FieldNwTOS.Info().AllOnes())
		}
	}
	if mask&3 == 3 {
		e.oxmEntry(flow.FieldNwECN, flow.U(uint64(tos&3)), flow.FieldNwECN.Info().AllOnes())
	}
}

func (e *enc) oxmMPLS(lse, mask uint32) {
	if mask>>9&7 == 7 {
		e.oxmEntry(flow.FieldMPLSTC, flow.U(uint64(lse>>9&7)), flow.FieldMPLSTC.Info().AllOnes())
	}
	if mask>>8&1 == 1 {
		e.oxmEntry(flow.FieldMPLSBOS, flow.U(uint64(lse>>8&1)), flow.FieldMPLSBOS.Info().AllOnes())
	}
	if mask&0xff == 0xff {
		e.oxmEntry(flow.FieldMPLSTTL, flow.U(uint64(lse&0xff)), flow.FieldMPLSTTL.Info().AllOnes())
	}
	if mask>>12 == 0xfffff {
		e.oxmEntry(flow.FieldMPLSLabel, flow.U(uint64(lse>>12)), flow.FieldMPLSLabel.Info().AllOnes())
	}
}

// l4Field is the field that tp_src (src) or tp_dst means for m's protocol; FieldTpSrc if none.
func l4Field(m *flow.Match, src bool) flow.FieldID {
	pick := func(a, b flow.FieldID) flow.FieldID {
		if src {
			return a
		}
		return b
	}
	v6 := m.Key.EthType() == ethIPv6
	switch m.Key.NwProto() {
	case 6:
		return pick(flow.FieldTCPSrc, flow.FieldTCPDst)
	case 17:
		return pick(flow.FieldUDPSrc, flow.FieldUDPDst)
	case 132:
		return pick(flow.FieldSCTPSrc, flow.FieldSCTPDst)
	case 1:
		if !v6 {
			return pick(flow.FieldICMPType, flow.FieldICMPCode)
		}
	case 58:
		if v6 {
			return pick(flow.FieldICMPv6Type, flow.FieldICMPv6Code)
		}
	}
	return flow.FieldTpSrc
}

// matchOrder is the order in which fields of a match are written: every field comes after those that it depends on.
var matchOrder = func() []flow.FieldID {
	o := []flow.FieldID{
		flow.FieldDpHash, flow.FieldRecircID, flow.FieldConjID, flow.FieldInPort, flow.FieldActsetOutput, flow.FieldPacketType,
		flow.FieldEthSrc, flow.FieldEthDst, flow.FieldEthType, flow.FieldVlanTCI, flow.FieldMPLSLSE0, flow.FieldARPOp,
		flow.FieldNwSrc, flow.FieldNwDst, flow.FieldIPv6Src, flow.FieldIPv6Dst, flow.FieldIPv6Label,
		flow.FieldNwFrag, flow.FieldNwTOS, flow.FieldNwTTL, flow.FieldNwProto,
		flow.FieldTpSrc, flow.FieldTpDst, flow.FieldTCPFlags, flow.FieldNDTarget, flow.FieldNDReserved, flow.FieldNDOptionsType, flow.FieldARPSha, flow.FieldARPTha,
		flow.FieldNSHFlags, flow.FieldNSHMdType, flow.FieldNSHNp, flow.FieldNSHSpi, flow.FieldNSHSi,
		flow.FieldNSHC1, flow.FieldNSHC2, flow.FieldNSHC3, flow.FieldNSHC4, flow.FieldNSHTTL,
	}
	seen := map[flow.FieldID]bool{}
	for _, f := range o {
		seen[f] = true
	}
	for i, f := range flow.Fields() {
		id := flow.FieldID(i)
		if !seen[id] && !f.Overlay && len(f.OXM) > 0 && id != flow.FieldMetadata {
			o = append(o, id)
		}
	}
	return append(o, flow.FieldMetadata)
}()

// matchWords holds the words of a key that each field of matchOrder is in; for a register all those of its pair, which one word has.
var matchWords = func() [][2]uint8 {
	w := make([][2]uint8, len(matchOrder))
	for i, f := range matchOrder {
		info := f.Info()
		w[i] = [2]uint8{info.Word, info.Word}
		if info.Width > 64 {
			w[i][1]++
		}
	}
	return w
}()

// oxmFields reads NXM or OXM fields that fill d. cookie is nil where a cookie may not be.
func (d *dec) oxmFields(m *flow.Match, cookie *nxmCookieMatch, loose bool) error {
	var seen FieldSet
	for len(d.b) > 0 {
		h, ok := d.oxmHeader()
		if !ok {
			return OFPBMC_BAD_LEN
		}
		if h.length > len(d.b) {
			return OFPBMC_BAD_LEN
		}
		if h.class == classNXM1 && h.field == nxmCookie && h.exp == 0 {
			if err := d.cookie(h, cookie); err != nil {
				return err
			}
			continue
		}
		if x := d.b[:h.length]; h.hasMask && len(x)%2 == 0 {
			for i := range len(x) / 2 {
				if x[i]&^x[len(x)/2+i] != 0 {
					return OFPBMC_BAD_WILDCARDS
				}
			}
		}
		f, ok := oxmIndex[h.oxmKey]
		if !ok || f >= flow.NumFields {
			if loose {
				d.skip(h.length)
				continue
			}
			return errf(OFPBMC_BAD_FIELD, "unknown field %s", headerName(h))
		}
		v, w, err := d.oxmValue(h, f)
		if err != nil {
			return err
		}
		if seen.Has(f) || !loose && dup(m, f, w) {
			return OFPBMC_DUP_FIELD
		}
		seen.Add(f)
		if !loose && !prereqOK(f, m) {
			return OFPBMC_BAD_PREREQ
		}
		SetMatchField(m, f, v, w)
	}
	return nil
}

// dup says whether m already matches bits of f, by another field that shares them.
func dup(m *flow.Match, f flow.FieldID, w flow.Value) bool {
	if w.IsZero() {
		return false
	}
	return !m.Mask.Get(f).And(w).IsZero()
}

// SetMatchField matches field f to v under w: m.Set, but ICMP types and codes and ARP opcodes match all the bits that they share
// with ports and protocols.
func SetMatchField(m *flow.Match, f flow.FieldID, v, w flow.Value) {
	switch f {
	case flow.FieldICMPType, flow.FieldICMPv6Type:
		m.SetExact(flow.FieldTpSrc, v)
	case flow.FieldICMPCode, flow.FieldICMPv6Code:
		m.SetExact(flow.FieldTpDst, v)
	case flow.FieldARPOp:
		m.SetExact(flow.FieldNwProto, v)
	default:
		m.Set(f, v, w)
	}
}

// nxmCookieMatch is the cookie that an NXM match carries.
type nxmCookieMatch struct{ cookie, mask uint64 }

func (d *dec) cookie(h oxmHeader, c *nxmCookieMatch) error {
	switch {
	case c == nil:
		return NXBRC_NXM_INVALID
	case h.hasMask && h.length != 16, !h.hasMask && h.length != 8:
		return OFPBMC_BAD_LEN
	case c.mask != 0:
		return OFPBMC_DUP_FIELD
	}
	c.cookie, c.mask = d.u64(), ^uint64(0)
	if h.hasMask {
		c.mask = d.u64()
	}
	if d.short {
		return OFPBMC_BAD_LEN
	}
	if c.cookie&^c.mask != 0 {
		return OFPBMC_BAD_WILDCARDS
	}
	return nil
}

// headerName describes an unknown header for the log.
func headerName(h oxmHeader) string {
	b := []byte("0x00000000")
	const hex = "0123456789abcdef"
	var w [4]byte
	binary.BigEndian.PutUint32(w[:], uint32(h.class)<<16|uint32(h.field)<<9|uint32(h.length))
	for i, c := range w {
		b[2+2*i], b[3+2*i] = hex[c>>4], hex[c&15]
	}
	return string(b)
}

// prereqOK says whether m has what field f depends on.
func prereqOK(f flow.FieldID, m *flow.Match) bool {
	return PrereqOK(f.Info().Prereq, m)
}

// PrereqOK says whether every packet that m matches has what p asks for. It is Prereq.Met, except that neighbour discovery's
// fields do not need a match on the code, because Open vSwitch's own tools do not send one.
func PrereqOK(p flow.Prereq, m *flow.Match) bool {
	switch p {
	case flow.PrereqND, flow.PrereqNDSolicit, flow.PrereqNDAdvert:
		n := *m
		n.SetExact(flow.FieldTpDst, flow.Value{})
		m = &n
	}
	return p.Met(&m.Key, &m.Mask)
}
