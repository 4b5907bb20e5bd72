package stress_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/internal/token"
)

var (
	runFor  = flag.Duration("stress.for", time.Second, "how long to go on starting rounds")
	runSeed = flag.Uint64("stress.seed", 0, "seed of the run; 0 picks one")
	plant   = flag.String("stress.plant", "", "a fault to plant: "+strings.Join(plants, ", "))
	stuck   = flag.Duration("stress.stuck", 30*time.Second, "how long a thread may get nowhere")
)

const (
	maxTokens  = 8
	maxThreads = 64
	maxHeld    = 5 // distinct tokens of a thread at once, audits apart
	maxDepth   = 3 // of references to a token, and of Blocks in Blocks
)

// TestStress is the run that doc.go tells about.
func TestStress(t *testing.T) {
	seed := *runSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-stress.seed=%d -stress.for=%v GOMAXPROCS=%d", seed, *runFor, runtime.GOMAXPROCS(0))
	if *plant != "" && !slices.Contains(plants, *plant) {
		t.Fatalf("-stress.plant=%q: there are %s", *plant, strings.Join(plants, ", "))
	}
	goroutines := runtime.NumGoroutine()
	standard := lwkt.SetBypass(0)
	defer lwkt.SetBypass(standard)

	var sum tally
	began := time.Now()
	rounds := 0
	for ; rounds == 0 || time.Since(began) < *runFor; rounds++ {
		r := newRound(seed, rounds, standard)
		err := r.run()
		r.settle(false)
		if err != nil {
			t.Fatalf("-stress.seed=%d, round %d (%v) after %v:\n%v", seed, rounds, r, time.Since(began), err)
		}
		sum.add(&r.sum)
	}
	took := time.Since(began)
	for end := time.Now().Add(*stuck); runtime.NumGoroutine() > goroutines; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("-stress.seed=%d: %d goroutines, %d when it began:\n%s", seed, runtime.NumGoroutine(), goroutines, stacks())
		}
	}
	t.Logf("%d rounds in %v, seed %d\n%v", rounds, took.Round(time.Millisecond), seed, &sum)
	if *plant != "" {
		t.Fatalf("the planted %s was not found", *plant)
	}
}

// round is one go at a few tokens with fixed settings.
type round struct {
	number    int
	seed      uint64
	k         int
	chaos     bool // K changes meanwhile
	counted   bool // atomic counters, and independent counts of who overtook whom
	forced    bool // the library's forced drops
	recording bool // statistics
	threads   int
	budget    int // steps of each thread

	tokens []*guarded
	slots  [maxThreads + 1]slot // the last one is the ringer's
	asks   atomic.Uint64        // a clock of questions, in counted rounds
	bells  chan int             // tokens that somebody sleeps on
	pool   lwkt.Pool[int]

	broken atomic.Bool
	found  chan string // the first thing that is wrong

	mu  sync.Mutex
	sum tally // (mu)
}

func newRound(seed uint64, number, standard int) *round {
	rng := rand.New(rand.NewPCG(seed, uint64(number)<<16))
	ks := []int{standard, 0, 1, 2, 64}
	r := &round{
		number: number, seed: seed,
		k:         ks[number%len(ks)],
		chaos:     rng.IntN(10) == 0,
		counted:   (number/len(ks)+number%len(ks))%2 == 0,
		forced:    rng.IntN(8) == 0,
		recording: rng.IntN(6) == 0,
		threads:   []int{2, 3, 8, 24, maxThreads, maxThreads}[rng.IntN(6)],
		bells:     make(chan int, 2),
		found:     make(chan string, 1),
	}
	r.budget = 3000/r.threads + 20
	for i := range []int{2, 4, maxTokens, maxTokens}[rng.IntN(4)] {
		r.tokens = append(r.tokens, newGuarded(fmt.Sprintf("%c%d.%d", 'A'+i, number, seed)))
	}
	return r
}

func (r *round) String() string {
	s := fmt.Sprintf("K=%d, %d threads, %d tokens", r.k, r.threads, len(r.tokens))
	for name, on := range map[string]bool{"K changes": r.chaos, "counted": r.counted, "forced drops": r.forced, "recording": r.recording} {
		if on {
			s += ", " + name
		}
	}
	return s
}

// settle sets the library's modes as the round wants them, or back.
func (r *round) settle(on bool) {
	lwkt.SetBypass(r.k)
	lwkt.SetForcedDrops(r.forced && on)
	lwkt.SetRecording(r.recording && on)
}

