// This file is the table of rows, the only one: the command, the Go benchmarks and the tests read it.
//
// Why it is fair: a row names two loops that do the same and lets nobody choose rounds, lengths or
// targets for one side only. Targets are upper bounds of the ratio lwkt / sync on an otherwise idle
// machine at the default bypass bound K; a row with another K carries none, and is printed so that one
// can see what the bound costs.

package bench

import (
	"fmt"
	"slices"
	"time"
)

// A loop does operations on fresh locks and returns how many and how long they took, setup excluded.
// It does n of them, or fewer if there is a limit, which only loops of crowds look at, and that time
// is up. Its error says that the lock did not protect what it should have.
type loop func(n int, limit time.Duration) (did int, took time.Duration, err error)

// effort says how much measuring a row needs.
type effort struct {
	rounds int           // rounds wanted
	round  time.Duration // length of a round
	floor  time.Duration // what a round shrinks to before rounds are given up
	timed  bool          // a round is so long; otherwise it is as many operations as take so long
}

var (
	// quick: one goroutine, no scheduler in the loop; short rounds are stable.
	quick = effort{rounds: 11, round: 8 * time.Millisecond, floor: time.Millisecond}
	// steady: as quick, but the collector must come in.
	steady = effort{rounds: 9, round: 40 * time.Millisecond, floor: time.Millisecond}
	// crowd: the scheduler takes part. sync.Mutex changes its mode after a wait of 1 ms, and
	// goroutines are preempted after 10 ms: a round must see several of both.
	crowd = effort{rounds: 7, round: 25 * time.Millisecond, floor: 10 * time.Millisecond, timed: true}
	// slow: as crowd, but an operation of the sync side takes up to 200 µs, and the mutex drifts for
	// tens of milliseconds between spells in which the blocking goroutine takes it ten times in a row
	// and spells in which it does not.
	slow = effort{rounds: 7, round: 200 * time.Millisecond, floor: 10 * time.Millisecond, timed: true}
)

// brief is the effort for a row that has no target to meet.
func (e effort) brief() effort {
	return effort{rounds: 7, round: max(e.floor, e.round/2), floor: e.floor, timed: e.timed}
}

// A row is one line of the comparison.
type row struct {
	name   string
	what   string  // one operation, in words
	target float64 // ratio to stay at or below; 0: none
	effort effort
	lwkt   loop
	sync   loop
	rival  string // what sync is: rows of one rival are measured together, and it once; "": nobody else's
	alone  string // the row of the same lock without contention
	extraK []int  // further bypass bounds to run the lwkt side with
}

// otherK are the bounds that contended rows are repeated with: hand over always, and a small bound.
var otherK = []int{0, 64}

// rows is the table: tokens first, then the other locks, then turns, then what a Thread costs.
var rows = slices.Concat(tokenRows(), lockRows(), turnRows(), []row{
	{name: "thread-create", what: "make and end a Thread, against a go statement",
		target: 1, effort: steady, lwkt: threadLives, sync: goroutineLives},
})

// tokenRows is what every lock has, and what only tokens have.
func tokenRows() []row {
	own := tokenKind.exclusive()
	own = slices.Insert(own, 2, row{name: "token-recursive", what: "a lock already held, against a second free mutex",
		target: 0.3, effort: quick, lwkt: again(newToken), sync: nested(newMutex), rival: "mutex nested"})
	shared := tokenKind
	shared.rival, shared.rivalName, shared.crowded = newRWMutex, "rwmutex", 1.3
	return slices.Concat(own, []row{
		// Two locks out of many.
		{name: "token-transfer-8", what: "8 goroutines, 2 of 8 accounts, tokens in any order, mutexes by address",
			target: 1.2, effort: crowd, lwkt: tokenTransfers(8), sync: mutexTransfers(8), extraK: otherK},
		{name: "token-transfer-1000", what: "8 goroutines, 2 of 1000 accounts, likewise",
			target: 1.2, effort: crowd, lwkt: tokenTransfers(1000), sync: mutexTransfers(1000), extraK: otherK},
	}, shared.readers(), []row{
		// What tokens are for, and what they need.
		{name: "token-block-100us", what: "a 1 µs section of seven goroutines while an eighth blocks inside its own",
			target: 0.05, effort: slow, lwkt: tokenBlock(false), sync: mutexBlock(false)},
		{name: "token-block-greedy", what: "the same, the seven doing nothing between their sections",
			effort: crowd, lwkt: tokenBlock(true), sync: mutexBlock(true)},
	})
}

// A variant is a row with a bypass bound: what has a name and comes out as one result.
type variant struct {
	name   string
	k      int
	target float64
	row    *row
	place  int // of the row in the table
}

// variants lists what a row comes out as, the default bound first.
func (r *row) variants(defaultK int) []variant {
	vs := []variant{{r.name, defaultK, r.target, r, 0}}
	for _, k := range r.extraK {
		vs = append(vs, variant{fmt.Sprintf("%s-k%d", r.name, k), k, 0, r, 0})
	}
	return vs
}

// A group is what is measured together: the sync side of its rows once, beside each chosen variant.
type group struct {
	row      *row // the first of them: all have its effort and its rival
	variants []variant
}

// groups picks the variants whose name is wanted; a row without any drops out.
func groups(rows []row, defaultK int, want func(name string) bool) []group {
	var gs []group
	for i := range rows {
		r := &rows[i]
		chosen := slices.DeleteFunc(r.variants(defaultK), func(v variant) bool { return !want(v.name) })
		if len(chosen) == 0 {
			continue
		}
		at := slices.IndexFunc(gs, func(g group) bool { return r.rival != "" && g.row.rival == r.rival })
		if at < 0 {
			at, gs = len(gs), append(gs, group{row: r})
		}
		for _, v := range chosen {
			v.place = i
			gs[at].variants = append(gs[at].variants, v)
		}
	}
	return gs
}

// names lists every name that -run can match.
func names(rows []row) []string {
	var ns []string
	for i := range rows {
		for _, v := range rows[i].variants(0) {
			ns = append(ns, v.name)
		}
	}
	return ns
}

// cost is the time that a group would like to have: the sync side and every variant, all rounds.
func (g group) cost() time.Duration {
	return time.Duration(1+len(g.variants)) * time.Duration(g.row.effort.rounds) * g.row.effort.round
}
