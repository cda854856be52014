package badgerdb

import (
	"encoding/binary"
	"errors"
	"slices"
)

// block is one block of a table: entries, where each begins, their number; and behind those the checksum and its size.
// An entry is how many bytes of the first entry's key it shares, how many of its own follow, those, and the value.
// Numbers inside are little-endian, as the machine writes them; those around are big-endian.
type block struct {
	data    []byte // the entries
	offsets []byte // four bytes each
}

const entryHead = 4

// block reads and checks one block.
func (t *table) block(i int) (block, error) {
	place := t.place(i)
	bad := func(why string) (block, error) { return block{}, damaged(t.file.path, "block %d: %s", i, why) }
	data := t.file.data
	if uint64(place.offset)+uint64(place.len) > uint64(len(data)) || place.len < 4 {
		return bad("outside of the file")
	}
	data = data[place.offset : place.offset+place.len]
	sumLen := binary.BigEndian.Uint32(data[len(data)-4:])
	data = data[:len(data)-4]
	if uint64(sumLen)+4 > uint64(len(data)) {
		return bad("size of the checksum")
	}
	sum := data[len(data)-int(sumLen):]
	data = data[:len(data)-int(sumLen)]
	if err := checkSum(data, sum); err != nil {
		return bad(err.Error())
	}
	count := binary.BigEndian.Uint32(data[len(data)-4:])
	data = data[:len(data)-4]
	if count == 0 || uint64(count)*4 > uint64(len(data)) {
		return bad("number of entries")
	}
	cut := len(data) - int(count)*4
	return block{data: data[:cut], offsets: data[cut:]}, nil
}

func (b block) count() int { return len(b.offsets) / 4 }

func (b block) offset(i int) int {
	if i == b.count() {
		return len(b.data)
	}
	return int(binary.LittleEndian.Uint32(b.offsets[4*i:]))
}

var errEntry = errors.New("entry out of bounds")

// entry gives one entry's key, with its version, and value.
func (b block) entry(i int) (key, value []byte, err error) {
	shared, own, value, err := b.parts(i)
	if err != nil || shared == 0 {
		return own, value, err
	}
	_, base, _, err := b.parts(0)
	if err != nil || shared > len(base) {
		return nil, nil, errEntry
	}
	return slices.Concat(base[:shared], own), value, nil
}

func (b block) parts(i int) (shared int, own, value []byte, err error) {
	from, to := b.offset(i), b.offset(i+1)
	if from < 0 || to > len(b.data) || to-from < entryHead {
		return 0, nil, nil, errEntry
	}
	e := b.data[from:to]
	shared = int(binary.LittleEndian.Uint16(e))
	n := int(binary.LittleEndian.Uint16(e[2:]))
	if entryHead+n > len(e) {
		return 0, nil, nil, errEntry
	}
	return shared, e[entryHead : entryHead+n : entryHead+n], e[entryHead+n:], nil
}
