package lwkt

// What locks cost, by lock and by place.

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/serializing-tokens/lwkt/internal/thread"
)

// ProfileLine is what acquisitions of a lock, or of several locks of one class and name,
// cost at one place in the program.
type ProfileLine struct {
	Class string    // "mutex", "rwlock" and so on
	Name  string    // what Init said, or ""
	Site  string    // file, line and function that acquired
	Busy  uint64    // acquisitions that had to wait
	Wait  Histogram // of all acquisitions
	Hold  Histogram // from the acquisition to the release
}

// LockProfile returns what was recorded since SetRecording(true), or ResetStats, about locks
// other than tokens, the longest total wait first. It does not block. (LOCK_PROFILING(9))
func LockProfile() (lines []ProfileLine) {
	thread.Announce(thread.Op{Kind: thread.OpSurvey})
	for _, p := range thread.Profile() {
		lines = append(lines, ProfileLine{
			p.Class.String(), p.Name, thread.Site(p.Site), p.Busy, newHistogram(p.Wait), newHistogram(p.Hold),
		})
	}
	slices.SortFunc(lines, func(a, b ProfileLine) int {
		return cmp.Or(cmp.Compare(b.Wait.Sum, a.Wait.Sum), cmp.Compare(b.Hold.Sum, a.Hold.Sum),
			cmp.Compare(a.Name, b.Name), cmp.Compare(a.Site, b.Site))
	})
	return lines
}

// ShowLockProfile writes what LockProfile returns as a table, or that there is nothing. It returns the error of w.
func ShowLockProfile(w io.Writer) error { return showLockProfile(w, LockProfile()) }

func showLockProfile(w io.Writer, lines []ProfileLine) error {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "COUNT\tBUSY\tWAIT\tMAX\tHOLD\tMAX\t  LOCK, PLACE")
	for i := range lines {
		p := &lines[i]
		name := p.Class
		if p.Name != "" {
			name = fmt.Sprintf("%s %q", p.Class, p.Name)
		}
		fmt.Fprintf(t, "%d\t%d\t%v\t%v\t%v\t%v\t  %s, %s\n",
			p.Wait.Count, p.Busy, short(p.Wait.Sum), short(p.Wait.Max), short(p.Hold.Sum), short(p.Hold.Max), name, p.Site)
	}
	t.Flush() // a strings.Builder takes it all
	if len(lines) == 0 {
		b.Reset()
		b.WriteString("nothing was recorded; SetRecording(true) begins it\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
