//go:build !(amd64 && cgo && !race && go1.26 && !go1.27)

package pmd

// goRuntime is nothing on builds whose runtime is not known, or whose packets may be in Go's heap: a poller then stops with the world.
type goRuntime struct{}

func (r *goRuntime) init() {}

func (r *goRuntime) known() bool { return false }

func (r *goRuntime) returns() bool { return true }

func reserveStack() {}

func openStack() {}
