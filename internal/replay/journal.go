package replay

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"govs/internal/clock"
)

// FileName is the name of a journal in its directory.
const FileName = "ovsdb-server.replay"

// format is the version of the file's format.
const format = 1

// maxLine bounds a line of a journal that is read: a message of the largest size in base64, and some.
const maxLine = 512 << 20

// arriveTimeout is how long a replay waits for a party to ask for its next event, by the machine's clock.
const arriveTimeout = 10 * time.Second

// ErrEnded is what Wait returns when the journal is closed or, in a replay, at its end.
var ErrEnded = errors.New("replay has ended")

// header is the first line of a journal.
type header struct {
	Version int    `json:"govs-replay"`
	Seed    []byte `json:"seed"`
}

// event is one of the other lines.
type event struct {
	Time   int64  `json:"t"`
	Party  string `json:"p"`
	Data   []byte `json:"d,omitempty"`
	Err    string `json:"e,omitempty"`
	Inline bool   `json:"i,omitempty"`
}

func (e *event) err() error {
	switch e.Err {
	case "":
		return nil
	case "EOF":
		return io.EOF
	}
	return errors.New(e.Err)
}

// Journal is a recording that is made or played back. All methods may be called from any goroutine, and on nil.
type Journal struct {
	replay bool
	base   clock.Clock
	done   chan struct{} // closed at the end
	seed   [32]byte

	turn sync.Mutex // held by the party that has the turn, while recording
	in   *bufio.Scanner

	mu      sync.Mutex // guards the fields below
	file    *os.File
	closed  bool
	failure error
	now     time.Time
	uuids   *mathrand.ChaCha8
	names   int
	parties map[string]*Party // replay: by name
	arrived *sync.Cond        // replay: a party has asked for an event
	passed  chan struct{}     // replay: the party whose turn it was has given it back
}

// Record makes the journal in dir. An earlier one there is kept under the name with ".old" added. main is the first party, and has the
// turn.
func Record(dir string, clk clock.Clock) (j *Journal, main *Party, err error) {
	name := filepath.Join(dir, FileName)
	if err := os.Rename(name, name+".old"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, nil, err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, nil, err
	}
	j = newJournal(f, clk)
	_, _ = rand.Read(j.seed[:])
	j.uuids = mathrand.NewChaCha8(j.seed)
	j.now = clk.Now()
	if err := j.writeLine(header{format, j.seed[:]}); err != nil {
		f.Close()
		return nil, nil, err
	}
	main = &Party{j: j, name: "main", held: true}
	j.turn.Lock()
	return j, main, nil
}

// Replay opens the journal in dir. main is the first party, and has the turn; the replay begins when it gives it back.
func Replay(dir string, clk clock.Clock) (j *Journal, main *Party, err error) {
	name := filepath.Join(dir, FileName)
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	j = newJournal(f, clk)
	j.replay = true
	if err := j.readHeader(f); err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	main = &Party{j: j, name: "main", held: true}
	go j.dispatch()
	return j, main, nil
}

func newJournal(f *os.File, clk clock.Clock) *Journal {
	j := &Journal{base: clk, file: f, done: make(chan struct{}), parties: map[string]*Party{}, passed: make(chan struct{}), now: clk.Now()}
	j.arrived = sync.NewCond(&j.mu)
	return j
}

func (j *Journal) readHeader(r io.Reader) error {
	j.in = bufio.NewScanner(r)
	j.in.Buffer(make([]byte, 1<<16), maxLine)
	var h header
	if !j.in.Scan() || json.Unmarshal(j.in.Bytes(), &h) != nil || h.Version == 0 {
		return errors.New("not a recording")
	}
	if h.Version != format {
		return fmt.Errorf("recording is of version %d, not %d", h.Version, format)
	}
	if len(h.Seed) != len(j.seed) {
		return errors.New("recording has no seed")
	}
	copy(j.seed[:], h.Seed)
	j.uuids = mathrand.NewChaCha8(j.seed)
	return nil
}

// Replaying tells whether a recording is played back, so that no socket is to be opened.
func (j *Journal) Replaying() bool { return j != nil && j.replay }

