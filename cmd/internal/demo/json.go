// json.go: the result for programs: one object. Names and units of the keys that were promised first are not to change; more may
// come.

package demo

import (
	"encoding/json"
	"io"
	"time"
)

type jsonReport struct {
	Disciplines []jsonDiscipline `json:"disciplines"`
	Accounts    int              `json:"accounts"`
	Tellers     int              `json:"tellers"`
	ForSeconds  float64          `json:"for_seconds"`
	Seed        uint64           `json:"seed"`
	JournalDir  string           `json:"journal_dir"`
	Tmpfs       bool             `json:"journal_on_tmpfs"`
	Interrupted bool             `json:"interrupted"`
}

type jsonDiscipline struct {
	Name      string   `json:"name"`
	Transfers int64    `json:"transfers"`
	PerSecond float64  `json:"per_second"`
	P50       float64  `json:"wait_p50_us"` // 0 if nobody got both accounts
	P99       float64  `json:"wait_p99_us"`
	Deadlocks int64    `json:"deadlocks"`
	Audit     string   `json:"audit"`
	Journal   string   `json:"journal"`
	Seconds   float64  `json:"seconds"`
	Fsyncs    int      `json:"fsyncs"`
	Declined  int64    `json:"declined"`
	Aborted   int64    `json:"aborted"`
	Rechecked int64    `json:"rechecked"`
	Stuck     int64    `json:"never_got_both"`
	Cycle     []string `json:"first_deadlock,omitempty"`
}

func (r *report) json(w io.Writer) error {
	out := jsonReport{
		Disciplines: []jsonDiscipline{}, // an interrupt may come before the first, and null is not a list
		Accounts:    r.cfg.accounts, Tellers: r.cfg.tellers, ForSeconds: r.cfg.duration.Seconds(), Seed: r.cfg.seed,
		JournalDir: r.place.dir, Tmpfs: r.place.tmpfs, Interrupted: r.interrupted,
	}
	us := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
	for _, res := range r.results {
		out.Disciplines = append(out.Disciplines, jsonDiscipline{
			Name: res.name, Transfers: res.transfers, PerSecond: res.perSecond(),
			P50: us(res.waits.quantile(0.50)), P99: us(res.waits.quantile(0.99)),
			Deadlocks: res.deadlocks, Audit: res.audit, Journal: res.path, Seconds: res.elapsed.Seconds(),
			Fsyncs: res.stats.Syncs, Declined: res.declined, Aborted: res.aborted, Rechecked: res.looked, Stuck: res.stuck,
			Cycle: res.cycle.lines(),
		})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}
