package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
)

// measured is an outcome as after a measurement: one run a side.
func measured(name string, floor, original, ours float64) outcome {
	o := outcome{Row: name, About: "a & b", Runs: map[string][]result{}, Median: map[string]float64{}, Errors: map[string][]string{}}
	for side, v := range map[string]float64{"floor": floor, "original": original, "ours": ours} {
		if v > 0 {
			o.Runs[side] = []result{{Cycles: v, Flows: 5}}
		}
	}
	o.compare()
	return o
}

func TestVerdicts(t *testing.T) {
	wrong := measured("vhost", 0, 400, 200)
	wrong.fail("ours", errors.New("lost"))
	rep := &report{Rows: []outcome{
		measured("in-port", 30, 100, 40), measured("emc-1", 30, 100, 50), measured("emc-1k", 30, 150, 75), measured("emc-10k", 30, 100, 60),
		measured("own-1m", 40, 800, 200), measured("imix", 30, 0, 50), wrong,
	}}
	rep.judge()
	for i, want := range []string{
		"aim", "pass, floor: pass (2.0)", "pass", "MISS", "aim, 2.67 of emc-1k: MISS (2.0)", "-", "aim, ERROR: ours",
	} {
		if got := rep.Rows[i].Verdict; got != want {
			t.Errorf("%s: verdict %q, want %q", rep.Rows[i].Row, got, want)
		}
	}
	var table bytes.Buffer
	rep.print(&table)
	var md bytes.Buffer
	rep.markdown(&md)
	if n := strings.Count(md.String(), "\n| "); n != len(rep.Rows)+1 || !strings.Contains(md.String(), "| emc-10k | a & b | 30.0 | 100.0 | 60.0 | 1.67 | 2.0 | 3.0 | 2.00 | MISS |") {
		t.Errorf("Markdown:\n%s", md.String())
	}
	if n := strings.Count(table.String(), "\n"); n != len(rep.Rows)+1 || !strings.Contains(table.String(), "emc-10k") {
		t.Errorf("table:\n%s", table.String())
	}
}

func TestMedian(t *testing.T) {
	rs := []result{{Cycles: 5}, {Cycles: 1}, {Cycles: 9}}
	if m, b := median(rs), best(rs); m != 5 || b != 1 {
		t.Errorf("median %v, best %v", m, b)
	}
	if m := median(rs[:2]); m != 3 {
		t.Errorf("median of two: %v", m)
	}
	if median(nil) != 0 || best(nil) != 0 {
		t.Error("of none")
	}
}

// A row that is measured again replaces its older result; other rows stay; and all comes back from the file.
func TestResults(t *testing.T) {
	dir := t.TempDir()
	if rep, err := load(dir); rep != nil || err != nil {
		t.Fatalf("no file: %v, %v", rep, err)
	}
	first := &report{Runs: 1, Rows: []outcome{measured("vhost", 0, 400, 200), measured("emc-1k", 30, 150, 100)}}
	if err := first.merge(nil).save(dir); err != nil {
		t.Fatal(err)
	}
	old, err := load(dir)
	if err != nil {
		t.Fatal(err)
	}
	second := &report{Runs: 2, Rows: []outcome{measured("emc-1k", 30, 150, 50), measured("in-port", 30, 90, 45)}}
	whole := second.merge(old)
	var names []string
	for _, o := range whole.Rows {
		names = append(names, o.Row)
	}
	if got := strings.Join(names, " "); got != "in-port emc-1k vhost" || whole.Rows[1].Ratio != 3 || whole.Runs != 2 {
		t.Errorf("rows %s, ratio %v", got, whole.Rows[1].Ratio)
	}
	chosen, err := choose("emc-1k")
	if err != nil {
		t.Fatal(err)
	}
	if some := whole.only(chosen); len(some.Rows) != 1 || some.Rows[0].Row != "emc-1k" || len(whole.Rows) != 3 {
		t.Errorf("only: %d rows, of %d", len(some.Rows), len(whole.Rows))
	}
}

