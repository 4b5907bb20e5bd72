// tmpfs_linux.go: is a directory kept in memory? Linux says so in the type of its file system.

package demo

import "syscall"

const (
	tmpfsMagic = 0x01021994
	ramfsMagic = 0x858458f6
)

func isTmpfs(dir string) bool {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return false // whatever is wrong with it, creating the journal will say
	}
	kind := uint32(st.Type) // signed, and 32 or 64 bits wide, depending on the machine
	return kind == tmpfsMagic || kind == ramfsMagic
}
