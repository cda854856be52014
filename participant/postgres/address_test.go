package postgres

import (
	"errors"
	"strings"
	"testing"

	"github.com/txc-dev/txc"
)

// An address that cannot be read may have a password in it, of which nothing is shown.
func TestErrorsOfAnAddressShowNoPassword(t *testing.T) {
	for _, address := range []string{
		"postgres://app:xxx@secret@h:port/d", "postgres://app:secret/secret@h/d", "postgres://app:secret%zz@h/d", "postgres://app:a b secret@h/d",
		"host=h password='it is secret' sslmode=bogus", `host=h password=it\ is\ secret sslmode=bogus`,
	} {
		_, err := Open(t.Context(), address, Options{Cluster: "test", Name: "orders"})
		if !errors.Is(err, txc.ErrInvalid) || !strings.Contains(err.Error(), "the address cannot be read") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
