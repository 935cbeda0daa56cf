package server

import (
	"govs/ovsdb"
	"govs/ovsdb/ojson"
)

// convert handles the convert request (ovsdb-server(7), 4.1.19).
func (s *session) convert(params, id *ojson.Value) {
	db, err := s.database("convert", params)
	if err != nil {
		s.replyError(id, err)
		return
	}
	e := params.Elems()
	if len(e) != 2 {
		s.replyError(id, ovsdb.SyntaxErrorf(params, "array expected"))
		return
	}
	schema, err := ovsdb.ParseSchema(&e[1])
	if err != nil {
		s.replyError(id, err)
		return
	}
	if schema.Name != db.name {
		s.replyError(id, ovsdb.Errorf("invalid parameters", "new schema name (%s) does not match database name (%s)",
			schema.Name, db.name))
		return
	}
	if s.client.ReadOnly {
		s.replyError(id, ovsdb.Errorf("not allowed", "convert operation not allowed when database server is in read only mode"))
		return
	}
	if err := s.srv.convert(db, schema); err != nil {
		s.replyError(id, err)
		return
	}
	s.reply(id, []byte("{}"))
	s.srv.describeDBs()
	s.srv.reconnectUnawareBut(s, db.name+" database schema conversion")
}

// convert replaces the schema of db and converts its contents.
func (srv *Server) convert(db *Database, schema *ovsdb.DatabaseSchema) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.readOnly || db.removed {
		return ovsdb.Errorf("not allowed", "convert operation not allowed when database server is in read only mode")
	}
	ndb, err := db.converted(schema)
	if err != nil {
		return err
	}
	if db.file != nil {
		records := snapshotRecords(schema, ndb.rowsSnapshot(), "converted by ovsdb-server", db.clock.Now(),
			db.columnDiff)
		if err := db.file.Replace(db.file.Mark(), records...); err != nil {
			return err
		}
		db.compact.commits, db.compact.last, db.compact.lastSize = 0, db.clock.Now(), db.file.Size()
	}
	srv.endUse(db)
	db.schema, db.tables, db.byName = ndb.schema, ndb.tables, ndb.byName
	return nil
}

// converted returns a database in memory with the given schema and db's contents, as far as the schema has tables and
// columns for them. db.mu is held.
func (db *Database) converted(schema *ovsdb.DatabaseSchema) (*Database, error) {
	ndb := newDatabase(schema, db.clock, db.log)
	x := newTxn(ndb)
	for _, t := range db.tables {
		nt := ndb.table(t.schema.Name)
		if nt == nil {
			continue
		}
		for u, e := range t.rows {
			row := ovsdb.NewRow(nt.schema, u)
			for _, c := range t.schema.Columns[ovsdb.FirstCol:] {
				nc := nt.schema.Column(c.Name)
				if nc == nil {
					continue
				}
				d, err := convertDatum(e.row.Cols[c.Index], &c.Type, &nc.Type)
				if err != nil {
					return nil, err
				}
				row.Cols[nc.Index] = d
			}
			x.insert(nt, u, row)
		}
	}
	deltas, err := x.precommit()
	if err != nil {
		return nil, err
	}
	if deltas != nil {
		x.apply(deltas)
	}
	return ndb, nil
}

// convertDatum returns the value of type to that has the JSON form of d, a value of type from.
func convertDatum(d ovsdb.Datum, from, to *ovsdb.Type) (ovsdb.Datum, error) {
	v := d.JSON(from)
	return ovsdb.ParseDatum(&v, to, nil)
}

// reconnectUnawareBut is reconnectUnaware, but the session that caused the change gets its reply first.
func (srv *Server) reconnectUnawareBut(self *session, why string) {
	srv.mu.Lock()
	var ss []*session
	for s := range srv.sessions {
		if !s.changeAware.Load() {
			ss = append(ss, s)
		}
	}
	srv.mu.Unlock()
	for _, s := range ss {
		srv.log("ovsdb_jsonrpc_server").Infof("%s: disconnecting (%s)", s.name, why)
		if s == self {
			s.closeAfterReply = true
			continue
		}
		s.close(errDisconnected)
	}
}
