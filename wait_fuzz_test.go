// Strings of operations of four threads that wait for each other, on a simulated machine whose schedule is part of
// the input: a model knows who has what and who is next, and is compared whenever nobody can go on.
package lwkt_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/internal/lock"
	"github.com/serializing-tokens/lwkt/sim"
)

// contest has players that do what the caller tells them. It picks one of those that can go on by the input, and
// the caller if there is none.
type contest struct {
	m       *sim.Machine
	picks   []byte
	players [4]*contestant
}

// contestant is a player of a contest.
type contestant struct {
	name string
	told atomic.Pointer[func(td *lwkt.Thread)] // what to do, until that is done
}

// waits says whether the player is at what it was told.
func (p *contestant) waits() bool { return p.told.Load() != nil }

func (c *contest) Choose(p *sim.Point) int {
	players := 0
	for _, e := range p.Enabled {
		if e.Thread > 0 {
			players++
		}
	}
	if players == 0 {
		return 0
	}
	n := 0
	if len(c.picks) > 0 {
		n, c.picks = int(c.picks[0])%players, c.picks[1:]
	}
	return len(p.Enabled) - players + n // the caller is the first thread
}

// tell makes an idle player do something.
func (c *contest) tell(i int, f func(td *lwkt.Thread)) { c.players[i].told.Store(&f) }

// referee has a contest in which body tells the players what to do; it calls quiet to let them until none can go on.
func referee(t *testing.T, picks []byte, body func(c *contest, quiet func())) {
	c := &contest{m: sim.New(sim.Options{Attempts: true}), picks: picks}
	var over atomic.Bool
	c.m.Go("referee", func(td *lwkt.Thread) {
		body(c, func() { c.m.Yield(td) })
		over.Store(true)
	})
	for i := range c.players {
		p := &contestant{name: fmt.Sprint("player ", i)}
		c.players[i] = p
		c.m.Go(p.name, func(td *lwkt.Thread) {
			for {
				c.m.Until(td, "it is told what to do", func() bool { return p.waits() || over.Load() })
				if !p.waits() {
					return
				}
				(*p.told.Load())(td)
				p.told.Store(nil)
			}
		})
	}
	if r := c.m.Run(c); r.Outcome != sim.Done {
		t.Fatalf("%v: %v", r.Outcome, r.Err)
	}
}

// patient lets waiters be overtaken as often as may be, for a test: that there is an end to it is for others.
func patient(t *testing.T) {
	lock.SetPatience(math.MaxInt32)
	t.Cleanup(func() { lock.SetPatience(lock.DefaultPatience) })
}

// queuedAt is a wait in the model of a lock.
type queuedAt struct {
	player, prio, age int
	mode              lwkt.Mode
}

// waitModel is a lock with a queue: best first by priority, then by age, in each mode.
type waitModel struct {
	o      lwkt.Options
	shares [4]int // by player
	owner  int    // or -1
	depth  int
	queue  []queuedAt
}

func (m *waitModel) mode(i int) lwkt.Mode {
	switch {
	case m.owner == i:
		return lwkt.Exclusive
	case m.shares[i] > 0:
		return lwkt.Shared
	}
	return lwkt.None
}

func (m *waitModel) sharers() (n int) {
	for _, k := range m.shares {
		n += k
	}
	return n
}

// fits says whether who has the lock admits one more.
func (m *waitModel) fits(mode lwkt.Mode) bool {
	return m.owner < 0 && (mode == lwkt.Shared || m.sharers() == 0)
}

// first is the waiter to be served first of those in the mode, or if that is None of all.
func (m *waitModel) first(mode lwkt.Mode) (best *queuedAt) {
	for i := range m.queue {
		if w := &m.queue[i]; mode == lwkt.None || w.mode == mode {
			if best == nil || w.prio > best.prio || w.prio == best.prio && w.age < best.age {
				best = w
			}
		}
	}
	return best
}

// admits says whether one who does not wait may take the lock: who shares it already always may share it.
func (m *waitModel) admits(i int, mode lwkt.Mode) bool {
	return m.fits(mode) && (mode == lwkt.Exclusive || m.shares[i] > 0 || m.o&lwkt.SharersFirst != 0 || m.first(lwkt.Exclusive) == nil)
}

