package lwkt

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt/internal/sleepq"
	"github.com/serializing-tokens/lwkt/internal/token"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares a text with a file in testdata, or rewrites it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o777), os.WriteFile(path, got, 0o666)); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want = bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n")); !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test -run %s -update rewrites it); got:\n%s", path, t.Name(), got)
	}
}

func histogramOf(durations ...time.Duration) Histogram {
	var h Histogram
	for _, d := range durations {
		h.Count++
		h.Sum += d
		h.Max = max(h.Max, d)
		i := 0
		for d>>i > 0 {
			i++
		}
		h.Buckets[min(i, len(h.Buckets)-1)]++
	}
	return h
}

func TestShowTokens(t *testing.T) {
	var b bytes.Buffer
	if err := showTokens(&b, []TokenInfo{
		{Address: 0x12345678, Acquisitions: 1, Hold: histogramOf(12 * time.Nanosecond)},
		{
			Name: "accounts", Mode: Exclusive, Owner: `thread "teller 7" (#9)`, Acquisitions: 123456, Collisions: 789,
			Wait: histogramOf(time.Microsecond, 2345*time.Nanosecond, 98765*time.Microsecond), Hold: histogramOf(300, 400, 500, 100000),
			Holders: []HolderInfo{{`thread "teller 7" (#9)`, 21, Exclusive, 1234567 * time.Nanosecond, "/src/bank.go:12 (main.transfer)"}},
			Waiters: []WaiterInfo{{`thread "teller 2" (#4)`, Exclusive, true}, {`thread "auditor" (#5)`, Shared, false}},
		},
		{Name: "idle"},
		{
			Name: "rates", Mode: Shared, Shares: 2,
			Holders: []HolderInfo{{"thread #12", 34, Shared, time.Minute, "/src/rates.go:3 (main.main.func1)"}},
		},
	}); err != nil {
		t.Fatal(err)
	}
	golden(t, "show_tokens.golden", b.Bytes())

	b.Reset()
	if err := showTokens(&b, nil); err != nil || strings.Count(b.String(), "\n") != 1 {
		t.Errorf("of no tokens it shows %q, %v", b.String(), err)
	}
	if err := showTokens(brokenWriter{}, nil); !errors.Is(err, errBroken) {
		t.Errorf("to a broken writer the error is %v", err)
	}
}

var errBroken = errors.New("broken")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

// info returns what Tokens tells about one token.
func info(t *testing.T, tok *Token) TokenInfo {
	t.Helper()
	for _, i := range Tokens() {
		if i.Address == reflect.ValueOf(tok).Pointer() {
			return i
		}
	}
	t.Fatalf("Tokens does not tell of %v", tok)
	return TokenInfo{}
}

func TestTokens(t *testing.T) {
	SetRecording(true)
	defer SetRecording(false)
	a, b, anonymous := NewToken("tokens.a"), NewToken("tokens.b"), new(Token)
	Run("holder", func(h *Thread) {
		if i := info(t, a); i.Mode != None || i.Acquisitions != 0 || i.Owner != "" || len(i.Holders)+len(i.Waiters) != 0 {
			t.Errorf("a fresh token: %+v", i)
		}
		anonymous.Acquire(h)
		anonymous.Release(h)
		b.AcquireShared(h)
		a.Acquire(h)
		a.Acquire(h) // recursive: not counted
		waiter := Go("waiter", func(td *Thread) {
			b.AcquireShared(td)
			a.Acquire(td)
			a.Release(td)
			b.Release(td)
		})
		for len(a.t.Waiters()) == 0 {
			runtime.Gosched()
		}

		i := info(t, a)
		if i.Mode != Exclusive || i.Owner != h.String() || i.Shares != 0 || i.Acquisitions != 1 || i.Collisions != 0 {
			t.Errorf("held exclusively: %+v", i)
		}
		if i.Name != a.Name() {
			t.Errorf("the name of %v is %q", a, i.Name)
		}
		if len(i.Waiters) != 1 || !strings.Contains(i.Waiters[0].Thread, `"waiter"`) || i.Waiters[0].Mode != Exclusive {
			t.Errorf("waiters of a: %+v", i.Waiters)
		}
		if len(i.Holders) != 1 || i.Holders[0].Thread != h.String() || i.Holders[0].Mode != Exclusive || i.Holders[0].Goroutine == 0 || !strings.Contains(i.Holders[0].Site, "show_test.go") {
			t.Errorf("holders of a: %+v", i.Holders)
		}
		if i = info(t, b); i.Mode != Shared || i.Shares != 1 || i.Owner != "" || len(i.Holders) != 1 || len(i.Waiters) != 1 || i.Waiters[0].Mode != Shared {
			t.Errorf("shared, and awaited by one who gave a share up: %+v", i)
		}
		if i = info(t, anonymous); i.Name != "" || i.Acquisitions != 1 {
			t.Errorf("a token without a name, used while recording was on: %+v", i)
		}

		found := false
		for _, td := range Threads() {
			if strings.Contains(td.Name, `"waiter"`) {
				found = true
				if len(td.Waits) != 2 || td.Waits[0].Token != a.String() || td.Waits[0].Mode != Exclusive || td.Waits[1].Mode != Shared {
					t.Errorf("the waiter waits for %+v", td.Waits)
				}
			}
		}
		if !found {
			t.Errorf("the waiter is not among the threads %+v", Threads())
		}

		a.Release(h)
		a.Release(h)
		waiter.Wait()
		b.Release(h)
		if i = info(t, a); i.Mode != None || len(i.Holders)+len(i.Waiters) != 0 || i.Acquisitions != 2 || i.Collisions != 1 || i.Wait.Count != 1 || i.Hold.Count != 2 || i.Wait.Max <= 0 {
			t.Errorf("after all: %+v", i)
		}
		ResetStats()
		if i = info(t, a); i.Acquisitions != 0 || i.Hold.Count != 0 {
			t.Errorf("after ResetStats: %+v", i)
		}
		SetRecording(false)
		a.Acquire(h)
		if i = info(t, a); i.Owner != h.String() || i.Acquisitions != 0 || len(i.Holders) != 0 {
			t.Errorf("held without recording: %+v", i)
		}
		a.Release(h)
	})
}

