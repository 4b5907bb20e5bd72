// The contract of tokens, point by point: what a token does for a thread that
// uses it rightly, and what it says to one that does not.
package lwkt_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/internal/invariants"
)

// had has another thread take the tokens exclusively and give them back.
func had(t *testing.T, tokens ...*lwkt.Token) {
	t.Helper()
	join(t, lwkt.Go("other", func(td *lwkt.Thread) {
		for _, tok := range tokens {
			tok.Acquire(td)
			tok.Release(td)
		}
	}))
}

// shared has another thread share the tokens for a moment.
func shared(t *testing.T, tokens ...*lwkt.Token) {
	t.Helper()
	join(t, lwkt.Go("other", func(td *lwkt.Thread) {
		for _, tok := range tokens {
			tok.AcquireShared(td)
			tok.Release(td)
		}
	}))
}

// holder is another thread that holds tokens until it is told otherwise.
type holder struct {
	task  *lwkt.Task
	leave chan struct{}
}

// hold returns when a new thread holds the tokens.
func hold(t *testing.T, mode lwkt.Mode, tokens ...*lwkt.Token) *holder {
	t.Helper()
	h := &holder{leave: make(chan struct{})}
	in := make(chan struct{})
	h.task = lwkt.Go("holder", func(td *lwkt.Thread) {
		for _, tok := range tokens {
			if mode == lwkt.Shared {
				tok.AcquireShared(td)
			} else {
				tok.Acquire(td)
			}
		}
		close(in)
		<-h.leave
		lwkt.ReleaseAll(td, tokens...)
	})
	<-in
	return h
}

func (h *holder) release(t *testing.T) {
	t.Helper()
	close(h.leave)
	join(t, h.task)
}

func TestC01Exclusion(t *testing.T) {
	processors(t, 4)
	var tok lwkt.Token
	var writers, readers, most atomic.Int32
	plain := 0
	var tasks []*lwkt.Task
	for n := range 4 {
		tasks = append(tasks, lwkt.Go("w", func(td *lwkt.Thread) {
			for range scale(4000) {
				tok.Acquire(td)
				if w, r := writers.Add(1), readers.Load(); w != 1 || r != 0 {
					t.Errorf("%d writers, %d readers", w, r)
				}
				plain++
				writers.Add(-1)
				tok.Release(td)
			}
		}), lwkt.Go("r", func(td *lwkt.Thread) {
			for i := range scale(4000) {
				tok.AcquireShared(td)
				r := readers.Add(1)
				if w := writers.Load(); w != 0 {
					t.Errorf("%d writers among %d readers", w, r)
				}
				most.Store(max(most.Load(), r))
				before := plain
				if (i+n)%16 == 0 {
					runtime.Gosched()
				}
				if plain != before {
					t.Error("written while shared")
				}
				readers.Add(-1)
				tok.Release(td)
			}
		}))
	}
	for _, k := range tasks {
		join(t, k)
	}
	if want := 4 * scale(4000); plain != want {
		t.Errorf("count is %d, want %d", plain, want)
	}
	free(t, &tok)
}

func TestC02Drop(t *testing.T) {
	var a, b, inside lwkt.Token
	for name, block := range map[string]func(td *lwkt.Thread, f func()){
		"Block":   func(td *lwkt.Thread, f func()) { td.Block(f) },
		"Recv":    func(td *lwkt.Thread, f func()) { lwkt.Recv(td, later(t, &a, f)) },
		"nested":  func(td *lwkt.Thread, f func()) { td.Block(func() { td.Block(f) }) },
		"Acquire": func(td *lwkt.Thread, f func()) { dropByAcquire(t, td, &inside, f) },
	} {
		t.Run(name, func(t *testing.T) {
			td := newThread(t)
			defer td.End()
			a.Acquire(td)
			b.AcquireShared(td)
			b.AcquireShared(td)
			ran := false
			block(td, func() {
				free(t, &a, &b)
				ran = true
			})
			if !ran {
				t.Error("it did not block")
			}
			if a.Held(td) != lwkt.Exclusive || b.Held(td) != lwkt.Shared {
				t.Errorf("holds %v and %v afterwards", a.Held(td), b.Held(td))
			}
			lwkt.ReleaseAll(td, &a, &b)
			if b.Held(td) != lwkt.Shared {
				t.Error("a reference was lost")
			}
			b.Release(td)
			free(t, &a, &b)
		})
	}
	t.Run("seen from inside", func(t *testing.T) {
		td := newThread(t)
		defer td.End()
		a.Acquire(td)
		td.Block(func() {
			if a.Held(td) != lwkt.None {
				t.Errorf("holds %v inside Block", a.Held(td))
			}
			if b.Acquire(td); b.Held(td) != lwkt.Exclusive {
				t.Error("a token taken inside Block is not held")
			}
			a.AcquireShared(td) // the outer one again, in another mode
			if a.Held(td) != lwkt.Shared {
				t.Errorf("holds %v, want shared", a.Held(td))
			}
			shared(t, &a)
			lwkt.ReleaseAll(td, &a, &b)
		})
		if a.Held(td) != lwkt.Exclusive || b.Held(td) != lwkt.None {
			t.Errorf("holds %v and %v afterwards", a.Held(td), b.Held(td))
		}
		a.Release(td)
	})
}

// later returns a channel on which f's end is told. f is called when the receiver
// waits, which its token shows: nobody has that any more.
func later(t *testing.T, tok *lwkt.Token, f func()) <-chan struct{} {
	c := make(chan struct{})
	lwkt.Go("later", func(td *lwkt.Thread) {
		defer close(c)
		until(t, "the receiver drops its token", func() bool { return tok.TryAcquire(td) })
		tok.Release(td)
		f()
	})
	return c
}

// dropByAcquire calls f while td waits for tok.
func dropByAcquire(t *testing.T, td *lwkt.Thread, tok *lwkt.Token, f func()) {
	h := hold(t, lwkt.Exclusive, tok)
	k := lwkt.Go("watch", func(*lwkt.Thread) {
		queued(t, tok, 1)
		f()
		close(h.leave)
	})
	tok.Acquire(td)
	tok.Release(td)
	join(t, k)
	join(t, h.task)
}

func TestC03Recursion(t *testing.T) {
	const s, x = lwkt.Shared, lwkt.Exclusive
	for _, modes := range [][]lwkt.Mode{
		{x}, {s}, {x, x}, {s, s}, {x, s}, {s, x}, {s, s, x}, {s, x, s}, {x, s, s}, {s, x, x}, {x, x, s, s},
		{s, s, s, x, s, x, s, s}, {x, s, x, s, x},
	} {
		t.Run(fmt.Sprint(modes), func(t *testing.T) {
			td := newThread(t)
			defer td.End()
			var tok, top lwkt.Token
			strongest := func(refs []lwkt.Mode) (m lwkt.Mode) {
				for _, r := range refs {
					m = max(m, r)
				}
				return m
			}
			check := func(refs []lwkt.Mode) {
				t.Helper()
				want := strongest(refs)
				if got := tok.Held(td); got != want {
					t.Errorf("%v: held %v, want %v", refs, got, want)
				}
				join(t, lwkt.Go("other", func(td *lwkt.Thread) { // what others can get says the same
					got := lwkt.Exclusive
					if tok.TryAcquireShared(td) {
						tok.Release(td)
						if got = lwkt.Shared; tok.TryAcquire(td) {
							tok.Release(td)
							got = lwkt.None
						}
					}
					if got != want {
						t.Errorf("%v: for others it is held %v, want %v", refs, got, want)
					}
				}))
			}
			for _, covered := range []bool{false, true} { // is it the newest token, or not?
				for i, m := range modes {
					if m == s && tok.AcquireShared(td) || m == x && tok.Acquire(td) {
						t.Error("changed, with nobody else there")
					}
					check(modes[:i+1])
					if i == 0 && covered {
						top.Acquire(td)
					}
				}
				if covered {
					td.Block(func() { check(nil) })
				}
				for i := len(modes); i > 0; i-- {
					check(modes[:i])
					tok.Release(td)
				}
				check(nil)
			}
			top.Release(td)
			if covered := td.Stats().Waits; covered != 0 {
				t.Errorf("waited %d times", covered)
			}
		})
	}
}

