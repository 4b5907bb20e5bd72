//go:build lwkt_words

// The locks that are not tokens, explored word by word: the slow paths of the one algorithm of
// internal/lock, and of what is made of it. That nobody is left waiting is seen by the machine, which
// tells a deadlock.
package explore_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/condvar"
	"github.com/serializing-tokens/lwkt/giant"
	"github.com/serializing-tokens/lwkt/internal/lock"
	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/lockmgr"
	"github.com/serializing-tokens/lwkt/mtxpool"
	"github.com/serializing-tokens/lwkt/rmlock"
	"github.com/serializing-tokens/lwkt/sema"
	"github.com/serializing-tokens/lwkt/serializer"
	"github.com/serializing-tokens/lwkt/sim"
)

// den is what the threads of a program on locks share.
type den struct {
	m       *sim.Machine
	mtx     lwkt.Mtx
	other   lwkt.Mtx
	rw      lwkt.RWLock
	sx      lwkt.SX
	lk, lk2 lockmgr.Lock
	rm      rmlock.Lock
	spin    lwkt.SpinMtx
	sem     sema.Sema
	cond    condvar.Cond
	giant   giant.Mtx
	ser     serializer.Serializer
	pool    mtxpool.Pool
	tok     lwkt.Token
	v, w    sim.Var[int] // guarded by the lock of the program, and by the token or the second lock
	ready   bool         // guarded by the lock of the program
	want    int          // sections with v
	tries   int
	failed  int // of tries
	key     byte
	ctx     context.Context
	cancel  func(td *lwkt.Thread)
	options lwkt.Options
	ended   bool // mtx was destroyed
}

func newDen(m *sim.Machine, o lwkt.Options) *den {
	d := &den{m: m, options: o}
	m.Share(d)
	d.ctx, d.cancel = m.WithCancel(context.Background())
	if o != 0 {
		d.mtx.Init("", o&lwkt.WakeAll)
		d.rw.Init("", o)
		d.sx.Init("", o)
	}
	d.sem.Init("", 1)
	d.pool.Init("", 1)
	m.Share(d.pool.Find(nil))
	return d
}

// alone is a section with the lock held exclusively.
func (d *den) alone(td *lwkt.Thread) {
	d.want++
	me := 1 + d.v.Value()
	d.v.Store(td, me)
	d.m.Assert(d.v.Load(td) == me, "%s is not alone", td.Name())
	forget()
}

// reads is a section with the lock held shared.
func (d *den) reads(td *lwkt.Thread) {
	n := d.v.Load(td)
	d.m.Assert(d.v.Load(td) == n, "%s reads while another one writes", td.Name())
	forget()
}

// end is what must hold when all is over: every lock is free, and nobody waits for it.
func (d *den) end() {
	d.m.Assert(d.v.Value() == d.want, "%d of %d sections", d.v.Value(), d.want)
	d.m.Assert(d.tries < 2 || d.failed < d.tries, "all %d tries failed, so at least one because of nobody", d.tries)
	if d.ended {
		d.mtx.Init("", 0)
	}
	lwkt.Run("after", func(td *lwkt.Thread) {
		d.mtx.Destroy(td)
		d.other.Destroy(td)
		d.rw.Destroy(td)
		d.sx.Destroy(td)
		d.lk.Destroy(td)
		d.rm.Destroy(td)
		d.spin.Destroy(td)
		d.ser.Destroy(td)
		ok := d.tok.TryAcquire(td)
		if ok {
			d.tok.Release(td)
		}
		d.m.Assert(ok, "the token is not free")
	})
}

// section is a lock, a section, and the release.
func section(lock func(d *den, td *lwkt.Thread), in func(d *den, td *lwkt.Thread), unlock func(d *den, td *lwkt.Thread)) denizen {
	return func(d *den, td *lwkt.Thread) {
		lock(d, td)
		forget()
		in(d, td)
		forget()
		unlock(d, td)
		forget()
	}
}

// denizen is what a thread does.
type denizen func(d *den, td *lwkt.Thread)

// twice does it again, so that it may overtake who waits.
func twice(f denizen) denizen {
	return func(d *den, td *lwkt.Thread) {
		f(d, td)
		forget()
		f(d, td)
	}
}

