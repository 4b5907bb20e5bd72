// disk_test.go: a disk in memory that does what the test says: takes only so much, fails a sync, or waits in it.

package journal

import (
	"bytes"
	"sync"
	"syscall"
)

// A disk is a File in memory. Its zero value takes everything.
type disk struct {
	room     int           // bytes until ENOSPC; 0 is no limit
	short    bool          // Write takes half and says nothing
	syncErr  error         // what Sync returns
	cutErr   error         // what Truncate returns
	entered  chan struct{} // if set: Sync announces itself here
	proceed  chan struct{} // if set: and waits for this
	mu       sync.Mutex
	data     []byte // (mu)
	synced   int    // (mu) bytes that a successful Sync covered
	isClosed bool   // (mu)
}

func (d *disk) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(p)
	var err error
	if d.room > 0 && len(d.data)+n > d.room {
		n, err = d.room-len(d.data), syscall.ENOSPC // like write(2) through os.File: a part, then the error
	}
	if d.short {
		n /= 2
	}
	d.data = append(d.data, p[:n]...)
	return n, err
}

func (d *disk) Sync() error {
	if d.entered != nil {
		d.entered <- struct{}{}
		<-d.proceed
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.syncErr == nil {
		d.synced = len(d.data)
	}
	return d.syncErr
}

func (d *disk) Truncate(size int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cutErr == nil {
		d.data = d.data[:size]
	}
	return d.cutErr
}

func (d *disk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.isClosed = true
	return nil
}

// content is what a reader of the file would find.
func (d *disk) content() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return bytes.Clone(d.data)
}
