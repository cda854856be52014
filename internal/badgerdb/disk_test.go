package badgerdb

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestDiskIsMeasured(t *testing.T) {
	dir := t.TempDir()
	d := examine(dir)
	if d.Err != nil || d.Sync <= 0 || d.FileSystem == "" {
		t.Errorf("%+v", d)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("the measurement leaves %v behind, %v", left, err)
	}
	if d = examine(filepath.Join(dir, "nowhere")); d.Err == nil {
		t.Error("a directory that is not there was measured")
	}
}

func TestFindingsAboutADisk(t *testing.T) {
	rows := []struct {
		name string
		disk Disk
		find string
	}{
		{"a disk in order", Disk{FileSystem: "ext4", Sync: time.Millisecond}, ""},
		{"a file system in memory", Disk{FileSystem: tmpfs, Volatile: true, Sync: 400}, "disk-volatile"},
		{"a sync that does nothing", Disk{FileSystem: "ext4", Sync: 400}, "disk-no-sync"},
		{"a disk that could not be measured", Disk{FileSystem: "ext4", Err: errors.New("full")}, "disk-not-measured"},
	}
	for _, row := range rows {
		got := ""
		for _, f := range row.disk.Findings() {
			got += f.Name
		}
		if got != row.find {
			t.Errorf("%s: found %q, want %q", row.name, got, row.find)
		}
	}
}
