// main_test.go: the dispatch: every command line gets to the command it names, or is told what there is.

package main

import (
	"bytes"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

func TestDispatch(t *testing.T) {
	for _, tt := range []struct {
		args           string
		status         int
		stdout, stderr string // in it; "" for none at all
	}{
		{"", exitUsage, "", "usage: lwkt COMMAND"},
		{"nonsuch", exitUsage, "", `lwkt: there is no command "nonsuch" (lwkt help lists them)` + "\n"},
		{"help nonsuch", exitUsage, "", `no command "nonsuch"`},
		{"-for 3s", exitUsage, "", `no command "-for"`},
		{"help", 0, "usage: lwkt COMMAND", ""},
		{"-h", 0, "usage: lwkt COMMAND", ""},
		{"--help", 0, "usage: lwkt COMMAND", ""},
		{"help help", 0, "usage: lwkt COMMAND", ""},
		{"help demo", 0, "usage: lwkt demo", ""},
		{"demo -h", 0, "usage: lwkt demo", ""},
		{"demo -nonsuch", exitUsage, "", "(lwkt demo -help explains)\n"},
		{"help bench", 0, "usage: lwkt bench", ""},
		{"bench -h", 0, "usage: lwkt bench", ""},
		{"bench -nonsuch", exitUsage, "", "(lwkt bench -help explains)\n"},
		{"help version", 0, "usage: lwkt version", ""},
		{"version", 0, runtime.Version(), ""},
		{"-version", 0, runtime.Version(), ""},
		{"--version", 0, runtime.Version(), ""},
		{"version 2", exitUsage, "", "(lwkt version -help explains)\n"},
	} {
		var stdout, stderr bytes.Buffer
		status := run(strings.Fields(tt.args), &stdout, &stderr)
		if status != tt.status || !fits(stdout.String(), tt.stdout) || !fits(stderr.String(), tt.stderr) {
			t.Errorf("lwkt %s: status %d, stdout %q, stderr %q", tt.args, status, &stdout, &stderr)
		}
	}
}

// fits is for a text with want in it, and for no text where none is wanted.
func fits(got, want string) bool { return strings.Contains(got, want) && (got == "") == (want == "") }

// TestHelp has every command, and claims no more than there is.
func TestHelp(t *testing.T) {
	var b bytes.Buffer
	help(&b)
	for _, c := range commands {
		if !strings.Contains(b.String(), "\n  "+c.name+" ") || !strings.Contains(b.String(), c.summary) {
			t.Errorf("%s is not in the help", c.name)
		}
	}
	if strings.Contains(b.String(), "BSD") {
		t.Error("the help speaks of the locks of the BSDs, of which there is none yet but tokens")
	}
}

func TestDescribe(t *testing.T) {
	stamped := &debug.BuildInfo{
		Main: debug.Module{Path: "example.org/lwkt/cmd", Version: "v1.2.3"},
		Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "abcdef"}, {Key: "vcs.time", Value: "2026-01-02T03:04:05Z"}, {Key: "vcs.modified", Value: "true"},
		},
	}
	platform := runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH + "\n"
	for _, tt := range []struct {
		info *debug.BuildInfo
		want string
	}{
		{nil, "lwkt (no version)\n" + platform},
		{&debug.BuildInfo{Main: debug.Module{Path: "m", Version: "(devel)"}}, "m (devel)\n" + platform},
		{stamped, "example.org/lwkt/cmd v1.2.3\ncommit abcdef of 2026-01-02T03:04:05Z, and changes on top of it\n" + platform},
	} {
		var b bytes.Buffer
		if describe(&b, tt.info); b.String() != tt.want {
			t.Errorf("got %q, want %q", b.String(), tt.want)
		}
	}
}
