//go:build dpdk

package dpdk

/*
#include "gv.h"
*/
import "C"

import "govs/packet"

// Each line fails to compile when C's value (computed by the C compiler from rte_mbuf.h) and Go's (computed from
// packet.Buf by the Go compiler) differ: an array of one element has no other index than 0.
var (
	_ = [1]int{}[C.GV_MBUF_SIZE-packet.BufStructSize]
	_ = [1]int{}[C.GV_OFF_BUF_ADDR-packet.BufOffsetAddr]
	_ = [1]int{}[C.GV_OFF_BUF_IOVA-packet.BufOffsetIOVA]
	_ = [1]int{}[C.GV_OFF_DATA_OFF-packet.BufOffsetDataOff]
	_ = [1]int{}[C.GV_OFF_REFCNT-packet.BufOffsetRefcnt]
	_ = [1]int{}[C.GV_OFF_NB_SEGS-packet.BufOffsetNbSegs]
	_ = [1]int{}[C.GV_OFF_PORT-packet.BufOffsetInPort]
	_ = [1]int{}[C.GV_OFF_OL_FLAGS-packet.BufOffsetOlFlags]
	_ = [1]int{}[C.GV_OFF_PACKET_TYPE-packet.BufOffsetPType]
	_ = [1]int{}[C.GV_OFF_PKT_LEN-packet.BufOffsetPktLen]
	_ = [1]int{}[C.GV_OFF_DATA_LEN-packet.BufOffsetDataLen]
	_ = [1]int{}[C.GV_OFF_VLAN_TCI-packet.BufOffsetVlanTCI]
	_ = [1]int{}[C.GV_OFF_RSS-packet.BufOffsetRSS]
	_ = [1]int{}[C.GV_OFF_HASH_HI-packet.BufOffsetHashHi]
	_ = [1]int{}[C.GV_OFF_VLAN_OUTER-packet.BufOffsetVlanOuter]
	_ = [1]int{}[C.GV_OFF_BUF_LEN-packet.BufOffsetBufLen]
	_ = [1]int{}[C.GV_OFF_POOL-packet.BufOffsetPool]
	_ = [1]int{}[C.GV_OFF_NEXT-packet.BufOffsetNext]
	_ = [1]int{}[C.GV_OFF_TX_OFFLOAD-packet.BufOffsetTxOffload]
	_ = [1]int{}[C.GV_OFF_SHINFO-packet.BufOffsetShinfo]
	_ = [1]int{}[C.GV_OFF_PRIV_SIZE-packet.BufOffsetPrivSize]
	_ = [1]int{}[C.GV_OFF_TIMESYNC-packet.BufOffsetTimesync]
	_ = [1]int{}[C.GV_OFF_DYNFIELD-packet.BufOffsetDynfield]

	_ = [1]int{}[C.GV_OFF_BATCH_BUFS-packet.BatchOffsetBufs]
	_ = [1]int{}[C.GV_BATCH-packet.BatchSize]
	_ = [1]int{}[C.GV_HEADROOM-packet.Headroom]

	_ = [1]int{}[C.GV_F_RX_VLAN-packet.RxVLAN]
	_ = [1]int{}[C.GV_F_RX_RSS-packet.RxRSSHash]
	_ = [1]int{}[C.GV_F_RX_L4_BAD-packet.RxL4CksumBad]
	_ = [1]int{}[C.GV_F_RX_IP_BAD-packet.RxIPCksumBad]
	_ = [1]int{}[C.GV_F_RX_IP_GOOD-packet.RxIPCksumGood]
	_ = [1]int{}[C.GV_F_RX_L4_GOOD-packet.RxL4CksumGood]
	_ = [1]int{}[C.GV_B_TX_TCP_SEG-packet.TxTCPSeg>>48]
	_ = [1]int{}[C.GV_B_TX_TCP-packet.TxTCPCksum>>48]
	_ = [1]int{}[C.GV_B_TX_SCTP-packet.TxSCTPCksum>>48]
	_ = [1]int{}[C.GV_B_TX_UDP-packet.TxUDPCksum>>48]
	_ = [1]int{}[C.GV_B_TX_L4_MASK-packet.TxL4Mask>>48]
	_ = [1]int{}[C.GV_B_TX_IP-packet.TxIPCksum>>48]
	_ = [1]int{}[C.GV_B_TX_IPV4-packet.TxIPv4>>48]
	_ = [1]int{}[C.GV_B_TX_IPV6-packet.TxIPv6>>48]
)
