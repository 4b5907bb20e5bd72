// The suites themselves: each wrong lock fails those that are meant for it, and no others
// where the fault is a narrow one; each suite is failed by some lock; none hangs.
package locktest_test

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/locktest"
)

// failing returns the suites that a subject fails on some of the hosts.
func failing(t *testing.T, s locktest.Subject, hosts map[string]locktest.Host) (names []string) {
	for _, c := range locktest.Suites() {
		for _, h := range hosts {
			if !c.Fits(h, s) {
				continue
			}
			if err := c.Check(h, s); err != nil {
				names = append(names, c.Name)
				if msg := err.Error(); !strings.Contains(msg, s.Name) || !strings.Contains(msg, c.Name) {
					t.Errorf("a message does not name lock and suite: %s", msg)
				}
				break
			}
		}
	}
	return names
}

const most = "most" // stands for all suites

// claims are locks that are right and do not do what the subject says.
func claims(name string, s locktest.Subject, has locktest.Part, not locktest.Part) locktest.Subject {
	s.Name, s.Has = name, s.Has&^not|has
	return s
}

func TestWrong(t *testing.T) {
	if slow() {
		t.Skip("the suites are the same in every build; the locks are not")
	}
	defer lwkt.SetBypass(lwkt.SetBypass(4))
	hosts := map[string]locktest.Host{
		"simulated": simulated{cpus: 0, seeds: 4, steps: 20_000},
		"2 CPUs":    simulated{cpus: 2, seeds: 2, steps: 20_000},
		"explored":  explored{runs: 300},
	}
	found := map[string]bool{}
	for _, w := range []struct {
		s    locktest.Subject
		by   string // the suites that are meant for it
		also string // others that it may fail
	}{
		{none.subject(), "", ""},
		{doubleGrant.subject(), "exclusion, sharers or one, recursion, wakeup", most},
		{lostWakeup.subject(), "wakeup", most},
		{noWakeup.subject(), "wakeup", most},
		{sharedBesideOne.subject(), "sharers or one, try", most},
		{oneBesideShared.subject(), "sharers or one, try", most},
		{sharersApart.subject(), "sharers together", "try, upgrade refused, downgrade admits, cancel among sharers"},
		{unfairToWriters.subject(), "writer among readers", ""},
		{unfairToReaders.subject(), "reader among writers", ""},
		{unfairToOthers.subject(), "writer among writers", most},
		{cancelLeak.subject(), "cancel among sharers", ""},
		{cancelHolds.subject(), "cancel, cancel shared, cancel among sharers, cancel or grant", "tokens and cancel"},
		{cancelDeaf.subject(), "cancel, cancel shared, cancel among sharers", "tokens and cancel"},
		{cancelEarly.subject(), "new", ""},
		{tryWaits.subject(), "try", "kept asleep, foreign unlock, foreign unlock shared"},
		{tryLeak.subject(), "try", "foreign unlock, foreign unlock shared"},
		{tryOnce.subject(), "new, try", "recursion, misuse, foreign unlock, foreign unlock shared"},
		{upgradeGap.subject(), "upgrade", ""},
		{upgradeAlways.subject(), "upgrade refused", "memory, upgrade"},
		{upgradeLoses.subject(), "upgrade refused", "memory, upgrade"},
		{downgradeGap.subject(), "downgrade", ""},
		{downgradeMute.subject(), "downgrade admits", ""},
		{noDepth.subject(), "recursion", ""},
		{shareWaits.subject(), "shared recursion", ""},
		{foreignUnlock.subject(), "foreign unlock, foreign unlock shared, misuse", ""},
		{anyError.subject(), "misuse", "foreign unlock, foreign unlock shared"},
		{spins.subject(), "tokens, tokens shared, tokens and cancel", "cancel, cancel shared, cancel among sharers"},
		{drops.subject(), "tokens kept", "kept asleep, dropped asleep"},
		{silent.subject(), "tokens, tokens shared, tokens and cancel", ""},
		{crying.subject(), "new, tokens kept", "recursion"},
		{lockerShares.subject(), "lockers", ""},
		{claims("kept, said to be dropped", none.subject(), locktest.DroppedAsleep, locktest.KeptAsleep), "dropped asleep", ""},
		{claims("dropped, said to be kept", locks[0], locktest.KeptAsleep, locktest.DroppedAsleep), "kept asleep", ""},
		{claims("recursive, said not to be", none.subject(), 0, locktest.Recursive), "no recursion", ""},
		{claims("not found, said to be", none.subject(), locktest.Found, 0), "left held", ""},
	} {
		t.Run(w.s.Name, func(t *testing.T) {
			got := failing(t, w.s, hosts)
			by, also := strings.Split(w.by, ", "), strings.Split(w.also, ", ")
			for _, name := range by {
				found[name] = true
				if !slices.Contains(got, name) && name != "" {
					t.Errorf("passes the suite %q", name)
				}
			}
			for _, name := range got {
				if !slices.Contains(by, name) && !slices.Contains(also, name) && w.also != most {
					t.Errorf("fails the suite %q too", name)
				}
			}
		})
	}
	for _, c := range locktest.Suites() {
		// Memory and allocations have tests of their own.
		if !found[c.Name] && c.Name != "memory" && c.Name != "allocations" && !t.Failed() {
			t.Errorf("no wrong lock is meant for the suite %q", c.Name)
		}
	}
}

