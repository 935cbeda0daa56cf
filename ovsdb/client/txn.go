package client

import (
	"context"
	"errors"
	"slices"
	"strings"

	"govs/ovsdb"
	"govs/ovsdb/ojson"
)

// Txn collects changes to a snapshot and shows the rows as they will be: a view laid over the snapshot. It is committed by
// Client.Commit. A row that the transaction inserts has a UUID of its own until then, which may be referred to from other rows;
// the server replaces it. A Txn belongs to one goroutine.
type Txn struct {
	snap    *Snapshot
	changes map[rowID]*rowChange
	order   []*rowChange
	waits   []verified
	seen    map[verified]bool
	inc     *verified // column to increment
	comment []string
}

type rowID struct {
	table string
	uuid  ovsdb.UUID
}

type verified struct {
	table  string
	uuid   ovsdb.UUID
	column string
}

// rowChange is what happens to one row.
type rowChange struct {
	schema *ovsdb.TableSchema
	uuid   ovsdb.UUID
	row    *ovsdb.Row // the row as it will be; nil when it is deleted
	insert bool
	named  bool  // the row keeps its UUID
	cols   []int // columns that were set
}

// NewTxn returns an empty transaction on a snapshot.
func NewTxn(s *Snapshot) *Txn {
	return &Txn{snap: s, changes: map[rowID]*rowChange{}, seen: map[verified]bool{}}
}

// Snapshot returns the snapshot that the transaction began with.
func (t *Txn) Snapshot() *Snapshot { return t.snap }

// Row returns a row as the transaction will leave it, or nil.
func (t *Txn) Row(table string, u ovsdb.UUID) *ovsdb.Row {
	if ch := t.changes[rowID{table, u}]; ch != nil {
		return ch.row
	}
	return t.snap.Table(table).Row(u)
}

