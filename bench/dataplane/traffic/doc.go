// Package traffic has the library that makes what a replayed capture cannot hold: traffic.c, which bench/dataplane and bench/million
// compile when they run and preload into the programs that they measure. Nothing of it is linked into ours; its comment says what
// its environment variables mean. One process measures at a time in a directory.
package traffic