// A hold that outlives recording ends unrecorded, and must not be told for ever.
func TestTokensForgetsUnrecordedEnd(t *testing.T) {
	a := NewToken("tokens.forget")
	Run("holder", func(td *Thread) {
		SetRecording(true)
		a.Acquire(td)
		SetRecording(false)
		a.Release(td)
		if i := info(t, a); len(i.Holders) != 0 {
			t.Errorf("holders of a free token: %+v", i.Holders)
		}
	})
}

func TestThreadsSleeping(t *testing.T) {
	type channel struct{ n int }
	c := &channel{1}
	Run("waker", func(td *Thread) {
		task := Go("sleeper", func(td *Thread) { td.Sleep(c, 0) })
		sleeping := ""
		for sleeping == "" {
			for _, i := range Threads() {
				if strings.Contains(i.Name, `"sleeper"`) {
					sleeping = i.Sleeping
				}
			}
			runtime.Gosched()
		}
		if !strings.Contains(sleeping, "channel(0x") {
			t.Errorf("it sleeps on %q", sleeping)
		}
		td.Wakeup(c)
		task.Wait()
	})
	for key, want := range map[any]string{"a": "string(a)", 7: "int(7)", channel{3}: "lwkt.channel"} {
		if got := sleepq.Describe(key, sleepq.WaitChannel); got != want {
			t.Errorf("wait channel %v: %s, not %s", key, got, want)
		}
	}
}

func TestHistogram(t *testing.T) {
	var none Histogram
	if none.String() != "none" || none.Bars() != "" || none.Quantile(0.5) != 0 || none.Mean() != 0 {
		t.Errorf("empty: %v, %q", &none, none.Bars())
	}
	h := histogramOf(1000, 1010, 1020, 1023, 5000, 9_000_000)
	if q := h.Quantile(0.5); q < 512 || q > 1024 {
		t.Errorf("median %v", q)
	}
	if h.Quantile(1) != h.Max || h.Quantile(2) != h.Max || h.Quantile(-1) > h.Quantile(0.1) {
		t.Errorf("quantiles 1, 2, -1: %v, %v, %v", h.Quantile(1), h.Quantile(2), h.Quantile(-1))
	}
	for last, p := time.Duration(0), 0.0; p <= 1; p += 0.01 {
		if h.Quantile(p) < last {
			t.Errorf("quantile %v is less than one before", p)
		}
		last = h.Quantile(p)
	}
	if got, want := h.Bars(), "█  ▂          ▂ 512ns..9ms"; got != want {
		t.Errorf("bars %q, not %q", got, want)
	}
	if got, want := h.String(), "6: mean 1.5ms, 50% 896ns, 99% 9ms, max 9ms"; !strings.HasPrefix(got, want[:24]) {
		t.Errorf("%q, not %q", got, want)
	}
	slow := histogramOf(1<<39 + 5)
	if slow.Quantile(0.5) > slow.Max || newHistogram(token.Histogram{Count: 3}).Count != 3 {
		t.Errorf("a slow one: %v", &slow)
	}
}
