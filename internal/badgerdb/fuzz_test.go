package badgerdb_test

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dgraph-io/badger/v4/pb"
	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/badgerdb"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// FuzzIdentity: an IDENTITY that is taken is, byte for byte, the file that this program writes for what it reads.
func FuzzIdentity(f *testing.F) {
	dir := f.TempDir()
	for _, id := range []badgerdb.Identity{
		{Format: 1, Role: badgerdb.RoleCoordinator, Cluster: "test", Number: 1},
		{Format: 1, Role: badgerdb.RoleKV, Cluster: "test", Name: "bank-a", Instance: [16]byte{1, 15: 9}},
	} {
		f.Add(identityFile(f, dir, id))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		id, err := badgerdb.ParseIdentity("dir", text)
		if err != nil {
			if !errors.Is(err, txc.ErrRefused) || id != (badgerdb.Identity{}) {
				t.Fatalf("%+v, %v", id, err)
			}
			return
		}
		if again := identityFile(t, t.TempDir(), id); !slices.Equal(again, text) {
			t.Fatalf("taken: %q\nwritten: %q", text, again)
		}
	})
}

func identityFile(t testing.TB, dir string, id badgerdb.Identity) []byte {
	t.Helper()
	if err := badgerdb.WriteIdentity(dir, id); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "IDENTITY"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// FuzzHead: HEAD has one form. The body is given; a damaged checksum is another matter.
func FuzzHead(f *testing.F) {
	f.Add([]byte("txcN\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09"))
	f.Fuzz(func(t *testing.T, body []byte) {
		summed := binary.BigEndian.AppendUint32(slices.Clone(body), crc32.Checksum(body, castagnoli))
		for _, b := range [][]byte{body, summed} {
			again, err := badgerdb.HeadAgain(b)
			if err != nil && !errors.Is(err, txc.ErrRefused) || err == nil && !slices.Equal(again, b) {
				t.Fatalf("taken: %x\nwritten: %x, %v", b, again, err)
			}
		}
	})
}

// FuzzManifest: whatever sets of changes stand behind their checksums, the tables that are left are those that the
// generated code's reading of the sets leaves; a set that was cut short counts for nothing.
func FuzzManifest(f *testing.F) {
	set := func(changes ...*pb.ManifestChange) []byte {
		b, err := proto.Marshal(&pb.ManifestChangeSet{Changes: changes})
		if err != nil {
			f.Fatal(err)
		}
		return b
	}
	f.Add(set(&pb.ManifestChange{Id: 1}, &pb.ManifestChange{Id: 2}), set(&pb.ManifestChange{Id: 1, Op: pb.ManifestChange_DELETE}), uint16(0))
	f.Add(set(&pb.ManifestChange{Id: 1}), []byte{}, uint16(3))
	f.Fuzz(func(t *testing.T, first, second []byte, cut uint16) {
		file := append([]byte("Bdgr\x00\x00\x00\x08"), framed(first)...)
		whole := len(file)
		file = append(file, framed(second)...)
		file = file[:max(whole, len(file)-int(cut))]
		sets := [][]byte{first, second}
		if cut > 0 {
			sets = sets[:1]
		}
		path := filepath.Join(t.TempDir(), "MANIFEST")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := badgerdb.ReadManifest(path)
		if err != nil {
			if !errors.Is(err, txc.ErrRefused) {
				t.Fatal(err)
			}
			return
		}
		if want := tables(t, sets); !slices.Equal(got, want) {
			t.Fatalf("tables %v, want %v", got, want)
		}
	})
}

func framed(set []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(set)))
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(set, castagnoli))
	return append(b, set...)
}

func tables(t *testing.T, sets [][]byte) (all []uint64) {
	t.Helper()
	for _, b := range sets {
		var set pb.ManifestChangeSet
		if err := proto.Unmarshal(b, &set); err != nil {
			t.Fatalf("the generated code refuses what was taken: %v", err)
		}
		for _, c := range set.Changes {
			all = slices.DeleteFunc(all, func(n uint64) bool { return n == c.Id })
			if c.Op == pb.ManifestChange_CREATE {
				all = append(all, c.Id)
			}
		}
	}
	slices.Sort(all)
	return all
}

// FuzzEntry: an entry of Badger's write-ahead file lies inside of what was read, whatever lengths it claims.
func FuzzEntry(f *testing.F) {
	f.Add([]byte{0x40, 0, 9, 1, 0, 'k', 0, 0, 0, 0, 0, 0, 0, 1, 'v'})
	f.Add([]byte{0x40, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1, 0, 'k'})
	f.Fuzz(func(t *testing.T, body []byte) {
		b := binary.BigEndian.AppendUint32(slices.Clone(body), crc32.Checksum(body, castagnoli))
		for _, b := range [][]byte{body, b} {
			key, value, size := badgerdb.Entry(b)
			if size < 0 || size > len(b) || len(key)+len(value) > size || size > 0 && len(key) == 0 {
				t.Fatalf("%d bytes of %d: %d of key, %d of value", size, len(b), len(key), len(value))
			}
		}
	})
}
