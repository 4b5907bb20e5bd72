// Package ddb is a prompt for the commands of ddb(4) to a program that serves package debughttp: which locks and tokens are held,
// who waits for whom, which orders of locks were seen.
//
// The program does the work and says what is wrong with a command; here lines are read and sent. The prompt's own commands are in
// session.do.
package ddb

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/serializing-tokens/lwkt/ddb"
)

const usageText = `usage: lwkt ddb [flags] URL [COMMAND]

A prompt for questions to a running program: which locks and tokens are held, who waits
for whom, which orders of locks were seen. The program has to serve package debughttp:

    import _ "github.com/serializing-tokens/lwkt/debughttp"
    ...
    go http.ListenAndServe("localhost:6060", nil)

URL says where: localhost:6060, or http://localhost:6060/debug/lwkt/ in full. With a COMMAND
that is all that is done; else commands are read from stdin, a line each.

`

// own are the commands that the prompt itself knows.
var own = [][2]string{
	{"record on, record off", "switch recording in the program; no argument: say whether it is on"},
	{"help", "this list"},
	{"quit", "end"},
}

func help(w io.Writer) {
	for _, c := range ddb.Commands() {
		fmt.Fprintf(w, "  %-22s %s\n", strings.TrimSpace(c.Name+" "+c.Argument), c.Summary)
	}
	for _, c := range own {
		fmt.Fprintf(w, "  %-22s %s\n", c[0], c[1])
	}
	fmt.Fprint(w, "With json before a command, or -json after it, the answer is one JSON object.\n")
}

// A session is a prompt, or one command.
type session struct {
	base   *url.URL // ends in a slash
	client *http.Client
	json   bool // all answers
	out    io.Writer
}

// Main runs `lwkt ddb` and returns its exit status: 0, 1 if a command failed that was not typed at a terminal, 2 for a command
// line that makes no sense.
func Main(args []string, stdout, stderr io.Writer) int { return run(args, os.Stdin, stdout, stderr) }

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	s := &session{out: stdout}
	var wait time.Duration
	fs := flag.NewFlagSet("lwkt ddb", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.BoolVar(&s.json, "json", false, "answer every command by one JSON object")
	fs.DurationVar(&wait, "timeout", 10*time.Second, "`DURATION` to wait for an answer")
	err := fs.Parse(args)
	if err == nil && fs.NArg() == 0 {
		err = errors.New("it needs a URL, as in lwkt ddb localhost:6060")
	}
	if err == nil {
		s.base, err = address(fs.Arg(0))
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usageText, "commands:\n")
		help(stdout)
		fmt.Fprint(stdout, "\nflags:\n")
		fs.SetOutput(stdout)
		fs.PrintDefaults()
		fmt.Fprint(stdout, "\nExit status: 0 all answered; 1 a command failed, unless it was typed at a terminal; 2 nonsense on the command line.\n")
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "lwkt ddb: %v (lwkt ddb -help explains)\n", err)
		return 2
	}
	s.client = &http.Client{Timeout: wait}
	if fs.NArg() > 1 {
		if _, err := s.do(strings.Join(fs.Args()[1:], " ")); err != nil {
			fmt.Fprintf(stderr, "lwkt ddb: %v\n", err)
			return 1
		}
		return 0
	}
	return s.prompt(stdin, stderr)
}

// address completes what people write of a URL.
func address(arg string) (*url.URL, error) {
	text := arg
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is no URL; write one like localhost:6060 or http://localhost:6060/debug/lwkt/", arg)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/debug/lwkt/"
	}
	if !strings.HasSuffix(u.Path, "/") {
		u.Path += "/"
	}
	u.RawQuery, u.Fragment = "", ""
	return u, nil
}

// prompt reads commands until quit or the end of the input. At a terminal lines can be edited and called back; what is
// not one is not prompted, and a command that fails makes the exit status 1.
func (s *session) prompt(stdin io.Reader, stderr io.Writer) (status int) {
	if f, ok := stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return s.typed(f, stderr)
	}
	lines := bufio.NewScanner(stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		quit, err := s.do(lines.Text())
		if err != nil {
			fmt.Fprintf(stderr, "lwkt ddb: %v\n", err)
			status = 1
		}
		if quit {
			return status
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintf(stderr, "lwkt ddb: %v\n", err)
		return 1
	}
	return status
}

// typed is prompt for a terminal. It is raw only while a line is being typed.
func (s *session) typed(stdin *os.File, stderr io.Writer) (status int) {
	fd := int(stdin.Fd())
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{stdin, s.out}, "ddb> ")
	fmt.Fprintf(s.out, "%s; help lists the commands\n", s.base)
	for {
		old, err := term.MakeRaw(fd)
		if err != nil {
			fmt.Fprintf(stderr, "lwkt ddb: %v\n", err)
			return 1
		}
		if width, height, err := term.GetSize(fd); err == nil && width > 0 {
			t.SetSize(width, height)
		}
		line, err := t.ReadLine()
		term.Restore(fd, old)
		if errors.Is(err, io.EOF) {
			fmt.Fprintln(s.out)
			return 0
		}
		if err != nil && !errors.Is(err, term.ErrPasteIndicator) {
			fmt.Fprintf(stderr, "lwkt ddb: %v\n", err)
			return 1
		}
		quit, err := s.do(line)
		if err != nil {
			fmt.Fprintf(stderr, "%v\n", err)
		}
		if quit {
			return 0
		}
	}
}

// do performs one line.
func (s *session) do(line string) (quit bool, err error) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return false, nil
	}
	switch words[0] {
	case "quit", "exit", "q":
		return true, nil
	case "help", "?":
		help(s.out)
		return false, nil
	case "record", "recording":
		return false, s.record(words[1:])
	}
	q := url.Values{"command": {line}}
	if s.json {
		q.Set("format", "json")
	}
	u := s.base.JoinPath("run")
	u.RawQuery = q.Encode()
	body, err := s.answer(s.client.Get(u.String()))
	if err == nil {
		_, err = s.out.Write(body)
	}
	return false, err
}

// record switches recording, or says whether it is on.
func (s *session) record(words []string) error {
	switch {
	case len(words) == 0:
		body, err := s.answer(s.client.Get(s.base.JoinPath("show-locks").String() + "?format=json"))
		if err != nil {
			return err
		}
		var v struct{ Recording bool }
		if err := json.Unmarshal(body, &v); err != nil {
			return fmt.Errorf("the answer is not what package debughttp says: %w", err)
		}
		_, err = fmt.Fprintf(s.out, "recording is %s\n", map[bool]string{true: "on", false: "off"}[v.Recording])
		return err
	case len(words) == 1 && (words[0] == "on" || words[0] == "off"):
		body, err := s.answer(s.client.PostForm(s.base.JoinPath("recording").String(), url.Values{"on": {fmt.Sprint(words[0] == "on")}}))
		if err == nil {
			_, err = s.out.Write(body)
		}
		return err
	}
	return fmt.Errorf("record %s: say record on or record off", strings.Join(words, " "))
}

// answer reads an answer; its errors say what to do.
func (s *session) answer(r *http.Response, err error) ([]byte, error) {
	if err != nil {
		return nil, fmt.Errorf("%w: is the program there, and does it serve package debughttp?", err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode == http.StatusOK {
		return body, err
	}
	text := strings.TrimSpace(string(body))
	if r.Header.Get("Cache-Control") != "no-store" { // somebody else says no
		return nil, fmt.Errorf("%s says %s: package debughttp is not served there; give its whole URL", s.base, r.Status)
	}
	return nil, errors.New(text)
}
