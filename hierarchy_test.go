// The hierarchy, cell by cell: what may be taken while what is held, and in which context.
package lwkt_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/giant"
	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/lockmgr"
	"github.com/serializing-tokens/lwkt/rmlock"
	"github.com/serializing-tokens/lwkt/serializer"
	"github.com/serializing-tokens/lwkt/witness"
)

// TestHierarchyInDocs: docs/locking.md has the tables as they are enforced.
func TestHierarchyInDocs(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("docs", "locking.md"))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := lwkt.WriteHierarchy(&b); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), b.Bytes()) {
		t.Errorf("docs/locking.md does not have these tables:\n%s", b.String())
	}
}

// takes is a way to take something fresh, and what gives it back.
type takes func(td *lwkt.Thread) (back func(td *lwkt.Thread))

func taking(take func(*lwkt.Thread) bool, back func(*lwkt.Thread)) takes {
	return func(td *lwkt.Thread) func(*lwkt.Thread) {
		take(td)
		return back
	}
}

func sleepableRM() *rmlock.Lock {
	l := new(rmlock.Lock)
	l.Init("sleepable", rmlock.Sleepable)
	return l
}

func funnel(td *lwkt.Thread) func(*lwkt.Thread) {
	old := td.SetFunnel(lwkt.NewFunnel("funnel"))
	return func(td *lwkt.Thread) { td.SetFunnel(old) }
}

// having is each row, in each way there is.
func having() map[thread.Row]map[string]takes {
	return map[thread.Row]map[string]takes{
		thread.HaveSpin: {"spin": func() takes {
			l := new(lwkt.SpinMtx)
			return taking(func(td *lwkt.Thread) bool { l.Lock(td); return false }, l.Unlock)
		}()},
		thread.HaveMutex: {
			"mtx":           func() takes { l := new(lwkt.Mtx); return taking(l.Lock, l.Unlock) }(),
			"rwlock, read":  func() takes { l := new(lwkt.RWLock); return taking(l.RLock, l.RUnlock) }(),
			"rwlock, write": func() takes { l := new(lwkt.RWLock); return taking(l.WLock, l.WUnlock) }(),
		},
		thread.HaveRM: {
			"rm, read":  func() takes { l := new(rmlock.Lock); return taking(l.RLock, l.RUnlock) }(),
			"rm, write": func() takes { l := new(rmlock.Lock); return taking(l.WLock, l.WUnlock) }(),
		},
		thread.HaveSleepableRM:      {"read": func() takes { l := sleepableRM(); return taking(l.RLock, l.RUnlock) }()},
		thread.HaveSleepableRMWrite: {"write": func() takes { l := sleepableRM(); return taking(l.WLock, l.WUnlock) }()},
		thread.HaveSX: {
			"shared":     func() takes { l := new(lwkt.SX); return taking(l.SLock, l.SUnlock) }(),
			"exclusive":  func() takes { l := new(lwkt.SX); return taking(l.XLock, l.XUnlock) }(),
			"serializer": func() takes { l := new(serializer.Serializer); return taking(l.Enter, l.Exit) }(),
		},
		thread.HaveLockmgr: {
			"shared":    func() takes { l := new(lockmgr.Lock); return taking(l.SLock, l.Unlock) }(),
			"exclusive": func() takes { l := new(lockmgr.Lock); return taking(l.XLock, l.Unlock) }(),
		},
		thread.HaveToken: {
			"shared":    func() takes { l := new(lwkt.Token); return taking(l.AcquireShared, l.Release) }(),
			"exclusive": func() takes { l := new(lwkt.Token); return taking(l.Acquire, l.Release) }(),
		},
		thread.HaveFunnel: {"funnel": funnel},
		thread.HaveGiant:  {"giant": func() takes { l := new(giant.Mtx); return taking(l.Lock, l.Unlock) }()},
	}
}

// wanting is each column, in each way there is.
func wanting() map[thread.Column]map[string]takes {
	have := having()
	nothing := func(*lwkt.Thread) {}
	both := func(rows ...thread.Row) map[string]takes {
		all := map[string]takes{}
		for _, r := range rows {
			for name, f := range have[r] {
				all[r.String()+" "+name] = f
			}
		}
		return all
	}
	return map[thread.Column]map[string]takes{
		thread.WantSpin:        have[thread.HaveSpin],
		thread.WantMutex:       have[thread.HaveMutex],
		thread.WantRM:          have[thread.HaveRM],
		thread.WantSleepableRM: both(thread.HaveSleepableRM, thread.HaveSleepableRMWrite),
		thread.WantSX:          both(thread.HaveSX, thread.HaveLockmgr),
		thread.WantSleep: {
			"sleep": func(td *lwkt.Thread) func(*lwkt.Thread) { td.Sleep(new(int), -1); return nothing },
			"block": func(td *lwkt.Thread) func(*lwkt.Thread) { td.Block(func() {}); return nothing },
			"channel": func(td *lwkt.Thread) func(*lwkt.Thread) {
				c := make(chan int)
				close(c)
				td.Block(func() { <-c })
				return nothing
			},
		},
		thread.WantToken:  have[thread.HaveToken],
		thread.WantFunnel: {"funnel": funnel},
		thread.WantGiant:  have[thread.HaveGiant],
	}
}

