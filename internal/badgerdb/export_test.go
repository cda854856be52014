package badgerdb

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
