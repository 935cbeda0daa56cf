package openflow

import (
	"encoding/binary"
	"fmt"
)

// ErrCode is one OpenFlow error, independent of the version. ErrCodes are errors themselves, so that a function can return one.
type ErrCode uint16

// errVendor says by whom an error is defined.
type errVendor uint8

const (
	none errVendor = iota // the version lacks the error
	std
	nx
	onf
)

// Vendor (experimenter) ids.
const (
	VendorNicira uint32 = 0x00002320
	VendorONF    uint32 = 0x4f4e4600
	VendorIntel  uint32 = 0x0000c4ff
)

const (
	expErr  = 0xffff // OFPET_EXPERIMENTER, 1.2 and later
	nxetErr = 0xb0c2 // NXET_VENDOR, for 1.0 and 1.1
)

// errWire is an error's form in one version.
type errWire struct {
	vendor errVendor
	typ    uint16
	code   uint16
}

type errLine struct {
	name string
	wire [6]errWire
}

// String is the error's original name, such as "OFPBAC_BAD_OUT_PORT".
func (c ErrCode) String() string {
	if c == ErrUnknown || c >= numErrCodes {
		return "<invalid>"
	}
	return errTable[c].name
}

// Error is String.
func (c ErrCode) Error() string { return c.String() }

// ErrCodeByName finds the code of an original name.
func ErrCodeByName(name string) (ErrCode, bool) {
	for c := ErrUnknown + 1; c < numErrCodes; c++ {
		if errTable[c].name == name {
			return c, true
		}
	}
	return 0, false
}

// Error is an OpenFlow error with a text for the log.
type Error struct {
	Code ErrCode
	Text string // may be empty
	// Data is what the error message carries; nil: the beginning of the message that it answers.
	Data []byte
}

// Error is the code's name and the text.
func (e *Error) Error() string {
	if e.Text == "" {
		return e.Code.String()
	}
	return e.Code.String() + ": " + e.Text
}

// Unwrap returns the code, so that errors.Is(err, OFPBAC_BAD_TYPE) works.
func (e *Error) Unwrap() error { return e.Code }

// errf makes an *Error.
func errf(c ErrCode, format string, args ...any) error {
	return &Error{Code: c, Text: fmt.Sprintf(format, args...)}
}

// wire appends the error's type, code and vendor header for version v. An error that v lacks goes as NXBRC_UNENCODABLE_ERROR,
// as it does in Open vSwitch.
func (c ErrCode) wire(b []byte, v Version) []byte {
	var w errWire
	if c > ErrUnknown && c < numErrCodes && v >= OF10 && v <= OF15 {
		w = errTable[c].wire[v-1]
	}
	if w.vendor == none {
		w = errTable[NXBRC_UNENCODABLE_ERROR].wire[min(max(v, OF10), OF15)-1]
	}
	switch {
	case w.vendor == std:
		b = binary.BigEndian.AppendUint16(b, w.typ)
		return binary.BigEndian.AppendUint16(b, w.code)
	case v <= OF11: // Nicira: vendor header with an inner type and code
		b = binary.BigEndian.AppendUint16(b, nxetErr)
		b = binary.BigEndian.AppendUint16(b, 0) // NXVC_VENDOR_ERROR
		b = binary.BigEndian.AppendUint32(b, VendorNicira)
		b = binary.BigEndian.AppendUint16(b, w.typ)
		return binary.BigEndian.AppendUint16(b, w.code)
	}
	b = binary.BigEndian.AppendUint16(b, expErr)
	b = binary.BigEndian.AppendUint16(b, w.code)
	if w.vendor == onf {
		return binary.BigEndian.AppendUint32(b, VendorONF)
	}
	return binary.BigEndian.AppendUint32(b, VendorNicira)
}

// decodeError reads the body of an error message.
func decodeError(v Version, b []byte) (*ErrorMsg, error) {
	if len(b) < 4 {
		return nil, OFPBRC_BAD_LEN
	}
	m := &ErrorMsg{Type: binary.BigEndian.Uint16(b), Num: binary.BigEndian.Uint16(b[2:])}
	want := errWire{std, m.Type, m.Num}
	b = b[4:]
	switch {
	case v <= OF11 && m.Type == nxetErr && m.Num == 0:
		if len(b) < 8 {
			return nil, OFPBRC_BAD_LEN
		}
		m.Exp = binary.BigEndian.Uint32(b)
		m.Type, m.Num = binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:])
		want = errWire{vendorOf(m.Exp), m.Type, m.Num}
		b = b[8:]
	case v >= OF11 && m.Type == expErr:
		if len(b) < 4 {
			return nil, OFPBRC_BAD_LEN
		}
		m.Exp = binary.BigEndian.Uint32(b)
		want = errWire{vendorOf(m.Exp), expErr, m.Num}
		b = b[4:]
	}
	m.Data = append([]byte(nil), b...)
	if v < OF10 || v > OF15 || want.vendor == none {
		return m, nil
	}
	for c := ErrUnknown + 1; c < numErrCodes; c++ {
		if errTable[c].wire[v-1] == want {
			m.Code = c
			break
		}
	}
	return m, nil
}

func vendorOf(id uint32) errVendor {
	switch id {
	case VendorNicira:
		return nx
	case VendorONF:
		return onf
	}
	return none
}
