// This file runs rows: it calibrates, interleaves, takes medians and keeps to the budget.
//
// Why it is fair: a group is a lock of sync and all of ours that stand beside it. In it every contestant
// runs once a round, the order is turned round each round (a b c, c b a, ...), each run starts after a
// garbage collection and on a goroutine of its own, and all run for the same time, whatever an operation
// costs them: crowds until they are called off, the others for a number of operations that is calibrated
// for each contestant alone. A group that runs out of time stops after a whole round: no contestant ever
// has more rounds than another.

package bench

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/serializing-tokens/lwkt"
)

const (
	// stuckAfter is how long one run may take. Runs aim at a tenth of a second: a run that needs this
	// long is a lost wakeup, and saying so beats hanging.
	stuckAfter = 20 * time.Second
	maxOps     = 1 << 30
	firstOps   = 100 // tried first when calibrating
	patience   = 6   // times that a run may be too short for a busy machine
	noK        = -1  // a contestant that the bypass bound does not concern
)

// A runner measures groups. Its fields are what a test replaces.
type runner struct {
	now    func() time.Time
	gc     func()
	setK   func(k int)
	k      int // the bound to restore
	show   func(string)
	stuck  time.Duration
	groups int // groups in this run, for show
}

func newRunner(show func(string)) *runner {
	return &runner{now: time.Now, gc: runtime.GC, setK: setK, k: defaultK, show: show, stuck: stuckAfter}
}

// setK sets the bypass bound. Nobody waits for a token meanwhile: runs end with their goroutines.
func setK(k int) { lwkt.SetBypass(k) }

// defaultK is the bound of the rows that carry a target.
const defaultK = lwkt.DefaultBypass

// A contestant is one side of a group, or one variant of it.
type contestant struct {
	name    string
	run     loop
	k       int
	ops     int           // operations a run, from calibration
	limit   time.Duration // of a run, in timed rows
	samples []float64     // nanoseconds per operation, one a round
}

// A result is one line of the report.
type result struct {
	variant
	lwkt, sync float64 // medians, nanoseconds per operation
	ratio      float64 // lwkt / sync
	alone      float64 // lwkt / the same lock uncontended, 0 if that was not measured
	spread     float64 // half the interquartile range of the ratios of single rounds, by their median
	rounds     int
}

// all measures the groups within the budget and returns the results in the order of the rows. Each group
// may use its share of what is left, by its cost; what one leaves over goes to those after it.
func (r *runner) all(gs []group, budget time.Duration) ([]result, error) {
	defer r.setK(r.k)
	r.groups = len(gs)
	end := r.now().Add(budget)
	var left time.Duration
	for _, g := range gs {
		left += g.cost()
	}
	var out []result
	for i, g := range gs {
		share := float64(end.Sub(r.now())) * float64(g.cost()) / float64(left)
		left -= g.cost()
		res, err := r.group(i, g, time.Duration(max(share, 0)))
		if err != nil {
			return nil, err
		}
		out = append(out, res...)
	}
	slices.SortStableFunc(out, func(a, b result) int { return cmp.Compare(a.place, b.place) })
	besideAlone(out)
	return out, nil
}

// besideAlone compares each result with that of the same lock without contention, if that was measured.
func besideAlone(results []result) {
	for i := range results {
		r := &results[i]
		if a := slices.IndexFunc(results, func(o result) bool { return r.row != nil && o.name == r.row.alone }); a >= 0 {
			r.alone = r.lwkt / results[a].lwkt
		}
	}
}

