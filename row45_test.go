// Acceptance row 45: what package ddb shows of one scene, on every host.
package lwkt_test

import (
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/ddb"
	"github.com/serializing-tokens/lwkt/witness"
)

// varying is what differs from run to run, and how it is written instead.
var varying = []struct {
	re *regexp.Regexp
	as string
}{
	{regexp.MustCompile(`#\d+`), "#N"},
	{regexp.MustCompile(`goroutine \d+`), "goroutine N"},
	{regexp.MustCompile(`chain \d+`), "chain N"},
	{regexp.MustCompile(`(?:[^\s]*/)?(\w+\.(?:go|s)):\d+`), "$1:L"},
	{regexp.MustCompile(`\b(\d+h)?(\d+m)?[\d.]+(ns|µs|ms|s)\b`), "D"},
	{regexp.MustCompile(`(\S)  +`), "$1  "}, // columns
}

// dump is what a command shows, with what varies replaced. Blocks are what is indented, with the line
// before it; of these keep those that the function wants, sorted.
func dump(t *testing.T, line string, keep func(block string) bool) string {
	var b strings.Builder
	if err := ddb.Run(&b, line); err != nil {
		t.Error(err)
	}
	text := b.String()
	for _, v := range varying {
		text = v.re.ReplaceAllString(text, v.as)
	}
	var blocks []string
	lines := slices.Collect(strings.Lines(text))
	for i, l := range lines {
		here := func(i int) bool { return i < len(lines) && strings.Contains(lines[i], "row45_test.go") }
		switch {
		case strings.HasSuffix(l, "()\n") && !here(i+1), strings.HasSuffix(l, ":L\n") && !here(i): // ends of stacks belong to the host
		case strings.HasPrefix(l, "  ") && len(blocks) > 0:
			blocks[len(blocks)-1] += l
		default:
			blocks = append(blocks, l)
		}
	}
	if keep != nil {
		blocks = slices.DeleteFunc(blocks, func(s string) bool { return !keep(s) })
		slices.Sort(blocks)
	}
	return "> " + line + "\n" + strings.Join(blocks, "") + "\n"
}

func TestRow45DumpOrders(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		watching(t)
		lwkt.SetRecording(true)
		defer lwkt.SetRecording(false)
		if err := witness.Order("proc", "session", "tty"); err != nil {
			t.Fatal(err)
		}
		var config lwkt.SX
		var routes lwkt.RWLock
		bus, softc, vnode, object := named("bus", 0), named("softc", 0), named("vnode", 0), named("vmobject", 0)
		config.Init("config", 0)
		routes.Init("routes", 0)
		buffers := lwkt.NewToken("row 45 buffers")
		var held atomic.Int32
		var seen atomic.Bool
		have := func() {
			held.Add(1)
			h.Until("it was looked at", seen.Load)
		}
		h.Go("pager", func(td *lwkt.Thread) {
			vnode.Lock(td)
			object.Lock(td)
			object.Unlock(td)
			vnode.Unlock(td)
			object.Lock(td)
			vnode.Lock(td) // nobody else is there, so it does not hang
			vnode.Unlock(td)
			object.Unlock(td)
			held.Add(1)
		})
		h.Go("driver", func(td *lwkt.Thread) {
			bus.Lock(td)
			softc.Lock(td)
			buffers.Acquire(td)
			have()
			buffers.Release(td)
			softc.Unlock(td)
			bus.Unlock(td)
		})
		h.Go("loader", func(td *lwkt.Thread) {
			config.XLock(td)
			have()
			config.XUnlock(td)
		})
		h.Go("rx", func(td *lwkt.Thread) {
			routes.RLock(td)
			have()
			routes.RUnlock(td)
		})
		h.Go("late", func(td *lwkt.Thread) {
			h.Until("the driver has them", func() bool { return held.Load() == 4 })
			buffers.Acquire(td)
			buffers.Release(td)
		})
		h.Go("later", func(td *lwkt.Thread) {
			h.Until("the driver has them", func() bool { return held.Load() == 4 })
			softc.Lock(td)
			softc.Unlock(td)
		})
		var text string
		h.Go("looks", func(td *lwkt.Thread) {
			defer seen.Store(true)
			h.Until("two wait", func() bool { return held.Load() == 4 && len(lwkt.Turnstiles()) == 1 && lwkt.WaitersOf(buffers) == 1 })
			mine := func(re string) func(string) bool { return regexp.MustCompile(re).MatchString }
			text = dump(t, "show locks", mine(`"(config|bus|softc|routes)"`)) +
				dump(t, "show all locks", mine(`^thread "(driver|loader|rx)"`)) +
				dump(t, "show witness", nil) +
				dump(t, "show tokens", mine(`^TOKEN|^row 45 buffers.*driver`)) +
				dump(t, "lockchain later", nil) +
				dump(t, "lockchain late", nil) +
				dump(t, "turnstile", mine("softc"))
		})
		h.Wait()
		lwkt.Golden(t, "row45.golden", []byte(text))
	})
}
