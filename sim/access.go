package sim

// What a thread reads and writes that is no token, lock, variable or channel: an operation of its
// own (Look, Alter, Destroy, Survey), or part of the step under way. Most of it comes
// from functions that are not told their thread, so the machine finds that by the goroutine.

import (
	"sync"
	"sync/atomic"

	"github.com/serializing-tokens/lwkt"
	core "github.com/serializing-tokens/lwkt/internal/thread"
)

// simulating is how many sessions there are: while there is none nobody has to be looked for.
var simulating atomic.Int32

// threads are the procs that have a goroutine, by its number.
var threads sync.Map

func init() {
	core.Simulated = func() core.Host {
		if p := here(); p != nil {
			return p
		}
		return nil
	}
}

// known makes the goroutine that of p.
//
//go:norace
func (p *proc) known() {
	raceHide()
	p.goid = goid()
	threads.Store(p.goid, p)
	raceShow()
}

// here is the simulated thread that the goroutine is, if that runs code of its own.
//
//go:norace
func here() *proc {
	if simulating.Load() == 0 {
		return nil
	}
	raceHide()
	v, _ := threads.Load(goid())
	raceShow()
	p, _ := v.(*proc)
	if p == nil || p.life != live || p.m.cur != p || p.m.deciding || !p.m.lives() {
		return nil
	}
	return p
}

// lives says whether threads of the run do what they are to do.
//
//go:norace
func (m *Machine) lives() bool { return m.phase == starting || m.phase == running }

// accesses is Point of what only reads or writes, and says whether there is no more to do. A lock is in
// its words, where they are explored. A survey is an operation for the sake of reduction, of
// which there is none with CPUs.
//
//go:norace
func (p *proc) accesses(op core.Op) bool {
	if op.Lock != nil && p.m.words() {
		return false
	}
	p.key = op.Key
	switch {
	case op.Lock != nil:
		p.key = op.Lock
	case op.Done != nil:
		p.key = doneKey(op.Done)
	}
	switch op.Kind {
	case core.OpLook:
		p.plain(Look, p.key)
	case core.OpChange:
		p.plain(Alter, p.key)
	case core.OpDestroy:
		p.plain(Destroy, p.key)
	case core.OpSurvey:
		if len(p.m.cpus) == 0 && !p.m.words() && p.kind != Survey { // several in a row are one
			p.plain(Survey, nil)
		}
	}
	return true
}

// Touch is an operation of the thread that reads, or writes, what x stands for: something that threads
// share in a way which the machine does not see, such as a value of package sync/atomic, and
// that the thread reads or writes next. x is to be an address. td may be nil, as for
// Until. Outside of threads it does nothing.
//
//go:norace
func (m *Machine) Touch(td *lwkt.Thread, x any, write bool) {
	if !m.lives() {
		return
	}
	kind := Look
	if write {
		kind = Alter
	}
	m.self(td).plain(kind, x)
}

// Touched is Touch of what the thread has just read or written, as part of the step under way: nobody else
// runs in between.
//
//go:norace
func (m *Machine) Touched(x any, write bool) {
	if m.lives() {
		m.foot.touchKey(x, write)
	}
}
