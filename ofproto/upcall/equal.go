package upcall

import (
	"slices"

	"govs/actions"
)

// equalLists says whether two action lists do the same.
func equalLists(a, b actions.List) bool {
	return slices.EqualFunc(a, b, func(x, y actions.Action) bool {
		if x.Type != y.Type || x.Attr != y.Attr || x.Arg != y.Arg || x.Arg2 != y.Arg2 {
			return false
		}
		return equalPtr(x.Set, y.Set, func(p, q *actions.Set) bool { return *p == *q }) &&
			equalPtr(x.Userspace, y.Userspace, equalUserspace) &&
			equalPtr(x.Nested, y.Nested, func(p, q *actions.Nested) bool {
				return equalLists(p.Actions, q.Actions) && equalLists(p.Else, q.Else)
			}) &&
			equalPtr(x.CT, y.CT, func(p, q *actions.CT) bool {
				n := equalPtr(p.NAT, q.NAT, func(a, b *actions.NAT) bool { return *a == *b })
				pc, qc := *p, *q
				pc.NAT, qc.NAT = nil, nil
				return n && pc == qc
			}) &&
			equalPtr(x.Tunnel, y.Tunnel, func(p, q *actions.Tunnel) bool {
				return p.Key == q.Key && p.Port == q.Port && p.OutPort == q.OutPort && p.Type == q.Type && string(p.Header) == string(q.Header)
			})
	})
}

func equalPtr[T any](a, b *T, eq func(a, b *T) bool) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a == b || eq(a, b)
}

func equalUserspace(p, q *actions.Userspace) bool {
	return p.PID == q.PID && p.Kind == q.Kind && p.Slow == q.Slow && p.Reason == q.Reason && p.DontSend == q.DontSend &&
		p.Continuation == q.Continuation && p.RecircID == q.RecircID && p.RuleCookie == q.RuleCookie && p.ControllerID == q.ControllerID &&
		p.MaxLen == q.MaxLen && p.VlanTCI == q.VlanTCI && p.Output == q.Output && p.Probability == q.Probability &&
		p.CollectorSetID == q.CollectorSetID && p.ObsDomainID == q.ObsDomainID && p.ObsPointID == q.ObsPointID &&
		p.Direction == q.Direction && string(p.Data) == string(q.Data) && p.IncludeActions == q.IncludeActions &&
		p.TunnelOutPort == q.TunnelOutPort && p.HasTunnelOut == q.HasTunnelOut && p.OfprotoID == q.OfprotoID &&
		p.OpenFlowInPort == q.OpenFlowInPort && p.UserdataVersion == q.UserdataVersion
}
