package sim

// Stacks as people want them: the frames of the program under test, without those of
// this module and of the runtime that carry it.

import (
	"strings"
)

const pkgPath = "github.com/serializing-tokens/lwkt"

// maxFrames is how many frames of a thread are told.
const maxFrames = 6

// ours says whether a function is of the lock code, the machine or the explorer, and not
// of a program under test, which may be a test in one of their packages.
func ours(function string) bool {
	rest, ok := strings.CutPrefix(function, pkgPath)
	if !ok || strings.Contains(rest, ".Test") || strings.Contains(rest, ".Example") {
		return false
	}
	for _, p := range [...]string{".", "/internal/", "/sim.", "/explore.", "/condvar.", "/giant.", "/lockmgr.", "/mtxpool.", "/rmlock.", "/sema.", "/serializer."} {
		if strings.HasPrefix(rest, p) {
			return true
		}
	}
	return false
}

// carries says whether a function is one of Go that threads are made of.
func carries(function string) bool {
	for _, p := range [...]string{"runtime.", "runtime/", "iter.", "panic(", "created by "} {
		if strings.HasPrefix(function, p) {
			return true
		}
	}
	return false
}

// begins is where the stack of a thread begins. What is below may be of threads that had the
// goroutine before (reborn).
const begins = pkgPath + "/sim.(*proc).lives"

// theirs cuts a stack, as package runtime writes it, down to the innermost frames of the
// program under test. It is left whole if there are none.
func theirs(stack string) string {
	lines := strings.Split(strings.TrimSpace(stack), "\n")
	var b strings.Builder
	n := 0
	for i := 0; i+1 < len(lines); i++ {
		function, place := lines[i], lines[i+1]
		if strings.HasPrefix(function, begins+"(") {
			break
		}
		if !strings.HasPrefix(place, "\t") || strings.HasPrefix(function, "\t") || ours(function) || carries(function) {
			continue
		}
		if n++; n > maxFrames {
			b.WriteString("...\n")
			break
		}
		place, _, _ = strings.Cut(place, " +0x")
		if arguments := strings.LastIndex(function, "("); arguments > 0 {
			function = function[:arguments]
		}
		b.WriteString(function + "\n" + place + "\n")
	}
	if n == 0 {
		return stack
	}
	return strings.TrimSuffix(b.String(), "\n")
}
