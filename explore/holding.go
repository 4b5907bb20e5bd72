package explore

// Who held and waited for what in a run, from what was recorded of it (timeline.go).
//
// The machine tells steps, who waits, footprints, and after each step who has which locks of
// package lwkt. What is held of tokens and Mutexes is inferred. Who performs an operation that
// acquires, and is not found waiting at the next point, has got it; a thread that blocks gives
// up its tokens and has them back when it resumes. A Mutex that is unlocked in passing ends
// with the step whose footprint has it, or at the latest when another thread locks it.

import (
	"fmt"
	"slices"

	"github.com/serializing-tokens/lwkt/sim"
)

// builder is a timeline under construction.
type builder struct {
	*timeline
	who     names
	waits   map[int]int // thread -> index in timeline.waits
	held    []span      // under way, in the order of acquisition
	dropped []span      // given up to block, to be taken back
	asked   map[int]ask // what threads acquired in the last step, if they did
}

type ask struct {
	objects []int32
	shared  bool
}

func (b *builder) thread(i int) {
	for len(b.threads) <= i {
		b.threads = append(b.threads, b.who.ThreadName(len(b.threads)))
	}
}

func (b *builder) object(n int32) {
	for len(b.objects) <= int(n) {
		b.objects = append(b.objects, b.who.ObjectName(int32(len(b.objects))))
	}
}

// point sees who waits before step n, and by that settles what was asked for.
func (b *builder) point(n int, waiting []sim.Event) {
	waits := map[int]sim.Event{}
	for _, e := range waiting {
		b.thread(e.Thread)
		waits[e.Thread] = e
	}
	for thread, a := range b.asked {
		if e, ok := waits[thread]; ok && e.Op.Kind == sim.Resume {
			b.drop(thread, n)
			for _, o := range a.objects {
				b.dropped = append(b.dropped, span{thread: thread, object: int(o), shared: a.shared})
			}
			continue
		}
		for _, o := range a.objects {
			b.hold(thread, int(o), n-1, a.shared)
		}
	}
	b.asked = map[int]ask{}
	b.back(waits)
	for thread, i := range b.waits {
		e, ok := waits[thread]
		if !ok || int(e.Op.Obj) != b.timeline.waits[i].object {
			b.timeline.waits[i].to = n
			delete(b.waits, thread)
		}
	}
	for thread, e := range waits {
		if e.Op.Obj == sim.None {
			if k := len(b.idle) - 1; k >= 0 && b.idle[k].thread == thread && b.idle[k].to == n {
				b.idle[k].to++
			} else {
				b.idle = append(b.idle, span{thread: thread, object: sim.None, from: n, to: n + 1})
			}
			continue
		}
		b.object(e.Op.Obj)
		if _, ok := b.waits[thread]; !ok {
			b.waits[thread] = len(b.timeline.waits)
			b.timeline.waits = append(b.timeline.waits, span{thread: thread, object: int(e.Op.Obj), from: n, to: n})
		}
	}
}

// back names what a thread waits for that wants its tokens back, which the machine does not
// say: the first of them that another thread holds, or else the first.
func (b *builder) back(waits map[int]sim.Event) {
	for thread, e := range waits {
		if e.Op.Obj != sim.None || e.Op.Kind != sim.Unblock && e.Op.Kind != sim.Resume {
			continue
		}
		for _, d := range b.dropped {
			if d.thread != thread {
				continue
			}
			taken := slices.ContainsFunc(b.held, func(h span) bool { return h.object == d.object })
			if taken || e.Op.Obj == sim.None {
				e.Op.Obj = int32(d.object)
			}
			if taken {
				break
			}
		}
		waits[thread] = e
	}
}

// hold begins a span, or goes deeper into one that is under way.
func (b *builder) hold(thread, object, n int, shared bool) {
	for i := range b.held {
		if h := &b.held[i]; h.object == object && h.thread == thread {
			h.depth++
			return
		}
	}
	b.held = append(b.held, span{thread: thread, object: object, from: n, shared: shared})
}

// release ends the i-th span under way before step n.
func (b *builder) release(i, n int) {
	h := b.held[i]
	h.to = max(n, h.from+1)
	b.holds = append(b.holds, h)
	b.held = append(b.held[:i], b.held[i+1:]...)
}

// drop ends all tokens of a thread and remembers them.
func (b *builder) drop(thread, n int) {
	for i := len(b.held) - 1; i >= 0; i-- {
		if h := b.held[i]; h.thread == thread && !h.lock && !b.isMutex(int32(h.object)) {
			b.dropped = append(b.dropped, b.held[i])
			b.release(i, n)
		}
	}
}

// regain begins again what a thread had dropped.
func (b *builder) regain(thread, n int) {
	rest := b.dropped[:0]
	for _, d := range b.dropped {
		if d.thread == thread {
			b.hold(thread, d.object, n, d.shared)
			if i := len(b.held) - 1; b.held[i].object == d.object && b.held[i].depth == 0 {
				b.held[i].depth = d.depth
			}
		} else {
			rest = append(rest, d)
		}
	}
	b.dropped = rest
}

