package mounts_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/txc-dev/txc/tests/internal/mounts"
	"github.com/txc-dev/txc/tests/internal/suite"
)

func TestMain(m *testing.M) { os.Exit(mounts.Main(m)) }

// A power cut takes what was not synced, keeps what was, and lets nothing more be written.
func TestACutTakesWhatWasNotSynced(t *testing.T) {
	suite.Need(t, mounts.Needed())
	m, err := mounts.Ext4(t.TempDir(), 32<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Remove(); err != nil {
			t.Error(err)
		}
	})
	write := func(name string, sync bool) error {
		f, err := os.Create(filepath.Join(m.At, name))
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := f.WriteString("content"); err != nil || !sync {
			return err
		}
		return f.Sync()
	}
	if err := write("synced", true); err != nil {
		t.Fatal(err)
	}
	if err := write("unsynced", false); err != nil {
		t.Fatal(err)
	}
	if err := m.Cut(); err != nil {
		t.Fatal(err)
	}
	if err := write("later", true); err == nil {
		t.Error("after the cut something is written")
	}
	if err := m.Unmount(); err != nil {
		t.Fatal(err)
	}
	if err := m.Mount(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(m.At, "synced")); string(text) != "content" {
		t.Errorf("what was synced is %q: %v", text, err)
	}
	if text, err := os.ReadFile(filepath.Join(m.At, "unsynced")); len(text) != 0 {
		t.Errorf("what was not synced is %q: %v", text, err)
	}
}

func TestASmallDiskIsFull(t *testing.T) {
	suite.Need(t, mounts.Needed())
	m, err := mounts.Tmpfs(t.TempDir(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(m.At, "large"), make([]byte, 2<<20), 0o600); err == nil || !strings.Contains(err.Error(), "no space") {
		t.Error(err)
	}
	if err := m.Remove(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(m.At, "large"), nil, 0o600); err != nil {
		t.Errorf("it is still there: %v", err)
	}
}
