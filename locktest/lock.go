package locktest

// A lock as the suites see it: a struct of functions, as a rule method values, so that
// it does not matter what a lock calls them.

import (
	"context"
	"sync"

	"github.com/serializing-tokens/lwkt"
)

// Mode is what one can do with a lock in one mode. What a lock has not is nil.
type Mode struct {
	Lock        func(td *lwkt.Thread) (changed bool)                                 // may wait
	Unlock      func(td *lwkt.Thread)                                                // undoes one Lock
	TryLock     func(td *lwkt.Thread) bool                                           // is Lock that never waits
	LockContext func(ctx context.Context, td *lwkt.Thread) (changed bool, err error) // is Lock whose wait can be given up: what is free is taken even if ctx is done
	Locker      func(td *lwkt.Thread) sync.Locker                                    // is for code that knows no threads
}

// Lock is one lock. Of one that cannot be shared, Shared is the zero Mode; what else a lock
// has not is nil.
type Lock struct {
	Exclusive, Shared Mode // the two modes

	// TryUpgrade makes the thread's share exclusive, with no gap, or returns false and
	// leaves it the share. Exclusive.Unlock undoes the two together.
	TryUpgrade func(td *lwkt.Thread) bool
	// Downgrade makes a share of what is held exclusively, with no gap.
	Downgrade func(td *lwkt.Thread)
	// ForDowngrade takes the lock exclusively for a Downgrade later on; if it is nil,
	// Exclusive.Lock does.
	ForDowngrade func(td *lwkt.Thread)
}

// Token is the Lock that a token is. Its upgrade is an acquisition on top of a share, and
// its downgrade the release of that, so both ends are put together here.
func Token(t *lwkt.Token) Lock {
	release := func(td *lwkt.Thread) {
		if t.Release(td); t.Held(td) == lwkt.Shared {
			t.Release(td) // what was upgraded
		}
	}
	return Lock{
		Exclusive:  Mode{t.Acquire, release, t.TryAcquire, t.AcquireContext, t.Locker},
		Shared:     Mode{t.AcquireShared, t.Release, t.TryAcquireShared, t.AcquireSharedContext, t.SharedLocker},
		TryUpgrade: t.TryAcquire,
		Downgrade:  t.Release,
		ForDowngrade: func(td *lwkt.Thread) {
			t.AcquireShared(td)
			t.Acquire(td)
		},
	}
}

// Mutex is the Lock that a sync.Mutex is, or what is like it. It knows no threads, and is
// for Goroutines only.
func Mutex(l interface {
	sync.Locker
	TryLock() bool
}) Lock {
	return Lock{Exclusive: std(l, l.TryLock)}
}

// RWMutex is Mutex for a sync.RWMutex.
func RWMutex(l interface {
	sync.Locker
	TryLock() bool
	TryRLock() bool
	RLocker() sync.Locker
}) Lock {
	return Lock{Exclusive: std(l, l.TryLock), Shared: std(l.RLocker(), l.TryRLock)}
}

func std(l sync.Locker, try func() bool) Mode {
	return Mode{
		Lock:    func(*lwkt.Thread) bool { l.Lock(); return false },
		Unlock:  func(*lwkt.Thread) { l.Unlock() },
		TryLock: func(*lwkt.Thread) bool { return try() },
		Locker:  func(*lwkt.Thread) sync.Locker { return l },
	}
}
