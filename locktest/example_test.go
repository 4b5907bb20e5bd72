package locktest_test

import (
	"fmt"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/locktest"
)

// A lock of one's own is a struct of its functions, with those that it has not left out,
// and the parts that it promises. In a test, locktest.Run makes a subtest of each suite
// that fits; here they are called one by one.
func Example() {
	subject := locktest.Subject{
		Name: "semaphore of one",
		New: func() locktest.Lock {
			free := make(chan struct{}, 1)
			free <- struct{}{}
			return locktest.Lock{Exclusive: locktest.Mode{
				Lock: func(td *lwkt.Thread) (changed bool) {
					_, _, changed = lwkt.Recv(td, free) // gives tokens up to wait
					return changed
				},
				Unlock: func(*lwkt.Thread) { free <- struct{}{} },
			}}
		},
		Has: locktest.GivesTokensUp | locktest.KeptAsleep,
	}
	host := locktest.Goroutines{Limit: time.Second}
	for _, c := range locktest.Suites() {
		if c.Fits(host, subject) {
			fmt.Println(c.Name, c.Check(host, subject))
		}
	}
	// Output:
	// new <nil>
	// exclusion <nil>
	// memory <nil>
	// wakeup <nil>
	// tokens <nil>
	// tokens kept <nil>
}
