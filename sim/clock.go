package sim

// Virtual time, if Options.Timed: each operation takes its cost on the CPU of its
// thread, and what happens first happens first; the chooser decides among what happens
// at the same time. Without Timed the CPUs are as fast or slow as the chooser likes,
// and time is only what their operations cost in all.

// pass lets time go on to the next thing that happens, and says whether that is an
// operation; else something changed and the CPUs are to be looked at again.
func (m *Machine) pass() bool {
	next := int64(-1)
	first := func(t int64) {
		if next < 0 || t < next {
			next = t
		}
	}
	for _, c := range m.cpus {
		if p := c.running; p != nil {
			first(c.since + p.left)
		}
	}
	if next >= 0 && next <= m.now {
		return true
	}
	busy := next >= 0
	for _, p := range m.procs {
		if p.life != ended && p.wait == onPermit && p.deadline != 0 && !p.canRun() {
			first(max(p.deadline, m.now))
		}
	}
	for _, s := range m.sources {
		for _, t := range s.due {
			first(max(t, m.now))
		}
	}
	if next < 0 || m.finished() {
		return true // nothing will ever happen
	}
	if busy {
		for _, c := range m.cpus {
			if c.running != nil && c.queued > 0 {
				if c.tick <= m.now {
					c.tick += (m.now - c.tick + int64(m.o.Tick)) / int64(m.o.Tick) * int64(m.o.Tick)
				}
				first(c.tick)
			}
		}
	}
	if m.o.MaxInversion > 0 {
		m.inversions(next - m.now)
	}
	m.now = next
	changed := false
	for _, p := range m.procs {
		if p.life != ended && p.wait == onPermit && p.deadline != 0 && p.deadline <= m.now && !p.canRun() {
			p.expired, changed = true, true
		}
	}
	if m.raiseDue() {
		changed = true
	}
	for _, c := range m.cpus {
		if p := c.running; p != nil && c.queued > 0 && c.tick <= m.now {
			c.tick += int64(m.o.Tick)
			changed = true
			if p.spl < SplSched {
				p.slice++
			}
		}
	}
	return !changed
}
