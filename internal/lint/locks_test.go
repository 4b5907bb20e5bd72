// A lock cannot be copied without vet noticing.
package lint

import (
	"go/ast"
	"regexp"
	"slices"
	"testing"
)

// lockMethod are the names by which one takes, gives or waits. A method of such
// a name with a pointer receiver and a *Thread among its parameters makes a type
// a lock type.
var lockMethod = regexp.MustCompile(`^(Try)?(Acquire|Release|[RWSX]?(Lock|Unlock)|Enter|Leave|Wait)`)

// lockTypes gives the declarations of the lock types of the root package.
func lockTypes(t *tree) (locks []*ast.TypeSpec) {
	is := map[string]bool{}
	for _, s := range t.sources {
		if s.dir != "." || s.test() {
			continue
		}
		for _, d := range s.file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || !lockMethod.MatchString(fn.Name.Name) {
				continue
			}
			if _, ok := fn.Recv.List[0].Type.(*ast.StarExpr); ok && slices.ContainsFunc(fn.Type.Params.List, takesThread) {
				is[receiver(fn)] = true
			}
		}
	}
	rootTypes(t, func(spec *ast.TypeSpec) {
		if is[spec.Name.Name] {
			locks = append(locks, spec)
		}
	})
	return locks
}

// takesThread is true for a parameter of type *Thread.
func takesThread(f *ast.Field) bool {
	star, ok := f.Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	id, ok := star.X.(*ast.Ident)
	return ok && id.Name == "Thread"
}

// rootTypes visits the type declarations of the root package.
func rootTypes(t *tree, visit func(*ast.TypeSpec)) {
	for _, s := range t.sources {
		if s.dir != "." || s.test() {
			continue
		}
		for _, d := range s.file.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				for _, spec := range g.Specs {
					if spec, ok := spec.(*ast.TypeSpec); ok {
						visit(spec)
					}
				}
			}
		}
	}
}

// uncopyable wants a field "_ noCopy" at the head of each lock type, as vet's
// copylocks knows a lock by methods Lock() and Unlock() without parameters, and
// ours have some. At the head it costs nothing; an empty struct at the end is
// padded. It also wants noCopy to be what vet looks for.
func uncopyable(t *tree) (findings []string) {
	locks := lockTypes(t)
	for _, l := range locks {
		st, ok := l.Type.(*ast.StructType)
		if !ok {
			findings = append(findings, t.at(l.Pos(), "lock type %s is not a struct, so a copy of it goes unnoticed: make it one with a leading field _ noCopy", l.Name.Name))
			continue
		}
		if !leadsWithNoCopy(st) {
			findings = append(findings, t.at(l.Pos(), "lock type %s can be copied unnoticed: its first field must be _ noCopy", l.Name.Name))
		}
	}
	if len(locks) == 0 {
		return findings
	}
	methods := map[string]bool{}
	for _, s := range t.sources {
		for _, d := range s.file.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && s.dir == "." && !s.test() && fn.Recv != nil && receiver(fn) == "noCopy" {
				_, pointer := fn.Recv.List[0].Type.(*ast.StarExpr)
				methods[fn.Name.Name] = pointer && len(fn.Type.Params.List) == 0 && fn.Type.Results == nil
			}
		}
	}
	if !methods["Lock"] || !methods["Unlock"] {
		findings = append(findings, t.at(locks[0].Pos(), "vet does not know noCopy for a lock: declare type noCopy struct{} with methods func (*noCopy) Lock() and func (*noCopy) Unlock()"))
	}
	return findings
}

// leadsWithNoCopy looks at the first field.
func leadsWithNoCopy(st *ast.StructType) bool {
	if len(st.Fields.List) == 0 {
		return false
	}
	f := st.Fields.List[0]
	id, ok := f.Type.(*ast.Ident)
	return ok && id.Name == "noCopy" && len(f.Names) == 1 && f.Names[0].Name == "_"
}

func TestUncopyable(t *testing.T) {
	const noCopy = "package lwkt\n\ntype noCopy struct{}\n\nfunc (*noCopy) Lock()   {}\nfunc (*noCopy) Unlock() {}\n"
	holds(t, uncopyable, []plant{
		{"guarded", map[string]string{
			"nocopy.go": noCopy,
			"a.go": `package lwkt

type Token struct {
	_ noCopy
	w Uint64
}

func (k *Token) Acquire(td *Thread) (changed bool) { return false }

type Guarded[T any] struct {
	_ noCopy
	v T
}

func (g *Guarded[T]) TryAcquire(td *Thread) bool { return false }

type locker struct{ td *Thread }

func (l *locker) Lock() {}

type Set []*Token

func (s Set) Acquire(td *Thread) {}

type Snapshot struct{ n int }

func (s *Snapshot) Of(td *Thread) {}
`,
			"a_test.go":     "package lwkt\n\ntype fake struct{}\n\nfunc (f *fake) Lock(td *Thread) {}\n",
			"locktest/a.go": "package locktest\n\ntype Wrapped struct{}\n\nfunc (w *Wrapped) Lock(td *Thread) {}\n",
		}, nil},
		{"bare", map[string]string{
			"nocopy.go": noCopy,
			"a.go": `package lwkt

type Mtx struct {
	w Uint64
	_ noCopy
}

func (m *Mtx) Unlock(td *Thread) {}

type SX struct{}

func (s *SX) TryXLock(td *Thread) bool { return false }

type Gen[T any] struct{ v T }

func (g *Gen[T]) AcquireContext(ctx context.Context, td *Thread) error { return nil }

type Word uint64

func (w *Word) RLock(td *Thread) {}
`,
		}, []string{"a.go:3: lock type Mtx can be copied", "lock type SX", "lock type Gen", "lock type Word is not a struct"}},
		{"a noCopy that vet passes over", map[string]string{
			"a.go": "package lwkt\n\ntype noCopy struct{}\n\nfunc (noCopy) Lock() {}\nfunc (*noCopy) Unlock() {}\n\ntype Mtx struct{ _ noCopy }\n\nfunc (m *Mtx) Lock(td *Thread) {}\n",
		}, []string{"vet does not know noCopy for a lock"}},
	})
}
