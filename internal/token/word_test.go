package token

// The table of word.go, walked: every word of a small domain that keeps I1 and I2,
// times every operation, against what the table says in plain numbers.

import (
	"fmt"
	"testing"
)

// plain is a word in plain numbers.
type plain struct {
	owner, shares   int
	claimed, silent bool
	barges          int
}

func (p plain) word() Word {
	w := Owned(uint32(p.owner)) + Word(p.shares)*share + Word(p.barges)
	if p.claimed {
		w |= claimed
	}
	if p.silent {
		w |= silent
	}
	return w
}

func (p plain) String() string {
	return fmt.Sprintf("owner %d, shares %d, claimed %v, silent %v, barges %d", p.owner, p.shares, p.claimed, p.silent, p.barges)
}

// domain is every plain word that keeps I1 and I2.
func domain() (all []plain) {
	for owner := range 3 {
		for shares := range 3 {
			if owner != 0 && shares != 0 {
				continue // I1
			}
			all = append(all, plain{owner: owner, shares: shares})
			for barges := range 3 {
				all = append(all, plain{owner, shares, true, false, barges}, plain{owner, shares, true, true, barges})
			}
		}
	}
	return all
}

func at(p plain) *Token {
	t := new(Token)
	t.word.Store(uint64(p.word()))
	return t
}

func TestWordTable(t *testing.T) {
	const me = 7
	own := Owned(me)
	counted := func(p plain) plain {
		if p.claimed {
			p.barges--
		}
		return p
	}
	operations := []struct {
		label string
		legal func(p plain) bool // the caller's duty
		do    func(tok *Token) bool
		want  func(p plain) (next plain, ok bool) // what the table says
	}{
		{"W1 TakeFree", nil, func(tok *Token) bool { return tok.TakeFree(own) }, func(p plain) (plain, bool) {
			ok := p == plain{}
			p.owner = me
			return p, ok
		}},
		{"W1, W3 Take", nil, func(tok *Token) bool { return tok.Take(Exclusive, me) }, func(p plain) (plain, bool) {
			ok := p.owner == 0 && p.shares == 0 && (!p.claimed || p.barges > 0)
			p = counted(p)
			p.owner = me
			return p, ok
		}},
		{"W1, W3 TakeOwned", nil, func(tok *Token) bool { return tok.TakeOwned(tok.Word(), own) }, func(p plain) (plain, bool) {
			ok := p.owner == 0 && p.shares == 0 && (!p.claimed || p.barges > 0)
			p = counted(p)
			p.owner = me
			return p, ok
		}},
		{"W2, W4 Share", nil, func(tok *Token) bool { return tok.Share() }, func(p plain) (plain, bool) {
			ok := p.owner == 0 && (!p.claimed || p.barges > 0)
			p = counted(p)
			p.shares++
			return p, ok
		}},
		{"W2, W4 Take shared", nil, func(tok *Token) bool { return tok.Take(Shared, me) }, func(p plain) (plain, bool) {
			ok := p.owner == 0 && (!p.claimed || p.barges > 0)
			p = counted(p)
			p.shares++
			return p, ok
		}},
		{"W5 Upgrade", func(p plain) bool { return p.shares > 0 }, func(tok *Token) bool { return tok.Upgrade(me) }, func(p plain) (plain, bool) {
			ok := p.shares == 1 && (!p.claimed || p.barges > 0)
			p = counted(p)
			p.owner, p.shares = me, 0
			return p, ok
		}},
		{"W6 LeaveOwned", func(p plain) bool { return p.owner == 1 }, func(tok *Token) bool { return tok.LeaveOwned(Owned(1)) }, func(p plain) (plain, bool) {
			ok := !p.claimed
			p.owner = 0
			return p, ok
		}},
		{"W6 shed", func(p plain) bool { return p.owner != 0 }, func(tok *Token) bool { tok.shed(Exclusive, 0); return true }, func(p plain) (plain, bool) {
			p.owner = 0
			return p, true
		}},
		{"W7 LeaveShared", func(p plain) bool { return p.shares > 0 }, func(tok *Token) bool { return tok.LeaveShared() || true }, func(p plain) (plain, bool) {
			p.shares--
			return p, true
		}},
		{"W7 shed", func(p plain) bool { return p.shares > 0 }, func(tok *Token) bool { tok.shed(Shared, 0); return true }, func(p plain) (plain, bool) {
			p.shares--
			return p, true
		}},
		{"W8 downgrade", func(p plain) bool { return p.owner != 0 }, func(tok *Token) bool { tok.shed(Exclusive, share); return true }, func(p plain) (plain, bool) {
			p.owner, p.shares = 0, 1
			return p, true
		}},
	}
	for _, p := range domain() {
		for _, op := range operations {
			if op.legal != nil && !op.legal(p) {
				continue
			}
			tok := at(p)
			got := op.do(tok)
			next, want := op.want(p)
			if !want {
				next = p
			}
			if got != want || tok.Word() != next.word() {
				t.Errorf("%s at %v: %v, %#x; want %v, %v", op.label, p, got, tok.Word(), want, next)
			}
		}
	}
}

// TestWordReads checks what is read off a word, over the same domain.
func TestWordReads(t *testing.T) {
	for _, p := range domain() {
		w := p.word()
		if int(w.Owner()) != p.owner || w.Shares() != p.shares || w.Claimed() != p.claimed || int(w.barges()) != p.barges {
			t.Errorf("%v reads as owner %d, shares %d, claimed %v, barges %d", p, w.Owner(), w.Shares(), w.Claimed(), w.barges())
		}
		for m, want := range map[Mode]bool{Shared: p.owner == 0, Exclusive: p.owner == 0 && p.shares == 0} {
			if w.compatible(m) != want {
				t.Errorf("%v admits %v: %v", p, m, !want)
			}
		}
		// A release may be quiet only if no claim can have become grantable, or one that
		// was woken will look.
		for m, quiet := range map[Mode]bool{
			Shared:    !p.claimed || p.shares > 0 || p.silent,
			Exclusive: !p.claimed || p.silent,
		} {
			if w.quiet(m) != quiet {
				t.Errorf("a release of %v that leaves %v is quiet: %v", m, p, !quiet)
			}
		}
	}
}

// TestWordWidths checks that the fields do not run into each other.
func TestWordWidths(t *testing.T) {
	w := Owned(MaxID) | claimed | silent | Word(MaxBypass)
	if w.Owner() != MaxID || w.Shares() != 0 || w.barges() != uint32(MaxBypass) {
		t.Errorf("the widest owned word reads as %d, %d, %d", w.Owner(), w.Shares(), w.barges())
	}
	if w := Word(fieldMask) * share; w.Owner() != 0 || w.Shares() != fieldMask || w&(claimed|silent|bargeMask) != 0 {
		t.Errorf("the widest shared word is %#x", uint64(w))
	}
	if Owned(mergedID).compatible(Shared) {
		t.Error("a merged token can be shared")
	}
}
