package lwkt_test

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/serializing-tokens/lwkt"
)

// on finds the queue of a lock, by its name in messages.
func on(infos []lwkt.QueueInfo, what string) (q lwkt.QueueInfo, found bool) {
	for _, q := range infos {
		if q.On == what {
			return q, true
		}
	}
	return q, false
}

// TestRow30Turnstile: a lock has a turnstile while somebody waits for it, found by the hash of the lock; who
// waits is in the order of priority, then of age, and the owner has the best one; and it all looks like the
// picture.
func TestRow30Turnstile(t *testing.T) {
	want, err := os.ReadFile("testdata/turnstile.golden")
	if err != nil {
		t.Fatal(err)
	}
	onHosts(t, func(t *testing.T, h host) {
		var rw lwkt.RWLock
		var other lwkt.Mtx
		rw.Init("routes", 0)
		other.Init("other", 0)
		waiting := func(n int) func() bool {
			return func() bool {
				q, _ := on(lwkt.Turnstiles(), rw.String())
				return len(q.Exclusive)+len(q.Shared) == n
			}
		}
		var owned, looked atomic.Bool
		var arrived atomic.Int32
		var first, second lwkt.QueueInfo
		h.Go("router", func(td *lwkt.Thread) {
			td.SetPriority(10)
			rw.WLock(td)
			other.Lock(td)
			owned.Store(true)
			h.Until("somebody waits", waiting(1))
			first, _ = on(lwkt.Turnstiles(), rw.String())
			looked.Store(true)
			h.Until("all of them wait", waiting(6))
			second, _ = on(lwkt.Turnstiles(), rw.String())
			var b bytes.Buffer
			if err := lwkt.ShowTurnstiles(&b); err != nil {
				t.Error(err)
			}
			if got, want := picture(b.String(), rw.String()), string(bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))); got != want {
				t.Errorf("it shows\n%s\nwant\n%s", got, want)
			}
			other.Unlock(td)
			rw.WUnlock(td)
			if p := td.LentPriority(); p != 0 {
				t.Errorf("after its release the owner is lent %d", p)
			}
		})
		for i, w := range []struct {
			name     string
			priority int
			write    bool
		}{{"stats", 5, false}, {"admin", 14, true}, {"rx0", 20, false}, {"cron", 3, true}, {"rx1", 20, false}, {"probe", 14, true}} {
			h.Go(w.name, func(td *lwkt.Thread) {
				h.Until("it is its turn", func() bool {
					return owned.Load() && (i == 0 || looked.Load()) && int(arrived.Load()) == i && waiting(i)()
				})
				td.SetPriority(w.priority)
				arrived.Add(1)
				if w.write {
					rw.WLock(td)
					rw.WUnlock(td)
				} else {
					rw.RLock(td)
					rw.RUnlock(td)
				}
			})
		}
		h.Wait()
		if first.Chain != second.Chain || len(first.Shared) != 1 {
			t.Errorf("with one waiter the turnstile is %+v, and with six %+v", first, second)
		}
		if q, found := on(lwkt.Turnstiles(), rw.String()); found {
			t.Errorf("the turnstile has outlived its waiters: %+v", q)
		}
	})
	t.Run("donated", donated)
}

// donated: the turnstile that a thread brings along is not the one that it takes away, but nobody is left
// without: waiters can come and go in any order, and nothing is allocated.
func donated(t *testing.T) {
	locks := make([]lwkt.Mtx, 3)
	lwkt.Run("owner", func(td *lwkt.Thread) {
		names := func() string { return locks[0].String() + locks[1].String() + locks[2].String() }
		for range 3 {
			for i := range locks {
				locks[i].Lock(td)
			}
			var tasks []*lwkt.Task
			for i := range 9 {
				tasks = append(tasks, lwkt.Go("waiter", func(td *lwkt.Thread) {
					locks[i%3].Lock(td)
					locks[i%3].Unlock(td)
				}))
			}
			until(t, "three wait for each", func() bool {
				n := 0
				for _, q := range lwkt.Turnstiles() {
					if strings.Contains(names(), q.On) && len(q.Exclusive) == 3 {
						n++
					}
				}
				return n == 3
			})
			for i := range locks {
				locks[i].Unlock(td)
			}
			for _, k := range tasks {
				k.Join(td)
			}
		}
	})
	if n := len(lwkt.Turnstiles()); n != 0 {
		t.Errorf("%d turnstiles are left", n)
	}
}

// picture is what is shown of one turnstile, without numbers that differ from run to run.
func picture(text, what string) string {
	_, rest, _ := strings.Cut(text, "  turnstile of "+what+"\n")
	lines := strings.SplitAfter(rest, "\n")
	n := 0
	for n < len(lines) && strings.HasPrefix(lines[n], "    ") {
		n++
	}
	shown := "chain n\n  turnstile of " + what + "\n" + strings.Join(lines[:n], "")
	return regexp.MustCompile(`#\d+`).ReplaceAllString(shown, "#n")
}
