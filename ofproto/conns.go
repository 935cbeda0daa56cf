package ofproto

import (
	"cmp"
	"slices"
	"time"

	"govs/ofproto/conn"
)

// configureConns brings the connections to the bridge's configuration.
func (b *Bridge) configureConns(c *BridgeConfig) {
	cfg := conn.Config{Versions: c.Protocols}
	for _, t := range c.Controllers {
		probe := time.Duration(t.Probe) * time.Millisecond
		cfg.Controllers = append(cfg.Controllers, conn.Controller{
			Target: t.Target, MaxBackoff: time.Duration(t.MaxBackoff) * time.Millisecond, Probe: probe,
			RateLimit: t.RateLimit, BurstLimit: t.BurstLimit, Async: t.AsyncMessage, Service: t.Type == "service",
		})
	}
	b.conns.Configure(cfg)
}

func (b *Bridge) closeConns() { b.conns.Close() }

// wantMiss says whether some connection wants a packet_in for packets that miss in a table.
func (b *Bridge) wantMiss() bool { return b.conns.PacketInOnMiss() }

// Controllers returns the state of the configured controllers, sorted by target.
func (b *Bridge) Controllers() []ControllerStatus {
	var out []ControllerStatus
	for _, s := range b.conns.Status() {
		out = append(out, ControllerStatus(s))
	}
	slices.SortFunc(out, func(x, y ControllerStatus) int { return cmp.Compare(x.Target, y.Target) })
	return out
}
