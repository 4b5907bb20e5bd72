// Package witness is the command of that name: it has the go command build a program with the witness engine below package sync,
// runs it, and tells what was found.
package witness

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/serializing-tokens/lwkt/cmd/internal/witness/gocmd"
	"github.com/serializing-tokens/lwkt/cmd/internal/witness/report"
	"github.com/serializing-tokens/lwkt/cmd/internal/witness/suppress"
)

// The exit statuses.
const (
	exitClean   = 0
	exitReports = 1 // a report, or a program or test that failed by itself
	exitNotRun  = 2
)

// Main runs the command and returns its exit status.
func Main(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return exitNotRun
	}
	verb := args[0]
	switch verb {
	case "test", "run", "build", "graph":
	case "help", "-h", "-help", "--help":
		fmt.Fprint(stdout, usage)
		return exitClean
	default:
		fmt.Fprintf(stderr, "witness: there is no command %q (witness help lists them)\n", verb)
		return exitNotRun
	}
	o, err := parse(verb, args[1:])
	if o.printsUsage {
		fmt.Fprint(stdout, usage)
		return exitClean
	}
	r := run{options: o, verb: verb, stdout: stdout, stderr: stderr}
	status := exitNotRun
	if err == nil {
		status, err = r.do()
	}
	if err != nil {
		fmt.Fprintf(stderr, "witness: %v\n", err)
		return exitNotRun
	}
	return status
}

// A run is one command line.
type run struct {
	options
	verb           string
	stdout, stderr io.Writer
	args           gocmd.Args
	goes           *gocmd.Go
	root           string // the folder of the user's module
	own            func(string) bool
}

func (r *run) do() (int, error) {
	goVerb := r.verb
	if goVerb == "graph" {
		goVerb = "test"
	}
	r.args = gocmd.Split(goVerb, r.passedDown)
	if r.args.Has("overlay") {
		return 0, errors.New("-overlay is what the witness itself works by: it cannot be given another one")
	}
	known, err := r.suppressions()
	if err != nil {
		return 0, err
	}
	if r.goes, err = gocmd.Find(r.args.Dir); err != nil {
		return 0, err
	}
	list, err := r.goes.List(r.args, goVerb == "test")
	if err != nil {
		return 0, err
	}
	names, err := r.goes.Names(list)
	if err != nil {
		return 0, err
	}
	r.own = gocmd.Own(list)

	if r.verb == "build" || r.args.Has("c") {
		r.args = r.goes.Keeps(r.args, names)
	}
	if r.verb == "build" {
		if err := r.start(r.goes.Command("build", r.args.Line()...), r.stdout); err != nil {
			return 0, errors.New("the program could not be built")
		}
		return exitClean, nil
	}
	dir, err := os.MkdirTemp("", "witness-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	failed, err := r.program(goVerb, dir, names)
	if err != nil {
		return 0, err
	}
	if r.verb == "graph" {
		return r.graph(dir, failed)
	}
	reports, processes, err := report.Read(dir)
	if err != nil {
		return 0, err
	}
	if failed && processes == 0 {
		return exitNotRun, nil // the go command has said why
	}
	return r.tell(reports, known, failed)
}

// suppressions reads the file of the module that the command is run in.
func (r *run) suppressions() (*suppress.List, error) {
	dir, err := filepath.Abs(r.args.Dir)
	if err != nil {
		return nil, err
	}
	r.root = dir
	for up := dir; ; up = filepath.Dir(up) {
		if _, err := os.Stat(filepath.Join(up, "go.mod")); err == nil {
			r.root = up
			break
		}
		if up == filepath.Dir(up) {
			break
		}
	}
	file := r.known
	if !filepath.IsAbs(file) {
		base := dir
		if file == ".witness" {
			base = r.root
		}
		file = filepath.Join(base, file)
	}
	return suppress.Read(file)
}

// program runs go test or go run and says whether it failed.
func (r *run) program(verb, dir, names string) (failed bool, err error) {
	line := r.args.Line()
	if r.goTestJSON {
		line = append([]string{"-json"}, line...)
	}
	if verb == "test" && !r.args.Has("count") {
		line = append([]string{"-count=1"}, line...) // a result from the cache comes without its reports
	}
	c := r.goes.Command(verb, line...)
	c.Env = append(c.Env, "LWKT_WITNESS_DIR="+dir, "LWKT_WITNESS_NAMES="+names,
		"LWKT_WITNESS_TICK="+strconv.FormatInt(max(time.Duration(r.every).Milliseconds(), 1), 10))
	if r.channels {
		c.Env = append(c.Env, "LWKT_WITNESS_CHAN=1")
	}
	if r.long > 0 {
		ticks := max(time.Duration(r.long)*time.Second/max(time.Duration(r.every), time.Millisecond), 1)
		c.Env = append(c.Env, "LWKT_WITNESS_LONG="+strconv.FormatInt(int64(ticks), 10))
	}
	if r.verb == "graph" {
		c.Env = append(c.Env, "LWKT_WITNESS_GRAPH=1")
	}
	out := r.stdout
	if r.json || r.verb == "graph" {
		if _, ok := r.stderr.(*os.File); !ok {
			r.stderr = &shared{to: r.stderr} // it is written from two sides
		}
		out = r.stderr
	}
	// A go test that could not build one of several packages has run the others all the same.
	broken := false
	if verb == "test" {
		w := &lines{to: out, see: func(line []byte) {
			broken = broken || bytes.HasSuffix(line, []byte(" [build failed]")) || bytes.HasSuffix(line, []byte(" [setup failed]"))
		}}
		defer w.flush()
		out = w
	}
	err = r.start(c, out)
	if broken {
		return true, errors.New("not everything could be built")
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return true, nil
	}
	return false, err
}

// start runs a command to its end. An interrupt is for it, not for us: what it has found is still told.
func (r *run) start(c *exec.Cmd, out io.Writer) error {
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, out, r.stderr
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := c.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case s := <-signals:
				if s == syscall.SIGTERM { // a terminal sends an interrupt to both of us, nobody sends this to both
					_ = c.Process.Signal(s)
				}
			case <-done:
				return
			}
		}
	}()
	return c.Wait()
}

