// record.go: the bytes of a record.
//
//	file    "lwktjnl1" record*
//	record  length uint32, crc uint32, payload [length]byte         all numbers little endian
//	payload kind byte, tx uint64                                    Commit, Abort, Close
//	        kind byte, tx uint64, from uint32, to uint32, amount    Open, Intent
//
// Why it is correct: the CRC32C covers the length as well as the payload, so that a damaged length is not believed; a payload
// has exactly the length of its kind, so that no length makes the reader skip or allocate; a length of zero, which is what a
// file system leaves in a tail that it allocated and never wrote, is no record. So each cut and each flipped bit inside a
// record makes that record, and nothing before it, unreadable (J4).

package journal

import (
	"encoding/binary"
	"hash/crc32"
)

const (
	magic      = "lwktjnl1"
	headerSize = 8
	shortSize  = 1 + 8           // payload of Commit, Abort, Close
	longSize   = 1 + 8 + 4*2 + 8 // payload of Open, Intent
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// size is the length of the payload of a kind, 0 for a kind that does not exist.
func (k Kind) size() int {
	switch k {
	case Open, Intent:
		return longSize
	case Commit, Abort, Close:
		return shortSize
	}
	return 0
}

// appendRecord appends the bytes of r to b.
func appendRecord(b []byte, r Record) []byte {
	le := binary.LittleEndian
	start := len(b)
	b = le.AppendUint32(b, uint32(r.Kind.size()))
	b = le.AppendUint32(b, 0) // the CRC, below
	b = append(b, byte(r.Kind))
	b = le.AppendUint64(b, r.Tx)
	if r.Kind.size() == longSize {
		b = le.AppendUint32(b, r.From)
		b = le.AppendUint32(b, r.To)
		b = le.AppendUint64(b, uint64(r.Amount))
	}
	le.PutUint32(b[start+4:], checksum(b[start:]))
	return b
}

// checksum covers the length and the payload of the record that is all of b, and skips the CRC between them.
func checksum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:4], castagnoli), castagnoli, b[headerSize:])
}

// parseRecord reads the record at the start of b. It returns n == 0 if there is no whole one.
func parseRecord(b []byte) (r Record, n int) {
	le := binary.LittleEndian
	if len(b) < headerSize+shortSize {
		return Record{}, 0
	}
	r.Kind = Kind(b[headerSize])
	n = headerSize + r.Kind.size()
	if n == headerSize || n > len(b) || le.Uint32(b) != uint32(r.Kind.size()) {
		return Record{}, 0
	}
	if b = b[:n]; le.Uint32(b[4:]) != checksum(b) {
		return Record{}, 0
	}
	p := b[headerSize+1:]
	r.Tx = le.Uint64(p)
	if r.Kind.size() == longSize {
		r.From, r.To = le.Uint32(p[8:]), le.Uint32(p[12:])
		r.Amount = int64(le.Uint64(p[16:]))
	}
	return r, n
}
