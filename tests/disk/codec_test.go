package disk_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/tests/internal/suite"
	"github.com/txc-dev/txc/wal"
)

// records of the log whose every byte is flipped.
const records = 100

// V9: TestCodec flips every byte of a log of 100 records, in one bit or in each: whoever follows the chain to the end that HEAD knows is
// refused. None is read as another record, and none is missed.
func TestCodec(t *testing.T) {
	o, draw := begin(t)
	groups, end := hundred(t)
	if n, err := follow(groups, end); n != records || err != nil {
		t.Fatalf("unflipped: %d records: %v", n, err)
	}
	bits := 1
	if *size == suite.All {
		bits = 8
	}
	for i, g := range groups {
		for at := range g {
			for _, bit := range draw.Perm(8)[:bits] {
				g[at] ^= 1 << bit
				n, err := follow(groups, end)
				g[at] ^= 1 << bit
				o.Figures["flipped bits of a log"]++
				if !errors.Is(err, txc.ErrRefused) {
					t.Errorf("group %d, byte %d, bit %d: %d records are read: %v", i, at, bit, n, err)
				}
			}
		}
		for n := range g { // and every beginning of it
			groups[i] = g[:n]
			if _, err := follow(groups, end); !errors.Is(err, txc.ErrRefused) {
				t.Errorf("group %d, cut to %d bytes: %v", i, n, err)
			}
		}
		groups[i] = g
	}
}

// hundred makes a log of every kind of group: of one record, of several, of different ones.
func hundred(t *testing.T) (groups [][]byte, end wal.Link) {
	t.Helper()
	end = wal.Genesis("txc", 1)
	end.Epoch, end.Mark = 1, 7
	when := time.Unix(1_700_000_000, 0)
	var pack wal.Packer
	for i := range uint64(records) {
		id := txc.ID{Coordinator: 1, Epoch: 1, Sequence: i + 1}
		var body wal.Body = wal.CommitBody{Key: fmt.Sprint("key-", i), Members: []wal.Member{
			{Participant: "bank-a", Evidence: []byte("evidence")}, {Participant: "bank-b"},
		}}
		switch i % 5 {
		case 1, 2:
			body = wal.EndBody{Took: time.Millisecond}
		case 3:
			body = wal.AcknowledgedBody{Participants: []string{"bank-a"}}
		}
		if err := pack.Add(wal.New(id, when, body)); err != nil {
			t.Fatal(err)
		}
		if i%7 == 0 || i == records-1 {
			groups = append(groups, pack.Seal(&end)...)
		}
	}
	return groups, end
}

// follow reads a log to its end, which is known.
func follow(groups [][]byte, want wal.Link) (n int, err error) {
	end := wal.Genesis("txc", 1)
	for _, b := range groups {
		g, err := wal.DecodeGroup(b)
		if err != nil {
			return n, err
		}
		if err := end.Follow(g, b); err != nil {
			return n, err
		}
		err = g.Records(func(wal.Record, []byte) error {
			n++
			return nil
		})
		if err != nil {
			return n, err
		}
	}
	if end != want {
		return n, fmt.Errorf("%w: it ends at record %d, not %d", txc.ErrRefused, end.Last(), want.Last())
	}
	return n, nil
}
