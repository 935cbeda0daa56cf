package server

import (
	"govs/ovsdb"
)

// Role-based access control (ovsdb-server(7), "Role-Based Access Control"): the tables RBAC_Role and RBAC_Permission
// of the database say what a client with a role may change.

// permission returns the row of RBAC_Permission that applies to the client's role and table t. apply is false when
// the client has no role or the database no RBAC_Role table.
func (e *execState) permission(t *table) (perm *ovsdb.Row, pt *table, apply bool) {
	if e.client.Role == "" {
		return nil, nil, false
	}
	roles := e.db.table("RBAC_Role")
	if roles == nil {
		return nil, nil, false
	}
	perms := e.db.table("RBAC_Permission")
	nameCol, permCol := roles.schema.Column("name"), roles.schema.Column("permissions")
	if perms == nil || nameCol == nil || permCol == nil || !permCol.Type.IsMap() {
		return nil, nil, true
	}
	for _, en := range roles.rows {
		if en.row.Cols[nameCol.Index].Scalar().Str() != e.client.Role {
			continue
		}
		if u, ok := en.row.Cols[permCol.Index].Lookup(ovsdb.StringAtom(t.schema.Name)); ok {
			return perms.rows[u.UUID()].row, perms, true
		}
	}
	return nil, nil, true
}

func rbacStrings(row *ovsdb.Row, t *table, col string) []string {
	c := t.schema.Column(col)
	if c == nil || c.Type.Key.Type != ovsdb.String {
		return nil
	}
	return row.Cols[c.Index].Strings()
}

// authorized reports whether the client's ID is in one of the columns (or column:key pairs) of row that perm names.
func (e *execState) authorized(perm *ovsdb.Row, pt *table, t *table, row *ovsdb.Row) bool {
	for _, spec := range rbacStrings(perm, pt, "authorization") {
		if spec == "" {
			return true // anybody
		}
		name, key := splitColumnKey(spec)
		c := t.schema.Column(name)
		if c == nil || c.Type.Key.Type != ovsdb.String {
			continue
		}
		d := row.Cols[c.Index]
		if key == "" {
			if !c.Type.IsMap() && d.Contains(ovsdb.StringAtom(e.client.ID)) {
				return true
			}
		} else if v, ok := d.LookupString(key); ok && c.Type.Value.Type == ovsdb.String && v == e.client.ID {
			return true
		}
	}
	return false
}

func splitColumnKey(spec string) (column, key string) {
	for i := 0; i < len(spec); i++ {
		if spec[i] == ':' {
			return spec[:i], spec[i+1:]
		}
	}
	return spec, ""
}

func (e *execState) rbacInsertDelete(t *table, row *ovsdb.Row, needAuth bool) bool {
	perm, pt, apply := e.permission(t)
	if !apply {
		return true
	}
	if perm == nil {
		return false
	}
	c := pt.schema.Column("insert_delete")
	if c == nil || !perm.Cols[c.Index].Scalar().Bool() {
		return false
	}
	return !needAuth || e.authorized(perm, pt, t, row)
}

func (e *execState) checkRBACInsert(t *table, row *ovsdb.Row) error {
	if e.rbacInsertDelete(t, row, true) {
		return nil
	}
	return e.rbacError("insert", t)
}

func (e *execState) checkRBACDelete(t *table, row *ovsdb.Row) error {
	if e.rbacInsertDelete(t, row, true) {
		return nil
	}
	return e.rbacError("delete", t)
}

func (e *execState) rbacError(op string, t *table) error {
	return ovsdb.Errorf("permission error", "RBAC rules for client \"%s\" role \"%s\" prohibit %s table \"%s\".",
		e.client.ID, e.client.Role, rbacVerb[op], t.schema.Name)
}

var rbacVerb = map[string]string{
	"insert": "row insertion into",
	"delete": "row deletion from",
	"update": "modification of",
	"mutate": "mutate operation on",
}

func (e *execState) checkRBACUpdate(t *table, row *ovsdb.Row, cols []*ovsdb.ColumnSchema) error {
	perm, pt, apply := e.permission(t)
	if !apply {
		return nil
	}
	if perm == nil || !e.authorized(perm, pt, t, row) {
		return e.rbacError("update", t)
	}
	allowed := rbacStrings(perm, pt, "update")
	for _, c := range cols {
		if !rbacColumnAllowed(allowed, c.Name) {
			return e.rbacError("update", t)
		}
	}
	return nil
}

func rbacColumnAllowed(allowed []string, column string) bool {
	for _, a := range allowed {
		if name, key := splitColumnKey(a); name == column && key == "" {
			return true
		}
	}
	return false
}

func (e *execState) checkRBACMutate(t *table, row *ovsdb.Row, muts []ovsdb.Mutation) error {
	perm, pt, apply := e.permission(t)
	if !apply {
		return nil
	}
	if perm == nil || !e.authorized(perm, pt, t, row) {
		return e.rbacError("mutate", t)
	}
	allowed := rbacStrings(perm, pt, "update")
	for i := range muts {
		m := &muts[i]
		if rbacColumnAllowed(allowed, m.Column.Name) {
			continue
		}
		// Otherwise every key that the mutation touches must be allowed.
		if m.Mutator != ovsdb.MutInsert && m.Mutator != ovsdb.MutDelete || m.Arg.KeyType() != ovsdb.String {
			return e.rbacError("mutate", t)
		}
		for k := range m.Arg.Keys() {
			ok := false
			for _, a := range allowed {
				name, key := splitColumnKey(a)
				ok = ok || name == m.Column.Name && key == k.Str()
			}
			if !ok {
				return e.rbacError("mutate", t)
			}
		}
	}
	return nil
}
