package bench

import (
	"testing"
	"time"
	"unsafe"
)

// TestLiesAreFoundOut feeds each check what a lock without exclusion would leave behind.
func TestLiesAreFoundOut(t *testing.T) {
	const n = 10
	c := newCrew(n, 0, 1)
	c.did.Store(n)
	if did, err := c.check(n); err != nil || did != n {
		t.Errorf("all is well: %d, %v", did, err)
	}
	if _, err := c.check(n - 1); err == nil {
		t.Error("a lost increment went unnoticed")
	}
	c.did.Store(n - 1)
	if _, err := c.check(n - 1); err == nil {
		t.Error("an operation that nobody did went unnoticed")
	}
	c.limit = time.Second
	if did, err := c.check(n - 1); err != nil || did != n-1 {
		t.Errorf("called off, and all is well: %d, %v", did, err)
	}
	if _, err := c.check(n); err == nil {
		t.Error("called off, and an increment too many went unnoticed")
	}

	var good, lost, torn tally
	good.writes.Store(3)
	lost.writes.Store(3)
	torn.torn.Store(1)
	if _, err := good.verdict(c, 3); err != nil {
		t.Errorf("all is well: %v", err)
	}
	if _, err := lost.verdict(c, 2); err == nil {
		t.Error("a lost write went unnoticed")
	}
	if _, err := torn.verdict(c, 0); err == nil {
		t.Error("a torn read went unnoticed")
	}

	for _, book := range []struct {
		accounts []money
		ok       bool
	}{
		{[]money{{-1, 2}, {1, 2}}, true},
		{[]money{{-1, 2}, {2, 2}}, false}, // money out of nothing
		{[]money{{-1, 2}, {1, 1}}, false}, // a move lost on each side would keep the sum
	} {
		err := audit(2, len(book.accounts), func(i int) money { return book.accounts[i] })
		if (err == nil) != book.ok {
			t.Errorf("audit of %v: %v", book.accounts, err)
		}
	}
}

func TestDealGivesEachOperationOnce(t *testing.T) {
	for _, n := range []int{1, 15, 64, 1000, 100_000} {
		c := newCrew(n, 0, 64)
		for range 8 {
			c.join(func() {
				did := 0
				c.enter()
				for hand := c.deal.next(); hand > 0; hand = c.deal.next() {
					did += hand
				}
				c.leave(did)
			})
		}
		if d := c.race(); d <= 0 {
			t.Errorf("took %v", d)
		}
		if did, err := c.total(); err != nil || did != n {
			t.Errorf("did %d of %d: %v", did, n, err)
		}
		if c.deal.next() != 0 {
			t.Error("an operation left over")
		}
	}
}

// TestTimeUp: without a last operation a crowd ends when it is called off.
func TestTimeUp(t *testing.T) {
	for i := range rows {
		r := &rows[i]
		if !r.effort.timed {
			continue
		}
		for side, f := range map[string]loop{"lwkt": r.lwkt, "sync": r.sync} {
			limit := time.Millisecond
			did, took, err := f(maxOps, limit)
			for did == 0 && limit < time.Second { // called off before anybody ran
				limit *= 4
				did, took, err = f(maxOps, limit)
			}
			if err != nil || did == 0 || did == maxOps || took < limit/2 {
				t.Errorf("%s, %s: %d operations in %v, %v", r.name, side, did, took, err)
			}
		}
	}
}

// TestCellsLieApart: the figures assume that no two locks share a cache line.
func TestCellsLieApart(t *testing.T) {
	for name, size := range map[string]uintptr{
		"tokenCell":      unsafe.Sizeof(tokenCell{}),
		"mutexCell":      unsafe.Sizeof(mutexCell{}),
		"rwmutexCell":    unsafe.Sizeof(rwmutexCell{}),
		"mtxCell":        unsafe.Sizeof(mtxCell{}),
		"rwlockCell":     unsafe.Sizeof(rwlockCell{}),
		"sxCell":         unsafe.Sizeof(sxCell{}),
		"spinCell":       unsafe.Sizeof(spinCell{}),
		"rmlockCell":     unsafe.Sizeof(rmlockCell{}),
		"lockmgrCell":    unsafe.Sizeof(lockmgrCell{}),
		"mtxpoolCell":    unsafe.Sizeof(mtxpoolCell{}),
		"serializerCell": unsafe.Sizeof(serializerCell{}),
		"giantCell":      unsafe.Sizeof(giantCell{}),
		"semaCell":       unsafe.Sizeof(semaCell{}),
		"channelCell":    unsafe.Sizeof(channelCell{}),
		"tokenAccount":   unsafe.Sizeof(tokenAccount{}),
		"mutexAccount":   unsafe.Sizeof(mutexAccount{}),
	} {
		if size%line != 0 {
			t.Errorf("%s has %d bytes", name, size)
		}
	}
	for _, p := range []*mutexCell{new(mutexCell), new(mutexCell), new(mutexCell)} {
		if uintptr(unsafe.Pointer(p))%line != 0 {
			t.Errorf("a cell at %p", p)
		}
	}
}

func TestWork(t *testing.T) {
	if microsecond() < 1 || noWork() != 0 {
		t.Errorf("turns of 1 µs: %d, of no work: %d", microsecond(), noWork())
	}
	if spin(1, 0) != 1 || spin(1, 10) != spin(spin(1, 4), 6) {
		t.Error("spin does not do as many turns as it is told")
	}
	if a := blockAsks(); a <= 0 || a > blockFor {
		t.Errorf("asks for a block of %v", a)
	}
	start := time.Now()
	nap()
	if d := time.Since(start); d < blockAsks()/2 {
		t.Errorf("a nap of %v", d)
	}
}

// TestPairsCoverTheBook: two different accounts each, all of them drawn.
func TestPairsCoverTheBook(t *testing.T) {
	const n = 8
	r, seen := newDraw(0), [n][n]int{}
	for range 100 * n * n {
		i, j := r.pair(n)
		if i >= n || j >= n || i == j {
			t.Fatalf("drew %d and %d of %d", i, j, n)
		}
		seen[i][j]++
	}
	for i := range n {
		for j := range n {
			if i != j && seen[i][j] < 50 {
				t.Errorf("drew %d and %d only %d times of about 114", i, j, seen[i][j])
			}
		}
	}
}
