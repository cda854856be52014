package badgerwal

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

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/badgerdb"
	"github.com/txc-dev/txc/wal"
)

// HEAD is a file of 64 bytes beside Badger: the end of the log as it was last known to be durable. A flipped byte in
// Badger's write-ahead file makes a shorter log in which everything fits together: only HEAD knows better.
//
//	"txcH" | version 1 | 0 0 0 | epoch 4 | 0 4 | mark 8 | LSN 8 | first LSN of its group 8 | hash 16 | 0 4 | crc32c 4
//
// It is written after each durable group and synced at checkpoints and at Close: after a power loss it may be behind
// the log, which is harmless, and never before it.
const (
	fileHead    = "HEAD"
	headSize    = 64
	headMagic   = "txcH"
	headVersion = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// head is what HEAD says. The zero value, LSN 0, is that of a log in which nothing was ever durable.
type head struct {
	epoch uint32
	mark  uint64
	lsn   uint64
	group uint64
	hash  [wal.HashSize]byte
}

func headOf(end wal.Link) head {
	return head{epoch: end.Epoch, mark: end.Mark, lsn: end.Last(), group: end.Before, hash: end.Hash}
}

func (h head) encode() []byte {
	b := append(make([]byte, 0, headSize), headMagic...)
	b = append(b, headVersion, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, h.epoch)
	b = append(b, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint64(b, h.mark)
	b = binary.BigEndian.AppendUint64(b, h.lsn)
	b = binary.BigEndian.AppendUint64(b, h.group)
	b = append(b, h.hash[:]...)
	b = append(b, 0, 0, 0, 0)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func decodeHead(b []byte) (h head, err error) {
	if len(b) != headSize || string(b[:4]) != headMagic || crc32.Checksum(b[:headSize-4], castagnoli) != binary.BigEndian.Uint32(b[headSize-4:]) {
		return head{}, refused("%s is damaged: nobody can tell where the log ended", fileHead)
	}
	if b[4] != headVersion {
		return head{}, fmt.Errorf("%w: %s was %w (format %d, this one knows %d)", txc.ErrRefused, fileHead, wal.ErrNewer, b[4], headVersion)
	}
	h = head{
		epoch: binary.BigEndian.Uint32(b[8:]), mark: binary.BigEndian.Uint64(b[16:]),
		lsn: binary.BigEndian.Uint64(b[24:]), group: binary.BigEndian.Uint64(b[32:]),
	}
	copy(h.hash[:], b[40:])
	if !bytes.Equal(h.encode(), b) {
		return head{}, refused("%s has something where nothing is written: nobody can tell what it says", fileHead)
	}
	return h, nil
}

func readHead(dir string) (head, error) {
	b, err := os.ReadFile(filepath.Join(dir, fileHead))
	if errors.Is(err, fs.ErrNotExist) {
		return head{}, refused("%s is missing in %s: nobody can tell where the log ended", fileHead, dir)
	}
	if err != nil {
		return head{}, fmt.Errorf("read %s: %w", fileHead, err)
	}
	return decodeHead(b)
}

// makeHead makes the HEAD of a new log. It is there before IDENTITY is: one without the other was taken away, unless
// nothing was ever durable.
func makeHead(dir string) error {
	if _, err := os.Lstat(filepath.Join(dir, fileHead)); err == nil {
		h, err := readHead(dir)
		if err != nil {
			return err
		}
		if h.lsn > 0 {
			return badgerdb.Refused("%s in %s says that record %d was durable, but the rest of the log is missing: restore the whole data directory from a backup", fileHead, dir, h.lsn)
		}
	}
	return badgerdb.WriteFile(filepath.Join(dir, fileHead), head{}.encode())
}

// check compares HEAD with the log: its record must be there, and be the same.
func (h head) check(r reader, f *found) error {
	if h.lsn == 0 {
		return nil
	}
	if h.lsn > f.end.Last() {
		return refused("the log ends at record %d, but %s says that record %d of opening %d was durable: its end is lost", f.end.Last(), fileHead, h.lsn, h.epoch)
	}
	b, ok, err := r.Get(groupKey(h.group))
	if err != nil {
		return err
	}
	if !ok {
		return refused("the group of record %d, which %s names, is missing", h.lsn, fileHead)
	}
	g, err := wal.DecodeGroup(b)
	if err != nil {
		return refusedBy(err)
	}
	if g.Last() != h.lsn || wal.Hash(b) != h.hash || g.Epoch != h.epoch || g.Mark != h.mark {
		return refused("record %d is another one than %s says: the log or %s is an old copy", h.lsn, fileHead, fileHead)
	}
	return nil
}

// headFile is the open HEAD.
type headFile struct{ file *os.File }

func openHead(dir string) (*headFile, error) {
	file, err := os.OpenFile(filepath.Join(dir, fileHead), os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", fileHead, err)
	}
	return &headFile{file}, nil
}

func (f *headFile) write(h head) error {
	if _, err := f.file.WriteAt(h.encode(), 0); err != nil {
		return fmt.Errorf("write %s: %w", fileHead, err)
	}
	return nil
}

func (f *headFile) sync() error {
	if err := f.file.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", fileHead, err)
	}
	return nil
}

func (f *headFile) close() error {
	if f == nil || f.file == nil {
		return nil
	}
	err := f.file.Close()
	f.file = nil
	return err
}
