package explore

// A machine of a few lines, to test the engine apart from the real one: threads are
// lists of operations on locks and variables, and footprints are exact.

import (
	"math/rand/v2"

	"github.com/serializing-tokens/lwkt/sim"
)

type fakeOp struct {
	kind sim.OpKind // Lock, Unlock, TryLock, Load, Store, Choice
	obj  int32
	skip int // of TryLock: operations to skip if it fails
}

type fake struct {
	threads [][]fakeOp
	coarse  bool // unlocking rides along with the step before
	// state of a run
	pc    []int
	owner []int
	fp    []sim.Access
}

func (f *fake) run(c sim.Chooser) result {
	rec, _ := c.(sim.Recorder)
	f.pc = append(f.pc[:0], make([]int, len(f.threads))...)
	f.owner = make([]int, 8)
	for i := range f.owner {
		f.owner[i] = -1
	}
	for t := range f.threads {
		f.ride(t)
	}
	p := sim.Point{Last: -1}
	for {
		p.Enabled, p.Waiting = p.Enabled[:0], p.Waiting[:0]
		for t, ops := range f.threads {
			if f.pc[t] == len(ops) {
				continue
			}
			o := ops[f.pc[t]]
			e := sim.Event{Thread: t, Op: sim.Op{Kind: o.kind, Obj: o.obj}}
			if o.kind == sim.Lock && f.owner[o.obj] >= 0 {
				p.Waiting = append(p.Waiting, e)
			} else {
				p.Enabled = append(p.Enabled, e)
			}
		}
		if len(p.Enabled) == 0 {
			r := result{waiting: p.Waiting}
			r.Steps = p.Step
			if len(p.Waiting) > 0 {
				r.Outcome = sim.Deadlock
			}
			return r
		}
		i := c.Choose(&p)
		if i < 0 {
			r := result{}
			r.Outcome = sim.Abandoned
			return r
		}
		e := p.Enabled[i]
		f.fp = f.fp[:0]
		f.step(e.Thread)
		if f.coarse {
			f.ride(e.Thread)
		}
		if rec != nil {
			rec.Executed(e, f.fp)
		}
		p.Step, p.Last = p.Step+1, e.Thread
	}
}

func (f *fake) ride(t int) {
	for f.coarse && f.pc[t] < len(f.threads[t]) && f.threads[t][f.pc[t]].kind == sim.Unlock {
		f.step(t)
	}
}

func (f *fake) step(t int) {
	o := f.threads[t][f.pc[t]]
	f.pc[t]++
	write := true
	switch o.kind {
	case sim.Lock:
		f.owner[o.obj] = t
	case sim.Unlock:
		f.owner[o.obj] = -1
	case sim.TryLock:
		if f.owner[o.obj] < 0 {
			f.owner[o.obj] = t
		} else {
			f.pc[t] += o.skip
			write = false
		}
	case sim.Load:
		write = false
	}
	f.fp = append(f.fp, sim.Access{Obj: o.obj, Write: write})
}

// randomFake is a small program: 2 or 3 threads with locks, taken in any order, and
// variables; many can deadlock. With try, some locks are tried for.
func randomFake(r *rand.Rand, coarse, try bool) *fake {
	f := &fake{coarse: coarse}
	threads := 2 + r.IntN(2)
	locks := 2 + r.IntN(2)
	most := []int{0, 0, 7, 5}[threads]
	for range threads {
		var ops []fakeOp
		var held []int32
		for range 1 + r.IntN(most) {
			switch k := r.IntN(8); {
			case k < 4:
				l := int32(r.IntN(locks))
				free := true
				for _, h := range held {
					free = free && h != l
				}
				switch {
				case free && try && r.IntN(2) == 0:
					ops = append(ops, fakeOp{sim.TryLock, l, 2}, fakeOp{sim.Store, 3 + l%2, 0}, fakeOp{sim.Unlock, l, 0})
				case free:
					held = append(held, l)
					ops = append(ops, fakeOp{sim.Lock, l, 0})
				}
			case k == 4:
				ops = append(ops, fakeOp{sim.Load, int32(3 + r.IntN(2)), 0})
			case k == 5:
				ops = append(ops, fakeOp{sim.Store, int32(3 + r.IntN(2)), 0})
			default:
				if len(held) > 0 {
					i := r.IntN(len(held))
					ops = append(ops, fakeOp{sim.Unlock, held[i], 0})
					held = append(held[:i], held[i+1:]...)
				}
			}
		}
		for _, i := range r.Perm(len(held)) {
			ops = append(ops, fakeOp{sim.Unlock, held[i], 0})
		}
		f.threads = append(f.threads, ops)
	}
	return f
}

// each is the runner that makes each run by itself.
func each(run func(c sim.Chooser) result) runner {
	return func(next func() sim.Chooser, done func(r *result) bool) {
		for c := next(); c != nil; c = next() {
			if r := run(c); !done(&r) {
				return
			}
		}
	}
}