func TestC03AnyOrderOfRelease(t *testing.T) {
	td := newThread(t)
	defer td.End()
	rng := rand.New(rand.NewPCG(3, 3))
	var tok [40]lwkt.Token // more than a record has room for at first
	for range 20 {
		for i := range tok {
			tok[i].Acquire(td)
			if i%3 == 0 {
				tok[i].AcquireShared(td)
			}
		}
		for _, i := range rng.Perm(len(tok)) {
			if i%3 == 0 {
				tok[i].Release(td)
			}
			if tok[i].Held(td) != lwkt.Exclusive {
				t.Errorf("token %d: %v", i, tok[i].Held(td))
			}
			tok[i].Release(td)
			if tok[i].Held(td) != lwkt.None {
				t.Errorf("token %d is still held", i)
			}
		}
	}
	for i := range tok {
		free(t, &tok[i])
	}
}

func TestC03DowngradeWithoutGap(t *testing.T) {
	td := newThread(t)
	defer td.End()
	var tok lwkt.Token
	tok.AcquireShared(td)
	tok.Acquire(td)
	m := td.Mark()
	var wrote atomic.Bool
	writer := lwkt.Go("writer", func(td *lwkt.Thread) {
		tok.Acquire(td)
		wrote.Store(true)
		tok.Release(td)
	})
	queued(t, &tok, 1)
	tok.Release(td)
	if tok.Held(td) != lwkt.Shared {
		t.Errorf("held %v, want shared", tok.Held(td))
	}
	shared(t, &tok) // another sharer gets in
	yields()
	if wrote.Load() || lwkt.WaitersOf(&tok) != 1 {
		t.Error("a writer got in")
	}
	if td.ChangedSince(m) {
		t.Error("changed by a downgrade")
	}
	tok.Release(td)
	join(t, writer)
	if !wrote.Load() {
		t.Error("the writer did not get in after all")
	}

	// Under load: what was written before the downgrade is there after it.
	version := 0
	var tasks []*lwkt.Task
	for n := range 4 {
		tasks = append(tasks, lwkt.Go("downgrade", func(td *lwkt.Thread) {
			for i := range scale(4000) {
				tok.AcquireShared(td)
				tok.Acquire(td)
				version++
				mine := version
				tok.Release(td)
				if (n+i)%8 == 0 {
					runtime.Gosched()
				}
				if version != mine {
					t.Error("a writer got in during a downgrade")
				}
				tok.Release(td)
			}
		}))
	}
	for _, k := range tasks {
		join(t, k)
	}
}

func TestC03SeveralAtOnce(t *testing.T) {
	td := newThread(t)
	defer td.End()
	a, b, c := new(lwkt.Token), new(lwkt.Token), new(lwkt.Token)

	if lwkt.AcquireAll(td) || !lwkt.TryAcquireAll(td) {
		t.Error("none at once is not had at once")
	}
	lwkt.AcquireAll(td, a, b, a) // one of them twice
	lwkt.ReleaseAll(td, a, b)
	if a.Held(td) != lwkt.Exclusive || b.Held(td) != lwkt.None {
		t.Errorf("holds %v and %v", a.Held(td), b.Held(td))
	}
	a.Release(td)

	h := hold(t, lwkt.Exclusive, c)
	if lwkt.TryAcquireAll(td, a, b, c) {
		t.Error("a busy token was had")
	}
	free(t, a, b)
	a.AcquireShared(td)
	b.Acquire(td)
	if lwkt.TryAcquireAll(td, a, b, b, c) {
		t.Error("a busy token was had")
	}
	if a.Held(td) != lwkt.Shared || b.Held(td) != lwkt.Exclusive {
		t.Errorf("a failed try left %v and %v", a.Held(td), b.Held(td))
	}
	b.Release(td)
	if b.Held(td) != lwkt.None {
		t.Error("a failed try left a reference")
	}
	shared(t, a)
	// While it waits for all, it has none of them.
	k := lwkt.Go("look", func(td *lwkt.Thread) {
		queued(t, c, 1)
		if !lwkt.TryAcquireAll(td, a, b) {
			t.Error("part of a set is held while the thread waits for the rest")
		} else {
			lwkt.ReleaseAll(td, a, b)
		}
		close(h.leave)
	})
	if !lwkt.AcquireAll(td, b, c) {
		t.Error("a was had by another thread and nobody said so")
	}
	join(t, k)
	if a.Held(td) != lwkt.Shared || b.Held(td) != lwkt.Exclusive || c.Held(td) != lwkt.Exclusive {
		t.Errorf("holds %v %v %v", a.Held(td), b.Held(td), c.Held(td))
	}
	lwkt.AcquireAll(td, a, c) // with an upgrade in it
	if a.Held(td) != lwkt.Exclusive {
		t.Errorf("upgraded to %v", a.Held(td))
	}
	lwkt.ReleaseAll(td, c, a, a, b, c)
	free(t, a, b, c)

	many := make([]*lwkt.Token, 50)
	for i := range many {
		many[i] = new(lwkt.Token)
	}
	h = hold(t, lwkt.Exclusive, many[33])
	k = lwkt.Go("watch", func(*lwkt.Thread) { queued(t, many[49], 1); free(t, many[:33]...); h.release(t) })
	lwkt.AcquireAll(td, many...)
	join(t, k)
	lwkt.ReleaseAll(td, many...)
	if !lwkt.TryAcquireAll(td, many...) {
		t.Error("not all are free")
	}
	lwkt.ReleaseAll(td, many...)
}

func TestC03SeveralAtOnceFreeNeedNotWait(t *testing.T) {
	td := newThread(t)
	defer td.End()
	var a, b, c lwkt.Token
	a.Acquire(td)
	if v := panics(func() {
		td.NoBlock(func() {
			lwkt.AcquireAll(td, &b, &c)
			lwkt.ReleaseAll(td, &b, &c)
		})
	}); v != nil {
		t.Errorf("AcquireAll of free tokens inside NoBlock: %v", v)
	}
	lwkt.AcquireAll(td, &b, &c)
	if s := td.Stats(); s.Waits != 0 || s.Drops != 0 {
		t.Errorf("AcquireAll of free tokens counts as %d waits and %d drops", s.Waits, s.Drops)
	}
	lwkt.ReleaseAll(td, &a, &b, &c)
}

func TestC03SeveralAtOnceFreeGivesNothingUp(t *testing.T) {
	bypass(t, 0)
	td := newThread(t)
	defer td.End()
	var a, b, c lwkt.Token
	a.Acquire(td)
	k := lwkt.Go("waiter", func(td *lwkt.Thread) {
		a.Acquire(td)
		a.Release(td)
	})
	queued(t, &a, 1)
	if lwkt.AcquireAll(td, &b, &c) {
		t.Error("AcquireAll gave up a token that was held, though all that it wanted were free")
	}
	lwkt.ReleaseAll(td, &a, &b, &c)
	join(t, k)
}

func TestC04Upgrade(t *testing.T) {
	t.Run("in place", func(t *testing.T) {
		td := newThread(t)
		defer td.End()
		var tok lwkt.Token
		tok.AcquireShared(td)
		if tok.Acquire(td) || td.Stats().Drops != 0 {
			t.Errorf("dropped %d times", td.Stats().Drops)
		}
		lwkt.ReleaseAll(td, &tok, &tok)
	})
	t.Run("other sharer", func(t *testing.T) { // it drops, but nobody had it exclusively
		td := newThread(t)
		defer td.End()
		var tok lwkt.Token
		h := hold(t, lwkt.Shared, &tok)
		tok.AcquireShared(td)
		k := lwkt.Go("watch", func(*lwkt.Thread) { queued(t, &tok, 1); h.release(t) })
		if tok.Acquire(td) {
			t.Error("changed, though the other one only shared")
		}
		if td.Stats().Drops != 1 {
			t.Errorf("dropped %d times, want once", td.Stats().Drops)
		}
		join(t, k)
		lwkt.ReleaseAll(td, &tok, &tok)
	})
	for k, first := range map[int]string{0: "first asked", 5: "second in place"} {
		t.Run("two sharers, K="+strconv.Itoa(k), func(t *testing.T) {
			bypass(t, k)
			td := newThread(t)
			defer td.End()
			var tok lwkt.Token
			tok.AcquireShared(td)
			written := 0
			var in atomic.Bool
			other := lwkt.Go("other", func(td *lwkt.Thread) {
				tok.AcquireShared(td)
				in.Store(true)
				queued(t, &tok, 1)
				// With K=0 the token is reserved for the first, else it need not be.
				if changed := tok.Acquire(td); changed != (k == 0) {
					t.Errorf("second upgrade: changed %v (%s)", changed, first)
				}
				written++
				lwkt.ReleaseAll(td, &tok, &tok)
			})
			until(t, "both share", in.Load)
			if changed := tok.Acquire(td); changed != (k != 0) || changed != (written == 1) {
				t.Errorf("first upgrade: changed %v, written %d (%s)", changed, written, first)
			}
			written++
			lwkt.ReleaseAll(td, &tok, &tok)
			join(t, other)
		})
	}
	t.Run("all at once", func(t *testing.T) {
		processors(t, 4)
		var tok, second lwkt.Token
		sum := 0
		var tasks []*lwkt.Task
		for range 6 {
			tasks = append(tasks, lwkt.Go("upgrader", func(td *lwkt.Thread) {
				for i := range scale(3000) {
					tok.AcquireShared(td)
					read := sum
					if i%3 == 0 {
						second.Acquire(td)
						read = sum // the share may have been given up
					}
					if i%7 == 0 {
						runtime.Gosched()
					}
					if changed := tok.Acquire(td); !changed && sum != read {
						t.Error("another one wrote, and changed is false")
					}
					sum++
					tok.Release(td)
					tok.Release(td)
					if i%3 == 0 {
						second.Release(td)
					}
				}
			}))
		}
		for _, k := range tasks {
			join(t, k)
		}
		if want := 6 * scale(3000); sum != want {
			t.Errorf("sum %d, want %d", sum, want)
		}
	})
}