// Done is closed when a replay has come to the end of its journal or cannot go on, or the journal was closed. It is nil for a nil Journal.
func (j *Journal) Done() <-chan struct{} {
	if j == nil {
		return nil
	}
	return j.done
}

// Err returns why recording or the replay failed, or nil.
func (j *Journal) Err() error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failure
}

// Close ends recording, or the replay: from now on Wait just waits, or returns ErrEnded.
func (j *Journal) Close() error {
	if j == nil {
		return nil
	}
	j.end(nil)
	return j.Err()
}

func (j *Journal) end(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return
	}
	j.closed, j.failure = true, err
	j.file.Close()
	close(j.done)
	j.arrived.Broadcast()
}

func (j *Journal) writeLine(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = j.file.Write(append(b, '\n'))
	return err
}

// put writes an event of a recording.
func (j *Journal) put(e *event) {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return
	}
	j.now = j.base.Now()
	e.Time = j.now.UnixNano()
	err := j.writeLine(e)
	j.mu.Unlock()
	if err != nil {
		j.end(fmt.Errorf("writing the recording failed: %w", err))
	}
}

// get reads the next event of a replay.
func (j *Journal) get() (*event, error) {
	if !j.in.Scan() {
		if err := j.in.Err(); err != nil {
			return nil, err
		}
		return nil, io.EOF
	}
	e := &event{}
	if err := json.Unmarshal(j.in.Bytes(), e); err != nil {
		return nil, fmt.Errorf("bad event: %w", err)
	}
	j.mu.Lock()
	j.now = time.Unix(0, e.Time)
	j.mu.Unlock()
	return e, nil
}

// dispatch gives the events of a replay to their parties, one after another.
func (j *Journal) dispatch() {
	select {
	case <-j.passed: // main is done
	case <-j.done:
		return
	}
	for {
		e, err := j.get()
		if err == io.EOF {
			j.end(nil)
			return
		}
		if err == nil && e.Inline {
			err = fmt.Errorf("the replay went another way: nobody asked for %q", e.Party)
		}
		if err == nil {
			err = j.deliver(e)
		}
		if err != nil {
			j.end(err)
			return
		}
		select {
		case <-j.passed:
		case <-j.done:
			return
		}
	}
}

// deliver waits until the event's party asks for one, and gives it the event and the turn.
func (j *Journal) deliver(e *event) error {
	late := time.AfterFunc(arriveTimeout, func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.arrived.Broadcast()
	})
	defer late.Stop()
	begin := time.Now()
	j.mu.Lock()
	defer j.mu.Unlock()
	for {
		p := j.parties[e.Party]
		switch {
		case j.closed:
			return nil
		case p != nil && p.fire != nil:
			p.held = true
			go p.fire()
			return nil
		case p != nil && p.asking:
			p.asking, p.held = false, true
			p.next <- e
			return nil
		case time.Since(begin) >= arriveTimeout:
			return fmt.Errorf("the replay went another way: %q does not ask for anything", e.Party)
		}
		j.arrived.Wait()
	}
}

// UUID returns 16 random bytes that a replay gives again, in the same order.
func (j *Journal) UUID() (u [16]byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	_, _ = j.uuids.Read(u[:])
	return u
}

// Unique returns a name that begins with prefix and that no other call returns. The party that has the turn calls it.
func (j *Journal) Unique(prefix string) string {
	if j == nil {
		return ""
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.names++
	return fmt.Sprintf("%s %d", prefix, j.names)
}

// Inline is for what the party that has the turn learns at once: f is called and its answer recorded, or the recorded one returned.
func (j *Journal) Inline(what string, f func() ([]byte, error)) ([]byte, error) {
	switch {
	case j == nil:
		return f()
	case !j.replay:
		b, err := f()
		j.put(&event{Party: what, Data: b, Err: text(err), Inline: true})
		return b, err
	}
	j.mu.Lock()
	closed := j.closed
	j.mu.Unlock()
	if closed {
		return nil, ErrEnded
	}
	e, err := j.get()
	if err == nil && (!e.Inline || e.Party != what) {
		err = fmt.Errorf("the replay went another way: %q instead of %q", what, e.Party)
	}
	if err != nil {
		j.end(err)
		return nil, ErrEnded
	}
	return e.Data, e.err()
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
