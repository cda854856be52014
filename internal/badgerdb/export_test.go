package badgerdb

import (
	"errors"
	"os"
)

// What the fuzz targets read.
var (
	ParseIdentity = parseIdentity
	ReadManifest  = readManifest
)

// HeadAgain reads a HEAD, and writes what it has read.
func HeadAgain(b []byte) ([]byte, error) {
	number, err := decodeHead("HEAD", b)
	return encodeHead(number), err
}

// WriteIdentity writes the IDENTITY file.
func WriteIdentity(dir string, id Identity) error { return writeIdentity(dir, id) }

// Entry is an entry of Badger's write-ahead file.
func Entry(b []byte) (key, value []byte, size int) {
	e, _, size := readEntry(b)
	return e.key, e.value, size
}

// BreakSync has the next Commit fail when Badger has written it: a pipe cannot be synced.
func (d *DB) BreakSync() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	err = errors.Join(r.Close(), d.ahead.close())
	d.ahead.file = w
	return err
}
