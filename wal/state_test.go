package wal_test

import (
	"reflect"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
)

// fold applies records with LSNs of their own, or from 1 on.
func fold(t *testing.T, recs ...wal.Record) *wal.State {
	t.Helper()
	s := wal.NewState()
	for i, r := range recs {
		if r.LSN == 0 {
			r.LSN = uint64(i + 1)
		}
		b, err := wal.Encode(nil, r)
		if err != nil {
			t.Fatal(err)
		}
		s.Apply(r, b)
	}
	return s
}

// again folds what a State holds: what a checkpoint does.
func again(t *testing.T, s *wal.State) *wal.State {
	t.Helper()
	var recs []wal.Record
	err := s.Held(func(lsn uint64, b []byte) error {
		r, err := wal.Decode(b)
		r.LSN = lsn
		recs = append(recs, r)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	c := fold(t, recs...)
	c.At(s.Last())
	return c
}

func recovery(t *testing.T, s *wal.State) (rec wal.Recovery) {
	t.Helper()
	if err := s.Recover(&rec); err != nil {
		t.Fatal(err)
	}
	rec.Clean = false
	return rec
}

func TestACheckpointHoldsAllThatRecoveryNeeds(t *testing.T) {
	seed := uint64(1)
	pick := func(n int) int {
		seed = seed*6364136223846793005 + 1442695040888963407
		return int(seed>>33) % n
	}
	s := wal.NewState()
	for lsn := uint64(1); lsn < 3000; lsn++ {
		all := samples()
		r := all[pick(len(all))]
		if !r.ID.IsZero() {
			r.ID.Sequence = uint64(1 + pick(20))
		}
		if body, ok := r.Body.(wal.DroppedBody); ok {
			body.Floor.Sequence = lsn
			r.Body = body
		}
		if body, ok := r.Body.(wal.ResolutionBody); ok && r.ID.IsZero() {
			body.What = []string{wal.ResolveLoss, wal.ResolveGone, wal.ResolveParticipant}[pick(3)]
			r.Body = body
		} else if ok {
			body.What = []string{wal.ResolveSettle, wal.ResolveAcknowledge}[pick(2)]
			r.Body = body
		}
		if body, ok := r.Body.(wal.PresumedBody); ok {
			body.Checked = pick(2) == 0
			r.Body = body
		}
		r.LSN = lsn
		b, err := wal.Encode(nil, r)
		if err != nil {
			t.Fatal(err)
		}
		s.Apply(r, b)
		if lsn%7 == 0 {
			c := again(t, s)
			if got, want := recovery(t, c), recovery(t, s); !reflect.DeepEqual(got, want) {
				t.Fatalf("after %d records:\n got %+v\nwant %+v", lsn, got, want)
			}
			s = c
		}
	}
}

func TestTheNextEpochIsAboveEverythingAccepted(t *testing.T) {
	loss := wal.New(txc.ID{}, when, wal.ResolutionBody{What: wal.ResolveLoss, Epoch: 40})
	for name, c := range map[string]struct {
		recs []wal.Record
		want uint32
	}{
		"an empty log": {nil, 1},
		"openings":     {[]wal.Record{wal.New(txc.ID{}, when, wal.OpenedBody{Epoch: 7})}, 8},
		"a loss above": {[]wal.Record{wal.New(txc.ID{}, when, wal.OpenedBody{Epoch: 7}), loss}, 41},
		"a loss below": {[]wal.Record{loss, wal.New(txc.ID{}, when, wal.OpenedBody{Epoch: 50})}, 51},
	} {
		if got, err := fold(t, c.recs...).NextEpoch(); err != nil || got != c.want {
			t.Errorf("%s: %d, want %d (%v)", name, got, c.want, err)
		}
	}
	if _, err := fold(t, wal.New(txc.ID{}, when, wal.OpenedBody{Epoch: 1<<32 - 1})).NextEpoch(); err == nil {
		t.Error("an epoch above the highest one")
	}
}
