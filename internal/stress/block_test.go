package stress_test

import (
	"errors"
	"runtime"
	"time"

	"github.com/serializing-tokens/lwkt"
)

// block gives everything up and does random things, and may end them by a panic
// or by runtime.Goexit.
func (w *worker) block() {
	if w.depth == maxDepth {
		return
	}
	outer := w.refs
	held := outer.modes()
	w.largest = max(w.largest, held.size())
	w.unmark()
	at := w.push()
	question := uint64(0)
	how := w.rng.IntN(12)

	returned, changed := false, true
	defer func() {
		if !returned && !w.unwinding {
			return // nobody planned that
		}
		w.depth--
		w.refs = outer
		w.answered(question, held.size(), set{})
		w.remark()
		w.pop(at, "Block", changed)
		w.agree()
		if returned || how != 0 && w.rng.IntN(2) == 0 {
			return // goes on unwinding
		}
		if v := recover(); v != nil {
			if err, _ := v.(error); !errors.Is(err, errPlanned) {
				w.round.fail("Block passed on a panic with %v", v)
			}
			w.unwinding = false
			w.count("panic caught outside Block")
		}
	}()
	changed = w.td.Block(func() {
		w.depth++
		w.refs = refs{}
		done := false
		defer func() {
			if !done && w.unwinding {
				if w.rng.IntN(2) == 0 {
					w.releaseAll()
				} else {
					w.unmark() // left to Block
				}
			}
		}()
		for range w.rng.IntN(6) {
			w.step()
		}
		switch how {
		case 0, 1, 2:
			w.unwinding = true
			w.count("panic in Block")
			panic(errPlanned)
		case 3:
			w.unwinding = true
			w.count("Goexit in Block")
			runtime.Goexit()
		}
		w.releaseAll()
		done = true
		question = w.ask(held, true)
	})
	returned = true
	w.count("block")
}

// sleeper is somebody who waits to be rung for.
type sleeper struct {
	// (the token)
	key    any
	rung   bool
	asleep bool // with no timeout: a wakeup must find it
}

// common is a wait channel that all sleepers on a token share.
type common struct{ token int }

// sleep waits to be rung for, on a token that is held exclusively meanwhile
// whenever the thread is awake.
func (w *worker) sleep(i int) {
	if !w.room(i) {
		return
	}
	w.acquire(i, lwkt.Exclusive)
	g := w.round.tokens[i]
	s := &sleeper{}
	s.key = s
	if w.rng.IntN(2) == 0 {
		s.key = common{i}
	}
	timeout := time.Duration(0)
	if w.rng.IntN(3) == 0 {
		timeout = 1 + time.Duration(w.rng.ExpFloat64()*float64(100*time.Microsecond))
	}
	g.sleepers = append(g.sleepers, s)
	w.may("Send", set{}, false, func() bool { return lwkt.Send(w.td, w.round.bells, i) })
	for !s.rung {
		var err error
		s.asleep = timeout == 0
		w.may("Sleep", set{}, false, func() (changed bool) {
			if timeout == 0 && w.rng.IntN(2) == 0 {
				ctx, cancel := w.within()
				defer cancel()
				s.asleep = false
				changed, err = w.td.SleepContext(ctx, s.key)
				if err != nil && errors.Is(err, ctx.Err()) {
					err = lwkt.ErrTimeout
				}
				return changed
			}
			changed, err = w.td.Sleep(s.key, timeout)
			return changed
		})
		s.asleep = false
		if err != nil {
			if !errors.Is(err, lwkt.ErrTimeout) {
				w.round.fail("%v: Sleep returned %v", w.td, err)
			}
			w.count("sleep timed out")
			break
		}
		w.count("sleep")
	}
	for j, o := range g.sleepers {
		if o == s { // not rung: it takes itself off
			g.sleepers = append(g.sleepers[:j], g.sleepers[j+1:]...)
			break
		}
	}
	w.release(i)
}

// ringAll rings for everybody who sleeps on a token, which is held exclusively.
func (w *worker) ringAll(i int) {
	g := w.round.tokens[i]
	together, certain := false, 0
	for _, s := range g.sleepers {
		s.rung = true
		if s.key != any(s) {
			together = true
			if s.asleep {
				certain++
			}
			continue
		}
		w.wakeup(s.key, s.asleep)
	}
	if together {
		if found := w.td.Wakeup(common{i}); found < certain {
			w.round.fail("%v woke %d on %v, where %d sleep", w.td, found, g.tok, certain)
		}
	}
	g.sleepers = g.sleepers[:0]
}

func (w *worker) wakeup(key any, certain bool) {
	found := false
	if w.rng.IntN(2) == 0 {
		found = w.td.WakeupOne(key)
	} else {
		found = w.td.Wakeup(key) == 1
	}
	if certain && !found {
		w.round.fail("%v found nobody to wake, but one is asleep", w.td)
	}
	w.count("wakeup")
}

// ring is the ringer, who rings wherever somebody went to sleep.
func (r *round) ring() {
	w := newWorker(r, maxThreads)
	lwkt.Run("ringer", func(td *lwkt.Thread) {
		w.td = td
		for {
			i, ok, _ := lwkt.Recv(td, r.bells)
			if !ok {
				break
			}
			w.mine().beats.Add(1)
			w.acquire(i, lwkt.Exclusive)
			w.ringAll(i)
			w.release(i)
			w.mine().beats.Add(1)
		}
	})
	w.mine().moves = w.moves
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.add(&w.tally)
}
