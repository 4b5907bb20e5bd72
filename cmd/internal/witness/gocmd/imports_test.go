package gocmd

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/serializing-tokens/lwkt/cmd/internal/witness/sites"
)

// TestNamesFromSource: locks have the same names if this program cannot read what the compiler wrote, since that is of a later release.
func TestNamesFromSource(t *testing.T) {
	t.Setenv("GOWORK", "off")
	g := &Go{path: "go", dir: "../testdata/cases", env: os.Environ()}
	list, err := g.List(Args{Packages: []string{"."}}, true)
	if err != nil {
		t.Fatal(err)
	}
	tables := func(fromSource bool) (all []string) {
		w := newWorld(list)
		if (w.source != nil) != fromSource {
			t.Fatalf("from source: %v", !fromSource)
		}
		for _, p := range list {
			if !p.Standard {
				all = append(all, p.ImportPath+"\n"+sites.Table(find(p, w)))
			}
		}
		return all
	}
	want := tables(false)
	bad := filepath.Join(t.TempDir(), "export")
	if err := os.WriteFile(bad, []byte("!<arch>\nof another release\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		p.Export = bad
	}
	got := tables(true)
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s\nwant %s", got[i], want[i])
		}
	}
}
