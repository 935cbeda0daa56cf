package ovsdb

import (
	"govs/ovsdb/ojson"
)

// Row is one version of a row: a value for each column of TableSchema.Columns, "_uuid" and "_version" included.
// A row that has been published (committed, put into a snapshot) is immutable.
type Row struct {
	Cols []Datum
}

// NewRow returns a row of default values with the given UUID. The caller owns it until it publishes it.
func NewRow(t *TableSchema, u UUID) *Row {
	r := &Row{Cols: make([]Datum, len(t.Columns))}
	for i, c := range t.Columns {
		r.Cols[i] = c.Default
	}
	r.Cols[ColUUID] = NewScalar(UUIDAtom(u))
	return r
}

// Clone returns a copy that may be changed.
func (r *Row) Clone() *Row { return &Row{Cols: append([]Datum(nil), r.Cols...)} }

// UUID returns the row's UUID.
func (r *Row) UUID() UUID { return r.Cols[ColUUID].Scalar().UUID() }

// AppendJSON appends a <row> object with the given columns.
func (r *Row) AppendJSON(b []byte, cols []*ColumnSchema) []byte {
	b = append(b, '{')
	for i, c := range cols {
		if i > 0 {
			b = append(b, ',')
		}
		b = ojson.AppendString(b, c.Name)
		b = append(b, ':')
		b = r.Cols[c.Index].AppendJSON(b, &c.Type)
	}
	return append(b, '}')
}

// ParseRow parses the <row> object v into a row of default values and tells which columns it named, in the
// order of the object.
func ParseRow(v *ojson.Value, t *TableSchema, syms *Symbols) (*Row, []*ColumnSchema, error) {
	if v.Kind() != ojson.Object {
		return nil, nil, SyntaxErrorf(v, "row must be JSON object")
	}
	r := NewRow(t, UUID{})
	cols := make([]*ColumnSchema, 0, v.Len())
	for i := 0; i < v.Len(); i++ {
		name, val := v.Member(i)
		c := t.Column(name)
		if c == nil {
			return nil, nil, TaggedSyntaxErrorf("unknown column", v, "No column %s in table %s.", name, t.Name)
		}
		d, err := ParseDatum(val, &c.Type, syms)
		if err != nil {
			return nil, nil, err
		}
		r.Cols[c.Index] = d
		cols = append(cols, c)
	}
	return r, cols, nil
}
