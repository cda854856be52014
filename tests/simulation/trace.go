package simulation

import (
	"fmt"
	"hash/crc32"
	"io"
	"time"
)

// trace is what a run leaves behind: a hash of every frame, every group of the log, every batch of a store, every draw
// of a fault and every answer, always; and the same in words, where somebody wants to read it.
type trace struct {
	clock *time.Duration
	out   io.Writer // nil: nobody reads
	hash  uint64
	err   error // of out
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// number enters one number into the hash. Every step is invertible, so no two short traces that differ in one number
// have the same hash.
func (t *trace) number(x uint64) {
	t.hash = (t.hash ^ x) * 0x9e3779b97f4a7c15
	t.hash ^= t.hash >> 32
}

func (t *trace) bytes(b []byte) {
	t.number(uint64(len(b))<<32 | uint64(crc32.Checksum(b, castagnoli)))
}

// say tells what seldom happens, in words, which are hashed.
func (t *trace) say(format string, a ...any) {
	line := fmt.Sprintf(format, a...)
	t.number(uint64(*t.clock))
	t.bytes([]byte(line))
	if t.out != nil {
		t.print("%s", line)
	}
}

// read reports whether somebody reads: what happens often is put into words only for him, with print.
func (t *trace) read() bool { return t.out != nil }

func (t *trace) print(format string, a ...any) {
	_, err := fmt.Fprintf(t.out, "%13s  %s\n", *t.clock, fmt.Sprintf(format, a...))
	if err != nil && t.err == nil {
		t.err = err
	}
}
