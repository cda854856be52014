package wal_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
)

var (
	when = time.Date(2026, 5, 6, 7, 8, 9, 123000, time.UTC)
	id   = txc.ID{Coordinator: 1, Epoch: 7, Sequence: 1042}
	why  = txc.Reason{Code: txc.CodeConflict, Text: "lost a lock", Participant: "bank-a", Retryable: true}
)

// one of each kind, every field set.
func samples() []wal.Record {
	return []wal.Record{
		wal.New(txc.ID{}, when, wal.OpenedBody{Epoch: 7, Mark: 0xfedcba9876543210, Software: "txc 1"}),
		wal.New(id, when, wal.CommitBody{Members: []wal.Member{{Participant: "bank-a", Evidence: []byte{1, 2}}, {Participant: "bank-b"}},
			Labels: map[string]string{"b": "2", "a": "1", "c": ""}, Key: "order-1", OwnKey: true, Digest: [16]byte{1, 15: 9}, Began: when.Add(-time.Second)}),
		wal.New(id, when, wal.HeuristicBody{Outcome: txc.Committed, Mark: 5, Participant: "bank-a", Fate: txc.Hazard, Why: why}),
		wal.New(id, when, wal.ResolutionBody{What: wal.ResolveSettle, Participant: "bank-a", Outcome: txc.Aborted, Who: "ann", Why: "because"}),
		wal.New(txc.ID{}, when, wal.ResolutionBody{What: wal.ResolveLoss, Epoch: 8, Lost: []wal.Range{{Epoch: 8, Mark: 9, From: 10, To: 11}},
			Instance: [16]byte{3}, Stamp: 4, Who: "ann", Why: "because"}),
		wal.New(txc.ID{}, when, wal.RegistrationBody{Name: "bank-a", Address: "127.0.0.1:1", Kind: "kv", Version: "1", Instance: [16]byte{8},
			Stamp: 99, State: wal.StateActive, Who: "ann", Why: "because"}),
		wal.New(txc.ID{}, when, wal.StoppedBody{Participant: "bank-a", Epoch: 8, Mark: 9, Shown: 10, What: "higher_epoch", Text: "x"}),
		wal.New(id, when, wal.StoppedBody{Participant: "bank-a", Epoch: 7, Mark: 9, Shown: 1042, What: "never_issued"}),
		wal.New(id, when, wal.PresumedBody{Mark: 9, Absent: []string{"bank-a", "bank-b"}, Checked: true}),
		wal.New(id, when, wal.AcknowledgedBody{Participants: []string{"bank-a"}}),
		wal.New(id, when, wal.EndBody{Took: -time.Millisecond, Retries: 3}),
		wal.New(id, when, wal.AbortBody{Reason: why, Members: []string{"bank-a"}, Labels: map[string]string{"k": "v"}, Key: "k", Began: when}),
		wal.New(txc.ID{}, when, wal.CheckpointBody{Records: 77}),
		wal.New(txc.ID{}, when, wal.DroppedBody{Floor: id, Next: 12}),
		wal.New(txc.ID{}, when, wal.ClosedBody{}),
		wal.New(id, time.Time{}.UTC(), wal.CommitBody{Began: time.Time{}.UTC()}),
	}
}

func TestARecordIsReadAsItWasWritten(t *testing.T) {
	seen := map[wal.Kind]bool{}
	for _, r := range samples() {
		seen[r.Kind] = true
		b, err := wal.Encode([]byte("before"), r)
		if err != nil {
			t.Fatal(r.Kind, err)
		}
		got, err := wal.Decode(b[len("before"):])
		if err != nil {
			t.Fatal(r.Kind, err)
		}
		if !reflect.DeepEqual(got, r) {
			t.Fatalf("got  %+v\nwant %+v", got, r)
		}
	}
	for k := wal.Opened; k <= wal.Closed; k++ {
		if !seen[k] {
			t.Errorf("no sample of kind %v", k)
		}
	}
}

func TestEveryFlippedBitOfARecordIsSeen(t *testing.T) {
	for _, r := range samples() {
		b, err := wal.Encode(nil, r)
		if err != nil {
			t.Fatal(err)
		}
		for i := range len(b) * 8 {
			b[i/8] ^= 1 << (i % 8)
			if _, err := wal.Decode(b); !errors.Is(err, txc.ErrRefused) {
				t.Fatalf("%v, bit %d: %v", r.Kind, i, err)
			}
			b[i/8] ^= 1 << (i % 8)
		}
		for n := range len(b) {
			if _, err := wal.Decode(b[:n]); !errors.Is(err, txc.ErrRefused) {
				t.Fatalf("%v, first %d bytes: %v", r.Kind, n, err)
			}
		}
	}
}