// step adds what happened at step n.
func (b *builder) step(n int, s seenStep) {
	e := s.event
	r := row{step: n, thread: e.Thread, kind: e.Kind, op: e.Op, text: e.Op.String(), site: siteOf(e.Op.Site)}
	if e.Kind == sim.Choice {
		r.text = fmt.Sprintf("chooses %d", e.Op.Obj)
	} else if e.Kind != sim.Step {
		r.text = e.Kind.String()
	} else if e.Op.Obj != sim.None {
		b.object(e.Op.Obj)
		r.text += " " + b.objects[e.Op.Obj]
	}
	if e.Kind == sim.Step || e.Kind == sim.Choice || e.Kind == sim.Timer {
		b.thread(max(0, e.Thread))
	}
	b.rows = append(b.rows, r)
	b.have(n, s.locks)
	if e.Kind != sim.Step {
		return
	}
	b.inPassing(n, s)
	switch e.Op.Kind {
	case sim.Lock:
		if times(s.footprint, e.Op.Obj) < 2 {
			b.asked[e.Thread] = ask{[]int32{e.Op.Obj}, false}
		} else {
			b.holds = append(b.holds, span{thread: e.Thread, object: int(e.Op.Obj), from: n, to: n + 1})
		}
	case sim.Acquire, sim.AcquireShared:
		b.asked[e.Thread] = ask{[]int32{e.Op.Obj}, e.Op.Mode == 1}
	case sim.Take:
		b.asked[e.Thread] = ask{} // if it waits, its tokens are gone
	case sim.AcquireAll:
		a := ask{}
		for i, f := range s.footprint {
			if !again(s.footprint, i) {
				b.object(f.Obj)
				a.objects = append(a.objects, f.Obj)
			}
		}
		b.asked[e.Thread] = a
	case sim.Try, sim.TryLock:
		for i, f := range s.footprint {
			if f.Obj == e.Op.Obj && !again(s.footprint, i) && writes(s.footprint, i) {
				b.asked[e.Thread] = ask{[]int32{e.Op.Obj}, e.Op.Mode == 1}
			}
		}
	case sim.Release, sim.Unlock:
		b.freed(e.Thread, int(e.Op.Obj), n+1)
	case sim.Block, sim.Sleep:
		b.drop(e.Thread, n+1)
	case sim.Resume, sim.Unblock:
		b.regain(e.Thread, n)
	}
}

// inPassing ends the spans of what a step unlocked besides its operation.
func (b *builder) inPassing(n int, s seenStep) {
	for i, f := range s.footprint {
		if f.Obj != s.event.Op.Obj && f.Write && !again(s.footprint, i) {
			for _, h := range b.held {
				if h.thread == s.event.Thread && h.object == int(f.Obj) && b.isMutex(f.Obj) {
					b.freed(h.thread, h.object, n+1)
					break
				}
			}
		}
	}
}

// isMutex says whether the object has been locked, as only a Mutex is.
func (b *builder) isMutex(object int32) bool {
	for _, r := range b.rows {
		if r.op.Obj == object && (r.op.Kind == sim.Lock || r.op.Kind == sim.TryLock) {
			return true
		}
	}
	return false
}

// have begins and ends the spans of the locks, of which those are held after step n.
func (b *builder) have(n int, locks []span) {
	for i := len(b.held) - 1; i >= 0; i-- {
		h := b.held[i]
		k := slices.IndexFunc(locks, func(l span) bool { return l.thread == h.thread && l.object == h.object })
		switch {
		case h.lock && k < 0:
			b.release(i, n+1)
		case h.lock && locks[k].shared != h.shared:
			b.release(i, n)
		}
	}
	for _, l := range locks {
		if !slices.ContainsFunc(b.held, func(h span) bool { return h.thread == l.thread && h.object == l.object }) {
			l.from = n
			b.object(int32(l.object))
			b.held = append(b.held, l)
		}
	}
}

func (b *builder) freed(thread, object, n int) {
	for i := len(b.held) - 1; i >= 0; i-- {
		if h := &b.held[i]; h.thread == thread && h.object == object {
			if h.depth > 0 {
				h.depth--
			} else {
				b.release(i, n)
			}
			return
		}
	}
}

// finish ends what is under way, and says where everybody is.
func (b *builder) finish(waiting []sim.Event) {
	stuck := map[int]bool{}
	for _, e := range waiting {
		stuck[e.Thread] = true
	}
	owners := map[int]string{}
	for i := len(b.held) - 1; i >= 0; i-- {
		h := b.held[i]
		owners[h.object] = b.threads[h.thread]
		end := len(b.rows)
		if b.isMutex(int32(h.object)) && !stuck[h.thread] {
			end = b.lastStep(h.thread) + 1
		}
		b.release(i, end)
	}
	n := len(b.rows)
	b.last = make([]string, len(b.threads))
	for _, e := range waiting {
		s := "waits"
		if e.Op.Obj != sim.None {
			s = "waits: " + b.objects[e.Op.Obj]
			if o := owners[int(e.Op.Obj)]; o != "" {
				s += " (" + o + ")"
			}
		}
		b.last[e.Thread] = s
		if i, ok := b.waits[e.Thread]; ok {
			b.timeline.waits[i].to = n + 1
		}
	}
}

func (b *builder) lastStep(thread int) int {
	for i := len(b.rows) - 1; i >= 0; i-- {
		if b.rows[i].thread == thread && b.rows[i].kind == sim.Step {
			return i
		}
	}
	return 0
}

// times is how often an object stands in a footprint.
func times(footprint []sim.Access, object int32) (n int) {
	for _, a := range footprint {
		if a.Obj == object {
			n++
		}
	}
	return n
}
