package explore

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

// TestSetupPanics: a panic in the function that is explored, in whatever run, is told with the
// lines of the program, and does not end the test binary.
func TestSetupPanics(t *testing.T) {
	var none *struct{ n int }
	for _, c := range []struct {
		name string
		f    func(m *sim.Machine)
		want string
	}{
		{"a panic", func(m *sim.Machine) { none.n++ }, "nil pointer dereference"},
		{"misuse", func(m *sim.Machine) { m.Interrupt("disk", 0, 1, func(td *lwkt.Thread) {}) }, "Interrupt"},
		{"no function", func(m *sim.Machine) { m.Go("c", nil) }, `there is no function for thread "c" to call`},
	} {
		for _, late := range []int{1, 2, 4} { // run for the second time, of the search
			run := 0
			program := func(m *sim.Machine) {
				m.Go("a", func(td *lwkt.Thread) { m.Yield(td); m.Yield(td) })
				m.Go("b", func(td *lwkt.Thread) { m.Yield(td); m.Yield(td) })
				if run++; run == late {
					c.f(m)
				}
			}
			d := (&double{dir: t.TempDir()}).run(func(tb testing.TB) { Test(tb, program, Keep(""), Random(), Runs(9)) })
			text := d.fatal
			if !strings.HasPrefix(text, "explore: sim: panic in the setup: ") || !strings.Contains(text, c.want) ||
				!strings.Contains(text, "setup_test.go:") || strings.Contains(text, "runtime") && c.name != "a panic" || strings.Contains(text, "sim.(*") {
				t.Errorf("%s in run %d: %q", c.name, late, text)
			}
		}
		if _, err := Picture(c.f, ""); err == nil || !strings.Contains(err.Error(), "setup_test.go:") {
			t.Errorf("%s, drawn: %v", c.name, err)
		}
	}
	r := Run(func(m *sim.Machine) { none.n++ })
	var p *sim.PanicError
	var e runtime.Error
	if !errors.As(r.Err, &p) || p.Thread != "" || !errors.As(r.Err, &e) {
		t.Errorf("%v", r.Err)
	}
	// What ends the goroutine ends the test.
	d := (&double{}).run(func(tb testing.TB) { Test(tb, func(m *sim.Machine) { tb.Fatal("no disk") }, Keep("")) })
	if d.fatal != "no disk" {
		t.Errorf("%q", d.fatal)
	}
}

// TestThreadOfNoFunction is told where it was asked for.
func TestThreadOfNoFunction(t *testing.T) {
	r := Run(func(m *sim.Machine) {
		m.Go("a", func(td *lwkt.Thread) { m.Go("c", nil) })
	})
	if s := r.String(); r.Failure == nil || !strings.Contains(s, `there is no function for thread "c" to call`) || !strings.Contains(s, "setup_test.go:") {
		t.Errorf("%s", s)
	}
}
