package witness

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt/cmd/internal/witness/report"
	"github.com/serializing-tokens/lwkt/internal/invariants"
)

// in copies a module of testdata into a folder of its own, goes there, and gives its path.
func in(t *testing.T, module string) string {
	t.Helper()
	whole(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", module))); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOWORK", "")
	t.Chdir(dir)
	return dir
}

// whole skips what runs programs where only this package is built in another way: they are the same programs.
func whole(t *testing.T) {
	t.Helper()
	if raceDetector || invariants.Enabled {
		t.Skip("the programs under test are those of the plain run")
	}
}

// witness runs a command line.
func witness(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = Main(args, &out, &errs)
	return status, out.String(), errs.String()
}

// decode reads what -json prints, which is to be one value and nothing else.
func decode(t *testing.T, text string) []report.Report {
	t.Helper()
	var got struct{ Reports []report.Report }
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&got); err != nil || d.More() || got.Reports == nil {
		t.Fatalf("not one object with reports: %v\n%s", err, text)
	}
	return got.Reports
}

// TestPlanted is a new user's run: two mistakes, two clear reports, exit status 1.
func TestPlanted(t *testing.T) {
	dir := in(t, "planted")
	status, out, errs := witness(t, "test", "./...")
	if status != exitReports {
		t.Errorf("status %d\n%s", status, errs)
	}
	for _, want := range []string{
		"WITNESS likely lock order reversal: account.mu -> journal.mu -> account.mu",
		"held account.mu and took journal.mu", "held journal.mu and took account.mu",
		"bank.go:28", "bank.go:37", "planted.(*Bank).Audit",
		"WITNESS certain blocked for ever: account.mu", "waits: chan send", "holds account.mu since",
		"bank.go:46", "witness: 2 reports: 1 certain, 1 likely",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("missing %q", want)
		}
	}
	if strings.Contains(out, dir) || strings.Contains(out, "\x1b[") {
		t.Error("paths in full, or colours in what is no terminal")
	}
	if t.Failed() {
		t.Log(out)
	}
}

// TestClean: nothing is printed but what go test prints.
func TestClean(t *testing.T) {
	in(t, "clean")
	if status, out, errs := witness(t, "test", "./..."); status != exitClean || strings.Contains(out+errs, "itness") || !strings.HasPrefix(out, "ok ") {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
	if status, out, _ := witness(t, "test", "-json", "-v", "."); status != exitReports || len(decode(t, out)) != 0 {
		t.Errorf("a test that fails: status %d\n%s", status, out)
	}
	if status, out, _ := witness(t, "test", "-json", "-min-severity=likely", "-run=Queue", "."); status != exitClean || len(decode(t, out)) != 0 {
		t.Errorf("status %d\n%s", status, out)
	}
}

// TestFormats: the same reports for programs.
func TestFormats(t *testing.T) {
	dir := in(t, "planted")
	status, out, errs := witness(t, "test", "-json", "-sarif", "out.sarif", "-junit=out.xml", "-run", "Audit", ".")
	list := decode(t, out)
	if status != exitReports || len(list) != 1 || !strings.Contains(errs, "ok ") {
		t.Fatalf("status %d, %q\n%s", status, errs, out)
	}
	r := list[0]
	if r.Kind != "order" || r.Severity != report.Likely || len(r.Cycle) != 2 || len(r.Locks) != 2 || len(r.Stacks) != 1 || r.Text == "" ||
		r.Key != "order example.com/planted.account.mu -> example.com/planted.journal.mu -> example.com/planted.account.mu" {
		t.Errorf("%+v", r)
	}
	for _, s := range r.Cycle {
		if s.Holds.Site == nil || s.Wants.Site == nil || filepath.Base(s.Holds.Site.File) != "bank.go" || len(s.Stack) == 0 || s.Goroutine == "" {
			t.Errorf("%+v", s)
		}
	}
	var sarif struct {
		Version string
		Runs    []struct {
			Results []struct {
				RuleID, Level string
				Locations     []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine int }
					}
				}
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "out.sarif"))
	if err != nil || json.Unmarshal(text, &sarif) != nil || len(sarif.Runs) != 1 || len(sarif.Runs[0].Results) != 1 {
		t.Fatalf("%v\n%s", err, text)
	}
	if one := sarif.Runs[0].Results[0]; one.RuleID != "order" || one.Level != "warning" || one.Locations[0].PhysicalLocation.ArtifactLocation.URI != "bank.go" ||
		one.Locations[0].PhysicalLocation.Region.StartLine != 37 {
		t.Errorf("%+v", one)
	}
	var junit struct {
		Failures int `xml:"failures,attr"`
		Cases    []struct {
			Failure *struct {
				Text string `xml:",chardata"`
			} `xml:"failure"`
		} `xml:"testcase"`
	}
	text, err = os.ReadFile(filepath.Join(dir, "out.xml"))
	if err != nil || xml.Unmarshal(text, &junit) != nil || junit.Failures != 1 || len(junit.Cases) != 1 || !strings.Contains(junit.Cases[0].Failure.Text, "bank.go:37") {
		t.Errorf("%v\n%s", err, text)
	}

	// A file that cannot be written does not cost the reports.
	status, out, errs = witness(t, "test", "-junit", "nowhere/out.xml", "-run", "Audit", ".")
	if status != exitNotRun || !strings.Contains(out, "WITNESS likely") || !strings.Contains(errs, "nowhere/out.xml") {
		t.Errorf("status %d\n%s\n%s", status, out, errs)
	}

	// go test's own events are another flag.
	status, out, errs = witness(t, "test", "-gotest-json", "-run", "Audit", ".")
	if status != exitReports || !strings.HasPrefix(out, "{") || !strings.Contains(out, `"Action":"pass"`) || strings.Contains(out, "WITNESS") || !strings.Contains(errs, "WITNESS likely") {
		t.Errorf("status %d\n%s\n%s", status, out, errs)
	}
}

