package gocmd

import (
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// TestSplit takes command lines apart that people write.
func TestSplit(t *testing.T) {
	for _, v := range []struct {
		verb, line string
		want       Args
	}{
		{"test", "./...", Args{Packages: []string{"./..."}}},
		{"test", "-race -run X -v ./a ./b", Args{Flags: []string{"-race", "-run=X", "-v"}, Build: []string{"-race"}, Packages: []string{"./a", "./b"}}},
		{"test", "--tags=x,y . -count 2", Args{Flags: []string{"-tags=x,y", "-count=2"}, Build: []string{"-tags=x,y"}, Packages: []string{"."}}},
		{"test", ". -args -run x y", Args{Packages: []string{"."}, Rest: []string{"-args", "-run", "x", "y"}}},
		{"test", "-C dir -o out .", Args{Dir: "dir", Output: "out", Flags: []string{"-o=out"}, Packages: []string{"."}}},
		{"run", "-race . -v x.go", Args{Flags: []string{"-race"}, Build: []string{"-race"}, Packages: []string{"."}, Rest: []string{"-v", "x.go"}}},
		{"run", "a.go b.go c", Args{Packages: []string{"a.go", "b.go"}, Rest: []string{"c"}}},
	} {
		got := Split(v.verb, strings.Fields(v.line))
		if len(got.Rest) == 0 {
			got.Rest = nil
		}
		if !reflect.DeepEqual(got, v.want) {
			t.Errorf("%s %s: %+v, want %+v", v.verb, v.line, got, v.want)
		}
	}
}

// TestOwn: the user's packages are those outside of the standard library, and those that were named.
func TestOwn(t *testing.T) {
	own := Own([]*Package{
		{ImportPath: "example.com/m"}, {ImportPath: "example.com/m_test [example.com/m.test]"}, {ImportPath: "mine", DepOnly: true},
		{ImportPath: "net/http", Standard: true, DepOnly: true}, {ImportPath: "sort", Standard: true},
	})
	for pkg, want := range map[string]bool{
		"main": true, "example.com/m": true, "example.com/m_test": true, "mine": true, "net/http": false, "sort": true, "sort_test": true,
		"github.com/other/thing": true, "internal/poll": false, "vendor/golang.org/x/net/http2": false,
	} {
		if own(pkg) != want {
			t.Errorf("%s: %v", pkg, !want)
		}
	}
}

// TestKeeps: what the linker is told goes beside what the user tells it.
func TestKeeps(t *testing.T) {
	const x = "-X 'sync.witnessBuilt=/a b/names'"
	for _, v := range []struct {
		goflags string
		flags   []string
		want    []string
	}{
		{"", []string{"-race"}, []string{"-race", "-ldflags=" + x}},
		{"", []string{"-ldflags=-s -w"}, []string{"-ldflags=" + x + " -s -w"}},
		{"", []string{"-ldflags=all=-s"}, []string{"-ldflags=all=" + x + " -s"}},
		{"", []string{"-ldflags=-X=main.a=b"}, []string{"-ldflags=" + x + " -X=main.a=b"}},
		{"-ldflags=-s", []string{"-race"}, []string{"-race"}},
		{"-ldflags=-s", []string{"-ldflags=-w"}, []string{"-ldflags=" + x + " -w"}},
	} {
		g := &Go{flags: v.goflags}
		if got := g.Keeps(Args{Flags: v.flags}, "/a b/names").Flags; !reflect.DeepEqual(got, v.want) {
			t.Errorf("%q %q: %q, want %q", v.goflags, v.flags, got, v.want)
		}
	}
}

// TestCacheDir: without a home there is still the folder of Go's cache.
func TestCacheDir(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the home is found in another way")
	}
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "LWKT_WITNESS_CACHE"} {
		t.Setenv(name, "")
	}
	if dir, err := cacheDir("/x/go-build"); dir != "/x/lwkt-witness" || err != nil {
		t.Error(dir, err)
	}
	if dir, err := cacheDir("off"); err == nil || !strings.Contains(err.Error(), "LWKT_WITNESS_CACHE") {
		t.Error(dir, err)
	}
}
