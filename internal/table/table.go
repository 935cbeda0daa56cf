package table

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"govs/internal/jsonrpc"
)

// Cell is the value of a cell in its several forms.
type Cell interface {
	Text() string               // --data=string
	Bare() string               // --data=bare
	AppendJSON(b []byte) []byte // --data=json, and --format=json always
}

// Text is a cell that is plain text whatever the data format.
type Text string

// Text implements Cell.
func (t Text) Text() string { return string(t) }

// Bare implements Cell.
func (t Text) Bare() string { return string(t) }

// AppendJSON implements Cell.
func (t Text) AppendJSON(b []byte) []byte { return jsonrpc.AppendString(b, string(t)) }

// Table is what is printed.
type Table struct {
	Caption   string
	Timestamp time.Time // printed if not zero
	Columns   []string
	Rows      [][]Cell // as many cells as columns each
}

// Format is the form of a table.
type Format string

// The formats.
const (
	FormatTable Format = "table"
	FormatList  Format = "list"
	FormatHTML  Format = "html"
	FormatCSV   Format = "csv"
	FormatJSON  Format = "json"
)

// Style is how tables are printed.
type Style struct {
	Format     Format
	Data       string // "string", "bare" or "json"; chosen by the format if empty
	NoHeadings bool
	Pretty     bool // indent JSON
	MaxWidth   int  // cells of FormatTable are cut to so many characters; 0 for no limit
	printed    bool // a table has been printed
}

// AddFlags adds the options about tables, with s's format as the default.
func (s *Style) AddFlags(fs *pflag.FlagSet) {
	fs.VarP(setter(s.SetFormat), "format", "f", "")
	fs.VarP(setter(s.SetData), "data", "d", "")
	fs.BoolVar(&s.NoHeadings, "no-headings", false, "")
	fs.BoolVar(&s.Pretty, "pretty", false, "")
	fs.IntVar(&s.MaxWidth, "max-column-width", 0, "")
	fs.Var(bare{s}, "bare", "")
	fs.Lookup("bare").NoOptDefVal = "true"
}

// SetFormat sets the format by its name.
func (s *Style) SetFormat(name string) error {
	switch f := Format(name); f {
	case FormatTable, FormatList, FormatHTML, FormatCSV, FormatJSON:
		s.Format = f
		return nil
	}
	return fmt.Errorf("unknown output format \"%s\"", name)
}

// SetData sets the data format by its name.
func (s *Style) SetData(name string) error {
	switch name {
	case "string", "bare", "json":
		s.Data = name
		return nil
	}
	return fmt.Errorf("unknown data format \"%s\"", name)
}

type setter func(string) error

func (f setter) Set(s string) error { return f(s) }
func (setter) String() string       { return "" }
func (setter) Type() string         { return "name" }

// bare is the option --bare.
type bare struct{ s *Style }

func (b bare) Set(string) error {
	b.s.Format, b.s.Data, b.s.NoHeadings = FormatList, "bare", true
	return nil
}
func (bare) String() string { return "" }
func (bare) Type() string   { return "bool" }

// Usage is the help text of AddFlags.
const Usage = `
Output formatting options:
  -f, --format=FORMAT         set output formatting to FORMAT
                              ("table", "html", "csv", or "json")
  -d, --data=FORMAT           set table cell output formatting to
                              FORMAT ("string", "bare", or "json")
  --no-headings               omit table heading row
  --pretty                    pretty-print JSON in output
  --bare                      equivalent to "--format=list --data=bare --no-headings"
`

// text returns a cell in the form that the style asks for.
func (s *Style) text(c Cell) string {
	switch s.Data {
	case "json":
		if _, plain := c.(Text); plain {
			return c.Text()
		}
		return string(c.AppendJSON(nil))
	case "bare":
		return c.Bare()
	}
	return c.Text()
}

