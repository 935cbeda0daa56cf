package ovsdb

import (
	"fmt"
	"math"
	"os"
	"sort"
	"strings"

	"govs/internal/strerror"
	"govs/ovsdb/ojson"
)

// Positions of the columns that every table has.
const (
	ColUUID    = 0 // "_uuid"
	ColVersion = 1 // "_version"
	FirstCol   = 2 // the first column of the schema
)

// ColumnSchema describes a column. It is immutable once made.
type ColumnSchema struct {
	Name      string
	Index     int // position in TableSchema.Columns
	Type      Type
	Mutable   bool
	Ephemeral bool // the value is not stored in the file
	Default   Datum
}

// TableSchema describes a table. It is immutable once made.
type TableSchema struct {
	Name string
	// Columns has "_uuid" and "_version" first, then the columns of the schema in alphabetical order.
	Columns []*ColumnSchema
	IsRoot  bool
	MaxRows uint32
	Indexes [][]*ColumnSchema

	byName map[string]*ColumnSchema
}

// DatabaseSchema describes a database. It is immutable once made.
type DatabaseSchema struct {
	Name    string
	Version string // "" if it has none
	Cksum   string // "" if it has none
	Tables  map[string]*TableSchema
	// TableList has the tables in alphabetical order.
	TableList []*TableSchema
}

// Column returns the column with the given name, "_uuid" and "_version" included, or nil.
func (t *TableSchema) Column(name string) *ColumnSchema { return t.byName[name] }

// UserColumns returns the columns without "_uuid" and "_version".
func (t *TableSchema) UserColumns() []*ColumnSchema { return t.Columns[FirstCol:] }

// NewTableSchema returns a table schema with the given columns; their Index and Default are set here.
func NewTableSchema(name string, maxRows uint32, isRoot bool, cols ...*ColumnSchema) *TableSchema {
	u := MakeBaseType(UUIDType)
	t := &TableSchema{Name: name, IsRoot: isRoot, MaxRows: maxRows, byName: make(map[string]*ColumnSchema)}
	t.Columns = append(t.Columns,
		&ColumnSchema{Name: "_uuid", Type: ScalarType(u)},
		&ColumnSchema{Name: "_version", Type: ScalarType(u), Ephemeral: true})
	sort.Slice(cols, func(i, j int) bool { return cols[i].Name < cols[j].Name })
	t.Columns = append(t.Columns, cols...)
	for i, c := range t.Columns {
		c.Index = i
		c.Default = DefaultDatum(&c.Type)
		t.byName[c.Name] = c
	}
	return t
}

func parseColumnSchema(v *ojson.Value, name string) (*ColumnSchema, error) {
	p := NewParser(v, "schema for column "+name)
	mutable := p.Optional("mutable", kBool)
	ephemeral := p.Optional("ephemeral", kBool)
	tv := p.Member("type", kString|kObject)
	if err := p.Finish(); err != nil {
		return nil, err
	}
	t, err := ParseType(tv)
	if err != nil {
		return nil, err
	}
	c := &ColumnSchema{Name: strings.Clone(name), Type: t, Mutable: true}
	if mutable != nil {
		c.Mutable = mutable.Kind() == ojson.True
	}
	if ephemeral != nil {
		c.Ephemeral = ephemeral.Kind() == ojson.True
	}
	if t.Key.IsWeakRef() || t.Value.IsWeakRef() {
		c.Mutable = true // weak references are removed behind the client's back
	}
	return c, nil
}

func checkSchemaName(v *ojson.Value, name string) error {
	if strings.HasPrefix(name, "_") {
		return SyntaxErrorf(v, "names beginning with \"_\" are reserved")
	}
	if !IsID(name) {
		return SyntaxErrorf(v, "name must be a valid id")
	}
	return nil
}

