// The lock in every interleaving of two or three threads, in many of more, and on
// goroutines for a while.
package lockmgr_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/lockmgr"
	"github.com/serializing-tokens/lwkt/sim"
)

// world is what threads do things to, with checks that no two exclude each other in vain.
type world struct {
	m       *sim.Machine
	lk      lockmgr.Lock
	inter   lwkt.Mtx
	tok     lwkt.Token
	readers int // who is in
	writers int
	n       int // (lk) exclusively
	want    int // increments, by the threads
}

// count counts who is in. The race detector need not know, and is to find what only the lock orders.
//
//go:norace
func (w *world) count(readers, writers int) (r, x int) {
	w.readers += readers
	w.writers += writers
	return w.readers, w.writers
}

func (w *world) read(td *lwkt.Thread) {
	_, x := w.count(1, 0)
	w.m.Assert(x == 0, "a sharer beside an exclusive holder")
	w.m.Yield(td)
	w.count(-1, 0)
}

func (w *world) write(td *lwkt.Thread) {
	r, x := w.count(0, 1)
	w.m.Assert(x == 1 && r == 0, "%d have it exclusively, %d share it", x, r)
	v := w.n
	w.m.Yield(td)
	w.m.Assert(v == w.n, "the value changed under the lock")
	w.n = v + 1
	w.want++
	w.count(0, -1)
}

// what the threads of the explored programs do.
var scripts = map[string]func(w *world, td *lwkt.Thread){
	"S": func(w *world, td *lwkt.Thread) {
		w.lk.SLock(td)
		w.read(td)
		w.lk.Unlock(td)
	},
	"SS": func(w *world, td *lwkt.Thread) {
		w.lk.SLock(td)
		w.lk.SLock(td)
		w.lk.Unlock(td)
		w.read(td)
		w.lk.Unlock(td)
	},
	"X": func(w *world, td *lwkt.Thread) {
		w.lk.XLock(td)
		w.write(td)
		w.lk.Unlock(td)
	},
	"SU": func(w *world, td *lwkt.Thread) {
		w.lk.SLock(td)
		w.lk.Upgrade(td)
		w.write(td)
		w.lk.Unlock(td)
	},
	"SE": func(w *world, td *lwkt.Thread) {
		w.lk.SLock(td)
		v := w.n
		if _, err := w.lk.ExclUpgrade(td); err == nil {
			w.m.Assert(v == w.n, "somebody was in between")
			w.write(td)
			w.lk.Unlock(td)
		} else {
			w.m.Assert(errors.Is(err, lockmgr.ErrBusy) && w.lk.Held(td) == lwkt.None, "%v, has it %v", err, w.lk.Held(td))
		}
	},
	"ST": func(w *world, td *lwkt.Thread) {
		w.lk.SLock(td)
		if w.lk.TryUpgrade(td) {
			w.write(td)
			w.lk.Downgrade(td)
		}
		w.read(td)
		w.lk.Unlock(td)
	},
	"D": func(w *world, td *lwkt.Thread) {
		w.lk.Drain(td)
		w.write(td)
		w.lk.Unlock(td)
	},
	"F": func(w *world, td *lwkt.Thread) {
		if _, err := w.lk.Do(td, lockmgr.Exclusive|lockmgr.SleepFail); err == nil {
			w.write(td)
			w.lk.Unlock(td)
		} else {
			w.m.Assert(errors.Is(err, lockmgr.ErrSlept), "%v", err)
		}
	},
	"UF": func(w *world, td *lwkt.Thread) {
		w.lk.SLock(td)
		if _, err := w.lk.Do(td, lockmgr.Upgrade|lockmgr.SleepFail); err == nil {
			w.write(td)
			w.lk.Unlock(td)
		}
		w.m.Assert(w.lk.Held(td) == lwkt.None, "has it %v", w.lk.Held(td))
	},
	"C": func(w *world, td *lwkt.Thread) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := w.lk.XLockContext(ctx, td); err == nil {
			w.write(td)
			w.lk.Unlock(td)
		}
	},
	"T": func(w *world, td *lwkt.Thread) {
		w.lk.SLock(td)
		if _, err := w.lk.Do(td, lockmgr.Upgrade, lockmgr.Timeout(time.Millisecond)); err == nil {
			w.write(td)
			w.lk.Unlock(td)
		}
		w.m.Assert(w.lk.Held(td) == lwkt.None, "has it %v", w.lk.Held(td))
	},
	"I": func(w *world, td *lwkt.Thread) {
		w.inter.Lock(td)
		w.lk.Do(td, lockmgr.Exclusive, lockmgr.With(&w.inter))
		w.inter.Lock(td) // whoever has it does not wait for the lock with it
		w.inter.Unlock(td)
		w.write(td)
		w.lk.Unlock(td)
	},
	"O": func(w *world, td *lwkt.Thread) { // owned by nobody for a moment
		w.lk.XLock(td)
		w.write(td)
		w.lk.Disown(td)
		w.m.Yield(td)
		w.lk.Unlock(td)
	},
	"K": func(w *world, td *lwkt.Thread) { // with a token
		w.tok.Acquire(td)
		w.lk.XLock(td)
		w.m.Assert(w.tok.Held(td) == lwkt.Exclusive, "the token is gone")
		w.write(td)
		w.lk.Unlock(td)
		w.tok.Release(td)
	},
}

