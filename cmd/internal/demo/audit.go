// audit.go: is the money still there, and does the journal say the same as memory?
//
// Why "ok" means something: the sum is taken over the balances that the tellers left in memory, and compared with what was
// there in the beginning; then the file is read again from its start, by code that knows nothing of the bank (Replay of package
// journal), and must give the same balance for each account and the same number of transfers as the tellers counted. A
// transfer lost, done twice, done by halves, or acknowledged and not on disk makes one of the three differ.

package demo

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/serializing-tokens/lwkt/cmd/internal/demo/journal"
)

const (
	auditOK          = "ok"
	auditLast        = "ok (last world)" // the worlds before it were given up, and have no balances to compare
	auditNotFinished = "not finished"    // no world came to its end, so there are no balances to compare
)

// audit compares memory with the journal. balances is nil if the last world was given up.
func audit(res *result, balances []int64) string {
	s, err := journal.ReplayFile(res.path)
	if err != nil {
		return err.Error()
	}
	return compare(res, balances, s)
}

func compare(res *result, balances []int64, s *journal.State) string {
	if s.Damaged {
		return fmt.Sprintf("the journal is damaged at byte %d", s.Size)
	}
	if s.Interrupted() {
		return "the journal was interrupted, says its replay"
	}
	if s.Total != uint64(res.transfers) {
		return fmt.Sprintf("the journal has %d transfers, the tellers counted %d", s.Total, res.transfers)
	}
	if balances == nil {
		return auditNotFinished
	}
	var sum int64
	for _, b := range balances {
		sum += b
	}
	if want := int64(len(balances)) * opening; sum != want {
		return fmt.Sprintf("the sum is %d and was %d", sum, want)
	}
	if len(s.Balances) != len(balances) {
		return fmt.Sprintf("the journal has %d accounts, the bank %d", len(s.Balances), len(balances))
	}
	for i, b := range balances {
		if s.Balances[i] != b {
			return fmt.Sprintf("account %d has %d, and %d by the journal", i, b, s.Balances[i])
		}
	}
	if res.deadlocks > 0 {
		return auditLast
	}
	return auditOK
}

// passed says whether an audit found nothing wrong.
func passed(audit string) bool {
	return audit == auditOK || audit == auditLast || audit == auditNotFinished
}

// The journals of earlier runs are read before a new run begins, but not for ever.
const (
	recoverFiles = 200
	recoverTime  = 5 * time.Second
)

// recoverOld looks through the journals of earlier runs in dir and says what those hold that were interrupted or damaged. It changes nothing:
// a new run never writes to an old journal.
func recoverOld(dir string, notes io.Writer) {
	entries, _ := os.ReadDir(dir) // if it cannot be read, creating a journal in it will say why, or works all the same
	start, looked := time.Now(), 0
	for _, e := range entries {
		if filepath.Ext(e.Name()) != journal.Ext {
			continue
		}
		if looked++; looked > recoverFiles || time.Since(start) > recoverTime {
			fmt.Fprintf(notes, "there are more journals in %s, not looked at\n", dir)
			return
		}
		path := filepath.Join(dir, e.Name())
		s, err := journal.ReplayFile(path)
		switch {
		case err != nil:
			fmt.Fprintf(notes, "%v\n", err)
		case s.Interrupted():
			fmt.Fprintln(notes, summary(path, s))
		}
	}
}
