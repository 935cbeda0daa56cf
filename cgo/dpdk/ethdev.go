//go:build dpdk

package dpdk

/*
#cgo noescape gv_eth_rx
#cgo nocallback gv_eth_rx
#cgo noescape gv_eth_tx
#cgo nocallback gv_eth_tx
#include <stdlib.h>
#include "gv.h"
*/
import "C"

import (
	"net"
	"syscall"
	"unsafe"

	"govs/packet"
)

func ethErr(op string, r C.int) error {
	if r >= 0 {
		return nil
	}
	return &Error{op, syscall.Errno(-r)}
}

// EthFind returns the port number of a device that is attached already and that devargs names.
func EthFind(devargs string) (uint16, error) {
	if !Ready() {
		return 0, ErrNoDPDK
	}
	s := C.CString(devargs)
	defer C.free(unsafe.Pointer(s))
	r := C.gv_eth_find(s)
	return uint16(r), ethErr("find "+devargs, r)
}

// EthFindMAC returns the number of the port with that address.
func EthFindMAC(mac net.HardwareAddr) (uint16, error) {
	if !Ready() {
		return 0, ErrNoDPDK
	}
	if len(mac) != 6 {
		return 0, &Error{"find by MAC", syscall.EINVAL}
	}
	var m [6]C.uint8_t
	for i := range m {
		m[i] = C.uint8_t(mac[i])
	}
	r := C.gv_eth_find_mac(&m[0])
	return uint16(r), ethErr("find "+mac.String(), r)
}

// EthAttach probes the device that devargs names and returns its port number.
func EthAttach(devargs string) (uint16, error) {
	if !Ready() {
		return 0, ErrNoDPDK
	}
	s := C.CString(devargs)
	defer C.free(unsafe.Pointer(s))
	r := C.gv_eth_attach(s)
	return uint16(r), ethErr("rte_dev_probe "+devargs, r)
}

// EthClose stops and closes the port; with detach it also removes the device, unless it has other ports.
func EthClose(port uint16, detach bool) error {
	d := C.int(0)
	if detach {
		d = 1
	}
	return ethErr("close", C.gv_eth_detach(C.uint16_t(port), d))
}

// EthDescribe fills in what the device can do.
func EthDescribe(port uint16) (EthInfo, error) {
	var i C.struct_gv_eth_info
	if r := C.gv_eth_info(C.uint16_t(port), &i); r < 0 {
		return EthInfo{}, ethErr("rte_eth_dev_info_get", r)
	}
	return EthInfo{
		Port: port, Driver: C.GoString(&i.driver[0]), BusInfo: C.GoString(&i.bus[0]), NUMA: int(i.numa),
		MinRxBuf: uint32(i.min_rx_buf), MaxRxPktLen: uint32(i.max_rx_pktlen), MaxRxQs: uint16(i.max_rxq), MaxTxQs: uint16(i.max_txq),
		MaxMACs: uint32(i.max_macs), MaxHashMACs: uint32(i.max_hash_macs), MaxVFs: uint16(i.max_vfs), MaxVMDqPools: uint16(i.max_vmdq),
		MinMTU: uint16(i.min_mtu), MaxMTU: uint16(i.max_mtu), IfIndex: uint32(i.if_index),
		RxChecksum: i.rx_cksum != 0, TxMultiSeg: i.tx_multiseg != 0, RxScatter: i.rx_scatter != 0, TxChecksum: i.tx_cksum != 0, TxTSO: i.tx_tso != 0,
		RxDescMax: uint16(i.rx_desc_max), RxDescMin: uint16(i.rx_desc_min), RxDescAlign: uint16(i.rx_desc_align),
		TxDescMax: uint16(i.tx_desc_max), TxDescMin: uint16(i.tx_desc_min), TxDescAlign: uint16(i.tx_desc_align),
		IsRepresentor: i.representor != 0, LSCInterrupted: i.lsc != 0,
	}, nil
}

// EthConfigure sets up a stopped port's queues. The error's Op names what was refused: "eth_dev", "MTU (9000)", "rxq(0)" or "txq(0)".
func EthConfigure(port uint16, c EthConf) error {
	var what [32]C.char
	r := C.gv_eth_configure(C.uint16_t(port), C.uint16_t(c.RxQs), C.uint16_t(c.TxQs), C.uint16_t(c.RxDescs), C.uint16_t(c.TxDescs),
		C.uint16_t(c.MTU), c.Pool.mp, &what[0], C.size_t(len(what)))
	return ethErr(C.GoString(&what[0]), r)
}

// EthStart starts a configured port.
func EthStart(port uint16) error { return ethErr("start", C.gv_eth_start(C.uint16_t(port))) }

// EthStop stops a port.
func EthStop(port uint16) error { return ethErr("stop", C.gv_eth_stop(C.uint16_t(port))) }

