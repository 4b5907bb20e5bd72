//go:build lwkt_words

package sim

// Exploring the words of the lock code (Options.Words): each operation of a simulated
// thread on a word of package hw is a point, and what the record of the thread
// announces is none, since it does nothing by itself.
//
// A thread is at any word when its run is given up, perhaps inside a section of a spin
// lock that outlives the run. So before threads are unwound they are drained: each runs
// on without points, and waits for spin locks in turn, until it is where it could be
// unwound without Words too. Until then the machine must not touch a lock itself.

import (
	"runtime"
	"sync"
	"unsafe"

	"github.com/serializing-tokens/lwkt/internal/hw"
	core "github.com/serializing-tokens/lwkt/internal/thread"
)

// words is what a thread needs for it.
type words struct {
	middle bool              // it pauses at a word
	silent bool              // the operation under way is no point
	looked [8]unsafe.Pointer // the last words that it has looked at since it paused last in a spin loop
	nlook  int
	fresh  bool    // one of them has changed since
	budget int     // of words while the run is given up
	spins  int     // spin locks that it has
	doing  bool    // the operation that was announced is to be told of
	floor  uintptr // where the goroutine would go on if the thread returned
	knowledge
}

// current is the simulated thread that runs code of its own, in a machine with Words,
// and its goroutine; 0 while the machine decides.
var current struct {
	g uintptr
	p *proc
}

func init() { hw.Environment = environment }

//go:norace
func environment() hw.Simulated {
	if p := performing(); p != nil {
		return p
	}
	return nil
}

// performing is the simulated thread that the goroutine is, if it runs code of its own.
//
//go:norace
func performing() *proc {
	if g := current.g; g == 0 || g != hw.Goroutine() {
		return nil
	}
	return current.p
}

func (m *Machine) words() bool { return m.o.Words }

var turn sync.Mutex // of machines with Words: their threads share the locks of the process

// oneByOne keeps other machines with Words from running until done is called.
func oneByOne() (done func()) {
	turn.Lock()
	return turn.Unlock
}

//go:norace
func (p *proc) inside() {
	if p.m.o.Words {
		current.p, current.g = p, hw.Goroutine()
	}
}

//go:norace
func (p *proc) outside() {
	if p.m.o.Words {
		current.g = 0
	}
}

// aside has the goroutine be none of a thread until undo is called.
//
//go:norace
func (m *Machine) aside() (undo func()) {
	p := performing()
	if p == nil {
		return func() {}
	}
	p.outside()
	return p.inside
}

// passes is Point with Words: no point, but a place where the thread can be unwound.
//
//go:norace
func (p *proc) passes(op core.Op) {
	if op.Kind == core.OpSleep {
		p.key = op.Key
	}
	if p.m.phase >= draining {
		p.Dying()
		p.kind = Other
		p.outside()
		p.rest(false)
		p.inside()
		p.Dying()
	}
}

var wordKinds = [...]OpKind{hw.Read: LoadWord, hw.Write: StoreWord, hw.Update: UpdateWord, hw.Compare: CompareWord}

// Word is that of hw.Simulated.
//
//go:norace
func (p *proc) Word(k hw.Kind, word unsafe.Pointer) {
	if p.silent = k == hw.Update && p.rec.Probe(word); !p.silent {
		p.at(wordKinds[k], nothing, word)
	}
}

// Knows is that of hw.Simulated.
//
//go:norace
func (p *proc) Knows(word unsafe.Pointer) bool {
	for _, q := range p.m.procs {
		if uintptr(word)-uintptr(unsafe.Pointer(q.rec)) < unsafe.Sizeof(*q.rec) {
			return true
		}
	}
	return false
}

// Lock is that of hw.Simulated.
//
//go:norace
func (p *proc) Lock(l *hw.SpinLock) {
	p.spin = l
	p.at(Spin, onSpin, unsafe.Pointer(l))
	p.learnsAll()
}

// Pause is that of hw.Simulated.
//
//go:norace
func (p *proc) Pause() {
	if p.nlook == 0 {
		return // a pause for its own sake
	}
	p.at(SpinOn, onChange, p.looked[p.nlook-1])
	p.doing = false
	p.learns(1)
	for _, w := range p.looked[:p.nlook] {
		p.m.foot.did(w, false)
	}
	p.nlook, p.fresh = 0, false
}

// most is how many words a thread may touch while its run is given up, before it is
// taken for one that spins on a word and is ended where it is.
const most = 10000

