package lock

// The word of a lock and every way in which it may change, as pure functions of its
// value. The atomic steps that apply them are in lock.go and wait.go.
//
// Layout: 63..40 owner | 39..16 shares | 15..9 calm | 8 kept | 7 closing | 6 open | 5 drain | 4 upgrade | 3 barred | 2 called | 1 shared waiters | 0 exclusive waiters
//
// Bits:
//   - owner: identity of the thread that has the lock exclusively, else 0. Set by whoever
//     takes it (or grants it, under the queue's lock), cleared by the holder alone. Never
//     spurious, never missing. All ones: the lock was destroyed. All ones but the last: it
//     was disowned, and whoever comes may release it.
//   - shares: how many times it is held shared; while there is an owner, how many visitors
//     there are. Who wants a share looks whether it may have one, and then adds it, whatever the
//     word is by then. If that has an owner now, the share is no hold but a visit: it is taken back,
//     unless the owner has gone meanwhile, and then it is a hold. So a lock that is not owned has no
//     visitors, and who needs the number of holders (a try, an upgrade, a drain) finds it exact.
//   - exclusive waiters, shared waiters: somebody is on the queue for that. Set and cleared
//     under the queue's lock, and exact when that is free.
//   - called: a waiter was woken and has not tried yet. As those. While it is set a release
//     need not look: the one that was called will.
//   - kept: sharers who come are kept out, unless the lock lets them pass, since somebody waits for exclusive use; of a
//     RWLock, not while somebody is called, if the first of them has not come in vain yet, and was not passed for long.
//     Set under the queue's lock, or by T23; cleared under that. Never spurious, and never missing while nobody is called.
//   - upgrade: a sharer waits to be the only one (barred is set too). As those. While it is
//     set the last but one share is not let go of without looking.
//   - drain: somebody waits until nobody else has the lock, or waits for it. As those. It keeps
//     nobody out.
//   - barred: a hard waiter is on the queue. As those. While it is set nobody takes the lock
//     but through the queue, so its holds can only shrink.
//   - open: who reads may do so by a slot of its own thread, and the word does not say who does (open.go).
//   - closing: the slots are being counted. Set and cleared under Counting, and 0 when that is free.
//   - calm: how often readers have found that nobody wrote since they looked last. It may lag behind; an exclusive
//     hold makes it 0.
//
// Invariants:
//
//	W1 owner != 0 implies that no share is held: each is a visit, by a thread in T17. If owner == 0
//	   each is held.
//	W2 no mark is set when nobody waits, so a free lock that nobody waits for is 0, but for open and calm.
//	W3 a barred lock is taken only under the queue's lock, but for one more share by a
//	   thread that has one, or that looked before it was barred, and an upgrade by the only
//	   sharer.
//	W4 open and closing exclude each other, and imply that there is no owner, and that nobody waits but sharers, of whom one was
//	   called, so that nobody who lets go need look.
//
// Transitions:
//
//	T1 free, not barred       --lock exclusive------> owned, calm 0   (edge: last release -> this)
//	T2 not owned, not barred, not kept --lock shared--> shares+1   (edge: last exclusive release -> this)
//	T3 not owned, shares > 0  --lock shared by a sharer, who may pass, or looked before--> shares+1
//	T4 shares 1               --upgrade by the sharer; a try only if not barred--> owned, calm 0
//	T5 owned --unlock--> free; owned, shares > 0 --unlock--> not owned   (edge: this -> next lock)
//	T6 shares > 0             --unlock--------------> shares-1     (edge: this -> next exclusive lock)
//	T7 owned --downgrade--> shares 1; owned, shares > 0 --downgrade--> not owned, shares+1   (edge: this -> next shared lock)
//	T8 any                    --mark----------------> marks        (queue, which says which)
//	T9 free --take by the called, grant to the hard--> owned, calm 0; not owned --as that--> shares+1   (queue; edges: as T1, T2)
//	T10 free, no marks --destroy--> destroyed, calm 0; owned, no marks --destroy by the owner--> destroyed; destroyed --init--> free
//	T11 shares 1, upgrade     --grant to its sharer--> owned, calm 0   (queue; edge: the last unlock of a share -> this)
//	T12 free, not exclusive waiters, not shared waiters, not called --drain--> owned, calm 0   (edge: as T1)
//	T13 owned                 --disown--------------> disowned
//	T14 disowned --unlock by anybody--> free; disowned, shares > 0 --as that--> not owned   (edge: as T5)
//	T15 free, not barred, kept --lock shared by who may pass, or looked before--> shares+1   (edge: as T2)
//	T16 free, barred          --lock shared with a share of another lockmgr lock, or by who looked before--> shares+1   (edge: as T2)
//	T17 owned or disowned     --lock shared by who looked before--> shares+1   (a visit; of a destroyed lock: misuse)
//	T18 owned, shares > 0 or disowned, shares > 0 --a visitor leaves--> shares-1
//	T19 not owned             --many reads----------> calm+1   (not barred, and called if somebody waits)
//	T20 not owned, not exclusive waiters --many reads of what is calm--> open, calm 0   (likewise)
//	T21 open                  --lock exclusive, mark, upgrade, destroy--> not open, closing, calm 0   (Counting)
//	T22 closing               --the same thread-----> not closing, shares+n   (Counting; for the n slots that it found)
//	T23 not owned, called, exclusive waiters --many shares that pass--> kept
//
// Who may pass: anybody, if the lock lets sharers do so; and who has a share of another lockmgr lock.
//
// Visits. Nobody needs to look at the queue after T18: who is kept out by a visit is kept out by the owner, who
// will look when it lets go. If a visitor is still there by then, it has a hold, and looks itself when it gives that up (T6).
// The hold begins with T5 or T7, so its edge is that. To look before is all that lets a share pass those who keep it out,
// or for whom the lock is barred: each thread does it at most once, since its next look sees the mark.
//
// Lock order: T1-T7, T17 and T18 need no lock but the queue's where marks are set; T8, T9 and T11 need that.
// Blocking: nothing here blocks.
// Departures: FreeBSD has an owner or a count in one field, recursion in another word, and lets
// a thread with any read lock pass waiting writers; here that is for sharers of this lock. Its
// readers pass a writer that was woken for as long as that takes; here that has an end (T23). They compare and
// swap, so they fail because of each other; here they add.

