// Threads: starting and joining, panics that are passed on, what a context
// carries, names, priorities and counts.
package lwkt_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/serializing-tokens/lwkt"
)

func TestGoAndWait(t *testing.T) {
	n := 0
	task := lwkt.Go("adder", func(td *lwkt.Thread) {
		if td.Name() != "adder" {
			t.Errorf("name %q", td.Name())
		}
		n++
	})
	task.Wait()
	task.Wait()
	select {
	case <-task.Done():
	default:
		t.Error("waited for, and not done")
	}
	if n != 1 {
		t.Errorf("n is %d", n)
	}
}

func TestTaskForwardsPanic(t *testing.T) {
	boom := errors.New("boom")
	task := lwkt.Go("bomb", func(*lwkt.Thread) { explode(boom) })
	td := newThread(t)
	defer td.End()
	var tok lwkt.Token
	tok.Acquire(td)
	for name, wait := range map[string]func(){"Wait": task.Wait, "Join": func() { task.Join(td) }} {
		for range 2 {
			e, ok := panics(wait).(*lwkt.PanicError)
			if !ok || e.Thread != "bomb" || e.Value != boom || !errors.Is(e, boom) {
				t.Fatalf("%s panicked with %#v", name, e)
			}
			says(t, string(e.Stack), "explode")
			says(t, e.Error(), `"bomb"`, "boom", "explode")
		}
	}
	if tok.Held(td) != lwkt.Exclusive {
		t.Error("lost the token to a panic of another")
	}
	tok.Release(td)
	if err := (&lwkt.PanicError{Value: "no error"}).Unwrap(); err != nil {
		t.Errorf("unwrapped %v", err)
	}
}

//go:noinline
func explode(v any) { panic(v) }

func TestTaskGoexit(t *testing.T) {
	task := lwkt.Go("exits", func(*lwkt.Thread) { runtime.Goexit() })
	task.Wait()
	lwkt.Run("joins", func(td *lwkt.Thread) { task.Join(td) })
}

func TestJoinGivesUpTokens(t *testing.T) {
	td := newThread(t)
	defer td.End()
	var tok lwkt.Token
	tok.Acquire(td)
	task := lwkt.Go("other", func(td *lwkt.Thread) { tok.Acquire(td); tok.Release(td) })
	if !task.Join(td) || tok.Held(td) != lwkt.Exclusive {
		t.Error("not changed")
	}
	if task.Join(td) {
		t.Error("changed by joining what has ended")
	}
	tok.Release(td)
}