// Rows returns the rows of a table as the transaction will leave them, in the order of their UUIDs, with inserted ones last in
// the order of their insertion.
func (t *Txn) Rows(table string) []*ovsdb.Row {
	rows := make([]*ovsdb.Row, 0, t.snap.Table(table).Len())
	for u := range t.snap.Table(table).All() {
		if r := t.Row(table, u); r != nil {
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(a, b *ovsdb.Row) int { return a.UUID().Compare(b.UUID()) })
	for _, ch := range t.order {
		if ch.insert && ch.schema.Name == table && ch.row != nil {
			rows = append(rows, ch.row)
		}
	}
	return rows
}

// Get returns the value of a column as the transaction will leave it, or the zero Datum if there is no such row or column.
func (t *Txn) Get(table string, u ovsdb.UUID, column string) ovsdb.Datum {
	r := t.Row(table, u)
	if r == nil {
		return ovsdb.Datum{}
	}
	return t.snap.Table(table).Column(r, column)
}

// Insert adds a row. With keep the row gets the UUID u for good; else u, which may be zero for a random one, only stands for it
// in this transaction. It returns nil if the server has no such table.
func (t *Txn) Insert(table string, u ovsdb.UUID, keep bool) *ovsdb.Row {
	schema := t.snap.Schema.Tables[table]
	if schema == nil {
		return nil
	}
	if u.IsZero() {
		u = ovsdb.NewUUID()
	}
	ch := &rowChange{schema: schema, uuid: u, row: ovsdb.NewRow(schema, u), insert: true, named: keep}
	t.changes[rowID{table, u}] = ch
	t.order = append(t.order, ch)
	return ch.row
}

// change returns the change of a row that exists.
func (t *Txn) change(table string, u ovsdb.UUID) *rowChange {
	ch := t.changes[rowID{table, u}]
	if ch == nil {
		r := t.snap.Table(table).Row(u)
		if r == nil {
			return nil
		}
		ch = &rowChange{schema: t.snap.Table(table).Schema, uuid: u, row: r.Clone()}
		t.changes[rowID{table, u}] = ch
		t.order = append(t.order, ch)
	}
	return ch
}

// Set gives a column of a row a value. It does nothing if there is no such row or the server has no such column.
func (t *Txn) Set(table string, u ovsdb.UUID, column string, d ovsdb.Datum) {
	ch := t.change(table, u)
	if ch == nil || ch.row == nil {
		return
	}
	c := ch.schema.Column(column)
	if c == nil {
		return
	}
	ch.row = ch.row.Clone() // rows that were handed out do not change
	ch.row.Cols[c.Index] = d
	if !slices.Contains(ch.cols, c.Index) {
		ch.cols = append(ch.cols, c.Index)
	}
}

// SetIfChanged is Set unless the column has that value already.
func (t *Txn) SetIfChanged(table string, u ovsdb.UUID, column string, d ovsdb.Datum) {
	if t.Row(table, u) != nil && t.Get(table, u, column) != d {
		t.Set(table, u, column, d)
	}
}

// Delete deletes a row.
func (t *Txn) Delete(table string, u ovsdb.UUID) {
	if ch := t.change(table, u); ch != nil {
		ch.row = nil
	}
}

// Verify makes the commit fail with TryAgain if the column of the row is not what the snapshot says by then.
func (t *Txn) Verify(table string, u ovsdb.UUID, column string) {
	v := verified{table, u, column}
	if t.snap.Table(table).Row(u) == nil || t.snap.Table(table).Schema.Column(column) == nil || t.seen[v] {
		return
	}
	t.seen[v] = true
	t.waits = append(t.waits, v)
}

// Increment adds 1 to an integer column of a row, if the transaction changes anything else.
func (t *Txn) Increment(table string, u ovsdb.UUID, column string) {
	t.inc = &verified{table, u, column}
}

// Comment adds a line to the transaction's comment in the database file.
func (t *Txn) Comment(s string) { t.comment = append(t.comment, s) }

// Changed tells whether the transaction changes anything.
func (t *Txn) Changed() bool {
	for _, ch := range t.order {
		switch {
		case ch.row == nil && !ch.insert, ch.row != nil && ch.insert, ch.row != nil && len(ch.cols) > 0:
			return true
		}
	}
	return false
}

// Status is how a transaction ended.
type Status int

// The ways in which a transaction ends.
const (
	Unchanged Status = iota // it changed nothing and was not sent
	Success
	TryAgain  // what it was based on is not so any more, or the connection was lost
	Aborted   // an abort operation ended it
	NotLocked // the client does not hold its lock
)

// String returns the name that the original's messages use.
func (s Status) String() string {
	return [...]string{"unchanged", "success", "try again", "aborted", "not locked"}[s]
}

// Outcome is the result of a transaction.
type Outcome struct {
	Status      Status
	Inserted    map[ovsdb.UUID]ovsdb.UUID // UUIDs that the server gave inserted rows
	Incremented int64                     // new value of the column of Increment
}

// TxnError is an error by which the server refused a transaction.
type TxnError struct{ JSON ojson.Value }

// Error returns the error's JSON form, as the original prints it.
func (e *TxnError) Error() string { return e.JSON.String() }

// encode returns the operations, and for each what its result means.
func (t *Txn) encode(lock string) (ops []Op, kinds []opKind) {
	add := func(k opKind, kv ...any) {
		ops = append(ops, ojson.Obj(kv...))
		kinds = append(kinds, k)
	}
	if lock != "" {
		ops, kinds = append(ops, Assert(lock)), append(kinds, opKind{})
	}
	for _, w := range t.waits {
		tab := t.snap.Table(w.table)
		c := tab.Schema.Column(w.column)
		d := tab.Row(w.uuid).Cols[c.Index]
		add(opKind{}, "op", ojson.Str("wait"), "table", ojson.Str(w.table), "timeout", ojson.Int(0),
			"where", WhereUUID(w.uuid), "columns", ojson.Arr(ojson.Str(w.column)), "until", ojson.Str("=="),
			"rows", ojson.Arr(ojson.Obj(w.column, d.JSON(&c.Type))))
	}
	for _, ch := range t.order {
		table := ojson.Str(ch.schema.Name)
		switch {
		case ch.insert && ch.row == nil:
		case ch.row == nil:
			add(opKind{}, "op", ojson.Str("delete"), "table", table, "where", WhereUUID(ch.uuid))
		case ch.insert:
			id, val := "uuid-name", ojson.Str(rowName(ch.uuid))
			if ch.named {
				id, val = "uuid", ojson.Str(ch.uuid.String())
			}
			add(opKind{insert: ch}, "op", ojson.Str("insert"), "table", table, id, val, "row", t.rowJSON(ch))
		case len(ch.cols) > 0:
			add(opKind{}, "op", ojson.Str("update"), "table", table, "where", WhereUUID(ch.uuid), "row", t.rowJSON(ch))
		}
	}
	if t.inc != nil {
		table := ojson.Str(t.inc.table)
		add(opKind{}, "op", ojson.Str("mutate"), "table", table, "where", t.where(t.inc.table, t.inc.uuid),
			"mutations", ojson.Arr(ojson.Arr(ojson.Str(t.inc.column), ojson.Str("+="), ojson.Int(1))))
		add(opKind{incremented: true}, "op", ojson.Str("select"), "table", table, "where", t.where(t.inc.table, t.inc.uuid),
			"columns", ojson.Arr(ojson.Str(t.inc.column)))
	}
	if len(t.comment) > 0 {
		add(opKind{}, "op", ojson.Str("comment"), "comment", ojson.Str(strings.Join(t.comment, "\n")))
	}
	return ops, kinds
}

// where returns the condition that only row u satisfies, which the transaction may insert.
func (t *Txn) where(table string, u ovsdb.UUID) ojson.Value {
	if ch := t.changes[rowID{table, u}]; ch != nil && ch.insert && !ch.named {
		return ojson.Arr(ojson.Arr(ojson.Str("_uuid"), ojson.Str("=="), ojson.Arr(ojson.Str("named-uuid"), ojson.Str(rowName(u)))))
	}
	return WhereUUID(u)
}

// opKind says what to take from the result of an operation.
type opKind struct {
	insert      *rowChange
	incremented bool
}

// rowName is the name by which a transaction refers to a row that it inserts.
func rowName(u ovsdb.UUID) string { return "row" + strings.ReplaceAll(u.String(), "-", "_") }

func (t *Txn) rowJSON(ch *rowChange) ojson.Value {
	kv := make([]any, 0, 2*len(ch.cols))
	for _, i := range ch.cols {
		c := ch.schema.Columns[i]
		kv = append(kv, c.Name, t.datumJSON(ch.row.Cols[i], &c.Type))
	}
	return ojson.Obj(kv...)
}

// datumJSON is Datum.JSON with references to inserted rows by name.
func (t *Txn) datumJSON(d ovsdb.Datum, typ *ovsdb.Type) ojson.Value {
	if !typ.Key.IsRef() && !typ.Value.IsRef() {
		return d.JSON(typ)
	}
	atom := func(a ovsdb.Atom, bt *ovsdb.BaseType) ojson.Value {
		if bt.IsRef() {
			if ch := t.changes[rowID{bt.RefTable, a.UUID()}]; ch != nil && ch.insert && !ch.named {
				return ojson.Arr(ojson.Str("named-uuid"), ojson.Str(rowName(ch.uuid)))
			}
		}
		return a.JSON()
	}
	elems := make([]ojson.Value, 0, d.Len())
	for k, v := range d.All() {
		e := atom(k, &typ.Key)
		if typ.IsMap() {
			e = ojson.Arr(e, atom(v, &typ.Value))
		}
		elems = append(elems, e)
	}
	switch {
	case typ.IsMap():
		return ojson.Arr(ojson.Str("map"), ojson.Arr(elems...))
	case len(elems) == 1:
		return elems[0]
	}
	return ojson.Arr(ojson.Str("set"), ojson.Arr(elems...))
}

// Commit runs a transaction and waits for its outcome. By the time it returns Success, a snapshot that contains what the
// transaction changed in monitored columns has been published. An error is a *TxnError, or ctx's.
func (c *Client) Commit(ctx context.Context, t *Txn) (*Outcome, error) {
	if !t.Changed() {
		return &Outcome{Status: Unchanged}, nil
	}
	if c.opts.Lock != "" && !c.HasLock() {
		return &Outcome{Status: NotLocked}, nil
	}
	ops, kinds := t.encode(c.opts.Lock)
	params := append([]ojson.Value{ojson.Str(c.opts.Database)}, ops...)
	v, err := c.Call(ctx, "transact", ojson.Arr(params...))
	switch {
	case errors.Is(err, ErrDisconnected):
		return &Outcome{Status: TryAgain}, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		var oe *ovsdb.Error
		if errors.As(err, &oe) {
			return nil, &TxnError{oe.JSON()}
		}
		return nil, &TxnError{ojson.Str(err.Error())}
	}
	return outcome(v.Elems(), kinds)
}

// outcome interprets the results of the operations.
func outcome(res []ojson.Value, kinds []opKind) (*Outcome, error) {
	soft := Success
	for i := range res {
		if res[i].Kind() != ojson.Object {
			continue
		}
		e := res[i].Get("error")
		if e == nil {
			continue
		}
		switch e.Str() {
		case "timed out":
			soft = TryAgain
		case "aborted":
			if soft == Success {
				soft = Aborted
			}
		case "not owner":
			soft = NotLocked
		default:
			return nil, &TxnError{res[i]}
		}
	}
	if soft != Success {
		return &Outcome{Status: soft}, nil
	}
	bad := func() (*Outcome, error) {
		return nil, &TxnError{ojson.Str("reply to transact has a form that is not known")}
	}
	if len(res) < len(kinds) {
		return bad()
	}
	out := &Outcome{Status: Success, Inserted: map[ovsdb.UUID]ovsdb.UUID{}}
	for i, k := range kinds {
		switch {
		case k.insert != nil:
			u, err := insertedUUID(&res[i])
			if err != nil {
				return bad()
			}
			out.Inserted[k.insert.uuid] = u
		case k.incremented:
			rows := res[i].Get("rows")
			if rows == nil || rows.Len() != 1 || rows.Elems()[0].Len() != 1 {
				return bad()
			}
			_, n := rows.Elems()[0].Member(0)
			out.Incremented = n.Int()
		}
	}
	return out, nil
}

func insertedUUID(v *ojson.Value) (ovsdb.UUID, error) {
	if v.Kind() == ojson.Object {
		if u := v.Get("uuid"); u != nil && u.Len() == 2 && u.Kind() == ojson.Array {
			return ovsdb.ParseUUID(u.Elems()[1].Str())
		}
	}
	return ovsdb.UUID{}, errors.New("no uuid")
}

// References tells whether a column that the transaction sets refers to the row u, strongly or weakly.
func (t *Txn) References(u ovsdb.UUID) (strong, weak bool) {
	want := ovsdb.UUIDAtom(u)
	for _, ch := range t.order {
		if ch.row == nil {
			continue
		}
		for _, i := range ch.cols {
			typ := &ch.schema.Columns[i].Type
			if !typ.Key.IsRef() && !typ.Value.IsRef() {
				continue
			}
			for k, v := range ch.row.Cols[i].All() {
				strong = strong || typ.Key.IsStrongRef() && k == want || typ.Value.IsStrongRef() && v == want
				weak = weak || typ.Key.IsWeakRef() && k == want || typ.Value.IsWeakRef() && v == want
			}
		}
	}
	return strong, weak
}

// NewSnapshot returns a snapshot of an empty database, for tests and for work without a server.
func NewSnapshot(schema *ovsdb.DatabaseSchema) *Snapshot {
	return newBuilder(nil, schema).snapshot(1)
}
