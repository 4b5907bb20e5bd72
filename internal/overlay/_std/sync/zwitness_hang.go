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
		witnessStuck(runtime.WitnessLeaked(), "nothing can wake it any more")
	}
	witnessHide()
	witnesses.Finish((*engine.Thread)(*runtime.WitnessSlot()))
	witnessShow()
}

// witnessStuck reports goroutines, each once.
func witnessStuck(list []runtime.WitnessBlocked, why string) {
	witnessHang.mu.Lock()
	defer witnessHang.mu.Unlock()
	if witnessHang.seen == nil {
		witnessHang.seen = map[uint64]bool{}
	}
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
			j.buf = append(j.buf, '\n')
			runtime.WitnessPrint(j.buf)
		}
	}
}
