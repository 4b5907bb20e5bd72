// The kinds of reports other than orders, each with a case in which it is silent, and what
// engines can be told.
package engine_test

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/serializing-tokens/lwkt/internal/overlay/engine"
)

// bsd is a world of this package's locks, with duplicates reported.
func bsd(t *testing.T) *world {
	w := newWorld(t, engine.Options{Duplicates: true})
	w.spec = bsdSpec
	return w
}

// TestInteraction walks the table cell by cell: what is held by what is wanted.
func TestInteraction(t *testing.T) {
	prefix := map[engine.Kind]string{engine.Mutex: "mtx", engine.ReadMostly: "rm", engine.Sleepable: "sx", engine.SleepRM: "srm",
		engine.Manager: "lk", engine.Spin: "spin", engine.Giant: "giant", engine.Token: "tok", engine.Funnel: "fun", engine.Once: "once"}
	cells := 0
	for _, row := range engine.Interaction {
		want := strings.Fields(row.Want)
		if len(want) != len(engine.Wants)+1 {
			t.Fatalf("row of %s has %d columns", prefix[row.Have], len(want))
		}
		for i, cell := range want {
			for _, mode := range []string{"", "r"} {
				cells++
				w := bsd(t)
				w.do("1 " + mode + "lock " + prefix[row.Have] + "a")
				if i < len(engine.Wants) {
					w.do("1 try " + prefix[engine.Wants[i]] + "c").expect("") // A try is always legal.
					w.do("1 unlock " + prefix[engine.Wants[i]] + "c; lock " + prefix[engine.Wants[i]] + "b")
				} else {
					w.do("1 sleep")
				}
				legal := cell == "y" || cell == "w" && mode == ""
				if got := w.found(); (got == "") != legal || !legal && !strings.HasPrefix(got, "certain sleep") {
					t.Errorf("%s%s held, column %d: found %q", mode, prefix[row.Have], i, got)
				}
			}
		}
	}
	if cells != 10*11*2 {
		t.Errorf("%d cells", cells)
	}
}

func TestDuplicate(t *testing.T) {
	bsd(t).do("1 lock mtx1 mtx2").expect("possible duplicate mtx,mtx")
	bsd(t).do("1 lock mtx1; try mtx2; unlock mtx2 mtx1; lock mtx1; unlock mtx1; lock mtx2").expect("")
	w := bsd(t)
	w.spec = func(c string) engine.ClassSpec {
		return engine.ClassSpec{Name: c, Kind: engine.Mutex, Flag: engine.DupOK}
	}
	w.do("1 lock mtx1 mtx2; unlock mtx2 mtx1").expect("")
	w.do("2 lock mtx2 mtx1").expect("likely order mtx,mtx")
	bsd(t).do("1 lock tok1 tok2").expect("")
	bsd(t).do("1 lock mtx1 mtx2; unlock mtx2; lock mtx3; 2 lock mtx1 mtx3").expect("possible duplicate mtx,mtx")
}

func TestTokensDoNotOrder(t *testing.T) {
	bsd(t).do("1 lock toka mtxb; unlock mtxb toka; 2 lock mtxb toka; unlock toka mtxb; 1 lock toka tokb; unlock toka tokb; 2 lock tokb toka toka").expect("")
	bsd(t).do("1 lock toka mtxb mtxc; unlock mtxc mtxb toka; 2 lock toka mtxc mtxb").expect("likely order mtxc,mtxb")
}

func TestMisuse(t *testing.T) {
	bsd(t).do("1 lock mtx; 2 unlock mtx").expect("certain not-held mtx")
	bsd(t).do("1 lock mtx; unlock mtx; unlock mtx").expect("certain not-held mtx")
	bsd(t).do("1 lock rw; runlock rw").expect("certain not-held rw")
	bsd(t).do("1 rlock rw; unlock rw").expect("certain not-held rw")
	bsd(t).do("1 rlock rw; up rw; unlock rw; lock rw; down rw; runlock rw; end").expect("")
	bsd(t).do("1 up rw").expect("certain not-held rw")
	bsd(t).do("1 rlock rw; down rw").expect("certain not-held rw")
	newWorld(t, engine.Options{}).do("1 misuse a").expect("certain not-held a")
	newWorld(t, engine.Options{}).do("1 unlock a").expect("") // The embedder knows; a lock may be older than the engine.
	r := bsd(t).do("1 lock mtx; 2 unlock mtx").e.Reports()[0]
	if !strings.Contains(r.Text, "T1 does") {
		t.Error(r.Text)
	}
}

