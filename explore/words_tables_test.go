//go:build lwkt_words

// The tables in the headers of state machines, compared with what happens: every change of a word
// that is seen in explorations must be in a row which the code cites where it makes the change, and
// every row must be seen.
package explore_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"maps"
	"math/bits"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/lock"
	"github.com/serializing-tokens/lwkt/rmlock"
	"github.com/serializing-tokens/lwkt/sim"
)

// table is the table of one header.
type table struct {
	file   string   // where it stands
	states []string // what the values of a state are called, if it is one
	things []string // what an address may be that is there, or not

	layout map[string]bitField
	rows   []tableRow
}

type bitField struct{ shift, width int }

func (f bitField) of(v uint64) uint64 { return v >> f.shift & (1<<f.width - 1) }

// tableRow is one way from a state to another.
type tableRow struct {
	label    string
	from, to string
}

func (r tableRow) String() string { return r.label + " " + r.from + " -> " + r.to }

var (
	aSection = regexp.MustCompile(`^[A-Z][a-z ]+:`)
	aRow     = regexp.MustCompile(`^\t([A-Z][0-9]+)\s+(.*)$`)
	aParen   = regexp.MustCompile(`\([^)]*\)`)
	anArrow  = regexp.MustCompile(`([^;]*?)\s*--(.+?)-*>\s*([^;]*)`)
	aField   = regexp.MustCompile(`(\d+)(?:\.\.(\d+))? ([a-z ]+?)\s*(?:[|;]|$)`)
	aLabel   = regexp.MustCompile(`\b([A-Z])([0-9]+)(?:-[A-Z]([0-9]+))?\b`)
)

