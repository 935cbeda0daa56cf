package main

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const bigRows = 50000

// changers are clients of one server that each change a row of their own, one transaction after another.
type changers struct {
	clients []*client
	done    []int // transactions that each client has made
	durable bool
}

// newChangers starts the server and connects the clients.
func newChangers(s *serverProc, clients int, durable bool) (*changers, error) {
	if err := s.create(); err != nil {
		return nil, err
	}
	first, err := s.start()
	if err != nil {
		return nil, err
	}
	defer first.conn.Close()
	var inserts []string
	for i := range clients {
		inserts = append(inserts, fmt.Sprintf(`{"op":"insert","table":"Counter","row":{"name":"c%d"}}`, i))
	}
	if reply, err := first.call(`{"method":"transact","params":["Bench",` + strings.Join(inserts, ",") + `],"id":0}`); err != nil ||
		bytes.Contains(reply, []byte("details")) {
		return nil, fmt.Errorf("insert: %s %v", reply, err)
	}
	connect := dial
	if clients == 1 {
		connect = dialBlocking
	}
	c := &changers{done: make([]int, clients), durable: durable}
	for range clients {
		cl, err := connect(s.sock())
		if err != nil {
			c.close()
			return nil, err
		}
		c.clients = append(c.clients, cl)
	}
	return c, nil
}

func (c *changers) close() {
	for _, cl := range c.clients {
		cl.conn.Close()
	}
}

// rate lets all clients make transactions for the time d and returns how many there were a second.
func (c *changers) rate(d time.Duration) (float64, error) {
	errs := make([]error, len(c.clients))
	counts := make([]int, len(c.clients))
	extra := ""
	if c.durable {
		extra = `,{"op":"commit","durable":true}`
	}
	var wg sync.WaitGroup
	start := time.Now()
	for i, cl := range c.clients {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if len(c.clients) == 1 {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
			}
			for time.Since(start) < d {
				reply, err := cl.call(fmt.Sprintf(`{"method":"transact","params":["Bench",{"op":"update","table":"Counter",`+
					`"where":[["name","==","c%d"]],"row":{"n":%d}}%s],"id":%d}`, i, c.done[i]+1, extra, c.done[i]))
				if err != nil || !bytes.Contains(reply, []byte(`"count":1`)) {
					errs[i] = fmt.Errorf("%s %v", reply, err)
					return
				}
				c.done[i]++
				counts[i]++
			}
		}()
	}
	wg.Wait()
	elapsed := time.Since(start).Seconds()
	total := 0
	for i := range counts {
		if errs[i] != nil {
			return 0, errs[i]
		}
		total += counts[i]
	}
	return float64(total) / elapsed, nil
}

// Both servers are up and take turns of this length, so that what else the disk does meets both alike.
const (
	turn  = 250 * time.Millisecond
	turns = 12
)