func TestC03TryAcquire(t *testing.T) {
	td := newThread(t)
	defer td.End()
	var tok lwkt.Token
	if !tok.TryAcquireShared(td) || !tok.TryAcquire(td) || tok.Held(td) != lwkt.Exclusive {
		t.Error("a sole sharer could not try to upgrade")
	}
	lwkt.ReleaseAll(td, &tok, &tok)

	h := hold(t, lwkt.Shared, &tok)
	if !tok.TryAcquireShared(td) || tok.TryAcquire(td) {
		t.Error("among sharers: want a share and no more")
	}
	if tok.Held(td) != lwkt.Shared || td.Stats().Drops != 0 {
		t.Errorf("a failed upgrade left %v", tok.Held(td))
	}
	tok.Release(td)
	h.release(t)

	h = hold(t, lwkt.Exclusive, &tok)
	if tok.TryAcquire(td) || tok.TryAcquireShared(td) {
		t.Error("a busy token was had")
	}
	h.release(t)
	if !tok.TryAcquire(td) || !tok.TryAcquireShared(td) || !tok.TryAcquire(td) {
		t.Error("an owner's try failed")
	}
	lwkt.ReleaseAll(td, &tok, &tok, &tok)
	free(t, &tok)

	for _, k := range []int{0, 3} { // a sole sharer, while another thread waits
		bypass(t, k)
		tok.AcquireShared(td)
		w := lwkt.Go("waiter", func(td *lwkt.Thread) { tok.Acquire(td); tok.Release(td) })
		queued(t, &tok, 1)
		if got := tok.TryAcquire(td); got != (k > 0) {
			t.Errorf("K=%d: upgraded past a waiter: %v", k, got)
		} else if got {
			tok.Release(td)
		}
		if tok.Held(td) != lwkt.Shared || td.Stats().Drops != 0 {
			t.Errorf("K=%d: left with %v", k, tok.Held(td))
		}
		tok.Release(td)
		join(t, w)
	}
}

func TestC05Reserved(t *testing.T) {
	// A waiter of {a, b}, of which a is busy: b may be had K times, then never.
	for _, k := range []int{0, 1, 2, 5} {
		t.Run("K="+strconv.Itoa(k), func(t *testing.T) {
			bypass(t, k)
			td := newThread(t)
			defer td.End()
			var a, b, c lwkt.Token
			h := hold(t, lwkt.Exclusive, &a)
			var overtaken atomic.Uint64
			waiter := lwkt.Go("waiter", func(td *lwkt.Thread) {
				lwkt.AcquireAll(td, &a, &b)
				overtaken.Store(td.Stats().MaxOvertaken)
				lwkt.ReleaseAll(td, &a, &b)
			})
			queued(t, &b, 1)
			for n := range k {
				if n%2 == 0 && !b.TryAcquire(td) || n%2 == 1 && !b.TryAcquireShared(td) {
					t.Errorf("refused after %d of %d", n, k)
				}
				b.Release(td)
			}
			if b.TryAcquire(td) || b.TryAcquireShared(td) || lwkt.TryAcquireAll(td, &b, &c) {
				t.Error("a free token that is reserved was had")
			}
			free(t, &c)
			c.Acquire(td) // a nested get is refused as well: it waits, and gives c up
			nested := lwkt.Go("watch", func(td *lwkt.Thread) {
				queued(t, &b, 2)
				if c.TryAcquire(td) == (k == 0) { // by then reserved for the nested one, if K is 0
					t.Errorf("K=%d, c was had: %v", k, k == 0)
				}
				if k > 0 {
					c.Release(td)
				}
				h.release(t)
			})
			if b.Acquire(td) != (k > 0) {
				t.Errorf("c was had by another: %v, but changed says otherwise", k > 0)
			}
			lwkt.ReleaseAll(td, &b, &c)
			join(t, nested)
			join(t, waiter)
			if n := overtaken.Load(); n != uint64(k) {
				t.Errorf("overtaken %d times, want %d", n, k)
			}
			free(t, &a, &b, &c)
		})
	}
	t.Run("shares do not conflict", func(t *testing.T) {
		bypass(t, 0)
		td := newThread(t)
		defer td.End()
		var a, b lwkt.Token
		h := hold(t, lwkt.Exclusive, &a)
		waiter := lwkt.Go("waiter", func(td *lwkt.Thread) { // holds a share of b, wants a
			b.AcquireShared(td)
			a.Acquire(td)
			lwkt.ReleaseAll(td, &a, &b)
		})
		queued(t, &b, 1)
		if !b.TryAcquireShared(td) {
			t.Error("a share was refused because of a share")
		} else {
			b.Release(td)
		}
		if b.TryAcquire(td) {
			t.Error("a reserved share did not keep a writer out")
		}
		h.release(t)
		join(t, waiter)
	})
}

func TestC05BoundedBypass(t *testing.T) {
	processors(t, 4)
	for _, k := range []int{0, 1, 2} {
		t.Run("K="+strconv.Itoa(k), func(t *testing.T) {
			bypass(t, k)
			var tok [4]lwkt.Token
			var tasks []*lwkt.Task
			var worst atomic.Uint64
			for n := range 6 {
				tasks = append(tasks, lwkt.Go("thread", func(td *lwkt.Thread) {
					td.SetPriority(n * 5)
					rng := rand.New(rand.NewPCG(uint64(k), uint64(n)))
					for range scale(1500) {
						set := rng.Perm(len(tok))[:1+n%3] // never more than n%3+1 tokens
						for _, i := range set {
							if rng.IntN(3) == 0 {
								tok[i].AcquireShared(td)
							} else {
								tok[i].Acquire(td)
							}
						}
						if rng.IntN(4) == 0 {
							td.Block(runtime.Gosched)
						}
						for _, i := range set {
							tok[i].Release(td)
						}
					}
					got, limit := td.Stats().MaxOvertaken, uint64((1+n%3+1)*k)
					if got > limit {
						t.Errorf("a waiter of %d tokens was overtaken %d times, want at most %d", 1+n%3, got, limit)
					}
					for w := worst.Load(); got > w && !worst.CompareAndSwap(w, got); w = worst.Load() {
					}
				}))
			}
			for _, k := range tasks {
				join(t, k)
			}
			t.Logf("overtaken at most %d times", worst.Load())
		})
	}
	for _, k := range []int{-1, lwkt.MaxBypass + 1} {
		m := misuse(t, "SetBypass", func() { lwkt.SetBypass(k) })
		says(t, m.Error(), strconv.Itoa(lwkt.MaxBypass))
	}
	old := lwkt.SetBypass(7)
	if got := lwkt.SetBypass(old); got != 7 {
		t.Errorf("SetBypass returned %d, want 7", got)
	}
}

func TestC06PriorityOrdersWaiters(t *testing.T) {
	for k, want := range map[int]string{0: "low high mid high2", 100: "high high2 mid low"} {
		t.Run("K="+strconv.Itoa(k), func(t *testing.T) {
			bypass(t, k)
			var tok lwkt.Token
			var order []string // (tok)
			var tasks []*lwkt.Task
			h := hold(t, lwkt.Exclusive, &tok)
			for i, w := range []struct {
				name string
				prio int
			}{{"low", 3}, {"high", 30}, {"mid", 16}, {"high2", 30}} {
				tasks = append(tasks, lwkt.Go(w.name, func(td *lwkt.Thread) {
					td.SetPriority(w.prio)
					tok.Acquire(td)
					order = append(order, td.Name())
					tok.Release(td)
				}))
				queued(t, &tok, i+1)
			}
			h.release(t)
			for _, k := range tasks {
				join(t, k)
			}
			if got := strings.Join(order, " "); got != want {
				t.Errorf("served %s, want %s", got, want)
			}
		})
	}
}

