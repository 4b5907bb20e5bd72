package report

import (
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
