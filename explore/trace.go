package explore

// Traces. Two schedules that differ only in the order of steps which have nothing to
// do with each other are the same trace (Mazurkiewicz 1977): every thread sees the
// same in both. Here a trace is a number, the sum over its events of a hash that
// describes the event by what it depends on: its thread, the hash of that thread's
// event before, and for each object in its footprint those of the last write, and if
// it writes, of the reads since. A condition that a thread waits for may look at
// anything, so all depends on its step. It does not contain the numbers of the objects,
// which depend on the order in which they are met, nor any clock, so that it is an
// independent judge of the reduction, which is made of clocks (dpor_test.go).

import "github.com/serializing-tokens/lwkt/sim"

// maxTraces bounds the memory for counting; past it the count is a lower bound.
const maxTraces = 1 << 20

type objectHash struct{ write, reads uint64 }

// traces counts the distinct traces of the runs it listens to.
type traces struct {
	seen    map[uint64]struct{}
	sum     uint64
	threads []uint64
	objects []objectHash
	any     objectHash // what a condition reads and every step may write
	barrier uint64
}

func newTraces() *traces { return &traces{seen: map[uint64]struct{}{}} }

func (t *traces) begin() {
	t.sum, t.barrier, t.any = 0, 0, objectHash{}
	clear(t.threads)
	clear(t.objects)
}

func (t *traces) end() {
	if len(t.seen) < maxTraces {
		t.seen[t.sum] = struct{}{}
	}
}

func (t *traces) forget() { clear(t.seen) }

func (t *traces) executed(e sim.Event, footprint []sim.Access) {
	if e.Kind != sim.Step && e.Kind != sim.Choice {
		// Of time and interrupts all depends on: they stand between what was and what will be.
		t.barrier = mix(t.barrier+t.sum, uint64(e.Kind)<<32|uint64(uint32(e.Thread)))
		t.sum += t.barrier
		return
	}
	for e.Thread >= len(t.threads) {
		t.threads = append(t.threads, 0)
	}
	h := mix(t.threads[e.Thread]+t.barrier, uint64(e.Thread)<<8|uint64(e.Op.Kind))
	if e.Kind == sim.Choice {
		h = mix(h, uint64(e.Op.Obj))
	}
	deps := mix(t.any.write, 3)
	if surveys(e.Op.Kind) {
		deps += mix(t.any.reads, 4)
	}
	for i, a := range footprint {
		if again(footprint, i) {
			continue
		}
		for int(a.Obj) >= len(t.objects) {
			t.objects = append(t.objects, objectHash{})
		}
		o := &t.objects[a.Obj]
		deps += mix(o.write, 1)
		if writes(footprint, i) {
			deps += mix(o.reads, 2)
		}
	}
	h = mix(h, deps)
	t.threads[e.Thread] = h
	for i, a := range footprint {
		if again(footprint, i) {
			continue
		}
		if o := &t.objects[a.Obj]; writes(footprint, i) {
			o.write, o.reads = h, 0
		} else {
			o.reads += h
		}
	}
	if t.sum += h; surveys(e.Op.Kind) {
		t.any = objectHash{write: h}
	} else {
		t.any.reads += h
	}
}

// again says whether the object stood in the footprint before; a machine may name
// one several times.
func again(footprint []sim.Access, i int) bool {
	for k := range i {
		if footprint[k].Obj == footprint[i].Obj {
			return true
		}
	}
	return false
}

// writes says whether the object of the i-th access is written by this or a later one.
func writes(footprint []sim.Access, i int) bool {
	for k := i; k < len(footprint); k++ {
		if footprint[k].Obj == footprint[i].Obj && footprint[k].Write {
			return true
		}
	}
	return false
}

// mix hashes two words into one; it is the finalizer of splitmix64 over their blend.
func mix(a, b uint64) uint64 {
	x := a*0x9e3779b97f4a7c15 + b + 0x632be59bd9b4e019
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
