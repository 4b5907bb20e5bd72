package stress_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/serializing-tokens/lwkt"
)

// worker is what one slot does, in one thread after the other.
type worker struct {
	round *round
	slot  int
	rng   *rand.Rand

	budget int // steps left
	moves  [maxTokens]uint64
	tally

	// Of the thread that lives:
	td        *lwkt.Thread
	refs      refs              // what it holds and may release: inside Block, what it took there
	seen      [maxTokens]uint64 // the version when it last was inside
	frames    []frame
	depth     int  // Blocks that it is in
	largest   int  // tokens that it waited for at once, at most
	overtaken int  // the most that one of its questions was, by others' count
	unwinding bool // it panics, or ends its goroutine, because it was told to
	asking    uint16
}

func newWorker(r *round, slot int) *worker {
	return &worker{
		round: r, slot: slot, budget: r.budget, tally: make(tally),
		rng: rand.New(rand.NewPCG(r.seed, uint64(r.number)<<16|uint64(slot+1))),
	}
}

// tally counts events by kind.
type tally map[string]uint64

func (t tally) count(kind string) { t[kind]++ }

func (t *tally) add(o *tally) {
	if *t == nil {
		*t = make(tally)
	}
	for k, n := range *o {
		(*t)[k] += n
	}
}

func (t *tally) String() string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(*t)) {
		fmt.Fprintf(&b, "%12d %s\n", (*t)[k], k)
	}
	return b.String()
}

// errPlanned is what workers panic with.
var errPlanned = errors.New("planned")

// live is a thread from its beginning to its end.
func (w *worker) live(number int) {
	w.refs, w.frames, w.depth, w.largest, w.overtaken, w.unwinding = refs{}, nil, 0, 0, 0, false
	task := lwkt.Go(fmt.Sprintf("s%d.%d", w.slot, number), w.life)
	defer func() {
		v := recover()
		var misuse *lwkt.Misuse
		switch e, _ := v.(error); {
		case v == nil:
		case errors.Is(e, errPlanned) && w.unwinding:
			w.count("life ended by a panic")
		case errors.As(e, &misuse) && misuse.Op == "End" && w.unwinding:
			w.count("life ended holding tokens")
		default:
			w.round.fail("a panic that nobody planned: %v", v)
		}
	}()
	task.Wait()
}

func (w *worker) life(td *lwkt.Thread) {
	w.td = td
	td.SetPriority(w.rng.IntN(32))
	w.count("threads")
	normal := false
	defer func() {
		if !normal && !w.unwinding {
			return // a panic that nobody planned: live tells
		}
		w.agree()
		stats := td.Stats()
		most := uint64((w.largest + 1) * w.round.k)
		if !w.round.chaos && stats.MaxOvertaken > most {
			w.round.fail("%v was overtaken %d times by its own count, with at most %d tokens at once; more than %d", td, stats.MaxOvertaken, w.largest, most)
		}
		w.tally["waits"] += stats.Waits
		w.tally["drops"] += stats.Drops
		if w.overtaken > 0 {
			w.count("lives overtaken, by others' count")
		}
		if w.unwinding && w.rng.IntN(2) == 0 {
			w.unmark() // the end of the thread releases all
		} else {
			w.releaseAll()
		}
	}()
	for w.budget > 0 && !w.round.broken.Load() {
		w.step()
	}
	w.unwinding = w.rng.IntN(8) == 0 // ends holding whatever it holds
	normal = true
}

// step is one random thing.
func (w *worker) step() {
	w.budget--
	w.mine().beats.Add(1)
	i := w.rng.IntN(len(w.round.tokens))
	switch p := w.rng.IntN(100); {
	case p < 18:
		w.acquire(i, w.mode())
	case p < 24:
		w.acquireContext(i, w.mode())
	case p < 32:
		w.acquireAll()
	case p < 41:
		w.tryAcquire(i, w.mode())
	case p < 44:
		w.tryAcquireAll()
	case p < 62:
		w.release(i)
	case p < 66:
		w.releaseAll()
	case p < 80:
		w.work()
	case p < 86:
		w.block()
	case p < 89:
		w.sleep(i)
	case p < 91:
		if w.refs.modes()[i] == lwkt.Exclusive {
			w.ringAll(i)
		}
	case p < 94:
		w.marked()
	case p < 95:
		w.audit()
	case p < 96:
		w.join(i)
	case p < 97:
		w.pooled()
	case p < 98:
		w.noBlock(i, w.mode())
	case p < 99:
		w.td.SetPriority(w.rng.IntN(32))
		if w.round.chaos {
			lwkt.SetBypass(w.rng.IntN(100))
		}
	default:
		w.spot(i)
		w.agree()
	}
	if w.rng.IntN(40) == 0 {
		runtime.Gosched() // also inside sections
	}
}

