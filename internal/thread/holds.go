package thread

// A hold is one token in a thread's set, with all its references.
//
// Layout: the references to one token are a stack of modes, of which only two
// numbers matter: how many there are, and how many shared ones lie beneath the
// oldest exclusive one. Released newest first, the thread keeps the token exclusively
// until just the latter are left, then shares it, then is rid of it.
//
// Bits of since: 63..2 the thread's clock when the hold began, or was last found
// changed; bit 1 noted: notes[i] is this hold's; bit 0 lost: it was found changed.
//
// Invariants:
//
//	H1 1 <= depth, shares <= depth; the token is held exclusively iff shares < depth.
//	H2 gen is the token's generation when the thread last had it. It is refreshed
//	   wherever a hold is given up or made exclusive (claimHolds, Suspend, trySet,
//	   again); a fast path leaves it stale while the token is held.
//
// Transitions (references, token):
//
//	H.a none        --acquire-->  depth 1                  take
//	H.b exclusive   --acquire-->  depth+1                  -
//	H.c shared      --share---->  depth+1, shares+1        -
//	H.d shared      --acquire-->  depth+1                  upgrade in place, or drop and retake
//	H.e depth > 1   --release-->  depth-1, downgrade if that leaves shares only and did not before
//	H.f depth == 1  --release-->  none                     leave
//
// Lock order: none. Blocking: the slow halves wait for tokens, by await.
// Departures: DragonFly keeps a tokref per reference, releases LIFO only, and
// never completes H.d.

import (
	"fmt"
	"strings"
	"unsafe"

	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/invariants"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// hold is one token in a thread's set (H1, H2).
type hold struct {
	tok *token.Token
	refs
	since uint64
	gen   uint64
}

// refs are the references of a hold (H1).
type refs struct{ depth, shares uint32 }

// note is what is recorded about a hold while recording is on.
type note struct {
	site  uintptr
	since int64
}

const (
	lost  = 1 << 0
	noted = 1 << 1
	tick  = 1 << 2
)

func (r refs) mode() token.Mode {
	if r.shares < r.depth {
		return token.Exclusive
	}
	return token.Shared
}

// The three fast paths. They are written out, in single comparisons, because a
// function call or a boolean kept in a register is a tenth of what they cost.

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
					p.tok = nil
					r.n = int32(n)
					if p.shares != 0 {
						if !t.LeaveShared() {
							t.Examine()
						}
					} else if !t.LeaveOwned(r.own) {
						t.Leave(token.Exclusive)
					}
					return
				}
			}
		}
	}
	releaseSlow(h, t)
}

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
		if spin == spins-1 || t.Frozen() || r.host != nil {
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
		clear(c.Wants)
		return false
	}
	r.settle(wants, r.seq, 0)
	return true
}

// again adds a reference to the hold at i, if the thread has the token in a mode
// that is strong enough or can be made so in place.
func (r *Record) again(i int, m token.Mode) bool {
	p := &r.holds[i]
	switch {
	case p.mode() == token.Exclusive: // H.b
		if r.base == 0 {
			r.recent = p
		}
	case m == token.Shared: // H.c
		p.shares++
	case p.tok.Upgrade(r.id): // H.d
		p.gen = p.tok.Gen()
		p.depth++
		r.gained(i)
		r.noteGain(i, 0, true)
		return true
	default:
		return false
	}
	p.depth++
	return true
}

// push adds a hold of a token that was just taken.
func (r *Record) push(t *token.Token, m token.Mode, wait int64) {
	i := r.addRef(t, m)
	r.gained(i)
	r.noteGain(i, wait, false)
}

// addRef adds a reference, and the hold for it if there is none (H.a-H.d). The
// token's word says already that the thread has it in this mode.
func (r *Record) addRef(t *token.Token, m token.Mode) (i int) {
	if i = r.find(t); i < 0 {
		i = int(r.n)
		if i == len(r.holds) {
			r.holds = append(r.holds, make([]hold, i)...)
			clear(r.first[:])
			r.recent = &r.holds[0]
		}
		r.holds[i] = hold{tok: t, since: r.seq, gen: t.Gen()}
		r.n++
	}
	p := &r.holds[i]
	if m == token.Shared && p.shares == p.depth {
		p.shares++
	}
	p.depth++
	return i
}

