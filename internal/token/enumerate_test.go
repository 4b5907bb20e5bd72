package token

// The proof of the book by enumeration. A world is two or three threads that run
// small programs over a few tokens, by the very functions of this package; a step is
// one atomic change of a word, or one section under the book's lock. Every state
// that can be reached is visited once, breadth first, and in each of them the
// invariants of book.go are checked from the outside:
//
//   - exclusion: the words say just what the threads hold, and nothing conflicts;
//   - whole sets: a waiting thread holds nothing;
//   - B2: the token that a waiting claim watches will be looked at;
//   - B3: no claim of n tokens is overtaken more than (n+1)K times, and none is woken
//     in vain more than K times, as counted here, not by the book;
//   - progress: no state without a next step has a thread that waits.

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// An instr is one step of a program.
type instr struct {
	op     string // acquire, release, try
	toks   []int
	mode   Mode
	cancel bool // the wait may be cancelled at any moment
}

func x(toks ...int) instr       { return instr{op: "acquire", toks: toks, mode: Exclusive} }
func s(toks ...int) instr       { return instr{op: "acquire", toks: toks, mode: Shared} }
func try(tok int) instr         { return instr{op: "try", toks: []int{tok}, mode: Exclusive} }
func trys(tok int) instr        { return instr{op: "try", toks: []int{tok}, mode: Shared} }
func r(toks ...int) instr       { return instr{op: "release", toks: toks} }
func (i instr) orGiveUp() instr { i.cancel = true; return i }

// A script is what one thread of a world runs, once or for ever.
type script struct {
	code []instr
	prio int32
	loop bool
}

type actor struct {
	script
	id      uint32
	claim   Claim
	pc      int
	phase   phase
	permits int          // binary in truth; a second one would be a fault of the test
	held    map[int]Mode // strongest mode of each token held
	pending []int        // tokens whose release has yet to look at the claims

	overtaken, vain, asked int // since its claim was filed, for that many tokens
	wants                  []Want
}

type phase uint8

const (
	ready   phase = iota
	filing        // the attempt without the book failed
	parked        // filed, not granted
	leaving       // has given up holds in words, examines them now
)

func (a *actor) Unpark() { a.permits = 1 }

type world struct {
	k      int // what the bounds are checked against
	fault  string
	tokens []*Token
	actors []*actor
}

func newWorld(k, tokens int, scripts []script, fault string) *world {
	w := &world{k: k, fault: fault}
	for range tokens {
		w.tokens = append(w.tokens, new(Token))
	}
	for i, sc := range scripts {
		a := &actor{script: sc, id: uint32(i + 1), held: map[int]Mode{}}
		a.claim.ID, a.claim.Waker, a.claim.Prio = a.id, a, sc.prio
		w.actors = append(w.actors, a)
	}
	return w
}

// A step is a thread, and what it does where it has a choice.
type step struct {
	actor  int
	cancel bool
}

func (w *world) steps() (all []step) {
	for i, a := range w.actors {
		switch {
		case a.phase == parked:
			if a.permits > 0 {
				all = append(all, step{i, false})
			}
			if a.code[a.pc].cancel {
				all = append(all, step{i, true})
			}
		case a.pc < len(a.code) || len(a.pending) > 0:
			all = append(all, step{i, false})
		}
	}
	return all
}

