package main

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc/cmd/internal/children"
)

// The whole story with real processes: the coordinator and a participant die by SIGKILL, and no money is lost.
func TestDemoHolds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "story")
	began := time.Now()
	stdout, stderr, exit := command(t, "", "demo", "--data", dir, "-o", "json")
	if exit != 0 {
		t.Fatalf("exit code %d: %s%s", exit, stdout, stderr)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v: more than people watch", took)
	}
	valid(t, "demo", stdout)
	if o := decode[auditObject](t, stdout); !o.Holds || o.Data != dir {
		t.Errorf("%s", stdout)
	}
	for _, moment := range []string{"aborted", "SIGKILL", "in doubt: 1", "told again", "commit sent", "could not be asked: bank-b", "The audit holds", "Next, try it yourself"} {
		if !strings.Contains(stderr, moment) {
			t.Errorf("the story does not tell of %q:\n%s", moment, stderr)
		}
	}
	valid(t, "verified", must(t, "log", "verify", "--data", filepath.Join(dir, "coordinator"), "-o", "json"))
	if _, stderr, exit := command(t, "", "demo", "--data", dir); exit != 2 || !strings.Contains(stderr, "not empty") {
		t.Errorf("a directory that is in use: %d %s", exit, stderr)
	}
}

func must(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, exit := command(t, "", args...)
	if exit != 0 {
		t.Fatalf("txc %s: %d %s", strings.Join(args, " "), exit, stderr)
	}
	return stdout
}

// An audit that does not hold fails the demonstration.
func TestDemoFailsWhenMoneyIsMissing(t *testing.T) {
	dir := t.TempDir()
	d := &demo{p: &program{stdout: io.Discard, stderr: io.Discard, now: time.Now}, ctx: t.Context(), out: io.Discard, dir: dir, Group: children.New("", dir), began: time.Now()}
	b := newSite(t)
	b.dir = dir
	for _, name := range devParticipants {
		b.join(name)
	}
	b.must(0, `branches:
- {participant: bank-a, kv: [{put: {key: alice, value: "45"}}]}
- {participant: bank-b, kv: [{put: {key: bob, value: "104"}}]}
- {participant: ledger, kv: [{put: {key: transfer-1, value: "30"}}, {put: {key: transfer-3, value: "20"}}, {put: {key: transfer-4, value: "5"}}]}
`, "run", "-f", "-")
	for _, name := range devParticipants {
		b.members[name].stop(t)
	}
	if err := d.audit(); err == nil || !strings.Contains(err.Error(), "does not hold") {
		t.Errorf("one coin is missing, and the audit says %v", err)
	}
}
