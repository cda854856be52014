package console_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/txc-dev/txc/cmd/internal/console"
)

// FuzzSize: a size is refused with words about its flag, or it is the number that its digits say, in bytes that a file
// can have.
func FuzzSize(f *testing.F) {
	for _, s := range []string{"512MiB", "1048576", "4GiB", "9223372036854775807", "8388608TiB", "B", "-1", "1 KiB", "0x1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := console.ParseSize("min-free", s)
		var bad *console.Failure
		switch {
		case err != nil && (!errors.As(err, &bad) || n != 0 || !strings.Contains(bad.Text, "--min-free")):
			t.Fatalf("%q: %d, %v", s, n, err)
		case err == nil && (n > math.MaxInt64 || strings.Trim(s, "0123456789KMGTiB") != ""):
			t.Fatalf("%q is %d", s, n)
		}
	})
}