func (m *waitModel) grant(i int, mode lwkt.Mode) {
	if mode == lwkt.Shared {
		m.shares[i]++
	} else {
		m.owner, m.depth = i, 1
	}
	m.leave(i)
}

func (m *waitModel) leave(i int) {
	m.queue = slices.DeleteFunc(m.queue, func(w queuedAt) bool { return w.player == i })
}

// settle serves who can be, now that nobody runs. Of those who want the lock exclusively and are woken together, any
// may have it: has says whether that is a player.
func (m *waitModel) settle(has func(i int) bool) {
	for {
		w := m.first(lwkt.None)
		if s := m.first(lwkt.Shared); s != nil && m.o&lwkt.SharersFirst != 0 {
			w = s
		}
		if w == nil || !m.fits(w.mode) {
			return
		}
		if x := m.first(lwkt.Exclusive); x != nil && m.o&lwkt.SharersFirst == 0 && m.o&lwkt.WakeAll != 0 && m.fits(lwkt.Exclusive) {
			w = x
		}
		if w.mode == lwkt.Exclusive {
			next := *w
			if i := slices.IndexFunc(m.queue, func(o queuedAt) bool { return o.mode == lwkt.Exclusive && has(o.player) }); i >= 0 && m.o&lwkt.WakeAll != 0 {
				next = m.queue[i]
			}
			m.grant(next.player, lwkt.Exclusive)
			continue
		}
		for s := w; s != nil; s = m.first(lwkt.Shared) {
			m.grant(s.player, lwkt.Shared)
		}
	}
}

// waitOps are the operations of a string: a byte is player + 4*operation, and of the last one the next byte the
// argument.
var waitOps = []string{"x", "s", "release", "x try", "s try", "upgrade", "downgrade", "cancel", "priority"}

// lockContest is a contest for a lock.
type lockContest struct {
	*contest
	f      family
	l      lockable
	model  waitModel
	quiet  func()
	has    [4]atomic.Int32 // by player: how it has the lock, since its last operation
	fails  [4]atomic.Bool  // by player: its last operation did
	cancel [4]context.CancelFunc
	prio   [4]int
	age    int
}

// do makes a player do something to the lock, which did it or failed.
func (c *lockContest) do(i int, f func(td *lwkt.Thread) bool) {
	c.tell(i, func(td *lwkt.Thread) {
		c.fails[i].Store(!f(td))
		c.has[i].Store(int32(c.l.Held(td)))
	})
	c.quiet()
}

// step is one operation, if the player can be asked for it, in which it misuses nothing.
func (c *lockContest) step(i int, op string, arg byte) {
	m, had := &c.model, c.model.mode(i)
	if c.players[i].waits() {
		if op == "cancel" {
			m.leave(i)
			c.cancel[i]()
			c.quiet()
			c.compare(i, op, false)
		}
		return
	}
	want := true
	switch op {
	case "x", "s", "x try", "s try":
		mode := map[byte]lwkt.Mode{'x': lwkt.Exclusive, 's': lwkt.Shared}[op[0]]
		again := had == lwkt.Exclusive && m.o&lwkt.Recurse != 0
		switch {
		case mode == lwkt.Shared && !c.f.shared, had == lwkt.Exclusive && (mode == lwkt.Shared || !again), had == lwkt.Shared && mode == lwkt.Exclusive:
			return
		case again:
			m.depth++
		case m.admits(i, mode):
			m.grant(i, mode)
		case len(op) > 1:
			want = false
		default:
			m.queue = append(m.queue, queuedAt{i, c.prio[i], c.age, mode})
			c.age++
		}
		if len(op) > 1 {
			c.do(i, func(td *lwkt.Thread) bool { return c.l.try(td, mode) })
			break
		}
		ctx, cancel := context.WithCancel(context.Background())
		c.cancel[i] = cancel
		c.do(i, func(td *lwkt.Thread) bool {
			_, err := c.l.lockContext(ctx, td, mode)
			c.m.Assert(err == nil || errors.Is(err, context.Canceled), "%v", err)
			return err == nil
		})
	case "release":
		switch {
		case had == lwkt.None:
			return
		case had == lwkt.Shared:
			m.shares[i]--
		default:
			if m.depth--; m.depth == 0 {
				m.owner = -1
			}
		}
		c.do(i, func(td *lwkt.Thread) bool { c.l.unlock(td, had); return true })
	case "upgrade":
		if had != lwkt.Shared {
			return
		}
		if want = m.sharers() == 1; want {
			m.shares[i], m.owner, m.depth = 0, i, 1
		}
		c.do(i, c.l.upgrade)
	case "downgrade":
		if had != lwkt.Exclusive || m.depth > 1 || !c.f.shared {
			return
		}
		m.shares[i], m.owner = 1, -1
		c.do(i, func(td *lwkt.Thread) bool { c.l.downgrade(td); return true })
	case "priority":
		c.prio[i] = int(arg % 32)
		c.do(i, func(td *lwkt.Thread) bool { td.SetPriority(c.prio[i]); return true })
	default:
		return
	}
	c.compare(i, op, want)
}

