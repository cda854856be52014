package polyglot_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/procs"
)

// installTime bounds `npm ci`.
const installTime = 3 * time.Minute

// sources are what the participant consists of; the packages that it needs are named by the other three.
var (
	sources   = []string{"participant.js", "branches.js", "store.js", "work.js", "asking.js", "ids.js"}
	manifests = []string{"package.json", "package-lock.json", ".npmrc"}
)

// participantFiles is a directory with the participant and its packages, ready to run.
func participantFiles(t *testing.T) (node, dir string) {
	t.Helper()
	node = program(t, "node")
	modules, err := install(t.Context(), program(t, "npm"), t.TempDir)
	if err != nil {
		t.Fatalf("install the participant's packages: %v", err)
	}
	dir = t.TempDir()
	if err := copyAll("node", dir, sources); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return node, dir
}

// program finds a program that this machine may lack: then there is nothing to test here, but in CI that is a failure.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is missing: `make deps` installs it", name)
	}
	t.Skipf("%s is missing: `make deps` installs it", name)
	return ""
}

// install gives a node_modules with exactly what the lock file names. It is kept between runs, under the lock file's
// own hash.
func install(ctx context.Context, npm string, temporary func() string) (string, error) {
	lock, err := os.ReadFile(filepath.Join("node", "package-lock.json"))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(lock)
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = temporary()
	}
	home := filepath.Join(cache, "txc-polyglot", hex.EncodeToString(sum[:8]))
	modules := filepath.Join(home, "node_modules")
	if _, err := os.Stat(modules); err == nil {
		return modules, nil
	}
	if err := os.MkdirAll(filepath.Dir(home), 0o755); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(filepath.Dir(home), "new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh)
	if err := copyAll("node", fresh, manifests); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, installTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, npm, "ci")
	cmd.Dir = fresh
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	// Whoever comes first wins; the other's is the same.
	if err := os.Rename(fresh, home); err != nil {
		if _, there := os.Stat(modules); there != nil {
			return "", err
		}
	}
	return modules, nil
}

func copyAll(from, to string, names []string) error {
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// foreign is the participant in JavaScript, as a server beside a cluster's own.
type foreign struct {
	*procs.Server
	node, script, data string
}

// join adds it to a cluster; it is not started.
func join(t *testing.T, c *procs.Cluster, name string) *foreign {
	t.Helper()
	node, dir := participantFiles(t)
	root, err := procs.Root()
	if err != nil {
		t.Fatal(err)
	}
	f := &foreign{node: node, script: filepath.Join(dir, "participant.js"), data: c.Data(name)}
	address := procs.FreeAddress(t)
	f.Server = procs.NewServer(t, name, address, node, f.script, "--proto", filepath.Join(root, "api", "txc.proto"),
		"--name", name, "--listen", address, "--coordinator", c.Coordinator.Address, "--data", f.data)
	c.Participants = append(c.Participants, f.Server)
	return f
}

// dump is what its journal holds, read offline.
func (f *foreign) dump(t *testing.T) procs.Dump {
	t.Helper()
	r := procs.RunContext(t.Context(), f.node, "", f.script, "--data", f.data, "--dump")
	if r.Code != 0 {
		t.Fatalf("dump of %s: code %d: %s", f.Name, r.Code, r.Stderr)
	}
	d, err := procs.ParseDump(r.Stdout)
	if err != nil {
		t.Fatalf("dump of %s: %v", f.Name, err)
	}
	return d
}
