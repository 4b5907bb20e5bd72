package cases

import (
	"sync"
	"testing"
)

// both takes x, then y, each shared or exclusive.
func both(x *sync.RWMutex, xShared bool, y *sync.RWMutex, yShared bool) {
	if xShared {
		x.RLock()
		defer x.RUnlock()
	} else {
		x.Lock()
		defer x.Unlock()
	}
	if yShared {
		y.RLock()
		defer y.RUnlock()
	} else {
		y.Lock()
		defer y.Unlock()
	}
}

// mixtures runs all 16 mixtures of modes: the first two letters are one goroutine's, the others the other's; R shares.
func mixtures(t *testing.T) {
	for _, m := range []string{
		"WWWW", "WWWR", "WWRW", "WWRR", "WRWW", "WRWR", "WRRW", "WRRR",
		"RWWW", "RWWR", "RWRW", "RWRR", "RRWW", "RRWR", "RRRW", "RRRR",
	} {
		t.Run(m, func(t *testing.T) {
			var x, y sync.RWMutex
			apart(func() { both(&x, m[0] == 'R', &y, m[1] == 'R') }, func() { both(&y, m[2] == 'R', &x, m[3] == 'R') })
		})
	}
}

// Two read-write locks in both orders: at each lock somebody holds what excludes what the other one wants.
//
// sub: WWWW WWWR WWRW WWRR WRWW WRWR RWWW RWRW RRWW
// want: likely order mixtures.x -> mixtures.y -> mixtures.x
func TestMixtures(t *testing.T) { mixtures(t) }

// The same where readers meet readers at one lock or at both: they wait for each other only if a writer comes between.
//
// sub: WRRW WRRR RWWR RWRR RRWR RRRW RRRR
// want: possible order mixtures.x -> mixtures.y -> mixtures.x
func TestMixturesOfReaders(t *testing.T) { mixtures(t) }

// Two read-write locks in one order, in any mode.
//
// sub: WWWW WWWR WWRW WWRR WRWW WRWR WRRW WRRR RWWW RWWR RWRW RWRR RRWW RRWR RRRW RRRR
func TestMixturesInOrder(t *testing.T) {
	for _, m := range []string{
		"WWWW", "WWWR", "WWRW", "WWRR", "WRWW", "WRWR", "WRRW", "WRRR",
		"RWWW", "RWWR", "RWRW", "RWRR", "RRWW", "RRWR", "RRRW", "RRRR",
	} {
		t.Run(m, func(t *testing.T) {
			var x, y sync.RWMutex
			apart(func() { both(&x, m[0] == 'R', &y, m[1] == 'R') }, func() { both(&x, m[2] == 'R', &y, m[3] == 'R') })
		})
	}
}

// A read-write lock and a mutex in both orders; the reader excludes the writer.
//
// want: likely order mu -> rw -> mu
func TestReaderAndMutex(t *testing.T) {
	var rw sync.RWMutex
	var mu sync.Mutex
	apart(func() {
		rw.RLock()
		mu.Lock()
		mu.Unlock()
		rw.RUnlock()
	}, func() {
		mu.Lock()
		rw.Lock()
		rw.Unlock()
		mu.Unlock()
	})
}

// A weaker order that is known does not hide a stronger one that comes later.
//
// want: likely order x -> y -> x
func TestStrongerLater(t *testing.T) {
	var x, y sync.RWMutex
	apart(
		func() {
			both(&x, true, &y, true)
			both(&x, false, &y, false)
		},
		func() { both(&y, false, &x, false) })
}

// A Locker made by RLocker is a reader.
//
// want: possible order mu -> rw -> mu
func TestRLocker(t *testing.T) {
	var rw sync.RWMutex
	var mu sync.Mutex
	l := rw.RLocker()
	apart(func() {
		l.Lock()
		mu.Lock()
		mu.Unlock()
		l.Unlock()
	}, func() {
		mu.Lock()
		rw.RLock()
		rw.RUnlock()
		mu.Unlock()
	})
}

// Three read-write locks in a ring, written.
//
// want: likely order x -> y -> z -> x
func TestRingOfWriters(t *testing.T) {
	var x, y, z sync.RWMutex
	apart(
		func() { both(&x, false, &y, false) },
		func() { both(&y, false, &z, false) },
		func() { both(&z, false, &x, false) })
}

// Three in a ring, read only.
//
// want: possible order x -> y -> z -> x
func TestRingOfReaders(t *testing.T) {
	var x, y, z sync.RWMutex
	apart(
		func() { both(&x, true, &y, true) },
		func() { both(&y, true, &z, true) },
		func() { both(&z, true, &x, true) })
}

// Three in a ring, each held shared and wanted exclusively.
//
// want: likely order x -> y -> z -> x
func TestRingOfUpgraders(t *testing.T) {
	var x, y, z sync.RWMutex
	apart(
		func() { both(&x, true, &y, false) },
		func() { both(&y, true, &z, false) },
		func() { both(&z, true, &x, false) })
}

// Many readers at once of one lock.
func TestReadersOfOne(t *testing.T) {
	var rw sync.RWMutex
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			rw.RLock()
			defer rw.RUnlock()
		})
	}
	wg.Wait()
}