func TestUpgrade(t *testing.T) {
	w := bsd(t)
	w.do("1 rlock rw; lock rw").expect("certain upgrade rw,rw")
	w = bsd(t)
	w.spec = func(c string) engine.ClassSpec {
		return engine.ClassSpec{Name: c, Kind: engine.Sleepable, Flag: engine.Upgradable}
	}
	w.do("1 rlock sx; lock sx").expect("")
	// An upgraded lock is held exclusively: it orders so.
	bsd(t).do("1 rlock rwa; up rwa; rlock rwb; runlock rwb; unlock rwa; 2 lock rwb; rlock rwa").expect("likely order rwb,rwa")
	bsd(t).do("1 rlock rwa; rlock rwb; runlock rwb; runlock rwa; 2 lock rwb; rlock rwa").expect("")
}

func TestSleep(t *testing.T) {
	w := bsd(t)
	w.do("1 lock mtx sxa; sleep").expect("certain sleep mtx,sxa; certain sleep mtx")
	w = bsd(t)
	w.do("1 lock mtx")
	w.threads["1"].Sleep("its own", w.lock("mtx"), 1)
	w.expect("") // It gives up this one.
	bsd(t).do("1 lock sx; sleep; chan").expect("")
	bsd(t).do("1 lock mtx; chan").expect("certain sleep mtx")
	bsd(t).do("1 lock tok; sleep; chan").expect("")
	newWorld(t, engine.Options{}).do("1 lock a; chan").expect("")
	newWorld(t, engine.Options{ChanHeld: true}).do("1 chan; lock a; chan").expect("possible chan a")
}

func TestCond(t *testing.T) {
	wait := func(w *world, th, l string) *world {
		t := w.thread(th)
		w.site++
		t.CondWait(w.lock("cond"), w.lock(l), w.site)
		t.Unlocked(w.lock(l), ex, w.site)
		t.Want(w.lock(l), ex, w.site)
		t.Got(w.lock(l), ex, w.site)
		return w
	}
	wait(newWorld(t, engine.Options{}).do("1 lock a"), "1", "a").do("1 unlock a; end").expect("")
	wait(newWorld(t, engine.Options{}).do("1 lock b a"), "1", "a").expect("possible cond b,cond")
	wait(newWorld(t, engine.Options{}).do("1 lock a b"), "1", "a").expect("possible cond b,cond; possible order b,a")
	w := newWorld(t, engine.Options{})
	w.thread("1").CondWait(nil, w.lock("a"), 1)
	w.expect("certain interlock a")
	w.thread("1").WrongInterlock(w.lock("c"), w.lock("a"), 1)
	w.expect("certain interlock a; certain interlock a,c")
	w = bsd(t).do("1 lock mtxa mtxb")
	w.e.SetOptions(engine.Options{})
	w.thread("1").CondWait(w.lock("cond"), w.lock("mtxb"), 1)
	if !strings.Contains(w.found(), "certain sleep mtxa,cond") {
		t.Error(w.found())
	}
}

// TestCondSignal: who waits on a condition holds what another thread had when it woke somebody there.
func TestCondSignal(t *testing.T) {
	const waits, wakes = "waits", "wakes"
	for _, v := range []struct {
		name  string
		steps []string
		want  string
	}{
		{"the lock is needed", []string{"1 lock a m", waits, "1 unlock m a; 2 lock a m", wakes, "2 unlock m a"}, "likely cond a,cond"},
		{"seen in the other order", []string{"2 lock a m", wakes, "2 unlock m a; 1 lock a m", waits}, "likely cond a,cond"},
		{"each twice", []string{"1 lock a m", waits, waits, "1 unlock m a; 2 lock a m", wakes, wakes}, "likely cond a,cond"},
		{"another lock is needed", []string{"1 lock a m", waits, "1 unlock m a; 2 lock b m", wakes}, "possible cond a,cond"},
		{"only the interlock", []string{"1 lock m", waits, "1 unlock m; 2 lock m", wakes}, ""},
		{"a reader among readers", []string{"1 rlock a; lock m", waits, "1 unlock m; runlock a; 2 rlock a; lock m", wakes}, "possible cond a,cond"},
		{"a writer among readers", []string{"1 rlock a; lock m", waits, "1 unlock m; runlock a; 2 lock a m", wakes}, "likely cond a,cond"},
		{"one thread does both", []string{"2 lock a m", waits, wakes}, "possible cond a,cond"},
		{"another one of the class", []string{"1 lock a1 m", waits, "1 unlock m a1; 2 lock a2 m", wakes}, "possible cond a,cond"},
		{"a token", []string{"1 lock t m", waits, "1 unlock m t; 2 lock t m", wakes}, ""},
		{"by way of a third", []string{"1 lock a m", waits, "1 unlock m a; 3 lock b a; unlock a b; 2 lock b m", wakes}, "likely cond a,cond,b"},
	} {
		t.Run(v.name, func(t *testing.T) {
			w := newWorld(t, engine.Options{})
			w.spec = func(class string) engine.ClassSpec {
				s := goSpec(class)
				switch class {
				case "cond":
					s.Kind = engine.Cond
				case "t":
					s.Kind = engine.Token
				}
				return s
			}
			who := "1"
			for _, step := range v.steps {
				switch step {
				case waits:
					w.site++
					w.thread(who).CondWait(w.lock("cond"), w.lock("m"), w.site)
				case wakes:
					w.site++
					w.thread(who).CondSignal(w.lock("cond"), w.lock("m"), w.site)
				default:
					w.do(step)
					for _, op := range strings.Split(step, ";") {
						if f := strings.Fields(op)[0]; f[0] >= '0' && f[0] <= '9' {
							who = f
						}
					}
				}
			}
			w.expect(v.want)
		})
	}
}

