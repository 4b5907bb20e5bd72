package witness

// The orders in which locks were taken, as a drawing.

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/serializing-tokens/lwkt/cmd/internal/witness/report"
	orders "github.com/serializing-tokens/lwkt/witness"
)

// An edge says that a lock of one class was held while one of another was taken.
type edge struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Count uint64 `json:"count"`
	Wrong bool   `json:"wrong"`
}

// graph puts the graphs of all processes together and prints them.
func (r *run) graph(dir string, failed bool) (int, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.graph"))
	if err != nil {
		return 0, err
	}
	type pair struct{ from, to string }
	sum := map[pair]edge{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return 0, err
		}
		var list []edge
		if err := json.Unmarshal(text, &list); err != nil {
			return 0, fmt.Errorf("the graph of a process: %w", err)
		}
		for _, e := range list {
			p := pair{e.From, e.To}
			e.Count += sum[p].Count
			e.Wrong = e.Wrong || sum[p].Wrong
			sum[p] = e
		}
	}
	if failed && len(files) == 0 {
		return exitNotRun, nil
	}
	pairs := slices.SortedFunc(maps.Keys(sum), func(a, b pair) int { return strings.Compare(a.from+"\n"+a.to, b.from+"\n"+b.to) })
	edges := []edge{}
	for _, p := range pairs {
		if r.std || r.own(report.Owner(p.from)) || r.own(report.Owner(p.to)) {
			edges = append(edges, sum[p])
		}
	}
	name := shown(edges)
	if r.svg != "" {
		var g orders.Graph
		for _, e := range edges {
			g = append(g, orders.Edge{From: name[e.From], To: name[e.To], Count: int(e.Count), Wrong: e.Wrong})
		}
		var b bytes.Buffer
		if err := g.WriteSVG(&b); err != nil {
			return 0, err
		}
		return exitClean, os.WriteFile(r.svg, b.Bytes(), 0o666)
	}
	if r.json {
		e := json.NewEncoder(r.stdout)
		e.SetIndent("", " ")
		return exitClean, e.Encode(struct {
			Edges []edge `json:"edges"`
		}{edges})
	}
	fmt.Fprint(r.stdout, "digraph witness {\n\trankdir=LR; node [shape=box];\n")
	for _, e := range edges {
		attributes := fmt.Sprintf("label=%q", fmt.Sprint(e.Count))
		if e.Wrong {
			attributes += ", color=red"
		}
		fmt.Fprintf(r.stdout, "\t%q -> %q [%s];\n", name[e.From], name[e.To], attributes)
	}
	_, err = fmt.Fprint(r.stdout, "}\n")
	return exitClean, err
}

// shown is how locks are called in a drawing: without the path of the package, unless two would be called alike.
func shown(edges []edge) map[string]string {
	name, alike := map[string]string{}, map[string]int{}
	for _, e := range edges {
		for _, full := range []string{e.From, e.To} {
			if name[full] == "" {
				name[full] = report.Short(full)
				alike[name[full]]++
			}
		}
	}
	for full, short := range name {
		if alike[short] > 1 {
			name[full] = full
		}
	}
	return name
}
