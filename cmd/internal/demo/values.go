// values.go: values of flags whose errors say what to write instead. Those of package flag say "parse error".

package demo

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

type durationFlag time.Duration

func (f *durationFlag) String() string { return time.Duration(*f).String() }

func (f *durationFlag) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil {
		if _, err := time.ParseDuration(s + "s"); err == nil {
			return fmt.Errorf("not a duration; write %ss", s)
		}
		return errors.New("not a duration; write one like 3s")
	}
	*f = durationFlag(d)
	return nil
}

type intFlag int

func (f *intFlag) String() string { return strconv.Itoa(int(*f)) }

func (f *intFlag) Set(s string) error {
	n, err := strconv.ParseInt(s, 0, strconv.IntSize)
	*f = intFlag(n)
	return notNumber(s, err)
}

type uintFlag uint64

func (f *uintFlag) String() string { return strconv.FormatUint(uint64(*f), 10) }

func (f *uintFlag) Set(s string) error {
	n, err := strconv.ParseUint(s, 0, 64)
	*f = uintFlag(n)
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