// TestWrongOnGoroutines wants the lock without a fault to pass there too, and faults that
// show there soon to be found, without a wait for ever.
func TestWrongOnGoroutines(t *testing.T) {
	s := none.subject()
	s.Has &^= locktest.ServesWriters | locktest.ServesReaders // it does, after some seconds
	h := goroutines()
	h.Allocs = false
	t.Run("no fault", func(t *testing.T) { locktest.Run(t, h, s) })
	for f, by := range map[fault]string{
		sharersApart:  "sharers together",
		cancelLeak:    "cancel among sharers",
		cancelDeaf:    "cancel",
		tryWaits:      "try",
		shareWaits:    "shared recursion",
		foreignUnlock: "foreign unlock",
		silent:        "tokens",
	} {
		t.Run(string(f), func(t *testing.T) {
			h := locktest.Goroutines{Limit: 500 * time.Millisecond, Rounds: 20}
			var err error
			for n := 0; n < 50 && err == nil; n++ { // the threads need not meet the first time
				err = suite(t, by).Check(h, f.subject())
			}
			if err == nil {
				t.Errorf("passes the suite %q", by)
			} else {
				t.Log(err)
			}
		})
	}
}

// suite finds one by name.
func suite(t *testing.T, name string) *locktest.Suite {
	for _, c := range locktest.Suites() {
		if c.Name == name {
			return &c
		}
	}
	t.Fatalf("there is no suite %q", name)
	return nil
}

func TestAllocationsAreFound(t *testing.T) {
	wasteful := locktest.Subject{Name: "wasteful", New: func() locktest.Lock {
		k := locktest.Mutex(new(sync.Mutex))
		lock := k.Exclusive.Lock
		k.Exclusive.Lock = func(td *lwkt.Thread) bool {
			garbage.Store(new(int))
			return lock(td)
		}
		return k
	}}
	if suite(t, "allocations").Check(locktest.Goroutines{}, wasteful) == nil {
		t.Error("passes")
	}
}

var garbage atomic.Pointer[int]

// TestMessages wants a message that says what was waited for.
func TestMessages(t *testing.T) {
	stuck := locktest.Subject{Name: "a lock without keys", New: func() locktest.Lock {
		var mu sync.Mutex
		k := locktest.Mutex(&mu)
		k.Exclusive.Unlock, k.Exclusive.Locker = func(*lwkt.Thread) {}, nil
		return k
	}}
	h := locktest.Goroutines{Limit: 200 * time.Millisecond}
	for _, c := range locktest.Suites() {
		if !c.Fits(h, stuck) {
			continue
		}
		err := c.Check(h, stuck)
		if err == nil {
			t.Errorf("passes %q", c.Name)
			continue
		}
		want := []string{stuck.Name, c.Name}
		if c.Name == "wakeup" {
			want = append(want, "waited 200ms in vain for the end of", `"thread 2"`, "sync.(*Mutex).Lock", "wakesUp")
		}
		for _, part := range want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q is not in the message: %v", part, err)
			}
		}
	}
}

// TestIncomplete wants a subject without the least to be answered by what it has not.
func TestIncomplete(t *testing.T) {
	nothing := func(*lwkt.Thread) {}
	never := func(*lwkt.Thread) bool { return false }
	for want, s := range map[string]locktest.Subject{
		"no New":              {},
		"no Exclusive.Lock":   {New: func() locktest.Lock { return locktest.Lock{} }},
		"no Exclusive.Unlock": {New: func() locktest.Lock { return locktest.Lock{Exclusive: locktest.Mode{Lock: never}} }},
		"no Shared.Unlock": {New: func() locktest.Lock {
			return locktest.Lock{Exclusive: locktest.Mode{Lock: never, Unlock: nothing}, Shared: locktest.Mode{Lock: never}}
		}},
	} {
		s.Name = "half a lock"
		for _, c := range locktest.Suites() {
			if err := c.Check(locktest.Goroutines{}, s); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), s.Name) {
				t.Errorf("%v, and not %q", err, want)
			}
		}
	}
	unchecked := locktest.Subject{Name: "unchecked", Has: locktest.Checked, New: func() locktest.Lock {
		k := locktest.Mutex(new(sync.Mutex))
		k.Exclusive.Unlock = nothing
		return k
	}}
	for _, c := range locktest.Suites() {
		if c.Name == "foreign unlock" {
			if err := c.Check(locktest.Goroutines{}, unchecked); err == nil || !strings.Contains(err.Error(), "does not panic") {
				t.Error(err)
			}
		}
	}
}

// TestUnorderedIsFound runs itself again, as a program that has the race detector find a
// lock which excludes and orders nothing.
func TestUnorderedIsFound(t *testing.T) {
	const key = "LOCKTEST_UNORDERED"
	if !raceEnabled {
		t.Skip("needs the race detector")
	}
	if os.Getenv(key) != "" {
		locktest.Run(t, goroutines(), locktest.Subject{Name: "unordered", New: func() locktest.Lock {
			var mu sync.Mutex
			return locktest.Lock{Exclusive: locktest.Mode{
				Lock: func(*lwkt.Thread) bool {
					raceDisable()
					mu.Lock()
					raceEnable()
					return false
				},
				Unlock: func(*lwkt.Thread) {
					raceDisable()
					mu.Unlock()
					raceEnable()
				},
			}}
		}})
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestUnorderedIsFound$")
	cmd.Env = append(os.Environ(), key+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("DATA RACE")) || !bytes.Contains(out, []byte("--- FAIL: TestUnorderedIsFound/memory")) {
		t.Errorf("no race is found in the suite memory: %v\n%s", err, out)
	}
}
