// Goroutines that wait and will never be woken. The engine knows circles of locks; the rest is found by the garbage collector, which
// sees that nobody can reach what a goroutine waits for, and by following who waits for a lock of such a one.
package sync

import (
	engine "internal/runtime"

	isync "internal/sync"
	"runtime"
)

var witnessHang struct {
	mu    isync.Mutex // not watched
	ticks uint
	next  uint // when to look again
	seen  map[uint64]bool
	test  bool // a test binary: what is left over at its end is a leak
}

// witnessWatch is called about once a second, or when everything is asleep.
func witnessWatch(asleep bool) {
	witnessHide()
	witnesses.Tick()
	witnessShow()
	witnessHang.ticks++
	switch {
	case asleep:
		witnessStuck(runtime.WitnessWaiting(), "every goroutine is asleep")
	case witnessHang.ticks >= witnessHang.next:
		// A collection costs something: look after 2, 4, 8 ... ticks.
		witnessHang.next = 2 * witnessHang.ticks
		witnessStuck(runtime.WitnessLeaked(), "nothing can wake it any more")
	}
}

// WitnessTimeout is called when a test has taken too long.
func WitnessTimeout() {
	if witnessOn {
		witnessStuck(runtime.WitnessLeaked(), "nothing can wake it any more")
		var held []runtime.WitnessBlocked
		for _, b := range runtime.WitnessWaiting() {
			if t := (*engine.Thread)(b.Record); t != nil && t.Holding() {
				held = append(held, b)
			}
		}
		witnessStuck(held, "it still waits when the test has taken too long")
	}
}

// WitnessTesting says that this is a test binary.
func WitnessTesting() { witnessHang.test = true }

// witnessExit runs when the program ends by itself.
func witnessExit() {
	if witnessHang.test {
		for range 100 { // who is about to wait gets there
			runtime.Gosched()
		}
		witnessStuck(runtime.WitnessLeaked(), "nothing can wake it any more")
	}
	witnessHide()
	witnesses.Finish((*engine.Thread)(*runtime.WitnessSlot()))
	witnessGraph()
	witnessShow()
}

// witnessStuck reports goroutines, each once.
func witnessStuck(list []runtime.WitnessBlocked, why string) {
	witnessHang.mu.Lock()
	defer witnessHang.mu.Unlock()
	if witnessHang.seen == nil {
		witnessHang.seen = map[uint64]bool{}
	}
	list, wants := witnessFollow(list)
	for _, b := range list {
		if witnessHang.seen[b.ID] || !b.Chan && !b.Sync {
			continue
		}
		witnessHang.seen[b.ID] = true
		var held []engine.LockRef
		if t := (*engine.Thread)(b.Record); t != nil {
			witnessHide()
			held = t.Held(nil)
			witnessShow()
		}
		var j witnessJSON
		j.open('{')
		j.string("kind", "hang")
		j.string("severity", "certain")
		j.string("waits", b.Reason)
		j.string("why", why)
		j.string("thread", "goroutine "+witnessDecimal(b.ID))
		if w, ok := wants[b.ID]; ok {
			j.key("wants")
			j.lock(w)
		}
		j.key("locks")
		j.locks(held)
		j.key("stack")
		j.frames(b.Stack)
		if b.Created != 0 {
			j.key("created")
			j.frames([]uintptr{b.Created})
		}
		j.close('}')
		if !witnessSend(j.buf) {
			w, ok := wants[b.ID]
			runtime.WitnessPrint(witnessHangText(b, w, ok, held, why))
		}
	}
}

// witnessHangText is a goroutine that hangs as text for people.
func witnessHangText(b runtime.WitnessBlocked, wants engine.LockRef, lock bool, held []engine.LockRef, why string) []byte {
	text := "witness: certain blocked for ever: goroutine " + witnessDecimal(b.ID) + " waits: " + b.Reason
	if lock {
		text += " of " + wants.String()
	}
	text += "\n  (" + why + ")\n"
	frame := func(f runtime.Frame) {
		text += "      " + f.Function + "()\n          " + f.File + ":" + witnessDecimal(uint64(f.Line)) + "\n"
	}
	witnessFrames(b.Stack, frame)
	for _, l := range held {
		text += "    holds " + l.String() + " (" + l.Mode.String() + ") since\n"
		witnessFrames([]uintptr{l.Site}, frame)
	}
	started := text
	if text = ""; b.Created != 0 {
		witnessFrames([]uintptr{b.Created}, frame)
	}
	if text != "" { // else it is the first one
		text = "    started at\n" + text
	}
	text = started + text
	return append([]byte(text), '\n')
}

// witnessFollow adds the goroutines that wait for a lock which one of the list holds, and so on, and says who waits for which lock.
func witnessFollow(list []runtime.WitnessBlocked) ([]runtime.WitnessBlocked, map[uint64]engine.LockRef) {
	if len(list) == 0 {
		return list, nil
	}
	byThread := map[uint64]engine.LockRef{}
	witnessHide()
	witnesses.Blocked(func(t engine.ThreadRef, wants engine.LockRef, _ []engine.LockRef, _ []uintptr) {
		byThread[t.Num] = wants
	})
	witnessShow()
	wants := map[uint64]engine.LockRef{}
	stuck := map[engine.ID]bool{}
	in := map[uint64]bool{}
	add := func(b runtime.WitnessBlocked) {
		in[b.ID] = true
		t := (*engine.Thread)(b.Record)
		if t == nil {
			return
		}
		if w, ok := byThread[t.Num()]; ok {
			wants[b.ID] = w
		}
		for _, l := range t.Held(nil) {
			if l.Mode == engine.Exclusive || l.Mode == engine.Shared {
				stuck[l.ID] = true
			}
		}
	}
	for _, b := range list {
		add(b)
	}
	if len(stuck) == 0 {
		return list, wants
	}
	others := runtime.WitnessWaiting()
	for more := true; more; {
		more = false
		for _, b := range others {
			if t := (*engine.Thread)(b.Record); t == nil || in[b.ID] || !stuck[byThread[t.Num()].ID] {
				continue
			}
			add(b)
			list = append(list, b)
			more = true
		}
	}
	return list, wants
}
