package token

// The word of a token and every way in which it may change, as pure functions of
// its value. The atomic steps that apply them are in token.go, the claims that
// decide about them in book.go.
//
// Layout: 63..40 owner | 39..16 shares | 15 claimed | 14 silent | 13..0 barges
//
// Bits:
//   - owner: identity of the thread that holds the token exclusively, else 0.
//     Set by whoever takes the token (or grants it, under the book's lock),
//     cleared by the holder alone. Never spurious, never missing.
//   - shares: how many threads hold it shared. As owner; owner and shares are
//     never both non-zero.
//   - claimed: some claim names this token. Set and cleared under the book's
//     lock. Never missing while a claim names the token.
//   - silent: a release need not look at the claims: nobody watches this token, or
//     a waiter was called to try for itself and has not tried yet. Set (thaw) and
//     cleared (freeze) under the book's lock. May be missing while the book is at work;
//     never spurious.
//   - barges: how many threads may still take the token past the waiters with a
//     single CAS. Written under the book's lock (freeze, thaw), counted down by
//     those who barge. Zero in a claimed token means frozen: nobody takes it but
//     through the book, so its holds can only shrink.
//
// Invariants:
//
//	I1 owner != 0 implies shares == 0.
//	I2 not claimed implies silent == 0 and barges == 0, so a free, unclaimed token is 0.
//	I3 a claimed token with barges == 0 is taken only under the book's lock.
//
// Transitions:
//
//	W1 free, not claimed      --take exclusive--> owned            (edge: last release -> this)
//	W2 not owned, not claimed --take shared-----> shares+1         (edge: last exclusive release -> this)
//	W3 free, claimed, barges > 0      --barge exclusive--> owned, barges-1   (edge as W1)
//	W4 not owned, claimed, barges > 0 --barge shared-----> shares+1, barges-1
//	W5 shares 1, not claimed  --upgrade---------> owned; shares 1, claimed, barges > 0 --upgrade--> owned, barges-1
//	W6 owned                  --release---------> free             (edge: this -> next take)
//	W7 shares > 0             --release---------> shares-1         (edge: this -> next exclusive take)
//	W8 owned                  --downgrade-------> shares 1         (edge: this -> next shared take)
//	W9 not claimed            --freeze----------> claimed; claimed --freeze--> barges 0, silent 0   (book)
//	W10 claimed, barges 0     --thaw------------> barges, silent or not claimed   (book)
//	W11 free, claimed, barges 0 --grant---------> owned; not owned, claimed, barges 0 --grant--> shares+1   (book)
//	W12 owned                 --merge-----------> merged, not claimed, barges 0, silent 0   (book)
//
// W10 sets of barges and silent what the claims say, or nothing.
//
// Lock order: W1-W8 need no lock; W9-W12 the book's.
// Blocking: nothing here blocks.
// Departures: DragonFly keeps one request bit, and its readers may ignore it;
// here waiting is bounded, so the word counts what may still pass.

// Word is a token's state.
type Word uint64

// Mode is how a token is held or wanted. The stronger mode is the greater.
type Mode uint8

const (
	None Mode = iota
	Shared
	Exclusive
)

func (m Mode) String() string { return [...]string{"none", "shared", "exclusive"}[m] }

const (
	ownerShift      = 40
	shareShift      = 16
	fieldMask       = 1<<24 - 1
	share      Word = 1 << shareShift
	claimed    Word = 1 << 15
	silent     Word = 1 << 14
	bargeMask  Word = 1<<14 - 1

	// MaxBypass is the largest bypass budget that fits into a word.
	MaxBypass = int(bargeMask)
	// MaxID is the largest thread identity that fits into a word, and stands for nobody else in that of a lock.
	MaxID = 1<<24 - 3
	// mergedID owns a token that was merged into another one, for ever.
	mergedID = 1<<24 - 1
)

// Owned is the word of a token that nobody waits for, held exclusively by id.
func Owned(id uint32) Word { return Word(id) << ownerShift }

// Owner is the thread that holds the token exclusively, or 0.
func (w Word) Owner() uint32 { return uint32(w >> ownerShift) }

// Shares is the number of threads that hold it shared.
func (w Word) Shares() int { return int(w >> shareShift & fieldMask) }

// Claimed says whether anybody waits for the token.
func (w Word) Claimed() bool { return w&claimed != 0 }

func (w Word) barges() uint32 { return uint32(w & bargeMask) }

// open says whether the token may be taken without the book.
func (w Word) open() bool { return w&claimed == 0 || w&bargeMask != 0 }

// compatible says whether the holds in w admit one more in this mode (I1).
func (w Word) compatible(m Mode) bool {
	return w.Owner() == 0 && (m == Shared || w.Shares() == 0)
}

// counted is w after a take without the book: one barge less if it is claimed.
func (w Word) counted() Word {
	if w&claimed != 0 {
		w--
	}
	return w
}

// with is w with one more hold; the caller has made sure that it is compatible.
func (w Word) with(m Mode, id uint32) Word {
	if m == Shared {
		return w + share
	}
	return w | Owned(id)
}

// without is w after its owner, or one sharer, has let go.
func (w Word) without(m Mode) Word {
	if m == Shared {
		return w - share
	}
	return w &^ (fieldMask << ownerShift)
}

// upgradable says whether a sharer may become the owner in place (W5).
func (w Word) upgradable() bool { return w.Owner() == 0 && w.Shares() == 1 && w.open() }

// quiet says whether the release that led to w need not look at the claims:
// nobody waits, or nobody needs it to, or what is left of the holds admits nobody
// new.
func (w Word) quiet(released Mode) bool {
	return w&(claimed|silent) != claimed || released == Shared && w.Shares() > 0
}
