package ddb_test

import (
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/ddb"
	"github.com/serializing-tokens/lwkt/witness"
)

// says wants all parts in what a command shows.
func says(t *testing.T, line string, parts ...string) {
	t.Helper()
	var b strings.Builder
	if err := ddb.Run(&b, line); err != nil {
		t.Error(err)
	}
	for _, p := range parts {
		if !strings.Contains(b.String(), p) {
			t.Errorf("%s does not say %q:\n%s", line, p, b.String())
		}
	}
}

// data reads what a command shows as JSON.
func data[T any](t *testing.T, line string) (v T) {
	t.Helper()
	var b strings.Builder
	if err := ddb.Run(&b, line); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(b.String()), &v); err != nil {
		t.Fatalf("%v: %s", err, b.String())
	}
	return v
}

func record(t *testing.T) {
	lwkt.SetRecording(true)
	t.Cleanup(func() { lwkt.SetRecording(false) })
}

// holds is what the locks of a name are held by.
func holds(name string) (list []string) {
	for _, h := range ddb.Locks() {
		if strings.Contains(h.Lock, name) {
			list = append(list, h.Mode+" "+strings.SplitN(h.Thread, `"`, 3)[1])
		}
	}
	return list
}

func want(t *testing.T, got []string, list ...string) {
	t.Helper()
	if strings.Join(got, ", ") != strings.Join(list, ", ") {
		t.Errorf("held: %v, want %v", got, list)
	}
}

func TestHoldsFollowTheLock(t *testing.T) {
	record(t)
	var rw lwkt.RWLock
	var m lwkt.Mtx
	rw.Init("follow", 0)
	m.Init("deep", lwkt.Recurse)
	lwkt.Run("one", func(td *lwkt.Thread) {
		rw.RLock(td)
		rw.RLock(td)
		want(t, holds("follow"), "shared one")
		rw.RUnlock(td)
		want(t, holds("follow"), "shared one")
		if !rw.TryUpgrade(td) {
			t.Error("no upgrade")
		}
		want(t, holds("follow"), "exclusive one")
		rw.Downgrade(td)
		want(t, holds("follow"), "shared one")
		rw.RUnlock(td)
		want(t, holds("follow"))
		m.Lock(td)
		m.Lock(td)
		m.Unlock(td)
		want(t, holds("deep"), "exclusive one")
		m.Unlock(td)
		want(t, holds("deep"))
	})
}

// TestWitnessTells: with the witness on holders are known without recording, and no statistics are kept for them.
func TestWitnessTells(t *testing.T) {
	recorded := func() (n int) {
		for _, l := range lwkt.LockProfile() {
			if l.Name == "told" {
				n += int(l.Wait.Count)
			}
		}
		return n
	}
	before := recorded()
	witness.Enable()
	t.Cleanup(witness.Disable)
	var rw lwkt.RWLock
	var tok lwkt.Token
	rw.Init("told", 0)
	lwkt.Run("teller", func(td *lwkt.Thread) {
		tok.Acquire(td)
		defer tok.Release(td)
		rw.RLock(td)
		want(t, holds("told"), "shared teller")
		if !rw.TryUpgrade(td) {
			t.Error("no upgrade")
		}
		want(t, holds("told"), "exclusive teller")
		says(t, "show locks", `rwlock "told"`, `exclusive by thread "teller"`, "acquired at", "ddb_test.go")
		says(t, "show all locks", "recording is off, so of tokens only", `thread "teller"`, `rwlock "told", exclusive`, "ddb_test.go")
		rw.WUnlock(td)
		want(t, holds("told"))
		lwkt.SetRecording(true)
		rw.RLock(td)
		lwkt.SetRecording(false)
		want(t, holds("told"), "shared teller")
		rw.RUnlock(td)
	})
	if n := recorded() - before; n != 1 {
		t.Errorf("%d acquisitions were recorded, not the one", n)
	}
	witness.Disable()
	want(t, holds("told"))
}

func TestUnrecordedOwners(t *testing.T) {
	var m lwkt.Mtx
	m.Init("unrecorded", 0)
	lwkt.Run("owner", func(td *lwkt.Thread) {
		m.Lock(td)
		want(t, holds("unrecorded"))
		k := waiter(&m)
		want(t, holds("unrecorded"), "exclusive owner")
		says(t, "show locks", "recording is off", "lwkt.SetRecording(true)", `mutex "unrecorded"`, "exclusive by thread \"owner\"", "nothing was recorded")
		says(t, "show all locks", "recording is off", "mutex \"unrecorded\", exclusive, acquired while")
		m.Unlock(td)
		k.Wait()
	})
}

