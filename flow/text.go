package flow

// PortNames translates port numbers to names and back for text forms. A nil *PortNames, or a nil function, means numbers only.
type PortNames struct {
	// Name returns the name of the port, or "" if it has none.
	Name func(port uint32) string
	// Number returns the port with that name.
	Number func(name string) (uint32, bool)
}

// UFID is a datapath flow's unique id.
type UFID struct{ Hi, Lo uint64 }
