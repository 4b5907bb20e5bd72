// Files for package sync, as in zwitness_unix.go, by the system's own calls.
package runtime

import "unsafe"

//go:cgo_import_dynamic runtime._WitnessCreateFile CreateFileW%7 "kernel32.dll"
//go:cgo_import_dynamic runtime._WitnessReadFile ReadFile%5 "kernel32.dll"

var _WitnessCreateFile, _WitnessReadFile stdFunction

// witnessOpen gives a handle of a file.
func witnessOpen(name string, access, disposition uintptr) (handle uintptr, ok bool) {
	const shareAll, normal = 7, 0x80
	var wide []uint16
	for _, r := range name {
		if r >= 0x10000 {
			r -= 0x10000
			wide = append(wide, uint16(0xd800+r>>10))
			r = 0xdc00 + r&0x3ff
		}
		wide = append(wide, uint16(r))
	}
	wide = append(wide, 0)
	handle = stdcall(_WitnessCreateFile, uintptr(unsafe.Pointer(&wide[0])), access, shareAll, 0, disposition, normal, 0)
	KeepAlive(wide)
	return handle, handle != ^uintptr(0)
}

// WitnessWrite makes a file and says whether it could.
func WitnessWrite(name string, text []byte) bool {
	const write, always = 0x40000000, 2
	file, ok := witnessOpen(name, write, always)
	if !ok {
		return false
	}
	for len(text) > 0 {
		var written uint32
		ok := stdcall(_WriteFile, file, uintptr(unsafe.Pointer(&text[0])), uintptr(min(len(text), 1<<20)), uintptr(unsafe.Pointer(&written)), 0)
		if ok == 0 || written == 0 {
			break
		}
		text = text[written:]
	}
	stdcall(_CloseHandle, file)
	return len(text) == 0
}

// WitnessRead reads a file whole; nil if it cannot.
func WitnessRead(name string) (text []byte) {
	const read, existing = 0x80000000, 3
	file, ok := witnessOpen(name, read, existing)
	if !ok {
		return nil
	}
	buf := make([]byte, 1<<16)
	for {
		var n uint32
		ok := stdcall(_WitnessReadFile, file, uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), uintptr(unsafe.Pointer(&n)), 0)
		if ok == 0 || n == 0 {
			break
		}
		text = append(text, buf[:n]...)
	}
	stdcall(_CloseHandle, file)
	return text
}
