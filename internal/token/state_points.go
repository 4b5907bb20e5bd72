//go:build lwkt_words

package token

// What of tokens and claims is part of a state, for explorations.

import (
	"unsafe"

	"github.com/serializing-tokens/lwkt/internal/hw"
)

func init() {
	hw.Shared = append(hw.Shared, &book)
	hw.Sketches = append(hw.Sketches,
		hw.Sketch{Of: (*Book)(nil), Skip: []string{"k", "age", "free", "atOnce"}}, // a new age is greater than all others
		hw.Sketch{
			Of: (*Claim)(nil), Skip: []string{"ID", "Waker", "Observer"}, Order: []string{"age"},
			Theirs: func(p unsafe.Pointer) bool { c := (*Claim)(p); return c.state == waiting || c.state == called },
			Idle:   func(p unsafe.Pointer) bool { c := (*Claim)(p); return c.state == idle || c.state == granted },
			Unused: func(p unsafe.Pointer) bool {
				c := (*Claim)(p)
				return (c.state == idle || c.state == granted) && len(c.Wants) == 0
			},
			Keep: []string{"Wants", "overtaken"},
		},
		hw.Sketch{Of: (*queue)(nil), Skip: []string{"seen"}},
	)
}
