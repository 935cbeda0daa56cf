// Package clock is the source of time for every other package.
//
// Code that needs the time, a timer or a ticker takes a Clock. Real is the
// machine's clock. Warp is the clock that backs "ovs-appctl time/stop" and
// "time/warp": it runs like Real until Stop, and from then on moves only when
// Advance is called.
//
// Invariants of Warp: timers fire in order of their deadlines; Advance returns
// after every AfterFunc callback that became due has returned, every channel
// timer that became due has been signalled, and every function registered with
// OnAdvance has returned.
//
// All methods may be called from any goroutine. Callbacks run on the goroutine
// that calls Advance, or, while the clock runs, on a goroutine of their own.
package clock
