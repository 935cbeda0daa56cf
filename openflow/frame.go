package openflow

import (
	"encoding/binary"
	"fmt"
	"io"
)

// HeaderLen is the length of the header that all messages begin with: version:8 type:8 length:16 xid:32.
const HeaderLen = 8

// maxPart is the length beyond which a multipart reply is split.
const maxPart = 65535 - 8

// ReadMsg reads one whole message, at least a header. A length in the header that is below 8 is an error; the stream cannot be
// followed after it.
func ReadMsg(r io.Reader) ([]byte, error) {
	var h [HeaderLen]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(h[2:]))
	if n < HeaderLen {
		return nil, fmt.Errorf("received too-short ofp_header (%d bytes)", n)
	}
	b := make([]byte, n)
	copy(b, h[:])
	if _, err := io.ReadFull(r, b[HeaderLen:]); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return b, nil
}

// errLength says that a message is too short for its type, or too long.
var errLength error = &Error{Code: OFPBRC_BAD_LEN, Text: "message has a length that its type does not allow"}

// IsLength says whether err is that a message's length does not suit its type.
func IsLength(err error) bool { return err == errLength }

// Options are what a connection's earlier messages changed in how later ones are read and written.
type Options struct {
	// TableID: the upper byte of a 1.0 flow_mod's command is the table (NXT_FLOW_MOD_TABLE_ID).
	TableID bool
}

// Decode reads one whole message (as ReadMsg returns it). On an error the Msg has the header's version and transaction, no body, and Raw.
func Decode(b []byte, o Options) (*Msg, error) {
	if len(b) < HeaderLen {
		return &Msg{Raw: b}, OFPBRC_BAD_LEN
	}
	m := &Msg{Version: Version(b[0]), XID: binary.BigEndian.Uint32(b[4:]), Raw: b}
	if int(binary.BigEndian.Uint16(b[2:])) != len(b) {
		return m, OFPBRC_BAD_LEN
	}
	d := &dec{b: b[HeaderLen:], v: m.Version}
	if b[1] == 0 && m.Version > OF15 { // a hello of a later version
		d.v = OF15
	} else if m.Version < OF10 || m.Version > OF15 {
		return m, OFPBRC_BAD_VERSION
	}
	k, err := d.kind(b[1], m)
	if err != nil {
		return m, err
	}
	switch k {
	case kFlowMod, kNXFlowMod, kGroupMod, kNXGroupMod, kFlowRequest, kAggregateRequest, kNXFlowRequest, kNXAggregateRequest:
		if len(b)%8 != 0 {
			return m, errLength
		}
	}
	body, err := d.body(k, o)
	if err == nil && d.done() != nil {
		err = errLength
	}
	if err != nil {
		if d.short { // too short is the first thing that is wrong
			err = errLength
		}
		return m, err
	}
	m.Body = body
	return m, nil
}

// kind reads the headers after the first and finds the message's kind.
func (d *dec) kind(typ byte, m *Msg) (kind, error) {
	i := d.v - 1
	key := msgKey{d.v, clsOFPT, uint32(typ)}
	bad := OFPBRC_BAD_TYPE
	switch int32(typ) {
	case typeVendor:
		vendor := d.u32()
		key.num = d.u32()
		if d.short {
			return 0, errLength
		}
		bad = OFPBRC_BAD_SUBTYPE
		switch vendor {
		case VendorNicira:
			key.cls = clsNX
		case VendorONF:
			key.cls = clsONF
		default:
			return 0, errf(OFPBRC_BAD_VENDOR, "unknown vendor 0x%x", vendor)
		}
	case statsType[0][i], statsType[1][i]:
		reply := int32(typ) == statsType[1][i]
		t := d.u16()
		m.More = d.u16()&1 != 0 && (reply || d.v >= OF13) // requests come in parts from 1.3 on
		if d.v != OF10 {
			d.skip(4)
		}
		key.cls, key.num, bad = clsReq, uint32(t), OFPBRC_BAD_STAT
		if t == statsVendor {
			vendor := d.u32()
			key.cls, key.num = clsNXReq, d.u32()
			if d.v == OF10 {
				d.skip(4)
			}
			if d.short {
				return 0, errLength
			}
			if vendor != VendorNicira {
				return 0, errf(OFPBRC_BAD_VENDOR, "unknown vendor 0x%x", vendor)
			}
			bad = OFPBRC_BAD_SUBTYPE
		}
		if reply {
			key.cls++
		}
	}
	if d.short {
		return 0, errLength
	}
	k, ok := msgIndex[key]
	if !ok {
		return 0, errf(bad, "unknown message type %d in %s", typ, m.Version)
	}
	return k, nil
}

// Append encodes m and appends it to dst: one message, or several parts of a multipart reply. The body's kind must exist in m.Version.
func Append(dst []byte, m *Msg, o Options) ([]byte, error) {
	k := kindOf(m.Body, m.Version)
	if k == kNone || m.Version < OF10 || m.Version > OF15 || msgTable[k].num[m.Version-1] < 0 {
		return dst, fmt.Errorf("%s has no %T message", m.Version, m.Body)
	}
	e := &enc{b: dst, v: m.Version}
	w := &writer{enc: e, k: k, xid: m.XID, o: o}
	w.begin()
	w.more = m.More
	err := w.body(m.Body)
	w.finish(w.more)
	if err != nil {
		return dst, err
	}
	if w.tooLong {
		return dst, fmt.Errorf("%s message is longer than 65535 bytes", msgTable[k].name)
	}
	return e.b, nil
}

// writer writes the parts of a message.
type writer struct {
	*enc
	k       kind
	xid     uint32
	o       Options
	at      int // where the current part begins
	more    bool
	tooLong bool
}

// begin writes the headers of a part.
func (w *writer) begin() {
	w.at = len(w.b)
	def := &msgTable[w.k]
	n := def.num[w.v-1]
	i := w.v - 1
	typ := n
	switch def.cls {
	case clsReq, clsNXReq:
		typ = statsType[0][i]
	case clsReply, clsNXRep:
		typ = statsType[1][i]
	case clsNX, clsONF:
		typ = typeVendor
	}
	w.u8(uint8(w.v))
	w.u8(uint8(typ))
	w.u16(0)
	w.u32(w.xid)
	switch def.cls {
	case clsNX:
		w.u32(VendorNicira)
		w.u32(uint32(n))
	case clsONF:
		w.u32(VendorONF)
		w.u32(uint32(n))
	case clsReq, clsReply:
		w.u16(uint16(n))
		w.statsFlags()
	case clsNXReq, clsNXRep:
		w.u16(statsVendor)
		w.statsFlags()
		w.u32(VendorNicira)
		w.u32(uint32(n))
		if w.v == OF10 {
			w.zero(4)
		}
	}
}

func (w *writer) statsFlags() {
	w.u16(0)
	if w.v != OF10 {
		w.zero(4)
	}
}

// finish fills in the part's length and its more flag.
func (w *writer) finish(more bool) {
	n := len(w.b) - w.at
	if n > 0xffff {
		w.tooLong = true
		return
	}
	w.put16(w.at+2, n)
	if more {
		w.b[w.at+11] |= 1
	}
}

// entry writes one element of a reply's list with f; if it makes the part too long, it goes into a new part.
func (w *writer) entry(f func()) {
	start := len(w.b)
	f()
	if len(w.b)-w.at <= maxPart {
		return
	}
	el := append([]byte(nil), w.b[start:]...)
	w.b = w.b[:start]
	w.finish(true)
	w.begin()
	w.bytes(el)
}
