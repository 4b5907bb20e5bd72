// Orders: what is reported, how severely, and what is not.
package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt/internal/overlay/engine"
)

// situation is a script and what is to be found.
type situation struct {
	name, script, want string
}

func play(t *testing.T, list []situation) {
	t.Helper()
	for _, s := range list {
		t.Run(s.name, func(t *testing.T) {
			newWorld(t, engine.Options{}).do(s.script).expect(s.want)
		})
	}
}

const (
	ab = "lock a b; unlock b a;"
	ba = "lock b a; unlock a b;"
)

func TestOrder(t *testing.T) {
	play(t, []situation{
		{"one order", "1" + sp(ab) + "2" + sp(ab) + "1" + sp(ab), ""},
		{"both orders", "1" + sp(ab) + "2" + sp(ba), "likely order b,a"},
		{"both orders, released the other way round", "1 lock a b; unlock a b; 2 lock b a; unlock b a", "likely order b,a"},
		{"one thread", "1" + sp(ab) + "1" + sp(ba), "possible order b,a"},
		{"one thread, then two", "1" + sp(ab) + "1" + sp(ba) + "2" + sp(ab), "likely order a,b"},
		{"reported once", "1" + sp(ab) + "2" + sp(ba) + "1" + sp(ab) + "2" + sp(ba) + "3" + sp(ba), "likely order b,a"},
		{"not nested", "1 lock a; unlock a; lock b; unlock b; 2 lock b; unlock b; lock a; unlock a", ""},
		{"hand over hand", "1 lock a b; unlock a; lock c; unlock b; lock d; unlock c d; 2 lock a b; unlock a; lock c; unlock b c", ""},
		{"released in the middle", "1 lock a b c; unlock b; lock d; unlock a c d; 2 lock d b; unlock b d", ""},
		{"released in the middle, and still an order", "1 lock a b c; unlock b; lock d; unlock a c d; 2 lock d c; unlock c d", "likely order d,c"},
		{"other locks of the same classes", "1 lock a1 b1; unlock b1 a1; 2 lock b2 a2; unlock a2 b2", "possible order b*,a*"},
		{"first others, then the same", "1 lock a1 b1; unlock b1 a1; 2 lock b2 a2; unlock a2 b2; lock b1 a1", "likely order b,a"},
		{"parent and child", "1 lock a1 a2; unlock a2 a1; 2 lock a1 a2; unlock a2 a1; 3 lock a2 a3; unlock a3 a2", ""},
		{"child and parent", "1 lock a1 a2; unlock a2 a1; 2 lock a2 a1; unlock a1 a2", "likely order a,a"},
		{"trees of two locks each", "1 lock a1 b1 a2 b2; unlock b2 a2 b1 a1; 2 lock a2 b2 a3 b3", ""},
		{"philosophers", "1 lock f1 f2; unlock f2 f1; 2 lock f2 f3; unlock f3 f2; 3 lock f3 f1; unlock f1 f3", "likely order f,f,f"},
		{"a longer way round through a shorter one", "1 lock a b c; unlock c b a; 2 lock c a; unlock a c", "likely order c,a"},
		{"two circles through one back edge", "1" + sp(ab) + "2" + sp(ba) + "3 lock a d; unlock d a; 4 lock d b; unlock b d", "likely order b,a; likely order d,b,a"},
	})
}

func sp(s string) string { return " " + s }

// TestOrderRotations closes circles of two to five locks at each of their edges, with one thread
// for each edge; before the last one, nothing is said.
func TestOrderRotations(t *testing.T) {
	for _, byClass := range []bool{false, true} {
		for n := 2; n <= 5; n++ {
			for last := range n {
				w := newWorld(t, engine.Options{})
				for i := range n {
					w.expect("")
					k := (last + 1 + i) % n
					a, b := fmt.Sprintf("%c1", 'a'+k), fmt.Sprintf("%c1", 'a'+(k+1)%n)
					if byClass {
						a, b = fmt.Sprintf("%c%d", 'a'+k, 2*i), fmt.Sprintf("%c%d", 'a'+(k+1)%n, 2*i+1)
					}
					w.do(fmt.Sprintf("%d lock %s %s; unlock %s %s", i+1, a, b, b, a))
				}
				r := w.e.Reports()
				if len(r) != 1 || len(r[0].Cycle) != n || r[0].Kind != engine.Order {
					t.Fatalf("%d locks, last edge %d, by class %v: found %q", n, last, byClass, w.found())
				}
				if want := map[bool]engine.Severity{false: engine.Likely, true: engine.Possible}[byClass]; r[0].Severity != want {
					t.Errorf("%d locks, by class %v: %v", n, byClass, r[0].Severity)
				}
				for i, s := range r[0].Cycle {
					if s.Wants.Name != r[0].Cycle[(i+1)%n].Holds.Name || s.Holds.Site == 0 || len(s.Stack) == 0 || s.Now != (i == 0) {
						t.Errorf("step %d of %d: %+v", i, n, s)
					}
				}
			}
		}
	}
}

