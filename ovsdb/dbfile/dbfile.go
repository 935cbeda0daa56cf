package dbfile

import (
	"crypto/sha1"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"govs/ovsdb"
	"govs/ovsdb/ojson"
	"govs/ovsdb/storage"
)

// RowID names a row.
type RowID struct {
	Table string
	UUID  ovsdb.UUID
}

// Contents are the rows of a database.
type Contents map[RowID]*ovsdb.Row

// Read replays the records that follow the schema.
func Read(r *storage.Reader, schema *ovsdb.DatabaseSchema) (Contents, error) {
	contents := Contents{}
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return contents, nil
		} else if err != nil {
			return nil, err
		}
		if err := replay(contents, schema, &rec); err != nil {
			return nil, err
		}
	}
}

// replay applies one record of a database file.
func replay(contents Contents, schema *ovsdb.DatabaseSchema, rec *ojson.Value) error {
	isDiff := false
	if d := rec.Get("_is_diff"); d != nil {
		isDiff, _ = d.Bool()
	}
	for i := range rec.Len() {
		name, rows := rec.Member(i)
		if strings.HasPrefix(name, "_") {
			continue
		}
		ts := schema.Tables[name]
		if ts == nil || rows.Kind() != ojson.Object {
			return ovsdb.SyntaxErrorf(rec, "No table named %s.", name)
		}
		for j := range rows.Len() {
			key, v := rows.Member(j)
			u, err := ovsdb.ParseUUID(key)
			if err != nil {
				return err
			}
			if err := replayRow(contents, ts, u, v, isDiff); err != nil {
				return err
			}
		}
	}
	return nil
}

func replayRow(contents Contents, ts *ovsdb.TableSchema, u ovsdb.UUID, v *ojson.Value, isDiff bool) error {
	id := RowID{ts.Name, u}
	if v.IsNull() {
		delete(contents, id)
		return nil
	}
	row := contents[id]
	if row == nil {
		row = ovsdb.NewRow(ts, u)
		contents[id] = row
		isDiff = false
	}
	for i := range v.Len() {
		name, val := v.Member(i)
		c := ts.Column(name)
		if c == nil {
			return ovsdb.SyntaxErrorf(v, "No column %s in table %s.", name, ts.Name)
		}
		d, err := ovsdb.ParseDatumUnchecked(val, &c.Type)
		if err != nil {
			return err
		}
		if isDiff {
			d = ovsdb.ApplyDiff(row.Cols[c.Index], d, &c.Type)
		}
		row.Cols[c.Index] = d
	}
	return nil
}

// Persistent returns the columns of a table that a database file holds.
func Persistent(ts *ovsdb.TableSchema) []*ovsdb.ColumnSchema {
	cols := []*ovsdb.ColumnSchema{ts.Columns[ovsdb.ColUUID]}
	for _, c := range ts.UserColumns() {
		if !c.Ephemeral {
			cols = append(cols, c)
		}
	}
	return cols
}

// Write writes a file that holds a schema and rows.
func Write(w io.Writer, schema *ovsdb.DatabaseSchema, contents Contents, comment string, now time.Time) error {
	v := schema.JSON()
	if err := WriteRecord(w, v.Append(nil)); err != nil {
		return err
	}
	ids := make([]RowID, 0, len(contents))
	for id := range contents {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b RowID) int {
		if c := strings.Compare(a.Table, b.Table); c != 0 {
			return c
		}
		return a.UUID.Compare(b.UUID)
	})
	b := []byte{'{'}
	for i, id := range ids {
		switch {
		case i == 0 || ids[i-1].Table != id.Table:
			if i > 0 {
				b = append(b, "},"...)
			}
			b = append(ojson.AppendString(b, id.Table), ":{"...)
		default:
			b = append(b, ',')
		}
		b = append(ojson.AppendString(b, id.UUID.String()), ':')
		b = contents[id].AppendJSON(b, Persistent(schema.Tables[id.Table])[1:])
	}
	if len(ids) > 0 {
		b = append(b, "},"...)
	}
	b = ojson.AppendString(append(b, `"_comment":`...), comment)
	return WriteRecord(w, fmt.Appendf(b, `,"_date":%d}`, now.UnixMilli()))
}

// WriteRecord writes one record, the JSON of which is body.
func WriteRecord(w io.Writer, body []byte) error {
	body = append(body, '\n')
	_, err := fmt.Fprintf(w, "%s %d %x\n%s", storage.Magic, len(body), sha1.Sum(body), body)
	return err
}
