// This file is what every lock is measured by: a cell, which is a lock and what it protects, and the rows that each kind of lock
// gets. locks.go has the cells of this package's locks, rivals.go those of sync.
//
// Why it is fair: a loop is a method of the cell, so that it calls its lock directly; what stands between a loop and its caller is
// one call through an interface for a whole hand of operations, on both sides. All loops are the same text but for the names of
// the lock's methods. The lock and its data lie together, as in a program, at the start of a cache line. Each goroutine has a
// Thread, whether its lock needs one or not; it is made before the clock starts.

package bench

import (
	"cmp"
	"math"
	"sync"

	"github.com/serializing-tokens/lwkt"
)

// data is what a lock protects: a counter, and a word that each write of a reader row keeps equal to it, or that work is done on.
type data struct {
	n int64
	x uint64
}

// protected is the data of a cell.
func (d *data) protected() *data { return d }

// add is what a section does. It is small enough to be inlined.
func (d *data) add(turns int) {
	d.n++
	if turns > 0 {
		d.x = spin(d.x, turns)
	}
}

// A cell is a fresh lock with its data.
type cell interface {
	protected() *data
	// sections does n exclusive sections with nothing in between.
	sections(td *lwkt.Thread, n, turns int)
	// locker is for what is not timed.
	locker(td *lwkt.Thread) sync.Locker
}

// A sharedCell can be held by several at a time.
type sharedCell interface {
	cell
	// reads does n operations, of which those that r says write. It returns where it is then.
	reads(td *lwkt.Thread, n int, r reader) reader
}

// A reader is how far a goroutine is that reads, and now and then writes.
type reader struct{ countdown, every, writes, torn int }

// never is the period of writes of goroutines that only read.
const never = math.MaxInt

// saw is what a reader does inside: it compares the two words. It is small enough to be inlined, as wrote is.
func (r reader) saw(d *data) reader {
	if uint64(d.n) != d.x {
		r.torn++
	}
	return r
}

// wrote is what a writer does inside.
func (r reader) wrote(d *data) reader {
	d.n++
	d.x++
	r.countdown = r.every
	r.writes++
	return r
}

// A kind is a kind of lock: how to make one, what stands beside it, and the targets, of which 0 is none.
type kind struct {
	name       string
	own, rival func() cell
	rivalName  string  // the rival is measured once, beside all kinds that name it
	alone      float64 // target of one goroutine
	crowded    float64 // of several
	pair       float64 // of two with short sections, if it is not crowded
	read1      float64 // of one reader, if it is not alone
	read2      float64 // of two readers, if it is not crowded
	extraK     []int   // for contended rows
	leaf       bool    // no second one may be taken with one held
}

// against makes a row of a kind beside its rival. Rows without a target are short, and in groups of their own.
func (k kind) against(name, what string, target float64, e effort, of func(fresh func() cell) loop) row {
	rival := k.rivalName + " " + name
	if target == 0 {
		e, rival = e.brief(), rival+", briefly"
	}
	return row{
		name: k.name + "-" + name, what: what, target: target, effort: e,
		lwkt: of(k.own), sync: of(k.rival), rival: rival,
	}
}

// exclusive is the rows of a lock for one thread at a time.
func (k kind) exclusive() []row {
	rows := []row{k.against("uncontended", "lock and unlock a free lock", k.alone, quick, pairs)}
	if !k.leaf {
		rows = append(rows, k.against("nested", "the same for a second lock, the first being held", k.alone, quick, nested))
	}
	return k.beside("uncontended", append(rows, k.crowds("", "goroutines")...))
}

// shared is the rows of a lock for readers and writers.
func (k kind) shared() []row {
	return append(k.readers(), k.beside("write", append([]row{
		k.against("write", "one goroutine writes", k.alone, quick, pairs),
	}, k.crowds("write-", "writers")...))...)
}

// crowds is the rows of several goroutines that want a lock exclusively.
func (k kind) crowds(prefix, who string) []row {
	rows := []row{
		k.against(prefix+"2-short", "2 "+who+", one increment inside", cmp.Or(k.pair, k.crowded), crowd, crowds(2, noWork, manyAtOnce)),
		k.against(prefix+"2-1us", "2 "+who+", 1 µs of work inside", k.crowded, crowd, crowds(2, microsecond, fewAtOnce)),
		k.against(prefix+"64-short", "64 "+who+", one increment inside", k.crowded, crowd, crowds(64, noWork, manyAtOnce)),
		k.against(prefix+"64-1us", "64 "+who+", 1 µs of work inside", k.crowded, crowd, crowds(64, microsecond, fewAtOnce)),
	}
	for i := range rows {
		rows[i].extraK = k.extraK
	}
	return rows
}

// readers is the rows of a lock that several share, in order of writes.
func (k kind) readers() []row {
	rows := []row{
		k.against("read", "one goroutine reads", cmp.Or(k.read1, k.alone), quick, readAlone),
		k.against("read-2", "2 goroutines, which only read", cmp.Or(k.read2, k.crowded), crowd, readers(2, 0)),
		k.against("read-100", "8 goroutines, which only read", 0, crowd, readers(8, 0)),
		k.against("read-9999", "8 goroutines, every 10000th operation writes", 0, crowd, readers(8, 10000)),
		k.against("read-99", "8 goroutines, every 100th operation writes", k.crowded, crowd, readers(8, 100)),
		k.against("read-90", "8 goroutines, every 10th operation writes", k.crowded, crowd, readers(8, 10)),
	}
	rows[4].extraK = k.extraK // read-99
	return k.beside("read", rows)
}

// beside says which row is the one without contention.
func (k kind) beside(alone string, rows []row) []row {
	for i := range rows {
		rows[i].alone = k.name + "-" + alone
	}
	return rows
}