func (w *worker) mode() lwkt.Mode {
	if w.rng.IntN(3) == 0 {
		return lwkt.Shared
	}
	return lwkt.Exclusive
}

// room says whether one more reference to a token is wanted.
func (w *worker) room(i int) bool {
	n := len(w.refs[i])
	held := w.refs.modes()
	return n > 0 && n < maxDepth || n == 0 && held.size() < maxHeld
}

func (w *worker) got(i int, m lwkt.Mode) { w.refs[i] = append(w.refs[i], m) }

func (w *worker) acquire(i int, m lwkt.Mode) {
	if !w.room(i) {
		return
	}
	t := w.round.tokens[i].tok
	upgrade := m == lwkt.Exclusive && w.refs.modes()[i] == lwkt.Shared
	w.may("Acquire", only(i, m), true, func() (changed bool) {
		switch {
		case m == lwkt.Shared:
			changed = t.AcquireShared(w.td)
		case w.rng.IntN(8) == 0:
			t.Locker(w.td).Lock()
			changed = true // it does not tell
		default:
			changed = t.Acquire(w.td)
		}
		w.got(i, m)
		return changed
	})
	w.count("acquire " + m.String())
	if upgrade {
		w.count("upgrade")
	}
}

func only(i int, m lwkt.Mode) (s set) {
	s[i] = m
	return s
}

// within returns a context that ends soon, has ended, or is about to.
func (w *worker) within() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	switch w.rng.IntN(4) {
	case 0:
		cancel()
	case 1:
		go cancel()
	default:
		cancel()
		return context.WithTimeout(context.Background(), time.Duration(w.rng.ExpFloat64()*float64(100*time.Microsecond)))
	}
	return ctx, cancel
}

func (w *worker) acquireContext(i int, m lwkt.Mode) {
	if !w.room(i) {
		return
	}
	ctx, cancel := w.within()
	defer cancel()
	w.may("AcquireContext", only(i, m), false, func() (changed bool) {
		var err error
		if t := w.round.tokens[i].tok; m == lwkt.Shared {
			changed, err = t.AcquireSharedContext(ctx, w.td)
		} else {
			changed, err = t.AcquireContext(ctx, w.td)
		}
		w.ended(ctx, err, func() { w.got(i, m) })
		return changed
	})
}

// ended looks at what a form with a context returned.
func (w *worker) ended(ctx context.Context, err error, got func()) {
	switch {
	case err == nil:
		got()
		w.count("context form granted")
	case ctx.Err() == nil || !errors.Is(err, ctx.Err()):
		w.round.fail("%v: the error is %v, that of the context %v", w.td, err, ctx.Err())
	default:
		w.count("context form cancelled")
	}
}

// several picks tokens, some of them more than once.
func (w *worker) several() (list []int, want set, tokens []*lwkt.Token) {
	held := w.refs.modes()
	var more refs
	for range 1 + w.rng.IntN(maxHeld) {
		i := w.rng.IntN(len(w.round.tokens))
		all := held.union(want)
		if len(w.refs[i])+len(more[i]) >= maxDepth || all[i] == lwkt.None && all.size() >= maxHeld {
			continue
		}
		more[i] = append(more[i], lwkt.Exclusive)
		want[i] = lwkt.Exclusive
		list, tokens = append(list, i), append(tokens, w.round.tokens[i].tok)
	}
	return list, want, tokens
}

func (w *worker) acquireAll() {
	list, want, tokens := w.several()
	got := func() {
		for _, i := range list {
			w.got(i, lwkt.Exclusive)
		}
	}
	if w.rng.IntN(3) > 0 {
		w.may("AcquireAll", want, true, func() (changed bool) {
			changed = lwkt.AcquireAll(w.td, tokens...)
			got()
			return changed
		})
		w.count("acquire several")
		return
	}
	ctx, cancel := w.within()
	defer cancel()
	w.may("AcquireAllContext", want, false, func() bool {
		changed, err := lwkt.AcquireAllContext(ctx, w.td, tokens...)
		w.ended(ctx, err, got)
		return changed
	})
}

func (w *worker) tryAcquireAll() {
	list, _, tokens := w.several()
	if w.try(func() bool {
		if !lwkt.TryAcquireAll(w.td, tokens...) {
			return false
		}
		for _, i := range list {
			w.got(i, lwkt.Exclusive)
		}
		return true
	}) {
		w.count("try several")
	}
}

func (w *worker) tryAcquire(i int, m lwkt.Mode) {
	if !w.room(i) {
		return
	}
	held := w.refs.modes()[i]
	ok := w.try(func() (ok bool) {
		if t := w.round.tokens[i].tok; m == lwkt.Shared {
			ok = t.TryAcquireShared(w.td)
		} else {
			ok = t.TryAcquire(w.td)
		}
		if ok {
			w.got(i, m)
		}
		return ok
	})
	switch {
	case ok:
		w.count("try " + m.String())
	case held >= m:
		w.round.fail("%v was refused %v in a mode that it has", w.td, w.round.tokens[i].tok)
	}
}

