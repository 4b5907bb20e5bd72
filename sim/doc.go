// Package sim is a simulated multiprocessor for programs that use package lwkt. The
// lock code is that of production; the threads are coroutines of which one runs at
// a time, and before each operation on a lock a Chooser says who goes on.
//
//	m := sim.New(sim.Options{})
//	m.Go("one", func(td *lwkt.Thread) { ... })
//	m.Go("two", func(td *lwkt.Thread) { ... })
//	m.Finally(func() { m.Assert(count == 2, "count is %d", count) })
//	result := m.Run(chooser)
//
// A run is a function of the program and of what the chooser answered, so it can be
// repeated, and every schedule be tried: package explore does both. The program must
// create all that it shares in its setup, and wait only through package lwkt and this one:
// in a raw channel operation or a lock of another kind the whole machine hangs, which a
// watchdog notices.
//
// With Options.CPUs there are processors: each with run queues of 32 fixed
// priorities, interrupts with levels that mask them, critical sections, and a
// clock; with Options.Timed operations take virtual time. Without, every thread that
// can go on may be the next.
//
// Under the race detector the same schedules are judged as if the threads had run at the
// same time, ordered by nothing but their locks.
package sim
