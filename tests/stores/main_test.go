package stores_test

import (
	"flag"
	"testing"

	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/suite"
)

var (
	seed  = suite.SeedFlag()
	kills = flag.Int("kills", 5, "processes and servers that are killed during the transfers")
)

func TestMain(m *testing.M) { procs.Main(m) }
