package thread

// Marks: moments in a thread's life, to ask later what changed hands since. The
// thread's clock ticks with each mark and each loss; a hold knows when it began or was
// last lost, and a mark knows, by a hash, what was held.

import (
	"unsafe"

	"github.com/serializing-tokens/lwkt/internal/token"
)

// Mark is a moment in a thread's life.
type Mark struct {
	seq  uint64
	held uint64 // which tokens were held then: a bit each, by hash
	base int32
}

// MakeMark returns now.
func MakeMark(h *Handle) Mark {
	r := enter(h, "Mark", nil)
	m := Mark{seq: r.seq, base: r.base}
	for i := r.base; i < r.n; i++ {
		m.held |= bloom(r.holds[i].tok)
	}
	r.seq += tick
	r.leave()
	return m
}

// ChangedSince says whether a token that is held, t or any if t is nil, may have
// been held exclusively by another thread since the mark.
func ChangedSince(h *Handle, m Mark, t *token.Token) (changed bool) {
	r := enter(h, "ChangedSince", t)
	defer r.leave()
	if r.base > m.base && m.held != 0 {
		return true // inside Block: what was held then is given up now
	}
	for i := r.base; i < r.n; i++ {
		p := &r.holds[i]
		if t != nil && p.tok != t || p.since&^(tick-1) <= m.seq {
			continue
		}
		// Found changed since then, or taken since then: if it was held then too, it
		// was released in between.
		// Of one token that is asked for, either is the answer.
		if t != nil || p.since&lost != 0 || p.tok.Absorbed() || bloom(p.tok)&m.held != 0 {
			return true
		}
	}
	return false
}

func bloom(t *token.Token) uint64 {
	return 1 << (uint64(uintptr(unsafe.Pointer(t))>>3) * 0x9e3779b97f4a7c15 >> 58)
}
