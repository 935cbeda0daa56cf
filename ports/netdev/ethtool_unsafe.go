package netdev

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// ethtoolCmd is struct ethtool_cmd of linux/ethtool.h.
type ethtoolCmd struct {
	cmd, supported, advertising             uint32
	speed                                   uint16
	duplex, port, phy, transceiver, autoneg uint8
	mdio                                    uint8
	maxTx, maxRx                            uint32
	speedHi                                 uint16
	ethTP, ethTPCtrl                        uint8
	lpAdvertising                           uint32
	reserved                                [2]uint32
}

// ifreq is struct ifreq with its data pointer, of linux/if.h.
type ifreq struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [16]byte
}

// speed asks for a device's speed in bits per second (0 unknown) and duplex.
func (k *Kernel) speed(name string) (bps uint64, full bool) {
	if len(name) >= unix.IFNAMSIZ {
		return 0, false
	}
	const getSettings = 1 // ETHTOOL_GSET
	c := ethtoolCmd{cmd: getSettings}
	r := ifreq{data: unsafe.Pointer(&c)}
	copy(r.name[:], name)
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(k.ctl), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&r))); e != 0 {
		return 0, false
	}
	mbps := uint32(c.speedHi)<<16 | uint32(c.speed)
	if mbps == ^uint32(0) || mbps == 0xffff {
		mbps = 0
	}
	return uint64(mbps) * 1e6, c.duplex == 1
}
