package token

// What a simulation needs to know about tokens and claims without being part of the
// algorithm: what would wait, what was looked at, and how to take back a claim whose
// thread is gone.
//
// State machine: word.go

// Observer is told, under the book's lock, of each token whose word or claims a
// section of the book reads or writes because of its claim or one that it shares a
// token with. It must not call back.
type Observer interface{ Touched(t *Token) }

// WouldWait says whether a thread that holds nothing would wait for the token.
func (t *Token) WouldWait(m Mode) bool {
	w := t.Root().Word()
	return !w.compatible(m) || !w.open()
}

// Cancel withdraws the claim if it is filed, and if it was granted and its thread did
// not learn of it, gives back what it was granted. It says whether it did either. The
// thread is gone.
func (c *Claim) Cancel() (did bool) {
	if len(c.Wants) == 0 || c.Wants[0].Tok == nil {
		return false
	}
	b := &book
	b.lock.Lock()
	was := c.state
	if was == waiting || was == called {
		b.freezeAll(c)
		b.settle(c)
		b.unwatch(c)
		for i := range c.Wants {
			b.leave(&c.Wants[i])
		}
	}
	c.become(idle) // S6
	b.unlock()
	if was == granted {
		for _, w := range c.Wants {
			w.Tok.Leave(w.Mode)
		}
	}
	c.Done()
	return was != idle
}
