package sim

import (
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt"
)

func TestStacksAreOfTheProgram(t *testing.T) {
	const stack = "goroutine 16 [coroutine]:\n" +
		"iter.Pull[...].func2()\n\t/go/iter.go:317 +0x5b\n" +
		pkgPath + "/sim.(*proc).run(0x1?)\n\t/x/coro.go:33 +0xab\n" +
		"panic({0x1, 0x2})\n\t/go/panic.go:860 +0x13a\n" +
		pkgPath + ".(*Mtx).Lock(0xa?)\n\t/x/mtx.go:52 +0x2a\n" +
		"%s" +
		"created by iter.Pull[...] in goroutine 18\n\t/go/iter.go:271 +0x90\n"
	frame := "example.com/you.(*bank).move(0x1, {0x2, 0x3})\n\t/y/bank.go:7 +0x3f\n"
	for user, want := range map[string]string{
		frame: "example.com/you.(*bank).move\n\t/y/bank.go:7",
		pkgPath + "/sim.TestX.func1(0x1)\n\t/x/x_test.go:6 +0x3f\n": pkgPath + "/sim.TestX.func1\n\t/x/x_test.go:6",
		strings.Repeat(frame, maxFrames+2):                          strings.Repeat("example.com/you.(*bank).move\n\t/y/bank.go:7\n", maxFrames) + "...",
		"":                                                          strings.Replace(stack, "%s", "", 1), // nothing to tell but all
	} {
		if got := theirs(strings.Replace(stack, "%s", user, 1)); got != want {
			t.Errorf("%q", got)
		}
	}
}

// onlyFirst always goes on with the first thread that can.
type onlyFirst struct{}

func (onlyFirst) Choose(*Point) int { return 0 }

// TestNumbersInsteadOfAddresses has locks without a name in every message.
func TestNumbersInsteadOfAddresses(t *testing.T) {
	for want, program := range map[string]func(m *Machine){
		`waits for mutex #0`: func(m *Machine) {
			var mu lwkt.Mtx
			m.Go("holds", func(td *lwkt.Thread) { mu.Lock(td); td.Sleep(&mu, 0) })
			m.Go("wants", func(td *lwkt.Thread) { mu.Lock(td) })
		},
		`waits for rwlock #0`: func(m *Machine) {
			var rw lwkt.RWLock
			m.Go("holds", func(td *lwkt.Thread) { rw.WLock(td); m.Until(td, "ever", func() bool { return false }) })
			m.Go("wants", func(td *lwkt.Thread) { rw.RLock(td) })
		},
		`a wakeup on token #0`: func(m *Machine) {
			var tok lwkt.Token
			m.Go("sleeps", func(td *lwkt.Thread) { tok.Acquire(td); td.Sleep(&tok, 0) })
		},
		`while it held token #0`: func(m *Machine) {
			var tok lwkt.Token
			m.Go("keeps", func(td *lwkt.Thread) { tok.Acquire(td) })
		},
		`panicked: lwkt: Release of token #0 by`: func(m *Machine) {
			var tok lwkt.Token
			m.Go("panics", func(td *lwkt.Thread) { tok.Acquire(td); tok.Release(td); tok.Release(td) })
		},
	} {
		m := New(Options{})
		program(m)
		r := m.Run(onlyFirst{})
		if r.Err == nil || !strings.Contains(r.Err.Error(), want) || strings.Contains(r.Err.Error(), "0x") {
			t.Errorf("want %q: %v", want, r.Err)
		}
	}
	// A name is kept.
	m := New(Options{})
	tok := lwkt.NewToken("free list at 0x10")
	m.Go("keeps", func(td *lwkt.Thread) { tok.Acquire(td) })
	if r := m.Run(onlyFirst{}); r.Err == nil || !strings.Contains(r.Err.Error(), `"free list at 0x10"`) {
		t.Errorf("%v", r.Err)
	}
}