// parse reads the table.
func (b *table) parse(t *testing.T) {
	f, err := parser.ParseFile(gotoken.NewFileSet(), b.file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	section := func(name string) (lines []string) {
		for _, g := range f.Comments {
			if _, text, ok := strings.Cut("\n"+g.Text(), "\n"+name+":"); ok {
				for line := range strings.Lines(text) {
					if len(lines) > 0 && aSection.MatchString(line) {
						break
					}
					lines = append(lines, strings.TrimRight(line, "\n"))
				}
				return lines
			}
		}
		return nil
	}
	b.layout = make(map[string]bitField)
	for _, m := range aField.FindAllStringSubmatch(strings.Join(section("Layout"), " "), -1) {
		high, _ := strconv.Atoi(m[1])
		low := high
		if m[2] != "" {
			low, _ = strconv.Atoi(m[2])
		}
		b.layout[m[3]] = bitField{low, high - low + 1}
	}
	for _, line := range section("Transitions") {
		m := aRow.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		arrows := anArrow.FindAllStringSubmatch(aParen.ReplaceAllString(m[2], ""), -1)
		if arrows == nil {
			t.Errorf("%s: %s leads nowhere: %s", b.file, m[1], m[2])
		}
		for _, a := range arrows {
			for from := range strings.SplitSeq(strings.TrimSpace(a[1]), " or ") {
				for to := range strings.SplitSeq(strings.TrimSpace(a[3]), " or ") {
					r := tableRow{m[1], from, to}
					for phrase := range strings.SplitSeq(from, ", ") {
						if _, ok := b.is(phrase, 0); !ok {
							t.Errorf("%s: nobody knows when a word is %q", b.file, phrase)
						}
					}
					for phrase := range strings.SplitSeq(to, ", ") {
						if _, _, ok := b.becomes(phrase, 0, 0); !ok {
							t.Errorf("%s: nobody knows how a word becomes %q", b.file, phrase)
						}
					}
					b.rows = append(b.rows, r)
				}
			}
		}
	}
	if len(b.rows) == 0 {
		t.Errorf("%s has no rows", b.file)
	}
}

// nobody is the owner of a lock that was disowned; the next number, of one that is there no more.
const nobody = 1<<24 - 2

// is says whether v is what the phrase says, and whether the phrase is one.
func (b *table) is(phrase string, v uint64) (yes, ok bool) {
	if i := slices.Index(b.states, phrase); b.states != nil {
		return v == uint64(i), i >= 0
	}
	owner, owned := b.layout["owner"]
	switch {
	case phrase == "any":
		return true, true
	case phrase == "no marks":
		for _, f := range b.layout {
			if f.width == 1 && f.of(v) != 0 {
				return false, true
			}
		}
		return true, true
	case owned && phrase == "free":
		return owner.of(v) == 0 && b.layout["shares"].of(v) == 0, true
	case owned && phrase == "owned":
		return owner.of(v) != 0 && owner.of(v) < nobody, true
	case owned && phrase == "not owned":
		return owner.of(v) == 0, true
	case owned && phrase == "disowned":
		return owner.of(v) == nobody, true
	case owned && (phrase == "destroyed" || phrase == "merged"):
		return owner.of(v) == nobody+1, true
	}
	name, n, more := phrase, "", false
	if name, n, more = strings.Cut(phrase, " > "); !more {
		if i := strings.LastIndexByte(phrase, ' '); i >= 0 && strings.Trim(phrase[i+1:], "0123456789") == "" {
			name, n = phrase[:i], phrase[i+1:]
		}
	}
	plain, none := strings.CutPrefix(name, "not ")
	if !none {
		plain, none = strings.CutPrefix(name, "no ")
	}
	plain = strings.TrimPrefix(plain, "another ")
	f, field := b.layout[plain]
	num, _ := strconv.ParseUint(n, 10, 64)
	switch {
	case field && more:
		return f.of(v) > num, true
	case field && n != "":
		return f.of(v) == num, true
	case field:
		return (f.of(v) == 0) == none, true
	case slices.Contains(b.things, plain):
		return (v == 0) == none, true
	}
	return false, false
}

// becomes says whether a word that was old is now what the phrase says, which of its bits may
// differ because of that, and whether the phrase is one.
func (b *table) becomes(phrase string, old, now uint64) (mask uint64, yes, ok bool) {
	bits := func(names ...string) (m uint64) {
		for _, n := range names {
			f := b.layout[n]
			m |= (1<<f.width - 1) << f.shift
		}
		return m
	}
	if name, by := phrase, 0; strings.HasSuffix(name, "+1") || strings.HasSuffix(name, "-1") {
		by, _ = strconv.Atoi(name[len(name)-2:])
		name = name[:len(name)-2]
		f, field := b.layout[name]
		return bits(name), f.of(now) == f.of(old)+uint64(by), field
	}
	if phrase == "shares+n" {
		f := b.layout["shares"]
		return bits("shares"), f.of(now) >= f.of(old), true
	}
	if phrase == "marks" {
		for name, f := range b.layout {
			if f.width == 1 {
				mask |= bits(name)
			}
		}
		return mask, true, true
	}
	yes, ok = b.is(phrase, now)
	name := strings.TrimPrefix(strings.TrimPrefix(strings.TrimRight(phrase, " 0123456789"), "not "), "no ")
	switch {
	case b.states != nil || slices.Contains(b.things, strings.TrimPrefix(name, "another ")):
		mask = ^uint64(0)
	case phrase == "not owned":
		mask = bits("owner")
	case name == "owned", name == "free", name == "shares":
		mask = bits("owner", "shares")
	case name == "disowned", name == "destroyed", name == "merged":
		mask = bits("owner")
	default:
		mask = bits(name)
		yes = yes || (old^now)&mask == 0 && name == phrase // it may be set
	}
	return mask, yes, ok
}

// admits says whether the row is about such a change.
func (b *table) admits(r tableRow, old, now uint64) bool {
	for phrase := range strings.SplitSeq(r.from, ", ") {
		if yes, _ := b.is(phrase, old); !yes {
			return false
		}
	}
	var may uint64
	for phrase := range strings.SplitSeq(r.to, ", ") {
		mask, yes, _ := b.becomes(phrase, old, now)
		if !yes {
			return false
		}
		may |= mask
	}
	return (old^now)&^may == 0
}

// tables are the tables, and whose they are.
func tables(t *testing.T) map[string]*table {
	all := map[string]*table{
		"token word": {file: "internal/token/word.go"},
		"claim":      {file: "internal/token/claim.go", states: []string{"idle", "waiting", "called", "granted"}},
		"lock word":  {file: "internal/lock/word.go"},
		"rm":         {file: "internal/lock/rm.go", things: []string{"slot", "waiter"}},
		"slots":      {file: "internal/thread/slots.go", things: []string{"slot", "counted"}},
		"waitq":      {file: "internal/waitq/waitq.go", states: []string{"idle", "queued", "called", "granted"}},
		"sleepq":     {file: "internal/sleepq/sleepq.go", states: []string{"awake", "queued", "called", "woken"}},
		"turnstile":  {file: "internal/turnstile/turnstile.go", things: []string{"owner"}},
	}
	for _, b := range all {
		b.file = filepath.Join("..", b.file)
		b.parse(t)
	}
	return all
}

// changed is a change of a word: whose it is, the labels that are cited where it was made, and the
// values, in which identities and addresses are only told apart.
type changed struct {
	table, where, labels string
	old, now             uint64
}

func (c changed) String() string {
	return fmt.Sprintf("%s: %s: %#x -> %#x, cited as %q", c.where, c.table, c.old, c.now, c.labels)
}

// observer notes changes.
type observer struct {
	all   map[string]*table
	files map[string]*citations
	sites map[[24]uintptr][]changed // with no values, by stack
	seen  map[changed]int
}

// citations are the labels that a file cites: on lines, and in the comments of functions.
type citations struct {
	lines map[int]string
	funcs []struct {
		first, last int
		labels      string
	}
}

func newObserver(t *testing.T) *observer {
	return &observer{tables(t), make(map[string]*citations), make(map[[24]uintptr][]changed), make(map[changed]int)}
}

// watch notes what changes while f runs.
func (o *observer) watch(f func()) {
	defer func() { hw.Changed = nil }()
	hw.Changed = func(_ unsafe.Pointer, old, now uint64) {
		var pcs [24]uintptr
		runtime.Callers(2, pcs[:])
		sites, ok := o.sites[pcs]
		if !ok {
			sites = o.resolve(pcs[:])
			o.sites[pcs] = sites
		}
		for _, c := range sites {
			c.old, c.now = o.all[c.table].alike(old, now)
			o.seen[c]++
		}
	}
	f()
}

// alike replaces identities and addresses by small numbers.
func (b *table) alike(old, now uint64) (uint64, uint64) {
	number := func(f bitField) {
		x, y := f.of(old), f.of(now)
		small := func(v uint64) uint64 {
			switch {
			case v == 0, b.things == nil && v >= nobody:
				return v
			case v == x:
				return 1
			}
			return 2
		}
		mask := (uint64(1)<<f.width - 1) << f.shift
		if f.width == bits.UintSize {
			mask = ^uint64(0)
		}
		old, now = old&^mask|small(x)<<f.shift, now&^mask|small(y)<<f.shift
	}
	if f, ok := b.layout["owner"]; ok {
		number(f)
	} else if b.things != nil && max(old, now) > 1<<16 {
		number(bitField{0, 64})
	}
	return old, now
}

// resolve finds out whose word is changed by a stack, which says first how.
func (o *observer) resolve(pcs []uintptr) (found []changed) {
	var stack []runtime.Frame
	how := ""
	for frames := runtime.CallersFrames(pcs); ; {
		f, more := frames.Next()
		if dir := dirOf(f); dir == "internal/hw" {
			how = f.Function[strings.LastIndex(f.Function, "/hw.")+len("/hw."):]
		} else {
			stack = append(stack, f)
		}
		if !more {
			break
		}
	}
	if strings.HasPrefix(how, "(") {
		how, _, _ = strings.Cut(strings.Trim(how, "(*"), ")")
	}
	if how == "Tell" && stack[0].Function[strings.LastIndexByte(stack[0].Function, '/')+1:] == "thread.Assign" {
		stack = stack[1:]
	}
	whose := map[string]string{
		"internal/token Uint64":   "token word",
		"internal/token Tell":     "claim",
		"internal/lock Uint64":    "lock word",
		"internal/lock Uint32":    "rm",
		"internal/lock Tell":      "rm",
		"internal/lock Local":     "rm",
		"internal/thread Local":   "rm",
		"internal/waitq Tell":     "waitq",
		"internal/turnstile Tell": "turnstile",
	}[dirOf(stack[0])+" "+how]
	if strings.HasSuffix(stack[0].File, "internal/thread/slots.go") && (how == "Local" || how == "Uint32") {
		whose = "slots"
	}
	if whose == "" {
		return nil
	}
	found = append(found, o.cited(whose, stack))
	if whose == "waitq" { // a sleeper's state is that of its waiter
		for len(stack) > 0 && dirOf(stack[0]) == "internal/waitq" {
			stack = stack[1:]
		}
		if len(stack) > 0 && dirOf(stack[0]) == "internal/sleepq" {
			found = append(found, o.cited("sleepq", stack))
		}
	}
	return found
}

// cited finds the labels of a table that are cited by the innermost function which cites any: on the
// line of the call, else in its comment.
func (o *observer) cited(whose string, stack []runtime.Frame) changed {
	c := changed{table: whose, where: fmt.Sprintf("%s/%s:%d", dirOf(stack[0]), filepath.Base(stack[0].File), stack[0].Line)}
	for _, f := range stack[:min(len(stack), 6)] {
		dir := dirOf(f)
		if dir == "" {
			break
		}
		in := o.cites(filepath.Join("..", dir, filepath.Base(f.File)))
		text := in.lines[f.Line]
		if c.labels = o.all[whose].own(text); c.labels == "" {
			for _, g := range in.funcs {
				if g.first <= f.Line && f.Line <= g.last {
					c.labels = o.all[whose].own(g.labels)
				}
			}
		}
		if c.labels != "" {
			break
		}
	}
	return c
}

// own are the labels of the table in a text.
func (b *table) own(text string) string {
	var list []string
	for _, m := range aLabel.FindAllStringSubmatch(text, -1) {
		first, _ := strconv.Atoi(m[2])
		last := first
		if m[3] != "" {
			last, _ = strconv.Atoi(m[3])
		}
		for n := first; n <= last; n++ {
			l := m[1] + strconv.Itoa(n)
			if slices.ContainsFunc(b.rows, func(r tableRow) bool { return r.label == l }) {
				list = append(list, l)
			}
		}
	}
	return strings.Join(list, " ")
}

// cites reads what a file cites.
func (o *observer) cites(file string) *citations {
	if c := o.files[file]; c != nil {
		return c
	}
	c := &citations{lines: make(map[int]string)}
	o.files[file] = c
	set := gotoken.NewFileSet()
	f, err := parser.ParseFile(set, file, nil, parser.ParseComments)
	if err != nil {
		return c
	}
	for _, g := range f.Comments {
		for _, l := range g.List {
			c.lines[set.Position(l.Pos()).Line] += l.Text
		}
	}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok {
			c.funcs = append(c.funcs, struct {
				first, last int
				labels      string
			}{set.Position(fn.Pos()).Line, set.Position(fn.End()).Line, fn.Doc.Text()})
		}
	}
	return c
}

