package ovsdbtool

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"time"

	"govs/ovsdb"
	"govs/ovsdb/ojson"
)

// showLog prints what the records of a file say.
func (t *tool) showLog(args []string) error {
	name := arg(args, 0, t.o.DefaultDB)
	l, err := open(name)
	if err != nil {
		return err
	}
	defer l.Close()
	w := bufio.NewWriter(t.o.Out)
	p := &logPrinter{w: w, more: t.o.More, rows: map[string]string{}}
	for n := 0; ; n++ {
		rec, rerr := l.Reader().Next()
		if rerr == io.EOF {
			if n == 0 {
				return ovsdb.Errorf("ovsdb error", "%s: cannot identify file type", name)
			}
			return w.Flush()
		}
		if rerr != nil {
			if err := w.Flush(); err != nil {
				return err
			}
			return rerr
		}
		fmt.Fprintf(w, "record %d:", n)
		if n == 0 {
			if p.schema, err = ovsdb.ParseSchema(&rec); err != nil {
				return err
			}
			fmt.Fprintf(w, " \"%s\" schema, version=\"%s\", cksum=\"%s\"\n\n", p.schema.Name, p.schema.Version, p.schema.Cksum)
			continue
		}
		p.transaction(&rec)
	}
}

// logPrinter prints transactions. It remembers the names of rows.
type logPrinter struct {
	w      *bufio.Writer
	more   int
	schema *ovsdb.DatabaseSchema
	rows   map[string]string // rows that exist, by UUID, with their names
}

func (p *logPrinter) transaction(rec *ojson.Value) {
	if d := rec.Get("_date"); d != nil && d.Kind() == ojson.Integer {
		ms := d.Int()
		if ms < math.MaxInt32 {
			ms *= 1000 // old files have seconds
		}
		p.w.WriteString(" " + time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05.000"))
	}
	if c := rec.Get("_comment"); c != nil && c.Kind() == ojson.String {
		fmt.Fprintf(p.w, " \"%s\"", c.Str())
	}
	p.w.WriteByte('\n')
	isDiff := false
	if d := rec.Get("_is_diff"); d != nil {
		isDiff, _ = d.Bool()
	}
	for i := range rec.Len() {
		name, rows := rec.Member(i)
		if name != "" && name[0] == '_' || rows.Kind() != ojson.Object {
			continue
		}
		for j := range rows.Len() {
			uuid, row := rows.Member(j)
			p.row(name, uuid, row, isDiff)
		}
	}
	if p.more > 0 {
		p.w.WriteByte('\n')
	}
}

func (p *logPrinter) row(tableName, uuid string, row *ojson.Value, isDiff bool) {
	short := uuid[:min(8, len(uuid))]
	name, known := p.rows[uuid]
	if row.Kind() == ojson.Object {
		if n := row.Get("name"); n != nil && n.Kind() == ojson.String {
			name = "\"" + n.Str() + "\""
		}
		p.rows[uuid] = name
	} else {
		delete(p.rows, uuid)
	}
	if p.more == 0 {
		return
	}
	shown := name
	if shown == "" {
		shown = short
	}
	fmt.Fprintf(p.w, "  table %s", tableName)
	switch {
	case known:
		fmt.Fprintf(p.w, " row %s (%s)", shown, short)
		if isDiff {
			p.w.WriteString(" diff")
		}
	case name != "":
		fmt.Fprintf(p.w, " insert row %s (%s)", name, short)
	default:
		fmt.Fprintf(p.w, " insert row %s", short)
	}
	p.w.WriteString(":\n")
	if row.Kind() != ojson.Object {
		p.w.WriteString("    delete row\n")
		return
	}
	if p.more > 1 {
		p.columns(tableName, row)
	}
}

func (p *logPrinter) columns(tableName string, row *ojson.Value) {
	ts := p.schema.Tables[tableName]
	for i := range row.Len() {
		name, v := row.Member(i)
		text := v.String()
		if ts != nil {
			if c := ts.Column(name); c != nil {
				if d, err := ovsdb.ParseDatumUnchecked(v, &c.Type); err == nil {
					text = d.Text(&c.Type)
				}
			}
		}
		fmt.Fprintf(p.w, "    %s=%s\n", name, text)
	}
}
