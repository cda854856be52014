package badgerdb

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/txc-dev/txc"
)

// Roles of a data directory.
const (
	RoleCoordinator = "coordinator"
	RoleKV          = "kv"
)

// Format is the version of the directory's layout that this program writes, and the newest that it reads.
const Format = 1

// maxIdentity bounds the IDENTITY file.
const maxIdentity = 4 << 10

// Identity says whose data a directory holds. It is written once and never changes.
type Identity struct {
	Format   int
	Role     string
	Cluster  string
	Number   uint32   // coordinator
	Name     string   // kv: the participant
	Instance [16]byte // kv: the store's identity, drawn when it was made
}

// identityFile is IDENTITY as it stands on disk. Sum covers every other field: a flipped digit of an instance would
// otherwise be another valid one.
type identityFile struct {
	Format   int    `json:"format"`
	Role     string `json:"role"`
	Cluster  string `json:"cluster"`
	Number   uint32 `json:"number,omitempty"`
	Name     string `json:"name,omitempty"`
	Instance string `json:"instance,omitempty"`
	Sum      string `json:"sum"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (f identityFile) sum() string {
	text := fmt.Sprintf("%d\n%s\n%s\n%d\n%s\n%s", f.Format, f.Role, f.Cluster, f.Number, f.Name, f.Instance)
	return fmt.Sprintf("%08x", crc32.Checksum([]byte(text), castagnoli))
}

// identify reads the directory's IDENTITY and compares it with what the options ask for. A directory that was never
// used gets one; first runs before that, so that whatever it leaves behind exists wherever an IDENTITY does.
func identify(dir string, o Options) (Identity, error) {
	data, err := os.ReadFile(filepath.Join(dir, fileIdentity))
	if errors.Is(err, fs.ErrNotExist) {
		return makeIdentity(dir, o)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("read %s: %w", fileIdentity, err)
	}
	id, err := parseIdentity(dir, data)
	if err != nil {
		return Identity{}, err
	}
	return id, id.check(dir, o)
}

func makeIdentity(dir string, o Options) (Identity, error) {
	if _, err := os.Lstat(filepath.Join(dir, dirBadger)); err == nil {
		return Identity{}, Refused("%s holds data but its %s file is missing: restore that file from a backup of the same directory", dir, fileIdentity)
	}
	if o.Head {
		if err := makeHead(dir); err != nil {
			return Identity{}, err
		}
	}
	if o.First != nil {
		if err := o.First(dir); err != nil {
			return Identity{}, err
		}
	}
	id := Identity{Format: Format, Role: o.Role, Cluster: o.Cluster, Number: o.Number, Name: o.Name}
	if o.Role == RoleKV {
		if _, err := rand.Read(id.Instance[:]); err != nil {
			return Identity{}, fmt.Errorf("draw the store's identity: %w", err)
		}
	}
	return id, writeIdentity(dir, id)
}

// encode is the one form of the file.
func (id Identity) encode() ([]byte, error) {
	f := identityFile{Format: id.Format, Role: id.Role, Cluster: id.Cluster, Number: id.Number, Name: id.Name}
	if id.Instance != ([16]byte{}) {
		f.Instance = hex.EncodeToString(id.Instance[:])
	}
	f.Sum = f.sum()
	data, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", fileIdentity, err)
	}
	return append(data, '\n'), nil
}

func writeIdentity(dir string, id Identity) error {
	data, err := id.encode()
	if err != nil {
		return err
	}
	return WriteFile(filepath.Join(dir, fileIdentity), data)
}

func parseIdentity(dir string, data []byte) (Identity, error) {
	damaged := func(why string) error {
		return Refused("%s in %s is damaged (%s): restore that file from a backup of the same directory", fileIdentity, dir, why)
	}
	var f identityFile
	if len(data) > maxIdentity {
		return Identity{}, damaged("too long")
	}
	dec := json.NewDecoder(strings.NewReader(string(data)))
	if err := dec.Decode(&f); err != nil {
		return Identity{}, damaged(err.Error())
	}
	if f.Format > Format && f.Sum == f.sum() {
		return Identity{}, Refused("%s was made by a newer txc (format %d, this one knows %d): use that version", dir, f.Format, Format)
	}
	if f.Format != Format || f.Sum != f.sum() {
		return Identity{}, damaged("checksum")
	}
	id := Identity{Format: f.Format, Role: f.Role, Cluster: f.Cluster, Number: f.Number, Name: f.Name}
	raw, err := hex.DecodeString(f.Instance)
	if err != nil || len(raw) != 0 && len(raw) != len(id.Instance) {
		return Identity{}, damaged("instance")
	}
	copy(id.Instance[:], raw)
	written, err := id.encode()
	if err != nil || !bytes.Equal(written, data) {
		return Identity{}, damaged("it says more than what was written")
	}
	return id, nil
}

func (id Identity) check(dir string, o Options) error {
	wrong := func(what string, has, want any) error {
		return Refused("%s belongs to %s %v, not %v: name the right directory, or start with the right %s", dir, what, has, want, what)
	}
	switch {
	case id.Role != o.Role:
		return Refused("%s belongs to role %s, not %s: name the right directory", dir, id.Role, o.Role)
	case id.Cluster != o.Cluster:
		return wrong("cluster", id.Cluster, o.Cluster)
	case id.Number != o.Number:
		return wrong("number", id.Number, o.Number)
	case id.Name != o.Name:
		return wrong("name", id.Name, o.Name)
	}
	return nil
}

// Refused is an error that wraps txc.ErrRefused: the files are not what they should be, and nothing was changed.
func Refused(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{txc.ErrRefused}, args...)...)
}
