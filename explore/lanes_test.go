package explore

import (
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

// TestLanesShowWaits has a thread wait for a token that it gave up, and one for a
// condition: both columns show it, and only while it lasts.
func TestLanesShowWaits(t *testing.T) {
	program := func(m *sim.Machine) {
		list, open := lwkt.NewToken("list"), new(sim.Var[bool])
		for _, name := range []string{"ann", "bob"} {
			m.Go(name, func(td *lwkt.Thread) {
				list.Acquire(td)
				td.Block(func() {})
				list.Release(td)
			})
		}
		m.Go("eve", func(td *lwkt.Thread) { m.Until(td, "open", open.Value) })
		m.Go("dan", func(td *lwkt.Thread) { open.Store(td, true) })
	}
	f, err := Picture(program, "x1:00000000:2>1,3>0")
	if err != nil {
		t.Fatal(err)
	}
	var columns [][]string
	for line := range strings.Lines(f.Lanes) {
		columns = append(columns, regexp.MustCompile(` {2,}`).Split(strings.TrimSpace(line), -1))
	}
	t.Log("\n" + f.Lanes)
	if bob := slices.IndexFunc(columns, func(c []string) bool { return len(c) > 2 && c[2] == "acquire list" }); bob < 0 || columns[bob][1] != "|" || columns[bob+1][1] != ":" {
		t.Errorf("who blocks or waits in %q", columns)
	}
	if !strings.Contains(f.Lanes, ":") || columns[1][3] != ":" {
		t.Errorf("nobody waits for the condition in %q", columns)
	}
}

// TestLanesTellModes: a share and exclusive use have different names, and what a deferred
// call does by way of a panic is told of where the panic began.
func TestLanesTellModes(t *testing.T) {
	program := func(m *sim.Machine) {
		var rw lwkt.RWLock
		rw.Init("routes", 0)
		m.Go("ann", func(td *lwkt.Thread) {
			rw.RLock(td)
			rw.RUnlock(td)
			rw.WLock(td)
			defer rw.WUnlock(td)
			var none []int
			none[len(td.Name())]++
		})
	}
	f, err := Picture(program, "")
	if err != nil {
		t.Fatal(err)
	}
	svg := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(string(f.SVG), "\n")
	for _, want := range []string{"lock shared routes", "lock routes"} {
		if !strings.Contains(f.Lanes, want) || !strings.Contains(svg, "\n"+strings.TrimSuffix(want, " routes")+"\n") {
			t.Errorf("no %q in:\n%s", want, f.Lanes)
		}
	}
	if strings.Contains(f.Lanes, "panic.go") || strings.Count(f.Lanes, "lanes_test.go") != 4 {
		t.Errorf("places of the runtime, or too few, in:\n%s", f.Lanes)
	}
}

func TestFit(t *testing.T) {
	for _, c := range []struct {
		s    string
		n    int
		want string
	}{
		{"acquire plate 1", 15, "acquire plate 1"},
		{"acquire plate 12", 13, "acqu~plate 12"},
		{"acquire", 2, "~e"},
		{"acquire", 1, "~"},
	} {
		if got := fit(c.s, "~", c.n); got != c.want {
			t.Errorf("%q in %d: %q", c.s, c.n, got)
		}
	}
}

// TestBoxesHoldTheirTexts has names of types in the boxes, which are bold, and so wide.
func TestBoxesHoldTheirTexts(t *testing.T) {
	f, err := Picture(func(m *sim.Machine) {
		box := new(strings.Builder)
		for _, name := range []string{"sender", "receiver"} {
			m.Go(name, func(td *lwkt.Thread) { td.Wakeup(box); td.Wakeup(&name) })
		}
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	boxes := regexp.MustCompile(`<rect [^>]*width="(\d+)"[^>]*stroke-width="1.3"/>(<text .*?)</g>`).FindAllStringSubmatch(string(f.SVG), -1)
	for _, b := range boxes {
		width, _ := strconv.Atoi(b[1])
		for _, m := range regexp.MustCompile(`font-size="(\d+)" font-weight="(\d+)"[^>]*>([^<]*)<`).FindAllStringSubmatch(b[2], -1) {
			size, _ := strconv.Atoi(m[1])
			tenths := map[string]int{"400": 6, "600": 7}[m[2]]
			if n := len([]rune(html.UnescapeString(m[3]))); n*size*tenths/10 > width-4 {
				t.Errorf("%q is wider than its box of %d", m[3], width)
			}
		}
	}
	if len(boxes) != 4 {
		t.Errorf("%d boxes", len(boxes))
	}
}

// TestPictureHoldsItsTexts has names that are too long for their boxes and a title for
// several lines.
func TestPictureHoldsItsTexts(t *testing.T) {
	r := Run(func(m *sim.Machine) {
		forks := [4]*lwkt.Mtx{}
		for i := range forks {
			forks[i] = new(lwkt.Mtx)
			forks[i].Init("the fork beside the plate number "+strconv.Itoa(i), 0)
		}
		for i := range forks {
			m.Go("philosopher "+strconv.Itoa(i), func(td *lwkt.Thread) {
				forks[i].Lock(td)
				forks[(i+1)%len(forks)].Lock(td)
				forks[(i+1)%len(forks)].Unlock(td)
				forks[i].Unlock(td)
			})
		}
	}, Portfolio(), Runs(20000))
	if r.Failure == nil {
		t.Fatal(r.String())
	}
	svg := string(r.Failure.SVG)
	width, _ := strconv.Atoi(regexp.MustCompile(`width="(\d+)"`).FindStringSubmatch(svg)[1])
	height, _ := strconv.Atoi(regexp.MustCompile(`height="(\d+)"`).FindStringSubmatch(svg)[1])
	texts := regexp.MustCompile(`<text x="(\d+)" y="(\d+)" font-size="(\d+)"([^>]*)>([^<]*)<`).FindAllStringSubmatch(svg, -1)
	title := 0
	for _, m := range texts {
		x, _ := strconv.Atoi(m[1])
		y, _ := strconv.Atoi(m[2])
		size, _ := strconv.Atoi(m[3])
		if size == 17 {
			title++
		}
		end := x + len([]rune(html.UnescapeString(m[5])))*size*6/10
		if strings.Contains(m[4], "middle") {
			end = x + len([]rune(html.UnescapeString(m[5])))*size*3/10
		}
		if end > width || y > height {
			t.Errorf("%q ends at %d,%d of %d,%d", m[5], end, y, width, height)
		}
	}
	if title < 2 || !strings.Contains(svg, "…te number 3") && !strings.Contains(svg, "number 3<") {
		t.Errorf("%d lines of title:\n%s", title, svg)
	}
	if strings.Count(r.Failure.Lanes, "number 3") < 1 || strings.Count(r.Failure.Lanes, "(philosopher 3)") != 1 {
		t.Errorf("%s", r.Failure.Lanes)
	}
}
