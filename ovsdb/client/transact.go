package client

import (
	"context"
	"fmt"

	"govs/ovsdb"
	"govs/ovsdb/ojson"
)

// Op is one operation of a transaction (RFC 7047 section 5.2), as JSON.
type Op = ojson.Value

// Update returns an operation that sets columns of the row u. cols are alternating column names and values.
func Update(table string, u ovsdb.UUID, row ojson.Value) Op {
	return ojson.Obj("op", ojson.Str("update"), "table", ojson.Str(table), "where", WhereUUID(u), "row", row)
}

// WhereUUID returns the condition that only row u satisfies.
func WhereUUID(u ovsdb.UUID) ojson.Value {
	return ojson.Arr(ojson.Arr(ojson.Str("_uuid"), ojson.Str("=="), ojson.Arr(ojson.Str("uuid"), ojson.Str(u.String()))))
}

// Assert returns the operation that fails the transaction unless the client holds the lock.
func Assert(lock string) Op {
	return ojson.Obj("op", ojson.Str("assert"), "lock", ojson.Str(lock))
}

// Transact runs the operations as one transaction and returns their results, one for each operation. If an operation fails, or
// the commit does, nothing has happened and the error is an *ovsdb.Error. ErrDisconnected means that the outcome is
// not known.
func (c *Client) Transact(ctx context.Context, ops ...Op) ([]ojson.Value, error) {
	params := append([]ojson.Value{ojson.Str(c.opts.Database)}, ops...)
	v, err := c.Call(ctx, "transact", ojson.Arr(params...))
	if err != nil {
		return nil, err
	}
	res := v.Elems()
	for i := range res {
		if res[i].Kind() == ojson.Object && res[i].Get("error") != nil {
			return res, errorOf(&res[i])
		}
	}
	if len(res) < len(ops) {
		return res, fmt.Errorf("transaction reply has %d results for %d operations", len(res), len(ops))
	}
	return res, nil
}

// errorOf turns the JSON of an error into an error.
func errorOf(v *ojson.Value) error {
	if v.Kind() != ojson.Object {
		return fmt.Errorf("%s", v.String())
	}
	e := &ovsdb.Error{}
	if t := v.Get("error"); t != nil {
		e.Tag = t.Str()
	}
	if t := v.Get("details"); t != nil {
		e.Details = t.Str()
	}
	if t := v.Get("syntax"); t != nil {
		e.Syntax = t.Str()
	}
	return e
}