// EthSetMTU changes the MTU; some devices must be stopped (EBUSY), some cannot (ENOTSUP).
func EthSetMTU(port uint16, mtu int) error {
	return ethErr("MTU", C.gv_eth_set_mtu(C.uint16_t(port), C.uint16_t(mtu)))
}

// EthMTU is the port's MTU.
func EthMTU(port uint16) int {
	var m C.uint16_t
	C.gv_eth_get_mtu(C.uint16_t(port), &m)
	return int(m)
}

// EthSetMAC changes the port's default address.
func EthSetMAC(port uint16, mac net.HardwareAddr) error {
	if len(mac) != 6 {
		return &Error{"set MAC", syscall.EINVAL}
	}
	var m [6]C.uint8_t
	for i := range m {
		m[i] = C.uint8_t(mac[i])
	}
	return ethErr("set MAC", C.gv_eth_set_mac(C.uint16_t(port), &m[0]))
}

// EthMAC is the port's default address.
func EthMAC(port uint16) net.HardwareAddr {
	var m [6]C.uint8_t
	C.gv_eth_get_mac(C.uint16_t(port), &m[0])
	mac := make(net.HardwareAddr, 6)
	for i := range m {
		mac[i] = byte(m[i])
	}
	return mac
}

// EthSetPromiscuous switches reception of all unicast and multicast frames.
func EthSetPromiscuous(port uint16, on bool) error {
	return ethErr("promiscuous mode", C.gv_eth_set_promisc(C.uint16_t(port), cbool(on)))
}

// EthSetLink switches the link, where the device can.
func EthSetLink(port uint16, up bool) error {
	return ethErr("set link", C.gv_eth_set_link(C.uint16_t(port), cbool(up)))
}

func cbool(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

// EthGetLink reads the link without waiting for it.
func EthGetLink(port uint16) EthLink {
	var l C.struct_gv_eth_link
	if C.gv_eth_link(C.uint16_t(port), &l) < 0 {
		return EthLink{}
	}
	e := EthLink{Up: l.up != 0, FullDuplex: l.full_duplex != 0}
	if l.mbps != 0xffffffff {
		e.Speed = uint64(l.mbps) * 1e6
	}
	return e
}

// EthGetStats reads the basic counters.
func EthGetStats(port uint16) (EthStats, error) {
	var v [8]C.uint64_t
	if r := C.gv_eth_stats(C.uint16_t(port), &v[0]); r < 0 {
		return EthStats{}, ethErr("rte_eth_stats_get", r)
	}
	return EthStats{uint64(v[0]), uint64(v[1]), uint64(v[2]), uint64(v[3]), uint64(v[4]), uint64(v[5]), uint64(v[6]), uint64(v[7])}, nil
}

// EthXStats calls f for each of the driver's extended counters.
func EthXStats(port uint16, f func(name string, value uint64)) error {
	const nameSize = 64
	n := int(C.gv_eth_xstats_len(C.uint16_t(port)))
	if n <= 0 {
		return ethErr("rte_eth_xstats_get", C.int(n))
	}
	names := make([]byte, n*nameSize)
	values := make([]uint64, n)
	if r := C.gv_eth_xstats(C.uint16_t(port), C.int(n), (*C.char)(unsafe.Pointer(&names[0])), (*C.uint64_t)(unsafe.Pointer(&values[0]))); r < 0 {
		return ethErr("rte_eth_xstats_get", r)
	}
	for i, v := range values {
		name := names[i*nameSize : (i+1)*nameSize]
		for j, c := range name {
			if c == 0 {
				name = name[:j]
				break
			}
		}
		f(string(name), v)
	}
	return nil
}

// EthRx receives a burst into b, which is empty and lies outside the Go heap, and prefetches the packets' first bytes.
func EthRx(port uint16, queue int, b *packet.Batch) {
	if fast {
		a := fastArgs{port: uint64(port), queue: uint64(queue), batch: uintptr(unsafe.Pointer(b))}
		a.call(fastEthRx)
		return
	}
	C.gv_eth_rx(C.uint16_t(port), C.uint16_t(queue), C.uintptr_t(uintptr(unsafe.Pointer(b))))
}

// EthTx sends a burst and takes all of it: packets longer than maxLen bytes, and those that the device has no room for,
// are freed and counted in the result.
func EthTx(port uint16, queue int, b *packet.Batch, maxLen int) (tooLong, notSent int) {
	if fast {
		a := fastArgs{port: uint64(port), queue: uint64(queue), batch: uintptr(unsafe.Pointer(b)), number: uint64(maxLen)}
		a.call(fastEthTx)
		return int(a.result >> 32), int(uint32(a.result))
	}
	r := C.gv_eth_tx(C.uint16_t(port), C.uint16_t(queue), C.uintptr_t(uintptr(unsafe.Pointer(b))), C.uint32_t(maxLen))
	return int(r >> 32), int(uint32(r))
}