func TestC06NoPolling(t *testing.T) {
	// Parked threads are blocked in the scheduler's sense and stay so while their
	// token is busy, whatever happens to other tokens of their set.
	td := newThread(t)
	defer td.End()
	const n = 8
	var busy, often lwkt.Token
	busy.Acquire(td)
	var tasks []*lwkt.Task
	for range n {
		tasks = append(tasks, lwkt.Go("parked", func(td *lwkt.Thread) {
			lwkt.AcquireAll(td, &busy, &often)
			lwkt.ReleaseAll(td, &busy, &often)
		}))
	}
	queued(t, &busy, n)
	buf := make([]byte, 1<<20)
	parked := func() (count int) {
		for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			head, _, _ := strings.Cut(g, "\n")
			if strings.Contains(g, ".AcquireAll(") && (strings.Contains(head, "[chan receive") || strings.Contains(head, "[select")) {
				count++
			}
		}
		return count
	}
	until(t, "all are parked", func() bool { return parked() == n })
	for range 50 {
		if often.TryAcquire(td) { // as long as it is not reserved
			often.Release(td)
		}
		if got := parked(); got != n {
			t.Fatalf("%d of %d waiters are parked while their token is busy", got, n)
		}
	}
	busy.Release(td)
	for _, k := range tasks {
		join(t, k)
	}
}

func TestC07ChangedIsPrecise(t *testing.T) {
	var a, b lwkt.Token
	for _, c := range []struct {
		name   string
		inside func(t *testing.T, td *lwkt.Thread)
		want   bool
	}{
		{"nothing", func(*testing.T, *lwkt.Thread) {}, false},
		{"others exclusive", func(t *testing.T, _ *lwkt.Thread) { had(t, &a) }, true},
		{"others exclusive, the shared one", func(t *testing.T, _ *lwkt.Thread) { had(t, &b) }, true},
		{"others shared", func(t *testing.T, _ *lwkt.Thread) { shared(t, &a, &b) }, false},
		{"itself", func(t *testing.T, td *lwkt.Thread) {
			lwkt.AcquireAll(td, &a, &b)
			lwkt.ReleaseAll(td, &a, &b)
		}, false},
		{"itself, and it blocked with it", func(t *testing.T, td *lwkt.Thread) {
			a.Acquire(td)
			if td.Block(func() { td.Block(func() { b.Acquire(td); b.Release(td) }) }) {
				t.Error("inside: changed, though nobody else had it")
			}
			a.Release(td)
		}, false},
		{"itself by upgrade", func(t *testing.T, td *lwkt.Thread) {
			a.AcquireShared(td)
			a.Acquire(td)
			lwkt.ReleaseAll(td, &a, &a)
		}, false},
		{"itself, and others shared", func(t *testing.T, td *lwkt.Thread) {
			shared(t, &a, &b)
			a.Acquire(td)
			a.Release(td)
			shared(t, &a, &b)
		}, false},
		{"others, then itself", func(t *testing.T, td *lwkt.Thread) {
			had(t, &a)
			a.Acquire(td)
			a.Release(td)
		}, true},
		{"itself, then others", func(t *testing.T, td *lwkt.Thread) {
			a.Acquire(td)
			a.Release(td)
			had(t, &a)
		}, true},
		{"others while it blocked inside", func(t *testing.T, td *lwkt.Thread) {
			a.Acquire(td)
			if !td.Block(func() { had(t, &a) }) {
				t.Error("inside: not changed")
			}
			a.Release(td)
		}, true},
		{"others while it waited inside", func(t *testing.T, td *lwkt.Thread) {
			a.AcquireShared(td)
			dropByAcquire(t, td, new(lwkt.Token), func() { had(t, &a) })
			a.Release(td)
		}, true},
		{"others tried", func(t *testing.T, td *lwkt.Thread) { free(t, &a) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			td := newThread(t)
			defer td.End()
			a.Acquire(td)
			b.AcquireShared(td)
			var m lwkt.Mark
			for range 2 { // the second time, generations are no longer those of the acquire
				m = td.Mark()
				if got := td.Block(func() { c.inside(t, td) }); got != c.want {
					t.Errorf("changed = %v, want %v", got, c.want)
				}
				if got := td.ChangedSince(m); got != c.want {
					t.Errorf("ChangedSince = %v, want %v", got, c.want)
				}
			}
			if s := td.Stats(); (s.Changes > 0) != c.want {
				t.Errorf("%d changes counted", s.Changes)
			}
			lwkt.ReleaseAll(td, &a, &b)
		})
	}
}

func TestC07ChangedByAcquire(t *testing.T) {
	var kept, wanted lwkt.Token
	for _, c := range []struct {
		name  string
		while func()
		want  bool
	}{
		{"nobody", func() {}, false},
		{"shared", func() { shared(t, &kept) }, false},
		{"exclusive", func() { had(t, &kept) }, true},
	} {
		for mode, acquire := range map[string]func(td *lwkt.Thread) bool{
			"Acquire":        wanted.Acquire,
			"AcquireShared":  wanted.AcquireShared,
			"AcquireAll":     func(td *lwkt.Thread) bool { return lwkt.AcquireAll(td, &wanted) },
			"AcquireContext": func(td *lwkt.Thread) bool { ch, _ := wanted.AcquireContext(t.Context(), td); return ch },
			"held shared too": func(td *lwkt.Thread) bool {
				kept.AcquireShared(td)
				defer kept.Release(td)
				return wanted.Acquire(td)
			},
		} {
			t.Run(c.name+"/"+mode, func(t *testing.T) {
				td := newThread(t)
				defer td.End()
				kept.Acquire(td)
				h := hold(t, lwkt.Exclusive, &wanted)
				k := lwkt.Go("watch", func(*lwkt.Thread) {
					queued(t, &wanted, 1)
					c.while()
					h.release(t)
				})
				if got := acquire(td); got != c.want {
					t.Errorf("changed = %v, want %v", got, c.want)
				}
				join(t, k)
				lwkt.ReleaseAll(td, &kept, &wanted)
			})
		}
	}
}

func TestC07MarkAndChangedSince(t *testing.T) {
	td := newThread(t)
	defer td.End()
	var a lwkt.Token
	var others [12]lwkt.Token
	check := func(m lwkt.Mark, want bool, what string) {
		t.Helper()
		if got := td.ChangedSince(m); got != want {
			t.Errorf("%s: ChangedSince = %v, want %v", what, got, want)
		}
	}
	nothing := td.Mark()
	check(nothing, false, "nothing held")
	a.Acquire(td)
	m := td.Mark()
	check(m, false, "nothing happened")
	check(nothing, false, "taken after the mark") // nothing was held then, so nothing can collide
	a.Acquire(td)
	a.Release(td)
	check(m, false, "recursion")
	td.Block(func() {})
	check(m, false, "a block")
	td.Block(func() { had(t, &a) })
	check(m, true, "a block in which it changed")
	check(m, true, "the same, asked again")
	later := td.Mark()
	check(later, false, "a mark after the change")
	check(m, true, "the mark before, still")
	b := &others[0] // a mark may take a few new tokens for old ones, but not many
	good := 0
	for i := range others {
		if others[i].Acquire(td); !td.ChangedSince(later) {
			b = &others[i]
			good++
		}
		others[i].Release(td)
	}
	if good < len(others)/2 {
		t.Errorf("ChangedSince is true of %d of %d tokens that were not held at the mark", len(others)-good, len(others))
	}
	b.Acquire(td)
	check(later, false, "another token taken")
	td.Block(func() { had(t, b) })
	check(later, true, "the newer token changed")
	b.Release(td)
	check(later, false, "the changed one is not held any more")
	check(m, true, "the older one is")
	a.Release(td)
	check(m, false, "nothing held any more")
	a.Acquire(td)
	had(t) // nobody
	check(later, true, "released and taken again since the mark")
	a.Release(td)

	// Marks of one level of Block and of another.
	a.Acquire(td)
	outer := td.Mark()
	var inner lwkt.Mark
	td.Block(func() {
		check(outer, true, "inside Block, where what was held at the mark is not")
		b.Acquire(td)
		inner = td.Mark()
		check(inner, false, "a mark inside Block")
		td.Block(func() { had(t, b) })
		check(inner, true, "changed inside Block")
		b.Release(td)
	})
	check(outer, false, "only the inner one changed")
	check(inner, false, "the mark inside, used outside")
	td.Block(func() { had(t, &a) })
	check(outer, true, "changed")
	check(inner, true, "changed after a mark that was made inside")
	a.Release(td)
}

