// place.go: where journals go, and what kind of place that is. A default directory is fresh for each run and is left behind, for
// people to look at; it lies in the cache directory of the user rather than in that for temporary files, which is a tmpfs on
// many systems, where a sync costs nothing and the demo would show nothing.

package demo

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/serializing-tokens/lwkt/cmd/internal/demo/journal"
)

// A place is a directory for journals.
type place struct {
	dir   string
	tmpfs bool // in memory: a sync costs nothing
}

// openPlace makes the directory, the default one if dir is empty.
func openPlace(dir string) (place, error) {
	if dir == "" {
		fresh, err := freshDir()
		if err != nil {
			return place{}, err
		}
		dir = fresh
	} else if err := journal.MakeDir(dir); err != nil {
		return place{}, err
	}
	return place{dir, isTmpfs(dir)}, nil
}

// freshDir makes a directory in the cache of the user, or among the temporary files if there is no cache or it cannot be written.
func freshDir() (string, error) {
	if cache, err := os.UserCacheDir(); err == nil {
		parent := filepath.Join(cache, "lwkt")
		if os.MkdirAll(parent, 0o755) == nil {
			if dir, err := os.MkdirTemp(parent, "demo-"); err == nil {
				return dir, nil
			}
		}
	}
	dir, err := os.MkdirTemp("", "lwkt-demo-")
	if err != nil {
		return "", fmt.Errorf("no place for the journals: %w: name a directory with -journal DIR", err)
	}
	return dir, nil
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

// An output is a file that appears under its name only when it is complete.
type output struct{ path, temp string }

// createOutput makes sure that the file can be written. A nil output, for no name, may be used and does nothing.
func createOutput(path string) (*output, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return nil, fmt.Errorf("cannot write %s: %w", path, err)
	}
	return &output{path, f.Name()}, f.Close()
}

// finish writes the file.
func (o *output) finish(write func(io.Writer) error) error {
	if o == nil {
		return nil
	}
	var b strings.Builder
	err := write(&b)
	if err == nil {
		err = os.WriteFile(o.temp, []byte(b.String()), 0o644)
	}
	if err == nil {
		err = os.Chmod(o.temp, 0o644) // a temporary file is for its owner only, a drawing is not
	}
	if err == nil {
		err = os.Rename(o.temp, o.path)
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", o.path, err)
	}
	return nil
}

// discard removes what finish did not finish.
func (o *output) discard() {
	if o != nil {
		os.Remove(o.temp)
	}
}