// What threads do.
var (
	mtxLocks = section(
		func(d *den, td *lwkt.Thread) { d.mtx.Lock(td) }, (*den).alone,
		func(d *den, td *lwkt.Thread) { d.mtx.Unlock(td) })
	mtxTries = func(d *den, td *lwkt.Thread) {
		if d.mtx.TryLock(td) {
			d.alone(td)
			d.mtx.Unlock(td)
		}
	}
	mtxGives = func(d *den, td *lwkt.Thread) {
		if _, err := d.mtx.LockContext(d.ctx, td); err == nil {
			d.alone(td)
			d.mtx.Unlock(td)
		}
		d.m.Assert(d.mtx.Held(td) == lwkt.None, "%s holds what it gave up", td.Name())
	}
	mtxLocksAndCancels = func(d *den, td *lwkt.Thread) {
		d.mtx.Lock(td)
		d.alone(td)
		d.cancel(td)
		d.mtx.Unlock(td)
	}
	cancels = func(d *den, td *lwkt.Thread) { d.cancel(td) }

	// One of the two finds out that it was wrong, whatever the order.
	mtxDestroys         = unlessMisuse(func(d *den, td *lwkt.Thread) { d.mtx.Destroy(td); d.ended = true })
	mtxLocksIfItIsThere = unlessMisuse(func(d *den, td *lwkt.Thread) { d.mtx.Lock(td); d.alone(td); d.mtx.Unlock(td) })

	rwWrites = section(
		func(d *den, td *lwkt.Thread) { d.rw.WLock(td) }, (*den).alone,
		func(d *den, td *lwkt.Thread) { d.rw.WUnlock(td) })
	rwReads = section(
		func(d *den, td *lwkt.Thread) { d.rw.RLock(td) }, (*den).reads,
		func(d *den, td *lwkt.Thread) { d.rw.RUnlock(td) })
	rwReadsAgain = section(
		func(d *den, td *lwkt.Thread) { d.rw.RLock(td); d.rw.RLock(td) }, (*den).reads,
		func(d *den, td *lwkt.Thread) { d.rw.RUnlock(td); d.rw.RUnlock(td) })
	rwUpgrades = func(d *den, td *lwkt.Thread) {
		d.rw.RLock(td)
		n := d.v.Load(td)
		if d.rw.TryUpgrade(td) {
			d.m.Assert(n == d.v.Value(), "there was a gap in the upgrade of %s", td.Name())
			d.alone(td)
			d.rw.WUnlock(td)
			return
		}
		d.rw.RUnlock(td)
	}
	rwDowngrades = func(d *den, td *lwkt.Thread) {
		d.rw.WLock(td)
		d.alone(td)
		n := d.v.Value()
		d.rw.Downgrade(td)
		d.m.Assert(d.v.Load(td) == n, "there was a gap in the downgrade of %s", td.Name())
		d.rw.RUnlock(td)
	}
	rwDowngradesAtOnce = func(d *den, td *lwkt.Thread) {
		for range 3 {
			d.rw.WLock(td)
			d.rw.Downgrade(td)
			d.rw.RUnlock(td)
		}
	}
	// Tries that fail only because of one that succeeds, of those that run beside each other.
	rwTriesToWriteAgain = func(d *den, td *lwkt.Thread) {
		rwWrites(d, td)
		if d.try(d.rw.TryWLock(td)) {
			d.alone(td)
			d.rw.WUnlock(td)
		}
	}
	rwTriesToUpgrade = func(d *den, td *lwkt.Thread) {
		d.rw.WLock(td)
		d.rw.Downgrade(td)
		if d.try(d.rw.TryUpgrade(td)) {
			d.alone(td)
			d.rw.WUnlock(td)
			return
		}
		d.rw.RUnlock(td)
	}
	rwTriesToRead = func(d *den, td *lwkt.Thread) {
		if d.try(d.rw.TryRLock(td)) {
			d.reads(td)
			d.rw.RUnlock(td)
		}
	}
	rwGives = func(d *den, td *lwkt.Thread) {
		if _, err := d.rw.WLockContext(d.ctx, td); err == nil {
			d.alone(td)
			d.rw.WUnlock(td)
		}
	}
	rwSleepsOn = func(d *den, td *lwkt.Thread) {
		d.rw.RLock(td)
		if !d.ready {
			td.SleepOn(&d.key, &d.rw, lwkt.SleepOptions{})
		}
		d.reads(td)
		d.rw.RUnlock(td)
	}
	rwWakes = func(d *den, td *lwkt.Thread) {
		d.rw.WLock(td)
		d.ready = true
		td.Wakeup(&d.key)
		d.rw.WUnlock(td)
	}
	rwReadsAndCancels = func(d *den, td *lwkt.Thread) {
		d.rw.RLock(td)
		d.cancel(td)
		d.reads(td)
		d.rw.RUnlock(td)
	}

	sxLocks = section(
		func(d *den, td *lwkt.Thread) { d.sx.XLock(td) }, (*den).alone,
		func(d *den, td *lwkt.Thread) { d.sx.XUnlock(td) })
	sxShares = section(
		func(d *den, td *lwkt.Thread) { d.sx.SLock(td) }, (*den).reads,
		func(d *den, td *lwkt.Thread) { d.sx.SUnlock(td) })

	lkLocks = section(
		func(d *den, td *lwkt.Thread) { d.lk.XLock(td) }, (*den).alone,
		func(d *den, td *lwkt.Thread) { d.lk.Unlock(td) })
	lkShares = section(
		func(d *den, td *lwkt.Thread) { d.lk.SLock(td) }, (*den).reads,
		func(d *den, td *lwkt.Thread) { d.lk.Unlock(td) })
	lkUpgrades = section(
		func(d *den, td *lwkt.Thread) { d.lk.SLock(td); d.lk.Upgrade(td) }, (*den).alone,
		func(d *den, td *lwkt.Thread) { d.lk.Unlock(td) })
	lkUpgradesFirst = func(d *den, td *lwkt.Thread) {
		d.lk.SLock(td)
		n := d.v.Load(td)
		if _, err := d.lk.ExclUpgrade(td); err == nil {
			d.m.Assert(n == d.v.Value(), "somebody was before %s, which was the first to upgrade", td.Name())
			d.alone(td)
			d.lk.Unlock(td)
		}
		d.m.Assert(d.lk.Held(td) == lwkt.None, "%s has what it lost", td.Name())
	}
	lkDrains = section(
		func(d *den, td *lwkt.Thread) { d.lk.Drain(td) }, (*den).alone,
		func(d *den, td *lwkt.Thread) { d.lk.Unlock(td) })
	lkDisowns = func(d *den, td *lwkt.Thread) {
		d.lk.XLock(td)
		d.alone(td)
		d.lk.Disown(td)
		d.lk.Unlock(td)
	}

	rmWrites = section(
		func(d *den, td *lwkt.Thread) { d.rm.WLock(td) }, (*den).alone,
		func(d *den, td *lwkt.Thread) { d.rm.WUnlock(td) })
	rmReads = section(
		func(d *den, td *lwkt.Thread) { d.rm.RLock(td) }, (*den).reads,
		func(d *den, td *lwkt.Thread) { d.rm.RUnlock(td) })
	rmTries = func(d *den, td *lwkt.Thread) {
		if d.rm.TryWLock(td) {
			d.alone(td)
			d.rm.WUnlock(td)
		}
	}

	rmTriesToRead = func(d *den, td *lwkt.Thread) {
		if d.rm.TryRLock(td) {
			d.reads(td)
			d.rm.RUnlock(td)
		}
	}

	spins = section(
		func(d *den, td *lwkt.Thread) { d.spin.Lock(td) }, (*den).alone,
		func(d *den, td *lwkt.Thread) { d.spin.Unlock(td) })

	semaWaits = section(
		func(d *den, td *lwkt.Thread) { d.sem.Wait(td) }, (*den).alone,
		func(d *den, td *lwkt.Thread) { d.sem.Post(td) })
	semaTakes = func(d *den, td *lwkt.Thread) { d.sem.Wait(td) }
	semaPosts = func(d *den, td *lwkt.Thread) { d.sem.Post(td) }

	condWaits = func(d *den, td *lwkt.Thread) {
		d.mtx.Lock(td)
		for !d.ready {
			d.cond.Wait(td, &d.mtx)
		}
		d.ready = false
		d.alone(td)
		d.mtx.Unlock(td)
	}
	condSignals = func(d *den, td *lwkt.Thread) {
		d.mtx.Lock(td)
		d.ready = true
		d.cond.Signal(td)
		d.alone(td)
		d.mtx.Unlock(td)
	}
	sleepsOn = func(d *den, td *lwkt.Thread) {
		d.mtx.Lock(td)
		for !d.ready {
			d.sleepOn(td, &d.mtx)
		}
		d.alone(td)
		d.mtx.Unlock(td)
	}
	wakes = func(d *den, td *lwkt.Thread) {
		d.mtx.Lock(td)
		d.ready = true
		d.mtx.Unlock(td)
		td.Wakeup(&d.key)
	}
	rmSleepsOn = func(d *den, td *lwkt.Thread) {
		d.rm.RLock(td)
		for !d.ready {
			d.sleepOn(td, &d.rm)
		}
		d.reads(td)
		d.rm.RUnlock(td)
	}
	rmWakes = func(d *den, td *lwkt.Thread) {
		d.rm.WLock(td)
		d.alone(td)
		d.ready = true
		d.rm.WUnlock(td)
		td.Wakeup(&d.key)
	}

	// Those that sleep hold another lock, which nobody wants.
	besideSleepsOn   = section(otherLocks, sleepsOn, otherUnlocks)
	besideRMSleepsOn = section(otherLocks, rmSleepsOn, otherUnlocks)
	besideSleeps     = section(otherLocks, func(d *den, td *lwkt.Thread) {
		d.giant.Lock(td)
		for !d.ready {
			td.Sleep(&d.key, 0)
		}
		d.alone(td)
		d.giant.Unlock(td)
	}, otherUnlocks)
	giantWakes = func(d *den, td *lwkt.Thread) {
		d.giant.Lock(td)
		d.alone(td)
		d.ready = true
		d.giant.Unlock(td)
		td.Wakeup(&d.key)
	}

	giantLocks = section(
		func(d *den, td *lwkt.Thread) { d.giant.Lock(td); d.giant.Lock(td) }, (*den).alone,
		func(d *den, td *lwkt.Thread) { d.giant.Unlock(td); d.giant.Unlock(td) })
	giantSleeps = func(d *den, td *lwkt.Thread) {
		d.giant.Lock(td)
		d.giant.Lock(td)
		for !d.ready {
			td.Sleep(&d.key, 0)
			d.m.Assert(d.giant.Held(td) == 2, "%s had it twice, and now %d times", td.Name(), d.giant.Held(td))
		}
		d.alone(td)
		d.giant.Unlock(td)
		d.giant.Unlock(td)
	}

	serEnters = section(
		func(d *den, td *lwkt.Thread) { d.ser.Enter(td) }, (*den).alone,
		func(d *den, td *lwkt.Thread) { d.ser.Exit(td) })
	serHandles = func(d *den, td *lwkt.Thread) { d.ser.HandlerCall(td, func() { d.alone(td) }) }
	serTries   = func(d *den, td *lwkt.Thread) { d.ser.HandlerTry(td, func() { d.alone(td) }) }
	serSleeps  = func(d *den, td *lwkt.Thread) {
		d.ser.Enter(td)
		for !d.ready {
			d.sleepOn(td, &d.ser)
		}
		d.alone(td)
		d.ser.Exit(td)
	}
	serWakes = func(d *den, td *lwkt.Thread) {
		d.ser.HandlerCall(td, func() {
			d.alone(td)
			d.ready = true
			td.Wakeup(&d.key)
		})
	}

	poolLocks = section(
		func(d *den, td *lwkt.Thread) { d.pool.Lock(td, td) }, (*den).alone,
		func(d *den, td *lwkt.Thread) { d.pool.Unlock(td, td) })
	poolTries = func(d *den, td *lwkt.Thread) {
		if d.pool.Find(td).TryLock(td) {
			d.alone(td)
			d.pool.Unlock(td, td)
		}
	}

	// with holds the token while it waits for the mutex.
	with = func(d *den, td *lwkt.Thread) {
		d.tok.Acquire(td)
		n := d.w.Value()
		if changed := d.mtx.Lock(td); !changed {
			d.m.Assert(d.w.Load(td) == n, "%s was not told of a change", td.Name())
		}
		d.m.Assert(d.tok.Held(td) == lwkt.Exclusive, "%s has not taken its token back", td.Name())
		d.w.Store(td, 1+d.w.Value())
		d.alone(td)
		d.mtx.Unlock(td)
		d.tok.Release(td)
	}
	token = func(d *den, td *lwkt.Thread) {
		d.tok.Acquire(td)
		d.w.Store(td, 1+d.w.Value())
		d.tok.Release(td)
	}

	// chain waits for the mutex with the other one held.
	chain = func(d *den, td *lwkt.Thread) {
		d.other.Lock(td)
		mtxLocks(d, td)
		d.other.Unlock(td)
		d.lentNothing(td)
	}
	lent = func(d *den, td *lwkt.Thread) {
		mtxLocks(d, td)
		d.lentNothing(td)
	}
	// tokenChain waits for the token with the other lock held.
	tokenChain = func(d *den, td *lwkt.Thread) {
		d.other.Lock(td)
		d.tok.Acquire(td)
		d.tok.Release(td)
		d.other.Unlock(td)
		d.lentNothing(td)
	}
	tokenLent = func(d *den, td *lwkt.Thread) {
		d.tok.Acquire(td)
		d.tok.Release(td)
		d.lentNothing(td)
	}
	best = func(d *den, td *lwkt.Thread) {
		d.other.Lock(td)
		d.other.Unlock(td)
	}
	rmLent = func(d *den, td *lwkt.Thread) {
		rmReads(d, td)
		d.lentNothing(td)
	}
)

