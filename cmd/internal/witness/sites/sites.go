// Package sites finds out which lock each call in a program is about: the field or variable that it lives in.
//
// A program that runs knows only the place of a call. So the command looks at the source first, with types, and hands the program
// a table from places to names. A place is the package, the base name of the file and the line, which is what the program can
// tell of its own code however it was built.
package sites

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
)

// Above stands for a lock that was handed in, followed by the number of the parameter: the caller's line says what it is.
const Above = "^"

// A Site is a call that is about a lock.
type Site struct {
	Place string // net/http/server.go:3412; for a lock that is handed on and not used, with # and the number of the argument
	Name  string // of the lock: net/http.Server.mu, or Above
}

// methods are the methods of package sync that a lock is first used by.
var methods = []string{
	"Mutex.Lock", "Mutex.TryLock", "RWMutex.Lock", "RWMutex.TryLock", "RWMutex.RLock", "RWMutex.TryRLock", "RWMutex.RLocker",
	"Locker.Lock", "Once.Do", "WaitGroup.Add", "WaitGroup.Go", "WaitGroup.Wait", "Cond.Wait", "Cond.Signal", "Cond.Broadcast",
}

// locks are the types of package sync whose names are looked for.
var locks = []string{"Mutex", "RWMutex", "Locker", "Once", "WaitGroup", "Cond"}

// a finder looks through the files of one package.
type finder struct {
	fset *token.FileSet
	pkg  string // as the running program names it: main, not example.com/cmd/tool
	info *types.Info
	vars map[types.Object][]ast.Expr // what local variables were set to
	nums map[types.Object]int        // which parameter one is
	fn   string                      // the function that is being looked at
	list []Site
}

// Find lists the calls of a package that was type-checked. Missing types are no error: the call then has no name.
func Find(fset *token.FileSet, pkg string, files []*ast.File, info *types.Info) []Site {
	f := &finder{fset: fset, pkg: pkg, info: info, vars: map[types.Object][]ast.Expr{}, nums: map[types.Object]int{}}
	for _, file := range files {
		ast.Inspect(file, f.assignments)
	}
	for _, file := range files {
		for _, d := range file.Decls {
			f.fn = "init"
			if d, ok := d.(*ast.FuncDecl); ok {
				f.fn = d.Name.Name
				if d.Recv != nil && len(d.Recv.List) == 1 {
					f.fn = typeName(info.TypeOf(d.Recv.List[0].Type)) + "." + f.fn
				}
			}
			ast.Inspect(d, f.call)
		}
	}
	return f.list
}

// assignments remembers where local variables come from.
func (f *finder) assignments(n ast.Node) bool {
	set := func(to, from ast.Expr) {
		if id, ok := to.(*ast.Ident); ok {
			if o := f.info.ObjectOf(id); o != nil {
				f.vars[o] = append(f.vars[o], from)
			}
		}
	}
	switch n := n.(type) {
	case *ast.AssignStmt:
		for i, to := range n.Lhs {
			if len(n.Lhs) == len(n.Rhs) {
				set(to, n.Rhs[i])
			} else {
				set(to, nil)
			}
		}
	case *ast.ValueSpec:
		for i, to := range n.Names {
			if i < len(n.Values) && len(n.Values) == len(n.Names) {
				set(to, n.Values[i])
			}
		}
	case *ast.RangeStmt:
		if n.Value != nil && n.Tok == token.DEFINE {
			set(n.Value, &ast.IndexExpr{X: n.X, Index: n.X})
		}
	case *ast.FuncType:
		i := 0
		for _, field := range n.Params.List {
			for _, id := range field.Names {
				f.nums[f.info.Defs[id]] = i
				i++
			}
			if len(field.Names) == 0 {
				i++
			}
		}
	}
	return true
}

// call looks at one call.
func (f *finder) call(n ast.Node) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return true
	}
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
		if s := f.info.Selections[sel]; s != nil && s.Kind() == types.MethodVal && slices.Contains(methods, method(s.Obj())) {
			name := f.name(sel.X, 0)
			if index := s.Index(); len(index) > 1 {
				name = f.promoted(name, s.Recv(), index[:len(index)-1])
			}
			f.add(call, name, "")
			return true
		}
	}
	for i, arg := range call.Args {
		if t := f.info.TypeOf(arg); t != nil && isLock(t) {
			f.add(call, f.name(arg, 0), fmt.Sprintf("#%d", i))
		}
	}
	return true
}

