//go:build unix && !aix && !solaris

// Files for package sync, which is below package os: a report is written whole into a file of its own.
package runtime

import "unsafe"

// WitnessWrite makes a file and says whether it could.
func WitnessWrite(name string, text []byte) bool {
	const mode = 0o600
	fd := open(&append([]byte(name), 0)[0], _O_WRONLY|_O_CREAT, mode)
	if fd < 0 {
		return false
	}
	for len(text) > 0 {
		n := write(uintptr(fd), unsafe.Pointer(&text[0]), int32(min(len(text), 1<<20)))
		if n <= 0 {
			break
		}
		text = text[n:]
	}
	closefd(fd)
	return len(text) == 0
}

// WitnessRead reads a file whole; nil if it cannot.
func WitnessRead(name string) (text []byte) {
	fd := open(&append([]byte(name), 0)[0], 0, 0)
	if fd < 0 {
		return nil
	}
	buf := make([]byte, 1<<16)
	for {
		n := read(fd, unsafe.Pointer(&buf[0]), int32(len(buf)))
		if n <= 0 {
			break
		}
		text = append(text, buf[:n]...)
	}
	closefd(fd)
	return text
}
