//go:build !dpdk

package main

import (
	"time"

	"govs/cgo/dpdk"
)

// Without DPDK there is no guest.
type guest struct{}

func begin() error                                        { return dpdk.ErrNoDPDK }
func end()                                                {}
func newGuest([]string) (*guest, error)                   { return nil, dpdk.ErrNoDPDK }
func (g *guest) pass(time.Duration) (time.Duration, bool) { return 0, false }
func (g *guest) close()                                   {}
