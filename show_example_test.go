package lwkt_test

import (
	"fmt"
	"strings"

	"github.com/serializing-tokens/lwkt"
)

func ExampleShowTokens() {
	lwkt.SetRecording(true)
	defer lwkt.SetRecording(false)

	door := lwkt.NewToken("door")
	lwkt.Run("porter", func(td *lwkt.Thread) {
		door.Acquire(td)
		defer door.Release(td)

		var text strings.Builder
		if err := lwkt.ShowTokens(&text); err != nil {
			panic(err)
		}
		for line := range strings.Lines(text.String()) {
			if f := strings.Fields(line); f[0] == "TOKEN" || f[0] == "door" {
				fmt.Println(f[0], f[1], f[2], f[3])
			}
		}
	})
	// Output:
	// TOKEN MODE HELD BY
	// door exclusive thread "porter"
}

func ExampleHistogram() {
	lwkt.SetRecording(true)
	defer lwkt.SetRecording(false)

	door := lwkt.NewToken("front door")
	lwkt.Run("porter", func(td *lwkt.Thread) {
		for range 3 {
			door.Acquire(td)
			door.Release(td)
		}
	})
	for _, t := range lwkt.Tokens() {
		if t.Name == "front door" {
			fmt.Println(t.Hold.Count, "holds", t.Hold.Quantile(0.5) <= t.Hold.Max)
		}
	}
	// Output: 3 holds true
}

func ExampleWatchHolders() {
	long := make(chan lwkt.LongHold, 1)
	w := lwkt.WatchHolders(1, func(l lwkt.LongHold) {
		select {
		case long <- l:
		default:
		}
	})
	defer w.Stop()

	lwkt.Run("sleeper", func(td *lwkt.Thread) {
		door := lwkt.NewToken("back door")
		door.Acquire(td)
		fmt.Println((<-long).Token) // a raw channel: the token is held all the time
		door.Release(td)
	})
	// Output: token "back door"
}
