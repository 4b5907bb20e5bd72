package sim

// Go channels between simulated threads: Recv, Send and Select of package lwkt. What
// is buffered stays in the channel; an unbuffered hand-over, which the runtime would
// make between two goroutines that really block, is made here, between two threads
// that wait in the simulation. Machine.match decides; it runs where the machine does.

import "reflect"

// talk is a thread's communication on Go channels.
type talk struct {
	cases  []reflect.SelectCase
	offers bool // it waits, so that others may meet it
	met    bool // another thread met it: the result is below
	chosen int
	got    reflect.Value
	ok     bool
}

// Channel is that of the core's Host.
//
//go:norace
func (p *proc) Channel(cases []reflect.SelectCase, wait bool) (chosen int, v reflect.Value, ok bool) {
	p.m.chans.release()
	p.kind, p.wait, p.key = Select, nothing, nil
	if len(cases) == 1 && cases[0].Dir == reflect.SelectRecv {
		p.kind = Recv
	} else if len(cases) == 1 {
		p.kind = Send
	}
	if len(cases) > 0 {
		p.key = chanKey(cases[0].Chan.Pointer())
	}
	p.talk = talk{cases: cases, offers: wait, chosen: -1}
	if wait {
		p.wait = onChannel
	}
	p.pause()
	if !p.met {
		p.m.onDriver(func() { p.m.match(p, true) })
	}
	chosen, v, ok = p.chosen, p.got, p.ok
	p.talk = talk{}
	p.m.chans.acquire()
	if chosen >= 0 && cases[chosen].Dir == reflect.SelectSend && !ok {
		cases[chosen].Chan.TrySend(cases[chosen].Send) // it is closed: the panic of the language
	}
	return chosen, v, ok
}

// chanKey stands for a Go channel among the objects of a run.
type chanKey uintptr

// match says whether one of p's cases is possible, and with do performs the first
// that is.
//
//go:norace
func (m *Machine) match(p *proc, do bool) bool {
	for i, c := range p.cases {
		if !c.Chan.IsValid() || c.Chan.IsNil() {
			continue
		}
		var yes bool
		var v reflect.Value
		ok := true
		if c.Dir == reflect.SelectRecv {
			yes, v, ok = m.receive(p, c.Chan, do)
		} else {
			yes, ok = m.send(p, c, do)
		}
		if yes {
			if do {
				p.met, p.chosen, p.got, p.ok = true, i, v, ok
			}
			return true
		}
	}
	return false
}

// receive is match for one channel to receive from.
//
//go:norace
func (m *Machine) receive(p *proc, ch reflect.Value, do bool) (yes bool, v reflect.Value, ok bool) {
	key := ch.Pointer()
	if old := m.stash[key]; len(old) > 0 {
		if do {
			v, m.stash[key] = old[0], old[1:]
		}
		return true, v, true
	}
	if ch.Len() > 0 {
		if do {
			v, ok = ch.TryRecv()
		}
		return true, v, ok
	}
	if q, i := m.partner(p, key, reflect.SelectSend); q != nil {
		if do {
			v = q.cases[i].Send
			q.met, q.chosen, q.ok = true, i, true
		}
		return true, v, true
	}
	switch v, ok = ch.TryRecv(); {
	case ok && !do: // from a goroutine that is not simulated: keep it for who comes first
		if m.stash == nil {
			m.stash = make(map[uintptr][]reflect.Value)
		}
		m.stash[key] = append(m.stash[key], v)
		return true, v, true
	case !v.IsValid():
		return false, v, false
	}
	return true, v, ok // received, or closed
}

// send is match for one channel to send on.
//
//go:norace
func (m *Machine) send(p *proc, c reflect.SelectCase, do bool) (yes, ok bool) {
	if q, i := m.partner(p, c.Chan.Pointer(), reflect.SelectRecv); q != nil && c.Chan.Len() == 0 {
		if do {
			q.met, q.chosen, q.got, q.ok = true, i, c.Send, true
		}
		return true, true
	}
	if !do {
		return c.Chan.Len() < c.Chan.Cap(), true
	}
	defer func() {
		if recover() != nil {
			yes, ok = true, false // closed
		}
	}()
	return c.Chan.TrySend(c.Send), true
}

// partner finds the first thread that waits to do the opposite on a channel.
//
//go:norace
func (m *Machine) partner(p *proc, key uintptr, dir reflect.SelectDir) (q *proc, i int) {
	for _, q := range m.procs {
		if q == p || q.life != live || q.wait != onChannel || !q.offers || q.met {
			continue
		}
		for i, c := range q.cases {
			if c.Dir == dir && c.Chan.IsValid() && !c.Chan.IsNil() && c.Chan.Pointer() == key {
				return q, i
			}
		}
	}
	return nil, 0
}
