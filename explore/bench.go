package explore

// Measures of the explorer itself: how many schedules a second, what it finds, how far
// it shrinks. The programs are those of docs/design/004-explore.md.

import (
	"fmt"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

// BenchRow is one measure.
type BenchRow struct {
	Name      string  `json:"name"`                 // of the program, and what is done with it
	PerSecond float64 `json:"schedules_per_second"` // the best of several parts, where speed is the point
	Schedules int     `json:"schedules"`            // run
	Found     bool    `json:"found"`                // a failure; or of an exhaustive row, that all was tried
	Switches  int     `json:"switches"`             // of the failure, as shrunk
	Ms        float64 `json:"ms"`                   // for all of it
}

// Bench measures. It takes a few seconds.
func Bench() []BenchRow {
	rows := []BenchRow{
		rate("dfs-3x3", passing3x3, newDFS(-1)),
		rate("dpor-3x3", passing3x3, newDPOR()),
		whole("dining-3-tokens", diningTokens(3)),
		whole("dining-5-tokens", diningTokens(5)),
		search("random-late-abba", lateABBA, Random(), Runs(20000)),
		search("portfolio-late-abba", lateABBA, Portfolio(), Runs(20000)),
	}
	return append(rows, shrinking("shrink-700", 5*time.Second))
}

// passing3x3 is three threads that pass through three sections of one mutex each.
func passing3x3(m *sim.Machine) {
	var mu sim.Mutex
	section := func(td *lwkt.Thread) {
		for range 3 {
			mu.Lock(td)
			mu.Unlock(td)
		}
	}
	m.Go("t1", section)
	m.Go("t2", section)
	m.Go("t3", section)
}

// diningTokens is n philosophers whose forks are tokens.
func diningTokens(n int) func(m *sim.Machine) {
	return func(m *sim.Machine) {
		forks := make([]lwkt.Token, n)
		for t := range n {
			m.Go(fmt.Sprintf("p%d", t+1), func(td *lwkt.Thread) {
				l, r := &forks[t], &forks[(t+1)%n]
				l.Acquire(td)
				r.Acquire(td)
				r.Release(td)
				l.Release(td)
			})
		}
	}
}

// lateABBA is a lock-order deadlock of which one thread comes late: it has 200 sections
// of its own before, and bystanders take turns as well.
func lateABBA(m *sim.Machine) {
	var a, b, own sim.Mutex
	a.Name, b.Name, own.Name = "a", "b", "own"
	m.Go("early", func(td *lwkt.Thread) {
		a.Lock(td)
		b.Lock(td)
		b.Unlock(td)
		a.Unlock(td)
	})
	m.Go("late", func(td *lwkt.Thread) {
		for range 200 {
			own.Lock(td)
			own.Unlock(td)
		}
		b.Lock(td)
		a.Lock(td)
		a.Unlock(td)
		b.Unlock(td)
	})
	for i := range 3 {
		m.Go(fmt.Sprintf("by%d", i+1), func(td *lwkt.Thread) {
			var mine sim.Mutex
			for range 20 {
				mine.Lock(td)
				mine.Unlock(td)
			}
		})
	}
}

// busyABBA is the same deadlock between two of eight threads with 100 sections each.
func busyABBA(m *sim.Machine) {
	var a, b sim.Mutex
	a.Name, b.Name = "a", "b"
	own := new([8]sim.Mutex)
	for t := range 8 {
		m.Go(fmt.Sprintf("t%d", t+1), func(td *lwkt.Thread) {
			for i := range 100 {
				own[t].Lock(td)
				own[t].Unlock(td)
				if i == 90 && t < 2 {
					x, y := &a, &b
					if t == 1 {
						x, y = y, x
					}
					x.Lock(td)
					y.Lock(td)
					y.Unlock(td)
					x.Unlock(td)
				}
			}
		})
	}
}

// rate runs a strategy over and over for half a second and takes the best tenth.
func rate(name string, program func(m *sim.Machine), s strategy) (row BenchRow) {
	row.Name, row.Found = name, true
	err := sim.Do(func(session *sim.Session) {
		h := &host{session: session, options: sim.Options{Steps: 2 * defaultSteps}, program: program}
		begun := time.Now()
		for range 8 {
			part, runs := time.Now(), 0
			for time.Since(part) < 60*time.Millisecond {
				s.reset()
				runs += drive(h.runs, s, &guard{cap: defaultSteps}, limit{}).runs
				row.Found = row.Found && s.exhausted()
			}
			row.Schedules += runs
			row.PerSecond = max(row.PerSecond, float64(runs)/time.Since(part).Seconds())
		}
		row.Ms = ms(begun)
	})
	row.Found = row.Found && err == nil
	return row
}

func ms(since time.Time) float64 { return float64(time.Since(since).Microseconds()) / 1000 }

// whole explores all traces.
func whole(name string, program func(m *sim.Machine)) BenchRow {
	begun := time.Now()
	r := Run(program, DPOR(), Budget(20*time.Second))
	return BenchRow{Name: name, Schedules: r.Runs, PerSecond: float64(r.Runs) / r.Elapsed.Seconds(), Found: r.Exhaustive && r.Failure == nil, Ms: ms(begun)}
}

// search looks for a failure.
func search(name string, program func(m *sim.Machine), opts ...Option) BenchRow {
	begun := time.Now()
	r := Run(program, opts...)
	row := BenchRow{Name: name, Schedules: r.Runs, PerSecond: float64(r.Runs) / r.Elapsed.Seconds(), Found: r.Failure != nil, Ms: ms(begun)}
	if r.Failure != nil {
		row.Switches = r.Failure.Switches
	}
	return row
}

// shrinking takes a failure of a random walk, of some 700 switches, and shrinks it for at most so long.
func shrinking(name string, most time.Duration) (row BenchRow) {
	row.Name = name
	err := sim.Do(func(session *sim.Session) {
		h := &host{session: session, options: sim.Options{Steps: 2 * defaultSteps}, program: busyABBA}
		g := &guard{cap: defaultSteps}
		t := drive(h.runs, &walk{dice: newDice(1)}, g, limit{runs: 20000})
		if !t.failed {
			return
		}
		x := &shrinker{run: h.run, g: g, want: t.result.Outcome, until: time.Now().Add(most)}
		s := &exact{choices: t.choices}
		begun := time.Now()
		x.attempt(s)
		x.shrink(&s.notes)
		row.Ms, row.Schedules, row.Switches, row.Found = ms(begun), x.replays, x.best.switches, true
		row.PerSecond = float64(x.replays) / time.Since(begun).Seconds()
	})
	row.Found = row.Found && err == nil
	return row
}
