// Package ovsdb holds the base types of the Open vSwitch database (RFC 7047, ovsdb(7)): UUIDs, atoms, datums
// (values of columns), column types with their constraints, schemas, conditions and mutations, each with the
// JSON form of the wire and the file and the text form of the command-line tools.
//
// Invariants:
//   - An Atom, a Datum, a Type and a schema are immutable once made and may be shared between goroutines and
//     between versions of a row. Nothing in this package locks or starts goroutines.
//   - A Datum is canonical: keys are sorted and unique, so two datums of one type are equal exactly when they
//     compare equal with ==, and a Datum can be the key of a Go map.
//   - Parsing never trusts its input: everything that is wrong gives an *Error with the tag and the words that
//     ovsdb-server 3.1 uses.
//
// Who uses it: ovsdb/storage and ovsdb/server (any goroutine; the server decodes requests on session goroutines),
// ovsdb/client, the database tools, and through the generated rows of ovsdb/vswitch the vswitchd package.
package ovsdb
