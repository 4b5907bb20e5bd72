package thread

// What is recorded about holds while recording is on: where and when each was
// acquired, beside the hold; and with the token, who holds it, how often and how
// long. A hold that began on a fast path has no note, so switching recording on
// or off at any time is harmless.

import (
	"bytes"
	"runtime"
	"strconv"

	"github.com/serializing-tokens/lwkt/internal/invariants"
	"github.com/serializing-tokens/lwkt/internal/token"
)

func (r *Record) recording() bool { return r.probe.Load()&record != 0 }

// listed says whether the locks of the thread are to be in the lists of their holders: while recording or the witness is on.
func (r *Record) listed() bool { return r.probe.Load()&(record|witnessed) != 0 }

// now is the time if it is going to be recorded, else 0.
func (r *Record) now() int64 {
	if !r.recording() {
		return 0
	}
	return r.Now()
}

// noteGain records that the hold at i was granted; again, that it was retaken or
// changed its mode.
func (r *Record) noteGain(i int, wait int64, again bool) {
	if !r.recording() {
		if invariants.Enabled && !again {
			r.noteSite(i)
		}
		return
	}
	p := &r.holds[i]
	if !again || p.since&noted == 0 {
		r.noteSite(i)
	}
	if r.goid == 0 {
		r.goid = goid()
	}
	p.tok.Describe().Stats.Gained(token.Holder{
		Thread: r.id, Goroutine: r.goid, Mode: p.mode(), Since: r.Now(), Site: r.sites[i],
	}, wait, again)
}

// noteSite records where the hold at i was acquired. Builds with invariants always do.
func (r *Record) noteSite(i int) {
	if len(r.sites) < len(r.holds) {
		r.sites = append(r.sites, make([]uintptr, len(r.holds)-len(r.sites))...)
	}
	r.sites[i] = site()
	r.holds[i].since |= noted
}

// noteLoss records that the hold at i is given up.
func (r *Record) noteLoss(i int) {
	if p := &r.holds[i]; p.since&noted != 0 && p.tok.Info() != nil {
		p.tok.Describe().Stats.Lost(r.id, r.Now())
	}
}

// foreign says whether another goroutine than the one that used the thread first
// is using it. Only builds with invariants ask.
func (r *Record) foreign() bool {
	if r.host != nil {
		return false // a host knows what it does
	}
	id := goid()
	if r.goid == 0 {
		r.goid = id
	}
	return r.goid != id
}

// goid is the number of this goroutine. Go tells it only in stack traces.
func goid() uint64 {
	var buf [64]byte
	s := bytes.TrimPrefix(buf[:runtime.Stack(buf[:], false)], []byte("goroutine "))
	if i := bytes.IndexByte(s, ' '); i > 0 {
		id, _ := strconv.ParseUint(string(s[:i]), 10, 64)
		return id
	}
	return 0
}
