// Package lwkt provides serializing tokens: locks that their holder has only
// while it runs.
//
// A thread may take any number of tokens, in any order, as often as it likes.
// Whenever it blocks, all its tokens are given up, and it does not go on before it
// has all of them back at once. So nobody ever waits while holding a token: tokens
// do not deadlock, and a function may block without knowing what its callers hold.
//
// What a token does not do is keep an invariant across a block. Every operation
// that can block therefore says whether a token that was held has changed hands
// meanwhile, and then what was read before must be read again:
//
//	from.Acquire(td)
//	to.Acquire(td) // may give up from, waiting for to; both are held now
//	if changed := td.Block(func() { err = file.Sync() }); changed {
//		// another thread had from or to: look at the balances again
//	}
//	to.Release(td)
//	from.Release(td)
//
// # Threads
//
// Go has no goroutine identity, so each operation takes the Thread that performs
// it. A Thread belongs to the goroutine that uses it first. Go starts a
// goroutine with a Thread, Run gives one to the current goroutine, WithThread puts
// it into a context.Context.
//
// # Locks
//
// Beside tokens there are the locks of FreeBSD: Mtx, RWLock and SpinMtx for short
// sections, SX for what is held across sleep; and, as packages of their own, rmlock,
// lockmgr, mtxpool, serializer, giant, and condvar and sema to wait with. They mix with
// tokens: whoever waits for one gives up its tokens meanwhile. docs/locking.md says
// which one to take, docs/manpages.md what each call of the BSDs is called here.
//
// # Looking and testing
//
// SetRecording, Tokens, LockProfile, Turnstiles and SleepQueues, and what is called Show
// with their names, tell what goes on in a program; packages ddb and debughttp do so
// from outside. Package witness checks the order of locks, package explore runs a test under
// every schedule on the machine of package sim, and package locktest is the
// conformance suite of locks.
//
// # Memory model
//
// In the terms of the Go memory model, a release of a token, the one that is
// implied by blocking included, synchronizes before the next acquisition that
// conflicts with it. Shared holders exclude only exclusive ones.
//
// # Fairness
//
// A waiting thread is overtaken a bounded number of times: one that waits for n
// tokens at most (n+1)K times, with K as set by SetBypass, whatever the size of its
// set, the mode and the priorities. After that its tokens, even free ones, are
// refused to every later asker. The bound counts grants, not time.
//
// # Misuse
//
// A release of what is not held, a nil Thread, one that has ended, one that ends
// while it holds something, and two goroutines that use one Thread at the same
// moment are panics with a value of type *Misuse, which names operation, token,
// thread and place.
//
// A build with the tag lwkt_invariants (go test -tags lwkt_invariants) also finds
// every use of a Thread by a second goroutine, copies of tokens, and guarded values
// that are used without their token or after it changed hands; and it takes the slow
// paths at random, so that rare ones are tested. It is slower.
//
// The vocabulary is that of token(9) in DragonFly BSD.
package lwkt
