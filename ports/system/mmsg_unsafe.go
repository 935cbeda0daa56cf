package system

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"

	"govs/packet"
	"govs/ports/netdev"
)

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
	_   [4]byte
}

const (
	recvBatch = 16                                      // packets of one recvmmsg
	maxFrame  = 1<<16 + packet.EthHdrLen + 2*4          // the longest packet that a device hands over
	recvRoom  = netdev.VnetHdrLen + maxFrame + tagSpace // of one packet
	tagSpace  = packet.VLANHdrLen                       // in front, to put a VLAN tag back
	auxLen    = 20                                      // sizeof(struct tpacket_auxdata)
)

// receiver reads packets from a socket, several at a time. Its slices and headers live in the Go heap, and stay where
// they are: the kernel writes to them only within recvmmsg.
type receiver struct {
	msgs [recvBatch]mmsghdr
	iov  [recvBatch]unix.Iovec
	aux  [recvBatch][64]byte
	bufs []byte
	n, i int    // packets received and handed out
	lost uint64 // the kernel's drops so far; guarded by Port.mu
}

func newReceiver() *receiver {
	r := &receiver{bufs: make([]byte, recvBatch*recvRoom)}
	for i := range r.msgs {
		r.iov[i].Base = &r.bufs[i*recvRoom+tagSpace]
		r.iov[i].SetLen(recvRoom - tagSpace)
		r.msgs[i].hdr.Iov = &r.iov[i]
		r.msgs[i].hdr.SetIovlen(1)
		r.msgs[i].hdr.Control = &r.aux[i][0]
	}
	return r
}

// more says whether next has a packet without asking the kernel.
func (r *receiver) more() bool { return r.i < r.n }

// next returns the next packet, valid until the following call, and what its sender left to the device; false when there is none.
func (r *receiver) next(fd int) ([]byte, netdev.VnetHdr, bool) {
	if r.i >= r.n {
		r.i, r.n = 0, 0
		for i := range r.msgs {
			r.msgs[i].hdr.SetControllen(len(r.aux[i]))
		}
		for {
			n, _, e := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&r.msgs[0])), recvBatch, unix.MSG_DONTWAIT, 0, 0)
			if e == 0 {
				r.n = int(n)
				break
			}
			// ENETDOWN says once that the device went down; then there may be packets again.
			if e != unix.EINTR && e != unix.ENETDOWN {
				return nil, netdev.VnetHdr{}, false
			}
		}
	}
	i := r.i
	r.i++
	m := &r.msgs[i]
	at := i*recvRoom + tagSpace
	if m.n < netdev.VnetHdrLen || m.hdr.Flags&unix.MSG_TRUNC != 0 {
		return nil, netdev.VnetHdr{}, true
	}
	h := netdev.ParseVnetHdr(r.bufs[at:])
	frame := r.bufs[at+netdev.VnetHdrLen : at+int(m.n)]
	if tci, tpid, ok := vlanTag(r.aux[i][:min(len(r.aux[i]), int(m.hdr.Controllen))]); ok && len(frame) >= packet.EthHdrLen {
		start := at + netdev.VnetHdrLen - packet.VLANHdrLen
		f := r.bufs[start : at+int(m.n)]
		copy(f, f[packet.VLANHdrLen:packet.VLANHdrLen+packet.EthType])
		binary.BigEndian.PutUint16(f[packet.EthType:], tpid)
		binary.BigEndian.PutUint16(f[packet.EthType+2:], tci)
		frame = f
		h.CsumStart += packet.VLANHdrLen
		h.HdrLen += packet.VLANHdrLen
	}
	return frame, h, true
}

// vlanTag finds the tag that the kernel took off in a packet's control messages (struct tpacket_auxdata, packet(7)).
func vlanTag(control []byte) (tci, tpid uint16, ok bool) {
	const (
		vlanValid = 1 << 4 // TP_STATUS_VLAN_VALID
		tpidValid = 1 << 6 // TP_STATUS_VLAN_TPID_VALID
	)
	hdr := unix.CmsgLen(0)
	if len(control) < hdr+auxLen {
		return 0, 0, false
	}
	level := int(binary.NativeEndian.Uint32(control[8:]))
	kind := int(binary.NativeEndian.Uint32(control[12:]))
	if level != unix.SOL_PACKET || kind != unix.PACKET_AUXDATA {
		return 0, 0, false
	}
	aux := control[hdr:]
	status := binary.NativeEndian.Uint32(aux)
	tci = binary.NativeEndian.Uint16(aux[16:])
	tpid = binary.NativeEndian.Uint16(aux[18:])
	if status&vlanValid == 0 && tci == 0 {
		return 0, 0, false
	}
	if status&tpidValid == 0 {
		tpid = packet.EtherTypeVLAN
	}
	return tci, tpid, true
}

// drops adds up the kernel's count of packets that did not fit the socket's queue, which it clears when it is read.
func (r *receiver) drops(fd int) uint64 {
	if s, err := unix.GetsockoptTpacketStats(fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
		r.lost += uint64(s.Drops)
	}
	return r.lost
}

// sender writes a burst with one sendmmsg. The packets' bytes are outside the Go heap.
type sender struct {
	msgs [packet.BatchSize]mmsghdr
	iov  [8 * packet.BatchSize]unix.Iovec
}

func newSender() *sender { return new(sender) }

// send sends the packets of b and returns how many the kernel took. A packet that it refuses is passed over.
func (s *sender) send(fd int, b *packet.Batch) int {
	n, v := 0, 0
	for _, p := range b.Bufs[:b.N] {
		first := v
		for q := p; q != nil && v < len(s.iov); q = q.Next() {
			s.iov[v].Base = (*byte)(q.Data())
			s.iov[v].SetLen(q.SegLen())
			v++
		}
		if v-first < p.Segs() { // more segments than we have room for
			v = first
			continue
		}
		s.msgs[n].hdr.Iov = &s.iov[first]
		s.msgs[n].hdr.SetIovlen(v - first)
		n++
	}
	sent := 0
	for i := 0; i < n; {
		k, _, e := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&s.msgs[i])), uintptr(n-i), unix.MSG_DONTWAIT, 0, 0)
		switch {
		case e == unix.EINTR:
		case e == unix.EAGAIN || e == unix.ENOBUFS || e == unix.ENETDOWN || e == unix.ENXIO:
			return sent
		case e != 0:
			i++ // e.g. EMSGSIZE: this packet is longer than the device's MTU allows
		default:
			i += int(k)
			sent += int(k)
		}
	}
	return sent
}
