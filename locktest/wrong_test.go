// A lock with a switch for each way to be wrong, made of a token, sleep and wakeup, so
// that it runs on every host. Without a fault it passes everything.
package locktest_test

import (
	"context"
	"sync"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/locktest"
)

// fault is a way to be wrong.
type fault string

const (
	none            fault = "no fault"
	doubleGrant     fault = "who is woken takes the lock without another look"
	lostWakeup      fault = "who waits lets others in before it is on the queue"
	noWakeup        fault = "sharers wake nobody when they leave"
	sharedBesideOne fault = "a sharer does not look for an owner"
	oneBesideShared fault = "an owner does not look for sharers"
	sharersApart    fault = "sharers exclude each other"
	unfairToWriters fault = "sharers do not wait for a writer that waits"
	unfairToReaders fault = "writers that wait come first, always"
	unfairToOthers  fault = "who had the lock last may have it again, others not"
	cancelLeak      fault = "who gives up goes on counting as one who waits"
	cancelHolds     fault = "who gives up has it all the same"
	cancelDeaf      fault = "contexts are not looked at"
	cancelEarly     fault = "a context that is done fails on a free lock"
	tryWaits        fault = "TryLock waits"
	tryLeak         fault = "TryLock that fails counts as one who waits"
	tryOnce         fault = "TryLock of what was released fails"
	upgradeGap      fault = "an upgrade lets the share go first"
	upgradeAlways   fault = "an upgrade does not look for other sharers"
	upgradeLoses    fault = "an upgrade that fails costs the share"
	downgradeGap    fault = "a downgrade lets the lock go first"
	downgradeMute   fault = "a downgrade wakes nobody"
	noDepth         fault = "the first Unlock frees a recursive lock"
	shareWaits      fault = "a share on top of a share waits for writers"
	foreignUnlock   fault = "anybody may unlock"
	anyError        fault = "misuse panics with a string"
	spins           fault = "who waits keeps its tokens"
	drops           fault = "who need not wait gives up its tokens"
	silent          fault = "changed is never told"
	crying          fault = "changed is always told"
	lockerShares    fault = "the Locker takes a share"
)

// wrong is a lock with a fault.
type wrong struct {
	fault   fault
	tok     lwkt.Token           // guards what follows
	owner   *lwkt.Thread         // or nil
	depth   int                  // of owner
	last    *lwkt.Thread         // owner
	sharers map[*lwkt.Thread]int // and how deep
	writers int                  // that wait
	readers int                  // that wait
	turn    int                  // sharers that are let in although a writer waits
	event   byte                 // where they sleep
}

// admits says whether the thread can have the lock now.
func (w *wrong) admits(td *lwkt.Thread, exclusive bool) bool {
	others := len(w.sharers)
	if w.sharers[td] > 0 {
		others--
	}
	switch {
	case exclusive && w.fault == unfairToOthers && w.writers > 0 && w.last != nil && w.last != td:
		return false
	case exclusive:
		return (w.owner == nil || w.owner == td) && (len(w.sharers) == 0 || w.fault == oneBesideShared)
	case w.owner != nil:
		return w.fault == sharedBesideOne
	case w.fault == sharersApart:
		return others == 0
	case w.sharers[td] > 0 && w.fault != shareWaits, w.fault == unfairToWriters, w.turn > 0:
		return true
	}
	return w.writers == 0
}

func (w *wrong) take(td *lwkt.Thread, exclusive bool) {
	if exclusive {
		w.owner, w.last = td, td
		w.depth++
		return
	}
	w.sharers[td]++
	w.turn = max(0, w.turn-1)
}

func (w *wrong) lock(ctx context.Context, td *lwkt.Thread, exclusive bool) (changed bool, err error) {
	mark := td.Mark()
	if w.fault == cancelEarly && ctx.Err() != nil {
		return false, ctx.Err()
	}
	if w.fault == drops {
		td.Block(func() {})
	}
	if w.fault == cancelDeaf {
		ctx = context.Background()
	}
	w.tok.Acquire(td)
	waiting := &w.readers
	if exclusive {
		waiting = &w.writers
	}
	for err == nil && !w.admits(td, exclusive) {
		*waiting++
		switch w.fault {
		case lostWakeup:
			w.tok.Release(td)
			_, err = td.SleepContext(ctx, &w.event)
			w.tok.Acquire(td)
		case spins:
			w.tok.Release(td)
			w.tok.Acquire(td)
		default:
			_, err = td.SleepContext(ctx, &w.event)
		}
		if err == nil || w.fault != cancelLeak {
			*waiting--
		}
		if w.fault == doubleGrant {
			break
		}
	}
	if err == nil || w.fault == cancelHolds {
		w.take(td, exclusive)
	} else {
		td.Wakeup(&w.event) // others may have waited for this one
	}
	w.tok.Release(td)
	switch w.fault {
	case crying:
		return true, err
	case silent:
		return false, err
	}
	return td.ChangedSince(mark), err
}

