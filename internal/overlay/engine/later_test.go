// Orders that wait in their locks count as those in the graph do.
package engine_test

import (
	"testing"

	"github.com/serializing-tokens/lwkt/internal/overlay/engine"
)

func TestLater(t *testing.T) {
	for _, v := range []struct{ name, script, want string }{
		{"the opposite", "1 lock a b; unlock b a; 2 lock b a", "likely order b,a"},
		{"more than a list has room for", "1 lock a b; unlock b a; 2 lock a b; unlock b a; 3 lock a b; unlock b a; 4 lock a b; unlock b a; 5 lock a b; unlock b a; 6 lock a b; unlock b a; 7 lock b a", "likely order b,a"},
		{"over a lock that led nowhere", "1 lock a b; unlock b a; 3 lock b c; unlock c b; 2 lock c a", "likely order c,a,b"},
		{"from its middle", "1 lock b c; unlock c b; 3 lock a b; unlock b a; 2 lock c a", "likely order c,a,b"},
		{"one of two held", "1 lock a b c; unlock c b a; 2 lock c b", "likely order c,b"},
		{"below a gate", "1 lock g a b; unlock b a g; 2 lock g b a", ""},
		{"with a gate once", "1 lock g a b; unlock b a g; lock a b; unlock b a; 2 lock g b a", "likely order b,a"},
		{"by one thread", "1 lock a1 a2; unlock a2 a1; lock a2 a1", "possible order a,a"},
		{"by one that was started after", "1 lock a1 a2; unlock a2 a1; go 2; end; 2 lock a2 a1", ""},
		{"by one that it started, and joined", "1 go 2; 2 lock a1 a2; unlock a2 a1; done w; end; 1 joined w; lock a2 a1", "possible order a,a"},
	} {
		w := newWorld(t, engine.Options{})
		w.do(v.script)
		if got := w.found(); got != v.want {
			t.Errorf("%s: found %q, want %q", v.name, got, v.want)
		}
	}
}

// TestSilenceIsExact: the starter may take any other locks, and a few more than the table has room for.
func TestSilenceIsExact(t *testing.T) {
	for _, v := range []struct {
		others, seeds int
	}{{0, 1}, {20, 20}, {500, 50}} {
		for range v.seeds {
			w := newWorld(t, engine.Options{})
			others := newLocks(w.e, v.others)
			w.do("1 lock a b; unlock b a; go 2")
			th := w.thread("1")
			for i := range others {
				th.Locked(&others[i], ex, 1)
				th.Unlocked(&others[i], ex, 1)
			}
			w.do("2 lock b a; unlock a b").expect("")
			w.do("1 lock b").expect("possible order b,a")
		}
	}
	w := newWorld(t, engine.Options{})
	others := newLocks(w.e, 10_000)
	w.do("1 lock a b; unlock b a; go 2; lock a; unlock a")
	for i := range others {
		w.thread("1").Locked(&others[i], ex, 1)
		w.thread("1").Unlocked(&others[i], ex, 1)
	}
	w.do("2 lock b a").expect("possible order b,a")
	// All that was forgotten was used before this one is started.
	w.do("1 lock c d; unlock d c; go 3; 3 lock d c").expect("possible order b,a")
}

// TestLaterLabel: a thread that has ended counts as long as an order of it waits in a lock.
func TestLaterLabel(t *testing.T) {
	e := engine.New(weakEnv(), engine.Options{})
	l := newLocks(e, 2)
	both := func(th *engine.Thread, x, y *engine.Tag) {
		th.Locked(x, ex, 1)
		th.Locked(y, ex, 2)
		th.Unlocked(y, ex, 3)
		th.Unlocked(x, ex, 4)
	}
	th := e.Thread(engine.Origin{}, "")
	both(th, &l[0], &l[1])
	for range 100 {
		next := e.Thread(th.Fork(), "")
		th.Exit()
		th = next
		own := newLocks(e, 2)
		both(th, &own[0], &own[1])
		heap()
	}
	both(th, &l[1], &l[0])
	if r := e.Reports(); len(r) != 1 || r[0].Severity != engine.Possible {
		t.Errorf("%d reports", len(r))
	}
}

// TestUnpinned: the engine does without pointers to the locks that are held.
func TestUnpinned(t *testing.T) {
	w := newWorld(t, engine.Options{})
	w.do("1 lock a b; unlock b a; 2 lock b c")
	w.e.Still(true)
	w.thread("2").Unpin()
	w.e.Still(false)
	w.do("2 unlock c; lock a").expect("likely order b,a")
	w.do("2 unlock a b; 1 lock d c; unlock c d; lock c b; unlock b c").expect("likely order b,a; likely order c,b")

	w = newWorld(t, engine.Options{})
	w.do("1 lock a")
	w.e.Still(true)
	w.thread("1").Unpin()
	w.e.Still(false)
	w.do("1 lock b; unlock b a; 2 lock b a").expect("likely order b,a")
}

// TestLaterReset: orders that wait are forgotten too, and may be blessed.
func TestLaterReset(t *testing.T) {
	w := newWorld(t, engine.Options{})
	w.do("1 lock a b c; unlock c b a")
	w.e.Reset()
	w.do("2 lock b a; unlock a b; lock c b; unlock b c").expect("")
	w.do("1 lock a b").expect("likely order a,b")

	w = newWorld(t, engine.Options{})
	w.do("1 lock a b; unlock b a")
	w.e.Bless(w.lock("a").ID().Class(), w.lock("b").ID().Class())
	w.do("2 lock b a; unlock a b; 1 lock b a").expect("")
}
