//go:build lwkt_words

package turnstile

// What is part of a state, for explorations.

import "github.com/serializing-tokens/lwkt/internal/hw"

func init() { hw.Shared = append(hw.Shared, Table) }
