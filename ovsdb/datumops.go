package ovsdb

// Set operations on datums. All of them return new datums and leave their arguments alone.

// builderFrom returns a builder that holds the elements of d, for datums of type t.
func builderFrom(d Datum, t *Type, extra int) *Builder {
	b := &Builder{}
	b.Init(t.Key.Type, t.Value.Type)
	b.pairs = make([]pair, 0, d.Len()+extra)
	for k, v := range d.All() {
		b.pairs = append(b.pairs, pair{k, v})
	}
	return b
}

// Union returns d with the elements of e added. Of a key in both, d's value stays.
func (d Datum) Union(e Datum, t *Type) Datum {
	if e.enc == "" || d == e {
		return d
	}
	if d.enc == "" {
		return e
	}
	b := builderFrom(d, t, e.Len())
	for k, v := range e.All() {
		b.AddPair(k, v)
	}
	return b.Build()
}

// Subtract returns d without the keys of e. If pairs is set (e is a map too), a key goes only when its value is
// the same in both.
func (d Datum) Subtract(e Datum, t *Type, pairs bool) Datum {
	if d.enc == "" || e.enc == "" {
		return d
	}
	var b Builder
	b.Init(t.Key.Type, t.Value.Type)
	removed := false
	gone := e.index()
	for k, v := range d.All() {
		if w, ok := gone[k]; ok && (!pairs || w == v) {
			removed = true
			continue
		}
		b.AddPair(k, v)
	}
	if !removed {
		return d
	}
	return b.Build()
}

// index returns the pairs of d as a Go map.
func (d Datum) index() map[Atom]Atom {
	m := make(map[Atom]Atom, d.Len())
	for k, v := range d.All() {
		m[k] = v
	}
	return m
}

// IncludesAll reports whether every element of e is in d: for maps with the same value.
func (d Datum) IncludesAll(e Datum) bool {
	if d == e {
		return true
	}
	if e.Len() > d.Len() {
		return false
	}
	big := e.Len() > 4
	var idx map[Atom]Atom
	if big {
		idx = d.index()
	}
	for k, v := range e.All() {
		var w Atom
		var ok bool
		if big {
			w, ok = idx[k]
		} else if v.typ == Void {
			ok = d.Contains(k)
		} else {
			w, ok = d.Lookup(k)
		}
		if !ok || w != v {
			return false
		}
	}
	return true
}

// ExcludesAll reports whether no element of e is in d: for maps with the same value.
func (d Datum) ExcludesAll(e Datum) bool {
	if d.enc == "" || e.enc == "" {
		return true
	}
	big := e.Len() > 4
	var idx map[Atom]Atom
	if big {
		idx = d.index()
	}
	for k, v := range e.All() {
		var w Atom
		var ok bool
		if big {
			w, ok = idx[k]
		} else if v.typ == Void {
			ok = d.Contains(k)
		} else {
			w, ok = d.Lookup(k)
		}
		if ok && w == v {
			return false
		}
	}
	return true
}

// Diff returns what turns from into to, as update2 notifications and the database file record it
// (ovsdb-server(7), 4.1.14): for a column with at most one element the new value, for a set the elements that are
// in just one of the two, for a map the pairs whose key is in one only or whose value differs (with to's value).
func Diff(from, to Datum, t *Type) Datum {
	if t.Max == 1 {
		return to
	}
	if from == to {
		return Datum{}
	}
	var b Builder
	b.Init(t.Key.Type, t.Value.Type)
	merge(from, to, func(k, v, w Atom, inFrom, inTo bool) {
		switch {
		case inFrom && inTo:
			if v != w {
				b.AddPair(k, w)
			}
		case inFrom:
			b.AddPair(k, v)
		default:
			b.AddPair(k, w)
		}
	})
	return b.Build()
}

// ApplyDiff returns what from becomes by a difference that Diff made.
func ApplyDiff(from, diff Datum, t *Type) Datum {
	if t.Max == 1 {
		return diff
	}
	var b Builder
	b.Init(t.Key.Type, t.Value.Type)
	merge(from, diff, func(k, v, w Atom, inFrom, inDiff bool) {
		switch {
		case !inDiff:
			b.AddPair(k, v)
		case !inFrom || v != w:
			b.AddPair(k, w)
		}
	})
	return b.Build()
}

// merge calls f for each key of a and b in order, with the values it has in a and b.
func merge(a, b Datum, f func(k, va, vb Atom, inA, inB bool)) {
	var ap, bp []pair
	ap = make([]pair, 0, a.Len())
	bp = make([]pair, 0, b.Len())
	for k, v := range a.All() {
		ap = append(ap, pair{k, v})
	}
	for k, v := range b.All() {
		bp = append(bp, pair{k, v})
	}
	for len(ap) > 0 || len(bp) > 0 {
		c := 0
		switch {
		case len(ap) == 0:
			c = 1
		case len(bp) == 0:
			c = -1
		default:
			c = ap[0].k.Compare(bp[0].k)
		}
		switch {
		case c < 0:
			f(ap[0].k, ap[0].v, Atom{}, true, false)
			ap = ap[1:]
		case c > 0:
			f(bp[0].k, Atom{}, bp[0].v, false, true)
			bp = bp[1:]
		default:
			f(ap[0].k, ap[0].v, bp[0].v, true, true)
			ap, bp = ap[1:], bp[1:]
		}
	}
}
