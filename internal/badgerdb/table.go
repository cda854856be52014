package badgerdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"sort"
	"strings"

	"github.com/dgraph-io/badger/v4/fb"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/y"
	"google.golang.org/protobuf/proto"
)

// Badger's table: blocks, then the index of the blocks, its size, its checksum (a protobuf message), and that one's size.
type table struct {
	file   *mapped
	index  *fb.TableIndex
	bloom  y.Filter
	blocks int
	last   []byte // the highest key, with its version; nil: not known

	salvage bool // pass over blocks that cannot be read
}

type blockPlace struct {
	first       []byte // the first key, with its version
	offset, len uint32
}

// openTable reads the index. Its checksum covers it, so that behind it nothing needs to be doubted but the blocks.
func openTable(path string) (*table, error) {
	file, err := mapFile(path)
	if err != nil {
		return nil, Refused("a table is missing (%v): restore the whole data directory from a backup", err)
	}
	t := &table{file: file}
	if err := t.readIndex(); err != nil {
		return nil, errors.Join(damaged(path, "%v", err), file.close())
	}
	return t, nil
}

func (t *table) readIndex() (err error) {
	index, err := tableIndex(t.file.data)
	if err != nil {
		return err
	}
	defer func() { // of the flatbuffer's accessors
		if p := recover(); p != nil {
			err = fmt.Errorf("index: %v", p)
		}
	}()
	t.index = fb.GetRootAsTableIndex(index, 0)
	t.bloom = t.index.BloomFilterBytes()
	t.blocks = t.index.OffsetsLength()
	if t.blocks == 0 {
		return errors.New("no blocks")
	}
	return nil
}

// place reads where a block is. There are many of them, and few are ever asked for.
func (t *table) place(i int) blockPlace {
	var o fb.BlockOffset
	if !t.index.Offsets(&o, i) {
		return blockPlace{}
	}
	return blockPlace{first: o.KeyBytes(), offset: o.Offset(), len: o.Len()}
}

// tableIndex finds the index from the end of the file, and checks it.
func tableIndex(data []byte) ([]byte, error) {
	take := func(n uint32) ([]byte, bool) {
		if uint64(n) > uint64(len(data)) {
			return nil, false
		}
		b := data[len(data)-int(n):]
		data = data[:len(data)-int(n)]
		return b, true
	}
	number := func() uint32 {
		if b, ok := take(4); ok {
			return binary.BigEndian.Uint32(b)
		}
		return 1<<32 - 1
	}
	sum, ok := take(number())
	if !ok {
		return nil, errors.New("size of the checksum")
	}
	index, ok := take(number())
	if !ok {
		return nil, errors.New("size of the index")
	}
	return index, checkSum(index, sum)
}

// checkSum compares bytes with a checksum in Badger's form. Badger writes only one kind of it.
func checkSum(b, sum []byte) error {
	var want pb.Checksum
	if err := proto.Unmarshal(sum, &want); err != nil {
		return fmt.Errorf("checksum: %w", err)
	}
	if want.GetAlgo() != pb.Checksum_CRC32C || uint64(crc32.Checksum(b, castagnoli)) != want.GetSum() {
		return errors.New("checksum")
	}
	return nil
}

// check reads every block that is not lazy, and the last one, which tells the highest key. Lazy keys lie above all
// others.
func (t *table) check(lazy string) error {
	eager := sort.Search(t.blocks, func(i int) bool {
		first := t.place(i).first
		return len(first) > 0 && strings.IndexByte(lazy, first[0]) >= 0
	})
	for i := range eager {
		if _, err := t.block(i); err != nil {
			return err
		}
	}
	b, err := t.block(t.blocks - 1)
	if err != nil {
		return err
	}
	t.last, _, err = b.entry(b.count() - 1)
	if err != nil {
		return damaged(t.file.path, "block %d: %v", t.blocks-1, err)
	}
	return nil
}

// get finds the newest value of a key in this table.
func (t *table) get(key []byte) (v version, ok bool, err error) {
	if len(t.bloom) > 0 && !t.bloom.MayContain(y.Hash(key)) {
		return version{}, false, nil
	}
	c := cursor{table: t}
	if err := c.seek(key); err != nil || c.done() {
		return version{}, false, err
	}
	found, at, _ := splitKey(c.key)
	if !bytes.Equal(found, key) {
		return version{}, false, nil
	}
	v, err = c.version(at)
	return v, err == nil, err
}

// cursor walks over a table's entries.
type cursor struct {
	table *table
	at    int // block
	i     int // entry in it
	block block
	key   []byte // of the entry, with its version
	value []byte
}

func (c *cursor) done() bool { return c.at >= c.table.blocks }

// seek goes to the newest entry of the first key that is not below this one.
func (c *cursor) seek(key []byte) error {
	target := append(bytes.Clone(key), make([]byte, versionSize)...) // versions count down: the newest is zeros
	c.at = max(0, sort.Search(c.table.blocks, func(i int) bool { return compareKeys(c.table.place(i).first, target) > 0 })-1)
	if err := c.load(); err != nil {
		return err
	}
	for !c.done() && compareKeys(c.key, target) < 0 {
		if err := c.next(); err != nil {
			return err
		}
	}
	return nil
}

// load goes to the first entry of the block.
func (c *cursor) load() (err error) {
	c.i = 0
	if c.done() {
		return nil
	}
	c.block, err = c.table.block(c.at)
	for err != nil && c.table.salvage && c.at+1 < c.table.blocks {
		c.at++
		c.block, err = c.table.block(c.at)
	}
	if err != nil && c.table.salvage {
		c.at++
		return nil
	}
	if err != nil {
		return err
	}
	return c.read()
}

func (c *cursor) next() error {
	if c.i++; c.i < c.block.count() {
		return c.read()
	}
	c.at++
	return c.load()
}

func (c *cursor) read() (err error) {
	c.key, c.value, err = c.block.entry(c.i)
	if err != nil {
		return damaged(c.table.file.path, "block %d: %v", c.at, err)
	}
	return nil
}

// version reads the value that the cursor is at: meta, user meta, expiry varint, bytes.
func (c *cursor) version(at uint64) (version, error) {
	if len(c.value) < 3 {
		return version{}, damaged(c.table.file.path, "block %d: short value", c.at)
	}
	_, n := binary.Uvarint(c.value[2:])
	if n <= 0 || c.value[0]&metaPointer != 0 {
		return version{}, damaged(c.table.file.path, "block %d: value", c.at)
	}
	return version{at: at, deleted: c.value[0]&metaDelete != 0, value: c.value[2+n:]}, nil
}

// compareKeys orders keys with versions as Badger does: by key, then the newest first.
func compareKeys(a, b []byte) int {
	if len(a) < versionSize || len(b) < versionSize {
		return bytes.Compare(a, b)
	}
	i, j := len(a)-versionSize, len(b)-versionSize
	if c := bytes.Compare(a[:i], b[:j]); c != 0 {
		return c
	}
	return bytes.Compare(a[i:], b[j:])
}