func TestReadersAndWriters(t *testing.T) {
	// For each lock: the mode in which the first thread holds or wants it, and the second.
	word := map[byte]string{'w': "", 'r': "r"}
	for _, modes := range []string{"ww", "wr", "rw", "rr"} {
		for _, other := range []string{"ww", "wr", "rw", "rr"} {
			script := fmt.Sprintf("1 %[1]slock ra; %[2]slock rb; %[2]sunlock rb; %[1]sunlock ra; 2 %[3]slock rb; %[4]slock ra; %[4]sunlock ra; %[3]sunlock rb",
				word[modes[0]], word[modes[1]], word[other[0]], word[other[1]])
			want := "likely order rb,ra"
			// Lock ra: the first thread holds it, the second wants it; lock rb the other way round.
			if modes[0] == 'r' && other[1] == 'r' || modes[1] == 'r' && other[0] == 'r' {
				want = "possible order rb,ra"
			}
			t.Run(modes+other, func(t *testing.T) {
				newWorld(t, engine.Options{}).do(script).expect(want)
			})
			t.Run(modes+other+" with readers that never queue", func(t *testing.T) {
				w := newWorld(t, engine.Options{})
				w.spec = func(c string) engine.ClassSpec {
					return engine.ClassSpec{Name: c, Kind: engine.Mutex, Flag: engine.RecursiveRead}
				}
				w.do(script)
				if strings.HasPrefix(want, "possible") {
					w.expect("")
				} else {
					w.expect(want)
				}
			})
		}
	}
	play(t, []situation{
		{"a weaker mode seen before does not hide a stronger one",
			"1 rlock ra; lock b; unlock b; runlock ra; 1 lock ra b; unlock b ra; 2 lock b; rlock ra; runlock ra; unlock b", "likely order b,ra"},
		{"nor in the second thread",
			"1 rlock ra; lock b; unlock b; runlock ra; 2 lock b; rlock ra; runlock ra; unlock b; 2 lock b ra; unlock ra b", "likely order b,ra"},
		{"three readers in a circle",
			"1 rlock ra rb; runlock rb ra; 2 rlock rb rc; runlock rc rb; 3 rlock rc ra", "possible order rc,ra,rb"},
		{"a writer among them is not enough",
			"1 rlock ra rb; runlock rb ra; 2 rlock rb; lock rc; unlock rc; runlock rb; 3 rlock rc ra", "possible order rc,ra,rb"},
		{"three writers", "1 lock ra rb; unlock rb ra; 2 lock rb rc; unlock rc rb; 3 lock rc; rlock ra", "likely order rc,ra,rb"},
	})
}

