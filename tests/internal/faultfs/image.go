package faultfs

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// sector is what a disk writes whole.
const sector = 512

// Keep decides what a power cut leaves of what was never synced.
type Keep struct {
	All bool       // everything: only the processes have died
	Rng *rand.Rand // each sector by a coin, names and sizes up to a drawn point; nil, and not All: nothing
}

// Image makes, in a directory, what a disk would hold after a power cut behind these changes.
func Image(dir string, ops []Op, keep Keep) error {
	kept := durable(ops)
	journal := kept.journal
	if keep.Rng != nil {
		journal += keep.Rng.IntN(len(ops) - journal + 1)
	}
	t := tree{dirs: map[uint64]map[string]uint64{root: {}}, files: map[uint64]*content{}}
	for i, o := range ops {
		switch {
		case o.Err != 0 && o.Kind != Write:
		case o.Kind.names():
			if keep.All || i < journal {
				t.change(o)
			}
		case o.Kind == Write && o.Err == 0 && (keep.All || kept.writes[i]):
			t.write(o, nil)
		case o.Kind == Write && keep.Rng != nil: // one that failed may have reached the disk in parts
			t.write(o, keep.Rng)
		}
	}
	return t.store(root, dir)
}

// synced is what syncs have made durable.
type synced struct {
	writes  map[int]bool // by index
	journal int          // changes of names and sizes below this index
}

func durable(ops []Op) synced {
	s := synced{writes: map[int]bool{}}
	pending := map[uint64][]int{}
	lastName := map[uint64]int{} // the last change of names and sizes that concerns it, +1
	for i, o := range ops {
		switch {
		case o.Kind == Sync:
			if o.Err == 0 {
				for _, w := range pending[o.Node] {
					s.writes[w] = true
				}
				s.journal = max(s.journal, lastName[o.Node])
			}
			delete(pending, o.Node) // of a sync that failed, the kernel has dropped the pages
		case o.Err != 0:
		case o.Kind == Write:
			pending[o.Node] = append(pending[o.Node], i)
		case o.Kind.names():
			lastName[o.Node], lastName[o.Dir], lastName[o.ToDir] = i+1, i+1, i+1
		}
	}
	return s
}

// tree is a file system that is being made up again.
type tree struct {
	dirs  map[uint64]map[string]uint64
	files map[uint64]*content
}

func (t *tree) change(o Op) {
	switch o.Kind {
	case Create:
		t.file(o.Node)
		t.dirs[o.Dir][o.Name] = o.Node
	case Mkdir:
		t.dirs[o.Node] = map[string]uint64{}
		t.dirs[o.Dir][o.Name] = o.Node
	case Remove:
		delete(t.dirs[o.Dir], o.Name)
	case Rename:
		delete(t.dirs[o.Dir], o.Name)
		t.dirs[o.ToDir][o.ToName] = o.Node
	case Resize:
		t.file(o.Node).resize(o.Size)
	}
}

func (t *tree) file(node uint64) *content {
	if t.files[node] == nil {
		t.files[node] = &content{pages: map[int64][]byte{}}
	}
	return t.files[node]
}

// write writes all of it, or each sector by a coin.
func (t *tree) write(o Op, coin *rand.Rand) {
	f := t.file(o.Node)
	if coin == nil {
		f.write(o.Data, o.At)
		return
	}
	for from := 0; from < len(o.Data); {
		to := min(len(o.Data), from+sector-int(o.At+int64(from))%sector)
		if coin.IntN(2) == 0 {
			f.write(o.Data[from:to], o.At+int64(from))
		}
		from = to
	}
}

// store writes a directory and what is in it; holes stay holes.
func (t *tree) store(node uint64, dir string) error {
	for name, child := range t.dirs[node] {
		path := filepath.Join(dir, name)
		if t.dirs[child] != nil {
			if err := os.Mkdir(path, 0o700); err != nil {
				return fmt.Errorf("make an image: %w", err)
			}
			if err := t.store(child, path); err != nil {
				return err
			}
			continue
		}
		if err := t.files[child].store(path); err != nil {
			return fmt.Errorf("make an image: %w", err)
		}
	}
	return nil
}

func (c *content) store(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = file.Truncate(c.size)
	for n, p := range c.pages {
		if err == nil && n*pageSize < c.size && slices.ContainsFunc(p, func(b byte) bool { return b != 0 }) {
			_, err = file.WriteAt(p[:min(pageSize, c.size-n*pageSize)], n*pageSize)
		}
	}
	return errors.Join(err, file.Close())
}
