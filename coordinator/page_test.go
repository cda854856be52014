package coordinator_test

import (
	"errors"
	"strconv"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
)

// FuzzPage: a page is refused as no page, or it is exactly one that a list has named.
func FuzzPage(f *testing.F) {
	for _, s := range []string{"", "mc1.7.1042", "77", "077", "0", "m", "mc1.7", "18446744073709551616"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		before, lsn, err := coordinator.ParsePage(s)
		switch {
		case err != nil && !errors.Is(err, txc.ErrInvalid):
			t.Fatal(err)
		case err == nil && s != "" && "m"+before.String() != s && strconv.FormatUint(lsn, 10) != s:
			t.Fatalf("%q is taken for %v, %d", s, before, lsn)
		}
	})
}
