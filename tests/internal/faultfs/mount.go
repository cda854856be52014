package faultfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	fuse "github.com/hanwen/go-fuse/v2/fs"
	fuseopts "github.com/hanwen/go-fuse/v2/fuse"

	"github.com/txc-dev/txc/tests/internal/mounts"
)

// NotesFile is the file in the root that takes the process's own word.
const NotesFile = "notes"

// Mount mounts the disk on an empty directory, under a name that mount tables show. Whoever mounts it must not read or
// write it from the same process.
func Mount(dir, name string, d *Disk) (unmount func() error, err error) {
	if _, err := os.Stat("/dev/fuse"); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("mount a FUSE file system: %w", err)
	}
	long := time.Hour // only this process changes anything
	top := &node{disk: d, number: root}
	server, err := fuse.Mount(dir, top, &fuse.Options{
		MountOptions: fuseopts.MountOptions{FsName: name, Name: "faultfs", DirectMount: true, DisableXAttrs: true, MaxWrite: 128 << 10},
		EntryTimeout: &long, AttrTimeout: &long, NullPermissions: true,
		RootStableAttr: &fuse.StableAttr{Ino: root},
		OnAdd: func(ctx context.Context) {
			notes := &node{disk: d, notes: true, number: 1 << 32}
			top.AddChild(NotesFile, top.NewPersistentInode(ctx, notes, fuse.StableAttr{Mode: syscall.S_IFREG, Ino: notes.number}), true)
		},
	})
	if err != nil {
		return nil, fmt.Errorf("mount a FUSE file system on %s: %w", dir, err)
	}
	return func() error { return end(dir, server) }, nil
}

// endLimit bounds an unmount: the kernel may still be closing the files of a process that has just ended.
const endLimit = 20 * time.Second

// end unmounts, and waits until the kernel has written what it still had.
func end(dir string, server *fuseopts.Server) error {
	if err := mounts.Detach(dir); err != nil {
		return fmt.Errorf("unmount %s: %w", dir, err)
	}
	done := make(chan struct{})
	go func() { server.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-time.After(endLimit):
		return fmt.Errorf("unmount %s: somebody has used it for %v", dir, endLimit)
	}
}