// TestSuppressions: written by a flag, with the reason; then the same run is clean, and a suppression without a reason is refused.
func TestSuppressions(t *testing.T) {
	dir := in(t, "planted")
	if status, _, errs := witness(t, "test", "-run", "Audit", "-suppress", "known, see issue 12", "."); status != exitReports || !strings.Contains(errs, "1 added to .witness") {
		t.Errorf("status %d\n%s", status, errs)
	}
	file := filepath.Join(dir, ".witness")
	text, err := os.ReadFile(file)
	if err != nil || !strings.HasSuffix(string(text), "order example.com/planted.account.mu -> example.com/planted.journal.mu -> example.com/planted.account.mu # known, see issue 12\n") {
		t.Errorf("%v\n%s", err, text)
	}
	if status, out, errs := witness(t, "test", "-run", "Audit", "./..."); status != exitClean || strings.Contains(out, "WITNESS") || !strings.Contains(errs, "1 known") {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
	if status, out, _ := witness(t, "test", "-run", "Tell", "-known", "other", "-min-severity", "certain", "."); status != exitReports || strings.Contains(out, "likely") {
		t.Errorf("status %d\n%s", status, out)
	}
	if err := os.WriteFile(file, []byte("order a -> b\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if status, _, errs := witness(t, "test", "."); status != exitNotRun || !strings.Contains(errs, ".witness:1: no reason") {
		t.Errorf("status %d\n%s", status, errs)
	}
}

// TestEndings: whatever becomes of the program, what it has found is told.
func TestEndings(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("nobody can kill there")
	}
	p := compile(t, "testdata/endings")
	for _, v := range []struct{ name, kind, timeout string }{
		{"Panic", "order", "1m"}, {"Exit", "order", "1m"}, {"ExitThree", "order", "1m"}, {"Killed", "order", "1m"}, {"Goexit", "order", "1m"},
		{"Timeout", "order", "100ms"}, {"Timeout", "hang", "100ms"}, {"Asleep", "hang", "0"},
	} {
		t.Run(v.name+" "+v.kind, func(t *testing.T) {
			list, out := p.run(t, "Test"+v.name, "-test.timeout", v.timeout)
			if !slices.ContainsFunc(list, func(r report.Report) bool { return r.Kind == v.kind }) {
				t.Errorf("%+v\n%s", list, out)
			}
		})
	}

	in(t, "endings")
	if status, out, errs := witness(t, "test", "-json", "-run", "^TestKilled$", "."); status != exitReports || len(decode(t, out)) != 1 {
		t.Errorf("status %d\n%s\n%s", status, out, errs)
	}
}

// TestRun: a program's own output and arguments stay what they are, its reports go to the standard error output.
func TestRun(t *testing.T) {
	in(t, "program")
	for _, v := range []struct {
		args   []string
		status int
		out    string
		errs   string
	}{
		{[]string{"run", "."}, exitClean, "arguments: []\n", ""},
		{[]string{"run", ".", "-json", "x"}, exitClean, "arguments: [-json x]\n", ""},
		{[]string{"run", "main.go", "order"}, exitReports, "arguments: [order]\n", "WITNESS likely lock order reversal: a -> b -> a"},
		{[]string{"run", "-min-severity", "certain", ".", "order"}, exitClean, "arguments: [order]\n", ""},
		{[]string{"run", ".", "three"}, exitReports, "arguments: [three]\n", "exit status 3"},
		{[]string{"run", "-every", "20ms", ".", "hang"}, exitReports, "arguments: [hang]\n", "WITNESS certain blocked for ever: main.mu"},
		{[]string{"run", "-every", "50ms", "-long", "1", ".", "long"}, exitReports, "arguments: [long]\n", "lock never released: a"},
		{[]string{"run", ".", "long"}, exitClean, "arguments: [long]\n", ""},
		{[]string{"run", ".", "chan"}, exitClean, "arguments: [chan]\n", ""},
		{[]string{"run", "-chan", ".", "chan"}, exitReports, "arguments: [chan]\n", "channel wait with a lock held: a"},
	} {
		t.Run(strings.Join(v.args, " "), func(t *testing.T) {
			status, out, errs := witness(t, v.args...)
			if status != v.status || out != v.out || !strings.Contains(errs, v.errs) || v.errs == "" && errs != "" {
				t.Errorf("status %d\n%s\n%s", status, out, errs)
			}
		})
	}

	// A program that was built tells by itself.
	if status, out, errs := witness(t, "build", "-o", "it", "."); status != exitClean {
		t.Fatalf("status %d\n%s%s", status, out, errs)
	}
	c := exec.Command("./it", "order")
	text, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(text), "lock order reversal: example.com/program.") || !strings.Contains(string(text), "main.go:") {
		t.Errorf("%v\n%s", err, text)
	}
	c = exec.Command("./it", "asleep")
	if text, err := c.CombinedOutput(); err == nil || !strings.Contains(string(text), "blocked for ever: goroutine 1 waits: chan receive") {
		t.Errorf("%v\n%s", err, text)
	}
}

