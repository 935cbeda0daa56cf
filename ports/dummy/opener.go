package dummy

import (
	"fmt"
	"net"
	"slices"
	"sort"
	"strconv"
	"sync"
	"time"

	"govs/ports"
)

// Opener opens dummy ports and finds them by name for the netdev-dummy commands.
type Opener struct {
	types []string
	now   func() time.Time
	logf  func(format string, args ...any)

	mu   sync.Mutex       // guards next and open
	next uint32           // number of ports opened so far: the low bits of the next default address
	open map[string]*Port // open ports by name
}

// NewOpener returns an Opener for the types dummy, dummy-internal and dummy-pmd, and for the types in override, which
// --enable-dummy=override and =system take over from the real implementations. now stamps captured packets
// (nil: time.Now); logf gets warnings (nil: none).
func NewOpener(override []string, now func() time.Time, logf func(format string, args ...any)) *Opener {
	if now == nil {
		now = time.Now
	}
	if logf == nil {
		logf = func(string, ...any) {}
	}
	types := append([]string{"dummy", "dummy-internal", "dummy-pmd"}, override...)
	return &Opener{types: types, now: now, logf: logf, open: map[string]*Port{}}
}

// Types implements ports.Opener.
func (o *Opener) Types() []string { return slices.Clone(o.types) }

// Lookup returns the open port of that name, or nil.
func (o *Opener) Lookup(name string) *Port {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.open[name]
}

// All returns the open ports in name order.
func (o *Opener) All() []*Port {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := make([]*Port, 0, len(o.open))
	for _, p := range o.open {
		all = append(all, p)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].name < all[j].name })
	return all
}

// Open implements ports.Opener.
func (o *Opener) Open(c ports.Config) (ports.Port, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, exists := o.open[c.Name]; exists {
		return nil, fmt.Errorf("could not open network device %s (File exists)", c.Name)
	}
	mac := c.MAC
	if mac == nil {
		mac = net.HardwareAddr{0xaa, 0x55, 0xaa, 0x55, byte(o.next >> 8), byte(o.next)}
		o.next++
	}
	p, err := newPort(o, c, mac)
	if err != nil {
		return nil, err
	}
	o.open[c.Name] = p
	return p, nil
}

// SetAdminState is netdev-dummy/set-admin-state: of the port name, or of all ports when name is empty.
func (o *Opener) SetAdminState(name string, up bool) error {
	if name == "" {
		for _, p := range o.All() {
			_ = p.SetAdminUp(up)
		}
		return nil
	}
	p := o.Lookup(name)
	if p == nil {
		return fmt.Errorf("Unknown Dummy Interface")
	}
	return p.SetAdminUp(up)
}

func (o *Opener) forget(p *Port) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.open[p.name] == p {
		delete(o.open, p.name)
	}
}

// positive reads a count option; def when it is missing or not a positive number.
func positive(options map[string]string, key string, def int) int {
	if n, err := strconv.Atoi(options[key]); err == nil && n > 0 {
		return n
	}
	return def
}
