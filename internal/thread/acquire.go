package thread

// Acquisition where the fast path does not do: of what is held already, with waiting,
// of several tokens at once, and without waiting at all.
//
// State machine: holds.go

import (
	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// TryAcquire takes t in the mode if that needs no wait. An upgrade that is not
// possible keeps the share.
func TryAcquire(h *Handle, t *token.Token, m token.Mode) bool {
	r := enter(h, tryOp[m], t)
	defer r.leave()
	r.point(OpTry, t, m)
	if r.find(t) < 0 {
		if t.Take(m, r.id) {
			r.push(t, m, 0)
			return true
		}
		if t.Busy(m) && t.Root() == t {
			return false
		}
	}
	one := [1]token.Want{{Tok: t, Mode: m}}
	return r.trySet(one[:])
}

// What the forms of acquisition are called, by mode.
var (
	plainOp   = [...]string{token.Shared: "AcquireShared", token.Exclusive: "Acquire"}
	tryOp     = [...]string{token.Shared: "TryAcquireShared", token.Exclusive: "TryAcquire"}
	contextOp = [...]string{token.Shared: "AcquireSharedContext", token.Exclusive: "AcquireContext"}
)

// ContextOp is what acquisition that ends with a context is called.
func ContextOp(m token.Mode) string { return contextOp[m] }

func acquireSlow(h *Handle, t *token.Token, m token.Mode) (changed bool) {
	r := enter(h, plainOp[m], t)
	changed, _ = r.acquire(plainOp[m], t, m, nil)
	r.leave()
	return changed
}

// AcquireUntil is Acquire, given up when done is closed: then ok is false.
func AcquireUntil(h *Handle, t *token.Token, m token.Mode, done <-chan struct{}) (changed, ok bool) {
	r := enter(h, contextOp[m], t)
	defer r.leave()
	return r.acquire(contextOp[m], t, m, done)
}

// acquire is the slow half of all single acquisitions.
func (r *Record) acquire(op string, t *token.Token, m token.Mode, done <-chan struct{}) (changed, ok bool) {
	i := r.find(t)
	if i >= 0 && (m == token.Shared || r.holds[i].mode() == token.Exclusive) {
		return false, r.again(i, m)
	}
	r.mayWant(op, t, WantToken, nil)
	r.wantsToken(t)
	if r.host != nil {
		r.host.Point(Op{Kind: OpAcquire, Tok: t, Mode: m, Done: done})
	}
	changed = r.forced(op, t)
	for spin := range spins {
		if i >= 0 {
			if r.again(i, m) {
				return changed, true
			}
		} else if t.Take(m, r.id) {
			r.push(t, m, 0)
			return changed, true
		}
		if spin == spins-1 || r.host != nil || t.Frozen() {
			break // whoever has it now, the next one is chosen already
		}
		hw.Pause(spinPause)
	}
	one := [1]token.Want{{Tok: t, Mode: m}}
	waited, ok := r.wait(op, one[:], done)
	return changed || waited, ok
}

// spins is how often a token is looked at before its thread parks, spinPause the
// length of the pause in between. More would keep the tokens that are held.
const (
	spins     = 8
	spinPause = 8
)

// AcquireSet takes several tokens at once; each is in wants once or more. Without
// wait it fails rather than wait. ok is false if it failed or done was closed.
func AcquireSet(h *Handle, wants []token.Want, wait bool, done <-chan struct{}) (changed, ok bool) {
	r := enter(h, "AcquireAll", nil)
	defer r.leave()
	if len(wants) == 1 && wait {
		return r.acquire("AcquireAll", wants[0].Tok, wants[0].Mode, done)
	}
	if !wait {
		r.pointSet(OpTry, wants, nil)
		return false, r.trySet(wants)
	}
	r.mayWant("AcquireAll", nil, WantToken, nil)
	r.pointSet(OpAcquireAll, wants, done)
	if !r.covers(wants) {
		changed = r.forced("AcquireAll", nil)
	}
	if r.trySet(wants) {
		return changed, true
	}
	waited, ok := r.wait("AcquireAll", wants, done)
	return changed || waited, ok
}

// covers says whether all that is wanted is held in a strong enough mode.
func (r *Record) covers(wants []token.Want) bool {
	for _, w := range wants {
		if i := r.find(w.Tok); i < 0 || r.holds[i].mode() < w.Mode {
			return false
		}
	}
	return true
}

// trySet takes all or none of them, with no moment in between.
func (r *Record) trySet(wants []token.Want) bool {
	c := &r.claim
	c.Wants = c.Wants[:0]
	for _, w := range wants {
		if i := r.find(w.Tok); i < 0 || r.holds[i].mode() < w.Mode {
			r.claimMore(w)
		}
	}
	for i := range c.Wants {
		if j := r.find(c.Wants[i].Tok); j >= 0 { // a share, to be made exclusive
			c.Wants[i].Had = token.Shared
			r.holds[j].gen = r.holds[j].tok.Gen()
		}
	}
	if len(c.Wants) > 0 && !c.TryFile() {
		c.Done()
		return false
	}
	r.settle(wants, r.seq, 0)
	return true
}
