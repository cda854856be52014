package disk_test

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/mounts"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/suite"
)

var (
	size   = suite.SizeFlag()
	seed   = suite.SeedFlag()
	victim = flag.String("victim", "", "run as a store that is tried, in this directory: log, kv, …; not for people")
	dir    = flag.String("dir", "", "the directory of -victim")

	patience = flag.Duration("patience", 20*time.Second, "how long -victim has for a Close")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *victim != "" {
		os.Exit(runVictim(*victim, *dir))
	}
	procs.Main(mounted{m})
}

// mounted takes away whatever the tests leave mounted.
type mounted struct{ m *testing.M }

func (m mounted) Run() int { return mounts.Main(m.m) }
