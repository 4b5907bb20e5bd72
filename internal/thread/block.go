package thread

// The blocking point. A thread waits in one of three ways, and each gives up all
// its tokens first and goes on only when it has all of them again:
//
//   - wait: for tokens that it asked for, together with those that it holds;
//   - Suspend ... Resume: around a park for something else (internal/sleepq);
//   - Block: around a function of the user's.
//
// Layout: record.go (R1, R2).
// Bits: none of its own.
// Invariants: R2; whoever resumes holds its whole set, by one grant of one claim.
// Transitions:
//
//	P.a wait:    holds + wants --File--> none held --grant--> all held
//	P.b Suspend: holds[base:n] --Leave each--> none held, base = n
//	P.c Resume:  what P.b gave up --File--> all held, base as before
//
// Lock order: none is held here but what the caller's kind of wait allows.
// Blocking: this is it.
// Departures: a DragonFly thread is not dispatched without its tokens; a goroutine
// is, but sees nothing of it before File or Retry said that it has them.

import (
	"runtime"

	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// wait acquires what is wanted with what is held, in one grant. When done is closed
// first, ok is false and only what was held is held again.
func (r *Record) wait(op string, wants []token.Want, done <-chan struct{}) (changed, ok bool) {
	r.mayDrop(op, wants[0].Tok, nil)
	begun := r.now()
	r.stats.Waits++
	if r.n > r.base {
		r.stats.Drops++
	}
	r.claimHolds(true)
	for _, w := range wants {
		r.claimMore(w)
	}
	seq := r.seq
	if ok = r.await(done); !ok { // P.a
		wants = nil
	}
	var took int64 // 0 unless recording was on all the time
	if begun != 0 {
		took = r.Now() - begun
	}
	if changed = r.settle(wants, seq, took); changed {
		r.stats.Changes++
	}
	return changed, ok
}

// claimHolds makes the claim one of what holds[base:n] says.
func (r *Record) claimHolds(had bool) {
	r.claim.Wants = r.claim.Wants[:0]
	for i := r.base; i < r.n; i++ {
		p := &r.holds[i]
		w := token.Want{Tok: p.tok, Mode: p.mode()}
		if had {
			w.Had = w.Mode
			p.gen = p.tok.Gen()
			r.noteLoss(int(i))
		}
		r.claim.Wants = append(r.claim.Wants, w)
	}
}

// claimMore adds a want to the claim, once per token.
func (r *Record) claimMore(w token.Want) {
	w.Tok = w.Tok.Root()
	for i := range r.claim.Wants {
		if c := &r.claim.Wants[i]; c.Tok == w.Tok {
			c.Mode = max(c.Mode, w.Mode)
			return
		}
	}
	r.claim.Wants = append(r.claim.Wants, w)
}

// await files the claim and parks until it is granted. When done is closed first,
// it waits for what was held only, and says so.
func (r *Record) await(done <-chan struct{}) (ok bool) {
	c, seen := &r.claim, hw.Recall()
	r.park.Init()
	c.Prio = r.Grade()
	ok = true
	for granted := c.File(); !granted; granted = granted || c.Retry() {
		seen.Forget(hw.Bit(ok))
		if unequal.Load() > 0 {
			r.lendOn()
		}
		if r.parked(done) == hw.Done {
			won, left := c.Shrink()
			ok, done, granted = won, nil, !left
		}
	}
	seen.Forget(hw.Bit(ok))
	if r.lends.Load() != 0 {
		r.stopLending()
	}
	r.stats.MaxOvertaken = max(r.stats.MaxOvertaken, c.Overtaken())
	return ok
}

// settle brings the holds up to date after the claim was granted: it adds the
// references that were wanted, and says whether one of the tokens was found changed
// after seq. wait is how long the grant took.
func (r *Record) settle(wants []token.Want, seq uint64, wait int64) (changed bool) {
	for i := r.base; i < r.n; i++ {
		r.holds[i].tok = r.holds[i].tok.Root() // it may have been merged meanwhile
	}
	for _, w := range wants {
		r.addRef(w.Tok.Root(), w.Mode)
	}
	for k := range r.claim.Wants {
		w := &r.claim.Wants[k]
		i := r.find(w.Tok)
		r.gained(i)
		r.noteGain(i, wait, w.Had != token.None || len(wants) == 0)
		since := r.holds[i].since
		changed = changed || since&lost != 0 && since > seq|noted|lost
	}
	r.claim.Done()
	clear(r.want[:])
	return changed
}

// mayDrop is asked before an operation changes anything that it would have to
// give up tokens for, or wait for at all. A lock that it drops is let off.
func (r *Record) mayDrop(op string, t *token.Token, dropped *Object) {
	if r.nlocks > 0 && r.lockedBut(Spin, dropped) {
		r.misuse(op, t, "it would block while the thread holds a spin mutex; it holds "+r.describeLocks())
	}
	if r.noBlock > 0 && r.n > r.base {
		r.misuse(op, t, "it would block, and give up what is held, inside NoBlock: "+r.describeHolds())
	}
}

// MayDrop is mayDrop for an operation outside this package.
func MayDrop(h *Handle, op string, t *token.Token) {
	r := enter(h, op, t)
	r.mayDrop(op, t, nil)
	r.leave()
}

// Suspended is what Resume needs to know about its Suspend.
type Suspended struct {
	base int32
	seq  uint64
}

// MayDrop is to be asked before anything is done that leads to Suspend.
func (r *Record) MayDrop(op string) { r.mayDrop(op, nil, nil) }

// MaySleep is MayDrop for a wait that is not bounded. Wakes ends what it begins.
func (r *Record) MaySleep(op string) {
	r.MaySleepBut(op, nil)
}

// MaySleepBut is MaySleep for a wait that drops a lock.
func (r *Record) MaySleepBut(op string, dropped *Object) {
	r.mayWant(op, nil, WantSleep, dropped)
	r.rests(op, dropped)
	r.mayDrop(op, nil, dropped)
	if r.noBlock > 0 && r.GivesUp() {
		r.misuse(op, nil, "it would sleep, and give up what is held, inside NoBlock: "+r.describeLocks())
	}
	r.sleeps(op, dropped)
	r.fallAsleep(op)
}

// Wakes ends what MaySleep began, before anything else is taken back than the locks that
// any sleep gives up. It waits for these.
func (r *Record) Wakes() {
	r.wakes()
	r.reclaim()
}

// Suspend gives up all tokens for a wait that is not for tokens (P.b), and if that is a sleep
// the locks that any sleep gives up.
func (r *Record) Suspend() Suspended {
	r.surrender()
	if r.n > r.base {
		r.stats.Drops++
	}
	for i := r.base; i < r.n; i++ {
		p := &r.holds[i]
		p.gen = p.tok.Gen()
		r.noteLoss(int(i))
		p.tok.Leave(p.mode())
	}
	if r.probe.Load()&lentTo != 0 {
		r.giveBack()
	}
	s := Suspended{r.base, r.seq}
	r.base = r.n
	return s
}

// Resume takes back what Suspend gave up (P.c) and says whether any of it changed
// hands.
func (r *Record) Resume(s Suspended) (changed bool) {
	r.base = s.base
	r.point(OpResume, nil, token.None)
	r.claimHolds(false)
	switch all := r.claim.Wants; {
	case len(all) == 0:
		return false
	case len(all) > 1 || !all[0].Tok.Take(all[0].Mode, r.id):
		r.await(nil)
	}
	if changed = r.settle(nil, s.seq, 0); changed {
		r.stats.Changes++
	}
	if r.probe.Load()&force != 0 {
		changed = r.loseAll()
	}
	return changed
}

// Block gives up all tokens, calls f, and takes them back, also if f panics or
// ends the goroutine.
func Block(h *Handle, op string, f func()) (changed bool) {
	NeedsFunction(h, op, f == nil)
	r := enter(h, op, nil)
	r.point(OpBlock, nil, token.None)
	r.MaySleep(op)
	s := r.Suspend()
	if r.base > s.base {
		r.probe.Or(nested)
	}
	r.leave()

	returned := false
	defer func() {
		r := enter(h, op, nil)
		r.entered = s.base
		left := ""
		if r.n > r.base {
			left = r.describeHolds()
			for r.n > r.base {
				r.discard(int(r.n) - 1)
			}
		}
		if s.base == 0 {
			r.probe.And(^nested)
		}
		r.Wakes()
		changed = r.Resume(s)
		if left != "" && returned { // else a panic is under way, which says more
			r.misuse(op, nil, "the function given to it returned with tokens, which are released now: "+left)
		}
		r.leave()
	}()
	f()
	returned = true
	return // what the deferred function found
}

// NoBlock calls f; an operation in it that would give up tokens panics.
func NoBlock(h *Handle, f func()) {
	NeedsFunction(h, "NoBlock", f == nil)
	enter(h, "NoBlock", nil).leave().noBlock++
	defer func() { enter(h, "NoBlock", nil).leave().noBlock-- }()
	f()
}

// forced gives up and takes back what is held, if forced drops are on, as if
// another thread had had all of it meanwhile.
func (r *Record) forced(op string, t *token.Token) (changed bool) {
	if r.probe.Load()&force == 0 || r.n == r.base {
		return false
	}
	if r.noBlock > 0 {
		r.misuse(op, t, "it could block, and then give up what is held, inside NoBlock: "+r.describeHolds())
	}
	s := r.Suspend()
	if r.host != nil {
		r.host.Yield()
	} else {
		runtime.Gosched()
	}
	return r.Resume(s)
}

// loseAll treats everything that is held as changed.
func (r *Record) loseAll() (any bool) {
	for i := r.base; i < r.n; i++ {
		r.lose(&r.holds[i])
		any = true
	}
	return any
}

// MustBlock says whether an operation that may not need to block is to block all
// the same, because forced drops are on.
func MustBlock(h *Handle, op string) bool {
	if h != nil && h.rec != nil && h.rec.probe.Load() == 0 {
		return false
	}
	r := enter(h, op, nil).leave()
	return r.probe.Load()&force != 0 && r.n > r.base
}

// Merge merges from into to; the thread holds both exclusively, once each.
func Merge(h *Handle, to, from *token.Token) {
	r := enter(h, "Merge", nil)
	r.point(OpMerge, from, token.Exclusive)
	i := r.find(from)
	r.noteLoss(i)
	token.Merge(to, from, r.id)
	r.forget(i)
	r.leave()
}

// Enter and Leave bracket an operation of internal/sleepq on the record of h.
func Enter(h *Handle, op string) *Record { return enter(h, op, nil) }

// Leave ends what Enter began.
func (r *Record) Leave() { r.leave() }

// Park blocks the goroutine until Unpark, done or the deadline; permits may be
// left over from earlier, so the caller looks at its condition again.
func (r *Record) Park(done <-chan struct{}, deadline int64) hw.Why {
	if r.host != nil {
		return r.host.Park(done, deadline, true)
	}
	r.off.Store(true)
	why := r.park.Park(done, deadline)
	r.off.Store(false)
	return why
}

// Running says whether the thread may be running, as far as that can be known of a
// goroutine: it is not parked by this package. Of a simulated thread its host knows. One
// that holds tokens counts as one that is not, since it could be waiting for us.
func (r *Record) Running() bool {
	if r.host != nil {
		return r.host.Running()
	}
	return !r.off.Load()
}

// parked parks until the claim may have been granted, or done is closed.
func (r *Record) parked(done <-chan struct{}) hw.Why {
	if r.host != nil {
		return r.host.Park(done, 0, false)
	}
	return r.park.Park(done, 0)
}

// PreparePark is called before anybody may Unpark.
func (r *Record) PreparePark() { r.park.Init() }

// SleepState is where internal/sleepq keeps what it needs once per thread.
func (r *Record) SleepState() *any { return &r.sleep }
