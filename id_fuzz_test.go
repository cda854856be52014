package txc_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/txc-dev/txc"
)

// FuzzID: what is taken is the one spelling of what is read.
func FuzzID(f *testing.F) {
	for _, s := range []string{"c1.7.1042", "c4294967295.4294967295.18446744073709551615", "c1.07.1", "c1.7", "C1.7.1", "c1.7.1 ", "c0.0.0", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := txc.ParseID(s)
		if err != nil {
			if !errors.Is(err, txc.ErrInvalid) || !id.IsZero() {
				t.Fatalf("%q: %v, %v", s, id, err)
			}
			return
		}
		if id.String() != s || id.Coordinator == 0 || id.Epoch == 0 || id.Sequence == 0 {
			t.Fatalf("%q reads as %v", s, id)
		}
	})
}

// FuzzMark: the same for marks.
func FuzzMark(f *testing.F) {
	for _, s := range []string{"0123456789abcdef", "0000000000000000", "ffffffffffffffff", "0123456789ABCDEF", "+123456789abcdef", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if mark, err := txc.ParseMark(s); err == nil && txc.FormatMark(mark) != s || err != nil && !errors.Is(err, txc.ErrInvalid) {
			t.Fatalf("%q reads as %x, %v", s, mark, err)
		}
	})
}

// FuzzBranchName: a name in a shared store is ours only if it is exactly one that we would write; every other prepared
// branch there is somebody else's. Ours fit the strictest of those stores: 64 bytes for each of XA's parts, 199 in all.
func FuzzBranchName(f *testing.F) {
	id := txc.ID{Coordinator: 1, Epoch: 7, Sequence: 1042}
	f.Add(txc.BranchName("test", id, 0xfedcba9876543210, "bank-a"))
	for _, s := range []string{
		"gid", "txc/test/c1.7.1042/bank-a", "txc/test/c1.7.1042.0000000000000001/", "txc/TEST/c1.7.1042.0000000000000001/a", "/txc/a/c1.1.1.0000000000000001/a",
		"txc/test/c1.7.1042.0000000000000001/a'; DROP TABLE x", "txc/a/c1.7.1.0000000000000001/a/", "4660_dHhjL3Rlc3Q=_YQ==",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		cluster, id, mark, participant, ok := txc.ParseBranchName(s)
		if !ok {
			if cluster != "" || participant != "" || mark != 0 || !id.IsZero() {
				t.Fatalf("%q is not ours, and something is read from it", s)
			}
			return
		}
		if again := txc.BranchName(cluster, id, mark, participant); again != s {
			t.Fatalf("%q is taken for ours, which would be %q", s, again)
		}
		cut := strings.LastIndexByte(s[:strings.LastIndexByte(s, '/')], '.')
		if gtrid, bqual := s[:cut], s[cut+1:]; len(gtrid) > 64 || len(bqual) > 64 || len(s) > 199 {
			t.Fatalf("%q is too long: %d and %d bytes", s, len(gtrid), len(bqual))
		}
	})
}
