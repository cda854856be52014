package badgerwal_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
	"github.com/txc-dev/txc/wal/badgerwal"
)

// again wants what is refused to be refused with the log's own error, and what is taken to be what the log would write.
func again(t *testing.T, given, written []byte, err error) {
	t.Helper()
	if err != nil {
		if !errors.Is(err, txc.ErrRefused) {
			t.Fatalf("%x: %v", given, err)
		}
	} else if !bytes.Equal(given, written) {
		t.Fatalf("taken:   %x\nwritten: %x", given, written)
	}
}

// FuzzHead: HEAD has one form. The body is given; a damaged checksum is another matter.
func FuzzHead(f *testing.F) {
	for _, mark := range []byte{0, 7} {
		b := append([]byte("txcH\x01\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00"), make([]byte, 64-4-16)...)
		b[23] = mark
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, b := range [][]byte{body, badgerwal.Summed(body)} {
			written, err := badgerwal.HeadAgain(b)
			again(t, b, written, err)
		}
	})
}

// FuzzSummary: the summary of a block of the index has one form.
func FuzzSummary(f *testing.F) {
	f.Add(uint64(3), []byte{3, 1, 0, 20, 2, 7, 1, 200, 1, 8, 1, 1})
	f.Add(uint64(0), []byte{0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, number uint64, body []byte) {
		b := badgerwal.Summed(body)
		written, err := badgerwal.SummaryAgain(number, b)
		again(t, b, written, err)
	})
}

// FuzzDetail: whatever a block's details claim to hold, looking into them ends, and says so where they are damaged.
func FuzzDetail(f *testing.F) {
	f.Add([]byte{2, 1, 7, 5, 0, 1, 0}, uint32(7), uint64(5), uint64(99))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1, 1, 1}, uint32(1), uint64(1), uint64(1))
	f.Fuzz(func(t *testing.T, body []byte, epoch uint32, sequence, hash uint64) {
		_, _, err := badgerwal.DetailHas(badgerwal.Summed(body), txc.ID{Coordinator: 1, Epoch: epoch, Sequence: sequence}, hash)
		again(t, nil, nil, err)
	})
}

// FuzzKeyEntry: an entry of the key index has one form.
func FuzzKeyEntry(f *testing.F) {
	f.Add(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(nil, 1), 2), 3))
	f.Fuzz(func(t *testing.T, b []byte) {
		written, err := badgerwal.KeyEntryAgain(b)
		again(t, b, written, err)
	})
}

// FuzzChunk: a chunk of a checkpoint is refused, or what it holds are records that may stand in a State.
func FuzzChunk(f *testing.F) {
	record, err := wal.Encode(nil, wal.New(txc.ID{}, time.UnixMilli(1).UTC(), wal.OpenedBody{Epoch: 1, Mark: 7}))
	if err != nil {
		f.Fatal(err)
	}
	head := append([]byte{1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1}, make([]byte, 57-21)...)
	f.Add(append(append(head, 1, byte(len(record))), record...))
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := badgerwal.ApplyChunk(9, 1, badgerwal.Summed(body))
		again(t, nil, nil, err)
		if int(n) > len(body) {
			t.Fatalf("%d records of %d bytes", n, len(body))
		}
	})
}

// FuzzCarried: a carried commit has one form.
func FuzzCarried(f *testing.F) {
	record, err := wal.Encode(nil, wal.New(txc.ID{Coordinator: 1, Epoch: 1, Sequence: 1}, time.UnixMilli(1).UTC(), wal.CommitBody{Key: "k", Began: time.UnixMilli(1).UTC()}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint64(7), record[:len(record)-4])
	f.Fuzz(func(t *testing.T, lsn uint64, body []byte) {
		b := append(binary.BigEndian.AppendUint64(nil, lsn), badgerwal.Summed(body)...)
		written, err := badgerwal.CarriedAgain(b)
		again(t, b, written, err)
	})
}
