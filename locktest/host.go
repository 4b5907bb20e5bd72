package locktest

// What a body runs on. The host of goroutines is here; one for simulated machines is
// some thirty lines, which the tests of this package have, since this package does not
// depend on one.

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/serializing-tokens/lwkt"
)

// Host runs bodies.
type Host interface {
	// Size is how much a body does here.
	Size() Size
	// Run calls body with a new machine and runs its threads to their ends; it may do
	// so many times under different schedules. It returns what went wrong the first
	// time: a Fail, a panic, threads that wait for ever. It does not hang.
	Run(body func(m Machine)) error
}

// Size is how much a body does on a host.
type Size struct {
	Threads int  // that contend, at least 2
	Rounds  int  // of each
	Finite  bool // schedules are enumerated: no body that has endlessly many of them
	Native  bool // threads run by the clock, so that counts of what others did meanwhile prove nothing
	Allocs  bool // memory can be measured
}

// Machine is one run of a body. A body calls its methods, and makes all that its threads
// share, before it returns: then the threads start. But for Go and Finally its methods
// are for threads.
type Machine interface {
	// Go adds a thread.
	Go(name string, f func(td *lwkt.Thread))
	// Finally has f called after all threads have ended well.
	Finally(f func())
	// Until lets others run until cond holds, which depends on Vars alone. The thread
	// keeps what it holds.
	Until(what string, cond func() bool)
	// Yield lets others run once.
	Yield()
	// Var returns a new Var.
	Var() Var
	// Fail says what is wrong, which ends the run and the thread. Finally may call it.
	Fail(text string)
}

// Var is a number that threads share without a lock: others may run between a Load and
// a Store.
type Var interface {
	Load(td *lwkt.Thread) int     // by a thread
	Store(td *lwkt.Thread, x int) // by a thread
	Value() int                   // in Until and Finally
}

// Goroutines is the host of production: threads are goroutines. Its zero value is ready
// for use.
type Goroutines struct {
	Limit   time.Duration // of one run; 0 stands for 20 seconds
	Threads int           // that contend; 0 stands for 4
	Rounds  int           // of each; 0 stands for 500
	Allocs  bool          // nothing else allocates: no race detector, no parallel tests
}

// Size tells what the fields say.
func (h Goroutines) Size() Size {
	s := Size{Threads: h.Threads, Rounds: h.Rounds, Native: true, Allocs: h.Allocs}
	if s.Threads == 0 {
		s.Threads = 4
	}
	if s.Rounds == 0 {
		s.Rounds = 500
	}
	return s
}

// Run runs a body once. If its threads do not end within the limit, it leaves them behind
// and says where they are.
func (h Goroutines) Run(body func(m Machine)) error {
	m := &native{limit: h.Limit, broken: make(chan struct{})}
	if m.limit == 0 {
		m.limit = 20 * time.Second
	}
	body(m)
	m.begun = time.Now()
	for _, t := range m.threads {
		go m.run(t)
	}
	over, broken := time.After(m.limit), m.broken
	for _, t := range m.threads {
		for waits := true; waits; {
			select {
			case <-t.done:
				waits = false
			case <-broken: // whoever is left may wait for what will not come
				over, broken = time.After(m.limit/20), nil
			case <-over:
				m.fail(errors.New(m.unended()))
				return m.first
			}
		}
	}
	if !m.failed() {
		last := &task{"finally", func(*lwkt.Thread) {
			for _, f := range m.finally {
				f()
			}
		}, make(chan struct{})}
		go m.run(last)
		<-last.done
	}
	return m.first // all have ended
}

// native is a run on goroutines.
type native struct {
	limit   time.Duration
	begun   time.Time
	threads []*task
	finally []func()

	once   sync.Once
	first  error         // what went wrong first
	broken chan struct{} // closed when first is set
}

type task struct {
	name string
	f    func(td *lwkt.Thread)
	done chan struct{}
}

// run is the life of a thread. What ends it by Goexit has been told.
func (m *native) run(t *task) {
	defer close(t.done)
	defer func() {
		if v := recover(); v != nil {
			m.fail(fmt.Errorf("thread %q panicked: %v", t.name, v))
		}
	}()
	lwkt.Run(t.name, t.f)
}

func (m *native) fail(err error) {
	m.once.Do(func() {
		m.first = err
		close(m.broken)
	})
}

func (m *native) failed() bool {
	select {
	case <-m.broken:
		return true
	default:
		return false
	}
}

// unended names the threads that have not ended, and shows where goroutines are that
// run for this package.
func (m *native) unended() string {
	var names, stacks []string
	for _, t := range m.threads {
		select {
		case <-t.done:
		default:
			names = append(names, fmt.Sprintf("%q", t.name))
		}
	}
	buf := make([]byte, 1<<20)
	for _, s := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(s, "locktest.(*native).run(") {
			stacks = append(stacks, s)
		}
	}
	return fmt.Sprintf("waited %v in vain for the end of %s:\n\n%s", m.limit, strings.Join(names, ", "), strings.Join(stacks, "\n\n"))
}

func (m *native) Go(name string, f func(td *lwkt.Thread)) {
	m.threads = append(m.threads, &task{name, f, make(chan struct{})})
}

func (m *native) Finally(f func()) { m.finally = append(m.finally, f) }

func (m *native) Until(what string, cond func() bool) {
	for !cond() {
		if time.Since(m.begun) > m.limit {
			m.Fail(fmt.Sprintf("waited %v in vain until %s", m.limit, what))
		}
		m.Yield()
	}
}

// Yield also ends a thread of a run that is over.
func (m *native) Yield() {
	if m.failed() {
		runtime.Goexit()
	}
	runtime.Gosched()
}

func (m *native) Var() Var { return new(nativeVar) }

func (m *native) Fail(text string) {
	m.fail(errors.New(text))
	runtime.Goexit()
}

type nativeVar struct{ n atomic.Int64 }

func (v *nativeVar) Load(*lwkt.Thread) int       { return int(v.n.Load()) }
func (v *nativeVar) Store(_ *lwkt.Thread, x int) { v.n.Store(int64(x)) }
func (v *nativeVar) Value() int                  { return int(v.n.Load()) }
