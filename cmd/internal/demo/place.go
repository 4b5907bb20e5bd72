// place.go: where journals go, and what kind of place that is. A default directory is fresh for each run and is left behind, for
// people to look at; it lies in the cache directory of the user rather than in that for temporary files, which is a tmpfs on
// many systems, where a sync costs nothing and the demo would show nothing. So that they do not pile up unseen, each run ends with
// what they take together and the command that removes them.

package demo

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/serializing-tokens/lwkt/cmd/internal/demo/journal"
)

// A place is a directory for journals.
type place struct {
	dir   string
	tmpfs bool   // in memory: a sync costs nothing
	pile  string // what holds this and earlier default places and nothing else, "" for a place that somebody named
}

// openPlace makes the directory, the default one if dir is empty.
func openPlace(dir string) (place, error) {
	var pile string
	if dir == "" {
		var err error
		if dir, pile, err = freshDir(); err != nil {
			return place{}, err
		}
	} else if err := journal.MakeDir(dir); err != nil {
		return place{}, err
	}
	return place{dir, isTmpfs(dir), pile}, nil
}

// freshDir makes a directory in the cache of the user, or among the temporary files if there is no cache or it cannot be written.
func freshDir() (dir, pile string, err error) {
	if cache, err := os.UserCacheDir(); err == nil {
		parent := filepath.Join(cache, "lwkt")
		if os.MkdirAll(parent, 0o755) == nil {
			if dir, err := os.MkdirTemp(parent, "demo-"); err == nil {
				return dir, parent, nil
			}
		}
	}
	dir, err = os.MkdirTemp("", "lwkt-demo-")
	if err != nil {
		return "", "", fmt.Errorf("no place for the journals: %w: name a directory with -journal DIR", err)
	}
	return dir, dir, nil
}

// kind is what the table says about the place.
func (p place) kind() string {
	if p.tmpfs {
		return "a tmpfs: fsync costs nothing here, so there is no disk to wait for; name a directory on a disk with -journal DIR"
	}
	return ""
}

func (p place) describe(w io.Writer) {
	fmt.Fprintf(w, "journals go to %s\n", p.dir)
	if k := p.kind(); k != "" {
		fmt.Fprintf(w, "  this is %s\n", k)
	}
}

// left says what the journals of all runs take in this place, and how to be rid of them. Nobody else does that: they are for people.
// A directory that somebody named may hold other things, so there the command names the journals only.
func (p place) left(w io.Writer) {
	root, remove := p.pile, "rm -r "+shellWord(p.pile)
	if root == "" {
		root, remove = p.dir, "rm "+shellWord(p.dir)+"/*"+journal.Ext
	}
	var total int64
	filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil // what cannot be read is not counted
		case e.IsDir() && p.pile == "" && path != root:
			return fs.SkipDir
		case filepath.Ext(path) == journal.Ext:
			if info, err := e.Info(); err == nil {
				total += info.Size()
			}
		}
		return nil
	})
	fmt.Fprintf(w, "all journals in %s take %s; they are kept until you remove them:\n  %s\n", root, megabytes(total), remove)
}

// megabytes is a number of bytes in a unit that suits it.
func megabytes(n int64) string {
	x, unit := float64(n), "bytes"
	for _, u := range []string{"kB", "MB", "GB"} {
		if x < 1000 {
			break
		}
		x, unit = x/1000, u
	}
	if unit == "bytes" {
		return plural(n, "byte")
	}
	return fmt.Sprintf("%.1f %s", x, unit)
}

// shellWord quotes what a shell would take apart.
func shellWord(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(`/\:._-+,@%`, r)
	}) {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}
