package badgerdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// HEAD, for an owner that asks for one (Options.Head; the log keeps a richer one of its own): the number of the last
// Commit that was durable. Each Commit bears its number too, under keyHead. A flipped byte in Badger's newest write-ahead
// file looks like a write that was cut short, and makes a shorter database in which everything fits together: only HEAD
// knows better.
//
//	"txcN" | version 1 | 0 0 0 | number 8 | crc32c 4
//
// It is written after each Commit, and synced at Open and Close: after a power loss it may be behind the database, which
// is harmless, and never before it.
const (
	headSize    = 20
	headMagic   = "txcN"
	headVersion = 1
)

var keyHead = []byte("\x00head")

func encodeHead(number uint64) []byte {
	b := append(make([]byte, 0, headSize), headMagic...)
	b = append(b, headVersion, 0, 0, 0)
	b = binary.BigEndian.AppendUint64(b, number)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func readHead(dir string) (number uint64, err error) {
	path := filepath.Join(dir, fileHead)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, damaged(path, "it is missing: nobody can tell what was written last")
	}
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", fileHead, err)
	}
	return decodeHead(path, b)
}

func decodeHead(path string, b []byte) (number uint64, err error) {
	end := headSize - 4
	if len(b) != headSize || string(b[:4]) != headMagic || crc32.Checksum(b[:end], castagnoli) != binary.BigEndian.Uint32(b[end:]) {
		return 0, damaged(path, "checksum")
	}
	if b[4] != headVersion {
		return 0, Refused("%s was made by a newer txc (format %d, this one knows %d): use that version", path, b[4], headVersion)
	}
	number = binary.BigEndian.Uint64(b[8:])
	if !bytes.Equal(b, encodeHead(number)) {
		return 0, damaged(path, "something stands where nothing is written")
	}
	return number, nil
}

// makeHead makes the HEAD of a new directory. It is there before IDENTITY is: one that says more than that was kept when
// the rest was taken away.
func makeHead(dir string) error {
	if _, err := os.Lstat(filepath.Join(dir, fileHead)); err == nil {
		number, err := readHead(dir)
		if err != nil {
			return err
		}
		if number > 0 {
			return Refused("%s in %s says that %d writes were durable, but the rest is missing: restore the whole data directory from a backup", fileHead, dir, number)
		}
	}
	return WriteFile(filepath.Join(dir, fileHead), encodeHead(0))
}

// CheckHead compares HEAD with the content: a Commit that was durable must be there.
func (s *Snapshot) CheckHead() error {
	dir := filepath.Dir(s.dir)
	want, err := readHead(dir)
	if err != nil {
		return err
	}
	b, _, err := s.Get(keyHead)
	if err != nil {
		return err
	}
	if has := parseHead(b); has < want {
		return Refused("%s ends with write %d, but %s says that write %d was durable: its end is lost; restore the whole data directory from a backup", dir, has, fileHead, want)
	}
	return nil
}

// parseHead reads what stands under keyHead; 0: nothing yet.
func parseHead(b []byte) uint64 {
	if len(b) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

// headFile is the open HEAD, and the number of the last Commit. The zero value is that of an owner without one.
type headFile struct {
	file   *os.File
	number uint64
}

// openHead goes on where the database ends, and makes that durable.
func (d *DB) openHead() error {
	b, _, err := d.Get(keyHead)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(d.dir, fileHead), os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", fileHead, err)
	}
	d.head = headFile{file, parseHead(b)}
	return errors.Join(d.head.write(), d.head.sync())
}

// stamp is the entry that goes with the next Commit.
func (h *headFile) stamp() entry {
	return entry{keyHead, binary.BigEndian.AppendUint64(nil, h.number+1)}
}

// wrote notes that the Commit with the next number is durable.
func (h *headFile) wrote() error {
	h.number++
	return h.write()
}

func (h *headFile) write() error {
	if _, err := h.file.WriteAt(encodeHead(h.number), 0); err != nil {
		return fmt.Errorf("write %s: %w", fileHead, err)
	}
	return nil
}

func (h *headFile) sync() error {
	if h.file == nil {
		return nil
	}
	if err := h.file.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", fileHead, err)
	}
	return nil
}

func (h *headFile) close() error {
	if h.file == nil {
		return nil
	}
	err := h.file.Close()
	h.file = nil
	return err
}
