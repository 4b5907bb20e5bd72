package sim_test

import (
	"testing"

	"github.com/serializing-tokens/lwkt/sim"
)

// TestWordsNeedTheirBuild wants a machine that cannot do what it is asked to say so.
func TestWordsNeedTheirBuild(t *testing.T) {
	for _, o := range []sim.Options{{Words: true}, {Words: true, CPUs: 1}} {
		func() {
			defer func() {
				if can := sim.HasWords && o.CPUs == 0; (recover() == nil) != can {
					t.Errorf("%+v: this build has words: %v, and it is the other way round", o, sim.HasWords)
				}
			}()
			sim.New(o)
		}()
	}
}