func TestWhatNoLogEverTakes(t *testing.T) {
	for name, r := range map[string]wal.Record{
		"an unknown kind":             {Kind: 99, ID: id, When: when, Body: wal.EndBody{}},
		"the invalid kind":            {When: when},
		"a commit without an id":      wal.New(txc.ID{}, when, wal.CommitBody{}),
		"a settlement without an id":  wal.New(txc.ID{}, when, wal.ResolutionBody{What: wal.ResolveSettle}),
		"a loss with an id":           wal.New(id, when, wal.ResolutionBody{What: wal.ResolveLoss}),
		"a registration with an id":   wal.New(id, when, wal.RegistrationBody{}),
		"an id without a sequence":    wal.New(txc.ID{Coordinator: 1, Epoch: 1}, when, wal.EndBody{}),
		"more than MaxRecord bytes":   wal.New(id, when, wal.AbortBody{Key: strings.Repeat("x", wal.MaxRecord)}),
		"more labels than the limit":  wal.New(id, when, wal.AbortBody{Labels: manyLabels(txc.MaxLabels + 1)}),
		"more names than the limit":   wal.New(id, when, wal.AcknowledgedBody{Participants: make([]string, wal.MaxNames+1)}),
		"more ranges than the limit":  wal.New(txc.ID{}, when, wal.ResolutionBody{What: wal.ResolveLoss, Lost: make([]wal.Range, wal.MaxRanges+1)}),
		"a key longer than the limit": wal.New(id, when, wal.CommitBody{Key: strings.Repeat("k", txc.MaxKey+1)}),
	} {
		b, err := wal.Encode([]byte("x"), r)
		if !errors.Is(err, txc.ErrInvalid) || string(b) != "x" {
			t.Errorf("%s: %v, %d bytes", name, err, len(b))
		}
	}
}

func manyLabels(n int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[strings.Repeat("l", i+1)] = ""
	}
	return m
}

func TestALogTakesNoStrangersAndNoneOfItsOwnKinds(t *testing.T) {
	for _, r := range samples() {
		own := r.Kind == wal.Opened || r.Kind == wal.Checkpoint || r.Kind == wal.Dropped || r.Kind == wal.Closed
		if err := wal.CheckAppend(1, r); own != errors.Is(err, txc.ErrInvalid) {
			t.Errorf("%v: %v", r.Kind, err)
		}
		if err := wal.CheckAppend(2, r); !r.ID.IsZero() && !errors.Is(err, txc.ErrInvalid) {
			t.Errorf("%v of another coordinator: %v", r.Kind, err)
		}
	}
}

// FuzzRecord: whatever bytes come, decoding is bounded and gives an error or the one record with exactly that encoding.
func FuzzRecord(f *testing.F) {
	for _, r := range samples() {
		b, err := wal.Encode(nil, r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[:len(b)-4])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		b := wal.Summed(body)
		r, err := wal.Decode(b)
		if err != nil {
			if !errors.Is(err, txc.ErrRefused) {
				t.Fatal(err)
			}
			return
		}
		again, err := wal.Encode(nil, r)
		if err != nil {
			t.Fatalf("%+v: %v", r, err)
		}
		if !bytes.Equal(again, b) {
			t.Fatalf("%+v has two encodings\n%x\n%x", r, b, again)
		}
	})
}

// FuzzGroup: the same for a group and the records in it.
func FuzzGroup(f *testing.F) {
	var p wal.Packer
	for _, r := range samples() {
		if err := p.Add(r); err != nil {
			f.Fatal(err)
		}
	}
	link := wal.Genesis("test", 1)
	for _, g := range p.Seal(&link) {
		f.Add(g[:len(g)-4])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		g, err := wal.DecodeGroup(wal.Summed(body))
		if err == nil {
			err = g.Records(func(wal.Record, []byte) error { return nil })
		}
		if err != nil && !errors.Is(err, txc.ErrRefused) {
			t.Fatal(err)
		}
	})
}
