package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// TestShow goes through what people type: the status, and what is printed where.
func TestShow(t *testing.T) {
	s := Show{
		Name: "lwkt x", Usage: "usage: lwkt x\n", JSON: true, SVG: "draw it into this `FILE`", Exit: "0 or not.",
		More: func(w io.Writer) { fmt.Fprint(w, "more\n") },
		Run: func(as Form, stdout io.Writer) error {
			if as.SVG == "bad" {
				return errors.New("no such file")
			}
			fmt.Fprint(stdout, as)
			return nil
		},
	}
	for _, v := range []struct {
		args           string
		status         int
		stdout, stderr string // all of it, but for -help
	}{
		{"", 0, "{false }", ""},
		{"-json -svg a.svg", 0, "{true a.svg}", ""},
		{"-svg bad", 1, "", "lwkt x: no such file\n"},
		{"-svg=", 2, "", "lwkt x: -svg needs a name (lwkt x -help explains)\n"},
		{"now", 2, "", "lwkt x: unexpected argument \"now\" (lwkt x -help explains)\n"},
		{"-no", 2, "", "lwkt x: flag provided but not defined: -no (lwkt x -help explains)\n"},
	} {
		var stdout, stderr bytes.Buffer
		if status := s.Main(strings.Fields(v.args), &stdout, &stderr); status != v.status || stdout.String() != v.stdout || stderr.String() != v.stderr {
			t.Errorf("%q: status %d, stdout %q, stderr %q", v.args, status, &stdout, &stderr)
		}
	}
	var help, stderr bytes.Buffer
	if status := s.Main([]string{"-h"}, &help, &stderr); status != 0 || stderr.Len() > 0 {
		t.Errorf("-h: status %d, stderr %q", status, &stderr)
	}
	for _, want := range []string{"usage: lwkt x\n", "  -json\n", "  -svg FILE\n", "more\n", "\nExit status: 0 or not.\n"} {
		if !strings.Contains(help.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &help)
		}
	}
}
