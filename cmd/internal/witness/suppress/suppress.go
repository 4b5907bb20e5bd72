// Package suppress reads and writes the file that says which reports are known, and why they are not mended.
//
// A line is the key of a report, as -json has it, then " # " and the reason, without which a line is an error. A star stands for
// anything. Lines that begin with # are comments.
package suppress

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/serializing-tokens/lwkt/cmd/internal/witness/report"
)

// A Line is one suppression.
type Line struct {
	Key, Reason string
	Used        bool
}

// A List is a file of them.
type List struct {
	File  string
	Lines []Line
}

// Read reads the file. One that does not exist has no lines.
func Read(file string) (*List, error) {
	l := &List{File: file}
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	} else if err != nil {
		return nil, err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for n := 1; s.Scan(); n++ {
		line := strings.TrimSpace(s.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		key, reason, _ := strings.Cut(line, " # ")
		if reason = strings.TrimSpace(reason); reason == "" {
			return nil, fmt.Errorf("%s:%d: no reason: write it after the report's key and \" # \"", file, n)
		}
		l.Lines = append(l.Lines, Line{Key: strings.TrimSpace(key), Reason: reason})
	}
	return l, s.Err()
}

// Filter gives the reports that no line is about, and how many were left out.
func (l *List) Filter(list []report.Report) (kept []report.Report, left int) {
	for _, r := range list {
		known := false
		for i := range l.Lines {
			if match(l.Lines[i].Key, r.Key) {
				l.Lines[i].Used = true
				known = true
			}
		}
		if known {
			left++
		} else {
			kept = append(kept, r)
		}
	}
	return kept, left
}

// Reason says what is wrong with a reason, if it is no good.
func Reason(text string) error {
	if strings.TrimSpace(text) == "" || strings.ContainsAny(text, "\n\r") {
		return errors.New("a suppression needs a reason, in one line")
	}
	return nil
}

// Add appends a line for each report to the file.
func (l *List) Add(list []report.Report, reason string) error {
	if err := Reason(reason); err != nil {
		return err
	}
	text, err := os.ReadFile(l.File)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(l.File, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	switch n := len(text); {
	case n > 0 && text[n-1] != '\n':
		fmt.Fprintln(f)
	case n == 0:
		fmt.Fprint(f, "# Reports of lwkt's witness that are known. A line is the key of a report, \" # \" and the reason.\n")
	}
	seen := map[string]bool{}
	for _, r := range list {
		if !seen[r.Key] {
			seen[r.Key] = true
			if _, err = fmt.Fprintf(f, "%s # %s\n", r.Key, reason); err != nil {
				break
			}
		}
	}
	return errors.Join(err, f.Close())
}

// match compares a key with one in which stars stand for anything.
func match(pattern, key string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == key
	}
	key, ok := strings.CutPrefix(key, parts[0])
	if !ok {
		return false
	}
	last := parts[len(parts)-1]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(key, p)
		if i < 0 {
			return false
		}
		key = key[i+len(p):]
	}
	return strings.HasSuffix(key, last)
}
