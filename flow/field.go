package flow

//go:generate go run ./gen -o fields_gen.go

// FieldID names one field of the field table.
type FieldID uint8

// Form is the text form of a field's value.
type Form uint8

// Text forms.
const (
	FormDec        Form = iota // decimal, masks in hexadecimal
	FormHex                    // hexadecimal
	FormEth                    // Ethernet address
	FormIPv4                   // IPv4 address, masks as prefix length or dotted quad
	FormIPv6                   // IPv6 address, masks as prefix length or address
	FormPort                   // OpenFlow port number or name
	FormFrag                   // fragment keyword
	FormTCPFlags               // tcp_flags=+syn-ack
	FormCtState                // ct_state=+trk-new
	FormTunFlags               // tun_flags=+oam
	FormPacketType             // packet_type=(1,0x800)
)

// Prereq is what must hold of a match before a field may be matched or set.
type Prereq uint8

// Prerequisites, as ovs-fields(7) names them.
const (
	PrereqNone      Prereq = iota
	PrereqEth              // an Ethernet packet
	PrereqVLAN             // a VLAN tag is there
	PrereqIPv4             // eth_type 0x0800
	PrereqIPv6             // eth_type 0x86dd
	PrereqIP               // IPv4 or IPv6
	PrereqMPLS             // eth_type 0x8847 or 0x8848
	PrereqARP              // eth_type 0x0806 or 0x8035
	PrereqNSH              // eth_type 0x894f
	PrereqTCP              // IP and nw_proto 6
	PrereqUDP              // IP and nw_proto 17
	PrereqSCTP             // IP and nw_proto 132
	PrereqICMPv4           // IPv4 and nw_proto 1
	PrereqICMPv6           // IPv6 and nw_proto 58
	PrereqND               // ICMPv6 type 135 or 136, code 0
	PrereqNDSolicit        // ICMPv6 type 135, code 0
	PrereqNDAdvert         // ICMPv6 type 136, code 0
	PrereqCT               // a tracked IP packet
	PrereqCT4              // a tracked IPv4 packet
	PrereqCT6              // a tracked IPv6 packet
)

// OXM is one number by which a field goes on the wire.
type OXM struct {
	Class        uint16 // OXM class; 0xffff is the experimenter class
	Field        uint8  // field number in the class, 0 to 127
	Experimenter uint32 // experimenter id for class 0xffff, else 0
	MinVersion   uint8  // lowest OpenFlow wire version that has it; 0 for Nicira extensions, usable with all
	Name         string // its symbolic name, e.g. OXM_OF_IN_PORT
}

// Field is one line of the field table. It is read-only and may be used from any goroutine.
type Field struct {
	ID       FieldID
	Name     string   // its first name; "" if it cannot be named in a match
	Aliases  []string // its other names
	Word     uint8    // index of its (first) word in a Key
	Shift    uint8    // position of its least significant bit in that word
	Width    uint8    // its bits in the key; 128-bit fields take two words, high half first
	Bits     uint8    // its bits on the wire; more than Width where the high bits must be zero
	Maskable bool     // whether arbitrary masks are allowed
	Prereq   Prereq   // what must hold before it may be matched or set
	Writable bool     // whether OpenFlow actions may set it
	Form     Form     // its text form
	Overlay  bool     // whether it shares its bits with a field that owns them
	Valid    uint64   // its bits that may be ones, e.g. 20 for ipv6_label; the low half of a 128-bit field
	OXM      []OXM    // its wire numbers; the last one that a version allows is preferred
}

// Info returns the field table's line for id, which must be below NumFields.
func (id FieldID) Info() *Field { return &fields[id] }

// String returns the field's first name.
func (id FieldID) String() string { return fields[id].Name }

// Fields returns the whole field table in the order of FieldID. The caller must not write to it.
func Fields() []Field { return fields[:] }

// FieldByOXM returns the field with that class, number and experimenter (0 unless class is 0xffff).
func FieldByOXM(class uint16, field uint8, experimenter uint32) (FieldID, bool) {
	for i := range fields {
		for _, o := range fields[i].OXM {
			if o.Class == class && o.Field == field && o.Experimenter == experimenter {
				return FieldID(i), true
			}
		}
	}
	return 0, false
}

// ones returns w one bits.
func ones(w uint8) Value {
	switch {
	case w >= 128:
		return Value{^uint64(0), ^uint64(0)}
	case w > 64:
		return Value{1<<(w-64) - 1, ^uint64(0)}
	case w == 64:
		return Value{0, ^uint64(0)}
	}
	return Value{0, 1<<w - 1}
}

// AllOnes returns the field's exact-match mask: all the bits that may be ones.
func (f *Field) AllOnes() Value {
	if f.Width > 64 {
		return Value{ones(f.Width).Hi, f.Valid}
	}
	return Value{0, f.Valid}
}

// get reads the field from an array of words.
func (f *Field) get(w *[Words]uint64) Value {
	if f.Width == 128 {
		return Value{w[f.Word], w[f.Word+1]}
	}
	return Value{0, w[f.Word] >> f.Shift & ones(f.Width).Lo}
}

// set writes the field in an array of words; bits above its width are ignored.
func (f *Field) set(w *[Words]uint64, v Value) {
	if f.Width == 128 {
		w[f.Word], w[f.Word+1] = v.Hi, v.Lo
		return
	}
	m := ones(f.Width).Lo
	w[f.Word] = w[f.Word]&^(m<<f.Shift) | v.Lo&m<<f.Shift
}

// Get returns the field's value in k.
func (k *Key) Get(id FieldID) Value { return fields[id].get((*[Words]uint64)(k)) }

// Set sets the field's value in k; bits of v above the field's width are ignored.
func (k *Key) Set(id FieldID, v Value) { fields[id].set((*[Words]uint64)(k), v) }

// Get returns the field's mask in m.
func (m *Mask) Get(id FieldID) Value { return fields[id].get((*[Words]uint64)(m)) }

// Set sets the field's mask in m; bits of v above the field's width are ignored.
func (m *Mask) Set(id FieldID, v Value) { fields[id].set((*[Words]uint64)(m), v) }

// SetExact adds every bit of the field to m.
func (m *Mask) SetExact(id FieldID) {
	f := &fields[id]
	f.set((*[Words]uint64)(m), f.get((*[Words]uint64)(m)).Or(f.AllOnes()))
}