// unlessMisuse ends with the misuse, if there is one.
func unlessMisuse(f denizen) denizen {
	return func(d *den, td *lwkt.Thread) {
		defer func() {
			v := recover()
			if _, ok := v.(*lwkt.Misuse); v != nil && !ok {
				panic(v)
			}
		}()
		f(d, td)
	}
}

// lentNothing is for a thread that has let go of all locks. While somebody has Lending it may be
// otherwise.
func (d *den) lentNothing(td *lwkt.Thread) {
	thread.Lending.Lock()
	n := td.LentPriority()
	thread.Lending.Unlock()
	d.m.Assert(n == 0, "%s is still lent %d", td.Name(), n)
}

// try counts a try and says how it ended.
func (d *den) try(ok bool) bool {
	d.tries++
	if !ok {
		d.failed++
	}
	return ok
}

func otherLocks(d *den, td *lwkt.Thread)   { d.other.Lock(td) }
func otherUnlocks(d *den, td *lwkt.Thread) { d.other.Unlock(td) }

func (d *den) sleepOn(td *lwkt.Thread, l lwkt.Interlock) {
	if _, err := td.SleepOn(&d.key, l, lwkt.SleepOptions{}); err != nil {
		d.m.Assert(false, "%v", err)
	}
}

// denProgram is a program of those threads.
func denProgram(o lwkt.Options, priorities bool, threads ...denizen) func(m *sim.Machine) {
	return func(m *sim.Machine) {
		newDen(m, o).start(priorities, threads)
	}
}