func (w *wrong) try(td *lwkt.Thread, exclusive bool) bool {
	if w.fault == tryWaits {
		w.lock(context.Background(), td, exclusive)
		return true
	}
	w.tok.Acquire(td)
	defer w.tok.Release(td)
	ok := w.admits(td, exclusive) && !(w.fault == tryOnce && w.last != nil)
	if ok {
		w.take(td, exclusive)
	} else if w.fault == tryLeak && exclusive {
		w.writers++
	}
	return ok
}

func (w *wrong) unlock(td *lwkt.Thread, exclusive bool) {
	if td == nil {
		w.misuse("no thread")
	}
	w.tok.Acquire(td)
	defer w.tok.Release(td)
	if w.fault != foreignUnlock && (exclusive && w.owner != td || !exclusive && w.sharers[td] == 0) {
		w.misuse(td.Name())
	}
	if exclusive {
		if w.depth--; w.depth <= 0 || w.fault == noDepth {
			w.owner, w.depth, w.turn = nil, 0, w.readers
			if w.fault == unfairToReaders {
				w.turn = 0
			}
		}
	} else {
		if w.sharers[td]--; w.sharers[td] <= 0 {
			delete(w.sharers, td)
		}
		if w.fault == noWakeup {
			return
		}
	}
	td.Wakeup(&w.event)
}

func (w *wrong) misuse(thread string) {
	if w.fault == anyError {
		panic("wrong: not held")
	}
	panic(&lwkt.Misuse{Op: "unlock", Thread: thread, Why: "it does not hold the lock"})
}

func (w *wrong) tryUpgrade(td *lwkt.Thread) bool {
	w.tok.Acquire(td)
	defer w.tok.Release(td)
	if len(w.sharers) > 1 && w.fault != upgradeAlways {
		if w.fault == upgradeLoses {
			delete(w.sharers, td)
		}
		return false
	}
	if w.fault == upgradeGap {
		w.tok.Release(td)
		w.unlock(td, false)
		w.lock(context.Background(), td, true)
		w.tok.Acquire(td)
		return true
	}
	delete(w.sharers, td)
	w.take(td, true)
	return true
}

func (w *wrong) downgrade(td *lwkt.Thread) {
	if w.fault == downgradeGap {
		w.unlock(td, true)
		w.lock(context.Background(), td, false)
		return
	}
	w.tok.Acquire(td)
	defer w.tok.Release(td)
	w.owner, w.depth, w.turn = nil, 0, w.readers+1
	w.take(td, false)
	if w.fault != downgradeMute {
		td.Wakeup(&w.event)
	}
}

// mode is one mode of the lock for the suites.
func (w *wrong) mode(exclusive bool) locktest.Mode {
	return locktest.Mode{
		Lock: func(td *lwkt.Thread) bool {
			changed, _ := w.lock(context.Background(), td, exclusive)
			return changed
		},
		Unlock:  func(td *lwkt.Thread) { w.unlock(td, exclusive) },
		TryLock: func(td *lwkt.Thread) bool { return w.try(td, exclusive) },
		LockContext: func(ctx context.Context, td *lwkt.Thread) (changed bool, err error) {
			return w.lock(ctx, td, exclusive)
		},
		Locker: func(td *lwkt.Thread) sync.Locker {
			return &wrongLocker{w, td, exclusive && w.fault != lockerShares}
		},
	}
}

type wrongLocker struct {
	w         *wrong
	td        *lwkt.Thread
	exclusive bool
}

func (l *wrongLocker) Lock()   { l.w.lock(context.Background(), l.td, l.exclusive) }
func (l *wrongLocker) Unlock() { l.w.unlock(l.td, l.exclusive) }

// subject is the lock with a fault.
func (f fault) subject() locktest.Subject {
	return locktest.Subject{
		Name: string(f),
		New: func() locktest.Lock {
			w := &wrong{fault: f, sharers: map[*lwkt.Thread]int{}}
			return locktest.Lock{Exclusive: w.mode(true), Shared: w.mode(false), TryUpgrade: w.tryUpgrade, Downgrade: w.downgrade}
		},
		Has: locktest.Recursive | locktest.SharedRecursive | locktest.Checked | locktest.GivesTokensUp | locktest.KeptAsleep |
			locktest.ServesWriters | locktest.ServesReaders,
		Bound: 300,
	}
}
