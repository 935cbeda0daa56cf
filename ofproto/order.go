package ofproto

import "govs/openflow"

// hashOrder orders ports as Open vSwitch lists and floods them: in the order of a chained hash table of their numbers, whose
// hash is MurmurHash3. Scripts and tests that read such lists see what they are used to.
func hashOrder[T any](list []T, number func(T) openflow.Port) []T {
	size := 1
	buckets := make([][]T, 1)
	n := 0
	put := func(bs [][]T, v T) {
		i := int(murmur(uint32(number(v)))) & (len(bs) - 1)
		bs[i] = append([]T{v}, bs[i]...)
	}
	for _, v := range list {
		put(buckets, v)
		if n++; n/2 > size-1 {
			size = 4
			for size-1 < n/2 {
				size *= 2
			}
			next := make([][]T, size)
			for _, b := range buckets {
				for _, v := range b {
					put(next, v)
				}
			}
			buckets = next
		}
	}
	out := make([]T, 0, len(list))
	for _, b := range buckets {
		out = append(out, b...)
	}
	return out
}

// murmur is MurmurHash3's 32-bit hash of the words x, 0 with a length of 8 bytes.
func murmur(x uint32) uint32 {
	h := murmurAdd(x, 0)
	h = murmurAdd(h, 0)
	h ^= 8
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	return h ^ h>>16
}

func murmurAdd(h, k uint32) uint32 {
	k *= 0xcc9e2d51
	k = k<<15 | k>>17
	k *= 0x1b873593
	h ^= k
	h = h<<13 | h>>19
	return h*5 + 0xe6546b64
}