func TestDeclared(t *testing.T) {
	class := func(w *world, name string) engine.Class { return w.lock(name).ID().Class() }
	w := newWorld(t, engine.Options{})
	if !w.e.Order(class(w, "a"), class(w, "b"), class(w, "c")) {
		t.Error("a declared order contradicts nothing")
	}
	w.do("1 lock a b c; unlock c b a").expect("")
	w.do("1 lock c1 a1").expect("likely order c*,a*,b*")
	if r := w.e.Reports()[0]; r.Cycle[0].Stated || !r.Cycle[1].Stated || r.Note != "" {
		t.Errorf("%+v", r)
	}
	w = newWorld(t, engine.Options{})
	w.do("1 lock a b; unlock b a")
	if w.e.Order(class(w, "b"), class(w, "a")) {
		t.Error("contradicts what was seen")
	}
	w.expect("likely order b*,a*")
	w = newWorld(t, engine.Options{})
	if !w.e.Order(class(w, "a"), class(w, "b")) || w.e.Order(class(w, "b"), class(w, "a")) {
		t.Error("a rule and its opposite")
	}
}

func TestBlessed(t *testing.T) {
	w := newWorld(t, engine.Options{})
	w.e.Bless(w.lock("a").ID().Class(), w.lock("b").ID().Class())
	w.do("1" + sp(ab) + "2" + sp(ba)).expect("")
	w.do("3 lock a c; unlock c a; 4 lock c a").expect("likely order c,a")
	w = newWorld(t, engine.Options{})
	w.do("1" + sp(ab))
	w.e.Bless(w.lock("b").ID().Class(), w.lock("a").ID().Class())
	w.do("2" + sp(ba)).expect("")
}

func TestNoWitness(t *testing.T) {
	w := newWorld(t, engine.Options{})
	w.spec = func(c string) engine.ClassSpec {
		s := goSpec(c)
		if c == "x" {
			s.Flag = engine.NoWitness
		}
		return s
	}
	w.do("1 lock a x; unlock x a; 2 lock x a; unlock a x; 1 lock x x; end").expect("")
}

func TestReset(t *testing.T) {
	w := newWorld(t, engine.Options{})
	w.do("1" + sp(ab) + "2" + sp(ba)).expect("likely order b,a")
	w.e.Reset()
	w.told = nil
	w.expect("")
	w.do("2" + sp(ba)).expect("")
	w.do("1" + sp(ab)).expect("likely order a,b")
	if g := w.e.Graph(); len(g) != 2 || !g[0].Wrong || g[0].FromName != "a" || g[0].Count != 1 {
		t.Errorf("%+v", g)
	}
}

func TestAccept(t *testing.T) {
	w := newWorld(t, engine.Options{})
	refuse := true
	w.e.SetEnv(engine.Env{Accept: func(r *engine.Report) bool { return !refuse }})
	w.do("1" + sp(ab) + "2" + sp(ba)).expect("")
	refuse = false
	w.do("3" + sp(ba)).expect("likely order b,a")
}

