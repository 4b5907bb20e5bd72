// The mutex pool as it is meant to be used.
package mtxpool_test

import (
	"fmt"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/mtxpool"
)

func ExamplePool() {
	type account struct{ balance int }
	accounts := make([]account, 100_000)
	var locks mtxpool.Pool
	locks.Init("accounts", 1024)
	lwkt.Run("main", func(td *lwkt.Thread) {
		a := &accounts[4711]
		locks.Lock(td, a)
		a.balance += 10
		locks.Unlock(td, a)
		fmt.Println(a.balance)
	})
	// Output: 10
}
