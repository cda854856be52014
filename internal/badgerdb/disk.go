package badgerdb

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/txc-dev/txc/internal/protocol"
)

// Version is that of what lies below.
const Version = "badger v4"

// Disk is what is known of the disk below a directory, as of its opening. What syncs promise cannot be seen from here;
// what can be seen is a file system in memory, and a sync that is quicker than any disk.
type Disk struct {
	FileSystem string        // its kind; a number where we know no name
	Sync       time.Duration // of one synced page: the middle one of several; 0: not measured
	Volatile   bool          // it is in memory: nothing of it survives a power loss
	Err        error         // why nothing was measured
}

const (
	probes  = 5
	page    = 4 << 10
	tooFast = 5 * time.Microsecond // a write and a sync take longer on every disk; only a sync that does nothing is this quick
)

// fileSystems are the kinds with a name, by statfs's number.
var fileSystems = map[uint32]string{
	0xEF53: "ext4", 0x58465342: "xfs", 0x9123683E: "btrfs", 0x2FC12FC1: "zfs", 0x794C7630: "overlay", 0x6969: "nfs", 0x65735546: "fuse",
	0x01021994: tmpfs, 0x858458F6: ramfs,
}

const (
	tmpfs = "tmpfs"
	ramfs = "ramfs"
)

// examine measures what a sync takes, on a file without a name, which a crash leaves nothing of.
func examine(dir string) Disk {
	var d Disk
	var st syscall.Statfs_t
	if d.Err = syscall.Statfs(dir, &st); d.Err != nil {
		return d
	}
	kind := uint32(st.Type)
	if d.FileSystem = fileSystems[kind]; d.FileSystem == "" {
		d.FileSystem = fmt.Sprintf("0x%x", kind)
	}
	d.Volatile = d.FileSystem == tmpfs || d.FileSystem == ramfs
	f, err := os.CreateTemp(dir, "sync-*")
	if err != nil {
		d.Err = err
		return d
	}
	if d.Err = os.Remove(f.Name()); d.Err == nil {
		d.Sync, d.Err = measure(f)
	}
	d.Err = errors.Join(d.Err, f.Close())
	return d
}

func measure(f *os.File) (time.Duration, error) {
	all := make([]time.Duration, probes)
	data := make([]byte, page)
	for i := range all {
		data[0] = byte(i + 1)
		began := time.Now()
		if _, err := f.WriteAt(data, 0); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		all[i] = time.Since(began)
	}
	slices.Sort(all)
	return max(all[probes/2], 1), nil
}

// Disk tells of the disk below the directory.
func (d *DB) Disk() Disk { return d.disk }

// Findings says what is wrong with it, and what to do; what is about this very directory.
func (d Disk) Findings() []protocol.Finding {
	var all []protocol.Finding
	find := func(name, format string, args ...any) {
		all = append(all, protocol.Finding{Name: name, Severity: "warn", Text: fmt.Sprintf(format, args...)})
	}
	switch {
	case d.Volatile:
		find("disk-volatile", "it is kept on %s, in memory: a power loss takes all of it; move it to a disk", d.FileSystem)
	case d.Err != nil:
		find("disk-not-measured", "what a sync takes could not be measured: %v; look at the disk, then start it again", d.Err)
	case d.Sync < tooFast:
		find("disk-no-sync", "a synced write took %v, which no disk can: syncs seem to be switched off (eatmydata, a mount or virtual disk that ignores them); see to that", d.Sync)
	}
	return all
}
