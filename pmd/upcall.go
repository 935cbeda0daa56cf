package pmd

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"govs/dpif"
)

// handler is what one caller of Recv serves: an inbox that pollers push to, and the upcalls that were taken from it, by port.
type handler struct {
	inbox    atomic.Pointer[upcall] // stack; anybody pushes, Recv takes it whole
	sleeping atomic.Bool            // Recv sleeps or is about to and will look at the inboxes first
	event    *os.File               // eventfd that ends the sleep
	fd       int                    // the same; handlers are never closed

	mu    sync.Mutex // guards everything below
	ports []portQueue
	turn  int // index of the next port to serve
	n     int // upcalls in ports
}

// portQueue holds one port's upcalls, linked by next, oldest first.
type portQueue struct {
	no          dpif.PortNo
	first, last *upcall
}

func newHandler() (*handler, error) {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return &handler{event: os.NewFile(uintptr(fd), "upcall handler"), fd: fd}, nil
}

func (h *handler) push(u *upcall) {
	for {
		top := h.inbox.Load()
		u.next = top
		if h.inbox.CompareAndSwap(top, u) {
			return
		}
	}
}

// wake ends the sleep of the handler's Recv.
func (h *handler) wake() {
	one := [8]byte{0: 1}
	_, _ = h.event.Write(one[:])
}

// post gives u to its handler, which is woken by wakeHandlers.
func (p *poller) post(u *upcall) {
	h := (*p.d.handlers.Load())[uint32(u.hash>>32)%uint32(p.d.nHandlers.Load())]
	h.push(u)
	p.notify = append(p.notify, h)
}

// wakeHandlers wakes the handlers that have been given upcalls and sleep.
func (p *poller) wakeHandlers() {
	for i, h := range p.notify {
		if h.sleeping.Load() && h.sleeping.CompareAndSwap(true, false) {
			signalEvent(h.fd)
		}
		p.notify[i] = nil
	}
	p.notify = p.notify[:0]
}

// collect moves the upcalls of an inbox to the queues of their ports. h.mu is held.
func (h *handler) collect(from *handler) {
	var first *upcall
	for u := from.inbox.Swap(nil); u != nil; {
		next := u.next
		u.next = first
		first = u
		u = next
	}
	for u := first; u != nil; {
		next := u.next
		u.next = nil
		i := 0
		for i < len(h.ports) && h.ports[i].no != u.no {
			i++
		}
		if i == len(h.ports) {
			h.ports = append(h.ports, portQueue{no: u.no})
		}
		if q := &h.ports[i]; q.first == nil {
			q.first, q.last = u, u
		} else {
			q.last.next, q.last = u, u
		}
		h.n++
		u = next
	}
}

// take fills us with upcalls, one from each port in turn. h.mu is held.
func (h *handler) take(us []*dpif.Upcall) int {
	n := 0
	for n < len(us) && h.n > 0 {
		if h.turn >= len(h.ports) {
			h.turn = 0
		}
		q := &h.ports[h.turn]
		u := q.first
		if u == nil { // a port without upcalls keeps no queue
			h.ports = append(h.ports[:h.turn], h.ports[h.turn+1:]...)
			continue
		}
		us[n] = &u.Upcall
		q.first, u.next = u.next, nil
		h.n--
		h.turn++
		n++
	}
	return n
}

// Recv implements dpif.Datapath.
func (d *Datapath) Recv(ctx context.Context, index int, us []*dpif.Upcall) (int, error) {
	h, err := d.handler(index)
	if err != nil {
		return 0, err
	}
	for {
		h.mu.Lock()
		// The inboxes of handlers that SetHandlers took away are served too.
		for i, from := range *d.handlers.Load() {
			if i%int(d.nHandlers.Load()) == index {
				h.collect(from)
			}
		}
		n := h.take(us)
		h.mu.Unlock()
		if n > 0 {
			return n, nil
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if d.closed.Load() {
			return 0, os.ErrClosed
		}
		if !h.sleeping.Load() {
			h.sleeping.Store(true)
			continue // look once more: an upcall may have come before sleeping was set
		}
		stop := context.AfterFunc(ctx, h.wake)
		var buf [8]byte
		_, _ = h.event.Read(buf[:])
		stop()
		h.sleeping.Store(false)
	}
}

// handler returns handler index, which it makes if SetHandlers has not been called yet.
func (d *Datapath) handler(index int) (*handler, error) {
	hs := *d.handlers.Load()
	if index < 0 || index >= len(hs) {
		return nil, fmt.Errorf("handler %d: there are %d", index, len(hs))
	}
	return hs[index], nil
}

// SetHandlers implements dpif.Datapath. Handlers are never taken away, only no longer chosen.
func (d *Datapath) SetHandlers(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n = max(n, 1)
	hs := append([]*handler(nil), *d.handlers.Load()...)
	for len(hs) < n {
		h, err := newHandler()
		if err != nil {
			d.opt.Logf("upcall handlers: %v; going on with %d", err, len(hs))
			n = len(hs)
			break
		}
		hs = append(hs, h)
	}
	d.handlers.Store(&hs)
	d.nHandlers.Store(int32(n))
	for _, h := range hs {
		h.wake() // to look at the inboxes that are theirs now
	}
}

// Post implements dpif.Datapath. What can be computed without the poller is computed here, on the handler's goroutine.
func (d *Datapath) Post(up *dpif.Upcall, v dpif.Verdict) {
	u := up.Priv.(*upcall)
	c := &u.cmd
	*c = command{kind: cmdVerdict, up: u}
	u.verdict = v
	if v.Install {
		u.verdict.Mask = megaflowMask(v.Mask)
		c.flow = dpif.NewFlow(u.Poller, &u.key, u.KeyLen, v.Actions, v.Owner)
		u.p.store.Prepare()
		u.p.flows.prepare()
	}
	u.p.send(c)
}

// Done implements dpif.Datapath.
func (d *Datapath) Done(up *dpif.Upcall) {
	u := up.Priv.(*upcall)
	u.cmd = command{kind: cmdDone, up: u}
	u.p.send(&u.cmd)
}