func TestC08Cancel(t *testing.T) {
	cause := errors.New("because")
	t.Run("held set is retaken", func(t *testing.T) {
		td := newThread(t)
		defer td.End()
		var kept, sharedKept, wanted lwkt.Token
		kept.Acquire(td)
		sharedKept.AcquireShared(td)
		h := hold(t, lwkt.Exclusive, &wanted)
		for _, change := range []bool{false, true} {
			for name, acquire := range map[string]func(context.Context) (bool, error){
				"exclusive": func(ctx context.Context) (bool, error) { return wanted.AcquireContext(ctx, td) },
				"shared":    func(ctx context.Context) (bool, error) { return wanted.AcquireSharedContext(ctx, td) },
				"all": func(ctx context.Context) (bool, error) {
					return lwkt.AcquireAllContext(ctx, td, new(lwkt.Token), &wanted, &sharedKept)
				},
			} {
				ctx, cancel := context.WithCancel(t.Context())
				k := lwkt.Go("cancel", func(td *lwkt.Thread) {
					queued(t, &wanted, 1)
					if change {
						had(t, &kept)
					}
					cancel()
				})
				changed, err := acquire(ctx)
				if changed != change || !errors.Is(err, context.Canceled) {
					t.Errorf("%s: %v, %v; want %v, canceled", name, changed, err, change)
				}
				join(t, k)
				if kept.Held(td) != lwkt.Exclusive || sharedKept.Held(td) != lwkt.Shared || wanted.Held(td) != lwkt.None {
					t.Errorf("%s: holds %v %v %v", name, kept.Held(td), sharedKept.Held(td), wanted.Held(td))
				}
				if n := lwkt.WaitersOf(&wanted); n != 0 {
					t.Errorf("%s: left %d marks", name, n)
				}
				if n := lwkt.WaitersOf(&sharedKept); n != 0 {
					t.Errorf("%s: left %d marks on what it holds", name, n)
				}
			}
		}
		h.release(t)
		free(t, &wanted)
		lwkt.ReleaseAll(td, &kept, &sharedKept)
		free(t, &kept, &sharedKept)
	})
	t.Run("retake waits", func(t *testing.T) {
		td := newThread(t)
		defer td.End()
		var kept, wanted lwkt.Token
		kept.Acquire(td)
		h := hold(t, lwkt.Exclusive, &wanted)
		ctx, cancel := context.WithCancel(t.Context())
		var left atomic.Bool
		k := lwkt.Go("cancel", func(td *lwkt.Thread) {
			queued(t, &wanted, 1)
			kept.Acquire(td)
			cancel()
			queued(t, &wanted, 0) // it stops to wait for this one at once
			queued(t, &kept, 1)
			left.Store(true)
			kept.Release(td)
		})
		if changed, err := wanted.AcquireContext(ctx, td); !changed || err == nil || !left.Load() {
			t.Errorf("%v, %v", changed, err)
		}
		join(t, k)
		kept.Release(td)
		h.release(t)
	})
	t.Run("upgrade keeps the share", func(t *testing.T) {
		td := newThread(t)
		defer td.End()
		var tok lwkt.Token
		h := hold(t, lwkt.Shared, &tok)
		tok.AcquireShared(td)
		ctx, cancel := context.WithCancel(t.Context())
		k := lwkt.Go("cancel", func(*lwkt.Thread) { queued(t, &tok, 1); cancel() })
		if changed, err := tok.AcquireContext(ctx, td); changed || !errors.Is(err, context.Canceled) {
			t.Errorf("%v, %v", changed, err)
		}
		join(t, k)
		if tok.Held(td) != lwkt.Shared || lwkt.WaitersOf(&tok) != 0 {
			t.Errorf("holds %v, with %d waiters", tok.Held(td), lwkt.WaitersOf(&tok))
		}
		shared(t, &tok)
		h.release(t)
		tok.Release(td)
		free(t, &tok)
	})
	t.Run("done before", func(t *testing.T) {
		td := newThread(t)
		defer td.End()
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		var a, b, c lwkt.Token
		if changed, err := a.AcquireContext(ctx, td); changed || err != nil {
			t.Errorf("free token, done context: %v, %v", changed, err)
		}
		if _, err := b.AcquireSharedContext(ctx, td); err != nil {
			t.Errorf("free token, done context, shared: %v", err)
		}
		if _, err := b.AcquireContext(ctx, td); err != nil {
			t.Errorf("upgrade in place, done context: %v", err)
		}
		if _, err := lwkt.AcquireAllContext(ctx, td, &a, &c); err != nil {
			t.Errorf("free tokens, done context: %v", err)
		}
		lwkt.ReleaseAll(td, &a, &a, &b, &b, &c)
		h := hold(t, lwkt.Exclusive, &a)
		if _, err := a.AcquireContext(ctx, td); err == nil || !errors.Is(err, cause) && !errors.Is(err, context.Canceled) {
			t.Errorf("busy token, done context: %v", err)
		}
		h.release(t)
	})
	t.Run("those behind are served", func(t *testing.T) {
		// The canceled claim is hard and keeps b from the next one, though b is free.
		bypass(t, 0)
		td := newThread(t)
		defer td.End()
		var a, b lwkt.Token
		h := hold(t, lwkt.Exclusive, &a)
		ctx, cancel := context.WithCancel(t.Context())
		k := lwkt.Go("next", func(td *lwkt.Thread) {
			queued(t, &b, 1)
			b.Acquire(td)
			b.Release(td)
		})
		w := lwkt.Go("cancel", func(*lwkt.Thread) { queued(t, &b, 2); cancel() })
		if _, err := lwkt.AcquireAllContext(ctx, td, &a, &b); err == nil {
			t.Error("not canceled")
		}
		join(t, w)
		join(t, k) // or it waits for ever
		h.release(t)
		free(t, &a, &b)
	})
	t.Run("race with the grant", func(t *testing.T) {
		processors(t, 4)
		var kept, wanted lwkt.Token
		var won, lost atomic.Int32
		var tasks []*lwkt.Task
		for n := range 4 {
			tasks = append(tasks, lwkt.Go("racer", func(td *lwkt.Thread) {
				for i := range scale(3000) {
					ctx, cancel := context.WithCancel(context.Background())
					if n%2 == 0 {
						kept.AcquireShared(td)
					}
					go cancel()
					if i%2 == 0 {
						runtime.Gosched()
					}
					_, err := wanted.AcquireContext(ctx, td)
					if held := wanted.Held(td) == lwkt.Exclusive; held != (err == nil) {
						t.Errorf("error %v, held %v", err, held)
					}
					if n%2 == 0 && kept.Held(td) != lwkt.Shared {
						t.Error("lost what was held before")
					}
					if err == nil {
						won.Add(1)
						if i%4 == 0 {
							runtime.Gosched()
						}
						wanted.Release(td)
					} else {
						lost.Add(1)
					}
					if n%2 == 0 {
						kept.Release(td)
					}
					cancel()
				}
			}))
		}
		for _, k := range tasks {
			join(t, k)
		}
		t.Logf("%d grants, %d cancels", won.Load(), lost.Load())
		free(t, &kept, &wanted)
		if lwkt.WaitersOf(&kept)+lwkt.WaitersOf(&wanted) != 0 {
			t.Error("marks are left")
		}
	})
}

