package witness_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt/internal/overlay/engine"
	"github.com/serializing-tokens/lwkt/witness"
)

// nest has a thread take locks one in the other, as an embedder of the engine does.
func nest(name string, locks ...*engine.Tag) {
	t := engine.Default.Thread(engine.Origin{}, name)
	var pcs [1]uintptr
	for _, l := range locks {
		runtime.Callers(2, pcs[:])
		t.Want(l, engine.Exclusive, pcs[0])
		t.Got(l, engine.Exclusive, pcs[0])
	}
	for _, l := range locks {
		t.Unlocked(l, engine.Exclusive, pcs[0])
	}
	t.Exit()
}

func lock(name string) *engine.Tag {
	g := new(engine.Tag)
	engine.Default.Enroll(g, engine.Default.Class(0, engine.ClassSpec{Name: name, Kind: engine.Mutex, Flag: engine.OwnerOnly}))
	return g
}

// fakeT is a test that may fail.
type fakeT struct {
	failed  []string
	cleanup []func()
}

func (f *fakeT) Helper()           {}
func (f *fakeT) Cleanup(fn func()) { f.cleanup = append(f.cleanup, fn) }
func (f *fakeT) Errorf(format string, args ...any) {
	f.failed = append(f.failed, fmt.Sprintf(format, args...))
}
func (f *fakeT) end() {
	for _, fn := range f.cleanup {
		fn()
	}
}

func TestCheck(t *testing.T) {
	witness.Reset()
	a, b := lock("table"), lock("row")
	good := new(fakeT)
	witness.Check(good)
	if !witness.Enabled() {
		t.Fatal("it is off")
	}
	nest("reader", a, b)
	good.end()
	if witness.Enabled() || len(good.failed) != 0 {
		t.Fatal(witness.Enabled(), good.failed)
	}
	bad := new(fakeT)
	witness.Check(bad)
	nest("writer", b, a)
	bad.end()
	if len(bad.failed) != 1 || !strings.Contains(bad.failed[0], "likely lock order reversal: row -> table -> row") || !strings.Contains(bad.failed[0], "witness_test.go:") {
		t.Fatal(bad.failed)
	}
	again := new(fakeT)
	witness.Check(again)
	nest("writer", b, a)
	again.end()
	if len(again.failed) != 0 {
		t.Error("an old report fails a new test:", again.failed)
	}
}

func TestReports(t *testing.T) {
	witness.Reset()
	var told []witness.Report
	witness.Enable(witness.OnReport(func(r witness.Report) { told = append(told, r) }))
	defer witness.Disable()
	a, b := lock("table"), lock("row")
	nest("reader", a, b)
	nest("writer", b, a)
	list := witness.Reports()
	if len(list) != 1 || len(told) != 1 || list[0].Kind != witness.LockOrder || list[0].Severity != witness.Likely || list[0].Thread != "writer" {
		t.Fatal(list)
	}
	steps := list[0].Cycle
	if len(steps) != 2 || steps[0].Thread != "writer" || steps[1].Thread != "reader" || !steps[0].Now || steps[1].Now ||
		!strings.Contains(steps[0].Stack[0].Func, "TestReports") || steps[0].Holds.Site == nil || steps[0].Wants.Mode != "exclusive" {
		t.Errorf("%+v", steps)
	}
	text, err := witness.JSON(list)
	if err != nil {
		t.Fatal(err)
	}
	var back struct{ Reports []witness.Report }
	if err := json.Unmarshal(text, &back); err != nil || len(back.Reports) != 1 || back.Reports[0].Severity != witness.Likely || back.Reports[0].Cycle[1].Holds.Name != "table" {
		t.Errorf("%v: %s", err, text)
	}
	if err := json.Unmarshal([]byte(`{"reports":[{"severity":"dubious"}]}`), &back); err == nil {
		t.Error("there is no such severity")
	}
	if witness.Severity(9).String() != "severity 9" || witness.Certain.String() != "certain" {
		t.Error(witness.Severity(9), witness.Certain)
	}
	witness.Reset()
	if len(witness.Reports()) != 0 || len(witness.Orders()) != 0 {
		t.Error("something is left")
	}
}

func TestOptions(t *testing.T) {
	witness.Reset()
	defer witness.Disable()
	a, b := lock("conn"), lock("conn")
	witness.Enable(witness.Quiet(), witness.WithoutDuplicates(), witness.WithChannels(), witness.HeldFor(time.Hour))
	nest("one", a, b)
	if r := witness.Reports(); len(r) != 0 {
		t.Error(r)
	}
	witness.Enable(witness.Quiet())
	nest("one", a, b)
	if r := witness.Reports(); len(r) != 1 || r[0].Kind != witness.Duplicate {
		t.Error(r)
	}
}

func TestOrderAndBless(t *testing.T) {
	witness.Reset()
	defer witness.Reset()
	witness.Enable(witness.Quiet())
	defer witness.Disable()
	if err := witness.Order("giant", "zone", "page"); err != nil {
		t.Fatal(err)
	}
	witness.Bless("map", "object")
	giant, page, m, object := lock("giant"), lock("page"), lock("map"), lock("object")
	nest("one", m, object)
	nest("two", object, m)
	if r := witness.Reports(); len(r) != 0 {
		t.Fatal(r)
	}
	nest("three", page, giant)
	r := witness.Reports()
	if len(r) != 1 || r[0].Severity != witness.Likely || !r[0].Cycle[1].Declared || !strings.Contains(r[0].String(), "declared: giant before zone") {
		t.Fatal(r)
	}
	if err := witness.Order("page", "giant"); !errors.Is(err, witness.ErrReversed) || err.Error() != "page before giant: lock order reversal" {
		t.Error(err)
	}
}

