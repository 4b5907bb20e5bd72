package sim

// How a run ends, and what is told about it.

// Outcome is how a run ended.
type Outcome uint8

// The outcomes.
const (
	Done         Outcome = iota // all threads ended, and what Finally asserted is true
	Deadlock                    // some threads wait for ever
	Panic                       // a thread panicked; Err is a *PanicError
	AssertFailed                // Machine.Assert
	LocksHeld                   // a thread ended with a lock held
	Exited                      // a thread called runtime.Goexit, as T.FailNow does
	StepLimit                   // Options.Steps were not enough
	Abandoned                   // by the Chooser
	RealBlock                   // a thread blocked outside the simulation
	Inversion                   // threads of lower priority kept one from running for longer than Options.MaxInversion
)

var outcomes = [...]string{
	"done", "deadlock", "panic", "assertion failed", "locks held at exit", "exited", "step limit", "abandoned", "blocked outside the simulation", "priority inversion",
}

// String names the outcome.
func (o Outcome) String() string { return outcomes[o] }

// Failed says whether the program under test did something wrong.
func (o Outcome) Failed() bool { return o != Done && o != Abandoned && o != StepLimit }

// Result is how a run ended.
type Result struct {
	Outcome Outcome // how
	Err     error   // what people read; nil if Done or Abandoned
	Steps   int     // events executed
}
