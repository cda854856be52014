package rpc_test

import (
	"errors"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/rpc"
)

// FuzzBranch: what a called service says of its branch has one form; anything else dooms the transaction.
func FuzzBranch(f *testing.F) {
	for _, s := range []string{"bank-a/18446744073709551615/4294967295", "a/0/0", "a/01/1", "a/1/+1", "A/1/1", "a/1/1/1", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, e, err := rpc.ParseBranch(s)
		if err != nil {
			if !errors.Is(err, txc.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		if again := rpc.FormatBranch(name, e); again != s {
			t.Fatalf("%q is taken for %q", s, again)
		}
	})
}
