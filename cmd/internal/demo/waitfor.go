// waitfor.go: who waits for which account, and who holds it: the graph in which a deadlock is a cycle.
//
// Why it finds every deadlock and no other: a teller that holds an account in the graph holds its mutex in truth, because hold is
// called after Lock and release before Unlock (W1); a teller that wants an account in the graph, while the graph names
// another holder, is in Lock or about to call it, because hold ends the want (W2). So a cycle in the graph is one of tellers
// of whom each holds what the one before waits for: none can go on. And each edge "holds" of a deadlock is there before the
// edge "wants" of the same teller, so the last edge of its cycle is a "wants", and looking for cycles in wait is enough.
// A teller wants at most one account and an account has at most one holder: the search is a walk, not a traversal.

package demo

import (
	"fmt"
	"strings"
	"sync"
)

const nobody = -1

// A waitGraph is kept by the tellers themselves, around their calls of Lock and Unlock.
type waitGraph struct {
	mu     sync.Mutex
	wants  []int // (mu) by teller: the account it waits for, or nobody
	holder []int // (mu) by account: the teller who holds it, or nobody
}

// An edge of a cycle: a teller, what it holds, and what it waits for, which the next one holds.
type edge struct{ teller, holds, wants int }

// A cycle is a deadlock; the last edge wants what the first one holds.
type cycle []edge

func newWaitGraph(tellers, accounts int) *waitGraph {
	g := &waitGraph{wants: make([]int, tellers), holder: make([]int, accounts)}
	for i := range g.wants {
		g.wants[i] = nobody
	}
	for i := range g.holder {
		g.holder[i] = nobody
	}
	return g
}

// wait says that the teller is about to lock the account, and returns the cycle that this closes, if any.
func (g *waitGraph) wait(teller, account int) cycle {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wants[teller] = account
	var c cycle
	next := edge{teller: teller, wants: account}
	for range g.wants { // a walk this long would be in a cycle without teller: that one is known
		owner := g.holder[next.wants]
		if owner == nobody || g.wants[owner] == nobody {
			return nil
		}
		next = edge{teller: owner, holds: next.wants, wants: g.wants[owner]}
		c = append(c, next)
		if owner == teller {
			return c
		}
	}
	return nil
}

// hold says that the teller has locked the account.
func (g *waitGraph) hold(teller, account int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wants[teller] = nobody
	g.holder[account] = teller
}

// release says that the account is about to be unlocked. It reports whether the teller held it: if not, then somebody else has
// unlocked it for the teller, and it must not be unlocked again.
func (g *waitGraph) release(teller, account int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.holder[account] != teller {
		return false
	}
	g.holder[account] = nobody
	return true
}

// lines puts the cycle into words, one line a teller.
func (c cycle) lines() []string {
	var lines []string
	for i, e := range c {
		next := c[(i+1)%len(c)]
		lines = append(lines, fmt.Sprintf("teller %d holds account %d and waits for account %d, which teller %d holds",
			e.teller, e.holds, e.wants, next.teller))
	}
	return lines
}

// describe tells the first deadlock of a run.
func (c cycle) describe(res *result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: the first of %s:\n", res.name, plural(res.deadlocks, "deadlock"))
	for i, line := range c.lines() {
		if i == len(c)-1 {
			line += ": nobody can go on"
		}
		fmt.Fprintf(&b, "  %s\n", line)
	}
	b.WriteString("That world was given up, and a new one with fresh accounts took its place.\n")
	return b.String()
}
