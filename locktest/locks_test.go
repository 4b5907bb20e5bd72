// The locks that there are: a row of the table for each.
package locktest_test

import (
	"sync"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/giant"
	"github.com/serializing-tokens/lwkt/lockmgr"
	"github.com/serializing-tokens/lwkt/locktest"
	"github.com/serializing-tokens/lwkt/mtxpool"
	"github.com/serializing-tokens/lwkt/rmlock"
	"github.com/serializing-tokens/lwkt/sema"
	"github.com/serializing-tokens/lwkt/serializer"
)

// locks run on every host.
var locks = []locktest.Subject{
	{
		Name: "Token",
		New:  func() locktest.Lock { return locktest.Token(new(lwkt.Token)) },
		Has: locktest.Recursive | locktest.SharedRecursive | locktest.Checked | locktest.Found |
			locktest.GivesTokensUp | locktest.DroppedAsleep | locktest.ServesWriters | locktest.ServesReaders,
		Bound: 100,
	},
	{
		Name: "Pool",
		New: func() locktest.Lock {
			var pool lwkt.Pool[string]
			return locktest.Lock{Exclusive: locktest.Mode{
				Lock:    func(td *lwkt.Thread) bool { return pool.Acquire(td, "key") },
				Unlock:  func(td *lwkt.Thread) { pool.Release(td, "key") },
				TryLock: func(td *lwkt.Thread) bool { return pool.TryAcquire(td, "key") },
			}}
		},
		Has: locktest.Recursive | locktest.Checked | locktest.Found | locktest.GivesTokensUp | locktest.DroppedAsleep |
			locktest.ServesWriters,
		Bound: 100,
	},
	{Name: "Mtx", New: mtx(0), Has: promises | locktest.ServesWriters},
	{Name: "Mtx, Recurse", New: mtx(lwkt.Recurse), Has: promises | locktest.ServesWriters | locktest.Recursive},
	{Name: "Mtx, WakeAll", New: mtx(lwkt.WakeAll), Has: promises | locktest.ServesWriters},
	{Name: "RWLock", New: rwlock(0), Has: promises | serves | locktest.SharedRecursive},
	{Name: "RWLock, Recurse", New: rwlock(lwkt.Recurse), Has: promises | serves | locktest.SharedRecursive | locktest.Recursive},
	{Name: "RWLock, WakeAll", New: rwlock(lwkt.WakeAll), Has: promises | locktest.ServesWriters | locktest.SharedRecursive},
	{Name: "RWLock, SharersFirst", New: rwlock(lwkt.SharersFirst), Has: promises | locktest.SharedRecursive},
	{Name: "rmlock", New: rm(0), Has: promises | serves | locktest.SharedRecursive},
	{Name: "rmlock, Sleepable", New: rm(rmlock.Sleepable), Has: promises | serves | locktest.SharedRecursive},
	{Name: "SX", New: sx(0), Has: promises | serves | locktest.SharedRecursive | locktest.KeptAsleep},
	{Name: "SX, Recurse", New: sx(lwkt.Recurse), Has: promises | serves | locktest.SharedRecursive | locktest.KeptAsleep | locktest.Recursive},
	{Name: "SX, WakeAll", New: sx(lwkt.WakeAll), Has: promises | locktest.ServesWriters | locktest.SharedRecursive | locktest.KeptAsleep},
	{Name: "SX, SharersFirst", New: sx(lwkt.SharersFirst), Has: promises | locktest.SharedRecursive | locktest.KeptAsleep},
	{Name: "lockmgr", New: lkmgr(0), Has: promises | serves | locktest.SharedRecursive | locktest.KeptAsleep},
	{Name: "lockmgr, CanRecurse", New: lkmgr(lockmgr.CanRecurse), Has: promises | serves | locktest.SharedRecursive | locktest.KeptAsleep | locktest.Recursive},
	{Name: "SpinMtx", New: spin(0), Has: locktest.Checked | locktest.Found},
	{Name: "SpinMtx, Recurse", New: spin(lwkt.Recurse), Has: locktest.Checked | locktest.Found | locktest.Recursive},
	{Name: "Giant", New: giantLock, Has: promises | locktest.Recursive | locktest.DroppedAsleep | locktest.ServesWriters},
	{Name: "Serializer", New: enters, Has: promises | locktest.KeptAsleep | locktest.ServesWriters},
	{
		Name: "mtxpool",
		New: func() locktest.Lock {
			pool := new(mtxpool.Pool)
			return locktest.Lock{Exclusive: locktest.Mode{
				Lock:    func(td *lwkt.Thread) bool { return pool.Lock(td, "key") },
				Unlock:  func(td *lwkt.Thread) { pool.Unlock(td, "key") },
				TryLock: func(td *lwkt.Thread) bool { return pool.Find("key").TryLock(td) },
			}}
		},
		Has: promises | locktest.ServesWriters,
	},
	{Name: "Sema of one", New: sema1, Has: locktest.GivesTokensUp | locktest.KeptAsleep},
}

// What the locks of FreeBSD have in common.
const (
	promises = locktest.Checked | locktest.Found | locktest.GivesTokensUp
	serves   = locktest.ServesWriters | locktest.ServesReaders
)

// mtx, rwlock and sx are the locks with the options, as the suites see them.
func mtx(o lwkt.Options) func() locktest.Lock {
	return func() locktest.Lock {
		l := new(lwkt.Mtx)
		if o != 0 {
			l.Init("m", o)
		}
		return locktest.Lock{Exclusive: locktest.Mode{l.Lock, l.Unlock, l.TryLock, l.LockContext, l.Locker}}
	}
}

func rwlock(o lwkt.Options) func() locktest.Lock {
	return func() locktest.Lock {
		l := new(lwkt.RWLock)
		if o != 0 {
			l.Init("rw", o)
		}
		return locktest.Lock{
			Exclusive:  locktest.Mode{l.WLock, l.WUnlock, l.TryWLock, l.WLockContext, l.WLocker},
			Shared:     locktest.Mode{l.RLock, l.RUnlock, l.TryRLock, l.RLockContext, l.RLocker},
			TryUpgrade: l.TryUpgrade,
			Downgrade:  l.Downgrade,
		}
	}
}

func rm(o lwkt.Options) func() locktest.Lock {
	return func() locktest.Lock {
		l := new(rmlock.Lock)
		if o != 0 {
			l.Init("rm", o)
		}
		return locktest.Lock{
			Exclusive: locktest.Mode{l.WLock, l.WUnlock, l.TryWLock, l.WLockContext, l.WLocker},
			Shared:    locktest.Mode{l.RLock, l.RUnlock, l.TryRLock, l.RLockContext, l.RLocker},
		}
	}
}

func sx(o lwkt.Options) func() locktest.Lock {
	return func() locktest.Lock {
		l := new(lwkt.SX)
		if o != 0 {
			l.Init("sx", o)
		}
		return locktest.Lock{
			Exclusive:  locktest.Mode{l.XLock, l.XUnlock, l.TryXLock, l.XLockContext, l.XLocker},
			Shared:     locktest.Mode{l.SLock, l.SUnlock, l.TrySLock, l.SLockContext, l.SLocker},
			TryUpgrade: l.TryUpgrade,
			Downgrade:  l.Downgrade,
		}
	}
}

func lkmgr(f lockmgr.Flags) func() locktest.Lock {
	return func() locktest.Lock {
		l := new(lockmgr.Lock)
		if f != 0 {
			l.Init("lk", f)
		}
		return locktest.Lock{
			Exclusive:  locktest.Mode{l.XLock, l.Unlock, l.TryXLock, l.XLockContext, l.XLocker},
			Shared:     locktest.Mode{l.SLock, l.Unlock, l.TrySLock, l.SLockContext, l.SLocker},
			TryUpgrade: l.TryUpgrade,
			Downgrade:  l.Downgrade,
		}
	}
}

// spin has no LockContext: who spins does not give up.
func spin(o lwkt.Options) func() locktest.Lock {
	return func() locktest.Lock {
		l := new(lwkt.SpinMtx)
		if o != 0 {
			l.Init("spin", o)
		}
		return locktest.Lock{Exclusive: locktest.Mode{
			Lock:    func(td *lwkt.Thread) bool { l.Lock(td); return false },
			Unlock:  l.Unlock,
			TryLock: l.TryLock,
			Locker:  l.Locker,
		}}
	}
}

func giantLock() locktest.Lock {
	l := new(giant.Mtx)
	return locktest.Lock{Exclusive: locktest.Mode{l.Lock, l.Unlock, l.TryLock, l.LockContext, l.Locker}}
}

func enters() locktest.Lock {
	l := new(serializer.Serializer)
	return locktest.Lock{Exclusive: locktest.Mode{l.Enter, l.Exit, l.TryEnter, l.EnterContext, l.Locker}}
}

// sema1 is a semaphore of one unit, which has no owner, so that anybody may give it back.
func sema1() locktest.Lock {
	l := new(sema.Sema)
	l.Init("sema", 1)
	return locktest.Lock{Exclusive: locktest.Mode{Lock: l.Wait, Unlock: l.Post, TryLock: l.TryWait, LockContext: l.WaitContext}}
}

// std are locks of package sync, which run on goroutines only.
var std = []locktest.Subject{
	{
		Name: "sync.Mutex",
		New:  func() locktest.Lock { return locktest.Mutex(new(sync.Mutex)) },
		Has:  locktest.KeptAsleep | locktest.ServesWriters,
	},
	{
		Name: "sync.RWMutex",
		New:  func() locktest.Lock { return locktest.RWMutex(new(sync.RWMutex)) },
		Has:  locktest.KeptAsleep | locktest.ServesWriters | locktest.ServesReaders,
	},
}

func TestLocks(t *testing.T) {
	defer lwkt.SetBypass(lwkt.SetBypass(4)) // so that few overtakes show a bound
	for _, s := range locks {
		t.Run(s.Name, func(t *testing.T) { onHosts(t, s) })
	}
	for _, s := range std {
		t.Run(s.Name, func(t *testing.T) { locktest.Run(t, goroutines(), s) })
	}
}
