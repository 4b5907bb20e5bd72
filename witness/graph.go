package witness

// The orders that were seen, as data and for graphviz.

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/serializing-tokens/lwkt/internal/overlay/engine"
)

// An Edge says that a lock of one class was held when one of another was taken.
type Edge struct {
	From     string `json:"from"`               // the class that was held
	To       string `json:"to"`                 // the class that was taken
	FromMode string `json:"fromMode,omitempty"` // of one occurrence
	ToMode   string `json:"toMode,omitempty"`   // of the same
	FromSite *Frame `json:"fromSite,omitempty"` // where the first was taken that time
	ToSite   *Frame `json:"toSite,omitempty"`   // where the second was
	Count    int    `json:"count"`              // pairs of locks that were seen in this order
	Declared bool   `json:"declared,omitempty"` // by Order
	Wrong    bool   `json:"wrong,omitempty"`    // part of a circle that was reported
}

// A Graph is the orders between classes, sorted by their names.
type Graph []Edge

// Orders gives the orders that were seen or declared so far.
func Orders() Graph {
	g := Graph{}
	for _, e := range engine.Default.Graph() {
		from, to := lock(engine.LockRef{Name: e.FromName, Mode: e.FromMode, Site: e.FromSite}), lock(engine.LockRef{Name: e.ToName, Mode: e.ToMode, Site: e.ToSite})
		g = append(g, Edge{from.Name, to.Name, from.Mode, to.Mode, from.Site, to.Site, e.Count, e.Stated, e.Wrong})
	}
	return g
}

// DOT gives the graph for graphviz.
func (g Graph) DOT() string {
	var b strings.Builder
	b.WriteString("digraph witness {\n\trankdir=LR\n\tnode [shape=box fontname=\"sans-serif\"]\n")
	for _, e := range g {
		style := ""
		switch {
		case e.Wrong:
			style = " [color=red penwidth=2]"
		case e.Declared:
			style = " [style=dashed]"
		}
		fmt.Fprintf(&b, "\t%s -> %s%s\n", dotQuote(e.From), dotQuote(e.To), style)
	}
	b.WriteString("}\n")
	return b.String()
}

func dotQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

// names gives the classes, sorted.
func (g Graph) names() []string {
	seen := map[string]bool{}
	var list []string
	for _, e := range g {
		for _, n := range []string{e.From, e.To} {
			if !seen[n] {
				seen[n] = true
				list = append(list, n)
			}
		}
	}
	slices.Sort(list)
	return list
}

// layers puts each class into a column right of all that are taken before it. Of a circle
// one edge, one that was reported if possible, points back. An edge that passes columns has
// a place in each of them; its way is in ways.
func (g Graph) layers() (layers [][]string, ways map[[2]string][]string) {
	names := g.names()
	out := map[string][]Edge{}
	for _, e := range g {
		out[e.From] = append(out[e.From], e)
	}
	for _, list := range out {
		slices.SortStableFunc(list, func(a, b Edge) int { return cmp.Compare(boolInt(a.Wrong), boolInt(b.Wrong)) })
	}
	const visiting, done = 1, 2
	state, post := map[string]int{}, []string{}
	back := map[[2]string]bool{}
	var visit func(n string)
	visit = func(n string) {
		state[n] = visiting
		for _, e := range out[n] {
			switch state[e.To] {
			case visiting:
				back[[2]string{e.From, e.To}] = true
			case 0:
				visit(e.To)
			}
		}
		state[n] = done
		post = append(post, n)
	}
	entered := map[string]bool{}
	for _, e := range g {
		if !e.Wrong {
			entered[e.To] = true
		}
	}
	for _, first := range []bool{true, false} { // those that nothing comes before, then the rest
		for _, n := range names {
			if state[n] == 0 && first != entered[n] {
				visit(n)
			}
		}
	}
	depth := map[string]int{}
	for _, n := range slices.Backward(post) {
		for _, e := range out[n] {
			if !back[[2]string{e.From, e.To}] {
				depth[e.To] = max(depth[e.To], depth[n]+1)
			}
		}
	}
	for _, n := range names {
		for len(layers) <= depth[n] {
			layers = append(layers, nil)
		}
		layers[depth[n]] = append(layers[depth[n]], n)
	}
	ways = map[[2]string][]string{}
	near := map[string][]string{} // neighbours, from column to column
	for i, e := range g {
		way := []string{e.From}
		for d := depth[e.From] + 1; d < depth[e.To]; d++ {
			n := fmt.Sprintf("\x00%d %d", i, d) // not a name
			layers[d] = append(layers[d], n)
			way = append(way, n)
		}
		way = append(way, e.To)
		ways[[2]string{e.From, e.To}] = way
		for i := 1; i < len(way); i++ {
			near[way[i]] = append(near[way[i]], way[i-1])
			near[way[i-1]] = append(near[way[i-1]], way[i])
		}
	}
	untangle(layers, near)
	return layers, ways
}

// untangle sorts each column by where its neighbours in the other columns are, a few times.
func untangle(layers [][]string, near map[string][]string) {
	place := map[string]float64{}
	put := func(l []string) {
		for i, n := range l {
			place[n] = float64(i) - float64(len(l)-1)/2
		}
	}
	for _, l := range layers {
		put(l)
	}
	for range 4 {
		for _, l := range layers {
			mean := map[string]float64{}
			for _, n := range l {
				for _, m := range near[n] {
					mean[n] += place[m] / float64(len(near[n]))
				}
			}
			slices.SortStableFunc(l, func(a, b string) int { return cmp.Compare(mean[a], mean[b]) })
			put(l)
		}
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
