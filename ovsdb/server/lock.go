package server

import (
	"errors"
	"strings"

	"govs/ovsdb"
	"govs/ovsdb/ojson"
)

// lockWaiter is one session's claim on a named lock (RFC 7047 section 4.1.8). The first waiter of a lock owns it; one
// whose lock was stolen stays in the queue if it came by lock.
type lockWaiter struct {
	session *session
	name    string
	steal   bool // it came by steal: when it is stolen in turn it does not wait to get the lock back
}

// errReadOnlyLock refuses locks where nothing may be changed.
var errReadOnlyLock = errors.New("lock and unlock methods not allowed, DB server is read only.")

// lockName parses the params of lock, steal and unlock.
func lockName(method string, params *ojson.Value) (string, error) {
	e := params.Elems()
	if len(e) != 1 || e[0].Kind() != ojson.String || !ovsdb.IsID(e[0].Str()) || len(e[0].Str()) > maxQueuedValue {
		return "", ovsdb.SyntaxErrorf(params, "%s request params must be <id>", method)
	}
	return strings.Clone(e[0].Str()), nil
}

func (s *session) lock(params, id *ojson.Value, steal bool) {
	method := "lock"
	if steal {
		method = "steal"
	}
	name, err := lockName(method, params)
	if err != nil {
		s.replyError(id, err)
		return
	}
	if s.client.ReadOnly || s.srv.isBackup() {
		s.replyError(id, errReadOnlyLock)
		return
	}
	srv := s.srv
	srv.lockMu.Lock()
	defer srv.lockMu.Unlock()
	if s.locks[name] != nil {
		s.replyError(id, ovsdb.SyntaxErrorf(params, "must issue \"unlock\" before new \"%s\"", method))
		return
	}
	if len(s.locks) >= maxLocks {
		s.replyError(id, ovsdb.Errorf("resources exhausted", "too many locks"))
		return
	}
	w := &lockWaiter{session: s, name: name, steal: steal}
	s.locks[name] = w
	q := srv.locks[name]
	switch {
	case steal && len(q) > 0:
		victim := q[0]
		if victim.steal {
			q = q[1:]
		}
		srv.locks[name] = append([]*lockWaiter{w}, q...)
		victim.session.notify("stolen", ojson.Arr(ojson.Str(name)))
	default:
		srv.locks[name] = append(q, w)
	}
	if srv.locks[name][0] == w {
		s.reply(id, []byte(`{"locked":true}`))
	} else {
		s.reply(id, []byte(`{"locked":false}`))
	}
}

func (s *session) unlock(params, id *ojson.Value) {
	name, err := lockName("unlock", params)
	if err != nil {
		s.replyError(id, err)
		return
	}
	if s.client.ReadOnly || s.srv.isBackup() {
		s.replyError(id, errReadOnlyLock)
		return
	}
	s.srv.lockMu.Lock()
	defer s.srv.lockMu.Unlock()
	w := s.locks[name]
	if w == nil {
		s.replyError(id, ovsdb.SyntaxErrorf(params, "unlock: \"unlock\" without \"lock\" or \"steal\""))
		return
	}
	s.srv.releaseLocked(w)
	s.reply(id, []byte("{}"))
}

// releaseLocked ends a claim and tells whoever owns the lock then. lockMu is held.
func (srv *Server) releaseLocked(w *lockWaiter) {
	delete(w.session.locks, w.name)
	q := srv.locks[w.name]
	for i, o := range q {
		if o != w {
			continue
		}
		q = append(q[:i:i], q[i+1:]...)
		if len(q) == 0 {
			delete(srv.locks, w.name)
			return
		}
		srv.locks[w.name] = q
		// The original tells the owner also when it was the owner before.
		q[0].session.notify("locked", ojson.Arr(ojson.Str(w.name)))
		return
	}
}

func (srv *Server) holdsLock(s *session, name string) bool {
	srv.lockMu.Lock()
	defer srv.lockMu.Unlock()
	q := srv.locks[name]
	return len(q) > 0 && q[0].session == s
}

func (srv *Server) dropLocks(s *session) {
	srv.lockMu.Lock()
	defer srv.lockMu.Unlock()
	for _, w := range s.locks {
		srv.releaseLocked(w)
	}
}