// Print prints a table.
func (s *Style) Print(out io.Writer, t *Table) error {
	w := bufio.NewWriter(out)
	switch s.Format {
	case FormatHTML:
		s.html(w, t)
	case FormatCSV:
		s.csv(w, t)
	case FormatJSON:
		s.json(w, t)
	case FormatList:
		s.list(w, t)
	default:
		s.table(w, t)
	}
	return w.Flush()
}

// separate prints a blank line between tables.
func (s *Style) separate(w *bufio.Writer) {
	if s.printed {
		w.WriteByte('\n')
	}
	s.printed = true
}

func (t *Table) stamp() string {
	const layout = "2006-01-02 15:04:05.000"
	return t.Timestamp.UTC().Format(layout)
}

// head prints the timestamp and the caption, each on a line.
func (t *Table) head(w *bufio.Writer) {
	if !t.Timestamp.IsZero() {
		w.WriteString(t.stamp() + "\n")
	}
	if t.Caption != "" {
		w.WriteString(t.Caption + "\n")
	}
}

func (s *Style) table(w *bufio.Writer, t *Table) {
	s.separate(w)
	t.head(w)
	width := make([]int, len(t.Columns))
	if !s.NoHeadings {
		for i, c := range t.Columns {
			width[i] = utf8.RuneCountInString(c)
		}
	}
	text := make([][]string, len(t.Rows))
	for i, row := range t.Rows {
		text[i] = make([]string, len(row))
		for j, c := range row {
			text[i][j] = s.text(c)
			if s.MaxWidth > 0 && utf8.RuneCountInString(text[i][j]) > max(s.MaxWidth, headingWidth(t.Columns[j], s.NoHeadings)) {
				text[i][j] = string([]rune(text[i][j])[:max(s.MaxWidth, headingWidth(t.Columns[j], s.NoHeadings))])
			}
			width[j] = max(width[j], utf8.RuneCountInString(text[i][j]))
		}
	}
	line := func(cells []string) {
		var b strings.Builder
		for i, c := range cells {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(c)
			b.WriteString(strings.Repeat(" ", width[i]-utf8.RuneCountInString(c)))
		}
		w.WriteString(strings.TrimRight(b.String(), " ") + "\n")
	}
	if !s.NoHeadings {
		line(t.Columns)
		dashes := make([]string, len(width))
		for i, n := range width {
			dashes[i] = strings.Repeat("-", n)
		}
		line(dashes)
	}
	for _, row := range text {
		line(row)
	}
}

// headingWidth is the least width of a column.
func headingWidth(name string, none bool) int {
	if none {
		return 0
	}
	return utf8.RuneCountInString(name)
}

func (s *Style) list(w *bufio.Writer, t *Table) {
	for i, row := range t.Rows {
		if i == 0 {
			s.separate(w)
			t.head(w)
		} else {
			w.WriteByte('\n')
		}
		for j, c := range row {
			if !s.NoHeadings {
				fmt.Fprintf(w, "%-20s: ", t.Columns[j])
			}
			w.WriteString(s.text(c) + "\n")
		}
	}
}

func (s *Style) csv(w *bufio.Writer, t *Table) {
	s.separate(w)
	t.head(w)
	line := func(n int, cell func(int) string) {
		for i := range n {
			if i > 0 {
				w.WriteByte(',')
			}
			c := cell(i)
			if strings.ContainsAny(c, "\n\",") {
				c = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
			}
			w.WriteString(c)
		}
		w.WriteByte('\n')
	}
	if !s.NoHeadings {
		line(len(t.Columns), func(i int) string { return t.Columns[i] })
	}
	for _, row := range t.Rows {
		line(len(row), func(i int) string { return s.text(row[i]) })
	}
}

var htmlEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