// TestUnseenPanicIsTold: a panic that nobody waits for yet is on the standard error
// at once, and is still there for who waits later.
func TestUnseenPanicIsTold(t *testing.T) {
	if os.Getenv("LWKT_TEST_UNSEEN") != "" {
		k := lwkt.Go("bomb", func(*lwkt.Thread) { explode("unseen") })
		<-k.Done()
		defer func() {
			if e, ok := recover().(*lwkt.PanicError); ok {
				fmt.Println("later:", e.Value)
			}
		}()
		k.Wait()
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(exe, "-test.run=^TestUnseenPanicIsTold$")
	cmd.Env = append(os.Environ(), "LWKT_TEST_UNSEEN=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
	says(t, string(out), `thread "bomb" panicked`, "unseen", "explode", "nobody waits", "later: ")
}

func TestThreadNames(t *testing.T) {
	a, b, none := lwkt.NewThread("twin"), lwkt.NewThread("twin"), lwkt.NewThread("")
	says(t, a.String(), `"twin"`)
	if a.String() == b.String() || none.String() == "" || none.Name() != "" {
		t.Errorf("strings %q %q %q", a, b, none)
	}
	name := a.String()
	for _, td := range []*lwkt.Thread{a, b, none} {
		td.End()
	}
	if a.Name() != "twin" || a.String() != name {
		t.Errorf("an ended thread is called %q, %s", a.Name(), a)
	}
	says(t, (*lwkt.Thread)(nil).String(), "nil")
	says(t, new(lwkt.Thread).String(), "not made by")
}

func TestNameOfNilThread(t *testing.T) {
	says(t, misuse(t, "Name", func() { (*lwkt.Thread)(nil).Name() }).Error(), "nil")
}

func TestPriorityRange(t *testing.T) {
	td := lwkt.NewThread("culprit")
	if p := td.Priority(); p != 16 {
		t.Errorf("priority %d", p)
	}
	for _, p := range []int{0, 31, 7} {
		if td.SetPriority(p); td.Priority() != p {
			t.Errorf("priority %d, want %d", td.Priority(), p)
		}
	}
	for _, p := range []int{-1, 32} {
		says(t, misuse(t, "SetPriority", func() { td.SetPriority(p) }).Error(), `"culprit"`, "0..31")
	}
	if td.Priority() != 7 {
		t.Error("a refused priority was set")
	}
	td.End()
	next := lwkt.NewThread("next") // as a rule with the record of the one before
	if p := next.Priority(); p != 16 {
		t.Errorf("a new thread has priority %d", p)
	}
	next.End()
}

func TestThreadStats(t *testing.T) {
	td := newThread(t)
	var a, b lwkt.Token
	a.Acquire(td)
	b.AcquireShared(td)
	b.Release(td)
	if s := td.Stats(); s != (lwkt.ThreadStats{}) {
		t.Errorf("uncontended: %+v", s)
	}
	td.Block(func() {})
	td.Block(func() { had(t, &a) })
	dropByAcquire(t, td, &b, func() {})
	a.Release(td)
	td.Block(func() {}) // nothing to drop
	if s := td.Stats(); s.Waits != 1 || s.Drops != 3 || s.Changes != 1 {
		t.Errorf("%+v; want 1 wait, 3 drops, 1 change", s)
	}
	td.End()
	next := newThread(t)
	if s := next.Stats(); s != (lwkt.ThreadStats{}) {
		t.Errorf("of a new thread: %+v", s)
	}
	next.End()
}

func TestThreadInContext(t *testing.T) {
	td := newThread(t)
	defer td.End()
	ctx := lwkt.WithThread(t.Context(), td)
	deeper, cancel := context.WithCancel(ctx)
	defer cancel()
	if lwkt.FromContext(t.Context()) != nil || lwkt.FromContext(deeper) != td {
		t.Error("the context does not carry the thread")
	}
	lwkt.Run("inner", func(inner *lwkt.Thread) {
		if lwkt.FromContext(lwkt.WithThread(deeper, inner)) != inner || lwkt.FromContext(deeper) != td {
			t.Error("the inner context does not carry the inner thread")
		}
	})
}

func TestThreadsComeAndGo(t *testing.T) {
	processors(t, 4)
	var tok lwkt.Token
	var count int
	var live atomic.Int32
	for range scale(400) {
		var tasks []*lwkt.Task
		for range 8 {
			tasks = append(tasks, lwkt.Go("brief", func(td *lwkt.Thread) {
				live.Add(1)
				defer live.Add(-1)
				tok.Acquire(td)
				count++
				tok.Release(td)
			}))
		}
		for _, k := range tasks {
			join(t, k)
		}
	}
	if count != 8*scale(400) || live.Load() != 0 {
		t.Errorf("%d threads, %d live", count, live.Load())
	}
}

// TestThreadGo wants a thread that starts another one to find it on its own host.
func TestThreadGo(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		tok := new(lwkt.Token)
		n := 0
		h.Go("parent", func(td *lwkt.Thread) {
			tok.Acquire(td)
			defer tok.Release(td)
			task := td.Go("child", func(td *lwkt.Thread) {
				tok.Acquire(td)
				n++
				tok.Release(td)
				if td.Name() != "child" {
					t.Errorf("it is called %q", td.Name())
				}
			})
			if changed := task.Join(td); !changed || n != 1 {
				t.Errorf("changed %v, n=%d", changed, n)
			}
			if changed := task.Join(td); changed {
				t.Error("Join gave up tokens for a task that has ended")
			}
			<-task.Done()

			bomb := td.Go("bomb", func(td *lwkt.Thread) {
				tok.Acquire(td) // when the parent joins
				defer tok.Release(td)
				panic("boom")
			})
			p, ok := panics(func() { bomb.Join(td) }).(*lwkt.PanicError)
			if !ok || p.Thread != "bomb" || p.Value != "boom" {
				t.Errorf("Join panicked with %v", p)
			}
			if tok.Held(td) != lwkt.Exclusive {
				t.Error("the token is not held after Join has panicked")
			}
			misuse(t, "Go", func() { td.Go("nothing", nil) })
		})
	})
	misuse(t, "Go", func() { (*lwkt.Thread)(nil).Go("x", func(*lwkt.Thread) {}) })
}
