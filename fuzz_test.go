// Strings of operations of one thread on three tokens, compared after each with a
// model that keeps every reference.
package lwkt_test

import (
	"testing"

	"github.com/serializing-tokens/lwkt"
)

// The operations of a fuzzed string: a byte is op + ops*token.
const (
	opAcquire = iota
	opShare
	opTry
	opTryShare
	opRelease
	opAll   // this token and the next one
	opBlock // the string goes on inside, until opEnd
	opEnd
	opMark
	ops
)

// level is what the model knows of one nesting of Block: the references to each
// token that were not released, the oldest first.
type level [3][]lwkt.Mode

func (l *level) mode(i int) (m lwkt.Mode) {
	for _, r := range l[i] {
		m = max(m, r)
	}
	return m
}

type player struct {
	t    *testing.T
	td   *lwkt.Thread
	toks [3]lwkt.Token
	rest []byte
}

// play runs the string in a Block of the given depth, until opEnd or its end.
func (p *player) play(depth int) {
	var l level
	mark, marked := p.td.Mark(), true // marked: nothing was released since, so the answer is known
	for len(p.rest) > 0 {
		op, i := p.rest[0]%ops, int(p.rest[0]/ops)%len(p.toks)
		p.rest = p.rest[1:]
		tok, changed := &p.toks[i], false
		switch op {
		case opAcquire:
			changed = tok.Acquire(p.td)
			l[i] = append(l[i], lwkt.Exclusive)
		case opShare:
			changed = tok.AcquireShared(p.td)
			l[i] = append(l[i], lwkt.Shared)
		case opTry:
			changed = !tok.TryAcquire(p.td)
			l[i] = append(l[i], lwkt.Exclusive)
		case opTryShare:
			changed = !tok.TryAcquireShared(p.td)
			l[i] = append(l[i], lwkt.Shared)
		case opAll:
			j := (i + 1) % len(p.toks)
			changed = lwkt.AcquireAll(p.td, tok, &p.toks[j])
			l[i], l[j] = append(l[i], lwkt.Exclusive), append(l[j], lwkt.Exclusive)
		case opRelease:
			if n := len(l[i]); n > 0 {
				tok.Release(p.td)
				l[i], marked = l[i][:n-1], false
			} else {
				misuse(p.t, "Release", func() { tok.Release(p.td) })
			}
		case opBlock:
			if depth < 20 {
				changed = p.td.Block(func() { p.play(depth + 1) })
			}
		case opEnd:
			if depth > 0 {
				p.leave(&l)
				return
			}
		case opMark:
			if marked && p.td.ChangedSince(mark) {
				p.t.Error("changed since the mark, by nobody")
			}
			mark, marked = p.td.Mark(), true
		}
		if changed {
			p.t.Errorf("operation %d of token %d: changed or refused, though there is nobody else", op, i)
		}
		p.compare(&l)
	}
	p.leave(&l)
}

func (p *player) compare(l *level) {
	for i := range p.toks {
		if got, want := p.toks[i].Held(p.td), l.mode(i); got != want {
			p.t.Fatalf("token %d is held %v, want %v for %v", i, got, want, l[i])
		}
	}
}

// leave releases all that a level holds, in the order of the tokens.
func (p *player) leave(l *level) {
	for i := range l {
		for n := len(l[i]); n > 0; n-- {
			p.toks[i].Release(p.td)
			l[i] = l[i][:n-1]
			p.compare(l)
		}
	}
}

func FuzzToken(f *testing.F) {
	b := func(pairs ...int) (s []byte) { // op, token, op, token ...
		for i := 0; i < len(pairs); i += 2 {
			s = append(s, byte(pairs[i]+ops*pairs[i+1]))
		}
		return s
	}
	f.Add([]byte{})
	f.Add(b(opAcquire, 0, opShare, 0, opRelease, 0, opRelease, 0, opRelease, 0))
	f.Add(b(opShare, 1, opAcquire, 1, opShare, 1, opRelease, 1, opRelease, 1, opTry, 1, opRelease, 1))
	f.Add(b(opAcquire, 0, opAcquire, 1, opRelease, 0, opAcquire, 2, opRelease, 1, opRelease, 2))
	f.Add(b(opAcquire, 0, opBlock, 0, opShare, 0, opTry, 0, opBlock, 0, opAll, 2, opEnd, 0, opRelease, 0, opEnd, 0, opRelease, 0))
	f.Add(b(opShare, 0, opMark, 0, opAll, 0, opBlock, 0, opAll, 1, opMark, 0, opBlock, 0, opBlock, 0, opAcquire, 2))
	f.Add(b(opTryShare, 2, opAll, 2, opMark, 0, opRelease, 0, opRelease, 2, opBlock, 0, opRelease, 2, opEnd, 0, opMark, 0, opTryShare, 2))
	f.Fuzz(func(t *testing.T, s []byte) {
		if len(s) > 1000 {
			s = s[:1000]
		}
		p := player{t: t, rest: s}
		lwkt.Run("player", func(td *lwkt.Thread) {
			p.td = td
			p.play(0)
			if n := td.Stats().Waits; n != 0 {
				t.Errorf("waited %d times for nobody", n)
			}
		})
		for i := range p.toks {
			free(t, &p.toks[i])
		}
	})
}
