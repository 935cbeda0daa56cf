package vlog

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// record is one message on its way to the destinations.
type record struct {
	reg    *Registry
	module string
	sub    string
	serial uint32
	level  Level
	msg    string
	now    time.Time
}

// format expands a pattern.
func (rec *record) format(pattern string) []byte {
	out := make([]byte, 0, len(rec.msg)+80)
	for i := 0; i < len(pattern); {
		c := pattern[i]
		i++
		if c != '%' {
			out = append(out, c)
			continue
		}
		left, pad, width := false, byte(' '), 0
		if i < len(pattern) && pattern[i] == '-' {
			left = true
			i++
		}
		if i < len(pattern) && pattern[i] == '0' {
			pad = '0'
			i++
		}
		for i < len(pattern) && pattern[i] >= '0' && pattern[i] <= '9' {
			if width < 1000 {
				width = width*10 + int(pattern[i]-'0')
			}
			i++
		}
		if i >= len(pattern) {
			break
		}
		verb := pattern[i]
		i++
		var s string
		switch verb {
		case 'A':
			s = rec.reg.program
		case 'B':
			s = strconv.Itoa(rec.reg.facilityCode(16)<<3 | rec.level.severity())
		case 'c':
			s = rec.module
		case 'd', 'D':
			tmpl := "%Y-%m-%d %H:%M:%S.###"
			if i < len(pattern) && pattern[i] == '{' {
				if end := strings.IndexByte(pattern[i:], '}'); end > 0 {
					tmpl = pattern[i+1 : i+end]
					i += end + 1
				}
			}
			now := rec.now.Local()
			if verb == 'D' {
				now = rec.now.UTC()
			}
			s = Strftime(tmpl, now)
		case 'E':
			s, _ = os.Hostname()
			if s == "" {
				s = "-"
			}
		case 'm':
			s = strings.TrimRight(rec.msg, "\n")
		case 'N':
			s = strconv.FormatUint(uint64(rec.serial), 10)
		case 'n':
			s = "\n"
		case 'p':
			s = rec.level.String()
		case 'P':
			s = strconv.Itoa(rec.reg.pid)
		case 'r':
			s = strconv.FormatInt(rec.now.Sub(rec.reg.start).Milliseconds(), 10)
		case 't':
			s = rec.sub
			if s == "" {
				s = "main"
			}
		case 'T':
			if rec.sub != "" {
				s = "(" + rec.sub + ")"
			}
		default:
			s = string(verb)
		}
		for fill := width - len(s); fill > 0 && !left; fill-- {
			out = append(out, pad)
		}
		out = append(out, s...)
		for fill := width - len(s); fill > 0 && left; fill-- {
			out = append(out, pad)
		}
	}
	return out
}

// Strftime formats t as strftime(3) does in the C locale, and replaces each
// run of '#' by that many digits of the fraction of the second, of which those
// past the third are zero.
func Strftime(tmpl string, t time.Time) string {
	var b strings.Builder
	for i := 0; i < len(tmpl); i++ {
		c := tmpl[i]
		if c == '#' {
			n := 1
			for i+1 < len(tmpl) && tmpl[i+1] == '#' {
				n++
				i++
			}
			frac := fmt.Sprintf("%03d", t.Nanosecond()/1e6)
			for len(frac) < n {
				frac += "0"
			}
			b.WriteString(frac[:n])
			continue
		}
		if c != '%' || i+1 >= len(tmpl) {
			b.WriteByte(c)
			continue
		}
		i++
		switch tmpl[i] {
		case 'a':
			b.WriteString(t.Format("Mon"))
		case 'A':
			b.WriteString(t.Format("Monday"))
		case 'b', 'h':
			b.WriteString(t.Format("Jan"))
		case 'B':
			b.WriteString(t.Format("January"))
		case 'c':
			b.WriteString(t.Format("Mon Jan _2 15:04:05 2006"))
		case 'C':
			fmt.Fprintf(&b, "%02d", t.Year()/100)
		case 'd':
			b.WriteString(t.Format("02"))
		case 'D', 'x':
			b.WriteString(t.Format("01/02/06"))
		case 'e':
			b.WriteString(t.Format("_2"))
		case 'F':
			b.WriteString(t.Format("2006-01-02"))
		case 'H':
			b.WriteString(t.Format("15"))
		case 'I':
			b.WriteString(t.Format("03"))
		case 'j':
			fmt.Fprintf(&b, "%03d", t.YearDay())
		case 'm':
			b.WriteString(t.Format("01"))
		case 'M':
			b.WriteString(t.Format("04"))
		case 'n':
			b.WriteByte('\n')
		case 'p':
			b.WriteString(t.Format("PM"))
		case 'R':
			b.WriteString(t.Format("15:04"))
		case 's':
			b.WriteString(strconv.FormatInt(t.Unix(), 10))
		case 'S':
			b.WriteString(t.Format("05"))
		case 't':
			b.WriteByte('\t')
		case 'T', 'X':
			b.WriteString(t.Format("15:04:05"))
		case 'y':
			b.WriteString(t.Format("06"))
		case 'Y':
			b.WriteString(t.Format("2006"))
		case 'z':
			b.WriteString(t.Format("-0700"))
		case 'Z':
			b.WriteString(t.Format("MST"))
		case '%':
			b.WriteByte('%')
		default:
			b.WriteByte('%')
			b.WriteByte(tmpl[i])
		}
	}
	return b.String()
}
