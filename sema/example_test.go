// How a semaphore is used.
package sema_test

import (
	"fmt"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sema"
)

// Two buffers for three threads.
func ExampleSema() {
	var buffers sema.Sema
	buffers.Init("buffers", 2)

	var tasks []*lwkt.Task
	for range 3 {
		tasks = append(tasks, lwkt.Go("user", func(td *lwkt.Thread) {
			buffers.Wait(td)
			defer buffers.Post(td)
			// It has one of the two.
		}))
	}
	for _, k := range tasks {
		k.Wait()
	}
	lwkt.Run("auditor", func(td *lwkt.Thread) {
		fmt.Println(buffers.Value(td), buffers.TryWait(td), buffers.Value(td))
	})
	// Output: 2 true 1
}
