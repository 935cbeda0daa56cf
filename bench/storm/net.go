package main

// OpenFlow ports.
const (
	portA = 1 + iota // established flows come in
	portB            // and leave, to be checked
	portC            // the storm
	portSink
	portD // few new flows
)

// Source networks of the three kinds of traffic.
const (
	netEstablished = 10 << 24
	netStorm       = 11 << 24
	netFew         = 12 << 24
)
