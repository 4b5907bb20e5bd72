// replay_test.go: -replay of a journal that is whole, interrupted, damaged, or none: what it says and how it exits.

package demo

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt/cmd/internal/demo/journal"
)

// writeJournal makes the journal of a run with two transfers, and returns its path and its bytes.
func writeJournal(t *testing.T) (path string, data []byte) {
	t.Helper()
	w, err := journal.Create(t.TempDir(), "tokens")
	if err != nil {
		t.Fatal(err)
	}
	w.Append(journal.Record{Kind: journal.Open, Tx: 1, From: 2, Amount: 10},
		journal.Record{Kind: journal.Intent, Tx: 1, From: 0, To: 1, Amount: 1}, journal.Record{Kind: journal.Commit, Tx: 1},
		journal.Record{Kind: journal.Intent, Tx: 2, From: 0, To: 1, Amount: 1}, journal.Record{Kind: journal.Commit, Tx: 2},
		journal.Record{Kind: journal.Close, Tx: 2})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	data, err = os.ReadFile(w.Name())
	if err != nil {
		t.Fatal(err)
	}
	return w.Name(), data
}

func TestReplay(t *testing.T) {
	path, data := writeJournal(t)
	damaged := append([]byte(nil), data...)
	damaged[50] ^= 1 // in the first intent, behind 8 bytes of magic and 33 of the record Open
	for _, tt := range []struct {
		name   string
		data   []byte
		status int
		state  string // of -json, "" if there is no report
		stdout string
		stderr string
	}{
		{"whole", data, exitOK, "complete", "ended on purpose: replayed 6 whole records", ""},
		{"torn", data[:len(data)-3], exitOK, "interrupted", "was interrupted", ""},
		{"damaged", damaged, exitFailed, "damaged", "is damaged at byte 41: replayed 1 whole record up to byte 41", "damaged at byte 41\n"},
		{"empty", nil, exitFailed, "", "", "empty: not a journal\n"},
		{"other", []byte("a drawing"), exitFailed, "", "", "not a journal of the demo\n"},
	} {
		if err := os.WriteFile(path, tt.data, 0o644); err != nil {
			t.Fatal(err)
		}
		status, stdout, stderr := call(t.Context(), "-replay", path)
		if status != tt.status || !strings.Contains(stdout, tt.stdout) || !strings.HasSuffix(stderr, tt.stderr) || (stderr == "") != (tt.stderr == "") {
			t.Errorf("%s: status %d, stdout %q, stderr %q", tt.name, status, stdout, stderr)
		}
		if tt.stdout == "" && stdout != "" {
			t.Errorf("%s: a report on nothing: %q", tt.name, stdout)
		}
		status, stdout, stderr = call(t.Context(), "-replay", path, "-json")
		if status != tt.status || !strings.HasSuffix(stderr, tt.stderr) {
			t.Errorf("%s -json: status %d, stdout %q, stderr %q", tt.name, status, stdout, stderr)
		}
		if tt.state == "" {
			if stdout != "" {
				t.Errorf("%s -json: a report on nothing: %q", tt.name, stdout)
			}
			continue
		}
		var got struct {
			State     string  `json:"state"`
			DamagedAt *int    `json:"damaged_at"`
			Balances  []int64 `json:"balances"`
			Transfers int     `json:"transfers"`
		}
		if err := json.Unmarshal([]byte(stdout), &got); err != nil || got.State != tt.state || len(got.Balances) != 2 {
			t.Errorf("%s -json: %v in %s", tt.name, err, stdout)
		}
		if (got.DamagedAt != nil) != (tt.state == "damaged") || got.Balances[1] != 10+int64(got.Transfers) {
			t.Errorf("%s -json: %s", tt.name, stdout)
		}
	}
}

func TestReplayOfNoFile(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct{ path, want string }{
		{filepath.Join(dir, "none"), filepath.Join(dir, "none") + ": open: "},
		{dir, dir + " is a directory; name a *.journal file in it\n"},
	} {
		status, stdout, stderr := call(t.Context(), "-replay", tt.path)
		if status != exitFailed || stdout != "" || !strings.Contains(stderr, tt.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: status %d, stdout %q, stderr %q", tt.path, status, stdout, stderr)
		}
	}
}
