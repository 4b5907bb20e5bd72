package token

// Claim is one thread's wait for a whole set of tokens. Each thread has one and
// uses it again for every wait.
//
// Layout: identity, wants, rank (hard, priority, age), progress.
// Bits: state, below.
// Invariants:
//
//	C1 a filed claim, waiting or called, is listed once in the queue of every token that it
//	   wants; of one into which another that it wanted was merged, twice, both exclusively.
//	C2 a filed claim watches exactly one of its tokens: one that kept it from
//	   being granted when it was last tried.
//	C3 a hard claim's tokens are frozen (word.go).
//
// Transitions:
//
//	S1 idle or granted --file--------------> waiting   (and S4 at once, if it can be)
//	S2 waiting --call----------------------> called
//	S3 called  --retry, grant, give up-----> waiting   (and on from there)
//	S4 waiting --grant---------------------> granted   (edge: the last releases of its tokens -> this)
//	S5 waiting --nothing left to wait for--> idle
//	S6 waiting or granted --end of the thread--> idle
//
// Lock order: all fields marked (book) are guarded by book.lock, a leaf.
// Blocking: nothing here parks; the thread parks between File and the grant.
// Departures: DragonFly's waiters poll and have no claim.

import (
	"cmp"
	"slices"
	"unsafe"

	"github.com/serializing-tokens/lwkt/internal/hw"
)

// Claim is one thread's wait for a whole set.
type Claim struct {
	ID    uint32 // the thread's identity in token words; constant
	Waker Waker  // wakes the thread; constant

	Observer Observer // if not nil, of simulated threads, told what is looked at; constant

	Wants []Want // (the thread while idle, else book) first those held before, then new ones
	Prio  int32  // (the thread while idle, else book) its grade; higher is better

	state     state  // (book)
	hard      bool   // (book) its tokens are reserved for it
	passed    uint32 // (book) grants that overtook it, and its own failed retries
	age       uint64 // (book) filing order
	overtaken uint64 // (book) passed and barges together, at the grant
	watch     *Want  // (book) C2
	woke      *Token // (book) for which it was called
}

// Done ends the use of a claim that is not filed any more. It keeps nothing alive.
func (c *Claim) Done() {
	clear(c.Wants[:cap(c.Wants)])
	c.Wants, c.overtaken = c.Wants[:0], 0
}

// Waker lets a parked thread run. Unpark gives a binary permit: it may come when
// the thread is not parked, and then the next park returns at once.
type Waker interface{ Unpark() }

// Want is one token of a claim's set.
type Want struct {
	Tok  *Token
	Mode Mode // how it is wanted
	Had  Mode // how it is held when the claim is filed, hence given up by File

	claim *Claim // (book)
	base  uint64 // (book) the queue's count of barges when the claim was filed
}

// Overtaken is how often the last granted wait was overtaken, counting its own
// failed tries: at most (n+1)K for n tokens. The claim is not filed.
func (c *Claim) Overtaken() uint64 { return c.overtaken }

type state uint8

const (
	idle    state = iota // not filed, or granted and forgotten
	waiting              // filed, and nobody has told the thread to look
	called               // told to try for itself
	granted              // has its whole set
)

func (c *Claim) become(s state) {
	hw.Tell(unsafe.Pointer(&c.state), uint64(c.state), uint64(s))
	c.state = s
}

// queue is the waiting side of a token that somebody waits for.
type queue struct {
	claims []*Want  // every claim that names the token, by age
	watch  []*Want  // those to be looked at when it becomes free, by rank
	passed uint64   // barges so far, as far as counted
	lent   uint32   // barges that the word was given when it was last thawed
	hard   int      // hard claims among claims
	spent  int      // so many of the oldest claims are hard because of barges
	called *Claim   // was called to try for this token and has not tried yet
	later  bool     // in book.later
	listed bool     // in book.touched
	seen   Observer // of the first of the claims
}

// byAge orders claims by when their wait began.
func byAge(a, b *Want) int { return cmp.Compare(a.claim.age, b.claim.age) }

// byRank orders claims by who is to be granted first: hard ones by age, then by
// priority, then by age.
func byRank(a, b *Want) int {
	x, y := a.claim, b.claim
	if x.hard != y.hard {
		if x.hard {
			return -1
		}
		return 1
	}
	if !x.hard && x.Prio != y.Prio {
		return cmp.Compare(y.Prio, x.Prio)
	}
	return cmp.Compare(x.age, y.age)
}

func insert(list []*Want, w *Want, order func(a, b *Want) int) []*Want {
	i, _ := slices.BinarySearchFunc(list, w, order)
	return slices.Insert(list, i, w)
}

func remove(list []*Want, w *Want, order func(a, b *Want) int) []*Want {
	i, _ := slices.BinarySearchFunc(list, w, order)
	return slices.Delete(list, i, i+1)
}

// conflicts says whether two holds of one token exclude each other.
func conflicts(a, b Mode) bool { return a == Exclusive || b == Exclusive }

// reserved says whether w's token is kept from w's claim by a hard claim: any
// for a soft claim, an older one for a hard claim.
func (w *Want) reserved() bool {
	q, c := w.Tok.q, w.claim
	if q.hard == 0 {
		return false
	}
	for _, o := range q.claims {
		d := o.claim
		if c.hard && d.age >= c.age {
			break
		}
		if d.hard && d != c && conflicts(o.Mode, w.Mode) {
			return true
		}
	}
	return false
}
