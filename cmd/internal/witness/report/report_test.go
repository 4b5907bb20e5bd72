package report

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestNames: what is shown of a lock and of a function.
func TestNames(t *testing.T) {
	for _, v := range []struct{ name, short, owner string }{
		{"example.com/m/pkg.server.mu", "server.mu", "example.com/m/pkg"},
		{"example.com/m/pkg/server.go:12", "server.go:12", "example.com/m/pkg"},
		{"sync.pool", "pool", "sync"},
		{"gopkg.in/yaml.v3.mu", "v3.mu", "gopkg.in/yaml"}, // no worse than this
	} {
		if Short(v.name) != v.short || Owner(v.name) != v.owner {
			t.Errorf("%s: %s %s", v.name, Short(v.name), Owner(v.name))
		}
	}
	for function, want := range map[string]string{
		"main.main": "main", "example.com/a/b.(*T).M": "example.com/a/b", "example.com/a.F[go.shape.int]": "example.com/a",
		"gopkg.in/yaml%2ev3.Parse": "gopkg.in/yaml.v3", "example.com/a.G[example.com/b/c.T]": "example.com/a",
	} {
		if got := Package(function); got != want {
			t.Errorf("%s: %s", function, got)
		}
	}
}

// TestRead puts together what two processes have left: a report that was raised, one that both have found, goroutines that hang together,
// and half a file.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	order := func(seq, severity, one, two string) string {
		return `{"seq":` + seq + `,"kind":"order","severity":"` + severity + `","cycle":[{"thread":"goroutine 1","holds":{"name":"p.` + one + `"},"wants":{"name":"p.` + two +
			`"}},{"thread":"goroutine 2","holds":{"name":"p.` + two + `"},"wants":{"name":"p.` + one + `"}}]}`
	}
	for name, text := range map[string]string{
		"1-5-0.json": `{"program":"a"}`, "1-5-1.json": order("1", "possible", "x", "y"), "1-5-2.json": order("1", "likely", "x", "y"), "1-5-10.json": `{"seq":2,"ki`,
		"2-7-0.json": `{"program":"b"}`, "2-7-1.json": order("1", "possible", "y", "x"),
		"2-7-2.json": `{"kind":"hang","severity":"certain","waits":"chan send","why":"nobody","thread":"goroutine 3","locks":[{"name":"p.z","id":9}],"stack":[{"func":"p.F"}]}`,
		"2-7-3.json": `{"kind":"hang","severity":"certain","waits":"sync.Mutex.Lock","why":"nobody","thread":"goroutine 4","wants":{"name":"p.z","id":9},"locks":[],"stack":[{"func":"p.G"}]}`,
		"2-7-4.json": `{"kind":"hang","severity":"certain","waits":"sync.Mutex.Lock","why":"nobody","thread":"goroutine 5","wants":{"name":"p.z","id":9},"locks":[],"stack":[{"func":"p.G"}]}`,
		"other.txt":  "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	list, processes, err := Read(dir)
	if err != nil || processes != 2 || len(list) != 2 {
		t.Fatalf("%+v %d %v", list, processes, err)
	}
	if h := list[0]; h.Kind != "hang" || len(h.Stacks) != 2 || h.Stacks[1].Count != 2 || h.Stacks[1].Waits != "sync.Mutex.Lock of z" || h.Key != "hang p.z, in p.F" {
		t.Errorf("%+v", h)
	}
	if o := list[1]; o.Severity != Likely || o.Count != 2 || o.Key != "order p.x -> p.y -> p.x" {
		t.Errorf("%+v", o)
	}
}

