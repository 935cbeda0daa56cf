package main

import (
	"encoding/binary"
	"os"
)

// capture writes a capture of UDP frames of 64 bytes, which bench/dataplane/traffic makes those of the flows.
func capture(path string) error {
	frame := []byte{0x50, 0x54, 1, 0, 0, 1, 0x50, 0x54, 0, 0, 0, 1, 0x08, 0x00, 0x45, 0, 0, 50, 0, 0, 0, 0, 64, 17, 0, 0}
	frame = append(frame, make([]byte, 12)...)
	frame = append(frame, 0, 30)
	frame = append(frame, make([]byte, 64-len(frame))...)
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4)
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, 4)
	b = append(b, make([]byte, 8)...)
	b = le.AppendUint32(b, 65535)
	b = le.AppendUint32(b, 1) // Ethernet
	for i := range uint32(4096) {
		b = le.AppendUint32(b, 0)
		b = le.AppendUint32(b, i)
		b = le.AppendUint32(b, uint32(len(frame)))
		b = le.AppendUint32(b, uint32(len(frame)))
		b = append(b, frame...)
	}
	return os.WriteFile(path, b, 0o644)
}
