package thread

// What any sleep gives up beside the tokens: locks of a class that says so (Class.GivenUp),
// like Giant. Such a lock is not given up by a wait that is bounded, for a mutex or a token.
//
// Layout: below.
// Bits: none.
// Invariants:
//
//	G1 given is what the sleeps and Blocks that the thread is in have given up, the outermost
//	   first; an entry of a level is there from the Suspend of that sleep to its Wakes.
//	G2 who sleeps is on its queue before it gives anything up.
//
// Transitions:
//
//	held --Suspend, after MaySleep--> given --Wakes--> held as many times as before
//
// Lock order: none; the list is the thread's own.
// Blocking: reclaim waits for the locks, with no token held. Those of a sleep are taken back in the order in
// which the thread took them.
// Departures: FreeBSD has one such lock, and names it wherever something sleeps (DROP_GIANT).

// sleeping is what a thread has given up beside tokens.
type sleeping struct {
	falling string  // the operation between its MaySleep and its Suspend, or ""
	level   int32   // sleeps and Blocks that the thread is in
	given   []given // G1
}

// given is one lock that was given up.
type given struct {
	obj   *Object
	class Class
	depth int
	level int32
	op    string
}

// Surrender is how locks of a class that any sleep gives up are given up, all acquisitions
// at once, and taken back. Package lock sets it.
var Surrender [classes]struct {
	Drop   func(r *Record, obj *Object) (depth int)
	Retake func(r *Record, op string, obj *Object, depth int)
}

// fallAsleep is the last part of MaySleep.
func (r *Record) fallAsleep(op string) {
	r.falling = op
	r.level++
}

// surrender gives up what a sleep gives up, if it is one that Suspend is called for.
func (r *Record) surrender() {
	op := r.falling
	r.falling = ""
	for i := 0; op != "" && i < int(r.nlocks); {
		p := &r.locks[i]
		if !p.class.GivenUp() {
			i++
			continue
		}
		g := given{obj: p.obj, class: p.class, level: r.level, op: op}
		g.depth = Surrender[g.class].Drop(r, g.obj) // the entries are gone: the next one is at i
		r.given = append(r.given, g)
	}
}

// reclaim takes back what the innermost sleep gave up (G1).
func (r *Record) reclaim() {
	level, first := r.level, len(r.given)
	r.falling = ""
	r.level--
	for first > 0 && r.given[first-1].level == level {
		first--
	}
	defer func() { r.given = r.given[:first] }() // also if one of them is not to be had
	for i := first; i < len(r.given); i++ {
		g := r.given[i] // what waits below may move the list, and leaves it as it was
		Surrender[g.class].Retake(r, g.op, g.obj, g.depth)
	}
}

// GivesUp says whether the thread holds a lock that a sleep would give up. Its host may ask, as in host.go.
//
//go:norace
func (r *Record) GivesUp() bool {
	for i := range r.locks[:r.nlocks] {
		if r.locks[i].class.GivenUp() {
			return true
		}
	}
	return false
}