// TestReportsOnce also says what is delivered: each finding once, and once more if it rises.
func TestReportsOnce(t *testing.T) {
	w := newWorld(t, engine.Options{})
	w.do("1" + sp(ab) + sp(ba) + sp(ba) + "2" + sp(ab) + "2" + sp(ba))
	if len(w.told) != 2 || w.told[0].Raised || !w.told[1].Raised || w.told[1].Severity != engine.Likely || w.told[0].Seq != w.told[1].Seq {
		t.Errorf("%d told: %v", len(w.told), w.found())
	}
}

// TestReportMayLock has the receiver of reports use watched locks, in the wrong order at that.
func TestReportMayLock(t *testing.T) {
	w := newWorld(t, engine.Options{})
	n := 0
	w.deaf = true
	w.e.SetEnv(engine.Env{Report: func(r *engine.Report) {
		n++
		w.do("2 lock c b a; unlock a b c; want a; got a; unlock a")
	}})
	w.do("1" + sp(ab) + "2" + sp(ba)).expect("likely order b,a")
	if n != 1 || w.threads["2"].Holding() {
		t.Errorf("%d reports", n)
	}
}

// TestCopy takes a copy of a lock for another lock.
func TestCopy(t *testing.T) {
	w := newWorld(t, engine.Options{})
	w.do("1" + sp(ab))
	copied := new(engine.Tag)
	type bytes [unsafe.Sizeof(*copied)]byte
	*(*bytes)(unsafe.Pointer(copied)) = *(*bytes)(unsafe.Pointer(w.locks["a"])) // behind vet's back
	w.locks["a9"] = copied
	if copied.Known() || w.lock("a9").ID() == w.lock("a").ID() || copied.ID().Class() != w.lock("a").ID().Class() {
		t.Error("a copy has the identity of the original")
	}
}

func TestSwitch(t *testing.T) {
	e := engine.New(engine.Env{}, engine.Options{})
	var heard []bool
	e.SetEnabled(true)
	e.Hook(func(on bool) { heard = append(heard, on) })
	if was := e.SetEnabled(false); !was {
		t.Error("it was on")
	}
	e.SetEnabled(false)
	if len(heard) != 2 || !heard[0] || heard[1] || e.Enabled() {
		t.Error(heard)
	}
}

func TestText(t *testing.T) {
	w := newWorld(t, engine.Options{})
	w.do("1 lock g a b; unlock b a g; 2 lock b a")
	want := `witness: likely lock order reversal: b -> a -> b
  Two threads that do this at the same time wait for each other for ever.

  T2 holds b #3 (exclusive) and takes a #2 (exclusive)
    b was taken at
      f1007()
          x.go:1007
    a at
      f1008()
          x.go:1008

  earlier, T1 held a #2 (exclusive) and took b #3 (exclusive)
    also held: g #1
    a was taken at
      f1002()
          x.go:1002
    b at
      f1003()
          x.go:1003

`
	if got := string(w.e.Reports()[0].AppendText(nil, w.frames)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	dot := string(w.e.AppendDOT(nil))
	if !strings.Contains(dot, `"a" -> "b" [color=red penwidth=2]`) || !strings.Contains(dot, "\t\"g\" -> \"a\"\n") {
		t.Error(dot)
	}
}

func TestClasses(t *testing.T) {
	e := engine.New(engine.Env{ClassName: func(key uintptr) string { return "at" + string(rune('0'+key)) }}, engine.Options{})
	later := e.Named("x")
	x := e.Class(0, engine.ClassSpec{Name: "x", Kind: engine.Mutex, Flag: engine.DupOK})
	y := e.Class(0, engine.ClassSpec{Name: "x", Kind: engine.Spin})
	if later != x || x == y || e.Named("x") != x || e.Name(y) != "x" || x != e.Class(0, engine.ClassSpec{Name: "x", Kind: engine.Mutex, Flag: engine.DupOK}) {
		t.Error(later, x, y)
	}
	if l := e.Classes(); len(l) != 2 || l[0].Class != x || l[0].Name != "x" || l[1].Kind != engine.Spin || l[0].Ordered {
		t.Errorf("%+v", l)
	}
	e.Order(x, y)
	if l := e.Classes(); !l[0].Ordered || !l[1].Ordered {
		t.Errorf("%+v", l)
	}
	a, b := e.Class(1, engine.ClassSpec{}), e.Class(2, engine.ClassSpec{})
	if a == b || e.Class(1, engine.ClassSpec{Name: "other"}) != a || e.Name(a) != "at1" || e.Name(b) != "at2" || e.Name(99) != "lock" {
		t.Error(a, b, e.Name(a), e.Name(b))
	}
}