// compare wants what there is to be what the model says, after an operation of a player.
func (c *lockContest) compare(i int, op string, want bool) {
	m := &c.model
	m.settle(func(i int) bool { return !c.players[i].waits() })
	for j, p := range c.players {
		waits := slices.ContainsFunc(m.queue, func(w queuedAt) bool { return w.player == j })
		c.m.Assert(waits == p.waits(), "after %s by %d of the %s with %v: %d waits %v, want %v", op, i, c.f.name, m.o, j, p.waits(), waits)
		if !waits {
			got := lwkt.Mode(c.has[j].Load())
			c.m.Assert(got == m.mode(j), "after %s by %d of the %s with %v: %d has it %v, want %v", op, i, c.f.name, m.o, j, got, m.mode(j))
		}
	}
	if !c.players[i].waits() {
		c.m.Assert(want != c.fails[i].Load(), "%s by %d of the %s with %v fails %v", op, i, c.f.name, m.o, c.fails[i].Load())
	}
	c.shown()
}

// shown wants the queue to be shown in the order in which the model has it, and what is lent to the owner.
func (c *lockContest) shown() {
	m, infos := c.model, lwkt.Turnstiles()
	if c.f.sleeps {
		infos = lwkt.SleepQueues()
	}
	q, _ := on(infos, c.l.String())
	best := 0
	for mode, list := range map[lwkt.Mode][]lwkt.QueuedInfo{lwkt.Shared: q.Shared, lwkt.Exclusive: q.Exclusive} {
		for _, got := range list {
			w := m.first(mode)
			c.m.Assert(w != nil && strings.Contains(got.Thread, c.players[w.player].name) && got.Priority == w.prio && !got.Called && !got.Hard,
				"%v, queue of %v: %+v, want %+v", c.l, mode, got, w)
			best = max(best, w.prio)
			m.queue = slices.DeleteFunc(slices.Clone(m.queue), func(o queuedAt) bool { return o == *w })
		}
	}
	c.m.Assert(len(m.queue) == 0, "%v: %+v are not on its queue", c.l, m.queue)
	if c.f.sleeps || m.owner < 0 || best <= c.prio[m.owner] {
		best = 0
	}
	c.m.Assert(q.OwnerLent == best, "%v: the owner is lent %d, want %d", c.l, q.OwnerLent, best)
}

