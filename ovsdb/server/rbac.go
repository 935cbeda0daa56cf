package server

import (
	"slices"

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
	if e.client.ID == "" {
		return nil, nil, true // nobody in particular may do nothing
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

// authorizedAll reports whether the client may touch all the given rows.
func (e *execState) authorizedAll(perm *ovsdb.Row, pt *table, t *table, us []ovsdb.UUID) bool {
	for _, u := range us {
		if !e.authorized(perm, pt, t, e.txn.get(t, u)) {
			return false
		}
	}
	return true
}

// mayInsertDelete reports whether perm allows rows of its table to come and go at all.
func mayInsertDelete(perm *ovsdb.Row, pt *table) bool {
	if perm == nil {
		return false
	}
	c := pt.schema.Column("insert_delete")
	return c != nil && perm.Cols[c.Index].Scalar().Bool()
}

func (e *execState) rbacError(what string, t *table) error {
	id := e.client.ID
	if id == "" {
		id = "(null)"
	}
	return ovsdb.Errorf("permission error", "RBAC rules for client \"%s\" role \"%s\" prohibit %s table \"%s\".",
		id, e.client.Role, what, t.schema.Name)
}

func (e *execState) checkRBACInsert(t *table, row *ovsdb.Row) error {
	perm, pt, apply := e.permission(t)
	if !apply || mayInsertDelete(perm, pt) && e.authorized(perm, pt, t, row) {
		return nil
	}
	return e.rbacError("row insertion into", t)
}

func (e *execState) checkRBACDelete(t *table, us []ovsdb.UUID) error {
	perm, pt, apply := e.permission(t)
	if !apply || mayInsertDelete(perm, pt) && e.authorizedAll(perm, pt, t, us) {
		return nil
	}
	return e.rbacError("row deletion from", t)
}

// checkRBACUpdate checks an update of the given columns of rows us.
func (e *execState) checkRBACUpdate(t *table, us []ovsdb.UUID, cols []*ovsdb.ColumnSchema) error {
	perm, pt, apply := e.permission(t)
	if !apply {
		return nil
	}
	ok := perm != nil
	if ok && len(us) > 0 {
		allowed := rbacStrings(perm, pt, "update")
		for _, c := range cols {
			ok = ok && slices.Contains(allowed, c.Name)
		}
	}
	if ok && e.authorizedAll(perm, pt, t, us) {
		return nil
	}
	return e.rbacError("modification of", t)
}

// checkRBACMutate checks mutations of rows us. ovsdb-server(7) says that a permission may name column:key pairs; the
// original does not let them count here, and so neither do we.
func (e *execState) checkRBACMutate(t *table, us []ovsdb.UUID, muts []ovsdb.Mutation) error {
	perm, pt, apply := e.permission(t)
	if !apply {
		return nil
	}
	ok := perm != nil
	if ok && len(us) > 0 {
		allowed := rbacStrings(perm, pt, "update")
		for i := range muts {
			ok = ok && slices.Contains(allowed, muts[i].Column.Name)
		}
	}
	if ok && e.authorizedAll(perm, pt, t, us) {
		return nil
	}
	return e.rbacError("mutate operation on", t)
}
