// Package cli is what the commands have in common: what they do with a command line (show.go), values of
// flags whose errors say what to write instead, where package flag says "parse error", and JSON that people can read by the line.
package cli

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Duration is a flag of a time.Duration.
type Duration time.Duration

// String is the value as flag prints it.
func (f *Duration) String() string { return time.Duration(*f).String() }

// Set reads the value.
func (f *Duration) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil {
		if _, err := time.ParseDuration(s + "s"); err == nil {
			return fmt.Errorf("not a duration; write %ss", s)
		}
		return errors.New("not a duration; write one like 3s")
	}
	*f = Duration(d)
	return nil
}

// Int is a flag of an int.
type Int int

// String is the value as flag prints it.
func (f *Int) String() string { return strconv.Itoa(int(*f)) }

// Set reads the value.
func (f *Int) Set(s string) error {
	n, err := strconv.ParseInt(s, 0, strconv.IntSize)
	if err == nil {
		*f = Int(n)
	}
	return notNumber(s, err)
}

// Uint is a flag of a number of 0 or more.
type Uint uint64

// String is the value as flag prints it.
func (f *Uint) String() string { return strconv.FormatUint(uint64(*f), 10) }

// Set reads the value.
func (f *Uint) Set(s string) error {
	n, err := strconv.ParseUint(s, 0, 64)
	if err == nil {
		*f = Uint(n)
	}
	if _, signed := strconv.ParseInt(s, 0, 64); err != nil && signed == nil {
		return errors.New("not a number of 0 or more")
	}
	return notNumber(s, err)
}

// notNumber puts an error of strconv into our words.
func notNumber(s string, err error) error {
	_, float := strconv.ParseFloat(s, 64)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, strconv.ErrRange):
		return errors.New("too large a number")
	case float == nil:
		return errors.New("not a whole number")
	}
	return errors.New("not a number")
}