func FuzzLockWaits(f *testing.F) {
	b := func(kind byte, pairs ...int) []byte { // op, player, op, player ...
		s := []byte{kind}
		for i := 0; i < len(pairs); i += 2 {
			s = append(s, byte(pairs[i]*4+pairs[i+1]))
		}
		return s
	}
	for kind := range byte(24) {
		f.Add(b(kind, 0, 0, 0, 1, 0, 2, 0, 3, 2, 0, 2, 1, 2, 2, 2, 3), []byte{2, 1, 0, 1})
		f.Add(b(kind, 1, 0, 0, 1, 1, 2, 1, 0, 1, 3, 7, 1, 2, 2, 5, 2, 2, 3), []byte{})
		f.Add(b(kind, 0, 0, 1, 1, 0, 2, 1, 3, 6, 0, 5, 0, 2, 0, 2, 1, 2, 2, 2, 3), []byte{1, 1, 1, 1, 0, 2})
		f.Add(append(b(kind), 8*4+3, 20, 8*4+2, 3, 0, 2, 3, 1, 7*4+3, 4, 8, 2*4+2), []byte{3, 2, 1})
		f.Add(b(kind, 1, 0, 1, 1, 0, 2, 1, 3, 4, 3, 2, 0, 2, 1, 7, 2, 2, 3, 2, 2), []byte{0, 1})
		f.Add(b(kind, 0, 0, 0, 0, 0, 1, 0, 2, 1, 3, 2, 0, 2, 0, 3, 0, 2, 1, 2, 2), []byte{2, 2, 0, 1, 1})
	}
	f.Fuzz(playLockWaits)
}

func playLockWaits(t *testing.T, ops, picks []byte) {
	if len(ops) == 0 {
		return
	}
	patient(t)
	c := &lockContest{f: families[int(ops[0])%len(families)], model: waitModel{owner: -1}, prio: [4]int{16, 16, 16, 16}}
	c.model.o = c.f.options(int(ops[0]) / len(families))
	c.l = c.f.make()
	c.l.Init("fuzzed", c.model.o)
	referee(t, picks, func(co *contest, quiet func()) {
		c.contest, c.quiet = co, quiet
		for s := ops[1:min(len(ops), 100)]; len(s) > 0; s = s[1:] {
			op := waitOps[int(s[0])/4%len(waitOps)]
			i, arg := int(s[0])%4, byte(0)
			if op == "priority" && len(s) > 1 {
				s = s[1:]
				arg = s[0]
			}
			c.step(i, op, arg)
		}
		for i := 0; c.model.owner >= 0 || c.model.sharers() > 0; i = (i + 1) % len(c.players) {
			c.step(i, "release", 0)
		}
		c.tell(0, c.l.Destroy) // nobody is left on its queue
		c.quiet()
	})
}

// tokenWait is a wait in the model of three tokens, for all that the player is to have then.
type tokenWait struct {
	player, prio, age int
	refs, had         level // had: what it is to have if it gives up
}

// tokenContest is a contest for three tokens.
type tokenContest struct {
	*contest
	strict bool // waits are in the order of arrival
	toks   [3]*lwkt.Token
	quiet  func()
	refs   [4]level // by player: what it has; of one that waits nothing
	queue  []tokenWait
	has    [4]atomic.Int32 // by player: how it has the tokens, since its last operation
	fails  [4]atomic.Bool  // by player: its last operation did
	cancel [4]context.CancelFunc
	prio   [4]int
	age    int
}

// fits says whether what the others have, and in strict order what those wait for who came before age, lets a
// player have this.
func (c *tokenContest) fits(i int, refs *level, age int) bool {
	for n := range c.toks {
		mode := refs.mode(n)
		bars := func(o *level) bool {
			other := o.mode(n)
			return mode != lwkt.None && other != lwkt.None && max(mode, other) == lwkt.Exclusive
		}
		for j := range c.refs {
			if j != i && bars(&c.refs[j]) {
				return false
			}
		}
		for j := range c.queue {
			if w := &c.queue[j]; c.strict && w.age < age && mode > c.refs[i].mode(n) && bars(&w.refs) {
				return false
			}
		}
	}
	return true
}

// copyOf is a level that shares nothing with it.
func copyOf(l level) level {
	for n := range l {
		l[n] = slices.Clone(l[n])
	}
	return l
}