// The chart is the same for the same results, is XML, shows each row that we have measured, and stays in its frame.
func TestChart(t *testing.T) {
	rep := &report{Rows: []outcome{measured("in-port", 30, 90, 45), measured("emc-1k", 30, 150, 75), measured("slow <&>", 30, 90000, 200), measured("broken", 30, 100, 0)}}
	svg := chart(rep)
	if !bytes.Equal(svg, chart(rep)) {
		t.Error("two charts of the same results differ")
	}
	var width float64
	texts := map[string]bool{}
	bars := 0
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("not XML: %v\n%s", err, svg)
		}
		switch e := tok.(type) {
		case xml.StartElement:
			get := func(name string) float64 {
				for _, a := range e.Attr {
					if a.Name.Local == name {
						v, err := strconv.ParseFloat(a.Value, 64)
						if err != nil {
							t.Errorf("%s of %s: %v", name, e.Name.Local, err)
						}
						return v
					}
				}
				return 0
			}
			switch e.Name.Local {
			case "svg":
				width = get("width")
			case "rect":
				bars++
				if get("x") < 0 || get("x")+get("width") > width || get("width") <= 0 {
					t.Errorf("a bar from %v, %v wide, in a picture of %v", get("x"), get("width"), width)
				}
			}
		case xml.CharData:
			texts[strings.TrimSpace(string(e))] = true
		}
	}
	for _, want := range []string{"in-port", "emc-1k", "slow <&>", "2.0×", "90000 »", "45"} {
		if !texts[want] {
			t.Errorf("the chart does not say %q", want)
		}
	}
	if texts["broken"] || bars != 3+2*3 {
		t.Errorf("%d bars", bars)
	}
	if svg := chart(&report{}); xml.Unmarshal(svg, new(struct{})) != nil {
		t.Errorf("empty chart: %s", svg)
	}
}

// What the switches print of their counters.
func TestParse(t *testing.T) {
	ports := parsePorts(`netdev@ovs-netdev:
  lookups: hit:0 missed:1000 lost:0
  flows: 1000
  port 0: ovs-netdev (internal)
    RX packets:0 errors:0 dropped:0 overruns:0 frame:0
    TX packets:0 errors:0 dropped:0 aborted:0 carrier:0
    collisions:0
    RX bytes:0  TX bytes:0
  port 2: dst0 (dpdk: configured_rx_queues=1, configured_tx_queues=2, mtu=1500)
    RX packets:0 errors:0 dropped:3 overruns:? frame:?
    TX packets:1000 errors:0 dropped:2 aborted:? carrier:?
    collisions:?
    RX bytes:0  TX bytes:62000 (60.5 KiB)
  port 3: src (dpdk)
    RX packets:1001 errors:? dropped:? overruns:? frame:?
    TX packets:0 errors:0 dropped:0 aborted:? carrier:?
`)
	for name, want := range map[string]counts{"dst0": {tx: 1000, rxDropped: 3, txDropped: 2}, "src": {rx: 1001}, "ovs-netdev": {}} {
		if got, ok := ports[name]; !ok || got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	if len(ports) != 3 {
		t.Errorf("ports %v", ports)
	}
	m := reDrop.FindAllStringSubmatch("Event coverage, avg rate over last:\nbridge_reconfigure 0.0/sec     0.000/sec        0.0000/sec   total: 5\n"+
		"datapath_drop_upcall_error   0.0/sec     0.000/sec        0.0000/sec   total: 80\n", -1)
	if len(m) != 1 || m[0][1] != "datapath_drop_upcall_error" || m[0][2] != "80" {
		t.Errorf("drop counters: %q", m)
	}
	pmd := "pmd thread numa_id 0 core_id 1:\n  avg. subtable lookups per megaflow hit: 2.50\n  miss with failed upcall: 7\n  avg processing cycles per packet: 91.5 (1/2)\n"
	if number(reOwn, pmd) != 91.5 || number(reWalk, pmd) != 2.5 || number(reMiss, pmd) != 7 {
		t.Errorf("%v %v %v", number(reOwn, pmd), number(reWalk, pmd), number(reMiss, pmd))
	}
}
