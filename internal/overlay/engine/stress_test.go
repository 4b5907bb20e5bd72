// Many goroutines at once, for the race detector and for what two do at the same moment.
package engine_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/serializing-tokens/lwkt/internal/overlay/engine"
)

// mutex is a lock as an embedder makes it.
type mutex struct {
	mu  sync.Mutex
	tag engine.Tag
}

func (m *mutex) enroll(e *engine.Engine, c engine.Class) {
	if !m.tag.Known() {
		e.Enroll(&m.tag, c)
	}
}

func (m *mutex) Lock(t *engine.Thread, site uintptr) {
	if m.mu.TryLock() {
		t.Locked(&m.tag, ex, site)
		return
	}
	t.Want(&m.tag, ex, site)
	t.Block(&m.tag, ex, site)
	m.mu.Lock()
	t.Unblock()
	t.Got(&m.tag, ex, site)
}

func (m *mutex) Unlock(t *engine.Thread, site uintptr) {
	t.Unlocked(&m.tag, ex, site)
	m.mu.Unlock()
}

// TestStress takes locks in a consistent order, from goroutines that come and go, hand locks over and
// wait for each other, and expects silence.
func TestStress(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 60
	}
	e := engine.New(weakEnv(), engine.Options{LongTicks: 1 << 20})
	class := e.Class(0, engine.ClassSpec{Name: "l", Kind: engine.Sleepable})
	group := new(engine.Tag)
	e.Enroll(group, e.Class(0, engine.ClassSpec{Name: "w", Kind: engine.Group}))
	locks := make([]*mutex, 20)
	for i := range locks {
		locks[i] = new(mutex)
	}
	main := e.Thread(engine.Origin{}, "main")
	for round := range rounds {
		var wg sync.WaitGroup
		for g := range 8 {
			o := main.Fork()
			wg.Add(1)
			go func() {
				defer wg.Done()
				th := e.Thread(o, "")
				defer th.Exit()
				th.Owe(group)
				rng := rand.New(rand.NewPCG(uint64(round), uint64(g)))
				for range 30 {
					i := rng.IntN(len(locks))
					fresh := new(mutex)
					var held []*mutex
					for ; i < len(locks); i += 1 + rng.IntN(8) {
						locks[i].enroll(e, class)
						locks[i].Lock(th, uintptr(i))
						held = append(held, locks[i])
					}
					fresh.enroll(e, class)
					fresh.Lock(th, 100)
					if rng.IntN(8) == 0 {
						// Another goroutine releases the last one.
						last := held[len(held)-1]
						held = held[:len(held)-1]
						o, done := th.Fork(), make(chan bool)
						go func() {
							other := e.Thread(o, "")
							last.Unlock(other, 7)
							other.Exit()
							close(done)
						}()
						<-done
					}
					fresh.Unlock(th, 101)
					for len(held) > 0 {
						k := rng.IntN(len(held))
						held[k].Unlock(th, 8)
						held = append(held[:k], held[k+1:]...)
					}
				}
				th.Done(group)
			}()
		}
		if round%10 == 0 {
			e.Tick()
			e.Graph()
			e.Blocked(func(engine.ThreadRef, engine.LockRef, []engine.LockRef, []uintptr) {})
		}
		wg.Wait()
		main.Joined(group)
	}
	main.Exit()
	e.Finish(nil)
	for _, r := range e.Reports() {
		t.Errorf("%s", r.AppendText(nil, func(pcs []uintptr) (list []engine.Frame) {
			for _, pc := range pcs {
				list = append(list, engine.Frame{Func: fmt.Sprint(pc)})
			}
			return list
		}))
	}
}

// TestTwoFirstInversions closes a circle from both sides at once, again and again. Each time it is
// found.
func TestTwoFirstInversions(t *testing.T) {
	for range 2000 {
		e := engine.New(engine.Env{Stack: func(int, []uintptr) int { return 0 }}, engine.Options{})
		l := newLocks(e, 2)
		var ready, done sync.WaitGroup
		ready.Add(2)
		done.Add(2)
		for i := range 2 {
			go func() {
				th := e.Thread(engine.Origin{}, "")
				ready.Done()
				ready.Wait()
				th.Locked(&l[i], sh, 1)
				th.Locked(&l[1-i], ex, 2)
				done.Done()
			}()
		}
		done.Wait()
		if r := e.Reports(); len(r) != 1 || r[0].Severity != engine.Likely {
			t.Fatalf("%d reports", len(r))
		}
	}
}
