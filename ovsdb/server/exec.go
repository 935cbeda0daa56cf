package server

import (
	"fmt"
	"time"

	"govs/ovsdb"
	"govs/ovsdb/ojson"
)

// Client says on whose behalf a transaction runs.
type Client struct {
	ReadOnly bool   // only operations that do not change the database are allowed
	Role     string // RBAC role, "" for none
	ID       string // RBAC client ID: the common name of the client's certificate

	holdsLock func(name string) bool // for the assert operation
}

// execState is one run of a transaction's operations.
type execState struct {
	db      *Database
	txn     *Txn
	client  *Client
	syms    *ovsdb.Symbols
	elapsed time.Duration // since the request came
	out     []byte        // the results so far: "{...},{...}"
	parser  ovsdb.Parser

	// timeout is how long the transaction may go on waiting, when an operation has to wait.
	timeout time.Duration
	forever bool
}

// errWait is what a wait operation returns that is not satisfied yet.
var errWait = fmt.Errorf("wait")

// execResult is what executing a transaction gave.
type execResult struct {
	reply   []byte // the JSON array of results; nil when the transaction has to wait
	wait    time.Duration
	forever bool // wait without a limit of time
	changes []change
	durable uint64 // the log record to wait for, 0 for none
}

// execute runs the transaction in params, whose first element is the database's name, and commits it. db.mu is held.
// elapsed is how long the transaction has waited already.
func (db *Database) execute(params *ojson.Value, client *Client, elapsed time.Duration) execResult {
	ops := params.Elems()[1:]
	e := execState{db: db, txn: newTxn(db), client: client, syms: &ovsdb.Symbols{New: db.newUUID}, elapsed: elapsed}
	e.out = make([]byte, 0, 64*len(ops)+16)
	e.out = append(e.out, '[')
	var err error
	done := 0
	for i := range ops {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		start := len(e.out)
		if err = e.operation(&ops[i], i, len(ops)); err != nil {
			if err == errWait {
				return execResult{wait: e.timeout, forever: e.forever}
			}
			e.out = appendError(e.out[:start], err)
			done = i + 1
			break
		}
		done = i + 1
	}
	var res execResult
	if err == nil {
		res.changes, res.durable, err = db.commit(e.txn)
		if err != nil {
			if len(ops) > 0 {
				e.out = append(e.out, ',')
			}
			e.out = appendError(e.out, err)
		}
	}
	for ; done < len(ops); done++ {
		e.out = append(e.out, ",null"...)
	}
	res.reply = append(e.out, ']')
	return res
}

func appendError(b []byte, err error) []byte {
	oe, ok := err.(*ovsdb.Error)
	if !ok {
		oe = &ovsdb.Error{Tag: "internal error", Details: err.Error()}
	}
	v := oe.JSON()
	return v.Append(b)
}

func (e *execState) operation(op *ojson.Value, i, n int) error {
	p := &e.parser
	p.Init(op, fmt.Sprintf("ovsdb operation %d of %d", i+1, n))
	opv := p.Member("op", ovsdb.KindID)
	if err := p.Err(); err != nil {
		return err
	}
	readOnly := false
	var run func(p *ovsdb.Parser) error
	switch name := opv.Str(); name {
	case "insert":
		run = e.insert
	case "select":
		run, readOnly = e.selectOp, true
	case "update":
		run = e.update
	case "mutate":
		run = e.mutate
	case "delete":
		run = e.deleteOp
	case "wait":
		run, readOnly = e.wait, true
	case "commit":
		run = e.commitOp
	case "abort":
		run, readOnly = e.abort, true
	case "comment":
		run, readOnly = e.comment, true
	case "assert":
		run, readOnly = e.assert, true
	default:
		p.Errorf("No operation \"%s\"", name)
		return p.Err()
	}
	// What is wrong with an operation is told before that it is not allowed. A transaction with an error has no
	// effect in either case.
	if err := run(p); err != nil {
		return err
	}
	if !readOnly && (e.client.ReadOnly || e.db.isReadOnly()) {
		return ovsdb.Errorf("not allowed", "%s operation not allowed when database server is in read only mode", opv.Str())
	}
	return nil
}

// table parses the member that names a table.
func (e *execState) table(p *ovsdb.Parser) *table {
	v := p.Member("table", ovsdb.KindID)
	if v == nil {
		return nil
	}
	t := e.db.table(v.Str())
	if t == nil {
		p.Errorf("No table named %s.", v.Str())
	}
	return t
}

