package sim

// Numbers for what the threads of a run operate on, in the order of first use, so that
// they are the same in every run that begins the same; and the footprint of an event.

import (
	"fmt"
	"reflect"
	"strings"
	"unsafe"

	core "github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// objects numbers what a run uses.
type objects struct {
	tokens []*token.Token   // the first few, to be found by looking through them
	number []int32          // of each of tokens
	words  []unsafe.Pointer // as tokens, with Options.Words
	wordno []int32
	rest   map[any]int32
	all    []any
	fixed  *numbers // with Options.States
}

func (o *objects) reset() {
	clear(o.tokens)
	clear(o.all)
	o.tokens, o.number, o.all = o.tokens[:0], o.number[:0], o.all[:0]
	if len(o.words) > 0 {
		clear(o.words)
		o.words, o.wordno = o.words[:0], o.wordno[:0]
	}
	if len(o.rest) > 0 {
		clear(o.rest)
	}
	o.fixed = nil
}

// numbers are those that objects have in all runs, with Options.States.
type numbers struct {
	of   map[uint64]int32 // by name
	all  []any
	name func(x any) uint64
}

// kept is the number of an object in all runs.
func (o *objects) kept(x any) int32 {
	name := o.fixed.name(x)
	n, ok := o.fixed.of[name]
	if !ok {
		n = o.add(x)
		o.fixed.of[name] = n
		o.fixed.all = append(o.fixed.all[:0], o.all...)
	}
	return n
}

func (o *objects) add(x any) int32 {
	o.all = append(o.all, x)
	return int32(len(o.all) - 1)
}

func (o *objects) token(t *token.Token) int32 {
	t = t.Root()
	for i, x := range o.tokens {
		if x == t {
			return o.number[i]
		}
	}
	if len(o.tokens) < 16 && o.fixed == nil {
		n := o.add(t)
		o.tokens = append(o.tokens, t)
		o.number = append(o.number, n)
		return n
	}
	return o.other(t)
}

// wordKey stands for a word among the objects of a run.
type wordKey struct{ at unsafe.Pointer }

// permit stands for that of the thread with the name.
type permit string

func (p permit) String() string { return "permit of " + string(p) }

func (o *objects) word(at unsafe.Pointer) int32 {
	for i, x := range o.words {
		if x == at {
			return o.wordno[i]
		}
	}
	if len(o.words) < 64 {
		n := o.wordNumber(at)
		o.words = append(o.words, at)
		o.wordno = append(o.wordno, n)
		return n
	}
	return o.other(wordKey{at})
}

func (o *objects) wordNumber(at unsafe.Pointer) int32 {
	if o.fixed != nil {
		return o.kept(wordKey{at})
	}
	return o.add(wordKey{at})
}

func (o *objects) other(key any) int32 {
	if o.fixed != nil {
		return o.kept(key)
	}
	n, ok := o.rest[key]
	if !ok {
		if o.rest == nil {
			o.rest = make(map[any]int32)
		}
		n = o.add(key)
		o.rest[key] = n
	}
	return n
}

// lock is the number of the lock with this Object, or None.
func (o *objects) lock(obj *core.Object) int32 {
	for n, x := range o.all {
		if l, ok := x.(core.Lock); ok && l.Obj() == obj {
			return int32(n)
		}
	}
	return None
}

func (o *objects) describe(obj int32) string {
	if obj < 0 || int(obj) >= len(o.all) {
		return "nothing"
	}
	switch x := o.all[obj].(type) {
	case *token.Token:
		if x.Name() == "" {
			return fmt.Sprintf("token #%d", obj)
		}
		return x.String()
	case core.Lock:
		return o.numbered(x.What(), obj)
	case *Mutex:
		if x.Name == "" {
			return fmt.Sprintf("mutex #%d", obj)
		}
		return fmt.Sprintf("mutex %q", x.Name)
	case wordKey:
		return fmt.Sprintf("word #%d", obj)
	case chanKey:
		return fmt.Sprintf("channel #%d", obj)
	case fmt.Stringer: // what a thread sleeps on
		if v := reflect.ValueOf(x); v.Kind() == reflect.Pointer {
			for i, t := range o.all { // a token, or what has a lock inside, perhaps, which has a number already
				switch t := t.(type) {
				case *token.Token:
					if v.UnsafePointer() == unsafe.Pointer(t) {
						return o.describe(o.token(t))
					}
				case core.Lock:
					if v.UnsafePointer() == unsafe.Pointer(t.Obj()) {
						return o.describe(int32(i))
					}
				}
			}
		}
		return o.numbered(x.String(), obj)
	default:
		return fmt.Sprintf("%T #%d", x, obj)
	}
}

// numbered is the title of an object, with its number instead of its address if it has no
// name.
func (o *objects) numbered(title string, obj int32) string {
	if i := strings.LastIndex(title, " 0x"); i >= 0 && !strings.Contains(title, `"`) {
		return fmt.Sprintf("%s #%d", title[:i], obj)
	}
	return title
}

// renamed replaces the addresses of objects in a text by their numbers.
func (o *objects) renamed(text string) string {
	if !strings.Contains(text, " 0x") {
		return text
	}
	for obj, x := range o.all {
		title := ""
		switch x := x.(type) {
		case *token.Token:
			title = x.String()
		case core.Lock:
			title = x.What()
		}
		if name := o.describe(int32(obj)); title != "" && title != name {
			text = strings.ReplaceAll(text, title, name)
		}
	}
	return text
}

// footprint collects what an event has read and written.
type footprint struct {
	tokens [64]*token.Token // touched by the book on behalf of the event
	n      int
	freed  [16]int32 // objects of Mutexes that were unlocked on the way
	nfreed int
	locks  [16]core.Lock // that were touched beside that of the operation
	nlocks int
	keys   [16]keyAccess // what was touched and is neither
	nkeys  int
	words  [64]wordAccess // with Options.Words, instead of tokens and locks
	nwords int
	list   []Access
}

type wordAccess struct {
	at    unsafe.Pointer
	write bool
}

type keyAccess struct {
	key   any
	write bool
}

// touch is called on the thread's goroutine (P3 of proc.go), hence no slice.
//
//go:norace
func (f *footprint) touch(t *token.Token) {
	if f.n < len(f.tokens) {
		f.tokens[f.n] = t
	}
	f.n++
}

// touchLock is called on the thread's goroutine too.
//
//go:norace
func (f *footprint) touchLock(l core.Lock) {
	if f.nlocks < len(f.locks) {
		f.locks[f.nlocks] = l
	}
	f.nlocks++
}

// touchKey is called on the thread's goroutine too.
//
//go:norace
func (f *footprint) touchKey(key any, write bool) {
	if f.nkeys < len(f.keys) {
		f.keys[f.nkeys] = keyAccess{key, write}
	}
	f.nkeys++
}

// wrote is called on the thread's goroutine: a Mutex was unlocked in passing.
//
//go:norace
func (f *footprint) wrote(obj int32) {
	if f.nfreed < len(f.freed) {
		f.freed[f.nfreed] = obj
	}
	f.nfreed++
}

// footprint completes the footprint of the event that was executed.
func (m *Machine) footprint() []Access {
	f := &m.foot
	for _, t := range f.tokens[:min(f.n, len(f.tokens))] {
		f.list = append(f.list, Access{m.names.token(t), true})
	}
	for _, obj := range f.freed[:min(f.nfreed, len(f.freed))] {
		f.list = append(f.list, Access{obj, true})
	}
	for _, l := range f.locks[:min(f.nlocks, len(f.locks))] {
		f.list = append(f.list, Access{m.names.other(l), true})
	}
	for _, k := range f.keys[:min(f.nkeys, len(f.keys))] {
		f.list = append(f.list, Access{m.names.other(k.key), k.write})
	}
	for _, w := range f.words[:min(f.nwords, len(f.words))] {
		f.list = append(f.list, Access{m.names.word(w.at), w.write})
	}
	if f.n > len(f.tokens) || f.nfreed > len(f.freed) || f.nlocks > len(f.locks) || f.nkeys > len(f.keys) || f.nwords > len(f.words) { // too many to remember: all that are known
		for i := range m.names.all {
			f.list = append(f.list, Access{int32(i), true})
		}
	}
	f.n, f.nfreed, f.nlocks, f.nkeys, f.nwords = 0, 0, 0, 0, 0
	return f.list
}

func (f *footprint) begin() {
	f.list = f.list[:0]
	f.n, f.nfreed, f.nlocks, f.nkeys, f.nwords = 0, 0, 0, 0, 0
}

// expect begins the footprint of a step of p with what its operation names.
//
//go:norace
func (m *Machine) expect(p *proc) {
	f := &m.foot
	add := func(obj int32, write bool) { f.list = append(f.list, Access{obj, write}) }
	token := func(t *token.Token, _ token.Mode) { add(m.names.token(t), true) }
	switch p.kind {
	case Acquire, AcquireShared, AcquireAll, Take, Resume:
		if p.done != nil {
			add(m.names.other(doneKey(p.done)), false)
		}
	}
	switch p.kind {
	case Acquire, AcquireShared, Try, AcquireAll:
		if p.tok != nil {
			add(m.names.token(p.tok), true)
		}
		for i := range p.wants {
			add(m.names.token(p.wants[i].Tok), true)
		}
		if p.rec.Forced() {
			p.rec.EachHold(token)
		}
	case Release, Merge:
		add(m.names.token(p.tok), true)
		if p.kind == Merge {
			p.rec.EachHold(token)
		}
	case Block, Unblock:
		p.rec.EachHold(token)
	case Sleep:
		add(p.ev.Op.Obj, true)
		p.rec.EachHold(token)
	case LoadWord, StoreWord, UpdateWord, CompareWord, Spin, SpinOn, Unpark: // see Did
	case Resume:
		if m.words() { // see took
		} else if p.key != nil {
			add(p.ev.Op.Obj, true)
		} else {
			p.rec.EachWant(token)
		}
	case Take:
		add(p.ev.Op.Obj, true)
		p.rec.EachHold(token)
	case Load, Look:
		add(p.ev.Op.Obj, false)
	case Send, Recv, Select:
		for _, c := range p.cases {
			if c.Chan.IsValid() {
				add(m.names.other(chanKey(c.Chan.Pointer())), true)
			}
		}
	case Await, Survey:
		for i := range m.names.all { // it may read anything
			add(int32(i), false)
		}
	default:
		if p.ev.Op.Obj >= 0 {
			add(p.ev.Op.Obj, true)
		}
	}
}