// do makes a player do something, which it did or failed, and wants all to be as the model says. If order, who
// can have all that it waits for is granted it by priority, then by age; else who waited may be granted it in any
// order, as several tokens became free at once.
func (c *tokenContest) do(i int, what string, order, ok bool, f func(td *lwkt.Thread) bool) {
	if f != nil {
		c.tell(i, func(td *lwkt.Thread) {
			c.fails[i].Store(!f(td))
			modes := int32(0)
			for n, tok := range c.toks {
				modes |= int32(tok.Held(td)) << (2 * n)
			}
			c.has[i].Store(modes)
		})
	}
	c.quiet()
	slices.SortFunc(c.queue, func(a, b tokenWait) int {
		if c.strict {
			return cmp.Compare(a.age, b.age)
		}
		return cmp.Or(cmp.Compare(b.prio, a.prio), cmp.Compare(a.age, b.age))
	})
	for k := 0; k < len(c.queue); {
		w := c.queue[k]
		fits := c.fits(w.player, &w.refs, w.age)
		if order && !fits || !order && c.players[w.player].waits() {
			k++
			continue
		}
		c.m.Assert(fits, "after %s by %d: %d has what others have", what, i, w.player)
		c.refs[w.player] = w.refs
		c.queue = slices.Delete(c.queue, k, k+1)
	}
	var waiters [3]int
	for _, w := range c.queue {
		c.m.Assert(!c.fits(w.player, &w.refs, w.age), "after %s by %d: %d waits for what it could have", what, i, w.player)
		for n := range c.toks {
			if w.refs.mode(n) != lwkt.None {
				waiters[n]++
			}
		}
	}
	for n, tok := range c.toks {
		got := lwkt.WaitersOf(tok)
		c.m.Assert(got == waiters[n], "after %s by %d: %d wait for token %d, want %d", what, i, got, n, waiters[n])
	}
	for j, p := range c.players {
		waits := slices.ContainsFunc(c.queue, func(w tokenWait) bool { return w.player == j })
		c.m.Assert(waits == p.waits(), "after %s by %d: %d waits %v, want %v", what, i, j, p.waits(), waits)
		for n := range c.toks {
			if got, want := lwkt.Mode(c.has[j].Load()>>(2*n)&3), c.refs[j].mode(n); !waits {
				c.m.Assert(got == want, "after %s by %d: %d has token %d %v, want %v", what, i, j, n, got, want)
			}
		}
	}
	c.m.Assert(c.players[i].waits() || ok != c.fails[i].Load(), "%s by %d fails %v", what, i, c.fails[i].Load())
}