func parseTableSchema(v *ojson.Value, name string) (*TableSchema, error) {
	p := NewParser(v, "table schema for table "+name)
	columns := p.Member("columns", kObject)
	maxRows := p.Optional("maxRows", kInt)
	isRoot := p.Optional("isRoot", kBool)
	indexes := p.Optional("indexes", kArray)
	if err := p.Finish(); err != nil {
		return nil, err
	}
	limit := uint32(math.MaxUint32)
	if maxRows != nil {
		if maxRows.Int() <= 0 {
			return nil, SyntaxErrorf(v, "maxRows must be at least 1")
		}
		limit = uint32(min(maxRows.Int(), math.MaxUint32))
	}
	if columns.Len() == 0 {
		return nil, SyntaxErrorf(v, "table must have at least one column")
	}
	var cols []*ColumnSchema
	for i := 0; i < columns.Len(); i++ {
		cname, cv := columns.Member(i)
		if columns.Get(cname) != cv {
			continue // a later duplicate replaces it
		}
		if err := checkSchemaName(v, cname); err != nil {
			return nil, err
		}
		c, err := parseColumnSchema(cv, cname)
		if err != nil {
			return nil, err
		}
		cols = append(cols, c)
	}
	t := NewTableSchema(strings.Clone(name), limit, isRoot != nil && isRoot.Kind() == ojson.True, cols...)
	if indexes != nil {
		for i := range indexes.Elems() {
			set, err := ParseColumnSet(&indexes.Elems()[i], t)
			if err != nil {
				return nil, err
			}
			if len(set) == 0 {
				return nil, SyntaxErrorf(v, "index must have at least one column")
			}
			for _, c := range set {
				if c.Ephemeral {
					return nil, SyntaxErrorf(v, "ephemeral columns (such as %s) may not be indexed", c.Name)
				}
			}
			t.Indexes = append(t.Indexes, set)
		}
	}
	return t, nil
}

// ParseColumnSet parses an array of distinct column names. A nil v means all columns.
func ParseColumnSet(v *ojson.Value, t *TableSchema) ([]*ColumnSchema, error) {
	if v == nil {
		return t.Columns, nil
	}
	if v.Kind() != ojson.Array {
		return nil, SyntaxErrorf(v, "array of distinct column names expected")
	}
	cols := make([]*ColumnSchema, 0, v.Len())
	seen := make(map[*ColumnSchema]bool, v.Len())
	for i := range v.Elems() {
		e := &v.Elems()[i]
		if e.Kind() != ojson.String {
			return nil, SyntaxErrorf(v, "array of distinct column names expected")
		}
		c := t.Column(e.Str())
		if c == nil {
			return nil, SyntaxErrorf(v, "%s is not a valid column name", e.Str())
		}
		if seen[c] {
			return nil, SyntaxErrorf(v, "array of distinct column names expected")
		}
		seen[c] = true
		cols = append(cols, c)
	}
	return cols, nil
}

// ParseSchema parses the JSON form of a database schema (RFC 7047 section 3.2 <database-schema>).
func ParseSchema(v *ojson.Value) (*DatabaseSchema, error) {
	p := NewParser(v, "database schema")
	name := p.Member("name", kID)
	version := p.Optional("version", kString)
	cksum := p.Optional("cksum", kString)
	tables := p.Member("tables", kObject)
	if err := p.Finish(); err != nil {
		return nil, err
	}
	s := &DatabaseSchema{Name: strings.Clone(name.Str()), Tables: make(map[string]*TableSchema)}
	if version != nil {
		s.Version = strings.Clone(version.Str())
		if !IsSchemaVersion(s.Version) {
			return nil, SyntaxErrorf(v, "schema version \"%s\" not in format x.y.z", s.Version)
		}
	}
	if cksum != nil {
		s.Cksum = strings.Clone(cksum.Str())
	}
	for i := 0; i < tables.Len(); i++ {
		tname, tv := tables.Member(i)
		if tables.Get(tname) != tv {
			continue
		}
		if err := checkSchemaName(v, tname); err != nil {
			return nil, err
		}
		t, err := parseTableSchema(tv, tname)
		if err != nil {
			return nil, err
		}
		s.Tables[t.Name] = t
	}
	if err := s.finish(); err != nil {
		return nil, err
	}
	return s, nil
}

