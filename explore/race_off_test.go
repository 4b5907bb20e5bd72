//go:build !race

package explore

// slow is by how much this build is allowed to be slower.
const slow = 1