func (e *execState) insert(p *ovsdb.Parser) error {
	t := e.table(p)
	nameV := p.Optional("uuid-name", ovsdb.KindID)
	uuidV := p.Optional("uuid", ovsdb.KindString)
	rowV := p.Member("row", ovsdb.KindObject)
	if err := p.Finish(); err != nil {
		return err
	}
	var u ovsdb.UUID
	if uuidV != nil {
		var err error
		if u, err = ovsdb.ParseUUID(uuidV.Str()); err != nil {
			return ovsdb.SyntaxErrorf(uuidV, "bad uuid")
		}
		if e.txn.uuidUsed(t, u) {
			return ovsdb.TaggedSyntaxErrorf("duplicate uuid", uuidV,
				"This UUID would duplicate a UUID already present within the table or deleted within the same transaction.")
		}
	}
	if nameV != nil {
		sym := e.syms.Get(nameV.Str())
		if sym.Created {
			return ovsdb.TaggedSyntaxErrorf("duplicate uuid-name", nameV,
				"This \"uuid-name\" appeared on an earlier \"insert\" operation.")
		}
		if uuidV != nil {
			sym.UUID = u
		} else {
			u = sym.UUID
		}
		sym.Created = true
	}
	if uuidV == nil && nameV == nil {
		u = e.db.newUUID()
	}
	row, _, err := ovsdb.ParseRow(rowV, t.schema, e.syms)
	if err != nil {
		return err
	}
	if err := e.checkRBACInsert(t, row); err != nil {
		return err
	}
	e.txn.insert(t, u, row)
	e.out = append(e.out, `{"uuid":["uuid","`...)
	e.out = u.Append(e.out)
	e.out = append(e.out, `"]}`...)
	return nil
}

// where parses the condition member "where".
func (e *execState) where(v *ojson.Value, t *table) (ovsdb.Condition, error) {
	return ovsdb.ParseCondition(v, t.schema, e.syms)
}

func (e *execState) selectOp(p *ovsdb.Parser) error {
	t := e.table(p)
	whereV := p.Member("where", ovsdb.KindArray)
	colsV := p.Optional("columns", ovsdb.KindArray)
	if err := p.Finish(); err != nil {
		return err
	}
	cond, err := e.where(whereV, t)
	if err != nil {
		return err
	}
	cols, err := ovsdb.ParseColumnSet(colsV, t.schema)
	if err != nil {
		return err
	}
	e.out = append(e.out, `{"rows":[`...)
	first := true
	emit := func(row *ovsdb.Row) {
		if !first {
			e.out = append(e.out, ',')
		}
		first = false
		e.out = row.AppendJSON(e.out, cols)
	}
	if colsV == nil {
		e.txn.query(t, cond, func(_ ovsdb.UUID, row *ovsdb.Row) bool {
			emit(row)
			return true
		})
	} else {
		// With named columns, rows that are the same in them count once.
		seen := make(map[ovsdb.Datum]bool)
		e.txn.query(t, cond, func(_ ovsdb.UUID, row *ovsdb.Row) bool {
			if key := ovsdb.ConcatDatums(row.Cols, cols); !seen[key] {
				seen[key] = true
				emit(row)
			}
			return true
		})
	}
	e.out = append(e.out, "]}"...)
	return nil
}

func (e *execState) count(n int) {
	e.out = append(e.out, `{"count":`...)
	v := ojson.Int(int64(n))
	e.out = v.Append(e.out)
	e.out = append(e.out, '}')
}

func (e *execState) update(p *ovsdb.Parser) error {
	t := e.table(p)
	whereV := p.Member("where", ovsdb.KindArray)
	rowV := p.Member("row", ovsdb.KindObject)
	if err := p.Finish(); err != nil {
		return err
	}
	row, cols, err := ovsdb.ParseRow(rowV, t.schema, e.syms)
	if err != nil {
		return err
	}
	for _, c := range cols {
		if !c.Mutable {
			return ovsdb.TaggedSyntaxErrorf("constraint violation", p.Value(),
				"Cannot update immutable column %s in table %s.", c.Name, t.schema.Name)
		}
	}
	cond, err := e.where(whereV, t)
	if err != nil {
		return err
	}
	us := e.txn.matching(t, cond)
	if err := e.checkRBACUpdate(t, us, cols); err != nil {
		return err
	}
	for _, u := range us {
		old := e.txn.get(t, u)
		for _, c := range cols {
			if old.Cols[c.Index] != row.Cols[c.Index] {
				e.txn.modify(t, u).Cols[c.Index] = row.Cols[c.Index]
			}
		}
	}
	e.count(len(us))
	return nil
}

