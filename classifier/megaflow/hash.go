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

// HashPair adds to h the n-th pair, from 1, of masked words after HashWords.
func (s *Seeds) HashPair(h, a, b, n uint64) uint64 {
	return h ^ Mix(a^s[6]+n*0x9e3779b97f4a7c15, b^s[7]+n*0xbf58476d1ce4e5b9)
}

// HashLast adds to h a last masked word that has no pair.
func (s *Seeds) HashLast(h, a uint64) uint64 { return h ^ Mix(a^s[5], h^s[4]) }

// HashRest adds to h the words from HashWords up to n of k under m, in pairs that do not wait for each other.
func (s *Seeds) HashRest(h uint64, k *flow.Key, m *flow.Mask, n int) uint64 {
	n = min(n, flow.Words)
	i := HashWords
	for ; i+1 < n; i += 2 {
		h = s.HashPair(h, k[i]&m[i], k[i+1]&m[i+1], uint64(i-HashWords)/2+1)
	}
	if i < n {
		h = s.HashLast(h, k[i]&m[i])
	}
	return h
}
