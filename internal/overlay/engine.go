package overlay

// The engine as a package of the standard library.

import (
	"embed"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed engine
var engine embed.FS

// enginePath is the folder below GOROOT/src that the engine is added to. It exists in every toolchain, for go vet fails on one
// that does not, and holds other packages but no files of its own.
const enginePath = "internal/runtime"

// addEngine adds the files of the engine.
func addEngine(files map[string]string) error {
	return fs.WalkDir(engine, "engine", func(p string, d fs.DirEntry, err error) error {
		name := path.Base(p)
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := engine.ReadFile(p)
		if err != nil {
			return err
		}
		files[enginePath+"/"+name] = string(text) // its functions are marked as unwatched marks those of _std
		return err
	})
}

// unwatched marks all functions of a file as invisible to the race detector, as those of the engine are: what it reads and writes is guarded by
// words of its own, which must not look like synchronization of the program.
func unwatched(name, text string) (string, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return "", err
	}
	var at []int
	for _, d := range f.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
			at = append(at, fset.Position(f.Pos()).Offset)
		}
	}
	for _, i := range slices.Backward(at) {
		text = text[:i] + "//go:norace\n" + text[i:]
	}
	return text, nil
}
