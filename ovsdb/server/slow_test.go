package server

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestSlowClient has a client that monitors a table and never reads, while another one changes it all the time: the
// changes must not be held up, what is kept for the slow client must stay small, and when it reads at last it must
// get to the current contents.
func TestSlowClient(t *testing.T) {
	dir := shortTempDir(t)
	createFromSchema(t, dir+"/t.db", "testdata/t.ovsschema")
	srv, sock := startOurs(t, dir, dir+"/t.db")
	db := srv.DB("T")
	fast := dialRaw(t, sock)
	fast.call(`["T",{"op":"insert","table":"A","row":{"name":"x"}}]`)
	slow, err := net.Dial("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	io.WriteString(slow, `{"method":"monitor_cond","params":["T",1,{"A":[{"columns":["im","is","m"]}]}],"id":1}`)
	waitFor(t, "the monitor", func() bool {
		db.mu.Lock()
		defer db.mu.Unlock()
		return len(db.monitors) == 1
	})
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	big := strings.Repeat("v", 2000)
	change := func(i int) {
		out := fast.call(fmt.Sprintf(`["T",{"op":"update","table":"A","where":[],"row":{"s":"x%d","m":["map",[["%s",%d]]]}}]`, i%10, big, i))
		if !strings.Contains(out[0], `"count":1`) {
			t.Fatal(out)
		}
	}
	const n = 30000
	var before uint64
	for i := 0; i < n; i++ {
		change(i)
		if i == 6000 {
			before = heap()
		}
	}
	if after := heap(); after > before+8<<20 {
		t.Errorf("heap grew from %d to %d bytes", before, after)
	}
	// Now it reads.
	slow.SetDeadline(time.Now().Add(20 * time.Second))
	want := fmt.Sprintf(`%d]`, n-1)
	var tail []byte
	total := 0
	buf := make([]byte, 1<<16)
	for {
		k, err := slow.Read(buf)
		if err != nil {
			t.Fatalf("after %d bytes: %v", total, err)
		}
		total += k
		tail = append(tail, buf[:k]...)
		if len(tail) > 1<<16 {
			tail = tail[len(tail)-1<<16:]
		}
		if strings.Contains(string(tail), want) {
			break
		}
	}
	if total > n*1000 {
		t.Errorf("%d bytes were kept for the slow client", total)
	}
}

// TestUnreadReplies has a client that sends requests and never reads the replies: the server must stop reading them.
func TestUnreadReplies(t *testing.T) {
	dir := shortTempDir(t)
	createFromSchema(t, dir+"/t.db", "testdata/t.ovsschema")
	_, sock := startOurs(t, dir, dir+"/t.db")
	c, err := net.Dial("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	req := `{"method":"get_schema","params":["T"],"id":1}`
	sent := 0
	c.SetWriteDeadline(time.Now().Add(2 * time.Second))
	for sent < 100<<20 {
		n, err := io.WriteString(c, strings.Repeat(req, 100))
		sent += n
		if err != nil {
			break
		}
	}
	if sent >= 100<<20 {
		t.Error("the server goes on reading although its replies are not read")
	}
	// Others are served meanwhile.
	other := dialRaw(t, sock)
	if out := other.call(`{"method":"echo","params":["x"],"id":2}`); !strings.Contains(out[0], `["x"]`) {
		t.Errorf("echo: %s", out)
	}
}

// TestHostileRequests sends what a client must not be able to do harm with.
func TestHostileRequests(t *testing.T) {
	dir := shortTempDir(t)
	createFromSchema(t, dir+"/t.db", "testdata/t.ovsschema")
	_, sock := startOurs(t, dir, dir+"/t.db")
	for _, line := range []string{
		`{"method":"monitor","params":["T",1],"id":1}`, // this one ends the original
		`{"method":"monitor","params":["T"],"id":1}`,
		`{"method":"monitor_cond_since","params":["T",1,{}],"id":1}`,
		`{"method":"monitor_cond_change","params":[],"id":1}`,
		`{"method":"convert","params":[],"id":1}`,
		`{"method":"transact","params":["T",null,5,"x",[]],"id":{"a":[1]}}`,
		`{"method":"transact","params":["T",{"op":"wait","table":"A","where":[],"until":"==","rows":[],"timeout":1e300}],"id":1}`,
		`{"method":"steal","params":[["x"]],"id":1}`,
	} {
		c := dialRaw(t, sock)
		out := c.call(line)
		if len(out) != 1 || !strings.Contains(out[0], `"id":`) {
			t.Errorf("%s: %s", line, out)
		}
	}
	for _, line := range []string{`{"id":1}`, ` []`, `{"method":5,"params":[],"id":1}`, `{"method":"x","id":1}`, `}`, `{"a":"\ud800"}`} {
		c := dialRaw(t, sock)
		if out := c.call(line); out[len(out)-1] != "closed" {
			t.Errorf("%s: %s", line, out)
		}
	}
}
