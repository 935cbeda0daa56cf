package pmd

const waitBuckets = 4096

// waiting is the misses whose packets wait for a verdict, by their identity's hash: a table that does not grow, and a ring of all, in which
// they are as old as they come. A map would allocate now and then, as entries come and go, and a poller that allocates may have to wait for
// somebody who does, too.
type waiting struct {
	buckets [waitBuckets]*upcall // chains
	first   *upcall              // in the ring
	n       int
}

// find returns the miss with that hash, or nil.
func (w *waiting) find(h uint64) *upcall {
	u := w.buckets[h%waitBuckets]
	for u != nil && u.hash != h {
		u = u.chain
	}
	return u
}

// add adds u, whose hash is set and not there yet.
func (w *waiting) add(u *upcall) {
	b := &w.buckets[u.hash%waitBuckets]
	u.waits, u.chain, *b = true, *b, u
	if w.first == nil {
		w.first, u.after, u.before = u, u, u
	} else {
		u.after, u.before = w.first, w.first.before
		u.before.after, u.after.before = u, u
	}
	w.n++
}

// remove takes u out, if it is there.
func (w *waiting) remove(u *upcall) {
	if !u.waits {
		return
	}
	b := &w.buckets[u.hash%waitBuckets]
	for *b != u {
		b = &(*b).chain
	}
	*b = u.chain
	u.before.after, u.after.before = u.after, u.before
	if w.first == u {
		w.first = u.after
	}
	w.n--
	if w.n == 0 {
		w.first = nil
	}
	u.waits, u.chain, u.after, u.before = false, nil, nil, nil
}

// each calls f, which may take the upcall out, for all, from the first on until it returns false, and says whether it came to the end.
func (w *waiting) each(f func(u *upcall) bool) bool {
	u := w.first
	for range w.n {
		next := u.after
		if !f(u) {
			return false
		}
		u = next
	}
	return true
}