// group measures one group in about the time given. However little that is, every contestant is
// calibrated and runs one round.
func (r *runner) group(i int, g group, share time.Duration) ([]result, error) {
	end := r.now().Add(share)
	e := g.row.effort
	cs := []*contestant{{name: "sync", run: g.row.sync, k: noK}}
	for _, v := range g.variants {
		cs = append(cs, &contestant{name: v.name, run: v.row.lwkt, k: v.k})
	}

	// Calibration costs about two rounds; the rest of the share is for rounds.
	length := min(e.round, max(e.floor, share/time.Duration(len(cs)*(e.rounds+2))))
	for _, c := range cs {
		r.show(fmt.Sprintf("[%d/%d] %s: calibrating", i+1, r.groups, c.name))
		if err := r.calibrate(g.row, c, length); err != nil {
			return nil, err
		}
	}
	var last time.Duration // what the round before took
	for n := 0; n < e.rounds && (n == 0 || r.now().Add(last).Before(end)); n++ {
		r.show(fmt.Sprintf("[%d/%d] %s: round %d of %d", i+1, r.groups, g.row.name, n+1, e.rounds))
		start := r.now()
		for _, c := range cs {
			did, took, err := r.once(g.row, c)
			if err != nil {
				return nil, err
			}
			c.samples = append(c.samples, float64(took)/float64(did))
		}
		slices.Reverse(cs) // who went first goes last
		last = r.now().Sub(start)
	}
	return conclude(g.variants, cs), nil
}

// calibrate prepares a contestant for rounds of the given length: it finds how many operations fill it
// or, in a timed row, sets the limit and warms up. The last run is at least half a round (in a timed
// row, the floor) long, so that no round is the first to run this code.
func (r *runner) calibrate(w *row, c *contestant, length time.Duration) error {
	if w.effort.timed {
		c.ops, c.limit = maxOps, w.effort.floor
		_, _, err := r.once(w, c)
		c.limit = length
		return err
	}
	for c.ops = firstOps; ; {
		_, took, err := r.once(w, c)
		if err != nil {
			return err
		}
		grow := float64(length) / float64(took)
		enough := took >= length/2 || c.ops >= maxOps
		if !enough { // too short to trust: approach in steps
			grow = min(max(grow, 2), 10)
		}
		c.ops = int(min(max(float64(c.ops)*grow, 1), maxOps))
		if enough {
			return nil
		}
	}
}

// once does one run. If its time was up before it began, for want of a processor, it gets more.
func (r *runner) once(w *row, c *contestant) (did int, took time.Duration, err error) {
	limit := c.limit
	for range patience {
		if did, took, err = r.run(w, c, limit); !errors.Is(err, errIdle) {
			break
		}
		limit *= 2
	}
	return did, took, err
}

// run does one run, outside of which all the housekeeping is.
func (r *runner) run(w *row, c *contestant, limit time.Duration) (did int, took time.Duration, err error) {
	if c.k != noK {
		r.setK(c.k)
	}
	r.gc()
	done := make(chan struct{})
	var res struct { // written before done is closed
		did  int
		took time.Duration
		err  error
	}
	go func() {
		defer close(done)
		res.did, res.took, res.err = c.run(c.ops, limit)
	}()
	timer := time.NewTimer(r.stuck)
	defer timer.Stop()
	select {
	case <-done:
		if res.err != nil {
			return 0, 0, fmt.Errorf("row %s, %s: %w", w.name, c.name, res.err)
		}
		return res.did, max(res.took, 1), nil
	case <-timer.C:
		return 0, 0, fmt.Errorf("row %s, %s: stuck: a run did not end within %v", w.name, c.name, r.stuck)
	}
}

// conclude turns samples into results, in the order of the variants.
func conclude(vs []variant, cs []*contestant) []result {
	find := func(name string) []float64 {
		i := slices.IndexFunc(cs, func(c *contestant) bool { return c.name == name })
		return cs[i].samples
	}
	sync := find("sync")
	var out []result
	for _, v := range vs {
		own := find(v.name)
		ratios := make([]float64, len(own))
		for i := range own {
			ratios[i] = own[i] / sync[i]
		}
		res := result{variant: v, lwkt: quantile(own, 0.5), sync: quantile(sync, 0.5), rounds: len(own)}
		res.ratio = res.lwkt / res.sync
		res.spread = (quantile(ratios, 0.75) - quantile(ratios, 0.25)) / 2 / quantile(ratios, 0.5)
		out = append(out, res)
	}
	return out
}

// quantile interpolates between the two nearest samples; q = 0.5 is the median.
func quantile(samples []float64, q float64) float64 {
	s := slices.Sorted(slices.Values(samples))
	at := q * float64(len(s)-1)
	i := int(at)
	if i+1 == len(s) {
		return s[i]
	}
	return s[i] + (at-float64(i))*(s[i+1]-s[i])
}
