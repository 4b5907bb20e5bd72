// waitfor_test.go: the graph finds the deadlocks that there are and no others, and a world that has one is given up with all its
// tellers sent home. Nothing here depends on timing: each test makes its own deadlock, step by step.

package demo

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/serializing-tokens/lwkt/cmd/internal/demo/journal"
)

func TestWaitGraph(t *testing.T) {
	g := newWaitGraph(4, 4)
	lock := func(teller, account int) {
		t.Helper()
		if c := g.wait(teller, account); c != nil {
			t.Fatalf("cycle %v for a free account", c)
		}
		g.hold(teller, account)
	}
	for i := range 3 {
		lock(i, i)
	}
	// 0 and 1 wait, 2 does not: a chain, no cycle. 3 holds nothing: it can wait for whom it likes.
	for _, w := range [][2]int{{0, 1}, {1, 2}, {3, 0}} {
		if c := g.wait(w[0], w[1]); c != nil {
			t.Fatalf("teller %d waits for %d: cycle %v in a chain", w[0], w[1], c)
		}
	}
	c := g.wait(2, 0)
	want := cycle{{teller: 0, holds: 0, wants: 1}, {teller: 1, holds: 1, wants: 2}, {teller: 2, holds: 2, wants: 0}}
	if !reflect.DeepEqual(c, want) {
		t.Fatalf("cycle %v, want %v", c, want)
	}
	wantLines := []string{
		"teller 0 holds account 0 and waits for account 1, which teller 1 holds",
		"teller 1 holds account 1 and waits for account 2, which teller 2 holds",
		"teller 2 holds account 2 and waits for account 0, which teller 0 holds",
	}
	if lines := c.lines(); !slices.Equal(lines, wantLines) {
		t.Errorf("in words:\n%s", strings.Join(lines, "\n"))
	}
	// 3 runs into the cycle without being in it: that is no new one, and the walk must end.
	if c := g.wait(3, 1); c != nil {
		t.Errorf("teller 3 is in no cycle, got %v", c)
	}
	if g.release(3, 0) || !g.release(0, 0) || g.release(0, 0) {
		t.Error("release: only the holder holds it, and only once")
	}
	if c := g.wait(2, 0); c != nil {
		t.Errorf("the cycle was broken, got %v", c)
	}
}

// memory is a journal file that goes nowhere. sync, if set, is called by each Sync.
type memory struct {
	data []byte
	room int // 0 is no limit
	err  error
	sync func()
}

func (m *memory) Write(p []byte) (int, error) {
	if m.room > 0 && len(m.data)+len(p) > m.room {
		n := m.room - len(m.data)
		m.data = append(m.data, p[:n]...)
		return n, m.err
	}
	m.data = append(m.data, p...)
	return len(p), nil
}

func (m *memory) Sync() error {
	if m.sync != nil {
		m.sync()
	}
	return nil
}

func (m *memory) Truncate(size int64) error { m.data = m.data[:size]; return nil }
func (m *memory) Close() error              { return nil }

// TestWorldGivenUp makes two deadlocks in one world out of sync.Mutex, and a teller who waits for a deadlocked account.
func TestWorldGivenUp(t *testing.T) {
	cfg := config{accounts: 5, tellers: 5}
	log := journal.NewWriter("test", new(memory))
	defer log.Close()
	var tl tally
	b := openUnordered(log, &tl, cfg).(*unorderedBank)
	for i := range 4 {
		if !b.lock(i, i) {
			t.Fatal("a free account in a living world")
		}
	}
	var tellers sync.WaitGroup
	home := make([]bool, 5)
	for i, account := range []int{1, 0, 3, 2} {
		tellers.Go(func() { // the second half of transfer
			home[i] = !b.lock(i, account)
			b.unlock(i, i)
		})
	}
	tellers.Go(func() { // all of it, with an account that nobody else wants
		out, err := b.transfer(4, request{from: 4, to: 0, amount: 1})
		home[4] = err == nil && (out.ending == stuck || out.ending == committed) // it may come before the end of the world, or after
	})
	done := make(chan struct{})
	go func() { tellers.Wait(); close(done) }()
	if !b.watch(done) {
		t.Error("the world was not given up")
	}
	if slices.Contains(home, false) {
		t.Errorf("tellers gone home: %v", home)
	}
	if n := tl.deadlocks.Load(); n != 1 {
		t.Errorf("%d deadlocks counted for one world", n)
	}
	if c := tl.first.Load(); c == nil || len(*c) != 2 {
		t.Errorf("cycle %v", c)
	}
	for i := range b.accounts {
		if !b.accounts[i].mu.TryLock() {
			t.Errorf("account %d was left locked", i)
		}
	}
}
