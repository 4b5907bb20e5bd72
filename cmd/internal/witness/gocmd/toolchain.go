package gocmd

// Which go command there is, and one that takes an overlay.

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/serializing-tokens/lwkt/internal/overlay"
)

// A Go is a go command with an overlay.
type Go struct {
	Version string
	Cache   string // our own folder below the user's cache

	path    string   // of the go command
	dir     string   // where it is run
	env     []string // what it is run with
	overlay string   // the file for -overlay
	flags   string   // GOFLAGS
}

// Find asks the go command in PATH what it is in that folder, for go.mod and GOTOOLCHAIN choose the toolchain, and writes the
// overlay for it. What cannot be done is an error that says how to go on.
func Find(dir string) (*Go, error) {
	ask := exec.Command("go", "env", "-json", "GOROOT", "GOVERSION", "GOMODCACHE", "GOCACHE", "GOFLAGS")
	ask.Dir = dir
	ask.Stderr = os.Stderr
	out, err := ask.Output()
	if err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, errors.New("there is no go command in PATH")
		}
		return nil, fmt.Errorf("go env: %w", err)
	}
	var env struct{ GOROOT, GOVERSION, GOMODCACHE, GOCACHE, GOFLAGS string }
	if err := json.Unmarshal(out, &env); err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	cache, err := cacheDir(env.GOCACHE)
	if err != nil {
		return nil, err
	}
	g := &Go{Version: env.GOVERSION, Cache: cache, path: "go", dir: dir, env: os.Environ(), flags: env.GOFLAGS}
	root := env.GOROOT
	if rel, err := filepath.Rel(env.GOMODCACHE, root); env.GOMODCACHE != "" && err == nil && !strings.HasPrefix(rel, "..") {
		// A toolchain that was downloaded lies in the module cache, and the go command refuses to replace what lies there. Under
		// another name it does not.
		if root, err = alias(filepath.Join(cache, "roots"), root); err != nil {
			return nil, err
		}
		g.path = filepath.Join(root, "bin", "go")
		g.env = append(g.env, "GOROOT="+root, "GOTOOLCHAIN=local")
	}
	g.overlay, err = overlay.Toolchain{Root: root, Version: env.GOVERSION}.Write(filepath.Join(cache, "overlay"))
	return g, err
}

// cacheDir is the folder that this command writes to. The environment may name another one; without a home it lies beside Go's.
func cacheDir(goCache string) (string, error) {
	if dir := os.Getenv("LWKT_WITNESS_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil && filepath.IsAbs(goCache) {
		dir, err = filepath.Dir(goCache), nil
	}
	if err != nil {
		return "", fmt.Errorf("no folder for the overlay: %w; LWKT_WITNESS_CACHE can name one", err)
	}
	return filepath.Join(dir, "lwkt-witness"), nil
}

// alias makes a link to a folder, with the same last name, and gives its path.
func alias(dir, to string) (string, error) {
	link := filepath.Join(dir, filepath.Base(to))
	if have, err := os.Readlink(link); err == nil && have == to {
		return link, nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	_ = os.Remove(link)
	if err := os.Symlink(to, link); err != nil {
		if have, _ := os.Readlink(link); have != to { // somebody else has just made it
			return "", fmt.Errorf("the toolchain lies in the module cache and needs another name: %w", err)
		}
	}
	return link, nil
}

// Command is a go command line with the overlay.
func (g *Go) Command(verb string, args ...string) *exec.Cmd {
	c := exec.Command(g.path, append([]string{verb, "-overlay=" + g.overlay}, args...)...)
	c.Dir = g.dir
	c.Env = g.env
	return c
}

// Keeps gives the arguments with what makes the program that is built find the names of locks by itself, on this machine.
func (g *Go) Keeps(a Args, names string) Args {
	if strings.Contains(g.flags, "-ldflags") && !a.Has("ldflags") {
		return a // they would be overridden
	}
	name := "-X 'sync.witnessBuilt=" + names + "'"
	a.Flags = slices.Clone(a.Flags)
	for i, f := range a.Flags {
		value, ok := strings.CutPrefix(f, "-ldflags=")
		if !ok {
			continue
		}
		if pattern, flags, ok := strings.Cut(value, "="); ok && !strings.HasPrefix(value, "-") && !strings.ContainsAny(pattern, " '\"") {
			a.Flags[i] = "-ldflags=" + pattern + "=" + name + " " + flags
		} else {
			a.Flags[i] = "-ldflags=" + name + " " + value
		}
		return a
	}
	a.Flags = append(a.Flags, "-ldflags="+name)
	return a
}