func (s *Style) html(w *bufio.Writer, t *Table) {
	if !t.Timestamp.IsZero() {
		w.WriteString(htmlEscape.Replace(t.stamp()) + "\n")
	}
	w.WriteString("<table border=1>\n")
	if t.Caption != "" {
		fmt.Fprintf(w, "    <caption>%s</caption>\n", htmlEscape.Replace(t.Caption))
	}
	if !s.NoHeadings {
		w.WriteString("  <tr>\n")
		for _, c := range t.Columns {
			fmt.Fprintf(w, "    <th>%s</th>\n", htmlEscape.Replace(c))
		}
		w.WriteString("  </tr>\n")
	}
	for _, row := range t.Rows {
		w.WriteString("  <tr>\n")
		for i, c := range row {
			w.WriteString("    <td>" + htmlCell(t.Columns[i], s.text(c)) + "</td>\n")
		}
		w.WriteString("  </tr>\n")
	}
	w.WriteString("</table>\n")
}

const uuidLen = 36

// htmlCell makes UUIDs short, those of column _uuid anchors and others links.
func htmlCell(column, text string) string {
	if column == "_uuid" {
		return fmt.Sprintf("<a name=\"%s\">%s</a>", htmlEscape.Replace(text), htmlEscape.Replace(text[:min(8, len(text))]))
	}
	var b strings.Builder
	for text != "" {
		if isUUID(text) {
			fmt.Fprintf(&b, "<a href=\"#%s\">%s</a>", text[:uuidLen], text[:8])
			text = text[uuidLen:]
			continue
		}
		b.WriteString(htmlEscape.Replace(text[:1]))
		text = text[1:]
	}
	return b.String()
}

// isUUID tells whether s begins with a UUID.
func isUUID(s string) bool {
	if len(s) < uuidLen {
		return false
	}
	for i := range uuidLen {
		c := s[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
				return false
			}
		}
	}
	return true
}

func (s *Style) json(w *bufio.Writer, t *Table) {
	b := []byte{'{'}
	if t.Caption != "" {
		b = jsonrpc.AppendString(append(b, `"caption":`...), t.Caption)
		b = append(b, ',')
	}
	b = append(b, `"data":[`...)
	for i, row := range t.Rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		for j, c := range row {
			if j > 0 {
				b = append(b, ',')
			}
			b = c.AppendJSON(b)
		}
		b = append(b, ']')
	}
	b = append(b, `],"headings":[`...)
	for i, c := range t.Columns {
		if i > 0 {
			b = append(b, ',')
		}
		b = jsonrpc.AppendString(b, c)
	}
	b = append(b, ']')
	if !t.Timestamp.IsZero() {
		b = jsonrpc.AppendString(append(b, `,"time":`...), t.stamp())
	}
	b = append(b, '}')
	if s.Pretty {
		b = AppendPretty(nil, b)
	}
	w.Write(b)
	w.WriteByte('\n')
}

// AppendPretty appends the JSON text src to b, indented as --pretty does: each
// member and element on a line of its own, closing brackets at the end of the
// last. src must be valid and compact.
func AppendPretty(b, src []byte) []byte {
	depth := 0
	newline := func() {
		b = append(b, '\n')
		for range depth {
			b = append(b, ' ', ' ')
		}
	}
	for i := 0; i < len(src); i++ {
		switch c := src[i]; c {
		case '"':
			end := i + 1
			for src[end] != '"' {
				if src[end] == '\\' {
					end++
				}
				end++
			}
			b = append(b, src[i:end+1]...)
			i = end
		case '{', '[':
			b = append(b, c)
			depth++
			if i+1 < len(src) && src[i+1] != '}' && src[i+1] != ']' {
				newline()
			}
		case '}', ']':
			depth--
			b = append(b, c)
		case ',':
			b = append(b, c)
			newline()
		case ':':
			b = append(b, c, ' ')
		default:
			b = append(b, c)
		}
	}
	return b
}

// JSON is a cell whose value is JSON without a type.
type JSON json.RawMessage

// Text implements Cell.
func (j JSON) Text() string { return string(j) }

// Bare implements Cell.
func (j JSON) Bare() string { return string(j) }

// AppendJSON implements Cell.
func (j JSON) AppendJSON(b []byte) []byte { return append(b, j...) }
