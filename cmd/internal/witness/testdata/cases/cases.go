// Package cases holds small programs with and without mistakes in their locking, for witness to find or to be silent about.
//
// Each is a test. Its comment says what it shows, and then what is to be reported: a line "want: " with severity, kind and the
// locks, or none. A test with subtests lists them in a line "sub: "; each of them is a case, with the same wishes.
package cases

import (
	"bytes"
	"runtime"
	"strings"
)

// apart runs each function to its end on a goroutine of its own, one after the other. The channels that order them here are no
// promise that they are ordered in the next run.
func apart(list ...func()) {
	for _, f := range list {
		done := make(chan bool)
		go func() {
			defer close(done)
			f()
		}()
		<-done
	}
}

// quiet returns when every goroutine but this one waits, for something that only another one can give it.
func quiet() {
	buf := make([]byte, 1<<20)
	for {
		runtime.Gosched()
		busy := 0
		for part := range bytes.SplitSeq(buf[:runtime.Stack(buf, true)], []byte("\n\n")) {
			state, _, _ := strings.Cut(string(part), "\n")
			if strings.Contains(state, "[running") || strings.Contains(state, "[runnable") || strings.Contains(state, "[sleep") {
				busy++
			}
		}
		if busy == 1 {
			return
		}
	}
}
