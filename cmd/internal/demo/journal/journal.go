// Package journal is the write-ahead journal of the demo bank: what makes a transfer of money count.
//
// # Protocol
//
// A journal is one append-only file with one writer, shared by all tellers of a bank. A teller moves money in two steps:
//
//	P1  append INTENT(tx, from, to, amount) and wait until it is durable
//	P2  with both accounts held, append COMMIT(tx) and change the balances, or append ABORT(tx) and leave them
//	P3  wait until the COMMIT is durable; only now the transfer counts and may be told to anybody
//
// Who holds both accounts from before P1 until after P3 (the mutex disciplines) may append INTENT and COMMIT together and
// wait once, since nothing can come in between. Who lets go of the accounts during P1 (tokens) looks at the balance again
// before P2, and holds nothing during P3.
//
// # Invariants
//
//	J1  Order: records become durable in the order of the calls of Append. So a record on disk has all before it on disk.
//	J2  Commits are appended with both accounts held, so that for each account the order of COMMITs in the file is the order
//	    in which its balance changed. By J1 a durable COMMIT has everything it depends on before it: it is right to let
//	    others see a balance whose COMMIT is not durable yet, since their COMMIT cannot become durable without this one.
//	J3  An INTENT without COMMIT has no effect: replay applies committed intents only, at the place of the COMMIT.
//	J4  A record is taken whole or not at all: length and CRC32C decide, and the first record that fails ends the journal.
//	    What comes behind it is not applied, even if it is whole: by J1 it depends on what is missing. It is only looked
//	    through for whole records. None: the end was torn off, as an interrupted run leaves it, and nothing acknowledged is
//	    missing. Any: the journal is damaged. (A crash of the whole machine can leave the same inside of the last batch,
//	    which nobody had been told of, if later blocks of it reach the disk before earlier ones. The file alone does not
//	    tell the two apart, so it is called damaged.)
//	J5  Failure is final: after one failed write or sync the writer takes nothing more, every waiter gets the error, and the
//	    file is cut back to what was durable, as far as the system still allows it (after a failed fsync nobody knows what
//	    the disk has). So a transfer that was not acknowledged may be found by replay only after a crash, never after a
//	    clean failure; and one that was acknowledged always is.
//	J6  CLOSE is the last record of a run that ended on purpose. A journal without it was interrupted, one that goes on
//	    behind it is damaged.
//
// A file holds one world after another: OPEN gives every account of a new world the same balance, and forgets the world
// before it, open intents included.
//
// Files: record.go has the format, writer.go group commit, file.go creation and errors, replay.go the way back.
package journal

// A Kind says what a record is.
type Kind byte

// The kinds of records. The numbers are in files: never reuse one.
const (
	Open   Kind = 1 + iota // a new world: Accounts with Amount each
	Intent                 // Tx wants to move Amount from From to To
	Commit                 // Tx took place, here
	Abort                  // Tx did not take place, and never will
	Close                  // the run ended on purpose; Tx is the number of commits in the whole file
)

// String is the name of the kind in reports.
func (k Kind) String() string {
	switch k {
	case Open:
		return "open"
	case Intent:
		return "intent"
	case Commit:
		return "commit"
	case Abort:
		return "abort"
	case Close:
		return "close"
	}
	return "unknown"
}

// A Record is one entry of the journal. Which fields mean something depends on Kind; the others are not written.
type Record struct {
	Kind     Kind
	Tx       uint64 // Intent, Commit, Abort: the transfer. Open: the number of the world. Close: the number of commits
	From, To uint32 // Intent: the accounts. Open: From is the number of accounts
	Amount   int64  // Intent: what moves. Open: the balance of every account
}
