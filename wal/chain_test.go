package wal_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
)

// chain makes n groups of two records each, in one opening.
func chain(t *testing.T, cluster string, n int) (groups [][]byte, end wal.Link) {
	t.Helper()
	end = wal.Genesis(cluster, 1)
	end.Epoch, end.Mark = 1, 5
	for i := range n {
		var p wal.Packer
		for j := range 2 {
			r := wal.New(txc.ID{Coordinator: 1, Epoch: 1, Sequence: uint64(2*i + j + 1)}, when, wal.EndBody{})
			if err := p.Add(r); err != nil {
				t.Fatal(err)
			}
		}
		groups = append(groups, p.Seal(&end)...)
	}
	return groups, end
}

func follow(groups [][]byte) (wal.Link, error) {
	end := wal.Genesis("test", 1)
	for _, b := range groups {
		g, err := wal.DecodeGroup(b)
		if err != nil {
			return end, err
		}
		if err := end.Follow(g, b); err != nil {
			return end, err
		}
	}
	return end, nil
}

func TestAChainIsFollowedToItsEnd(t *testing.T) {
	groups, want := chain(t, "test", 5)
	got, err := follow(groups)
	if err != nil || got != want || got.Last() != 10 {
		t.Fatalf("%+v, want %+v: %v", got, want, err)
	}
}

func TestWhatDoesNotFollowIsRefused(t *testing.T) {
	groups, _ := chain(t, "test", 4)
	other, _ := chain(t, "other", 4)
	newer := slices.Clone(groups[1])
	newer[0] = wal.Version + 1
	newer = wal.Summed(newer[:len(newer)-4])
	opened := func(epoch uint32, mark uint64) []byte {
		_, end := chain(t, "test", 1)
		end.Epoch, end.Mark = epoch, mark
		var p wal.Packer
		if err := p.Add(wal.New(id, when, wal.EndBody{})); err != nil {
			t.Fatal(err)
		}
		return p.Seal(&end)[0]
	}
	for name, c := range map[string]struct {
		groups [][]byte
		words  string
	}{
		"a gap":                      {[][]byte{groups[0], groups[2]}, "missing"},
		"a group twice":              {[][]byte{groups[0], groups[0]}, "twice"},
		"a missing beginning":        {groups[1:], "missing"},
		"a foreign log":              {other, "another log"},
		"a foreign group":            {[][]byte{groups[0], other[1]}, "another log"},
		"a newer version":            {[][]byte{groups[0], newer}, "newer txc"},
		"an earlier opening":         {[][]byte{groups[0], opened(0, 5)}, "opening"},
		"another mark in an opening": {[][]byte{groups[0], opened(1, 6)}, "opening"},
	} {
		if _, err := follow(c.groups); !errors.Is(err, txc.ErrRefused) || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEveryFlippedByteOfAGroupIsSeen(t *testing.T) {
	groups, _ := chain(t, "test", 1)
	for i := range groups[0] {
		b := slices.Clone(groups[0])
		b[i] ^= 0x10
		if _, err := wal.DecodeGroup(b); !errors.Is(err, txc.ErrRefused) {
			t.Fatal(i, err)
		}
	}
}

func TestALargeAppendIsSeveralGroupsOfWhichOnlyTheLastCounts(t *testing.T) {
	var p wal.Packer
	for range 40 {
		if err := p.Add(wal.New(id, when, wal.AbortBody{Key: strings.Repeat("x", 50<<10)})); err != nil {
			t.Fatal(err)
		}
	}
	place := p.Place()
	for range 30 {
		if err := p.Add(wal.New(id, when, wal.AbortBody{Key: strings.Repeat("y", 50<<10)})); err != nil {
			t.Fatal(err)
		}
	}
	p.Return(place)
	end := wal.Genesis("test", 1)
	groups := p.Seal(&end)
	count := uint32(0)
	for i, b := range groups {
		g, err := wal.DecodeGroup(b)
		if err != nil {
			t.Fatal(err)
		}
		if g.More != (i+1 < len(groups)) || len(b) > wal.MaxGroup {
			t.Fatalf("group %d of %d: more %v, %d bytes", i, len(groups), g.More, len(b))
		}
		if err := g.Records(func(r wal.Record, _ []byte) error {
			if r.Body.(wal.AbortBody).Key[0] != 'x' {
				t.Fatal("a record that was taken back is there")
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		count += g.Count
	}
	if count != 40 || len(groups) != 4 || end.Last() != 40 || p.Count() != 0 {
		t.Fatal(count, len(groups), end.Last(), p.Count())
	}
	if got, err := follow(groups); err != nil || got != end {
		t.Fatal(got, end, err)
	}
}
