// The graph of classes as data, and as a drawing for graphviz.
package engine

// Edge is one order in the graph of classes.
type Edge struct {
	From, To         Class
	FromName, ToName string
	FromMode, ToMode Mode
	FromSite, ToSite uintptr
	Count            int  // pairs of locks that were seen in this order
	Stated           bool // declared by Order
	Wrong            bool // part of a reported circle
}

//go:norace
func (ed *edge) stated() bool {
	for _, o := range ed.occ {
		if o.who == nil {
			return true
		}
	}
	return false
}

// Graph gives the orders of classes that were seen, sorted by name.
//
//go:norace
func (e *Engine) Graph() []Edge {
	e.mu.lock()
	defer e.mu.unlock()
	var list []Edge
	for _, ed := range e.sort.all() {
		if len(ed.occ) == 0 {
			continue
		}
		a, b := ed.from.id.Class(), ed.to.id.Class()
		g := Edge{From: a, To: b, FromName: e.nameOf(a), ToName: e.nameOf(b), Count: ed.count, Stated: ed.stated(), Wrong: ed.wrong}
		for _, o := range ed.occ {
			if h := ed.held(o); g.ToSite == 0 && o.who != nil {
				g.FromMode, g.FromSite = h.mode, h.site
				g.ToMode, g.ToSite = o.to.mode, o.to.site
			}
		}
		list = append(list, g)
	}
	for i := 1; i < len(list); i++ {
		for j := i; j > 0 && list[j].less(list[j-1]); j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
	return list
}

//go:norace
func (g Edge) less(h Edge) bool {
	if g.FromName != h.FromName {
		return g.FromName < h.FromName
	}
	if g.ToName != h.ToName {
		return g.ToName < h.ToName
	}
	return g.From < h.From || g.From == h.From && g.To < h.To
}

// ClassInfo is a class as people are told of it.
type ClassInfo struct {
	Class Class
	ClassSpec
	Ordered bool // it is in the graph
}

// Classes gives all classes that were made or named, in that order.
//
//go:norace
func (e *Engine) Classes() (list []ClassInfo) {
	e.mu.lock()
	defer e.mu.unlock()
	for i := 1; i < len(e.classes); i++ {
		c := Class(i)
		info := ClassInfo{Class: c, ClassSpec: e.classes[i].ClassSpec}
		info.Name = e.nameOf(c)
		n := e.sort.nodes.get(idKey(c.node()))
		info.Ordered = n != nil && len(n.in)+len(n.out) > 0
		list = append(list, info)
	}
	return list
}

// AppendDOT appends the graph as a drawing for graphviz.
//
//go:norace
func (e *Engine) AppendDOT(b []byte) []byte {
	b = append(b, "digraph witness {\n\trankdir=LR\n\tnode [shape=box fontname=\"sans-serif\"]\n"...)
	for _, g := range e.Graph() {
		b = quote(append(b, '\t'), g.FromName)
		b = quote(append(b, " -> "...), g.ToName)
		switch {
		case g.Wrong:
			b = append(b, " [color=red penwidth=2]"...)
		case g.Stated:
			b = append(b, " [style=dashed]"...)
		}
		b = append(b, '\n')
	}
	return append(b, "}\n"...)
}

//go:norace
func quote(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}
