package lockmgr_test

import (
	"fmt"
	"os"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/lockmgr"
)

// A buffer is locked by who starts to write it out, and released by who is told that the
// disk is done.
func ExampleLock() {
	var buf lockmgr.Lock
	buf.Init("buffer", 0)
	lwkt.Run("writer", func(td *lwkt.Thread) {
		buf.XLock(td)
		fmt.Println(buf.Status(td))
		buf.Disown(td) // the disk has it now
		buf.PrintInfo(os.Stdout)
		_, err := buf.Do(td, lockmgr.Shared|lockmgr.NoWait)
		fmt.Println(err)
	})
	lwkt.Run("disk", func(td *lwkt.Thread) {
		buf.Unlock(td)
		buf.PrintInfo(os.Stdout)
	})
	// Output:
	// Exclusive
	// lockmgr lock "buffer": exclusive by nobody in particular
	// lockmgr: the lock is busy
	// lockmgr lock "buffer": free
}

// What is found by a search under a mutex is locked with the mutex as interlock: it is given up
// when the lock is had, or waited for.
func ExampleWith() {
	var table lwkt.Mtx
	var entry lockmgr.Lock
	lwkt.Run("reader", func(td *lwkt.Thread) {
		table.Lock(td)
		_, err := entry.Do(td, lockmgr.Shared, lockmgr.With(&table))
		fmt.Println(err, table.Held(td), entry.Held(td))

		_, err = entry.Do(td, lockmgr.TryUpgrade)
		fmt.Println(err, entry.Held(td))
		entry.Unlock(td)
	})
	// Output:
	// <nil> none shared
	// <nil> exclusive
}