// dirOf is the folder of a frame's code in this module.
func dirOf(f runtime.Frame) string {
	_, rest, ok := strings.Cut(f.Function, "serializing-tokens/lwkt/")
	if !ok {
		return ""
	}
	slash := strings.LastIndexByte(rest, '/') + 1
	pkg, _, _ := strings.Cut(rest[slash:], ".")
	return rest[:slash] + pkg
}

// wrong says what does not agree: changes that no row admits, and rows that were not seen.
func (o *observer) wrong() (list []string) {
	rows := make(map[string]bool)
	for c := range o.seen {
		b := o.all[c.table]
		i := slices.IndexFunc(b.rows, func(r tableRow) bool {
			return slices.Contains(strings.Fields(c.labels), r.label) && b.admits(r, c.old, c.now)
		})
		if i < 0 {
			list = append(list, "in no row: "+c.String())
		} else {
			rows[c.table+b.rows[i].String()] = true // of several the first is meant
		}
	}
	for name, b := range o.all {
		for _, r := range b.rows {
			if !rows[name+r.String()] {
				list = append(list, fmt.Sprintf("never seen: %s: %v", b.file, r))
			}
		}
	}
	slices.Sort(list)
	return list
}

// tableRuns is how many schedules of each program are looked at.
const tableRuns = 150

