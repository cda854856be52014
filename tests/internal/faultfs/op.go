package faultfs

import (
	"fmt"
	"syscall"
)

// Kind is what a change does.
type Kind uint8

// The kinds.
const (
	Write  Kind = iota + 1
	Sync        // of a file's content, or of a directory's names
	Create      // a file
	Mkdir
	Remove // a file or directory
	Rename
	Resize
	Note // the process's own word: never fails, counts for nothing
)

func (k Kind) String() string {
	return [...]string{"", "write", "sync", "create", "mkdir", "remove", "rename", "resize", "note"}[k]
}

// names tells whether it is a change of the journal, that of names and sizes.
func (k Kind) names() bool { return k >= Create && k <= Resize }

// Op is one change, in the order in which they came.
type Op struct {
	Kind   Kind
	Node   uint64 // what is written, synced, made, removed, renamed, resized
	At     int64  // Write
	Data   []byte // Write, Note
	Size   int64  // Resize
	Dir    uint64 // where the name is: Create, Mkdir, Remove, Rename
	Name   string
	ToDir  uint64 // Rename
	ToName string
	Err    syscall.Errno // it was made to fail, and did nothing
}

func (o Op) String() string {
	text := fmt.Sprintf("%v of %d", o.Kind, o.Node)
	switch o.Kind {
	case Write:
		text += fmt.Sprintf(": %d bytes at %d", len(o.Data), o.At)
	case Note:
		text = fmt.Sprintf("note %q", o.Data)
	case Resize:
		text += fmt.Sprintf(" to %d", o.Size)
	case Create, Mkdir, Remove, Rename:
		text += fmt.Sprintf(": %d/%s %s", o.Dir, o.Name, o.ToName)
	}
	if o.Err != 0 {
		text += fmt.Sprintf(": %v", o.Err)
	}
	return text
}

// Fault says which change fails, counted from 1 over all but notes; the zero value: none.
type Fault struct {
	At      int
	ForEver bool   // and all that come after
	Made    string // instead: the making of the first file whose name ends so
	Err     syscall.Errno
}

func (f Fault) strikes(n int) bool {
	return f.At > 0 && (n == f.At || f.ForEver && n > f.At)
}

func (f Fault) String() string {
	often := "once"
	if f.ForEver {
		often = "for ever"
	}
	return fmt.Sprintf("%v %s at change %d", f.Err, often, f.At)
}