// acquire makes a player acquire tokens, and wait for all that it has too if it cannot have them.
func (c *tokenContest) acquire(i int, what string, mode lwkt.Mode, tokens []int, f func(ctx context.Context, td *lwkt.Thread) error) {
	had, refs := c.refs[i], copyOf(c.refs[i])
	for _, n := range tokens {
		refs[n] = append(refs[n], mode)
	}
	for _, n := range tokens {
		// In strict order one who comes to a token that is waited for queues up with all that it has.
		if c.strict && what[0] != 't' && mode > had.mode(n) && slices.ContainsFunc(c.queue, func(w tokenWait) bool { return w.refs.mode(n) != lwkt.None }) {
			c.refs[i] = level{}
		}
	}
	ok, order := c.fits(i, &refs, c.age), true
	c.refs[i] = had
	switch {
	case ok:
		c.refs[i] = refs
	case what[0] != 't':
		order = len(had[0])+len(had[1])+len(had[2]) == 0
		c.queue = append(c.queue, tokenWait{i, c.prio[i], c.age, refs, had})
		c.age++
		c.refs[i] = level{}
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel[i] = cancel
	c.do(i, what, order, ok, func(td *lwkt.Thread) bool { return f(ctx, td) == nil })
}

// tokenWaitOps are the operations of a string: a byte is player + 4*(operation + 8*token).
var tokenWaitOps = []string{"x", "s", "all", "try x", "try s", "release", "cancel", "priority"}

// step is one operation, if the player can be asked for it, in which it misuses nothing.
func (c *tokenContest) step(i int, op string, n int) {
	if c.players[i].waits() {
		for j := range c.queue {
			if w := &c.queue[j]; w.player == i && op == "cancel" {
				w.refs = w.had
				c.cancel[i]()
				c.do(i, op, true, false, nil)
				break
			}
		}
		return
	}
	tok, other := c.toks[n], (n+1)%len(c.toks)
	tried := func(ok bool) error {
		if !ok {
			return context.Canceled
		}
		return nil
	}
	switch op {
	case "x":
		c.acquire(i, op, lwkt.Exclusive, []int{n}, func(ctx context.Context, td *lwkt.Thread) error {
			_, err := tok.AcquireContext(ctx, td)
			return err
		})
	case "s":
		c.acquire(i, op, lwkt.Shared, []int{n}, func(ctx context.Context, td *lwkt.Thread) error {
			_, err := tok.AcquireSharedContext(ctx, td)
			return err
		})
	case "all":
		c.acquire(i, op, lwkt.Exclusive, []int{n, other}, func(ctx context.Context, td *lwkt.Thread) error {
			_, err := lwkt.AcquireAllContext(ctx, td, tok, c.toks[other])
			return err
		})
	case "try x":
		c.acquire(i, op, lwkt.Exclusive, []int{n}, func(_ context.Context, td *lwkt.Thread) error { return tried(tok.TryAcquire(td)) })
	case "try s":
		c.acquire(i, op, lwkt.Shared, []int{n}, func(_ context.Context, td *lwkt.Thread) error { return tried(tok.TryAcquireShared(td)) })
	case "release":
		if refs := &c.refs[i][n]; len(*refs) > 0 {
			*refs = (*refs)[:len(*refs)-1]
			c.do(i, op, true, true, func(td *lwkt.Thread) bool { tok.Release(td); return true })
		}
	case "priority":
		p := (i*7 + n*5 + c.age) % 32
		c.prio[i] = p
		c.do(i, op, true, true, func(td *lwkt.Thread) bool { td.SetPriority(p); return true })
	}
}

func FuzzTokenWaits(f *testing.F) {
	b := func(strict byte, trios ...int) []byte { // op, player, token ...
		s := []byte{strict}
		for i := 0; i < len(trios); i += 3 {
			s = append(s, byte(trios[i+1]+4*(trios[i]+8*trios[i+2])))
		}
		return s
	}
	for strict := range byte(2) {
		f.Add(b(strict), []byte{})
		f.Add(b(strict, 0, 0, 0, 0, 1, 0, 7, 2, 1, 0, 2, 0, 1, 3, 0, 5, 0, 0, 5, 2, 0), []byte{1, 0, 2})
		f.Add(b(strict, 0, 0, 0, 0, 1, 1, 2, 2, 0, 0, 3, 1, 5, 1, 1, 5, 3, 1, 5, 0, 0), []byte{0, 1})
		f.Add(b(strict, 1, 0, 2, 1, 1, 2, 0, 0, 2, 0, 2, 2, 5, 1, 2, 5, 0, 2, 6, 2, 0), []byte{1})
		f.Add(b(strict, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 2, 1, 0, 0, 1, 6, 1, 0, 6, 0, 0, 5, 2, 1), []byte{1, 1})
		f.Add(b(strict, 0, 0, 0, 1, 1, 0, 1, 2, 0, 3, 3, 0, 4, 3, 0, 5, 0, 0, 4, 3, 0, 0, 1, 0), []byte{2, 0, 0})
	}
	f.Fuzz(playTokenWaits)
}

func playTokenWaits(t *testing.T, ops, picks []byte) {
	if len(ops) == 0 {
		return
	}
	c := &tokenContest{strict: ops[0]%2 == 1, prio: [4]int{16, 16, 16, 16}}
	if c.strict {
		bypass(t, 0)
	}
	for n := range c.toks {
		c.toks[n] = lwkt.NewToken(fmt.Sprint("token ", n))
	}
	referee(t, picks, func(co *contest, quiet func()) {
		c.contest, c.quiet = co, quiet
		for _, b := range ops[1:min(len(ops), 100)] {
			c.step(int(b)%4, tokenWaitOps[int(b)/4%len(tokenWaitOps)], int(b)/32%len(c.toks))
		}
		for again := true; again; {
			again = false
			for i := range c.players {
				for n := range c.toks {
					again = again || len(c.refs[i][n]) > 0
					c.step(i, "release", n)
				}
			}
		}
		c.m.Assert(len(c.queue) == 0, "%d are left waiting", len(c.queue))
	})
}
