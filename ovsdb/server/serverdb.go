package server

import (
	"govs/ovsdb"
	"govs/ovsdb/ojson"
)

// serverSchema is the schema of the _Server database (ovsdb-server(5)).
const serverSchema = `{"cksum":"3009684573 744","name":"_Server","tables":{"Database":{"columns":{
"cid":{"type":{"key":"uuid","min":0}},"connected":{"type":"boolean"},"index":{"type":{"key":"integer","min":0}},
"leader":{"type":"boolean"},"model":{"type":{"key":{"enum":["set",["clustered","relay","standalone"]],
"type":"string"}}},"name":{"type":"string"},"schema":{"type":{"key":"string","min":0}},
"sid":{"type":{"key":"uuid","min":0}}}}},"version":"1.2.0"}`

// newServerDB returns the empty _Server database.
func newServerDB(srv *Server) *Database {
	v, err := ojson.Parse(serverSchema)
	if err != nil {
		panic(err) // a constant
	}
	schema, err := ovsdb.ParseSchema(&v)
	if err != nil {
		panic(err)
	}
	db := newDatabase(schema, srv.clock, srv.log("ovsdb_server"))
	db.readOnly = true
	return db
}

// describeDBs makes the Database table of _Server say which databases there are.
func (srv *Server) describeDBs() {
	srv.mu.Lock()
	dbs := make(map[string]*Database, len(srv.dbs))
	for n, db := range srv.dbs {
		dbs[n] = db
	}
	srv.mu.Unlock()
	type desc struct {
		model, schema string
		connected     bool
	}
	descs := make(map[string]desc, len(dbs))
	for n, db := range dbs {
		db.mu.Lock()
		d := desc{model: "standalone", connected: true}
		if db.relay != nil {
			d.model, d.connected = "relay", db.relay.connected
		}
		if db.relay == nil || len(db.schema.TableList) > 0 {
			v := db.schema.JSON()
			d.schema = string(v.Append(nil))
		}
		db.mu.Unlock()
		descs[n] = d
	}
	db := srv.disk
	db.mu.Lock()
	defer db.mu.Unlock()
	t := db.table("Database")
	x := newTxn(db)
	col := func(name string) int { return t.schema.Column(name).Index }
	for u, e := range t.rows {
		if _, ok := descs[e.row.Cols[col("name")].Scalar().Str()]; !ok {
			x.delete(t, u)
		}
	}
	set := func(row *ovsdb.Row, d desc, name string) {
		row.Cols[col("name")] = ovsdb.NewScalar(ovsdb.StringAtom(name))
		row.Cols[col("model")] = ovsdb.NewScalar(ovsdb.StringAtom(d.model))
		row.Cols[col("connected")] = ovsdb.NewScalar(ovsdb.BoolAtom(d.connected))
		row.Cols[col("leader")] = ovsdb.NewScalar(ovsdb.BoolAtom(d.model != "relay"))
		row.Cols[col("schema")] = ovsdb.Datum{}
		if d.schema != "" {
			row.Cols[col("schema")] = ovsdb.NewScalar(ovsdb.StringAtom(d.schema))
		}
	}
	for name, d := range descs {
		found := false
		for u, e := range t.rows {
			if e.row.Cols[col("name")].Scalar().Str() == name {
				set(x.modify(t, u), d, name)
				found = true
			}
		}
		if !found {
			row := ovsdb.NewRow(t.schema, ovsdb.UUID{})
			set(row, d, name)
			x.insert(t, ovsdb.NewUUID(), row)
		}
	}
	if changes, _, err := db.commit(x); err == nil && len(changes) > 0 {
		db.runTriggers()
	}
}