// run does the round and says what is wrong.
func (r *round) run() error {
	r.settle(true)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var ringer, all sync.WaitGroup
		ringer.Go(func() { r.ring() })
		for i := range r.threads {
			all.Go(func() { r.slot(i) })
		}
		all.Wait()
		close(r.bells)
		ringer.Wait()
	}()
	stop := func() bool { return false }
	switch *plant {
	case "lost-wakeup":
		stop = r.plantDeafWaiter()
	}
	hearts := time.NewTicker(*stuck / 8)
	defer hearts.Stop()
	last := [maxThreads + 1]pulse{}
	for {
		select {
		case <-ended:
			stop()
			return r.audit()
		case what := <-r.found:
			return fmt.Errorf("%s\n\n%s", what, r.state())
		case now := <-hearts.C:
			for i := range last {
				beats := r.slots[i].beats.Load()
				if beats != last[i].beats || beats == 0 || beats == over {
					last[i] = pulse{beats, now}
				} else if now.Sub(last[i].seen) > *stuck {
					return fmt.Errorf("thread s%d is stuck in its step %d\n\n%s\n%s", i, beats, r.state(), stacks())
				}
			}
		}
	}
}

type pulse struct {
	beats uint64
	seen  time.Time
}

// over is the beat of a slot that has ended.
const over = 1<<64 - 1

// fail says that something is wrong; the first one counts.
func (r *round) fail(format string, args ...any) {
	r.broken.Store(true)
	select {
	case r.found <- fmt.Sprintf(format, args...):
	default:
	}
}

// audit looks at what a round that ended left behind.
func (r *round) audit() error {
	select {
	case what := <-r.found:
		return fmt.Errorf("%s", what)
	default:
	}
	balance, counts := int64(0), [maxTokens]uint64{}
	for i := range r.slots {
		for j, n := range r.slots[i].moves {
			counts[j] += n
		}
	}
	for i, g := range r.tokens {
		balance += g.balance
		_, holders := g.core.Describe().Stats.Read()
		switch {
		case g.core.Word() != 0:
			return fmt.Errorf("%v is left with the word %#x", g.tok, uint64(g.core.Word()))
		case len(g.core.Waiters()) != 0:
			return fmt.Errorf("%v is left with waiters %v", g.tok, g.core.Waiters())
		case len(holders) != 0:
			return fmt.Errorf("%v is left with the recorded holders %v", g.tok, holders)
		case g.version != counts[i]:
			return fmt.Errorf("%v: %d updates, but the version is %d", g.tok, counts[i], g.version)
		case len(g.sleepers) != 0:
			return fmt.Errorf("%v is left with %d sleepers", g.tok, len(g.sleepers))
		}
	}
	if balance != 0 {
		return fmt.Errorf("money was made or lost: %d", balance)
	}
	return nil
}

// state shows the tokens as the library sees them, for a failure.
func (r *round) state() string {
	var b strings.Builder
	for _, g := range r.tokens {
		w := g.core.Word()
		fmt.Fprintf(&b, "%v: word %#x, owner %d, %d shares, waiters %v\n", g.tok, uint64(w), w.Owner(), w.Shares(), g.core.Waiters())
	}
	return b.String()
}

func stacks() string {
	buf := make([]byte, 4<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// slot is where one thread after the other works off a budget of steps.
type slot struct {
	beats atomic.Uint64 // stored by the slot and read by the watch only: no edge between slots
	asked atomic.Uint64 // counted rounds: see ask
	over  atomic.Int64  // counted rounds: who overtook the question that is asked

	moves [maxTokens]uint64 // versions that this slot made
}

func (r *round) slot(i int) {
	w := newWorker(r, i)
	for life := 0; w.budget > 0 && !r.broken.Load(); life++ {
		w.live(life)
	}
	r.slots[i].moves = w.moves
	r.slots[i].beats.Store(over)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.add(&w.tally)
}

// guarded is a token and what it guards.
type guarded struct {
	tok  *lwkt.Token
	core *token.Token // the same one level below

	// (tok) plain data, on purpose.
	owner    int // who is inside exclusively, plus one
	version  uint64
	balance  int64
	sleepers []*sleeper

	exclusive, shared atomic.Int32 // in counted rounds, who is inside
}

// newGuarded makes a token with a name that no other one has.
func newGuarded(name string) *guarded {
	g := &guarded{tok: lwkt.NewToken(name)}
	for _, t := range token.Known() {
		if t.Name() == name {
			g.core = t
		}
	}
	return g
}
