//go:build lwkt_words

package waitq

// What of waiters is part of a state, for explorations.

import (
	"unsafe"

	"github.com/serializing-tokens/lwkt/internal/hw"
)

func init() {
	hw.Sketches = append(hw.Sketches,
		hw.Sketch{
			Of: (*Waiter)(nil), Skip: []string{"TD"}, Order: []string{"age"},
			Theirs: func(p unsafe.Pointer) bool { w := (*Waiter)(p); return w.State == Queued || w.State == Called },
			Idle:   func(p unsafe.Pointer) bool { w := (*Waiter)(p); return w.State == Idle || w.State == Granted },
			Nil:    func(p unsafe.Pointer) bool { return (*Waiter)(p).State == Idle },
			Keep:   []string{"State"},
		},
		hw.Sketch{Of: (*Queue)(nil), Skip: []string{"spares"}},
		hw.Sketch{Of: (*Chain)(nil), Skip: []string{"lock", "age", "_"}},
	)
}
