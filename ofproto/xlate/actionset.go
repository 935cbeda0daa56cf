package xlate

import "govs/openflow"

// writeActions adds to the action set (OpenFlow 1.3 section 5.10).
func (c *Ctx) writeActions(list []openflow.Action) {
	c.set = append(c.set, list...)
	for _, a := range list {
		switch a := a.(type) {
		case *openflow.Output:
			c.flow.SetActsetOutput(a.Port.Wire32())
		case *openflow.Group:
			c.flow.SetActsetOutput(openflow.PortUnset.Wire32())
		}
	}
	if c.tr != nil {
		exec := c.setOrder()
		text := "drop"
		if len(exec) > 0 {
			text = string(appendActions(nil, exec, c.portNames()))
		}
		c.detail("action set is: %s", text)
	}
}

// setRank is the place of an action in the execution of an action set; 0: it may not be in one.
func setRank(a openflow.Action) int {
	switch a.(type) {
	case *openflow.StripVLAN:
		return 1
	case *openflow.PopMPLS:
		return 2
	case *openflow.Decap:
		return 3
	case *openflow.Encap:
		return 4
	case *openflow.PushMPLS:
		return 5
	case *openflow.PushVLAN:
		return 6
	case *openflow.DecTTL:
		return 7
	case *openflow.DecMPLSTTL:
		return 8
	case *openflow.DecNSHTTL:
		return 9
	case *openflow.SetField, *openflow.RegMove, *openflow.SetVLANVID, *openflow.SetVLANPCP, *openflow.SetTTL, *openflow.SetTunnel,
		*openflow.SetMPLSLabel, *openflow.SetMPLSTC, *openflow.SetMPLSTTL:
		return rankSet
	case *openflow.SetQueue:
		return 11
	case *openflow.Group:
		return rankGroup
	case *openflow.Output, *openflow.Controller:
		return rankOutput
	case *openflow.Resubmit:
		return rankResubmit
	case *openflow.CT:
		return rankCT
	}
	return 0
}

const (
	rankSet      = 10 // all of these are kept, in order; of the others the last
	rankGroup    = 12
	rankOutput   = 13
	rankResubmit = 14
	rankCT       = 15
)

// InActionSet says whether the action may be written to an action set.
func InActionSet(a openflow.Action) bool { return setRank(a) != 0 }

// setOrder is the action set as it is executed: of each kind the action that was written last, then one output.
// Without an output nothing is executed.
func (c *Ctx) setOrder() []openflow.Action {
	return SetOrder(c.set)
}

// SetOrder orders a list of written actions as an action set is executed.
func SetOrder(written []openflow.Action) []openflow.Action {
	var out []openflow.Action
	last := func(rank int) bool {
		for i := len(written) - 1; i >= 0; i-- {
			if setRank(written[i]) == rank {
				out = append(out, written[i])
				return true
			}
		}
		return false
	}
	for rank := 1; rank < rankSet; rank++ {
		last(rank)
	}
	for _, a := range written {
		if setRank(a) == rankSet {
			out = append(out, a)
		}
	}
	last(rankSet + 1)
	for _, rank := range []int{rankGroup, rankOutput, rankResubmit, rankCT} {
		if last(rank) {
			return out
		}
	}
	return nil
}

// runActionSet executes the action set at the end of the pipeline.
func (c *Ctx) runActionSet() {
	if len(c.set) == 0 {
		return
	}
	list := c.setOrder()
	c.set = c.set[:0]
	var back *node
	if c.tr != nil {
		back = c.tr.cur
		if n := len(back.subs); n > 0 && back.subs[n-1].kind == nodeTable {
			c.tr.cur = back.subs[n-1] // it stands among the actions of the bridge's first table
		}
		c.tr.enter(nodeTable, "--. Executing action set:")
	}
	c.inSet, c.exit = true, false
	c.depth++
	c.doActions(list, true)
	c.depth--
	c.inSet = false
	if c.tr != nil {
		c.tr.leave(back)
	}
}
