package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// between is what happened between two readings. The main figure is taken from outside, the same way for all sides: cycles of the
// time-stamp counter while the polling thread was on its processor, over the packets that left.
func (s *subject) between(a, b reading) (result, error) {
	elapsed := b.at.Sub(a.at)
	r := result{In: b.in - a.in, Out: b.out - a.out, Dropped: b.dropped - a.dropped, Flows: b.flows}
	if r.Out == 0 {
		return r, errors.New("no packet left")
	}
	on := b.on - a.on
	r.Cycles = on.Seconds() * s.c.hz / float64(r.Out)
	r.Mpps = float64(r.Out) / elapsed.Seconds() / 1e6
	r.Share = on.Seconds() / elapsed.Seconds()
	if r.Share < 0.9 {
		r.Note = fmt.Sprintf("on its processor %.0f %% of the time", r.Share*100)
	}
	return r, nil
}

// measure takes one measurement of the subject, which is resumed and has just got its processor back.
func (s *subject) measure() (result, error) {
	time.Sleep(150 * time.Millisecond) // its caches fill again
	if s.sw != nil {
		if _, err := s.ask("dpif-netdev/pmd-stats-clear"); err != nil {
			return result{}, err
		}
	}
	a, err := s.read()
	if err != nil {
		return result{}, err
	}
	time.Sleep(s.c.length)
	b, err := s.read()
	if err != nil {
		return result{}, err
	}
	r, err := s.between(a, b)
	if err != nil || s.sw == nil {
		return r, err
	}
	var failed float64
	if r.Own, r.Walk, failed, err = s.own(); err != nil {
		return r, err
	}
	note := func(format string, args ...any) {
		r.Note = strings.TrimPrefix(r.Note+"; "+fmt.Sprintf(format, args...), "; ")
	}
	if failed > 0 {
		note("%.0f failed upcalls", failed)
	}
	if s.row.kind == guests {
		// The guests cannot keep a fast switch busy, so loops without packets do not count.
		r.Outside, r.Cycles = r.Cycles, r.Own
	}
	if lost := 1 - float64(r.Out)/float64(r.In); s.row.kind != replay && lost > 0.03 {
		note("guests' rings full: %.1f %%", lost*100)
	}
	return r, nil
}

// settle waits until the number of megaflows no longer grows, and then a little more for the caches.
func (s *subject) settle() error {
	if s.sw != nil && s.row.kind != guests {
		last, steady := -1, 0
		limit := 10 * time.Second
		if s.row.alone {
			limit = 40 * time.Second
		}
		for end := time.Now().Add(limit); steady < 3 && time.Now().Before(end); {
			_, n, err := s.ports()
			if err != nil {
				return err
			}
			if n <= last && n > 0 {
				steady++
			} else {
				steady = 0
			}
			last = n
			time.Sleep(150 * time.Millisecond)
		}
	}
	time.Sleep(400 * time.Millisecond)
	return nil
}

// measureRow starts all sides of a row, measures them in turn and checks what they send.
func (c *config) measureRow(r row) outcome {
	o := outcome{Row: r.name, About: r.about, Runs: map[string][]result{}, Median: map[string]float64{}, Errors: map[string][]string{}}
	sides := slices.Clone(c.sides)
	if r.kind != replay {
		sides = slices.DeleteFunc(sides, func(s string) bool { return s == "floor" })
	}
	if r.alone {
		o.Alone = true
		for _, side := range sides {
			c.measureSides(r, []string{side}, &o)
		}
	} else {
		c.measureSides(r, sides, &o)
	}
	o.compare()
	return o
}

// measureSides measures some sides of a row at the same time.
func (c *config) measureSides(r row, sides []string, o *outcome) {
	c.progress("%s: starting", r.name)
	subjects := make([]*subject, len(sides))
	errs := make([]error, len(sides))
	var wg sync.WaitGroup
	if r.kind != guests {
		if _, err := capture(c.dir, r); err != nil {
			o.fail("bench", err)
			return
		}
	}
	if _, err := traffic(c.dir, r); err != nil {
		o.fail("bench", err)
		return
	}
	for i, side := range sides {
		wg.Go(func() { subjects[i], errs[i] = newSubject(c, side, r) })
	}
	wg.Wait()
	var live []*subject
	for i, s := range subjects {
		if errs[i] != nil {
			o.fail(sides[i], errs[i])
			continue
		}
		defer s.stop()
		live = append(live, s)
	}
	// each gives one subject processor 1.
	each := func(what string, f func(*subject) error) {
		for _, s := range live {
			if s.err != nil {
				continue
			}
			c.progress("%s: %s: %s", r.name, s.side, what)
			err := s.resume()
			if err == nil {
				err = f(s)
			}
			if e := s.pause(); err == nil {
				err = e
			}
			if err != nil {
				s.err = err
				o.fail(s.side, err)
			}
		}
	}
	for _, s := range live {
		if s.err = s.pause(); s.err != nil {
			o.fail(s.side, s.err)
		}
	}
	dropped := map[string]map[string]uint64{}
	each("settling", func(s *subject) (err error) {
		if err = s.settle(); err == nil && s.sw != nil {
			dropped[s.side], err = s.drops()
		}
		return err
	})
	for i := range c.runs {
		each(fmt.Sprintf("run %d of %d", i+1, c.runs), func(s *subject) error {
			res, err := s.measure()
			if err == nil {
				o.Runs[s.side] = append(o.Runs[s.side], res)
			}
			return err
		})
	}
	if r.attack != nil {
		each("attack", func(s *subject) error {
			if s.sw == nil {
				return nil
			}
			if err := r.attack(s); err != nil {
				return err
			}
			before := median(o.Runs[s.side])
			o.Runs[s.side] = nil
			for range c.runs {
				res, err := s.measure()
				if err != nil {
					return err
				}
				o.Runs[s.side] = append(o.Runs[s.side], res)
			}
			if o.Kept == nil {
				o.Kept = map[string]float64{}
			}
			o.Kept[s.side] = before / median(o.Runs[s.side])
			return nil
		})
	}
	// The attacker's packets are dropped under many reasons; what becomes of the others is checked in emc-1k.
	if c.check && r.attack == nil {
		each("answers", func(s *subject) error {
			if s.sw == nil {
				return nil
			}
			return s.answers(dropped[s.side], o)
		})
	}
	c.progress("")
}
