package lock

// The spin mutex (mutex(9), MTX_SPIN): whoever wants it turns round and round until it is
// free, and whoever has it is in a critical section, in which it must not wait for anything.
//
// State machine: word.go
//
// It uses transitions T1, T5 and T10, and no marks: nobody is on a queue. The critical section begins before the
// attempt and ends after the release, so that on a simulated machine its owner is never
// off its processor; between two attempts of one who spins there is none.

import (
	"fmt"
	"time"

	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/invariants"
	"github.com/serializing-tokens/lwkt/internal/sleepq"
	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// Patience is how long one spins: then the owner is taken to be stuck, which it is named for.
type Patience struct {
	Warn, Panic time.Duration // of goroutines
	Rounds      int           // of a simulated thread, each as long as an operation; it is not warned
}

// SpinPatience is that of all spin mutexes. Tests change it.
var SpinPatience = Patience{Warn: time.Second, Panic: time.Minute, Rounds: 10_000}

// Spin takes a spin mutex.
func Spin(h *thread.Handle, l *Lock) {
	if h != nil && !(invariants.Enabled && h.Detour()) {
		if r := h.Fast(); r != nil && l.word.CompareAndSwap(0, r.Own()) { // T1
			r.PushSpin(&l.Object)
			return
		}
	}
	spinSlow(h, l)
}

// SpinRelease undoes the newest Spin, which must be that of this mutex.
func SpinRelease(h *thread.Handle, l *Lock) {
	if h != nil && !(invariants.Enabled && h.Detour()) {
		if r := h.FastRelease(&l.Object, token.Exclusive); r != nil && l.word.CompareAndSwap(r.Own(), 0) { // T5
			r.PopSpin()
			return
		}
	}
	spinReleaseSlow(h, l)
}

func spinSlow(h *thread.Handle, l *Lock) {
	const op = "Lock"
	r := l.enter(h, op, thread.Spin)
	defer r.Leave()
	l.spinFor(r, op)
}

// spinFor is the slow half of what takes the mutex and may spin.
func (l *Lock) spinFor(r *thread.Record, op string) {
	const c = thread.Spin
	l.identify(c)
	r.MayTake(op, &l.Object, c)
	r.Wants(&l.Object, c, token.Exclusive)
	if _, had := l.again(r, op, c, &Request{Mode: token.Exclusive}); had {
		return
	}
	r.PointLock(thread.OpSpin, l, token.Exclusive, nil)
	l.alive(r, op)
	begun, spun := r.Began(), spinning{l: l, r: r}
	for !l.spinTry(r) {
		spun.round(op)
	}
	r.AddLock(&l.Object, c, token.Exclusive, false, spun.took(begun))
}

// spinTry is one attempt, which leaves the thread in a critical section if it succeeds.
func (l *Lock) spinTry(r *thread.Record) bool {
	if w := l.load(); w != 0 {
		if w.Owner() == dead.Owner() {
			l.alive(r, "Lock") // it is not; apart, for that one forgets what is spun on
		}
		return false
	}
	r.EnterCrit()
	if l.word.CompareAndSwap(0, r.Own()) { // T1
		return true
	}
	r.ExitCrit() // somebody else took it
	return false
}

// SpinTry takes a spin mutex if it is free.
func SpinTry(h *thread.Handle, l *Lock) bool {
	const c, op = thread.Spin, "TryLock"
	r := l.enter(h, op, c)
	defer r.Leave()
	l.identify(c)
	if had, _ := r.LockMode(&l.Object); had != token.None {
		if l.Flag(Recurse) {
			r.AddLock(&l.Object, c, token.Exclusive, true, 0)
		}
		return l.Flag(Recurse)
	}
	r.PointLock(thread.OpTryLock, l, token.Exclusive, nil)
	l.alive(r, op)
	if !l.spinTry(r) {
		return false
	}
	r.AddLock(&l.Object, c, token.Exclusive, false, 0)
	return true
}

func spinReleaseSlow(h *thread.Handle, l *Lock) {
	const c, op = thread.Spin, "Unlock"
	r := l.enter(h, op, c)
	defer r.Leave()
	if !r.HoldsLock(&l.Object, token.Exclusive) {
		l.alive(r, op)
		r.MisuseLock(op, &l.Object, c, l.whyNotHeld(r, token.Exclusive))
	}
	if n := r.NewestOf(c); n != &l.Object {
		r.MisuseLock(op, &l.Object, c, "spin mutexes are released in the reverse order, and the newest one is "+n.Title(c)+r.LockSite(n))
	}
	if !r.Again(&l.Object, token.Exclusive) {
		r.PointLock(thread.OpUnlock, l, token.Exclusive, nil)
	}
	if again, _ := r.RemoveLock(&l.Object, token.Exclusive); !again {
		l.spinLet(r)
	}
}

func (l *Lock) spinLet(r *thread.Record) {
	l.word.CompareAndSwap(r.Own(), 0) // T5; nobody else changes the word of an owner
	r.ExitCrit()
}

// SpinDestroy is Destroy of a spin mutex.
func SpinDestroy(h *thread.Handle, l *Lock) {
	had, _ := Held(h, l)
	Destroy(h, l, thread.Spin, true)
	if had != token.None {
		r := l.enter(h, "Destroy", thread.Spin)
		r.ExitCrit()
		r.Leave()
	}
}

// spinInterlock is a spin mutex as a sleep sees it that drops it (msleep_spin).
type spinInterlock Lock

// SpinInterlock is the mutex as a sleep sees it that drops it.
func (l *Lock) SpinInterlock() sleepq.Interlock {
	l.identify(thread.Spin)
	return (*spinInterlock)(l)
}

// Lock is that of sleepq.Interlock.
func (i *spinInterlock) Lock() thread.Lock { return (*Lock)(i) }

// Obj is that of sleepq.Interlock.
func (i *spinInterlock) Obj() *thread.Object { return &i.Object }

// Class is that of sleepq.Interlock.
func (i *spinInterlock) Class() thread.Class { return thread.Spin }

// MayDrop is that of sleepq.Interlock.
func (i *spinInterlock) MayDrop(r *thread.Record, op string) {
	(*Lock)(i).mayDrop(r, op, thread.Spin)
}

// Drop is that of sleepq.Interlock. It is the only spin mutex that the thread has, or there
// would be no sleep.
func (i *spinInterlock) Drop(r *thread.Record) (how int) {
	r.TouchedLock((*Lock)(i))
	r.RemoveLock(&i.Object, token.Exclusive)
	(*Lock)(i).spinLet(r)
	return int(token.Exclusive)
}

// Retake is that of sleepq.Interlock.
func (i *spinInterlock) Retake(r *thread.Record, op string, _ int) { (*Lock)(i).spinFor(r, op) }

// spinning is one who spins.
type spinning struct {
	l      *Lock
	r      *thread.Record
	rounds int
	since  int64
	warned bool
}

// The rounds of a goroutine: so many in which it looks again at once, then it yields in each, and looks
// at the clock in some.
const (
	spinsAtOnce = 64
	spinsAClock = 64
)

// round passes a moment until the next attempt.
func (s *spinning) round(op string) {
	r := s.r
	r.CountSpin()
	s.rounds++
	switch {
	case r.Hosted():
		if s.rounds > SpinPatience.Rounds {
			s.stuck(op, fmt.Sprintf("%d rounds", SpinPatience.Rounds))
		}
		r.SpinOn(s.l, token.Exclusive, nil)
		if hw.Explored {
			hw.Pause(spinPause) // word by word, until it has changed
		}
	case s.rounds < spinsAtOnce:
		hw.Pause(spinPause)
	default:
		hw.Yield()
		if s.rounds%spinsAClock == 0 {
			s.clock(op)
		}
	}
}

// clock names the owner if it has the mutex for too long.
func (s *spinning) clock(op string) {
	now := s.r.Now()
	if s.since == 0 {
		s.since = now
	}
	spun := time.Duration(now - s.since)
	if spun >= SpinPatience.Panic {
		s.stuck(op, SpinPatience.Panic.String())
	}
	if spun >= SpinPatience.Warn && !s.warned {
		s.warned = true
		if o := s.l.Holder(); o != 0 {
			thread.Warn(fmt.Sprintf("%s spins for %v on %s; %s has it", thread.NameOf(s.r.ID()), SpinPatience.Warn, s.l.What(), thread.NameOf(o)))
		}
	}
}

func (s *spinning) stuck(op, how string) {
	if o := s.l.Holder(); o != 0 {
		s.r.MisuseLock(op, &s.l.Object, thread.Spin, "its owner is stuck: "+thread.NameOf(o)+" has had it for "+how+" of spinning")
	}
}

// took is the time of the wait, if there was one.
func (s *spinning) took(begun int64) int64 {
	if s.rounds == 0 {
		return 0
	}
	return s.r.Took(begun)
}

func init() {
	thread.Discard[thread.Spin] = func(r *thread.Record, obj *thread.Object, m token.Mode) {
		if again, _ := r.RemoveLock(obj, m); !again {
			of(obj).spinLet(r)
		}
	}
}