// explored runs the programs, each with budgets that hand a lock over and that do not.
func (o *observer) explored(t *testing.T, runs int, programs map[string]func(m *sim.Machine)) {
	old, calm := lock.SetPatience(0), lock.SetCalmness(0)
	bypass := lwkt.SetBypass(0)
	defer func() { lock.SetPatience(old); lock.SetCalmness(calm); lwkt.SetBypass(bypass) }()
	for _, n := range []int{0, 2} {
		lock.SetPatience(n)
		lock.SetCalmness(n)
		lwkt.SetBypass(n)
		for _, name := range slices.Sorted(maps.Keys(programs)) {
			o.watch(func() {
				if r := explore.Run(programs[name], explore.Words(), explore.Random(), explore.Runs(runs)); !r.OK() {
					t.Errorf("%s: %v", name, &r)
				}
			})
		}
	}
}

// tablePrograms are those of the other tests, and what these leave out.
func tablePrograms() map[string]func(m *sim.Machine) {
	all := make(map[string]func(m *sim.Machine))
	for i, p := range wordPrograms {
		all[fmt.Sprintf("tokens %d %s", i, p.name)] = func(m *sim.Machine) { newWorded(m, lwkt.MaxBypass).start(p.threads) }
	}
	for i, p := range lockPrograms {
		all[fmt.Sprintf("locks %d %s", i, p.name)] = denProgram(p.options, p.priorities, p.threads...)
	}
	for i, p := range openPrograms {
		all[fmt.Sprintf("open locks %d %s", i, p.name)] = opened(p)
	}
	for name, p := range map[string][]denizen{
		"a mutex dies": {func(d *den, td *lwkt.Thread) {
			mtxLocks(d, td)
			d.mtx.Destroy(td)
			d.mtx.Init("", 0)
			d.mtx.Lock(td)
			d.mtx.Destroy(td)
			d.mtx.Init("", 0)
		}},
		"a read-mostly lock dies": {func(d *den, td *lwkt.Thread) {
			rmReads(d, td)
			d.rm.Destroy(td)
			d.rm.Init("", rmlock.Sleepable)
		}},
		"a read-mostly lock is read again": {func(d *den, td *lwkt.Thread) {
			d.rm.RLock(td)
			rmReads(d, td)
			d.rm.RUnlock(td)
		}, rmWrites},
		"a share beside that of another lock": {often(lkLocks), often(lkLocks), often(func(d *den, td *lwkt.Thread) {
			d.lk2.SLock(td) // and then, just when the other one is handed over
			often(lkShares)(d, td)
			d.lk2.Unlock(td)
		})},
		"a downgrade is visited": {rwDowngradesAtOnce, twice(rwReads), twice(rwReads)},
		"a sleep is cancelled": {func(d *den, td *lwkt.Thread) {
			d.mtx.Lock(td)
			_, err := td.SleepOn(&d.key, &d.mtx, lwkt.SleepOptions{Context: d.ctx})
			d.m.Assert(err != nil, "woken by nobody")
			d.mtx.Unlock(td)
		}, cancels},
	} {
		all["locks, "+name] = denProgram(0, false, p...)
	}
	for name, p := range map[string]program{
		"shares": {sharedAgain, (*worded).shared, (*worded).exclusive},
		"funnels": {func(s *worded, td *lwkt.Thread) { lwkt.MergeFunnels(td, &s.f, &s.g) },
			func(s *worded, td *lwkt.Thread) { td.SetFunnel(&s.f); td.SetFunnel(nil) },
			func(s *worded, td *lwkt.Thread) { td.SetFunnel(&s.g); td.SetFunnel(nil) }},
	} {
		all["tokens, "+name] = func(m *sim.Machine) { newWorded(m, lwkt.MaxBypass).start(p) }
	}
	return all
}

