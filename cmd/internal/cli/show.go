package cli

// A command that runs something fixed and shows what came of it: as text, as JSON, as a picture.

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// Show is such a command. Main runs it.
type Show struct {
	Name  string          // as in "lwkt table"
	Usage string          // the text of -help before the flags
	JSON  bool            // it has -json
	SVG   string          // what -svg does, with the `FILE`
	More  func(io.Writer) // prints the text of -help after the flags; nil for none
	Exit  string          // what its exit status says

	Run func(as Form, stdout io.Writer) error
}

// Form is how the result is asked for.
type Form struct {
	JSON bool
	SVG  string // the file of the picture, or ""
}

// Main runs the command and returns its exit status: 0, 1 if Run fails, 2 for a command line that makes no sense.
func (s *Show) Main(args []string, stdout, stderr io.Writer) int {
	as, err := s.parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		s.help(stdout)
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "%s: %v (%s -help explains)\n", s.Name, err, s.Name)
		return 2
	}
	if err := s.Run(as, stdout); err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", s.Name, err)
		return 1
	}
	return 0
}

func (s *Show) flags(as *Form) *flag.FlagSet {
	fs := flag.NewFlagSet(s.Name, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // Main prints the error, in one line
	if s.JSON {
		fs.BoolVar(&as.JSON, "json", false, "print one JSON object on stdout, and nothing else")
	}
	fs.StringVar(&as.SVG, "svg", "", s.SVG)
	return fs
}

// parse reads the command line. The error is flag.ErrHelp, or one line that says what is wrong.
func (s *Show) parse(args []string) (as Form, err error) {
	fs := s.flags(&as)
	if err = fs.Parse(args); err == nil {
		fs.Visit(func(f *flag.Flag) {
			if f.Name == "svg" && as.SVG == "" {
				err = errors.New("-svg needs a name")
			}
		})
	}
	if err == nil && fs.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	return as, err
}

func (s *Show) help(w io.Writer) {
	fmt.Fprint(w, s.Usage)
	fs := s.flags(new(Form))
	fs.SetOutput(w)
	fs.PrintDefaults()
	if s.More != nil {
		s.More(w)
	}
	fmt.Fprintf(w, "\nExit status: %s\n", s.Exit)
}
