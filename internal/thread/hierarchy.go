package thread

// The hierarchy: what a thread may take, or do, while it holds what, and in which context.
// What with what is one table, that of the witness, from which the documents are printed, which
// tests walk cell by cell, and which is enforced while checks are on (locking(9)).

import (
	"github.com/serializing-tokens/lwkt/internal/overlay/engine"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// Column is what a thread may be about to do, as the hierarchy sees it: the columns.
type Column uint8

// The columns.
const (
	WantSpin        Column = iota // a spin mutex
	WantMutex                     // a mutex or rwlock
	WantRM                        // a read-mostly lock
	WantSleepableRM               // a sleepable one
	WantSX                        // an sx lock, lockmgr lock or serializer
	WantSleep                     // to sleep, wait for a channel, or block outside this package
	WantToken                     // a token
	WantFunnel                    // a funnel
	WantGiant                     // a giant lock
	Columns
)

var columnNames = [...]string{"spin", "mtx, rw", "rm", "sleepable rm", "sx, lockmgr", "sleep", "token", "funnel", "giant"}

// String names the column.
func (w Column) String() string { return columnNames[w] }

// Row is what a thread may have: the rows.
type Row uint8

// The rows.
const (
	HaveSpin Row = iota
	HaveMutex
	HaveRM
	HaveSleepableRM      // shared
	HaveSleepableRMWrite // exclusively
	HaveSX
	HaveLockmgr
	HaveToken
	HaveFunnel
	HaveGiant
	Rows
)

var rowNames = [...]string{
	"spin", "mtx, rw", "rm", "sleepable rm, read", "sleepable rm, write", "sx", "lockmgr", "token", "funnel", "giant",
}

// String names the row.
func (h Row) String() string { return rowNames[h] }

// Interaction says what a thread that has the one may want, as the witness has it. The try
// forms are always allowed; and a sleep that drops the one lock that would forbid it is.
//
// Tokens and funnels forbid nothing: they are given up by whatever waits. The wait for one is
// bounded, so only a spin mutex forbids it. A thread has one funnel at a time. A giant lock is
// the first of those that must not be held across sleep, and given up by it.
var Interaction = interaction()

func interaction() (t [Rows][Columns]bool) {
	for have := range Rows {
		h := rowKinds[have]
		for want := range Columns {
			if want == WantSleep {
				t[have][want] = engine.MaySleep(h.kind, h.mode)
			} else {
				t[have][want] = engine.MayTake(h.kind, h.mode, columnKinds[want])
			}
		}
	}
	return t
}

// rowKinds and columnKinds are the rows and columns in the words of the witness.
var rowKinds = [Rows]struct {
	kind engine.Kind
	mode engine.Mode
}{
	HaveSpin:             {engine.Spin, engine.Exclusive},
	HaveMutex:            {engine.Mutex, engine.Exclusive},
	HaveRM:               {engine.ReadMostly, engine.Exclusive},
	HaveSleepableRM:      {engine.SleepRM, engine.Shared},
	HaveSleepableRMWrite: {engine.SleepRM, engine.Exclusive},
	HaveSX:               {engine.Sleepable, engine.Exclusive},
	HaveLockmgr:          {engine.Manager, engine.Exclusive},
	HaveToken:            {engine.Token, engine.Exclusive},
	HaveFunnel:           {engine.Funnel, engine.Exclusive},
	HaveGiant:            {engine.Giant, engine.Exclusive},
}

var columnKinds = [Columns]engine.Kind{
	WantSpin: engine.Spin, WantMutex: engine.Mutex, WantRM: engine.ReadMostly, WantSleepableRM: engine.SleepRM,
	WantSX: engine.Sleepable, WantToken: engine.Token, WantFunnel: engine.Funnel, WantGiant: engine.Giant,
}

// Context is what kind of code a thread runs.
type Context uint8

// The contexts.
const (
	Syscall         Context = iota // a thread of its own
	InterruptFilter                // borrows the stack of whom it interrupts
	InterruptThread
	Callout       // a timer's function
	DirectCallout // a timer's function, in the filter of the clock
	Contexts
)

var contextNames = [...]string{"syscall", "interrupt filter", "interrupt thread", "callout", "direct callout"}

// String names the context.
func (c Context) String() string { return contextNames[c] }

// InContext says what a thread in a context may want.
var InContext = [Contexts][Columns]bool{
	//                spin  mtx    rm     s-rm   sx     sleep  token  funnel giant
	Syscall:         {true, true, true, true, true, true, true, true, true},
	InterruptFilter: {true, false, false, false, false, false, false, false, false},
	InterruptThread: {true, true, true, false, false, false, true, true, true},
	Callout:         {true, true, true, false, false, false, true, true, true},
	DirectCallout:   {true, false, false, false, false, false, false, false, false},
}

// column is what taking a lock of the class is.
func (c Class) column() Column {
	switch c {
	case Spin:
		return WantSpin
	case Giant:
		return WantGiant
	case Mutex, Semaphore, RW:
		return WantMutex
	case RM:
		return WantRM
	case SleepableRM:
		return WantSleepableRM
	}
	return WantSX
}

// row is what having a lock of the class in the mode is.
func (c Class) row(m token.Mode) Row {
	switch {
	case c == Spin:
		return HaveSpin
	case c == Giant:
		return HaveGiant
	case c == Mutex, c == Semaphore, c == RW:
		return HaveMutex
	case c == RM:
		return HaveRM
	case c == SleepableRM && m == token.Shared:
		return HaveSleepableRM
	case c == SleepableRM:
		return HaveSleepableRMWrite
	case c == Lockmgr:
		return HaveLockmgr
	}
	return HaveSX
}

// SetChecks switches the checks of the hierarchy, for all threads.
func SetChecks(on bool) { setProbe(check, on) }

// MayTake panics if checks are on and the hierarchy does not let the thread wait for a
// lock now. It never waits for one that it has.
func (r *Record) MayTake(op string, obj *Object, c Class) { r.MayTakeBut(op, obj, c, nil) }

// MayTakeBut is MayTake by who drops another lock. It says whether checks are on.
func (r *Record) MayTakeBut(op string, obj *Object, c Class, dropped *Object) (checked bool) {
	if r.probe.Load()&check == 0 {
		return false
	}
	if !r.HoldsLock(obj, token.None) {
		if why := r.forbids(c.column(), dropped); why != "" {
			r.MisuseLock(op, obj, c, why)
		}
	}
	return true
}

// mayWant is MayTake for what is not a lock. A lock that it drops is let off.
func (r *Record) mayWant(op string, t *token.Token, w Column, dropped *Object) {
	if r.probe.Load()&check == 0 {
		return
	}
	if why := r.forbids(w, dropped); why != "" {
		r.misuse(op, t, why)
	}
}

// forbids says why the thread may not want something now, or "".
func (r *Record) forbids(w Column, dropped *Object) string {
	if !InContext[r.context][w] {
		return "the hierarchy does not allow " + w.String() + " in the context " + r.context.String()
	}
	for i := range r.locks[:r.nlocks] {
		if p := &r.locks[i]; p.obj != dropped && !Interaction[p.class.row(p.mode)][w] {
			return "the hierarchy does not allow " + w.String() + " with a " + p.class.row(p.mode).String() +
				" lock held: " + p.obj.Title(p.class) + r.siteOfLock(i)
		}
	}
	return ""
}

// SetContext sets the context and returns the one before.
func (r *Record) SetContext(c Context) (old Context) {
	old, r.context = r.context, c
	return old
}
