// Package stress works the whole library at random and watches it from outside.
// It has tests and nothing else:
//
//	go test -race ./internal/stress -v -run '^TestStress$' -stress.for=10m
//
// A run is a row of short rounds. In each, many threads do random things to a few
// tokens: take them in every form, mode and order, up to five of eight at once, recursively
// and upgraded, with contexts that end, and block in every way, with panics and
// runtime.Goexit inside. The bypass budget K, the number of threads and of tokens and the
// test modes of the library change from round to round. The seed fixes what each
// thread wants to do; in which order they do it is up to the Go scheduler.
//
// What is checked does not rest on what the library says about itself:
//
//	exclusion    who is inside each token, as plain data, so that -race has a say;
//	             in counted rounds also with atomic counters. Those are edges between
//	             threads, which could hide from -race one that the library forgot,
//	             so every other round does without.
//	changed      each exclusive holder moves a version on; it must not have moved for
//	             one who was told false, nor for one whom ChangedSince told false.
//	bypass       counted rounds: who asked after somebody was seen waiting, and got
//	             a token that this one wants, overtook it. Everybody's own count of
//	             that, and Thread.Stats's, is at most (n+1)K.
//	whole sets   money moved between two tokens is conserved, and an audit that
//	             holds all of them sees all of it.
//	the set      Held agrees with a model of what each thread did.
//	wakeups      each sleeper is rung for exactly once; the ringer must find it.
//	nobody stuck each thread's heart beats, or the run fails with all stacks.
//	nothing left at the end of a round every word is zero, nobody waits, no
//	             statistics name a holder, and no goroutine is left at the end.
//
// -stress.plant puts a fault into the core itself, through its own entrances, and then
// the same command must fail: TestPlants sees to that.
package stress