// finish fills in TableList and checks references between tables. A schema in which no table is a root table
// predates garbage collection: there every table is one.
func (s *DatabaseSchema) finish() error {
	anyRoot := false
	for _, t := range s.Tables {
		s.TableList = append(s.TableList, t)
		anyRoot = anyRoot || t.IsRoot
	}
	sort.Slice(s.TableList, func(i, j int) bool { return s.TableList[i].Name < s.TableList[j].Name })
	for _, t := range s.TableList {
		for _, c := range t.Columns {
			for i, bt := range []*BaseType{&c.Type.Key, &c.Type.Value} {
				if bt.RefTable == "" || s.Tables[bt.RefTable] != nil {
					continue
				}
				return Errorf("syntax error", "column %s %s refers to undefined table %s", c.Name,
					[]string{"key", "value"}[i], bt.RefTable)
			}
		}
	}
	if !anyRoot {
		for _, t := range s.TableList {
			t.IsRoot = true
		}
	}
	return nil
}

// IsSchemaVersion reports whether v has the form x.y.z.
func IsSchemaVersion(v string) bool {
	parts := strings.Split(v, ".")
	if len(parts) != 3 {
		return false
	}
	for _, p := range parts {
		if p == "" || strings.Trim(p, "0123456789") != "" {
			return false
		}
	}
	return true
}

// ReadSchemaFile reads a schema from a file.
func ReadSchemaFile(name string) (*DatabaseSchema, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("failed to read schema: \"%s\" could not be read as JSON (error opening \"%s\": %s)",
			name, name, strerror.Text(err))
	}
	v, err := ojson.ParseDocument(string(data))
	if err != nil {
		return nil, fmt.Errorf("failed to read schema: \"%s\" could not be read as JSON (%w)", name, err)
	}
	s, err := ParseSchema(&v)
	if e, ok := err.(*Error); ok {
		wrapped := *e
		wrapped.Details = fmt.Sprintf("failed to parse \"%s\" as ovsdb schema: %s", name, e.Details)
		return nil, &wrapped
	}
	return s, err
}

// JSON returns the JSON form of the schema.
func (s *DatabaseSchema) JSON() ojson.Value {
	kv := []any{}
	if s.Cksum != "" {
		kv = append(kv, "cksum", ojson.Str(s.Cksum))
	}
	kv = append(kv, "name", ojson.Str(s.Name))
	allRoots := true
	for _, t := range s.TableList {
		allRoots = allRoots && t.IsRoot
	}
	tables := []any{}
	for _, t := range s.TableList {
		tables = append(tables, t.Name, t.json(allRoots))
	}
	kv = append(kv, "tables", ojson.Obj(tables...))
	if s.Version != "" {
		kv = append(kv, "version", ojson.Str(s.Version))
	}
	return ojson.Obj(kv...)
}

func (t *TableSchema) json(defaultRoot bool) ojson.Value {
	cols := []any{}
	for _, c := range t.UserColumns() {
		ckv := []any{}
		if c.Ephemeral {
			ckv = append(ckv, "ephemeral", ojson.Bool(true))
		}
		if !c.Mutable {
			ckv = append(ckv, "mutable", ojson.Bool(false))
		}
		ckv = append(ckv, "type", c.Type.JSON())
		cols = append(cols, c.Name, ojson.Obj(ckv...))
	}
	kv := []any{"columns", ojson.Obj(cols...)}
	if len(t.Indexes) > 0 {
		var idx []ojson.Value
		for _, set := range t.Indexes {
			idx = append(idx, ColumnSetJSON(set))
		}
		kv = append(kv, "indexes", ojson.Arr(idx...))
	}
	if t.IsRoot && !defaultRoot {
		kv = append(kv, "isRoot", ojson.Bool(true))
	}
	if t.MaxRows != math.MaxUint32 {
		kv = append(kv, "maxRows", ojson.Int(int64(t.MaxRows)))
	}
	return ojson.Obj(kv...)
}

// ColumnSetJSON returns the names of the columns as an array.
func ColumnSetJSON(cols []*ColumnSchema) ojson.Value {
	var names []ojson.Value
	for _, c := range cols {
		names = append(names, ojson.Str(c.Name))
	}
	return ojson.Arr(names...)
}

// Equal reports whether two schemas have the same JSON form.
func (s *DatabaseSchema) Equal(o *DatabaseSchema) bool {
	a, b := s.JSON(), o.JSON()
	return ojson.Equal(&a, &b)
}
