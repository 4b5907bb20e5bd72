// What misuse of locks is answered with: the lock, who has it, and what to do.
package lwkt_test

import (
	"bytes"
	"context"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/condvar"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/giant"
	"github.com/serializing-tokens/lwkt/internal/invariants"
	"github.com/serializing-tokens/lwkt/lockmgr"
	"github.com/serializing-tokens/lwkt/mtxpool"
	"github.com/serializing-tokens/lwkt/rmlock"
	"github.com/serializing-tokens/lwkt/sema"
	"github.com/serializing-tokens/lwkt/serializer"
	"github.com/serializing-tokens/lwkt/sim"
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

// A semaphore was told as the mutex and the condition variable that it was made of.
func TestSemaIsOne(t *testing.T) {
	const name = `semaphore "tickets"`
	recording(t)
	var s sema.Sema
	s.Init("tickets", 1)
	if s.String() != name {
		t.Errorf("it is called %s", s.String())
	}
	is := func(td *lwkt.Thread, why string, ops map[string]func()) {
		t.Helper()
		for op, f := range ops {
			m := misuse(t, op, f)
			if m.Lock != name {
				t.Errorf("%v: a misuse of %q, want %q", m, m.Lock, name)
			}
			says(t, m.Why, why)
			for _, foreign := range []string{"mutex", "condition", "Lock of"} {
				if strings.Contains(m.Error(), foreign) {
					t.Errorf("%v", m)
				}
			}
		}
	}
	all := func(td *lwkt.Thread) map[string]func() {
		return map[string]func(){
			"Wait": func() { s.Wait(td) }, "WaitContext": func() { s.WaitContext(t.Context(), td) }, "WaitTimeout": func() { s.WaitTimeout(td, 1) },
			"TryWait": func() { s.TryWait(td) }, "Post": func() { s.Post(td) }, "Value": func() { s.Value(td) }, "Destroy": func() { s.Destroy(td) },
		}
	}
	is(nil, "it was initialized before; Destroy it first", map[string]func(){"Init": func() { s.Init("tickets", 1) }})
	is(nil, "the thread is nil", all(nil))
	lwkt.Run("user", func(td *lwkt.Thread) {
		s.Wait(td)
		k := lwkt.Go("who waits", func(td *lwkt.Thread) { s.Wait(td) })
		until(t, "it waits", func() bool { return sleeping("who waits") })
		var queue bytes.Buffer
		lwkt.ShowSleepQueues(&queue)
		says(t, queue.String(), "sleep queue of "+name+"\n")
		is(td, "1 thread waits for a unit", map[string]func(){"Destroy": func() { s.Destroy(td) }})
		s.Post(td)
		join(t, k)
		s.Destroy(td)
		is(td, "it was destroyed; it can be used again after Init", all(td))
		s.Init("tickets", 1)
	})
	var profile bytes.Buffer
	lwkt.ShowLockProfile(&profile)
	says(t, profile.String(), name)
	if strings.Contains(profile.String(), "mutex") {
		t.Errorf("the profile tells of a mutex:\n%s", profile.String())
	}

	run, err := explore.Picture(func(m *sim.Machine) {
		var unnamed sema.Sema
		m.Go("taker", func(td *lwkt.Thread) { unnamed.Wait(td) })
		m.Go("giver", func(td *lwkt.Thread) { unnamed.Post(td) })
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	says(t, run.Lanes, "semaphore #0", "sleep")
	if strings.Contains(run.Lanes, "mutex") || strings.Contains(run.Lanes, "#1") {
		t.Errorf("it is two things:\n%s", run.Lanes)
	}
}

// What is nil, or nothing that there is, was answered by the runtime, as far down as it was used.
func TestNothingGiven(t *testing.T) {
	var (
		nowhere context.Context
		nobody  *lwkt.Mtx
		m       lwkt.Mtx
		rw      lwkt.RWLock
		sx      lwkt.SX
		rm      rmlock.Lock
		lk      lockmgr.Lock
		g       giant.Mtx
		ser     serializer.Serializer
		cv      condvar.Cond
		s       sema.Sema
		pool    mtxpool.Pool
		tok     lwkt.Token
	)
	misuse(t, "Run", func() { lwkt.Run("x", nil) })
	misuse(t, "Go", func() { lwkt.Go("x", nil) })
	lwkt.Run("x", func(td *lwkt.Thread) {
		for _, c := range []struct {
			op, why string
			f       func()
		}{
			{"LockContext", "the context is nil", func() { m.LockContext(nowhere, td) }},
			{"RLockContext", "the context is nil", func() { rw.RLockContext(nowhere, td) }},
			{"XLockContext", "the context is nil", func() { sx.XLockContext(nowhere, td) }},
			{"RLockContext", "the context is nil", func() { rm.RLockContext(nowhere, td) }},
			{"WLockContext", "the context is nil", func() { rm.WLockContext(nowhere, td) }},
			{"Exclusive", "Context is nil", func() { lk.XLockContext(nowhere, td) }},
			{"LockContext", "the context is nil", func() { g.LockContext(nowhere, td) }},
			{"EnterContext", "the context is nil", func() { ser.EnterContext(nowhere, td) }},
			{"WaitContext", "the context is nil", func() { s.WaitContext(nowhere, td) }},
			{"WaitContext", "the context is nil", func() { cv.WaitContext(nowhere, td, &m) }},
			{"SleepContext", "the context is nil", func() { td.SleepContext(nowhere, &m) }},
			{"AcquireSharedContext", "the context is nil", func() { tok.AcquireSharedContext(nowhere, td) }},
			{"AcquireAllContext", "the context is nil", func() { lwkt.AcquireAllContext(nowhere, td, &tok) }},
			{"Block", "no function", func() { td.Block(nil) }},
			{"NoBlock", "no function", func() { td.NoBlock(nil) }},
			{"In", "no function", func() { td.In(lwkt.Syscall, nil) }},
			{"In", "no context 77", func() { td.In(lwkt.Context(77), func() {}) }},
			{"HandlerCall", "no function", func() { ser.HandlerCall(td, nil) }},
			{"HandlerTry", "no function", func() { ser.HandlerTry(td, nil) }},
			{"WaitGroup", "nil", func() { td.WaitGroup(nil) }},
			{"Cond", "nil", func() { td.Cond(nil) }},
			{"Wait", "no lock to give up", func() { cv.Wait(td, nobody) }},
			{"Wait", "no lock to give up", func() { cv.Wait(td, nil) }},
			{"SleepOn", "there is no lock", func() { td.SleepOn(&m, nobody, lwkt.SleepOptions{}) }},
			{"With", "there is no interlock", func() { lk.Do(td, lockmgr.Shared, lockmgr.With(nobody)) }},
			{"AcquireAll", "token 2 of the 3", func() { lwkt.AcquireAll(td, &tok, nil, &tok) }},
			{"AcquireAll", "token 1 of the 1", func() { lwkt.TryAcquireAll(td, nil) }},
			{"ReleaseAll", "token 1 of the 1", func() { lwkt.ReleaseAll(td, nil) }},
			{"Find", "[]int([1]) cannot be a key", func() { pool.Lock(td, []int{1}) }},
			{"Find", "NaN", func() { pool.Find(math.NaN()) }},
		} {
			says(t, misuse(t, c.op, c.f).Why, c.why)
		}
		if m.Held(td)|rw.Held(td)|sx.Held(td)|rm.Held(td)|lk.Held(td)|tok.Held(td) != lwkt.None || ser.Held(td) {
			t.Error("something is held")
		}
	})
}

// Init of what cannot be destroyed advised to do that.
func TestInitAgain(t *testing.T) {
	var g giant.Mtx
	g.Init("mine")
	for _, g := range []*giant.Mtx{&giant.Giant, &g} {
		says(t, misuse(t, "Init", func() { g.Init("again") }).Why, "initialized before", "has no Destroy")
	}
	var p mtxpool.Pool
	p.Init("buffers", 4)
	again := misuse(t, "Init", func() { p.Init("again", 8) })
	says(t, again.Why, "initialized before")
	says(t, again.Lock, `mutex pool "buffers"`)
}

// A size that no memory is enough for was tried.
func TestPoolTooLarge(t *testing.T) {
	said := warnings(t)
	var p mtxpool.Pool
	p.Init("huge", 2*mtxpool.MaxSize)
	if p.Size() != 128 {
		t.Errorf("%d mutexes", p.Size())
	}
	says(t, strings.Join(*said, ""), `"huge"`, "2097152 is above 1048576; it is 128 now")
}

// A lock that is to be given up was told as if it were what the operation is about, and of a condition variable that others
// wait on with another lock nothing was told.
func TestInterlockMessages(t *testing.T) {
	var m, other lwkt.Mtx
	var lk lockmgr.Lock
	var cv condvar.Cond
	m.Init("inner", lwkt.Recurse)
	cv.Init("changed")
	channel := new(int)
	lwkt.Run("x", func(td *lwkt.Thread) {
		wait := map[string]func(){
			"Wait":    func() { cv.Wait(td, &m) },
			"SleepOn": func() { td.SleepOn(channel, &m, lwkt.SleepOptions{}) },
			"Shared":  func() { lk.Do(td, lockmgr.Shared, lockmgr.With(&m)) },
		}
		for op, f := range wait {
			says(t, misuse(t, op, f).Error(), `mutex "inner"`, "it is the interlock of "+op, "must have it; nobody has it")
		}
		m.Lock(td)
		m.Lock(td)
		for op, f := range wait {
			says(t, misuse(t, op, f).Error(), `mutex "inner"`, "it is the interlock of "+op, "must have it once; it has it 2 times")
		}
		m.Unlock(td)
		m.Unlock(td)

		first := lwkt.Go("first", func(td *lwkt.Thread) {
			m.Lock(td)
			cv.Wait(td, &m)
			td.SleepOn(channel, &m, lwkt.SleepOptions{})
			m.Unlock(td)
		})
		other.Lock(td)
		until(t, "it waits", func() bool { return sleeping("first") })
		wrong := misuse(t, "WaitTimeout", func() { cv.WaitTimeout(td, &other, 1) })
		says(t, wrong.Lock, `condition variable "changed"`)
		says(t, wrong.Why, `with mutex "inner", not with mutex`)
		cv.Signal(td)
		until(t, "it sleeps", func() bool { return lwkt.SleepersOn(channel) == 1 })
		says(t, misuse(t, "SleepOn", func() { td.SleepOn(channel, &other, lwkt.SleepOptions{}) }).Lock, "wait channel *int(0x")
		other.Unlock(td)
		td.Wakeup(channel)
		join(t, first)

		says(t, misuse(t, "Do", func() { lk.Do(td, lockmgr.NoWait) }).Why, "there is no operation in NoWait", "exactly one, as Shared")
		says(t, misuse(t, "Do", func() { lk.Do(td, lockmgr.Shared|lockmgr.Drain) }).Why, "exactly one operation, and not Shared|Drain")
	})
}

// What was wrong was told, and not what would be right.
func TestAdvice(t *testing.T) {
	var m, m2 lwkt.Mtx
	var rw lwkt.RWLock
	var cv condvar.Cond
	var pool mtxpool.Pool
	m.Init("one", 0)
	m2.Init("two", 0)
	pool.Init("many", 1<<10)
	lwkt.Run("x", func(td *lwkt.Thread) {
		rw.WLock(td)
		says(t, misuse(t, "RLock", func() { rw.RLock(td) }).Why, "Downgrade makes that a share")
		rw.WUnlock(td)

		rw.RLock(td)
		var copied lwkt.RWLock
		reflect.ValueOf(&copied).Elem().Set(reflect.ValueOf(&rw).Elem()) // vet does not see it
		says(t, misuse(t, "RUnlock", func() { copied.RUnlock(td) }).Why, "others share it, or it is a copy")
		rw.RUnlock(td)

		k := lwkt.Go("waits", func(td *lwkt.Thread) {
			m.Lock(td)
			cv.Wait(td, &m)
			m.Unlock(td)
		})
		until(t, "it waits", func() bool { return sleeping("waits") })
		says(t, misuse(t, "Destroy", func() { cv.Destroy(td) }).Why, "1 thread waits on it")
		cv.Signal(td)
		join(t, k)

		pool.Lock(td, 1)
		key := 2
		for pool.Find(key) == pool.Find(1) {
			key++
		}
		says(t, misuse(t, "Unlock", func() { pool.Unlock(td, key) }).Error(), `mutex "many"`, "the key int(", "another key")
		pool.Unlock(td, 1)
	})
	if invariants.Enabled {
		return // then it is known where they were taken
	}
	td := lwkt.NewThread("leaves")
	m.Lock(td)
	m2.Lock(td)
	says(t, misuse(t, "End", func() { td.End() }).Why, `mutex "one" (exclusive), mutex "two" (exclusive); where it was acquired`)
}