// TestDeadlockExplains: goroutines that hang in a circle that is reported are not reported again.
func TestDeadlockExplains(t *testing.T) {
	step := func(g, holds, wants string) Step {
		return Step{Goroutine: g, Holds: Lock{Name: holds}, Wants: Lock{Name: wants}}
	}
	deadlock := Report{Kind: "deadlock", Severity: Certain, Cycle: []Step{step("goroutine 1", "a", "b"), step("goroutine 2", "b", "a")}}
	deadlock.Key = deadlock.key()
	order := Report{Kind: "order", Severity: Likely, Cycle: []Step{step("goroutine 8", "b", "a"), step("goroutine 9", "a", "b")}}
	order.Key = order.key()
	if kept := overtaken([]Report{order, deadlock}); len(kept) != 1 || kept[0].Kind != "deadlock" {
		t.Errorf("%+v", kept)
	}
	if left := unexplained([]raw{{Thread: "goroutine 1"}, {Thread: "goroutine 3"}}, []Report{deadlock}); len(left) != 1 || left[0].Thread != "goroutine 3" {
		t.Errorf("%+v", left)
	}
}

// TestTitle: a lock that is held and wanted is named once, two of one class twice, and a wait on a Cond is called alike whether its
// circle is known or not.
func TestTitle(t *testing.T) {
	mu, other := Lock{Name: "p.s.mu", ID: 1}, Lock{Name: "p.s.mu", ID: 2}
	cond := Report{Kind: "cond", Locks: []Lock{{Name: "p.a"}, {Name: "p.c"}}}
	raised := cond
	raised.Cycle = []Step{{Holds: Lock{Name: "p.a"}, Wants: Lock{Name: "p.c"}}, {Holds: Lock{Name: "p.c"}, Wants: Lock{Name: "p.a"}}}
	for _, v := range []struct {
		r    Report
		want string
	}{
		{Report{Kind: "recursion", Locks: []Lock{mu, mu}}, "recursive locking: s.mu"},
		{Report{Kind: "leak", Locks: []Lock{mu, other}}, "lock never released: s.mu, s.mu"},
		{cond, "Cond.Wait with a second lock held: a, c"},
		{raised, "Cond.Wait with a second lock held: a, c"},
	} {
		if got := v.r.Title(); got != v.want {
			t.Errorf("%q, want %q", got, v.want)
		}
	}
	if cond.key() != raised.key() {
		t.Errorf("%q and %q", cond.key(), raised.key())
	}
}

// TestArtifact: a file of the module is relative to it, another one is a URI by itself.
func TestArtifact(t *testing.T) {
	s := Style{Root: "/home/me/a module"}
	for file, want := range map[string]string{
		"/home/me/a module/b c/d.go": "b%20c/d.go SRCROOT",
		"/home/me/mod/x@v1/y z.go":   "file:///home/me/mod/x@v1/y%20z.go <nil>",
	} {
		if a := s.artifact(file); fmt.Sprint(a["uri"], " ", a["uriBaseId"]) != want {
			t.Errorf("%s: %v", file, a)
		}
	}
}

// TestCondHangs: a wait on a Cond with a second lock held is what hangs, if somebody waits for that lock.
func TestCondHangs(t *testing.T) {
	a := Lock{Name: "p.a", ID: 7}
	cond := raw{Seq: 1, Kind: "cond", Severity: Possible, Locks: []Lock{a, {Name: "p.c", ID: 8}}, Thread: "goroutine 1", Stack: []Frame{{Func: "p.F"}}}
	waiter := raw{Kind: "hang", Severity: Certain, Waits: "sync.Cond.Wait", Thread: "goroutine 1", Wants: &Lock{Name: "p.c", ID: 8}, Locks: []Lock{a}}
	waker := raw{Kind: "hang", Severity: Certain, Waits: "sync.Mutex.Lock", Thread: "goroutine 2", Wants: &a}
	if list := fromProcess([]raw{cond, waiter, waker}); len(list) != 1 || list[0].Kind != "cond" || list[0].Severity != Certain || len(list[0].Stacks) != 2 {
		t.Errorf("%+v", list)
	}
	if list := fromProcess([]raw{cond, waiter}); len(list) != 2 || list[0].Severity != Possible {
		t.Errorf("%+v", list)
	}
}
