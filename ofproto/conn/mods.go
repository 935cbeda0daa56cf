package conn

import (
	"fmt"
	"time"

	"govs/openflow"
)

// modSummary is how long after the first flow_mod of a series the log tells of them.
const modSummary = 10 * time.Second

// modCount counts flow_mods for the summary in the log.
type modCount struct {
	n           [3]int // adds, deletes, modifications
	first, last int64  // seconds
	timer       bool
}

// countMod counts a flow_mod; a summary is logged 10 seconds after the first, and at least when the connection ends.
func (c *Conn) countMod(cmd openflow.FlowModCommand) {
	now := c.m.opts.Clock.Now().Unix()
	c.mu.Lock()
	defer c.mu.Unlock()
	k := 0
	switch cmd {
	case openflow.FlowDelete, openflow.FlowDeleteStrict:
		k = 1
	case openflow.FlowModify, openflow.FlowModifyStrict:
		k = 2
	}
	if c.mods.n == [3]int{} {
		c.mods.first = now
	}
	c.mods.n[k]++
	c.mods.last = now
	if !c.mods.timer {
		c.mods.timer = true
		c.m.opts.Clock.AfterFunc(modSummary, c.logMods)
	}
}

// logMods logs how many flow_mods have come since the last summary.
func (c *Conn) logMods() {
	c.mu.Lock()
	mods := c.mods
	c.mods = modCount{}
	now := c.m.opts.Clock.Now().Unix()
	c.mu.Unlock()
	total := mods.n[0] + mods.n[1] + mods.n[2]
	if total == 0 {
		return
	}
	text := ""
	for i, what := range []string{"adds", "deletes", "modifications"} {
		if mods.n[i] > 0 {
			if text != "" {
				text += ", "
			}
			text += fmt.Sprintf("%d %s", mods.n[i], what)
		}
	}
	when := ""
	switch {
	case mods.first == mods.last && now == mods.last:
		when = "in the last 0 s"
	case mods.first == mods.last:
		when = fmt.Sprintf("%d s ago", now-mods.first)
	case now-mods.last > 0:
		when = fmt.Sprintf("in the %d s starting %d s ago", mods.last-mods.first, now-mods.first)
	default:
		when = fmt.Sprintf("in the last %d s", now-mods.first)
	}
	c.m.opts.Logf("connmgr", "info", "%s: %d flow_mods %s (%s)", c.name, total, when, text)
}
