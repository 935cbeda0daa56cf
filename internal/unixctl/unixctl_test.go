package unixctl

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"govs/internal/clock"
	"govs/internal/vlog"
)

func start(t *testing.T) (*Server, *Client) {
	t.Helper()
	dir, err := os.MkdirTemp("", "gv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := NewServer("prog (Open vSwitch) 3.1.0", vlog.Discard())
	path := SocketPath("", dir, "prog", 42)
	if err := s.Listen(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if st, err := os.Stat(filepath.Join(dir, "prog.42.ctl")); err != nil || st.Mode().Perm()&0o007 != 0 {
		t.Errorf("socket: %v, %v", st.Mode(), err)
	}
	c, err := Dial(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return s, c
}

func TestCommands(t *testing.T) {
	s, c := start(t)
	s.RegisterFunc("two", "A B", 2, 2, func(args []string) (string, error) {
		if args[0] == "fail" {
			return "", errors.New("no good")
		}
		return args[1] + args[0], nil
	})
	w := clock.NewStopped(time.Unix(0, 0))
	s.RegisterTime(w)
	for _, tc := range []struct {
		args []string
		text string
		fail bool
	}{
		{[]string{"version"}, "prog (Open vSwitch) 3.1.0\n", false},
		{[]string{"two", "a\"\n", "é"}, "éa\"\n", false},
		{[]string{"two", "fail", ""}, "no good\n", true},
		{[]string{"two", "a"}, "\"two\" command requires at least 2 arguments\n", true},
		{[]string{"two", "a", "b", "c"}, "\"two\" command takes at most 2 arguments\n", true},
		{[]string{"nosuch"}, "\"nosuch\" is not a valid command (use \"list-commands\" to see a list of valid commands)\n", true},
		{[]string{"vlog/set", "off"}, "", false},
		{[]string{"time/warp", "x"}, "invalid MSECS\n", true},
		{[]string{"time/warp", "1000", "300"}, "warped\n", false},
	} {
		text, err := c.Transact(tc.args[0], tc.args[1:]...)
		var ce *CommandError
		if errors.As(err, &ce) {
			text = ce.Text
		} else if err != nil {
			t.Fatal(err)
		}
		if text != tc.text || (ce != nil) != tc.fail {
			t.Errorf("%q: got %q (fail %v), want %q", tc.args, text, ce != nil, tc.text)
		}
	}
	if !w.Now().Equal(time.Unix(1, 0)) {
		t.Errorf("warped to %v", w.Now())
	}
}

func TestAnswerFromElsewhere(t *testing.T) {
	s, c := start(t)
	held := make(chan *Reply)
	ended := make(chan struct{})
	s.Register("hold", "", 0, 0, func(ctx context.Context, _ []string, r *Reply) {
		go func() { held <- r; <-ctx.Done(); close(ended) }()
	})
	go func() { r := <-held; r.Reply("later"); r.Error("too late") }()
	if text, err := c.Transact("hold"); err != nil || text != "later\n" {
		t.Errorf("got %q, %v", text, err)
	}
	c.Close()
	<-ended // the context ends with the connection
}

func TestCloseDuringCommand(t *testing.T) {
	s, c := start(t)
	begun := make(chan struct{})
	s.Register("hang", "", 0, 0, func(context.Context, []string, *Reply) { close(begun) })
	go func() { <-begun; s.Close() }()
	if _, err := c.Transact("hang"); err != io.EOF {
		t.Errorf("got %v, want EOF", err)
	}
	if _, err := os.Stat(s.Path()); !os.IsNotExist(err) {
		t.Errorf("socket is left behind: %v", err)
	}
}

func TestExitIsAnswered(t *testing.T) {
	for range 50 {
		s, c := start(t)
		exit := make(chan *Reply)
		s.Register("exit", "", 0, 0, func(_ context.Context, _ []string, r *Reply) { go func() { exit <- r }() })
		go func() { r := <-exit; r.Reply("bye"); s.Close() }()
		if text, err := c.Transact("exit"); err != nil || text != "bye\n" {
			t.Fatalf("got %q, %v", text, err)
		}
	}
}