func (w *world) do(st step) {
	if !slices.Contains(w.steps(), st) {
		panic(fmt.Sprintf("the step %v is not to be had in %s", st, w.key()))
	}
	a := w.actors[st.actor]
	before := w.waitingClaims()
	var in instr
	if a.pc < len(a.code) {
		in = a.code[a.pc]
	}
	switch {
	case len(a.pending) > 0:
		if w.fault != "lost wakeup" {
			w.tokens[a.pending[0]].Examine()
		}
		a.pending = a.pending[1:]
	case a.phase == parked && st.cancel:
		won, left := a.claim.Shrink()
		switch {
		case won:
			w.granted(a, in)
		default:
			kept := a.wants[:0:0]
			for _, want := range a.wants {
				if want.Had != None {
					want.Mode = want.Had
					kept = append(kept, want)
				}
			}
			a.wants = kept
			a.code = slices.Clone(a.code)
			a.code[a.pc] = instr{op: "retake"}
			if !left {
				w.granted(a, a.code[a.pc])
			}
		}
	case a.phase == parked:
		a.permits = 0
		wasCalled := a.claim.state == called // else the permit is one from before a cancel
		if a.claim.Retry() {
			w.granted(a, in)
		} else if wasCalled {
			a.vain++
		}
	case in.op == "release":
		for _, i := range in.toks {
			m := a.held[i]
			if m == None {
				continue // the try failed, or the wait was given up
			}
			delete(a.held, i)
			if word := w.tokens[i].shed(m, 0); !word.quiet(m) {
				a.pending = append(a.pending, i)
			}
		}
		w.advance(a)
	case in.op == "try":
		tok := w.tokens[in.toks[0]]
		ok := false
		if had := a.held[in.toks[0]]; had != None {
			ok = had == Shared && tok.Upgrade(a.id)
		} else {
			ok = tok.Take(in.mode, a.id) || w.tryFile(a, tok, in.mode)
		}
		if ok {
			w.overtake(a, before, []Want{{Tok: tok, Mode: in.mode}})
			a.held[in.toks[0]] = in.mode
		}
		w.advance(a)
	case a.phase == ready && len(in.toks) == 1:
		i := in.toks[0]
		if had := a.held[i]; had == Shared && in.mode == Exclusive && w.tokens[i].Upgrade(a.id) || had == None && w.tokens[i].Take(in.mode, a.id) {
			w.overtake(a, before, []Want{{Tok: w.tokens[i], Mode: in.mode}})
			a.held[i] = in.mode
			w.advance(a)
		} else {
			a.phase = filing
		}
	default:
		w.file(a, in)
	}
	// Whoever was granted in this step overtook those who filed before it.
	for _, b := range w.actors {
		if c := &b.claim; c.state == granted && slices.ContainsFunc(before, func(p past) bool { return p.actor == b }) {
			w.overtake(b, before, b.wants)
		}
	}
}

func (w *world) tryFile(a *actor, tok *Token, m Mode) bool {
	a.claim.Wants = append(a.claim.Wants[:0], Want{Tok: tok, Mode: m})
	ok := a.claim.TryFile()
	if ok {
		a.claim.state = idle
	}
	return ok
}

func (w *world) file(a *actor, in instr) {
	c := &a.claim
	c.Wants = c.Wants[:0]
	for i := range w.tokens { // those held first, as the thread does
		if m := a.held[i]; m != None {
			want := Want{Tok: w.tokens[i], Mode: m, Had: m}
			if slices.Contains(in.toks, i) {
				want.Mode = max(m, in.mode)
			}
			c.Wants = append(c.Wants, want)
		}
	}
	for _, i := range in.toks {
		if a.held[i] == None {
			c.Wants = append(c.Wants, Want{Tok: w.tokens[i], Mode: in.mode})
		}
	}
	a.wants, a.asked = slices.Clone(c.Wants), len(c.Wants)
	a.held, a.overtaken, a.vain, a.permits = map[int]Mode{}, 0, 0, 0
	before := w.waitingClaims()
	if w.fault == "double grant" && in.mode == Exclusive && !c.File() {
		c.Shrink() // as if it had been granted
		w.granted(a, in)
		return
	}
	if c.File() {
		w.overtake(a, before, a.wants)
		w.granted(a, in)
		return
	}
	a.phase = parked
}

func (w *world) granted(a *actor, in instr) {
	for _, want := range a.wants {
		a.held[slices.Index(w.tokens, want.Tok)] = want.Mode
	}
	a.claim.state = idle
	w.advance(a)
}

func (w *world) advance(a *actor) {
	a.phase = ready
	a.pc++
	if a.loop && a.pc == len(a.code) {
		a.pc = 0
	}
}

type past struct {
	actor *actor
	age   uint64
}