func TestC09Unwinding(t *testing.T) {
	boom := errors.New("boom")
	for name, end := range map[string]func(){
		"panic":  func() { panic(boom) },
		"Goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			var a, b, inner lwkt.Token
			var unwound, retaken atomic.Bool
			task := lwkt.Go("unwound", func(td *lwkt.Thread) {
				a.Acquire(td)
				defer a.Release(td)
				b.AcquireShared(td)
				defer b.Release(td)
				defer func() {
					unwound.Store(a.Held(td) == lwkt.Exclusive && b.Held(td) == lwkt.Shared && inner.Held(td) == lwkt.None)
				}()
				td.Block(func() {
					td.Block(func() {
						inner.Acquire(td) // not given back; the panic says more
						h := hold(t, lwkt.Exclusive, &a)
						lwkt.Go("later", func(*lwkt.Thread) {
							queued(t, &a, 1) // so the retake waits
							retaken.Store(true)
							h.release(t)
						})
						end()
					})
				})
				t.Error("Block returned")
			})
			<-task.Done()
			v := panics(task.Wait)
			if name == "panic" {
				if e, ok := v.(error); !ok || !errors.Is(e, boom) {
					t.Errorf("panicked with %v, want %v", v, boom)
				}
			} else if v != nil {
				t.Errorf("panicked: %v", v)
			}
			if !unwound.Load() || !retaken.Load() {
				t.Errorf("unwound with the tokens: %v; after a wait: %v", unwound.Load(), retaken.Load())
			}
			free(t, &a, &b, &inner)
		})
	}
	t.Run("recovered", func(t *testing.T) {
		td := newThread(t)
		defer td.End()
		var tok lwkt.Token
		tok.Acquire(td)
		if v := panics(func() { td.Block(func() { panic(boom) }) }); v != boom {
			t.Errorf("panicked with %v", v)
		}
		if tok.Held(td) != lwkt.Exclusive || td.Block(func() {}) {
			t.Error("not usable after a panic in Block")
		}
		tok.Release(td)
	})
}

func TestC10Release(t *testing.T) {
	td := lwkt.NewThread("culprit")
	defer td.End()
	tok := lwkt.NewToken("accounts")
	_, file, line, _ := runtime.Caller(0)
	m := misuse(t, "Release", func() { tok.Release(td) }) // two lines below
	if want := fmt.Sprintf("%s:%d", filepath.Base(file), line+1); !strings.Contains(m.Where, want) {
		t.Errorf("at %s, want %s", m.Where, want)
	}
	says(t, m.Error(), `"accounts"`, `"culprit"`, "nobody holds it")

	h := hold(t, lwkt.Exclusive, tok)
	says(t, misuse(t, "Release", func() { tok.Release(td) }).Error(), `"accounts"`, `"culprit"`, `"holder"`, "exclusively")
	h.release(t)
	h = hold(t, lwkt.Shared, tok)
	says(t, misuse(t, "Release", func() { tok.Release(td) }).Error(), `"accounts"`, `"culprit"`, "share")
	h.release(t)

	tok.Acquire(td)
	tok.Release(td)
	misuse(t, "Release", func() { tok.Release(td) }) // once too often
	tok.Acquire(td)
	td.Block(func() { // an outer one
		m := misuse(t, "Release", func() { tok.Release(td) })
		says(t, m.Error(), `"accounts"`, `"culprit"`, "Block")
		tok.Acquire(td)
		tok.Release(td)
		misuse(t, "Release", func() { tok.Release(td) })
	})
	if tok.Held(td) != lwkt.Exclusive {
		t.Error("lost by a refused release")
	}
	tok.Release(td)
	free(t, tok)

	var nameless lwkt.Token
	says(t, misuse(t, "Release", func() { nameless.Release(td) }).Error(), "token 0x", `"culprit"`)
}

func TestC10BlockReturnsWithLeftovers(t *testing.T) {
	td := lwkt.NewThread("culprit")
	defer td.End()
	outer, inner, second := lwkt.NewToken("outer"), lwkt.NewToken("inner"), lwkt.NewToken("second")
	outer.Acquire(td)
	m := misuse(t, "Block", func() {
		td.Block(func() {
			inner.Acquire(td)
			second.AcquireShared(td)
			outer.Acquire(td)
		})
	})
	says(t, m.Error(), `"culprit"`, `"inner"`, `"second"`, "released")
	if outer.Held(td) != lwkt.Exclusive {
		t.Error("the outer one was not taken back")
	}
	free(t, inner, second)
	outer.Release(td)
	free(t, outer)
	// The same with nothing held outside.
	misuse(t, "Block", func() { td.Block(func() { inner.Acquire(td) }) })
	free(t, inner)
}

func TestC10PlaceOfDeferredMisuse(t *testing.T) {
	td := newThread(t)
	defer td.End()
	var tok lwkt.Token
	misuse(t, "Release", func() {
		defer tok.Release(td)
	})
	misuse(t, "Release", func() { // while a panic is under way, which calls it
		defer tok.Release(td)
		panic("first")
	})
}

func TestC10PlaceOfTheEndOfATask(t *testing.T) {
	var tok lwkt.Token
	task := lwkt.Go("culprit", func(td *lwkt.Thread) { tok.Acquire(td) })
	e, _ := panics(task.Wait).(error)
	var m *lwkt.Misuse
	if !errors.As(e, &m) {
		t.Fatalf("panicked with %v", e)
	}
	if strings.Contains(m.Where, "runtime.") { // the function given to Go would be one
		t.Errorf("the place of the misuse is %s", m.Where)
	}
}

