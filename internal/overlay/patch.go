package overlay

// What is changed in files of the toolchain, and how a toolchain that has other files is told.

import (
	"fmt"
	"strings"
)

// An edit replaces one piece of the text of a file. The piece must stand there exactly once: a Go release in which it does
// not is one that nobody has read this list against.
type edit struct {
	file string // below GOROOT/src
	old  string
	new  string
}

// A ChangedError says that the toolchain's source is not what the edits were written for.
type ChangedError struct {
	Version string // of the toolchain
	File    string // below GOROOT/src
	Anchor  string // the first line of the text that is missing, or there more than once
	Found   int    // how often it is there
}

// Error names the place and says how to go on.
func (e *ChangedError) Error() string {
	return fmt.Sprintf("the source of %s is not the one that this witness knows: in %s, %q stands %d times, not once.\n%s",
		e.Version, e.File, e.Anchor, e.Found, goOn)
}

// apply makes the edits of one file.
func apply(version, file, text string, edits []edit) (string, error) {
	for _, e := range edits {
		if e.file != file {
			continue
		}
		if n := strings.Count(text, e.old); n != 1 {
			first, _, _ := strings.Cut(strings.Trim(e.old, "\n"), "\n")
			return "", &ChangedError{version, file, first, n}
		}
		text = strings.Replace(text, e.old, e.new, 1)
	}
	return text, nil
}