func (w *world) waitingClaims() (ps []past) {
	for _, a := range w.actors {
		if a.claim.state == waiting || a.claim.state == called {
			ps = append(ps, past{a, a.claim.age})
		}
	}
	return ps
}

// overtake counts a grant to a of these wants against every claim that is older,
// still waits, and conflicts.
func (w *world) overtake(a *actor, before []past, wants []Want) {
	for _, p := range before {
		b := p.actor
		if b == a || b.claim.state != waiting && b.claim.state != called || b.claim.age != p.age {
			continue
		}
		filed := a.claim.state == granted || a.claim.state == waiting || a.claim.state == called
		if filed && a.claim.age < p.age {
			continue // it asked first
		}
		for _, v := range wants {
			if slices.ContainsFunc(b.claim.Wants, func(u Want) bool { return u.Tok == v.Tok && conflicts(u.Mode, v.Mode) }) {
				b.overtaken++
				break
			}
		}
	}
}

// wrong returns what is wrong with the state, or "".
func (w *world) wrong() string {
	for i, tok := range w.tokens {
		owner, shares := uint32(0), 0
		for _, a := range w.actors {
			m := a.held[i]
			if c := &a.claim; c.state == granted && a.phase == parked { // granted, does not know it yet
				for _, want := range c.Wants {
					if want.Tok == tok {
						m = want.Mode
					}
				}
			}
			switch m {
			case Exclusive:
				if owner != 0 {
					return fmt.Sprintf("token %d has two owners, %d and %d", i, owner, a.id)
				}
				owner = a.id
			case Shared:
				shares++
			}
		}
		if q := tok.q; q != nil {
			hard := 0
			for _, c := range q.claims {
				if c.claim.hard {
					hard++
				}
			}
			if s := tok.Word()&silent != 0; s && len(q.watch) > 0 && q.called == nil && !(q.later && book.calls > 0) {
				return fmt.Sprintf("token %d is silent, is watched, and nobody was called", i)
			}
			if hard != q.hard {
				return fmt.Sprintf("token %d counts %d hard claims and has %d", i, q.hard, hard)
			}
		}
		if owner != 0 && shares != 0 {
			return fmt.Sprintf("token %d is owned by %d and shared by %d", i, owner, shares)
		}
		if word := tok.Word(); word.Owner() != owner || word.Shares() != shares {
			return fmt.Sprintf("token %d: the word says %d/%d, the threads %d/%d", i, word.Owner(), word.Shares(), owner, shares)
		}
	}
	for _, a := range w.actors {
		c := &a.claim
		if c.state != waiting && c.state != called {
			continue
		}
		if len(a.held) != 0 {
			return fmt.Sprintf("thread %d waits and holds %v", a.id, a.held)
		}
		if n := a.asked; a.overtaken > (n+1)*w.k {
			return fmt.Sprintf("thread %d waits for %d tokens and was overtaken %d times at K=%d", a.id, n, a.overtaken, w.k)
		}
		if a.vain > w.k {
			return fmt.Sprintf("thread %d was woken in vain %d times at K=%d", a.id, a.vain, w.k)
		}
		if c.state == called && a.permits == 0 {
			return fmt.Sprintf("thread %d was called and not woken", a.id)
		}
		if c.state == waiting {
			t := c.watch.Tok
			word := t.Word()
			looked := slices.ContainsFunc(w.actors, func(b *actor) bool {
				return slices.ContainsFunc(b.pending, func(i int) bool { return w.tokens[i] == t })
			})
			if word.compatible(c.watch.Mode) && !c.watch.reserved() && t.q.called == nil && !looked && !(t.q.later && book.calls > 0) {
				return fmt.Sprintf("thread %d watches a token that nobody will look at", a.id)
			}
		}
	}
	if len(w.steps()) == 0 {
		for _, a := range w.actors {
			if a.phase == parked {
				return fmt.Sprintf("thread %d waits for ever", a.id)
			}
		}
		for i, tok := range w.tokens {
			if tok.Word()&(claimed|silent|bargeMask) != 0 || tok.q != nil {
				return fmt.Sprintf("token %d keeps the mark of a claim: %#x", i, tok.Word())
			}
		}
	}
	return ""
}

