package thread

// What the witness is told of the locks of this package: a bit of every probe sends all
// operations to their slow halves while it is on, and these call the functions here. The engine
// knows nothing of this package, and who does not switch it on pays nothing.
//
// Tokens are a class of their own. They are asked for, so that a spin mutex held then is
// reported, and never held: they are given up by whatever waits, and order nothing.

import (
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/serializing-tokens/lwkt/internal/overlay/engine"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// Flags of a lock that the witness knows, in ObjectInfo.
const (
	Recurses  = 1 << 8 // its owner may take it again
	DupOK     = 1 << 9 // two of its name may be held at once
	NoWitness = 1 << 10
)

func init() {
	engine.Default.SetEnv(engine.Env{Stack: userStack})
	engine.Default.Hook(func(on bool) {
		if on {
			witnessings.Add(1)
			forgetHolders()
		}
		setProbe(witnessed, on)
	})
}

// witnessings counts how often the witness was switched on. What a thread had then may be gone.
var witnessings atomic.Uint32

// userStack is the stack from the first frame outside this package's lock code on. What it writes is the engine's,
// and unseen by the race detector, which a copy would not be.
//
//go:norace
func userStack(skip int, pcs []uintptr) int {
	n := runtime.Callers(skip+2, pcs)
	ours := 0
	for ours < n && oursPC(pcs[ours]) {
		ours++
	}
	for i := range n - ours {
		pcs[i] = pcs[ours+i]
	}
	return n - ours
}

// kinds are the classes in the words of the witness.
var kinds = [classes]engine.Kind{
	Lockmgr: engine.Manager, SX: engine.Sleepable, Serializer: engine.Sleepable, SleepableRM: engine.SleepRM,
	Giant: engine.Giant, Mutex: engine.Mutex, Semaphore: engine.Mutex, RW: engine.Mutex, RM: engine.ReadMostly, Spin: engine.Spin,
}

var modes = [...]engine.Mode{token.Shared: engine.Shared, token.Exclusive: engine.Exclusive}

// watched says whether the witness is to be told, and of the thread as it knows it.
func (r *Record) watched() bool {
	if r.probe.Load()&witnessed == 0 || r.unwatched {
		return false
	}
	n := witnessings.Load()
	switch {
	case r.wit == nil:
		r.wit = engine.Default.Thread(r.origin, r.user().String())
	case r.witnessing != n:
		r.wit.Clear()
	}
	r.witnessing = n
	return true
}

// tagOf is the identity of a lock for the witness. Locks without a name are of the class of
// the place where the first one was first used.
func tagOf(obj *Object, c Class) *engine.Tag {
	i := obj.Describe()
	if !i.tag.Known() {
		flags := i.flags.Load()
		spec := engine.ClassSpec{Name: obj.Name(), Kind: kinds[c], Flag: engine.OwnerOnly | engine.RecursiveRead | engine.Upgradable}
		if spec.Name == "" {
			spec.Name = c.String() + " of " + line(site())
		}
		for flag, f := range map[uint32]engine.Flag{Recurses: engine.Recursive, DupOK: engine.DupOK, NoWitness: engine.NoWitness} {
			if flags&flag != 0 {
				spec.Flag |= f
			}
		}
		if c == Lockmgr {
			spec.Flag &^= engine.OwnerOnly // it can be disowned
		}
		engine.Default.Enroll(&i.tag, engine.Default.Class(0, spec))
	}
	return &i.tag
}

// line is a program counter as package/file:line, which is unique, and short enough for a name.
func line(pc uintptr) string {
	if pc == 0 {
		return Site(pc)
	}
	f, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	folder, pkg := path.Split(f.Function)
	pkg, _, _ = strings.Cut(pkg, ".")
	return folder + pkg + "/" + filepath.Base(f.File) + ":" + strconv.Itoa(f.Line)
}

// Wants tells the witness that the thread is about to take a lock that it may have to wait for.
func (r *Record) Wants(obj *Object, c Class, m token.Mode) {
	if r.watched() && !r.HoldsLock(obj, token.None) {
		r.wit.Want(tagOf(obj, c), modes[m], site())
	}
}

// wantsToken is Wants for a token.
func (r *Record) wantsToken(t *token.Token) {
	if r.nlocks == 0 || !r.watched() {
		return
	}
	g := &t.Describe().Tag
	if !g.Known() {
		engine.Default.Enroll(g, engine.Default.Class(0, engine.ClassSpec{Name: t.String(), Kind: engine.Token}))
	}
	r.wit.Want(g, engine.Exclusive, site())
}

// Parks and Unparks are around a wait for a lock that nothing but the lock ends.
func (r *Record) Parks(obj *Object, c Class, m token.Mode) {
	if r.watched() {
		r.wit.Block(tagOf(obj, c), modes[m], site())
	}
}

// Unparks ends what Parks began.
func (r *Record) Unparks() {
	if r.watched() {
		r.wit.Unblock()
	}
}

// got tells it that the thread has the lock at i of its list.
func (r *Record) got(i int) {
	if p := &r.locks[i]; p.at != again && r.watched() {
		r.wit.Got(tagOf(p.obj, p.class), modes[p.mode], site())
	}
}

// lets tells it that the thread is about to release that lock.
func (r *Record) lets(i int) {
	if p := &r.locks[i]; p.at != again && r.watched() {
		r.wit.Unlocked(tagOf(p.obj, p.class), modes[p.mode], site())
	}
}

// becomes tells it that the lock is going to be held in another mode.
func (r *Record) becomes(i int, m token.Mode) {
	if !r.watched() {
		return
	}
	p := &r.locks[i]
	if g := tagOf(p.obj, p.class); m == token.Exclusive {
		r.wit.Upgraded(g, site())
	} else {
		r.wit.Downgraded(g, site())
	}
}

// rests tells it that the thread is about to sleep, and what lock that drops.
func (r *Record) rests(op string, dropped *Object) {
	if r.nlocks == 0 || !r.watched() {
		return
	}
	var but *engine.Tag
	if i := r.findLock(dropped, token.None); dropped != nil && i >= 0 {
		but = tagOf(dropped, r.locks[i].class)
	}
	r.wit.Sleep(op, but, site())
}

// Origin is where a thread comes from, for the witness.
type Origin = engine.Origin

// Fork is where a thread that this one is about to start comes from.
func (r *Record) Fork() (o Origin) {
	if r.watched() {
		o = r.wit.Fork()
	}
	return o
}

// StartedBy says where a thread comes from, before its first operation.
func StartedBy(h *Handle, o Origin) { h.rec.origin = o }

// leaves tells it that the thread ends, with what it still holds.
func (r *Record) leaves() {
	if r.wit != nil {
		r.wit.Exit()
		r.wit = nil
	}
	r.unwatched = true // what is released for it now is no news
}
