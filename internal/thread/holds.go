package thread

// A hold is one token in a thread's set, with all its references.
//
// Layout: the references to one token are a stack of modes, of which only two
// numbers matter: how many there are, and how many shared ones lie beneath the
// oldest exclusive one. Released newest first, the thread keeps the token exclusively
// until just the latter are left, then shares it, then is rid of it.
//
// Bits: since is, in bits 63..2, the thread's clock when the hold began, or was last
// found changed; bit 1 noted: sites[i] is this hold's; bit 0 lost: it was found changed.
// They are the thread's own, and never spurious.
//
// Invariants:
//
//	H1 1 <= depth, shares <= depth; the token is held exclusively iff shares < depth.
//	H2 gen is the token's generation when the thread last had it. It is refreshed
//	   wherever a hold is given up or made exclusive (claimHolds, Suspend, trySet,
//	   again); a fast path leaves it stale while the token is held.
//
// Transitions: of the references, and what becomes of the token
//
//	H.a none        --acquire-->  depth 1                  take
//	H.b exclusive   --acquire-->  depth+1                  -
//	H.c shared      --share---->  depth+1, shares+1        -
//	H.d shared      --acquire-->  depth+1                  upgrade in place, or drop and retake
//	H.e depth > 1   --release-->  depth-1, downgrade if that leaves shares only and did not before
//	H.f depth == 1  --release-->  none                     leave
//
// Lock order: none.
// Blocking: the slow halves wait for tokens, by await (block.go).
// Departures: DragonFly keeps a tokref per reference, releases LIFO only, and
// never completes H.d.

import "github.com/serializing-tokens/lwkt/internal/token"

// hold is one token in a thread's set (H1, H2).
type hold struct {
	tok *token.Token
	refs
	since uint64
	gen   uint64
}

// refs are the references of a hold (H1).
type refs struct{ depth, shares uint32 }

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
	if r.probe.Load()&lentTo != 0 {
		r.giveBack()
	}
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
	if i < len(r.sites) {
		copy(r.sites[i:], r.sites[i+1:])
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
