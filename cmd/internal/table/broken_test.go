// broken_test.go: locks, one for each cell of the table, that are not what they should be in just that property: where a cell
// says works it is broken, where it says fails it is mended. The cell has to change, and no other one of its column.

package table

import (
	"testing"

	"github.com/serializing-tokens/lwkt/sim"
)

// broken is all of them.
func broken() map[string]lock {
	all := locks()
	token, mutex, spl, funnel := all[0], all[1], all[2], all[3]
	m := map[string]lock{
		"timeslicing token":  leaky(token, sliced),
		"timeslicing mutex":  leaky(mutex, sliced),
		"timeslicing spl":    with(spl, lowLevels),
		"timeslicing funnel": leaky(funnel, sliced),

		"concurrent token":  leaky(token, elsewhere),
		"concurrent mutex":  leaky(mutex, elsewhere),
		"concurrent spl":    with(spl, wideLevels),
		"concurrent funnel": leaky(funnel, elsewhere),

		"preemption token":  leaky(token, interrupted),
		"preemption mutex":  leaky(mutex, interrupted),
		"preemption spl":    with(spl, openLevels),
		"preemption funnel": leaky(funnel, interrupted),

		"blocking token":  busy(token),
		"blocking mutex":  dropped(mutex),
		"blocking spl":    busy(spl),
		"blocking funnel": busy(funnel),

		"deadlock token":  holdAndWait(token, nil),
		"deadlock mutex":  sorted(mutex),
		"deadlock spl":    holdAndWait(spl, nil),
		"deadlock funnel": holdAndWait(funnel, nothing),

		"inversion token":  handmade(token, 0, anybody),
		"inversion mutex":  with(mutex, mutexes(true)),
		"inversion spl":    handmade(spl, sim.SplVM, sameCPU),
		"inversion funnel": handmade(funnel, 0, anybody),
	}
	sleeps := map[string]bool{"sx": true, "rms": true, "lockmgr": true, "serializer": true}
	lends := map[string]bool{"mtx": true, "rw": true, "rm": true, "rms": true, "giant": true, "spin": true}
	for _, l := range all[4:] {
		family(m, l, sleeps[l.name], lends[l.name])
	}
	spin := all[len(all)-1]
	m["timeslicing spin"] = with(spin, slicedSpin) // nobody comes to meet who is in a critical section
	m["preemption spin"] = with(spin, openSpin)
	return m
}

// family breaks and mends a lock of the family of FreeBSD; sleeps: it may be held by who blocks; lends: who waits for it lends.
func family(m map[string]lock, l lock, sleeps, lends bool) {
	m["timeslicing "+l.name] = leaky(l, sliced)
	m["concurrent "+l.name] = leaky(l, elsewhere)
	m["preemption "+l.name] = leaky(l, interrupted)
	m["blocking "+l.name] = busy(l)
	if sleeps {
		m["blocking "+l.name] = dropped(l)
	}
	m["deadlock "+l.name] = sorted(l)
	m["inversion "+l.name] = with(l, mutexes(true))
	if lends {
		m["inversion "+l.name] = listless(l)
	}
}

func TestBrokenLocks(t *testing.T) {
	right, err := measure(locks())
	if err != nil {
		t.Fatal(err)
	}
	works := map[string]bool{}
	for _, c := range right {
		works[c.property.name+" "+c.lock] = c.works
	}
	all := broken()
	if len(all) != len(works) {
		t.Errorf("%d broken locks for %d cells", len(all), len(works))
	}
	for name, l := range all {
		t.Run(name, func(t *testing.T) {
			for _, p := range properties {
				cell := p.name + " " + l.name
				if raceDetector && cell != name {
					continue // the detector makes runs slow
				}
				f := p.try(l)
				switch {
				case f.err != nil:
					t.Errorf("%s: %v", cell, f.err)
				case cell == name && f.works == works[cell]:
					t.Errorf("%s: the verdict stays %v: %s", cell, f.works, f.evidence)
				case cell != name && f.works != works[cell]:
					t.Errorf("%s: the verdict has changed as well, to %v: %s", cell, f.works, f.evidence)
				case cell == name:
					t.Logf("%s", f.evidence)
				}
			}
		})
	}
}
