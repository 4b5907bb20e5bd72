package ddb_test

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/ddb"
)

// An auditor waits for a mutex that the clerk has. The numbers of threads differ from run to run.
func ExampleRun() {
	var ledger lwkt.Mtx
	ledger.Init("ledger", 0)
	lwkt.Run("clerk", func(td *lwkt.Thread) {
		ledger.Lock(td)
		auditor := lwkt.Go("auditor", func(td *lwkt.Thread) {
			ledger.Lock(td)
			ledger.Unlock(td)
		})
		var text strings.Builder
		for !strings.Contains(text.String(), "ledger") { // until it waits
			runtime.Gosched()
			text.Reset()
			ddb.Run(&text, "lockchain auditor")
		}
		fmt.Print(regexp.MustCompile(` \(#\d+\)`).ReplaceAllString(text.String(), ""))
		ledger.Unlock(td)
		auditor.Wait()
	})
	fmt.Println(ddb.Run(os.Stdout, "show looks"))
	// Output:
	// thread "auditor" waits for mutex "ledger", exclusive, on a turnstile
	//   thread "clerk" has it, and waits for nothing
	// no such command: "show looks"; there are show locks, show all locks, show tokens, show witness, lockchain, sleepq, turnstile
}

// What each thread has, as data.
func ExampleLocks() {
	lwkt.SetRecording(true)
	defer lwkt.SetRecording(false)
	var ledger lwkt.RWLock
	ledger.Init("ledger", 0)
	lwkt.Run("clerk", func(td *lwkt.Thread) {
		ledger.RLock(td)
		for _, h := range ddb.Locks() {
			fmt.Println(h.Lock, h.Mode, h.Site != "")
		}
		ledger.RUnlock(td)
	})
	// Output: rwlock "ledger" shared true
}
