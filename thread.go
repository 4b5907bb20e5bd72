package lwkt

// Threads as users see them: the identity in which a goroutine acquires, the way to
// start one, and the way to carry it in a context.

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"unsafe"

	"github.com/serializing-tokens/lwkt/internal/thread"
)

// noCopy makes go vet complain about a copy of what contains it.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// Thread is the identity in which a goroutine acquires tokens. It belongs to the
// goroutine that uses it first, and every method but Name must be called by that
// one. A Thread that has ended stays recognizable: to use it panics.
//
// The zero Thread cannot be used; see NewThread, Run and Go. (lwkt(9))
type Thread struct {
	_      noCopy
	h      thread.Handle
	funnel *Funnel
}

// thread.HandleAt relies on it.
var _ [0]struct{} = [unsafe.Offsetof(Thread{}.h)]struct{}{}

// handle is td's handle, or nil for a nil Thread, which the callee reports.
func (td *Thread) handle() *thread.Handle {
	if td == nil {
		return nil
	}
	return &td.h
}

func init() {
	thread.HandleOf = func(td any) *thread.Handle {
		t, _ := td.(*Thread)
		return t.handle()
	}
}

// NewThread returns a Thread for the current goroutine. The name is for messages
// and need not be unique. End gives its record back. It does not block.
func NewThread(name string) *Thread {
	td := new(Thread)
	thread.Start(&td.h, name)
	return td
}

// End retires the Thread. If it still holds tokens or a funnel, they are released
// and End panics with a *Misuse that lists them; a panic that is already under way
// goes on instead, if End was deferred directly. It does not block.
func (td *Thread) End() {
	if unwinding := recover(); unwinding != nil {
		defer func() { panic(unwinding) }()
	}
	td.end("")
}

// end is End, whose misuse is told to be at the place where, or at the caller of
// this package if that is "".
func (td *Thread) end(where string) {
	held := thread.End(td.handle())
	td.funnel = nil
	if held != "" {
		thread.FailAt(&td.h, "End", "it still held "+held, where)
	}
}

// Run calls f on the current goroutine with a new Thread, and ends it.
func Run(name string, f func(td *Thread)) {
	mustCall("Run", name, f)
	td := NewThread(name)
	defer td.End()
	f(td)
}

// mustCall panics if there is nothing for a new thread to do.
func mustCall(op, name string, f func(td *Thread)) {
	if f == nil {
		panic(&Misuse{Op: op, Thread: strconv.Quote(name), Why: "there is no function to call: it is nil", Where: thread.Caller()})
	}
}

// Name is the name given to NewThread, Run or Go.
func (td *Thread) Name() string { return td.handle().Name() }

// String names the thread as messages do: by its name, and by its serial number, since
// names need not be unique.
func (td *Thread) String() string { return td.handle().String() }

// Priority is between 0 and 31; 31 is best, 16 the default.
func (td *Thread) Priority() int { return td.handle().Priority() }

// SetPriority sets the priority with which the Thread waits from now on: a waiter
// with a better one is served first, within the bound that everybody has on being
// overtaken. It does not change how the Go scheduler treats the goroutine. It
// panics if p is not between 0 and 31.
func (td *Thread) SetPriority(p int) { td.handle().SetPriority(p) }

// LentPriority is the best priority of those who wait for a lock that the thread has, if it
// is better than its own, else 0. While it is lent the thread waits with it.
func (td *Thread) LentPriority() int {
	thread.Announce(thread.Op{Kind: thread.OpSurvey})
	return td.handle().LentPriority()
}

// CritEnter begins a critical section of the Thread: on a simulated machine its processor takes
// no interrupt and runs no other thread until the matching CritExit. Sections nest. A thread
// that waits in one loses it until it goes on, and only a SpinMtx forbids that. Of a goroutine
// they are just counted. It does not block. (critical_enter, crit_enter)
func (td *Thread) CritEnter() { thread.CritEnter(td.handle()) }

// CritExit ends the innermost critical section that CritEnter began, and panics if there is none.
// What had to wait for the end of the outermost one happens now. (critical_exit, crit_exit)
func (td *Thread) CritExit() { thread.CritExit(td.handle()) }

// ThreadStats count what a Thread did.
type ThreadStats struct {
	Waits   uint64 // acquisitions of tokens and locks that had to wait
	Drops   uint64 // times that held tokens were given up to block
	Changes uint64 // of these, those after which one turned out to have changed hands
	Spins   uint64 // rounds of looking at a lock that was held, while its owner ran
	// MaxOvertaken is how often the most overtaken of its waits was overtaken: at
	// most (n+1)K for n tokens.
	MaxOvertaken uint64
}

// Stats returns the Thread's counts.
func (td *Thread) Stats() ThreadStats { return ThreadStats(td.handle().Stats()) }

// Task is a thread started by Go.
type Task struct {
	done      chan struct{}
	simulated bool        // it is no goroutine
	failure   *PanicError // read after done

	mu      sync.Mutex
	awaited bool // (mu) somebody waits, and will be told of a panic
}