func program(names ...string) func(m *sim.Machine) {
	return func(m *sim.Machine) {
		w := &world{m: m}
		for _, s := range names {
			m.Go(s, func(td *lwkt.Thread) { scripts[s](w, td) })
		}
		m.Finally(func() {
			m.Assert(w.n == w.want, "%d of %d", w.n, w.want)
			lwkt.Run("after", func(td *lwkt.Thread) {
				_, err := w.lk.Do(td, lockmgr.Drain|lockmgr.NoWait)
				m.Assert(err == nil, "it is not free: %s", info(&w.lk))
				w.lk.Destroy(td)
			})
		})
	}
}

func TestExplore(t *testing.T) {
	for _, names := range [][]string{
		{"S", "X"}, {"SU", "SU"}, {"SE", "SE"}, {"SE", "X"}, {"SU", "SE"}, {"ST", "ST"}, {"D", "D"}, {"D", "S"}, {"F", "X"},
		{"UF", "UF"}, {"UF", "S"}, {"C", "X"}, {"T", "T"}, {"T", "S"}, {"I", "I"}, {"I", "S"}, {"O", "X"}, {"K", "K"}, {"K", "SU"},
		{"SU", "S", "X"}, {"SE", "SE", "X"}, {"D", "S", "X"}, {"SU", "SU", "SU"}, {"UF", "S", "X"}, {"D", "SU", "S"}, {"O", "S", "X"}, {"SS", "X", "SU"},
	} {
		for _, attempts := range []bool{false, true} {
			t.Run(fmt.Sprint(names, " attempts ", attempts), func(t *testing.T) {
				explore.Test(t, program(names...), explore.On(sim.Options{Attempts: attempts}), explore.DPOR(), explore.Budget(time.Minute), explore.MustFinish())
			})
		}
	}
}

func TestExploreMany(t *testing.T) {
	for _, names := range [][]string{
		{"S", "X", "SU", "SE", "D"}, {"SU", "SU", "ST", "X", "S"}, {"F", "UF", "T", "C", "X"}, {"I", "I", "K", "O", "D"},
	} {
		t.Run(fmt.Sprint(names), func(t *testing.T) {
			explore.Test(t, program(names...), explore.On(sim.Options{Attempts: true}), explore.Portfolio(), explore.Budget(time.Second))
			explore.Test(t, program(names...), explore.On(sim.Options{CPUs: 2}), explore.Portfolio(), explore.Budget(time.Second))
		})
	}
}
