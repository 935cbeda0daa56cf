package ofproto

// Usage is what memory/show says of a switch.
type Usage struct {
	Handlers, Revalidators int
	Rules                  int // OpenFlow rules of all bridges, hidden ones left out
	Ports                  int // OpenFlow ports of all bridges
}

// Usage counts what the switch holds.
func (s *Switch) Usage() Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := Usage{Handlers: max(s.settings.Handlers, 1), Revalidators: max(s.settings.Revalidators, 1)}
	for _, b := range s.bridges {
		u.Ports += len(b.ports)
		for i := range b.tables {
			u.Rules += b.tables[i].count
		}
	}
	return u
}
