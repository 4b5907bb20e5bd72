package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// TestMeasure runs every row for hardly any time: all three programs build, and every figure comes out.
func TestMeasure(t *testing.T) {
	for _, m := range []string{"github.com/sasha-s/go-deadlock", "github.com/petermattis/goid"} {
		if out, err := exec.Command("go", "mod", "download", m).CombinedOutput(); err != nil {
			t.Skipf("the rival cannot be had: %v\n%s", err, out)
		}
	}
	var out, errs bytes.Buffer
	if status := run([]string{"-json", "-rounds", "1", "-for", "1ms", "-locks", "320"}, &out, &errs); status != 0 || errs.Len() > 0 {
		t.Fatalf("status %d\n%s", status, &errs)
	}
	var got struct {
		header
		Figures []figure
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	if got.Go == "" || got.Machine == "" || !strings.HasPrefix(got.Deadlock, "v0.") || got.Rounds != 1 || got.Locks != 320 {
		t.Errorf("%+v", got.header)
	}
	units := map[string]string{}
	for _, f := range got.Figures {
		units[f.Row] += f.Unit + ";"
		if f.Unit == "ns" && (f.Plain <= 0 || f.Witness <= 0 || f.Deadlock <= 0) || (f.Bound != "") != (f.Verdict != "") {
			t.Errorf("%+v", f)
		}
		if f.Unit == "allocs" && f.Bound != "" && f.Verdict != "ok" && f.Witness > 0.1 { // the watched one, really built so
			t.Errorf("%+v", f)
		}
	}
	for _, r := range rows {
		want := "ns;allocs;"
		if r.many {
			want += "MB end;MB peak;MB live;"
		}
		if units[r.name] != want {
			t.Errorf("%s has %q", r.name, units[r.name])
		}
	}
}

// TestTable: a bound that is kept and one that is missed, and what has none.
func TestTable(t *testing.T) {
	list := []figure{{Row: "a", Unit: "ns", Plain: 10, Witness: 30, Deadlock: 99}, {Row: "a", Unit: "allocs", Witness: 1},
		{Row: "b", Unit: "ns", Plain: 10, Witness: 30.1}, {Row: "c", Unit: "allocs", Witness: 1e-6}, {Row: "d", Unit: "ns", Plain: 1, Witness: 99}}
	list[0].within(3)
	list[1].none()
	list[2].within(3)
	list[3].none()
	list[4].within(0)
	var out bytes.Buffer
	if err := writeTable(&out, header{Machine: "m"}, list); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")[3:]
	for i, want := range []string{"ok", "MISS", "MISS", "ok", "99.00x"} {
		if f := strings.Fields(lines[i]); f[len(f)-1] != want {
			t.Errorf("%q does not end in %s", lines[i], want)
		}
	}
	for _, have := range []string{"3.00x", "9.90x", "<= 3x", "none"} {
		if !strings.Contains(out.String(), have) {
			t.Errorf("no %q in\n%s", have, &out)
		}
	}
	if got := median([]float64{3, 1, 2, 9}, func(x float64) float64 { return x }); got != 2.5 {
		t.Errorf("median %v", got)
	}
}

func TestCommandLine(t *testing.T) {
	var out, errs bytes.Buffer
	if status := run([]string{"--help"}, &out, &errs); status != 0 || errs.Len() > 0 || !strings.Contains(out.String(), "short-nested") || !strings.Contains(out.String(), "-http") {
		t.Errorf("status %d\n%s%s", status, &out, &errs)
	}
	for _, args := range [][]string{{"-nosuch"}, {"pair"}, {"-run", "("}, {"-run", "nosuch"}, {"-rounds", "0"}, {"-for", "0s"}, {"-locks", "-1"}} {
		out.Reset()
		errs.Reset()
		if status := run(args, &out, &errs); status != 2 || out.Len() > 0 || !strings.Contains(errs.String(), "-help") {
			t.Errorf("%q: status %d\n%s%s", args, status, &out, &errs)
		}
	}
	if err := failure(io.EOF); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}
