// Package bank has two mistakes: its two locks are taken in both orders, and tell sends on a channel with a lock held.
package bank

import "sync"

type account struct {
	mu      sync.Mutex
	balance int
}

type journal struct {
	mu    sync.Mutex
	lines []string
}

// A Bank has one account and a journal of what happened to it.
type Bank struct {
	account account
	journal journal
	events  chan string
}

// Deposit adds to the account, and then writes the journal.
func (b *Bank) Deposit(n int) {
	b.account.mu.Lock()
	defer b.account.mu.Unlock()
	b.account.balance += n
	b.journal.mu.Lock()
	defer b.journal.mu.Unlock()
	b.journal.lines = append(b.journal.lines, "deposit")
}

// Audit reads the journal, and then the account.
func (b *Bank) Audit() (lines, balance int) {
	b.journal.mu.Lock()
	defer b.journal.mu.Unlock()
	b.account.mu.Lock()
	defer b.account.mu.Unlock()
	return len(b.journal.lines), b.account.balance
}

// Tell says what the account is to whoever listens.
func (b *Bank) Tell(what string) {
	b.account.mu.Lock()
	defer b.account.mu.Unlock()
	b.events <- what
}
