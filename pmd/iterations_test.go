package pmd

import (
	"math/rand/v2"
	"testing"
)

// TestLengthBucket holds the buckets to what they say: each value lies between its bucket's bounds, which are close.
func TestLengthBucket(t *testing.T) {
	check := func(v uint64) {
		t.Helper()
		b := lengthBucket(v)
		if low := lengthOf(b); v < low || b < numLengths-1 && v >= lengthOf(b+1) {
			t.Fatalf("%d is in bucket %d of %d to %d", v, b, low, lengthOf(b+1)-1)
		}
	}
	for v := range uint64(4096) {
		check(v)
	}
	for range 10000 {
		check(rand.Uint64() >> (25 + rand.IntN(39)))
	}
	for b := range numLengths - 1 {
		if lengthOf(b) >= lengthOf(b+1) || b > lengthSub && float64(lengthOf(b+1)) > 1.126*float64(lengthOf(b)) {
			t.Fatalf("bucket %d is %d to %d", b, lengthOf(b), lengthOf(b+1)-1)
		}
	}
	if lengthBucket(^uint64(0)) != numLengths-1 {
		t.Error("the longest iteration has no bucket")
	}
}
