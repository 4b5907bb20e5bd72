// What a thread holds, and the fast halves of taking and releasing.
package engine

// Thread is what the engine keeps for a thread. Only that thread uses it, except
// where it says otherwise. Make it with Engine.Thread.
type Thread struct {
	e *Engine
}

// Origin is where a goroutine comes from: all that its first use of a lock needs to
// know of the one that started it. It is two words, to be copied at each start.
type Origin struct {
	up     *label
	at     uint32
	direct bool
}

type label struct{}

// Thread makes the record of a thread that was started from o.
func (e *Engine) Thread(o Origin, name string) *Thread { return &Thread{e: e} }

// Fork gives the origin of a goroutine that t is about to start. A goroutine that
// has no Thread yet passes on the origin that it has itself, with o.Fork.
func (t *Thread) Fork() Origin { return Origin{} }

// Fork gives the origin of a goroutine started by one that has no Thread.
func (o Origin) Fork() Origin { o.direct = false; return o }

// Exit ends the thread. What it still holds is remembered: it is a leak unless another
// thread releases it, or at once if its class is OwnerOnly. The Thread is used again
// for another one; do not keep it.
func (t *Thread) Exit() {}

// Num is the number of the thread in reports.
func (t *Thread) Num() uint64 { return 0 }

// SetName names the thread in reports.
func (t *Thread) SetName(name string) {}

// Holding says whether the thread holds any lock.
func (t *Thread) Holding() bool { return false }

// Locked says that t got the lock without waiting, by an operation that would have
// waited. It checks and learns the order.
func (t *Thread) Locked(g *Tag, m Mode, site uintptr) {}

// Tried says that t got the lock by an operation that would not have waited. Nothing
// is said about order: a try cannot be part of a circle of waits. A try that failed is
// not told at all.
func (t *Thread) Tried(g *Tag, m Mode, site uintptr) {}

// Want says that t is about to wait for the lock. It checks and learns the order,
// recursion included, before anything hangs.
func (t *Thread) Want(g *Tag, m Mode, site uintptr) {}

// Got says that t got the lock for which it called Want.
func (t *Thread) Got(g *Tag, m Mode, site uintptr) {}

// Unlocked says that the thread is about to release the lock. If t does not hold it,
// another thread does, which is legal unless the class is OwnerOnly or nobody does.
func (t *Thread) Unlocked(g *Tag, m Mode, site uintptr) {}

// Upgraded and Downgraded say that t changed the mode in which it holds the lock.
func (t *Thread) Upgraded(g *Tag, site uintptr) {}

// Downgraded is the opposite of Upgraded.
func (t *Thread) Downgraded(g *Tag, site uintptr) {}

// Misuse reports that t releases a lock which nobody holds so, as the embedder can see
// from the lock's own state.
func (t *Thread) Misuse(g *Tag, m Mode, site uintptr) {}

// Block says that t parks until it gets the lock (or the Group, or the Cond), and
// reports the circle of threads that this closes, if it does. Call Unblock when it
// runs again. A wait that may end without it, by a timeout, is not told.
func (t *Thread) Block(g *Tag, m Mode, site uintptr) {}

// Unblock says that t runs again.
func (t *Thread) Unblock() {}

// Owe says that t will call Done on the group (a goroutine started by WaitGroup.Go):
// who waits for the group waits for t.
func (t *Thread) Owe(g *Tag) {}

// Done says that t is about to call Done on the group.
func (t *Thread) Done(g *Tag) {}

// Joined says that t was woken from, or found done, a wait for the group: what those did
// who called Done came before what t does from now on.
func (t *Thread) Joined(g *Tag) {}

// CondWait says that t is about to wait on a condition variable with the interlock l,
// which the embedder releases and takes again by itself (Unlocked, Got).
func (t *Thread) CondWait(c, l *Tag, site uintptr) {}

// Sleep says that t is about to sleep for an unbounded time; but is the lock that this
// gives up, or nil. what names the wait.
func (t *Thread) Sleep(what string, but *Tag, site uintptr) {}

// Chan says that t is about to wait on a channel.
func (t *Thread) Chan(what string, site uintptr) {}

// Held gives what t holds, oldest first. Call it on t's own goroutine, or while t is
// known not to run.
func (t *Thread) Held(buf []LockRef) []LockRef { return buf }
