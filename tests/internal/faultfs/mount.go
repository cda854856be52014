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
)

// Notes is the file in the root that takes the process's own word.
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
	return func() error {
		if err := server.Unmount(); err != nil {
			return fmt.Errorf("unmount %s: %w", dir, err)
		}
		server.Wait()
		return nil
	}, nil
}