// operations is every way to use a thread that is not to be used.
var operations = map[string]func(td *lwkt.Thread, tok *lwkt.Token){
	"Acquire":              func(td *lwkt.Thread, tok *lwkt.Token) { tok.Acquire(td) },
	"AcquireShared":        func(td *lwkt.Thread, tok *lwkt.Token) { tok.AcquireShared(td) },
	"TryAcquire":           func(td *lwkt.Thread, tok *lwkt.Token) { tok.TryAcquire(td) },
	"TryAcquireShared":     func(td *lwkt.Thread, tok *lwkt.Token) { tok.TryAcquireShared(td) },
	"Release":              func(td *lwkt.Thread, tok *lwkt.Token) { tok.Release(td) },
	"Held":                 func(td *lwkt.Thread, tok *lwkt.Token) { tok.Held(td) },
	"AcquireContext":       func(td *lwkt.Thread, tok *lwkt.Token) { tok.AcquireContext(context.Background(), td) },
	"AcquireSharedContext": func(td *lwkt.Thread, tok *lwkt.Token) { tok.AcquireSharedContext(context.Background(), td) },
	"AcquireAll":           func(td *lwkt.Thread, tok *lwkt.Token) { lwkt.AcquireAll(td, tok, new(lwkt.Token)) },
	"TryAcquireAll":        func(td *lwkt.Thread, tok *lwkt.Token) { lwkt.TryAcquireAll(td, tok, new(lwkt.Token)) },
	"AcquireAllContext":    func(td *lwkt.Thread, tok *lwkt.Token) { lwkt.AcquireAllContext(context.Background(), td, tok) },
	"ReleaseAll":           func(td *lwkt.Thread, tok *lwkt.Token) { lwkt.ReleaseAll(td, tok) },
	"Lock":                 func(td *lwkt.Thread, tok *lwkt.Token) { tok.Locker(td).Lock() },
	"Unlock":               func(td *lwkt.Thread, tok *lwkt.Token) { tok.SharedLocker(td).Unlock() },
	"Block":                func(td *lwkt.Thread, _ *lwkt.Token) { td.Block(func() {}) },
	"NoBlock":              func(td *lwkt.Thread, _ *lwkt.Token) { td.NoBlock(func() {}) },
	"Mark":                 func(td *lwkt.Thread, _ *lwkt.Token) { td.Mark() },
	"ChangedSince":         func(td *lwkt.Thread, _ *lwkt.Token) { td.ChangedSince(lwkt.Mark{}) },
	"Sleep":                func(td *lwkt.Thread, _ *lwkt.Token) { td.Sleep("channel", -1) },
	"SleepContext":         func(td *lwkt.Thread, _ *lwkt.Token) { td.SleepContext(canceled(), "channel") },
	"Wakeup":               func(td *lwkt.Thread, _ *lwkt.Token) { td.Wakeup("channel") },
	"WakeupOne":            func(td *lwkt.Thread, _ *lwkt.Token) { td.WakeupOne("channel") },
	"Pause":                func(td *lwkt.Thread, _ *lwkt.Token) { td.Pause(1) },
	"Recv":                 func(td *lwkt.Thread, _ *lwkt.Token) { lwkt.Recv(td, make(chan int)) },
	"Send":                 func(td *lwkt.Thread, _ *lwkt.Token) { lwkt.Send(td, make(chan int, 1), 1) },
	"Select":               func(td *lwkt.Thread, _ *lwkt.Token) { lwkt.Select(td, lwkt.OnRecv(make(chan int), nil)) },
	"Funnel":               func(td *lwkt.Thread, _ *lwkt.Token) { td.Funnel() },
	"SetFunnel":            func(td *lwkt.Thread, _ *lwkt.Token) { td.SetFunnel(new(lwkt.Funnel)) },
	"SwitchFunnel":         func(td *lwkt.Thread, _ *lwkt.Token) { td.SwitchFunnel(new(lwkt.Funnel)) },
	"MergeFunnels":         func(td *lwkt.Thread, _ *lwkt.Token) { lwkt.MergeFunnels(td, new(lwkt.Funnel), new(lwkt.Funnel)) },
	"Priority":             func(td *lwkt.Thread, _ *lwkt.Token) { td.Priority() },
	"SetPriority":          func(td *lwkt.Thread, _ *lwkt.Token) { td.SetPriority(3) },
	"Stats":                func(td *lwkt.Thread, _ *lwkt.Token) { td.Stats() },
	"End":                  func(td *lwkt.Thread, _ *lwkt.Token) { td.End() },
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestC10WrongThread(t *testing.T) {
	ended := lwkt.NewThread("gone")
	ended.End()
	var tok lwkt.Token
	tok.SetName("accounts")
	// The record of an ended thread serves the next one, which must notice nothing.
	heir := lwkt.NewThread("heir")
	defer heir.End()
	tok.Acquire(heir)
	for name, operate := range operations {
		for _, c := range []struct {
			td   *lwkt.Thread
			says []string
		}{
			{nil, []string{"nil"}},
			{new(lwkt.Thread), []string{"zero Thread"}},
			{ended, []string{"ended", `"gone"`}},
		} {
			m := misuse(t, "", func() { operate(c.td, &tok) })
			says(t, m.Error(), c.says...)
			if m.Lock != "" {
				says(t, m.Lock, "accounts")
			}
			if t.Failed() {
				t.Fatalf("that was %s", name)
			}
		}
	}
	if tok.Held(heir) != lwkt.Exclusive {
		t.Error("a dead thread's handle reached its heir")
	}
	tok.Release(heir)
}

func TestC10EndWhileHolding(t *testing.T) {
	a, b := lwkt.NewToken("a"), lwkt.NewToken("b")
	f := lwkt.NewFunnel("f")
	take := func(td *lwkt.Thread) {
		a.Acquire(td)
		a.AcquireShared(td)
		b.AcquireShared(td)
		td.SetFunnel(f)
	}
	t.Run("End", func(t *testing.T) {
		td := lwkt.NewThread("culprit")
		take(td)
		m := misuse(t, "End", func() { td.End() })
		says(t, m.Error(), `"culprit"`, `"a"`, "exclusive", `"b"`, "shared", `"f"`)
		free(t, a, b, lwkt.TokenOf(f))
		says(t, misuse(t, "End", func() { td.End() }).Error(), "ended")
	})
	t.Run("Run", func(t *testing.T) {
		v := panics(func() { lwkt.Run("culprit", take) })
		if m, ok := v.(*lwkt.Misuse); !ok || m.Op != "End" {
			t.Errorf("panicked with %v", v)
		}
		free(t, a, b, lwkt.TokenOf(f))
	})
	t.Run("Go", func(t *testing.T) {
		task := lwkt.Go("culprit", take)
		v := panics(task.Wait)
		e, _ := v.(error)
		var m *lwkt.Misuse
		if !errors.As(e, &m) || m.Op != "End" {
			t.Errorf("panicked with %v", v)
		}
		free(t, a, b, lwkt.TokenOf(f))
	})
	t.Run("panic in flight", func(t *testing.T) {
		if v := panics(func() {
			lwkt.Run("culprit", func(td *lwkt.Thread) { take(td); panic("first") })
		}); v != "first" {
			t.Errorf("panicked with %v, want the first panic", v)
		}
		free(t, a, b, lwkt.TokenOf(f))
		if v := panics(func() {
			td := lwkt.NewThread("culprit")
			defer td.End()
			take(td)
			panic("first")
		}); v != "first" {
			t.Errorf("panicked with %v, want the first panic", v)
		}
		free(t, a, b, lwkt.TokenOf(f))
	})
	t.Run("Goexit", func(t *testing.T) {
		task := lwkt.Go("culprit", func(td *lwkt.Thread) { take(td); runtime.Goexit() })
		<-task.Done()
		panics(task.Wait) // it may say so
		free(t, a, b, lwkt.TokenOf(f))
	})
	t.Run("inside Block", func(t *testing.T) {
		td := lwkt.NewThread("culprit")
		a.Acquire(td)
		td.Block(func() { says(t, misuse(t, "End", func() { td.End() }).Error(), "Block") })
		if a.Held(td) != lwkt.Exclusive {
			t.Error("lost by a refused End")
		}
		a.Release(td)
		td.End()
	})
}

func TestC10EndTwiceDoesNotMaskPanic(t *testing.T) {
	if v := panics(func() {
		lwkt.Run("culprit", func(td *lwkt.Thread) {
			defer td.End() // once too often, but that is not the news
			panic("first")
		})
	}); v != "first" {
		t.Errorf("panicked with %v, want the panic that was under way", v)
	}
}

func TestC10EndInsideBlockDoesNotMaskPanic(t *testing.T) {
	td := lwkt.NewThread("culprit")
	var tok lwkt.Token
	tok.Acquire(td)
	if v := panics(func() {
		td.Block(func() {
			defer td.End()
			panic("first")
		})
	}); v != "first" {
		t.Errorf("panicked with %v, want the panic that was under way", v)
	}
	tok.Release(td)
	td.End()
}

func TestC10TwoGoroutines(t *testing.T) {
	tok, other := lwkt.NewToken("accounts"), lwkt.NewToken("other")
	var event int
	for name, park := range map[string]func(td *lwkt.Thread){
		"waiting for a token": func(td *lwkt.Thread) { tok.Acquire(td); tok.Release(td) },
		"waiting with a context": func(td *lwkt.Thread) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			tok.AcquireContext(ctx, td)
			tok.Release(td)
		},
		"asleep": func(td *lwkt.Thread) { td.Sleep(&event, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			h := hold(t, lwkt.Exclusive, tok)
			var td atomic.Pointer[lwkt.Thread]
			task := lwkt.Go("shared thread", func(own *lwkt.Thread) {
				other.Acquire(own)
				td.Store(own)
				park(own)
				if other.Held(own) != lwkt.Exclusive {
					t.Error("the rightful owner lost its token")
				}
				other.Release(own)
			})
			until(t, "it is parked", func() bool { return lwkt.WaitersOf(tok) == 1 || lwkt.SleepersOn(&event) == 1 })
			for op, operate := range operations {
				m := misuse(t, "", func() { operate(td.Load(), other) })
				says(t, m.Error(), "another goroutine", `"shared thread"`)
				if t.Failed() {
					t.Errorf("that was %s", op)
				}
			}
			for event := &event; lwkt.SleepersOn(event) == 1; {
				join(t, lwkt.Go("waker", func(td *lwkt.Thread) { td.Wakeup(event) }))
			}
			h.release(t)
			join(t, task)
			free(t, tok, other)
		})
	}
	t.Run("one after the other", func(t *testing.T) {
		td := lwkt.NewThread("handed on")
		tok.Acquire(td)
		caught := make(chan any)
		go func() { caught <- panics(func() { tok.Held(td) }) }()
		v := <-caught
		if m, ok := v.(*lwkt.Misuse); ok != invariants.Enabled {
			t.Errorf("a second goroutine: %v, with invariants %v", v, invariants.Enabled)
		} else if ok {
			says(t, m.Error(), "goroutine", `"handed on"`)
		}
		tok.Release(td)
		td.End()
	})
}

func TestC11MemoryModel(t *testing.T) {
	// Plain variables everywhere; the race detector and the values are the judges.
	processors(t, 4)
	var tok [3]lwkt.Token
	var data [3]int
	var total [3]atomic.Int64
	var tasks []*lwkt.Task
	for n := range 4 {
		tasks = append(tasks, lwkt.Go("thread", func(td *lwkt.Thread) {
			rng := rand.New(rand.NewPCG(11, uint64(n)))
			for range scale(4000) {
				i, j := rng.IntN(3), rng.IntN(3)
				tok[i].Acquire(td)
				data[i]++
				total[i].Add(1)
				switch rng.IntN(4) {
				case 0:
					before := data[i]
					if !td.Block(runtime.Gosched) && data[i] != before {
						t.Error("written during a block, and changed is false")
					}
				case 1:
					before := data[i]
					if !tok[j].Acquire(td) && data[i] != before {
						t.Error("written during an acquisition, and changed is false")
					}
					data[j]++
					total[j].Add(1)
					tok[j].Release(td)
				case 2:
					tok[j].AcquireShared(td)
					_ = data[j] + data[i]
					tok[j].Release(td)
				}
				data[i]++
				total[i].Add(1)
				tok[i].Release(td)
			}
		}))
	}
	for _, k := range tasks {
		join(t, k)
	}
	for i := range data {
		if int64(data[i]) != total[i].Load() {
			t.Errorf("token %d: %d, want %d", i, data[i], total[i].Load())
		}
	}
}