// key is the state, with ages by rank and counts relative to what they are compared with.
func (w *world) key() string {
	var b strings.Builder
	for _, tok := range w.tokens {
		fmt.Fprintf(&b, "%x", uint64(tok.Word()))
		if q := tok.q; q != nil {
			fmt.Fprintf(&b, "l%d", q.lent)
			for _, c := range q.claims {
				fmt.Fprintf(&b, "c%d.%d", c.claim.ID, min(q.passed-c.base, uint64(w.k)))
			}
			for _, c := range q.watch {
				fmt.Fprintf(&b, "w%d", c.claim.ID)
			}
			fmt.Fprintf(&b, "n%dL%v", q.spent, q.later)
		}
		b.WriteByte(';')
	}
	var order []*actor
	for _, a := range w.actors {
		c := &a.claim
		fmt.Fprintf(&b, "%d.%d.%d.%v.%v", a.pc, a.phase, a.permits, a.pending, a.held)
		for _, in := range a.code {
			if in.op == "retake" || in.op == "release" {
				fmt.Fprintf(&b, "%c%d", in.op[2], len(in.toks))
			}
		}
		if c.state != idle {
			fmt.Fprintf(&b, "s%dh%vp%do%dv%d", c.state, c.hard, min(c.passed, uint32(w.k)), a.overtaken, a.vain)
			for i, v := range w.tokens {
				if v == c.woke {
					fmt.Fprintf(&b, "k%d", i)
				}
			}
			for _, v := range c.Wants {
				fmt.Fprintf(&b, "m%d", v.Mode)
			}
			order = append(order, a)
		}
		b.WriteByte(';')
	}
	slices.SortFunc(order, func(a, b *actor) int { return int(int64(a.claim.age - b.claim.age)) })
	for _, a := range order {
		fmt.Fprintf(&b, "%d", a.id)
	}
	return b.String()
}

// enumerate visits every state of the world and returns how many there are, and
// the schedule that leads to a wrong one.
func enumerate(k, tokens int, scripts []script, fault string) (states int, schedule []step, wrong string) {
	if fault == "no bound" {
		defer SetBypass(SetBypass(k + 3))
	} else {
		defer SetBypass(SetBypass(k))
	}
	type node struct {
		from *node
		step step
	}
	path := func(n *node) (p []step) {
		for ; n.from != nil; n = n.from {
			p = append(p, n.step)
		}
		slices.Reverse(p)
		return p
	}
	replay := func(p []step) *world {
		book.calls, book.later = 0, nil // of worlds that were left in the middle
		w := newWorld(k, tokens, scripts, fault)
		for _, st := range p {
			w.do(st)
		}
		return w
	}
	seen := map[string]bool{}
	queue := []*node{{}}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		p := path(n)
		w := replay(p)
		if bad := w.wrong(); bad != "" {
			return len(seen), p, bad
		}
		for _, st := range w.steps() {
			next := replay(append(slices.Clip(p), st))
			if key := next.key(); !seen[key] {
				seen[key] = true
				queue = append(queue, &node{n, st})
			}
		}
	}
	return len(seen), nil, ""
}

func loop(prio int32, code ...instr) script { return script{code, prio, true} }
func once(code ...instr) script             { return script{code, 0, false} }

