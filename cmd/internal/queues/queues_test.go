// queues_test.go: the scene is the one that the picture is meant to show, and what is printed and drawn is what was seen.

package queues

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/cmd/internal/cli/clitest"
)

// seen is a queue in one line: what is waited for, the owner with what it is lent, who waits.
func seen(infos []lwkt.QueueInfo) (lines []string) {
	for _, q := range infos {
		line := fmt.Sprintf("%s: %s lent %d", name(q.On), name(q.Owner), q.OwnerLent)
		for _, list := range [][]lwkt.QueuedInfo{q.Exclusive, q.Shared} {
			line += " |"
			for _, w := range list {
				line += fmt.Sprintf(" %s %d", name(w.Thread), w.Priority)
			}
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

func TestScene(t *testing.T) {
	s, err := play()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ got, want []string }{
		{seen(s.turnstiles), []string{
			"buffer: flush lent 28 | write 28 |",
			"filters:  lent 0 | rules 22 | tx2 19",
			"journal: commit lent 28 | flush 28 index 9 |",
			"routes: routed lent 20 | admin 14 | rx0 20 rx1 20 stats 5",
			"vnode: write lent 28 | editor 28 backup 6 |",
		}},
		{seen(s.sleeps), []string{
			"config: loader lent 0 | shell 16 | ps 12 top 12",
			"queues.buffer(7):  lent 0 | bio0 15 bio1 15 sync 9 |",
		}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("it was\n%s\nwant\n%s", strings.Join(c.got, "\n"), strings.Join(c.want, "\n"))
		}
	}
	if len(lwkt.Turnstiles())+len(lwkt.SleepQueues()) != 0 {
		t.Error("somebody waits when the scene is over")
	}
}

func call(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = Main(args, &out, &errs)
	return status, out.String(), errs.String()
}

func TestTextAndPicture(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queues.svg")
	status, stdout, stderr := call(t, "-svg", path)
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, stderr %q", status, stderr)
	}
	for _, want := range []string{`turnstile of mutex "vnode"`, `owner      thread "commit" (#1) at 28, lent`, "sleep queue of queues.buffer(7)", `sleep queue of sx lock "config"`} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is missing in\n%s", want, stdout)
		}
	}
	picture := clitest.Picture(t, path)
	for text, n := range map[string]int{">lends 28<": 3, ">lends 20<": 1, ">lent nothing<": 1, ">readers: no owner<": 1, ">owns vnode<": 1, ">editor<": 1, "%!": 0} {
		if got := strings.Count(string(picture), text); got != n {
			t.Errorf("%q is %d times in the picture, want %d", text, got, n)
		}
	}
}

// TestPictureOfAnything: two locks in one chain, marks, a dropped lock, long names, nobody at all.
func TestPictureOfAnything(t *testing.T) {
	s := &scene{turnstiles: []lwkt.QueueInfo{
		{Chain: 3, On: `mutex "a"`, Owner: `thread "o" (#1)`, OwnerPriority: 16, Exclusive: []lwkt.QueuedInfo{{Thread: `thread "w" (#2)`, Priority: 3, Hard: true}, {Thread: `thread "a<b" (#3)`, Called: true}}},
		{Chain: 3, On: `mutex 0xc000123456789abc`, Exclusive: []lwkt.QueuedInfo{{Thread: "thread #4"}}},
		{Chain: 9, On: `string(a channel)`, Lock: `mutex "dropped"`, Exclusive: []lwkt.QueuedInfo{{Thread: "thread #5"}}},
	}}
	got := string(draw(s))
	for text, n := range map[string]int{">3<": 2, ">9<": 1, ">reserved<": 1, ">called<": 1, "a&lt;b": 1, "dropped: mutex": 1, "nobody waits": 1, "a<b": 0, "%!": 0} {
		if strings.Count(got, text) != n {
			t.Errorf("%q is %d times in the picture, want %d", text, strings.Count(got, text), n)
		}
	}
}

func TestJSON(t *testing.T) {
	status, stdout, stderr := call(t, "-json")
	var got struct {
		Turnstiles  []jsonQueue `json:"turnstiles"`
		SleepQueues []jsonQueue `json:"sleep_queues"`
	}
	dec := json.NewDecoder(strings.NewReader(stdout))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&got); err != nil || status != 0 || stderr != "" || len(got.Turnstiles) != 5 || len(got.SleepQueues) != 2 {
		t.Errorf("status %d, stderr %q, %v in %s", status, stderr, err, stdout)
	}
	for _, q := range append(got.Turnstiles, got.SleepQueues...) {
		if q.Exclusive == nil || q.Shared == nil || len(q.Exclusive) == 0 {
			t.Errorf("%+v", q)
		}
	}
}

func TestUsage(t *testing.T) {
	for args, want := range map[string]string{
		"-colour": "flag provided but not defined: -colour",
		"now":     `unexpected argument "now"`,
		"-svg=":   "-svg needs a name",
	} {
		status, stdout, stderr := call(t, strings.Fields(args)...)
		if status != 2 || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%s: status %d, stdout %q, stderr %q", args, status, stdout, stderr)
		}
	}
	if status, stdout, stderr := call(t, "-help"); status != 0 || stderr != "" || !strings.Contains(stdout, "turnstile") || !strings.Contains(stdout, "-svg FILE") {
		t.Errorf("-help: status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
	if status, _, stderr := call(t, "-svg", filepath.Join(t.TempDir(), "none", "x.svg")); status != 1 || !strings.Contains(stderr, "none") {
		t.Errorf("a file that cannot be written: status %d, stderr %q", status, stderr)
	}
}
