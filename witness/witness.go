// Package witness checks the order of locks while a program runs. It is told of
// every lock of package lwkt that is taken, keeps the orders in which they were
// taken, and reports two that contradict each other before anything hangs; besides
// that, recursion, sleeping with a lock held that must not be, locks that stay held,
// releases of what is not held, and threads that wait for each other in a circle. It is
// FreeBSD's witness(4), with instances as well as classes of locks, circles of any
// length, and nothing that is forgotten.
//
// The whole of it is
//
//	witness.Enable()
//
// at the start of a program, or
//
//	witness.Check(t)
//
// in a test. While it is off, locks pay nothing for it. To check a program that uses
// the locks of package sync, unchanged, run "witness test ./..." instead.
//
// Orders are between classes, whose names are those that locks were given: all
// locks of one name and kind are one class. What is found is in [Reports], each finding
// once, and the program goes on.
package witness

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
	"unsafe"
	"weak"

	"github.com/serializing-tokens/lwkt/internal/overlay/engine"
)

func init() {
	engine.Default.SetEnv(engine.Env{
		Weak:   weakly,
		Alive:  alive,
		Report: deliver,
	})
}

// weakly and alive are called within the engine, which the race detector does not see.
//
//go:norace
func weakly(lock unsafe.Pointer) unsafe.Pointer {
	w := weak.Make((*engine.Tag)(lock))
	return unsafe.Pointer(&w)
}

//go:norace
func alive(handle unsafe.Pointer) bool {
	return (*weak.Pointer[engine.Tag])(handle).Value() != nil
}

// An Option changes what Enable looks for, or what is done with it.
type Option func(*settings)

type settings struct {
	options engine.Options
	report  func(Report)
	long    time.Duration
}

// OnReport has f called with each report, on the goroutine that did what is reported, and
// again when a report turns out to be more severe. f may take locks; these are not
// watched. Without it reports are printed on the standard error.
func OnReport(f func(Report)) Option { return func(s *settings) { s.report = f } }

// Quiet prints nothing; there is still [Reports].
func Quiet() Option { return OnReport(func(Report) {}) }

// WithoutDuplicates allows two locks of one class to be held at once, as classes can
// allow it each for itself.
func WithoutDuplicates() Option { return func(s *settings) { s.options.Duplicates = false } }

// WithChannels also reports waits on channels with a lock held that may be held while
// sleeping.
func WithChannels() Option { return func(s *settings) { s.options.ChanHeld = true } }

// HeldFor reports locks that are held for longer than d, in steps of a second, if
// the function that took them has returned. It costs a goroutine.
func HeldFor(d time.Duration) Option { return func(s *settings) { s.long = d } }

var current struct {
	sync.Mutex
	settings
	ticking chan struct{} // closed to stop the clock; nil if there is none
}

// Enable turns the witness on for all locks of package lwkt, with these options and no
// others. What is held already is unknown to it until it is released. It does not block, and may
// be called again to change the options.
func Enable(options ...Option) {
	s := settings{options: engine.Options{Duplicates: true}}
	for _, o := range options {
		o(&s)
	}
	if s.long > 0 {
		s.options.LongTicks = uint32((s.long + time.Second - 1) / time.Second)
	}
	current.Lock()
	defer current.Unlock()
	stopClock()
	current.settings = s
	engine.Default.SetOptions(s.options)
	engine.Default.SetEnabled(true)
	if s.long > 0 {
		current.ticking = make(chan struct{})
		go clock(current.ticking)
	}
}

// Disable turns the witness off. What it has found stays.
func Disable() {
	current.Lock()
	defer current.Unlock()
	stopClock()
	engine.Default.SetEnabled(false)
}

// Enabled says whether the witness is on.
func Enabled() bool { return engine.Default.Enabled() }

func stopClock() {
	if current.ticking != nil {
		close(current.ticking)
		current.ticking = nil
	}
}

func clock(stop chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			engine.Default.Tick()
		case <-stop:
			return
		}
	}
}

func deliver(r *engine.Report) {
	current.Lock()
	f := current.report
	current.Unlock()
	if f != nil {
		f(public(r))
		return
	}
	os.Stderr.Write(text(r))
}

// ErrReversed is what the error of Order is, by errors.Is, if the order contradicts others.
var ErrReversed = errors.New("lock order reversal")

// Order declares that locks of these classes are taken in this order, each after those
// before it. The classes need not exist yet. If the order contradicts what was seen or
// declared before, that is reported too, and the error says so; the order holds
// nevertheless. (witness_defineorder, and the order lists of FreeBSD's witness)
func Order(names ...string) error {
	list := make([]engine.Class, len(names))
	for i, n := range names {
		list[i] = engine.Default.Named(n)
	}
	if !engine.Default.Order(list...) {
		return fmt.Errorf("%s: %w", strings.Join(names, " before "), ErrReversed)
	}
	return nil
}

// Bless allows locks of these two classes to be taken in either order. (the blessed list of
// FreeBSD's witness)
func Bless(a, b string) { engine.Default.Bless(engine.Default.Named(a), engine.Default.Named(b)) }

// Reset forgets all orders, seen and declared, blessed pairs and reports.
func Reset() { engine.Default.Reset() }

// A TB is what Check needs of a *testing.T.
type TB interface {
	Helper()                           // as that of a test
	Cleanup(func())                    // as that of a test
	Errorf(format string, args ...any) // as that of a test
}

// Check turns the witness on, if it is not, until the test ends, and fails the test for each report that is
// new by then. Tests that run in parallel share the witness; a report fails all that are under way.
func Check(t TB, options ...Option) {
	t.Helper()
	was := Enabled()
	if !was || len(options) > 0 {
		Enable(append([]Option{Quiet()}, options...)...)
	}
	before := map[int]Severity{}
	for _, r := range Reports() {
		before[r.Seq] = r.Severity
	}
	t.Cleanup(func() {
		t.Helper()
		engine.Default.Finish(nil)
		if !was {
			Disable()
		}
		for _, r := range Reports() {
			if r.Severity > before[r.Seq] {
				t.Errorf("%s", r)
			}
		}
	})
}