func TestGates(t *testing.T) {
	play(t, []situation{
		{"a common outer lock", "1 lock g" + "; " + ab + "unlock g; 2 lock g; " + ba + "unlock g", ""},
		{"then without it", "1 lock g; " + ab + "unlock g; 2 lock g; " + ba + "unlock g; 3 " + ba, "likely order b,a"},
		{"the other one without it", "1 lock g; " + ab + "unlock g; 2 lock g; " + ba + "unlock g; 3 " + ab, "likely order a,b"},
		{"two different outer locks", "1 lock g; " + ab + "unlock g; 2 lock h; " + ba + "unlock h", "likely order b,a"},
		{"shared twice is no gate", "1 rlock rg; " + ab + "runlock rg; 2 rlock rg; " + ba + "runlock rg", "likely order b,a"},
		{"shared once is one", "1 rlock rg; " + ab + "runlock rg; 2 lock rg; " + ba + "unlock rg", ""},
		{"a gate that is given up in between", "1 lock g a; unlock g; lock b; unlock b a; 2 lock g b a; unlock a b g", "likely order b,a"},
		{"an inner lock is no gate", "1 lock a b g; unlock g b a; 2 lock b a g; unlock g a b", "likely order b,a"},
		{"two of three under it", "1 lock g a b; unlock b a g; 2 lock g b c; unlock c b g; 3 lock c a; unlock a c", ""},
		{"a container with what it contains", "1 lock g1 a1 b1; unlock b1 a1 g1; 2 lock g2 b2 a2; unlock a2 b2 g2", ""},
		{"taken by a try", "1 try g; " + ab + "unlock g; 2 lock g; " + ba + "unlock g", ""},
	})
}

func TestTry(t *testing.T) {
	play(t, []situation{
		{"a try does not order", "1" + sp(ab) + "2 lock b; try a; unlock a b", ""},
		{"nor the other way", "1 lock a; try b; unlock b a; 2" + sp(ba), ""},
		{"what is held by a try does", "1 try a; lock b; unlock b a; 2" + sp(ba), "likely order b,a"},
		{"a shared try of a lock that is held", "1 lock ra; rtry ra; runlock ra; unlock ra", ""},
	})
}

func TestOverlap(t *testing.T) {
	play(t, []situation{
		{"started after the last use", "1 " + ab + "go 2; 2 " + ba, ""},
		{"started, then used again", "1 " + ab + "go 2; 2 " + ba + "1 lock a; unlock a", "possible order b,a"},
		{"started, used again before", "1 " + ab + "go 2; lock b; unlock b; 2 " + ba, "possible order b,a"},
		{"started, another lock used", "1 " + ab + "go 2; 2 " + ba + "1 lock c; unlock c", ""},
		{"started with a lock held", "1 lock a b; unlock b; go 2; unlock a; 2 " + ba, "possible order b,a"},
		{"started, then the same order again", "1 " + ab + "go 2; 2 " + ba + "1 " + ab, "likely order a,b"},
		{"the same order again, then the other", "1 " + ab + "go 2; 1 " + ab + "2 " + ba, "likely order b,a"},
		{"started by one that was started", "1 " + ab + "go 2; 2 go 3; 3 " + ba, "possible order b,a"},
		{"started by one that was started and has locked", "1 " + ab + "go 2; 2 lock c d; unlock d c; go 3; 3 " + ba, "possible order b,a"},
		{"two siblings", "1 go 2; go 3; 2 " + ab + "3 " + ba, "likely order b,a"},
		{"started before", "1 lock x y; unlock y x; go 2; " + ab + "2 " + ba, "likely order b,a"},
		{"joined", "1 go 2; 2 " + ba + "done w; end; 1 joined w; " + ab, "possible order a,b"},
		{"joined too early", "1 go 2; 2 done w; " + ba + "1 joined w; " + ab, "likely order a,b"},
		{"two joined one after the other", "1 go 2; 2 " + ab + "done w; 1 joined w; go 3; 3 " + ba, "possible order b,a"},
		{"joined in another round", "1 lock a; lock b; unlock b; done w; joined w; 2 done w; lock b; joined w; 1 unlock a; 2 lock a; unlock a b", "likely order b,a"},
		{"two joined together", "1 go 2; go 3; 2 " + ab + "done w; 3 " + ba + "done w; 1 joined w", "likely order b,a"},
		{"joined through another", "1 go 2; 2 go 3; 3 " + ab + "done w; 2 joined w; done w2; 1 joined w2; " + ba, "possible order b,a"},
		{"joined what its starter did", "1 " + ab + "go 2; 2 done w; 3 joined w; " + ba, "possible order b,a"},
		{"a round of a group that is over", "1 go 2; 2 done w; 1 joined w; go 3; 3 " + ab + "4 joined w; " + ba, "likely order b,a"},
		{"the starter has ended", "1 " + ab + "go 2; end; 2 " + ba, ""},
		{"the starter used one and ended", "1 " + ab + "go 2; lock a; unlock a; end; 2 " + ba, "possible order b,a"},
		{"a third thread makes it likely", "1 " + ab + "go 2; 2 " + ba + "3 " + ab, "likely order a,b"},
	})
}

