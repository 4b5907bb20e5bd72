// tmpfs_linux_test.go: what statfs says is what the table of mounts says.

package demo

import (
	"os"
	"strings"
	"testing"
)

func TestIsTmpfs(t *testing.T) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Skip(err)
	}
	kinds := make(map[string]string) // the last mount on a directory is the one that is seen
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 2 {
			kinds[f[1]] = f[2]
		}
	}
	for _, dir := range []string{"/", "/proc", "/dev/shm", "/run", "/tmp"} {
		if kind, ok := kinds[dir]; ok && isTmpfs(dir) != (kind == "tmpfs" || kind == "ramfs") {
			t.Errorf("%s is %s, isTmpfs says %v", dir, kind, isTmpfs(dir))
		}
	}
}