// gained settles the generations after the token at i was taken, or taken back,
// and says whether somebody else had it exclusively since the thread had it last.
// The bump comes after the comparison, and what the thread does with the token
// inside a Block does not count against what it gave up for that.
func (r *Record) gained(i int) (changed bool) {
	p := &r.holds[i]
	seen := p.tok.Gen()
	if changed = p.gen != seen; changed {
		r.lose(p)
	}
	if p.mode() == token.Exclusive {
		p.tok.Bump()
	}
	p.gen = p.tok.Gen()
	for j := range r.holds[:r.base] {
		if o := &r.holds[j]; o.tok.Root() == p.tok {
			if o.gen != seen {
				r.lose(o)
			}
			o.gen = p.gen
		}
	}
	return changed
}

func (r *Record) lose(p *hold) {
	r.seq += tick
	p.since = r.seq | lost | p.since&noted
}

func releaseSlow(h *Handle, t *token.Token) {
	r := enter(h, "Release", t)
	i := r.find(t)
	if i < 0 {
		r.misuse("Release", t, r.whyNotHeld(t))
	}
	if r.host != nil && r.visible(i) {
		r.point(OpRelease, t, r.holds[i].mode())
	}
	r.drop1(i)
	r.leave()
}

// drop1 undoes the newest reference of the hold at i (H.e, H.f).
func (r *Record) drop1(i int) {
	p := &r.holds[i]
	if p.depth == 1 {
		r.discard(i)
		return
	}
	was := p.mode()
	p.depth--
	if p.depth < p.shares {
		p.shares = p.depth
	}
	if was != p.mode() {
		p.tok.Downgrade()
		r.noteGain(i, 0, true)
	}
}

// discard releases the hold at i with all its references.
func (r *Record) discard(i int) {
	p := r.holds[i]
	r.noteLoss(i)
	r.forget(i)
	p.tok.Leave(p.mode())
}

// forget takes the hold at i off the stack.
func (r *Record) forget(i int) {
	copy(r.holds[i:r.n], r.holds[i+1:r.n])
	if i < len(r.notes) {
		copy(r.notes[i:], r.notes[i+1:])
	}
	r.n--
	r.holds[r.n] = hold{}
}

// find returns the index of the hold of t, or -1.
func (r *Record) find(t *token.Token) int {
	for i := int(r.n) - 1; i >= int(r.base); i-- {
		if r.holds[i].tok == t {
			return i
		}
	}
	return -1
}

// Held says how the thread holds t now.
func Held(h *Handle, t *token.Token) (m token.Mode) {
	r := enter(h, "Held", t)
	if i := r.find(t); i >= 0 {
		m = r.holds[i].mode()
	}
	r.leave()
	return m
}

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

// whyNotHeld explains a release of t that the thread does not hold.
func (r *Record) whyNotHeld(t *token.Token) string {
	for i := range r.holds[:r.base] {
		if r.holds[i].tok == t {
			return "it was given up by Block when the function given to it began, and comes back when that returns"
		}
	}
	switch w := t.Word(); {
	case w.Owner() != 0:
		return "this thread does not hold it; " + NameOf(w.Owner()) + " does, exclusively" + r.heldSite(t)
	case w.Shares() > 0:
		return fmt.Sprintf("this thread does not hold it; %d others share it%s", w.Shares(), r.heldSite(t))
	}
	return "nobody holds it: it was released once too often, or by the wrong goroutine (-tags lwkt_invariants tells)"
}

// heldSite tells where t was acquired, or how to learn that.
func (r *Record) heldSite(t *token.Token) string {
	if r.probe.Load()&record == 0 {
		return "; where it was acquired is recorded after lwkt.SetRecording(true)"
	}
	var b strings.Builder
	_, holders := t.Describe().Stats.Read()
	for _, h := range holders {
		fmt.Fprintf(&b, "; acquired at %s", Site(h.Site))
	}
	return b.String()
}

// describeHolds lists what the thread holds, for a message.
func (r *Record) describeHolds() string {
	var b strings.Builder
	for i := r.base; i < r.n; i++ {
		p := &r.holds[i]
		if i > r.base {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%v (%v)", p.tok, p.mode())
		if p.since&noted != 0 {
			fmt.Fprintf(&b, " acquired at %s", Site(r.notes[i].site))
		}
	}
	if r.probe.Load()&record == 0 {
		b.WriteString("; where it was acquired is recorded after lwkt.SetRecording(true)")
	}
	return b.String()
}
