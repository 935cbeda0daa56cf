// Package ojson holds JSON values the way OVSDB sees them: integers are
// distinct from reals, objects keep their members in the order of the text, and
// the serialised form is the one that ovsdb-server writes.
//
// Values are immutable once parsed and may be shared between goroutines. A
// parsed value shares the memory of the text that it was parsed from, so a
// small string that must live long should be cloned by its keeper.
//
// The ovsdb packages use it instead of encoding/json because a transaction's
// schema-directed decoding needs the integer/real distinction, because error
// replies quote the offending JSON in OVSDB's canonical form, and because the
// server spends most of its time here.
package ojson
