//go:build dpdk

package dpdk

/*
#include "gv.h"
*/
import "C"

import (
	"unsafe"

	"govs/internal/ccall"
)

// fastArgs are the arguments and the result of a function that ccall calls.
type fastArgs struct {
	object              unsafe.Pointer
	batch               uintptr
	port, queue, number uint64
	result              uint64
}

// The layout is that of struct gv_fast.
const (
	_ = -uint(unsafe.Sizeof(fastArgs{}) ^ C.sizeof_struct_gv_fast)
	_ = -uint(unsafe.Offsetof(fastArgs{}.result) ^ (C.sizeof_struct_gv_fast - 8))
)

// fast says whether bursts avoid the scheduler's part of a cgo call.
const fast = ccall.Supported

// Steady says whether bursts, and operations on mempools, are calls that the scheduler does not see (ports.Steady).
const Steady = fast

// Steady implements ports.Steady.
func (m *Mempool) Steady() bool { return Steady }

// The functions that ccall calls.
var (
	fastEthRx   = C.gv_fast_function(C.GV_FAST_ETH_RX)
	fastEthTx   = C.gv_fast_function(C.GV_FAST_ETH_TX)
	fastVhostRx = C.gv_fast_function(C.GV_FAST_VHOST_RX)
	fastVhostTx = C.gv_fast_function(C.GV_FAST_VHOST_TX)
	fastAlloc   = C.gv_fast_function(C.GV_FAST_ALLOC)
	fastFree    = C.gv_fast_function(C.GV_FAST_FREE)
	fastFreeOne = C.gv_fast_function(C.GV_FAST_FREE_ONE)
)

// call calls one of them.
func (a *fastArgs) call(f unsafe.Pointer) { ccall.Call(f, unsafe.Pointer(a)) }
