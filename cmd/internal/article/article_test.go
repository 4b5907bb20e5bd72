// article_test.go: the example goes as the article has it, the mistake is caught, and nothing else is.

package article

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt/cmd/internal/cli/clitest"
	"github.com/serializing-tokens/lwkt/explore"
)

func call(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = Main(args, &out, &errs)
	return status, out.String(), errs.String()
}

// The steps in order, by thread.
func TestRow04ArticleExample(t *testing.T) {
	steps, err := play(rereads)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range steps {
		got = append(got, string("AB"[s.thread])+" "+s.code)
	}
	want := []string{
		"B T2.Acquire(td)", "A T1.Acquire(td)", "A it := list.next", "A T2.Acquire(td)",
		"B T1.Acquire(td)", "B remove(list.next)", "B ReleaseAll(td, T1, T2)",
		"A ... returns true", "A it = seek(list, 2)", "A copy(it)",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("it went\n%s", strings.Join(got, "\n"))
	}
	if s := steps[4].happened; !strings.Contains(s, "although A has not released it") {
		t.Errorf("B took T1 when %q", s)
	}

	// The one that keeps its iterator comes to the element that was freed, and not beyond.
	steps, err = play(keeps)
	if last := steps[len(steps)-1]; err != nil || last.code != "... returns true" || !strings.HasSuffix(last.happened, "element 2, freed") {
		t.Errorf("%v: %+v", err, last)
	}
}

func TestVariants(t *testing.T) {
	rep := explore.Run(program(keeps, new(story)))
	if f := rep.Failure; f == nil || f.Switches > 3 || !strings.Contains(f.Err.Error(), "element 2, which was freed") {
		t.Fatalf("keeps: %s", rep.String())
	}
	for _, v := range []variant{rereads, asks} {
		rep := explore.Run(program(v, new(story)))
		if !rep.OK() || !rep.Exhaustive || rep.Traces < 2 {
			t.Errorf("%v: %s", v, rep.String())
		}
		// The other way to try all gives the same answer.
		if rep := explore.Run(program(v, new(story)), explore.Exhaustive()); !rep.OK() || !rep.Exhaustive || rep.Runs < 2 {
			t.Errorf("%v: %s", v, rep.String())
		}
	}
}

func TestCommand(t *testing.T) {
	path := filepath.Join(t.TempDir(), "article.svg")
	status, stdout, stderr := call("-svg", path)
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, stderr %q", status, stderr)
	}
	for _, want := range []string{"thread A", "what happened", "caught  in schedule", "exhaustive", "5  :           release T1", "story.go:", "A goes on at element 2, which was freed"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is missing in\n%s", want, stdout)
		}
	}
	if n := strings.Count(stdout, "right   all "); n != 2 {
		t.Errorf("%d variants are right in\n%s", n, stdout)
	}
	clitest.Picture(t, path)
}

func TestUsage(t *testing.T) {
	for args, want := range map[string]string{
		"-json": "flag provided but not defined: -json",
		"now":   `unexpected argument "now"`,
		"-svg=": "-svg needs a name",
	} {
		status, stdout, stderr := call(strings.Fields(args)...)
		if status != 2 || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%s: status %d, stdout %q, stderr %q", args, status, stdout, stderr)
		}
	}
	if status, stdout, stderr := call("-help"); status != 0 || stderr != "" || !strings.Contains(stdout, "-svg FILE") {
		t.Errorf("-help: status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
	if status, _, stderr := call("-svg", filepath.Join(t.TempDir(), "none", "x.svg")); status != 1 || !strings.Contains(stderr, "none") {
		t.Errorf("a file that cannot be written: status %d, stderr %q", status, stderr)
	}
}