func TestRow46Hierarchy(t *testing.T) {
	lwkt.SetHierarchyChecks(true)
	t.Cleanup(func() { lwkt.SetHierarchyChecks(false) })
	cells := 0
	// try has a thread want something, and says whether that was refused.
	try := func(td *lwkt.Thread, want takes) (refused bool) {
		back := func(*lwkt.Thread) {}
		v := panics(func() { back = want(td) })
		back(td)
		if v == nil {
			return false
		}
		if _, ok := v.(*lwkt.Misuse); !ok {
			panic(v)
		}
		return true
	}
	onHosts(t, func(t *testing.T, h host) {
		h.Go("walker", func(td *lwkt.Thread) {
			for have := range thread.Rows {
				for want := range thread.Columns {
					for hn := range having()[have] {
						for wn := range wanting()[want] {
							cells++
							release := having()[have][hn](td)
							if got := try(td, wanting()[want][wn]); got == thread.Interaction[have][want] {
								t.Errorf("with %v (%s) held, %v (%s): refused is %v", have, hn, want, wn, got)
							}
							release(td)
						}
					}
				}
			}
			for c := range thread.Contexts {
				for want := range thread.Columns {
					for wn, w := range wanting()[want] {
						cells++
						td.In(c, func() {
							if got := try(td, w); got == thread.InContext[c][want] {
								t.Errorf("in the context %v, %v (%s): refused is %v", c, want, wn, got)
							}
						})
					}
				}
			}
		})
		h.Wait()
	})
	if cells < 3*(int(thread.Rows)+int(thread.Contexts))*int(thread.Columns) {
		t.Errorf("%d cells", cells)
	}
	t.Logf("%d cells", cells)
}

// TestRow46Tries: the try forms are always allowed.
func TestRow46Tries(t *testing.T) {
	lwkt.SetHierarchyChecks(true)
	t.Cleanup(func() { lwkt.SetHierarchyChecks(false) })
	td := newThread(t)
	defer td.End()
	var spin lwkt.SpinMtx
	spin.Lock(td)
	td.In(lwkt.InterruptFilter, func() {
		var m lwkt.Mtx
		var rw lwkt.RWLock
		var sx lwkt.SX
		var tok lwkt.Token
		var rm rmlock.Lock
		var lk lockmgr.Lock
		for name, f := range map[string]struct {
			try  func(*lwkt.Thread) bool
			back func(*lwkt.Thread)
		}{
			"mtx": {m.TryLock, m.Unlock}, "rw": {rw.TryWLock, rw.WUnlock}, "rw, read": {rw.TryRLock, rw.RUnlock},
			"sx": {sx.TryXLock, sx.XUnlock}, "sx, shared": {sx.TrySLock, sx.SUnlock}, "token": {tok.TryAcquire, tok.Release},
			"rm": {rm.TryWLock, rm.WUnlock}, "rm, read": {rm.TryRLock, rm.RUnlock}, "lockmgr": {lk.TryXLock, lk.Unlock},
		} {
			if !f.try(td) {
				t.Errorf("%s: refused", name)
			} else {
				f.back(td)
			}
		}
	})
	spin.Unlock(td)
}

// TestRow46Witness: the witness reports what the checks refuse.
func TestRow46Witness(t *testing.T) {
	td := newThread(t)
	defer td.End()
	for have := range thread.Rows {
		for want := range thread.Columns {
			if want == thread.WantFunnel && have == thread.HaveFunnel || have == thread.HaveSpin && want == thread.WantSleep {
				continue // refused in any case
			}
			if have >= thread.HaveToken && have <= thread.HaveFunnel {
				continue // they forbid nothing
			}
			for hn := range having()[have] {
				for wn := range wanting()[want] {
					watching(t, witness.WithoutDuplicates())
					release := having()[have][hn](td)
					panics(func() { wanting()[want][wn](td)(td) })
					release(td)
					if got := len(witness.Reports()) == 0; got != thread.Interaction[have][want] {
						t.Errorf("with %v (%s) held, %v (%s): silent is %v\n%v", have, hn, want, wn, got, fmt.Sprint(witness.Reports()))
					}
				}
			}
		}
	}
}
