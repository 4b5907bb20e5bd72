package gocmd

// What a package imports, for the type checker: from the files that the compiler wrote or, if those are of a later release than
// this program can read, from source.

import (
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"slices"
	"sync"
)

// A world is all packages of a program, by their import paths as go list has them.
type world struct {
	packages map[string]*Package
	source   *fromSource // nil if what the compiler wrote can be read
}

func newWorld(list []*Package) *world {
	w := &world{packages: map[string]*Package{}}
	for _, p := range list {
		w.packages[p.ImportPath] = p
	}
	i := slices.IndexFunc(list, func(p *Package) bool { return p.Export != "" && p.Path() != "unsafe" })
	if i >= 0 && !w.readable(list[i]) {
		w.source = &fromSource{w: w, fset: token.NewFileSet(), done: map[string]*types.Package{}}
	}
	return w
}

// readable says whether the format is known here. A witness that was built by Go 1.26 cannot read what the compiler of 1.27 writes.
func (w *world) readable(p *Package) (ok bool) {
	defer func() {
		if recover() != nil { // the importer panics if it is not
			ok = false
		}
	}()
	_, err := importer.ForCompiler(token.NewFileSet(), "gc", w.open).Import(p.ImportPath)
	return err == nil
}

func (w *world) open(path string) (io.ReadCloser, error) {
	p := w.packages[path]
	if p == nil || p.Export == "" {
		return nil, fmt.Errorf("no package %s", path)
	}
	return os.Open(p.Export)
}

// imports is the importer for one package.
func (w *world) imports(p *Package, fset *token.FileSet) types.Importer {
	if w.source != nil {
		return importerFunc(func(path string) (*types.Package, error) {
			w.source.mu.Lock()
			defer w.source.mu.Unlock()
			return w.source.check(p.mapped(path))
		})
	}
	return importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return w.open(p.mapped(path)) })
}

// mapped is the package that an import path in the source stands for: a test variant, or one that is vendored.
func (p *Package) mapped(path string) string {
	if to, ok := p.ImportMap[path]; ok {
		return to
	}
	return path
}

type importerFunc func(path string) (*types.Package, error)

func (f importerFunc) Import(path string) (*types.Package, error) { return f(path) }

// fromSource checks packages without the bodies of their functions.
type fromSource struct {
	w    *world
	mu   sync.Mutex
	fset *token.FileSet
	done map[string]*types.Package // (mu) nil while it is being checked
}

func (s *fromSource) check(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	done, seen := s.done[path]
	p := s.w.packages[path]
	switch {
	case done != nil:
		return done, nil
	case p == nil || seen:
		return nil, fmt.Errorf("no package %s", path)
	}
	s.done[path] = nil
	files, _ := parse(s.fset, p)
	config := types.Config{
		Importer: importerFunc(func(path string) (*types.Package, error) { return s.check(p.mapped(path)) }),
		Error:    func(error) {}, IgnoreFuncBodies: true, FakeImportC: true,
	}
	s.done[path], _ = config.Check(p.Path(), s.fset, files, nil) // as far as it goes
	return s.done[path], nil
}
