package engine

import (
	"encoding/binary"
	"fmt"

	"github.com/txc-dev/txc"
)

// The store is one ordered set of pairs; the first byte of a key says what it is.
const (
	spaceData    = 'd' // d<key>: a committed value
	spaceIntent  = 'i' // i<id, mark>: a promised or settled branch
	spaceJournal = 'j' // j<number>: what one batch says of branches
	spaceMemory  = 'm' // mmemory: identity, stamp, witnesses; mlast: the keys of the last batch
	spaceProof   = 't' // t<id, mark>: how a branch ended, until it is forgotten
)

var (
	keyMemory = []byte("mmemory")
	keyLast   = []byte("mlast")
)

// Name is what tells branches of one participant apart.
type Name struct {
	ID   txc.ID
	Mark uint64
}

// Compare orders names by id, then mark.
func (n Name) Compare(o Name) int {
	if c := n.ID.Compare(o.ID); c != 0 {
		return c
	}
	switch {
	case n.Mark < o.Mark:
		return -1
	case n.Mark > o.Mark:
		return 1
	}
	return 0
}

// nameLen is the length of a name inside a key: big endian, so that keys sort as names do.
const nameLen = 4 + 4 + 8 + 8

func (n Name) appendTo(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, n.ID.Coordinator)
	b = binary.BigEndian.AppendUint32(b, n.ID.Epoch)
	b = binary.BigEndian.AppendUint64(b, n.ID.Sequence)
	return binary.BigEndian.AppendUint64(b, n.Mark)
}

func parseName(key []byte) (Name, error) {
	if len(key) != 1+nameLen {
		return Name{}, fmt.Errorf("%w: key %x does not name a branch", txc.ErrRefused, key)
	}
	return nameIn(key[1:]), nil
}

// nameIn reads the name that b begins with.
func nameIn(b []byte) Name {
	return Name{
		ID: txc.ID{
			Coordinator: binary.BigEndian.Uint32(b),
			Epoch:       binary.BigEndian.Uint32(b[4:]),
			Sequence:    binary.BigEndian.Uint64(b[8:]),
		},
		Mark: binary.BigEndian.Uint64(b[16:]),
	}
}

// Pair is one entry of the store; Gone: it is removed.
type Pair struct {
	Key, Value []byte
	Gone       bool
}

// Reader reads the store as of the last batch that was reported written. An error ends the core: nothing more is
// promised or answered.
type Reader interface {
	// Get reads one value; the bytes are the caller's, and never change.
	Get(key []byte) (value []byte, found bool, err error)
	// Scan calls f for every key with the prefix, in order, until f returns an error, which it returns. Key and value
	// are valid only during the call.
	Scan(prefix []byte, f func(key, value []byte) error) error
}

// UserKey takes the key of a committed value apart; ok is false for every other key of the store.
func UserKey(key []byte) (user []byte, ok bool) {
	if len(key) < 2 || key[0] != spaceData {
		return nil, false
	}
	return key[1:], true
}

// DataKey is where the store keeps a committed value.
func DataKey(user []byte) []byte { return append([]byte{spaceData}, user...) }