// tell prints the reports that are to be told, and gives the exit status.
func (r *run) tell(reports []report.Report, known *suppress.List, failed bool) (int, error) {
	if !r.std {
		reports = report.Own(reports, r.own)
	}
	kept := reports[:0]
	for _, one := range reports {
		if one.Severity >= r.min {
			kept = append(kept, one)
		}
	}
	reports, left := known.Filter(kept)
	style := report.Style{Root: r.root}
	var err error
	switch out := r.stdout; {
	case r.json:
		err = report.JSON(out, reports)
	default:
		if r.verb == "run" || r.goTestJSON {
			out = r.stderr
		}
		if f, ok := out.(*os.File); ok {
			style.Color = report.Terminal(f)
		}
		err = report.Text(out, reports, style)
	}
	if err != nil {
		return exitNotRun, err
	}
	// What follows may fail, and the reports are told by now.
	if r.reason != "" {
		if err := known.Add(reports, string(r.reason)); err != nil {
			return exitNotRun, err
		}
		fmt.Fprintf(r.stderr, "witness: %d added to %s\n", len(reports), style.Path(known.File))
	}
	for file, write := range map[string]func(io.Writer, []report.Report, report.Style) error{r.sarif: report.SARIF, r.junit: report.JUnit} {
		if file == "" {
			continue
		}
		var b bytes.Buffer
		if err := write(&b, reports, style); err != nil {
			return exitNotRun, err
		}
		if err := os.WriteFile(file, b.Bytes(), 0o666); err != nil {
			return exitNotRun, err
		}
	}
	if left > 0 {
		fmt.Fprintf(r.stderr, "witness: %d known, see %s\n", left, style.Path(known.File))
	}
	for _, l := range known.Lines {
		if !l.Used && r.verb == "test" && r.reason == "" && strings.Contains(strings.Join(r.args.Packages, " "), "...") {
			fmt.Fprintf(r.stderr, "witness: %s: not seen in this run: %s\n", style.Path(known.File), l.Key)
		}
	}
	if len(reports) > 0 || failed {
		return exitReports, nil
	}
	return exitClean, nil
}

// lines hands on what is written and looks at each line of it.
type lines struct {
	to   io.Writer
	see  func(line []byte)
	part []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.part = append(l.part, p...)
	for {
		line, rest, ok := bytes.Cut(l.part, []byte("\n"))
		if !ok {
			break
		}
		l.see(bytes.TrimRight(line, "\r"))
		l.part = rest
	}
	return l.to.Write(p)
}

func (l *lines) flush() { l.see(l.part) }

// shared lets several write.
type shared struct {
	mu sync.Mutex
	to io.Writer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.to.Write(p)
}
