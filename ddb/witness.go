package ddb

// What the witness knows, as an indented list.

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/serializing-tokens/lwkt/witness"
)

// writeWitness lists the classes that nothing comes before, and below each what is taken while it is held. What is below
// a class is told once.
func writeWitness(w io.Writer, on bool, g witness.Graph, reports []witness.Report) {
	if on {
		fmt.Fprintln(w, "the witness is on")
	} else {
		fmt.Fprintln(w, "the witness is off; witness.Enable() at the start of the program switches it on")
	}
	after := map[string][]witness.Edge{}
	late := map[string]bool{}
	for _, e := range g {
		after[e.From] = append(after[e.From], e)
		late[e.To] = late[e.To] || !e.Wrong
	}
	fmt.Fprintf(w, "\norders: %d; below each class what is taken while it is held\n", len(g))
	told := map[string]bool{}
	var below func(class string, depth int)
	below = func(class string, depth int) {
		told[class] = true
		for _, e := range after[class] {
			note := ""
			if e.Wrong {
				note = ", reported"
			}
			if e.Declared {
				note += ", declared"
			}
			if e.ToSite != nil {
				note += fmt.Sprintf(", %s at %s", e.ToMode, site(e.ToSite))
				if e.FromSite != nil {
					note += fmt.Sprintf(", %s held since %s", e.FromMode, site(e.FromSite))
				}
			}
			again := told[e.To] && len(after[e.To]) > 0
			if again {
				note += ": see above"
			}
			fmt.Fprintf(w, "%s%s%s\n", strings.Repeat("  ", depth+1), e.To, note)
			if !again {
				below(e.To, depth+1)
			}
		}
	}
	for _, first := range []bool{true, false} { // those that nothing comes before, then circles
		for _, e := range g {
			if !told[e.From] && (!first || !late[e.From]) {
				fmt.Fprintf(w, "  %s\n", e.From)
				below(e.From, 1)
			}
		}
	}
	fmt.Fprintf(w, "\nreports: %d\n", len(reports))
	for _, r := range reports {
		fmt.Fprintf(w, "\n%s\n", strings.TrimRight(r.String(), "\n"))
	}
}

func site(f *witness.Frame) string { return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line) }
