package hw

// What explorations of words are told (Memory.Forget) is numbers, also where it is a truth.

// Bit is 1 if b.
func Bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