// TestGraph: the orders that were seen, as a drawing and as data.
func TestGraph(t *testing.T) {
	in(t, "planted")
	status, out, errs := witness(t, "graph", "-run", "Audit", ".")
	if status != exitClean || !strings.HasPrefix(out, "digraph witness {") || !strings.Contains(out, `"account.mu" -> "journal.mu"`) || !strings.Contains(out, `"journal.mu" -> "account.mu"`) {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
	status, out, errs = witness(t, "graph", "-svg", "it.svg", "-run", "Audit", ".")
	if text, err := os.ReadFile("it.svg"); status != exitClean || out != "" || err != nil || !strings.Contains(string(text), ">journal.mu<") {
		t.Errorf("status %d, %v\n%s%s", status, err, out, errs)
	}
	status, out, _ = witness(t, "graph", "-json", "-run", "Audit", ".")
	var got struct{ Edges []edge }
	if err := json.Unmarshal([]byte(out), &got); status != exitClean || err != nil || len(got.Edges) != 2 {
		t.Errorf("status %d, %v\n%s", status, err, out)
	}
}

// TestShown: locks of one short name are told apart.
func TestShown(t *testing.T) {
	got := shown([]edge{{From: "a/p.mu", To: "a/q.s.mu"}, {From: "a/q.s.mu", To: "b/r.mu"}, {From: "b/r.mu", To: "a/p.mu"}, {From: "c/t.mu", To: "a/p.mu"}})
	want := map[string]string{"a/p.mu": "a/p.mu", "b/r.mu": "b/r.mu", "a/q.s.mu": "s.mu", "c/t.mu": "c/t.mu"}
	if !maps.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

// TestNotRun: what cannot be run is exit status 2, and says why.
func TestNotRun(t *testing.T) {
	in(t, "broken")
	for _, v := range []struct {
		args []string
		says string
	}{
		{nil, "usage:"},
		{[]string{"tset"}, `no command "tset"`},
		{[]string{"test", "-min-severity", "high", "."}, "-min-severity high: not one of possible, likely, certain"},
		{[]string{"test", "-suppress", " ", "."}, "needs a reason"},
		{[]string{"test", "-every", "3", "."}, "-every 3: not a duration; write 3s"},
		{[]string{"test", "."}, "could be built"},
		{[]string{"run", "."}, ""},
		{[]string{"test", "./nowhere"}, ""},
		{[]string{"test", "-nosuchflag", "."}, ""},
	} {
		if status, _, errs := witness(t, v.args...); status != exitNotRun || !strings.Contains(errs, v.says) {
			t.Errorf("%q: status %d\n%s", v.args, status, errs)
		}
	}
	if status, _, errs := witness(t, "test", "-overlay", "mine.json", "."); status != exitNotRun || !strings.Contains(errs, "-overlay") {
		t.Errorf("an overlay of the user's own: status %d\n%s", status, errs)
	}
	if runtime.GOOS != "windows" {
		bin := t.TempDir()
		fake := "#!/bin/sh\necho '{\"GOROOT\": \"/nowhere\", \"GOVERSION\": \"go1.99.1\"}'\n"
		if err := os.WriteFile(filepath.Join(bin, "go"), []byte(fake), 0o755); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", bin)
		if status, _, errs := witness(t, "test", "."); status != exitNotRun || !strings.Contains(errs, "this is go1.99.1") || !strings.Contains(errs, "GOTOOLCHAIN=") {
			t.Errorf("a Go that is not known: status %d\n%s", status, errs)
		}
	}
	t.Setenv("PATH", "")
	if status, _, errs := witness(t, "test", "."); status != exitNotRun || !strings.Contains(errs, "no go command") {
		t.Errorf("without go: status %d\n%s", status, errs)
	}
}

// TestNothingWritten: a run changes neither the module nor GOROOT, and a second one builds nothing.
func TestNothingWritten(t *testing.T) {
	dir := in(t, "planted")
	root := strings.TrimSpace(output(t, "go", "env", "GOROOT"))
	before := state(t, dir) + state(t, filepath.Join(root, "src", "sync")) + state(t, filepath.Join(root, "src", "runtime")) + state(t, filepath.Join(root, "src", "internal", "runtime"))
	witness(t, "test", "-run", "Audit", ".")
	_, _, errs := witness(t, "test", "-x", "-run", "Audit", ".")
	after := state(t, dir) + state(t, filepath.Join(root, "src", "sync")) + state(t, filepath.Join(root, "src", "runtime")) + state(t, filepath.Join(root, "src", "internal", "runtime"))
	if before != after {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	if strings.Contains(errs, "/compile ") {
		t.Errorf("something was compiled again:\n%s", errs)
	}
}

// state lists the files of a folder with their times.
func state(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && !d.IsDir() {
			b.WriteString(path + " " + info.ModTime().Format(time.RFC3339Nano) + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestRacesAreFound: the engine does not make the detector blind, nor see what is not there.
func TestRacesAreFound(t *testing.T) {
	if output(t, "go", "env", "CGO_ENABLED") != "1\n" {
		t.Skip("the race detector needs cgo")
	}
	p := compile(t, "testdata/racy", "-race")
	for range 10 {
		if _, out := p.run(t, "TestRace"); !strings.Contains(out, "DATA RACE") || !strings.Contains(out, "racy.TestRace.func1") {
			t.Fatalf("the race was not found:\n%s", out)
		}
	}
	if reports, out := p.run(t, "TestNoRace"); strings.Contains(out, "DATA RACE") || !strings.HasPrefix(out, "PASS") || len(reports) > 0 {
		t.Errorf("%v\n%s", reports, out)
	}
}

// TestModules: workspaces, vendored modules, cgo.
func TestModules(t *testing.T) {
	for _, v := range []struct{ module, below, key string }{
		{"space", "app", "order example.com/app.view.mu -> example.com/lib.Store.mu -> example.com/app.view.mu"},
		{"vendored", ".", "order example.com/dep.Store.mu -> example.com/vendored.view.mu -> example.com/dep.Store.mu"},
		{"withc", ".", "order example.com/withc.TestBoth.mu -> example.com/withc.heap.mu -> example.com/withc.TestBoth.mu"},
	} {
		t.Run(v.module, func(t *testing.T) {
			if v.module == "withc" && output(t, "go", "env", "CGO_ENABLED") != "1\n" {
				t.Skip("no cgo")
			}
			in(t, v.module)
			status, out, errs := witness(t, "test", "-C", v.below, "-json", "./...")
			if list := decode(t, out); status != exitReports || len(list) != 1 || list[0].Key != v.key {
				t.Errorf("status %d\n%s\n%s", status, out, errs)
			}
		})
	}
}

// TestLargePackage runs the tests of net/http, where all that is found is so and is known. With -short it runs some of them.
func TestLargePackage(t *testing.T) {
	known, err := filepath.Abs("testdata/nethttp.witness")
	if err != nil {
		t.Fatal(err)
	}
	in(t, "clean")
	args := []string{"test", "-json", "-short", "-known", known}
	if testing.Short() {
		args = append(args, "-run", "^Test(Serve|Server|H12|TransportDial)")
	}
	status, out, errs := witness(t, append(args, "net/http")...)
	if list := decode(t, out); len(list) != 0 || !strings.Contains(errs, "net/http") {
		t.Errorf("%d false reports\n%s", len(list), out)
	}
	if status != exitClean { // tests of net/http that fail on a machine under load are none of ours
		t.Logf("status %d\n%s", status, errs)
	}
}
