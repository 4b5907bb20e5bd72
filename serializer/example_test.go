// How a serializer is used.
package serializer_test

import (
	"fmt"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/serializer"
)

// A driver and the handler of its interrupt.
func ExampleSerializer() {
	var s serializer.Serializer
	packets := 0
	receive := func() { packets++ }

	lwkt.Run("driver", func(td *lwkt.Thread) {
		s.HandlerCall(td, receive)

		s.Enter(td)
		s.HandlerDisable() // the device goes down
		s.Exit(td)
		fmt.Println(s.HandlerCall(td, receive), packets)

		s.HandlerEnable()
		fmt.Println(s.HandlerTry(td, receive), packets)
	})
	// Output:
	// false 1
	// true 2
}