// start starts the threads of a program.
func (d *den) start(priorities bool, threads []denizen) {
	for i, f := range threads {
		var o []sim.ThreadOption
		if priorities {
			o = append(o, sim.Priority(10+i))
		}
		d.m.Go(fmt.Sprintf("t%d", i+1), func(td *lwkt.Thread) { f(d, td) }, o...)
	}
	d.m.Finally(d.end)
}

// extent is how much of a program must be run.
type extent uint8

const (
	all     extent = iota // all of it
	once                  // that too, but only with no patience, for it takes seconds
	bounded               // all schedules with few preemptions
)

// lockProgram is a program.
type lockProgram struct {
	name       string
	extent     extent
	options    lwkt.Options
	priorities bool // each thread has a better one than those before it
	threads    []denizen
}

// lockPrograms are the programs.
var lockPrograms = []lockProgram{
	{"Mtx", all, 0, false, []denizen{mtxLocks, mtxLocks}},
	{"Mtx", all, 0, false, []denizen{mtxLocks, mtxLocks, mtxLocks}},
	{"Mtx try", all, 0, false, []denizen{mtxLocks, mtxTries}},
	{"Mtx try", all, 0, false, []denizen{mtxLocks, mtxLocks, mtxTries}},
	{"Mtx cancel", all, 0, false, []denizen{mtxGives, mtxLocksAndCancels}},
	{"Mtx cancel", all, 0, false, []denizen{mtxGives, mtxLocks, cancels}},
	{"Mtx cancel of one of two waiters", all, 0, false, []denizen{mtxGives, mtxLocks, mtxLocksAndCancels}},
	{"Mtx again", all, 0, false, []denizen{twice(mtxLocks), mtxLocks}},
	{"Mtx again and cancel", all, 0, false, []denizen{twice(mtxLocks), mtxGives, cancels}},
	{"RWLock again", all, 0, false, []denizen{twice(rwWrites), rwReads}},
	{"RWLock again", all, 0, false, []denizen{twice(rwWrites), rwUpgrades}},
	{"SX again", all, 0, false, []denizen{twice(sxLocks), sxShares}},
	{"SX SharersFirst again", all, lwkt.SharersFirst, false, []denizen{twice(sxShares), sxLocks}},
	{"lockmgr again", all, 0, false, []denizen{twice(lkLocks), lkDrains}},
	{"priorities again", all, 0, true, []denizen{twice(lent), mtxLocks}},
	{"Mtx destroyed", all, 0, false, []denizen{mtxDestroys, mtxLocksIfItIsThere}},
	{"Mtx WakeAll", all, lwkt.WakeAll, false, []denizen{mtxLocks, mtxLocks, mtxLocks}},
	{"RWLock", all, 0, false, []denizen{rwWrites, rwReads}},
	{"RWLock", all, 0, false, []denizen{rwWrites, rwWrites}},
	{"RWLock two readers", all, 0, false, []denizen{rwWrites, rwReads, rwReads}},
	{"RWLock two writers", all, 0, false, []denizen{rwWrites, rwWrites, rwReads}},
	{"RWLock read again", all, 0, false, []denizen{rwWrites, rwReadsAgain}},
	{"RWLock upgrade", all, 0, false, []denizen{rwUpgrades, rwUpgrades}},
	{"RWLock upgrade", all, 0, false, []denizen{rwUpgrades, rwWrites}},
	{"RWLock upgrade", once, 0, false, []denizen{rwUpgrades, rwWrites, rwReads}},
	{"RWLock downgrade", all, 0, false, []denizen{rwDowngrades, rwReads}},
	{"RWLock downgrade", all, 0, false, []denizen{rwDowngrades, rwDowngrades}},
	{"RWLock downgrade", all, 0, false, []denizen{rwDowngrades, rwWrites, rwReads}},
	{"RWLock cancel", all, 0, false, []denizen{rwGives, rwReadsAndCancels}},
	{"RWLock cancel", all, 0, false, []denizen{rwGives, rwReadsAndCancels, rwReads}},
	{"RWLock try", all, 0, false, []denizen{rwTriesToWriteAgain, rwTriesToRead}},
	{"RWLock try", all, 0, false, []denizen{rwTriesToUpgrade, rwTriesToRead}},
	{"RWLock try", all, 0, false, []denizen{twice(rwWrites), rwTriesToRead}},
	{"RWLock try", all, 0, false, []denizen{rwTriesToWriteAgain, rwTriesToRead, rwTriesToRead}},
	{"RWLock try", all, 0, false, []denizen{rwTriesToUpgrade, rwTriesToRead, rwTriesToRead}},
	{"RWLock visits", bounded, 0, false, []denizen{rwDowngradesAtOnce, rwReads, rwUpgrades}},
	{"RWLock visits", all, 0, false, []denizen{rwWrites, rwTriesToRead, rwGives, cancels}},
	{"RWLock WakeAll", all, lwkt.WakeAll, false, []denizen{rwWrites, rwReads, rwWrites}},
	{"SX", all, 0, false, []denizen{sxLocks, sxLocks}},
	{"SX", all, 0, false, []denizen{sxLocks, sxShares}},
	{"SX", all, 0, false, []denizen{sxLocks, sxShares, sxShares}},
	{"SX SharersFirst", all, lwkt.SharersFirst, false, []denizen{sxLocks, sxShares}},
	{"SX SharersFirst", all, lwkt.SharersFirst, false, []denizen{sxLocks, sxShares, sxLocks}},
	{"SX SharersFirst", all, lwkt.SharersFirst, false, []denizen{sxLocks, sxShares, sxShares}},
	{"lockmgr upgrade", all, 0, false, []denizen{lkUpgrades, lkUpgrades}},
	{"lockmgr upgrade", all, 0, false, []denizen{lkUpgradesFirst, lkUpgradesFirst}},
	{"lockmgr upgrade", all, 0, false, []denizen{lkUpgradesFirst, lkShares}},
	{"lockmgr upgrade", once, 0, false, []denizen{lkUpgrades, lkUpgradesFirst, lkShares}},
	{"lockmgr drain", all, 0, false, []denizen{lkDrains, lkLocks}},
	{"lockmgr drain", all, 0, false, []denizen{lkDrains, lkShares}},
	{"lockmgr drain", once, 0, false, []denizen{lkDrains, lkLocks, lkShares}},
	{"lockmgr drain", once, 0, false, []denizen{lkDrains, lkUpgrades, lkUpgrades}},
	{"lockmgr disown", all, 0, false, []denizen{lkDisowns, lkLocks}},
	{"lockmgr disown", all, 0, false, []denizen{lkDisowns, lkShares}},
	{"Cond", all, 0, false, []denizen{condWaits, condSignals}},
	{"Cond", once, 0, false, []denizen{condWaits, condSignals, mtxLocks}},
	{"SleepOn", all, 0, false, []denizen{sleepsOn, wakes}},
	{"SleepOn", once, 0, false, []denizen{sleepsOn, wakes, sleepsOn}},
	{"SleepOn an rmlock", all, 0, false, []denizen{rmSleepsOn, rmWakes}},
	{"SleepOn with another lock held", all, 0, false, []denizen{besideSleepsOn, wakes}},
	{"SleepOn an rmlock with another lock held", all, 0, false, []denizen{besideRMSleepsOn, rmWakes}},
	{"Sleep with a giant lock and another lock held", all, 0, false, []denizen{besideSleeps, giantWakes}},
	{"Sema", once, 0, false, []denizen{semaWaits, semaWaits}},
	{"Sema", bounded, 0, false, []denizen{semaWaits, semaWaits, semaWaits}},
	{"Sema, one unit more", once, 0, false, []denizen{semaTakes, semaTakes, semaPosts}},
	{"SpinMtx", all, 0, false, []denizen{spins, spins}},
	{"SpinMtx", all, 0, false, []denizen{spins, spins, spins}},
	{"giant", all, 0, false, []denizen{giantLocks, giantLocks}},
	{"giant", all, 0, false, []denizen{giantLocks, giantLocks, giantLocks}},
	{"giant, given up by a sleep", all, 0, false, []denizen{giantSleeps, giantWakes}},
	{"giant, given up by a sleep", once, 0, false, []denizen{giantSleeps, giantWakes, giantLocks}},
	{"serializer", all, 0, false, []denizen{serEnters, serHandles}},
	{"serializer", all, 0, false, []denizen{twice(serEnters), serTries}},
	{"serializer", all, 0, false, []denizen{serEnters, serHandles, serTries}},
	{"serializer, dropped by a sleep", all, 0, false, []denizen{serSleeps, serWakes}},
	{"serializer, dropped by a sleep", all, 0, false, []denizen{serSleeps, serWakes, serEnters}},
	{"mtxpool", all, 0, false, []denizen{poolLocks, poolLocks}},
	{"mtxpool", all, 0, false, []denizen{twice(poolLocks), poolTries}},
	{"mtxpool", all, 0, false, []denizen{poolLocks, poolLocks, poolTries}},
	{"rmlock", all, 0, false, []denizen{rmWrites, rmReads}},
	{"rmlock", all, 0, false, []denizen{rmWrites, rmWrites}},
	{"rmlock", bounded, 0, false, []denizen{rmWrites, rmReads, rmReads}},
	{"rmlock", bounded, 0, false, []denizen{rmWrites, rmReads, rmWrites}},
	{"rmlock try", all, 0, false, []denizen{rmTries, rmReads}},
	{"rmlock try", bounded, 0, false, []denizen{rmTries, rmReads, rmWrites}},
	{"rmlock try to write", once, 0, false, []denizen{rmTries, rmReads, rmTriesToRead}},
	{"rmlock try to read", once, 0, false, []denizen{rmWrites, rmTriesToRead, rmTriesToRead}},
	{"with a token", all, 0, false, []denizen{with, mtxLocks}},
	{"with a token", all, 0, false, []denizen{with, with}},
	{"with a token", all, 0, false, []denizen{with, mtxLocks, token}},
	{"priorities", all, 0, true, []denizen{lent, mtxLocks}},
	{"priorities, two locks", all, 0, true, []denizen{chain, best}},
	{"priorities, two locks", all, 0, true, []denizen{lent, chain, best}},
	{"priorities, a lock and a token", all, 0, true, []denizen{tokenLent, tokenChain}},
	{"priorities, a lock and a token", once, 0, true, []denizen{tokenLent, tokenChain, best}},
	{"priorities, one lock", all, 0, true, []denizen{lent, lent, mtxLocks}},
	{"priorities, rmlock", all, 0, true, []denizen{rmLent, rmWrites}},
}