// PanicError is a panic of a Task, as Wait and Join pass it on.
type PanicError struct {
	Thread string // the name of its Thread
	Value  any    // what it panicked with
	Stack  []byte // where
}

// Error tells the thread, the value and the stack of the panic.
func (e *PanicError) Error() string {
	return fmt.Sprintf("lwkt: thread %q panicked: %v\n\n%s", e.Thread, e.Value, e.Stack)
}

// Unwrap returns the value of the panic if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Go calls f in a new goroutine with a Thread of its own, which ends with it. If f
// panics, that is a panic of Wait and Join; if nobody waits at that moment, it is told
// on the standard error at once, since it might never be passed on.
//
// It is a goroutine also if the caller is a simulated thread, to which nothing tells
// that: what may run there uses Thread.Go. The witness is not told who the caller is, so it takes
// what a Thread of the caller did before for something that could have been at the same time. (kthread_add(9))
func Go(name string, f func(td *Thread)) *Task { return start(name, f, thread.Origin{}) }

// start is Go by a thread that the witness knows as from.
func start(name string, f func(td *Thread), from thread.Origin) *Task {
	mustCall("Go", name, f)
	k := &Task{done: make(chan struct{})}
	go k.run(name, f, from)
	return k
}

// Go is the function Go for a caller that has a Thread: on goroutines the same, and if td
// is a simulated thread (package sim), another one on the same machine. There, a panic of f
// for which nobody waits is one of the machine's run; and Join waits for the task, since
// Wait would block the whole machine. It does not block, and panics if td has ended.
func (td *Thread) Go(name string, f func(td *Thread)) *Task {
	r := thread.Enter(td.handle(), "Go")
	from := r.Fork()
	r.Leave()
	host, ok := thread.Hosted(td.handle()).(thread.Spawner)
	if !ok || f == nil {
		return start(name, f, from)
	}
	k := &Task{done: make(chan struct{}), simulated: true}
	host.Spawn(name, func(x any) {
		td := x.(*Thread)
		thread.StartedBy(td.handle(), from)
		k.simulate(name, f, td)
	}, k.done)
	return k
}

// simulate is run on a simulated thread, which its machine has made and ends.
func (k *Task) simulate(name string, f func(td *Thread), td *Thread) {
	defer func() {
		if v := recover(); v != nil {
			if !k.waitedFor() {
				panic(v)
			}
			k.failure = &PanicError{name, v, debug.Stack()}
		}
	}()
	f(td)
}

func (k *Task) run(name string, f func(td *Thread), from thread.Origin) {
	defer close(k.done)
	defer func() {
		if v := recover(); v != nil && k.failure == nil { // else what panicked first is kept
			k.fail(name, v)
		}
	}()
	td := NewThread(name)
	thread.StartedBy(td.handle(), from)
	defer func() { td.end(thread.PlaceOf(f)) }()
	defer func() {
		if v := recover(); v != nil {
			k.fail(name, v)
			panic(v)
		}
	}()
	f(td)
}

// fail keeps a panic for those who wait.
func (k *Task) fail(name string, v any) {
	k.failure = &PanicError{name, v, debug.Stack()}
	if !k.waitedFor() {
		fmt.Fprintf(os.Stderr, "%v\n(nobody waits for the thread yet; Wait and Join will panic)\n", k.failure)
	}
}

// Done is closed when the task has ended.
func (k *Task) Done() <-chan struct{} {
	if k.simulated {
		thread.Announce(thread.Op{Kind: thread.OpLook, Done: k.done})
	}
	return k.done
}

// Wait blocks until the task has ended, and panics with a *PanicError if it
// panicked. It gives up no tokens: a goroutine that holds some calls Join, and so does
// a simulated thread.
// The end of the task synchronizes before the return of Wait.
func (k *Task) Wait() {
	k.await()
	<-k.done
	k.report()
}

// Join is Wait for a thread: it gives up its tokens while it waits, and says
// whether one of them changed hands. It panics if td is a simulated thread and the task a
// goroutine, of which the machine does not know that it will end.
func (k *Task) Join(td *Thread) (changed bool) {
	if !k.simulated && thread.Hosted(td.handle()) != nil {
		thread.Fail(td.handle(), "Join", "the task is a goroutine, which the machine of this thread does not see; td.Go starts one that it does")
	}
	k.await()
	_, _, changed = recv(td, "Join", k.done)
	k.report()
	return changed
}

func (k *Task) await() {
	k.mu.Lock()
	k.awaited = true
	k.mu.Unlock()
}

func (k *Task) waitedFor() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.awaited
}

func (k *Task) report() {
	if k.failure != nil {
		panic(k.failure)
	}
}

type contextKey struct{}

// WithThread returns a context that carries td. The context must stay with the
// goroutine that td belongs to.
func WithThread(ctx context.Context, td *Thread) context.Context {
	return context.WithValue(ctx, contextKey{}, td)
}

// FromContext returns the Thread that ctx carries, or nil.
func FromContext(ctx context.Context) *Thread {
	td, _ := ctx.Value(contextKey{}).(*Thread)
	return td
}
