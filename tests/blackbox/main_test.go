package blackbox_test

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/suite"
)

var (
	size  = suite.SizeFlag()
	seed  = suite.SeedFlag()
	kills = flag.Int("kills", 0, "processes that the campaign kills; 0: as many as its size has")
	echo  = flag.String("echo-server", "", "serve bare gRPC calls on this address, for -ratio; not for people")
)

// settleLimit is how long anything may be in doubt once all processes are up.
const settleLimit = 5 * time.Second

func TestMain(m *testing.M) {
	flag.Parse()
	if *echo != "" {
		os.Exit(serveEcho(*echo))
	}
	procs.Main(m)
}
