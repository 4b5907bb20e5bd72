// The witness does not hide from the race detector what the program does.
package witness_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/witness"
)

// planted is run in a process of its own: the race is to be found there.
const planted = "LWKT_TEST_PLANTED"

// TestPlantedRace: two threads, each with locks of its own, write to one variable. That the engine is told of both orders nothing.
func TestPlantedRace(t *testing.T) {
	if !raceDetector {
		t.Skip("only the race detector finds it")
	}
	for _, v := range []struct {
		name  string
		found bool
	}{{"race", true}, {"guarded", false}} {
		for range 5 {
			c := exec.Command(os.Args[0], "-test.run", "^TestPlanted$")
			c.Env = append(os.Environ(), planted+"="+v.name)
			out, err := c.CombinedOutput()
			if found := strings.Contains(string(out), "DATA RACE"); found != v.found || (err != nil) != v.found {
				t.Fatalf("%s: found %v, %v\n%s", v.name, found, err, out)
			}
		}
	}
}

// TestPlanted is what TestPlantedRace runs: one thread writes and then takes locks, the other takes others afterwards and then writes. What
// tells it that it is time is hidden from the detector, so that nothing orders the two but, in the guarded case, a lock.
func TestPlanted(t *testing.T) {
	what := os.Getenv(planted)
	if what == "" {
		t.Skip("it is run by TestPlantedRace")
	}
	witness.Check(t)
	var common lwkt.Mtx
	var a, b own
	for i, l := range []*own{&a, &b} {
		l.outer.Init(fmt.Sprint("outer ", i), 0)
		l.inner.Init(fmt.Sprint("inner ", i), 0)
		l.rw.Init(fmt.Sprint("rw ", i), 0)
	}
	var turn atomic.Int32
	await := func(n int32) {
		unseen(func() {
			for turn.Load() < n {
				runtime.Gosched()
			}
		})
	}
	next := func() { unseen(func() { turn.Add(1) }) }
	shared := 0
	write := func(td *lwkt.Thread) {
		if what == "guarded" {
			common.Lock(td)
			defer common.Unlock(td)
		}
		shared++
	}
	one := lwkt.Go("one", func(td *lwkt.Thread) {
		await(1) // the other has been started
		write(td)
		a.nested(td)
		next()
		await(3)
	})
	two := lwkt.Go("two", func(td *lwkt.Thread) {
		next()
		await(2)
		b.nested(td)
		write(td)
		next()
	})
	one.Wait()
	two.Wait()
	if n := len(witness.Orders()); n == 0 {
		t.Error("the witness saw nothing")
	}
}

// own are locks of one thread.
type own struct {
	outer, inner lwkt.Mtx
	rw           lwkt.RWLock
}

// nested takes them, so that the engine has something to learn.
func (l *own) nested(td *lwkt.Thread) {
	l.outer.Lock(td)
	l.inner.Lock(td)
	l.rw.RLock(td)
	l.rw.RUnlock(td)
	l.outer.Unlock(td)
	l.inner.Unlock(td)
}
