package ofproto

import (
	"time"

	"govs/classifier/oftable"
	"govs/flow"
	"govs/ofproto/xlate"
	"govs/openflow"
)

// failOpenAfter is how long a standalone bridge waits for a controller before it forwards by itself: three times the inactivity
// probe interval (ovs-vswitchd.conf.db(5), fail_mode).
const failOpenAfter = 15 * time.Second

// failOpenPriority is above every priority that OpenFlow can express.
const failOpenPriority = 0xf0f0f0

// failOpen makes a standalone bridge whose controllers are all away a learning switch, by a hidden rule above all others, and takes
// the rule back when a controller has come.
func (b *Bridge) failOpen() {
	configured, connected, since := b.conns.Primaries()
	away := b.sw.opt.Clock.Since(since)
	b.sw.mu.Lock()
	defer b.sw.mu.Unlock()
	want := !b.deleted && b.cfg.FailMode == FailStandalone && configured && !connected && away >= failOpenAfter
	if want == (b.failRule != nil) {
		return
	}
	c := b.begin()
	if want {
		r := oftable.NewRule[xlate.RuleData](&flow.Match{}, failOpenPriority)
		now := b.sw.now()
		r.Data = xlate.RuleData{
			Stats: &xlate.RuleStats{}, Flags: openflow.FlowHidden, Created: now, Modified: now,
			Actions: []openflow.Action{&openflow.Output{Port: openflow.PortNormal}},
		}
		c.insert(r, nil)
		b.failRule = r
		b.sw.opt.Logf("fail_open", "warn", "%s: could not connect to controller (or switch failed controller's post-connection admission control policy) for %d seconds, failing open",
			b.name, int(away.Seconds()))
	} else {
		c.remove(b.failRule)
		b.failRule = nil
		b.sw.opt.Logf("fail_open", "warn", "%s: no longer in fail-open mode", b.name)
	}
	c.commit()
}
