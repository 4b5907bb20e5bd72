package lwkt_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/rmlock"
)

func BenchmarkRMLockRead(b *testing.B) {
	b.Run("rmlock", func(b *testing.B) {
		td := lwkt.NewThread("b")
		defer td.End()
		var l rmlock.Lock
		for b.Loop() {
			l.RLock(td)
			l.RUnlock(td)
		}
	})
	b.Run("sync", func(b *testing.B) {
		var l sync.RWMutex
		for b.Loop() {
			l.RLock()
			l.RUnlock()
		}
	})
	b.Run("rmlock parallel", func(b *testing.B) {
		var l rmlock.Lock
		b.RunParallel(func(pb *testing.PB) {
			td := lwkt.NewThread("b")
			defer td.End()
			for pb.Next() {
				l.RLock(td)
				l.RUnlock(td)
			}
		})
	})
	b.Run("sync parallel", func(b *testing.B) {
		var l sync.RWMutex
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				l.RLock()
				l.RUnlock()
			}
		})
	})
	b.Run("rmlock write", func(b *testing.B) {
		td := lwkt.NewThread("b")
		defer td.End()
		var l rmlock.Lock
		for b.Loop() {
			l.WLock(td)
			l.WUnlock(td)
		}
	})
	b.Run("sync write", func(b *testing.B) {
		var l sync.RWMutex
		for b.Loop() {
			l.Lock()
			l.Unlock()
		}
	})
	b.Run("rmlock write, busy", func(b *testing.B) {
		var stop atomic.Bool
		var wg sync.WaitGroup
		wg.Go(func() {
			for !stop.Load() {
			}
		})
		td := lwkt.NewThread("b")
		defer td.End()
		var l rmlock.Lock
		for b.Loop() {
			l.WLock(td)
			l.WUnlock(td)
		}
		stop.Store(true)
		wg.Wait()
	})
}
