// What misuse of locks is answered with: the lock, who has it, and what to do.
package lwkt_test

import (
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/condvar"
	"github.com/serializing-tokens/lwkt/giant"
	"github.com/serializing-tokens/lwkt/lockmgr"
	"github.com/serializing-tokens/lwkt/rmlock"
	"github.com/serializing-tokens/lwkt/serializer"
)

// A thread that is nil or has ended was told to be one, and not with which lock.
func TestWrongThreadNamesLock(t *testing.T) {
	var m lwkt.Mtx
	var s lwkt.SpinMtx
	var rw lwkt.RWLock
	var sx lwkt.SX
	var rm rmlock.Lock
	var lk lockmgr.Lock
	var g giant.Mtx
	var ser serializer.Serializer
	var cv condvar.Cond
	m.Init("named", 0)
	s.Init("named", 0)
	rw.Init("named", 0)
	sx.Init("named", 0)
	rm.Init("named", 0)
	lk.Init("named", 0)
	g.Init("named")
	ser.Init("named")
	cv.Init("named")
	ended := lwkt.NewThread("ended")
	ended.End()
	for _, td := range []*lwkt.Thread{nil, new(lwkt.Thread), ended} {
		for _, c := range []struct {
			lock string
			f    func()
		}{
			{`mutex "named"`, func() { m.Lock(td) }},
			{`mutex "named"`, func() { m.TryLock(td) }},
			{`mutex "named"`, func() { m.Unlock(td) }},
			{`mutex "named"`, func() { m.Held(td) }},
			{`mutex "named"`, func() { m.Destroy(td) }},
			{`spin mutex "named"`, func() { s.Lock(td) }},
			{`spin mutex "named"`, func() { s.TryLock(td) }},
			{`spin mutex "named"`, func() { s.Unlock(td) }},
			{`rwlock "named"`, func() { rw.RLock(td) }},
			{`rwlock "named"`, func() { rw.Downgrade(td) }},
			{`rwlock "named"`, func() { rw.TryUpgrade(td) }},
			{`sx lock "named"`, func() { sx.XLock(td) }},
			{`rmlock "named"`, func() { rm.RLock(td) }},
			{`rmlock "named"`, func() { rm.WLock(td) }},
			{`rmlock "named"`, func() { rm.RUnlock(td) }},
			{`rmlock "named"`, func() { rm.TryWLock(td) }},
			{`lockmgr lock "named"`, func() { lk.Do(td, lockmgr.Shared) }},
			{`lockmgr lock "named"`, func() { lk.Do(td, lockmgr.Upgrade) }},
			{`lockmgr lock "named"`, func() { lk.Disown(td) }},
			{`lockmgr lock "named"`, func() { lk.Unlock(td) }},
			{`giant lock "named"`, func() { g.Lock(td) }},
			{`serializer "named"`, func() { ser.Enter(td) }},
			{`condition variable "named"`, func() { cv.Wait(td, &m) }},
			{`condition variable "named"`, func() { cv.Signal(td) }},
		} {
			if got := misuse(t, "", c.f); got.Lock != c.lock {
				t.Errorf("%v: a misuse of %q, want %q", got, got.Lock, c.lock)
			}
		}
	}
}
