package megaflow

import (
	"math/bits"

	"govs/flow"
)

// HashWords is the number of leading key words that the common hash covers: the shape of IPv4 packets.
const HashWords = flow.LenBase

// Seeds are the hash's secret: chosen at random by each poller, so that nobody outside can make keys collide.
type Seeds [HashWords + 2]uint64

// Mix folds the 128-bit product of its arguments.
func Mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// Hash hashes the first HashWords words of k under m.
func (s *Seeds) Hash(k *flow.Key, m *flow.Mask) uint64 {
	a := Mix(k[0]&m[0]^s[0], k[1]&m[1]^s[1])
	b := Mix(k[2]&m[2]^s[2], k[3]&m[3]^s[3])
	c := Mix(k[4]&m[4]^s[4], k[5]&m[5]^s[5])
	return Mix(a^b^s[6], c^s[7])
}

// HashRest adds to h the words from HashWords up to n of k under m.
func (s *Seeds) HashRest(h uint64, k *flow.Key, m *flow.Mask, n int) uint64 {
	for i := HashWords; i < n && i < flow.Words; i++ {
		h = Mix(h^k[i]&m[i], s[7]^uint64(i)*0x9e3779b97f4a7c15)
	}
	return h
}
