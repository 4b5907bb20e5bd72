// Package lint holds the rules about the shape and style of this repository
// that the compiler, vet and staticcheck do not know. It has tests and nothing
// else: `go test ./internal/lint` reads the source of every module here and
// names each place where a rule is broken and what to do about it.
//
// Each rule is one function from a tree of sources to a list of findings, in a
// file of its own. Its test runs it over small trees in memory, some in which
// it must fire and some in which it must stay silent, and then over the
// repository, where it must be silent. A rule without both kinds of planted
// tree does not pass.
//
//	arrows_test.go   which package may import which
//	headers_test.go  what a file says at its top; the sections of a state machine
//	calls_test.go    calls that have no place here, time.Sleep above all
//	names_test.go    package names that say nothing; to-do marks without an issue
//	modules_test.go  the go.mod files and go.work agree
//	godoc_test.go    every exported name is documented, and go doc shows what is for users
//	manpages_test.go docs/manpages.md names what there is, and has what doc comments claim
//	locks_test.go    lock types cannot be copied unnoticed
//	size_test.go     how big the root package may grow before it is split
package lint
