// Package overlay writes a build overlay that puts the witness engine under the sync package of a Go toolchain, so that
// `go build -overlay FILE` of any program makes one whose mutexes are watched.
//
// The overlay holds patched copies of a few files of GOROOT/src/sync, runtime and testing, files that are added there
// (_std), and the engine as a package in a folder of the standard library that has none of its own (enginePath). Nothing is
// written anywhere but into the folder that the caller names.
package overlay

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

//go:embed all:_std
var std embed.FS

// A Toolchain is what `go env` says about a go command.
type Toolchain struct {
	Root    string // GOROOT
	Version string // GOVERSION
}

// Files gives the files of the overlay by their path below GOROOT/src.
//
// Errors are an UnknownError for a release that the edits were not written for, a ChangedError for one whose source is not what
// was expected, and those of reading it.
func (t Toolchain) Files() (map[string]string, error) {
	if !supported(t.Version) {
		return nil, &UnknownError{t.Version}
	}
	files := map[string]string{}
	edits := slices.Concat(runtimeEdits, syncEdits, testingEdits)
	for _, e := range edits {
		if _, done := files[e.file]; done {
			continue
		}
		text, err := os.ReadFile(filepath.Join(t.Root, "src", filepath.FromSlash(e.file)))
		if err != nil {
			return nil, fmt.Errorf("reading the source of %s: %w", t.Version, err)
		}
		files[e.file], err = apply(t.Version, e.file, string(text), edits)
		if err != nil {
			return nil, err
		}
	}
	err := fs.WalkDir(std, "_std", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := std.ReadFile(p)
		if err != nil {
			return err
		}
		name := p[len("_std/"):]
		files[name], err = unwatched(name, string(text))
		return err
	})
	if err != nil {
		return nil, err
	}
	return files, addEngine(files)
}

// Write makes the overlay below dir and gives the path of the file for -overlay. The path depends on the content and the
// content on the toolchain and this package only, so that builds are found in Go's cache; what is there already is left alone.
func (t Toolchain) Write(dir string) (string, error) {
	files, err := t.Files()
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	fmt.Fprintln(sum, t.Root)
	names := slices.Sorted(maps.Keys(files))
	for _, name := range names {
		fmt.Fprintln(sum, name, len(files[name]))
		sum.Write([]byte(files[name]))
	}
	final := filepath.Join(dir, t.Version+"-"+hex.EncodeToString(sum.Sum(nil)[:8]))
	index := filepath.Join(final, "overlay.json")
	if _, err := os.Stat(index); err == nil {
		return index, nil
	}

	// Another command may be doing the same: each fills a folder of its own, and one of them gets the name.
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(dir, "new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	replace := map[string]string{}
	for _, name := range names {
		file := filepath.Join(tmp, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			return "", err
		}
		if err := os.WriteFile(file, []byte(files[name]), 0o666); err != nil {
			return "", err
		}
		replace[filepath.Join(t.Root, "src", filepath.FromSlash(name))] = filepath.Join(final, filepath.FromSlash(name))
	}
	text, err := json.MarshalIndent(map[string]any{"Replace": replace}, "", "\t")
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(tmp, "overlay.json"), text, 0o666); err != nil {
		return "", err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return "", err
	}
	if err := os.Rename(tmp, final); err != nil {
		if _, there := os.Stat(index); !errors.Is(err, fs.ErrExist) && there != nil {
			return "", err
		}
	}
	return index, nil
}
