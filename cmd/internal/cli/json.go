package cli

// JSON that a program reads as one array and a person reads line by line.

import (
	"bufio"
	"encoding/json"
	"io"
)

// WriteArray prints one JSON array, one element a line.
func WriteArray[T any](w io.Writer, elements []T) error {
	out := bufio.NewWriter(w)
	out.WriteString("[")
	for i, e := range elements {
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		if i > 0 {
			out.WriteString(",")
		}
		out.WriteString("\n ")
		out.Write(line)
	}
	out.WriteString("\n]\n")
	return out.Flush()
}
