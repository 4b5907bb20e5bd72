package bench

import (
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"
)

// promised are the names and targets that the documentation speaks of; rows may be added freely.
var promised = map[string]float64{
	"token-uncontended":   1.3,
	"token-nested":        1.3,
	"token-recursive":     0.3,
	"token-2-short":       1.5,
	"token-2-1us":         1.2,
	"token-64-short":      1.2,
	"token-64-1us":        1.2,
	"token-transfer-8":    1.2,
	"token-transfer-1000": 1.2,
	"token-read":          1.3,
	"token-read-99":       1.3,
	"token-block-100us":   0.05,
	"thread-create":       1,

	"mtx-uncontended":        1.3,
	"mtx-nested":             1.3,
	"mtx-2-short":            1.2,
	"mtx-2-1us":              1.2,
	"mtx-64-short":           1.2,
	"mtx-64-1us":             1.2,
	"rwlock-read":            1.3,
	"rwlock-read-2":          1.2,
	"rwlock-read-99":         1.2,
	"rwlock-read-90":         1.2,
	"rwlock-write":           1.3,
	"rwlock-write-2-short":   1.2,
	"rwlock-write-2-1us":     1.2,
	"rwlock-write-64-short":  1.2,
	"rwlock-write-64-1us":    1.2,
	"sx-read":                0,
	"sx-write-64-1us":        0,
	"rmlock-read":            0.7,
	"rmlock-read-2":          1,
	"rmlock-read-99":         0,
	"rmlock-read-90":         0,
	"rmlock-write":           0,
	"lockmgr-read":           0,
	"lockmgr-write":          0,
	"spin-uncontended":       0,
	"spin-2-short":           0,
	"spin-64-1us":            0,
	"mtxpool-uncontended":    0,
	"mtxpool-64-1us":         0,
	"serializer-uncontended": 0,
	"serializer-64-1us":      0,
	"giant-uncontended":      0,
	"giant-64-1us":           0,
	"sema-uncontended":       0,
	"sema-64-1us":            0,
	"condvar-uncontended":    0,
	"condvar-turns":          0,
	"condvar-64-turns":       0,
	"sleep-uncontended":      0,
	"sleep-turns":            0,
	"sleep-64-turns":         0,
}

// TestEveryLockIsMeasured wants each lock alone, wanted by 2 and by 64, and for readers with none, 0.01 %, 1 % and 10 % of
// writes; all but the first beside itself alone.
func TestEveryLockIsMeasured(t *testing.T) {
	contended := []string{"-2-short", "-2-1us", "-64-short", "-64-1us"}
	wait := []string{"-turns", "-64-turns"}
	share := []string{"-read-2", "-read-100", "-read-9999", "-read-99", "-read-90"}
	want := func(lock, alone string, others []string) {
		for _, o := range append([]string{alone}, others...) {
			i := slices.IndexFunc(rows, func(r row) bool { return r.name == lock+o })
			if i < 0 {
				t.Errorf("no row %s%s", lock, o)
			} else if rows[i].alone != lock+alone {
				t.Errorf("%s%s is beside %q", lock, o, rows[i].alone)
			}
		}
	}
	for _, lock := range []string{"token", "mtx", "spin", "mtxpool", "serializer", "giant", "sema"} {
		want(lock, "-uncontended", contended)
	}
	for _, lock := range []string{"token", "rwlock", "rmlock", "sx", "lockmgr"} {
		want(lock, "-read", share)
		if lock != "token" {
			want(lock+"-write", "", contended)
		}
	}
	want("condvar", "-uncontended", wait)
	want("sleep", "-uncontended", wait)
}

func TestRowsAreThosePromised(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range names(rows) {
		if seen[name] {
			t.Errorf("two rows named %s", name)
		}
		seen[name] = true
		if !regexp.MustCompile(`^[a-z]+(-[a-z0-9]+)+$`).MatchString(name) {
			t.Errorf("name %q", name)
		}
	}
	for name, target := range promised {
		i := slices.IndexFunc(rows, func(r row) bool { return r.name == name })
		if i < 0 {
			t.Errorf("no row %s", name)
		} else if rows[i].target != target {
			t.Errorf("%s has target %v, want %v", name, rows[i].target, target)
		}
	}
	for _, name := range []string{"token-2-short", "token-2-1us", "token-64-short", "token-64-1us", "token-transfer-8", "token-transfer-1000"} {
		for _, k := range []string{"-k0", "-k64"} {
			if !seen[name+k] {
				t.Errorf("no row %s%s", name, k)
			}
		}
	}
}

func TestRowsAreComplete(t *testing.T) {
	var total time.Duration
	for i := range rows {
		r := &rows[i]
		e := r.effort
		if r.what == "" || r.lwkt == nil || r.sync == nil || e.rounds < 7 || e.floor <= 0 || e.round < e.floor {
			t.Errorf("row %s is incomplete: %+v", r.name, *r)
		}
	}
	for _, g := range groups(rows, 0, func(string) bool { return true }) {
		total += g.cost()
	}
	if total > defaultBudget {
		t.Errorf("all rounds of all rows take %v and the budget is %v", total, defaultBudget)
	}
	if defaultBudget > 30*time.Second {
		t.Errorf("a budget of %v leaves nothing of 35 s for building and overhead", defaultBudget)
	}
}

func TestGroupsPickVariants(t *testing.T) {
	seen := map[string]bool{}
	for _, g := range groups(rows, 1000, func(string) bool { return true }) {
		for _, v := range g.variants {
			if seen[v.name] || v.row.effort != g.row.effort || v.row.rival != g.row.rival {
				t.Errorf("%s is in a group with %s", v.name, g.row.name)
			}
			seen[v.name] = true
		}
	}
	if len(seen) != len(names(rows)) {
		t.Errorf("%d variants are in groups, of %d", len(seen), len(names(rows)))
	}
	gs := groups(rows, 1000, regexp.MustCompile("(token|mtx)-2-short(-k64)?$").MatchString)
	var got []string
	for _, v := range gs[0].variants {
		got = append(got, fmt.Sprint(v.name, v.k, v.target))
	}
	if want := []string{"token-2-short1000 1.5", "token-2-short-k6464 0", "mtx-2-short1000 1.2"}; len(gs) != 1 || !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if gs := groups(rows, 1000, func(string) bool { return false }); len(gs) != 0 {
		t.Errorf("no name wanted, got %+v", gs)
	}
}

// TestLoopsCount runs both loops of every row, at every bound, with few operations: fewer than
// goroutines, an odd number, and more than a hand each.
func TestLoopsCount(t *testing.T) {
	const k = defaultK
	defer setK(k)
	for i := range rows {
		r := &rows[i]
		t.Run(r.name, func(t *testing.T) {
			for _, n := range []int{1, 65, 1501} {
				if did, took, err := r.sync(n, 0); err != nil || did != n || took <= 0 {
					t.Errorf("sync, %d of %d operations in %v: %v", did, n, took, err)
				}
				for _, v := range r.variants(k) {
					setK(v.k)
					if did, took, err := r.lwkt(n, 0); err != nil || did != n || took <= 0 {
						t.Errorf("%s, %d of %d operations in %v: %v", v.name, did, n, took, err)
					}
				}
			}
		})
	}
}
