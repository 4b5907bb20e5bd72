package thread

// The three fast paths. They are written out, in single comparisons, because a
// function call or a boolean kept in a register is a tenth of what they cost. Whatever
// is not the common case goes to the slow halves (acquire.go, holds.go).
//
// State machine: holds.go

import (
	"github.com/serializing-tokens/lwkt/internal/invariants"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// Acquire takes t exclusively and says whether another token changed hands
// meanwhile.
func Acquire(h *Handle, t *token.Token) (changed bool) {
	if h == nil || invariants.Enabled && h.detour(t) {
		return acquireSlow(h, t, token.Exclusive)
	}
	if r := h.rec; r != nil && r.probe.Load() == 0 {
		if p := r.recent; p.tok == t && p.depth > p.shares {
			p.depth++ // H.b
			return false
		}
		n := int(r.n)
		if n < len(r.holds) && (!r.crowd && t.TakeFree(r.own) || r.barge(t)) {
			p := &r.holds[n] // H.a
			p.tok, p.refs, p.since = t, refs{1, 0}, r.seq
			r.n = int32(n + 1)
			t.Bump()
			if invariants.Enabled {
				r.noteSite(n)
			}
			return false
		}
	}
	return acquireSlow(h, t, token.Exclusive)
}

// barge takes t if that does not need the book. Where a token was waited for lately,
// the next one is too, as a rule: then looking first is cheaper than a CAS that fails.
func (r *Record) barge(t *token.Token) bool {
	w := t.Word()
	r.crowd = w.Claimed()
	return t.TakeOwned(w, r.own)
}

// AcquireShared takes t shared.
func AcquireShared(h *Handle, t *token.Token) (changed bool) {
	if h == nil || invariants.Enabled && h.detour(t) {
		return acquireSlow(h, t, token.Shared)
	}
	if r := h.rec; r != nil && r.probe.Load() == 0 {
		if n := int(r.n); n < len(r.holds) && (n == 0 || r.find(t) < 0) {
			if t.Share() { // to try again at once would help the other reader to fail
				p := &r.holds[n] // H.a
				p.tok, p.refs, p.since = t, refs{1, 1}, r.seq
				r.n = int32(n + 1)
				if invariants.Enabled {
					r.noteSite(n)
				}
				return false
			}
		}
	}
	return acquireSlow(h, t, token.Shared)
}

// Release undoes the newest reference to t.
func Release(h *Handle, t *token.Token) {
	if h == nil || invariants.Enabled && h.detour(t) {
		releaseSlow(h, t)
		return
	}
	if r := h.rec; r != nil && r.probe.Load() == 0 {
		if p := r.recent; p.tok == t && p.depth > p.shares+1 {
			p.depth-- // H.e, exclusive before and after
			return
		}
		n := int(r.n) - 1
		if n >= int(r.base) {
			p := &r.holds[n]
			if p.tok == t {
				if p.depth == 1 { // H.f
					if p.shares != 0 {
						quiet := t.LeaveShared()
						r.popHold(p, n)
						if !quiet {
							t.Examine()
						}
						return
					}
					if t.LeaveOwned(r.own) {
						r.popHold(p, n)
						return
					}
					r.popHold(p, n)
					r.leaveWaited(t)
					return
				}
			}
		}
	}
	releaseSlow(h, t)
}

// popHold takes the newest hold off the list. A fast path releases first, since a locked
// instruction waits for all stores before it.
func (r *Record) popHold(p *hold, n int) {
	p.tok = nil
	r.n = int32(n)
}
