package faultfs

import (
	"context"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// node is a file or directory as the kernel knows it.
type node struct {
	fs.Inode
	disk   *Disk
	number uint64
	notes  bool // the file of notes
}

// The kernel asks for these.
var (
	_ fs.NodeCreater   = (*node)(nil)
	_ fs.NodeMkdirer   = (*node)(nil)
	_ fs.NodeUnlinker  = (*node)(nil)
	_ fs.NodeRmdirer   = (*node)(nil)
	_ fs.NodeRenamer   = (*node)(nil)
	_ fs.NodeOpener    = (*node)(nil)
	_ fs.NodeReader    = (*node)(nil)
	_ fs.NodeWriter    = (*node)(nil)
	_ fs.NodeFsyncer   = (*node)(nil)
	_ fs.NodeFlusher   = (*node)(nil)
	_ fs.NodeGetattrer = (*node)(nil)
	_ fs.NodeSetattrer = (*node)(nil)
	_ fs.NodeStatfser  = (*node)(nil)
)

// child makes the node of a new file or directory.
func (n *node) child(ctx context.Context, number uint64, mode uint32) *fs.Inode {
	return n.NewPersistentInode(ctx, &node{disk: n.disk, number: number}, fs.StableAttr{Mode: mode, Ino: number})
}

func (n *node) Create(ctx context.Context, name string, _, _ uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	number, err := n.disk.make(Create, n.number, name)
	if err != 0 {
		return nil, nil, 0, err
	}
	attributes(&out.Attr, syscall.S_IFREG, 0)
	return n.child(ctx, number, syscall.S_IFREG), nil, fuse.FOPEN_KEEP_CACHE, 0
}

func (n *node) Mkdir(ctx context.Context, name string, _ uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	number, err := n.disk.make(Mkdir, n.number, name)
	if err != 0 {
		return nil, err
	}
	attributes(&out.Attr, syscall.S_IFDIR, 0)
	return n.child(ctx, number, syscall.S_IFDIR), 0
}

func (n *node) Unlink(_ context.Context, name string) syscall.Errno { return n.remove(name) }

func (n *node) Rmdir(_ context.Context, name string) syscall.Errno {
	if c := n.GetChild(name); c != nil && len(c.Children()) > 0 {
		return syscall.ENOTEMPTY
	}
	return n.remove(name)
}

func (n *node) remove(name string) syscall.Errno {
	c := n.GetChild(name)
	if c == nil {
		return syscall.ENOENT
	}
	return n.disk.do(Op{Kind: Remove, Node: c.Operations().(*node).number, Dir: n.number, Name: name}, nil)
}

func (n *node) Rename(_ context.Context, name string, to fs.InodeEmbedder, toName string, flags uint32) syscall.Errno {
	c := n.GetChild(name)
	if c == nil {
		return syscall.ENOENT
	}
	if flags != 0 {
		return syscall.EINVAL
	}
	return n.disk.do(Op{
		Kind: Rename, Node: c.Operations().(*node).number, Dir: n.number, Name: name, ToDir: to.(*node).number, ToName: toName,
	}, nil)
}

func (n *node) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if n.notes {
		return nil, fuse.FOPEN_DIRECT_IO, 0
	}
	return nil, fuse.FOPEN_KEEP_CACHE, 0
}

func (n *node) Read(_ context.Context, _ fs.FileHandle, b []byte, at int64) (fuse.ReadResult, syscall.Errno) {
	if n.notes {
		return fuse.ReadResultData(nil), 0
	}
	return fuse.ReadResultData(b[:n.disk.read(n.number, b, at)]), 0
}

func (n *node) Write(_ context.Context, _ fs.FileHandle, b []byte, at int64) (uint32, syscall.Errno) {
	if n.notes {
		return uint32(len(b)), n.disk.do(Op{Kind: Note, Data: append([]byte(nil), b...)}, nil)
	}
	if err := n.disk.write(n.number, b, at); err != 0 {
		return 0, err
	}
	return uint32(len(b)), 0
}

// Fsync is asked of directories too.
func (n *node) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	return n.disk.do(Op{Kind: Sync, Node: n.number}, nil)
}

func (n *node) Flush(context.Context, fs.FileHandle) syscall.Errno { return 0 }

func (n *node) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	attributes(&out.Attr, n.Mode(), n.disk.size(n.number))
	return 0
}

// Setattr takes a new size; modes and times are nobody's concern here.
func (n *node) Setattr(_ context.Context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if size, ok := in.GetSize(); ok && !n.notes {
		if err := n.disk.resize(n.number, int64(size)); err != 0 {
			return err
		}
	}
	attributes(&out.Attr, n.Mode(), n.disk.size(n.number))
	return 0
}

// Statfs tells of more room than anybody asks for: what is full fails by a Fault.
func (n *node) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	const blocks = 1 << 40 / pageSize
	out.Bsize, out.Frsize, out.Blocks, out.Bfree, out.Bavail, out.NameLen = pageSize, pageSize, blocks, blocks, blocks, 255
	return 0
}

func attributes(out *fuse.Attr, kind uint32, size int64) {
	out.Mode, out.Nlink, out.Size = kind|0o600, 1, uint64(size)
	if kind&syscall.S_IFDIR != 0 {
		out.Mode, out.Nlink = kind|0o700, 2
	}
	out.Blocks = (out.Size + 511) / 512
}
