// progress.go: what the demo is doing, while it does it. On a terminal one line is rewritten ten times a second; anywhere else, where
// it would become a log, a line is written now and then.
//
// It only reads counters that tellers add to, so it cannot slow them down. The function that start returns waits for the last
// line, so nothing is written behind the result.

package demo

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress writes to one stream.
type progress struct {
	w        io.Writer
	terminal bool
}

const (
	fastTick = 100 * time.Millisecond
	slowTick = time.Second
	gauge    = 20 // width of the gauge
)

func newProgress(w io.Writer) *progress { return &progress{w, isTerminal(w)} }

// isTerminal is true for a character device, which is a terminal or something where it does no harm to write like to one.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// start shows how a discipline comes along, until the function that it returns is called.
func (p *progress) start(name string, length time.Duration, t *tally) (stop func()) {
	tick := slowTick
	if p.terminal {
		tick = fastTick
	}
	begin := time.Now()
	if !p.terminal {
		fmt.Fprintf(p.w, "%s: runs for %v\n", name, length)
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				if !p.terminal && time.Since(begin) > length-tick/2 {
					continue // the last line is close
				}
				p.line(name, time.Since(begin), length, t, false)
			case <-end:
				p.line(name, time.Since(begin), length, t, true)
				return
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

// line writes one line, and rewrites it on a terminal until the last.
func (p *progress) line(name string, now, length time.Duration, t *tally, last bool) {
	text := fmt.Sprintf("%s transfers, %s/s, %s", grouped(float64(t.transfers.Load()), 0),
		grouped(float64(t.transfers.Load())/now.Seconds(), 0), plural(t.deadlocks.Load(), "deadlock"))
	if !p.terminal {
		fmt.Fprintf(p.w, "%s: %.1fs: %s\n", name, now.Seconds(), text)
		return
	}
	full := gauge
	if now < length {
		full = int(gauge * now / length)
	}
	fmt.Fprintf(p.w, "\r\x1b[K%-16s %s%s %4.1fs  %s", name,
		strings.Repeat("█", full), strings.Repeat("░", gauge-full), now.Seconds(), text)
	if last {
		fmt.Fprintln(p.w)
	}
}

// plural is a number with its noun.
func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%s %ss", grouped(float64(n), 0), noun)
}

// grouped is a number with so many decimals, and a comma between each three digits before them.
func grouped(x float64, decimals int) string {
	s := fmt.Sprintf("%.*f", decimals, x)
	whole, rest, _ := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		return whole + "." + rest
	}
	return whole
}
