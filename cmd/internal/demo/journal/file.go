// file.go: creating a journal file, and errors that say which file it is about and what to do.
//
// Why it is correct: a journal is created with O_EXCL, so that no earlier one is ever overwritten or mixed with a new one; its
// directory is synced after that, so that a file whose records are durable cannot lose its name in a crash.

package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Ext ends the name of every journal file.
const Ext = ".journal"

// maxNames bounds the journals of one name in one directory; who has that many has forgotten about them.
const maxNames = 10_000

// Create makes a new journal file in dir, called name.journal, or name.2.journal and so on if there are earlier ones, and starts
// its writer. The error names the path and says what to do about it.
func Create(dir, name string) (*Writer, error) {
	for i := 1; i <= maxNames; i++ {
		path := filepath.Join(dir, name+Ext)
		if i > 1 {
			path = filepath.Join(dir, fmt.Sprintf("%s.%d%s", name, i, Ext))
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, explain(path, err)
		}
		syncDir(dir)
		return NewWriter(path, f), nil
	}
	return nil, fmt.Errorf("journal directory %s: it holds %d journals called %s: remove some", dir, maxNames, name)
}

// syncDir makes the name of a new file durable. Its error is not one of ours: not every system can sync a directory (Windows
// cannot), and a lost name loses the whole journal, never a part of it.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		d.Sync()
		d.Close()
	}
}

// MakeDir makes the directory for journals if it does not exist.
func MakeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return explain(dir, err)
	}
	return nil
}

// explain says what an error is about, and what to do.
func explain(path string, err error) error {
	return fmt.Errorf("journal %s: %w; %s", path, pathless(err), advice(err))
}

// unreadable is explain for a journal that is read: there is no other directory to name.
func unreadable(path string, err error) error {
	todo := "check the path"
	if errors.Is(err, fs.ErrPermission) {
		todo = "make it readable for you"
	}
	return fmt.Errorf("journal %s: %w; %s", path, pathless(err), todo)
}

// pathless leaves out the path that failed, which may be a parent of ours: ours is what the user knows.
func pathless(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return fmt.Errorf("%s: %w", at.Op, at.Err)
	}
	return err
}

// advice is what to do about an error. What is wrong stands before it, in the words of the system.
func advice(err error) string {
	const elsewhere = "name another directory with -journal DIR"
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "free some space or " + elsewhere
	case errors.Is(err, fs.ErrPermission):
		return "make it writable for you or " + elsewhere
	case errors.Is(err, syscall.EROFS):
		return elsewhere
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		return "a file is in the way: " + elsewhere
	case errors.Is(err, fs.ErrNotExist):
		return "check the path"
	}
	return "check the disk or " + elsewhere
}