// waiter starts a thread that waits for the mutex.
func waiter(m *lwkt.Mtx) *lwkt.Task {
	k := lwkt.Go("waiter", func(td *lwkt.Thread) {
		m.Lock(td)
		m.Unlock(td)
	})
	for len(chainOf("waiter")) < 2 {
		runtime.Gosched()
	}
	return k
}

func chainOf(name string) (chain []ddb.Link) {
	for _, th := range lwkt.Threads() {
		if strings.Contains(th.Name, `"`+name+`"`) {
			return ddb.Chain(th.Name)
		}
	}
	return nil
}

func TestChain(t *testing.T) {
	record(t)
	var a, b lwkt.Mtx
	a.Init("first", 0)
	b.Init("second", 0)
	tok := lwkt.NewToken("third")
	lwkt.Run("last", func(td *lwkt.Thread) {
		tok.Acquire(td)
		b.Lock(td)
		k := waiter(&b)
		chain := chainOf("waiter")
		if len(chain) != 2 || chain[0].Waits != `mutex "second"` || chain[0].Queue != "turnstile" || chain[1].Waits != "" || chain[1].Depth != 1 || !strings.Contains(chain[1].Thread, "last") {
			t.Errorf("%+v", chain)
		}
		says(t, "lockchain waiter", `waits for mutex "second", exclusive, on a turnstile`, "\n  thread \"last\"", "has it, and waits for nothing")
		says(t, "show lockchain", `waits for mutex "second"`)
		number := strings.TrimSuffix(strings.SplitAfter(chain[0].Thread, "#")[1], ")")
		says(t, "lockchain #"+number, `mutex "second"`)
		v := data[struct{ Chains [][]ddb.Link }](t, "lockchain -json "+number)
		if len(v.Chains) != 1 || len(v.Chains[0]) != 2 {
			t.Errorf("%+v", v)
		}
		b.Unlock(td)
		k.Wait()
		tok.Release(td)
	})
	if err := ddb.Run(os.Stdout, "lockchain nobody at all"); err == nil || !strings.Contains(err.Error(), `"nobody at all"`) || !strings.Contains(err.Error(), "#12") {
		t.Error(err)
	}
	says(t, "lockchain", "nobody waits")

	var event int
	k := lwkt.Go("sleeper", func(td *lwkt.Thread) { td.Sleep(&event, 0) })
	for len(chainOf("sleeper")) < 1 || chainOf("sleeper")[0].Waits == "" {
		runtime.Gosched()
	}
	says(t, "lockchain sleeper", `sleeps on *int(`, ", until a wakeup\n  who ends that is not known")
	if l := chainOf("sleeper")[0]; l.Mode != "" || l.Queue != "sleep queue" {
		t.Errorf("%+v", l)
	}
	lwkt.Run("waker", func(td *lwkt.Thread) { td.Wakeup(&event) })
	k.Wait()
}

func TestRun(t *testing.T) {
	for _, c := range ddb.Commands() {
		for _, line := range []string{c.Name, "json " + c.Name, c.Name + " -json", strings.TrimPrefix(c.Name, "show ")} {
			var b strings.Builder
			if err := ddb.Run(&b, line); err != nil || b.Len() == 0 {
				t.Errorf("%s: %v, %q", line, err, b.String())
			}
			if strings.Contains(line, "json") && (!json.Valid([]byte(b.String())) || strings.Contains(b.String(), "null")) {
				t.Errorf("%s: %s", line, b.String())
			}
		}
		if c.Argument == "" {
			if err := ddb.Run(os.Stdout, c.Name+" x"); err == nil || !strings.Contains(err.Error(), "takes no argument") {
				t.Error(err)
			}
		}
	}
	for _, line := range []string{"", "show", "show me", "json"} {
		if err := ddb.Run(os.Stdout, line); !errors.Is(err, ddb.ErrUnknown) || !strings.Contains(err.Error(), "show all locks") {
			t.Errorf("%q: %v", line, err)
		}
	}
	if err := ddb.Run(broken{}, "show locks"); !errors.Is(err, errBroken) {
		t.Error(err)
	}
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }
