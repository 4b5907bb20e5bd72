// locks.go: the locks that are compared, behind one small face, so that every experiment is the same text for each of them.
//
// Why it is fair: nothing here helps or hinders a lock. Each is used as its manual page says: a token is acquired and released; a
// mutex is locked and unlocked, a reader-writer or shared-exclusive lock for exclusive use, but that a lock which lends to readers has one in the last row; spl is raised as far as it goes and lowered
// again; a funnel is set, and since a thread has one funnel at a time, a second one is switched to and back. All block in the same way,
// also those that must not.
//
// To add a lock: an entry in locks, its verdicts in article of table_test.go, and what it does in broken of broken_test.go.

package table

import (
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/giant"
	"github.com/serializing-tokens/lwkt/lockmgr"
	"github.com/serializing-tokens/lwkt/rmlock"
	"github.com/serializing-tokens/lwkt/serializer"
	"github.com/serializing-tokens/lwkt/sim"
)

// lockNames are the columns. "mutex" is the one without lending.
var lockNames = func() (names []string) {
	for _, l := range locks() {
		names = append(names, l.name)
	}
	return names
}()

// A lock is one column: how to make, for one run, what guards the two things that the experiments are about.
type lock struct {
	name string
	// policies are what the scheduler may do to a holder. Each experiment with processors runs under all of them, and the lock
	// works only if it does under each.
	policies []sim.Slicing
	fresh    func(m *sim.Machine) guard
}

// A guard is a pair of locks in one run.
type guard struct {
	// enter takes lock i, 0 or 1, and returns what gives it back.
	enter func(td *lwkt.Thread, i int) (leave func())
	// share takes it for reading, where the lock lends to its readers; else it is nil.
	share func(td *lwkt.Thread, i int) (leave func())
	// block blocks for a time, as for a disk, whatever is held.
	block func(td *lwkt.Thread, d time.Duration) (changed bool)
}

// pause is how a thread blocks.
func pause(td *lwkt.Thread, d time.Duration) (changed bool) { return td.Pause(d) }

var (
	both  = []sim.Slicing{sim.KeepHolders, sim.LendHolders}
	plain = []sim.Slicing{sim.KeepHolders} // the policies are about tokens only
)

func locks() []lock {
	return []lock{
		{"token", both, tokens},
		{"mutex", plain, mutexes(false)},
		{"spl", plain, levels},
		{"funnel", both, funnels},
		{"mtx", plain, pairs((*lwkt.Mtx).Init, (*lwkt.Mtx).Lock, (*lwkt.Mtx).Unlock)},
		{"rw", plain, pairs((*lwkt.RWLock).Init, (*lwkt.RWLock).WLock, (*lwkt.RWLock).WUnlock)},
		{"sx", plain, pairs((*lwkt.SX).Init, (*lwkt.SX).XLock, (*lwkt.SX).XUnlock)},
		{"rm", plain, readMostly(0)},
		{"rms", plain, readMostly(rmlock.Sleepable)},
		{"lockmgr", plain, pairs(initLockmgr, (*lockmgr.Lock).XLock, (*lockmgr.Lock).Unlock)},
		{"serializer", plain, pairs(initSerializer, (*serializer.Serializer).Enter, (*serializer.Serializer).Exit)},
		{"giant", plain, pairs(initGiant, (*giant.Mtx).Lock, (*giant.Mtx).Unlock)},
		{"spin", plain, pairs((*lwkt.SpinMtx).Init, spinLock, (*lwkt.SpinMtx).Unlock)},
	}
}

// names of the two locks of a guard, as reports call them.
var names = [2]string{"X", "Y"}

func tokens(*sim.Machine) guard {
	t := [2]*lwkt.Token{lwkt.NewToken(names[0]), lwkt.NewToken(names[1])}
	return guard{block: pause, enter: func(td *lwkt.Thread, i int) func() {
		t[i].Acquire(td)
		return func() { t[i].Release(td) }
	}}
}

func mutexes(lend bool) func(*sim.Machine) guard {
	return func(*sim.Machine) guard {
		mu := [2]*sim.Mutex{{Name: names[0], Lend: lend}, {Name: names[1], Lend: lend}}
		return guard{block: pause, enter: func(td *lwkt.Thread, i int) func() {
			mu[i].Lock(td)
			return func() { mu[i].Unlock(td) }
		}}
	}
}

// levels is splhigh, whichever of the two it is for: there is nothing that would tell them apart.
func levels(m *sim.Machine) guard {
	return guard{block: pause, enter: func(td *lwkt.Thread, _ int) func() {
		old := m.Splraise(td, sim.SplHigh)
		return func() { m.Splx(td, old) }
	}}
}

func funnels(*sim.Machine) guard {
	f := [2]*lwkt.Funnel{lwkt.NewFunnel(names[0]), lwkt.NewFunnel(names[1])}
	return guard{block: pause, enter: func(td *lwkt.Thread, i int) func() {
		prev := td.Funnel()
		if prev == nil {
			td.SetFunnel(f[i])
			return func() { td.SetFunnel(nil) }
		}
		td.SwitchFunnel(f[i])
		return func() { td.SwitchFunnel(prev) }
	}}
}

// pairs is two locks of the family of FreeBSD.
func pairs[L any](name func(l *L, name string, o lwkt.Options), take func(l *L, td *lwkt.Thread) bool, leave func(l *L, td *lwkt.Thread)) func(*sim.Machine) guard {
	return func(*sim.Machine) guard {
		var l [2]L
		for i := range l {
			name(&l[i], names[i], 0)
		}
		return guard{block: pause, enter: func(td *lwkt.Thread, i int) func() {
			take(&l[i], td)
			return func() { leave(&l[i], td) }
		}}
	}
}

// readMostly is two read-mostly locks, for writers; who reads one is lent to.
func readMostly(o lwkt.Options) func(*sim.Machine) guard {
	return func(*sim.Machine) guard {
		var l [2]rmlock.Lock
		for i := range l {
			l[i].Init(names[i], o)
		}
		return guard{block: pause,
			enter: func(td *lwkt.Thread, i int) func() {
				l[i].WLock(td)
				return func() { l[i].WUnlock(td) }
			},
			share: func(td *lwkt.Thread, i int) func() {
				l[i].RLock(td)
				return func() { l[i].RUnlock(td) }
			},
		}
	}
}

// What some of them call otherwise.
func initLockmgr(l *lockmgr.Lock, name string, _ lwkt.Options)             { l.Init(name, 0) }
func initSerializer(l *serializer.Serializer, name string, _ lwkt.Options) { l.Init(name) }
func initGiant(l *giant.Mtx, name string, _ lwkt.Options)                  { l.Init(name) }
func spinLock(l *lwkt.SpinMtx, td *lwkt.Thread) (changed bool)             { l.Lock(td); return false }
