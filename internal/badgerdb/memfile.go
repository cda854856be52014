package badgerdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"strconv"
)

// Badger's write-ahead file: a head of 20 bytes, then entries, each
//
//	meta 1 | user meta 1 | key length, value length, expiry varints | key | value | crc32c 4
//
// A key ends with its version, counted down from the highest number. The entries of one transaction bear one mark and
// one version; an entry with another mark ends it. Behind the last entry there are zeros.
const (
	walHead     = 20
	maxWalEntry = 22 // of an entry before its key
	versionSize = 8
	maxKey      = 1 << 16
	metaDelete  = 1 << 0
	metaPointer = 1 << 1
	metaTxn     = 1 << 6
	metaEnd     = 1 << 7
)

// errHollow says that a file has no content at all: Badger was killed between making or emptying a file and the next
// step. Badger itself cannot open such a file.
var errHollow = errors.New("empty file")

// mem is one write-ahead file.
type mem struct {
	file    *mapped
	entries map[string]version // the newest of each key
}

func openMem(path string) (*mem, error) {
	file, err := mapFile(path)
	if err != nil {
		return nil, err
	}
	if len(file.data) == 0 {
		return nil, errHollow
	}
	m := &mem{file: file, entries: map[string]version{}}
	if len(file.data) < walHead {
		return nil, errors.Join(damaged(path, "%d bytes", len(file.data)), file.close())
	}
	if binary.BigEndian.Uint64(file.data) != 0 {
		return nil, errors.Join(damaged(path, "it asks for an encryption key"), file.close())
	}
	return m, nil
}

// unused tells whether nothing was ever written behind the head.
func (m *mem) unused() bool {
	data := m.file.data[walHead:]
	return allZero(data[:min(len(data), maxWalEntry)])
}

// read takes the entries of all complete transactions. whole: there must be nothing else in the file.
func (m *mem) read(whole bool) error {
	rest := m.file.data[walHead:]
	var open []entry // of the transaction that is being read
	var at uint64
	good := rest // what is behind the last complete transaction
	for {
		e, meta, n := readEntry(rest)
		if n == 0 {
			break
		}
		rest = rest[n:]
		if meta&metaEnd != 0 {
			if v, err := strconv.ParseUint(string(e.value), 10, 64); err != nil || len(open) == 0 || v != at {
				break
			}
			m.take(open, at)
			open, at, good = open[:0], 0, rest
			continue
		}
		key, v, ok := splitKey(e.key)
		if !ok || meta&metaTxn == 0 || meta&metaPointer != 0 || at != 0 && v != at {
			break
		}
		at = v
		if meta&metaDelete != 0 {
			e.value = nil
		} else if e.value == nil {
			e.value = []byte{}
		}
		open = append(open, entry{key, e.value})
	}
	if whole && !allZero(good) {
		return damaged(m.file.path, "an entry in the middle")
	}
	return nil
}

func (m *mem) take(open []entry, at uint64) {
	for _, e := range open {
		if old, ok := m.entries[string(e.key)]; !ok || old.at <= at {
			m.entries[string(e.key)] = version{at: at, deleted: e.value == nil, value: e.value}
		}
	}
}

// readEntry reads one entry and its size; the size is 0 if there is none.
func readEntry(b []byte) (e entry, meta byte, size int) {
	if len(b) < 2 || b[0] == 0 && b[1] == 0 && allZero(b[:min(len(b), maxWalEntry)]) {
		return entry{}, 0, 0
	}
	meta = b[0]
	n := 2
	var lengths [3]uint64
	for i := range lengths {
		v, size := binary.Uvarint(b[n:])
		if size <= 0 {
			return entry{}, 0, 0
		}
		lengths[i] = v
		n += size
	}
	keyLen, valueLen := lengths[0], lengths[1]
	if keyLen == 0 || keyLen > maxKey || valueLen > uint64(len(b)) || uint64(n)+keyLen+valueLen+4 > uint64(len(b)) {
		return entry{}, 0, 0
	}
	end := n + int(keyLen+valueLen)
	if crc32.Checksum(b[:end], castagnoli) != binary.BigEndian.Uint32(b[end:]) {
		return entry{}, 0, 0
	}
	e.key = b[n : n+int(keyLen)]
	e.value = b[n+int(keyLen) : end : end]
	return e, meta, end + 4
}

// splitKey takes the version off a key.
func splitKey(b []byte) (key []byte, at uint64, ok bool) {
	if len(b) <= versionSize {
		return nil, 0, false
	}
	cut := len(b) - versionSize
	return b[:cut:cut], math.MaxUint64 - binary.BigEndian.Uint64(b[cut:]), true
}

var zeros [4096]byte

func allZero(b []byte) bool {
	for len(b) > len(zeros) {
		if !bytes.Equal(b[:len(zeros)], zeros[:]) {
			return false
		}
		b = b[len(zeros):]
	}
	return bytes.Equal(b, zeros[:len(b)])
}
