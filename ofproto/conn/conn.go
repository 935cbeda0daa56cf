package conn

// Conn is one OpenFlow connection.
type Conn struct {
	name string
}

// Name is the connection's name in the log, such as "br0<->unix#3" or "br0<->tcp:127.0.0.1:6653".
func (c *Conn) Name() string { return c.name }
