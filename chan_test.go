// Go channels for threads: they give up tokens if they must block, and only then.
package lwkt_test

import (
	"testing"

	"github.com/serializing-tokens/lwkt"
)

func TestChannelsKeepTokensIfReady(t *testing.T) {
	td := newThread(t)
	defer td.End()
	var tok lwkt.Token
	tok.Acquire(td)
	c := make(chan int, 1)
	td.NoBlock(func() {
		if lwkt.Send(td, c, 4) {
			t.Error("Send: changed")
		}
		if v, ok, changed := lwkt.Recv(td, c); v != 4 || !ok || changed {
			t.Errorf("Recv = %v %v %v", v, ok, changed)
		}
		got, sent := 0, false
		i, changed := lwkt.Select(td,
			lwkt.OnRecv(c, func(v int, ok bool) { got = v }),
			lwkt.OnSend(c, 5, func() { sent = true }))
		if i != 1 || changed || got != 0 || !sent {
			t.Errorf("Select chose %d, changed %v, got %d, sent %v", i, changed, got, sent)
		}
		i, changed = lwkt.Select(td,
			lwkt.OnSend(c, 6, nil),
			lwkt.OnRecv(c, func(v int, ok bool) { got = v }))
		if i != 1 || changed || got != 5 {
			t.Errorf("Select chose %d, changed %v, got %d", i, changed, got)
		}
		close(c)
		if v, ok, changed := lwkt.Recv(td, c); v != 0 || ok || changed {
			t.Errorf("Recv of a closed channel = %v %v %v", v, ok, changed)
		}
		called := false
		lwkt.Select(td, lwkt.OnRecv(c, func(v int, ok bool) { called = v == 0 && !ok }))
		if !called {
			t.Error("Select of a closed channel")
		}
	})
	if n := td.Stats().Drops; n != 0 {
		t.Errorf("dropped %d times", n)
	}
	tok.Release(td)
}

func TestChannelsDropTokensIfNot(t *testing.T) {
	for name, c := range map[string]struct {
		own   func(td *lwkt.Thread, c chan int) bool
		other func(td *lwkt.Thread, c chan int)
	}{
		"Recv": {
			func(td *lwkt.Thread, c chan int) bool {
				v, ok, changed := lwkt.Recv(td, c)
				if v != 9 || !ok {
					t.Errorf("Recv = %v, %v", v, ok)
				}
				return changed
			},
			func(td *lwkt.Thread, c chan int) { lwkt.Send(td, c, 9) },
		},
		"Recv closed": {
			func(td *lwkt.Thread, c chan int) bool {
				_, ok, changed := lwkt.Recv(td, c)
				if ok {
					t.Error("ok from a closed channel")
				}
				return changed
			},
			func(td *lwkt.Thread, c chan int) { close(c) },
		},
		"Send": {
			func(td *lwkt.Thread, c chan int) bool { return lwkt.Send(td, c, 8) },
			func(td *lwkt.Thread, c chan int) {
				if v, _, _ := lwkt.Recv(td, c); v != 8 {
					t.Errorf("received %d", v)
				}
			},
		},
		"Select recv": {
			func(td *lwkt.Thread, c chan int) bool {
				got := 0
				i, changed := lwkt.Select(td,
					lwkt.OnRecv((chan int)(nil), nil), // never ready
					lwkt.OnRecv(c, func(v int, ok bool) { got = v }))
				if i != 1 || got != 7 {
					t.Errorf("chose %d, got %d", i, got)
				}
				return changed
			},
			func(td *lwkt.Thread, c chan int) { lwkt.Select(td, lwkt.OnSend(c, 7, nil)) },
		},
		"Select send": {
			func(td *lwkt.Thread, c chan int) bool {
				i, changed := lwkt.Select(td, lwkt.OnSend(c, 6, nil), lwkt.OnRecv(make(chan string), nil))
				if i != 0 {
					t.Errorf("chose %d", i)
				}
				return changed
			},
			func(td *lwkt.Thread, c chan int) { lwkt.Recv(td, c) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			td := newThread(t)
			defer td.End()
			var tok lwkt.Token
			ch := make(chan int)
			tok.Acquire(td)
			other := lwkt.Go("other", func(td *lwkt.Thread) {
				tok.Acquire(td) // when the first one has dropped it, and not before
				tok.Release(td)
				c.other(td, ch)
			})
			if !c.own(td, ch) {
				t.Error("not changed, though the other one had the token")
			}
			if tok.Held(td) != lwkt.Exclusive {
				t.Error("not held afterwards")
			}
			join(t, other)
			tok.Release(td)
		})
	}
}

func TestSelectCallsBackWithTokens(t *testing.T) {
	td := newThread(t)
	defer td.End()
	var tok lwkt.Token
	c := make(chan int)
	tok.Acquire(td)
	k := lwkt.Go("other", func(td *lwkt.Thread) { lwkt.Send(td, c, 1); lwkt.Recv(td, c) })
	check := func() {
		if tok.Held(td) != lwkt.Exclusive {
			t.Error("called back without the token")
		}
	}
	lwkt.Select(td, lwkt.OnRecv(c, func(int, bool) { check() }))
	lwkt.Select(td, lwkt.OnSend(c, 2, check))
	join(t, k)
	tok.Release(td)
}

func TestSelectOfInterfaces(t *testing.T) {
	td := newThread(t)
	defer td.End()
	c := make(chan error, 1)
	lwkt.Select(td, lwkt.OnSend(c, nil, nil))
	called := false
	lwkt.Select(td, lwkt.OnRecv(c, func(err error, ok bool) { called = err == nil && ok }))
	if !called {
		t.Error("a nil error did not come through")
	}
}

func TestSendOnClosedChannel(t *testing.T) {
	td := newThread(t)
	defer td.End()
	var tok lwkt.Token
	tok.Acquire(td)
	closed := make(chan int)
	close(closed)
	if panics(func() { lwkt.Send(td, closed, 1) }) == nil {
		t.Error("sent on a closed channel")
	}
	lwkt.SetForcedDrops(true) // and inside Block
	if panics(func() { lwkt.Send(td, closed, 1) }) == nil {
		t.Error("sent on a closed channel")
	}
	lwkt.SetForcedDrops(false)
	if tok.Held(td) != lwkt.Exclusive {
		t.Error("the token was lost by a panic")
	}
	tok.Release(td)
}