func (e *execState) mutate(p *ovsdb.Parser) error {
	t := e.table(p)
	whereV := p.Member("where", ovsdb.KindArray)
	mutsV := p.Member("mutations", ovsdb.KindArray)
	if err := p.Finish(); err != nil {
		return err
	}
	muts, err := ovsdb.ParseMutations(mutsV, t.schema, e.syms)
	if err != nil {
		return err
	}
	cond, err := e.where(whereV, t)
	if err != nil {
		return err
	}
	us := e.txn.matching(t, cond)
	if err := e.checkRBACMutate(t, us, muts); err != nil {
		return err
	}
	for _, u := range us {
		row := e.txn.modify(t, u)
		for i := range muts {
			c := muts[i].Column
			d, err := muts[i].Apply(row.Cols[c.Index])
			if err != nil {
				return err
			}
			row.Cols[c.Index] = d
		}
	}
	e.count(len(us))
	return nil
}

func (e *execState) deleteOp(p *ovsdb.Parser) error {
	t := e.table(p)
	whereV := p.Member("where", ovsdb.KindArray)
	if err := p.Finish(); err != nil {
		return err
	}
	cond, err := e.where(whereV, t)
	if err != nil {
		return err
	}
	us := e.txn.matching(t, cond)
	if err := e.checkRBACDelete(t, us); err != nil {
		return err
	}
	for _, u := range us {
		e.txn.delete(t, u)
	}
	e.count(len(us))
	return nil
}

func (e *execState) wait(p *ovsdb.Parser) error {
	timeoutV := p.Optional("timeout", ovsdb.KindNumber)
	t := e.table(p)
	whereV := p.Member("where", ovsdb.KindArray)
	colsV := p.Optional("columns", ovsdb.KindArray)
	untilV := p.Member("until", ovsdb.KindString)
	rowsV := p.Member("rows", ovsdb.KindArray)
	if err := p.Finish(); err != nil {
		return err
	}
	cond, err := e.where(whereV, t)
	if err != nil {
		return err
	}
	cols, err := ovsdb.ParseColumnSet(colsV, t.schema)
	if err != nil {
		return err
	}
	e.forever = true
	if timeoutV != nil {
		ms := timeoutV.Float()
		if ms < 0 {
			return ovsdb.SyntaxErrorf(timeoutV, "timeout must be nonnegative")
		}
		if ms < float64(1<<40) {
			e.timeout, e.forever = time.Duration(ms*float64(time.Millisecond)), false
		}
	}
	want := make(map[ovsdb.Datum]bool)
	equal := true
	switch untilV.Str() {
	case "==":
	case "!=":
		equal = false
	default:
		return ovsdb.SyntaxErrorf(untilV, "\"until\" must be \"==\" or \"!=\"")
	}
	for i := range rowsV.Elems() {
		row, _, err := ovsdb.ParseRow(&rowsV.Elems()[i], t.schema, e.syms)
		if err != nil {
			return err
		}
		want[ovsdb.ConcatDatums(row.Cols, cols)] = true
	}
	have := make(map[ovsdb.Datum]bool)
	same := true
	e.txn.query(t, cond, func(_ ovsdb.UUID, row *ovsdb.Row) bool {
		key := ovsdb.ConcatDatums(row.Cols, cols)
		have[key] = true
		same = want[key]
		return same
	})
	same = same && len(have) == len(want)
	if same == equal {
		e.out = append(e.out, "{}"...)
		return nil
	}
	if e.forever || e.elapsed < e.timeout {
		e.timeout -= e.elapsed
		return errWait
	}
	if e.elapsed > 0 {
		return ovsdb.Errorf("timed out", "\"wait\" timed out after %d ms", e.elapsed.Milliseconds())
	}
	return ovsdb.Errorf("timed out", "\"where\" clause test failed")
}

func (e *execState) commitOp(p *ovsdb.Parser) error {
	d := p.Member("durable", ovsdb.KindBool)
	if err := p.Finish(); err != nil {
		return err
	}
	if d.Kind() == ojson.True {
		e.txn.durable = true
	}
	e.out = append(e.out, "{}"...)
	return nil
}

func (e *execState) abort(p *ovsdb.Parser) error {
	if err := p.Finish(); err != nil {
		return err
	}
	return ovsdb.Errorf("aborted", "aborted by request")
}

func (e *execState) comment(p *ovsdb.Parser) error {
	c := p.Member("comment", ovsdb.KindString)
	if err := p.Finish(); err != nil {
		return err
	}
	e.txn.comments = append(e.txn.comments, c.Str())
	e.out = append(e.out, "{}"...)
	return nil
}

func (e *execState) assert(p *ovsdb.Parser) error {
	l := p.Member("lock", ovsdb.KindID)
	if err := p.Finish(); err != nil {
		return err
	}
	if e.client.holdsLock == nil || !e.client.holdsLock(l.Str()) {
		return ovsdb.Errorf("not owner", "Asserted lock %s not held.", l.Str())
	}
	e.out = append(e.out, "{}"...)
	return nil
}
