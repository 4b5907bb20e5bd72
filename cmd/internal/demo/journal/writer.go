// writer.go: the one writer of a journal, with group commit: one fsync serves every record that waits for it.
//
// Append copies records into the batch that is being gathered, a memory copy under a mutex that is never held across a
// system call; so it may be called with tokens or mutexes held. One goroutine, the flusher, takes the batch as soon as
// somebody waits for it, writes it with one Write, makes it durable with one Sync, and wakes all its waiters by closing
// one channel. Whatever is appended meanwhile gathers in the next batch.
//
// Why it is correct: there is one flusher and it takes batches in order, so bytes reach the file in the order of Append (J1);
// a batch is done only after its Sync returned nil, and then all batches before it are done; the first error is kept
// in Writer.err, is given to the batch in flight and to the one being gathered, and closes the writer to Append (J5).
// The happens-before edge from "durable" to the waiter is the close of batch.done.
//
// Order among locks: Writer.mu is innermost; nothing is taken under it and nothing blocks under it, except in fail.

package journal

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
)

// ErrClosed is the error of a writer that was closed.
var ErrClosed = errors.New("journal is closed")

// A File is what a Writer writes to: an *os.File, or a test's idea of a disk that fails.
type File interface {
	io.Writer
	Sync() error
	Truncate(size int64) error
	Close() error
}

// A Ticket stands for records that were appended: Wait waits until they are durable.
type Ticket struct{ b *batch }

// A batch is the records that one Write and one Sync make durable.
type batch struct {
	buf     []byte        // (m) until the flusher takes the batch, then its own
	records int           // (m) likewise
	asked   bool          // (m) somebody waits, and the flusher knows
	err     error         // written before done is closed, constant after
	done    chan struct{} // closed when the batch is durable, or never will be
}

func newBatch(buf []byte) *batch { return &batch{buf: buf[:0], done: make(chan struct{})} }

// Stats counts what a writer made durable.
type Stats struct {
	Records int   // records
	Syncs   int   // fsyncs that served them
	Bytes   int64 // size of the file up to the last of them
}

// A Writer appends records to one file. All methods may be called by any goroutine.
type Writer struct {
	name string
	file File

	mu     sync.Mutex
	next   *batch        // (m) the batch being gathered
	spare  []byte        // (m) the buffer of a finished batch, for the next one
	err    error         // (m) set once, by the first failure or by Close
	stats  Stats         // (m)
	kick   chan struct{} // capacity 1: somebody waits for next
	ending chan struct{} // closed by Close
	ended  chan struct{} // closed by the flusher, when it is gone
}

// NewWriter starts a journal on an empty file; name is what errors call it. End it with Close.
func NewWriter(name string, f File) *Writer {
	w := &Writer{name: name, file: f, next: newBatch(nil),
		kick: make(chan struct{}, 1), ending: make(chan struct{}), ended: make(chan struct{})}
	w.next.buf = append(w.next.buf, magic...)
	go w.flusher()
	return w
}

// Name is the path of the journal.
func (w *Writer) Name() string { return w.name }

// Stats is what has become durable so far.
func (w *Writer) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stats
}

// Append puts the records at the end of the journal, next to each other. It does not block on the disk: they are durable when
// Wait returns nil for the ticket, or for a later one. On a failed or closed writer Wait gives the error.
func (w *Writer) Append(records ...Record) Ticket {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return Ticket{failed(w.err)}
	}
	for _, r := range records {
		w.next.buf = appendRecord(w.next.buf, r)
	}
	w.next.records += len(records)
	return Ticket{w.next}
}

// failed is a batch that was never to be: the records of an Append after the end.
func failed(err error) *batch {
	b := newBatch(nil)
	b.err = err
	close(b.done)
	return b
}

// Wait returns when the records of the ticket are durable, with nil, or when they never will be, with the reason.
// It blocks on the disk: not a thing to do with a token held, except inside td.Block.
func (w *Writer) Wait(t Ticket) error {
	w.mu.Lock()
	ask := t.b == w.next && !t.b.asked
	if ask {
		t.b.asked = true
	}
	w.mu.Unlock()
	if ask {
		w.kick <- struct{}{} // does not block: one kick a batch, and the flusher takes it before it takes the batch
	}
	<-t.b.done
	return t.b.err
}

// Close makes durable what was appended, ends the flusher and closes the file. It returns the error that made the writer fail, if any.
func (w *Writer) Close() error {
	w.mu.Lock()
	select {
	case <-w.ending:
	default:
		close(w.ending)
	}
	w.mu.Unlock()
	<-w.ended
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == ErrClosed {
		return nil
	}
	return w.err
}

// flusher makes batches durable, one after the other, until Close or the first failure.
func (w *Writer) flusher() {
	defer close(w.ended)
	for last := false; !last; {
		select {
		case <-w.kick:
			w.gather()
		case <-w.ending:
			last = true
		}
		if !w.flush(last) {
			return
		}
	}
	if err := w.file.Close(); err != nil {
		w.mu.Lock()
		w.err = explain(w.name, err)
		w.mu.Unlock()
	}
}

// gather lets those whom the last sync woke add their records to the batch, as long as it grows: without it the first of
// them would have a sync for itself, and all others would wait two. It gives the processor away, it never waits.
func (w *Writer) gather() {
	for before, rounds := -1, 0; rounds < 8; rounds++ {
		w.mu.Lock()
		n := len(w.next.buf)
		w.mu.Unlock()
		if n == before {
			return
		}
		before = n
		runtime.Gosched()
	}
}

// flush takes the batch and makes it durable. It reports whether the writer is still good.
func (w *Writer) flush(last bool) bool {
	w.mu.Lock()
	b := w.next
	w.next = newBatch(w.spare)
	w.spare = nil
	if last {
		w.err = ErrClosed // from here on Append refuses, so that nothing is promised behind the last sync
	}
	w.mu.Unlock()

	err := w.write(b.buf)
	w.mu.Lock()
	if err != nil {
		w.fail(b, err)
		w.mu.Unlock()
		return false
	}
	w.stats.Records += b.records
	w.stats.Syncs++
	w.stats.Bytes += int64(len(b.buf))
	w.spare, b.buf = b.buf, nil
	w.mu.Unlock()
	close(b.done)
	return true
}

// write is one Write and one Sync. A writer that takes less than all and says nothing is a failure too.
func (w *Writer) write(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	n, err := w.file.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err == nil {
		err = w.file.Sync()
	}
	return err
}

// fail ends the writer: it cuts the file back to what is durable and gives the error to everybody who waits or will. w.mu is held,
// across two system calls for once: nobody has anything left to gain from going on.
func (w *Writer) fail(b *batch, err error) {
	err = explain(w.name, err)
	if cut := w.file.Truncate(w.stats.Bytes); cut != nil {
		err = fmt.Errorf("%w (and it could not be cut back to its last whole sync at byte %d: %v)", err, w.stats.Bytes, cut)
	}
	w.file.Close() // its error would say less than the one we have
	w.err = err
	for _, b := range []*batch{b, w.next} {
		b.err = err
		close(b.done)
	}
}
