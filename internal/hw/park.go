package hw

// Parker is where one thread waits: a binary permit.
//
// Layout: a channel of capacity one, made at the first wait; a timer, made at
// the first timed wait. Both are kept for the next wait.
// Bits: none.
// Invariants: at most one permit is outstanding; only the owner parks.
// Transitions: Unpark 0->1, or 1->1 (one permit, however often it is given);
// Park 1->0. Unpark happens before the Park that takes its permit.
// Lock order: none.
// Blocking: Park blocks the goroutine; Unpark never does.
// Departures: none; it is the permit of LockSupport and of park(2) elsewhere.
//
// A permit may be left over from a wait that ended otherwise, so whoever parks
// looks at its condition again afterwards.

import "time"

// Parker is where one thread waits: a binary permit.
type Parker struct {
	permit chan struct{}
	timer  *time.Timer
}

// Init makes the Parker usable; only its owner may call it, before anybody can
// know that the owner waits.
func (p *Parker) Init() {
	if p.permit == nil {
		p.permit = make(chan struct{}, 1)
	}
}

// Why says what ended a Park.
type Why uint8

const (
	Permit   Why = iota // Unpark was called
	Done                // the done channel was closed
	Deadline            // the time was over
)

// Closed says whether done, which may be nil, is closed.
func Closed(done <-chan struct{}) bool {
	if done == nil {
		return false
	}
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// Park waits for a permit, for done (nil: never) or for the deadline, a Now
// value (0: never).
func (p *Parker) Park(done <-chan struct{}, deadline int64) Why {
	if deadline == 0 {
		if done == nil {
			<-p.permit
			return Permit
		}
		select {
		case <-p.permit:
			return Permit
		case <-done:
			return Done
		}
	}
	wait := time.Duration(deadline - Now())
	if p.timer == nil {
		p.timer = time.NewTimer(wait)
	} else {
		p.timer.Reset(wait)
	}
	defer p.timer.Stop()
	select {
	case <-p.permit:
		return Permit
	case <-done:
		return Done
	case <-p.timer.C:
		return Deadline
	}
}

// Unpark gives the permit.
func (p *Parker) Unpark() {
	select {
	case p.permit <- struct{}{}:
	default: // it is there already
	}
}
