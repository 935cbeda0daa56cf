package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"govs/ovsdb/storage"
)

// TestMain lets the test binary be the server that TestCrash kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv("GOVS_TEST_SERVER"); dir != "" {
		serveForCrash(dir)
		return
	}
	os.Exit(m.Run())
}

func serveForCrash(dir string) {
	srv := New(Options{RunDir: dir})
	if err := srv.AddDB(dir + "/t.db"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := srv.AddRemote("punix:" + dir + "/s"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if os.Getenv("GOVS_TEST_COMPACT") != "" {
		for {
			if err := srv.DB("T").Compact("test"); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
	}
	select {}
}

// TestCrash commits durable transactions from several clients while the server is killed with SIGKILL at a random
// moment, again and again: nothing that was acknowledged may be lost, and both programs must be able to read the
// file each time.
func TestCrash(t *testing.T) {
	kills := 200
	if testing.Short() {
		kills = 20
	}
	dir := shortTempDir(t)
	createFromSchema(t, dir+"/t.db", "testdata/t.ovsschema")
	const clients = 4
	acked := make([]int, clients) // last acknowledged value of each client's row
	sent := make([]int, clients)
	_, noTool := exec.LookPath("ovsdb-tool")
	rng := rand.New(rand.NewSource(1))
	for k := 0; k < kills; k++ {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), "GOVS_TEST_SERVER="+dir)
		if k%4 == 3 {
			cmd.Env = append(cmd.Env, "GOVS_TEST_COMPACT=1")
		}
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		ready := make(chan struct{}, 3*clients) // never full
		for i := 0; i < clients; i++ {
			wg.Add(1)
			go func() {
				defer wg.Done()
				conn := dialUntil(dir+"/s", time.Now().Add(10*time.Second))
				if conn == nil {
					ready <- struct{}{}
					return
				}
				defer conn.Close()
				dec := json.NewDecoder(bufio.NewReader(conn))
				for first := true; ; first = false {
					sent[i]++
					msg := fmt.Sprintf(`{"method":"transact","params":["T",{"op":"delete","table":"W","where":[["n","==",%d]]},`+
						`{"op":"insert","table":"W","uuid-name":"w","row":{"n":%d,"must":["named-uuid","w"]}},`+
						`{"op":"commit","durable":true}],"id":1}`, acked[i]*clients+i, sent[i]*clients+i)
					if _, err := conn.Write([]byte(msg)); err != nil {
						break
					}
					var reply struct{ Result []json.RawMessage }
					if err := dec.Decode(&reply); err != nil {
						break
					}
					if len(reply.Result) != 3 || strings.Contains(string(reply.Result[1]), "error") {
						t.Errorf("reply %s", reply.Result)
						break
					}
					acked[i] = sent[i]
					if first {
						ready <- struct{}{}
					}
				}
				select {
				case ready <- struct{}{}:
				default:
				}
			}()
		}
		<-ready
		time.Sleep(time.Duration(rng.Intn(8000)) * time.Microsecond)
		cmd.Process.Signal(syscall.SIGKILL)
		cmd.Wait()
		wg.Wait()
		checkAfterCrash(t, dir, acked, sent, noTool == nil)
		if t.Failed() {
			t.Fatalf("after kill %d", k+1)
		}
	}
	total := 0
	for _, n := range acked {
		total += n
	}
	t.Logf("%d kills, %d acknowledged transactions", kills, total)
	if total < kills {
		t.Errorf("only %d transactions were acknowledged", total)
	}
}

func dialUntil(sock string, end time.Time) net.Conn {
	for time.Now().Before(end) {
		if c, err := net.Dial("unix", sock); err == nil {
			return c
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

func checkAfterCrash(t *testing.T, dir string, acked, sent []int, tool bool) {
	file, err := storage.Open(dir+"/t.db", storage.Options{ReadOnly: true})
	if err != nil {
		t.Error(err)
		return
	}
	defer file.Close()
	db, err := readDatabase(file, testClock{}, nil)
	if err != nil {
		t.Error(err)
		return
	}
	got := make(map[int64]bool)
	w := db.table("W")
	n := w.schema.Column("n").Index
	for _, e := range w.rows {
		got[e.row.Cols[n].Scalar().Int()] = true
	}
	clients := len(acked)
	for i := range acked {
		ok := false
		// The transaction under way when the server died may have been done or not.
		for v := acked[i]; v <= sent[i]; v++ {
			if v == 0 || got[int64(v*clients+i)] {
				ok = true
				// What the file has is what the next round must take away.
				acked[i] = v
			}
		}
		if !ok {
			t.Errorf("client %d: acknowledged %d is lost; the file has %v", i, acked[i], got)
		}
	}
	if !tool {
		return
	}
	const query = `["T",{"op":"select","table":"W","where":[],"columns":["n"]}]`
	out, err := exec.Command("ovsdb-tool", "query", dir+"/t.db", query).CombinedOutput()
	if err != nil && (strings.Contains(string(out), "End of file") || strings.Contains(string(out), "parse error at offset") ||
		strings.Contains(string(out), "have SHA-1 hash")) {
		// A SIGKILL can end a write(2) at the edge of a page, for the original server's file as for ours. Then
		// ovsdb-tool refuses what ovsdb-server takes: a log whose last record, which nobody was told of, is
		// torn. So ask the original's server.
		copied := dir + "/copy.db"
		data, rerr := os.ReadFile(dir + "/t.db")
		if rerr != nil {
			t.Error(rerr)
			return
		}
		if err := os.WriteFile(copied, data, 0o600); err != nil {
			t.Error(err)
			return
		}
		sock := dir + "/copy.s"
		cmd := exec.Command("ovsdb-server", "-vconsole:off", "--remote=punix:"+sock, "--unixctl="+dir+"/copy.ctl",
			"--run=ovsdb-client transact unix:"+sock+" '"+query+"'", copied)
		cmd.Env = append(os.Environ(), "OVS_RUNDIR="+dir)
		out, err = cmd.CombinedOutput()
	}
	if err != nil {
		t.Errorf("the original cannot read the file: %s %s", err, out)
		return
	}
	for i := range acked {
		if want := fmt.Sprintf(`"n":%d}`, acked[i]*clients+i); acked[i] > 0 && !strings.Contains(string(out), want) {
			t.Errorf("client %d: acknowledged %d is not in what the original reads: %s", i, acked[i], out)
		}
	}
}
