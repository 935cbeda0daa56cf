package table

import (
	"bytes"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"govs/internal/getopt"
)

func sample() *Table {
	return &Table{Columns: []string{"_uuid", "name", "é"}, Rows: [][]Cell{
		{Text("6fb3e8fa-ed1f-4e2b-a19f-41b4ceafd3a8"), JSON(`"a,\"b"`), Text("")},
		{Text("x"), JSON(`[]`), Text("[6fb3e8fa-ed1f-4e2b-a19f-41b4ceafd3a8]<")},
	}}
}

// The texts below are what ovs-vsctl 3.1 prints for such tables.
func TestFormats(t *testing.T) {
	for args, want := range map[string]string{
		"-ftable": "_uuid                                name    é\n" +
			"------------------------------------ ------- ---------------------------------------\n" +
			"6fb3e8fa-ed1f-4e2b-a19f-41b4ceafd3a8 \"a,\\\"b\"\n" +
			"x                                    []      [6fb3e8fa-ed1f-4e2b-a19f-41b4ceafd3a8]<\n",
		"--format=list": "_uuid               : 6fb3e8fa-ed1f-4e2b-a19f-41b4ceafd3a8\nname                : \"a,\\\"b\"\n" +
			"é                   : \n\n_uuid               : x\nname                : []\n" +
			"é                   : [6fb3e8fa-ed1f-4e2b-a19f-41b4ceafd3a8]<\n",
		"--bare": "6fb3e8fa-ed1f-4e2b-a19f-41b4ceafd3a8\n\"a,\\\"b\"\n\n\nx\n[]\n[6fb3e8fa-ed1f-4e2b-a19f-41b4ceafd3a8]<\n",
		"-fcsv":  "_uuid,name,é\n6fb3e8fa-ed1f-4e2b-a19f-41b4ceafd3a8,\"\"\"a,\\\"\"b\"\"\",\nx,[],[6fb3e8fa-ed1f-4e2b-a19f-41b4ceafd3a8]<\n",
		"-fjson": `{"data":[["6fb3e8fa-ed1f-4e2b-a19f-41b4ceafd3a8","a,\"b",""],["x",[],"[6fb3e8fa-ed1f-4e2b-a19f-41b4ceafd3a8]<"]],"headings":["_uuid","name","é"]}` + "\n",
	} {
		var s Style
		fs := pflag.NewFlagSet("x", pflag.ContinueOnError)
		s.AddFlags(fs)
		if _, err := getopt.Parse(fs, []string{args}, getopt.Permute); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := s.Print(&b, sample()); err != nil {
			t.Fatal(err)
		}
		if b.String() != want {
			t.Errorf("%s: got\n%s\nwant\n%s", args, &b, want)
		}
	}
}

func TestHTML(t *testing.T) {
	s := Style{Format: FormatHTML}
	tab := sample()
	tab.Caption, tab.Timestamp = "a < b", time.Date(2024, 1, 2, 3, 4, 5, 6e6, time.UTC)
	tab.Rows = tab.Rows[1:]
	var b bytes.Buffer
	if err := s.Print(&b, tab); err != nil {
		t.Fatal(err)
	}
	want := `2024-01-02 03:04:05.006
<table border=1>
    <caption>a &lt; b</caption>
  <tr>
    <th>_uuid</th>
    <th>name</th>
    <th>é</th>
  </tr>
  <tr>
    <td><a name="x">x</a></td>
    <td>[]</td>
    <td>[<a href="#6fb3e8fa-ed1f-4e2b-a19f-41b4ceafd3a8">6fb3e8fa</a>]&lt;</td>
  </tr>
</table>
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &b, want)
	}
}

func TestPretty(t *testing.T) {
	got := string(AppendPretty(nil, []byte(`{"a":["x\"[",[],{}],"b":{"c":1}}`)))
	want := "{\n  \"a\": [\n    \"x\\\"[\",\n    [],\n    {}],\n  \"b\": {\n    \"c\": 1}}"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSeparation(t *testing.T) {
	var b bytes.Buffer
	s := Style{Format: FormatCSV, NoHeadings: true}
	for range 2 {
		if err := s.Print(&b, &Table{Columns: []string{"a"}, Rows: [][]Cell{{Text("x")}}}); err != nil {
			t.Fatal(err)
		}
	}
	if b.String() != "x\n\nx\n" {
		t.Errorf("got %q", &b)
	}
	if err := s.SetFormat("foo"); err == nil || err.Error() != `unknown output format "foo"` {
		t.Error(err)
	}
	if err := s.SetData("foo"); err == nil || err.Error() != `unknown data format "foo"` {
		t.Error(err)
	}
}
