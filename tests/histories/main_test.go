package histories_test

import (
	"testing"

	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/suite"
)

var (
	size = suite.SizeFlag()
	seed = suite.SeedFlag()
)

func TestMain(m *testing.M) { procs.Main(m) }
