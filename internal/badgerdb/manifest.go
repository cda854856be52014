package badgerdb

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"slices"

	"github.com/dgraph-io/badger/v4/pb"
	"google.golang.org/protobuf/proto"
)

// Badger's MANIFEST: "Bdgr", two bytes of ours (zero), the version, then sets of changes, each with length and crc32c.
const (
	manifestHead    = 8
	manifestVersion = 8
	maxManifest     = 64 << 20
)

// readManifest gives the numbers of the tables that are in use, ascending.
//
// Badger stops silently at a set that is longer than what is left of the file, and then deletes the tables that it has
// not heard of. That is right where a crash cut the last write short, and wrong where a length was flipped: then the
// checksum fits some shorter length, and here the file is refused.
func readManifest(path string) ([]uint64, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(data) < manifestHead || len(data) > maxManifest || !bytes.Equal(data[:6], []byte("Bdgr\x00\x00")) {
		return nil, damaged(path, "bad head")
	}
	if v := binary.BigEndian.Uint16(data[6:]); v != manifestVersion {
		return nil, damaged(path, "version %d, this program reads %d", v, manifestVersion)
	}
	tables := map[uint64]bool{}
	for rest := data[manifestHead:]; len(rest) > 0; {
		if len(rest) < 8 {
			break // cut short by a crash
		}
		length, sum := binary.BigEndian.Uint32(rest), binary.BigEndian.Uint32(rest[4:])
		body := rest[8:]
		if uint64(length) > uint64(len(body)) {
			if sumFitsPrefix(body, sum) {
				return nil, damaged(path, "wrong length")
			}
			break
		}
		if crc32.Checksum(body[:length], castagnoli) != sum {
			return nil, damaged(path, "checksum")
		}
		if err := applyChanges(tables, body[:length]); err != nil {
			return nil, damaged(path, "%v", err)
		}
		rest = body[length:]
	}
	numbers := make([]uint64, 0, len(tables))
	for n := range tables {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return numbers, nil
}

// sumFitsPrefix tells whether some beginning of b has this checksum, the empty one included.
func sumFitsPrefix(b []byte, sum uint32) bool {
	crc := uint32(0)
	if crc == sum {
		return true
	}
	for i := range b {
		crc = crc32.Update(crc, castagnoli, b[i:i+1])
		if crc == sum {
			return true
		}
	}
	return false
}

func applyChanges(tables map[uint64]bool, b []byte) error {
	var set pb.ManifestChangeSet
	if err := proto.Unmarshal(b, &set); err != nil {
		return err
	}
	for _, c := range set.GetChanges() {
		if c.GetKeyId() != 0 || c.GetCompression() != 0 {
			return fmt.Errorf("table %d is encrypted or compressed", c.GetId())
		}
		switch c.GetOp() {
		case pb.ManifestChange_CREATE:
			if tables[c.GetId()] {
				return fmt.Errorf("table %d twice", c.GetId())
			}
			tables[c.GetId()] = true
		case pb.ManifestChange_DELETE:
			delete(tables, c.GetId())
		default:
			return fmt.Errorf("unknown change %v", c.GetOp())
		}
	}
	return nil
}
