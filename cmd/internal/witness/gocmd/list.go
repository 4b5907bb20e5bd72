package gocmd

// The packages that a command line builds, and the names of the locks in them.

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/serializing-tokens/lwkt/cmd/internal/witness/sites"
)

// A Package is what go list says of one.
type Package struct {
	ImportPath      string
	Name            string
	Dir             string
	Export          string // the file with what it exports
	Standard        bool
	DepOnly         bool
	ForTest         string
	CompiledGoFiles []string
	ImportMap       map[string]string
	Error           *struct{ Err string }
}

// Path is the import path without the mark of a test variant.
func (p *Package) Path() string {
	path, _, _ := strings.Cut(p.ImportPath, " ")
	return path
}

// program is the package as functions in a running program have it in their names.
func (p *Package) program() string {
	if p.Name == "main" {
		return "main"
	}
	return p.Path()
}

// List builds what the arguments name, as far as the compiler, and lists it with all that it needs. A package that does not
// compile is no error here: the go command that follows says it better.
func (g *Go) List(a Args, tests bool) ([]*Package, error) {
	args := []string{"-e", "-deps", "-export", "-compiled", "-json=ImportPath,Name,Dir,Export,Standard,DepOnly,ForTest,CompiledGoFiles,ImportMap,Error"}
	if tests {
		args = append(args, "-test")
	}
	args = append(append(args, a.Build...), "--")
	c := g.Command("list", append(args, a.Packages...)...)
	var errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.Output()
	var list []*Package
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		p := new(Package)
		if err := d.Decode(p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		list = append(list, p)
	}
	if err != nil && len(list) == 0 {
		return nil, fmt.Errorf("go list: %w\n%s", err, errs.Bytes())
	}
	return list, nil
}

// uses finds the packages that may use locks, without parsing them.
var uses = regexp.MustCompile(`\.(Lock|TryLock|RLock|TryRLock|RLocker|Do|Wait|Add|Go|Signal|Broadcast)\(`)

// Names makes the table from places to names of locks and gives its file. What was found out about a package is kept in the cache.
func (g *Go) Names(list []*Package) (string, error) {
	w := newWorld(list)
	tables := make([]string, len(list))
	todo := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range todo {
				tables[i] = g.table(list[i], w)
			}
		})
	}
	for i := range list {
		todo <- i
	}
	close(todo)
	workers.Wait()
	return g.keep(strings.Join(tables, ""), "names")
}

// keep puts a text into the cache under its own digest.
func (g *Go) keep(text, kind string) (string, error) {
	sum := sha256.Sum256([]byte(text))
	return g.write(kind, hex.EncodeToString(sum[:12]), text)
}

func (g *Go) write(kind, name, text string) (string, error) {
	dir := filepath.Join(g.Cache, kind)
	file := filepath.Join(dir, name)
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	tmp, err := os.CreateTemp(dir, "new-")
	if err != nil {
		return "", err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(text)
	if err := errors.Join(err, tmp.Close(), os.Rename(tmp.Name(), file)); err != nil {
		return "", err
	}
	return file, nil
}

// tableVersion changes whenever the same package gets another table.
const tableVersion = "3"

// table is the part of the names that one package has.
func (g *Go) table(p *Package, w *world) string {
	if p.Export == "" || p.Path() == "sync" {
		return ""
	}
	// The name of the export file is a digest of all that went into it.
	sum := sha256.Sum256([]byte(tableVersion + p.ImportPath + filepath.Base(filepath.Dir(p.Export)) + filepath.Base(p.Export)))
	name := hex.EncodeToString(sum[:12])
	if text, err := os.ReadFile(filepath.Join(g.Cache, "tables", name)); err == nil {
		return string(text)
	}
	text := sites.Table(find(p, w))
	_, _ = g.write("tables", name, text) // without it the next run does it again
	return text
}

func find(p *Package, w *world) []sites.Site {
	fset := token.NewFileSet()
	files, used := parse(fset, p)
	if !used {
		return nil
	}
	info := &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
	}
	config := types.Config{Importer: w.imports(p, fset), Error: func(error) {}, FakeImportC: true}
	_, _ = config.Check(p.Path(), fset, files, info) // as far as it goes
	return sites.Find(fset, p.program(), files, info)
}

// parse reads the files of a package, and says whether it may use locks.
func parse(fset *token.FileSet, p *Package) (files []*ast.File, used bool) {
	for _, f := range p.CompiledGoFiles {
		if !filepath.IsAbs(f) {
			f = filepath.Join(p.Dir, f)
		}
		text, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		used = used || uses.Match(text)
		if file, err := parser.ParseFile(fset, f, text, parser.SkipObjectResolution); file != nil && (err == nil || len(file.Decls) > 0) {
			files = append(files, file)
		}
	}
	return files, used
}

// Own says which packages are the user's: those that are named, and all that are not in the standard library.
func Own(list []*Package) func(pkg string) bool {
	std, named := map[string]bool{}, map[string]bool{}
	for _, p := range list {
		std[p.Path()] = std[p.Path()] || p.Standard
		named[p.Path()] = named[p.Path()] || !p.DepOnly && !strings.HasSuffix(p.Path(), ".test")
	}
	return func(pkg string) bool {
		switch {
		case named[pkg] || named[strings.TrimSuffix(pkg, "_test")] || pkg == "main":
			return true
		case std[pkg]:
			return false
		}
		if _, known := std[pkg]; known {
			return true
		}
		// Another program's package: those outside of the standard library have a dot in their first element.
		first, _, _ := strings.Cut(pkg, "/")
		return strings.Contains(first, ".") || !slices.Contains(stdRoots, first)
	}
}

// stdRoots are the first elements of the paths of the standard library.
var stdRoots = []string{
	"archive", "bufio", "bytes", "cmp", "compress", "container", "context", "crypto", "database", "debug", "embed", "encoding",
	"errors", "expvar", "flag", "fmt", "go", "hash", "html", "image", "index", "internal", "io", "iter", "log", "maps", "math",
	"mime", "net", "os", "path", "plugin", "reflect", "regexp", "runtime", "slices", "sort", "strconv", "strings", "structs",
	"sync", "syscall", "testing", "text", "time", "unicode", "unique", "unsafe", "vendor", "weak",
}