// noBlock acquires a token without giving anything up, or is told that it cannot.
func (w *worker) noBlock(i int, m lwkt.Mode) {
	if held := w.refs.modes(); !w.room(i) || held.size() == 0 {
		return
	}
	w.try(func() (ok bool) {
		defer func() {
			if v := recover(); v != nil {
				if e, _ := v.(*lwkt.Misuse); e == nil || !strings.Contains(e.Why, "NoBlock") {
					w.round.fail("%v: NoBlock panicked with %v", w.td, v)
				}
				w.count("refused in NoBlock")
			}
		}()
		w.td.NoBlock(func() {
			if t := w.round.tokens[i].tok; m == lwkt.Shared {
				t.AcquireShared(w.td)
			} else {
				t.Acquire(w.td)
			}
		})
		w.got(i, m)
		w.count("acquired in NoBlock")
		return true
	})
	w.agree()
}

// release undoes the newest reference to a token, if there is one.
func (w *worker) release(i int) {
	n := len(w.refs[i])
	if n == 0 {
		return
	}
	before := w.refs.modes()[i]
	w.look(i, before)
	w.refs[i] = w.refs[i][:n-1]
	after := w.refs.modes()[i]
	if after != before {
		w.exit(i, before)
	}
	w.round.tokens[i].tok.Release(w.td)
	if after != before && after != lwkt.None {
		w.enter(i, after)
		w.count("downgrade")
	}
}

// releaseAll releases everything, in any order.
func (w *worker) releaseAll() {
	for held := w.refs.modes(); held.size() > 0; held = w.refs.modes() {
		w.release(w.rng.IntN(len(w.round.tokens)))
	}
}

// work is what tokens are for.
func (w *worker) work() {
	var own []*guarded
	for i, m := range w.refs.modes() {
		if m == lwkt.None {
			continue
		}
		w.look(i, m)
		if m == lwkt.Exclusive {
			g := w.round.tokens[i]
			own = append(own, g)
			v := g.version + 1
			w.perhapsYield()
			g.version = v
			w.moves[i]++
			w.seen[i] = v
			w.plantDoubleGrant(g)
		}
	}
	if len(own) > 1 {
		from, to, sum := own[0], own[len(own)-1], int64(w.rng.IntN(100))
		a, b := from.balance, to.balance
		w.perhapsYield()
		from.balance = a - sum
		w.perhapsYield()
		to.balance = b + sum
		w.count("transfer")
	}
	for i, m := range w.refs.modes() {
		if m != lwkt.None {
			w.look(i, m)
		}
	}
}

func (w *worker) perhapsYield() {
	if w.rng.IntN(8) == 0 {
		runtime.Gosched()
	}
}

// audit sees all money at once.
func (w *worker) audit() {
	for i := range w.round.tokens {
		m := lwkt.Shared
		w.may("Acquire", only(i, m), true, func() bool {
			changed := w.round.tokens[i].tok.AcquireShared(w.td)
			w.got(i, m)
			return changed
		})
	}
	sum := int64(0)
	for _, g := range w.round.tokens {
		sum += g.balance
	}
	if sum != 0 {
		w.round.fail("%v holds all tokens and sees %d made or lost", w.td, sum)
	}
	for i := range w.round.tokens {
		w.release(i)
	}
	w.count("audit")
}

// marked does a few things and then asks whether anything changed meanwhile.
func (w *worker) marked() {
	m, at := w.td.Mark(), w.push()
	for range w.rng.IntN(8) {
		w.step()
	}
	w.pop(at, "ChangedSince", w.td.ChangedSince(m))
	w.count("mark")
}

// join waits for another thread that wants what this one holds.
func (w *worker) join(i int) {
	child := lwkt.Go("child", func(td *lwkt.Thread) {
		g := w.round.tokens[i]
		g.tok.AcquireShared(td)
		if g.owner != 0 {
			w.round.fail("%v shares %v while s%d is inside", td, g.tok, g.owner-1)
		}
		g.tok.Release(td)
	})
	w.may("Join", set{}, false, func() bool { return child.Join(w.td) })
	w.count("join")
}

// pooled takes keys of a pool beside the tokens and gives them back.
func (w *worker) pooled() {
	a, b := w.rng.IntN(3), w.rng.IntN(3)
	w.largest = max(w.largest, maxTokens+2)
	w.may("Pool", set{}, false, func() bool { return w.round.pool.AcquireAll(w.td, a, b) })
	w.may("Block", set{}, false, func() bool { return w.td.Block(runtime.Gosched) })
	w.round.pool.Release(w.td, a)
	w.round.pool.Release(w.td, b)
	w.count("pool")
}
