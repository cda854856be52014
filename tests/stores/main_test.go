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

	serverKills = flag.Int("server-kills", 15, "servers that are killed, and as many processes, during the transactions over all stores")
)

func TestMain(m *testing.M) { procs.Main(m) }
