// Package ofproto is the OpenFlow switch: bridges with their ports, flow tables, groups and meters, MAC learning, controllers,
// and the machinery that turns them into megaflows of one datapath.
//
// # The pieces
//
//	Switch   all bridges of one datapath, its handlers and revalidators (ofproto/upcall), its unixctl commands
//	Bridge   one OpenFlow switch: tables (classifier/oftable), ports, bundles, controllers (ofproto/conn)
//	xlate    a packet's key and a snapshot of the switch -> datapath actions and a megaflow mask; ofproto/trace
//	upcall   handler goroutines, ukeys, revalidators
//
// # How a configuration is applied (package vswitchd)
//
//	sw := ofproto.New(ofproto.Options{...})
//	sw.Configure(ofproto.Settings{...})                // Open_vSwitch.other_config
//	br, err := sw.AddBridge("br0", ofproto.BridgeConfig{...})
//	br.Configure(ofproto.BridgeConfig{...})            // Bridge columns, Controllers
//	no, err := br.AddPort(ofproto.PortConfig{...})     // one Interface; the datapath port is made before by the caller
//	br.SetBundle(ofproto.BundleConfig{...})            // one Port record with the names of its interfaces
//	br.DelBundle("p1"); br.DelPort("p1"); sw.DelBridge("br0")
//
// A port without a bundle forwards nothing with NORMAL, but explicit rules reach it. The bridge's local port is
// added as any other, with PortConfig.Local.
//
// # Concurrency
//
// Switch.mu serializes every change: configuration, flow_mods, expiry. Readers (handlers, revalidators, traces) work
// on the immutable xlate.Snapshot that the last change published, and on rules by version; they never take
// Switch.mu. Counters of rules and ports are atomics that any goroutine adds to. The order of locks is: conn's own,
// Switch.mu, then a MAC table's.
//
// A change that alters what a translation would answer calls changed, or changedBy with what it was, which wakes the revalidators; they
// then translate again each megaflow that it can concern, and repair or delete it. (xlate.Deps has what a translation looked at.)
package ofproto
