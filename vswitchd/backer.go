package vswitchd

import (
	"strings"

	"govs/dpif"
	"govs/ofproto"
	"govs/ports"
)

// Backer is one datapath with the OpenFlow switch on it. All bridges of one datapath type share a Backer.
type Backer struct {
	Type     string // "netdev", "system", "dummy"
	Datapath dpif.Datapath
	Switch   *ofproto.Switch
	// Dummy says that the datapath numbers its ports as the original's dummy datapath does.
	Dummy bool
	// Own is the datapath's own port (port 0, "ovs-netdev"), closed with the Backer.
	Own ports.Port
	// OnClose, if not nil, is called before the Backer is closed.
	OnClose func()
}

// Name is the datapath's name, such as "ovs-netdev".
func (b *Backer) Name() string { return "ovs-" + b.Type }

// close stops the switch and the datapath. All bridges must be gone.
func (b *Backer) close() {
	if b.OnClose != nil {
		b.OnClose()
	}
	b.Switch.Close()
	if b.Own != nil {
		_ = b.Datapath.PortDel(dpif.PortLocal)
		_ = b.Own.Close()
	}
	_ = b.Datapath.Close()
}

// wantedNumber is the datapath port number to ask for. A dummy datapath derives it from the digits at the end of the port's
// name, so that tests can tell numbers in advance: p3 is 3 and br0 is 100. Others take any free number.
func (b *Backer) wantedNumber(name string, taken func(dpif.PortNo) bool) dpif.PortNo {
	if !b.Dummy {
		return dpif.PortNone
	}
	start := dpif.PortNo(0)
	if strings.HasPrefix(name, "br") {
		start = 100
	}
	i := strings.IndexAny(name, "0123456789")
	if i < 0 {
		return dpif.PortNone
	}
	n := dpif.PortNo(0)
	for ; i < len(name) && name[i] >= '0' && name[i] <= '9'; i++ {
		n = n*10 + dpif.PortNo(name[i]-'0')
		if n > 1<<16 {
			return dpif.PortNone
		}
	}
	n += start
	if n == 0 || taken(n) {
		return dpif.PortNone
	}
	return n
}