// smallTransactions measures transactions per second of two servers, turn by turn: the medians of each one's turns and of the
// ratios of neighbouring turns.
func smallTransactions(clients int, durable bool) func(*[2]serverProc) (rates [2]float64, ratio float64, err error) {
	return func(s *[2]serverProc) (rates [2]float64, ratio float64, err error) {
		var c [2]*changers
		for i := range c {
			if c[i], err = newChangers(&s[i], clients, durable); err != nil {
				return rates, 0, err
			}
			defer c[i].close()
			if _, err = c[i].rate(turn); err != nil { // warm
				return rates, 0, err
			}
		}
		var all [2][]float64
		var ratios []float64
		for n := range turns {
			for k := range c {
				i := (k + n) % 2
				v, err := c[i].rate(turn)
				if err != nil {
					return rates, 0, err
				}
				all[i] = append(all[i], v)
			}
			ratios = append(ratios, all[1][n]/all[0][n])
		}
		return [2]float64{median(all[0]), median(all[1])}, median(ratios), nil
	}
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// insertRows returns a transaction that inserts n ports.
func insertRows(n int) string {
	var sb strings.Builder
	sb.WriteString(`{"method":"transact","params":["Bench"`)
	for i := 0; i < n; i++ {
		fmt.Fprintf(&sb, `,{"op":"insert","table":"Port","row":{"name":"port-%d","tag":%d,"up":true,`+
			`"addresses":["set",["0a:00:00:%02x:%02x:%02x 10.%d.%d.%d"]],`+
			`"options":["map",[["requested-chassis","host-%d"],["mcast_flood","false"]]],`+
			`"external_ids":["map",[["neutron:cidrs","10.%d.%d.%d/16"],["neutron:device_id","device-%d"],["neutron:port_name","p%d"]]]}}`,
			i, i%4096, i>>16&255, i>>8&255, i&255, i>>16&255, i>>8&255, i&255, i%100, i>>16&255, i>>8&255, i&255, i, i)
	}
	sb.WriteString(`],"id":7}`)
	return sb.String()
}

// fill starts the server on a database with bigRows rows and returns how long the insertion took.
func fill(s *serverProc) (*client, time.Duration, error) {
	if err := s.create(); err != nil {
		return nil, 0, err
	}
	c, err := s.start()
	if err != nil {
		return nil, 0, err
	}
	msg := insertRows(bigRows)
	start := time.Now()
	reply, err := c.call(msg)
	if err == nil && bytes.Contains(reply, []byte("details")) {
		err = fmt.Errorf("%.300s", reply)
	}
	return c, time.Since(start), err
}

func bigInsert(s *serverProc) (float64, error) {
	_, d, err := fill(s)
	return d.Seconds(), err
}

func bigMonitor(s *serverProc) (float64, error) {
	c, _, err := fill(s)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	reply, err := c.call(`{"method":"monitor_cond","params":["Bench",1,{"Port":[{}]}],"id":8}`)
	if err == nil && bytes.Count(reply, []byte(`"initial"`)) != bigRows {
		err = fmt.Errorf("%.300s", reply)
	}
	return time.Since(start).Seconds(), err
}

// manyMonitors measures changes per second that 200 sessions with the same monitor all get to see.
func manyMonitors(s *serverProc) (float64, error) {
	const monitors, changes = 200, 500
	if err := s.create(); err != nil {
		return 0, err
	}
	c, err := s.start()
	if err != nil {
		return 0, err
	}
	if _, err := c.call(`{"method":"transact","params":["Bench",{"op":"insert","table":"Counter","row":{"name":"c"}}],"id":0}`); err != nil {
		return 0, err
	}
	done := make(chan error, 1)
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return 0, err
	}
	defer unix.Close(ep)
	for i := 0; i < monitors; i++ {
		m, err := dialBlocking(s.sock())
		if err != nil {
			return 0, err
		}
		defer m.conn.Close()
		if _, err := m.call(`{"method":"monitor_cond","params":["Bench",1,{"Counter":[{"columns":["name","n"]}]}],"id":1}`); err != nil {
			return 0, err
		}
		fd := int(m.conn.(blockingConn))
		if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
			return 0, err
		}
	}
	go func() { done <- readMonitors(ep, monitors, []byte(fmt.Sprintf(`"n":%d}`, changes))) }()
	start := time.Now()
	for n := 1; n <= changes; n++ {
		reply, err := c.call(fmt.Sprintf(`{"method":"transact","params":["Bench",{"op":"update","table":"Counter",`+
			`"where":[],"row":{"n":%d}}],"id":%d}`, n, n))
		if err != nil || !bytes.Contains(reply, []byte(`"count":1`)) {
			return 0, fmt.Errorf("%s %v", reply, err)
		}
	}
	err = <-done
	return changes / time.Since(start).Seconds(), err
}

// readMonitors reads what comes on the sockets in the epoll set until last has come on n of them.
func readMonitors(ep, n int, last []byte) error {
	runtime.LockOSThread()
	events := make([]unix.EpollEvent, 256)
	buf := make([]byte, 1<<16)
	tails := make(map[int32][]byte)
	for n > 0 {
		k, err := unix.EpollWait(ep, events, 30000)
		if err == unix.EINTR {
			continue
		}
		if err != nil || k == 0 {
			return fmt.Errorf("monitors: %w", err)
		}
		for _, e := range events[:k] {
			r, err := unix.Read(int(e.Fd), buf)
			if err != nil || r == 0 {
				return fmt.Errorf("monitor closed: %w", err)
			}
			tail := append(tails[e.Fd], buf[:r]...)
			if bytes.Contains(tail, last) {
				n--
			}
			tails[e.Fd] = append(tail[:0], tail[max(0, len(tail)-len(last)-8):]...)
		}
	}
	return nil
}

func openBig(s *serverProc) (float64, error) {
	if _, _, err := fill(s); err != nil {
		return 0, err
	}
	s.stop()
	start := time.Now()
	_, err := s.start()
	return time.Since(start).Seconds(), err
}

// bigMemory measures what a server that opened a file of bigRows rows takes, ten changes and a second later.
func bigMemory(s *serverProc) (float64, error) {
	if _, _, err := fill(s); err != nil {
		return 0, err
	}
	s.stop()
	c, err := s.start()
	if err != nil {
		return 0, err
	}
	for i := 0; i < 10; i++ {
		if _, err := c.call(fmt.Sprintf(`{"method":"transact","params":["Bench",{"op":"update","table":"Port",`+
			`"where":[["name","==","port-%d"]],"row":{"type":"x"}}],"id":1}`, i)); err != nil {
			return 0, err
		}
	}
	time.Sleep(time.Second)
	return s.rss()
}
