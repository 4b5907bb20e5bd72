package explore

// The run as trace events in JSON, for ui.perfetto.dev and chrome://tracing: a row for
// each thread with a slice for each step, asynchronous slices for what was held and
// waited for, an arrow from the step that let a waiting thread go on to that thread's
// next step. A step is drawn as one millisecond.

import (
	"encoding/json"
	"strconv"

	"github.com/serializing-tokens/lwkt/sim"
)

// traceEvent is one entry, in the names of the format.
type traceEvent struct {
	Name string            `json:"name"`
	Cat  string            `json:"cat,omitempty"`
	Ph   string            `json:"ph"`
	Ts   int               `json:"ts"`
	Dur  int               `json:"dur,omitempty"`
	Pid  int               `json:"pid"`
	Tid  int               `json:"tid"`
	ID   string            `json:"id,omitempty"`
	Bp   string            `json:"bp,omitempty"`
	S    string            `json:"s,omitempty"`
	Args map[string]string `json:"args,omitempty"`
}

const stepTime = 1000 // microseconds

// perfetto encodes the timeline.
func (t *timeline) perfetto() []byte {
	events := []traceEvent{{Name: "process_name", Ph: "M", Pid: 1, Args: map[string]string{"name": "schedule: " + t.outcome}}}
	for i, name := range t.threads {
		events = append(events, traceEvent{Name: "thread_name", Ph: "M", Pid: 1, Tid: i + 1, Args: map[string]string{"name": name}})
	}
	for _, r := range t.rows {
		e := traceEvent{Name: r.text, Cat: "step", Ph: "X", Ts: r.step * stepTime, Dur: stepTime, Pid: 1, Tid: r.thread + 1, Args: map[string]string{"step": strconv.Itoa(r.step)}}
		if r.site != "" {
			e.Args["at"] = r.site
		}
		if r.kind == sim.Interrupt || r.kind == sim.Tick {
			e.Ph, e.Dur, e.S, e.Tid, e.Name = "i", 0, "p", 0, r.kind.String()+" "+strconv.Itoa(r.thread)
		}
		events = append(events, e)
	}
	id := 0
	async := func(list []span, cat, verb string) {
		for _, s := range list {
			id++
			name := verb + " " + t.objects[s.object]
			if s.shared {
				name += " shared"
			}
			e := traceEvent{Name: name, Cat: cat, Ph: "b", Ts: s.from * stepTime, Pid: 1, Tid: s.thread + 1, ID: strconv.Itoa(id), Args: map[string]string{"thread": t.threads[s.thread]}}
			events = append(events, e)
			e.Ph, e.Ts, e.Args = "e", s.to*stepTime, nil
			events = append(events, e)
		}
	}
	async(t.holds, "hold", "holds")
	async(t.waits, "wait", "waits for")
	for _, w := range t.waits {
		next := t.next(w.thread, w.to)
		if w.to == 0 || w.to > len(t.rows) || next < 0 {
			continue
		}
		id++
		from := t.rows[w.to-1]
		events = append(events,
			traceEvent{Name: "goes on", Cat: "wakeup", Ph: "s", Ts: from.step*stepTime + stepTime/2, Pid: 1, Tid: from.thread + 1, ID: strconv.Itoa(id)},
			traceEvent{Name: "goes on", Cat: "wakeup", Ph: "f", Bp: "e", Ts: next*stepTime + stepTime/2, Pid: 1, Tid: w.thread + 1, ID: strconv.Itoa(id)})
	}
	events = append(events, traceEvent{Name: t.outcome, Cat: "end", Ph: "i", S: "g", Ts: len(t.rows) * stepTime, Pid: 1})
	data, err := json.MarshalIndent(map[string]any{"traceEvents": events, "displayTimeUnit": "ms"}, "", " ")
	if err != nil {
		panic(err) // there is nothing in it that cannot be encoded
	}
	return data
}

// next is the first step of a thread from step n on, or -1.
func (t *timeline) next(thread, n int) int {
	for _, r := range t.rows[min(n, len(t.rows)):] {
		if r.thread == thread && r.kind == sim.Step {
			return r.step
		}
	}
	return -1
}
