package polyglot_test

import (
	"testing"

	"github.com/txc-dev/txc/tests/internal/procs"
)

func TestMain(m *testing.M) { procs.Main(m) }