func TestC13Locker(t *testing.T) {
	td := newThread(t)
	defer td.End()
	var a, b lwkt.Token
	x, s := a.Locker(td), b.SharedLocker(td)
	x.Lock()
	s.Lock()
	if a.Held(td) != lwkt.Exclusive || b.Held(td) != lwkt.Shared {
		t.Errorf("holds %v and %v", a.Held(td), b.Held(td))
	}
	x.Unlock()
	s.Unlock()
	free(t, &a, &b)
}

func TestForcedDrops(t *testing.T) {
	lwkt.SetForcedDrops(true)
	t.Cleanup(func() { lwkt.SetForcedDrops(false) })
	var a, b, c lwkt.Token
	f := lwkt.NewFunnel("f")
	ready := make(chan int, 8)
	changes := map[string]func(td *lwkt.Thread) bool{
		"Acquire":       func(td *lwkt.Thread) bool { ch := b.Acquire(td); b.Release(td); return ch },
		"AcquireShared": func(td *lwkt.Thread) bool { ch := b.AcquireShared(td); b.Release(td); return ch },
		"AcquireAll":    func(td *lwkt.Thread) bool { ch := lwkt.AcquireAll(td, &b); b.Release(td); return ch },
		"AcquireAll of two": func(td *lwkt.Thread) bool {
			ch := lwkt.AcquireAll(td, &b, &c)
			lwkt.ReleaseAll(td, &b, &c)
			return ch
		},
		"AcquireContext": func(td *lwkt.Thread) bool { ch, _ := b.AcquireContext(t.Context(), td); b.Release(td); return ch },
		"Recv":           func(td *lwkt.Thread) bool { ready <- 1; _, _, ch := lwkt.Recv(td, ready); return ch },
		"Send":           func(td *lwkt.Thread) bool { return lwkt.Send(td, ready, 1) },
		"Select": func(td *lwkt.Thread) bool {
			ready <- 1
			_, ch := lwkt.Select(td, lwkt.OnRecv(ready, nil))
			return ch
		},
		"Block": func(td *lwkt.Thread) bool { return td.Block(func() {}) },
		"SetFunnel": func(td *lwkt.Thread) bool {
			m := td.Mark()
			td.SetFunnel(f)
			td.SetFunnel(nil)
			return td.ChangedSince(m)
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			td := newThread(t)
			defer td.End()
			if change(td) {
				t.Error("changed, with nothing held")
			}
			for _, acquire := range []func(*lwkt.Thread) bool{a.Acquire, a.AcquireShared} {
				acquire(td)
				m := td.Mark()
				if !change(td) || !td.ChangedSince(m) {
					t.Error("not changed, though drops are forced")
				}
				if a.Held(td) == lwkt.None {
					t.Error("not held afterwards")
				}
				m = td.Mark()
				misuse(t, "", func() { td.NoBlock(func() { change(td) }) })
				if td.ChangedSince(m) || a.Held(td) == lwkt.None {
					t.Error("dropped inside NoBlock")
				}
				a.Release(td)
				for len(ready) > 0 {
					<-ready
				}
				if b.Held(td) != lwkt.None {
					t.Error("a refused operation left something behind")
				}
			}
		})
	}
	lwkt.SetForcedDrops(false)
	td := newThread(t)
	defer td.End()
	a.Acquire(td)
	if b.Acquire(td) {
		t.Error("changed, though drops are not forced any more")
	}
	lwkt.ReleaseAll(td, &a, &b)
}

func TestNoBlock(t *testing.T) {
	td := lwkt.NewThread("culprit")
	defer td.End()
	a, b, busy := lwkt.NewToken("a"), lwkt.NewToken("b"), lwkt.NewToken("busy")
	h := hold(t, lwkt.Exclusive, busy)
	ready := make(chan int, 1)
	td.NoBlock(func() { // nothing held: blocking is fine
		td.Block(func() {})
		td.Pause(1)
		a.Acquire(td)
		b.Acquire(td) // free ones are fine
		b.AcquireShared(td)
		lwkt.ReleaseAll(td, b, b)
		ready <- 1
		lwkt.Recv(td, ready) // as is what is ready
		if busy.TryAcquire(td) {
			t.Error("busy was free")
		}
		for name, block := range map[string]func(){
			"Acquire":    func() { busy.Acquire(td) },
			"Shared":     func() { busy.AcquireShared(td) },
			"Context":    func() { busy.AcquireContext(t.Context(), td) },
			"AcquireAll": func() { lwkt.AcquireAll(td, b, busy) },
			"Block":      func() { td.Block(func() { t.Error("was called") }) },
			"Recv":       func() { lwkt.Recv(td, make(chan int)) },
			"Send":       func() { lwkt.Send(td, make(chan int), 1) },
			"Select":     func() { lwkt.Select(td, lwkt.OnRecv(make(chan int), nil)) },
			"nested":     func() { td.NoBlock(func() {}); td.Block(func() {}) },
		} {
			m := misuse(t, "", block)
			says(t, m.Error(), `"culprit"`, "NoBlock", `"a"`)
			if a.Held(td) != lwkt.Exclusive || b.Held(td) != lwkt.None || busy.Held(td) != lwkt.None {
				t.Errorf("%s: holds %v %v %v", name, a.Held(td), b.Held(td), busy.Held(td))
			}
			if lwkt.WaitersOf(busy) != 0 {
				t.Errorf("%s: a claim is left", name)
			}
		}
	})
	td.Block(func() {}) // allowed again
	panics(func() { td.NoBlock(func() { panic("out") }) })
	td.Block(func() {}) // and after a panic
	a.Release(td)
	h.release(t)
}

func TestNoBlockSleepLeavesNoSleeper(t *testing.T) {
	td := lwkt.NewThread("culprit")
	defer td.End()
	a := lwkt.NewToken("a")
	var event int
	a.Acquire(td)
	m := misuse(t, "Sleep", func() { td.NoBlock(func() { td.Sleep(&event, 0) }) })
	says(t, m.Error(), `"culprit"`, "NoBlock", `"a"`)
	if n := lwkt.SleepersOn(&event); n != 0 {
		t.Errorf("%d threads are asleep after a Sleep that was refused", n)
	}
	if td.Wakeup(&event) != 0 { // also cleans up, for the sake of the other tests
		t.Error("a wakeup went to nobody")
	}
	if a.Held(td) != lwkt.Exclusive {
		t.Error("lost by a Sleep that was refused")
	}
	a.Release(td)
}

// TestC10CopyReleased: a copy of what is held says what it is when it is released, in every build.
func TestC10CopyReleased(t *testing.T) {
	td := newThread(t)
	defer td.End()
	type box struct {
		tok lwkt.Token
		mtx lwkt.Mtx
		spn lwkt.SpinMtx
	}
	var b, other box
	b.tok.Acquire(td)
	b.mtx.Lock(td)
	b.spn.Lock(td)
	reflect.ValueOf(&other).Elem().Set(reflect.ValueOf(&b).Elem()) // vet does not see this
	says(t, misuse(t, "Release", func() { other.tok.Release(td) }).Error(), "copy", "must not be copied")
	says(t, misuse(t, "Unlock", func() { other.mtx.Unlock(td) }).Error(), "copy", "must not be copied")
	says(t, misuse(t, "Unlock", func() { other.spn.Unlock(td) }).Error(), "copy", "must not be copied")
	b.spn.Unlock(td)
	b.mtx.Unlock(td)
	b.tok.Release(td)
}

// TestC10Copy sees a copied token found, in builds with invariants; in others vet
// looks for it.
func TestC10Copy(t *testing.T) {
	if !invariants.Enabled {
		t.Skip("only builds with invariants know a copy")
	}
	td := newThread(t)
	defer td.End()
	var box, other struct{ tok lwkt.Token }
	box.tok.Acquire(td)
	box.tok.Release(td)
	reflect.ValueOf(&other).Elem().Set(reflect.ValueOf(&box).Elem()) // vet does not see this
	box.tok.Acquire(td)
	box.tok.Release(td)
	says(t, misuse(t, "Acquire", func() { other.tok.Acquire(td) }).Error(), "copy", "must not be copied")
}