// TestWordsOfLocks explores each program with the patience that there is, and with none, so that a waiter which was
// overtaken has the lock handed over (1 is the same): all traces of two threads, all states of three, and where that takes
// too long, all schedules with few preemptions.
func TestWordsOfLocks(t *testing.T) {
	defer lock.SetPatience(lock.SetPatience(0))
	for _, p := range lockPrograms {
		for _, patience := range []int{0, lock.DefaultPatience} {
			if p.extent == once && patience != 0 {
				continue
			}
			t.Run(fmt.Sprintf("%s, %d threads, patience %d", p.name, len(p.threads), patience), func(t *testing.T) {
				lock.SetPatience(patience)
				most := 1
				if patience == 0 {
					most = 2 // so many are needed to hand a lock over
				}
				exploreWords(t, denProgram(p.options, p.priorities, p.threads...), len(p.threads), p.extent != bounded, most, *wordBudget/4)
			})
		}
	}
}

// openPrograms begin with an open RWLock, and open it again after each read.
var openPrograms = []lockProgram{
	{"one reader", all, 0, false, []denizen{rwReads, rwWrites}},
	{"one reader, who comes again", all, 0, false, []denizen{twice(rwReads), rwWrites}},
	{"two readers", all, 0, false, []denizen{rwReads, rwReads, rwWrites}},
	{"two writers", all, 0, false, []denizen{rwReads, rwWrites, rwWrites}},
	{"read again", all, 0, false, []denizen{rwReadsAgain, rwWrites}},
	{"read again, two readers", all, 0, false, []denizen{rwReadsAgain, rwReads, rwWrites}},
	{"upgrade", all, 0, false, []denizen{rwUpgrades, rwUpgrades}},
	{"upgrade", all, 0, false, []denizen{rwUpgrades, rwWrites}},
	{"upgrade", all, 0, false, []denizen{rwUpgrades, rwWrites, rwReads}},
	{"downgrade", all, 0, false, []denizen{rwDowngrades, rwReads}},
	{"cancel", all, 0, false, []denizen{rwGives, rwReadsAndCancels}},
	{"try to write", all, 0, false, []denizen{rwTriesToWriteAgain, rwTriesToRead}},
	{"try to upgrade", all, 0, false, []denizen{rwTriesToUpgrade, rwTriesToRead}},
	{"try", all, 0, false, []denizen{rwTriesToWriteAgain, rwTriesToRead, rwTriesToRead}},
	{"WakeAll", all, lwkt.WakeAll, false, []denizen{rwReads, rwReads, rwWrites}},
	{"SharersFirst", all, lwkt.SharersFirst, false, []denizen{rwReads, rwReads, rwWrites}},
	{"the reader sleeps", all, 0, false, []denizen{rwSleepsOn, rwWakes}},
}

// opened is a program that begins with an open RWLock.
func opened(p lockProgram) func(m *sim.Machine) {
	return func(m *sim.Machine) {
		d := newDen(m, p.options)
		lwkt.Run("before", func(td *lwkt.Thread) {
			for !d.rw.Interlock().Lock().(*lock.Lock).Word().Open() { // soon, since one that is not simulated asks seldom
				d.rw.RLock(td)
				d.rw.RUnlock(td)
			}
		})
		d.start(p.priorities, p.threads)
	}
}

// TestWordsOfOpenLocks is TestWordsOfLocks for locks that are open whenever they can be.
func TestWordsOfOpenLocks(t *testing.T) {
	defer lock.SetCalmness(lock.SetCalmness(0))
	defer lock.SetPatience(lock.SetPatience(0))
	for _, p := range openPrograms {
		t.Run(fmt.Sprintf("%s, %d threads", p.name, len(p.threads)), func(t *testing.T) {
			exploreWords(t, opened(p), len(p.threads), p.extent != bounded, 2, *wordBudget/4)
		})
	}
}
