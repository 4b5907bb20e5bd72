package cli

import (
	"strings"
	"testing"
	"time"
)

// TestErrorsSayWhatToWrite goes through what people type.
func TestErrorsSayWhatToWrite(t *testing.T) {
	var d Duration
	var n Int
	var u Uint
	for _, v := range []struct {
		flag interface {
			Set(string) error
			String() string
		}
		text, says string // an error, or the value
	}{
		{&d, "90s", "1m30s"}, {&d, "3", "write 3s"}, {&d, "soon", "write one like 3s"},
		{&n, "16", "16"}, {&n, "x", "not a number"}, {&n, "1.5", "not a whole number"}, {&n, "99999999999999999999", "too large"},
		{&u, "7", "7"}, {&u, "-1", "0 or more"},
	} {
		var got string
		if err := v.flag.Set(v.text); err != nil {
			got = err.Error()
		} else {
			got = v.flag.String()
		}
		if !strings.Contains(got, v.says) {
			t.Errorf("%T %q: %s, want %s", v.flag, v.text, got, v.says)
		}
	}
	if time.Duration(d) != 90*time.Second || n != 16 || u != 7 {
		t.Errorf("%v %d %d", d, n, u)
	}
}

func TestWriteArray(t *testing.T) {
	var b strings.Builder
	if err := WriteArray(&b, []int{1, 2}); err != nil || b.String() != "[\n 1,\n 2\n]\n" {
		t.Errorf("%v %q", err, b.String())
	}
	if err := WriteArray(&b, []func(){nil}); err == nil {
		t.Error("a function became JSON")
	}
}
