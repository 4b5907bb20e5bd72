package bench

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt/explore"
)

// TestExploringInJSON runs the command, and looks at what does not depend on the machine.
func TestExploringInJSON(t *testing.T) {
	if raceDetector {
		t.Skip("measures; under the detector that takes very long and says nothing")
	}
	var out, errs bytes.Buffer
	if code := Main([]string{"-explore", "-json"}, &out, &errs); code != 0 || errs.Len() > 0 {
		t.Fatalf("exit status %d: %s", code, &errs)
	}
	var got []explore.BenchRow
	dec := json.NewDecoder(&out)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&got); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range got {
		seen[r.Name] = true
		if r.PerSecond <= 0 || r.Schedules < 1 || r.Ms <= 0 {
			t.Errorf("%+v", r)
		}
		if g := goals[r.Name]; g.met != nil && !r.Found {
			t.Errorf("%s: not found: %+v", r.Name, r)
		}
		if _, known := goals[r.Name]; !known {
			t.Errorf("%s says nothing about itself: add it to goals", r.Name)
		}
	}
	for name, g := range goals {
		if g.met != nil && !seen[name] {
			t.Errorf("there is no row %s any more", name)
		}
	}
}

func TestExploringTable(t *testing.T) {
	var out bytes.Buffer
	err := writeExploring(&out, []explore.BenchRow{
		{Name: "dfs-3x3", PerSecond: 700_000, Schedules: 1680, Found: true, Ms: 3},
		{Name: "dpor-3x3", PerSecond: 299_000, Schedules: 1680, Found: true, Ms: 3},
		{Name: "shrink-700", PerSecond: 9, Schedules: 100, Found: true, Switches: 11, Ms: 20},
		{Name: "random-late-abba", PerSecond: 9, Schedules: 20000, Ms: 20},
	})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	for name, want := range map[string]string{"dfs-3x3:": "  ok ", "dpor-3x3:": " MISS ", "shrink-700:": " MISS ", "random-late-abba:": " no "} {
		for _, l := range lines {
			if strings.Contains(l, " "+name) && !strings.Contains(l, want) {
				t.Errorf("%q is missing in %q", want, l)
			}
		}
	}
}

func TestExploringUsage(t *testing.T) {
	for _, args := range []string{"-explore -run token", "-explore -budget 1s"} {
		var out, errs bytes.Buffer
		if code := Main(strings.Fields(args), &out, &errs); code != 2 || !strings.Contains(errs.String(), "-explore goes with no other flag but -json") {
			t.Errorf("%s: exit status %d: %s", args, code, &errs)
		}
	}
}
