// ddb_test.go: the prompt against a server in this process, by pipes.

package ddb

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/debughttp"
)

func serve(t *testing.T) string {
	mux := http.NewServeMux()
	mux.Handle("/debug/lwkt/", debughttp.Handler())
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	t.Cleanup(func() { lwkt.SetRecording(false) })
	return s.URL
}

// ran is what a run says.
func ran(stdin string, args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = run(args, strings.NewReader(stdin), &out, &errs)
	return status, out.String(), errs.String()
}

func says(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("it does not say %q:\n%s", p, text)
		}
	}
}

// TestConversation types line by line into a pipe, and reads each answer before the next.
func TestConversation(t *testing.T) {
	server := serve(t)
	in, typing := io.Pipe()
	answers, out := io.Pipe()
	status := make(chan int)
	var errs bytes.Buffer
	go func() {
		n := run([]string{strings.TrimPrefix(server, "http://")}, in, out, &errs)
		out.Close()
		status <- n
	}()
	ask := func(line string) string {
		t.Helper()
		if _, err := io.WriteString(typing, line+"\n"); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 64<<10)
		n, err := answers.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	var m lwkt.Mtx
	m.Init("conversation", 0)
	says(t, ask("record"), "recording is off")
	says(t, ask("record on"), "recording is on")
	lwkt.Run("talker", func(td *lwkt.Thread) {
		m.Lock(td)
		defer m.Unlock(td)
		says(t, ask("show locks"), `mutex "conversation"`, `exclusive by thread "talker"`, "ddb_test.go:")
		says(t, ask("lockchain talker"), "waits for nothing")
		for _, line := range []string{"json show locks", "show locks -json"} {
			var v struct {
				Locks []struct{ Lock, Thread string }
			}
			if err := json.Unmarshal([]byte(ask(line)), &v); err != nil || len(v.Locks) != 1 || v.Locks[0].Lock != `mutex "conversation"` {
				t.Errorf("%s: %v %+v", line, err, v)
			}
		}
	})
	says(t, ask("record off"), "recording is off")
	if _, err := io.WriteString(typing, "quit\n"); err != nil {
		t.Fatal(err)
	}
	if n := <-status; n != 0 || errs.Len() != 0 {
		t.Errorf("status %d: %s", n, errs.String())
	}
}

func TestCommandLine(t *testing.T) {
	server := serve(t)
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	defer elsewhere.Close()
	for _, c := range []struct {
		stdin  string
		args   []string
		status int
		out    string
		err    string
	}{
		{"", []string{server, "show", "tokens"}, 0, "TOKEN", ""},
		{"", []string{"-json", server + "/debug/lwkt", "turnstile"}, 0, `"queues": []`, ""},
		{"", []string{server, "show", "witness", "-json"}, 0, `"reports"`, ""},
		{"help\n\nquit\nshow locks\n", []string{server}, 0, "show all locks", ""},
		{"sleepq", []string{server}, 0, "nobody waits", ""},
		{"dance\nsleepq\n", []string{server}, 1, "nobody waits", "there are show locks"},
		{"record maybe\n", []string{server}, 1, "", "record on or record off"},
		{"", []string{server, "lockchain", "no", "one"}, 1, "", `"no one"`},
		{"", []string{"-help"}, 0, "commands:\n  show locks", ""},
		{"", nil, 2, "", "needs a URL"},
		{"", []string{"ftp://x"}, 2, "", "write one like localhost:6060"},
		{"", []string{"-x", server}, 2, "", "-help explains"},
		{"", []string{elsewhere.URL, "show", "locks"}, 1, "", "package debughttp is not served there"},
		{"", []string{"127.0.0.1:1", "show", "locks"}, 1, "", "is the program there"},
	} {
		status, out, errs := ran(c.stdin, c.args...)
		if status != c.status || (c.err == "") != (errs == "") || strings.Contains(out, "ddb>") {
			t.Errorf("%q: status %d, %s%s", c.args, status, out, errs)
		}
		says(t, out, c.out)
		says(t, errs, c.err)
	}
}
