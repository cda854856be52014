package badgerwal

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/badgerdb"
	"github.com/txc-dev/txc/wal"
)

// Keys in Badger. Their order matters: a damaged block costs what lies above it in its table when Badger compacts it,
// and only details and groups are missed, whoever is gone, by the one who reads them.
const (
	prefixCheckpoint = 'c' // c<lsn><chunk>: what the fold held at the Checkpoint record with this LSN
	prefixCarried    = 'd' // d<epoch><sequence>: the commit of a user's key whose group was dropped
	prefixSummary    = 'i' // i<lsn/4096>: what a block of records has, in few bytes
	prefixKey        = 'k' // k<sha256(key)[16]>: a user's key
	prefixMeta       = 'm' // mfront: how far the history is deleted
	prefixDetail     = 'q' // q<lsn/4096>: the ids of a block
	prefixGroup      = 'r' // r<lsn>: a group
	lazy             = "qr"
)

var keyFront = []byte{prefixMeta, 'f', 'r', 'o', 'n', 't'}

func numbered(prefix byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{prefix}, n)
}

func groupKey(lsn uint64) []byte      { return numbered(prefixGroup, lsn) }
func summaryKey(block uint64) []byte  { return numbered(prefixSummary, block) }
func detailKey(block uint64) []byte   { return numbered(prefixDetail, block) }
func checkpointKey(lsn uint64) []byte { return numbered(prefixCheckpoint, lsn) }

func chunkKey(lsn uint64, chunk uint32) []byte {
	return binary.BigEndian.AppendUint32(checkpointKey(lsn), chunk)
}

func carriedKey(id txc.ID) []byte {
	b := binary.BigEndian.AppendUint32([]byte{prefixCarried}, id.Epoch)
	return binary.BigEndian.AppendUint64(b, id.Sequence)
}

func userKey(key string) []byte {
	sum := sha256.Sum256([]byte(key))
	return append([]byte{prefixKey}, sum[:16]...)
}

// keyEntry is what stands under a user's key: the transaction, and the LSN of its commit record.
func keyEntry(id txc.ID, lsn uint64) []byte {
	b := binary.BigEndian.AppendUint32(nil, id.Epoch)
	b = binary.BigEndian.AppendUint64(b, id.Sequence)
	return binary.BigEndian.AppendUint64(b, lsn)
}

func parseKeyEntry(number uint32, b []byte) (id txc.ID, lsn uint64, err error) {
	if len(b) != 20 {
		return id, 0, refused("an entry of the key index has %d bytes", len(b))
	}
	id = txc.ID{Coordinator: number, Epoch: binary.BigEndian.Uint32(b), Sequence: binary.BigEndian.Uint64(b[4:])}
	return id, binary.BigEndian.Uint64(b[12:]), nil
}

// lsnOf reads the number behind a key's prefix.
func lsnOf(key []byte) uint64 {
	if len(key) < 9 {
		return 0
	}
	return binary.BigEndian.Uint64(key[1:])
}

// wayOut is what a person can do about a log that is refused.
const wayOut = "restore the whole data directory from a backup, or accept the loss: txc accept loss --data DIR --reason TEXT"

// refused is damage of the log, with the way out.
func refused(format string, args ...any) error {
	return badgerdb.Refused("%s; %s", fmt.Sprintf(format, args...), wayOut)
}

// refusedBy is what a pure part found, with the way out.
func refusedBy(err error) error {
	if errors.Is(err, wal.ErrNewer) {
		return err // nothing is lost
	}
	return fmt.Errorf("%w; %s", err, wayOut)
}

// reader is what Badger and a Snapshot have in common.
type reader interface {
	Get(key []byte) (value []byte, ok bool, err error)
	ScanFrom(prefix, from []byte, f func(key, value []byte) (more bool, err error)) error
}
