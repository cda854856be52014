package engine_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
)

// refused wants what a store does not take to be refused with words, and with nothing else.
func refused(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, txc.ErrRefused) || len(err.Error()) < 10 {
		t.Fatal(err)
	}
}

// typed wants every field of a row to have the type that a writer gives it: a number in the place of bytes would be read as
// zero, and a promise of another age, or a stamp of zero, is not what was written. It gives the last of each number.
func typed(t *testing.T, row []byte, types map[protowire.Number]protowire.Type) map[protowire.Number]uint64 {
	t.Helper()
	numbers := map[protowire.Number]uint64{}
	for rest := row[1:]; len(rest) > 0; {
		num, typ, n := protowire.ConsumeTag(rest)
		size := protowire.ConsumeFieldValue(num, typ, rest[max(n, 0):])
		if n < 0 || size < 0 {
			t.Fatalf("%x is taken, and no generated code would", row)
		}
		if want, ok := types[num]; !ok || want != typ {
			t.Fatalf("%x is taken with field %d of type %d", row, num, typ)
		}
		if typ == protowire.VarintType {
			numbers[num], _ = protowire.ConsumeVarint(rest[n:])
		}
		rest = rest[n+size:]
	}
	return numbers
}

// FuzzIntent: a promise that is read is one that can be written, and is read as the same again; an operator's word on it
// is a decision.
func FuzzIntent(f *testing.F) {
	f.Add(engine.WriteIntent(&engine.Intent{
		Members: []string{"a", "b"}, Age: 7, Since: time.UnixMilli(1), Reads: [][]byte{[]byte("r")}, Evidence: []byte{1, 0, 0, 0, 0, 0, 0, 0, 9},
		Writes: []engine.Write{{Key: []byte("k"), Value: []byte("v")}, {Key: []byte("d"), Gone: true}},
	}))
	f.Add(engine.WriteIntent(&engine.Intent{Since: time.UnixMilli(0), Work: []byte("opaque")}))
	f.Add(engine.WriteIntent(&engine.Intent{Since: time.UnixMilli(0), Settled: &participant.Settlement{Outcome: txc.Committed, Who: "ann", Why: "why", When: time.UnixMilli(3)}}))
	f.Fuzz(func(t *testing.T, row []byte) {
		n, err := engine.ParseIntent(row)
		if err != nil {
			refused(t, err)
			return
		}
		numbers := typed(t, row, map[protowire.Number]protowire.Type{
			1: protowire.BytesType, 2: protowire.VarintType, 3: protowire.VarintType, 4: protowire.BytesType, 5: protowire.BytesType, 6: protowire.BytesType,
			7: protowire.Fixed64Type, 8: protowire.VarintType, 9: protowire.BytesType, 10: protowire.BytesType, 11: protowire.VarintType, 12: protowire.BytesType,
		})
		if n.Settled != nil && (!n.Settled.Outcome.Decided() || uint64(n.Settled.Outcome) != numbers[8]) {
			t.Fatalf("settled as %v, written: %d", n.Settled.Outcome, numbers[8])
		}
		if n.Since.IsZero() {
			return // of no writer: a promise has a time
		}
		if again, err := engine.ParseIntent(engine.WriteIntent(n)); err != nil || !samePromise(again, n) {
			t.Fatalf("read  %+v\nagain %+v, %v", n, again, err)
		}
	})
}

// samePromise compares two promises.
func samePromise(a, b *engine.Intent) bool {
	return bytes.Equal(engine.WriteIntent(a), engine.WriteIntent(b))
}

// FuzzMemory: the same for identity, stamp and witnesses.
func FuzzMemory(f *testing.F) {
	m := participant.Memory{Instance: [16]byte{1}, Stamp: 9, Seen: []participant.Seen{{Coordinator: 1, Epoch: 2, Mark: 3, LSN: 4}}}
	f.Add(engine.WriteMemory(engine.NewMemory(m, 0, 0)))
	f.Add(engine.WriteMemory(engine.NewMemory(m, 7, 3)))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, row []byte) {
		m, err := engine.ParseMemory(row)
		if err != nil {
			refused(t, err)
			return
		}
		typed(t, row, map[protowire.Number]protowire.Type{1: protowire.BytesType, 2: protowire.VarintType, 3: protowire.BytesType, 4: protowire.VarintType, 5: protowire.VarintType})
		if len(m.Seen)*24 > len(row) {
			t.Fatalf("%d witnesses in %d bytes", len(m.Seen), len(row))
		}
		if again, err := engine.ParseMemory(engine.WriteMemory(&m)); err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("read  %+v\nagain %+v, %v", m, again, err)
		}
	})
}

// FuzzJournal: a row of the journal has one spelling, and its key.
func FuzzJournal(f *testing.F) {
	name := make([]byte, 24)
	f.Add(append(append([]byte{1, 1}, name...), 2, 1, 0))
	f.Add(append(append(append([]byte{1, 2}, name...), 3), name...))
	f.Add(append(append([]byte{1, 1}, name...), 0x82, 0, 1, 0)) // a length in more bytes than it takes
	f.Add(engine.JournalKey(7))
	f.Fuzz(func(t *testing.T, b []byte) {
		if all, again, err := engine.Items(b); err != nil {
			refused(t, err)
		} else if !bytes.Equal(b, again) || len(all) == 0 {
			t.Fatalf("%x says %v, which is %x", b, all, again)
		}
		if again, err := engine.NumberAgain(b); err != nil {
			refused(t, err)
		} else if !bytes.Equal(b, again) {
			t.Fatalf("%x numbers %x", b, again)
		}
	})
}

// FuzzRows: the small rows: the keys of the last batch, a proof, and a key that names a branch.
func FuzzRows(f *testing.F) {
	f.Add([]byte{1, 1, 'k', 2, 'k', 'k'})
	f.Add([]byte{1, byte(txc.CommittedBefore)})
	f.Add([]byte{1, byte(txc.AbortedBefore), 1}) // by hand
	f.Add(append([]byte{'i'}, make([]byte, 24)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if again, err := engine.LastAgain(b); err != nil {
			refused(t, err)
		} else if third, err := engine.LastAgain(again); err != nil || !bytes.Equal(third, again) {
			t.Fatalf("%x, then %x, %v", again, third, err)
		}
		if fate, again, err := engine.ProofAgain(b); err != nil {
			refused(t, err)
		} else if !bytes.Equal(b, again) || fate != txc.CommittedBefore && fate != txc.AbortedBefore {
			t.Fatalf("a proof %x of %v", b, fate)
		}
		if again, err := engine.NameAgain(b); err != nil {
			refused(t, err)
		} else if !bytes.Equal(b, again) {
			t.Fatalf("%x names %x", b, again)
		}
	})
}
