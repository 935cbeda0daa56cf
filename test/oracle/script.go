package oracle

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"govs/test/ovs"
)

// A Command is one step of a script.
type Command struct {
	Line int    // in the script's file
	Text string // shell; empty if File is set
	File string // a file to write before going on
	Body string // its content
}

// Parse splits the text of a script into its commands.
func Parse(text string) ([]Command, error) {
	var cmds []Command
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		at := i + 1
		line := strings.TrimSpace(lines[i])
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if name, ok := strings.CutPrefix(line, "<<"); ok {
			var body strings.Builder
			for i++; ; i++ {
				if i >= len(lines) {
					return nil, fmt.Errorf("line %d: no END", at)
				}
				if lines[i] == "END" {
					break
				}
				body.WriteString(lines[i] + "\n")
			}
			cmds = append(cmds, Command{Line: at, File: name, Body: body.String()})
			continue
		}
		for strings.HasSuffix(line, "\\") && i+1 < len(lines) {
			i++
			line = strings.TrimSuffix(line, "\\") + strings.TrimSpace(lines[i])
		}
		cmds = append(cmds, Command{Line: at, Text: line})
	}
	return cmds, nil
}

// An Answer is what one command printed, normalized, and its exit status.
type Answer struct {
	Command
	Out    string
	Status int
}

// Sides say whose programs play a script.
type Sides struct{ Switch, DB, Tools ovs.Side }

// Play starts a switch, runs the commands on it, and stops it. The error speaks of the switch or the harness;
// commands may fail, which their answers show.
func Play(sides Sides, cmds []Command) (answers []Answer, err error) {
	s, err := ovs.Start(ovs.Options{Side: sides.Switch, DB: sides.DB, Tools: sides.Tools, Dummy: true})
	if err != nil {
		return nil, err
	}
	defer func() {
		s.Stop()
		if line := s.Crashed(); err == nil && line != "" {
			err = fmt.Errorf("ovs-vswitchd's log: %s", line)
		}
	}()
	var n Normalizer
	for _, c := range cmds {
		if c.File != "" {
			if err := os.WriteFile(filepath.Join(s.Dir, c.File), []byte(c.Body), 0o644); err != nil {
				return answers, err
			}
			continue
		}
		out, status := s.Shell(c.Text)
		answers = append(answers, Answer{c, n.Text(out), status})
		select {
		case <-s.Exited():
			if !strings.Contains(c.Text, "exit") {
				return answers, fmt.Errorf("ovs-vswitchd ended during %q:\n%s", c.Text, tail(s.Log(), 20))
			}
		default:
		}
	}
	return answers, nil
}

func tail(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// A Difference is a command whose answers differ.
type Difference struct{ A, B Answer }

// Compare pairs the answers of two plays of one script.
func Compare(a, b []Answer) []Difference {
	var d []Difference
	for i, x := range a {
		y := Answer{Command: x.Command, Out: "(not run, nor what follows)", Status: -1}
		if i < len(b) {
			y = b[i]
		}
		if x.Out != y.Out || x.Status != y.Status {
			d = append(d, Difference{x, y})
		}
		if i >= len(b) {
			break
		}
	}
	return d
}

// String shows the command and the lines that differ.
func (d Difference) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "line %d: %s\n", d.A.Line, d.A.Text)
	if d.A.Status != d.B.Status {
		fmt.Fprintf(&b, "    exit status %d, not %d\n", d.B.Status, d.A.Status)
	}
	for _, l := range diffLines(strings.Split(d.A.Out, "\n"), strings.Split(d.B.Out, "\n")) {
		b.WriteString("    " + l + "\n")
	}
	return b.String()
}

// diffLines gives the lines of a ("-") and b ("+") that are not common to both, with common lines between them.
func diffLines(a, b []string) []string {
	if len(a) > 400 || len(b) > 400 {
		a, b = a[:min(len(a), 400)], b[:min(len(b), 400)]
	}
	// Longest common subsequence, from the end.
	l := make([][]int, len(a)+1)
	for i := range l {
		l[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				l[i][j] = l[i+1][j+1] + 1
			} else {
				l[i][j] = max(l[i+1][j], l[i][j+1])
			}
		}
	}
	var out []string
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			if a[i] != "" {
				out = append(out, "  "+a[i])
			}
			i, j = i+1, j+1
		case j >= len(b) || i < len(a) && l[i+1][j] >= l[i][j+1]:
			out = append(out, "- "+a[i])
			i++
		default:
			out = append(out, "+ "+b[j])
			j++
		}
	}
	return out
}
