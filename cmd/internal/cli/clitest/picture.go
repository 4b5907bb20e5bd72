// Package clitest is what tests of commands have in common.
package clitest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"testing"
)

// Picture reads a picture that a command drew, which must be well-formed XML.
func Picture(t *testing.T, path string) []byte {
	t.Helper()
	picture, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(bytes.NewReader(picture)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return picture
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
