package server

import (
	"errors"
	"strings"
	"time"

	"govs/ovsdb"
	"govs/ovsdb/ojson"
)

// relay is what a relay database (ovsdb(7), "Relay Service Model") has beside its copy: the connection to the source,
// to which it passes on transactions that change something.
type relay struct {
	srv       *Server
	spec      string
	db        *Database
	copier    *copier
	connected bool // guarded by Database.mu
}

// AddRelay serves a copy of another server's database. spec is "NAME:REMOTE[,REMOTE...]".
func (srv *Server) AddRelay(spec string) error {
	if srv.opts.Journal != nil {
		return errJournal
	}
	name, remotes, ok := strings.Cut(spec, ":")
	if !ok || !ovsdb.IsID(name) || remotes == "" {
		return errors.New("relay:" + spec + ": invalid relay specification")
	}
	schema, err := emptySchema(name)
	if err != nil {
		return err
	}
	db := newDatabase(schema, srv.clock, srv.log("ovsdb_server"))
	db.readOnly = true
	r := &relay{srv: srv, spec: spec, db: db}
	db.relay = r
	if err := srv.addDB(db); err != nil {
		return err
	}
	c := newCopier(srv, strings.Split(remotes, ","), r, 5*time.Second)
	db.mu.Lock()
	r.copier = c
	db.mu.Unlock()
	return nil
}

func emptySchema(name string) (*ovsdb.DatabaseSchema, error) {
	v := ojson.Obj("name", ojson.Str(name), "tables", ojson.Obj())
	return ovsdb.ParseSchema(&v)
}

func (r *relay) wanted() []*Database { return []*Database{r.db} }

// schema makes the copy have the source's schema, which empties it when that is another one.
func (r *relay) schema(db *Database, remote *ovsdb.DatabaseSchema) bool {
	db.mu.Lock()
	same := db.schema.Equal(remote)
	if !same {
		r.srv.endUse(db)
		db.setSchema(remote)
	}
	db.mu.Unlock()
	if !same {
		r.srv.describeDBs()
		r.srv.reconnectUnaware("schema of " + db.name + " changed")
	}
	return true
}

func (r *relay) excluded(string, string) bool { return false }

func (r *relay) self() {
	r.srv.log("relay").Errf("%s: the relay source is this server", r.db.name)
}

func (r *relay) state(connected bool) {
	r.db.mu.Lock()
	r.connected = connected
	r.db.mu.Unlock()
	r.srv.describeDBs()
}

// forward passes a transaction on to the source unless it only reads. It reports whether it took care of it. The
// database's lock is held.
func (r *relay) forward(s *session, params, id *ojson.Value) bool {
	if !changesDatabase(params) || s.client.ReadOnly {
		return false
	}
	c := r.copier
	if c == nil {
		s.replyError(id, errors.New("not connected to the relay source"))
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nextID++
	if err := c.sendAsync(c.nextID, "transact", params); err != nil {
		s.replyError(id, errors.New("not connected to the relay source"))
		return true
	}
	c.forwarded[c.nextID] = forwardedTxn{s, *id}
	return true
}

// sendAsync sends a request. c.mu is held.
func (c *copier) sendAsync(id int64, method string, params *ojson.Value) error {
	v := ojson.Obj("id", ojson.Int(id), "method", ojson.Str(method), "params", *params)
	return c.send(v.Append(nil))
}

// changesDatabase reports whether a transaction has an operation that changes the database.
func changesDatabase(params *ojson.Value) bool {
	for i := range params.Elems() {
		if i == 0 {
			continue
		}
		op := params.Elems()[i].Get("op")
		if op == nil {
			continue
		}
		switch op.Str() {
		case "insert", "update", "mutate", "delete":
			return true
		}
	}
	return false
}
