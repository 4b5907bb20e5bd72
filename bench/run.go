package main

// Building the three programs and running them round about.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A row is one thing that is measured. Its bounds are ratios of watched to plain, 0 if there is none.
type row struct {
	name, what string
	many       bool    // as many new locks as asked for, instead of one lock for a while
	time       float64 // bound of the time
	end        float64 // bound of the memory at the end
	none       bool    // the watched one must not allocate
}

var rows = []row{
	{name: "pair", what: "Lock and Unlock of a mutex that nobody else wants", time: 3, none: true},
	{name: "nested", what: "two of them, one in the other", time: 3, none: true},
	{name: "read", what: "RLock and RUnlock", time: 3, none: true},
	{name: "contended-2", what: "2 goroutines, one mutex"},
	{name: "contended-64", what: "64 goroutines, one mutex"},
	{name: "short-lived", what: "a mutex that is made, locked and dropped", many: true, end: 1.5},
	{name: "short-nested", what: "two of them, one locked in the other, and both dropped", many: true, end: 1.5},
	{name: "short-between", what: "one that is locked in a mutex that stays, with another that stays locked in it", many: true, end: 1.5},
}

// httpBound is that of the wall time of net/http's tests.
const httpBound = 1.3

// variants are the ways in which the worker is built.
var variants = []string{"plain", "witness", "deadlock"}

// result is what the worker prints.
type result struct{ NS, Allocs, End, Peak, Live float64 }

// A figure is a row of the table. What is not measured is 0.
type figure struct {
	Row      string  `json:"row"`
	Unit     string  `json:"unit"`
	Plain    float64 `json:"plain"`
	Witness  float64 `json:"witness"`
	Deadlock float64 `json:"deadlock,omitempty"`
	Bound    string  `json:"bound,omitempty"`
	Verdict  string  `json:"verdict,omitempty"` // ok or MISS
}

// measure does all of it.
func measure(cfg config) (header, []figure, error) {
	dir, err := module()
	if err != nil {
		return header{}, nil, err
	}
	h, err := newHeader(dir, cfg)
	if err != nil {
		return h, nil, err
	}
	var figures []figure
	if len(cfg.rows) > 0 {
		tmp, err := os.MkdirTemp("", "bench-")
		if err != nil {
			return h, nil, err
		}
		defer os.RemoveAll(tmp)
		if err := build(dir, tmp); err != nil {
			return h, nil, err
		}
		if figures, err = measureRows(cfg, tmp); err != nil {
			return h, nil, err
		}
	}
	if cfg.http {
		more, err := measureHTTP(dir)
		if err != nil {
			return h, nil, err
		}
		figures = append(figures, more...)
	}
	return h, figures, nil
}

// module is the folder of this module.
func module() (string, error) {
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/serializing-tokens/lwkt/bench").Output()
	if err != nil {
		return "", fmt.Errorf("run it in its repository: %w", failure(err))
	}
	return strings.TrimSpace(string(out)), nil
}

// failure is an error of a command with what the command said.
func failure(err error) error {
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && len(exit.Stderr) > 0 {
		return fmt.Errorf("%w\n%s", err, bytes.TrimSpace(exit.Stderr))
	}
	return err
}

// build makes the programs.
func build(dir, tmp string) error {
	for _, v := range variants {
		args := []string{"build", "-o", filepath.Join(tmp, v)}
		switch v {
		case "witness":
			args = append([]string{"tool"}, append([]string{"witness"}, args...)...)
		case "deadlock":
			args = append(args, "-tags", "deadlock")
		}
		c := exec.Command("go", append(args, "./worker")...)
		c.Dir = dir
		if _, err := c.Output(); err != nil {
			return fmt.Errorf("building the worker %s: %w", v, failure(err))
		}
	}
	return nil
}

// measureRows runs the programs, forth and back.
func measureRows(cfg config, tmp string) ([]figure, error) {
	samples := map[string]map[string][]result{} // by row and variant
	for _, r := range cfg.rows {
		samples[r.name] = map[string][]result{}
	}
	order := slices.Clone(variants)
	for i := range cfg.rounds {
		for _, r := range cfg.rows {
			if r.many && i >= 3 {
				continue
			}
			for _, v := range order {
				args := []string{"-row", r.name, "-for", cfg.long.String()}
				if r.many {
					args = append(args, "-n", strconv.Itoa(cfg.number))
				}
				out, err := exec.Command(filepath.Join(tmp, v), args...).Output()
				var got result
				if err == nil {
					err = json.Unmarshal(out, &got)
				}
				if err != nil {
					return nil, fmt.Errorf("%s, %s: %w", r.name, v, failure(err))
				}
				samples[r.name][v] = append(samples[r.name][v], got)
			}
		}
		slices.Reverse(order)
	}
	var figures []figure
	for _, r := range cfg.rows {
		add := func(unit string, of func(result) float64) *figure {
			m := func(v string) float64 { return median(samples[r.name][v], of) }
			figures = append(figures, figure{Row: r.name, Unit: unit, Plain: m("plain"), Witness: m("witness"), Deadlock: m("deadlock")})
			return &figures[len(figures)-1]
		}
		add("ns", func(r result) float64 { return r.NS }).within(r.time)
		allocs := add("allocs", func(r result) float64 { return r.Allocs })
		if r.none {
			allocs.none()
		}
		if r.many {
			add("MB end", func(r result) float64 { return r.End / 1e6 }).within(r.end)
			add("MB peak", func(r result) float64 { return r.Peak / 1e6 })
			add("MB live", func(r result) float64 { return r.Live / 1e6 })
		}
	}
	return figures, nil
}

// measureHTTP runs the tests of net/http. That some of them fail on a busy machine, and that the witness reports what is known of
// them, is no matter here.
func measureHTTP(dir string) ([]figure, error) {
	type took struct{ wall, cpu float64 }
	samples := map[string][]took{}
	order := []string{"plain", "witness"}
	for i := range 4 {
		for _, v := range order {
			args := []string{"test", "-count=1", "-short", "net/http"}
			if v == "witness" {
				args = append([]string{"tool", "witness"}, args...)
			}
			if i == 0 { // builds
				args = append(args, "-run=^$")
			}
			c := exec.Command("go", args...)
			c.Dir = dir
			start := time.Now()
			out, err := c.CombinedOutput()
			wall := time.Since(start)
			if !bytes.Contains(out, []byte("net/http")) {
				return nil, fmt.Errorf("the tests of net/http, %s: %w\n%s", v, err, out)
			}
			if i > 0 {
				s := c.ProcessState
				samples[v] = append(samples[v], took{wall.Seconds(), (s.UserTime() + s.SystemTime()).Seconds()})
			}
		}
		slices.Reverse(order)
	}
	figures := make([]figure, 2)
	for i, of := range []func(took) float64{func(t took) float64 { return t.wall }, func(t took) float64 { return t.cpu }} {
		figures[i] = figure{Row: "net/http", Unit: []string{"s wall", "s cpu"}[i],
			Plain: median(samples["plain"], of), Witness: median(samples["witness"], of)}
	}
	figures[0].within(httpBound)
	return figures, nil
}