// TestGraphIsClear draws graphs with orders that go back, and wants no line to run through a box.
func TestGraphIsClear(t *testing.T) {
	number := regexp.MustCompile(`[MCH]|-?[0-9.]+`)
	rect := regexp.MustCompile(`<rect [^>]*x="([0-9.]+)" y="([0-9.]+)" width="([0-9.]+)" height="([0-9.]+)"`)
	path := regexp.MustCompile(`<path class="[^"]*" [^>]*d="([^"]*)"><title>([^<]*)`)
	f := func(s string) float64 {
		x, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	for _, orders := range []string{
		"a-b b-c c-a a-d b-d", "a-b b-a", "a-a", "a-a a-b a-c a-d b-b", "a-x b-x c-x a-y b-y c-y a-z x-a y-b z-c x-c z-a",
		"a-b b-c c-d a-e b-e e-d d-a d-b e-a c-a", "a-b c-d e-f a-d b-a d-c f-e d-a",
	} {
		var g witness.Graph
		for _, o := range strings.Fields(orders) {
			from, to, _ := strings.Cut(o, "-")
			g = append(g, witness.Edge{From: from, To: to, Wrong: from >= to})
		}
		var svg strings.Builder
		if err := g.WriteSVG(&svg); err != nil {
			t.Fatal(err)
		}
		paths := path.FindAllStringSubmatch(svg.String(), -1)
		if len(paths) != len(g) {
			t.Errorf("%s: %d lines", orders, len(paths))
		}
		for _, p := range paths {
			var x, y float64
			words := number.FindAllString(p[1], -1)
			for i := 0; i < len(words); {
				var to [6]float64 // the curve
				switch words[i] {
				case "M":
					x, y = f(words[i+1]), f(words[i+2])
					i += 3
					continue
				case "H":
					to = [6]float64{x, y, f(words[i+1]), y, f(words[i+1]), y}
					i += 2
				case "C":
					for k := range to {
						to[k] = f(words[i+1+k])
					}
					i += 7
				}
				for n := range 101 {
					s := float64(n) / 100
					r := 1 - s
					px := r*r*r*x + 3*r*r*s*to[0] + 3*r*s*s*to[2] + s*s*s*to[4]
					py := r*r*r*y + 3*r*r*s*to[1] + 3*r*s*s*to[3] + s*s*s*to[5]
					for _, b := range rect.FindAllStringSubmatch(svg.String(), -1) {
						if bx, by := f(b[1]), f(b[2]); px > bx+1 && px < bx+f(b[3])-1 && py > by+1 && py < by+f(b[4])-1 {
							t.Fatalf("%s: the line of %s runs through a box at %.0f, %.0f:\n%s", orders, p[2], px, py, svg.String())
						}
					}
				}
				x, y = to[4], to[5]
			}
		}
	}
}

func TestGraph(t *testing.T) {
	witness.Reset()
	defer witness.Reset()
	witness.Enable(witness.Quiet())
	defer witness.Disable()
	a, b, c := lock("server"), lock("conn<1>"), lock("log")
	nest("one", a, b, c)
	nest("two", b, a)
	witness.Order("server", "config")
	g := witness.Orders()
	if len(g) != 5 {
		t.Fatalf("%+v", g)
	}
	if want := `"conn<1>" -> "server" [color=red penwidth=2]`; !strings.Contains(g.DOT(), want) || !strings.Contains(g.DOT(), `"server" -> "config" [style=dashed]`) {
		t.Error(g.DOT())
	}
	var svg, page strings.Builder
	if err := g.WriteSVG(&svg); err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(strings.NewReader(svg.String())); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err, svg.String())
		}
	}
	if n := strings.Count(svg.String(), "<path class"); n != 5+3 || !strings.Contains(svg.String(), ">declared</text>") || !strings.Contains(svg.String(), "conn&lt;1&gt;") {
		t.Error(svg.String())
	}
	if err := g.WriteHTML(&page, witness.Reports()); err != nil || !strings.Contains(page.String(), "Reports: 1") {
		t.Error(err, page.String())
	}
	svg.Reset()
	if err := (witness.Graph{}).WriteSVG(&svg); err != nil || !strings.Contains(svg.String(), "No lock was taken") {
		t.Error(err, svg.String())
	}
}

func TestForgottenWhenCollected(t *testing.T) {
	witness.Reset()
	witness.Enable(witness.Quiet(), witness.WithoutDuplicates())
	defer witness.Disable()
	server := lock("server")
	for range 20_000 {
		nest("one", server, lock("conn"))
	}
	if g := witness.Orders(); len(g) != 1 || g[0].Count != 20_000 {
		t.Errorf("%+v", g)
	}
}

func ExampleCheck() {
	// In a test: witness.Check(t). Here t only looks like one.
	t := new(fakeT)
	witness.Check(t)

	accounts, journal := lock("accounts"), lock("journal")
	nest("transfer", accounts, journal)
	nest("audit", journal, accounts)

	t.end()
	fmt.Println(strings.SplitN(t.failed[0], "\n", 2)[0])
	// Output: witness: likely lock order reversal: journal -> accounts -> journal
}

func ExampleOrder() {
	fmt.Println(witness.Order("session", "stream"))
	fmt.Println(witness.Order("stream", "session"))
	witness.Reset()
	// Output:
	// <nil>
	// stream before session: lock order reversal
}
