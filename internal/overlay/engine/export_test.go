package engine

// MaxStacks is how many stacks are kept that differ in more than two places.
const MaxStacks = maxStacks

// Stacks is how many stacks are kept.
func (e *Engine) Stacks() int { return e.stacks.n }
