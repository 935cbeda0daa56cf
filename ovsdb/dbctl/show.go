package dbctl

import (
	"strings"

	"govs/ovsdb"
)

func prepareShow(c *Context) error {
	for _, s := range c.Tool.Shows {
		c.Need(s.Table, s.Columns...)
		if s.Name != "" {
			c.Need(s.Table, s.Name)
		}
	}
	return nil
}

// runShow prints the rows of the first table of Shows, and below each those that it refers to.
func runShow(c *Context) error {
	if len(c.Tool.Shows) == 0 {
		return nil
	}
	root := c.Tool.Shows[0]
	for _, row := range c.Txn.Rows(root.Table) {
		c.showRow(root, row, 0, map[string]bool{})
	}
	return nil
}

func (c *Context) showRow(show Show, row *ovsdb.Row, level int, above map[string]bool) {
	ts := c.Txn.Snapshot().Table(show.Table)
	indent := func(n int) { c.Out.WriteString(strings.Repeat("    ", n)) }
	indent(level)
	if show.Name != "" {
		c.Out.WriteString(show.Table + " " + ts.Column(row, show.Name).Text(&ts.Schema.Column(show.Name).Type))
	} else {
		c.Out.WriteString(row.UUID().String())
	}
	c.Out.WriteByte('\n')
	if above[show.Table] {
		return
	}
	above[show.Table] = true
	defer delete(above, show.Table)
	for _, name := range show.Columns {
		col := ts.Schema.Column(name)
		if col == nil {
			continue
		}
		d := row.Cols[col.Index]
		if ref, ok := c.shown(col.Type.Key.RefTable); ok && col.Type.Key.IsRef() {
			for _, u := range d.UUIDs() {
				if r := c.Txn.Row(ref.Table, u); r != nil {
					c.showRow(ref, r, level+1, above)
				}
			}
			continue
		}
		if d.IsDefault(&col.Type) {
			continue
		}
		indent(level + 1)
		c.Out.WriteString(name + ": " + d.Text(&col.Type) + "\n")
	}
}

func (c *Context) shown(tableName string) (Show, bool) {
	for _, s := range c.Tool.Shows {
		if s.Table == tableName {
			return s, true
		}
	}
	return Show{}, false
}