import "github.com/serializing-tokens/lwkt/internal/token"

// Word is the state of a lock.
type Word uint64

// The parts of a word.
const (
	ownerShift      = 40
	shareShift      = 16
	fieldMask       = 1<<24 - 1
	share      Word = 1 << shareShift
	owned      Word = 1 << ownerShift // the least word with an owner

	waitX   Word = 1 << 0
	waitS   Word = 1 << 1
	called  Word = 1 << 2
	barred  Word = 1 << 3
	upgrade Word = 1 << 4
	drain   Word = 1 << 5
	kept    Word = 1 << 8
	marks        = waitX | waitS | called | barred | upgrade | drain | kept

	open     Word = 1 << 6
	closing  Word = 1 << 7
	calmOnce Word = 1 << 9
	calmest  Word = 0x7f * calmOnce

	dead   Word = fieldMask << ownerShift       // T10
	nobody Word = (fieldMask - 1) << ownerShift // T13
)

// Neither of them is a thread: this fails to compile if one could be.
const _ = uint(fieldMask - 1 - 1 - token.MaxID)

// Owner is the thread that has the lock exclusively, or 0.
func (w Word) Owner() uint32 { return uint32(w >> ownerShift) }

// Shares is how many times it is held shared.
func (w Word) Shares() int { return int(w >> shareShift & fieldMask) }

// Waited says whether anybody waits for it.
func (w Word) Waited() bool { return w&(waitX|waitS|drain) != 0 }

// Disowned says whether its owner gave it away, and nobody in particular has it (T13).
func (w Word) Disowned() bool { return w.Owner() == nobody.Owner() }

// Open says whether readers may take the lock by a slot.
func (w Word) Open() bool { return w&open != 0 }

// tells says whether w counts all holds: nobody has the lock by a slot.
func (w Word) tells() bool { return w&(open|closing) == 0 }

// calm is how often readers found it calm.
func (w Word) calm() int { return int(w & calmest / calmOnce) }

// still says whether w may be opened (W4).
func (w Word) still() bool { return w.Owner() == 0 && w.tells() && !(w & marks).closes() }

// closes says whether those who wait for w, by its marks, want the word to count all holds.
func (w Word) closes() bool { return w&marks != 0 && w&marks != waitS|called }

// compatible says whether the holds in w, which tells, admit one more in the mode (W1).
func (w Word) compatible(m token.Mode) bool {
	return w.Owner() == 0 && (m == token.Shared || w.Shares() == 0)
}

// only says whether the holds in w are one share, which can be made exclusive (T4, T11).
func (w Word) only() bool { return w.Owner() == 0 && w.Shares() == 1 }

// admits says whether a thread that is not on the queue may take the lock (T1-T3, T15, T16).
// sharer: it has a share already. pass: sharers may pass waiting writers.
func (w Word) admits(m token.Mode, sharer, pass bool) bool {
	switch {
	case !w.compatible(m):
		return false
	case m == token.Exclusive:
		return w&barred == 0
	}
	return sharer || w&barred == 0 && (pass || w&kept == 0)
}

// passable says whether sharers pass somebody who was called to take w exclusively (T23).
func (w Word) passable() bool { return w&(waitX|called|kept) == waitX|called }

// with is w with one more hold; the caller has made sure that it is compatible.
func (w Word) with(m token.Mode, id uint32) Word {
	if m == token.Shared {
		return w + share
	}
	return w&^calmest | Word(id)<<ownerShift
}

// without is w after its owner, or one sharer, has let go (T5, T6).
func (w Word) without(m token.Mode) Word {
	if m == token.Shared {
		return w - share
	}
	return w &^ dead
}

// quiet says whether whoever lets go of w need not look at the queue: nobody waits, or
// a share is left, or somebody was called who will.
func (w Word) quiet(m token.Mode) bool {
	left := 1 // a share that is left may be one that is to be upgraded
	if w&upgrade != 0 {
		left = 2
	}
	return w&marks == 0 || m == token.Shared && w.Shares() > left || w&(called|barred) == called
}