func (f *finder) add(call *ast.CallExpr, name, arg string) {
	// The line that a program reports for a call is the one of its closing parenthesis or its selector; both are kept.
	for _, p := range []token.Pos{call.Lparen, call.Pos()} {
		at := f.fset.Position(p)
		s := Site{fmt.Sprintf("%s/%s:%d%s", f.pkg, filepath.Base(at.Filename), at.Line, arg), name}
		if name != "" && (len(f.list) == 0 || f.list[len(f.list)-1] != s) {
			f.list = append(f.list, s)
		}
	}
}

// method is the name of a method of package sync with its type, as methods has it.
func method(o types.Object) string {
	fn, ok := o.(*types.Func)
	if !ok || fn.Pkg() == nil || fn.Pkg().Path() != "sync" {
		return ""
	}
	return typeName(fn.Type().(*types.Signature).Recv().Type()) + "." + fn.Name()
}

// isLock says whether a value is one of the locks, or a pointer to one.
func isLock(t types.Type) bool {
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	} else if !types.IsInterface(t) {
		return false
	}
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == "sync" && slices.Contains(locks, n.Obj().Name())
}

// typeName is the name of a type without pointer, package and type arguments.
func typeName(t types.Type) string {
	if t == nil {
		return ""
	}
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		return t.Obj().Name()
	case *types.TypeParam:
		return t.Obj().Name()
	}
	return ""
}

// promoted names an embedded lock: the name of the type that holds it and of the field.
func (f *finder) promoted(name string, t types.Type, index []int) string {
	for _, i := range index {
		if p, ok := t.Underlying().(*types.Pointer); ok {
			t = p.Elem()
		}
		s, ok := t.Underlying().(*types.Struct)
		if !ok {
			return ""
		}
		name = f.field(t, name, s.Field(i))
		t = s.Field(i).Type()
	}
	return name
}

// field names a field by its type, or by the variable if the type has no name.
func (f *finder) field(t types.Type, outer string, v *types.Var) string {
	if n := typeName(t); n != "" {
		pkg := ""
		if v.Pkg() != nil {
			pkg = v.Pkg().Path()
		}
		return pkg + "." + n + "." + v.Name()
	}
	if outer == "" || strings.HasPrefix(outer, Above) {
		return ""
	}
	return outer + "." + v.Name()
}

// name is the name of the lock that an expression gives, or of the thing that holds it; Above for a parameter, "" if there is none.
func (f *finder) name(e ast.Expr, depth int) string {
	if depth > 8 {
		return ""
	}
	switch e := e.(type) {
	case *ast.ParenExpr:
		return f.name(e.X, depth+1)
	case *ast.StarExpr:
		return f.name(e.X, depth+1)
	case *ast.UnaryExpr:
		if e.Op == token.AND {
			return f.name(e.X, depth+1)
		}
	case *ast.TypeAssertExpr:
		return f.name(e.X, depth+1)
	case *ast.IndexExpr:
		if n := f.name(e.X, depth+1); n != "" && !strings.HasPrefix(n, Above) {
			return n + "[]"
		}
	case *ast.SelectorExpr:
		if s := f.info.Selections[e]; s != nil {
			if s.Kind() != types.FieldVal {
				return ""
			}
			return f.promoted(f.name(e.X, depth+1), s.Recv(), s.Index())
		}
		if v, ok := f.info.Uses[e.Sel].(*types.Var); ok && v.Pkg() != nil { // another package's variable
			return v.Pkg().Path() + "." + v.Name()
		}
	case *ast.CallExpr:
		// sync.NewCond(&l) and rw.RLocker() are about their lock; new(T) and others are what they are assigned to.
		if sel, ok := ast.Unparen(e.Fun).(*ast.SelectorExpr); ok && sel.Sel.Name == "RLocker" {
			return f.name(sel.X, depth+1)
		}
	case *ast.Ident:
		v, ok := f.info.ObjectOf(e).(*types.Var)
		if !ok || v.Pkg() == nil {
			return ""
		}
		if v.Parent() == v.Pkg().Scope() {
			return v.Pkg().Path() + "." + v.Name()
		}
		from, set := f.vars[v]
		_, pointer := v.Type().Underlying().(*types.Pointer)
		if !pointer && !types.IsInterface(v.Type()) {
			return v.Pkg().Path() + "." + f.fn + "." + v.Name()
		}
		if i, param := f.nums[v]; param && !set {
			return fmt.Sprintf("%s%d", Above, i)
		}
		if len(from) == 1 && from[0] != nil {
			if n := f.name(from[0], depth+1); n != "" {
				return n
			}
		}
		return v.Pkg().Path() + "." + f.fn + "." + v.Name()
	}
	return ""
}

// Table writes what a program reads: a line for each place and name, in the order of the source.
func Table(list []Site) string {
	var b strings.Builder
	seen := map[Site]bool{}
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			fmt.Fprintf(&b, "%s\t%s\n", s.Place, s.Name)
		}
	}
	return b.String()
}
