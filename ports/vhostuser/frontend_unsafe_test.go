//go:build dpdk

package vhostuser

import (
	"encoding/binary"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Requests and feature bits of the vhost-user protocol and of virtio.
const (
	reqGetFeatures         = 1
	reqSetFeatures         = 2
	reqSetOwner            = 3
	reqSetMemTable         = 5
	reqSetVringNum         = 8
	reqSetVringAddr        = 9
	reqSetVringBase        = 10
	reqGetVringBase        = 11
	reqSetVringKick        = 12
	reqSetVringCall        = 13
	reqGetProtocolFeatures = 15
	reqSetProtocolFeatures = 16
	reqSetVringEnable      = 18

	flagReply     = 4
	flagNeedReply = 8

	featMergeable = 1 << 15
	featLogAll    = 1 << 26
	featIndirect  = 1 << 28
	featEventIdx  = 1 << 29
	featProtocol  = 1 << 30
	featVersion1  = 1 << 32

	descNext     = 1
	descWrite    = 2
	descIndirect = 4
)

// Where the frontend's memory has what.
const (
	ringSize   = 64
	bufLen     = 16384
	ringStride = 0x4000 // descriptors, at 0x2000 the avail ring, at 0x3000 the used ring
	tables     = 0x8000 // indirect tables, 64 bytes for each descriptor of both rings
	buffers    = 0x10000
	memLen     = buffers + 2*ringSize*bufLen
	guestBase  = 0x40000000     // guest-physical address
	userBase   = 0x7f0000000000 // the frontend's own address, as it tells
)

// The guest's queues.
const (
	rxRing = 0
	txRing = 1
)

// frontend is the guest's side of a vhost-user connection whose rings the test writes itself, well or badly. One goroutine uses it.
type frontend struct {
	t        testing.TB
	conn     *net.UnixConn
	memfd    int
	mem      []byte
	features uint64
	hdr      int // length of a packet's header
	call     [2]int
	kick     [2]int
	avail    [2]uint16 // what was posted
}

// dial connects to a port's socket, negotiates the features and starts both rings.
func dial(t testing.TB, path string, features uint64) *frontend {
	t.Helper()
	f := &frontend{t: t, hdr: 10, features: features | featProtocol}
	if features&(featMergeable|featVersion1) != 0 {
		f.hdr = 12
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	f.conn = c.(*net.UnixConn)
	if f.memfd, err = unix.MemfdCreate("frontend", unix.MFD_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	if err := unix.Ftruncate(f.memfd, memLen); err != nil {
		t.Fatal(err)
	}
	if f.mem, err = unix.Mmap(f.memfd, 0, memLen, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		for _, fd := range []*int{&f.call[i], &f.kick[i]} {
			if *fd, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Cleanup(f.close)
	if offered := f.get(reqGetFeatures, nil); offered&f.features != f.features {
		t.Fatalf("features %#x are offered, want %#x", offered, f.features)
	}
	f.send(reqSetOwner, nil)
	f.get(reqGetProtocolFeatures, nil)
	f.send(reqSetProtocolFeatures, u64(1<<3)) // REPLY_ACK
	f.set(reqSetFeatures, u64(f.features))
	f.memTable(1)
	for i := range 2 {
		f.start(i, 0)
	}
	return f
}

// close ends the connection without a goodbye.
func (f *frontend) close() {
	if f.mem == nil {
		return
	}
	f.conn.Close()
	_ = unix.Munmap(f.mem)
	f.mem = nil
	for _, fd := range []int{f.memfd, f.call[0], f.call[1], f.kick[0], f.kick[1]} {
		_ = unix.Close(fd)
	}
}

// reset empties both rings and writes their descriptors' default: one buffer each.
func (f *frontend) reset(ring int) {
	clear(f.mem[ring*ringStride : (ring+1)*ringStride])
	f.avail[ring] = 0
	f.plain(ring)
}

func (f *frontend) plain(ring int) {
	for i := range ringSize {
		f.desc(ring, i, f.buf(ring, i), bufLen, 0, 0)
	}
}

// memTable tells of the memory, in so many regions; it is mapped anew then.
func (f *frontend) memTable(regions int) {
	b := binary.LittleEndian.AppendUint64(nil, uint64(regions))
	at := 0
	var fds []int
	for i := range regions {
		n := buffers + (i+1)*ringSize*bufLen/regions*2 - at
		for _, v := range []int{guestBase + at, n, userBase + at, at} {
			b = binary.LittleEndian.AppendUint64(b, uint64(v))
		}
		fds = append(fds, f.memfd)
		at += n
	}
	f.set(reqSetMemTable, b, fds...)
}

// start starts a ring whose first entry is at base.
func (f *frontend) start(ring int, base uint16) {
	f.t.Helper()
	if base == 0 {
		f.reset(ring)
	}
	f.set(reqSetVringNum, state(ring, ringSize))
	f.set(reqSetVringBase, state(ring, uint32(base)))
	a := userBase + uint64(ring*ringStride)
	b := state(ring, 0)
	for _, v := range []uint64{a, a + 0x3000, a + 0x2000, 0} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	f.set(reqSetVringAddr, b)
	f.set(reqSetVringCall, u64(uint64(ring)), f.call[ring])
	f.set(reqSetVringKick, u64(uint64(ring)), f.kick[ring])
	f.enable(ring, true)
}

func (f *frontend) enable(ring int, on bool) {
	f.t.Helper()
	n := uint32(0)
	if on {
		n = 1
	}
	f.set(reqSetVringEnable, state(ring, n))
}

func u64(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }
func state(ring int, v uint32) []byte {
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, uint32(ring)), v)
}

func (f *frontend) write(request, flags uint32, body []byte, fds ...int) {
	f.t.Helper()
	b := binary.LittleEndian.AppendUint32(nil, request)
	b = binary.LittleEndian.AppendUint32(b, 1|flags)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(body)))
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	if _, _, err := f.conn.WriteMsgUnix(append(b, body...), oob, nil); err != nil {
		f.t.Fatal("vhost-user: ", err)
	}
}

func (f *frontend) read() []byte {
	f.t.Helper()
	_ = f.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	b := make([]byte, 256)
	n, err := f.conn.Read(b)
	if err != nil || n < 20 || binary.LittleEndian.Uint32(b[4:])&flagReply == 0 {
		f.t.Fatalf("vhost-user: answer % x: %v", b[:n], err)
	}
	return b[12:n]
}

// send sends a message that has no answer, set one that is acknowledged, get one that has an answer.
func (f *frontend) send(request uint32, body []byte) { f.t.Helper(); f.write(request, 0, body) }

func (f *frontend) set(request uint32, body []byte, fds ...int) {
	f.t.Helper()
	f.write(request, flagNeedReply, body, fds...)
	if binary.LittleEndian.Uint64(f.read()) != 0 {
		f.t.Fatalf("vhost-user: request %d failed", request)
	}
}

func (f *frontend) get(request uint32, body []byte) uint64 {
	f.t.Helper()
	f.write(request, 0, body)
	return binary.LittleEndian.Uint64(f.read())
}

// stop stops a ring and returns its position.
func (f *frontend) stop(ring int) uint16 {
	f.t.Helper()
	return uint16(f.get(reqGetVringBase, state(ring, 0)) >> 32)
}

// buf is the offset of the i-th buffer of a ring, table that of its indirect table.
func (f *frontend) buf(ring, i int) int   { return buffers + (ring*ringSize+i)*bufLen }
func (f *frontend) table(ring, i int) int { return tables + (ring*ringSize+i)*64 }

// descAt writes a descriptor at an offset of the memory, for what lies at another.
func (f *frontend) descAt(at, off, n int, flags, next uint16) {
	f.rawDesc(at, guestBase+uint64(off), uint32(n), flags, next)
}

func (f *frontend) rawDesc(at int, addr uint64, n uint32, flags, next uint16) {
	d := f.mem[at : at+16]
	binary.LittleEndian.PutUint64(d, addr)
	binary.LittleEndian.PutUint32(d[8:], n)
	binary.LittleEndian.PutUint16(d[12:], flags)
	binary.LittleEndian.PutUint16(d[14:], next)
}

func (f *frontend) desc(ring, i, off, n int, flags, next uint16) {
	if ring == rxRing {
		flags |= descWrite
	}
	f.descAt(ring*ringStride+16*i, off, n, flags, next)
}

func (f *frontend) word(off int) *uint32 { return (*uint32)(unsafe.Pointer(&f.mem[off])) }

// post makes heads available, as the last of which the ring's index may be moved by more.
func (f *frontend) post(ring int, heads ...uint16) {
	at := ring*ringStride + 0x2000
	for _, h := range heads {
		binary.LittleEndian.PutUint16(f.mem[at+4+2*int(f.avail[ring]%ringSize):], h)
		f.avail[ring]++
	}
	flags := atomic.LoadUint32(f.word(at)) & 0xffff
	atomic.StoreUint32(f.word(at), flags|uint32(f.avail[ring])<<16)
}

// quiet sets VRING_AVAIL_F_NO_INTERRUPT.
func (f *frontend) quiet(ring int, on bool) {
	v := uint32(f.avail[ring]) << 16
	if on {
		v |= 1
	}
	atomic.StoreUint32(f.word(ring*ringStride+0x2000), v)
}

// event sets the used index whose passing is signalled (VIRTIO_RING_F_EVENT_IDX).
func (f *frontend) event(ring int, idx uint16) {
	atomic.StoreUint32(f.word(ring*ringStride+0x2000+4+2*ringSize), uint32(idx))
}

// signals is how often the ring was signalled since the last call.
func (f *frontend) signals(ring int) uint64 {
	var b [8]byte
	if n, _ := unix.Read(f.call[ring], b[:]); n != 8 {
		return 0
	}
	return binary.LittleEndian.Uint64(b[:])
}

// used is the ring's used index, usedElem the head and length that its entry says.
func (f *frontend) used(ring int) uint16 {
	return uint16(atomic.LoadUint32(f.word(ring*ringStride+0x3000)) >> 16)
}

func (f *frontend) usedElem(ring int, idx uint16) (head, n int) {
	e := f.mem[ring*ringStride+0x3000+4+8*int(idx%ringSize):]
	return int(binary.LittleEndian.Uint32(e)), int(binary.LittleEndian.Uint32(e[4:]))
}

// A layout is a way to lay a packet's header and data out in descriptors.
type layout struct {
	name   string
	direct bool // whether the direct path takes it
	// lay writes the descriptors of buffer i, with room for n bytes of data, and returns where header and data are.
	lay func(f *frontend, ring, i, n int) (hdr int, data []int)
}

var layouts = []layout{
	{"one descriptor", true, func(f *frontend, ring, i, n int) (int, []int) {
		f.desc(ring, i, f.buf(ring, i), f.hdr+n, 0, 0)
		return f.buf(ring, i), []int{f.buf(ring, i) + f.hdr, n}
	}},
	{"header and data", true, func(f *frontend, ring, i, n int) (int, []int) {
		at := f.buf(ring, i)
		f.desc(ring, i, at, f.hdr, descNext, uint16(i+ringSize/2))
		f.desc(ring, i+ringSize/2, at+100, n, 0, 0)
		return at, []int{at + 100, n}
	}},
	{"indirect, one", true, func(f *frontend, ring, i, n int) (int, []int) {
		at, tab := f.buf(ring, i), f.table(ring, i)
		f.desc(ring, i, tab, 16, descIndirect, 0)
		f.descAt(tab, at, f.hdr+n, descWrite, 0)
		return at, []int{at + f.hdr, n}
	}},
	{"indirect, header and data", true, func(f *frontend, ring, i, n int) (int, []int) {
		at, tab := f.buf(ring, i), f.table(ring, i)
		f.desc(ring, i, tab, 32, descIndirect, 0)
		f.descAt(tab, at, f.hdr, descNext|descWrite, 1)
		f.descAt(tab+16, at+64, n, descWrite, 0)
		return at, []int{at + 64, n}
	}},
	{"three descriptors", false, func(f *frontend, ring, i, n int) (int, []int) {
		at, third := f.buf(ring, i), ringSize/3
		f.desc(ring, i, at, f.hdr, descNext, uint16(i+third))
		f.desc(ring, i+third, at+64, 20, descNext, uint16(i+2*third))
		f.desc(ring, i+2*third, at+128, n-20, 0, 0)
		return at, []int{at + 64, 20, at + 128, n - 20}
	}},
	{"header with some data", false, func(f *frontend, ring, i, n int) (int, []int) {
		at := f.buf(ring, i)
		f.desc(ring, i, at, f.hdr+7, descNext, uint16(i+ringSize/2))
		f.desc(ring, i+ringSize/2, at+64, n-7, 0, 0)
		return at, []int{at + f.hdr, 7, at + 64, n - 7}
	}},
	{"header in two", false, func(f *frontend, ring, i, n int) (int, []int) {
		at := f.buf(ring, i)
		f.desc(ring, i, at, f.hdr-4, descNext, uint16(i+ringSize/2))
		f.desc(ring, i+ringSize/2, at+f.hdr-4, n+4, 0, 0)
		return at, []int{at + f.hdr, n}
	}},
}

var chained = &layouts[4] // for rte_vhost

func (f *frontend) String() string { return fmt.Sprintf("features %#x", f.features) }
