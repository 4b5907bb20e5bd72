package lwkt_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/serializing-tokens/lwkt"
)

// TestHierarchyInDocs: docs/locking.md has the tables as they are enforced.
func TestHierarchyInDocs(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("docs", "locking.md"))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := lwkt.WriteHierarchy(&b); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), b.Bytes()) {
		t.Errorf("docs/locking.md does not have these tables:\n%s", b.String())
	}
}
