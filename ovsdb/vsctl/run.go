package vsctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"govs/internal/clock"
	"govs/internal/stream"
	"govs/internal/strerror"
	"govs/internal/table"
	"govs/internal/vlog"
	"govs/ovsdb"
	"govs/ovsdb/client"
	"govs/ovsdb/dbctl"
	"govs/ovsdb/vswitch"
)

// Options says how to run a command line.
type Options struct {
	Tool    *dbctl.Tool
	DB      string // connection name of the server
	Stream  *stream.Options
	Log     *vlog.Registry
	LogDir  string // named in the message about interfaces that failed
	Style   *table.Style
	Retry   bool // keep trying to connect
	NoWait  bool // do not wait for ovs-vswitchd
	DryRun  bool
	Oneline bool
	Comment string // what the transaction's comment says
	Out     io.Writer
	Err     io.Writer
}

// Run runs commands on the database. Besides its own errors it returns ExitError for a status without a message.
func Run(ctx context.Context, o Options, cmds []*dbctl.Command) error {
	needs, err := o.Tool.Prepare(cmds)
	if err != nil {
		return err
	}
	cl := newClient(o, needs)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- cl.Run(ctx) }()
	r := &runner{o: o, cl: cl, ended: ended, log: o.Log.Module("vsctl")}

	snap, err := r.next(ctx, 0)
	for err == nil {
		var done bool
		if done, err = r.attempt(ctx, snap, cmds); done || err != nil {
			return err
		}
		snap, err = r.next(ctx, snap.Seq)
	}
	return err
}

func newClient(o Options, needs dbctl.Needs) *client.Client {
	monitor := needs.Columns()
	// What the wait for ovs-vswitchd needs: nil stays nil, all columns.
	also := func(table string, columns ...string) {
		if cols, ok := monitor[table]; !ok || cols != nil {
			monitor[table] = append(cols, columns...)
		}
	}
	also(vswitch.TableOpenvSwitch, "cur_cfg", "next_cfg")
	if _, ok := monitor[vswitch.TableInterface]; ok {
		also(vswitch.TableInterface, "name", "ofport", "error")
	}
	remotes := strings.Split(o.DB, ",")
	tries := len(remotes)
	if o.Retry {
		tries = 0
	}
	return client.New(client.Options{Remotes: remotes, Database: vswitch.Database, Tables: monitor, Stream: o.Stream,
		Clock: clock.Real{}, Log: o.Log, ProbeInterval: -1, MaxTries: tries})
}

// runner is one run of a command line.
type runner struct {
	o     Options
	cl    *client.Client
	ended chan error
	log   *vlog.Module
}

// next waits for a snapshot newer than seq.
func (r *runner) next(ctx context.Context, seq uint64) (*client.Snapshot, error) {
	for {
		ch := r.cl.Changed()
		if s := r.cl.Snapshot(); s != nil && s.Seq > seq {
			return s, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case err := <-r.ended:
			return nil, fmt.Errorf("%s: database connection failed (%s)", r.o.DB, strerror.Text(err))
		case <-ch:
		}
		if err := r.cl.Err(); err != nil && !r.o.Retry && !r.cl.Connected() && !strings.Contains(r.o.DB, ",") {
			return nil, fmt.Errorf("%s: database connection failed (%s)", r.o.DB, strerror.Text(err))
		}
	}
}

// attempt runs the commands on a snapshot. It returns done false if they must run again on a newer one.
func (r *runner) attempt(ctx context.Context, snap *client.Snapshot, cmds []*dbctl.Command) (done bool, err error) {
	txn := client.NewTxn(snap)
	if r.o.Comment != "" {
		txn.Comment(r.o.Comment)
	}
	rows := txn.Rows(vswitch.TableOpenvSwitch)
	if len(rows) == 0 {
		// An empty database is initialised by any command.
		rows = append(rows, txn.Insert(vswitch.TableOpenvSwitch, ovsdb.UUID{}, false))
	}
	rootRow := rows[0].UUID()
	if !r.o.NoWait {
		txn.Increment(vswitch.TableOpenvSwitch, rootRow, "next_cfg")
	}
	st := &state{log: r.log}
	results, err := r.o.Tool.Run(txn, cmds, st)
	var exit ExitError
	if errors.As(err, &exit) {
		return true, err
	}
	if err != nil {
		return true, err
	}
	if last := results[len(results)-1]; last.TryAgain {
		return false, nil
	}

	out := &client.Outcome{Status: client.Success}
	if !r.o.DryRun {
		if out, err = r.cl.Commit(ctx, txn); err != nil {
			var te *client.TxnError
			if errors.As(err, &te) {
				r.o.Log.Module("ovsdb_idl").Warnf("transaction error: %s", te)
				return true, fmt.Errorf("transaction error: %s", te)
			}
			return true, err
		}
	}
	switch out.Status {
	case client.TryAgain:
		return false, nil
	case client.Aborted:
		return true, fmt.Errorf("transaction aborted")
	case client.NotLocked:
		return true, fmt.Errorf("database not locked")
	}
	for _, res := range results {
		res.Inserted = out.Inserted
		if res.Syntax.Finish != nil {
			res.Syntax.Finish(res)
		}
		if err := r.print(res); err != nil {
			return true, err
		}
	}
	if r.o.NoWait || r.o.DryRun || out.Status == client.Unchanged {
		return true, nil
	}
	return true, r.waitReload(ctx, out.Incremented, st.added)
}

// print prints what a command said.
func (r *runner) print(c *dbctl.Context) error {
	if c.Table != nil {
		return r.o.Style.Print(r.o.Out, c.Table)
	}
	text := c.Out.String()
	if r.o.Oneline {
		text = strings.TrimSuffix(text, "\n")
		text = strings.NewReplacer("\\", "\\\\", "\n", "\\n").Replace(text) + "\n"
	}
	_, err := io.WriteString(r.o.Out, text)
	return err
}

// waitReload waits until ovs-vswitchd runs configuration n, and reports interfaces that it could not set up.
func (r *runner) waitReload(ctx context.Context, n int64, added []string) error {
	var snap *client.Snapshot
	seq := uint64(0)
	for {
		s, err := r.next(ctx, seq)
		if err != nil {
			return err
		}
		seq, snap = s.Seq, s
		reached := false
		t := s.Table(vswitch.TableOpenvSwitch)
		for _, row := range t.All() {
			reached = reached || t.Column(row, "cur_cfg").Scalar().Int() >= n
		}
		if reached {
			break
		}
	}
	failed := false
	t := snap.Table(vswitch.TableInterface)
	for _, name := range added {
		for _, row := range t.All() {
			if t.Column(row, "name").Scalar().Str() != name {
				continue
			}
			if ports := t.Column(row, "ofport").Ints(); len(ports) == 1 && ports[0] == -1 {
				reason := ""
				if e := t.Column(row, "error").Strings(); len(e) == 1 {
					reason = ": " + e[0]
				}
				fmt.Fprintf(r.o.Err, "%s: Error detected while setting up '%s'%s.  See ovs-vswitchd log for details.\n",
					r.o.Tool.Program, name, reason)
				failed = true
			}
		}
	}
	if failed {
		fmt.Fprintf(r.o.Err, "%s: The default log directory is \"%s\".\n", r.o.Tool.Program, r.o.LogDir)
	}
	return nil
}