func TestHandedOver(t *testing.T) {
	play(t, []situation{
		{"released by another", "1 lock a; 2 unlock a; 1 lock b; unlock b; 2 lock b a; unlock a b; end; 1 end", ""},
		{"and taken again by the first", "1 lock a; 2 unlock a; 1 lock a; unlock a; end", ""},
		{"a mutex as a signal", "1 lock a; want a; 2 unlock a; 1 got a; unlock a; end", ""},
		{"again and again", "1 lock a; want a; 2 unlock a; 1 got a; want a; 2 unlock a; 1 got a", ""},
		{"a share", "1 rlock ra; 2 runlock ra; 1 lock b; unlock b; end", ""},
		{"it orders while it is held", "1 lock a; 1 lock b; 2 unlock a; 1 lock c; unlock c b; 3 lock c b; unlock b c", "likely order c,b"},
		{"and not after", "1 lock a; 2 unlock a; 1 lock b; unlock b; 2 " + ba, ""},
	})
}

func TestRecursion(t *testing.T) {
	play(t, []situation{
		{"a mutex", "1 lock a; want a", "certain recursion a,a; certain deadlock a"},
		{"with another in between", "1 lock a b; want a", "certain recursion a,a; certain deadlock a"},
		{"read in write", "1 lock ra; rwant ra", "certain recursion ra,ra; certain deadlock ra"},
		{"write in read", "1 rlock ra; want ra", "certain upgrade ra,ra; certain deadlock ra"},
		{"read in read", "1 rlock ra ra; runlock ra ra; rlock ra ra", "possible recursion ra,ra; possible recursion ra,ra"},
		{"a once in itself", "1 lock o; want o", "certain recursion o,o; certain deadlock o"},
		{"another lock of the class", "1 lock a1 a2; unlock a2 a1", ""},
		{"read twice, released twice", "1 rtry ra ra; runlock ra ra; end", ""},
	})
	w := newWorld(t, engine.Options{})
	w.spec = func(c string) engine.ClassSpec {
		return engine.ClassSpec{Name: c, Kind: engine.Sleepable, Flag: engine.Recursive | engine.OwnerOnly}
	}
	w.do("1 lock a a b a; unlock a b a a; 2 lock b a; unlock a b; 1 end").expect("likely order b,a")
}

func TestOnce(t *testing.T) {
	play(t, []situation{
		{"a lock in a once and around it", "1 lock o a; unlock a o; 2 lock a; want o", "likely order a,o"},
		{"while it runs", "1 lock o; 2 lock a; want o; 1 want a", "likely order o,a; certain deadlock o,a"},
		{"only in it", "1 lock o a; unlock a o; 2 lock a; unlock a", ""},
	})
}

func TestDeadlock(t *testing.T) {
	play(t, []situation{
		{"two mutexes", "1 lock a; 2 lock b; 1 want b; 2 want a", "likely order b,a; certain deadlock b,a"},
		{"three", "1 lock a; 2 lock b; 3 lock c; 1 want b; 2 want c; 3 want a", "likely order c,a,b; certain deadlock c,a,b"},
		{"waiting is not hanging", "1 lock a; 2 want a; 3 want a; 1 unlock a; 2 got a; unlock a; 3 got a; unlock a", ""},
		{"readers behind a writer", "1 rlock ra; 2 want ra; 1 rwant ra", "possible recursion ra,ra; certain deadlock ra"},
		{"two shares, two writers", "1 rlock ra; 2 rlock rb; 3 want ra; 4 want rb; 1 rwant rb; 2 rwant ra", "possible order rb,ra; certain deadlock rb,ra"},
		{"a group whose goroutine wants the lock", "1 lock a; go 2; 2 owe w; want a; 1 wait w", "certain deadlock a,w"},
		{"a group that is owed by its waiter", "1 owe w; wait w", "certain deadlock w"},
		{"paid", "1 lock a; go 2; 2 owe w; done w; want a; 1 wait w", ""},
		{"resolved by a stranger", "1 lock a; 2 lock b; 1 want b; 2 want a; 3 unlock a; 2 got a", "likely order b,a"},
		{"released by another before", "1 lock a; 3 unlock a; 2 lock b a; 1 want b", ""},
	})
}