// at announces an operation on a word, and returns when it is to be performed.
//
//go:norace
func (p *proc) at(kind OpKind, wait wait, word unsafe.Pointer) {
	m := p.m
	p.kind, p.wait, p.word = kind, wait, word
	if m.phase < draining {
		p.asked, p.site = true, 0
		p.stands()
		if m.o.Trace {
			p.site = wordSite()
		}
		p.stay()
		if m.phase < draining {
			p.doing = true
			return
		}
	}
	for p.wait = wait; wait != nothing && !p.ready(); p.wait = wait {
		p.Dying()
		p.stay()
	}
	p.wait = nothing
	if p.budget++; p.budget > most {
		runtime.Goexit()
	}
}

// stay is a pause at a word.
//
//go:norace
func (p *proc) stay() {
	p.middle = true
	p.outside()
	p.rest(false)
	p.inside()
	p.middle = false
}

// Did is that of hw.Simulated.
//
//go:norace
func (p *proc) Did(word unsafe.Pointer, changed bool, saw uint64) {
	if p.silent {
		p.silent = false
		return
	}
	p.m.foot.did(word, changed)
	if p.doing {
		p.doing = false
		p.learnsWord(word, saw)
	} else if p.spins > 0 {
		p.spins-- // it gives a spin lock back
	}
	if !changed {
		p.look(word)
		return
	}
	for _, q := range p.m.procs {
		for _, w := range q.looked[:q.nlook] {
			q.fresh = q.fresh || w == word && q != p
		}
	}
}

// look remembers a word that was looked at, as the last one.
//
//go:norace
func (p *proc) look(word unsafe.Pointer) {
	n := 0
	for _, w := range p.looked[:p.nlook] {
		if w != word {
			p.looked[n] = w
			n++
		}
	}
	if n == len(p.looked) {
		n = copy(p.looked[:], p.looked[1:])
	}
	p.looked[n] = word
	p.nlook = n + 1
}

// stirred says whether something has changed that the thread has looked at.
//
//go:norace
func (p *proc) stirred() bool { return p.fresh }

func spinFree(l *hw.SpinLock) bool { return !l.Held() }

// given makes giving the permit an operation of the thread that gives it.
//
//go:norace
func (p *proc) given() bool {
	by := performing()
	if by == nil {
		return false
	}
	by.what = p.name
	by.at(Unpark, nothing, unsafe.Pointer(&p.permit))
	by.Did(unsafe.Pointer(&p.permit), !p.permit, 0)
	p.permit = true
	return true
}

// took adds the permit to the footprint of a step that goes on after a Park.
//
//go:norace
func (p *proc) took(permit bool) {
	if p.m.o.Words {
		p.m.foot.did(unsafe.Pointer(&p.permit), permit)
		p.learns(2 | hw.Bit(permit))
		p.learnsOwn()
	}
}

// postponed says whether a thread that has ended is to be detached only after the others
// were drained, because that takes locks.
func (m *Machine) postponed(p *proc) bool {
	if !m.o.Words || m.phase >= dying {
		return false
	}
	held := ""
	if raceOver(p, func() { held = core.StillHeld(p.h) }); p.returned && held != "" {
		m.fail(LocksHeld, &HeldError{Thread: p.name, Held: held})
	}
	return held != "" || !p.returned
}

// drain runs each thread that is at a word up to where it can be unwound.
func (m *Machine) drain() {
	m.phase = draining
	for progress := true; progress; {
		progress = false
		for _, p := range m.procs {
			if p.life == live && p.middle && p.ready() {
				p.wait = nothing
				p.run()
				progress = true
			}
		}
	}
}

// wordSite is the program counter of the lock code that uses a word.
func wordSite() uintptr {
	var pcs [8]uintptr
	n := runtime.Callers(2, pcs[:])
	for _, pc := range pcs[:n] {
		f, _ := runtime.CallersFrames([]uintptr{pc}).Next()
		if !within(f.Function, "/internal/hw.") && !within(f.Function, "/sim.(*proc)") && !within(f.Function, "/sim.word") {
			return pc
		}
	}
	return 0
}

func within(function, pkg string) bool {
	return len(function) > len(pkgPath)+len(pkg) && function[:len(pkgPath)] == pkgPath && function[len(pkgPath):len(pkgPath)+len(pkg)] == pkg
}

// did is called on the thread's goroutine, for words and permits.
//
//go:norace
func (f *footprint) did(at unsafe.Pointer, write bool) {
	if f.nwords < len(f.words) {
		f.words[f.nwords] = wordAccess{at, write}
	}
	f.nwords++
}
