package openflow

import "encoding/binary"

// enc builds a message of version v.
type enc struct {
	b []byte
	v Version
}

func (e *enc) u8(x uint8)     { e.b = append(e.b, x) }
func (e *enc) u16(x uint16)   { e.b = binary.BigEndian.AppendUint16(e.b, x) }
func (e *enc) u32(x uint32)   { e.b = binary.BigEndian.AppendUint32(e.b, x) }
func (e *enc) u64(x uint64)   { e.b = binary.BigEndian.AppendUint64(e.b, x) }
func (e *enc) bytes(x []byte) { e.b = append(e.b, x...) }

func (e *enc) zero(n int) {
	for ; n > 0; n-- {
		e.b = append(e.b, 0)
	}
}

// str writes s in a field of n bytes, with a NUL at the end.
func (e *enc) str(s string, n int) {
	if len(s) > n-1 {
		s = s[:n-1]
	}
	e.b = append(e.b, s...)
	e.zero(n - len(s))
}

// port writes a port number in the version's width.
func (e *enc) port(p Port) {
	if e.v == OF10 {
		e.u16(uint16(p))
	} else {
		e.u32(p.Wire32())
	}
}

// put16 overwrites two bytes at offset at.
func (e *enc) put16(at, x int) { binary.BigEndian.PutUint16(e.b[at:], uint16(x)) }

// align pads with zeros so that the length since start is a multiple of 8.
func (e *enc) align(start int) { e.zero(-(len(e.b) - start) & 7) }

// dec reads big-endian fields. Reading past the end gives zeros and sets short.
type dec struct {
	b     []byte
	v     Version
	short bool
}

func (d *dec) take(n int) []byte {
	if n < 0 || n > len(d.b) {
		d.short = true
		d.b = nil
		return nil
	}
	x := d.b[:n:n]
	d.b = d.b[n:]
	return x
}

func (d *dec) u8() uint8 {
	if x := d.take(1); x != nil {
		return x[0]
	}
	return 0
}

func (d *dec) u16() uint16 {
	if x := d.take(2); x != nil {
		return binary.BigEndian.Uint16(x)
	}
	return 0
}

func (d *dec) u32() uint32 {
	if x := d.take(4); x != nil {
		return binary.BigEndian.Uint32(x)
	}
	return 0
}

func (d *dec) u64() uint64 {
	if x := d.take(8); x != nil {
		return binary.BigEndian.Uint64(x)
	}
	return 0
}

func (d *dec) skip(n int) { d.take(n) }

// allZero skips n bytes and says whether they are all zero.
func (d *dec) allZero(n int) bool {
	for _, c := range d.take(n) {
		if c != 0 {
			return false
		}
	}
	return true
}

// str reads a NUL-terminated string in a field of n bytes.
func (d *dec) str(n int) string {
	x := d.take(n)
	for i, c := range x {
		if c == 0 {
			return string(x[:i])
		}
	}
	return string(x)
}

// rest takes what is left, as a copy.
func (d *dec) rest() []byte {
	x := append([]byte(nil), d.b...)
	d.b = nil
	return x
}

// port reads a port number in the version's width.
func (d *dec) port() (Port, error) {
	if d.v == OF10 {
		return Port(d.u16()), nil
	}
	return port32(d.u32())
}

func port32(n uint32) (Port, error) {
	p, ok := PortFromWire32(n)
	if !ok {
		return 0, errf(OFPBAC_BAD_OUT_PORT, "port %d is outside the supported range 0 through %d or 0x%x through 0x%x",
			n, uint32(PortMax)-1, uint32(0xffffff00), uint32(0xffffffff))
	}
	return p, nil
}

// done returns OFPBRC_BAD_LEN if too little or too much was there.
func (d *dec) done() error {
	if d.short || len(d.b) != 0 {
		return OFPBRC_BAD_LEN
	}
	return nil
}

// sub takes n bytes as a decoder of their own.
func (d *dec) sub(n int) *dec {
	x := d.take(n)
	return &dec{b: x, v: d.v, short: x == nil && n != 0}
}