func TestLeak(t *testing.T) {
	play(t, []situation{
		{"held at the end, and released by another", "1 lock a; end; 2 unlock a", ""},
		{"a share", "1 rlock ra; end; 2 runlock ra", ""},
		{"released", "1 lock a; unlock a; end", ""},
	})
	w := newWorld(t, engine.Options{})
	w.do("1 lock a; end").expect("")
	w.e.Finish(nil)
	w.expect("likely leak a")
	w = newWorld(t, engine.Options{})
	w.do("1 lock a; end; 2 want a").expect("")
	w.e.Finish(nil)
	w.expect("certain leak a")
	w = newWorld(t, engine.Options{})
	w.spec = bsdSpec
	w.do("1 lock mtx; end").expect("certain leak mtx")

	// A lock whose function has returned.
	w = newWorld(t, engine.Options{LongTicks: 10})
	w.do("1 lock a")
	taker := w.site
	w.stack = []uintptr{taker}
	for range 10 {
		w.e.Tick()
	}
	w.do("1 lock b; unlock b").expect("") // it is still running
	w.stack = nil
	w.e.Tick()
	w.do("1 lock b; unlock b").expect("possible leak a")
	w.e.Tick()
	w.do("1 lock b; unlock b").expect("possible leak a")
	w = newWorld(t, engine.Options{LongTicks: 10})
	w.do("1 lock a")
	w.e.Tick()
	w.do("1 lock b; unlock b").expect("") // not for long
	w.e.Finish(w.threads["1"])
	w.expect("possible leak a")
}

// bsdSpec are the locks of package lwkt, by the first letters of their names.
func bsdSpec(class string) engine.ClassSpec {
	s := engine.ClassSpec{Name: class, Flag: engine.OwnerOnly | engine.RecursiveRead}
	for prefix, kind := range map[string]engine.Kind{"mtx": engine.Mutex, "rw": engine.Mutex, "rm": engine.ReadMostly, "sx": engine.Sleepable,
		"srm": engine.SleepRM, "lk": engine.Manager, "spin": engine.Spin, "giant": engine.Giant, "tok": engine.Token, "fun": engine.Funnel, "once": engine.Once} {
		if strings.HasPrefix(class, prefix) {
			s.Kind = kind
		}
	}
	return s
}

// TestThreeLocksInAllModes has each of three threads hold one lock and want the next, in all modes.
func TestThreeLocksInAllModes(t *testing.T) {
	for modes := range 1 << 6 {
		r := func(bit int) string {
			if modes>>bit&1 != 0 {
				return "r"
			}
			return ""
		}
		script, want := "", "likely order rc,ra,rb"
		for i := range 3 {
			from, to := string("abc"[i]), string("abc"[(i+1)%3])
			script += fmt.Sprintf("%d %slock r%s; %slock r%s; %sunlock r%s; %sunlock r%s;", i+1, r(2*i), from, r(2*i+1), to, r(2*i+1), to, r(2*i), from)
			// The next thread holds what this one wants.
			if r(2*i+1) == "r" && r((2*i+2)%6) == "r" {
				want = "possible order rc,ra,rb"
			}
		}
		newWorld(t, engine.Options{}).do(script).expect(want)
	}
}

// TestOneLockInAllModes takes one lock twice.
func TestOneLockInAllModes(t *testing.T) {
	for _, c := range [][3]string{{"", "", "certain recursion ra,ra"}, {"", "r", "certain recursion ra,ra"}, {"r", "r", "possible recursion ra,ra"}, {"r", "", "certain upgrade ra,ra"}} {
		newWorld(t, engine.Options{}).do("1 " + c[0] + "lock ra; " + c[1] + "want ra").expect(c[2] + "; certain deadlock ra")
		newWorld(t, engine.Options{}).do("1 " + c[0] + "lock ra; " + c[0] + "unlock ra; " + c[1] + "lock ra; " + c[1] + "unlock ra").expect("")
		newWorld(t, engine.Options{}).do("1 " + c[0] + "lock ra; 2 " + c[1] + "want ra").expect("")
	}
}