func TestEnumerate(t *testing.T) {
	worlds := []struct {
		name    string
		tokens  int
		scripts []script
	}{
		{"one token, three owners", 1, []script{once(x(0), r(0)), loop(0, x(0), r(0)), loop(0, x(0), r(0))}},
		{"one token, priorities", 1, []script{once(x(0), r(0)), loop(5, x(0), r(0)), loop(9, x(0), r(0))}},
		{"reader against writers", 1, []script{once(s(0), r(0)), loop(0, x(0), r(0)), loop(0, x(0), r(0))}},
		{"writer against readers", 1, []script{once(x(0), r(0)), loop(0, s(0), r(0)), loop(0, s(0), r(0))}},
		{"upgrade", 1, []script{once(s(0), x(0), r(0)), loop(0, s(0), x(0), r(0)), loop(0, s(0), r(0))}},
		{"try", 1, []script{once(x(0), r(0)), loop(0, x(0), r(0)), once(trys(0), r(0), try(0), r(0))}},
		{"both at once against loops", 2, []script{once(x(0, 1), r(0), r(1)), loop(0, x(0), r(0)), loop(0, x(1), r(1))}},
		{"both at once, priorities", 2, []script{once(x(0, 1), r(0, 1)), loop(7, x(0), r(0)), loop(3, x(1), r(1))}},
		{"nested, opposite orders", 2, []script{loop(0, x(0), x(1), r(1), r(0)), loop(0, x(1), x(0), r(0), r(1))}},
		{"nested against loops", 2, []script{once(x(0), x(1), r(1), r(0)), loop(0, x(0), r(0)), loop(0, x(1), r(1))}},
		{"three nested", 2, []script{once(x(0), x(1), r(1), r(0)), once(x(1), x(0), r(0), r(1)), loop(0, x(0), r(0))}},
		{"shared sets", 2, []script{once(s(0, 1), r(0, 1)), loop(0, x(0), r(0)), loop(0, x(1), r(1))}},
		{"mixed sets", 2, []script{once(s(0), x(1), r(0, 1)), loop(0, s(0), r(0)), loop(0, x(0, 1), r(0, 1))}},
		{"three tokens", 3, []script{once(x(0, 1, 2), r(0, 1, 2)), loop(0, x(0), x(1), r(0, 1)), loop(0, x(2), r(2))}},
		{"a ring of three", 3, []script{once(x(0), x(1), r(0, 1)), once(x(1), x(2), r(1, 2)), loop(0, x(2), x(0), r(2, 0))}},
		{"readers of a set", 2, []script{once(x(0), s(1), r(0, 1)), loop(0, s(0, 1), r(0, 1)), loop(2, x(1), r(1))}},
		{"cancel", 1, []script{once(x(0).orGiveUp(), r(0)), loop(0, x(0), r(0)), once(x(0).orGiveUp(), r(0))}},
		{"cancel nested", 2, []script{once(x(0), x(1).orGiveUp(), r(0, 1)), loop(0, x(1), r(1)), loop(0, x(0), r(0))}},
		{"cancel sets", 2, []script{once(x(0, 1).orGiveUp(), r(0, 1)), loop(0, x(0), r(0)), once(x(0), x(1).orGiveUp(), r(0, 1))}},
		{"cancel upgrade", 1, []script{once(s(0), x(0).orGiveUp(), r(0)), loop(0, s(0), r(0)), loop(0, x(0), r(0))}},
	}
	for _, v := range worlds {
		for n := range 6 {
			k, atOnce := n%3, 1+n/3*8
			t.Run(fmt.Sprintf("%s/K=%d,%d", v.name, k, atOnce), func(t *testing.T) {
				defer func(n int) { book.atOnce, book.calls, book.later = n, 0, nil }(book.atOnce)
				book.atOnce = atOnce
				states, schedule, wrong := enumerate(k, v.tokens, v.scripts, "")
				if wrong != "" {
					t.Fatalf("%s\nafter %d states, by the schedule %v", wrong, states, schedule)
				}
				t.Logf("%d states", states)
			})
		}
	}
}

// TestEnumerateFires plants a fault of each kind and sees it found.
func TestEnumerateFires(t *testing.T) {
	defer func() { book.calls, book.later = 0, nil }()
	scripts := []script{once(x(0), r(0)), loop(0, x(0), r(0)), loop(0, x(0), r(0))}
	for fault, want := range map[string]string{
		"lost wakeup":  "nobody will look at",
		"double grant": "two owners",
		"no bound":     "was overtaken",
	} {
		_, schedule, wrong := enumerate(1, 1, scripts, fault)
		if !strings.Contains(wrong, want) {
			t.Errorf("%s: found %q by %v, want %q", fault, wrong, schedule, want)
		}
	}
}
