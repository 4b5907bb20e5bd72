// writer_test.go: group commit, and every way in which a disk can fail the writer.

package journal

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// TestGroupCommit holds the first sync until 31 more tellers have appended: one more sync serves them all.
func TestGroupCommit(t *testing.T) {
	d := &disk{entered: make(chan struct{}), proceed: make(chan struct{})}
	w := NewWriter("test", d)
	var tellers sync.WaitGroup
	wait := func(k Ticket) {
		tellers.Go(func() {
			if err := w.Wait(k); err != nil {
				t.Error(err)
			}
		})
	}
	wait(w.Append(Record{Kind: Open, Tx: 1, From: 2, Amount: 10}))
	<-d.entered
	for i := range 31 {
		wait(w.Append(Record{Kind: Intent, Tx: uint64(i + 1), From: 0, To: 1, Amount: 1}))
	}
	if got := w.Stats(); got.Syncs != 0 || got.Records != 0 {
		t.Errorf("before the first sync returned, %+v counts as durable", got)
	}
	d.proceed <- struct{}{}
	<-d.entered
	d.proceed <- struct{}{}
	tellers.Wait()
	if got := w.Stats(); got.Syncs != 2 || got.Records != 32 || got.Bytes != int64(len(d.content())) {
		t.Errorf("32 records: %+v, want 2 syncs", got)
	}
	d.entered = nil // the flusher is idle: everything was waited for
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestWaitIsDurable has many tellers at once; after each Wait the disk must have synced the record.
func TestWaitIsDurable(t *testing.T) {
	d := &disk{}
	w := NewWriter("test", d)
	w.Append(Record{Kind: Open, Tx: 1, From: 2, Amount: 1 << 20})
	var tellers sync.WaitGroup
	for teller := range uint64(8) {
		tellers.Go(func() {
			for i := range uint64(50) {
				tx := teller<<32 | i
				k := w.Append(Record{Kind: Intent, Tx: tx, From: 0, To: 1, Amount: 1}, Record{Kind: Commit, Tx: tx})
				if err := w.Wait(k); err != nil {
					t.Error(err)
				}
				d.mu.Lock()
				whole := d.data[:d.synced]
				if !bytes.Contains(whole, appendRecord(nil, Record{Kind: Commit, Tx: tx})) {
					t.Errorf("transfer %x was acknowledged and is not on disk", tx)
				}
				d.mu.Unlock()
			}
		})
	}
	tellers.Wait()
	w.Append(Record{Kind: Close, Tx: 400})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Replay(bytes.NewReader(d.content()))
	if err != nil || s.Total != 400 || s.Interrupted() {
		t.Errorf("replay: %+v, %v", s, err)
	}
	if err := w.Wait(w.Append(Record{Kind: Commit})); err != ErrClosed {
		t.Errorf("append to a closed journal: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// TestFailures makes the disk fail in the second batch: everybody gets the error, now and later, the error helps, and the file
// has the first batch and nothing of the second.
func TestFailures(t *testing.T) {
	eio := errors.New("input/output error")
	for _, tt := range []struct {
		name string
		fail func(d *disk)
		want error
		text string
		torn bool // the disk cannot even be cut back
	}{
		{"full disk", func(d *disk) { d.room = len(d.data) + 10 }, syscall.ENOSPC, "; free some space or", false},
		{"full at once", func(d *disk) { d.room = len(d.data) }, syscall.ENOSPC, "-journal DIR", false},
		{"short write", func(d *disk) { d.short = true }, io.ErrShortWrite, "check the disk", false},
		{"sync", func(d *disk) { d.syncErr = eio }, eio, "check the disk", false},
		{"sync and cut", func(d *disk) { d.room, d.cutErr = len(d.data)+10, eio }, syscall.ENOSPC, "could not be cut back", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &disk{}
			w := NewWriter("/some/where.journal", d)
			if err := w.Wait(w.Append(Record{Kind: Open, Tx: 1, From: 2, Amount: 10})); err != nil {
				t.Fatal(err)
			}
			good := d.content()
			tt.fail(d) // the flusher is idle, so this is no race
			var tellers sync.WaitGroup
			for i := range uint64(5) {
				k := w.Append(Record{Kind: Intent, Tx: i, From: 0, To: 1, Amount: 1}, Record{Kind: Commit, Tx: i})
				tellers.Go(func() {
					if err := w.Wait(k); !errors.Is(err, tt.want) || !strings.Contains(err.Error(), "/some/where.journal") || !strings.Contains(err.Error(), tt.text) {
						t.Errorf("waiter got %v", err)
					}
				})
			}
			tellers.Wait()
			if err := w.Wait(w.Append(Record{Kind: Commit, Tx: 9})); !errors.Is(err, tt.want) {
				t.Errorf("append after the failure: %v", err)
			}
			if err := w.Close(); !errors.Is(err, tt.want) {
				t.Errorf("close after the failure: %v", err)
			}
			if !tt.torn && !bytes.Equal(d.content(), good) {
				t.Errorf("the file has %d bytes, %d were durable", len(d.content()), len(good))
			}
			s, err := Replay(bytes.NewReader(d.content()))
			if err != nil || s.Size != int64(len(good)) || s.Total != 0 || !s.Interrupted() || !d.isClosed {
				t.Errorf("replay: %+v, %v; closed %v", s, err, d.isClosed)
			}
		})
	}
}

// TestCloseFails has nobody waiting: the error must come out of Close.
func TestCloseFails(t *testing.T) {
	w := NewWriter("test", &disk{room: 20})
	w.Append(Record{Kind: Open, Tx: 1, From: 2, Amount: 10})
	if err := w.Close(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("close: %v", err)
	}
}

// TestCreate never takes a name twice, and says what is wrong with a directory.
func TestCreate(t *testing.T) {
	dir := t.TempDir()
	for _, want := range []string{"tokens.journal", "tokens.2.journal", "tokens.3.journal"} {
		w, err := Create(dir, "tokens")
		if err != nil {
			t.Fatal(err)
		}
		if got := filepath.Base(w.Name()); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if s, err := ReplayFile(w.Name()); err != nil || !s.Interrupted() || s.Records != 0 || s.Torn != 0 {
			t.Errorf("empty journal: %+v, %v", s, err)
		}
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := MakeDir(filepath.Join(file, "sub")); err == nil || !strings.Contains(err.Error(), "a file is in the way") {
		t.Errorf("directory below a file: %v", err)
	}
	_, err := Create(filepath.Join(dir, "none"), "tokens")
	if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "none")) || strings.Count(err.Error(), "no such file") > 1 {
		t.Errorf("no directory: %v", err)
	}
}
