// Package locktest is one conformance suite for locks of many kinds, to be run on any
// host: what a mutex, a reader-writer lock and a token have in common is written down
// once, and a lock is a row of a table that says what functions it has and what else it
// promises.
//
//	locktest.Run(t, locktest.Goroutines{}, locktest.Subject{
//		Name: "Mtx",
//		New: func() locktest.Lock {
//			l := new(lwkt.Mtx)
//			return locktest.Lock{Exclusive: locktest.Mode{Lock: l.Lock, Unlock: l.Unlock, TryLock: l.TryLock}}
//		},
//		Has: locktest.Checked | locktest.Found | locktest.GivesTokensUp | locktest.ServesWriters,
//	})
//
// A suite is a body that makes a lock and starts threads, which wait for one another
// through the host only: on Goroutines it runs as it is, on a simulated machine under as
// many schedules as the host likes.
//
// On Goroutines a wrong lock may get away with it: what goes wrong between two instructions
// happens seldom there. Run it with -race too, and a lock that waits only by package lwkt under
// every schedule, by a Host made of explore.Run as in hosts_test.go here.
//
// What fails says which suite, which lock, and what was waited for; it never hangs. A
// suite that nothing fails would prove nothing: the tests of this package have a lock with
// a switch for each way to be wrong, and know which suite finds it.
package locktest
