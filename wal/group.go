package wal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/txc-dev/txc"
)

// MaxGroup bounds an encoded group. Only one record may make a group larger than its records' share, never than this.
const MaxGroup = 512 << 10

// A group is what is written and checked at once: records that follow each other, sealed into the chain.
//
//	version 1 | flags 1 | epoch 4 | mark 8 | first LSN 8 | previous group's first LSN 8 | count 4 | previous hash 16
//	count × (length varint | record) | crc32c 4                                             all numbers big-endian
const (
	groupHead  = 1 + 1 + 4 + 8 + 8 + 8 + 4 + HashSize
	flagMore   = 1 // the same Append goes on in the next group: without that one this one does not count
	lengthSize = 3 // bytes of a record's length varint, at most
	groupRoom  = MaxGroup - groupHead - sumSize
)

// Group is a decoded head, and the records behind it.
type Group struct {
	Epoch    uint32
	Mark     uint64
	First    uint64 // LSN of its first record
	Before   uint64 // first LSN of the group before it; 0 in front of the first
	Count    uint32
	More     bool
	Previous [HashSize]byte
	records  []byte
}

// Last is the LSN of its last record.
func (g Group) Last() uint64 { return g.First + uint64(g.Count) - 1 }

// DecodeGroup checks a group's bytes and takes its head apart; the records share b. An error wraps txc.ErrRefused.
func DecodeGroup(b []byte) (Group, error) {
	bad := func(format string, args ...any) (Group, error) {
		return Group{}, fmt.Errorf("%w: "+format, append([]any{txc.ErrRefused}, args...)...)
	}
	if len(b) < groupHead+sumSize || len(b) > MaxGroup {
		return bad("group of %d bytes", len(b))
	}
	end := len(b) - sumSize
	if crc32.Checksum(b[:end], castagnoli) != binary.BigEndian.Uint32(b[end:]) {
		return bad("group is damaged (checksum)")
	}
	if b[0] > Version {
		return bad("group was %w (format %d, this one knows %d)", ErrNewer, b[0], Version)
	}
	if b[0] != Version || b[1]&^flagMore != 0 {
		return bad("group of format %d, flags %d", b[0], b[1])
	}
	g := Group{More: b[1] == flagMore}
	g.Epoch = binary.BigEndian.Uint32(b[2:])
	g.Mark = binary.BigEndian.Uint64(b[6:])
	g.First = binary.BigEndian.Uint64(b[14:])
	g.Before = binary.BigEndian.Uint64(b[22:])
	g.Count = binary.BigEndian.Uint32(b[30:])
	copy(g.Previous[:], b[34:])
	g.records = b[groupHead:end]
	if g.Count == 0 || uint64(g.Count) > uint64(len(g.records)) || g.First == 0 || g.First+uint64(g.Count) < g.First {
		return bad("group of %d records from %d", g.Count, g.First)
	}
	return g, nil
}

// Each yields the records' encodings in order, with their LSNs; the bytes belong to the group.
func (g Group) Each(f func(lsn uint64, record []byte) error) error {
	u := unpacker{rest: g.records}
	for i := range uint64(g.Count) {
		b := u.take(u.number())
		if u.err != nil {
			break
		}
		if err := f(g.First+i, b); err != nil {
			return err
		}
	}
	if u.err != nil || len(u.rest) > 0 {
		return fmt.Errorf("%w: group at %d does not hold its %d records", txc.ErrRefused, g.First, g.Count)
	}
	return nil
}

// Records yields the records, decoded, in order.
func (g Group) Records(f func(r Record, encoded []byte) error) error {
	return g.Each(func(lsn uint64, b []byte) error {
		r, err := Decode(b)
		if err != nil {
			return fmt.Errorf("record %d: %w", lsn, err)
		}
		r.LSN = lsn
		return f(r, b)
	})
}

// Packer collects encoded records until they are sealed into groups.
type Packer struct {
	buf   []byte // length varint and record, one after another
	marks []mark // where a group must end because the next record would not fit
	since int    // records since the last mark
	from  int    // bytes at the last mark
	total int
}

type mark struct{ bytes, count int }

// Add encodes one more record. An error wraps txc.ErrInvalid, and leaves the packer as it was.
func (p *Packer) Add(r Record) error {
	start := len(p.buf)
	p.buf = append(p.buf, 0, 0, 0)
	buf, err := Encode(p.buf, r)
	if err != nil {
		p.buf = p.buf[:start]
		return err
	}
	p.buf = buf
	size := len(buf) - start - lengthSize
	var length [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(length[:], uint64(size))
	copy(p.buf[start:], length[:n])
	copy(p.buf[start+n:], p.buf[start+lengthSize:])
	p.buf = p.buf[:start+n+size]
	if len(p.buf)-p.from > groupRoom {
		p.marks = append(p.marks, mark{start, p.since})
		p.from, p.since = start, 0
	}
	p.since++
	p.total++
	return nil
}

// Count is the number of records that wait to be sealed.
func (p *Packer) Count() int { return p.total }

// Size is their size in bytes.
func (p *Packer) Size() int { return len(p.buf) }

// Place is a packer's state before an Add, to come back to.
type Place struct{ bytes, marks, since, from, total int }

// Place tells where the packer is.
func (p *Packer) Place() Place { return Place{len(p.buf), len(p.marks), p.since, p.from, p.total} }

// Return forgets everything that was added after the place.
func (p *Packer) Return(to Place) {
	p.buf, p.marks = p.buf[:to.bytes], p.marks[:to.marks]
	p.since, p.from, p.total = to.since, to.from, to.total
}

// Seal makes groups of everything that waits, links them to the chain's end, and moves that end on. The groups share
// one new allocation; the packer is empty afterwards and keeps its buffer.
func (p *Packer) Seal(end *Link) [][]byte {
	if p.total == 0 {
		return nil
	}
	cuts := append(p.marks, mark{len(p.buf), p.since})
	all := make([]byte, 0, len(p.buf)+len(cuts)*(groupHead+sumSize))
	groups := make([][]byte, 0, len(cuts))
	from := 0
	for i, cut := range cuts {
		start := len(all)
		all = end.seal(all, p.buf[from:cut.bytes], uint32(cut.count), i+1 < len(cuts))
		groups = append(groups, all[start:len(all):len(all)])
		from = cut.bytes
	}
	p.buf, p.marks = p.buf[:0], p.marks[:0]
	p.since, p.from, p.total = 0, 0, 0
	return groups
}