// often does it again and again, for what seldom happens.
func often(f denizen) denizen { return twice(twice(twice(f))) }

func sharedAgain(s *worded, td *lwkt.Thread) {
	s.shared(td)
	s.shared(td)
}

// endRuns gives up runs at each of their steps, and so ends threads that wait.
func endRuns(t *testing.T) {
	defer lwkt.SetBypass(lwkt.SetBypass(0))
	err := sim.Do(func(s *sim.Session) {
		for _, p := range []program{{(*worded).ab, (*worded).ba}, {(*worded).exclusive, (*worded).exclusive, (*worded).exclusive}, {(*worded).both, (*worded).shared, (*worded).ba}} {
			for n := range 120 {
				m := s.New(sim.Options{Words: true})
				newWorded(m, 0).start(p)
				m.Run(giveUp(n))
			}
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// TestWordsTables compares the tables with what is seen, and sees that they would not agree if a row
// were missing, or were one too many.
func TestWordsTables(t *testing.T) {
	o := newObserver(t)
	o.explored(t, tableRuns, tablePrograms())
	o.watch(func() { endRuns(t) })
	o.watch(func() { // a disowned lock is visited, which is seldom
		if r := explore.Run(denProgram(0, false, lkDisowns, lkShares), explore.Words(), explore.DPOR()); !r.OK() || !r.Exhaustive {
			t.Error(&r)
		}
	})
	for _, w := range o.wrong() {
		t.Error(w)
	}
	rows := 0
	for _, b := range o.all {
		whole := b.rows
		rows += len(whole)
		for i, r := range whole {
			b.rows = slices.Delete(slices.Clone(whole), i, i+1)
			if w := o.wrong(); !slices.ContainsFunc(w, func(s string) bool { return strings.HasPrefix(s, "in no row: ") }) {
				t.Errorf("%s: %v could be missing", b.file, r)
			}
		}
		extra := tableRow{whole[0].label, whole[0].to, whole[0].from}
		b.rows = append(slices.Clone(whole), extra)
		if w, want := o.wrong(), []string{fmt.Sprintf("never seen: %s: %v", b.file, extra)}; !slices.Equal(w, want) {
			t.Errorf("with one row more: %v, want %v", w, want)
		}
		b.rows = whole
	}
	t.Logf("%d rows, %d different changes at %d places", rows, len(o.seen), len(o.sites))
}

// TestWordsTablesFire plants a change that is in no row: a release that wipes out a mark.
func TestWordsTablesFire(t *testing.T) {
	defer func() { lock.Planted = lock.NoFault }()
	lock.Planted = lock.TrustsLook
	o := newObserver(t)
	o.watch(func() {
		if r := explore.Run(denProgram(0, false, mtxLocks, mtxLocks), explore.Words()); r.OK() {
			t.Errorf("not planted: %v", &r)
		}
	})
	w := o.wrong()
	if !slices.ContainsFunc(w, func(s string) bool {
		return strings.HasPrefix(s, "in no row: internal/lock/wait.go:") && strings.HasSuffix(s, `cited as "T5"`)
	}) {
		t.Errorf("not seen: %v", w)
	}
}
