package lwkt

import (
	"bytes"
	"errors"
	"testing"
)

func TestShowQueues(t *testing.T) {
	var b bytes.Buffer
	if err := errors.Join(
		showQueues(&b, "turnstile of ", []QueueInfo{
			{
				Chain: 7, On: `rwlock "routes"`, Owner: `thread "router" (#9)`, OwnerPriority: 28, OwnerLent: 28,
				Exclusive: []QueuedInfo{{`thread "old" (#3)`, 2, false, true}, {`thread "admin" (#4)`, 28, true, false}, {`thread "late" (#5)`, 28, false, false}},
				Shared:    []QueuedInfo{{`thread "rx" (#6)`, 20, true, false}, {`thread "stats" (#7)`, 5, false, false}},
			},
			{Chain: 7, On: "mutex 0x12345678", Owner: `thread #12`, OwnerPriority: 16, Exclusive: []QueuedInfo{{`thread #13`, 16, false, false}}},
			{Chain: 200, On: `rwlock "filters"`, Exclusive: []QueuedInfo{{`thread "rules" (#14)`, 22, false, false}}},
		}),
		showQueues(&b, "sleep queue of ", []QueueInfo{
			{Chain: 1, On: "string(a reply)", Lock: `mutex "requests"`, Exclusive: []QueuedInfo{{`thread "client" (#8)`, 16, false, false}, {`thread "batch" (#10)`, 1, false, false}}},
			{Chain: 12, On: `sx lock "config"`, Owner: `thread "loader" (#2)`, Shared: []QueuedInfo{{`thread "ps" (#11)`, 12, false, false}}},
		}),
		showQueues(&b, "sleep queue of ", nil),
	); err != nil {
		t.Fatal(err)
	}
	golden(t, "show_queues.golden", b.Bytes())
	if err := showQueues(brokenWriter{}, "turnstile of ", nil); !errors.Is(err, errBroken) {
		t.Errorf("to a broken writer the error is %v", err)
	}
}
