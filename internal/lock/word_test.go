package lock

// The table of word.go, walked: every word of a small domain that keeps W1 and W2, times
// every question that is asked of one, against what the table says in plain numbers.

import (
	"fmt"
	"testing"

	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// plain is a word in plain numbers.
type plain struct {
	owner, shares          int
	x, s, call, hard, kept bool
}

func (p plain) word() Word {
	w := Word(p.owner)<<ownerShift + Word(p.shares)*share
	for m, on := range map[Word]bool{waitX: p.x, waitS: p.s, called: p.call, barred: p.hard, kept: p.kept} {
		if on {
			w |= m
		}
	}
	return w
}

// domain is every plain word that keeps W2; while there is an owner, shares are visits (W1).
func domain() (all []plain) {
	for owner := range 3 {
		for shares := range 4 {
			for marks := range 32 {
				p := plain{owner, shares, marks&1 != 0, marks&2 != 0, marks&4 != 0, marks&8 != 0, marks&16 != 0}
				if (p.call || p.hard) && !p.x && !p.s || p.kept && !p.x || p.x && !p.call && !p.kept {
					continue
				}
				all = append(all, p)
			}
		}
	}
	return all
}

func TestWordTable(t *testing.T) {
	for _, p := range domain() {
		w := p.word()
		check := func(what string, got, want any) {
			t.Helper()
			if got != want {
				t.Errorf("%+v: %s is %v, want %v", p, what, got, want)
			}
		}
		check("owner", int(w.Owner()), p.owner)
		check("shares", w.Shares(), p.shares)
		check("waited", w.Waited(), p.x || p.s)
		check("compatible X", w.compatible(token.Exclusive), p.owner == 0 && p.shares == 0)
		check("compatible S", w.compatible(token.Shared), p.owner == 0)
		check("admits X (T1)", w.admits(token.Exclusive, false, false), p.owner == 0 && p.shares == 0 && !p.hard)
		check("admits S (T2)", w.admits(token.Shared, false, false), p.owner == 0 && !p.kept && !p.hard)
		check("admits S of a sharer (T3)", w.admits(token.Shared, true, false), p.owner == 0)
		check("admits S that passes", w.admits(token.Shared, false, true), p.owner == 0 && !p.hard)
		check("still (T19, T20)", w.still(), p.owner == 0 && !p.x && !p.hard && p.s == p.call)
		check("passable (T23)", w.passable(), p.x && !p.kept)
		check("still, open", (w|open).still() || (w|closing).still(), false)
		if w.compatible(token.Exclusive) {
			q := p
			q.owner = 7
			check("with X", w.with(token.Exclusive, 7), q.word())
		}
		if w.compatible(token.Shared) {
			q := p
			q.shares++
			check("with S", w.with(token.Shared, 7), q.word())
		}
		if p.owner != 0 {
			q := p
			q.owner = 0
			check("without X (T5)", w.without(token.Exclusive), q.word())
			check("quiet X", w.quiet(token.Exclusive), !p.x && !p.s || p.call && !p.hard)
		}
		if p.shares > 0 && p.owner == 0 {
			q := p
			q.shares--
			check("without S (T6)", w.without(token.Shared), q.word())
			check("quiet S", w.quiet(token.Shared), !p.x && !p.s || p.shares > 1 || p.call && !p.hard)
		}
	}
	if nobody.Owner() != token.MaxID+1 || dead.Owner() != token.MaxID+2 || fmt.Sprint(dead.Shares()) != "0" {
		t.Errorf("a disowned lock is owned by %d, a destroyed one by %d", nobody.Owner(), dead.Owner())
	}
}

// TestShut closes locks, and one whose word was copied while it was closing, so that nobody would end that.
func TestShut(t *testing.T) {
	for was, now := range map[Word]Word{
		0:                             0,
		share | 3*calmOnce:            share | 3*calmOnce,
		share | open | waitS | called: share | waitS | called,
		open | 3*calmOnce:             0,
		closing:                       0,
	} {
		l := new(Lock)
		l.word.Store(uint64(was))
		if l.shut(); l.load() != now {
			t.Errorf("%#x becomes %#x, want %#x", was, l.load(), now)
		}
	}
}

// TestPassed: sharers pass who was called until two of those who are counted find no exclusive hold between them.
func TestPassed(t *testing.T) {
	var h thread.Handle
	thread.Start(&h, "t")
	defer thread.End(&h)
	r := thread.Enter(&h, "test")
	r.Leave()
	for r.CountRead(); r.CountLast(); { // that would end it at once
		r.CountRead()
	}
	l := new(Lock)
	is := func(want Word) {
		t.Helper()
		if got := l.load(); got != want {
			t.Errorf("%#x, want %#x", got, want)
		}
	}
	l.word.Store(uint64(waitX | called))
	l.noteRead(r, l.load())
	is(waitX | called | calmOnce)
	l.take(r, token.Exclusive)
	l.turn(func(w Word) (Word, bool) { return w.without(token.Exclusive), true })
	is(waitX | called)
	l.noteRead(r, l.load())
	l.noteRead(r, l.load())
	is(waitX | called | calmOnce | kept)
	l.noteRead(r, l.load())
	is(waitX | called | calmOnce | kept)
}

// TestVisits has a visitor of an owned lock look before and after each way in which the owner goes.
func TestVisits(t *testing.T) {
	const owner = Word(7) << ownerShift
	for _, marks := range []Word{0, waitX | kept, waitX | kept | barred, waitX | called, waitS | called} {
		visited := func() *Lock {
			l := new(Lock)
			l.word.Store(uint64(owner | marks))
			l.word.Add(uint64(share))
			return l
		}
		if l := visited(); l.stays() || l.load() != owner|marks {
			t.Errorf("marks %b: left behind: %#x", marks, l.load())
		}
		if l := new(Lock); l.addShare() != share || l.dropShare() != 0 {
			t.Errorf("a share of a free lock: %#x", l.load())
		}
		for now, f := range map[Word]func(w Word) Word{
			share | marks:   func(w Word) Word { return w.without(token.Exclusive) },         // T5
			2*share | marks: func(w Word) Word { return w.without(token.Exclusive) + share }, // T7
		} {
			l := visited()
			l.word.Store(uint64(f(l.load())))
			if !l.stays() || l.load() != now {
				t.Errorf("marks %b: the owner has gone: %#x, want %#x", marks, l.load(), now)
			}
		}
	}
}
