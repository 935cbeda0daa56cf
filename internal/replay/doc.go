// Package replay records what a server takes in and plays it back, so that what it did can be done again
// (ovsdb-server(1), --record and --replay).
//
// A Journal is one file, ovsdb-server.replay: a line of JSON with the format's version and the seed of the UUIDs, then one
// line for each event in the order in which the server dealt with them. The format is govs' own; Open vSwitch keeps a
// file for each stream.
//
//	{"govs-replay":1,"seed":"…"}
//	{"t":1795389612000000000,"p":"conn 3","d":"…"}
//
// An event has the time t (ns since 1970) that the server's clock shows while it is dealt with, the party p that took it, the data d
// (base64), and the error e ("EOF"). An event with "i" is an answer that the party whose turn it is got at once.
//
// # Turns
//
// Goroutines that take input are parties. A party has the turn from the moment when it has got an event until it asks for the next one;
// while recording, and in a replay, only one party has the turn. So the journal's order is the order of what happened, although
// the server has a goroutine for each connection. A replay hands out the turns in the journal's order and opens no sockets: what is sent
// is thrown away. Timers (Journal.Clock) are parties too. A nil *Journal, and the nil *Party that it makes, do nothing: Wait
// just waits.
//
// # What must hold
//
// A party belongs to one goroutine at a time. A goroutine that has the turn must not wait for another party. The turn is taken before any
// other lock.
package replay
