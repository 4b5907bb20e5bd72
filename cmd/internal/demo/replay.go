// replay.go: -replay: what the journal of an earlier run says, for people or as one JSON object.
//
// A journal that was interrupted is as good as one that was not: all that was acknowledged is in it (package journal, J1 to J4). One
// that is damaged is not: what follows the damage was acknowledged and cannot be taken. So the first is reported and is no
// error, and the second is both.

package demo

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/serializing-tokens/lwkt/cmd/internal/demo/journal"
)

// replay reports on cfg.replay. Its error is what makes the exit status 1: the report is written all the same, if there is one.
func replay(cfg config, stdout io.Writer) error {
	path := cfg.replay
	s, err := journal.ReplayFile(path)
	if err != nil {
		return err
	}
	if cfg.json {
		err = replayJSON(path, s, stdout)
	} else {
		err = replayText(path, s, stdout)
	}
	verdict := verdictOn(s)
	switch {
	case err != nil:
		return fmt.Errorf("cannot write the report: %w", err)
	case s.Damaged:
		return fmt.Errorf("journal %s: damaged at byte %d", path, s.Size)
	case verdict != auditOK:
		return fmt.Errorf("journal %s: %s", path, verdict)
	}
	return nil
}

// verdictOn is what can be said of the balances of a journal alone.
func verdictOn(s *journal.State) string {
	if want := s.Opening * int64(len(s.Balances)); s.Sum() != want {
		return fmt.Sprintf("the sum is %d and was %d", s.Sum(), want)
	}
	return auditOK
}

func replayText(path string, s *journal.State, w io.Writer) error {
	text := summary(path, s) + "\n"
	for i, b := range s.Balances {
		text += fmt.Sprintf("  account %3d %8d\n", i, b)
	}
	_, err := io.WriteString(w, text)
	return err
}

// summary says in a few lines what a journal holds.
func summary(path string, s *journal.State) string {
	state := "ended on purpose"
	switch {
	case s.Damaged:
		state = fmt.Sprintf("is damaged at byte %d", s.Size)
	case s.Interrupted():
		state = "was interrupted (or is still being written)"
	}
	text := fmt.Sprintf("journal %s %s: replayed %s up to byte %d: %s committed, %d aborted, %d left open and not applied",
		path, state, plural(int64(s.Records), "whole record"), s.Size, plural(int64(s.Total), "transfer"), s.Aborts, s.Open)
	switch {
	case s.Damaged && s.Closed:
		text += fmt.Sprintf("; %s behind the end of the journal are not taken", plural(s.Torn, "byte"))
	case s.Damaged:
		text += fmt.Sprintf("; %s behind that are not taken, though there are whole records among them", plural(s.Torn, "byte"))
	case s.Torn > 0:
		text += fmt.Sprintf("; %s behind that make no whole record and are not taken", plural(s.Torn, "byte"))
	}
	if s.World > 0 {
		text += fmt.Sprintf("\n  world %d: %d accounts, sum %d of %d: %s", s.World,
			len(s.Balances), s.Sum(), s.Opening*int64(len(s.Balances)), verdictOn(s))
	}
	return text
}

type jsonReplay struct {
	Journal   string  `json:"journal"`
	State     string  `json:"state"`      // "complete", "interrupted" or "damaged"
	DamagedAt *int64  `json:"damaged_at"` // byte, null unless damaged
	Bytes     int64   `json:"bytes"`      // replayed
	NotTaken  int64   `json:"bytes_not_taken"`
	Records   int     `json:"records"`
	Transfers uint64  `json:"transfers"` // in all worlds
	Aborted   uint64  `json:"aborted"`   // in all worlds
	LeftOpen  int     `json:"left_open"`
	World     uint64  `json:"world"` // the last: 0 if there was none; what follows is about it
	Opening   int64   `json:"opening_balance"`
	Sum       int64   `json:"sum"`
	Audit     string  `json:"audit"`
	Balances  []int64 `json:"balances"`
}

func replayJSON(path string, s *journal.State, w io.Writer) error {
	out := jsonReplay{
		Journal: path, State: "complete", Bytes: s.Size, NotTaken: s.Torn, Records: s.Records,
		Transfers: s.Total, Aborted: s.Aborts, LeftOpen: s.Open,
		World: s.World, Opening: s.Opening, Sum: s.Sum(), Audit: verdictOn(s),
		Balances: append([]int64{}, s.Balances...), // null is not a list
	}
	switch {
	case s.Damaged:
		out.State, out.DamagedAt = "damaged", &s.Size
	case s.Interrupted():
		out.State = "interrupted"
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}
