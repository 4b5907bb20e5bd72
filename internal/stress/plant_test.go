package stress_test

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt/internal/token"
)

// The faults that -stress.plant knows. Each is done to the core through its own
// entrances, so that no code for it needs to be in the library.
var plants = []string{"double-grant", "lost-wakeup"}

// plantDoubleGrant takes a hold off a token whose holder goes on as if it had it:
// the core may grant the token a second time.
func (w *worker) plantDoubleGrant(g *guarded) {
	if *plant == "double-grant" && w.rng.IntN(100) == 0 {
		g.core.Leave(token.Exclusive)
		runtime.Gosched()
	}
}

// deaf is a thread that does not hear its wakeup.
type deaf struct{}

func (deaf) Unpark() {}

// plantDeafWaiter lets somebody wait whose wakeup gets lost. stop takes it off, if
// the round ended too soon for it to matter.
func (r *round) plantDeafWaiter() (stop func() bool) {
	c := &token.Claim{ID: token.MaxID, Waker: deaf{}}
	over := make(chan struct{})
	filed := make(chan bool)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-over:
				filed <- false
				return
			default:
			}
			t := r.tokens[n%len(r.tokens)].core
			if t.Word() != 0 { // else it would not wait
				c.Wants = []token.Want{{Tok: t, Mode: token.Exclusive}}
				if !c.File() {
					<-over
					filed <- true
					return
				}
				t.Leave(token.Exclusive)
			}
			runtime.Gosched()
		}
	}()
	return func() bool {
		close(over)
		is := <-filed
		if is {
			if won, _ := c.Shrink(); won {
				c.Wants = c.Wants[:1]
				c.Wants[0].Tok.Leave(token.Exclusive)
			}
		}
		return is
	}
}

// TestPlants sees that the command which finds nothing finds what is planted.
func TestPlants(t *testing.T) {
	if *plant != "" {
		t.Skip("this is the planted run")
	}
	for fault, says := range map[string][]string{
		"": {"PASS"},
		// Two are inside, or the word of a token that was given back twice is nobody's.
		"double-grant": {"is inside", "DATA RACE", "exclusive holders", "a panic that nobody planned", "money was made or lost", "is stuck in its step"},
		"lost-wakeup":  {"is stuck in its step"},
	} {
		t.Run("plant="+fault, func(t *testing.T) {
			t.Parallel()
			args := []string{"-test.run=^TestStress$", "-stress.for=3s", "-stress.stuck=2s", "-stress.plant=" + fault}
			if fault == "" {
				args = []string{"-test.run=^TestStress$", "-test.v", "-stress.for=1ms"}
			}
			out, err := exec.Command(os.Args[0], args...).CombinedOutput()
			if (err != nil) != (fault != "") {
				t.Fatalf("the run ended with: %v\n%s", err, out)
			}
			for _, s := range says {
				if strings.Contains(string(out), s) {
					return
				}
			}
			t.Fatalf("the run says none of %q, but:\n%s", says, out)
		})
	}
}
