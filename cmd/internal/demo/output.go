// output.go: a file that appears under its name only when it is complete. Whether it can be written is found out before the run,
// which would else be for nothing; what is wrong is said in terms of the name that was given, never of the temporary file.

package demo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// An output is such a file, named by the flag -svg.
type output struct{ path, temp string }

// createOutput makes sure that the file can be written. A nil output, for no name, may be used and does nothing.
func createOutput(path string) (*output, error) {
	if path == "" {
		return nil, nil
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, fmt.Errorf("-svg %s is a directory; name a file", path)
	} else if err == nil && !info.Mode().IsRegular() { // the rename would replace a device by a file
		return nil, fmt.Errorf("-svg %s is not a regular file; name another", path)
	}
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("-svg %s: %s does not exist", path, dir)
	} else if err == nil && !info.IsDir() {
		return nil, fmt.Errorf("-svg %s: %s is not a directory", path, dir)
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-")
	if err != nil {
		return nil, unwritable(path, err)
	}
	return &output{path, f.Name()}, f.Close()
}

// finish writes the file.
func (o *output) finish(write func(io.Writer) error) error {
	if o == nil {
		return nil
	}
	var b bytes.Buffer
	err := write(&b)
	if err == nil {
		err = os.WriteFile(o.temp, b.Bytes(), 0o644)
	}
	if err == nil {
		err = os.Chmod(o.temp, 0o644) // a temporary file is for its owner only, a drawing is not
	}
	if err == nil {
		err = os.Rename(o.temp, o.path)
	}
	if err != nil {
		return unwritable(o.path, err)
	}
	return nil
}

// discard removes what finish did not finish.
func (o *output) discard() {
	if o != nil {
		os.Remove(o.temp)
	}
}

// unwritable keeps of an error what is not about the temporary file.
func unwritable(path string, err error) error {
	var at *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &at):
		err = at.Err
	case errors.As(err, &link):
		err = link.Err
	}
	return fmt.Errorf("-svg %s cannot be written: %w", path, err)
}
