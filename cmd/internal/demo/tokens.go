// tokens.go: the discipline tokens: both accounts are taken in the order of the request, whatever it is, and given up while the
// disk writes.
//
// Why it is correct: tokens cannot deadlock, so there is no order to keep. td.Block gives both up, so others work on the same accounts
// during the sync of the intent, and returns with both held again; if it says that one was in other hands, the balance that
// the intent was based on is old, and is looked at again: then the transfer commits or aborts. From there to the change of
// the balances nothing blocks, so both are still held: COMMITs are in the order of the changes (J2 of package journal). The
// wait for the COMMIT needs no account: nobody can become durable ahead of it (J1).
//
// The price: two syncs after each other instead of one. All transfers in flight share them.

package demo

import (
	"fmt"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/cmd/internal/demo/journal"
)

type tokenAccount struct {
	token   lwkt.Token
	balance int64 // (token)
}

type tokenBank struct {
	log      *journal.Writer
	tally    *tally
	accounts []tokenAccount
}

func openTokens(log *journal.Writer, t *tally, cfg config) bank {
	b := &tokenBank{log, t, make([]tokenAccount, cfg.accounts)}
	for i := range b.accounts {
		b.accounts[i].token.SetName(fmt.Sprint("account ", i))
		b.accounts[i].balance = opening
	}
	return b
}

func (b *tokenBank) serve(teller int, loop func(transfer)) {
	lwkt.Run(fmt.Sprint("teller ", teller), func(td *lwkt.Thread) {
		loop(func(r request) (outcome, error) { return b.transfer(td, r) })
	})
}

// watch has nothing to do but wait: there is no deadlock to find.
func (b *tokenBank) watch(done <-chan struct{}) bool { <-done; return false }

func (b *tokenBank) transfer(td *lwkt.Thread, r request) (outcome, error) {
	out, end, err := b.decide(td, r)
	if err == nil && out.ending == committed {
		err = b.log.Wait(end) // holds no token
	}
	return out, err
}

// decide does what needs the accounts. A transfer that it calls committed counts once the ticket is durable.
func (b *tokenBank) decide(td *lwkt.Thread, r request) (out outcome, end journal.Ticket, err error) {
	from, to := &b.accounts[r.from], &b.accounts[r.to]
	start := time.Now()
	from.token.Acquire(td)
	defer from.token.Release(td)
	to.token.Acquire(td) // may give from up while it waits: nothing was read yet, so its result does not matter
	defer to.token.Release(td)
	out.wait = time.Since(start)
	if from.balance < r.amount {
		out.ending = declined
		return out, end, nil
	}

	tx := b.tally.tx.Add(1)
	intent := b.log.Append(r.intent(tx))
	var written time.Time
	out.looked = td.Block(func() {
		err = b.log.Wait(intent)
		written = time.Now()
	})
	out.wait += time.Since(written) // getting both back is waiting for them, too
	if err != nil {
		return out, end, err
	}
	if out.looked && from.balance < r.amount {
		out.ending = aborted
		b.log.Append(abort(tx)) // nobody waits for it: without it replay would come to the same
		return out, end, nil
	}
	end = b.log.Append(commit(tx))
	from.balance -= r.amount
	to.balance += r.amount
	out.ending = committed
	return out, end, nil
}

func (b *tokenBank) balances() []int64 {
	list := make([]int64, len(b.accounts))
	for i := range b.accounts {
		list[i] = b.accounts[i].balance
	}
	return list
}
