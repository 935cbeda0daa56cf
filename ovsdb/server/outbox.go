package server

import (
	"govs/ovsdb/storage"
)

// outItem is one thing to be sent to a client: a message, or whatever a monitor has to report by the time that it is
// this item's turn.
type outItem struct {
	data  []byte
	batch *monBatch
	file  *storage.Log // with seq: the message must wait until the record is on the disk
	seq   uint64
}

// maxOutBytes is how many bytes of messages may wait in an outbox before the session stops reading requests.
const maxOutBytes = 1 << 20

// enqueue adds an item and sees to it that it is sent. Any goroutine; it never blocks.
func (s *session) enqueue(it outItem) {
	s.outMu.Lock()
	defer s.outMu.Unlock()
	s.enqueueLocked(it)
}

// enqueueLocked is enqueue with outMu held.
func (s *session) enqueueLocked(it outItem) {
	if s.closed {
		return
	}
	if it.batch != nil {
		s.open = append(s.open, it.batch)
	} else if len(s.open) > 0 {
		// What changes from now on is reported behind this message.
		for _, b := range s.open {
			if b.mon.batch == b {
				b.mon.batch = nil
			}
		}
		clear(s.open)
		s.open = s.open[:0]
	}
	s.out = append(s.out, it)
	s.outBytes += len(it.data)
	if !s.draining && !s.holdOut {
		s.draining = true
		go s.drain()
	}
}

// beginRequest keeps the outbox from being sent until endRequest, so that the reply goes out from this goroutine
// with whatever belongs before it.
func (s *session) beginRequest() {
	s.outMu.Lock()
	s.holdOut = true
	s.outMu.Unlock()
}

// endRequest sends what is in the outbox. If more requests are waiting to be handled it leaves that to another
// goroutine, unless too much has piled up: then it waits, which keeps a client that does not read from being served.
func (s *session) endRequest(more bool) {
	s.outMu.Lock()
	s.holdOut = false
	if s.draining {
		for s.outBytes > maxOutBytes && !s.closed {
			s.outCond.Wait()
		}
		s.outMu.Unlock()
		return
	}
	if len(s.out) == 0 || s.closed {
		s.outMu.Unlock()
		return
	}
	s.draining = true
	if more && s.outBytes < maxOutBytes {
		go s.drain()
		s.outMu.Unlock()
		return
	}
	s.outMu.Unlock()
	s.drain()
}

// drain sends what is in the outbox until it is empty. One goroutine at a time: whoever set draining.
func (s *session) drain() {
	buf := s.writeBuf[:0]
	s.outMu.Lock()
	for len(s.out) > 0 && !s.closed {
		items := s.out
		s.out, s.spare = s.spare[:0], nil
		s.outMu.Unlock()

		n := 0
		var err error
		for i := range items {
			it := &items[i]
			n += len(it.data)
			if it.file != nil && err == nil {
				err = it.file.WaitDurable(it.seq)
			}
			if err != nil {
				break
			}
			if it.batch != nil {
				if buf, err = it.batch.appendTo(buf); err != nil {
					break
				}
			} else {
				buf = append(buf, it.data...)
			}
			if len(buf) >= 1<<16 {
				_, err = s.conn.Write(buf)
				buf = buf[:0]
			}
		}
		if err == nil && len(buf) > 0 {
			_, err = s.conn.Write(buf)
			buf = buf[:0]
		}
		clear(items)
		if cap(buf) > 1<<18 {
			buf = nil
		}
		s.outMu.Lock()
		s.outBytes -= n
		if cap(items) <= 64 {
			s.spare = items
		}
		s.outCond.Broadcast()
		if err != nil {
			s.outMu.Unlock()
			s.close(err)
			s.outMu.Lock()
		}
	}
	s.writeBuf = buf
	s.draining = false
	s.outCond.Broadcast()
	s.outMu.Unlock()
}

// flush waits until the outbox is empty or the session is closed.
func (s *session) flush() {
	s.outMu.Lock()
	defer s.outMu.Unlock()
	for (s.draining || len(s.out) > 0) && !s.closed {
		s.outCond.Wait()
	}
}
