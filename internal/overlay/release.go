package overlay

// Which Go releases the edits have been read against.

import (
	"fmt"
	"strconv"
	"strings"
)

// oldest and newest are the minor releases of Go 1 that are supported, both included.
const oldest, newest = 26, 27

// tested are the patch releases that the tests were last run with, the other one by the leg "othergo" of .ci/run, which reads this line.
const tested26, tested27 = "go1.26.8", "go1.27.4"

// goOn ends the messages about a toolchain that cannot be used.
const goOn = "Choose one that it knows: GOTOOLCHAIN=" + tested27 + " witness ..., or " + tested26 + ", which the go command downloads; or look for a newer lwkt."

// An UnknownError names a Go release that is not supported.
type UnknownError struct {
	Version string
}

// Error says which releases are supported and how to go on.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("this witness knows Go 1.%d and 1.%d, and this is %s.\n%s", oldest, newest, e.Version, goOn)
}

// supported says whether a version, as `go env GOVERSION` prints it, is one of these releases.
func supported(version string) bool {
	minor, ok := strings.CutPrefix(version, "go1.")
	if !ok {
		return false
	}
	digits := len(minor) - len(strings.TrimLeft(minor, "0123456789"))
	n, err := strconv.Atoi(minor[:digits])
	return err == nil && oldest <= n && n <= newest
}
