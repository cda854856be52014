package procs

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

var raceBinaries = flag.Bool("race-binaries", false, "build the programs under test with the race detector")

// buildTime bounds one `go build`, a cold cache included.
const buildTime = 8 * time.Minute

var binaries struct {
	once sync.Once
	dir  string
	err  error
}

// Main runs a package's tests (a *testing.M, or what is wrapped around it), and removes what was built for them.
func Main(m interface{ Run() int }) {
	code := m.Run()
	if binaries.dir != "" {
		if err := os.RemoveAll(binaries.dir); err != nil {
			fmt.Fprintln(os.Stderr, "remove the built programs:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// Binary is the path of one of the two programs, built on first use.
func Binary(t testing.TB, name string) string {
	t.Helper()
	binaries.once.Do(build)
	if binaries.err != nil {
		t.Fatalf("build the programs: %v", binaries.err)
	}
	return filepath.Join(binaries.dir, name)
}

func build() {
	if binaries.dir, binaries.err = os.MkdirTemp("", "txc-binaries-"); binaries.err != nil {
		return
	}
	root, err := Root()
	if err != nil {
		binaries.err = err
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), buildTime)
	defer cancel()
	args := []string{"build", "-o", binaries.dir + string(filepath.Separator)}
	if *raceBinaries {
		args = append(args, "-race")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./cmd/txc", "./cmd/participant-demo")...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		binaries.err = fmt.Errorf("go build: %w\n%s", err, out)
	}
}

// Root is the module's own directory: the nearest above the test's that has a go.mod.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("find the module: no go.mod above the working directory")
		}
		dir = up
	}
}
