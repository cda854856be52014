package faultfs

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// root is the number of the root directory.
const root = 1

// Disk is what is mounted. It is safe for concurrent use.
type Disk struct {
	mu    sync.Mutex
	fault Fault
	count int // changes so far, but for notes
	ops   []Op
	last  uint64 // the highest number of a file or directory
	files map[uint64]*content
}

// NewDisk is an empty one, on which a change will fail.
func NewDisk(f Fault) *Disk {
	return &Disk{fault: f, last: root, files: map[uint64]*content{}}
}

// Ops are all changes so far, notes included.
func (d *Disk) Ops() []Op {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.ops)
}

// Struck tells whether the fault has come to pass.
func (d *Disk) Struck() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fault.At > 0 && d.count >= d.fault.At
}

// Notes are the notes before the change with this index.
func Notes(ops []Op) (all []string) {
	for _, o := range ops {
		if o.Kind == Note {
			all = append(all, string(bytes.TrimSpace(o.Data)))
		}
	}
	return all
}

// do notes a change and does it, unless it is to fail.
func (d *Disk) do(o Op, apply func()) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if o.Kind != Note {
		d.count++
		if d.fault.strikes(d.count) || d.made(o) {
			o.Err = d.fault.Err
		}
	}
	d.ops = append(d.ops, o)
	if o.Err == 0 && apply != nil {
		apply()
	}
	return o.Err
}

// made tells whether this is the making that is to fail.
func (d *Disk) made(o Op) bool {
	if d.fault.Made == "" || d.fault.At > 0 || o.Kind != Create || !strings.HasSuffix(o.Name, d.fault.Made) {
		return false
	}
	d.fault.At = d.count
	return true
}

// make notes a new file or directory.
func (d *Disk) make(kind Kind, dir uint64, name string) (uint64, syscall.Errno) {
	d.mu.Lock()
	d.last++
	node := d.last
	d.mu.Unlock()
	err := d.do(Op{Kind: kind, Node: node, Dir: dir, Name: name}, func() {
		if kind == Create {
			d.files[node] = &content{pages: map[int64][]byte{}}
		}
	})
	return node, err
}

func (d *Disk) write(node uint64, b []byte, at int64) syscall.Errno {
	b = bytes.Clone(b)
	return d.do(Op{Kind: Write, Node: node, At: at, Data: b}, func() { d.files[node].write(b, at) })
}

func (d *Disk) resize(node uint64, size int64) syscall.Errno {
	return d.do(Op{Kind: Resize, Node: node, Size: size}, func() { d.files[node].resize(size) })
}

func (d *Disk) read(node uint64, b []byte, at int64) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.files[node].read(b, at)
}

func (d *Disk) size(node uint64) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.files[node]; f != nil {
		return f.size
	}
	return 0
}

// pageSize is that of a file's pages in memory; absent ones are zeros.
const pageSize = 4096

// content is what a file holds.
type content struct {
	size  int64
	pages map[int64][]byte
}

func (c *content) write(b []byte, at int64) {
	c.size = max(c.size, at+int64(len(b)))
	for len(b) > 0 {
		n, from := at/pageSize, at%pageSize
		if c.pages[n] == nil {
			c.pages[n] = make([]byte, pageSize)
		}
		done := copy(c.pages[n][from:], b)
		b, at = b[done:], at+int64(done)
	}
}

func (c *content) read(b []byte, at int64) int {
	if at >= c.size {
		return 0
	}
	b = b[:min(int64(len(b)), c.size-at)]
	clear(b)
	for done := 0; done < len(b); {
		n, from := (at+int64(done))/pageSize, (at+int64(done))%pageSize
		step := int(min(pageSize-from, int64(len(b)-done)))
		if p := c.pages[n]; p != nil {
			copy(b[done:done+step], p[from:])
		}
		done += step
	}
	return len(b)
}

func (c *content) resize(size int64) {
	if size < c.size {
		maps.DeleteFunc(c.pages, func(n int64, _ []byte) bool { return n*pageSize >= size })
		if p := c.pages[size/pageSize]; p != nil {
			clear(p[size%pageSize:])
		}
	}
	c.size = size
}
