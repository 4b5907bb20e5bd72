package explore

// The last run of a failure: the shrunk schedule once more, recorded with source lines,
// and drawn.

import (
	"fmt"
	"strings"

	"github.com/serializing-tokens/lwkt/sim"
)

// draw makes the run of s once more and fills in what people look at.
func (x *exploration) draw(f *Failure, s *deviate) {
	h := &historian{deviate: s, host: x.host}
	g := x.guard(nil)
	c := g.over(h)
	h.begin()
	g.begin()
	x.host.options.Trace = true
	r := x.host.run(c)
	x.host.options.Trace = false
	f.Outcome, f.Err = r.Outcome, r.Err
	live := g.end(&r)
	if live != nil {
		f.Err = live
	}
	x.drawn = endingOf(&r, live)
	t := newTimeline(h.steps, r.waiting, x.host)
	if l, ok := live.(*Liveness); ok {
		for i := range x.host.machine.Threads() {
			l.names = append(l.names, x.host.ThreadName(i))
		}
		t.goOn(x.cap, r.Steps-len(h.steps), l)
	}
	t.outcome, t.failed = f.Outcome.String(), f.Outcome.Failed()
	if f.Err != nil {
		first, _, _ := strings.Cut(f.Err.Error(), "\n")
		if t.failed = true; first != "" {
			t.outcome = strings.TrimPrefix(strings.TrimPrefix(first, "sim: "), "explore: ")
		}
	}
	f.Lanes, f.Perfetto, f.SVG = t.lanes(), t.perfetto(), t.picture()
}

// Picture runs a program under one schedule and draws it, whether it fails or not: as
// lanes and as SVG. An empty line is the default one, with the fewest switches.
func Picture(program func(m *sim.Machine), line string, opts ...Option) (f Failure, err error) {
	c := newConfig(opts)
	if c.err != nil {
		return f, c.err
	}
	w := &schedule{}
	if line != "" {
		if w, err = parseReplay(line); err != nil {
			return f, err
		}
	}
	var broken error
	err = sim.Do(func(s *sim.Session) {
		o := c.machine
		o.Steps *= 2
		h := &host{session: s, options: o, program: program}
		defer h.caught(&broken)
		x := &exploration{config: c, cap: c.machine.Steps, host: h}
		x.draw(&f, w.chooser())
	})
	switch {
	case err != nil:
		return f, fmt.Errorf("explore: %w", err)
	case broken != nil:
		return f, broken
	}
	f.Replay = line
	return f, nil
}
